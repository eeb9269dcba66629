import os
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from sample_results import exercise_result, submission_result

import bn_helpers
from bn_helpers.files import write_whole
from bn_helpers.grading import store as module
from bn_helpers.grading.results import ERROR, GradingError
from bn_helpers.grading.store import Store, course_key, grading_sources
from bn_helpers.submission import Answer, Submission

RESULT = submission_result("kim", exercise_result("normalize", "partial", 1 / 3, message="words", line=3))


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "graded", b"key", "bwrap")


def test_a_result_comes_back_as_it_was(store):
    store.put("name", RESULT)
    assert store.get("name") == RESULT
    assert store.get("another") is None


def test_what_the_grader_failed_in_is_not_kept(store):
    store.put("name", submission_result("kim", exercise_result("normalize", ERROR)))
    assert store.get("name") is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"student": 1}', "null"])
def test_a_damaged_file_counts_as_none(store, tmp_path, text):
    store.put("name", RESULT)
    (tmp_path / "graded" / "name.json").write_text(text)
    assert store.get("name") is None


def test_a_result_depends_on_answers_key_sandbox_and_course_but_not_on_the_name(tmp_path, monkeypatch):
    mine = Submission("kim", {"normalize": Answer("normalize", "code")})
    edited = Submission("kim", {"normalize": Answer("normalize", "code ")})

    def name(submission=mine, key=b"key", sandbox="bwrap"):
        return Store(tmp_path, key, sandbox).name(submission)

    names = {name(), name(edited), name(key=b"other"), name(sandbox="none")}
    assert name(replace(mine, student="lee")) == name()
    monkeypatch.setattr(module, "course_version", lambda: "another")
    assert len({*names, name()}) == 5


def test_the_course_version_covers_every_module_that_grades():
    """Whatever the grader imports decides on points."""
    code = "import sys, bn_helpers.grading.grader; print(*(getattr(m, '__file__', '') for m in sys.modules.values()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    package = Path(bn_helpers.__file__).parent
    imported = {Path(file) for file in done.stdout.split() if file.startswith(str(package))}
    covered = {path.resolve() for path in grading_sources()}
    assert {path for path in imported if path.name != "__init__.py" or path.stat().st_size} - covered <= {
        package / "__init__.py"
    }
    folders = {"solutions", "catalogue", "exercises", "grading", "sandbox", "bn_helpers"}
    assert {path.parent.name for path in covered} >= folders


def test_a_file_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "file"
    write_whole(path, "before")

    def no_room(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_room)
    with pytest.raises(OSError, match=r"No space left on device: .*file"):
        write_whole(path, "after")
    assert [p.name for p in tmp_path.iterdir()] == ["file"]
    assert path.read_text() == "before"


def test_the_halves_that_a_killed_run_left_are_swept_up(tmp_path):
    (tmp_path / ".writing-x").touch()
    Store(tmp_path, b"key", "bwrap")
    assert list(tmp_path.iterdir()) == []


def test_a_key_is_made_once_and_nobody_else_can_read_it(tmp_path):
    key = course_key(None, tmp_path)
    assert len(key) == 64
    assert course_key(None, tmp_path) == key
    assert stat.S_IMODE((tmp_path / "course.key").stat().st_mode) == 0o600


def test_a_key_is_a_file_or_itself(tmp_path):
    (tmp_path / "key.txt").write_text("secret\n")
    assert course_key(str(tmp_path / "key.txt"), tmp_path) == b"secret"
    assert course_key("secret", tmp_path) == b"secret"
    assert not (tmp_path / "course.key").exists()


@pytest.mark.parametrize("given", ["", "absent/key.txt", "empty.txt"])
def test_a_key_that_is_none_is_told(tmp_path, monkeypatch, given):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty.txt").write_text("\n")
    with pytest.raises(GradingError, match="key"):
        course_key(given, tmp_path)
