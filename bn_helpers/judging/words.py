"""What a learner reads of a failed case: what was expected, what was seen, what to look at."""

from __future__ import annotations

import re

import numpy as np

from bn_helpers.exercises import CASES, EASY, EXERCISES, NOTEBOOKS
from bn_helpers.judging.marking import Judgement, judge_value
from bn_helpers.outcomes import Case, Outcome, Wanted

SHOWN = 5  # rows and columns of an array that a message shows at most
WIDTH = 58  # columns that fit beside JupyterLab's file browser on a page of 900 pixels
ROUNDING = 1e-12  # of a number: what is shown as no difference
SMALL = 1e-3  # of the scale: what a slip with the default eps costs

UNPACKED = r"values to unpack|cannot unpack|NoneType|not subscriptable|indices must be integers"
IS_NONE = "_is_none"  # ends the name of a result that tells whether another one is None
NO_RETURN = "Is there a return at the end? print shows a value, and hands nothing over."
GROSS = ("raised", "unpack", "shape")  # problems that say more than wrong values

# What follows from what Python or NumPy says, in whatever answer.
FOLLOWS = {
    "could not be broadcast": "NumPy compares shapes from their ends: lengths must be equal there, or one of them 1.",
    "arrays can be converted": "One number is wanted there, and an array came: math takes numbers, NumPy arrays.",
    "float' object cannot be interpreted": "An integer is wanted there: / gives a float, and // an integer.",
    "truth value of an array": "if, and and or want one True or False, and an array holds many: where do you loop?",
    "mismatch in its core dimension": "A product a @ b wants as many columns in a as rows in b: look at both shapes.",
    "'dict' object has no attribute": 'What a dict holds is read by brackets: cache["gamma"], not cache.gamma.',
    "inhomogeneous": "Parts of different shapes make no array: is there a tuple that was never unpacked?",
}

Judged = tuple[Case, Outcome, Judgement]


def explain(exercise: str, judged: list[Judged], visible: int, name: str) -> str:
    """The most telling of the failures, and below it the name of the mistake; advice where it has no name.

    Numbers are shown of the cases that a learner sees, which are the first `visible` ones. Telling is the first
    failure, but one with a small batch rather than the large one, and a large error rather than a small one. Where even
    the large batch fails, the formula is wrong, and what a special case has in view would lead astray. After an
    exception, or where something else was returned than a result, what Python says is the advice.
    """
    failures = [each for each in judged[:visible] if not each[2].passed]
    if not failures:
        case = next(case for case, _, judgement in judged if not judgement.passed)
        seen = f"{CASES[case.id][0]}: right on the numbers that you can see, and wrong on others"
        return f"{seen}\n{name or CASES[case.id][1]}"
    telling = min(failures, key=lambda each: (each[0].id == EASY, _is_small(each[2])))
    if failures[0][2].problem in GROSS and telling[2].problem == "value":
        telling = failures[0]  # what fits nowhere else may fit silently where there are as many examples as features
    advice = failures[0][0] if failures[0][0].id == EASY else telling[0]
    below = name or advise(exercise, advice, telling)
    return "\n".join(part for part in (_seen(*telling), below) if part)


def advise(exercise: str, advice: Case, telling: Judged) -> str:
    """What to look at where the mistake has no name; the words are our own, whatever the answer says."""
    return _of_forward(exercise, telling) or _look_at(exercise, advice, telling)


def _of_forward(exercise: str, telling: Judged) -> str:
    """What is said of a wrong value where the forward pass that stands before it is wrong already."""
    case, outcome, judgement = telling
    seen = {name: judge_value(name, outcome.values.get(name), w, case.tolerance) for name, w in case.watched.items()}
    if judgement.problem not in ("value", "finite") or all(value.values_right for value in seen.values()):
        return ""
    return f"Your {EXERCISES[exercise].uses[0]} returns a wrong {', '.join(seen)} here: mend that first."


def _is_small(judgement: Judgement) -> bool:
    return judgement.problem == "value" and judgement.error < SMALL


def _look_at(exercise: str, advice: Case, telling: Judged) -> str:
    """The advice where there is no name: of the case, or what follows from what Python says."""
    case, outcome, judgement = telling
    if judgement.problem in ("shape", "value"):
        wanted, got = case.wanted[judgement.name], outcome.values[judgement.name]
        if found := _right_in_part(wanted, got, case.tolerance):
            return found
    if judgement.problem == "shape":
        return CASES["square"][1]
    if judgement.problem == "axes":
        return CASES["shape"][1]
    if judgement.problem == "raised" and outcome.raised == "NameError":
        return _of_another_notebook(exercise, outcome.detail)
    none = judgement.problem == "unpack" and outcome.detail == "None"
    if none or (judgement.problem == "missing" and len(case.calls[-1].results) == 1):
        return NO_RETURN
    if judgement.problem == "raised":
        of_cache = _of_cache(exercise, outcome) if outcome.function == exercise and EXERCISES[exercise].uses else ""
        return of_cache or next((words for said, words in FOLLOWS.items() if said in outcome.detail), "")
    return CASES[advice.id][1] if judgement.problem in ("value", "finite", "changed", "silent") else ""


def _right_in_part(wanted: Wanted, got: np.ndarray, tolerance: float) -> str:
    """What is to be said of values that are right as far as they go; nothing of others."""

    def fits(some: np.ndarray, values: np.ndarray) -> np.ndarray:
        return np.abs(some - values) <= tolerance * wanted.scale

    value = wanted.value
    rows = got if got.ndim == value.ndim else got[None]
    if value.ndim and rows.shape[1:] == value.shape[1:] and 0 < len(rows) < len(value):
        if fits(rows, value[: len(rows)]).all():
            return "What is there is right, and the rest is missing: does a return stand inside the loop?"
        if fits(rows, value[-len(rows) :]).all():
            return "Only the last is there, and is right: does each turn of the loop overwrite the one before?"
    if got.shape == value.T.shape and fits(got.T, value).all():
        return "Its values are right, and its axes are in reverse order."
    if got.shape != value.shape:
        return ""
    right = fits(got, value)
    if got[right].any() and not got[~right].any():
        return "Where it is not 0, it is right: does the loop reach everything, or does it return too early?"
    return "It holds integers, which cut off fractions." if got.dtype.kind in "iu" else ""


def _of_cache(exercise: str, outcome: Outcome) -> str:
    """What follows from an exception of a backward pass that does not find in the cache what it looks for."""
    handed = [name for name in NOTEBOOKS[EXERCISES[exercise].notebook].handed if f"{name}(" in outcome.detail]
    if outcome.raised == "KeyError" or re.search(UNPACKED, outcome.detail):
        if handed:
            return f"{handed[0]} takes the cache of the forward pass that it stands with, and no other."
        if outcome.raised == "KeyError":
            return "Take from the cache what your forward puts there, under the same name."
        return "Unpack what your forward packs: as many values, in the same order."
    return ""


def _of_another_notebook(exercise: str, detail: str) -> str:
    """Where a function lives that the answer calls and that is not here; nothing where it is no exercise."""
    name = next(iter(re.findall(r"name '(\w+)' is not defined", detail)), "")
    here = NOTEBOOKS[EXERCISES[exercise].notebook]
    if name in here.handed:
        return f"{name} is handed to this notebook: from bn_helpers.layers import {name}"
    if name not in EXERCISES:
        return ""
    if EXERCISES[name].notebook == here.name:
        return f"{name} is exercise {EXERCISES[name].number}: run the cell of your answer to it first."
    return f"{name} is exercise {EXERCISES[name].number}, and lives in that notebook: copy it into this answer's cell."


def _seen(case: Case, outcome: Outcome, judgement: Judgement) -> str:
    wanted = case.wanted.get(judgement.name)
    got = outcome.values.get(judgement.name)
    results = {call.function: ", ".join(call.results) for call in case.calls}
    seen = {
        "raised": lambda: f"{'a ValueError is wanted, and ' * case.raises}{outcome.function} raised {outcome.detail}",
        "unpack": lambda: f"{outcome.function} returned {outcome.detail}, wanted {results[outcome.function]}",
        "silent": lambda: "a ValueError is wanted, and none was raised",
        "missing": lambda: missing(judgement.name),
        "changed": lambda: f"your function changes its input {judgement.name}",
        "dtype": lambda: f"{judgement.name} holds {_kind(got)}, wanted real numbers",
        "shape": lambda: f"{judgement.name} has shape {got.shape}, wanted {wanted.value.shape}",
        "axes": lambda: f"{judgement.name} has shape {got.shape}, wanted {wanted.value.shape}; its values are right",
        "finite": lambda: f"{judgement.name} holds values that are not finite\n{table(wanted.value, got)}",
        "value": lambda: wrong(judgement.name, f"\n{table(wanted.value, got)}"),
    }[judgement.problem]()
    return f"{CASES[case.id][0]}: {seen}"


def missing(name: str) -> str:
    """What is said of a result that is None, or of an entry that is not there."""
    owner, _, key = name.partition(".")
    return f"{owner} holds nothing under the name {key}" if key else f"{name} is None"


def wrong(name: str, table: str = "") -> str:
    """What is said of wrong values."""
    return (
        f"{name.removesuffix(IS_NONE)} is not None" if name.endswith(IS_NONE) else f"{name} has the wrong values{table}"
    )


def _kind(value: np.ndarray) -> str:
    """What an array holds that holds no real numbers."""
    kinds = {"c": "complex numbers", "b": "True and False", "O": "objects", "U": "text"}
    return kinds.get(value.dtype.kind, str(value.dtype))


def table(wanted: np.ndarray, got: np.ndarray) -> str:
    """Wanted, yours and their difference, of a large array the rows that differ most.

    They stand side by side where that fits, and below one another otherwise: a front end that has no room breaks a line
    anywhere, in the midst of a number, too.
    """
    got = got.reshape(wanted.shape)
    with np.errstate(all="ignore"):
        rounding = np.abs(got - wanted) <= ROUNDING * np.abs(wanted)
        difference = np.where(rounding, 0, got - wanted)
        arrays = [np.atleast_2d(a.reshape(-1, a.shape[-1]) if a.ndim > 1 else a) for a in (wanted, got, difference)]
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
