"""Runs into one folder add up."""

from dataclasses import replace
from pathlib import Path

import pytest
from sample_results import ORDER, exercise_result, submission_result

from bn_helpers.exercises import TASKS
from bn_helpers.grading.ledger import Ledger
from bn_helpers.grading.results import FORMATIVE, MISSING, GradingError, Named, Student

FIRST = [task for task in ORDER if TASKS[task].notebook == "01_normalization"]


@pytest.fixture
def run(tmp_path):
    """Add a run, and give what stands then: by student, the scores of some tasks."""
    (tmp_path / ".graded").mkdir()

    def run(path, results, sandbox="bwrap", roster=None):
        ledger = Ledger(tmp_path)
        students = [Student(name, name, Path(path) / name, own=name) for name in results]
        ledger.add([Path(path)], students, list(results.values()), sandbox, roster)
        ledger.keep()
        run.ledger = ledger
        again = Ledger(tmp_path).graded() if results or ledger.students else ledger
        return {r.student: {e.id: e.score for e in r.exercises} for r in again.results} if ledger.students else {}

    return run


def part(name, tasks, **statuses):
    result = submission_result(name, *(exercise_result(task, status) for task, status in statuses.items()))
    exercises = tuple(exercise for exercise in result.exercises if exercise.id in tasks)
    return replace(result, exercises=exercises, score=sum(e.score for e in exercises), notes=())


def test_parts_add_up_to_what_was_due(run):
    run("part1", {"kim": part("kim", FIRST), "lee": part("lee", FIRST)})
    scores = run("part2", {"kim": part("kim", ["scale_and_shift"])})
    assert list(scores["kim"]) == [*FIRST, "scale_and_shift"]
    assert scores["kim"]["scale_and_shift"] == scores["kim"]["batch_statistics"] == 3.0
    assert scores["lee"]["scale_and_shift"] == 0.0  # due, and not handed in
    assert scores["lee"]["batch_statistics"] == 3.0


def test_what_was_due_is_said_until_it_is_the_whole_course(run, tmp_path):
    run("part1", {"kim": part("kim", FIRST)})
    run("part2", {"kim": part("kim", ["scale_and_shift"])})
    graded = Ledger(tmp_path).graded()
    assert graded.due == "graded: what was due, notebook 1 and 2; the others do not count"
    assert graded.results[0].notes == (graded.due,)
    run("part3", {"kim": part("kim", ORDER)})
    assert Ledger(tmp_path).graded().due == ""


def test_the_newest_answer_counts_and_none_replaces_no_answer_of_another_folder(run):
    run("part1", {"kim": part("kim", ORDER)})
    scores = run("part2", {"kim": part("kim", ORDER, normalize="failed", batch_statistics=MISSING)})
    assert (scores["kim"]["normalize"], scores["kim"]["batch_statistics"]) == (0.0, 3.0)


def test_an_answer_that_was_taken_away_counts_no_more(run):
    run("class", {"kim": part("kim", ORDER)})
    assert run("class", {"kim": part("kim", ORDER, normalize=MISSING)})["kim"]["normalize"] == 0.0


def test_what_was_taken_away_from_one_folder_still_counts_from_another(run):
    run("part1", {"kim": part("kim", ORDER, normalize="failed")})
    run("part2", {"kim": part("kim", ORDER)})
    scores = run("part2", {"kim": part("kim", ORDER, normalize=MISSING, quiz_1=MISSING)})
    assert (scores["kim"]["normalize"], scores["kim"]["quiz_1"]) == (0.0, 1.0)


def test_parts_of_one_folder_add_up(run):
    run("class", {"kim": part("kim", FIRST)})
    assert list(run("class", {"kim": part("kim", ["scale_and_shift"])})["kim"]) == [*FIRST, "scale_and_shift"]


def test_who_is_gone_from_the_folder_is_gone_and_who_is_in_another_stays(run):
    run("part1", {"kim": part("kim", FIRST), "lee": part("lee", FIRST)})
    assert run("part2", {"kim": part("kim", ["scale_and_shift"])}).keys() == {"kim", "lee"}
    assert run("part1", {"kim": part("kim", FIRST)}).keys() == {"kim"}
    assert [student.name for student in run.ledger.gone] == ["lee"]


def test_who_left_the_roster_is_gone(run):
    run("part1", {"kim": part("kim", FIRST), "lee": part("lee", FIRST)})
    assert run("part2", {"kim": part("kim", FIRST)}, roster=["kim"]).keys() == {"kim"}


def test_one_run_without_a_sandbox_makes_the_class_formative(run, tmp_path):
    run("part1", {"kim": part("kim", FIRST)}, sandbox="none")
    run("part2", {"kim": part("kim", ["scale_and_shift"])})
    graded = Ledger(tmp_path).graded()
    assert graded.sandbox == "none"
    assert FORMATIVE in graded.results[0].notes


def test_what_confined_each_run_is_told(run, tmp_path):
    run("part1", {"kim": part("kim", FIRST), "lee": part("lee", FIRST)}, sandbox="user, libraries on disk")
    run("part2", {"kim": part("kim", ["scale_and_shift"])})
    graded = Ledger(tmp_path).graded()
    assert graded.sandbox == graded.results[0].sandbox == "bwrap; user, libraries on disk"
    assert graded.results[0].notes[1:] == ("part1: sandbox: user, libraries on disk", "part2: sandbox: bwrap")
    assert (graded.results[1].sandbox, graded.results[1].notes) == ("user, libraries on disk", (graded.due,))


def test_a_platforms_number_is_the_same_student_under_another_name(tmp_path):
    (tmp_path / ".graded").mkdir()
    ledger = Ledger(tmp_path)
    for name in ("kimminsu", "Kim, Minsu"):
        student = Student(name, name, Path(name), platform=Named("kimminsu", "12"), own=name)
        ledger.add([Path(name)], [student], [part(name, FIRST)], "bwrap")
    assert [student.name for student in ledger.students] == ["Kim, Minsu"]
    assert [student.folder for student in ledger.gone] == ["kimminsu"]  # whose pages are removed


def test_whoever_shares_a_name_keeps_to_his_own_results(tmp_path):
    ledger = Ledger(tmp_path)
    for week, sections, tasks in (("1", "AB", FIRST), ("2", "B", ["scale_and_shift"]), ("3", "C", ["quiz_3"])):
        named = {section: "Kim" if section != "B" or week == "2" else "Kim (2)" for section in sections}
        students = [Student(n, n, Path(week) / section / "Kim", own="Kim") for section, n in named.items()]
        ledger.add([Path(week)], students, [part(student.name, tasks) for student in students], "bwrap")
    assert [(student.path.parent.name, student.name, student.folder) for student in ledger.students] == [
        ("A", "Kim", "Kim"),
        ("B", "Kim (2)", "Kim (2)"),
        ("C", "Kim (3)", "Kim (3)"),
    ]
    results = ledger.graded().results
    counted = [{exercise.id for exercise in result.exercises if exercise.score} for result in results]
    assert counted == [{*FIRST}, {*FIRST, "scale_and_shift"}, {"quiz_3"}]
    assert "kept apart" in results[2].notes[1]


def test_nobody_takes_a_name_of_an_earlier_run_from_who_has_it(tmp_path):
    ledger = Ledger(tmp_path)
    for names in (("evil", "kim"), ("kim", "kim (2)")):
        students = [
            Student(name, name, Path(), platform=Named(name, number, platform="Moodle"), own=name.partition(" ")[0])
            for name, number in zip(names, "12", strict=True)
        ]
        ledger.add([Path("class")], students, [part(name, FIRST) for name in names], "bwrap")
    assert {student.platform.id: student.name for student in ledger.students} == {"1": "kim (2)", "2": "kim"}


def test_moodle_numbers_anew_for_each_assignment_and_parts_add_up_by_name(tmp_path):
    ledger = Ledger(tmp_path)
    for week, numbers in (("1", "1"), ("2", "2"), ("3", "34")):
        names = ["Kim", "Kim (2)"][: len(numbers)]
        students = [
            Student(name, name, Path(week), platform=Named("Kim", number, platform="Moodle"), own="Kim")
            for name, number in zip(names, numbers, strict=True)
        ]
        ledger.add([Path(week)], students, [part(name, FIRST) for name in names], "bwrap")
    names = {student.platform.id: student.name for student in ledger.students}
    assert names.keys() == {"2", "3", "4"}
    assert names["2"] == "Kim"
    assert len({*names.values()}) == 3
    apart = [result.student for result in ledger.graded().results if any("kept apart" in n for n in result.notes)]
    assert sorted(apart) == sorted([names["3"], names["4"]])


def test_who_has_another_name_in_the_roster_is_the_same_by_the_schools_id(tmp_path):
    ledger = Ledger(tmp_path)
    for path, name, number in (("1", "Kim, Minsu", "12"), ("2", "Kim Minsu", "")):
        platform = Named(name, number, platform="Canvas" if number else "")
        student = Student(name, name, Path(path), id="2026001", platform=platform, own=name)
        ledger.add([Path(path)], [student], [part(name, FIRST)], "bwrap")
    assert [student.name for student in ledger.students] == ["Kim Minsu"]


def test_damaged_results_of_earlier_runs_are_told(tmp_path):
    (tmp_path / ".graded").mkdir()
    (tmp_path / ".graded" / "class.json").write_text("{")
    with pytest.raises(GradingError, match=r"class\.json.*cannot be read"):
        Ledger(tmp_path)
