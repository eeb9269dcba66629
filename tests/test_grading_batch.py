"""Many submissions, with a made-up grader: what is graded is counted, nothing is run."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import Future
from dataclasses import replace

import pytest
from sample_results import ORDER, exercise_result, submission_result
from submissions import code_cell, notebook, right_answers, write_submission

from bn_helpers.cli import ROOT
from bn_helpers.exercises import EXERCISES
from bn_helpers.grading import batch, store
from bn_helpers.grading.batch import grade_all, grade_class
from bn_helpers.grading.report import write_reports
from bn_helpers.grading.results import GradingError, SandboxError, SandboxUnavailable
from bn_helpers.grading.sandbox import selftest, workshop
from bn_helpers.grading.store import Store
from bn_helpers.grading.students import find_students


class Inline:
    """An executor that makes calls at once."""

    def submit(self, function, /, *args):
        future = Future()
        try:
            future.set_result(function(*args))
        except Exception as error:
            future.set_exception(error)
        return future


class Grader:
    """Gives full points, counts, and raises as often as it is told to for an answer that says so."""

    def __init__(self, failures=0):
        self.graded = []
        self.failures = failures

    def __call__(self, submission):
        self.graded.append(submission.student)
        if any("raise" in answer.code for answer in submission.answers.values()) and self.failures:
            self.failures -= 1
            raise RuntimeError("on purpose")
        return submission_result(submission.student, notes=submission.notes)


def write_class(folder, **codes):
    for name, code in codes.items():
        write_submission(folder / name, {"normalize": f"def normalize(x):\n    {code}"})
    return folder


def run(folder, grader, key=b"key", executor=None):
    kept = Store(folder.parent / "graded", key, "bwrap")
    executor = executor or Inline()
    return grade_all(find_students([folder]), grader, kept, executor, executor)


@pytest.fixture
def three(tmp_path):
    return write_class(tmp_path / "class", kim="return 1", lee="return 2", park="raise ValueError")


def test_each_student_has_a_result_in_the_order_of_names(three):
    grader = Grader()
    results = run(three, grader)
    assert [result.student for result in results] == ["kim", "lee", "park"]
    assert grader.graded == ["kim", "lee", "park"]


def test_a_second_run_grades_only_what_changed_and_gives_the_same(three, capsys):
    first, grader = run(three, Grader()), Grader()
    assert "already" not in capsys.readouterr().err
    write_class(three, lee="return 3")
    assert run(three, grader) == first
    assert grader.graded == ["lee"]
    assert "2 of 3 are graded already" in capsys.readouterr().err


def test_a_log_tells_how_far_grading_is_in_some_ten_states(tmp_path, capsys):
    run(write_class(tmp_path / "class", **{f"s{number:02}": f"return {number}" for number in range(40)}), Grader())
    states = capsys.readouterr().err.rpartition("reading: 100%")[2].split("\r")
    assert "40/40" in states[-1]
    assert 5 < len(states) < 15


def test_under_another_key_everything_is_graded_again(three):
    run(three, Grader())
    grader = Grader()
    run(three, grader, key=b"another")
    assert len(grader.graded) == 3


def test_equal_work_is_graded_once_and_counts_for_each(three):
    write_class(three, choi="return 1")
    grader = Grader()
    results = run(three, grader)
    assert [(result.student, result.score) for result in results][:2] == [("choi", 100.0), ("kim", 100.0)]
    assert len(grader.graded) == 3


def test_what_fails_once_is_graded_the_second_time(three):
    assert [result.score for result in run(three, Grader(failures=1))] == [100.0] * 3


def test_what_fails_twice_is_an_error_for_a_human_and_is_tried_again_next_time(three):
    kim, lee, park = run(three, Grader(failures=2))
    assert (kim.score, lee.score, park.score) == (100.0, 100.0, 0.0)
    assert park.student == "park"
    assert [(e.id, e.status, e.score) for e in park.exercises] == [(task, "error", 0.0) for task in ORDER]
    assert "by hand" in park.notes[0]
    assert "on purpose" in park.notes[0]
    grader = Grader()
    assert run(three, grader)[2].score == 100.0
    assert grader.graded == ["park"]


def test_where_grading_cannot_go_on_the_run_ends_and_nobody_gets_a_zero_for_it(three):
    grader = Grader()

    def refuse_lee(submission):
        if submission.student == "lee":
            raise GradingError("the network is open")
        return grader(submission)

    with pytest.raises(GradingError, match="the network is open"):
        run(three, refuse_lee)
    grader.graded.clear()
    assert [result.score for result in run(three, grader)] == [100.0] * 3
    assert grader.graded == ["lee", "park"]


def test_submissions_are_read_here_and_graded_there(three):
    places = {"here": [], "there": []}

    class Place(Inline):
        def __init__(self, calls):
            self.calls = calls

        def submit(self, function, /, *args):
            self.calls.append(args)
            return super().submit(function, *args)

    kept = Store(three.parent / "graded", b"key", "bwrap")
    grade_all(find_students([three]), Grader(), kept, *(Place(calls) for calls in places.values()))
    assert [student.path for (student,) in places["here"]] == [three / name for name in ("kim", "lee", "park")]
    assert [submission.student for (submission,) in places["there"]] == ["kim", "lee", "park"]
    assert str(three) not in repr(places["there"])


def test_a_full_disk_ends_the_run_and_loses_nothing_that_was_kept(three, monkeypatch):
    put, grader = Store.put, Grader()

    def full(store, name, result):
        if result.student == "park":
            raise OSError(28, "No space left on device")
        put(store, name, result)

    monkeypatch.setattr(Store, "put", full)
    with pytest.raises(OSError, match="No space left"):
        run(three, grader)
    monkeypatch.setattr(Store, "put", put)
    grader = Grader()
    run(three, grader)
    assert grader.graded == ["park"]


def test_no_submission_stops_the_others(tmp_path):
    folder = write_class(tmp_path / "class", kim="return 1")
    files = {
        "json": b'{"cells": [',
        "empty": b"",
        "binary": bytes(range(256)) * 100,
        "deep": b"[" * 100_000,
        "list": b"[1, 2]",
        "huge": b'{"cells": ["' + b"x" * (60 * 2**20) + b'"]}',
        '=김, "A"': json.dumps(notebook(code_cell("def normalize(x):\n    return 3", "normalize"))).encode(),
        "format 3": b'{"nbformat": 3, "worksheets": [{"cells": [{"cell_type": "code", "input": "quiz_1 = \'a\'"}]}]}',
    }
    for name, data in files.items():
        (folder / name).mkdir()
        (folder / name / "a.ipynb").write_bytes(data)
    (folder / "nothing").mkdir()
    os.symlink("/etc/passwd", folder / "link")
    os.mkfifo(folder / "pipe")
    results = {result.student: result for result in run(folder, Grader())}
    assert results.keys() == {*files, "kim", "nothing", "link", "pipe"}
    told = {student for student, result in results.items() if result.notes}
    assert told == {"json", "empty", "binary", "deep", "list", "huge", "nothing", "link", "pipe"}


# With processes


def fixed_version():
    return "1"


def slow_grade(log, submission):
    """Give full points, and take down that this was done."""
    time.sleep(0.05)
    result = submission_result(submission.student)
    with log.open("a") as file:
        file.write(f"{submission.student}\n")
    return result


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT])
def test_an_interrupted_run_goes_on_where_it_stopped(tmp_path, monkeypatch, end):
    monkeypatch.setattr(store, "course_version", fixed_version)
    folder = write_class(tmp_path / "class", **{f"s{number:02}": f"return {number}" for number in range(40)})
    log, graded = tmp_path / "log", tmp_path / "graded"
    code = (
        "import functools, pathlib, test_grading_batch as t\n"
        f"folder, log = pathlib.Path({str(folder)!r}), pathlib.Path({str(log)!r})\n"
        "t.store.course_version = t.fixed_version\n"
        "if __name__ == '__main__':\n"
        "    with t.batch.Workers(2) as workers:\n"
        "        t.run(folder, functools.partial(t.slow_grade, log), executor=workers)"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([os.path.dirname(__file__), *sys.path])}
    with subprocess.Popen([sys.executable, "-c", code], env=environment, stderr=subprocess.PIPE) as process:
        while len(list(graded.glob("*.json"))) < 5:
            assert process.poll() is None, process.stderr.read().decode()
            time.sleep(0.01)
        process.send_signal(end)
        process.communicate()
    kept = len(list(graded.glob("*.json")))
    assert kept < 40
    grader = Grader()
    assert len(run(folder, grader)) == 40
    assert len(grader.graded) == 40 - kept


# A whole class


FAKE = 100 - EXERCISES["normalize"].points  # what fake_grade gives


def fake_grade(key, name, notebooks, submission):
    wrong = exercise_result("normalize", "failed", message=f"graded with {key.decode()}")
    result = submission_result(submission.student, wrong)
    return replace(result, exercises=tuple(one for one in result.exercises if one.notebook in notebooks))


def fake_choice(requested):
    return requested or "bwrap"


def die(key, name, notebooks, submission):
    os._exit(3)


@pytest.fixture
def fake(monkeypatch):
    monkeypatch.setattr(batch, "_grade", fake_grade)
    monkeypatch.setattr(workshop, "choose_sandbox", fake_choice)


def test_a_class_is_graded_in_processes_with_its_key_and_overrides(fake, three, tmp_path):
    out = tmp_path / "results"
    (three / "overrides.csv").write_text("student,exercise,points,reason\nlee,normalize,1,paper\n")
    graded = grade_class([three], out, key="secret", overrides=three / "overrides.csv", workers=2)
    assert graded.sandbox == "bwrap"
    assert [(result.student, result.score) for result in graded.results] == [
        ("kim", FAKE),
        ("lee", FAKE + 1),
        ("park", FAKE),
    ]
    assert graded.results[0].exercises[1].message == "graded with secret"
    assert graded.results[1].notes == ("normalize: set by hand to 1 points instead of 0: paper",)


def test_overrides_are_kept_and_taken_back_by_removing_the_line(fake, three, tmp_path):
    (tmp_path / "mine.csv").write_text("student;exercise;points;reason\nlee;normalize;3;paper\nkim;normalize;1;x\n")

    def scores(overrides=None):
        graded = grade_class([three], tmp_path / "out", key="secret", overrides=overrides, workers=1)
        return [result.score for result in graded.results]

    assert scores(tmp_path / "mine.csv") == [FAKE + 1, FAKE + 3, FAKE]
    assert scores() == [FAKE + 1, FAKE + 3, FAKE]
    kept = tmp_path / "out" / "overrides.csv"
    kept.write_text("\n".join(line for line in kept.read_text("utf-8-sig").splitlines() if "kim" not in line), "utf-8")
    assert scores() == [FAKE, FAKE + 3, FAKE]
    (tmp_path / "mine.csv").write_text("student;exercise;points;reason\npark;normalize;2;x\n")
    assert scores(tmp_path / "mine.csv") == [FAKE, FAKE, FAKE + 2]


def test_only_what_was_due_is_graded_and_every_report_says_so(fake, three, tmp_path):
    out = tmp_path / "out"
    graded = grade_class([three], out, key="secret", workers=1, notebooks=["01_normalization", "02_scale_and_shift"])
    write_reports(graded, out)
    others = {".graded", "mistakes"}  # the pages of mistakes tell no points
    reports = [path for path in out.rglob("*") if path.is_file() and not others.intersection(path.parts)]
    assert len(reports) == 5 + 2 * 3
    assert [path.name for path in reports if "what was due, notebook 1 and 2" not in path.read_text("utf-8-sig")] == []
    whole = grade_class([three], out, key="secret", workers=1)
    assert not any(result.notes for result in whole.results)


def test_results_go_into_no_submission_and_no_key_that_a_student_may_have_left_is_used(fake, three, tmp_path):
    with pytest.raises(GradingError, match="lies among the submissions"):
        grade_class([three], three / "kim" / "out", key="secret")
    (three / "results").mkdir()
    (three / "results" / "course.key").write_text("known")
    with pytest.raises(GradingError, match="may be a student's"):
        grade_class([three], three / "results")
    out = tmp_path / "out"
    out.mkdir()
    (out / "course.key").symlink_to(three / "results" / "course.key")
    with pytest.raises(GradingError, match="is a link"):
        grade_class([three], out, workers=1)
    out.chmod(0o777)
    with pytest.raises(GradingError, match="others can write to"):
        grade_class([three], out)
    (tmp_path / "linked").symlink_to(three)
    with pytest.raises(GradingError, match="is not a folder"):
        grade_class([three / "kim"], tmp_path / "linked", key="secret")


def test_wrong_overrides_are_told_before_anything_is_done(fake, three, tmp_path):
    (tmp_path / "overrides.csv").write_text("student,exercise,points,reason\nnobody,normalize,6,paper\n")
    with pytest.raises(GradingError, match="nobody"):
        grade_class([three], tmp_path / "out", overrides=tmp_path / "overrides.csv")
    assert not (tmp_path / "out").exists()


def test_without_a_sandbox_every_result_says_formative(fake, three, tmp_path):
    graded = grade_class([three], tmp_path / "out", sandbox="none", workers=1)
    assert all(result.notes[0].startswith("formative") for result in graded.results)


def test_a_submission_that_ends_its_process_is_an_error_and_the_others_are_graded(fake, three, tmp_path, monkeypatch):
    monkeypatch.setattr(batch, "_grade", die_for_park)
    graded = grade_class([three], tmp_path / "out", workers=1)
    assert [result.score for result in graded.results] == [FAKE, FAKE, 0.0]
    assert "died" in graded.results[2].notes[0]


def die_for_park(key, name, notebooks, submission):
    return (die if submission.student == "park" else fake_grade)(key, name, notebooks, submission)


class FakeGrader:
    def __init__(self, key, sandbox, notebooks):
        self.workshop = sandbox


@pytest.fixture
def promises(monkeypatch):
    """What the self-test finds, or raises; how often it was made."""
    found, tested = [("a", True), ("the network is closed", True)], []

    def self_test(workshop):
        tested.append(workshop)
        if isinstance(found[-1], Exception):
            raise found[-1]
        return found

    monkeypatch.setattr(selftest, "self_test", self_test)
    monkeypatch.setattr(workshop, "choose_sandbox", fake_choice)
    monkeypatch.setattr("bn_helpers.grading.grader.Grader", FakeGrader)
    batch._grader.cache_clear()
    yield found, tested
    batch._grader.cache_clear()


def test_a_process_proves_its_sandbox_once_before_it_grades(promises):
    _, tested = promises
    assert len({batch._grader(b"key", "bwrap", ()) for _ in range(3)}) == 1
    assert tested == ["bwrap"]


@pytest.mark.parametrize("broken", [("the network is closed", False), SandboxError("no"), OSError("no")])
def test_a_broken_promise_or_a_sandbox_that_does_not_start_is_told(promises, broken):
    promises[0].append(broken)
    with pytest.raises(GradingError, match=r"nothing is graded: (the network is closed|no)"):
        batch._grader(b"key", "bwrap", ())


def test_a_process_without_the_sandbox_of_the_run_says_what_to_install(promises, monkeypatch):
    def choose(requested):
        raise SandboxUnavailable(f"{requested}: apt install bubblewrap")

    monkeypatch.setattr(workshop, "choose_sandbox", choose)
    with pytest.raises(GradingError, match="bwrap: apt install bubblewrap"):
        batch._grader(b"key", "bwrap", ())
    assert promises[1] == []


@pytest.mark.slow
def test_a_real_class_is_graded_and_a_second_run_gives_the_same_bytes(tmp_path):
    folder = tmp_path / "class"
    ddof = "def normalize(x, eps=1e-5):\n    return (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0, ddof=1) + eps)"
    write_submission(folder / "right", right_answers())
    write_submission(folder / "ddof", right_answers(normalize=ddof))
    shutil.copytree(ROOT / "notebooks", folder / "pristine", ignore=lambda *_: [".ipynb_checkpoints"])
    command = [sys.executable, "-m", "bn_helpers", "grade", str(folder), "--key", "secret", "--out"]
    written = []
    for out in ("first", "first", "second"):
        done = subprocess.run([*command, str(tmp_path / out)], capture_output=True, text=True, cwd=ROOT)
        assert done.returncode == 0, done.stderr
        assert ("testing the sandbox" in done.stderr) == (len(written) != 1)
        written.append((tmp_path / out / "results.json").read_text("utf-8"))
    assert written[0] == written[1]
    first, second = (re.sub(r'"seconds": [\d.]+', "", text) for text in written[1:])
    assert first == second
    results = {result["student"]: result for result in json.loads(written[0])["submissions"]}
    assert {student: result["score"] for student, result in results.items()} == {
        "right": 100.0, "ddof": 100 - EXERCISES["normalize"].points / 2, "pristine": 0.0
    }  # fmt: skip
    assert {exercise["status"] for exercise in results["pristine"]["exercises"]} == {"unanswered"}
    normalize = results["ddof"]["exercises"][1]
    assert (normalize["score"], normalize["diagnosis"]) == (EXERCISES["normalize"].points / 2, "ddof")
