"""The search for answers in a student's notebook."""

from __future__ import annotations

import ast
import inspect

import pytest

from bn_helpers import layers
from bn_helpers.course.leaks import leaks
from bn_helpers.exercises import EXERCISES, NOTEBOOKS
from bn_helpers.reference import Reference

REFERENCE = Reference(inspect.getsource(layers))
LETTERS = {"quiz_1": "b"}


def search(notebook, source, cell_type="code"):
    return leaks(notebook, [{"id": "cell", "cell_type": cell_type, "source": source}], REFERENCE, LETTERS)


@pytest.mark.parametrize("name", EXERCISES)
def test_answer_leaks_in_its_own_notebook_and_in_earlier_ones(name):
    for notebook in NOTEBOOKS:
        found = search(notebook, REFERENCE.solved(name))
        if notebook <= EXERCISES[name].notebook:
            assert any(f"which answers {name}" in message for message in found)
        else:
            assert not any(f"which answers {name}" in message for message in found)


@pytest.mark.parametrize("name", EXERCISES)
def test_stub_does_not_leak(name):
    assert search(EXERCISES[name].notebook, REFERENCE.stub(name)) == []


ANSWER = "(x - mean) / np.sqrt(var + eps)"


@pytest.mark.parametrize(
    ("source", "cell_type"),
    [
        (f"y = {ANSWER}", "code"),
        (f"def f(x, mean, var, eps):\n    return 2 * ({ANSWER})", "code"),
        (f"# {ANSWER}\npass", "code"),
        (f'"""A hint: {ANSWER}"""', "code"),
        ("y = ((x - mean)\n     / (np.sqrt(var+eps)))", "code"),
        (f"Divide: `{ANSWER}`.", "markdown"),
        ("    x_hat = (x-mean)/np.sqrt(var+eps)", "markdown"),
    ],
)
def test_answer_is_found_however_it_is_dressed(source, cell_type):
    message = "cell 'cell': holds '(x-mean)/np.sqrt(var+eps)', which answers normalize"
    assert [found.split(";")[0] for found in search("01_normalization", source, cell_type)] == [message]


@pytest.mark.parametrize("cell_type", ["code", "markdown"])
def test_quotes_do_not_hide_an_answer(cell_type):
    line = "bn_param.get('running_var', np.zeros(x.shape[1], x.dtype))"
    assert "answers batchnorm_forward" in search("02_scale_and_shift", line, cell_type)[0]
    assert search("03_backward", line, cell_type) == []  # an answer of notebook 2


def test_one_of_several_results_is_an_answer_too():
    assert "answers fold_into_linear" in search("02_scale_and_shift", "y = (b - running_mean) * scale + beta")[0]


def test_earlier_answer_may_be_shown_although_a_later_one_holds_the_same_line():
    line = 'bn_param["running_mean"] = momentum * running_mean + (1 - momentum) * mean'
    assert line in inspect.getsource(layers.spatial_batchnorm_forward)
    assert search("03_backward", line) == []
    assert "answers batchnorm_forward" in search("02_scale_and_shift", line)[0]


def test_ordinary_work_with_a_batch_is_no_leak():
    source = "x = rng.standard_normal((4, 2))\nmean = x.mean(axis=0)\nprint(x - mean, len(x), x.std(axis=0))"
    assert search("01_normalization", source) == []
    assert search("01_normalization", "$$\\hat{x} = (x - \\mu) / \\sqrt{\\sigma^2 + \\epsilon}$$", "markdown") == []


@pytest.mark.parametrize(
    "source", ['quiz_1 = "b"', "quiz_1 == 'b'", "The answer to quiz_1: **b**", "`quiz_1`: b)", "# quiz_1 (b)\npass"]
)
def test_letter_beside_its_quiz_leaks(source):
    cell_type = "markdown" if "`" in source or "The" in source else "code"
    assert "names the answer 'b' beside quiz_1" in search("01_normalization", source, cell_type)[0]


@pytest.mark.parametrize("source", ['quiz_1 = "?"', 'check("quiz_1", quiz_1)', "quiz_1\nb = 2", "quiz_1 = beta"])
def test_quiz_without_its_letter_is_no_leak(source):
    assert search("01_normalization", source) == []


@pytest.mark.parametrize(
    ("notebook", "source", "imported"),
    [
        ("01_normalization", "from bn_helpers.layers import normalize", "bn_helpers.layers.normalize"),
        ("04_convolution", "from bn_helpers.layers import normalize", "bn_helpers.layers.normalize"),
        ("04_convolution", "from bn_helpers import layers", "bn_helpers.layers"),
        ("04_convolution", "import bn_helpers.layers as l", "bn_helpers.layers"),
        ("05_regularization", "from bn_helpers.layers import *", "bn_helpers.layers.*"),
        (
            "01_normalization",
            "if True:\n    from bn_helpers.catalogue import catalogue",
            "bn_helpers.catalogue.catalogue",
        ),
    ],
)
def test_import_of_what_is_not_handed_leaks(notebook, source, imported):
    assert f"imports {imported}, which this notebook is not handed" in search(notebook, source)[0]


def test_handed_functions_may_be_imported():
    assert search("04_convolution", "from bn_helpers.layers import batchnorm_backward, batchnorm_forward") == []
    assert search("05_regularization", "from bn_helpers.layers import normalize\nfrom bn_helpers import data") == []


def test_every_exercise_has_a_line_that_can_be_found():
    for name in EXERCISES:  # parsed, so that only the body counts
        body = "\n".join(map(ast.unparse, REFERENCE.functions[name].body[1:]))
        wrapped = "def other(x):\n" + "\n".join(f"    {line}" for line in body.split("\n"))
        assert search(EXERCISES[name].notebook, wrapped), name
