"""Running an answer on a case, and judging what came of it."""

from __future__ import annotations

import sys
from collections import namedtuple

import numpy as np
import pytest

from bn_helpers.judging import judge
from bn_helpers.outcomes import FUNCTIONS, Call, Case, Outcome, Wanted, run

X = np.array([[1.0, 2.0], [3.0, 4.0]])
ONE = Case("one", {"x": X}, (Call("f", ("x",), ("y",)),), {"y": Wanted(2 * X, 8.0)}, keeps=("x",))
TWO = Case("two", {"x": X}, (Call("f", ("x",), ("a", "b")),), {"a": Wanted(X[0], 2.0), "b": Wanted(np.array(5.0), 5.0)})
REFUSES = Case("refuses", {"x": X}, (Call("f", ("x",), ("y",)),), {"y": Wanted(X, 4.0)}, raises=True)
Pair = namedtuple("Pair", "a b")


def problem(case, answer):
    return judge(case, run(case, {"f": answer})).problem


@pytest.mark.parametrize("answer", [lambda x: 2 * x, lambda x: (2 * x).tolist(), lambda x: np.asfortranarray(x + x)])
def test_right_values_pass(answer):
    assert judge(ONE, run(ONE, {"f": answer})).passed


@pytest.mark.parametrize(
    "answer",
    [
        lambda x: (x[0], 5),
        lambda x: [x[0], np.float64(5)],
        lambda x: Pair(x[0], np.array(5.0)),
        lambda x: (list(x[0]), 5.0 + 1e-12),
    ],
)
def test_right_pairs_pass(answer):
    assert judge(TWO, run(TWO, {"f": answer})).passed


@pytest.mark.parametrize(
    ("answer", "wanted"),
    [
        (lambda x: 2.01 * x, "value"),
        (lambda x: x[0], "shape"),
        (lambda x: 2 * x[None], "axes"),
        (lambda x: 3 * x[None], "value"),
        (lambda x: None, "missing"),
        (lambda x: x / 0, "finite"),
        (lambda x: 2j * x, "dtype"),
        (lambda x: x > 1, "dtype"),
        (lambda x: x.astype(str), "dtype"),
        (lambda x: (2 * x).astype(object), "dtype"),
        (lambda x: [[1.0], [2.0, 3.0]], "dtype"),
        (lambda x: (row for row in 2 * x), "dtype"),
        (lambda x: {"y": 2 * x}, "dtype"),
        (lambda x: (2 * x,), "unpack"),
        (lambda x: (2 * x, None), "unpack"),
        (lambda x: np.multiply(x, 2, out=x), "changed"),
        (lambda x: x[5], "raised"),
        (lambda x: x.resize(9), "raised"),
        (lambda x: sys.exit(), "raised"),
    ],
)
def test_each_kind_of_problem_is_told(answer, wanted):
    assert problem(ONE, answer) == wanted


@pytest.mark.parametrize(
    ("answer", "described"),
    [
        (lambda x: None, "None"),
        (lambda x: 5.0, "a float"),
        (lambda x: (x, x, x), "a tuple of 3"),
        (lambda x: [x], "a list of 1"),
        (lambda x: np.zeros((3, 2)), "an array of shape (3, 2)"),
    ],
)
def test_what_does_not_unpack_is_described(answer, described):
    outcome = run(TWO, {"f": answer})
    assert (outcome.raised, outcome.detail) == ("unpack", described)


def test_object_that_refuses_to_become_an_array_is_no_number():
    class Refuses:
        def __array__(self, *arguments, **options):
            raise RuntimeError("call detach first")

    assert problem(ONE, lambda x: Refuses()) == "dtype"


@pytest.mark.parametrize(
    ("answer", "passed", "wanted"),
    [
        (lambda x: int("a"), True, ""),
        (lambda x: np.zeros(2).reshape(3), True, ""),
        (lambda x: x.sum(axis=7), True, ""),  # NumPy's own exception is a ValueError, too
        (lambda x: np.linalg.inv(np.zeros((2, 2))), True, ""),
        (lambda x: x, False, "silent"),
        (lambda x: None, False, "silent"),
        (lambda x: (x, x), False, "silent"),
        (lambda x: x["a"], False, "raised"),
        (lambda x: {}["a"], False, "raised"),
    ],
)
def test_wanted_exception(answer, passed, wanted):
    judgement = judge(REFUSES, run(REFUSES, {"f": answer}))
    assert (judgement.passed, judgement.problem) == (passed, wanted)


def test_exceptions_go_by_public_names_and_their_line():
    def f(x):
        return x @ np.zeros((3, 3))

    outcome = run(ONE, {"f": f})
    assert (outcome.raised, outcome.function) == ("ValueError", "f")
    assert outcome.detail.endswith("return x @ np.zeros((3, 3)))")
    assert "\n" not in outcome.detail
    assert run(ONE, {"f": lambda x: x.astype(int).__iadd__(0.5)}).raised == "TypeError"


def test_stub_that_an_answer_calls_is_the_function_in_which_it_came():
    def g(x):
        raise NotImplementedError("g is not written yet")

    outcome = run(ONE, {"f": lambda x: g(x)})
    assert (outcome.raised, outcome.function) == ("NotImplementedError", "g")


def test_answer_gets_copies_and_cannot_harm_the_case():
    def f(x, weights, bn_param):
        x[:], weights[0][:] = 0, 0
        weights.pop()
        bn_param["mode"] = "gone"
        bn_param["running_mean"] += 1
        return x

    inputs = {"x": X.copy(), "weights": [X.copy()], "bn_param": {"mode": "train", "running_mean": np.zeros(2)}}
    case = Case("c", inputs, (Call("f", tuple(inputs), ("y",)),), {"y": Wanted(X, 1.0)}, keeps=("x", "weights"))
    assert run(case, {"f": f}).changed == ("x", "weights")
    np.testing.assert_array_equal(inputs["x"], X)
    np.testing.assert_array_equal(inputs["weights"][0], X)
    assert inputs["bn_param"]["mode"] == "train"
    assert not inputs["bn_param"]["running_mean"].any()


def test_calls_share_their_names_and_results():
    def step(bn_param):
        bn_param["running_mean"] = bn_param.get("running_mean", 0.0) + 1
        return bn_param["running_mean"], bn_param["mode"]

    calls = (Call("step", ("p",), ("", "")), Call("evaluate", ("p",), ("",)), Call("step", ("p",), ("count", "mode")))
    wanted = {"count": Wanted(np.array(2.0), 2.0), "p.running_mean": Wanted(np.array(2.0), 2.0)}
    case = Case("c", {"p": {"mode": "train"}}, calls, wanted)
    outcome = run(case, {"step": step})
    assert judge(case, outcome).passed
    assert judge(case, Outcome({"count": np.array(2.0)})).name == "p.running_mean"


def test_functions_of_a_case_go_by_name():
    case = Case("c", {"z": X, "g": "relu"}, (Call("f", ("z", "g"), ("y",)),), {"y": Wanted(X, 4.0)})
    assert judge(case, run(case, {"f": lambda z, g: g(z) if g is FUNCTIONS["relu"] else None})).passed


def test_warnings_and_numerical_errors_stay_quiet():
    def f(x):
        np.float64(1.0) / np.float64(0.0)
        np.var(np.zeros(0))
        return 2 * x

    with np.errstate(all="raise"):
        assert judge(ONE, run(ONE, {"f": f})).passed


def test_error_is_measured_in_the_scale():
    judgement = judge(ONE, run(ONE, {"f": lambda x: 2 * x + 0.4}))
    assert judgement.error == pytest.approx(0.05)
