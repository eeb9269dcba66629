"""Notebook 4."""

import numpy as np

from bn_helpers.layers import batchnorm_backward, batchnorm_forward

from .backward import Cache, closed, staged
from .entry import right
from .normalization import welford


def rows_of(x):
    """One row of C numbers a pixel."""
    return x.transpose(0, 2, 3, 1).reshape(-1, x.shape[1])


def images_of(rows, shape):
    n, c, h, w = shape
    return rows.reshape(n, h, w, c).transpose(0, 3, 1, 2)


@right("channel_statistics", "three axes")
def _(x):
    return np.mean(x, axis=(0, 2, 3)), np.var(x, axis=(0, 2, 3))


@right("channel_statistics", "rows of pixels, Welford")
def _(x):
    return welford(rows_of(x))


@right("channel_statistics", "channel first")
def _(x):
    flat = np.moveaxis(x, 1, 0).reshape(x.shape[1], -1)
    return flat.mean(axis=1), flat.var(axis=1)


@right("channel_statistics", "channel by channel, a list")
def _(x):
    channels = [x[:, c] for c in range(x.shape[1])]
    return [[channel.mean() for channel in channels], [channel.var() for channel in channels]]


@right("channel_statistics", "loops")
def _(x):
    n, c, h, w = x.shape
    mean, var = np.zeros(c), np.zeros(c)
    for channel in range(c):
        values = [float(x[i, channel, j, k]) for i in range(n) for j in range(h) for k in range(w)]
        mean[channel] = sum(values) / len(values)
        var[channel] = sum((v - mean[channel]) ** 2 for v in values) / len(values)
    return mean, var


@right("channel_statistics", "images first, law of total variance")
def _(x):
    means, variances = x.mean(axis=(2, 3)), x.var(axis=(2, 3))
    return means.mean(axis=0), variances.mean(axis=0) + means.var(axis=0)


@right("spatial_batchnorm_forward", "rows of pixels")
def by_rows(x, gamma, beta, bn_param):
    n, c, h, w = x.shape
    out, cache = batchnorm_forward(x.transpose(0, 2, 3, 1).reshape(-1, c), gamma, beta, bn_param)
    return out.reshape(n, h, w, c).transpose(0, 3, 1, 2), cache


@right("spatial_batchnorm_forward", "channel first")
def _(x, gamma, beta, bn_param):
    first = np.swapaxes(x, 0, 1)
    out, cache = batchnorm_forward(first.reshape(len(gamma), -1).T, gamma, beta, bn_param)
    return np.swapaxes(out.T.reshape(first.shape), 0, 1), cache


@right("spatial_batchnorm_forward", "axes kept")
def _(x, gamma, beta, bn_param):
    mode, eps, kept = bn_param["mode"], bn_param.get("eps", 1e-5), bn_param.get("momentum", 0.9)
    shape = (1, x.shape[1], 1, 1)
    running_mean = np.reshape(bn_param.get("running_mean", np.zeros(x.shape[1])), shape)
    running_var = np.reshape(bn_param.get("running_var", np.zeros(x.shape[1])), shape)
    if mode == "train":
        mean, var = x.mean(axis=(0, 2, 3), keepdims=True), x.var(axis=(0, 2, 3), keepdims=True)
        bn_param["running_mean"] = (kept * running_mean + (1 - kept) * mean).ravel()
        bn_param["running_var"] = (kept * running_var + (1 - kept) * var).ravel()
    elif mode == "test":
        mean, var = running_mean, running_var
    else:
        raise ValueError("mode")
    x_hat = (x - mean) / np.sqrt(var + eps)
    return np.asfortranarray(gamma.reshape(shape) * x_hat + beta.reshape(shape)), (x_hat, gamma, np.sqrt(var + eps))


@right("spatial_batchnorm_forward", "channel by channel, nested lists")
def _(x, gamma, beta, bn_param):
    out, caches = np.empty_like(x), []
    channels = [{**bn_param} for _ in gamma]
    for c, param in enumerate(channels):
        running = {key: np.array(bn_param[key]) for key in ("running_mean", "running_var") if key in bn_param}
        param.update({key: value[c : c + 1] for key, value in running.items()})
        column, cache = batchnorm_forward(x[:, c].reshape(-1, 1), gamma[c : c + 1], beta[c : c + 1], param)
        out[:, c] = column.reshape(x[:, c].shape)
        caches.append(cache)
    if bn_param["mode"] == "train":
        for key in ("running_mean", "running_var"):
            bn_param[key] = [float(param[key][0]) for param in channels]
    return out.tolist(), caches


@right("spatial_batchnorm_forward", "einsum, x * a + c")
def _(x, gamma, beta, bn_param):
    if bn_param["mode"] not in {"train", "test"}:
        raise ValueError(f"bad mode {bn_param['mode']}")
    mean, var = (bn_param.get(key, np.zeros(len(gamma))) for key in ("running_mean", "running_var"))
    if bn_param["mode"] == "train":
        m, keep = x.size / len(gamma), bn_param.get("momentum", 0.9)
        batch_mean = np.einsum("nchw->c", x) / m
        centered = x - batch_mean[None, :, None, None]
        batch_var = np.einsum("nchw,nchw->c", centered, centered) / m
        bn_param["running_mean"], bn_param["running_var"] = (
            keep * mean + (1 - keep) * batch_mean,
            keep * var + (1 - keep) * batch_var,
        )
        mean, var = batch_mean, batch_var
    a = gamma / np.sqrt(var + bn_param.get("eps", 1e-5))
    return np.einsum("nchw,c->nchw", x, a) + (beta - mean * a)[:, None, None], None


# Backward passes, each with the forward pass of its author


def keeps_images(x, gamma, beta, bn_param):
    """The cache is what came in."""
    out, _ = by_rows(x, gamma, beta, bn_param)
    return out, (x, gamma, bn_param.get("eps", 1e-5))


@right("spatial_batchnorm_backward", "rows of pixels", spatial_batchnorm_forward=by_rows)
def _(dout, cache):
    dx, dgamma, dbeta = batchnorm_backward(rows_of(dout), cache)
    return images_of(dx, dout.shape), dgamma, dbeta


@right("spatial_batchnorm_backward", "axes kept, Fortran order", spatial_batchnorm_forward=keeps_images)
def _(dout, cache):
    x, gamma, eps = cache
    axes, m, shape = (0, 2, 3), x.size // x.shape[1], (1, -1, 1, 1)
    inv_std = 1 / np.sqrt(x.var(axis=axes, keepdims=True) + eps)
    x_hat = (x - x.mean(axis=axes, keepdims=True)) * inv_std
    dgamma, dbeta = np.sum(dout * x_hat, axis=axes), np.sum(dout, axis=axes)
    dx = gamma.reshape(shape) * inv_std / m * (m * dout - dbeta.reshape(shape) - x_hat * dgamma.reshape(shape))
    return np.asfortranarray(dx), dgamma, dbeta


@right("spatial_batchnorm_backward", "means of dx_hat", spatial_batchnorm_forward=keeps_images)
def _(dout, cache):
    x, gamma, eps = cache
    mean, var = x.mean(axis=(0, 2, 3), keepdims=True), x.var(axis=(0, 2, 3), keepdims=True)
    x_hat = (x - mean) / np.sqrt(var + eps)
    dx_hat = dout * gamma[:, None, None]
    along_x_hat = (dx_hat * x_hat).mean(axis=(0, 2, 3), keepdims=True)
    dx = (dx_hat - dx_hat.mean(axis=(0, 2, 3), keepdims=True) - x_hat * along_x_hat) / np.sqrt(var + eps)
    return dx, (dout * x_hat).sum(axis=(0, 2, 3)), dout.sum(axis=(0, 2, 3))


@right("spatial_batchnorm_backward", "channel by channel, a list", spatial_batchnorm_forward=keeps_images)
def _(dout, cache):
    x, gamma, eps = cache
    dx, dgamma, dbeta = np.empty_like(dout), [], []
    for c in range(len(gamma)):
        column = Cache(x[:, c].reshape(-1, 1), gamma[c : c + 1], eps)
        part = closed(dout[:, c].reshape(-1, 1), column)
        dx[:, c] = part[0].reshape(dx[:, c].shape)
        dgamma.append(part[1].item())
        dbeta.append(part[2].item())
    return [dx, dgamma, dbeta]


def keeps_stages(x, gamma, beta, bn_param):
    """The cache of the staged backward pass."""
    rows, eps = rows_of(x), bn_param.get("eps", 1e-5)
    xmu, var = rows - rows.mean(axis=0), rows.var(axis=0)
    std = np.sqrt(var + eps)
    return images_of(xmu / std * gamma + beta, x.shape), (xmu / std, gamma, xmu, 1 / std, std, var, eps)


@right("spatial_batchnorm_backward", "stages on rows of pixels", spatial_batchnorm_forward=keeps_stages)
def _(dout, cache):
    dx, dgamma, dbeta = staged(rows_of(dout), cache)
    return images_of(dx, dout.shape), dgamma, dbeta
