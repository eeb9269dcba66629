"""Name the mistake that an answer makes, from its outcomes alone.

A signature says what a case looked like from outside: that it passed, or what was raised, or the shapes and a few
random projections of the values. A mistake is named when its signatures equal the answer's on every case, and no other
mistake's do. Otherwise nothing is named: a wrong diagnosis is worse than none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from bn_helpers.outcomes import Case, Outcome, judge

PROJECTIONS = 3
CLOSE = 1e-6  # of projections: far above rounding, far below what two mistakes differ by

Signature = Any  # "pass", "fail", or a dict: what JSON can hold
Signatures = Mapping[str, Signature]


def signature(case: Case, outcome: Outcome) -> Signature:
    """What a case's outcome looks like from outside, small enough to be stored."""
    if judge(case, outcome).passed:
        return "pass"
    if not case.comparable:
        return "fail"
    if outcome.raised:
        return {"raised": outcome.raised, "function": outcome.function}
    return {
        "changed": list(outcome.changed),
        "values": {name: _look(outcome.values.get(name)) for name in case.wanted},
    }


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
    if isinstance(left, list) and isinstance(right, list) and left and isinstance(left[0], float):
        return len(left) == len(right) and bool(np.allclose(left, right, rtol=CLOSE, atol=CLOSE))
    return left == right


def _look(value: np.ndarray | None) -> Any:
    """Shape and projections of an observed array."""
    if value is None or value.dtype.kind not in "fiu":
        return None if value is None else "not a number"
    if not np.isfinite(value).all():
        return {"shape": list(value.shape), "finite": False}
    directions = np.random.RandomState(0).standard_normal((PROJECTIONS, value.size))
    projections = directions @ np.ravel(value) / max(value.size, 1) ** 0.5
    return {"shape": list(value.shape), "projections": [float(f"{p:.10g}") for p in projections]}
