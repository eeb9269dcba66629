"""The learner's own run over notebooks: what it says of right, wrong, unwritten and missing answers."""

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
        "quiz_1": "passed",  # recorded; whether it is right is not told here
    }
    assert "you divide the variance by N - 1" in done.stdout
    assert done.returncode == 1


def test_what_is_not_written_yet_is_no_failure(notebook):
    done = check(notebook({"batch_statistics": RIGHT}))
    assert list(states(done.stdout).values()) == ["passed", "unanswered", "unanswered", "unanswered"]
    assert done.returncode == 0


@pytest.mark.parametrize("text", [None, "", "{}", '{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'])
def test_what_is_no_notebook_of_the_course_is_refused_in_one_line(tmp_path, text):
    path = tmp_path / "mine.ipynb"
    if text is not None:
        path.write_text(text)
    done = check(path)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "mine.ipynb" in done.stderr
