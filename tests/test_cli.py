"""The command line, as a person types it."""

import importlib
import os
import shutil
import subprocess
import sys

import pytest
from sample_results import ORDER, exercise_result, graded, submission_result

from bn_helpers import cli
from bn_helpers.course import builder
from bn_helpers.course.sources import BuildError
from bn_helpers.grading import batch
from bn_helpers.grading.results import SandboxUnavailable


@pytest.fixture
def calls(monkeypatch):
    """Stand in for the builder: what was called, with which notebooks."""
    seen = []
    monkeypatch.setattr(builder, "build", lambda root, names: seen.append(("build", names)))
    monkeypatch.setattr(builder, "check", lambda root, names: seen.append(("check", names)) or [])
    return seen


def run(*arguments, root=cli.ROOT):
    command = [sys.executable, "-m", "bn_helpers", *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, cwd=root
    )  # where it runs, its bn_helpers comes first


def test_without_a_command_it_prints_help():
    done = run()
    assert done.returncode == 0
    assert done.stdout.startswith("usage: python -m bn_helpers")
    assert "build the notebooks" in done.stdout


@pytest.mark.parametrize("arguments", [["bild"], ["build", "--chek"]])
def test_a_mistyped_command_is_one_line_and_status_2(arguments):
    done = run(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert arguments[-1] in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_help_imports_none_of_what_the_commands_need():
    code = "import sys; from bn_helpers import cli; cli.main([]); print({'numpy', 'nbformat'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "set()"


def test_build_builds_all_or_the_named(calls):
    assert cli.main(["build"]) == 0
    assert cli.main(["build", "01_normalization"]) == 0
    assert calls == [("build", None), ("build", ["01_normalization"])]


def test_build_check_builds_nothing(calls, capsys):
    assert cli.main(["build", "--check"]) == 0
    assert calls == [("check", None)]
    assert capsys.readouterr().out == "the notebooks are what their sources give\n"


def test_build_check_names_each_drift_and_gives_status_1(monkeypatch, capsys):
    monkeypatch.setattr(builder, "check", lambda root, names: ["cell a differs", "cell b differs"])
    assert cli.main(["build", "--check"]) == 1
    assert capsys.readouterr().out == "cell a differs\ncell b differs\n"


def test_a_reference_that_the_catalogue_does_not_fit_is_one_line(tmp_path):
    for name in ("bn_helpers", "solutions", "notebooks"):
        shutil.copytree(cli.ROOT / name, tmp_path / name)
    layers = tmp_path / "bn_helpers" / "layers.py"
    layers.write_text(layers.read_text("utf-8").replace("out = gamma * x_hat", "out = x_hat * gamma"), "utf-8")
    done = run("build", "--check", root=tmp_path)
    assert (done.returncode, done.stderr) == (1, "")
    assert "solutions/02_scale_and_shift.ipynb" in done.stdout
    assert "catalogue/ does not fit layers.py: " in done.stdout


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (BuildError("cell a: unknown attribute"), "cell a: unknown attribute"),
        (PermissionError(13, "denied", "a.ipynb"), "a.ipynb: denied"),
    ],
)
def test_a_build_that_cannot_be_done_says_why_and_gives_status_2(monkeypatch, capsys, error, words):
    def build(root, names):
        raise error

    monkeypatch.setattr(builder, "build", build)
    assert cli.main(["build"]) == 2
    assert capsys.readouterr().err == f"{words}\n"


def test_an_unknown_notebook_is_one_line(capsys):
    assert cli.main(["build", "09_nothing"]) == 2
    assert capsys.readouterr().err.startswith("there is no solutions/09_nothing.py")


def test_it_works_from_any_folder(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "bn_helpers", "build", "09_nothing"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(cli.ROOT)},
    )
    assert done.returncode == 2
    assert "01_normalization" in done.stderr


def test_the_notebooks_are_what_their_sources_give():
    done = run("build", "--check")
    assert done.returncode == 0, done.stdout


@pytest.fixture
def grade(monkeypatch, tmp_path):
    """Run `grade` with a made-up class in the place of the grader, or an error."""

    def run_grade(outcome, *arguments):
        def grade_class(paths, out, **choices):
            if isinstance(outcome, BaseException):
                raise outcome
            run_grade.choices = choices
            out.mkdir()
            return outcome

        monkeypatch.setattr(batch, "grade_class", grade_class)
        return cli.main(["grade", "class", "--out", str(tmp_path / "out"), *arguments])

    return run_grade


def test_a_full_disk_is_a_sentence_with_what_to_do(grade, monkeypatch, capsys):
    def full(*_):
        raise OSError(28, "No space left on device", "out/grades.csv")

    monkeypatch.setattr("bn_helpers.grading.report.write_reports", full)
    assert grade(graded(submission_result("kim"))) == 2
    assert "Make room in out and run the same again" in capsys.readouterr().err


def test_grade_writes_the_reports_and_says_where_to_begin(grade, tmp_path, capsys):
    assert grade(graded(submission_result("kim"), submission_result("lee")), "--workers", "2", "--key", "k") == 0
    assert grade.choices == {"key": "k", "workers": 2}
    assert (tmp_path / "out" / "results.json").exists()
    assert capsys.readouterr().out == f"graded 2 (sandbox: bwrap); read {tmp_path / 'out' / 'summary.md'} first\n"


def test_grade_writes_over_nothing_that_it_has_not_made(grade, tmp_path, capsys):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "grades.csv").write_text("of last year")
    assert grade(graded(submission_result("kim"))) == 2
    assert "out holds grades.csv, which would be written over" in capsys.readouterr().err
    assert (tmp_path / "out" / "grades.csv").read_text() == "of last year"


def test_grade_has_status_1_where_the_grader_failed(grade, capsys):
    lost = submission_result("kim", *(exercise_result(task, "error") for task in ORDER))
    assert grade(graded(lost, submission_result("lee"))) == 1
    assert capsys.readouterr().err.startswith("1 not graded to the end")


@pytest.mark.parametrize("error", [batch.GradingError("no submission"), SandboxUnavailable("install bubblewrap")])
def test_grading_that_cannot_begin_says_why_and_gives_status_2(grade, tmp_path, capsys, error):
    assert grade(error) == 2
    assert capsys.readouterr().err == f"{error}\n"
    assert not (tmp_path / "out").exists()


def test_who_interrupts_grading_is_told_that_nothing_is_lost(grade, capsys):
    assert grade(KeyboardInterrupt()) == 130
    assert "the same command goes on" in capsys.readouterr().err


def test_under_github_actions_grade_prints_commands(grade, monkeypatch, capsys):
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    grade(graded(submission_result("kim")))
    assert capsys.readouterr().out.startswith("::notice title=Autograding complete::Points 100/100\n")


@pytest.mark.parametrize(
    "arguments",
    [["--workers", "0"], ["--workers", "x"], ["--sandbox", "docker"], ["--workers", "2", "--scheduler", "tcp://a:1"]],
)
def test_a_choice_that_is_none_is_told(arguments, capsys):
    with pytest.raises(SystemExit, match="2"):
        cli.main(["grade", "class", "--out", "out", *arguments])
    assert arguments[0] in capsys.readouterr().err


def test_a_module_of_an_extra_that_is_not_installed_is_named_with_the_remedy(capsys, monkeypatch):
    monkeypatch.setattr(builder, "check", lambda *_: importlib.import_module("no_such_module"))
    assert cli.main(["build", "--check"]) == 2
    assert capsys.readouterr().err == 'no_such_module is missing. Install it: python -m pip install -e ".[author]"\n'


@pytest.mark.parametrize(("submissions", "status"), [("", 2), ("a class", 0)])
def test_make_grade_says_what_it_needs(submissions, status):
    done = subprocess.run(
        [
            "make",
            "--dry-run" if submissions else "--silent",
            "grade",
            "--assume-old=.venv/installed",
            "--assume-old=.venv/grader",
            f"SUBMISSIONS={submissions}",
            "ROSTER=a class.csv",
            "OVERRIDES=by hand.csv",
            "NAMES={name}/**",
        ],
        capture_output=True,
        text=True,
        cwd=cli.ROOT,
    )
    assert done.returncode == status
    words = 'grade "a class" --out "grades" --roster "a class.csv"' if submissions else "make grade SUBMISSIONS=folder"
    assert words in done.stdout
    assert not submissions or """--overrides "by hand.csv" --names '{name}/**'""" in done.stdout


@pytest.mark.parametrize("start", [".", "kim"])
def test_grading_is_refused_where_python_imports_from_a_submission(tmp_path, start):
    (tmp_path / "kim").mkdir()
    (tmp_path / "kim" / "a.ipynb").touch()
    done = run("grade", str(tmp_path), "--out", str(tmp_path.parent / "out"), root=tmp_path / start)
    assert done.returncode == 2
    assert "bn-helpers grade" in done.stderr
    assert not (tmp_path.parent / "out").exists()


def test_the_command_imports_nothing_from_the_folder_that_it_is_started_in(tmp_path):
    for name in ("secrets.py", "argparse.py", "numpy.py", "bn_helpers.py"):
        (tmp_path / name).write_text("raise SystemExit('imported')")
    command = os.path.join(os.path.dirname(sys.executable), "bn-helpers")
    done = subprocess.run([command, "grade", "absent", "--out", "out"], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 2
    assert "there is no file or folder 'absent'" in done.stderr
