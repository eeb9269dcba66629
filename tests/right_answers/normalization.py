"""Notebook 1."""

import itertools
import sys
import warnings
from typing import NamedTuple

import numpy as np

from .entry import right


class Statistics(NamedTuple):
    """What some learners return instead of a tuple."""

    mean: np.ndarray
    var: np.ndarray


def welford(x):
    """Mean and variance in one pass over the rows, updated by each."""
    mean, squares = np.zeros(x.shape[1]), np.zeros(x.shape[1])
    for n, row in enumerate(x, start=1):
        before = row - mean
        mean = mean + before / n
        squares = squares + before * (row - mean)
    return mean, squares / len(x)


right("batch_statistics", "welford")(welford)


@right("batch_statistics", "numpy")
def _(x):
    return np.mean(x, axis=0), np.var(x, axis=0)


@right("batch_statistics", "loops, lists")
def _(x):
    n, d = x.shape
    mean, var = [], []
    for j in range(d):
        total = 0.0
        for i in range(n):
            total += x[i, j]
        mean.append(total / n)
        total = 0.0
        for i in range(n):
            total += (x[i, j] - mean[j]) ** 2
        var.append(total / n)
    return mean, var


@right("batch_statistics", "matrix products, named tuple")
def _(x):
    ones = np.full((1, len(x)), 1 / len(x))
    mean = ones @ x
    return Statistics(mean.ravel(), (ones @ (x - mean) ** 2).ravel())


@right("batch_statistics", "columns, a list")
def _(x):
    return [np.array([column.mean() for column in x.T]), np.array([column.var() for column in x.T])]


@right("batch_statistics", "einsum, one array")
def _(x):
    centered = x - np.einsum("nd->d", x) / len(x)
    return np.stack([x.mean(axis=0), np.einsum("nd,nd->d", centered, centered) / len(x)])


@right("batch_statistics", "shifted by the first row")
def _(x):
    shifted = x - x[0]
    mean = shifted.mean(axis=0)
    return x[0] + mean, (shifted**2).mean(axis=0) - mean**2


@right("normalize", "two lines")
def _(x, eps=1e-5):
    return (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + eps)


@right("normalize", "loops, nested lists")
def _(x, eps=1e-5):
    rows = [[float(v) for v in row] for row in x]
    for j in range(len(rows[0])):
        mean = sum(row[j] for row in rows) / len(rows)
        var = sum((row[j] - mean) ** 2 for row in rows) / len(rows)
        for row in rows:
            row[j] = (row[j] - mean) / (var + eps) ** 0.5
    return rows


@right("normalize", "centering matrix")
def _(x, eps=1e-5):
    n = len(x)
    centered = (np.eye(n) - np.ones((n, n)) / n) @ x
    return centered @ np.diag(1 / np.sqrt(np.diag(centered.T @ centered) / n + eps))


@right("normalize", "x * a + c")
def _(x, eps=1e-5):
    a = 1 / np.sqrt(x.var(axis=0) + eps)
    return x * a - x.mean(axis=0) * a


@right("normalize", "Welford")
def _(x, eps=1e-5):
    mean, var = welford(x)
    return (x - mean) * (var + eps) ** -0.5


@right("normalize", "column by column, Fortran order")
def _(x, eps=1e-5):
    x_hat = np.empty(x.shape, order="F")
    for j in range(x.shape[1]):
        column = x[:, j]
        x_hat[:, j] = (column - column.mean()) / np.sqrt(column.var() + eps)
    return x_hat


@right("normalize", "in place on a copy, with prints and warnings")
def _(x, eps=1e-5):
    print("normalizing", x.shape)
    print("a message", file=sys.stderr)
    warnings.warn("careful", stacklevel=1)
    x = x.astype(float)
    x -= x.mean(axis=0, keepdims=True)
    x /= np.sqrt(np.mean(x * x, axis=0, keepdims=True) + eps)
    return x


@right("normalize", "transposed, a view")
def _(x, eps=1e-5):
    features = x.T
    return ((features - features.mean(axis=1)[:, None]) / np.sqrt(features.var(axis=1)[:, None] + eps)).T


@right("layer_outputs", "a loop")
def _(x, weights, nonlinearity, norm=None):
    outputs = []
    for w in weights:
        x = x @ w
        if norm is not None:
            x = norm(x)
        x = nonlinearity(x)
        outputs.append(x)
    return outputs


@right("layer_outputs", "recursion, a tuple")
def _(x, weights, nonlinearity, norm=None):
    def run(h, rest):
        if not rest:
            return ()
        z = np.dot(h, rest[0])
        h = nonlinearity(norm(z) if norm else z)
        return (h, *run(h, rest[1:]))

    return run(x, weights)


@right("layer_outputs", "accumulate")
def _(x, weights, nonlinearity, norm=None):
    norm = norm or (lambda z: z)
    return list(itertools.accumulate(weights, lambda h, w: nonlinearity(norm(h @ w)), initial=x))[1:]


@right("layer_outputs", "einsum into a prepared list")
def _(x, weights, nonlinearity, norm=None):
    outputs = [None] * len(weights)
    for i in range(len(weights)):
        z = np.einsum("nm,md->nd", x if i == 0 else outputs[i - 1], weights[i])
        outputs[i] = nonlinearity(norm(z)) if callable(norm) else nonlinearity(z)
    return outputs


@right("layer_outputs", "sums over rows of w, Fortran order")
def _(x, weights, nonlinearity, norm=None):
    outputs = []
    for w in weights:
        z = sum(np.outer(x[:, i], w[i]) for i in range(len(w)))
        x = np.asfortranarray(nonlinearity(norm(z) if norm is not None else z))
        outputs += [x]
    return outputs
