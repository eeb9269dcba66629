"""Notebook 5."""

import numpy as np

from bn_helpers.layers import batchnorm_forward, normalize

from .entry import right


@right("outputs_across_batches", "a loop over batches")
def _(sample, batches, gamma, beta, eps=1e-5):
    outputs = []
    for batch in batches:
        joined = np.vstack([sample, batch])
        outputs.append((gamma * normalize(joined, eps) + beta)[0])
    return np.array(outputs)


@right("outputs_across_batches", "the example last, by the whole layer")
def _(sample, batches, gamma, beta, eps=1e-5):
    def last(batch):
        x = np.append(batch, sample[None], axis=0)
        return batchnorm_forward(x, gamma, beta, {"mode": "train", "eps": eps})[0][-1]

    return [last(batch) for batch in batches]


@right("outputs_across_batches", "statistics updated by the example")
def _(sample, batches, gamma, beta, eps=1e-5):
    m = batches.shape[1]
    mean, var = batches.mean(axis=1), batches.var(axis=1)
    away = sample - mean
    joined_var = m / (m + 1) * (var + away**2 / (m + 1))
    return gamma * (away * m / (m + 1)) / np.sqrt(joined_var + eps) + beta


@right("outputs_across_batches", "loops, nested lists")
def _(sample, batches, gamma, beta, eps=1e-5):
    outputs = []
    for batch in batches.tolist():
        row = []
        for j, own in enumerate(sample.tolist()):
            values = [own, *(companion[j] for companion in batch)]
            mean = sum(values) / len(values)
            var = sum((v - mean) ** 2 for v in values) / len(values)
            row.append(float(gamma[j]) * (own - mean) / (var + eps) ** 0.5 + float(beta[j]))
        outputs.append(row)
    return outputs


@right("outputs_across_batches", "all at once, repeated")
def _(sample, batches, gamma, beta, eps=1e-5):
    b, _, d = batches.shape
    joined = np.concatenate([batches, np.tile(sample, (b, 1)).reshape(b, 1, d)], axis=1)
    mean, var = np.einsum("bmd->bd", joined) / joined.shape[1], joined.var(1)
    return np.asfortranarray((sample - mean) * gamma * (var + eps) ** -0.5 + beta)


@right("ghost_batchnorm_forward", "a loop over groups")
def _(x, gamma, beta, ghost_size, eps=1e-5):
    if x.shape[0] % ghost_size != 0:
        raise ValueError("ghost_size has to divide the batch")
    out = np.zeros(x.shape)
    for start in range(0, len(x), ghost_size):
        group = x[start : start + ghost_size]
        out[start : start + ghost_size] = gamma * (group - group.mean(axis=0)) / np.sqrt(group.var(axis=0) + eps) + beta
    return out


@right("ghost_batchnorm_forward", "split, by the whole layer")
def _(x, gamma, beta, ghost_size, eps=1e-5):
    groups, left = divmod(len(x), ghost_size)
    if left:
        raise ValueError(f"{left} rows are left over")
    param = {"mode": "train", "eps": eps}
    return np.vstack([batchnorm_forward(part, gamma, beta, param)[0] for part in np.split(x, groups)])


@right("ghost_batchnorm_forward", "groups as features, NumPy's own error")
def _(x, gamma, beta, ghost_size, eps=1e-5):
    wide = x.reshape(-1, ghost_size, x.shape[1]).transpose(1, 0, 2).reshape(ghost_size, -1)
    out = normalize(wide, eps).reshape(ghost_size, -1, x.shape[1]).transpose(1, 0, 2).reshape(x.shape)
    return gamma * out + beta


@right("ghost_batchnorm_forward", "loops, nested lists")
def _(x, gamma, beta, ghost_size, eps=1e-5):
    n, d = x.shape
    if n % ghost_size:
        raise ValueError(n, ghost_size)
    out = [[0.0] * d for _ in range(n)]
    for i in range(n):
        first = i // ghost_size * ghost_size
        for j in range(d):
            values = [float(x[k, j]) for k in range(first, first + ghost_size)]
            mean = sum(values) / ghost_size
            var = sum((v - mean) ** 2 for v in values) / ghost_size
            out[i][j] = float(gamma[j]) * (float(x[i, j]) - mean) / (var + eps) ** 0.5 + float(beta[j])
    return out


@right("ghost_batchnorm_forward", "membership matrix")
def _(x, gamma, beta, ghost_size, eps=1e-5):
    n = len(x)
    if n % ghost_size:
        raise ValueError("sizes")
    same = np.kron(np.eye(n // ghost_size), np.full((ghost_size, ghost_size), 1 / ghost_size))
    centered = x - same @ x
    return gamma * centered / np.sqrt(same @ centered**2 + eps) + beta
