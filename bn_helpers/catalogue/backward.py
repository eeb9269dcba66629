"""What goes wrong, and what goes right, in notebook 3."""

from __future__ import annotations

import numpy as np

from bn_helpers.catalogue.entry import EPS_ADDED_LAST, EPS_SLIPS, changes, mistake, right
from bn_helpers.layers import (
    batchnorm_backward,
    batchnorm_backward_alt,
    batchnorm_forward,
    network_loss,
    softmax_loss,
    train_network,
)

# scale_and_shift_backward

changes(
    "scale_and_shift_backward",
    """
    gamma_forgotten (square): you forget gamma in dx_hat.
    - gamma * dout
    + dout

    divides_by_gamma (square): you divide by gamma in dx_hat. The derivative of gamma * x_hat is gamma.
    - gamma * dout
    + dout / gamma

    gamma_as_column (square): you use gamma as a column, one entry an example; with as many examples as features that
    fits silently.
    - gamma * dout
    + gamma[:, None] * dout

    dx_hat_is_gamma (square): you return gamma for dx_hat, without dout. By the chain rule dout is a factor everywhere.
    - gamma * dout
    + gamma + 0 * dout

    dgamma_averaged (square): you average dgamma over the batch. It is a sum.
    - (dout * x_hat).sum(axis=0)
    + (dout * x_hat).mean(axis=0)

    dbeta_averaged (square): you average dbeta over the batch. It is a sum.
    - dout.sum(axis=0)
    + dout.mean(axis=0)

    both_averaged (square): you average dgamma and dbeta over the batch. They are sums.
    = dgamma_averaged, dbeta_averaged

    dgamma_not_summed (square): you do not sum dgamma over the batch.
    - (dout * x_hat).sum(axis=0)
    + dout * x_hat

    dbeta_not_summed (square): you do not sum dbeta over the batch.
    - dout.sum(axis=0)
    + dout

    nothing_summed (square): you sum neither dgamma nor dbeta over the batch.
    = dgamma_not_summed, dbeta_not_summed

    axis_1 (square): you sum along the features, so you get one number an example. Wanted is one number a feature.
    - (dout * x_hat).sum(axis=0)
    + (dout * x_hat).sum(axis=1)
    - dout.sum(axis=0)
    + dout.sum(axis=1)

    whole_array (square): you sum over all numbers at once. Each feature has a gradient of its own.
    - (dout * x_hat).sum(axis=0)
    + (dout * x_hat).sum()
    - dout.sum(axis=0)
    + dout.sum()

    keeps_dimensions (square): you keep the axis that was summed over, and return shape (1, D). Wanted is (D,).
    - (dout * x_hat).sum(axis=0)
    + (dout * x_hat).sum(axis=0, keepdims=True)
    - dout.sum(axis=0)
    + dout.sum(axis=0, keepdims=True)

    dgamma_without_x_hat (square): you forget x_hat in dgamma.
    - (dout * x_hat).sum(axis=0)
    + dout.sum(axis=0)

    dgamma_without_dout (square): you forget dout in dgamma.
    - (dout * x_hat).sum(axis=0)
    + x_hat.sum(axis=0)

    dgamma_with_gamma (square): you multiply dgamma by gamma. out is linear in gamma, so gamma drops out.
    - (dout * x_hat).sum(axis=0)
    + (gamma * dout * x_hat).sum(axis=0)

    dgamma_product_of_sums (square): you sum dout and x_hat apart and multiply the sums. Multiply first, then sum.
    - (dout * x_hat).sum(axis=0)
    + dout.sum(axis=0) * x_hat.sum(axis=0)

    dgamma_matrix (square): you return a matrix for dgamma. Wanted is its diagonal: one number a feature.
    - (dout * x_hat).sum(axis=0)
    + dout.T @ x_hat

    dbeta_with_gamma (square): you multiply dbeta by gamma. beta is added after gamma has acted.
    - dout.sum(axis=0)
    + (gamma * dout).sum(axis=0)

    dbeta_without_dout (square): you return N for dbeta. By the chain rule dout is a factor everywhere.
    - dout.sum(axis=0)
    + np.ones_like(dout).sum(axis=0)

    dgamma_and_dbeta_swapped (square): you return dbeta before dgamma.
    - return dx_hat, dgamma, dbeta
    + return dx_hat, dbeta, dgamma

    dx_hat_last (square): you return dx_hat last. Wanted are dx_hat, dgamma, dbeta, in this order.
    - return dx_hat, dgamma, dbeta
    + return dgamma, dbeta, dx_hat

    last_example_only (square): dgamma and dbeta hold what the last example brings. Add up what all of them bring.
    - (dout * x_hat).sum(axis=0)
    + (dout * x_hat)[-1]
    - dout.sum(axis=0)
    + dout[-1]

    gamma_and_x_hat_exchanged (square): gamma and x_hat have changed places: dx_hat takes gamma, and dgamma takes x_hat.
    - gamma * dout
    + x_hat * dout
    - (dout * x_hat).sum(axis=0)
    + (dout * gamma).sum(axis=0)

    x_hat_squared (square): x_hat is in dgamma twice.
    - (dout * x_hat).sum(axis=0)
    + (dout * x_hat * x_hat).sum(axis=0)

    doubled (square): all three gradients are twice as large as they should be.
    - return dx_hat, dgamma, dbeta
    + return 2 * dx_hat, 2 * dgamma, 2 * dbeta

    dx_hat_is_zero (square): you return zeros for dx_hat.
    - return dx_hat, dgamma, dbeta
    + return 0 * dx_hat, dgamma, dbeta

    in_place (unchanged): you compute in place, as *= does, and thereby change the caller's data.
    - return dx_hat, dgamma, dbeta
    + dout *= gamma
    + return dout, dgamma, dbeta

    in_place_first (square): you multiply dout by gamma in place, and compute dgamma and dbeta from what it has become.
    - dx_hat = gamma * dout
    + dout *= gamma
    + dx_hat = dout
    """,
)

# frozen_backward


@mistake("frozen_backward", "eps_default_tiny", case="tiny_variance")
def _(dout, gamma, var, eps=1e-8):
    """your default eps is 1e-8. Here it is 1e-5."""
    return dout * gamma / np.sqrt(var + eps)


changes(
    "frozen_backward",
    """
    divides_by_variance (square): you divide by the variance. The standard deviation is its root.
    - np.sqrt(var + eps)
    + (var + eps)

    multiplies_by_deviation (square): you multiply by the standard deviation. The layer divides by it.
    - gamma / np.sqrt
    + gamma * np.sqrt

    power_three_halves (square): you use the derivative with respect to the variance. The variance is a constant here.
    - np.sqrt(var + eps)
    + (var + eps) ** 1.5

    no_eps (large_eps): you leave eps out.
    - np.sqrt(var + eps)
    + np.sqrt(var)

    eps_outside_root (large_eps): you add eps to the standard deviation. It is added to the variance, under the root.
    - np.sqrt(var + eps)
    + (np.sqrt(var) + eps)

    eps_fixed (large_eps): you use a fixed eps. It is an argument: use the one you are given.
    - np.sqrt(var + eps)
    + np.sqrt(var + 1e-5)

    gamma_forgotten (square): you forget gamma.
    - gamma / np
    + 1 / np

    divides_by_gamma (square): you divide by gamma. It is a factor.
    - gamma / np
    + 1 / gamma / np

    not_scaled (square): you multiply by gamma and do not divide by the standard deviation.
    - gamma / np.sqrt(var + eps)
    + gamma

    mean_removed (square): you subtract the mean of dout, as if the batch's mean depended on x. It is a constant here.
    - return dout
    + return (dout - dout.mean(axis=0))

    averaged (square): you divide by N. Each example stands alone here.
    - return dout
    + return dout / len(dout)

    summed (square): you sum over the batch. Each example stands alone here.
    - dout * gamma / np.sqrt(var + eps)
    + (dout * gamma / np.sqrt(var + eps)).sum(axis=0)

    one_entry_an_example (square): you use gamma and var as columns, one entry an example; with as many examples as
    features that fits silently.
    - gamma / np.sqrt(var + eps)
    + (gamma / np.sqrt(var + eps))[:, None]

    variance_of_dout (square): you divide by the standard deviation of dout. Use the variance that you are given.
    - np.sqrt(var + eps)
    + np.sqrt(dout.var(axis=0) + eps)

    in_place (unchanged): you compute in place, as *= does, and thereby change the caller's data.
    - return dout * gamma / np.sqrt(var + eps)
    + dout *= gamma / np.sqrt(var + eps)
    + return dout
    """,
)
changes("frozen_backward", EPS_SLIPS.format(case="large_eps"))
changes("frozen_backward", EPS_ADDED_LAST.format(case="large_eps", var="var"))

# A forward pass whose cache wrong backward passes need


def keeps_x(x, gamma, beta, bn_param):
    """A forward pass that keeps x as well."""
    out, cache = batchnorm_forward(x, gamma, beta, bn_param)
    return out, {**cache, "x": x}


# batchnorm_backward


@mistake("batchnorm_backward", "no_eps", case="large_eps")
def _(dout, cache):
    """you leave eps out in the backward pass. The root holds it, so its derivative does, too."""
    dx, *_ = batchnorm_backward(dout, {**cache, "inv_std": 1 / cache["centered"].std(axis=0)})
    return dx, *batchnorm_backward(dout, cache)[1:]


@mistake("batchnorm_backward", "eps_fixed", case="large_eps")
def _(dout, cache):
    """you use a fixed eps in the backward pass. Use the one of the forward pass."""
    dx, *_ = batchnorm_backward(dout, {**cache, "inv_std": 1 / np.sqrt(cache["centered"].var(axis=0) + 1e-5)})
    return dx, *batchnorm_backward(dout, cache)[1:]


@mistake("batchnorm_backward", "dgamma_from_x", case="small", batchnorm_forward=keeps_x)
def _(dout, cache):
    """you sum dout * x for dgamma. gamma multiplies x_hat."""
    dx, _, dbeta = batchnorm_backward(dout, cache)
    return dx, (dout * cache["x"]).sum(axis=0), dbeta


def mixes_eps(x, gamma, beta, bn_param):
    """A forward pass that keeps one standard deviation and divides by another."""
    out, cache = batchnorm_forward(x, gamma, beta, bn_param)
    std = x.std(axis=0) + bn_param.get("eps", 1e-5)
    return out, {**cache, "x_hat": cache["centered"] / std}


@mistake("batchnorm_backward", "eps_conventions_mixed", case="large_eps", batchnorm_forward=mixes_eps)
def _(dout, cache):
    """eps is under the root in one place, and beside the root in another. Use one standard deviation everywhere."""
    return batchnorm_backward(dout, cache)


@mistake("batchnorm_backward", "dx_only", case="small")
def _(dout, cache):
    """you return dx alone. Wanted are dx, dgamma and dbeta."""
    return batchnorm_backward(dout, cache)[0]


changes(
    "batchnorm_backward",
    """
    statistics_constant (small): you take mean and variance for constants. Both depend on every x of the batch.
    - dx = dcentered + dmean / len(dout)
    + dx = dx_hat * inv_std

    variance_path_missing (small): the path through the variance brings nothing: you take the variance for a constant,
    overwrite what comes along that path, or forget its factor x - mean.
    - + 2 * dvar / len(dout) * centered

    mean_path_missing (small): the path through the mean brings nothing: you take the mean for a constant, or overwrite
    what comes along that path.
    - dcentered + dmean / len(dout)
    + dcentered

    direct_path_missing (small): the direct path to x - mean brings nothing: it is overwritten by the path through the
    variance, or lacks dx_hat. The two are summed.
    - dx_hat * inv_std + 2
    + 2

    only_statistics_paths (small): the direct path from x to x - mean is missing. Three paths are summed.
    - dx = dcentered + dmean
    + dx = dcentered - dx_hat * inv_std + dmean

    dvar_sign (small): the path through the variance has the wrong sign. A larger variance makes the output smaller.
    - -0.5
    + 0.5

    half_missing (small): dvar lacks a factor of 1/2, or the derivative of the square has its factor of 2 twice.
    - -0.5 *
    + -1.0 *

    two_missing (small): the derivative of the square lacks its factor of 2, or dvar has its 1/2 twice.
    - 2 * dvar
    + dvar

    power_half (small): dvar holds the power -1/2 of the variance. The derivative of that power is the power -3/2.
    - inv_std**3
    + inv_std

    power_one (small): dvar holds the power -1 of the variance: one factor is lost on the way through the root.
    - inv_std**3
    + inv_std**2

    variance_not_averaged (small): the path through the variance lacks its 1/N.
    - 2 * dvar / len(dout)
    + 2 * dvar

    mean_not_averaged (small): the path through the mean lacks its 1/N.
    - dmean / len(dout)
    + dmean

    neither_averaged (small): the paths through mean and variance lack their 1/N.
    = variance_not_averaged, mean_not_averaged

    ddof (small): you divide by N - 1 on the path through the variance. The layer's variance divides by N.
    - 2 * dvar / len(dout)
    + 2 * dvar / (len(dout) - 1)

    dmean_sign (small): the path through the mean has the wrong sign. The mean is subtracted.
    - -dcentered.sum
    + dcentered.sum

    dmean_not_summed (small): you do not sum dmean over the batch. The mean reaches every example.
    - -dcentered.sum(axis=0)
    + -dcentered

    dmean_direct_not_summed (small): you do not sum dmean over the batch. The mean reaches every example.
    - -dcentered.sum(axis=0)
    + -dx_hat * inv_std

    dinv_std_not_summed (small): you do not sum over the batch on the path through the variance. It reaches every
    example.
    - (dx_hat * centered).sum(axis=0)
    + dx_hat * centered

    x_hat_for_centered (small): the path through the variance has one over the standard deviation once too often, as
    if x_hat stood where x - mean belongs.
    - * centered  #
    + * x_hat  #

    inv_std_missing (small): the direct path lacks one over the standard deviation.
    - dx_hat * inv_std
    + dx_hat

    gamma_forgotten (small): you forget gamma on the way from dout to dx_hat.
    - gamma * dout
    + dout

    gamma_twice (small): gamma is in dx twice.
    - gamma * dout
    + gamma**2 * dout

    gamma_missing_in_variance (small): the path through the variance lacks gamma: it starts at dx_hat, not at dout.
    - (dx_hat * centered)
    + (dout * centered)

    gamma_missing_in_direct (small): the direct path lacks gamma: it starts at dx_hat, not at dout.
    - dx_hat * inv_std
    + dout * inv_std

    dx_is_dx_hat (small): you return dx_hat for dx. The way goes on through the normalization.
    - dx = dcentered + dmean / len(dout)
    + dx = dx_hat

    averaged (small): you divide dx by N. Gradients of a batch are not averaged.
    - dx = dcentered + dmean / len(dout)
    + dx = (dcentered + dmean / len(dout)) / len(dout)

    dgamma_averaged (small): you average dgamma over the batch. It is a sum.
    - (dout * x_hat).sum(axis=0)
    + (dout * x_hat).mean(axis=0)

    dbeta_averaged (small): you average dbeta over the batch. It is a sum.
    - dout.sum(axis=0)
    + dout.mean(axis=0)

    both_averaged (small): you average dgamma and dbeta over the batch. They are sums.
    = dgamma_averaged, dbeta_averaged

    nothing_summed (small): you sum neither dgamma nor dbeta over the batch.
    - (dout * x_hat).sum(axis=0)
    + dout * x_hat
    - dout.sum(axis=0)
    + dout

    keeps_dimensions (small): you keep the axis that was summed over in dgamma and dbeta, and return shape (1, D).
    Wanted is (D,).
    - (dout * x_hat).sum(axis=0)
    + (dout * x_hat).sum(axis=0, keepdims=True)
    - dout.sum(axis=0)
    + dout.sum(axis=0, keepdims=True)

    parameters_along_features (square): you sum dgamma and dbeta along the features, so you get one number an example.
    - (dout * x_hat).sum(axis=0)
    + (dout * x_hat).sum(axis=1)
    - dout.sum(axis=0)
    + dout.sum(axis=1)

    axis_1 (square): you sum along the features everywhere; with as many examples as features that fits silently.
    - (dx_hat * centered).sum(axis=0)
    + (dx_hat * centered).sum(axis=1)
    - -dcentered.sum(axis=0)
    + -dcentered.sum(axis=1)
    - (dout * x_hat).sum(axis=0)
    + (dout * x_hat).sum(axis=1)
    - dout.sum(axis=0)
    + dout.sum(axis=1)

    dgamma_with_gamma (small): you multiply dgamma by gamma. out is linear in gamma, so gamma drops out.
    - (dout * x_hat).sum(axis=0)
    + gamma * (dout * x_hat).sum(axis=0)

    dgamma_not_scaled (small): you sum dout * (x - mean) for dgamma. gamma multiplies x_hat.
    - (dout * x_hat).sum(axis=0)
    + (dout * centered).sum(axis=0)

    dgamma_without_x_hat (small): you forget x_hat in dgamma.
    - (dout * x_hat).sum(axis=0)
    + dout.sum(axis=0)

    dgamma_without_dout (small): you forget dout in dgamma, and x_hat alone sums to 0.
    - (dout * x_hat).sum(axis=0)
    + x_hat.sum(axis=0)

    dbeta_with_gamma (small): you multiply dbeta by gamma. beta is added after gamma has acted.
    - dout.sum(axis=0)
    + gamma * dout.sum(axis=0)

    dgamma_and_dbeta_swapped (small): you return dbeta before dgamma.
    - return dx, dgamma, dbeta
    + return dx, dbeta, dgamma

    dx_last (small): you return dx last. Wanted are dx, dgamma, dbeta, in this order.
    - return dx, dgamma, dbeta
    + return dgamma, dbeta, dx

    diagonal_only (small): you keep only the diagonal of the Jacobian. Each x moves every output of its feature: sum
    over the batch.
    - dx = dcentered + dmean / len(dout)
    + dx = dx_hat * inv_std * (1 - 1 / len(dout) - x_hat**2 / len(dout))

    summed_over_all (small): you sum over all numbers on the way to dvar and dmean. Sum over the batch only: each
    feature has its own.
    = dvar_summed_over_all, dmean_summed_over_all

    dvar_summed_over_all (small): you sum over all numbers on the way to dvar. Sum over the batch only: each feature has
    its own.
    - (dx_hat * centered).sum(axis=0)
    + (dx_hat * centered).sum()

    dmean_summed_over_all (small): you sum over all numbers on the way to dmean. Sum over the batch only: each feature
    has its own.
    - -dcentered.sum(axis=0)
    + -dcentered.sum()

    doubled (small): all three gradients are twice as large as they should be.
    - return dx, dgamma, dbeta
    + return 2 * dx, 2 * dgamma, 2 * dbeta

    dx_doubled (small): dx is twice as large as it should be: a term may be counted twice.
    - return dx, dgamma, dbeta
    + return 2 * dx, dgamma, dbeta

    dx_is_zero (small): dx is zero everywhere: it is not computed, or dout is summed over the batch before it is used.
    Keep one row an example; only dmean and dvar are sums.
    - return dx, dgamma, dbeta
    + return 0 * dx, dgamma, dbeta

    x_hat_squared (small): x_hat is in dgamma twice.
    - (dout * x_hat).sum(axis=0)
    + (dout * x_hat * x_hat).sum(axis=0)

    in_place (unchanged): you compute in place, as *= does, and thereby change the caller's data.
    - dx_hat = gamma * dout
    + dout *= gamma
    + dx_hat = dout

    in_place_first (small): you multiply dout by gamma in place, and compute dgamma and dbeta from what it has become.
    - dgamma = (dout
    + dout *= gamma
    + dgamma = (dout
    - gamma * dout
    + dout
    """,
)

# batchnorm_backward_alt


@mistake("batchnorm_backward_alt", "no_eps", case="large_eps")
def _(dout, cache):
    """you leave eps out in the backward pass. The root holds it, so its derivative does, too."""
    dx, dgamma, dbeta = batchnorm_backward_alt(dout, cache)
    return dx / cache["inv_std"] / cache["centered"].std(axis=0), dgamma, dbeta


@mistake("batchnorm_backward_alt", "eps_fixed", case="large_eps")
def _(dout, cache):
    """you use a fixed eps in the backward pass. Use the one of the forward pass."""
    dx, dgamma, dbeta = batchnorm_backward_alt(dout, cache)
    return dx / cache["inv_std"] / np.sqrt(cache["centered"].var(axis=0) + 1e-5), dgamma, dbeta


@mistake("batchnorm_backward_alt", "x_for_x_hat", case="small", batchnorm_forward=keeps_x)
def _(dout, cache):
    """you use x where x_hat belongs, in dx and in dgamma."""
    dgamma, dbeta = (dout * cache["x"]).sum(axis=0), dout.sum(axis=0)
    dx = cache["gamma"] * cache["inv_std"] * (dout - dbeta / len(dout) - cache["x"] * dgamma / len(dout))
    return dx, dgamma, dbeta


@mistake("batchnorm_backward_alt", "dx_only", case="small")
def _(dout, cache):
    """you return dx alone. Wanted are dx, dgamma and dbeta."""
    return batchnorm_backward_alt(dout, cache)[0]


changes(
    "batchnorm_backward_alt",
    """
    statistics_constant (small): you take mean and variance for constants. Both depend on every x of the batch.
    - (dout - dbeta / m - x_hat * (dgamma / m))
    + dout

    dgamma_term_missing (small): the term with x_hat and dgamma is missing: you take the variance for a constant.
    - - x_hat * (dgamma / m)

    dbeta_term_missing (small): the term with dbeta is missing: you take the mean for a constant.
    - - dbeta / m

    dbeta_not_averaged (small): the term with dbeta lacks its 1/N.
    - dbeta / m
    + dbeta

    dgamma_not_averaged (small): the term with x_hat and dgamma lacks its 1/N.
    - dgamma / m
    + dgamma

    neither_averaged (small): the terms with dbeta and dgamma lack their 1/N.
    = dbeta_not_averaged, dgamma_not_averaged

    n_times_too_large (small): dx is N times too large: where N stands before dout, 1/N stands before the bracket.
    - gamma * inv_std
    + m * gamma * inv_std

    averaged (small): dx is N times too small: where 1/N stands before the bracket, N stands before dout.
    - gamma * inv_std
    + gamma * inv_std / m

    n_missing_before_dout (small): the N before dout is missing: it stands there where 1/N stands before the
    bracket.
    - (dout -
    + (dout / m -

    ddof (small): you divide by N - 1. The layer's mean and variance divide by N.
    - dbeta / m
    + dbeta / (m - 1)
    - dgamma / m
    + dgamma / (m - 1)

    ddof_in_dgamma_term (small): you divide by N - 1 in the term with x_hat and dgamma. The layer's variance divides by
    N.
    - dgamma / m
    + dgamma / (m - 1)

    gamma_forgotten (small): you forget gamma in dx.
    - gamma * inv_std
    + inv_std

    dgamma_without_dout (small): you forget dout in dgamma, and x_hat alone sums to 0.
    - return dx, dgamma, dbeta
    + return dx, x_hat.sum(axis=0), dbeta

    dgamma_without_dout_everywhere (small): you forget dout in dgamma, and x_hat alone sums to 0. So nothing comes
    along the path through the variance either.
    = dgamma_term_missing, dgamma_without_dout

    gamma_on_dout_only (small): gamma stands on dout only. It belongs to all three terms.
    - gamma * inv_std * (dout
    + inv_std * (gamma * dout

    gamma_twice (small): gamma is in dx twice.
    - gamma * inv_std
    + gamma**2 * inv_std

    inv_std_forgotten (small): you forget one over the standard deviation in dx.
    - gamma * inv_std
    + gamma

    divides_by_variance (small): you divide by the variance in dx. The standard deviation is its root.
    - gamma * inv_std
    + gamma * inv_std**2

    multiplies_by_deviation (small): you multiply dx by the standard deviation. The layer divides by it.
    - gamma * inv_std
    + gamma / inv_std

    extra_inv_std (small): the term with x_hat and dgamma has one over the standard deviation once too often: x_hat
    holds it already.
    - x_hat * (dgamma
    + x_hat * inv_std * (dgamma

    x_hat_forgotten (small): you forget x_hat in the term with dgamma.
    - x_hat * (dgamma / m)
    + dgamma / m

    centered_for_x_hat (small): you use x - mean where x_hat belongs, in the term with dgamma.
    - x_hat * (dgamma
    + x_hat / inv_std * (dgamma

    dbeta_sign (small): the term with dbeta has the wrong sign.
    - - dbeta
    + + dbeta

    dgamma_sign (small): the term with x_hat and dgamma has the wrong sign.
    - - x_hat
    + + x_hat

    both_signs (small): the terms with dbeta and dgamma have the wrong sign.
    = dbeta_sign, dgamma_sign

    brackets_missing (small): brackets are missing: gamma and one over the standard deviation stand on dout only. They
    belong to all three terms.
    - (dout - dbeta / m - x_hat * (dgamma / m))
    + dout - dbeta / m - x_hat * (dgamma / m)

    divides_by_features (small): you divide by D, the number of features. Each sum runs over the N examples.
    - m = len(dout)
    + m = len(gamma)

    axis_1 (square): you sum along the features; with as many examples as features that fits silently.
    - (dout * x_hat).sum(axis=0)
    + (dout * x_hat).sum(axis=1)
    - dout.sum(axis=0)
    + dout.sum(axis=1)

    averages_returned (small): you return averages for dgamma and dbeta. They are sums.
    - return dx, dgamma, dbeta
    + return dx, dgamma / m, dbeta / m

    dgamma_with_gamma (small): you multiply dgamma by gamma. out is linear in gamma, so gamma drops out.
    - return dx, dgamma,
    + return dx, gamma * dgamma,

    dbeta_with_gamma (small): you multiply dbeta by gamma. beta is added after gamma has acted.
    - return dx, dgamma, dbeta
    + return dx, dgamma, gamma * dbeta

    both_with_gamma (small): you multiply dgamma and dbeta by gamma. They start at dout, not at dx_hat.
    - return dx, dgamma, dbeta
    + return dx, gamma * dgamma, gamma * dbeta

    keeps_dimensions (small): you keep the axis that was summed over in dgamma and dbeta, and return shape (1, D).
    Wanted is (D,).
    - return dx, dgamma, dbeta
    + return dx, dgamma[None], dbeta[None]

    dgamma_and_dbeta_swapped (small): you return dbeta before dgamma.
    - return dx, dgamma, dbeta
    + return dx, dbeta, dgamma

    in_place (unchanged): you compute in place, as *= does, and thereby change the caller's data.
    - return dx, dgamma, dbeta
    + dout *= gamma
    + return dx, dgamma, dbeta

    in_place_first (small): you multiply dout by gamma in place, and compute dgamma and dbeta from what it has become.
    - dgamma = (dout
    + dout *= gamma
    + dgamma = (dout
    - gamma * inv_std
    + inv_std
    """,
)

# network_loss


@mistake("network_loss", "softmax_not_shifted", case="large_scores")
def _(x, labels, params, bn_param):
    """your softmax takes the exponential of the scores as they are, and that overflows. softmax_loss is there."""
    z, gamma, beta = x @ params["w1"], params["gamma"], params["beta"]
    out, cache = batchnorm_forward(z, gamma, beta, bn_param) if bn_param else (z + beta, None)
    h, n = np.maximum(out, 0), len(x)
    e = np.exp(h @ params["w2"] + params["b2"])
    p = e / e.sum(axis=1, keepdims=True)
    loss = -np.log(p[np.arange(n), labels]).mean()
    if bn_param and bn_param["mode"] == "test":
        return loss, None
    dscores = (p - np.eye(p.shape[1])[labels]) / n
    dout = dscores @ params["w2"].T * (h > 0)
    dz, dgamma, dbeta = batchnorm_backward(dout, cache) if bn_param else (dout, 0 * gamma, dout.sum(axis=0))
    return loss, {"w1": x.T @ dz, "gamma": dgamma, "beta": dbeta, "w2": h.T @ dscores, "b2": dscores.sum(axis=0)}


@mistake("network_loss", "bn_param_copied", case="keeps_running")
def _(x, labels, params, bn_param):
    """you hand a copy of bn_param to the forward pass, so that the running statistics are lost."""
    return network_loss(x, labels, params, bn_param and dict(bn_param))


@mistake("network_loss", "always_training", case="test_mode")
def _(x, labels, params, bn_param):
    """you use the mode train whatever bn_param says. In the mode test the running statistics take part."""
    return network_loss(x, labels, params, bn_param and {**bn_param, "mode": "train"})


@mistake("network_loss", "bn_param_of_its_own", case="small")
def _(x, labels, params, bn_param):
    """you hand a bn_param of your own to the forward pass. Use the one that you are given."""
    return network_loss(x, labels, params, bn_param and {"mode": bn_param["mode"]})


@mistake("network_loss", "none_handed_on", case="without")
def _(x, labels, params, bn_param):
    """you hand bn_param to the forward pass without asking whether it is None. Without batch norm there is only a shift
    by beta."""
    if bn_param is None:
        batchnorm_forward(x, x, x, bn_param)
    return network_loss(x, labels, params, bn_param)


@mistake("network_loss", "norm_left_out", case="small")
def _(x, labels, params, bn_param):
    """you leave batch norm out, although bn_param is there."""
    return network_loss(x, labels, params, None)


@mistake("network_loss", "loss_only", case="small")
def _(x, labels, params, bn_param):
    """you return the loss alone. Wanted are the loss and the gradients."""
    return network_loss(x, labels, params, bn_param)[0]


@mistake("network_loss", "in_place", case="unchanged")
def _(x, labels, params, bn_param):
    """you compute in place, as *= does, and thereby change the caller's data."""
    returned = network_loss(x, labels, params, bn_param)
    params["w1"] *= 0.5
    return returned


@mistake("network_loss", "grads_without_names", case="small")
def _(x, labels, params, bn_param):
    """grads has none of the names of params. Wanted is a dict with just these: no list, and no d before a name."""
    loss, grads = network_loss(x, labels, params, bn_param)
    return loss, grads and tuple(grads.values())


changes(
    "network_loss",
    """
    loss_summed (small): you sum the loss over the batch. It is an average.
    - loss, dscores = softmax_loss(h @ params["w2"] + params["b2"], labels)
    + loss, dscores = softmax_loss(h @ params["w2"] + params["b2"], labels)
    + loss = loss * len(x)

    loss_and_gradients_summed (small): you sum loss and gradients over the batch. The loss is an average, so its
    gradient has a factor 1/N.
    = loss_summed, gradients_not_averaged

    gradients_not_averaged (small): your gradients are those of the sum over the batch. The loss is an average, and
    dscores has its factor 1/N.
    - dout = (dscores
    + dscores = dscores * len(x)
    + dout = (dscores

    averaged_twice (small): you divide by N once more. dscores has its factor 1/N already.
    - dout = (dscores
    + dscores = dscores / len(x)
    + dout = (dscores

    relu_missing (small): you forget the relu on the way forward and on the way back.
    - np.maximum(out, 0)
    + out
    -  * (out > 0)

    relu_backward_missing (small): you forget the relu on the way back. Where it was closed, no gradient passes.
    -  * (out > 0)

    mask_from_linear (small): the relu is closed where x @ w1 is negative. Look at what went into it: what batch norm,
    or the shift by beta, has made.
    - (out > 0)
    + (z > 0)

    mask_from_gradient (small): the relu is closed where the gradient is negative. Look at what went into it on the way
    forward.
    - dout = (dscores @ params["w2"].T) * (out > 0)
    + dout = np.maximum(dscores @ params["w2"].T, 0)

    mask_reversed (small): the relu lets gradients pass where it was closed.
    - (out > 0)
    + (out <= 0)

    relu_by_value (small): you multiply the gradient by the output of the relu. Its derivative is 1 or 0.
    - (out > 0)
    + h

    relu_before_norm (small): you apply the relu before batch norm. It comes after it.
    - z, gamma, beta = x @ params["w1"], params["gamma"], params["beta"]
    + z, gamma, beta = np.maximum(x @ params["w1"], 0), params["gamma"], params["beta"]
    - h = np.maximum(out, 0)
    + h = out
    - dw1, dw2, db2 = x.T @ dz,
    + dw1, dw2, db2 = x.T @ (dz * (z > 0)),
    -  * (out > 0)

    norm_backward_missing (small): the gradient of w1 goes past batch norm. It has to go back through it.
    - x.T @ dz
    + x.T @ dout

    statistics_constant (small): you take mean and variance for constants on the way back.
    - dw1, dw2, db2 = x.T @ dz,
    + dw1, dw2, db2 = x.T @ (dz if cache is None else gamma * cache["inv_std"] * dout),

    w1_transposed (small): you multiply by the transposed w1. With as many units as features that fits silently.
    - x @ params["w1"]
    + x @ params["w1"].T

    beta_before_norm (test_mode): you add beta before batch norm, too. In training the mean takes it away again, and in
    evaluation it stays.
    - batchnorm_forward(z,
    + batchnorm_forward(z + beta,

    w2_not_transposed (square): you multiply dscores by w2 as it is. On the way back it is transposed.
    - params["w2"].T
    + params["w2"]

    b2_averaged (small): you average the gradient of b2 over the batch. It is a sum.
    - dscores.sum(axis=0)
    + dscores.mean(axis=0)

    b2_not_summed (small): you do not sum the gradient of b2 over the batch.
    - dscores.sum(axis=0)
    + dscores

    b2_summed_over_all (small): you sum the gradient of b2 over all numbers. Sum over the batch: each class has its own.
    - dscores.sum(axis=0)
    + dscores.sum()

    b2_forgotten (small): you forget b2 in the scores.
    - h @ params["w2"] + params["b2"]
    + h @ params["w2"]

    w2_from_out (small): the gradient of w2 takes what went into the relu. w2 multiplies h, which came out of it.
    - h.T @ dscores
    + out.T @ dscores

    signs (small): your gradients have the wrong sign. They point to where the loss grows; the update subtracts them.
    - dout = (dscores
    + dscores = -dscores
    + dout = (dscores

    gamma_and_beta_swapped (small): the gradients of gamma and beta have changed places.
    - "gamma": dgamma, "beta": dbeta
    + "gamma": dbeta, "beta": dgamma

    gamma_missing (small): grads lacks gamma.
    - "gamma": dgamma,

    beta_left_out (without): without batch norm you leave beta out. It stays, as a bias: h = relu of x @ w1 + beta.
    - z + beta, None
    + z, None
    - 0 * gamma, dout.sum(axis=0)
    + 0 * gamma, 0 * beta

    beta_not_trained (without): without batch norm the gradient of beta is zeros. beta is a bias there, and learns.
    - 0 * gamma, dout.sum(axis=0)
    + 0 * gamma, 0 * beta

    gamma_trained (without): without batch norm gamma has a gradient. It takes no part there: zeros are wanted.
    - 0 * gamma, dout.sum(axis=0)
    + dout.sum(axis=0), dout.sum(axis=0)

    no_gradients_without (without): without batch norm you return no gradients. Only in the mode test grads is None.
    - if bn_param is not None and
    + if bn_param is None or

    gamma_is_none (without): without batch norm the gradient of gamma is None. Zeros are wanted, of its shape.
    - 0 * gamma
    + None

    without_refused (without): you use bn_param without asking whether it is None.
    - if bn_param is not None and bn_param
    + if bn_param

    gradients_in_test_mode (test_mode): you return gradients in the mode test, too. There grads is None.
    - return loss, None
    + return loss, {}
    """,
)

# train_network


@mistake("train_network", "params_in_place", case="unchanged")
def _(x, labels, params, bn_param, batches, rate):
    """you change the caller's params: make new arrays, or a copy of each, before the first update."""
    losses = []
    for rows in batches:
        loss, grads = network_loss(x[rows], labels[rows], params, bn_param)
        losses.append(loss)
        for name in params:
            params[name] -= rate * grads[name]
    return params, np.array(losses)


@mistake("train_network", "bn_param_renewed", case="keeps_running")
def _(x, labels, params, bn_param, batches, rate):
    """each step has a copy of bn_param, so that the running statistics are lost. Hand on bn_param itself."""
    return train_network(x, labels, params, bn_param and dict(bn_param), batches, rate)


@mistake("train_network", "bn_param_of_its_own", case="small")
def _(x, labels, params, bn_param, batches, rate):
    """you hand a bn_param of your own to each step. Hand on the one that you are given, be it None."""
    return train_network(x, labels, params, {"mode": "train"}, batches, rate)


@mistake("train_network", "returns_in_inner_loop", case="small")
def _(x, labels, params, bn_param, batches, rate):
    """you return after the update of one parameter: the return stands inside the inner loop."""
    loss, grads = network_loss(x[batches[0]], labels[batches[0]], params, bn_param)
    return {**params, "w1": params["w1"] - rate * grads["w1"]}, np.array([loss])


@mistake("train_network", "always_with_norm", case="without")
def _(x, labels, params, bn_param, batches, rate):
    """you train with batch norm where bn_param is None. Hand it on as it is."""
    return train_network(x, labels, params, bn_param or {"mode": "train"}, batches, rate)


@mistake("train_network", "never_with_norm", case="small")
def _(x, labels, params, bn_param, batches, rate):
    """you train without batch norm. Hand bn_param on to each step."""
    return train_network(x, labels, params, None, batches, rate)


changes(
    "train_network",
    """
    update_sign (small): your update adds the gradient, so the loss grows. It goes against the gradient.
    - p - rate
    + p + rate

    no_rate (small): you forget the learning rate.
    - rate * grads
    + grads

    rate_divides (small): you divide by the learning rate. It is a factor.
    - p - rate * grads[name]
    + p - grads[name] / rate

    not_trained (small): you update nothing, or forget to keep what the update gives.
    - p - rate * grads[name]
    + p

    starts_again (small): each step starts from the params that you were given, and not from what the last one made; or
    the update stands below the loop.
    - for name, p in trained.items()
    + for name, p in params.items()
    - labels[rows], trained, bn_param
    + labels[rows], params, bn_param

    gradients_of_the_start (small): each gradient is taken at the params that you were given. Take it where training
    has come to.
    - labels[rows], trained, bn_param
    + labels[rows], params, bn_param

    same_batch (small): each step has the same batch, the first. Use each of batches once.
    - network_loss(x[rows], labels[rows]
    + network_loss(x[batches[0]], labels[batches[0]]

    whole_data (small): each step has all examples. Use the rows of its batch.
    - network_loss(x[rows], labels[rows]
    + network_loss(x, labels

    first_rows (small): each step has the first rows of x, as many as its batch. Use the rows whose numbers it holds.
    - network_loss(x[rows], labels[rows]
    + network_loss(x[: len(rows)], labels[: len(rows)]

    labels_not_of_the_batch (small): the labels do not belong to the rows. Take both from the same rows.
    - labels[rows]
    + labels[: len(rows)]

    reversed_order (small): you use the batches in another order than they come in.
    - for rows in batches
    + for rows in batches[::-1]

    one_step_only (small): you return after the first update: the return stands inside the loop.
    - losses.append(loss)
    + losses.append(loss)
    + break

    last_batch_left_out (small): you leave the last batch out.
    - for rows in batches
    + for rows in batches[:-1]

    gamma_not_updated (small): you do not update gamma. It learns like the others.
    - rate * grads[name]
    + (name != "gamma") * rate * grads[name]

    beta_not_updated (small): you do not update beta. It learns like the others.
    - rate * grads[name]
    + (name != "beta") * rate * grads[name]

    norm_not_updated (small): you update neither gamma nor beta. They learn like the others.
    - rate * grads[name]
    + (name not in ("gamma", "beta")) * rate * grads[name]

    weights_only (small): you update w1 and w2 only. All five parameters learn.
    - rate * grads[name]
    + (name in ("w1", "w2")) * rate * grads[name]

    b2_not_updated (small): you do not update b2. It learns like the others.
    - rate * grads[name]
    + (name != "b2") * rate * grads[name]

    divided_by_batch (small): you divide the gradient by the size of the batch. The loss is an average already.
    - rate * grads[name]
    + rate * grads[name] / len(rows)

    losses_after_update (small): losses holds what each batch has after its update. Wanted is the loss before it.
    - losses.append(loss)
    + losses.append(network_loss(x[rows], labels[rows], trained, bn_param and dict(bn_param))[0])

    last_loss (small): you return the last loss alone. Wanted is the loss of each step.
    - np.array(losses)
    + losses[-1]

    mean_loss (small): you return the mean of the losses. Wanted is the loss of each step.
    - np.array(losses)
    + np.mean(losses)

    losses_summed (small): you return the sum of the losses. Wanted is the loss of each step.
    - np.array(losses)
    + np.sum(losses)

    losses_first (small): you return the losses before the parameters.
    - return trained, np.array(losses)
    + return np.array(losses), trained

    params_returned (small): you return the params that you were given, and not those that training has made.
    - return trained, np
    + return params, np

    gradients_returned (small): you return the last gradients in the place of the parameters.
    - return trained, np
    + return grads, np
    """,
)

# Right answers, in the styles that learners write


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


@right("network_loss", "two arms apart, names from params")
def _(x, labels, params, bn_param):
    w1, gamma, beta, w2, b2 = (params[name] for name in ("w1", "gamma", "beta", "w2", "b2"))
    if bn_param is None:
        a = x @ w1 + beta
        h = np.where(a > 0, a, 0)
        loss, ds = softmax_loss(h @ w2 + b2, labels)
        da = np.where(a > 0, ds @ w2.T, 0)
        grads = {"w1": x.T @ da, "gamma": np.zeros_like(gamma), "beta": da.sum(0)}
        return loss, {**grads, "w2": h.T @ ds, "b2": ds.sum(0)}
    a, cache = batchnorm_forward(x @ w1, gamma, beta, bn_param)
    h = np.where(a > 0, a, 0)
    loss, ds = softmax_loss(h @ w2 + b2, labels)
    if bn_param["mode"] == "test":
        return loss, None
    dz, dgamma, dbeta = batchnorm_backward(np.where(a > 0, ds @ w2.T, 0), cache)
    return loss, {"w1": x.T @ dz, "gamma": dgamma, "beta": dbeta, "w2": h.T @ ds, "b2": ds.sum(0)}


@right("network_loss", "the closed form, a mask kept, keys in another order")
def _(x, labels, params, bn_param):
    out = x @ params["w1"]
    if bn_param is None:
        out = out + params["beta"]
    else:
        out, cache = batchnorm_forward(out, params["gamma"], params["beta"], bn_param)
    on = (out > 0).astype(out.dtype)
    loss, dscores = softmax_loss((out * on) @ params["w2"] + params["b2"], labels)
    grads = {"b2": dscores.sum(axis=0), "w2": (out * on).T @ dscores}
    dout = on * (dscores @ params["w2"].T)
    if bn_param is None:
        grads |= {"beta": dout.sum(axis=0), "gamma": np.zeros(len(params["gamma"])), "w1": x.T @ dout}
    elif bn_param["mode"] == "train":
        dz, grads["gamma"], grads["beta"] = batchnorm_backward_alt(dout, cache)
        grads["w1"] = x.T @ dz
    else:
        grads = None
    return loss, grads


@right("network_loss", "a softmax of its own, einsum")
def _(x, labels, params, bn_param):
    z, n = np.einsum("nd,dh->nh", x, params["w1"]), len(x)
    plain = bn_param is None
    a, cache = (z + params["beta"], 0) if plain else batchnorm_forward(z, params["gamma"], params["beta"], bn_param)
    h = a.copy()
    h[h < 0] = 0
    scores = np.einsum("nh,hc->nc", h, params["w2"]) + params["b2"]
    scores = scores - np.max(scores, axis=1)[:, None]
    total = np.exp(scores).sum(axis=1)
    loss = np.sum(np.log(total) - scores[np.arange(n), labels]) / n
    if not plain and bn_param["mode"] == "test":
        return float(loss), None
    dscores = np.exp(scores) / total[:, None]
    dscores[np.arange(n), labels] -= 1
    dscores /= n
    dh = np.einsum("nc,hc->nh", dscores, params["w2"])
    dh[a <= 0] = 0
    dz, dgamma, dbeta = (dh, 0 * dh[0], dh.sum(axis=0)) if plain else batchnorm_backward(dh, cache)
    names = ("w1", "gamma", "beta", "w2", "b2")
    gradients = np.einsum("nd,nh->dh", x, dz), dgamma, dbeta, np.einsum("nh,nc->hc", h, dscores), dscores.sum(axis=0)
    return [float(loss), dict(zip(names, gradients, strict=True))]


@right("network_loss", "example by example")
def _(x, labels, params, bn_param):
    z = np.array([row @ params["w1"] for row in x])
    if bn_param is None:
        out = z + params["beta"]
    else:
        out, cache = batchnorm_forward(z, params["gamma"], params["beta"], bn_param)
    h = np.maximum(0, out)
    loss, dscores = softmax_loss(h @ params["w2"] + params["b2"], labels)
    if bn_param is not None and bn_param["mode"] != "train":
        return loss, None
    grads = {name: np.zeros(value.shape) for name, value in params.items()}
    dout = np.zeros(out.shape)
    for i, row in enumerate(dscores):
        grads["w2"] += np.outer(h[i], row)
        grads["b2"] += row
        dout[i] = (params["w2"] @ row) * (h[i] > 0)
        grads["beta"] += dout[i]
    dz = dout
    if bn_param is not None:
        dz, grads["gamma"], grads["beta"] = batchnorm_backward(dout, cache)
    for i, row in enumerate(x):
        grads["w1"] += np.outer(row, dz[i])
    return loss, grads


@right("train_network", "copies, updated in place")
def _(x, labels, params, bn_param, batches, rate):
    params = {name: value.copy() for name, value in params.items()}
    losses = np.zeros(len(batches))
    for i, rows in enumerate(batches):
        losses[i], grads = network_loss(x[rows], labels[rows], params, bn_param)
        for name in params:
            params[name] -= rate * grads[name]
    return params, losses


@right("train_network", "a list of losses, np.take")
def _(x, labels, params, bn_param, batches, rate):
    losses, trained = [], dict(params)
    for i in range(len(batches)):
        rows = batches[i]
        loss, grads = network_loss(np.take(x, rows, axis=0), np.take(labels, rows), trained, bn_param)
        for name in grads:
            trained[name] = trained[name] - rate * grads[name]
        losses += [float(loss)]
    return trained, losses


@right("train_network", "five lines of updates")
def _(x, labels, params, bn_param, batches, rate):
    w1, gamma, beta, w2, b2 = params["w1"], params["gamma"], params["beta"], params["w2"], params["b2"]
    losses = np.array([])
    for rows in batches:
        now = {"w1": w1, "gamma": gamma, "beta": beta, "w2": w2, "b2": b2}
        loss, grads = network_loss(x[rows], labels[rows], now, bn_param)
        losses = np.append(losses, loss)
        w1 = w1 - rate * grads["w1"]
        gamma = gamma - rate * grads["gamma"]
        beta = beta - rate * grads["beta"]
        w2 = w2 - rate * grads["w2"]
        b2 = b2 - rate * grads["b2"]
    return {"b2": b2, "w2": w2, "beta": beta, "gamma": gamma, "w1": w1}, losses


@right("train_network", "one batch after the other, by recursion")
def _(x, labels, params, bn_param, batches, rate):
    def onward(params, left):
        if not left:
            return params, []
        loss, grads = network_loss(x[left[0]], labels[left[0]], params, bn_param)
        end, losses = onward({k: np.subtract(v, rate * grads[k]) for k, v in params.items()}, left[1:])
        return end, [loss, *losses]

    return onward(params, list(batches))
