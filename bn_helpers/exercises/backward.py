"""The exercises of notebook 3, and their cases."""

from __future__ import annotations

import numpy as np
from numpy.random import RandomState

from bn_helpers import oracles
from bn_helpers.exercises import draw
from bn_helpers.exercises.task import Exercise, Notebook
from bn_helpers.outcomes import Call, Case

NOTEBOOK = Notebook("03_backward", "The backward pass", 90)
ROWS = {"easy": (100, 2), "small": (5, 3), "square": (4, 4), "two_rows": (2, 3)}
SHARES = {"dx": 0.6, "dgamma": 0.2, "dbeta": 0.2}


def _scale_and_shift_backward(exercise: Exercise, rng: RandomState, case: str) -> Case:
    x_hat = draw.batch_for(rng, case, draw.ROWS)
    dout = draw.batch(rng, *x_hat.shape).astype(x_hat.dtype)
    gamma = draw.vector(rng, x_hat.shape[1]).astype(x_hat.dtype)
    pairs = list(zip(oracles.to_columns(dout).tolist(), oracles.to_columns(x_hat).tolist(), strict=True))
    dgamma = [oracles.total(a * b for a, b in zip(*pair, strict=True)) for pair in pairs]
    dbeta = [oracles.total(column) for column, _ in pairs]
    wanted = {
        "dx_hat": draw.wanted(draw.affine(dout, gamma, np.zeros(len(gamma)))),
        "dgamma": draw.sums(dgamma, dout * x_hat, case),
        "dbeta": draw.sums(dbeta, dout, case),
    }
    inputs = {"dout": dout, "x_hat": x_hat, "gamma": gamma}
    return draw.one_call(case, exercise, inputs, wanted, tolerance=1e-5 if case == "float32" else 1e-9)


def _frozen_backward(exercise: Exercise, rng: RandomState, case: str) -> Case:
    dout = draw.batch_for(rng, "small" if case == "tiny_variance" else case, draw.ROWS)
    gamma = draw.vector(rng, dout.shape[1]).astype(dout.dtype)
    var = draw.positive(rng, dout.shape[1]).astype(dout.dtype) * (1e-5 if case == "tiny_variance" else 1)
    inputs = {"dout": dout, "gamma": gamma, "var": var} | ({"eps": 1.5} if case == "large_eps" else {})
    factor = gamma.astype(float) * (var.astype(float) + inputs.get("eps", draw.EPS)) ** -0.5
    wanted = {"dx": draw.wanted(draw.affine(dout, factor, np.zeros(len(factor))))}
    return draw.one_call(case, exercise, inputs, wanted, tolerance=1e-5 if case == "float32" else 1e-9)


def backward(exercise: Exercise, rng: RandomState, case: str, shapes: draw.Shapes = ROWS) -> Case:
    """The answer's own forward makes the cache; a cache's layout is nobody else's business."""
    x = draw.batch_for(rng, case, shapes)
    dout = draw.batch(rng, *x.shape).astype(x.dtype)
    gamma, beta = (draw.vector(rng, x.shape[1]).astype(x.dtype) for _ in range(2))
    bn_param = {"mode": "train"} | ({"eps": 1.5} if case == "large_eps" else {})
    eps = bn_param.get("eps", draw.EPS)
    dx, dgamma, dbeta = oracles.batchnorm_gradients(dout, x.astype(float), gamma.tolist(), eps)
    x_hat = oracles.normalize(x, eps)
    inv_std = (oracles.batch_statistics(x)[1] + eps) ** -0.5
    scale = float(np.max(np.abs(draw.affine(dout, gamma * inv_std, np.zeros(len(gamma))))))
    wanted = {
        "dx": draw.wanted(dx, scale),
        "dgamma": draw.sums(dgamma, dout * x_hat, case),
        "dbeta": draw.sums(dbeta, dout, case),
    }
    inputs = {"x": x, "gamma": gamma, "beta": beta, "bn_param": bn_param, "dout": dout}
    calls = [Call(exercise.uses[0], ("x", "gamma", "beta", "bn_param"), ("out", "cache"))]
    if case == "own_cache":
        inputs["x_other"] = draw.batch(rng, *x.shape)
        calls.append(Call(exercise.uses[0], ("x_other", "beta", "gamma", "bn_param"), ("", "")))
    calls.append(Call(exercise.id, ("dout", "cache"), exercise.returns))
    watched = {"out": draw.wanted(draw.affine(x_hat, gamma, beta))}
    return draw.finished(Case(case, inputs, tuple(calls), wanted, draw.tolerance(x, eps), watched=watched))


CASES = {
    "two_rows": ("a batch of two", "Two examples leave almost no gradient: eps alone lets a little pass."),
}  # fmt: skip

EXERCISES = (
    Exercise(
        "scale_and_shift_backward", "Backward through scale and shift", 4, 10, 1,
        "gamma and beta act on every example, so their gradients are sums over the batch.",
        ("dx_hat", "dgamma", "dbeta"),
        {"easy": 0, "square": 3, "one_row": 1, "float32": 1, "unchanged": 0},
        _scale_and_shift_backward,
        shares={"dx_hat": 0.6, "dgamma": 0.2, "dbeta": 0.2},
    ),
    Exercise(
        "frozen_backward", "Backward when the statistics are constants", 4, 10, 1,
        "With fixed statistics each example stands alone.",
        ("dx",),
        {"easy": 0, "square": 3, "large_eps": 2, "tiny_variance": 1, "float32": 1, "unchanged": 0},
        _frozen_backward,
    ),
    Exercise(
        "batchnorm_backward", "Backward through the graph", 12, 30, 3,
        "x enters three times: directly, through the mean and through the variance.",
        ("dx", "dgamma", "dbeta"),
        {"easy": 0, "small": 4, "square": 2, "large_eps": 2, "tiny_variance": 2, "constant": 1, "large_mean": 1,
         "two_rows": 1, "own_cache": 1, "float32": 1, "unchanged": 0},
        backward,
        ("batchnorm_forward",),
        shares=SHARES,
    ),
    Exercise(
        "batchnorm_backward_alt", "Backward in closed form", 8, 25, 3,
        "Derive it: what is left of dx_hat once two projections are taken away?",
        ("dx", "dgamma", "dbeta"),
        {"easy": 0, "small": 4, "square": 2, "large_eps": 2, "tiny_variance": 2, "constant": 1, "large_mean": 1,
         "two_rows": 1, "own_cache": 1, "float32": 1, "unchanged": 0},
        backward,
        ("batchnorm_forward",),
        shares=SHARES,
        underived="batchnorm_backward",
    ),
)  # fmt: skip
