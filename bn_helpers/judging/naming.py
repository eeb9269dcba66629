"""Which mistake: what a case's outcome looks like from outside, and whose looks it has.

A signature says of a case that it passed, or what was raised, or the shapes of the wrong outputs and a few random
projections of their errors. A mistake is named when its signatures equal the answer's on every case, and no other
mistake's do. Where an answer holds two, one may hide the other in some cases and not in all: a mistake is then named as
one of several when it accounts for some of what is wrong, when nothing is right that it makes wrong, and when no other
mistake accounts for as much. Otherwise nothing is named: a wrong diagnosis is worse than none.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from itertools import combinations
from typing import Any

import numpy as np

from bn_helpers.exercises.draw import SPECIAL
from bn_helpers.judging.marking import judge, judge_value, longer_axes
from bn_helpers.outcomes import Case, Outcome, Wanted

PROJECTIONS = 2
CLOSE = 1e-3  # of the error itself: far above rounding, far below what two mistakes differ by
PART = 1 / 2  # of what a mistake makes wrong, that it must account for to be named beside another
NEXT_TO_NOTHING = 1e-9  # of the scale: what rounding makes of an error that is none

Signature = Any  # "pass", "fail", or a dict: what JSON can hold
Signatures = Mapping[str, Signature]
# What known mistakes look like on a draw of the cases, by their ids; of those in the collection where one is given.
Known = Callable[[int, "Collection[str] | None"], Mapping[str, Signatures]]
Unit = tuple[str, str]  # a case and one of its outputs


@dataclass(frozen=True)
class Diagnosis:
    """The id of a known mistake, and whether it alone makes the answer what it is."""

    mistake: str
    alone: bool


@cache
def fingerprints() -> dict[str, dict[str, dict[str, Any]]]:
    """What known mistakes look like on the visible cases: exercise, then mistake, then its message and signatures."""
    return json.loads(resources.files("bn_helpers").joinpath("fingerprints.json").read_text("utf-8"))


def signature(case: Case, outcome: Outcome) -> Signature:
    """What a case's outcome looks like from outside, small enough to be stored."""
    judgement = judge(case, outcome)
    if judgement.passed:
        return "pass"
    if not case.comparable:
        return "fail"
    if outcome.raised == "ZeroDivisionError" or judgement.problem == "finite":
        return "not finite"  # a division by 0 raises in Python, and gives inf or nan in NumPy
    if outcome.raised:
        # The words of an exception differ between versions of NumPy; those about what was returned are our own.
        words = {"returned": outcome.detail} if outcome.raised == "unpack" else {}
        return {"raised": outcome.raised, "in": outcome.function, **words}
    if outcome.changed:
        return {"changed": list(outcome.changed)}
    seen = {name: (outcome.values.get(name), wanted) for name, wanted in (case.wanted | case.watched).items()}
    if case.raises:
        return {"silent": {name: _look(*pair) for name, pair in seen.items()}}
    wrong = {name: pair for name, pair in seen.items() if not judge_value(name, *pair, case.tolerance).passed}
    return {"values": {name: _look(*pair) for name, pair in wrong.items()}}


def signatures(cases: Iterable[Case], outcomes: Iterable[Outcome]) -> dict[str, Signature]:
    """Signatures of all cases that did not pass, by the case's id."""
    pairs = ((case.id, signature(case, outcome)) for case, outcome in zip(cases, outcomes, strict=True))
    return {case: found for case, found in pairs if found != "pass"}


def _look(value: np.ndarray | None, wanted: Wanted) -> list | None:
    """Projections of an observed array's error, in units of the scale, or of its values where they have no error.

    The shape stands before them where it is not the one that is wanted.
    """
    if value is None:
        return None
    shape = [list(value.shape)] if value.shape != wanted.value.shape else []
    if value.dtype.kind not in "fiu":
        return [*shape, "not numbers"]
    if not np.isfinite(value).all():
        return [*shape, "not finite"]
    fits = longer_axes(value) == longer_axes(wanted.value)
    error = np.ravel(value) - (np.ravel(wanted.value) if fits else 0.0)
    projections = _directions(value.size) @ error / (wanted.scale * max(value.size, 1) ** 0.5)
    return [*shape, *(float(f"{p:.5g}") for p in projections)]


@cache
def _directions(size: int) -> np.ndarray:
    """Random directions to project on, the same ones on every machine."""
    return np.random.RandomState(0).standard_normal((PROJECTIONS, size))


def alike(left: Any, right: Any) -> bool:
    """Whether two signatures are equal, up to a small part of the errors that are projected."""
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(alike(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        if len(left) != len(right):
            return False
        numbers = [n for n in (*left, *right) if isinstance(n, float)]
        margin = CLOSE * max(map(abs, numbers), default=0.0) + NEXT_TO_NOTHING
        return all(_close(*pair, margin) for pair in zip(left, right, strict=True))
    return left == right


def _close(left: Any, right: Any, margin: float) -> bool:
    if isinstance(left, float) and isinstance(right, float):
        return math.isclose(left, right, rel_tol=0, abs_tol=margin)
    return alike(left, right)


def diagnose(draws: Iterable[Signatures], known: Known) -> Diagnosis | None:
    """The one known mistake that accounts for what came of all draws of the cases, alone or as one of several."""
    whole: set[str] | None = None
    parts: dict[str, frozenset[Unit]] = {}
    for number, found in enumerate(draws):
        looks = known(number, None if whole is None else whole | parts.keys())
        fits = {id for id, expected in looks.items() if alike(found, expected)}
        accounted = {id: accounts_for(found, expected) for id, expected in looks.items()}
        if whole is not None:
            fits &= whole
            accounted = {id: units & parts.get(id, frozenset()) for id, units in accounted.items()}
        whole, parts = fits, {id: units for id, units in accounted.items() if units}
    if whole:
        return Diagnosis(*whole, alone=True) if len(whole) == 1 else None
    return _one_of_several(parts, found, looks) if parts else None


def accounts_for(found: Signatures, expected: Signatures) -> frozenset[Unit]:
    """The outputs that are wrong in just the way in which a mistake makes them wrong, whatever else may be.

    There are none where something is right that the mistake makes wrong.
    """
    pairs = {case: (found.get(case, "pass"), looks) for case, looks in expected.items()}
    if any(seen == "pass" or _contradicts(seen, looks) for case, (seen, looks) in pairs.items() if case not in SPECIAL):
        return frozenset()
    values = {case: (_values(seen), _values(looks)) for case, (seen, looks) in pairs.items()}
    return frozenset(
        (case, name)
        for case, (seen, wrong) in values.items()
        for name in wrong.keys() & seen.keys()
        if alike(wrong[name], seen[name])
    )


def _values(signature: Signature) -> Mapping[str, list]:
    return signature.get("values", {}) if isinstance(signature, dict) else {}


def _contradicts(seen: Signature, looks: Signature) -> bool:
    """Whether a case shows that the mistake was not made: an output is right that it makes wrong, or there is one."""
    if not (isinstance(looks, dict) and _values(seen)):
        return False  # an exception hides what the values would have been
    return not _values(looks) or not _values(looks).keys() <= _values(seen).keys()


def _one_of_several(
    parts: Mapping[str, frozenset[Unit]], found: Signatures, looks: Mapping[str, Signatures]
) -> Diagnosis | None:
    """The mistake that accounts for the most, a wrong shape before all; none where another accounts for that, too."""
    evidence = {id: _evidence(units, found, looks[id]) for id, units in parts.items()}

    def rank(id: str) -> tuple[bool, int, int]:
        without_values = sum(found.get(case) == look for case, look in looks[id].items() if not _values(look))
        return _has_wrong_shape(parts[id], found), len(evidence[id]) + without_values, len(parts[id])

    best = max((id for id in parts if evidence[id]), key=rank, default=None)
    others = [units for id, units in parts.items() if id != best]
    if best is None or any(units >= evidence[best] for units in others):
        return None
    explained = (left | right for left, right in combinations(others, 2))
    if any(units >= evidence[best] and len(units) > len(parts[best]) for units in explained):
        return None  # two others explain more
    return Diagnosis(best, alone=False)


def _evidence(units: frozenset[Unit], found: Signatures, expected: Signatures) -> frozenset[Unit]:
    """What speaks for a mistake: the cases of which it accounts for all that it makes wrong, or wrong shapes.

    Two ordinary cases must speak for it, or the only one that could: in special ones, many mistakes look alike.
    """
    could = {(case, name) for case, looks in expected.items() if case not in SPECIAL for name in _values(looks)}
    ordinary = units & could
    cases = {case for case, _ in could}
    if not could or len({case for case, _ in ordinary}) < min(len(cases), 2) or len(ordinary) < PART * len(could):
        return frozenset()
    if _has_wrong_shape(units, found):
        return units
    return frozenset(unit for unit in units if all((unit[0], name) in units for name in _values(expected[unit[0]])))


def _has_wrong_shape(units: frozenset[Unit], found: Signatures) -> bool:
    looks = [_values(found[case])[name] for case, name in units]
    return any(look is not None and isinstance(look[0], list) for look in looks)
