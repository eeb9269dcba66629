"""What goes wrong, and what goes right, in notebook 5."""

from __future__ import annotations

import numpy as np

from bn_helpers.catalogue.entry import EPS_ADDED_LAST, EPS_SLIPS, changes, mistake, right
from bn_helpers.layers import batchnorm_forward, ghost_batchnorm_forward, normalize, outputs_across_batches

# outputs_across_batches


@mistake("outputs_across_batches", "whole_batches", case="small")
def _(sample, batches, gamma, beta, eps=1e-5):
    """you return the output of the whole batches. Wanted is that of the example alone, one row a batch."""
    joined = [np.vstack([sample, batch]) for batch in batches]
    return np.array([gamma * normalize(x, eps) + beta for x in joined])


@mistake("outputs_across_batches", "companion_returned", case="small")
def _(sample, batches, gamma, beta, eps=1e-5):
    """you return the output of a companion. The example stands in another row of the joined batch."""
    joined = [np.vstack([sample, batch]) for batch in batches]
    return np.array([(gamma * normalize(x, eps) + beta)[-1] for x in joined])


@mistake("outputs_across_batches", "first_companion_returned", case="small")
def _(sample, batches, gamma, beta, eps=1e-5):
    """you return the output of the first companion: the example stands in another row of the joined batch."""
    joined = [np.vstack([batch, sample]) for batch in batches]
    return np.array([(gamma * normalize(x, eps) + beta)[0] for x in joined])


@mistake("outputs_across_batches", "pooled_once", case="small")
def _(sample, batches, gamma, beta, eps=1e-5):
    """you put the example and all batches into one. Each batch is normalized apart, together with the example."""
    joined = np.vstack([sample, batches.reshape(-1, len(sample))])
    return np.array([(gamma * normalize(joined, eps) + beta)[0]] * len(batches))


@mistake("outputs_across_batches", "replaces_companion", case="small")
def _(sample, batches, gamma, beta, eps=1e-5):
    """you put the example in the place of a companion. It joins them: the batch has M + 1 rows."""
    joined = [np.vstack([sample, batch[1:]]) for batch in batches]
    return np.array([(gamma * normalize(x, eps) + beta)[0] for x in joined])


@mistake("outputs_across_batches", "returns_in_loop", case="small")
def _(sample, batches, gamma, beta, eps=1e-5):
    """you return inside the loop, so it ends after the first batch. Wanted is one row a batch."""
    return (gamma * normalize(np.vstack([sample, batches[0]]), eps) + beta)[0]


@mistake("outputs_across_batches", "returns_in_loop_with_zeros", case="small")
def _(sample, batches, gamma, beta, eps=1e-5):
    """you return inside the loop, so the rows of all batches but the first stay 0. Look at the indentation of the
    return."""
    outputs = np.zeros((len(batches), len(sample)))
    outputs[0] = (gamma * normalize(np.vstack([sample, batches[0]]), eps) + beta)[0]
    return outputs


@mistake("outputs_across_batches", "returns_in_loop_with_a_list", case="small")
def _(sample, batches, gamma, beta, eps=1e-5):
    """you return inside the loop, so there is no row but that of the first batch. Look at the indentation of the
    return."""
    return (gamma * normalize(np.vstack([sample, batches[0]]), eps) + beta)[:1]


@mistake("outputs_across_batches", "overwrites_in_loop", case="small")
def _(sample, batches, gamma, beta, eps=1e-5):
    """you keep the output of the last batch alone: each turn of the loop overwrites the one before."""
    return (gamma * normalize(np.vstack([sample, batches[-1]]), eps) + beta)[0]


@mistake("outputs_across_batches", "same_batch_always", case="small")
def _(sample, batches, gamma, beta, eps=1e-5):
    """you use the first batch every time. Each row of the result belongs to another batch."""
    row = (gamma * normalize(np.vstack([sample, batches[0]]), eps) + beta)[0]
    return np.array([row for _ in batches])


@mistake("outputs_across_batches", "in_place", case="unchanged")
def _(sample, batches, gamma, beta, eps=1e-5):
    """you write the example into the batches, and thereby change the caller's data."""
    outputs = np.array([(gamma * normalize(np.vstack([sample, batch]), eps) + beta)[0] for batch in batches])
    batches[:, 0] = sample
    return outputs


@mistake("outputs_across_batches", "eps_default_tiny", case="tiny_variance")
def _(sample, batches, gamma, beta, eps=1e-8):
    """your default eps is 1e-8. Here it is 1e-5."""
    return outputs_across_batches(sample, batches, gamma, beta, eps)


changes(
    "outputs_across_batches",
    """
    without_sample (small): you take the statistics of the companions alone. The example is one row of the batch that
    normalizes it.
    = variance_without_sample, mean_without_sample

    variance_without_sample (small): you take the variance of the companions alone. The example is one row of the batch
    that normalizes it.
    - joined.var(axis=1)
    + batches.var(axis=1)

    mean_without_sample (small): you take the mean of the companions alone. The example is one row of the batch that
    normalizes it.
    - joined.mean(axis=1)
    + batches.mean(axis=1)

    sample_twice (small): the example is in the batch twice. The batch has M + 1 rows.
    - batches], axis=1)
    + batches, first], axis=1)

    ddof (small): you divide the variance by M. The batch has M + 1 rows, and its variance divides by that.
    - joined.var(axis=1)
    + joined.var(axis=1, ddof=1)

    pooled (small): you take the statistics of all batches together. Each batch has its own.
    - joined.mean(axis=1)
    + joined.mean(axis=(0, 1))
    - joined.var(axis=1)
    + joined.var(axis=(0, 1))

    along_batches (square): you average along the batches and not along the examples of each.
    - joined.mean(axis=1)
    + joined.mean(axis=0)[: len(batches)]
    - joined.var(axis=1)
    + joined.var(axis=0)[: len(batches)]

    along_features (square): you average along the features, as if the example stood alone, and not along the rows of
    each batch.
    - joined.mean(axis=1)
    + joined.mean(axis=2)[:, :1]
    - joined.var(axis=1)
    + joined.var(axis=2)[:, :1]

    no_eps (large_eps): you leave eps out.
    - np.sqrt(var + eps)
    + np.sqrt(var)

    eps_outside_root (large_eps): you add eps to the standard deviation. It is added to the variance, under the root.
    - np.sqrt(var + eps)
    + (np.sqrt(var) + eps)

    eps_fixed (large_eps): you use a fixed eps. It is an argument: use the one you are given.
    - np.sqrt(var + eps)
    + np.sqrt(var + 1e-5)

    divides_by_variance (small): you divide by the variance. The standard deviation is its root.
    - np.sqrt(var + eps)
    + (var + eps)

    not_centered (small): you do not subtract the batch's mean.
    - (sample - mean)
    + sample

    gamma_forgotten (small): you forget gamma.
    - return gamma * x_hat
    + return x_hat

    beta_forgotten (small): you forget beta.
    - x_hat + beta
    + x_hat

    gamma_and_beta_forgotten (small): you return x_hat, without gamma and beta.
    - return gamma * x_hat + beta
    + return x_hat

    shifts_before_scaling (small): you add beta before you multiply by gamma, so beta is scaled, too.
    - gamma * x_hat + beta
    + gamma * (x_hat + beta)

    averaged (small): you average over the batches. Wanted is one row a batch.
    - return gamma * x_hat + beta
    + return (gamma * x_hat + beta).mean(axis=0)
    """,
)
changes("outputs_across_batches", EPS_SLIPS.format(case="large_eps"))
changes("outputs_across_batches", EPS_ADDED_LAST.format(case="large_eps", var="var"))

# ghost_batchnorm_forward


@mistake("ghost_batchnorm_forward", "whole_batch", case="small")
def _(x, gamma, beta, ghost_size, eps=1e-5):
    """you normalize the whole batch at once. Each group has its own mean and variance."""
    return gamma * normalize(x, eps) + beta


@mistake("ghost_batchnorm_forward", "whole_batch_that_refuses", case="small")
def _(x, gamma, beta, ghost_size, eps=1e-5):
    """you normalize the whole batch at once. Each group has its own mean and variance."""
    if len(x) % ghost_size:
        raise ValueError("ghost_size does not divide N")
    return gamma * normalize(x, eps) + beta


@mistake("ghost_batchnorm_forward", "smaller_last_group", case="uneven")
def _(x, gamma, beta, ghost_size, eps=1e-5):
    """you normalize the rows that are left over as a smaller group. A size that does not divide N is a ValueError."""
    groups = [x[i : i + ghost_size] for i in range(0, len(x), ghost_size)]
    return np.concatenate([gamma * normalize(group, eps) + beta for group in groups])


@mistake("ghost_batchnorm_forward", "drops_remainder", case="uneven")
def _(x, gamma, beta, ghost_size, eps=1e-5):
    """you drop the rows that are left over. A size that does not divide N is a ValueError."""
    return ghost_batchnorm_forward(x[: len(x) - len(x) % ghost_size], gamma, beta, ghost_size, eps)


@mistake("ghost_batchnorm_forward", "leaves_remainder", case="uneven")
def _(x, gamma, beta, ghost_size, eps=1e-5):
    """you leave the rows that are left over at 0. A size that does not divide N is a ValueError."""
    out = np.zeros(x.shape)
    whole = len(x) - len(x) % ghost_size
    out[:whole] = ghost_batchnorm_forward(x[:whole], gamma, beta, ghost_size, eps)
    return out


@mistake("ghost_batchnorm_forward", "another_error", case="uneven")
def _(x, gamma, beta, ghost_size, eps=1e-5):
    """you use an assertion where ghost_size does not divide N. Wanted is a ValueError."""
    assert len(x) % ghost_size == 0
    return ghost_batchnorm_forward(x, gamma, beta, ghost_size, eps)


@mistake("ghost_batchnorm_forward", "number_of_groups", case="small")
def _(x, gamma, beta, ghost_size, eps=1e-5):
    """you take ghost_size for the number of groups. It is the number of rows in each."""
    parts = np.split(x, ghost_size)
    return np.concatenate([gamma * normalize(part, eps) + beta for part in parts])


@mistake("ghost_batchnorm_forward", "refuses_what_divides", case="small")
def _(x, gamma, beta, ghost_size, eps=1e-5):
    """you raise the ValueError where ghost_size divides N. Raise it where rows are left over."""
    if len(x) % ghost_size == 0:
        raise ValueError("ghost_size does not divide the batch")
    groups = [x[i : i + ghost_size] for i in range(0, len(x), ghost_size)]
    return np.concatenate([gamma * normalize(group, eps) + beta for group in groups])


@mistake("ghost_batchnorm_forward", "asks_the_other_way_round", case="small")
def _(x, gamma, beta, ghost_size, eps=1e-5):
    """you ask whether N divides ghost_size. Ask whether ghost_size divides N."""
    if ghost_size % len(x):
        raise ValueError("ghost_size does not divide the batch")
    return ghost_batchnorm_forward(x, gamma, beta, ghost_size, eps)


@mistake("ghost_batchnorm_forward", "returns_in_loop", case="small")
def _(x, gamma, beta, ghost_size, eps=1e-5):
    """you return inside the loop, so all rows but those of the first group stay 0. Look at the indentation of the
    return."""
    out = ghost_batchnorm_forward(x, gamma, beta, ghost_size, eps)
    out[ghost_size:] = 0
    return out


@mistake("ghost_batchnorm_forward", "first_group_only", case="small")
def _(x, gamma, beta, ghost_size, eps=1e-5):
    """you return the first group alone: the return stands inside the loop."""
    return ghost_batchnorm_forward(x, gamma, beta, ghost_size, eps)[:ghost_size]


@mistake("ghost_batchnorm_forward", "last_group_missing", case="small")
def _(x, gamma, beta, ghost_size, eps=1e-5):
    """you stop before the last group. Look at where the loop ends."""
    if len(x) % ghost_size:
        raise ValueError("ghost_size does not divide the batch")
    out = np.zeros(x.shape)
    for i in range(0, len(x) - ghost_size, ghost_size):
        out[i : i + ghost_size] = gamma * normalize(x[i : i + ghost_size], eps) + beta
    return out


@mistake("ghost_batchnorm_forward", "sliding", case="small")
def _(x, gamma, beta, ghost_size, eps=1e-5):
    """you move on by one row from group to group. Groups do not overlap: move on by ghost_size."""
    if len(x) % ghost_size:
        raise ValueError("ghost_size does not divide the batch")
    out = np.zeros(x.shape)
    for i in range(len(x) - ghost_size + 1):
        out[i : i + ghost_size] = gamma * normalize(x[i : i + ghost_size], eps) + beta
    return out


@mistake("ghost_batchnorm_forward", "starts_at_group_number", case="small")
def _(x, gamma, beta, ghost_size, eps=1e-5):
    """you take the number of a group for its first row. Group k starts at row k * ghost_size."""
    if len(x) % ghost_size:
        raise ValueError("ghost_size does not divide the batch")
    out = np.zeros(x.shape)
    for i in range(len(x) // ghost_size):
        out[i : i + ghost_size] = gamma * normalize(x[i : i + ghost_size], eps) + beta
    return out


@mistake("ghost_batchnorm_forward", "eps_default_tiny", case="tiny_variance")
def _(x, gamma, beta, ghost_size, eps=1e-8):
    """your default eps is 1e-8. Here it is 1e-5."""
    return ghost_batchnorm_forward(x, gamma, beta, ghost_size, eps)


changes(
    "ghost_batchnorm_forward",
    """
    interleaved (small): you put every k-th row into the same group. A group holds consecutive rows.
    - groups = x.reshape(-1, ghost_size, x.shape[1])
    + groups = x.reshape(ghost_size, -1, x.shape[1]).swapaxes(0, 1)
    - return out
    + return out.swapaxes(0, 1)

    first_statistics (small): you use the statistics of the first group for all. Each group has its own.
    - groups.mean(axis=1, keepdims=True)
    + groups[0].mean(axis=0)
    - groups.var(axis=1, keepdims=True)
    + groups[0].var(axis=0)

    across_groups (small): you average over the groups and not over the rows of each.
    - groups.mean(axis=1, keepdims=True)
    + groups.mean(axis=0)
    - groups.var(axis=1, keepdims=True)
    + groups.var(axis=0)

    along_features (small): you average along the features and not along the rows of each group.
    - groups.mean(axis=1, keepdims=True)
    + groups.mean(axis=2, keepdims=True)
    - groups.var(axis=1, keepdims=True)
    + groups.var(axis=2, keepdims=True)

    mean_of_whole_batch (small): you subtract the mean of the whole batch. Each group has its own mean.
    - groups.mean(axis=1, keepdims=True)
    + x.mean(axis=0)

    variance_of_whole_batch (small): you divide by the standard deviation of the whole batch. Each group has its own.
    - groups.var(axis=1, keepdims=True)
    + x.var(axis=0)

    ddof (small): you divide the variance by one less than ghost_size. It divides by the rows of the group.
    - groups.var(axis=1, keepdims=True)
    + groups.var(axis=1, keepdims=True, ddof=1)

    no_eps (large_eps): you leave eps out.
    - np.sqrt(var + eps)
    + np.sqrt(var)

    eps_outside_root (large_eps): you add eps to the standard deviation. It is added to the variance, under the root.
    - np.sqrt(var + eps)
    + (np.sqrt(var) + eps)

    eps_fixed (large_eps): you use a fixed eps. It is an argument: use the one you are given.
    - np.sqrt(var + eps)
    + np.sqrt(var + 1e-5)

    divides_by_variance (small): you divide by the variance. The standard deviation is its root.
    - np.sqrt(var + eps)
    + (var + eps)

    not_centered (small): you do not subtract the group's mean.
    - (groups - mean)
    + groups

    gamma_forgotten (small): you forget gamma.
    - gamma * x_hat
    + x_hat

    beta_forgotten (small): you forget beta.
    - x_hat + beta
    + x_hat

    gamma_and_beta_forgotten (small): you return x_hat, without gamma and beta.
    - gamma * x_hat + beta
    + x_hat

    shifts_before_scaling (small): you add beta before you multiply by gamma, so beta is scaled, too.
    - x_hat + beta
    + (x_hat + beta)

    left_in_groups (small): you return the groups stacked. Wanted is the shape of x.
    - .reshape(x.shape)

    passes_groups_of_one (groups_of_one): you hand groups of one on, scaled and shifted. A single row is its own mean,
    so only beta is left.
    - return out
    + if ghost_size == 1:
    +     return gamma * x + beta
    + return out

    in_place (unchanged): you normalize x in place, group by group, and thereby change the caller's data.
    - x_hat = (groups - mean)
    + groups -= mean
    + x_hat = groups
    """,
)
changes("ghost_batchnorm_forward", EPS_SLIPS.format(case="large_eps"))
changes("ghost_batchnorm_forward", EPS_ADDED_LAST.format(case="large_eps", var="var"))

# Right answers, in the styles that learners write


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
