"""Answers run with what is there where they are graded, and with nothing else."""

from __future__ import annotations

import pytest

import bn_helpers.checks  # noqa: F401  it is there, and yet not for answers
from bn_helpers import answers, guard, layers


@pytest.fixture(autouse=True)
def notebook():
    opening = ["from math import pi", "from bn_helpers import plotting", "from bn_helpers.layers import normalize"]
    answers.begin(["normalize", "batch_statistics"], [*opening, "def shown():\n    return pi"])


def define(source, task="answer"):
    return answers.define(task, source)


def test_an_answer_sees_numpy_the_opening_and_earlier_answers():
    define("def batch(x):\n    return normalize(np.array(x))", "batch")
    answer = define("from numpy import sqrt\ndef answer():\n    return batch([[1.0], [3.0]]), shown(), sqrt(4)")
    assert answer()[1:] == (pytest.approx(3.14159, abs=1e-5), 2)


@pytest.mark.parametrize("name", ["plotting", "check", "pytest", "answers"])
def test_an_answer_does_not_see_what_is_not_there(name):
    with pytest.raises(NameError):
        define(f"def answer():\n    return {name}")()


@pytest.mark.parametrize(
    "line",
    [
        "import matplotlib",
        "import bn_helpers.oracles",
        "from bn_helpers import checks",
        "from matplotlib import pyplot",
    ],
)
def test_what_is_not_there_cannot_be_imported(line):
    with pytest.raises(ImportError):
        define(f"def answer():\n    {line}")()


def test_of_the_reference_there_is_what_is_handed():
    layers_of = define("import bn_helpers.layers\nfrom bn_helpers import layers\nanswer = layers")
    assert layers_of.normalize is layers.normalize
    with pytest.raises(ImportError, match="layer_outputs"):
        define("from bn_helpers.layers import layer_outputs as answer")


def test_what_goes_wrong_below_an_answer_does_not_take_it_away():
    assert define("def answer():\n    return 1\n1 / 0")() == 1
    with pytest.raises(ZeroDivisionError):
        define("1 / 0\ndef answer():\n    return 1")


def test_a_cell_without_end_is_an_error(monkeypatch):
    monkeypatch.setattr(answers, "limited", lambda: guard.limited(0.05))
    with pytest.raises(TimeoutError, match=r"after 0.05 seconds of computing"):
        define("while True:\n    pass")
