"""The course in nbgrader, Gradescope and GitHub Classroom, as far as each can be run here."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import jsonschema
import nbformat
import pytest
import yaml
from submissions import right_answer, right_answers, write_submission

from bn_helpers import cli
from bn_helpers.course import bundle, classtools
from bn_helpers.exercises import EXERCISES, NOTEBOOKS, QUIZZES, TASKS
from bn_helpers.grading.probes import quiz_letter
from bn_helpers.grading.results import SandboxUnavailable
from bn_helpers.grading.sandbox.workshop import choose_sandbox

ROOT = Path(__file__).parents[1]
NBGRADER = os.environ.get("NBGRADER") and os.path.abspath(
    os.environ["NBGRADER"]
)  # the program, in an environment of its own: make test-classtools
GRADED = "01_normalization"  # by nbgrader itself, which takes a minute for each notebook


def obstacle(sandbox=None):
    try:
        choose_sandbox(sandbox)
    except SandboxUnavailable as error:
        return str(error)
    return ""


def unpack(files, folder):
    with zipfile.ZipFile(io.BytesIO(bundle.zipped(files))) as archive:
        for entry in archive.infolist():
            path = Path(archive.extract(entry, folder))
            path.chmod(entry.external_attr >> 16 & 0o777)
    return folder


def wrong_letter(quiz):
    return next(letter for letter in "abcd" if letter != quiz_letter(quiz, QUIZZES[quiz].notebook))


# nbgrader


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    return unpack(classtools.nbgrader_files(ROOT), tmp_path_factory.mktemp("nbgrader"))


def test_nbgrader_has_an_assignment_a_notebook_each_with_its_own_helpers(course):
    assert sorted(path.name for path in (course / "source").iterdir()) == sorted(NOTEBOOKS)
    for name, notebook in NOTEBOOKS.items():
        layers = (course / "source" / name / "bn_helpers" / "layers.py").read_text(encoding="utf-8")
        handed = {function for n in NOTEBOOKS.values() if n.number <= notebook.number for function in n.handed}
        assert set(re.findall(r"^def (\w+)", layers, re.MULTILINE)) - {"batch_statistics"} == handed


def test_only_a_hidden_test_knows_a_quizs_letter(course):
    for quiz in QUIZZES.values():
        source = course / "source" / quiz.notebook / f"{quiz.notebook}.ipynb"
        [check] = [cell for cell in nbformat.read(source, as_version=4).cells if cell.id == f"{quiz.id}-check"]
        shown, hidden = check.source.split("\n### BEGIN HIDDEN TESTS\n")
        assert shown == f'check("{quiz.id}", {quiz.id})'
        names = {quiz.id: quiz_letter(quiz.id, quiz.notebook)}
        exec(hidden, dict(names))
        with pytest.raises(AssertionError):
            exec(hidden, {quiz.id: wrong_letter(quiz.id)})


@pytest.fixture(scope="module")
def graded(course, tmp_path_factory):
    """What nbgrader itself makes of three students: the course, and each student's points by cell."""
    if not NBGRADER:
        pytest.skip("nbgrader needs an environment of its own: make test-classtools makes it, and runs this")

    def nbgrader(*arguments):
        done = subprocess.run([NBGRADER, *arguments], cwd=course, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    environment = os.environ | {"PATH": f"{Path(NBGRADER).parent}{os.pathsep}{os.environ['PATH']}"}
    environment.pop("PYTHONPATH", None)
    nbgrader("generate_assignment", GRADED)
    for student, answers in students().items():
        folder = course / "submitted" / student / GRADED
        shutil.copytree(course / "release" / GRADED, folder)
        answer(folder / f"{GRADED}.ipynb", answers)
    helpers = course / "submitted" / "pristine" / GRADED / "bn_helpers" / "checks.py"
    helpers.write_text("def check(*_, **__): pass\nready = summary = check\n")  # nbgrader puts the true ones back
    nbgrader("autograde", GRADED)
    nbgrader("generate_feedback", GRADED)
    program = (
        "import json; from nbgrader.api import Gradebook\n"
        "with Gradebook('sqlite:///gradebook.db') as book:\n"
        f"    found = {{s.student.id: {{g.name: g.score for n in s.notebooks for g in n.grades}}"
        f" for s in book.assignment_submissions({GRADED!r})}}\n"
        "print(json.dumps(found))"
    )
    python = Path(NBGRADER).with_name("python")
    told = subprocess.run([python, "-c", program], cwd=course, capture_output=True, text=True, check=True).stdout
    return course, json.loads(told)


def students():
    """Three students' answers: all right, none, and some that are wrong as a whole."""
    right = {task: right_answer(task) for task in TASKS if TASKS[task].notebook == GRADED}
    return {
        "solved": right,
        "pristine": {},
        "failing": right
        | {
            "normalize": "def normalize(x, eps=1e-5):\n    return 2 * x",
            "quiz_1": f'quiz_1 = "{wrong_letter("quiz_1")}"',
        },
    }


def answer(path, answers):
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        cell.source = answers.get(cell.id, cell.source)
    nbformat.write(notebook, path)


@pytest.mark.slow
def test_nbgrader_releases_our_stubs_and_no_letter(graded):
    course, _ = graded
    released = nbformat.read(course / "release" / GRADED / f"{GRADED}.ipynb", as_version=4)
    built = nbformat.read(ROOT / "notebooks" / f"{GRADED}.ipynb", as_version=4)
    assert [cell.source for cell in released.cells] == [cell.source for cell in built.cells]
    assert [cell.metadata for cell in released.cells] == [cell.metadata for cell in built.cells]


@pytest.mark.slow
def test_nbgrader_gives_the_points_that_our_grader_gives(graded, tmp_path):
    course, points = graded
    if obstacle():
        pytest.skip(obstacle())
    folders = [tmp_path / "class" / student for student in points]
    for folder in folders:
        shutil.copytree(
            course / "submitted" / folder.name / GRADED, folder, ignore=shutil.ignore_patterns("bn_helpers")
        )
    assert cli.main(["grade", str(tmp_path / "class"), "--out", str(tmp_path / "out")]) == 0
    results = json.loads((tmp_path / "out" / "results.json").read_text(encoding="utf-8"))
    ours = {
        student["student"]: {f"{e['id']}-check": e["score"] for e in student["exercises"] if e["notebook"] == GRADED}
        for student in results["submissions"]
    }
    assert points == ours
    whole = sum(task.points for task in TASKS.values() if task.notebook == GRADED)
    assert {student: sum(of_one.values()) for student, of_one in ours.items()} == {
        "solved": whole,
        "pristine": 0,
        "failing": whole - EXERCISES["normalize"].points - 1,
    }


@pytest.mark.slow
def test_nbgraders_feedback_holds_our_words(graded):
    course, _ = graded
    page = (course / "feedback" / "failing" / GRADED / f"{GRADED}.html").read_text(encoding="utf-8")
    assert "normalize: not right yet" in page


# Gradescope


@pytest.fixture(scope="module")
def autograder(tmp_path_factory):
    """Gradescope's folders, with the zip unpacked where it does."""
    folder = tmp_path_factory.mktemp("autograder")
    unpack(classtools.gradescope_files(ROOT, b"the key"), folder / "source")
    (folder / "results").mkdir()
    (folder / "venv").symlink_to(sys.prefix)  # which setup.sh makes there
    return folder


def run_autograder(autograder, submission):
    shutil.rmtree(autograder / "submission", ignore_errors=True)
    shutil.copytree(submission, autograder / "submission")
    (autograder / "results" / "results.json").unlink(missing_ok=True)
    command = [autograder / "source" / "run_autograder"]
    return subprocess.run(command, env=os.environ | {"AUTOGRADER": str(autograder)}, capture_output=True, text=True)


@pytest.mark.slow
@pytest.mark.skipif(
    bool(obstacle("user")), reason="the sandbox `user` needs root and libseccomp, as Gradescope has them"
)
@pytest.mark.parametrize("inside", ["", "notebooks"], ids=["files", "repository"])
def test_gradescopes_run_gives_a_valid_results_json(autograder, tmp_path, inside):
    wrong = {"normalize": "def normalize(x, eps=1e-5):\n    return 2 * x"}
    write_submission(tmp_path / "submission" / inside, right_answers(**wrong))
    (tmp_path / "submission" / "other").mkdir()
    done = run_autograder(autograder, tmp_path / "submission")
    assert done.returncode == 0, done.stderr
    results = json.loads((autograder / "results" / "results.json").read_text(encoding="utf-8"))
    schema = json.loads((ROOT / "bn_helpers" / "grading" / "gradescope.schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(results, schema)
    assert results["score"] == 100 - EXERCISES["normalize"].points
    assert {test["number"] for test in results["tests"] if test["status"] == "failed"} == {"1.2"}


@pytest.mark.slow
@pytest.mark.skipif(
    bool(obstacle("user")), reason="the sandbox `user` needs root and libseccomp, as Gradescope has them"
)
def test_gradescope_gets_no_results_where_grading_fails(autograder, tmp_path):
    (tmp_path / "submission").mkdir()
    key = (autograder / "source" / "course.key").read_bytes()
    (autograder / "source" / "course.key").write_bytes(b"")
    done = run_autograder(autograder, tmp_path / "submission")
    (autograder / "source" / "course.key").write_bytes(key)
    assert done.returncode != 0
    assert "the course key is empty" in done.stderr
    assert not (autograder / "results" / "results.json").exists()


def test_gradescopes_zip_holds_the_key_and_what_grades_with_it(tmp_path, capsys):
    assert cli.main(["bundle", "--gradescope", "--out", str(tmp_path), "--key", "sesame"]) == 0
    path = tmp_path / "gradescope.zip"
    assert path.stat().st_mode & 0o777 == 0o600
    with zipfile.ZipFile(path) as archive:
        assert archive.read("course.key") == b"sesame"
        names = set(archive.namelist())
        assert {entry.filename for entry in archive.infolist() if entry.external_attr >> 16 & 0o111} == {
            "setup.sh",
            "run_autograder",
        }
    assert {"course/bn_helpers/layers.py", "course/bn_helpers/grading/gradescope.schema.json"} <= names
    assert {f"course/solutions/{name}.py" for name in NOTEBOOKS} <= names
    assert "course/bn_helpers/grading/report/templates/feedback.html" in names
    assert "secret" in capsys.readouterr().out


def test_gradescope_grades_the_whole_course_or_nothing(tmp_path, capsys):
    assert cli.main(["bundle", "--gradescope", "--notebooks", "1", "--out", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err == "--gradescope grades all notebooks: leave --notebooks out\n"
    assert not (tmp_path / "out").exists()


# GitHub Classroom

GH = """#!/bin/sh
case "$1 $2" in
"repo list") printf 'bn-kim\\nbn-lee\\nanother\\n' ;;
"repo clone") mkdir -p "$4" && cp -r "$CLASSROOM/$3/." "$4" ;;
esac
"""


@pytest.mark.slow
@pytest.mark.skipif(bool(obstacle()), reason="nothing here can confine an answer")
def test_the_classroom_workflow_collects_and_grades(tmp_path):
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "classroom.yml").read_text(encoding="utf-8"))
    steps = {step["name"]: step["run"] for step in workflow["jobs"]["grade"]["steps"] if "name" in step}
    checkout, programs = tmp_path / "staff", tmp_path / "bin"
    checkout.mkdir()
    programs.mkdir()
    for name, target in {
        ".venv": sys.prefix,
        "bn_helpers": ROOT / "bn_helpers",
        "solutions": ROOT / "solutions",
    }.items():
        (checkout / name).symlink_to(target)
    (programs / "gh").write_text(GH)
    (programs / "gh").chmod(0o755)
    for name, answers in {"bn-kim": right_answers(), "bn-lee": {}, "another": right_answers()}.items():
        write_submission(tmp_path / "classroom" / "school" / name / "notebooks", answers)
        (tmp_path / "classroom" / "school" / name / "README.md").touch()
    environment = os.environ | {
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "CLASSROOM": str(tmp_path / "classroom"),
        **{"ORGANIZATION": "school", "ASSIGNMENT": "bn-", "COURSE_KEY": "sesame", "GITHUB_ACTIONS": "true"},
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
    }
    for name in ("Collect", "Grade"):
        done = subprocess.run(
            ["bash", "-e", "-c", steps[name]], cwd=checkout, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
    results = json.loads((checkout / "grades" / "results.json").read_text(encoding="utf-8"))
    assert {student["student"]: student["score"] for student in results["submissions"]} == {"kim": 100.0, "lee": 0.0}
    assert "sesame" not in done.stdout + done.stderr
    assert (tmp_path / "summary.md").read_text(encoding="utf-8")
    assert not (checkout / "grades" / "course.key").exists()
