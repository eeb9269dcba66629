"""What goes wrong, and what goes right, in notebook 4."""

from __future__ import annotations

import numpy as np

from bn_helpers.catalogue.backward import Cache, closed, staged
from bn_helpers.catalogue.entry import changes, mistake, right
from bn_helpers.catalogue.normalization import welford
from bn_helpers.layers import (
    batchnorm_backward,
    batchnorm_forward,
    channel_statistics,
    spatial_batchnorm_backward,
    spatial_batchnorm_forward,
)

# channel_statistics


@mistake("channel_statistics", "axis_0", case="small")
def _(x):
    """you average over the examples only, so each pixel has statistics of its own. A channel shares one mean."""
    return x.mean(axis=0), x.var(axis=0)


@mistake("channel_statistics", "each_image", case="small")
def _(x):
    """you average over rows and columns only, so each image has statistics of its own (that is instance
    normalization)."""
    return x.mean(axis=(2, 3)), x.var(axis=(2, 3))


@mistake("channel_statistics", "columns_left", case="small")
def _(x):
    """you average over examples and rows, and not over columns."""
    return x.mean(axis=(0, 2)), x.var(axis=(0, 2))


@mistake("channel_statistics", "rows_left", case="small")
def _(x):
    """you average over examples and columns, and not over rows."""
    return x.mean(axis=(0, 3)), x.var(axis=(0, 3))


@mistake("channel_statistics", "each_example", case="small")
def _(x):
    """you average over all but the examples (that is layer normalization). Average over all but the channels."""
    return x.mean(axis=(1, 2, 3)), x.var(axis=(1, 2, 3))


@mistake("channel_statistics", "channels_last", case="square")
def _(x):
    """you average as if the channel came last. Here it is axis 1."""
    return x.mean(axis=(0, 1, 2)), x.var(axis=(0, 1, 2))


@mistake("channel_statistics", "reshape_only", case="small")
def _(x):
    """you reshape to rows of C numbers without moving the channel axis first, so the channels get mixed."""
    rows = x.reshape(-1, x.shape[1])
    return rows.mean(axis=0), rows.var(axis=0)


@mistake("channel_statistics", "another_axis_last", case="small")
def _(x):
    """you move another axis than the channel's to the end before you reshape, so the channels get mixed."""
    rows = x.transpose(0, 3, 1, 2).reshape(-1, x.shape[1])
    return rows.mean(axis=0), rows.var(axis=0)


@mistake("channel_statistics", "returns_in_loop", case="small")
def _(x):
    """you return inside the loop, so it ends after the first channel. Look at the indentation of the return."""
    first = np.arange(x.shape[1]) == 0
    return first * x[:, 0].mean(), first * x[:, 0].var()


@mistake("channel_statistics", "brackets_missing", case="small")
def _(x):
    """brackets are missing: you divide by N, and multiply by H and W."""
    n, _, h, w = x.shape
    mean = x.sum(axis=(0, 2, 3)) / n * h * w
    return mean, ((x - mean[:, None, None]) ** 2).sum(axis=(0, 2, 3)) / n * h * w


@mistake("channel_statistics", "whole_array", case="small")
def _(x):
    """you average over all numbers at once. Each channel has a mean and a variance of its own."""
    return x.mean(), x.var()


@mistake("channel_statistics", "keeps_dimensions", case="small")
def _(x):
    """you keep the axes that were averaged over, and return shape (1, C, 1, 1). Wanted is (C,)."""
    return x.mean(axis=(0, 2, 3), keepdims=True), x.var(axis=(0, 2, 3), keepdims=True)


@mistake("channel_statistics", "ddof", case="small")
def _(x):
    """you divide the variance by one less than the number of elements. It divides by N * H * W."""
    return x.mean(axis=(0, 2, 3)), x.var(axis=(0, 2, 3), ddof=1)


@mistake("channel_statistics", "average_of_variances", case="small")
def _(x):
    """you average the variances of the images. That leaves out how far the images' means lie apart."""
    return x.mean(axis=(0, 2, 3)), x.var(axis=(2, 3)).mean(axis=0)


@mistake("channel_statistics", "variance_of_averages", case="small")
def _(x):
    """you take the variance of the images' means. That leaves out how much varies within an image."""
    return x.mean(axis=(0, 2, 3)), x.mean(axis=(2, 3)).var(axis=0)


@mistake("channel_statistics", "average_over_pixels", case="small")
def _(x):
    """you average the variances of the pixels. That leaves out how far the pixels' means lie apart."""
    return x.mean(axis=(0, 2, 3)), x.var(axis=0).mean(axis=(1, 2))


@mistake("channel_statistics", "divides_by_examples", case="small")
def _(x):
    """you divide by N. Each sum runs over N * H * W elements."""
    mean = x.sum(axis=(0, 2, 3)) / len(x)
    return mean, ((x - mean[:, None, None]) ** 2).sum(axis=(0, 2, 3)) / len(x)


@mistake("channel_statistics", "variance_divides_by_examples", case="small")
def _(x):
    """you divide the variance by N. Its sum runs over N * H * W elements."""
    return x.mean(axis=(0, 2, 3)), x.var(axis=(0, 2, 3)) * x[0, 0].size


@mistake("channel_statistics", "sum_of_squares", case="small")
def _(x):
    """you sum the squared distances and do not divide by their number."""
    return x.mean(axis=(0, 2, 3)), x.var(axis=(0, 2, 3)) * x[:, 0].size


@mistake("channel_statistics", "standard_deviation", case="small")
def _(x):
    """you return the standard deviation in the place of the variance: leave the root out."""
    return x.mean(axis=(0, 2, 3)), x.std(axis=(0, 2, 3))


@mistake("channel_statistics", "not_centered", case="small")
def _(x):
    """you average the squares without subtracting the mean first."""
    return x.mean(axis=(0, 2, 3)), (x**2).mean(axis=(0, 2, 3))


@mistake("channel_statistics", "mean_along_columns", case="square")
def _(x):
    """you subtract the means along the last axis. They fit there silently where W = C; they belong to axis 1."""
    mean = x.mean(axis=(0, 2, 3))
    return mean, ((x - mean) ** 2).mean(axis=(0, 2, 3))


@mistake("channel_statistics", "swapped", case="small")
def _(x):
    """you return the variance before the mean."""
    return channel_statistics(x)[::-1]


@mistake("channel_statistics", "mean_only", case="small")
def _(x):
    """you return the mean alone, without the variance."""
    return x.mean(axis=(0, 2, 3))


@mistake("channel_statistics", "one_pass", case="large_mean")
def _(x):
    """you subtract the squared mean from the mean of the squares. With a large mean both are huge, and what is left is
    rounding."""
    mean = x.mean(axis=(0, 2, 3))
    return mean, (x * x).mean(axis=(0, 2, 3)) - mean**2


@mistake("channel_statistics", "integers_stay_integers", case="integer")
def _(x):
    """you compute in integers where integers come in, so fractions are cut off, or NumPy refuses."""
    mean = np.zeros_like(x, shape=x.shape[1])
    mean[:] = x.mean(axis=(0, 2, 3))
    return mean, ((x - mean[:, None, None]) ** 2).mean(axis=(0, 2, 3))


@mistake("channel_statistics", "in_place", case="unchanged")
def _(x):
    """you compute in place, as -= does, and thereby change the caller's data."""
    mean = x.mean(axis=(0, 2, 3))
    x -= mean[:, None, None]
    return mean, (x**2).mean(axis=(0, 2, 3))


# spatial_batchnorm_forward


@mistake("spatial_batchnorm_forward", "reshape_only", case="small")
def _(x, gamma, beta, bn_param):
    """you reshape to rows of C numbers without moving the channel axis first, so the channels get mixed."""
    out, cache = batchnorm_forward(x.reshape(-1, x.shape[1]), gamma, beta, bn_param)
    return out.reshape(x.shape), cache


@mistake("spatial_batchnorm_forward", "reshape_first_only", case="small")
def _(x, gamma, beta, bn_param):
    """you reshape to rows of C numbers without moving the channel axis first. It is moved on the way back only, so the
    channels get mixed."""
    out, cache = batchnorm_forward(x.reshape(-1, x.shape[1]), gamma, beta, bn_param)
    return to_images(out, x.shape), cache


@mistake("spatial_batchnorm_forward", "channel_by_channel", case="running_many")
def _(x, gamma, beta, bn_param):
    """you call the layer channel by channel with one bn_param, and each call takes and writes the running statistics of
    all."""
    channels = [x[:, [c]] for c in range(x.shape[1])]
    parts = [by_rows(x_c, g, b, bn_param) for x_c, g, b in zip(channels, gamma, beta, strict=True)]
    return np.concatenate([out for out, _ in parts], axis=1), [cache for _, cache in parts]


@mistake("spatial_batchnorm_forward", "reshape_back_only", case="small")
def _(x, gamma, beta, bn_param):
    """you move the channel axis before the layer, and do not move it back: a reshape alone mixes the pixels."""
    rows = x.transpose(0, 2, 3, 1).reshape(-1, x.shape[1])
    out, cache = batchnorm_forward(rows, gamma, beta, bn_param)
    return out.reshape(x.shape), cache


@mistake("spatial_batchnorm_forward", "rows_and_columns_swapped", case="square")
def _(x, gamma, beta, bn_param):
    """you move the axes back in the wrong order, so rows and columns change places."""
    n, c, h, w = x.shape
    out, cache = batchnorm_forward(x.transpose(0, 2, 3, 1).reshape(-1, c), gamma, beta, bn_param)
    return out.reshape(n, h, w, c).transpose(0, 3, 2, 1), cache


@mistake("spatial_batchnorm_forward", "left_flat", case="small")
def _(x, gamma, beta, bn_param):
    """you return the rows of C numbers as they come out of the layer. Wanted is the shape of x."""
    return batchnorm_forward(x.transpose(0, 2, 3, 1).reshape(-1, x.shape[1]), gamma, beta, bn_param)


@mistake("spatial_batchnorm_forward", "left_channels_last", case="small")
def _(x, gamma, beta, bn_param):
    """you return images with the channel last. Wanted is the shape of x: move it back to axis 1."""
    out, cache = spatial_batchnorm_forward(x, gamma, beta, bn_param)
    return out.transpose(0, 2, 3, 1), cache


@mistake("spatial_batchnorm_forward", "each_pixel", case="small")
def _(x, gamma, beta, bn_param):
    """you average over the examples only, so each pixel has statistics of its own. A channel shares one mean."""
    pixels = x[0, 0].size
    rows, scale, shift = x.reshape(len(x), -1), np.repeat(gamma, pixels), np.repeat(beta, pixels)
    repeated = {key: np.repeat(bn_param[key], pixels) for key in bn_param if key.startswith("running")}
    out, cache = batchnorm_forward(rows, scale, shift, bn_param | repeated)
    return out.reshape(x.shape), cache


@mistake("spatial_batchnorm_forward", "no_cache", case="small")
def _(x, gamma, beta, bn_param):
    """you return out alone. Wanted are out and a cache."""
    return spatial_batchnorm_forward(x, gamma, beta, bn_param)[0]


@mistake("spatial_batchnorm_forward", "refuses_one_image", case="test_one_image")
def _(x, gamma, beta, bn_param):
    """you refuse a batch of one image. In evaluation it needs no others."""
    if len(x) == 1:
        raise ValueError("the variance needs two images")
    return spatial_batchnorm_forward(x, gamma, beta, bn_param)


changes(
    "spatial_batchnorm_forward",
    """
    each_image (small): you average over rows and columns only, so each image has statistics of its own (that is
    instance normalization).
    - out = gamma
    + if mode == "train":
    +     x_hat = (x - x.mean(axis=(2, 3), keepdims=True)) / np.sqrt(x.var(axis=(2, 3), keepdims=True) + eps)
    + out = gamma

    each_example (small): you average over all but the examples (that is layer normalization). Average over all but the
    channels.
    - out = gamma
    + if mode == "train":
    +     x_hat = (x - x.mean(axis=(1, 2, 3), keepdims=True)) / np.sqrt(x.var(axis=(1, 2, 3), keepdims=True) + eps)
    + out = gamma

    whole_array (small): you use one mean and one variance for all numbers. Each channel has its own.
    - channel_statistics(x)
    + np.full(x.shape[1], x.mean()), np.full(x.shape[1], x.var())

    average_of_variances (small): you average the variances of the images. That leaves out how far the images' means lie
    apart.
    - channel_statistics(x)
    + x.mean(axis=(0, 2, 3)), x.var(axis=(2, 3)).mean(axis=0)

    ddof (small): you divide the variance by one less than the number of elements. It divides by N * H * W.
    - channel_statistics(x)
    + x.mean(axis=(0, 2, 3)), x.var(axis=(0, 2, 3), ddof=1)

    ddof_in_running_var (running_many): you keep the unbiased variance in running_var. That is PyTorch's convention;
    this course averages the biased one.
    - (1 - momentum) * var
    + (1 - momentum) * x.var(axis=(0, 2, 3), ddof=1)

    parameters_along_columns (square): you use gamma and beta along the last axis. They fit there silently where W = C;
    they belong to axis 1.
    - gamma[:, None, None] * x_hat + beta[:, None, None]
    + gamma * x_hat + beta

    parameters_along_rows (square): you use gamma and beta along the rows. They fit there silently where H = C; they
    belong to axis 1.
    - gamma[:, None, None] * x_hat + beta[:, None, None]
    + gamma[:, None] * x_hat + beta[:, None]

    parameters_along_examples (square): you use gamma and beta along the examples. They fit there silently where N = C;
    they belong to axis 1.
    - gamma[:, None, None] * x_hat + beta[:, None, None]
    + gamma[:, None, None, None] * x_hat + beta[:, None, None, None]

    statistics_along_columns (square): you use mean and variance along the last axis. They fit there silently where
    W = C; they belong to axis 1.
    - (x - mean[:, None, None]) * inv_std[:, None, None]
    + (x - mean) * inv_std

    everything_along_columns (square): you use the statistics, gamma and beta along the last axis. They fit there
    silently where W = C; they belong to axis 1.
    = parameters_along_columns, statistics_along_columns

    eps_outside_root (small): you add eps to the standard deviation. It is added to the variance, under the root.
    - np.sqrt(var + eps)
    + (np.sqrt(var) + eps)

    no_eps (small): you leave eps out.
    - np.sqrt(var + eps)
    + np.sqrt(var)

    no_eps_in_test (test_mode): you leave eps out in evaluation. It belongs there as in training.
    - np.sqrt(var + eps)
    + np.sqrt(var + eps * (mode == "train"))

    eps_fixed (small): you use a fixed eps. bn_param may hold another: use that one.
    - bn_param.get("eps", 1e-5)
    + 1e-5

    divides_by_variance (small): you divide by the variance. The standard deviation is its root.
    - np.sqrt(var + eps)
    + (var + eps)

    gamma_forgotten (small): you forget gamma.
    - gamma[:, None, None] * x_hat
    + x_hat

    beta_forgotten (small): you forget beta.
    - x_hat + beta[:, None, None]
    + x_hat

    shifts_before_scaling (small): you add beta before you multiply by gamma, so beta is scaled, too.
    - x_hat + beta[:, None, None]
    + (x_hat + beta[:, None, None])

    momentum_swapped (running_many): you swap the two weights: momentum is the fraction that is kept.
    - momentum * running_mean + (1 - momentum) * mean
    + (1 - momentum) * running_mean + momentum * mean
    - momentum * running_var + (1 - momentum) * var
    + (1 - momentum) * running_var + momentum * var

    momentum_fixed (running_many): you use a fixed momentum. bn_param may hold another: use that one.
    - bn_param.get("momentum", 0.9)
    + 0.9

    momentum_default (running_default): your default momentum is not 0.9, the fraction that is kept.
    - bn_param.get("momentum", 0.9)
    + bn_param.get("momentum", 0.1)

    running_is_last_batch (running_many): you overwrite the running statistics with those of the last batch.
    - momentum * running_mean + (1 - momentum) * mean
    + mean
    - momentum * running_var + (1 - momentum) * var
    + var

    running_not_written_back (running_many): you do not write new running statistics into bn_param.
    - mode, eps =
    + bn_param = dict(bn_param)
    + mode, eps =

    running_var_starts_at_1 (running_default): your running_var starts at 1. Here both running statistics start at 0.
    - bn_param.get("running_var", np.zeros(x.shape[1], x.dtype))
    + bn_param.get("running_var", np.ones(x.shape[1], x.dtype))

    running_keeps_dimensions (running_many): you keep the axes that were averaged over, and store running statistics of
    shape (1, C, 1, 1). Wanted is (C,).
    - bn_param["running_mean"] = momentum * running_mean + (1 - momentum) * mean
    + running_mean, running_var = np.ravel(running_mean), np.ravel(running_var)
    + bn_param["running_mean"] = (momentum * running_mean + (1 - momentum) * mean)[None, :, None, None]
    - bn_param["running_var"] = momentum * running_var + (1 - momentum) * var
    + bn_param["running_var"] = (momentum * running_var + (1 - momentum) * var)[None, :, None, None]
    - mean, var = running_mean, running_var
    + mean, var = np.ravel(running_mean), np.ravel(running_var)

    test_uses_batch (test_mode): you normalize with the batch's own statistics in evaluation. Use the running ones.
    - mean, var = running_mean, running_var
    + mean, var = channel_statistics(x)

    test_updates_running (test_keeps_running): you update the running statistics in evaluation. Only training writes
    them.
    - mean, var = running_mean, running_var
    + mean, var = running_mean, running_var
    + bn_param["running_mean"] = momentum * running_mean + (1 - momentum) * x.mean(axis=(0, 2, 3))
    + bn_param["running_var"] = momentum * running_var + (1 - momentum) * x.var(axis=(0, 2, 3))

    trains_with_running (small): you normalize with the running statistics in training. Training uses the batch's own.
    - inv_std =
    + mean, var = bn_param.get("running_mean", mean), bn_param.get("running_var", var)
    + inv_std =

    other_modes_as_test (bad_mode): you take every mode but 'train' for evaluation. An unknown one is a ValueError.
    - elif mode == "test":
    + elif True:

    other_modes_as_train (bad_mode): you take every mode but 'test' for training. An unknown one is a ValueError.
    - if mode == "train":
    + if mode != "test":

    other_modes_crash (bad_mode): you have no branch for other modes, so Python stops at a name that was never assigned.
    An unknown mode is a ValueError.
    - raise ValueError(f"mode must be 'train' or 'test', got {mode!r}")
    + pass

    one_pass (large_mean): you subtract the squared mean from the mean of the squares. With a large mean both are huge,
    and what is left is rounding.
    - channel_statistics(x)
    + x.mean(axis=(0, 2, 3)), np.maximum((x * x).mean(axis=(0, 2, 3)) - x.mean(axis=(0, 2, 3)) ** 2, 0)

    in_place (unchanged): you compute in place, as -= does, and thereby change the caller's data.
    - x_hat = (x - mean[:, None, None])
    + x -= mean[:, None, None]
    + x_hat = x
    """,
)

# spatial_batchnorm_backward


def to_rows(x):
    """Rows of C numbers, one a pixel of an image."""
    return x.transpose(0, 2, 3, 1).reshape(-1, x.shape[1])


def to_images(rows, shape):
    """Images of the given shape, from their rows."""
    n, c, h, w = shape
    return rows.reshape(n, h, w, c).transpose(0, 3, 1, 2)


def by_rows(x, gamma, beta, bn_param):
    """The layer for images by way of the layer for vectors, with the latter's cache."""
    out, cache = batchnorm_forward(to_rows(x), gamma, beta, bn_param)
    return to_images(out, x.shape), cache


@mistake("spatial_batchnorm_backward", "reshape_only", case="small", spatial_batchnorm_forward=by_rows)
def _(dout, cache):
    """you reshape to rows of C numbers without moving the channel axis first, so the channels get mixed."""
    dx, dgamma, dbeta = batchnorm_backward(dout.reshape(-1, dout.shape[1]), cache)
    return to_images(dx, dout.shape), dgamma, dbeta


@mistake("spatial_batchnorm_backward", "reshape_both_ways", case="small", spatial_batchnorm_forward=by_rows)
def _(dout, cache):
    """you reshape to rows of C numbers and back, and move the channel axis neither time, so the channels get mixed."""
    dx, dgamma, dbeta = batchnorm_backward(dout.reshape(-1, dout.shape[1]), cache)
    return dx.reshape(dout.shape), dgamma, dbeta


@mistake("spatial_batchnorm_backward", "reshape_back_only", case="small", spatial_batchnorm_forward=by_rows)
def _(dout, cache):
    """you move the channel axis of dout, and do not move that of dx back: a reshape alone mixes the pixels."""
    dx, dgamma, dbeta = batchnorm_backward(to_rows(dout), cache)
    return dx.reshape(dout.shape), dgamma, dbeta


@mistake("spatial_batchnorm_backward", "left_flat", case="small", spatial_batchnorm_forward=by_rows)
def _(dout, cache):
    """you return dx as rows of C numbers. Wanted is the shape of dout."""
    return batchnorm_backward(to_rows(dout), cache)


@mistake("spatial_batchnorm_backward", "dx_only", case="small")
def _(dout, cache):
    """you return dx alone. Wanted are dx, dgamma and dbeta."""
    return spatial_batchnorm_backward(dout, cache)[0]


changes(
    "spatial_batchnorm_backward",
    """
    each_image (small): you sum image by image on the way to dx. The statistics are shared by all images.
    - dbeta / m - x_hat * (dgamma / m)
    + dout.mean(axis=(2, 3), keepdims=True) - x_hat * (dout * x_hat).mean(axis=(2, 3), keepdims=True)

    divides_by_examples (small): you divide by N. A channel has N * H * W elements.
    - m = dout.size / dout.shape[1]
    + m = len(dout)

    divides_by_pixels (small): you divide by H * W. A channel has N * H * W elements.
    - m = dout.size / dout.shape[1]
    + m = dout[0, 0].size

    divides_by_all (small): you divide by the number of all elements. A channel has N * H * W of them.
    - m = dout.size / dout.shape[1]
    + m = dout.size

    ddof (small): you divide by one less than the number of elements. The layer divides by N * H * W.
    - m = dout.size / dout.shape[1]
    + m = dout.size / dout.shape[1] - 1

    not_averaged (small): the terms with dbeta and dgamma lack the division by N * H * W.
    - m = dout.size / dout.shape[1]
    + m = 1

    statistics_constant (small): you take mean and variance for constants. Both depend on every element of the channel.
    - (dout - dbeta / m - x_hat * (dgamma / m))
    + dout

    dgamma_term_missing (small): the term with x_hat and dgamma is missing: you take the variance for a constant.
    - - x_hat * (dgamma / m)

    dbeta_term_missing (small): the term with dbeta is missing: you take the mean for a constant.
    - - dbeta / m

    signs (small): the terms with dbeta and dgamma have the wrong sign.
    - - dbeta
    + + dbeta
    - - x_hat
    + + x_hat

    gamma_forgotten (small): you forget gamma in dx.
    - (cache["gamma"] * cache["inv_std"])
    + cache["inv_std"]

    gamma_twice (small): gamma is in dx twice.
    - (cache["gamma"] * cache["inv_std"])
    + (cache["gamma"] ** 2 * cache["inv_std"])

    inv_std_forgotten (small): you forget one over the standard deviation in dx.
    - (cache["gamma"] * cache["inv_std"])
    + cache["gamma"]

    divides_by_variance (small): you divide by the variance in dx. The standard deviation is its root.
    - (cache["gamma"] * cache["inv_std"])
    + (cache["gamma"] * cache["inv_std"] ** 2)

    gamma_along_columns (square): you use gamma along the last axis. It fits there silently where W = C; it belongs to
    axis 1.
    - dx = scale
    + dx = cache["gamma"] * cache["inv_std"][:, None, None]

    factors_along_columns (square): you use gamma and one over the standard deviation along the last axis. They fit
    there silently where W = C; they belong to axis 1.
    - dx = scale
    + dx = cache["gamma"] * cache["inv_std"]

    everything_along_columns (square): you use gamma, one over the standard deviation, dgamma and dbeta along the last
    axis. They fit there silently where W = C; they belong to axis 1.
    - dx = scale * (dout - dbeta / m - x_hat * (dgamma / m))
    + dx = scale[:, 0, 0] * (dout - dbeta[:, 0, 0] / m - x_hat * (dgamma[:, 0, 0] / m))

    sums_over_examples_only (small): you sum dgamma and dbeta over the examples only. They sum over rows and columns,
    too.
    - return dx, dgamma[:, 0, 0], dbeta[:, 0, 0]
    + return dx, (dout * x_hat).sum(axis=0), dout.sum(axis=0)

    sums_over_pixels_only (small): you sum dgamma and dbeta over rows and columns only. They sum over the examples, too.
    - return dx, dgamma[:, 0, 0], dbeta[:, 0, 0]
    + return dx, (dout * x_hat).sum(axis=(2, 3)), dout.sum(axis=(2, 3))

    averages_returned (small): you average dgamma and dbeta. They are sums.
    - return dx, dgamma[:, 0, 0], dbeta[:, 0, 0]
    + return dx, dgamma[:, 0, 0] / dout[:, 0].size, dbeta[:, 0, 0] / dout[:, 0].size

    averaged_over_pixels (small): you average dgamma and dbeta over rows and columns. They are sums.
    - return dx, dgamma[:, 0, 0], dbeta[:, 0, 0]
    + return dx, dgamma[:, 0, 0] / dout[0, 0].size, dbeta[:, 0, 0] / dout[0, 0].size

    keeps_dimensions (small): you keep the axes that were summed over in dgamma and dbeta, and return shape
    (1, C, 1, 1). Wanted is (C,).
    - return dx, dgamma[:, 0, 0], dbeta[:, 0, 0]
    + return dx, dgamma[None], dbeta[None]

    dgamma_with_gamma (small): you multiply dgamma by gamma. out is linear in gamma, so gamma drops out.
    - return dx, dgamma[:, 0, 0]
    + return dx, cache["gamma"] * dgamma[:, 0, 0]

    dgamma_without_x_hat (small): you forget x_hat in dgamma.
    - return dx, dgamma[:, 0, 0], dbeta[:, 0, 0]
    + return dx, dbeta[:, 0, 0], dbeta[:, 0, 0]

    dgamma_and_dbeta_swapped (small): you return dbeta before dgamma.
    - return dx, dgamma[:, 0, 0], dbeta[:, 0, 0]
    + return dx, dbeta[:, 0, 0], dgamma[:, 0, 0]

    in_place (unchanged): you compute in place, as *= does, and thereby change the caller's data.
    - return dx
    + dout += 1
    + return dx
    """,
)

# Right answers, in the styles that learners write


@right("channel_statistics", "three axes")
def _(x):
    return np.mean(x, axis=(0, 2, 3)), np.var(x, axis=(0, 2, 3))


@right("channel_statistics", "rows of pixels, Welford")
def _(x):
    return welford(to_rows(x))


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


right("spatial_batchnorm_forward", "rows of pixels")(by_rows)


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
    dx, dgamma, dbeta = batchnorm_backward(to_rows(dout), cache)
    return to_images(dx, dout.shape), dgamma, dbeta


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
    rows, eps = to_rows(x), bn_param.get("eps", 1e-5)
    xmu, var = rows - rows.mean(axis=0), rows.var(axis=0)
    std = np.sqrt(var + eps)
    return to_images(xmu / std * gamma + beta, x.shape), (xmu / std, gamma, xmu, 1 / std, std, var, eps)


@right("spatial_batchnorm_backward", "stages on rows of pixels", spatial_batchnorm_forward=keeps_stages)
def _(dout, cache):
    dx, dgamma, dbeta = staged(to_rows(dout), cache)
    return to_images(dx, dout.shape), dgamma, dbeta
