"""The exercises of notebook 2, and their cases."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.random import RandomState

from bn_helpers import oracles
from bn_helpers.exercises import draw
from bn_helpers.exercises.task import EVALUATION, Exercise, Notebook
from bn_helpers.outcomes import Call, Case, Wanted

NOTEBOOK = Notebook("02_scale_and_shift", "Scale and shift", 90)
SETTLED = 50  # training steps on one batch, after which the running statistics are its own, by any momentum


def _scale_and_shift(exercise: Exercise, rng: RandomState, case: str) -> Case:
    x_hat = draw.batch_for(rng, case, draw.ROWS)
    gamma, beta = (draw.vector(rng, x_hat.shape[1]).astype(x_hat.dtype) for _ in range(2))
    wanted = {"out": draw.wanted(draw.affine(x_hat, gamma, beta))}
    inputs = {"x_hat": x_hat, "gamma": gamma, "beta": beta}
    return draw.one_call(case, exercise, inputs, wanted, tolerance=1e-5 if case == "float32" else 1e-9)


def _identity_parameters(exercise: Exercise, rng: RandomState, case: str) -> Case:
    x = draw.batch_for(rng, case, draw.ROWS)
    inputs = {"x": x} | ({"eps": 1.5} if case == "large_eps" else {})
    mean, var = oracles.batch_statistics(x)
    gamma = [(v + inputs.get("eps", draw.EPS)) ** 0.5 for v in var]
    wanted = {"gamma": draw.wanted(gamma), "beta": draw.wanted(mean)}
    return draw.one_call(case, exercise, inputs, wanted, tolerance=draw.tolerance(x))


def _saturated_fraction(exercise: Exercise, rng: RandomState, case: str) -> Case:
    z = np.round(2.5 * rng.standard_normal((7,) if case == "vector" else (100, 5) if case == "easy" else (4, 3)), 2)
    if case == "negative":
        z = -np.abs(z) - 1
    if case == "boundary":
        z[:2] = 0  # tanh(0) = 0 is not above 0
    thresholds = {"threshold": 0.5, "boundary": 0.0}
    inputs = {"z": z} | ({"threshold": thresholds[case]} if case in thresholds else {})
    threshold = inputs.get("threshold", 0.97)
    above = sum(abs(math.tanh(v)) > threshold for v in z.ravel().tolist())
    drawn = draw.one_call(case, exercise, inputs, {"fraction": draw.wanted(above / z.size, 1.0)})
    # A share is a count: no count is nearly right, and it needs no more digits than float32 has.
    return replace(drawn, tolerance=1e-6)


def forward(exercise: Exercise, rng: RandomState, case: str, shapes: draw.Shapes = draw.ROWS) -> Case:
    """A forward case is a sequence of calls that share `bn_param`; the last batch is the one whose output is judged."""
    x = draw.batch_for(rng, case, shapes)
    d = x.shape[1]
    gamma, beta = (draw.vector(rng, d).astype(x.dtype) for _ in range(2))
    running = {"running_mean": draw.vector(rng, d), "running_var": draw.positive(rng, d)}
    bn_param: dict = {"mode": "train"}
    if case == "small":
        bn_param |= {"eps": 0.1} | running  # there to be used by mistake
    if case.startswith("test"):
        bn_param = {"mode": "test", "eps": 0.1} | running
    if case == "test_default":
        bn_param = {"mode": "test", "eps": 0.1}
    if case == "bad_mode":
        bn_param = {"mode": "evaluate"} | running
    if case == "running_first":
        bn_param |= {"momentum": 0.7, "eps": 0.1} | running
    if case == "running_many":
        bn_param |= {"momentum": 0.8, "eps": 0.1}
    return _forward_case(rng, case, exercise, {"x": x, "gamma": gamma, "beta": beta, "bn_param": bn_param}, shapes)


def _forward_case(rng: RandomState, case: str, exercise: Exercise, inputs: dict, shapes: draw.Shapes) -> Case:
    x, bn_param = inputs["x"], inputs["bn_param"]
    before = {"running_many": 2, "train_then_test": 3, "unchanged": 1, EVALUATION: 1}
    steps = [draw.batch_for(rng, case if case == EVALUATION else "small", shapes) for _ in range(before.get(case, 0))]
    extra = {f"x_{number}": batch for number, batch in enumerate(steps, start=1)}
    times = SETTLED if case == EVALUATION else 1
    calls = [Call(exercise.id, (name, "gamma", "beta", "bn_param"), ("", "")) for name in extra] * times
    if case in ("train_then_test", "unchanged", EVALUATION):
        bn_param |= {"momentum": 0.6} if case != EVALUATION else {}
        calls.append(Call("evaluate", ("bn_param",), ("",)))
    if case == "running_own":
        extra |= {"x_other": draw.batch_for(rng, "small", shapes), "bn_other": {"mode": "train"}}
        calls.append(Call(exercise.id, ("x_other", "gamma", "beta", "bn_other"), ("", "")))
    calls.append(Call(exercise.id, ("x", "gamma", "beta", "bn_param"), ("out", "cache")))
    wanted = _forward_wanted(case, inputs, steps * times if case in ("train_then_test", EVALUATION) else [*steps, x])
    return draw.finished(Case(case, inputs | extra, tuple(calls), wanted, draw.tolerance(x), raises=case == "bad_mode"))


def _forward_wanted(case: str, inputs: dict, trained: list[np.ndarray]) -> dict[str, Wanted]:
    x, gamma, beta, bn_param = inputs.values()
    eps, momentum = bn_param.get("eps", draw.EPS), bn_param.get("momentum", 0.9)
    mean, var = (bn_param.get(key, np.zeros(x.shape[1])) for key in ("running_mean", "running_var"))
    statistics = {id(batch): oracles.batch_statistics(batch) for batch in trained}  # of a batch that returns, once
    for batch in trained if bn_param["mode"] == "train" else []:
        batch_mean, batch_var = statistics[id(batch)]
        mean = momentum * mean + (1 - momentum) * batch_mean
        var = momentum * var + (1 - momentum) * batch_var
    if case.startswith("running") or case == "test_keeps_running":
        return {"bn_param.running_mean": draw.wanted(mean), "bn_param.running_var": draw.wanted(var)}
    if case.startswith("test") or case in ("train_then_test", EVALUATION):
        x_hat = draw.affine(x, (var + eps) ** -0.5, -mean * (var + eps) ** -0.5)
    else:
        x_hat = oracles.normalize(x, eps)
    return {"out": draw.wanted(draw.affine(x_hat, gamma, beta))}


def _fold_into_linear(exercise: Exercise, rng: RandomState, case: str) -> Case:
    rows, columns = {"easy": (6, 5), "square": (3, 3)}.get(case, (4, 3))
    w = np.round(rng.standard_normal((rows, columns)), 2) + 0.003
    b, gamma, beta, mean = (draw.vector(rng, columns) for _ in range(4))
    var = draw.positive(rng, columns) * (1e-5 if case == "tiny_variance" else 1.0)
    inputs = {"w": w, "b": b, "gamma": gamma, "beta": beta, "running_mean": mean, "running_var": var}
    if case == "float32":
        inputs = {name: value.astype(np.float32) for name, value in inputs.items()}
    w, b, gamma, beta, mean, var = (value.astype(float) for value in inputs.values())
    inputs |= {"eps": 1.5} if case == "large_eps" else {}
    scale = [g / (v + inputs.get("eps", draw.EPS)) ** 0.5 for g, v in zip(gamma, var, strict=True)]
    wanted = {
        "w_folded": draw.wanted([[value * s for value, s in zip(row, scale, strict=True)] for row in w]),
        "b_folded": draw.wanted([(bi - m) * s + be for bi, m, s, be in zip(b, mean, scale, beta, strict=True)]),
    }
    return draw.one_call(case, exercise, inputs, wanted, tolerance=1e-5 if case == "float32" else 1e-9)


CASES = {
    "negative": ("values far below zero", "tanh saturates at -1 as well as at 1."),
    "threshold": ("another threshold", "The threshold is an argument: use the one you are given."),
    "boundary": ("values exactly at the threshold", "Above means above: a value at the threshold does not count."),
    "vector": ("a plain vector", "z may have any shape; the share is taken over all its elements."),
    "running_first": ("one training step", "momentum is the fraction kept; the variance is the biased one."),
    "running_own": ("two layers side by side", "Each bn_param has its own running statistics: share nothing."),
    "test_one_row": ("evaluation of one example", "In evaluation an example's output depends on no other example."),
    "train_then_test": ("three training steps, then evaluation", "What training has written is what evaluation reads."),
}  # fmt: skip

EXERCISES = (
    Exercise(
        "scale_and_shift", "Scale and shift", 3, 5, 1,
        "gamma and beta have one entry a feature, not one an example.",
        ("out",),
        {"easy": 0, "square": 3, "one_row": 1, "float32": 1, "unchanged": 0},
        _scale_and_shift,
    ),
    Exercise(
        "identity_parameters", "The parameters that undo the normalization", 4, 10, 2,
        "gamma is a standard deviation, and eps is part of it.",
        ("gamma", "beta"),
        {"easy": 0, "large_eps": 3, "tiny_variance": 2, "square": 2, "constant": 1, "large_mean": 1,
         "integer": 1, "float32": 1, "unchanged": 0},
        _identity_parameters,
        point=("large_eps", "tiny_variance"),
    ),
    Exercise(
        "saturated_fraction", "How much of tanh is saturated", 3, 5, 1,
        "Saturation has two sides: the threshold is for the absolute value.",
        ("fraction",),
        {"easy": 0, "negative": 2, "threshold": 2, "boundary": 1, "vector": 1, "unchanged": 0},
        _saturated_fraction,
    ),
    Exercise(
        "batchnorm_forward", "The whole layer", 10, 25, 3,
        "momentum is the fraction of the running statistics that is kept.",
        ("out",),
        {"easy": 0, "small": 3, "square": 1, "tiny_variance": 1, "constant": 1, "large_mean": 1, "running_first": 2,
         "running_many": 3, "running_default": 1, "running_own": 1, "evaluation": 2, "test_mode": 2, "test_default": 1,
         "test_one_row": 1, "test_keeps_running": 1, "train_then_test": 2, "bad_mode": 1, "one_row": 1, "float32": 1,
         "unchanged": 0},
        forward,
        point=(EVALUATION,),
    ),
    Exercise(
        "fold_into_linear", "Fold the layer into the one before it", 4, 15, 2,
        "Each column of w belongs to one feature, so each column has its own factor.",
        ("w_folded", "b_folded"),
        {"easy": 0, "square": 3, "large_eps": 2, "tiny_variance": 1, "float32": 1, "unchanged": 0},
        _fold_into_linear,
    ),
)  # fmt: skip
