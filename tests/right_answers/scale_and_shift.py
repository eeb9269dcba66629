"""Notebook 2."""

import math

import numpy as np

from .entry import right
from .normalization import welford


@right("scale_and_shift", "a line")
def _(x_hat, gamma, beta):
    return x_hat * gamma + beta


@right("scale_and_shift", "loops, nested lists")
def _(x_hat, gamma, beta):
    return [[float(g) * float(v) + float(b) for v, g, b in zip(row, gamma, beta, strict=True)] for row in x_hat]


@right("scale_and_shift", "diagonal matrix")
def _(x_hat, gamma, beta):
    return x_hat @ np.diag(gamma) + np.ones((len(x_hat), 1)) @ beta[None]


@right("scale_and_shift", "einsum, Fortran order")
def _(x_hat, gamma, beta):
    return np.asfortranarray(np.einsum("nd,d->nd", x_hat, gamma) + beta)


@right("scale_and_shift", "column by column")
def _(x_hat, gamma, beta):
    return np.column_stack([gamma[j] * x_hat[:, j] + beta[j] for j in range(len(gamma))])


@right("scale_and_shift", "in place on a copy, row vectors")
def _(x_hat, gamma, beta):
    out = x_hat.copy()
    out *= gamma.reshape(1, -1)
    out += beta.reshape(1, -1)
    return out


@right("identity_parameters", "a line")
def _(x, eps=1e-5):
    return (x.var(axis=0) + eps) ** 0.5, x.mean(axis=0)


@right("identity_parameters", "loops, lists")
def _(x, eps=1e-5):
    columns = [[float(v) for v in column] for column in x.T]
    means = [sum(column) / len(column) for column in columns]
    pairs = zip(columns, means, strict=True)
    return [math.sqrt(sum((v - m) ** 2 for v in c) / len(c) + eps) for c, m in pairs], means


@right("identity_parameters", "Welford")
def _(x, eps=1e-5):
    mean, var = welford(x)
    return np.sqrt(var + eps), mean


@right("identity_parameters", "row vectors inside")
def _(x, eps=1e-5):
    mean = np.mean(x, axis=0, keepdims=True)
    var = np.mean((x - mean) ** 2, axis=0, keepdims=True)
    return np.sqrt(var + eps)[0], np.squeeze(mean, axis=0)


@right("identity_parameters", "covariance")
def _(x, eps=1e-5):
    mean = x.mean(axis=0)
    centered = x - mean
    return np.sqrt(np.diag(centered.T @ centered) / x.shape[0] + eps), mean


@right("saturated_fraction", "a line")
def _(z, threshold=0.97):
    return np.mean(abs(np.tanh(z)) > threshold)


@right("saturated_fraction", "loops")
def _(z, threshold=0.97):
    values = z.reshape(-1).tolist()
    return sum(1 for v in values if abs(math.tanh(v)) > threshold) / len(values)


@right("saturated_fraction", "two sides, a count")
def _(z, threshold=0.97):
    a = np.tanh(z)
    return np.count_nonzero((a > threshold) | (a < -threshold)) / z.size


@right("saturated_fraction", "0-d array")
def _(z, threshold=0.97):
    return np.array(np.where(np.abs(np.tanh(z)) > threshold, 1.0, 0.0).sum() / np.prod(z.shape))


@right("saturated_fraction", "float32")
def _(z, threshold=0.97):
    return np.float32((np.tanh(np.abs(z)) > threshold).mean())


@right("saturated_fraction", "one minus the others")
def _(z, threshold=0.97):
    return 1 - np.average(np.abs(np.tanh(z)) <= threshold)


@right("batchnorm_forward", "textbook")
def _(x, gamma, beta, bn_param):
    mode = bn_param["mode"]
    eps = bn_param.get("eps", 1e-5)
    momentum = bn_param.get("momentum", 0.9)
    running_mean = bn_param.get("running_mean", np.zeros(x.shape[1], dtype=x.dtype))
    running_var = bn_param.get("running_var", np.zeros(x.shape[1], dtype=x.dtype))
    if mode == "train":
        mu = x.mean(axis=0)
        var = x.var(axis=0)
        std = np.sqrt(var + eps)
        x_hat = (x - mu) / std
        out = gamma * x_hat + beta
        running_mean = momentum * running_mean + (1 - momentum) * mu
        running_var = momentum * running_var + (1 - momentum) * var
        cache = (x, mu, std, x_hat, gamma)
    elif mode == "test":
        out = gamma * (x - running_mean) / np.sqrt(running_var + eps) + beta
        cache = None
    else:
        raise ValueError(mode)
    bn_param["running_mean"] = running_mean
    bn_param["running_var"] = running_var
    return out, cache


@right("batchnorm_forward", "running arrays updated in place")
def _(x, gamma, beta, bn_param):
    if bn_param["mode"] not in ("train", "test"):
        raise ValueError("mode")
    mean = bn_param.setdefault("running_mean", np.zeros(x.shape[1]))
    var = bn_param.setdefault("running_var", np.zeros(x.shape[1]))
    bn_param["calls"] = bn_param.get("calls", 0) + 1
    if bn_param["mode"] == "train":
        kept = bn_param.get("momentum", 0.9)
        for running, batch in ((mean, x.mean(axis=0)), (var, x.var(axis=0))):
            running *= kept
            running += (1 - kept) * batch
        mean, var = x.mean(axis=0), x.var(axis=0)
    return (x - mean) * (var + bn_param.get("eps", 1e-5)) ** -0.5 * gamma + beta, {}


@right("batchnorm_forward", "x * a + c, Welford")
def _(x, gamma, beta, bn_param):
    momentum, zeros = bn_param.get("momentum", 0.9), np.zeros(x.shape[1])
    mean, var = running = bn_param.get("running_mean", zeros), bn_param.get("running_var", zeros)
    match bn_param["mode"]:
        case "train":
            mean, var = welford(x)
            old = np.array(running)
            new = old + (1 - momentum) * (np.array([mean, var]) - old)
            bn_param.update(running_mean=new[0], running_var=new[1])
        case "test":
            pass
        case other:
            raise ValueError(f"unknown mode {other}")
    a = gamma / np.sqrt(var + bn_param.get("eps", 1e-5))
    return x * a + (beta - mean * a), (x, a)


@right("batchnorm_forward", "loops, lists, columns")
def _(x, gamma, beta, bn_param):
    n, d = x.shape
    eps = bn_param.get("eps", 1e-5)
    m = bn_param.get("momentum", 0.9)
    means, variances = bn_param.get("running_mean", [0.0] * d), bn_param.get("running_var", [0.0] * d)
    if bn_param["mode"] == "train":
        batch_means = [sum(x[:, j]) / n for j in range(d)]
        batch_variances = [sum((v - batch_means[j]) ** 2 for v in x[:, j]) / n for j in range(d)]
        bn_param["running_mean"] = [m * a + (1 - m) * b for a, b in zip(means, batch_means, strict=True)]
        bn_param["running_var"] = [m * a + (1 - m) * b for a, b in zip(variances, batch_variances, strict=True)]
        means, variances = batch_means, batch_variances
    elif bn_param["mode"] != "test":
        raise ValueError
    columns = [gamma[j] * (x[:, j] - means[j]) / math.sqrt(variances[j] + eps) + beta[j] for j in range(d)]
    return [list(row) for row in zip(*columns, strict=True)], None


@right("batchnorm_forward", "row vectors inside, a list out")
def _(x, gamma, beta, bn_param):
    eps = bn_param.get("eps", 1e-5)
    if bn_param["mode"] == "train":
        momentum = bn_param.get("momentum", 0.9)
        centering = np.eye(len(x)) - 1 / len(x)
        centered = centering @ x
        var = np.mean(centered**2, axis=0, keepdims=True)
        for key, batch in (("running_mean", np.mean(x, axis=0)), ("running_var", var[0])):
            bn_param[key] = momentum * bn_param.get(key, 0) + (1 - momentum) * batch
    elif bn_param["mode"] == "test":
        centered, var = x - bn_param["running_mean"][None], bn_param["running_var"][None]
    else:
        raise ValueError("mode has to be train or test")
    inv_std = 1 / np.sqrt(var + eps)
    return [np.asfortranarray(gamma * (centered * inv_std) + beta), [centered, inv_std]]


@right("fold_into_linear", "two lines")
def _(w, b, gamma, beta, running_mean, running_var, eps=1e-5):
    scale = gamma / np.sqrt(running_var + eps)
    return scale * w, scale * b + (beta - scale * running_mean)


@right("fold_into_linear", "diagonal matrix")
def _(w, b, gamma, beta, running_mean, running_var, eps=1e-5):
    scale = np.diag(gamma * (running_var + eps) ** -0.5)
    return w @ scale, (b - running_mean) @ scale + beta


@right("fold_into_linear", "column by column, Fortran order")
def _(w, b, gamma, beta, running_mean, running_var, eps=1e-5):
    folded, bias = np.empty(w.shape, order="F"), np.empty(len(b))
    for j in range(len(b)):
        std = math.sqrt(running_var[j] + eps)
        folded[:, j] = w[:, j] * gamma[j] / std
        bias[j] = gamma[j] * (b[j] - running_mean[j]) / std + beta[j]
    return folded, bias


@right("fold_into_linear", "probed with unit vectors")
def _(w, b, gamma, beta, running_mean, running_var, eps=1e-5):
    def layers(x):
        return gamma * ((x @ w + b) - running_mean) / np.sqrt(running_var + eps) + beta

    bias = layers(np.zeros(len(w)))
    return np.array([layers(unit) - bias for unit in np.eye(len(w))]), bias


@right("fold_into_linear", "loops, lists")
def _(w, b, gamma, beta, running_mean, running_var, eps=1e-5):
    scale = [float(g) / (float(v) + eps) ** 0.5 for g, v in zip(gamma, running_var, strict=True)]
    bias = [(float(b[j]) - float(running_mean[j])) * scale[j] + float(beta[j]) for j in range(len(b))]
    return [[float(v) * s for v, s in zip(row, scale, strict=True)] for row in w], bias
