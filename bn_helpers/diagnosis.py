"""Name the mistake that an answer makes, from its outcomes alone.

A signature says what a case looked like from outside: that it passed, or what was raised, or the shapes and a few
random projections of the values. A mistake is named when its signatures equal the answer's on every case, and no other
mistake's do. Otherwise nothing is named: a wrong diagnosis is worse than none.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

import numpy as np

from bn_helpers.outcomes import Case, Outcome, judge, judge_value

PROJECTIONS = 2
CLOSE = 1e-6  # of projections: far above rounding, far below what two mistakes differ by

Signature = Any  # "pass", "fail", or a dict: what JSON can hold
Signatures = Mapping[str, Signature]


def signature(case: Case, outcome: Outcome) -> Signature:
    """What a case's outcome looks like from outside, small enough to be stored."""
    if judge(case, outcome).passed:
        return "pass"
    if not case.comparable:
        return "fail"
    if outcome.raised == "ZeroDivisionError" or judge(case, outcome).problem == "finite":
        return "not finite"  # a division by 0 raises in Python, and gives inf or nan in NumPy
    if outcome.raised:
        # The words of an exception differ between versions of NumPy; those about what was returned are our own.
        words = {"returned": outcome.detail} if outcome.raised == "unpack" else {}
        return {"raised": outcome.raised, "in": outcome.function, **words}
    if outcome.changed:
        return {"changed": list(outcome.changed)}
    looks = {name: _look(outcome.values.get(name), wanted.scale) for name, wanted in case.wanted.items()}
    if case.raises:
        return {"silent": looks}
    right = {n for n, w in case.wanted.items() if judge_value(outcome.values.get(n), w, case.tolerance).passed}
    return {name: look for name, look in looks.items() if name not in right}


def signatures(cases: Iterable[Case], outcomes: Iterable[Outcome]) -> dict[str, Signature]:
    """Signatures of all cases that did not pass, by the case's id."""
    pairs = ((case.id, signature(case, outcome)) for case, outcome in zip(cases, outcomes, strict=True))
    return {case: found for case, found in pairs if found != "pass"}


def diagnose(found: Signatures, known: Mapping[str, Signatures]) -> str | None:
    """The one known mistake whose signatures equal those found; None where there is none, or more than one."""
    matches = [mistake for mistake, expected in known.items() if alike(found, expected)]
    return matches[0] if len(matches) == 1 else None


def alike(left: Any, right: Any) -> bool:
    """Whether two signatures are equal, up to rounding of the projections."""
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return left.keys() == right.keys() and all(alike(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(alike, left, right))
    if isinstance(left, float) and isinstance(right, float):
        return math.isclose(left, right, rel_tol=CLOSE, abs_tol=CLOSE)
    return left == right


def _look(value: np.ndarray | None, scale: float) -> list | None:
    """Shape and projections of an observed array, in units of the scale."""
    if value is None:
        return None
    shape = list(value.shape)
    if value.dtype.kind not in "fiu":
        return [shape, "not numbers"]
    if not np.isfinite(value).all():
        return [shape, "not finite"]
    projections = _directions(value.size) @ np.ravel(value) / (scale * max(value.size, 1) ** 0.5)
    return [shape, *(float(f"{p:.8g}") for p in projections)]


@cache
def _directions(size: int) -> np.ndarray:
    """Random directions to project on, the same ones on every machine."""
    return np.random.RandomState(0).standard_normal((PROJECTIONS, size))
