"""The check in the terminal and the grader say the same of the same notebook, whatever its form."""

from __future__ import annotations

import copy
import json
import subprocess
import sys

import pytest
from submissions import code_cell

from bn_helpers.cli import ROOT
from bn_helpers.exercises import EXERCISES
from bn_helpers.grading.grader import Grader
from bn_helpers.grading.results import SandboxUnavailable
from bn_helpers.grading.sandbox.workshop import choose_sandbox
from bn_helpers.submission import read_submission

PRISTINE = json.loads((ROOT / "notebooks" / "01_normalization.ipynb").read_text("utf-8"))
RIGHT = "def normalize(x, eps=1e-5):\n    return (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + eps)"
WRONG = RIGHT.replace("x.var(axis=0)", "x.var(axis=0, ddof=1)")
HELPED = RIGHT.replace("x.mean(axis=0)", "center(x)")
HELPER = code_cell("def center(x):\n    return x.mean(axis=0)", id="helper")


def its_cell(notebook: dict) -> dict:
    return next(cell for cell in notebook["cells"] if cell["id"] == "normalize")


def answered(text: str, **changes: str) -> dict:
    """The student's notebook with an answer to normalize, and with changes of that cell."""
    notebook = copy.deepcopy(PRISTINE)
    cell = its_cell(notebook)
    cell |= {"source": text, **changes}
    if cell["cell_type"] != "code":
        del cell["outputs"], cell["execution_count"]
    return notebook


def beside(notebook: dict, cell: dict) -> dict:
    """A notebook with one more cell, above its answers."""
    return notebook | {"cells": [cell, *notebook["cells"]]}


def without_ids(notebook: dict) -> dict:
    cells = [{k: v for k, v in cell.items() if k != "id"} | {"metadata": {}} for cell in notebook["cells"]]
    return notebook | {"cells": cells, "nbformat_minor": 4}


KINDS = {
    "right": (answered(RIGHT), "passed"),
    "wrong": (answered(WRONG), "partial"),
    "pristine": (PRISTINE, "unanswered"),
    "pristine, no ids": (without_ids(PRISTINE), "unanswered"),
    "right, no ids": (without_ids(answered(RIGHT)), "passed"),
    "an import that is not used": (answered(f"import matplotlib.pyplot as plt\n{RIGHT}"), "passed"),
    "an import that is used": (answered(f"import matplotlib\nmatplotlib.use('agg')\n{RIGHT}"), "failed"),
    "an import inside": (answered(RIGHT.replace(":\n", ":\n    import matplotlib\n", 1)), "failed"),
    "the check, imported": (answered(f"from bn_helpers.checks import check\n{RIGHT}"), "passed"),
    "a name of the setup": (answered(RIGHT.replace(":\n", ":\n    plotting\n", 1)), "failed"),
    "Markdown": (answered(RIGHT, cell_type="markdown"), "passed"),
    "Raw": (answered(WRONG, cell_type="raw"), "partial"),
    "assigned shell line": (answered(f"files = !ls\n{RIGHT}"), "passed"),
    "assigned magic": (answered(f"names = %who_ls\n{RIGHT}"), "passed"),
    "shell line that goes on": (answered(f"!ls \\\n  -l\n{RIGHT}"), "passed"),
    "a helper in another cell": (beside(answered(HELPED), HELPER), "passed"),
    "split": (beside(answered(HELPED), HELPER | {"metadata": its_cell(PRISTINE)["metadata"]}), "passed"),
    "an answer that prints": (answered(RIGHT.replace(":\n", ":\n    print(x)\n", 1)), "passed"),
    "no Python": (answered(f"{RIGHT}\n)"), "failed"),
    "without end": (answered("def normalize(x, eps=1e-5):\n    while True:\n        pass"), "timeout"),
}
SHOWN = {"partial": "failed", "timeout": "failed"}  # what the check calls them, which gives no points


@pytest.fixture(scope="module")
def grader():
    try:
        sandbox = choose_sandbox()
    except SandboxUnavailable as error:
        pytest.skip(str(error))
    with Grader(b"a key", sandbox) as grader:
        yield grader


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_check_and_grade_agree(tmp_path, grader, kind):
    notebook, state = KINDS[kind]
    path = tmp_path / "mine.ipynb"
    path.write_text(json.dumps(notebook), encoding="utf-8")
    graded = {result.id: result.status for result in grader.grade(read_submission(path)).exercises}
    done = subprocess.run([sys.executable, "-m", "bn_helpers", "check", str(path)], capture_output=True, text=True)
    rows = [line.split(maxsplit=3) for line in done.stdout.splitlines() if " points  " in line and line[0] != " "]
    checked = {row[0]: row[3] for row in rows}
    assert (graded["normalize"], checked["normalize"]) == (state, SHOWN.get(state, state)), done.stdout + done.stderr
    others = [id for id in EXERCISES if id in checked and id != "normalize"]
    assert {graded[id] for id in others} == {checked[id] for id in others} == {"unanswered"}
