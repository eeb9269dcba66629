"""The command line, as a person types it."""

import os
import subprocess
import sys

import pytest

from bn_helpers import cli
from bn_helpers.course import builder
from bn_helpers.course.sources import BuildError


@pytest.fixture
def calls(monkeypatch):
    """Stand in for the builder: what was called, with which notebooks."""
    seen = []
    monkeypatch.setattr(builder, "build", lambda root, names: seen.append(("build", names)))
    monkeypatch.setattr(builder, "check", lambda root, names: seen.append(("check", names)) or [])
    return seen


def run(*arguments, **options):
    command = [sys.executable, "-m", "bn_helpers", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=cli.ROOT, **options)


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


@pytest.mark.parametrize("error", [BuildError("cell a: unknown attribute"), PermissionError(13, "denied", "a.ipynb")])
def test_a_build_that_cannot_be_done_says_why_and_gives_status_2(monkeypatch, capsys, error):
    def build(root, names):
        raise error

    monkeypatch.setattr(builder, "build", build)
    assert cli.main(["build"]) == 2
    assert capsys.readouterr().err == f"{error}\n"


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
