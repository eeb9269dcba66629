"""What goes wrong in notebook 3."""

from __future__ import annotations

import numpy as np

from bn_helpers.layers import batchnorm_backward, batchnorm_backward_alt, batchnorm_forward
from bn_helpers.mistakes.entry import changes, mistake

# scale_and_shift_backward

changes(
    "scale_and_shift_backward",
    """
    gamma_forgotten (square): you forget gamma in dx_hat.
    - return dout * gamma,
    + return dout,

    divides_by_gamma (square): you divide by gamma in dx_hat. The derivative of gamma * x_hat is gamma.
    - return dout * gamma,
    + return dout / gamma,

    gamma_as_column (square): you use gamma as a column, one entry an example; with as many examples as features that
    fits silently.
    - return dout * gamma,
    + return dout * gamma[:, None],

    dx_hat_is_gamma (square): you return gamma for dx_hat, without dout. By the chain rule dout is a factor everywhere.
    - return dout * gamma,
    + return gamma + 0 * dout,

    dgamma_averaged (square): you average dgamma over the batch. It is a sum.
    - np.einsum("nd,nd->d", dout, x_hat)
    + np.einsum("nd,nd->d", dout, x_hat) / len(dout)

    dbeta_averaged (square): you average dbeta over the batch. It is a sum.
    - dout.sum(axis=0)
    + dout.mean(axis=0)

    both_averaged (square): you average dgamma and dbeta over the batch. They are sums.
    - np.einsum("nd,nd->d", dout, x_hat), dout.sum(axis=0)
    + (dout * x_hat).mean(axis=0), dout.mean(axis=0)

    dgamma_not_summed (square): you do not sum dgamma over the batch.
    - np.einsum("nd,nd->d", dout, x_hat)
    + dout * x_hat

    dbeta_not_summed (square): you do not sum dbeta over the batch.
    - dout.sum(axis=0)
    + dout

    nothing_summed (square): you sum neither dgamma nor dbeta over the batch.
    - np.einsum("nd,nd->d", dout, x_hat), dout.sum(axis=0)
    + dout * x_hat, dout

    axis_1 (square): you sum along the features, so you get one number an example. Wanted is one number a feature.
    - np.einsum("nd,nd->d", dout, x_hat), dout.sum(axis=0)
    + (dout * x_hat).sum(axis=1), dout.sum(axis=1)

    whole_array (square): you sum over all numbers at once. Each feature has a gradient of its own.
    - np.einsum("nd,nd->d", dout, x_hat), dout.sum(axis=0)
    + (dout * x_hat).sum(), dout.sum()

    keeps_dimensions (square): you keep the axis that was summed over, and return shape (1, D). Wanted is (D,).
    - np.einsum("nd,nd->d", dout, x_hat), dout.sum(axis=0)
    + (dout * x_hat).sum(axis=0, keepdims=True), dout.sum(axis=0, keepdims=True)

    dgamma_without_x_hat (square): you forget x_hat in dgamma.
    - np.einsum("nd,nd->d", dout, x_hat)
    + dout.sum(axis=0)

    dgamma_without_dout (square): you forget dout in dgamma.
    - np.einsum("nd,nd->d", dout, x_hat)
    + x_hat.sum(axis=0)

    dgamma_with_gamma (square): you multiply dgamma by gamma. out is linear in gamma, so gamma drops out.
    - np.einsum("nd,nd->d", dout, x_hat)
    + np.einsum("nd,nd->d", dout, gamma * x_hat)

    dgamma_product_of_sums (square): you sum dout and x_hat apart and multiply the sums. Multiply first, then sum.
    - np.einsum("nd,nd->d", dout, x_hat)
    + dout.sum(axis=0) * x_hat.sum(axis=0)

    dgamma_matrix (square): you return a matrix for dgamma. Wanted is its diagonal: one number a feature.
    - np.einsum("nd,nd->d", dout, x_hat)
    + dout.T @ x_hat

    dbeta_with_gamma (square): you multiply dbeta by gamma. beta is added after gamma has acted.
    - dout.sum(axis=0)
    + (gamma * dout).sum(axis=0)

    dbeta_without_dout (square): you return N for dbeta. By the chain rule dout is a factor everywhere.
    - dout.sum(axis=0)
    + np.ones_like(dout).sum(axis=0)

    dgamma_and_dbeta_swapped (square): you return dbeta before dgamma.
    - np.einsum("nd,nd->d", dout, x_hat), dout.sum(axis=0)
    + dout.sum(axis=0), np.einsum("nd,nd->d", dout, x_hat)

    in_place (unchanged): you multiply dout in place, and thereby change the caller's data.
    - return dout * gamma, np.einsum("nd,nd->d", dout, x_hat), dout.sum(axis=0)
    + dgamma, dbeta = np.einsum("nd,nd->d", dout, x_hat), dout.sum(axis=0)
    + dout *= gamma
    + return dout, dgamma, dbeta

    in_place_first (square): you multiply dout by gamma in place, and compute dgamma and dbeta from what it has become.
    - return dout * gamma,
    + dout *= gamma
    + return dout,
    """,
)

# frozen_backward

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
    - return dout * (
    + return (dout - dout.mean(axis=0)) * (

    averaged (square): you divide by N. Each example stands alone here.
    - return dout * (
    + return dout / len(dout) * (

    summed (square): you sum over the batch. Each example stands alone here.
    - return dout * (gamma / np.sqrt(var + eps))
    + return (dout * (gamma / np.sqrt(var + eps))).sum(axis=0)

    one_entry_an_example (square): you use gamma and var as columns, one entry an example; with as many examples as
    features that fits silently.
    - return dout * (gamma / np.sqrt(var + eps))
    + return dout * (gamma / np.sqrt(var + eps))[:, None]

    variance_of_dout (square): you divide by the standard deviation of dout. Use the variance that you are given.
    - np.sqrt(var + eps)
    + np.sqrt(dout.var(axis=0) + eps)

    in_place (unchanged): you scale dout in place, and thereby change the caller's data.
    - return dout * (gamma / np.sqrt(var + eps))
    + dout *= gamma / np.sqrt(var + eps)
    + return dout
    """,
)

# Both backward passes, staged and in closed form


def forward_with_x(x, gamma, beta, bn_param):
    """The forward pass with a cache that holds x and eps, too."""
    out, cache = batchnorm_forward(x, gamma, beta, bn_param)
    return out, {**cache, "x": x, "eps": bn_param.get("eps", 1e-5)}


for exercise, right in {
    "batchnorm_backward": batchnorm_backward,
    "batchnorm_backward_alt": batchnorm_backward_alt,
}.items():
    pass
