"""What goes wrong, and what goes right, in notebook 2."""

from __future__ import annotations

import math

import numpy as np

from bn_helpers.catalogue.entry import EPS_ADDED_LAST, EPS_SLIPS, changes, mistake, right
from bn_helpers.catalogue.normalization import welford
from bn_helpers.layers import batch_statistics, batchnorm_forward, fold_into_linear, normalize

# scale_and_shift


@mistake("scale_and_shift", "shifts_before_scaling", case="square")
def _(x_hat, gamma, beta):
    """you add beta before you multiply by gamma, so beta is scaled, too."""
    return gamma * (x_hat + beta)


@mistake("scale_and_shift", "gamma_forgotten", case="square")
def _(x_hat, gamma, beta):
    """you forget gamma."""
    return x_hat + beta


@mistake("scale_and_shift", "beta_forgotten", case="square")
def _(x_hat, gamma, beta):
    """you forget beta."""
    return gamma * x_hat


@mistake("scale_and_shift", "swapped", case="square")
def _(x_hat, gamma, beta):
    """you multiply by beta and add gamma: they have changed places."""
    return beta * x_hat + gamma


@mistake("scale_and_shift", "beta_subtracted", case="square")
def _(x_hat, gamma, beta):
    """you subtract beta. It is added."""
    return gamma * x_hat - beta


@mistake("scale_and_shift", "divides_by_gamma", case="square")
def _(x_hat, gamma, beta):
    """you divide by gamma. It is a factor."""
    return x_hat / gamma + beta


@mistake("scale_and_shift", "one_entry_an_example", case="square")
def _(x_hat, gamma, beta):
    """you use gamma and beta as columns, one entry an example; with as many examples as features that fits silently."""
    return gamma[:, None] * x_hat + beta[:, None]


@mistake("scale_and_shift", "scalar_parameters", case="square")
def _(x_hat, gamma, beta):
    """you use the first gamma and the first beta for all features. Each feature has its own."""
    return gamma[0] * x_hat + beta[0]


@mistake("scale_and_shift", "matrix_product", case="square")
def _(x_hat, gamma, beta):
    """you take the matrix product with gamma, which sums over the features. Multiply element by element."""
    return x_hat @ gamma + beta


@mistake("scale_and_shift", "normalizes_again", case="square")
def _(x_hat, gamma, beta):
    """you normalize once more. x_hat is to be scaled and shifted as it comes."""
    return gamma * normalize(x_hat) + beta


@mistake("scale_and_shift", "in_place", case="unchanged")
def _(x_hat, gamma, beta):
    """you compute in place, as *= does, and thereby change the caller's data."""
    x_hat *= gamma
    return x_hat + beta


@mistake("scale_and_shift", "gamma_from_the_left", case="square")
def _(x_hat, gamma, beta):
    """you take the matrix product of gamma and x_hat, which sums over the examples. Multiply element by element."""
    return gamma @ x_hat + beta


# identity_parameters


@mistake("identity_parameters", "eps_default_tiny", case="tiny_variance")
def _(x, eps=1e-8):
    """your default eps is 1e-8. Here it is 1e-5."""
    return np.sqrt(x.var(axis=0) + eps), x.mean(axis=0)


@mistake("identity_parameters", "inverse_and_negative_mean", case="square")
def _(x, eps=1e-5):
    """you return one over the standard deviation, and minus the mean. That is the way to x_hat, and wanted is the way
    back."""
    return 1 / np.sqrt(x.var(axis=0) + eps), -x.mean(axis=0)


@mistake("identity_parameters", "no_eps", case="large_eps")
def _(x, eps=1e-5):
    """you leave eps out of gamma. The normalization has divided by a root that contains it."""
    return x.std(axis=0), x.mean(axis=0)


@mistake("identity_parameters", "eps_fixed", case="large_eps")
def _(x, eps=1e-5):
    """you use a fixed eps. It is an argument: use the one you are given."""
    return np.sqrt(x.var(axis=0) + 1e-5), x.mean(axis=0)


@mistake("identity_parameters", "eps_outside_root", case="large_eps")
def _(x, eps=1e-5):
    """you add eps to the standard deviation. It is added to the variance, under the root."""
    return x.std(axis=0) + eps, x.mean(axis=0)


@mistake("identity_parameters", "variance", case="large_eps")
def _(x, eps=1e-5):
    """you return the variance with eps for gamma. Its root undoes the division."""
    return x.var(axis=0) + eps, x.mean(axis=0)


@mistake("identity_parameters", "variance_without_eps", case="large_eps")
def _(x, eps=1e-5):
    """you return the variance for gamma. Its root, with eps under it, undoes the division."""
    return x.var(axis=0), x.mean(axis=0)


@mistake("identity_parameters", "inverse", case="large_eps")
def _(x, eps=1e-5):
    """you return one over the standard deviation for gamma: that normalizes once more instead of undoing it."""
    return 1 / np.sqrt(x.var(axis=0) + eps), x.mean(axis=0)


@mistake("identity_parameters", "beta_negative", case="square")
def _(x, eps=1e-5):
    """you give beta the wrong sign. The normalization has subtracted the mean, so beta adds it again."""
    return np.sqrt(x.var(axis=0) + eps), -x.mean(axis=0)


@mistake("identity_parameters", "beta_scaled", case="square")
def _(x, eps=1e-5):
    """you divide the mean by the standard deviation. beta is added after the scaling, so it is in the units of x."""
    std = np.sqrt(x.var(axis=0) + eps)
    return std, x.mean(axis=0) / std


@mistake("identity_parameters", "normalizing_parameters", case="square")
def _(x, eps=1e-5):
    """you return the scale and the shift that normalize x. Wanted are those that undo it."""
    std = np.sqrt(x.var(axis=0) + eps)
    return 1 / std, -x.mean(axis=0) / std


@mistake("identity_parameters", "beta_zero", case="square")
def _(x, eps=1e-5):
    """you leave beta at 0, so the mean does not come back."""
    return np.sqrt(x.var(axis=0) + eps), np.zeros(x.shape[1])


@mistake("identity_parameters", "ones_and_zeros", case="square")
def _(x, eps=1e-5):
    """you return ones and zeros. They leave the normalized batch as it is and do not bring x back."""
    return np.ones(x.shape[1]), np.zeros(x.shape[1])


@mistake("identity_parameters", "swapped", case="square")
def _(x, eps=1e-5):
    """you return beta before gamma."""
    return x.mean(axis=0), np.sqrt(x.var(axis=0) + eps)


@mistake("identity_parameters", "ddof", case="square")
def _(x, eps=1e-5):
    """you divide the variance by N - 1. The normalization has divided it by N."""
    return np.sqrt(x.var(axis=0, ddof=1) + eps), x.mean(axis=0)


@mistake("identity_parameters", "second_moment", case="square")
def _(x, eps=1e-5):
    """you take the root of the mean square. The variance is about the distance to the mean."""
    return np.sqrt((x**2).mean(axis=0) + eps), x.mean(axis=0)


@mistake("identity_parameters", "axis_1", case="square")
def _(x, eps=1e-5):
    """you average along the features, so you get one number an example. Wanted is one number a feature."""
    return np.sqrt(x.var(axis=1) + eps), x.mean(axis=1)


@mistake("identity_parameters", "whole_array", case="square")
def _(x, eps=1e-5):
    """you average over all numbers at once. Each feature has a gamma and a beta of its own."""
    return np.sqrt(x.var() + eps), x.mean()


@mistake("identity_parameters", "keeps_dimensions", case="square")
def _(x, eps=1e-5):
    """you keep the axis that was averaged over, and return shape (1, D). Wanted is (D,)."""
    return np.sqrt(x.var(axis=0, keepdims=True) + eps), x.mean(axis=0, keepdims=True)


@mistake("identity_parameters", "of_normalized_batch", case="square")
def _(x, eps=1e-5):
    """you take the statistics of the normalized batch, which are 0 and almost 1. Take those of x."""
    mean, var = batch_statistics(normalize(x, eps))
    return np.sqrt(var + eps), mean


@mistake("identity_parameters", "one_pass", case="large_mean")
def _(x, eps=1e-5):
    """you subtract the squared mean from the mean of the squares. With a large mean both are huge, and what is left is
    rounding."""
    return np.sqrt(np.maximum((x * x).mean(axis=0) - x.mean(axis=0) ** 2, 0) + eps), x.mean(axis=0)


@mistake("identity_parameters", "integers_stay_integers", case="integer")
def _(x, eps=1e-5):
    """you compute in integers where integers come in, so fractions are cut off, or NumPy refuses."""
    mean = np.zeros_like(x, shape=x.shape[1])
    mean[:] = x.mean(axis=0)
    return np.sqrt(((x - mean) ** 2).mean(axis=0) + eps), mean


@mistake("identity_parameters", "in_place", case="unchanged")
def _(x, eps=1e-5):
    """you compute in place, as -= does, and thereby change the caller's data."""
    mean = x.mean(axis=0)
    x -= mean
    return np.sqrt((x**2).mean(axis=0) + eps), mean


changes("identity_parameters", EPS_SLIPS.format(case="large_eps"))

# saturated_fraction


@mistake("saturated_fraction", "one_side", case="negative")
def _(z, threshold=0.97):
    """you count what is above the threshold only. tanh saturates below, too: compare the absolute value."""
    return (np.tanh(z) > threshold).mean()


@mistake("saturated_fraction", "without_tanh", case="easy")
def _(z, threshold=0.97):
    """you compare z itself with the threshold. Saturation is about tanh(z)."""
    return (np.abs(z) > threshold).mean()


@mistake("saturated_fraction", "threshold_fixed", case="threshold")
def _(z, threshold=0.97):
    """you use a fixed threshold. It is an argument: use the one you are given."""
    return (np.abs(np.tanh(z)) > 0.97).mean()


@mistake("saturated_fraction", "at_least", case="boundary")
def _(z, threshold=0.97):
    """you count values at the threshold, too. Wanted are those above it."""
    return (np.abs(np.tanh(z)) >= threshold).mean()


@mistake("saturated_fraction", "below", case="easy")
def _(z, threshold=0.97):
    """you take the share below the threshold. Wanted is the share above it."""
    return (np.abs(np.tanh(z)) < threshold).mean()


@mistake("saturated_fraction", "count", case="easy")
def _(z, threshold=0.97):
    """you return how many values are saturated. Wanted is their share of all values."""
    return (np.abs(np.tanh(z)) > threshold).sum()


@mistake("saturated_fraction", "divides_by_rows", case="easy")
def _(z, threshold=0.97):
    """you divide by the number of rows. Divide by the number of all values."""
    return (np.abs(np.tanh(z)) > threshold).sum() / len(z)


@mistake("saturated_fraction", "percent", case="easy")
def _(z, threshold=0.97):
    """you return percent. Wanted is a number between 0 and 1."""
    return 100 * (np.abs(np.tanh(z)) > threshold).mean()


@mistake("saturated_fraction", "each_feature", case="easy")
def _(z, threshold=0.97):
    """you return a share for each feature. Wanted is one number for the whole array."""
    return (np.abs(np.tanh(z)) > threshold).mean(axis=0)


@mistake("saturated_fraction", "mask", case="easy")
def _(z, threshold=0.97):
    """you return which values are saturated. Wanted is their share of all values."""
    return np.abs(np.tanh(z)) > threshold


@mistake("saturated_fraction", "mean_of_output", case="easy")
def _(z, threshold=0.97):
    """you average the absolute output. Wanted is the share of outputs above the threshold."""
    return np.abs(np.tanh(z)).mean()


@mistake("saturated_fraction", "sigmoid", case="easy")
def _(z, threshold=0.97):
    """you use the logistic function. Saturation is about tanh(z) here."""
    return (1 / (1 + np.exp(-z)) > threshold).mean()


@mistake("saturated_fraction", "of_the_mean", case="easy")
def _(z, threshold=0.97):
    """you average before you compare. Compare each value, then average."""
    return float(np.abs(np.tanh(z)).mean() > threshold)


@mistake("saturated_fraction", "cut_off", case="easy")
def _(z, threshold=0.97):
    """your share is cut off to a whole number, as // and int do it, or is always 0."""
    return np.sum(np.abs(np.tanh(z)) > threshold) // z.size


@mistake("saturated_fraction", "two_axes", case="vector")
def _(z, threshold=0.97):
    """you rely on rows and columns. z may have any shape, also that of a plain vector."""
    return (np.abs(np.tanh(z)) > threshold).sum() / (z.shape[0] * z.shape[1])


@mistake("saturated_fraction", "in_place", case="unchanged")
def _(z, threshold=0.97):
    """you write tanh(z) into z, and thereby change the caller's data."""
    np.tanh(z, out=z)
    return (np.abs(z) > threshold).mean()


# batchnorm_forward


@mistake("batchnorm_forward", "no_cache", case="small")
def _(x, gamma, beta, bn_param):
    """you return out alone. Wanted are out and a cache."""
    return batchnorm_forward(x, gamma, beta, bn_param)[0]


@mistake("batchnorm_forward", "cache_first", case="small")
def _(x, gamma, beta, bn_param):
    """you return the cache before out."""
    out, cache = batchnorm_forward(x, gamma, beta, bn_param)
    return cache, out


@mistake("batchnorm_forward", "test_returns_input", case="test_mode")
def _(x, gamma, beta, bn_param):
    """you hand the batch through as it is in evaluation."""
    out, cache = batchnorm_forward(x, gamma, beta, bn_param)
    return (x if bn_param["mode"] == "test" else out), cache


@mistake("batchnorm_forward", "refuses_one_row", case="one_row")
def _(x, gamma, beta, bn_param):
    """you refuse a batch of one. It has a mean, and a variance of 0; eps keeps the division finite."""
    if len(x) == 1 and bn_param["mode"] == "train":
        raise ValueError("the variance needs two examples")
    return batchnorm_forward(x, gamma, beta, bn_param)


changes(
    "batchnorm_forward",
    """
    ddof (small): you divide the variance by N - 1, in the output and in the running variance. Both divide by N here.
    - (centered**2).mean(axis=0)
    + (centered**2).sum(axis=0) / (len(x) - 1)

    ddof_in_output (small): you divide the variance by N - 1 where you normalize. The batch is all there is, so it
    divides by N.
    - inv_std = 1 / np.sqrt(var + eps)
    + inv_std = 1 / np.sqrt(var * (len(x) / (len(x) - 1) if mode == "train" else 1) + eps)

    ddof_in_running_var (running_first): you keep the unbiased variance, divided by N - 1, in running_var. That is
    PyTorch's convention; this course averages the biased one, divided by N.
    - (1 - momentum) * var
    + (1 - momentum) * var * len(x) / (len(x) - 1)

    wrong_bessel_factor (running_first): you correct the running variance by (N - 1) / N. This course averages the
    biased variance as it is.
    - (1 - momentum) * var
    + (1 - momentum) * var * (len(x) - 1) / len(x)

    eps_outside_root (small): you add eps to the standard deviation. It is added to the variance, under the root.
    - np.sqrt(var + eps)
    + (np.sqrt(var) + eps)

    no_eps (constant): you leave eps out, so a feature that never changes divides 0 by 0.
    - np.sqrt(var + eps)
    + np.sqrt(var)

    no_eps_in_test (test_mode): you leave eps out in evaluation. It belongs there as in training.
    - np.sqrt(var + eps)
    + np.sqrt(var + eps * (mode == "train"))

    eps_outside_root_in_test (test_mode): you add eps to the standard deviation in evaluation. It is added to the
    variance, under the root.
    - np.sqrt(var + eps)
    + (np.sqrt(var + eps) if mode == "train" else np.sqrt(var) + eps)

    eps_fixed (small): you use a fixed eps. bn_param may hold another: use that one.
    - bn_param.get("eps", 1e-5)
    + 1e-5

    eps_default (tiny_variance): your default eps is not 1e-5.
    - bn_param.get("eps", 1e-5)
    + bn_param.get("eps", 1e-3)

    divides_by_variance (small): you divide by the variance. The standard deviation is its root.
    - np.sqrt(var + eps)
    + (var + eps)

    divides_by_variance_in_test (test_mode): you divide by the running variance in evaluation. The standard deviation is
    its root.
    - np.sqrt(var + eps)
    + (np.sqrt(var + eps) if mode == "train" else var + eps)

    not_centered (small): you do not subtract the mean where you normalize.
    - x_hat = centered
    + x_hat = (x if mode == "train" else centered)

    second_moment (small): you average the squares without subtracting the mean first.
    - (centered**2).mean(axis=0)
    + (x**2).mean(axis=0)

    one_pass (large_mean): you subtract the squared mean from the mean of the squares. With a large mean both are huge,
    and what is left is rounding.
    - (centered**2).mean(axis=0)
    + np.maximum((x * x).mean(axis=0) - mean**2, 0)

    axis_1 (square): you average along the features and not along the batch; with as many examples as features the wrong
    vectors fit silently.
    - x.mean(axis=0)
    + x.mean(axis=1)
    - (centered**2).mean(axis=0)
    + x.var(axis=1)

    whole_array (small): you use one mean and one variance for all numbers. Each feature has its own.
    - x.mean(axis=0)
    + x.mean(keepdims=True)[0]
    - (centered**2).mean(axis=0)
    + x.var(keepdims=True)[0]

    mean_divided_twice (small): you divide the mean by N twice, once in a mean and once by hand.
    - x.mean(axis=0)
    + x.mean(axis=0) / len(x)

    gamma_forgotten (small): you forget gamma.
    - gamma * x_hat
    + x_hat

    beta_forgotten (small): you forget beta.
    - x_hat + beta
    + x_hat

    gamma_and_beta_forgotten (small): you return x_hat, without gamma and beta.
    - gamma * x_hat + beta
    + x_hat

    gamma_and_beta_forgotten_in_test (test_mode): you return x_hat in evaluation, without gamma and beta.
    - gamma * x_hat + beta
    + gamma * x_hat + beta if mode == "train" else x_hat

    shifts_before_scaling (small): you add beta before you multiply by gamma, so beta is scaled, too.
    - x_hat + beta
    + (x_hat + beta)

    gamma_and_beta_swapped (small): you multiply by beta and add gamma: they have changed places.
    - gamma * x_hat + beta
    + beta * x_hat + gamma

    momentum_swapped (running_first): you swap the two weights: momentum is the fraction that is kept.
    - momentum * running_mean + (1 - momentum) * mean
    + (1 - momentum) * running_mean + momentum * mean
    - momentum * running_var + (1 - momentum) * var
    + (1 - momentum) * running_var + momentum * var

    momentum_fixed (running_first): you use a fixed momentum. bn_param may hold another: use that one.
    - bn_param.get("momentum", 0.9)
    + 0.9

    momentum_default (running_default): your default momentum is not 0.9, the fraction that is kept.
    - bn_param.get("momentum", 0.9)
    + bn_param.get("momentum", 0.1)

    running_is_last_batch (running_first): you overwrite the running statistics with those of the last batch.
    - momentum * running_mean + (1 - momentum) * mean
    + mean
    - momentum * running_var + (1 - momentum) * var
    + var

    running_without_decay (running_first): you add to the running statistics without letting the old ones decay.
    - momentum * running_mean +
    + running_mean +
    - momentum * running_var +
    + running_var +

    running_batch_unweighted (running_first): you add the whole batch statistic. Its weight is 1 - momentum.
    - (1 - momentum) * mean
    + mean
    - (1 - momentum) * var
    + var

    running_ignores_old (running_first): you keep nothing of the running statistics that were there.
    - momentum * running_mean + (1 - momentum) * mean
    + (1 - momentum) * mean
    - momentum * running_var + (1 - momentum) * var
    + (1 - momentum) * var

    running_std (running_first): you average the standard deviation. running_var averages the variance.
    - (1 - momentum) * var
    + (1 - momentum) * np.sqrt(var)

    running_var_with_eps (running_first): you average the variance with eps in it. Keep the plain variance; eps is added
    when you divide.
    - (1 - momentum) * var
    + (1 - momentum) * (var + eps)

    running_of_output (running_first): you average the statistics of the output, after scale and shift. Wanted are those
    of x.
    - (1 - momentum) * mean
    + (1 - momentum) * beta
    - (1 - momentum) * var
    + (1 - momentum) * gamma**2 * var / (var + eps)

    running_of_x_hat (running_first): you average the statistics of x_hat, which are 0 and almost 1. Wanted are those of
    x.
    - (1 - momentum) * mean
    + (1 - momentum) * 0
    - (1 - momentum) * var
    + (1 - momentum) * var / (var + eps)

    running_var_starts_at_1 (running_default): your running_var starts at 1. Here both running statistics start at 0.
    - bn_param.get("running_var", np.zeros(x.shape[1], x.dtype))
    + bn_param.get("running_var", np.ones(x.shape[1], x.dtype))

    running_starts_at_batch (running_default): your running statistics start at those of the first batch. Here both
    start at 0.
    - momentum * running_mean + (1 - momentum) * mean
    + momentum * bn_param.get("running_mean", mean) + (1 - momentum) * mean
    - momentum * running_var + (1 - momentum) * var
    + momentum * bn_param.get("running_var", var) + (1 - momentum) * var

    running_must_be_given (running_default): you read the running statistics without a default. Where bn_param does not
    hold them, they start at 0.
    - bn_param.get("running_mean", np.zeros(x.shape[1], x.dtype))
    + bn_param["running_mean"]

    running_only_where_given (running_default): you update the running statistics only where bn_param holds them
    already.
    - bn_param["running_mean"] = momentum * running_mean
    + if "running_mean" in bn_param:
    +     bn_param["running_mean"] = momentum * running_mean
    - bn_param["running_var"] = momentum * running_var
    + if "running_var" in bn_param:
    +     bn_param["running_var"] = momentum * running_var

    running_not_written_back (running_many): you do not write new running statistics into bn_param.
    - mode, eps =
    + bn_param = dict(bn_param)
    + mode, eps =

    running_var_not_written_back (running_many): you write running_mean back and not running_var.
    - bn_param["running_var"]
    + running_var

    running_mean_not_written_back (running_many): you write running_var back and not running_mean.
    - bn_param["running_mean"]
    + running_mean

    trains_with_running (small): you normalize with the running statistics in training. Training uses the batch's own.
    - inv_std =
    + if mode == "train":
    +     centered, var = x - bn_param["running_mean"], bn_param["running_var"]
    + inv_std =

    test_uses_batch (test_mode): you normalize with the batch's own statistics in evaluation. Use the running ones.
    - x - running_mean, running_var
    + x - x.mean(axis=0), x.var(axis=0)

    test_uses_batch_mean (test_mode): you subtract the batch's own mean in evaluation. Use the running one.
    - x - running_mean, running_var
    + x - x.mean(axis=0), running_var

    test_uses_batch_variance (test_mode): you divide by the batch's own standard deviation in evaluation. Use the
    running variance.
    - x - running_mean, running_var
    + x - running_mean, x.var(axis=0)

    test_not_centered (test_mode): you do not subtract the running mean in evaluation.
    - x - running_mean, running_var
    + x, running_var

    test_updates_running (test_keeps_running): you update the running statistics in evaluation. Only training writes
    them.
    - centered, var = x - running_mean, running_var
    + centered, var = x - running_mean, running_var
    + bn_param["running_mean"] = momentum * running_mean + (1 - momentum) * x.mean(axis=0)
    + bn_param["running_var"] = momentum * running_var + (1 - momentum) * x.var(axis=0)

    test_updates_first (test_mode): you update the running statistics in evaluation, and then use them. Only training
    writes them.
    - centered, var = x - running_mean, running_var
    + bn_param["running_mean"] = momentum * running_mean + (1 - momentum) * x.mean(axis=0)
    + bn_param["running_var"] = momentum * running_var + (1 - momentum) * x.var(axis=0)
    + centered, var = x - bn_param["running_mean"], bn_param["running_var"]

    other_modes_as_test (bad_mode): you take every mode but 'train' for evaluation. An unknown one is a ValueError.
    - elif mode == "test":
    + elif True:

    other_modes_as_train (bad_mode): you take every mode but 'test' for training. An unknown one is a ValueError.
    - if mode == "train":
    + if mode != "test":

    other_modes_unnoticed (bad_mode): you have no branch for other modes, so nothing is returned. An unknown mode is a
    ValueError.
    - raise ValueError(f"mode must be 'train' or 'test', got {mode!r}")
    + return None

    other_modes_crash (bad_mode): you have no branch for other modes, so Python stops at a name that was never assigned.
    An unknown mode is a ValueError.
    - raise ValueError(f"mode must be 'train' or 'test', got {mode!r}")
    + pass

    other_modes_another_error (bad_mode): you raise another exception for an unknown mode. Wanted is a ValueError.
    - raise ValueError(f"mode must be 'train' or 'test', got {mode!r}")
    + raise RuntimeError(mode)

    global_variance (small): you use one variance for all features. Each feature has its own.
    - (centered**2).mean(axis=0)
    + (centered**2).mean(keepdims=True)[0]

    not_normalized (small): you scale and shift x itself. Normalize it first.
    - x_hat = centered * inv_std
    + x_hat = x

    eps_outside_root_in_training (small): you add eps to the standard deviation in training. It is added to the
    variance, under the root.
    - np.sqrt(var + eps)
    + (np.sqrt(var + eps) if mode == "test" else np.sqrt(var) + eps)

    no_eps_in_training (constant): you leave eps out in training, so a feature that never changes divides 0 by 0.
    - np.sqrt(var + eps)
    + np.sqrt(var + eps * (mode == "test"))

    returns_input (small): you hand the batch through as it is.
    = gamma_and_beta_forgotten, not_normalized

    eps_default_tiny (tiny_variance): your default eps is 1e-8. Here it is 1e-5.
    - bn_param.get("eps", 1e-5)
    + bn_param.get("eps", 1e-8)

    eps_in_running_var_alone (running_first): you average the variance with eps in it, and leave eps out in evaluation.
    Keep the plain variance; eps is added when you divide.
    = no_eps_in_test, running_var_with_eps

    running_keeps_old (running_first): the running statistics keep their old values: what you have computed is not
    stored, or is overwritten by the old ones.
    - bn_param["running_mean"] = momentum * running_mean + (1 - momentum) * mean
    + bn_param["running_mean"] = running_mean
    - bn_param["running_var"] = momentum * running_var + (1 - momentum) * var
    + bn_param["running_var"] = running_var

    running_has_rows (running_first): you keep the axis that was averaged over, and store running statistics of shape
    (1, D). Wanted is (D,).
    - bn_param["running_mean"] = momentum * running_mean + (1 - momentum) * mean
    + running_mean, running_var = np.ravel(running_mean), np.ravel(running_var)
    + bn_param["running_mean"] = (momentum * running_mean + (1 - momentum) * mean)[None]
    - bn_param["running_var"] = momentum * running_var + (1 - momentum) * var
    + bn_param["running_var"] = (momentum * running_var + (1 - momentum) * var)[None]

    test_must_be_given (test_default): you read the running statistics in evaluation without a default. Where bn_param
    does not hold them, they are 0.
    - elif mode == "test":
    + elif mode == "test":
    +     running_mean, running_var = bn_param["running_mean"], bn_param["running_var"]

    in_place (unchanged): you compute in place, as -= does, and thereby change the caller's data.
    - inv_std =
    + x -= mean if mode == "train" else 0
    + inv_std =

    in_place_in_test (unchanged): you subtract the running mean in place, and thereby change the caller's data in
    evaluation.
    - inv_std =
    + x -= running_mean if mode == "test" else 0
    + inv_std =
    """,
)

# fold_into_linear


@mistake("fold_into_linear", "eps_default_tiny", case="tiny_variance")
def _(w, b, gamma, beta, running_mean, running_var, eps=1e-8):
    """your default eps is 1e-8. Here it is 1e-5."""
    return fold_into_linear(w, b, gamma, beta, running_mean, running_var, eps)


changes(
    "fold_into_linear",
    """
    folds_rows (square): you scale the rows of w. Each column belongs to one feature; with as many rows as columns the
    wrong vector fits silently.
    - w * scale
    + w * scale[:, None]

    divides_by_variance (square): you divide by the variance. The standard deviation is its root.
    - np.sqrt(running_var + eps)
    + (running_var + eps)

    multiplies_by_deviation (square): you multiply by the standard deviation. The layer divides by it.
    - gamma / np.sqrt
    + gamma * np.sqrt

    no_eps (large_eps): you leave eps out.
    - np.sqrt(running_var + eps)
    + np.sqrt(running_var)

    eps_outside_root (large_eps): you add eps to the standard deviation. It is added to the variance, under the root.
    - np.sqrt(running_var + eps)
    + (np.sqrt(running_var) + eps)

    eps_fixed (large_eps): you use a fixed eps. It is an argument: use the one you are given.
    - np.sqrt(running_var + eps)
    + np.sqrt(running_var + 1e-5)

    gamma_forgotten (square): you forget gamma.
    - gamma / np
    + 1 / np

    beta_forgotten (square): you forget beta.
    - (b - running_mean) * scale + beta
    + (b - running_mean) * scale

    bias_forgotten (square): you forget b. What the linear layer adds is scaled, too.
    - (b - running_mean) * scale
    + -running_mean * scale

    mean_forgotten (square): you forget the running mean.
    - (b - running_mean) * scale
    + b * scale

    mean_added (square): you add the running mean. The layer subtracts it.
    - b - running_mean
    + b + running_mean

    bias_not_scaled (square): you scale the running mean and not b. The layer sees both.
    - (b - running_mean) * scale
    + b - running_mean * scale

    mean_not_scaled (square): you scale b and not the running mean. The layer subtracts the mean before it scales.
    - (b - running_mean) * scale
    + b * scale - running_mean

    nothing_scaled_in_bias (square): you scale w and neither b nor the running mean.
    - (b - running_mean) * scale
    + b - running_mean

    beta_scaled (square): you scale beta, too. It is added after the scaling.
    - (b - running_mean) * scale + beta
    + (b - running_mean + beta) * scale

    beta_subtracted (square): you subtract beta. It is added.
    - scale + beta
    + scale - beta

    weights_not_folded (square): you return w as it was.
    - w * scale
    + w

    bias_not_folded (square): you return b as it was.
    - (b - running_mean) * scale + beta
    + b

    swapped (square): you return the bias before the weights.
    - return w_folded, b_folded
    + return b_folded, w_folded

    in_place (unchanged): you compute in place, as *= does, and thereby change the caller's data.
    - w_folded = w * scale
    + w *= scale
    + w_folded = w
    """,
)

changes("fold_into_linear", EPS_SLIPS.format(case="large_eps"))
changes("fold_into_linear", EPS_ADDED_LAST.format(case="large_eps", var="running_var"))

# Right answers, in the styles that learners write


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
        keys = ("running_mean", "running_var")
        mean, var = (np.reshape(bn_param.get(key, np.zeros(x.shape[1])), (1, -1)) for key in keys)
        centered = x - mean
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
