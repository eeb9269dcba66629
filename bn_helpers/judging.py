"""Judge what came of a case, name the mistake behind it, and find the words for it.

There is one way, for the check in a notebook, the command line and the grader. A signature says what a case looked like
from outside: that it passed, or what was raised, or the shapes and a few random projections of the values. A mistake is
named when its signatures equal the answer's on every case, and no other mistake's do. Otherwise nothing is named: a
wrong diagnosis is worse than none.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from bn_helpers.exercises import CASES, EASY
from bn_helpers.oracles import difference
from bn_helpers.outcomes import Case, Outcome, Wanted

PROJECTIONS = 2
CLOSE = 1e-6  # of projections: far above rounding, far below what two mistakes differ by
SHOWN = 5  # rows and columns of an array that a message shows at most
WIDTH = 58  # columns that fit beside JupyterLab's file browser on a page of 900 pixels

Signature = Any  # "pass", "fail", or a dict: what JSON can hold
Signatures = Mapping[str, Signature]


# Right or wrong


@dataclass(frozen=True)
class Judgement:
    """Whether a case passed; if not, what kind of problem it was, with which output, and how large the error."""

    passed: bool
    problem: str = ""  # raised, silent, unpack, missing, shape, dtype, finite, value, changed
    name: str = ""
    error: float = 0.0


def judge(case: Case, outcome: Outcome) -> Judgement:
    """Compare an outcome with what the case wants; the first problem found is the one that is told."""
    if case.raises:
        problem = "silent" if outcome.raised in ("", "unpack") else "raised"
        return Judgement(True) if outcome.raised == "ValueError" else Judgement(False, problem)
    if outcome.raised:
        return Judgement(False, "unpack" if outcome.raised == "unpack" else "raised")
    if outcome.changed:
        return Judgement(False, "changed", outcome.changed[0])
    for name, wanted in case.wanted.items():
        judgement = judge_value(outcome.values.get(name), wanted, case.tolerance)
        if not judgement.passed:
            return Judgement(False, judgement.problem, name, judgement.error)
    return Judgement(True)


def judge_value(value: np.ndarray | None, wanted: Wanted, tolerance: float) -> Judgement:
    """Compare one observed array with what is wanted."""
    if value is None:
        return Judgement(False, "missing")
    if value.dtype.kind not in "fiu":
        return Judgement(False, "dtype")
    if value.shape != wanted.value.shape:
        return Judgement(False, "shape")
    if not np.isfinite(value).all():
        return Judgement(False, "finite")
    error = difference(value, wanted.value, wanted.scale)
    return Judgement(True) if error <= tolerance else Judgement(False, "value", error=error)


# Which mistake


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


# Words


def explain(results: list[tuple[Case, Outcome, Judgement]]) -> str:
    """What was expected, what was seen, what to look at, for the most telling of the failures among the results.

    That is the first one, but a small batch rather than the large one. Where even the large one fails, the formula is
    wrong, and what a special case has in view would lead astray; so the advice is the first failure's.
    """
    failures = [result for result in results if not result[2].passed]
    telling = next((result for result in failures if result[0].id != EASY), failures[0])
    advice = "square" if telling[2].problem == "shape" else failures[0][0].id
    return f"\n{_seen(*telling)}\n{CASES[advice][1]}"


def _seen(case: Case, outcome: Outcome, judgement: Judgement) -> str:
    wanted = case.wanted.get(judgement.name)
    got = outcome.values.get(judgement.name)
    results = {call.function: ", ".join(call.results) for call in case.calls}
    seen = {
        "raised": lambda: f"{'a ValueError is wanted, and ' * case.raises}{outcome.function} raised {outcome.detail}",
        "unpack": lambda: f"{outcome.function} returned {outcome.detail}, wanted {results[outcome.function]}",
        "silent": lambda: "a ValueError is wanted, and none was raised",
        "missing": lambda: f"{judgement.name} is missing; is there a return, and is everything written back?",
        "changed": lambda: f"your function changes its input {judgement.name}",
        "dtype": lambda: f"{judgement.name} holds {got.dtype}, wanted real numbers",
        "shape": lambda: f"{judgement.name} has shape {got.shape}, wanted {wanted.value.shape}",
        "finite": lambda: f"{judgement.name} holds values that are not finite\n{table(wanted.value, got)}",
        "value": lambda: f"{judgement.name} has the wrong values\n{table(wanted.value, got)}",
    }[judgement.problem]()
    return f"{CASES[case.id][0]}: {seen}"


def table(wanted: np.ndarray, got: np.ndarray) -> str:
    """Wanted, yours and their difference, of a large array the rows that differ most.

    They stand side by side where that fits, and below one another otherwise: a front end that has no room breaks a line
    anywhere, in the midst of a number, too.
    """
    with np.errstate(all="ignore"):
        arrays = [np.atleast_2d(a.reshape(-1, a.shape[-1]) if a.ndim > 1 else a) for a in (wanted, got, got - wanted)]
    order = np.argsort(-np.nan_to_num(np.abs(arrays[2]), nan=np.inf).max(axis=1), kind="stable")
    rows = np.sort(order[:SHOWN])
    parts = [_block(array[rows, :SHOWN]) for array in arrays]
    blocks = dict(zip(("wanted", "yours", "difference"), parts, strict=True))
    widths = [max(len(head), len(block[0])) for head, block in blocks.items()]
    if sum(widths) + 2 * len(widths) > WIDTH:
        lines = [line for head, block in blocks.items() for line in (head, *(f"  {row}" for row in block))]
    else:
        beside = [list(blocks), *zip(*blocks.values(), strict=True)]
        lines = ["  ".join(f"{part:>{width}}" for part, width in zip(parts, widths, strict=True)) for parts in beside]
    whole = arrays[0].size == len(rows) * min(SHOWN, arrays[0].shape[1])
    return "\n".join(f"  {line}" for line in lines) + ("" if whole else f"\n  (a part of shape {wanted.shape})")


def _block(values: np.ndarray) -> list[str]:
    """A line a row, its numbers below one another."""
    texts = [[f"{v:.4g}" for v in row] for row in values]
    width = max(len(text) for row in texts for text in row)
    return [" ".join(f"{text:>{width}}" for text in row) for row in texts]
