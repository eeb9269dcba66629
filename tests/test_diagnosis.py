"""Signatures, and what may be called by a name."""

from __future__ import annotations

import json

import numpy as np
import pytest

from bn_helpers.judging import Diagnosis, alike, diagnose, signature, signatures
from bn_helpers.judging.naming import CLOSE
from bn_helpers.outcomes import Call, Case, Outcome, Wanted

WANTED = {"a": Wanted(np.arange(3.0), 2.0), "b": Wanted(np.array(1.0), 1.0)}
CASE = Case("c", {}, (Call("f", (), ("a", "b")),), WANTED)
RIGHT = {"a": np.arange(3.0), "b": np.array(1.0)}


def seen(**values):
    return signature(CASE, Outcome({**RIGHT, **values}))


def test_right_outcome_is_a_pass_and_is_left_out():
    assert seen() == "pass"
    wrong = Outcome({**RIGHT, "b": np.array(2.0)})
    other = Case("other", {}, CASE.calls, WANTED)
    assert list(signatures([CASE, other], [Outcome(RIGHT), wrong])) == ["other"]


def test_only_wrong_outputs_are_in_a_signature():
    assert list(seen(b=np.array(2.0))) == ["b"]
    assert list(seen(a=np.ones(3), b=np.array(2.0))) == ["a", "b"]


def test_signature_is_plain_json():
    found = seen(a=np.ones(3))
    assert json.loads(json.dumps(found)) == found


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        (np.ones(3), np.ones(3, order="F"), True),
        (np.ones(3), np.ones(3, np.float32), True),
        (np.ones(3), np.ones(3, int), True),
        (np.ones(3), np.ones(3) * (1 + CLOSE / 10), True),
        (np.ones(3), np.ones(3) * (1 + CLOSE * 100), False),
        (np.ones(3), np.ones((3, 1)), False),
        (np.array([1.0, 2, 4]), np.array([2.0, 1, 4]), False),
        (np.ones(3), np.ones(3) > 0, False),
    ],
)
def test_signatures_see_shape_and_values(left, right, same):
    assert alike(seen(a=left), seen(a=right)) is same


def test_signatures_are_relative_to_the_scale():
    small = Case("c", {}, CASE.calls, {"a": Wanted(1e-9 * np.arange(3.0), 1e-9)})
    looks = [signature(small, Outcome({"a": 1e-9 * np.array(v)})) for v in ([1.0, 1, 1], [1.0, 1, 2])]
    assert not alike(*looks)


def test_division_by_zero_looks_the_same_in_python_and_in_numpy():
    raised = signature(CASE, Outcome(raised="ZeroDivisionError", function="f"))
    assert raised == seen(a=np.full(3, np.nan)) == seen(b=np.array(np.inf)) == "not finite"


def test_words_of_exceptions_do_not_count_and_their_place_does():
    one = signature(CASE, Outcome(raised="ValueError", function="f", detail="in words"))
    other = signature(CASE, Outcome(raised="ValueError", function="f", detail="in other words"))
    assert one == other != signature(CASE, Outcome(raised="ValueError", function="g"))


def test_what_does_not_unpack_is_told_apart():
    two, three = (signature(CASE, Outcome(raised="unpack", function="f", detail=f"a tuple of {n}")) for n in (2, 3))
    assert two != three


def test_changed_inputs_are_told_apart():
    keeps = Case("c", {}, CASE.calls, {}, keeps=("x", "y"))
    assert signature(keeps, Outcome(changed=("x",))) == {"changed": ["x"]}


def test_coarse_cases_say_pass_or_fail_only():
    coarse = Case("c", {}, CASE.calls, WANTED, comparable=False)
    assert signature(coarse, Outcome(RIGHT)) == "pass"
    assert signature(coarse, Outcome(raised="TypeError")) == signature(coarse, Outcome()) == "fail"


def test_missing_exception_keeps_what_came_instead():
    refuses = Case("c", {}, CASE.calls, WANTED, raises=True)
    assert list(signature(refuses, Outcome(RIGHT))["silent"]) == ["a", "b"]


def test_mistake_is_named_only_where_one_fits_everywhere():
    ones, twos = seen(a=np.ones(3)), seen(a=np.full(3, 2.0))
    known = {"first": {"c": ones}, "second": {"c": ones, "d": "fail"}, "third": {"c": twos}}
    assert diagnose({"c": ones}, known) == "first"
    assert diagnose({"c": ones, "d": "fail"}, known) == "second"
    assert diagnose({"d": "fail"}, known) is None
    assert diagnose({}, known) is None
    assert diagnose({"c": ones}, {**known, "twin": {"c": ones}}) is None
