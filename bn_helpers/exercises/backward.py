"""The exercises of notebook 3, and their cases."""

from __future__ import annotations

import numpy as np
from numpy.random import RandomState

from bn_helpers import oracles
from bn_helpers.exercises import draw
from bn_helpers.exercises.task import Exercise, Notebook
from bn_helpers.outcomes import Call, Case, Wanted

NOTEBOOK = Notebook("03_backward", "The backward pass", 120, ("softmax_loss",))
ROWS = {"easy": (100, 2), "small": (5, 3), "square": (4, 4), "two_rows": (2, 3)}
SHARES = {"dx": 0.6, "dgamma": 0.2, "dbeta": 0.2}
PARAMETERS = ("w1", "gamma", "beta", "w2", "b2")
NETS = {"easy": (100, 4, 4, 2), "square": (4, 4, 4, 4)}  # rows, features, hidden units, classes
RATE = 0.7  # so large that what one parameter misses is seen in the others


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


def _network(rng: RandomState, case: str) -> dict:
    """A net and a batch for it: with batch norm and without, each unit is on for some examples and off for others."""
    rows, features, units, classes = NETS.get(case, (6, 4, 4, 3))
    scale = 1000.0 if case == "large_scores" else 1.0
    while True:
        x = draw.batch(rng, rows, features)
        params = {
            "w1": np.round(rng.standard_normal((features, units)), 2) + 0.003,
            **{"gamma": draw.vector(rng, units), "beta": 0.2 * draw.vector(rng, units)},
            **{"w2": scale * np.round(rng.standard_normal((units, classes)), 2), "b2": draw.vector(rng, classes)},
        }
        z = np.matmul(x, params["w1"])
        outs = z + params["beta"], params["gamma"] * (z - z.mean(axis=0)) / z.std(axis=0) + params["beta"]
        if all(np.all(out.min(axis=0) < -0.05) and np.all(out.max(axis=0) > 0.05) for out in outs):
            break
    labels = rng.permutation(np.arange(rows) % classes)
    dtype = np.float32 if case == "float32" else float
    return {"x": x.astype(dtype), "labels": labels, "params": {k: v.astype(dtype) for k, v in params.items()}}


def _bn_param(rng: RandomState, case: str, units: int) -> dict | None:
    if case == "without":
        return None
    bn_param = {"mode": "test" if case == "test_mode" else "train"} | ({"eps": 0.1} if case != "easy" else {})
    if case in ("test_mode", "keeps_running"):
        running = {"running_mean": draw.vector(rng, units), "running_var": draw.positive(rng, units)}
        bn_param |= {"momentum": 0.7} | running
    return bn_param


def _as_floats(inputs: dict) -> tuple[np.ndarray, dict]:
    return inputs["x"].astype(float), {name: value.astype(float) for name, value in inputs["params"].items()}


def _running(bn_param: dict, batches: list[np.ndarray]) -> dict[str, Wanted]:
    """The running statistics once batch norm has seen these batches."""
    values = {key: bn_param[key] for key in ("running_mean", "running_var")}
    for batch in batches:
        pairs = zip(values.items(), oracles.batch_statistics(batch), strict=True)
        values = {k: bn_param["momentum"] * v + (1 - bn_param["momentum"]) * new for (k, v), new in pairs}
    return {f"bn_param.{key}": draw.wanted(value) for key, value in values.items()}


def _network_loss(exercise: Exercise, rng: RandomState, case: str) -> Case:
    inputs = _network(rng, case)
    (x, params), labels = _as_floats(inputs), inputs["labels"]
    bn_param = inputs["bn_param"] = _bn_param(rng, case, len(params["gamma"]))
    eps = None if bn_param is None else bn_param.get("eps", draw.EPS)
    calls = [Call(exercise.id, tuple(inputs), exercise.returns)]
    if case == "test_mode":
        calls.append(Call("is_none", ("grads",), ("grads_is_none",)))
        loss = oracles.network_loss(x, labels, params, eps, (bn_param["running_mean"], bn_param["running_var"]))
        wanted = {"loss": draw.wanted(loss), "grads_is_none": draw.wanted(1.0)}
    elif case == "keeps_running":
        wanted = _running(bn_param, [np.matmul(x, params["w1"])])
    else:
        gradients = oracles.network_gradients(x, labels, params, eps)
        largest = max(float(np.max(np.abs(value))) for value in gradients.values())
        largest = largest if case in ("float32", "large_scores") else None  # rounding is that of the largest
        wanted = {"loss": draw.wanted(oracles.network_loss(x, labels, params, eps))}
        back = reversed(gradients.items())  # in the order of the way back: what is wrong first is told first
        wanted |= {f"grads.{name}": draw.wanted(value, largest) for name, value in back}
    return draw.finished(Case(case, inputs, tuple(calls), wanted, tolerance=1e-5 if case == "float32" else 1e-9))


def _some_rows(rng: RandomState, rows: int, size: int) -> np.ndarray:
    """The numbers of some rows, in any order; not of the first ones, or taking those would be no mistake."""
    while True:
        chosen = rng.permutation(rows)[:size]
        if size == rows or max(chosen) >= size:
            return chosen


def _train_network(exercise: Exercise, rng: RandomState, case: str) -> Case:
    inputs = _network(rng, case)
    (x, params), labels = _as_floats(inputs), inputs["labels"]
    bn_param = inputs["bn_param"] = _bn_param(rng, case, len(params["gamma"]))
    rows, sizes = len(x), (20, 25, 15) if case == "easy" else (5, 5, 5) if case == "unchanged" else (5, 6, 4)
    inputs |= {"batches": [_some_rows(rng, rows, size) for size in sizes], "rate": RATE}
    eps = None if bn_param is None else bn_param.get("eps", draw.EPS)
    trained, losses, seen = params, [], []
    for batch in inputs["batches"]:
        gradients = oracles.network_gradients(x[batch], labels[batch], trained, eps)
        losses.append(oracles.network_loss(x[batch], labels[batch], trained, eps))
        seen.append(x[batch] @ trained["w1"])
        trained = {name: trained[name] - RATE * gradients[name] for name in PARAMETERS}
    moved = {name: float(np.max(np.abs(trained[name] - params[name]))) or None for name in PARAMETERS}
    wanted = {"losses": draw.wanted(losses)}
    wanted |= {f"trained.{name}": draw.wanted(trained[name], moved[name]) for name in PARAMETERS}
    if case == "keeps_running":
        wanted = _running(bn_param, seen)
    return draw.one_call(case, exercise, inputs, wanted, tolerance=1e-4 if case == "float32" else 1e-9)


CASES = {
    "two_rows": ("a batch of two", "Two examples leave almost no gradient: eps alone lets a little pass."),
    "without": ("without batch norm", "Where bn_param is None: h = relu(x @ w1 + beta), and dgamma is zeros."),
    "large_scores": ("scores in the thousands", "The exponential of a large score overflows: use softmax_loss."),
    "keeps_running": ("the running statistics", "Hand on bn_param itself: the forward pass writes to it."),
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
        "frozen_backward", "Backward when the statistics are constants", 4, 5, 1,
        "With fixed statistics each example stands alone.",
        ("dx",),
        {"easy": 0, "square": 3, "large_eps": 2, "tiny_variance": 1, "float32": 1, "unchanged": 0},
        _frozen_backward,
    ),
    Exercise(
        "batchnorm_backward", "Backward through the graph", 9, 30, 3,
        "x enters three times: directly, through the mean and through the variance.",
        ("dx", "dgamma", "dbeta"),
        {"easy": 0, "small": 4, "square": 2, "large_eps": 2, "tiny_variance": 2, "constant": 1, "large_mean": 1,
         "two_rows": 1, "own_cache": 1, "float32": 1, "unchanged": 0},
        backward,
        ("batchnorm_forward",),
        shares=SHARES,
        point=("small", "large_eps"),
    ),
    Exercise(
        "batchnorm_backward_alt", "Backward in closed form", 6, 20, 3,
        "Derive it: what is left of dx_hat once two projections are taken away?",
        ("dx", "dgamma", "dbeta"),
        {"easy": 0, "small": 4, "square": 2, "large_eps": 2, "tiny_variance": 2, "constant": 1, "large_mean": 1,
         "two_rows": 1, "own_cache": 1, "float32": 1, "unchanged": 0},
        backward,
        ("batchnorm_forward",),
        shares=SHARES,
        underived="batchnorm_backward",
        point=("small", "large_eps"),
    ),
    Exercise(
        "network_loss", "Your layer in a net", 8, 20, 2,
        "Go back in the order in which you came, and close the relu where it was closed on the way.",
        ("loss", "grads"),
        {"easy": 0, "small": 4, "square": 2, "without": 3, "test_mode": 2, "keeps_running": 1, "large_scores": 1,
         "float32": 1, "unchanged": 0},
        _network_loss,
        shares={"loss": 0.4, **{f"grads.{name}": 0.12 for name in PARAMETERS}},
        point=("small",),
    ),
    Exercise(
        "train_network", "Train it", 4, 10, 1,
        "Each step starts from what the step before has made, and the caller's params are not yours to change.",
        ("trained", "losses"),
        {"easy": 0, "small": 3, "without": 2, "keeps_running": 1, "float32": 1, "unchanged": 0},
        _train_network,
        shares={"losses": 0.5, **{f"trained.{name}": 0.1 for name in PARAMETERS}},
        point=("small",),
    ),
)  # fmt: skip
