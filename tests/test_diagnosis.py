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
    assert list(seen(b=np.array(2.0))["values"]) == ["b"]
    assert list(seen(a=np.ones(3), b=np.array(2.0))["values"]) == ["a", "b"]


def test_signature_is_plain_json():
    found = seen(a=np.ones(3))
    assert json.loads(json.dumps(found)) == found


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        (np.ones(3), np.ones(3, order="F"), True),
        (np.ones(3), np.ones(3, np.float32), True),
        (np.ones(3), np.ones(3, int), True),
        (np.ones(3), np.ones(3) * (1 + CLOSE / 100), True),
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


def called(found, known):
    return diagnose([found], lambda *_: known)


def test_mistake_is_named_only_where_one_fits_everywhere():
    ones, twos = seen(a=np.ones(3)), seen(a=np.full(3, 2.0))
    known = {"first": {"c": ones}, "second": {"c": ones, "d": "fail"}, "third": {"c": twos}}
    assert called({"c": ones}, known) == Diagnosis("first", alone=True)
    assert called({"c": ones, "d": "fail"}, known) == Diagnosis("second", alone=True)
    assert called({"d": "fail"}, known) is None
    assert called({}, known) is None
    assert called({"c": ones}, {**known, "twin": {"c": ones}}) is None


A, B, BOTH, OTHER = (
    seen(a=np.ones(3)),
    seen(b=np.array(5.0)),
    seen(a=np.ones(3), b=np.array(5.0)),
    seen(a=np.full(3, 9.0)),
)


def test_mistake_beside_another_is_named_by_the_cases_that_isolate_it():
    known = {"first": {"c": A, "d": A, "e": A}, "second": {"e": B}}
    assert called({"c": A, "d": A, "e": OTHER}, known) == Diagnosis("first", alone=False)
    assert called({"c": BOTH, "d": BOTH, "e": BOTH}, known) == Diagnosis("first", alone=False)


def test_mistake_is_not_named_by_one_case_of_several():
    known = {"first": {"c": A, "d": A, "e": A}}
    assert called({"c": A, "d": OTHER, "e": OTHER}, known) is None
    assert called({"two_rows": A, "constant": A, "e": OTHER}, {"first": {"two_rows": A, "constant": A, "e": A}}) is None


def test_mistake_is_not_named_where_something_is_right_that_it_makes_wrong():
    known = {"first": {"c": A, "d": A, "e": A}}
    assert called({"c": A, "d": A}, known) is None
    assert called({"c": A, "d": A, "e": B}, known) is None


def test_mistake_is_not_named_where_another_explains_the_same():
    known = {"first": {"c": A, "d": A, "e": A}, "second": {"c": A, "d": A, "e": BOTH}}
    assert called({"c": A, "d": A, "e": seen(a=np.full(3, 7.0), b=np.array(7.0))}, known) is None


def test_mistake_is_named_only_where_it_shows_on_every_draw():
    known = [{"first": {"c": A, "d": A}}, {"first": {"c": OTHER, "d": OTHER}}]
    assert diagnose([{"c": A, "d": A}, {"c": OTHER, "d": OTHER}], lambda draw, _: known[draw]).alone
    assert diagnose([{"c": A, "d": A}, {"c": A, "d": A}], lambda draw, _: known[draw]) is None


def test_small_slip_beside_a_gross_one_does_not_hide_it():
    gross, with_slip = seen(a=np.full(3, 9.0)), seen(a=np.full(3, 9.0) + 1e-4)
    assert alike(gross, with_slip)
    assert not alike(seen(a=np.arange(3.0) + 1e-4), seen(a=np.arange(3.0) + 2e-4))
