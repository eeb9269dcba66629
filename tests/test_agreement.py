"""The check in the terminal and the grader say the same of the same notebook, whatever its form."""

from __future__ import annotations

import contextlib
import copy
import inspect
import io
import json
import random
import subprocess
import sys

import nbformat
import pytest
from submissions import code_cell, notebook, right_answer, sandbox_here, variant_source

from bn_helpers import catalogue, layers, selfcheck
from bn_helpers.catalogue.entry import HUNKS, changed_source
from bn_helpers.checks import GRADED
from bn_helpers.cli import ROOT
from bn_helpers.exercises import EXERCISES, NOTEBOOKS
from bn_helpers.grading.grader import Grader
from bn_helpers.submission import Submission, read_submission

STUBS = {name: json.loads((ROOT / "notebooks" / f"{name}.ipynb").read_text("utf-8")) for name in NOTEBOOKS}
PRISTINE = STUBS["01_normalization"]
RIGHT = "def normalize(x, eps=1e-5):\n    return (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + eps)"
WRONG = RIGHT.replace("x.var(axis=0)", "x.var(axis=0, ddof=1)")
HELPED = RIGHT.replace("x.mean(axis=0)", "center(x)")
HELPER = code_cell("def center(x):\n    return x.mean(axis=0)", id="helper")


def its_cell(notebook: dict, exercise: str = "normalize") -> dict:
    return next(cell for cell in notebook["cells"] if cell["id"] == exercise)


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
    with Grader(b"a key", sandbox_here()) as grader:
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


def one_answer(rng: random.Random, exercise: str) -> str:
    """An answer as a student might hand it in, right or wrong; an empty one stands for none."""
    right, task = right_answer(exercise), EXERCISES[exercise]
    head = f"def {exercise}({', '.join(inspect.signature(getattr(layers, exercise)).parameters)}):\n    "
    wrong = changed_source(exercise, rng.choice(list(HUNKS[exercise]))) if HUNKS[exercise] else f"{head}return 0"
    kinds = {
        right: 6,
        f"from collections.abc import Callable\n{wrong}": 6,
        variant_source(rng.choice(list(catalogue.RIGHT[exercise].values()))): 0 if task.uses else 2,
        "".join(its_cell(STUBS[task.notebook], exercise)["source"]): 3,
        "": 1,
        f"{head}pass": 1,
        f"{head}return missing": 1,
        f"{right}\n)": 1,
    }
    return rng.choices(list(kinds), list(kinds.values()))[0]


def its_cells(rng: random.Random, exercise: str, text: str) -> list[dict]:
    """An answer as it may lie in a student's notebook: in a cell of its own, changed, without ids, or in two."""
    cell = code_cell(text, exercise, exercise)
    parts = text.replace(f"def {exercise}(", "def my_own("), f"def {exercise}(*inputs):\n    return my_own(*inputs)"
    kinds = {
        "as it was": ([cell], 10),
        "without ids": ([code_cell(text)], 2),
        "Markdown": ([cell | {"cell_type": "markdown"}], 1),
        "Raw": ([cell | {"cell_type": "raw"}], 1),
        "twice": ([code_cell(f"def {exercise}():\n    return 0", exercise), cell], 1),
        "an import that is not used": ([code_cell(f"import matplotlib.pyplot as plt\n{text}", exercise)], 1),
        "shell lines": ([code_cell(f"!ls\nfiles = !ls \\\n  -l\n%matplotlib inline\n{text}", exercise)], 1),
        "raises above": ([code_cell(f"1 / 0\n{text}", exercise)], 1),
        "raises below": ([code_cell(f"{text}\n1 / 0", exercise)], 1),
        "in two cells": ([code_cell(part, exercise) for part in parts], 1),
        "with a helper": ([code_cell(parts[0]), code_cell(parts[1], exercise)], 1),
    }
    return rng.choices([cells for cells, _ in kinds.values()], [weight for _, weight in kinds.values()])[0]


def handed_in(rng: random.Random, name: str) -> dict:
    """A notebook as a student might hand it in."""
    answers = {id: one_answer(rng, id) for id, task in EXERCISES.items() if task.notebook == name}
    return notebook(*(cell for id, text in answers.items() if text for cell in its_cells(rng, id, text)))


def checked(submission: Submission, name: str) -> dict[str, selfcheck.Result]:
    """What the check says of each exercise of a notebook, whose cells run here, and not in a kernel."""
    collector, names = selfcheck._Collector(), {}
    frame = selfcheck.frame(nbformat.read(ROOT / "solutions" / f"{name}.ipynb", as_version=4))
    for cell in selfcheck._filled(frame, name, submission.answers).cells:
        raised, printed, part = "", io.StringIO(), selfcheck._part(cell)
        with contextlib.redirect_stdout(printed):
            try:
                exec(cell.source, names)
            except Exception as error:
                raised = f"{type(error).__name__}: {error}"
        collector.words[part], collector.raised[part] = printed.getvalue() + raised, raised
        collector.passed[part] = not raised
    ids = [id for id, task in EXERCISES.items() if task.notebook == name]
    return {id: selfcheck._result(id, submission.answers.get(id), collector) for id in ids}


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_check_and_grade_agree_on_what_students_hand_in_or_the_check_says_what_the_grader_does(tmp_path, grader, seed):
    rng, name = random.Random(seed), list(NOTEBOOKS)[seed % len(NOTEBOOKS)]
    path = tmp_path / f"{name}.ipynb"
    path.write_text(json.dumps(handed_in(rng, name)), encoding="utf-8")
    submission = read_submission(path)
    graded = {result.id: result for result in grader.grade(submission).exercises}
    for id, result in checked(submission, name).items():
        same = SHOWN.get(graded[id].status, graded[id].status) == result.state
        told = GRADED in result.words and "given a right" in graded[id].message
        assert same or told, (id, result, graded[id].status, graded[id].message)


@pytest.mark.slow
@pytest.mark.parametrize(("slip", "state"), [("", "right"), ("dgamma_with_gamma", "judged")])
def test_an_answer_without_its_forward_is_judged_with_a_right_one_and_the_check_says_so(tmp_path, grader, slip, state):
    exercise = "spatial_batchnorm_backward"
    text = changed_source(exercise, slip) if slip else right_answer(exercise)
    path = tmp_path / "04_convolution.ipynb"
    path.write_text(json.dumps(notebook(code_cell(text, exercise))), encoding="utf-8")
    submission = read_submission(path)
    graded = {result.id: result for result in grader.grade(submission).exercises}
    given = f"{state}, given a right channel_statistics, spatial_batchnorm_forward"
    assert graded[exercise].message.endswith(given)
    needed = f"{exercise} needs your spatial_batchnorm_forward, and that is not written yet. {GRADED}\n"
    assert checked(submission, "04_convolution")[exercise].words == needed
