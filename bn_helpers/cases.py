"""The cases of every exercise: what an answer is handed, and what must come back.

Inputs are drawn from a `RandomState`, whose stream NumPy has frozen, and rounded, so that they are the same numbers
everywhere and can be read. They are small, odd and hard on purpose: three to six rows, eps = 0.1, gamma and beta away
from 1 and 0, as many features as examples. On a hundred rows with the default eps most mistakes cannot be seen.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from itertools import pairwise

import numpy as np

from bn_helpers import oracles
from bn_helpers.exercises import EXERCISES
from bn_helpers.outcomes import Call, Case, Wanted

EPS = 1e-5  # the default
LARGE = 1e8  # a mean that leaves eight digits for everything else
VISIBLE_SEED = 231
COARSE = ("large_mean", "integer", "float32")  # cases that tell right from wrong, and not one mistake from another


@cache
def visible_cases(exercise: str) -> tuple[Case, ...]:
    """The cases that a learner sees: the same ones at every run."""
    return draw_cases(exercise, np.random.RandomState(VISIBLE_SEED))


def draw_cases(exercise: str, rng: np.random.RandomState) -> tuple[Case, ...]:
    """Draw new inputs for all cases of an exercise, in the order of the manifest."""
    return tuple(_DRAW[exercise](rng, case) for case in EXERCISES[exercise].weights)


# Drawing


def _batch(rng: np.random.RandomState, *shape: int, unit: float = 1.0) -> np.ndarray:
    """Examples whose features (axis 1) differ in mean and scale; none is nearly constant."""
    features = (shape[1], *[1] * (len(shape) - 2))
    scale, shift = rng.uniform(0.5, 3, features), rng.uniform(-2, 2, features)
    over = tuple(axis for axis in range(len(shape)) if axis != 1)
    while True:
        x = np.round(shift + scale * rng.standard_normal(shape), 2)
        if x.size == shape[1] or np.all(x.var(axis=over) > 0.2 * scale.ravel() ** 2):
            return x * unit


def _vector(rng: np.random.RandomState, d: int) -> np.ndarray:
    """Numbers between 0.5 and 2.5 with random signs: none near 0, none equal to 1."""
    return np.round(rng.uniform(0.5, 2.5, d), 2) * rng.choice([-1.0, 1.0], d) + 0.003


def _positive(rng: np.random.RandomState, d: int) -> np.ndarray:
    """Variances between 0.3 and 4."""
    return np.round(rng.uniform(0.3, 4, d), 2)


def _x(rng: np.random.RandomState, case: str, shapes: dict[str, tuple[int, ...]]) -> np.ndarray:
    """The batch for a case: of the case's own shape, or of the small one, with the property that its name tells."""
    shape = shapes.get(case, shapes["small"])
    x = _batch(rng, *shape, unit=1e-3 if case == "tiny_variance" else 1.0)
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


def _tolerance(x: np.ndarray, eps: float = EPS) -> float:
    """What rounding alone may cost a right answer, and a little more."""
    if x.dtype == np.float32:
        return 1e-5
    smallest = np.sqrt(min(var + eps for var in oracles.batch_statistics(x)[1]))
    return max(1e-9, 20 * 2.2e-16 * float(np.max(np.abs(x))) / smallest)


def _wanted(value: np.ndarray | float, scale: float | None = None) -> Wanted:
    value = np.asarray(value, dtype=float)
    return Wanted(value, float(np.max(np.abs(value))) or 1.0 if scale is None else scale)


def _case(case: str, exercise: str, inputs: dict, wanted: dict[str, Wanted], **more) -> Case:
    """A case of one call, with all inputs as arguments, in order."""
    call = Call(exercise, tuple(inputs), EXERCISES[exercise].returns)
    return _finish(Case(case, inputs, (call,), wanted, **more))


def _finish(case: Case) -> Case:
    """Give a case what its name promises: the easy one 2 %, the property case nothing but its arrays to keep."""
    changes: dict = {}
    if case.id == "easy":
        changes = {"tolerance": 0.02}
    elif case.id == "unchanged":
        arrays = [name for name, value in case.inputs.items() if isinstance(value, np.ndarray | list)]
        changes = {"wanted": {}, "keeps": tuple(arrays)}
    return Case(**{**vars(case), **changes, "comparable": case.id not in COARSE})


# Notebook 1


def _batch_statistics(rng: np.random.RandomState, case: str, exercise: str = "batch_statistics") -> Case:
    if exercise == "channel_statistics":
        shapes = {"easy": (10, 3, 2, 5), "small": (2, 3, 2, 1), "square": (3, 3, 3, 3), "one_image": (1, 2, 2, 3)}
    else:
        shapes = {"easy": (100, 5), "small": (4, 3), "square": (3, 3), "one_row": (1, 3)}
    x = _x(rng, case, shapes)
    mean, var = oracles.batch_statistics(x)
    spread = float(np.sqrt(np.max(var))) or 1.0  # the mean's error is measured in standard deviations
    scale = spread if case == "large_mean" else None
    return _case(case, exercise, {"x": x}, {"mean": _wanted(mean, scale), "var": _wanted(var)}, tolerance=_tolerance(x))


def _normalize(rng: np.random.RandomState, case: str) -> Case:
    x = _x(rng, case, {"easy": (100, 5), "small": (4, 3), "square": (3, 3), "one_row": (1, 3)})
    inputs = {"x": x} | ({"eps": 0.1} if case == "small" else {})
    wanted = {"x_hat": _wanted(oracles.normalize(x, inputs.get("eps", EPS)))}
    return _case(case, "normalize", inputs, wanted, tolerance=_tolerance(x))


def _layer_outputs(rng: np.random.RandomState, case: str) -> Case:
    widths = {"easy": [5, 5, 5, 5], "widths": [4, 3, 6, 2]}.get(case, [3, 3, 3, 3])
    x = _batch(rng, 100 if case == "easy" else 4, widths[0])
    weights = [np.round(rng.standard_normal(pair), 2) for pair in pairwise(widths)]
    inputs = {"x": x, "weights": weights, "nonlinearity": "relu" if case == "relu" else "tanh"}
    norm = {"normalized": "by_largest", "relu": "half_plus_one"}.get(case)
    rows, wanted = x.tolist(), {}
    for number, w in enumerate(weights, start=1):
        rows = [[oracles.total(h * w[i, j] for i, h in enumerate(row)) for j in range(w.shape[1])] for row in rows]
        rows = _by_loops(inputs["nonlinearity"], _by_loops(norm, rows))
        wanted[f"outputs_{number}"] = _wanted(rows)
    inputs |= {"norm": norm} if norm else {}
    call = Call("layer_outputs", tuple(inputs), tuple(wanted))
    return _finish(Case(case, inputs, (call,), wanted))


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


# Notebook 2


def _scale_and_shift(rng: np.random.RandomState, case: str) -> Case:
    x_hat = _x(rng, case, {"easy": (100, 5), "small": (4, 3), "square": (3, 3), "one_row": (1, 3)})
    gamma, beta = (_vector(rng, x_hat.shape[1]).astype(x_hat.dtype) for _ in range(2))
    wanted = {"out": _wanted(_affine(x_hat, gamma, beta))}
    inputs = {"x_hat": x_hat, "gamma": gamma, "beta": beta}
    return _case(case, "scale_and_shift", inputs, wanted, tolerance=1e-5 if case == "float32" else 1e-9)


def _affine(x_hat: np.ndarray, gamma: np.ndarray, beta: np.ndarray) -> np.ndarray:
    columns = oracles.to_columns(x_hat).tolist()
    pairs = zip(columns, gamma.tolist(), beta.tolist(), strict=True)
    return oracles.from_columns([[g * v + b for v in column] for column, g, b in pairs], x_hat.shape)


def _identity_parameters(rng: np.random.RandomState, case: str) -> Case:
    x = _x(rng, case, {"easy": (100, 5), "small": (4, 3), "square": (3, 3)})
    inputs = {"x": x} | ({"eps": 1.5} if case == "large_eps" else {})
    mean, var = oracles.batch_statistics(x)
    gamma = [(v + inputs.get("eps", EPS)) ** 0.5 for v in var]
    wanted = {"gamma": _wanted(gamma), "beta": _wanted(mean)}
    return _case(case, "identity_parameters", inputs, wanted, tolerance=_tolerance(x))


def _saturated_fraction(rng: np.random.RandomState, case: str) -> Case:
    z = np.round(2.5 * rng.standard_normal((7,) if case == "vector" else (100, 5) if case == "easy" else (4, 3)), 2)
    if case == "negative":
        z = -np.abs(z) - 1
    if case == "boundary":
        z[:2] = 0  # tanh(0) = 0 is not above 0
    thresholds = {"threshold": 0.5, "boundary": 0.0}
    inputs = {"z": z} | ({"threshold": thresholds[case]} if case in thresholds else {})
    threshold = inputs.get("threshold", 0.97)
    above = sum(abs(math.tanh(v)) > threshold for v in z.ravel().tolist())
    # A share of so few values needs no more digits than float32 has.
    return _case(case, "saturated_fraction", inputs, {"fraction": _wanted(above / z.size, 1.0)}, tolerance=1e-6)


def _fold_into_linear(rng: np.random.RandomState, case: str) -> Case:
    rows, columns = {"easy": (6, 5), "square": (3, 3)}.get(case, (4, 3))
    w = np.round(rng.standard_normal((rows, columns)), 2) + 0.003
    b, gamma, beta, mean = (_vector(rng, columns) for _ in range(4))
    var = _positive(rng, columns) * (1e-5 if case == "tiny_variance" else 1.0)
    inputs = {"w": w, "b": b, "gamma": gamma, "beta": beta, "running_mean": mean, "running_var": var}
    if case == "float32":
        inputs = {name: value.astype(np.float32) for name, value in inputs.items()}
    w, b, gamma, beta, mean, var = (value.astype(float) for value in inputs.values())
    inputs |= {"eps": 1.5} if case == "large_eps" else {}
    scale = [g / (v + inputs.get("eps", EPS)) ** 0.5 for g, v in zip(gamma, var, strict=True)]
    wanted = {
        "w_folded": _wanted([[value * s for value, s in zip(row, scale, strict=True)] for row in w]),
        "b_folded": _wanted([(bi - m) * s + be for bi, m, s, be in zip(b, mean, scale, beta, strict=True)]),
    }
    return _case(case, "fold_into_linear", inputs, wanted, tolerance=1e-5 if case == "float32" else 1e-9)


def _forward(rng: np.random.RandomState, case: str, exercise: str = "batchnorm_forward") -> Case:
    """A forward case is a sequence of calls that share `bn_param`; the last batch is the one whose output is judged."""
    if exercise == "spatial_batchnorm_forward":
        shapes = {"easy": (10, 3, 2, 5), "small": (2, 3, 2, 1), "square": (3, 3, 3, 3), "test_one_image": (1, 3, 2, 2)}
    else:
        shapes = {"easy": (100, 5), "small": (4, 3), "square": (3, 3), "one_row": (1, 3), "test_one_row": (1, 3)}
    x = _x(rng, case, shapes)
    d = x.shape[1]
    gamma, beta = (_vector(rng, d).astype(x.dtype) for _ in range(2))
    running = {"running_mean": _vector(rng, d), "running_var": _positive(rng, d)}
    bn_param: dict = {"mode": "train"}
    if case == "small":
        bn_param |= {"eps": 0.1} | running  # there to be used by mistake
    if case.startswith("test"):
        bn_param = {"mode": "test", "eps": 0.1} | running
    if case == "bad_mode":
        bn_param = {"mode": "evaluate"} | running
    if case == "running_first":
        bn_param |= {"momentum": 0.7, "eps": 0.1} | running
    if case == "running_many":
        bn_param |= {"momentum": 0.8}
    return _forward_case(rng, case, exercise, {"x": x, "gamma": gamma, "beta": beta, "bn_param": bn_param}, shapes)


def _forward_case(rng: np.random.RandomState, case: str, exercise: str, inputs: dict, shapes: dict) -> Case:
    x, bn_param = inputs["x"], inputs["bn_param"]
    before = {"running_many": 2, "train_then_test": 3, "unchanged": 1}
    steps = [_x(rng, "small", shapes) for _ in range(before.get(case, 0))]
    extra = {f"x_{number}": batch for number, batch in enumerate(steps, start=1)}
    calls = [Call(exercise, (name, "gamma", "beta", "bn_param"), ("", "")) for name in extra]
    if case in ("train_then_test", "unchanged"):
        bn_param |= {"momentum": 0.6}
        calls.append(Call("evaluate", ("bn_param",), ("",)))
    if case == "running_own":
        extra |= {"x_other": _x(rng, "small", shapes), "bn_other": {"mode": "train"}}
        calls.append(Call(exercise, ("x_other", "gamma", "beta", "bn_other"), ("", "")))
    calls.append(Call(exercise, ("x", "gamma", "beta", "bn_param"), ("out", "cache")))
    wanted = _forward_wanted(case, inputs, steps if case == "train_then_test" else [*steps, x])
    return _finish(Case(case, inputs | extra, tuple(calls), wanted, _tolerance(x), raises=case == "bad_mode"))


def _forward_wanted(case: str, inputs: dict, trained: list[np.ndarray]) -> dict[str, Wanted]:
    x, gamma, beta, bn_param = inputs.values()
    eps, momentum = bn_param.get("eps", EPS), bn_param.get("momentum", 0.9)
    mean, var = (bn_param.get(key, np.zeros(x.shape[1])) for key in ("running_mean", "running_var"))
    for batch in trained if bn_param["mode"] == "train" else []:
        for d, (batch_mean, batch_var) in enumerate(zip(*oracles.batch_statistics(batch), strict=True)):
            mean = np.where(np.arange(len(mean)) == d, momentum * mean + (1 - momentum) * batch_mean, mean)
            var = np.where(np.arange(len(var)) == d, momentum * var + (1 - momentum) * batch_var, var)
    if case.startswith("running") or case == "test_keeps_running":
        return {"bn_param.running_mean": _wanted(mean), "bn_param.running_var": _wanted(var)}
    if case.startswith("test") or case == "train_then_test":
        x_hat = _affine(x, (var + eps) ** -0.5, -mean * (var + eps) ** -0.5)
    else:
        x_hat = oracles.normalize(x, eps)
    return {"out": _wanted(_affine(x_hat, gamma, beta))}


# Notebook 3, and the backward pass of notebook 4


def _scale_and_shift_backward(rng: np.random.RandomState, case: str) -> Case:
    x_hat = _x(rng, case, {"easy": (100, 5), "small": (4, 3), "square": (3, 3), "one_row": (1, 3)})
    dout = _batch(rng, *x_hat.shape).astype(x_hat.dtype)
    gamma = _vector(rng, x_hat.shape[1]).astype(x_hat.dtype)
    pairs = list(zip(oracles.to_columns(dout).tolist(), oracles.to_columns(x_hat).tolist(), strict=True))
    dgamma = [oracles.total(a * b for a, b in zip(*pair, strict=True)) for pair in pairs]
    dbeta = [oracles.total(column) for column, _ in pairs]
    wanted = {
        "dx_hat": _wanted(_affine(dout, gamma, np.zeros(len(gamma)))),
        "dgamma": _sums(dgamma, dout * x_hat, case),
        "dbeta": _sums(dbeta, dout, case),
    }
    inputs = {"dout": dout, "x_hat": x_hat, "gamma": gamma}
    return _case(case, "scale_and_shift_backward", inputs, wanted, tolerance=1e-5 if case == "float32" else 1e-9)


def _sums(sums: list[float] | np.ndarray, terms: np.ndarray, case: str) -> Wanted:
    """Sums over the batch. One may cancel to almost nothing, so rounding is held to the sizes of its terms."""
    sizes = np.abs(oracles.to_columns(terms)).sum(axis=1)
    return _wanted(sums, float(sizes.max()) if case in ("float32", "large_mean") else None)


def _frozen_backward(rng: np.random.RandomState, case: str) -> Case:
    dout = _x(rng, "small" if case == "tiny_variance" else case, {"easy": (100, 5), "small": (4, 3), "square": (3, 3)})
    gamma = _vector(rng, dout.shape[1]).astype(dout.dtype)
    var = _positive(rng, dout.shape[1]).astype(dout.dtype) * (1e-5 if case == "tiny_variance" else 1)
    inputs = {"dout": dout, "gamma": gamma, "var": var} | ({"eps": 1.5} if case == "large_eps" else {})
    factor = gamma.astype(float) * (var.astype(float) + inputs.get("eps", EPS)) ** -0.5
    wanted = {"dx": _wanted(_affine(dout, factor, np.zeros(len(factor))))}
    return _case(case, "frozen_backward", inputs, wanted, tolerance=1e-5 if case == "float32" else 1e-9)


def _backward(rng: np.random.RandomState, case: str, exercise: str) -> Case:
    """The answer's own forward makes the cache; a cache's layout is nobody else's business."""
    if exercise == "spatial_batchnorm_backward":
        shapes = {"easy": (10, 2, 2, 5), "small": (2, 3, 2, 1), "square": (3, 3, 3, 3)}
    else:
        shapes = {"easy": (100, 2), "small": (5, 3), "square": (4, 4), "two_rows": (2, 3)}
    x = _x(rng, case, shapes)
    dout = _batch(rng, *x.shape).astype(x.dtype)
    gamma, beta = (_vector(rng, x.shape[1]).astype(x.dtype) for _ in range(2))
    bn_param = {"mode": "train"} | ({"eps": 1.5} if case == "large_eps" else {})
    eps = bn_param.get("eps", EPS)
    dx, dgamma, dbeta = oracles.batchnorm_gradients(dout, x.astype(float), gamma.tolist(), eps)
    inv_std = (oracles.batch_statistics(x)[1] + eps) ** -0.5
    scale = float(np.max(np.abs(_affine(dout, gamma * inv_std, np.zeros(len(gamma))))))
    wanted = {
        "dx": _wanted(dx, scale),
        "dgamma": _sums(dgamma, dout * oracles.normalize(x, eps), case),
        "dbeta": _sums(dbeta, dout, case),
    }
    inputs = {"x": x, "gamma": gamma, "beta": beta, "bn_param": bn_param, "dout": dout}
    forward = EXERCISES[exercise].uses[0]
    calls = [Call(forward, ("x", "gamma", "beta", "bn_param"), ("out", "cache"))]
    if case == "own_cache":
        inputs["x_other"] = _batch(rng, *x.shape)
        calls.append(Call(forward, ("x_other", "beta", "gamma", "bn_param"), ("", "")))
    calls.append(Call(exercise, ("dout", "cache"), EXERCISES[exercise].returns))
    return _finish(Case(case, inputs, tuple(calls), wanted, _tolerance(x, eps)))


# Notebook 5


def _outputs_across_batches(rng: np.random.RandomState, case: str) -> Case:
    shapes = {"easy": (5, 99, 4), "square": (3, 3, 3), "one_companion": (4, 1, 2)}
    b, m, d = shapes.get(case, (2, 3, 4))
    batches = np.stack([_batch(rng, m + 1, d)[1:] for _ in range(b)])
    sample = _batch(rng, 4, d)[0]
    gamma, beta = _vector(rng, d), _vector(rng, d)
    inputs: dict = {"sample": sample, "batches": batches, "gamma": gamma, "beta": beta}
    if case == "float32":
        inputs = {name: value.astype(np.float32) for name, value in inputs.items()}
    sample, batches, gamma, beta = inputs.values()
    inputs |= {"eps": 1.5} if case == "large_eps" else {}
    joined = [np.concatenate([[sample], batch]) for batch in batches]
    rows = [_affine(oracles.normalize(x, inputs.get("eps", EPS)), gamma, beta)[0] for x in joined]
    tolerance = max(_tolerance(x, inputs.get("eps", EPS)) for x in joined)
    return _case(case, "outputs_across_batches", inputs, {"outputs": _wanted(np.array(rows))}, tolerance=tolerance)


def _ghost_batchnorm_forward(rng: np.random.RandomState, case: str) -> Case:
    sizes = {"easy": (100, 4, 50), "square": (4, 2, 2), "whole_batch": (5, 3, 5), "groups_of_one": (3, 2, 1)}
    n, d, size = (sizes | {"uneven": (6, 2, 4)}).get(case, (6, 4, 3))
    groups = [_batch(rng, size, d) for _ in range(n // size)]
    x = np.concatenate([*groups, _batch(rng, max(n % size, 2), d)])[:n]
    gamma, beta = _vector(rng, d), _vector(rng, d)
    inputs: dict = {"x": x, "gamma": gamma, "beta": beta, "ghost_size": size}
    if case == "float32":
        inputs = {name: value if name == "ghost_size" else value.astype(np.float32) for name, value in inputs.items()}
    inputs |= {"eps": 1.5} if case == "large_eps" else {}
    x, gamma, beta = inputs["x"], inputs["gamma"], inputs["beta"]
    parts = [oracles.normalize(x[i : i + size], inputs.get("eps", EPS)) for i in range(0, n, size)]
    wanted = {"out": _wanted(_affine(np.concatenate(parts), gamma, beta))}
    tolerance = max(_tolerance(x[i : i + size], inputs.get("eps", EPS)) for i in range(0, n, size))
    return _case(case, "ghost_batchnorm_forward", inputs, wanted, tolerance=tolerance, raises=case == "uneven")


_DRAW: dict[str, Callable[[np.random.RandomState, str], Case]] = {
    "batch_statistics": _batch_statistics,
    "normalize": _normalize,
    "layer_outputs": _layer_outputs,
    "scale_and_shift": _scale_and_shift,
    "identity_parameters": _identity_parameters,
    "saturated_fraction": _saturated_fraction,
    "batchnorm_forward": _forward,
    "fold_into_linear": _fold_into_linear,
    "scale_and_shift_backward": _scale_and_shift_backward,
    "frozen_backward": _frozen_backward,
    "batchnorm_backward": lambda rng, case: _backward(rng, case, "batchnorm_backward"),
    "batchnorm_backward_alt": lambda rng, case: _backward(rng, case, "batchnorm_backward_alt"),
    "channel_statistics": lambda rng, case: _batch_statistics(rng, case, "channel_statistics"),
    "spatial_batchnorm_forward": lambda rng, case: _forward(rng, case, "spatial_batchnorm_forward"),
    "spatial_batchnorm_backward": lambda rng, case: _backward(rng, case, "spatial_batchnorm_backward"),
    "outputs_across_batches": _outputs_across_batches,
    "ghost_batchnorm_forward": _ghost_batchnorm_forward,
}
