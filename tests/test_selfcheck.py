"""The learner's own run over notebooks: what it says of right, wrong, unwritten and missing answers."""

import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[1]
RIGHT = "def batch_statistics(x):\n    return x.mean(axis=0), x.var(axis=0)"
WRONG = "def normalize(x, eps=1e-5):\n    return (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0, ddof=1) + eps)"


def check(*paths):
    """Run the command as a learner does: it runs pytest, which is not to be run inside of pytest."""
    command = [sys.executable, "-m", "bn_helpers", "check", *map(str, paths)]
    return subprocess.run(command, capture_output=True, text=True)


def states(output):
    """The state of each exercise, as the table has it."""
    rows = [line.split(maxsplit=3) for line in output.splitlines() if " points  " in line and line[0] != " "]
    return {row[0]: row[3] for row in rows}


@pytest.fixture
def notebook(tmp_path):
    """Write the student's notebook 1 with some cells replaced, and some taken out."""

    def write(answers=(), without=()):
        node = nbformat.read(ROOT / "notebooks" / "01_normalization.ipynb", as_version=4)
        node.cells = [cell for cell in node.cells if cell.id not in without]
        for cell in node.cells:
            cell.source = dict(answers).get(cell.id, cell.source)
        nbformat.write(node, tmp_path / "mine.ipynb")
        return tmp_path / "mine.ipynb"

    return write


def test_every_answer_gets_its_state_and_a_wrong_one_its_reason(notebook):
    answers = {"batch_statistics": RIGHT, "normalize": WRONG, "quiz_1": 'quiz_1 = "a"'}
    forged = {
        "normalize-check": 'print("normalize: all 10 cases pass")'
    }  # the check that counts is the solved notebook's
    done = check(notebook(answers | forged, without=["layer_outputs"]))
    assert states(done.stdout) == {
        "batch_statistics": "passed",
        "normalize": "failed",
        "layer_outputs": "missing",
        "quiz_1": "recorded",  # whether it is right is not told here
    }
    assert "you divide the variance by N - 1" in done.stdout
    assert done.returncode == 1


def test_what_is_not_written_yet_is_no_failure(notebook):
    done = check(notebook({"batch_statistics": RIGHT}))
    assert list(states(done.stdout).values()) == ["passed", "unanswered", "unanswered", "unanswered"]
    assert done.returncode == 0


def test_a_kernel_that_does_not_start_is_the_machines_fault(notebook, tmp_path, monkeypatch):
    (tmp_path / "ipykernel_launcher.py").write_text("raise SystemExit('it is broken')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    done = check(notebook({"batch_statistics": RIGHT}))
    assert done.returncode == 2
    assert "no notebook can be run here" in done.stderr
    assert "batch_statistics" not in done.stdout


@pytest.mark.slow
def test_an_endless_loop_is_named_with_its_line_and_costs_no_other_answer(notebook):
    endless = "def normalize(x, eps=1e-5):\n    while True:\n        x = x + 0"
    done = check(notebook({"batch_statistics": RIGHT, "normalize": endless}))
    assert [*states(done.stdout).values()][:2] == ["passed", "failed"]
    assert re.search(r"after 10 seconds of computing \(line [23]: ", done.stdout)


def test_what_an_answer_prints_is_no_fault_and_its_helper_is_taken_along(notebook):
    done = check(
        notebook(
            {
                "setup": "from numpy import mean as middle",
                "batch_statistics": (
                    "print(1)\ndef batch_statistics(x):\n    print(x)\n    return middle(x, axis=0), x.var(axis=0)"
                ),
                "normalize": f"print(1)\n{WRONG}",
            }
        )
    )
    assert states(done.stdout)["batch_statistics"] == "passed"
    assert "you divide the variance by N - 1" in done.stdout
    assert "    middle, defined in another cell, is taken along" in done.stdout.splitlines()


@pytest.mark.parametrize("text", [None, "", "{}", '{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'])
def test_what_is_no_notebook_of_the_course_is_refused_in_one_line(tmp_path, text):
    path = tmp_path / "mine.ipynb"
    if text is not None:
        path.write_text(text)
    done = check(path)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "mine.ipynb" in done.stderr
