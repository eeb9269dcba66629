"""The exercises of notebook 1, and their cases."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
from numpy.random import RandomState

from bn_helpers import oracles
from bn_helpers.exercises import draw
from bn_helpers.exercises.task import Exercise, Notebook
from bn_helpers.outcomes import Call, Case

NOTEBOOK = Notebook("01_normalization", "Normalization", 50)


def statistics(exercise: Exercise, rng: RandomState, case: str, shapes: draw.Shapes = draw.ROWS) -> Case:
    x = draw.batch_for(rng, case, shapes)
    mean, var = oracles.batch_statistics(x)
    spread = float(np.sqrt(np.max(var))) or 1.0  # the mean's error is measured in standard deviations
    scale = spread if case == "large_mean" else None
    wanted = {"mean": draw.wanted(mean, scale), "var": draw.wanted(var)}
    return draw.one_call(case, exercise, {"x": x}, wanted, tolerance=draw.tolerance(x))


def _normalize(exercise: Exercise, rng: RandomState, case: str) -> Case:
    x = draw.batch_for(rng, case, draw.ROWS)
    inputs = {"x": x} | ({"eps": 0.1} if case == "small" else {})
    wanted = {"x_hat": draw.wanted(oracles.normalize(x, inputs.get("eps", draw.EPS)))}
    return draw.one_call(case, exercise, inputs, wanted, tolerance=draw.tolerance(x))


def _layer_outputs(exercise: Exercise, rng: RandomState, case: str) -> Case:
    widths = {"easy": [5, 5, 5, 5], "widths": [4, 3, 6, 2]}.get(case, [3, 3, 3, 3])
    x = draw.batch(rng, 100 if case == "easy" else 4, widths[0])
    weights = [np.round(rng.standard_normal(pair), 2) for pair in pairwise(widths)]
    inputs = {"x": x, "weights": weights, "nonlinearity": "relu" if case == "relu" else "tanh"}
    norm = {"normalized": "by_largest", "relu": "half_plus_one"}.get(case)
    rows, wanted = x.tolist(), {}
    for number, w in enumerate(weights, start=1):
        rows = [[oracles.total(h * w[i, j] for i, h in enumerate(row)) for j in range(w.shape[1])] for row in rows]
        rows = _by_loops(inputs["nonlinearity"], _by_loops(norm, rows))
        wanted[f"outputs_{number}"] = draw.wanted(rows)
    inputs |= {"norm": norm} if norm else {}
    call = Call(exercise.id, tuple(inputs), tuple(wanted))
    return draw.finished(Case(case, inputs, (call,), wanted))


def _by_loops(function: str | None, rows: list[list[float]]) -> list[list[float]]:
    """What `outcomes.FUNCTIONS` does to a batch, number by number."""
    largest = [max(map(abs, column)) for column in zip(*rows, strict=True)]
    one = {
        None: lambda v, largest: v,
        "tanh": lambda v, largest: math.tanh(v),
        "relu": lambda v, largest: max(v, 0.0),
        "half_plus_one": lambda v, largest: 0.5 * v + 1,
        "by_largest": lambda v, largest: v / largest,
    }[function]
    return [[one(v, most) for v, most in zip(row, largest, strict=True)] for row in rows]


CASES = {
    "normalized": ("with a norm", "The norm stands after the linear map and before the nonlinearity, in every layer."),
    "widths": ("layers of different widths", "Each layer takes in what the one before puts out."),
    "relu": ("ReLU and another norm", "Use the nonlinearity and the norm you are given; their order matters."),
}  # fmt: skip

EXERCISES = (
    Exercise(
        "batch_statistics", "Mean and variance of a batch", 3, 5, 1,
        "The variance divides by N, not by N - 1.",
        ("mean", "var"),
        {"easy": 0, "small": 3, "square": 2, "constant": 1, "large_mean": 1, "one_row": 1, "integer": 1,
         "float32": 1, "unchanged": 0},
        statistics,
        point=("small",),
    ),
    Exercise(
        "normalize", "Normalize a batch", 5, 10, 1,
        "eps belongs under the root, next to the variance.",
        ("x_hat",),
        {"easy": 0, "small": 3, "square": 2, "tiny_variance": 2, "constant": 1, "large_mean": 2, "one_row": 1,
         "integer": 1, "float32": 1, "unchanged": 0},
        _normalize,
        point=("small", "tiny_variance"),
    ),
    Exercise(
        "layer_outputs", "Normalization inside a deep net", 4, 10, 2,
        "Normalize between the linear map and the nonlinearity, in every layer.",
        ("outputs",),
        {"easy": 0, "normalized": 3, "widths": 1, "relu": 2, "unchanged": 0},
        _layer_outputs,
        point=("normalized",),
    ),
)  # fmt: skip
