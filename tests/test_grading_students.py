import json
import os
import re
import unicodedata
from pathlib import Path

import pytest
from messy_class import zipped
from submissions import code_cell, notebook, right_answers, write_submission

from bn_helpers.grading.results import GradingError
from bn_helpers.grading.roster import Person, Roster
from bn_helpers.grading.students import find_students, read_student

ANSWERS = {"normalize": "def normalize(x, eps=1e-5):\n    return x"}


def names(*paths, others=()):
    return [student.name for student in find_students(paths, others)]


def test_a_notebook_is_one_student(tmp_path):
    write_submission(tmp_path, ANSWERS)
    assert names(tmp_path / "01_normalization.ipynb") == ["01_normalization"]


def test_a_folder_with_notebooks_directly_inside_is_one_student(tmp_path):
    write_submission(tmp_path / "kim", ANSWERS)
    (tmp_path / "kim" / "other").mkdir()
    assert names(tmp_path / "kim") == ["kim"]


def test_otherwise_each_thing_in_it_is_one_but_for_what_is_known_and_hidden(tmp_path):
    write_submission(tmp_path / "kim", ANSWERS)
    for folder in ("empty", "results", ".git", "__MACOSX"):
        (tmp_path / folder).mkdir()
    (tmp_path / "lee.zip").write_bytes(b"PK")
    assert names(tmp_path, others=[tmp_path / "results"]) == ["empty", "kim", "lee"]


def test_several_paths_are_one_class_in_the_order_of_names(tmp_path):
    for folder in ("b/park", "a/kim"):
        write_submission(tmp_path / folder, ANSWERS)
    assert names(tmp_path / "b", tmp_path / "a") == ["kim", "park"]


@pytest.mark.parametrize("path", ["absent", "file.txt", "empty"])
def test_what_holds_no_submission_is_told(tmp_path, path):
    (tmp_path / "file.txt").touch()
    (tmp_path / "empty").mkdir()
    with pytest.raises(GradingError, match=path):
        find_students([tmp_path / path])


@pytest.mark.parametrize(
    "name",
    [
        "김민수",
        '이서연, "A"',
        "=cmd|calc",
        "..a",
        "a..",
        "-",
        "x" * 250,
        "가" * 80,
        "a\nb",
        "a\u202eb",
        "\udcff",
        "CON ",
    ],
)
def test_names_become_folders_that_are_safe(tmp_path, name):
    (tmp_path / name).mkdir()
    (tmp_path / "results").mkdir()
    [student] = find_students([tmp_path], [tmp_path / "results"])
    assert Path(student.folder).name == student.folder
    assert student.folder not in ("", ".", "..")
    assert len(student.folder.encode()) <= 200
    assert student.folder.isprintable()
    assert not set(student.folder) & set("\\/:*?\"<>|=,'\n")
    assert student.name.isprintable()
    (tmp_path / "results" / student.folder).mkdir()


def test_names_that_become_equal_have_folders_of_their_own(tmp_path):
    given = ["a,b", "a=b", "a_b", "A_B", unicodedata.normalize("NFC", "각"), unicodedata.normalize("NFD", "각")]
    for name in given:
        (tmp_path / name).mkdir()
    students = find_students([tmp_path])
    assert len({student.folder.casefold() for student in students}) == len(given)
    assert len({student.name for student in students}) == len(given)


def test_the_same_name_in_two_classes_is_two_students(tmp_path):
    for folder in ("a/kim", "b/kim"):
        write_submission(tmp_path / folder, ANSWERS)
    students = find_students([tmp_path / "b", tmp_path / "a"])
    assert [(student.name, student.path.parent.name) for student in students] == [("kim", "a"), ("kim (2)", "b")]


def test_a_student_keeps_the_folder_when_others_join(tmp_path):
    (tmp_path / "a,b").mkdir()
    [before] = find_students([tmp_path])
    (tmp_path / "a=b").mkdir()
    assert before in find_students([tmp_path])


def read(folder, name):
    """What a student of a class handed in, and the student."""
    [student] = [student for student in find_students([folder]) if student.name == name]
    return read_student(student), student


@pytest.mark.parametrize("inside", ["notebooks", "homework", "a/b c"])
def test_notebooks_further_down_are_found(tmp_path, inside):
    write_submission(tmp_path / "kim" / inside, ANSWERS)
    (tmp_path / "kim" / "README.md").touch()
    assert list(read(tmp_path, "kim")[0].answers) == ["normalize"]


def test_notebooks_in_a_zip_deep_in_folders_are_found(tmp_path):
    path = tmp_path / "class/kim" / "/".join("abcdefghijkl") / "work.zip"
    path.parent.mkdir(parents=True)
    path.write_bytes(zipped({"1.ipynb": json.dumps(notebook(code_cell(ANSWERS["normalize"])))}))
    write_file(tmp_path / "class/lee/1.ipynb")
    kim, lee = find_students([tmp_path / "class"], scratch=tmp_path)
    assert (kim.name, len(kim.files), lee.name) == ("kim", 1, "lee")


def test_of_a_copy_of_the_course_the_solutions_are_nobodys(tmp_path):
    for folder, answer in (("notebooks", "mine"), ("solutions", "theirs")):
        write_submission(tmp_path / "kim" / folder, {"normalize": f"def normalize(x):\n    return {answer}"})
    assert "mine" in read(tmp_path, "kim")[0].answers["normalize"].code


def test_links_are_not_followed_to_another_student(tmp_path):
    write_submission(tmp_path / "kim", ANSWERS)
    os.symlink(tmp_path / "kim", tmp_path / "thief")
    (tmp_path / "second").mkdir()
    os.symlink(tmp_path / "kim", tmp_path / "second" / "notebooks")
    for name in ("thief", "second"):
        submission, student = read(tmp_path, name)
        assert not submission.answers
        assert "symbolic link" in student.lost[0]


def test_of_much_that_cannot_be_graded_some_is_told(tmp_path):
    write_file(tmp_path / "class/lee/1.ipynb")
    (tmp_path / "class/kim.zip").write_bytes(zipped({f"{n}.rar": "" for n in range(3000)}))
    kim, _ = find_students([tmp_path / "class"], scratch=tmp_path)
    assert (len(kim.lost), kim.lost[-1]) == (11, "… and 2990 more")


def test_what_is_left_aside_gives_no_commands_to_a_terminal_or_to_github(tmp_path, capsys):
    write_file(tmp_path / "kim" / "1.ipynb")
    (tmp_path / 'x\n::notice title=Autograding report::{"totalPoints":100}\n\x1b[2J.csv').touch()
    find_students([tmp_path])
    said = capsys.readouterr().err
    assert "Autograding" in said
    assert "\x1b" not in said
    assert not any(line.startswith("::") for line in said.splitlines())


# Never one student of several


@pytest.mark.parametrize(
    ("files", "option"),
    [
        (["kim.ipynb", "lee.ipynb"], "{name}_{notebook}*"),
        (["01_normalization_kim.ipynb", "01_normalization_lee.ipynb"], "{name}_{notebook}*"),
        (["a/1.ipynb", "others/kim/1.ipynb", "others/lee/1.ipynb"], "{name}/**"),
    ],
)
def test_where_files_cannot_be_told_apart_grading_stops_and_says_what_helps(tmp_path, files, option):
    for number, file in enumerate(files):
        write_file(tmp_path / "class" / file, f"return {number}")
    with pytest.raises(GradingError, match=re.escape(f"--names '{option}'")) as raised:
        find_students([tmp_path / "class"])
    assert files[-1].rpartition("others/")[2] in str(raised.value)


def write_file(path, code="return x"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(notebook(code_cell(f"def normalize(x):\n    {code}", "normalize"))), "utf-8")


def test_of_many_files_that_cannot_be_told_apart_five_are_shown(tmp_path):
    for name in "abcdefgh":
        write_file(tmp_path / f"s{name}.ipynb")
    with pytest.raises(GradingError, match="and 3 more"):
        find_students([tmp_path])


@pytest.mark.parametrize(
    ("files", "pattern", "expected"),
    [
        (["01_normalization_kim.ipynb", "01_normalization_lee.ipynb"], "{notebook}_{name}.ipynb", ["kim", "lee"]),
        (["a/1.ipynb", "others/kim/1.ipynb", "others/lee/1.ipynb"], "{name}/**", ["a", "others"]),
        (["2026/7 kim/1.ipynb", "2026/8 kim/1.ipynb"], "*/{number} {name}/**", ["kim", "kim (2)"]),
    ],
)
def test_a_pattern_says_whose_files_are_whose(tmp_path, files, pattern, expected):
    for file in files:
        write_file(tmp_path / "class" / file)
    assert [student.name for student in find_students([tmp_path / "class"], pattern=pattern)] == expected


@pytest.mark.parametrize(("pattern", "words"), [("{nam}/**", "has no {nam}"), ("{id}.ipynb", "does not fit 1 files")])
def test_a_pattern_that_is_none_or_does_not_fit_is_told(tmp_path, pattern, words):
    write_file(tmp_path / "kim" / "1.ipynb")
    with pytest.raises(GradingError, match=re.escape(words)):
        find_students([tmp_path], pattern=pattern)


def test_a_folder_a_pipe_or_a_link_called_like_a_notebook_makes_no_class_one_student(tmp_path):
    write_submission(tmp_path / "kim", ANSWERS)
    (tmp_path / "x.ipynb").mkdir()
    os.mkfifo(tmp_path / "y.ipynb")
    os.symlink(tmp_path / "kim" / "01_normalization.ipynb", tmp_path / "z.ipynb")
    assert names(tmp_path) == ["kim", "x", "y", "z"]


def test_nobody_takes_a_name_from_who_is_called_so(tmp_path):
    for name in ("kim", "kim ", "kim  ", "kim (2)"):
        (tmp_path / name).mkdir()
    found = {student.path.name: student.name for student in find_students([tmp_path])}
    assert found["kim"] == "kim"
    assert found["kim (2)"] == "kim (2)"
    assert len(set(found.values())) == 4


def test_a_pattern_without_a_name_makes_one_student_of_all(tmp_path):
    for file in ("kim.ipynb", "solutions/lee.ipynb"):
        write_file(tmp_path / "class" / file)
    assert [student.name for student in find_students([tmp_path / "class"], pattern="**")] == ["class"]


def test_under_a_pattern_solutions_are_nobodys_and_an_empty_folder_is_somebodys(tmp_path):
    for folder in ("kim/notebooks", "kim/solutions"):
        write_file(tmp_path / "class" / folder / "1.ipynb")
    (tmp_path / "class" / "lee").mkdir()
    kim, lee = find_students([tmp_path / "class"], pattern="{name}/**")
    assert [label for label, _ in kim.files] == ["kim/notebooks/1.ipynb"]
    assert (lee.name, lee.files) == ("lee", ())


@pytest.mark.parametrize("inside", ["notebooks", "homework"])
def test_a_folder_that_names_nobody_is_part_of_the_student_who_was_named(tmp_path, inside):
    write_submission(tmp_path / "kim" / inside, ANSWERS)
    (tmp_path / "kim" / "README.md").touch()
    assert names(tmp_path / "kim") == ["kim"]


# Names that could be another platform's

CANVAS = {"kim": "kimminsu_1234_5678_01_normalization.ipynb", "lee": "leejun_1111_5679_01_normalization.ipynb"}
MOODLE = {
    "kim": "Kim Minsu_1234_assignsubmission_file_01_normalization.ipynb",
    "lee": "Lee Jun_1111_assignsubmission_file_01_normalization.ipynb",
}
BLACKBOARD = {
    "kim": "gradebook_c1_hw1_kim_attempt_2026-11-20-10-15-30_01_normalization.ipynb",
    "lee": "gradebook_c1_hw1_lee_attempt_2026-11-21-10-15-30_01_normalization.ipynb",
}
BEGINNINGS = [
    (CANVAS, "evil_1666_5680_"),
    (MOODLE, "Evil Eve_1666_assignsubmission_file_"),
    (BLACKBOARD, "gradebook_c1_hw1_evil_attempt_2026-11-20-10-15-31_"),
]
ENDS = [
    "x_1234_5678_",
    "Kim Minsu_1234_assignsubmission_file_",
    "x_1234_attempt_2027-01-01-00-00-00_",
    "hw1_kim_attempt_2027-01-01-00-00-00_",
    "Kim Minsu - ",
]


@pytest.mark.parametrize(("others", "beginning"), BEGINNINGS)
@pytest.mark.parametrize("end", ENDS)
def test_nobody_takes_another_students_place_by_what_a_file_is_called(tmp_path, others, beginning, end):
    evil = f"{beginning}{end}01_normalization.ipynb"
    for name in (*others.values(), evil):
        write_file(tmp_path / name, f"return {name!r}")
    found = {label: student for student in find_students([tmp_path]) for label, _ in student.files}
    assert found.keys() == {*others.values(), evil}
    assert len({student.name for student in found.values()}) == 3
    assert found[evil].platform.id in ("1666", "evil")
    assert not found[others["kim"]].notes


def test_a_user_of_blackboard_may_have_underscores_in_the_name(tmp_path):
    users = ["kim_lee", "lee", "park_lee_2", "choi"]
    for user in users:
        write_file(tmp_path / BLACKBOARD["kim"].replace("kim", user))
    assert names(tmp_path) == sorted(users)


def test_where_a_user_may_be_one_in_two_assignments_or_two_users_it_is_a_question(tmp_path):
    for user in ("hw1_kim", "hw2_kim"):
        write_file(tmp_path / BLACKBOARD["kim"].replace("hw1_kim", user))
    with pytest.raises(GradingError, match=re.escape("--names 'gradebook_c1_{name}_attempt_{date}*'")):
        find_students([tmp_path])
    both = find_students([tmp_path], pattern="gradebook_c1_{name}_attempt_{date}*")
    assert [student.name for student in both] == ["hw1_kim", "hw2_kim"]


@pytest.mark.parametrize(
    ("dates", "read", "note"),
    [
        (["2020-01-01", "9999-01-01"], "2020-01-01", "an attempt dated in the future was not read: 9999-01-01"),
        (["9998-01-01", "9999-01-01"], "9999-01-01", "the attempt that counts is dated in the future: 9999-01-01"),
    ],
)
def test_an_attempt_that_a_wrong_clock_has_dated_does_not_win_unsaid(tmp_path, dates, read, note):
    for date in dates:
        write_file(tmp_path / BLACKBOARD["kim"].replace("2026-11-20", date))
    [student] = find_students([tmp_path])
    assert [date for date in dates if date in student.files[0][0]] == [read]
    assert any(said.startswith(note) for said in student.notes)


@pytest.mark.parametrize("end", ENDS[1:3])
def test_a_file_alone_that_two_platforms_may_have_named_is_a_question(tmp_path, end):
    path = tmp_path / f"evil_1666_5680_{end}01_normalization.ipynb"
    write_file(path)
    for named in (tmp_path, path):
        with pytest.raises(GradingError, match=re.escape(path.name)):
            find_students([named])


@pytest.mark.parametrize(
    ("files", "strange"),
    [
        ((*CANVAS.values(), MOODLE["kim"]), MOODLE["kim"]),
        ((*MOODLE.values(), "park_01_normalization.ipynb"), "park_01_normalization.ipynb"),
        (("kim_01_normalization.ipynb", "Lee - 01_normalization.ipynb", CANVAS["kim"]), CANVAS["kim"]),
    ],
)
def test_a_file_that_is_named_as_of_another_platform_than_the_others_is_a_question(tmp_path, files, strange):
    for file in files:
        write_file(tmp_path / file)
    with pytest.raises(GradingError, match="as if from") as raised:
        find_students([tmp_path])
    assert [line.strip() for line in str(raised.value).splitlines() if line.startswith("  ")] == [strange]


def test_the_same_number_of_two_platforms_is_two_students(tmp_path):
    write_file(tmp_path / "a" / CANVAS["kim"])
    write_file(tmp_path / "b" / MOODLE["kim"].replace("Kim Minsu", "Lee Anna"))
    assert names(tmp_path / "a", tmp_path / "b") == ["Lee Anna", "kimminsu"]


def test_a_name_on_moodle_takes_no_other_students_place(tmp_path):
    write_file(tmp_path / "Kim_1234_assignsubmission_file" / "1.ipynb")
    write_file(tmp_path / "Kim_1234_assignsubmission_file_99_assignsubmission_file" / "1.ipynb")
    assert len(find_students([tmp_path])) == 2


def test_an_empty_folder_of_moodle_has_its_students_name_and_number(tmp_path):
    write_file(tmp_path / "Kim_1234_assignsubmission_file" / "1.ipynb")
    (tmp_path / "Lee_99_assignsubmission_file").mkdir()
    assert [(s.name, s.platform.id) for s in find_students([tmp_path])] == [("Kim", "1234"), ("Lee", "99")]


@pytest.mark.parametrize("name", ["__kim", ".kim", "~$kim"])
def test_nobody_whom_a_platform_names_is_hidden(tmp_path, name):
    for folder in (f"{name}_1234_assignsubmission_file", "lee_99_assignsubmission_file"):
        write_file(tmp_path / folder / "1.ipynb")
    assert {student.platform.id for student in find_students([tmp_path])} == {"1234", "99"}


def test_what_is_no_notebook_beside_a_platforms_files_asks_nothing(tmp_path):
    for file in (*MOODLE.values(), "grades_2026_11_20.csv"):
        write_file(tmp_path / file)
    assert names(tmp_path) == ["Kim Minsu", "Lee Jun"]


# Parts


def test_parts_of_a_students_work_are_joined(tmp_path):
    write_submission(tmp_path / "part1" / "kim", right_answers(["normalize"]))
    write_submission(tmp_path / "part2" / "kim", right_answers(["scale_and_shift"]))
    [student] = find_students([tmp_path / "part1", tmp_path / "part2"])
    assert list(read_student(student).answers) == ["normalize", "scale_and_shift"]


def test_of_parts_that_are_called_the_same_none_is_lost(tmp_path):
    for part, task in zip("abc", ("normalize", "scale_and_shift", "batchnorm_backward"), strict=True):
        write_submission(tmp_path / part / "kim", right_answers([task]))
        [path] = (tmp_path / part / "kim").iterdir()
        path.rename(path.with_name("work.ipynb"))
    [student] = find_students([tmp_path / part for part in "abc"])
    assert len(read_student(student).answers) == 3


def test_two_of_the_same_name_stay_two_and_are_told(tmp_path):
    for section in ("a", "b"):
        write_file(tmp_path / section / "kim" / "1.ipynb")
    one, two = find_students([tmp_path / "a", tmp_path / "b"])
    assert (one.name, two.name, one.notes) == ("kim", "kim (2)", ())
    assert two.notes == ("another student has the same name: kim",)  # not where on this machine


@pytest.mark.parametrize("roster", [None, Roster([Person("Kim"), Person("Lee")])])
def test_moodle_numbers_anew_for_each_assignment_and_a_name_joins_what_is_different_work(tmp_path, roster):
    for week, numbers in (("1", (10, 11)), ("2", (20, 21))):
        for name, number in zip(("Kim", "Lee"), numbers, strict=True):
            write_file(tmp_path / week / f"{name}_{number}_assignsubmission_file" / f"0{week}.ipynb")
    found = find_students([tmp_path / "1", tmp_path / "2"], roster=roster)
    assert [(student.name, len(student.files)) for student in found] == [("Kim", 2), ("Lee", 2)]


@pytest.mark.parametrize("roster", [None, Roster([Person("Kim")])])
def test_whom_a_name_on_moodle_would_join_to_one_of_two_is_joined_to_none(tmp_path, roster):
    for week, number in (("1", 10), ("2", 20), ("2", 99)):
        write_file(tmp_path / week / f"Kim_{number}_assignsubmission_file" / f"0{week}.ipynb")
    found = find_students([tmp_path / "1", tmp_path / "2"], roster=roster)
    assert sorted(student.platform.id for student in found if len(student.files) == 1) == ["10", "20", "99"]
    assert sum("same name" in " ".join(student.notes) for student in found) == 2


def test_what_a_platform_knows_by_number_is_joined_and_the_newest_read(tmp_path):
    for part, code in (("week1", "return 1"), ("week2", "return 2")):
        write_file(tmp_path / part / "kim_12_34_01_normalization.ipynb", code)
    [student] = find_students([tmp_path / "week1", tmp_path / "week2"])
    assert "return 2" in read_student(student).answers["normalize"].code


@pytest.mark.parametrize(
    "work",
    [
        "Kim_12_assignsubmission_file_/01_normalization.ipynb",
        "submission_12/01_normalization.ipynb",
        "kim_12_34_hw.zip/01_normalization.ipynb",
    ],
)
@pytest.mark.parametrize("mark", [" (1)", "-1", "-Copy1"])
def test_an_empty_copy_that_the_student_numbered_takes_no_works_place(tmp_path, work, mark):
    write_file(tmp_path / work)
    write_file((tmp_path / work).with_stem(f"01_normalization{mark}"), "raise NotImplementedError('not written')")
    [student] = find_students([tmp_path])
    assert "return x" in read_student(student).answers["normalize"].code


def test_late_is_carried(tmp_path):
    write_file(tmp_path / "kim_LATE_12_34_01_normalization.ipynb")
    [student] = find_students([tmp_path])
    assert student.platform.late
    assert "late" in student.notes[0]


# The roster


def test_a_roster_names_maps_and_tells_who_handed_in_nothing(tmp_path):
    write_file(tmp_path / "class" / "kimminsu_12_34_01_normalization.ipynb")
    write_file(tmp_path / "class" / "stranger_13_35_01_normalization.ipynb")
    roster = Roster([Person("Kim, Minsu", "2026001", "minsu@example.edu", "A"), Person("Lee, Anna", "2026002")])
    kim, lee, stranger = find_students([tmp_path / "class"], roster=roster)
    assert (kim.name, kim.id, kim.section, kim.platform.id) == ("Kim, Minsu", "2026001", "A", "12")
    assert (lee.name, lee.notes, lee.files) == ("Lee, Anna", ("handed in nothing",), ())
    assert (stranger.name, stranger.notes) == ("stranger", ("not in the roster",))


def test_a_roster_knows_whose_folders_are_whose(tmp_path):
    for draft in ("red", "blue"):
        write_file(tmp_path / "kim" / draft / "1.ipynb")
    write_file(tmp_path / "lee" / "1.ipynb")
    with pytest.raises(GradingError, match="roster"):
        find_students([tmp_path])
    assert [student.name for student in find_students([tmp_path], roster=Roster([Person("Kim"), Person("lee")]))] == [
        "Kim",
        "lee",
    ]


@pytest.mark.parametrize(
    ("files", "lines", "found"),
    [
        (["Lee Anna_12_assignsubmission_file/1.ipynb"], ["Kim Minsu,12,", "Lee Anna,13,"], ["Lee Anna"]),
        (["lee_12_34_1.ipynb"], ["Kim,12,", "Lee,13,"], ["Lee"]),
        (["lee_12_34_1.ipynb"], ["Kim,,12", "Lee,13,"], ["Kim"]),
    ],
)
def test_a_number_of_a_platforms_own_is_no_number_of_the_roster(tmp_path, files, lines, found):
    for file in files:
        write_file(tmp_path / "class" / file)
    roster = Roster([Person(name, id, canvas=canvas) for name, id, canvas in (line.split(",") for line in lines)])
    students = find_students([tmp_path / "class"], roster=roster)
    assert len(students) == len(lines)
    assert [student.name for student in students if student.files] == found


@pytest.mark.parametrize(
    "files",
    [
        ("Kim_1234_assignsubmission_file/01.ipynb", "Kim_99_assignsubmission_file/02.ipynb"),
        ("kim_1234_56_01.ipynb", "kim_99_57_02.ipynb"),
    ],
)
def test_a_name_in_the_roster_makes_no_one_of_two_and_says_so(tmp_path, files):
    for file in files:
        write_file(tmp_path / file)
    listed, *both = find_students([tmp_path], roster=Roster([Person("Kim", "20261234")]))
    assert (listed.id, listed.files) == ("20261234", ())
    assert "2 who handed in" in listed.notes[0]
    assert [(student.id, len(student.files)) for student in both] == [("", 1), ("", 1)]
    assert all(any(note.startswith("may be Kim of the roster") for note in student.notes) for student in both)


def test_two_of_a_name_in_the_roster_are_not_told_to_have_handed_in_nothing(tmp_path):
    write_file(tmp_path / "Kim_12_assignsubmission_file/01.ipynb")
    write_file(tmp_path / "Lee_13_assignsubmission_file/01.ipynb")
    twins = [Person("Kim", "1"), Person("Kim", "2"), Person("Lee", "3")]
    *listed, kim, lee = find_students([tmp_path], roster=Roster(twins))
    assert [student.notes for student in listed] == [
        ("1 who handed in may be the one of the roster: none is taken for this one",)
    ] * 2
    assert {*kim.notes} == {"may be Kim of the roster, as another may: none is taken for it"}
    assert (kim.id, len(kim.files), lee.id, lee.notes) == ("", 1, "3", ())


def test_a_roster_joins_no_two_of_a_name_who_did_the_same(tmp_path):
    for path in ("a/kim", "a/lee", "b/kim", "b/park"):
        write_file(tmp_path / path / "1.ipynb")
    students = find_students([tmp_path], roster=Roster([Person("Kim", "1")]))
    assert [student.path.name for student in students if len(student.files) == 1] == ["kim", "kim", "lee", "park"]


@pytest.mark.parametrize("names", [("Kim", "Evil"), ("Kim", "2001-99-99")])
def test_whoever_gives_anothers_number_on_gradescope_is_not_that_one(tmp_path, names):
    text = "submission_{}:\n  :submitters:\n  - :name: {}\n    :sid: '5'\n    :email: {}@x.org\n"
    for number in range(2):
        write_file(tmp_path / f"submission_{number}" / "1.ipynb")
    lines = (text.format(number, name, number) for number, name in enumerate(names))
    (tmp_path / "submission_metadata.yml").write_text("".join(lines))
    found = find_students([tmp_path])
    assert sorted((student.name, len(student.files)) for student in found) == sorted((name, 1) for name in names)


def test_a_group_of_gradescope_is_a_student_each(tmp_path):
    write_file(tmp_path / "submission_1" / "1.ipynb")
    text = "submission_1:\n  :submitters:\n  - :name: Kim\n    :sid: 1\n  - :name: Lee\n    :sid: 2\n"
    (tmp_path / "submission_metadata.yml").write_text(text)
    kim, lee = find_students([tmp_path])
    assert (kim.name, kim.id, lee.name, lee.id) == ("Kim", "1", "Lee", "2")
    assert kim.files == lee.files
