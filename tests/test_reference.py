"""The three texts that are made of a reference function."""

from __future__ import annotations

import ast
import inspect

import numpy as np
import pytest

from bn_helpers import layers
from bn_helpers.exercises import EXERCISES, NOTEBOOKS
from bn_helpers.reference import Reference

SOURCE = inspect.getsource(layers)
SMALL = '''\
from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np


def half(x: np.ndarray, eps: float = 1e-5) -> np.ndarray:
    """Half of x.

    It is x / 2, as everybody knows.

    Parameters
    ----------
    x : ndarray
        What to halve.

    Returns
    -------
    half : ndarray

    Notes
    -----
    half = x / 2.

    Examples
    --------
    >>> half(2.0)
    1.0
    """
    # a comment
    return np.divide(x, 2)  # (N,)


def quarter(x: np.ndarray, norm: Callable | None = None) -> np.ndarray:
    """A quarter of x."""
    return half(half(x))


def root(x: float) -> float:
    """The square root."""
    return math.sqrt(x)
'''


@pytest.fixture(scope="module")
def reference():
    return Reference(SOURCE)


def test_stub_keeps_the_contract_and_drops_what_holds_the_formula():
    assert (
        Reference(SMALL).stub("half")
        == '''\
def half(x, eps=1e-5):
    """Half of x.

    Parameters
    ----------
    x : ndarray
        What to halve.

    Returns
    -------
    half : ndarray
    """
    raise NotImplementedError("half is not written yet: replace this line by your answer")'''
    )


def test_stub_of_a_function_that_documents_no_parameters():
    assert Reference(SMALL).stub("root").startswith('def root(x):\n    """The square root.\n    """\n    raise Not')


@pytest.mark.parametrize("name", EXERCISES)
def test_every_stub_is_defined_without_imports_and_says_that_it_is_not_written(reference, name):
    namespace = {}
    exec(reference.stub(name), namespace)
    stub, answer = namespace[name], getattr(layers, name)
    assert list(inspect.signature(stub).parameters) == list(inspect.signature(answer).parameters)
    assert not stub.__annotations__
    with pytest.raises(NotImplementedError, match=f"^{name} is not written yet"):
        stub(*[None] * len(inspect.signature(stub).parameters))
    documentation = inspect.getdoc(stub)
    assert documentation.startswith(inspect.getdoc(answer).split("\n")[0])
    assert "Parameters\n---" in documentation
    assert "Returns\n---" in documentation
    assert "Notes\n" not in documentation
    assert ">>>" not in documentation


@pytest.mark.parametrize("name", EXERCISES)
def test_every_solved_cell_is_the_reference_without_type_hints(reference, name):
    text = reference.solved(name)
    function = ast.parse(text).body[0]
    assert ast.dump(ast.Module(function.body, [])) == ast.dump(ast.Module(reference.functions[name].body, []))
    assert not function.returns
    assert not any(argument.annotation for argument in function.args.args)
    assert text.split("\n", 1)[1] in SOURCE  # comments, spelling and blank lines, too


def test_solved_cells_of_a_notebook_run_with_numpy_alone(reference):
    namespace = {"np": np}
    for name in ("batch_statistics", "normalize", "layer_outputs"):
        exec(reference.solved(name), namespace)
    outputs = namespace["layer_outputs"](np.array([[1.0], [3.0]]), [np.eye(1)], np.tanh, namespace["normalize"])
    assert np.allclose(outputs[0], np.tanh([[-1.0], [1.0]]), atol=1e-5)


def test_module_holds_the_handed_function_what_it_calls_and_what_they_import():
    module = Reference(SMALL).module(["quarter"])
    assert [node.name for node in ast.parse(module).body if isinstance(node, ast.FunctionDef)] == ["half", "quarter"]
    assert "import math" not in module
    namespace = {}
    exec(module, namespace)
    assert namespace["quarter"](8) == 2
    assert "Callable" in namespace
    assert "Callable" not in Reference(SMALL).module(["half"])


def test_module_without_names_holds_nothing():
    body = ast.parse(Reference(SMALL).module([])).body
    assert [type(node) for node in body] == [ast.Expr]


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_handed_module_answers_no_exercise_of_its_notebook_or_later(reference, notebook):
    namespace = {}
    exec(reference.module(NOTEBOOKS[notebook].handed), namespace)
    given = namespace.keys() & EXERCISES.keys()
    assert namespace.keys() >= set(NOTEBOOKS[notebook].handed)
    assert all(EXERCISES[name].notebook < notebook for name in given)


def test_signature_with_other_kinds_of_parameters_is_refused():
    with pytest.raises(ValueError, match="odd must have plain parameters only"):
        Reference('def odd(x, *, y=1):\n    """Odd."""\n').stub("odd")
