"""How the cases of all exercises are drawn: batches, vectors, and what rounding may cost.

Inputs are drawn from a `RandomState`, whose stream NumPy has frozen, and rounded, so that they are the same numbers
everywhere and can be read. They are small, odd and hard on purpose: three to six rows, eps = 0.1, gamma and beta away
from 1 and 0, as many features as examples. On a hundred rows with the default eps most mistakes cannot be seen.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.random import RandomState

from bn_helpers import oracles
from bn_helpers.exercises.task import EASY, EVALUATION, Exercise
from bn_helpers.outcomes import Call, Case, Wanted

Shapes = Mapping[str, tuple[int, ...]]

EPS = 1e-5  # the default
LARGE = 1e8  # a mean that leaves eight digits for everything else
# Shapes of the batches of most cases; a case without a shape of its own has the small one.
ROWS = {
    **{"easy": (100, 5), "small": (4, 3), "square": (3, 3), "one_row": (1, 3), "test_one_row": (1, 3)},
    "evaluation": (30, 2),
}
SPECIAL = (  # cases in which so much vanishes that different mistakes may come to the same
    *("constant", "one_row", "two_rows", "one_image", "one_companion", "whole_batch", "groups_of_one"),
    *("test_one_row", "test_one_image"),
)
COARSE = ("large_mean", "integer", "float32")  # cases that tell right from wrong, and not one mistake from another


def batch(rng: RandomState, *shape: int, unit: float = 1.0) -> np.ndarray:
    """Examples whose features (axis 1) differ in mean and scale; none is nearly constant."""
    features = (shape[1], *[1] * (len(shape) - 2))
    scale, shift = rng.uniform(0.5, 3, features), rng.uniform(-2, 2, features)
    over = tuple(axis for axis in range(len(shape)) if axis != 1)
    for _ in range(1000):
        x = np.round(shift + scale * rng.standard_normal(shape), 2)
        if x.size == shape[1] or np.all(x.var(axis=over) > 0.2 * scale.ravel() ** 2):
            return x * unit
    raise ValueError(f"no batch of shape {shape} varies enough in every feature: give it more rows, or fewer features")


def unit(case: str) -> float:
    """The size of a case's numbers."""
    return 1e-3 if case == "tiny_variance" else 1.0


def vector(rng: RandomState, d: int) -> np.ndarray:
    """Numbers between 0.5 and 2.5 with random signs: none near 0, none equal to 1."""
    return np.round(rng.uniform(0.5, 2.5, d), 2) * rng.choice([-1.0, 1.0], d) + 0.003


def positive(rng: RandomState, d: int) -> np.ndarray:
    """Variances between 0.3 and 4."""
    return np.round(rng.uniform(0.3, 4, d), 2)


def batch_for(rng: RandomState, case: str, shapes: Shapes) -> np.ndarray:
    """The batch for a case: of the case's own shape, or of the small one, with the property that its name tells."""
    shape = shapes.get(case, shapes["small"])
    x = batch(rng, *shape, unit=unit(case))
    if case == "constant":
        x[:, 0] = 0.5
    if case == "large_mean":
        x = np.round(x) + LARGE
        x[0, 0] += 1 if np.ptp(x[:, 0]) == 0 else 0
    if case == "integer":
        x = np.round(3 * x).astype(np.int64)
        first = x[(0, slice(None), *[0] * (x.ndim - 2))]
        first += oracles.to_columns(x).sum(axis=1) % (x.size // x.shape[1]) == 0  # no mean is an integer
    return x.astype(np.float32) if case == "float32" else x


def tolerance(x: np.ndarray, eps: float = EPS) -> float:
    """What rounding alone may cost a right answer, and a little more."""
    if x.dtype == np.float32:
        return 1e-5
    smallest = np.sqrt(min(var + eps for var in oracles.batch_statistics(x)[1]))
    return max(1e-9, 20 * 2.2e-16 * float(np.max(np.abs(x))) / smallest)


def wanted(value: np.ndarray | float, scale: float | None = None) -> Wanted:
    value = np.asarray(value, dtype=float)
    return Wanted(value, float(np.max(np.abs(value))) or 1.0 if scale is None else scale)


def one_call(case: str, exercise: Exercise, inputs: dict, wanted: dict[str, Wanted], **more) -> Case:
    """A case of one call, with all inputs as arguments, in order."""
    call = Call(exercise.id, tuple(inputs), exercise.returns)
    return finished(Case(case, inputs, (call,), wanted, **more))


def finished(case: Case) -> Case:
    """Give a case what its name promises: the easy ones some room, the property case nothing but its arrays to keep."""
    changes: dict = {}
    if case.id in (EASY, EVALUATION):
        changes = {"tolerance": 0.02 if case.id == EASY else 0.05}
    elif case.id == "unchanged":
        arrays = [name for name, value in case.inputs.items() if isinstance(value, np.ndarray | list)]
        arrays += [f"params.{name}" for name in case.inputs.get("params", ())]
        changes = {"wanted": {}, "watched": {}, "keeps": tuple(arrays)}
    return Case(**{**vars(case), **changes, "comparable": case.id not in COARSE})


def affine(x_hat: np.ndarray, gamma: np.ndarray, beta: np.ndarray) -> np.ndarray:
    columns = oracles.to_columns(x_hat).tolist()
    pairs = zip(columns, gamma.tolist(), beta.tolist(), strict=True)
    return oracles.from_columns([[g * v + b for v in column] for column, g, b in pairs], x_hat.shape)


def sums(sums: list[float] | np.ndarray, terms: np.ndarray, case: str) -> Wanted:
    """Sums over the batch. One may cancel to almost nothing, so rounding is held to the sizes of its terms."""
    sizes = np.abs(oracles.to_columns(terms)).sum(axis=1)
    return wanted(sums, float(sizes.max()) if case in ("float32", "large_mean") else None)
