"""Notebook 3."""

import numpy as np

from .entry import right


@right("scale_and_shift_backward", "three lines")
def _(dout, x_hat, gamma):
    return dout * gamma, np.sum(dout * x_hat, axis=0), np.sum(dout, axis=0)


@right("scale_and_shift_backward", "loops, lists")
def _(dout, x_hat, gamma):
    n, d = dout.shape
    dx_hat = [[float(dout[i, j]) * float(gamma[j]) for j in range(d)] for i in range(n)]
    dgamma = [sum(float(dout[i, j]) * float(x_hat[i, j]) for i in range(n)) for j in range(d)]
    return dx_hat, dgamma, [sum(float(v) for v in dout[:, j]) for j in range(d)]


@right("scale_and_shift_backward", "matrix products")
def _(dout, x_hat, gamma):
    return dout @ np.diag(gamma), np.diag(dout.T @ x_hat), (np.ones((1, len(dout))) @ dout)[0]


@right("scale_and_shift_backward", "einsum, a list")
def _(dout, x_hat, gamma):
    return [np.einsum("nd,d->nd", dout, gamma), np.einsum("nd,nd->d", dout, x_hat), np.einsum("nd->d", dout)]


@right("scale_and_shift_backward", "row by row, Fortran order")
def _(dout, x_hat, gamma):
    dx_hat, dgamma, dbeta = np.zeros(dout.shape, order="F"), np.zeros(gamma.shape), np.zeros(gamma.shape)
    for i, row in enumerate(dout):
        dx_hat[i] = row * gamma
        dgamma += row * x_hat[i]
        dbeta += row
    return dx_hat, dgamma, dbeta


@right("frozen_backward", "a line")
def _(dout, gamma, var, eps=1e-5):
    return gamma * dout / np.sqrt(var + eps)


@right("frozen_backward", "loops, nested lists")
def _(dout, gamma, var, eps=1e-5):
    return [
        [float(v) * float(g) * (float(s) + eps) ** -0.5 for v, g, s in zip(row, gamma, var, strict=True)]
        for row in dout
    ]


@right("frozen_backward", "diagonal matrix")
def _(dout, gamma, var, eps=1e-5):
    return dout @ np.diag(gamma) @ np.linalg.inv(np.diag(np.sqrt(var + eps)))


@right("frozen_backward", "einsum, Fortran order")
def _(dout, gamma, var, eps=1e-5):
    return np.asfortranarray(np.einsum("nd,d,d->nd", dout, gamma, 1 / np.sqrt(var + eps)))


@right("frozen_backward", "stages")
def _(dout, gamma, var, eps=1e-5):
    dx_hat = dout * gamma
    dcentered = dx_hat * (1 / np.sqrt(var + eps))
    return +dcentered


# Forward passes with caches of their own


def keeps_everything(x, gamma, beta, bn_param):
    """The cache is a tuple of every intermediate."""
    eps = bn_param.get("eps", 1e-5)
    mu = x.mean(axis=0)
    xmu = x - mu
    var = (xmu**2).mean(axis=0)
    sqrtvar = np.sqrt(var + eps)
    ivar = 1.0 / sqrtvar
    xhat = xmu * ivar
    return gamma * xhat + beta, (xhat, gamma, xmu, ivar, sqrtvar, var, eps)


def keeps_inputs(x, gamma, beta, bn_param):
    """The cache is what came in; the backward pass computes the rest again."""
    eps = bn_param.get("eps", 1e-5)
    return (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + eps) * gamma + beta, (x, gamma, eps)


class Cache:
    """The cache is an object."""

    def __init__(self, x, gamma, eps):
        self.n, self.gamma = len(x), gamma
        self.std = np.sqrt(x.var(axis=0) + eps)
        self.x_hat = (x - x.mean(axis=0)) / self.std


def keeps_object(x, gamma, beta, bn_param):
    cache = Cache(x, gamma, bn_param.get("eps", 1e-5))
    return cache.x_hat * gamma + beta, cache


@right("batchnorm_backward", "twelve stages, with dvar -> dmean", batchnorm_forward=keeps_everything)
def staged(dout, cache):
    xhat, gamma, xmu, ivar, sqrtvar, var, eps = cache
    n = dout.shape[0]
    dbeta = np.sum(dout, axis=0)
    dgamma = np.sum(dout * xhat, axis=0)
    dxhat = dout * gamma
    divar = np.sum(dxhat * xmu, axis=0)
    dxmu1 = dxhat * ivar
    dsqrtvar = -1.0 / (sqrtvar**2) * divar
    dvar = 0.5 * 1.0 / np.sqrt(var + eps) * dsqrtvar
    dsq = 1.0 / n * np.ones(dout.shape) * dvar
    dxmu2 = 2 * xmu * dsq
    dx1 = dxmu1 + dxmu2
    dmu = -1 * np.sum(dxmu1 + dxmu2, axis=0)
    dx2 = 1.0 / n * np.ones(dout.shape) * dmu
    return dx1 + dx2, dgamma, dbeta


@right("batchnorm_backward", "the paper's formulas, without dvar -> dmean", batchnorm_forward=keeps_inputs)
def _(dout, cache):
    x, gamma, eps = cache
    m, mean, var = len(x), x.mean(axis=0), x.var(axis=0)
    x_hat = (x - mean) / np.sqrt(var + eps)
    dx_hat = dout * gamma
    dvar = np.sum(dx_hat * (x - mean) * -0.5 * (var + eps) ** -1.5, axis=0)
    dmean = np.sum(dx_hat * -1 / np.sqrt(var + eps), axis=0)
    dx = dx_hat / np.sqrt(var + eps) + dvar * 2 * (x - mean) / m + dmean / m
    return dx, np.sum(dout * x_hat, axis=0), np.sum(dout, axis=0)


@right("batchnorm_backward", "closed form", batchnorm_forward=keeps_object)
def closed(dout, cache):
    n, x_hat = cache.n, cache.x_hat
    dgamma, dbeta = (dout * x_hat).sum(0), dout.sum(0)
    return cache.gamma / (n * cache.std) * (n * dout - dbeta - x_hat * dgamma), dgamma, dbeta


@right("batchnorm_backward", "Jacobian of each feature", batchnorm_forward=keeps_object)
def jacobian(dout, cache):
    n, dx = cache.n, np.empty(dout.shape, order="F")
    for j in range(dout.shape[1]):
        x_hat = cache.x_hat[:, j]
        dx[:, j] = cache.gamma[j] / cache.std[j] * (np.eye(n) - 1 / n - np.outer(x_hat, x_hat) / n) @ dout[:, j]
    return dx, np.diag(cache.x_hat.T @ dout), np.ones(n) @ dout


@right("batchnorm_backward", "loops, lists", batchnorm_forward=keeps_object)
def loops(dout, cache):
    n, d = dout.shape
    x_hat, rows = cache.x_hat.tolist(), dout.tolist()
    dbeta = [sum(row[j] for row in rows) for j in range(d)]
    dgamma = [sum(rows[i][j] * x_hat[i][j] for i in range(n)) for j in range(d)]
    factor = [float(g / s) for g, s in zip(cache.gamma, cache.std, strict=True)]
    dx = [[factor[j] * (rows[i][j] - dbeta[j] / n - x_hat[i][j] * dgamma[j] / n) for j in range(d)] for i in range(n)]
    return dx, dgamma, dbeta


right("batchnorm_backward_alt", "N before dout", batchnorm_forward=keeps_object)(closed)
right("batchnorm_backward_alt", "Jacobian of each feature", batchnorm_forward=keeps_object)(jacobian)
right("batchnorm_backward_alt", "loops, lists", batchnorm_forward=keeps_object)(loops)
right("batchnorm_backward_alt", "stages again", batchnorm_forward=keeps_everything)(staged)


@right("batchnorm_backward_alt", "means of dx_hat", batchnorm_forward=keeps_inputs)
def _(dout, cache):
    x, gamma, eps = cache
    inv_std = (x.var(axis=0) + eps) ** -0.5
    x_hat = (x - x.mean(axis=0)) * inv_std
    dx_hat = dout * gamma
    dx = inv_std * (dx_hat - dx_hat.mean(axis=0) - x_hat * (dx_hat * x_hat).mean(axis=0))
    return dx, (dout * x_hat).sum(axis=0), dout.sum(axis=0)


@right("batchnorm_backward_alt", "centering matrix", batchnorm_forward=keeps_inputs)
def _(dout, cache):
    x, gamma, eps = cache
    n = len(x)
    centering = np.eye(n) - np.ones((n, n)) / n
    centered = centering @ x
    var = np.einsum("nd,nd->d", centered, centered) / n + eps
    projected = centered * (np.einsum("nd,nd->d", centered, dout) / (n * var))
    dx = (gamma * var**-0.5) * (centering @ dout - projected)
    return dx, np.einsum("nd,nd->d", dout, centered) * var**-0.5, np.einsum("nd->d", dout)
