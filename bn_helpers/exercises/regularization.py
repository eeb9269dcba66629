"""The exercises of notebook 5, and their cases."""

from __future__ import annotations

import numpy as np
from numpy.random import RandomState

from bn_helpers import oracles
from bn_helpers.exercises import draw
from bn_helpers.exercises.task import Exercise, Notebook
from bn_helpers.outcomes import Case

NOTEBOOK = Notebook("05_regularization", "Regularization", 45, ("batchnorm_forward", "batchnorm_backward", "normalize"))


def _outputs_across_batches(exercise: Exercise, rng: RandomState, case: str) -> Case:
    shapes = {"easy": (5, 99, 4), "square": (3, 3, 3), "one_companion": (4, 1, 2)}
    b, m, d = shapes.get(case, (2, 3, 4))
    unit = draw.unit(case)
    batches = np.stack([draw.batch(rng, m + 1, d, unit=unit)[1:] for _ in range(b)])
    sample = draw.batch(rng, 4, d, unit=unit)[0]
    gamma, beta = draw.vector(rng, d), draw.vector(rng, d)
    inputs: dict = {"sample": sample, "batches": batches, "gamma": gamma, "beta": beta}
    if case == "float32":
        inputs = {name: value.astype(np.float32) for name, value in inputs.items()}
    sample, batches, gamma, beta = inputs.values()
    inputs |= {"eps": 1.5} if case == "large_eps" else {}
    joined = [np.concatenate([[sample], batch]) for batch in batches]
    rows = [draw.affine(oracles.normalize(x, inputs.get("eps", draw.EPS)), gamma, beta)[0] for x in joined]
    tolerance = max(draw.tolerance(x, inputs.get("eps", draw.EPS)) for x in joined)
    return draw.one_call(case, exercise, inputs, {"outputs": draw.wanted(np.array(rows))}, tolerance=tolerance)


def _ghost_batchnorm_forward(exercise: Exercise, rng: RandomState, case: str) -> Case:
    sizes = {"easy": (100, 4, 50), "square": (4, 2, 2), "whole_batch": (5, 3, 5), "groups_of_one": (3, 2, 1)}
    n, d, size = (sizes | {"uneven": (6, 2, 4)}).get(case, (6, 4, 3))
    groups = [draw.batch(rng, size, d, unit=draw.unit(case)) for _ in range(n // size)]
    x = np.concatenate([*groups, draw.batch(rng, max(n % size, 2), d)])[:n]
    gamma, beta = draw.vector(rng, d), draw.vector(rng, d)
    inputs: dict = {"x": x, "gamma": gamma, "beta": beta, "ghost_size": size}
    if case == "float32":
        inputs = {name: value if name == "ghost_size" else value.astype(np.float32) for name, value in inputs.items()}
    inputs |= {"eps": 1.5} if case == "large_eps" else {}
    x, gamma, beta = inputs["x"], inputs["gamma"], inputs["beta"]
    parts = [oracles.normalize(x[i : i + size], inputs.get("eps", draw.EPS)) for i in range(0, n, size)]
    wanted = {"out": draw.wanted(draw.affine(np.concatenate(parts), gamma, beta))}
    tolerance = max(draw.tolerance(x[i : i + size], inputs.get("eps", draw.EPS)) for i in range(0, n, size))
    return draw.one_call(case, exercise, inputs, wanted, tolerance=tolerance, raises=case == "uneven")


CASES = {
    "one_companion": ("batches of two", "The batch has M + 1 rows: the example counts among them."),
    "whole_batch": ("one group that is the whole batch", "With ghost_size = N this is ordinary batch normalization."),
    "groups_of_one": ("groups of one", "A group of one gives beta: nothing is left of the example."),
    "uneven": ("a size that does not divide N", "Raise a ValueError instead of leaving rows over."),
}  # fmt: skip

EXERCISES = (
    Exercise(
        "outputs_across_batches", "One example in many batches", 4, 10, 2,
        "The example is one row of the batch that normalizes it.",
        ("outputs",),
        {"easy": 0, "small": 3, "square": 2, "one_companion": 1, "large_eps": 1, "tiny_variance": 1,
         "float32": 1, "unchanged": 0},
        _outputs_across_batches,
        point=("small",),
    ),
    Exercise(
        "ghost_batchnorm_forward", "Ghost batches", 4, 10, 2,
        "Each group has its own mean and variance.",
        ("out",),
        {"easy": 0, "small": 3, "square": 2, "whole_batch": 1, "groups_of_one": 1, "large_eps": 1,
         "tiny_variance": 1, "uneven": 1, "float32": 1, "unchanged": 0},
        _ghost_batchnorm_forward,
    ),
)  # fmt: skip
