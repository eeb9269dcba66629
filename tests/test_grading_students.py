import os
import unicodedata
from pathlib import Path

import pytest
from submissions import write_submission

from bn_helpers.grading.results import GradingError
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
    assert names(tmp_path, others=[tmp_path / "results"]) == ["empty", "kim", "lee.zip"]


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


@pytest.mark.parametrize("inside", ["notebooks", "homework"])
def test_notebooks_one_folder_further_down_are_found(tmp_path, inside):
    write_submission(tmp_path / "kim" / inside, ANSWERS)
    (tmp_path / "kim" / "README.md").touch()
    assert list(read_student(tmp_path / "kim").answers) == ["normalize"]


def test_of_a_whole_repository_the_notebooks_folder_is_read(tmp_path):
    for folder, answer in (("notebooks", "mine"), ("solutions", "theirs")):
        write_submission(tmp_path / "kim" / folder, {"normalize": f"def normalize(x):\n    return {answer}"})
    assert "mine" in read_student(tmp_path / "kim").answers["normalize"].code


def test_links_are_not_followed_to_another_student(tmp_path):
    write_submission(tmp_path / "kim", ANSWERS)
    os.symlink(tmp_path / "kim", tmp_path / "thief")
    (tmp_path / "second").mkdir()
    os.symlink(tmp_path / "kim", tmp_path / "second" / "notebooks")
    for name in ("thief", "second"):
        submission = read_student(tmp_path / name)
        assert not submission.answers
        assert submission.notes


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
