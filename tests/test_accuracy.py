"""How much the reference rounds: against sums without rounding, complex steps and PyTorch, up to 100,000 rows.

Errors are norm-wise: the largest difference, relative to the largest value that is wanted. Sums are by `math.fsum`, so
that no machine needs numbers longer than a double.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from bn_helpers import layers
from bn_helpers.oracles import STEP, difference, from_columns, normalize_column

EPS = 1e-5
ROWS = [(5, 4), (100, 4), (10_000, 4)]
IMAGES = [(3, 4, 1, 2), (25, 4, 2, 2), (10, 4, 32, 32), (2500, 4, 2, 2)]
MANY = [(100_000, 4), (100, 4, 32, 32), (25_000, 4, 2, 2)]
TOLERANCE = {"float32": 5e-6, "float64": 1e-13}
SIZES = [(dtype, shape) for dtype in TOLERANCE for shape in ROWS + IMAGES] + [("float64", shape) for shape in MANY]


def arguments(shape, dtype, mean=1.0):
    """x, dout, gamma and beta; the features' means and standard deviations are of the size of `mean` and 1."""
    rng = np.random.RandomState(sum(shape))
    per_feature = (shape[1], *[1] * (len(shape) - 2))
    x = rng.uniform(0.5, 2, per_feature) * rng.standard_normal(shape) + mean * rng.uniform(0.5, 1, per_feature)
    dout, gamma, beta = rng.standard_normal(shape), rng.uniform(0.5, 2, shape[1]), rng.standard_normal(shape[1])
    return [value.astype(dtype) for value in (x, dout, gamma, beta)]


def columns(x):
    """A row of float64 for each feature or channel."""
    return np.moveaxis(x, 1, 0).reshape(x.shape[1], -1).astype(float)


def sums(rows):
    return np.array([math.fsum(row) for row in rows.tolist()])


def exactly(x, dout, gamma, beta):
    """What is wanted, by name."""
    c, d = columns(x), columns(dout)
    m = c.shape[1]
    rough = sums(c) / m
    rest = sums(c - rough[:, None]) / m
    centered = (c - rough[:, None]) - rest[:, None]
    var = sums(centered**2) / m
    inv_std = 1 / np.sqrt(var + EPS)
    x_hat, gamma, beta = centered * inv_std[:, None], gamma.astype(float), beta.astype(float)
    dgamma, dbeta = sums(d * x_hat), sums(d)
    dx = (gamma * inv_std)[:, None] * (d - dbeta[:, None] / m - x_hat * dgamma[:, None] / m)
    out = gamma[:, None] * x_hat + beta[:, None]
    whole = {name: from_columns(value, x.shape) for name, value in {"x_hat": x_hat, "out": out, "dx": dx}.items()}
    return {"mean": rough + rest, "var": var, **whole, "dgamma": dgamma, "dbeta": dbeta}


def by_the_layers(x, dout, gamma, beta):
    """What the reference gives: pairs of a name in `exactly` and a value."""
    images = x.ndim == 4
    forward = layers.spatial_batchnorm_forward if images else layers.batchnorm_forward
    statistics = layers.channel_statistics if images else layers.batch_statistics
    backwards = [layers.spatial_batchnorm_backward]
    if not images:
        yield "x_hat", layers.normalize(x, EPS)
        backwards = [layers.batchnorm_backward, layers.batchnorm_backward_alt]
    yield from zip(("mean", "var"), statistics(x), strict=True)
    out, cache = forward(x, gamma, beta, {"mode": "train", "eps": EPS})
    yield "out", out
    for backward in backwards:
        yield from zip(("dx", "dgamma", "dbeta"), backward(dout, cache), strict=True)


@pytest.mark.parametrize(("dtype", "shape"), SIZES)
def test_rounding_stays_small_however_many_rows(dtype, shape):
    given = arguments(shape, dtype)
    wanted = exactly(*given)
    for name, got in by_the_layers(*given):
        assert got.dtype == dtype
        assert difference(got, wanted[name]) < TOLERANCE[dtype], name


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("shape", [(100, 4), (1000, 4), (25, 4, 2, 2), (100, 4, 32, 32)])
@pytest.mark.parametrize("mean", [1e2, 1e4])
def test_a_large_mean_costs_a_few_times_the_rounding_of_the_input(shape, dtype, mean):
    x, _, gamma, beta = arguments(shape, dtype, mean)
    wanted = exactly(x, x, gamma, beta)
    forward = layers.spatial_batchnorm_forward if x.ndim == 4 else layers.batchnorm_forward
    out, _ = forward(x, gamma, beta, {"mode": "train", "eps": EPS})
    rounding = mean * np.finfo(dtype).eps / 2 * np.max(gamma / np.sqrt(wanted["var"]))
    assert difference(out, wanted["out"], scale=1.0) < 20 * rounding


@pytest.mark.parametrize("shape", [(100_000, 2), (50, 2, 32, 32)])
def test_gradients_of_many_rows_are_the_derivatives_by_complex_step(shape):
    x, dout, gamma, beta = arguments(shape, "float64")
    direction = np.random.RandomState(1).standard_normal(shape)
    moved = columns(x) + 1j * STEP * columns(direction)
    slopes = np.imag([normalize_column(column, EPS) for column in moved.tolist()]) / STEP
    wanted = math.fsum(np.ravel(gamma[:, None] * columns(dout) * slopes))
    for name, got in by_the_layers(x, dout, gamma, beta):
        if name == "dx":
            error = math.fsum(np.ravel(got * direction)) - wanted
            assert abs(error) < 1e-13 * np.linalg.norm(got) * np.linalg.norm(direction)


@pytest.mark.parametrize(("dtype", "shape"), SIZES)
def test_pytorch_says_the_same(dtype, shape):
    torch = pytest.importorskip("torch")
    given = arguments(shape, dtype)
    x, dout, gamma, beta = map(torch.from_numpy, given)
    inputs = [tensor.requires_grad_() for tensor in (x, gamma, beta)]
    out = torch.nn.functional.batch_norm(x, None, None, gamma, beta, training=True, eps=EPS)
    gradients = dict(zip(("dx", "dgamma", "dbeta"), torch.autograd.grad(out, inputs, dout), strict=True))
    wanted = {"out": out.detach(), **gradients}
    for name, got in by_the_layers(*given):
        if name in wanted:
            assert difference(got, wanted[name].numpy()) < TOLERANCE[dtype], name
