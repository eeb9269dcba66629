"""Right or wrong: what came of a case beside what is wanted, and what each case is worth then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from bn_helpers.exercises import EASY, EXERCISES, SHAPE
from bn_helpers.oracles import difference
from bn_helpers.outcomes import Case, Outcome, Wanted


@dataclass(frozen=True)
class Judgement:
    """Whether a case passed; if not, what kind of problem it was, with which output, and how large the error."""

    passed: bool
    problem: str = ""  # raised, silent, unpack, missing, dtype, shape, axes, finite, value, changed
    name: str = ""
    error: float = 0.0

    @property
    def values_right(self) -> bool:
        """Whether nothing is wrong but axes of length 1."""
        return self.passed or self.problem == "axes"


def judge(case: Case, outcome: Outcome) -> Judgement:
    """Compare an outcome with what the case wants. A wrong shape is told before all, then what is found first."""
    if case.raises:
        problem = "silent" if outcome.raised in ("", "unpack") else "raised"
        return Judgement(True) if outcome.raised == "ValueError" else Judgement(False, problem)
    if outcome.raised:
        return Judgement(False, "unpack" if outcome.raised == "unpack" else "raised")
    if outcome.changed:
        return Judgement(False, "changed", outcome.changed[0])
    problems = [judgement for judgement in judge_values(case, outcome).values() if not judgement.passed]
    wrong = [problem for problem in problems if not problem.values_right] or problems
    return next((p for p in wrong if p.problem == "shape"), wrong[0]) if wrong else Judgement(True)


@lru_cache(1024)  # what passes is compared, scored and told
def judge_values(case: Case, outcome: Outcome) -> Mapping[str, Judgement]:
    """Compare each output with what the case wants of it."""
    return {n: judge_value(n, outcome.values.get(n), wanted, case.tolerance) for n, wanted in case.wanted.items()}


def judge_value(name: str, value: np.ndarray | None, wanted: Wanted, tolerance: float) -> Judgement:
    """Compare one observed array with what is wanted."""
    if value is None:
        return Judgement(False, "missing", name)
    if value.dtype.kind not in "fiu":
        return Judgement(False, "dtype", name)
    if longer_axes(value) != longer_axes(wanted.value):
        return Judgement(False, "shape", name)
    if not np.isfinite(value).all():
        return Judgement(False, "finite", name)
    error = difference(value.reshape(wanted.value.shape), wanted.value, wanted.scale)
    if error > tolerance:
        return Judgement(False, "value", name, error)
    return Judgement(True) if value.shape == wanted.value.shape else Judgement(False, "axes", name)


def longer_axes(value: np.ndarray) -> tuple[int, ...]:
    """A shape without its axes of length 1."""
    return tuple(length for length in value.shape if length != 1)


def mark(exercise: str, cases: Sequence[Case], outcomes: Sequence[Outcome]) -> dict[str, float]:
    """What share of each case was reached, from 0 to 1, on the worst of its draws: what `Exercise.score` wants.

    The easy case is shared among the results. A property is left out where the call raised: nothing was seen of it.
    Where there are fewer outcomes than cases, or an answer takes no notice of its inputs, nothing was reached.
    """
    marks = {SHAPE: 1.0}
    for case, outcome in zip(cases, outcomes, strict=False):
        if case.keeps and outcome.raised:
            continue
        judged = judge_values(case, outcome)
        shares = EXERCISES[exercise].shares
        if case.id == EASY and not outcome.raised and judged.keys() == shares.keys():
            share = round(sum(shares[name] for name, value in judged.items() if value.values_right), 9)
        else:
            share = float(judge(case, outcome).values_right)
        marks[case.id] = min(share, marks.get(case.id, 1.0))
        if not outcome.raised and "axes" in [judgement.problem for judgement in judged.values()]:
            marks[SHAPE] = 0.0
    if len(outcomes) < len(cases) or _is_constant(cases, outcomes):
        marks[EASY] = 0.0
    return marks


def _is_constant(cases: Sequence[Case], outcomes: Sequence[Outcome]) -> bool:
    """Whether an answer returns the same in all cases, though not the same is wanted."""
    pairs = [(case.wanted, outcome.values) for case, outcome in zip(cases, outcomes, strict=True) if outcome.values]
    if not pairs:
        return False
    wanted = [{name: each.value for name, each in wanted.items()} for wanted, _ in pairs]
    seen = [values for _, values in pairs]
    return all(_equal(seen[0], other) for other in seen) and not all(_equal(wanted[0], other) for other in wanted)


def _equal(left: Mapping[str, np.ndarray], right: Mapping[str, np.ndarray]) -> bool:
    return left.keys() == right.keys() and all(_same(left[name], right[name]) for name in left)


def _same(left: np.ndarray, right: np.ndarray) -> bool:
    return left.shape == right.shape and left.dtype.kind in "fiub" and np.array_equal(left, right)
