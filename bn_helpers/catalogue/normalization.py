"""What goes wrong, and what goes right, in notebook 1."""

from __future__ import annotations

import itertools
import sys
import warnings
from typing import NamedTuple

import numpy as np

from bn_helpers.catalogue.entry import EPS_ADDED_LAST, EPS_SLIPS, changes, mistake, right
from bn_helpers.layers import batch_statistics, normalize

# batch_statistics


@mistake("batch_statistics", "ddof", case="small")
def _(x):
    """you divide the variance by N - 1. The batch is all there is, so it divides by N."""
    return x.mean(axis=0), x.var(axis=0, ddof=1)


@mistake("batch_statistics", "ddof_of_both", case="small")
def _(x):
    """you divide by N - 1, in the mean and in the variance. Both divide by N."""
    mean = x.sum(axis=0) / (len(x) - 1)
    return mean, ((x - mean) ** 2).sum(axis=0) / (len(x) - 1)


@mistake("batch_statistics", "divides_by_features", case="small")
def _(x):
    """you divide by D, the number of features. Each sum runs over the N examples."""
    mean = x.sum(axis=0) / x.shape[1]
    return mean, ((x - mean) ** 2).sum(axis=0) / x.shape[1]


@mistake("batch_statistics", "axis_1", case="square")
def _(x):
    """you average along the features, so you get one number an example. Wanted is one number a feature."""
    return x.mean(axis=1), x.var(axis=1)


@mistake("batch_statistics", "whole_array", case="small")
def _(x):
    """you average over all numbers at once. Each feature has a mean and a variance of its own."""
    return x.mean(), x.var()


@mistake("batch_statistics", "variance_of_all", case="small")
def _(x):
    """you take the variance of all numbers at once. Each feature has its own."""
    return x.mean(axis=0), x.var()


@mistake("batch_statistics", "keeps_dimensions", case="small")
def _(x):
    """you keep the axis that was averaged over, and return shape (1, D). Wanted is (D,)."""
    return x.mean(axis=0, keepdims=True), x.var(axis=0, keepdims=True)


@mistake("batch_statistics", "standard_deviation", case="small")
def _(x):
    """you return the standard deviation in the place of the variance: leave the root out."""
    return x.mean(axis=0), x.std(axis=0)


@mistake("batch_statistics", "not_centered", case="small")
def _(x):
    """you average the squares without subtracting the mean first."""
    return x.mean(axis=0), (x**2).mean(axis=0)


@mistake("batch_statistics", "centered_globally", case="small")
def _(x):
    """you measure the distance to the mean of all numbers. Each feature has a mean of its own."""
    return x.mean(axis=0), ((x - x.mean()) ** 2).mean(axis=0)


@mistake("batch_statistics", "absolute_distance", case="small")
def _(x):
    """you average the absolute distance to the mean. The variance averages its square."""
    mean = x.mean(axis=0)
    return mean, np.abs(x - mean).mean(axis=0)


@mistake("batch_statistics", "not_squared", case="small")
def _(x):
    """you average the distance to the mean without squaring it, so what is above and what is below cancel."""
    mean = x.mean(axis=0)
    return mean, (x - mean).mean(axis=0)


@mistake("batch_statistics", "sum_of_squares", case="small")
def _(x):
    """you sum the squared distances and do not divide by N."""
    mean = x.mean(axis=0)
    return mean, ((x - mean) ** 2).sum(axis=0)


@mistake("batch_statistics", "mean_divided_twice", case="small")
def _(x):
    """you divide the mean by N twice, once in a mean and once by hand."""
    mean = x.mean(axis=0) / len(x)
    return mean, ((x - mean) ** 2).mean(axis=0)


@mistake("batch_statistics", "covariance", case="small")
def _(x):
    """you return the covariance matrix. Wanted is its diagonal: one variance a feature."""
    return x.mean(axis=0), (x - x.mean(axis=0)).T @ (x - x.mean(axis=0)) / len(x)


@mistake("batch_statistics", "swapped", case="small")
def _(x):
    """you return the variance before the mean."""
    return x.var(axis=0), x.mean(axis=0)


@mistake("batch_statistics", "mean_only", case="small")
def _(x):
    """you return the mean alone, without the variance."""
    return x.mean(axis=0)


@mistake("batch_statistics", "one_pass", case="large_mean")
def _(x):
    """you subtract the squared mean from the mean of the squares. With a large mean both are huge, and what is left is
    rounding."""
    return x.mean(axis=0), (x * x).mean(axis=0) - x.mean(axis=0) ** 2


@mistake("batch_statistics", "integers_stay_integers", case="integer")
def _(x):
    """you compute in integers where integers come in, so fractions are cut off, or NumPy refuses."""
    mean = np.zeros_like(x, shape=x.shape[1])
    mean[:] = x.mean(axis=0)
    return mean, ((x - mean) ** 2).mean(axis=0)


@mistake("batch_statistics", "in_place", case="unchanged")
def _(x):
    """you compute in place, as -= does, and thereby change the caller's data."""
    mean = x.mean(axis=0)
    x -= mean
    return mean, (x**2).mean(axis=0)


# normalize


@mistake("normalize", "ddof", case="small")
def _(x, eps=1e-5):
    """you divide the variance by N - 1. The batch is all there is, so it divides by N."""
    return (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0, ddof=1) + eps)


@mistake("normalize", "eps_outside_root", case="small")
def _(x, eps=1e-5):
    """you add eps to the standard deviation. It is added to the variance, under the root."""
    return (x - x.mean(axis=0)) / (x.std(axis=0) + eps)


@mistake("normalize", "eps_inside_and_outside", case="small")
def _(x, eps=1e-5):
    """you add eps twice, under the root and after it. It belongs under the root."""
    return (x - x.mean(axis=0)) / (np.sqrt(x.var(axis=0) + eps) + eps)


@mistake("normalize", "no_eps", case="constant")
def _(x, eps=1e-5):
    """you leave eps out, so a feature that never changes divides 0 by 0."""
    return (x - x.mean(axis=0)) / x.std(axis=0)


@mistake("normalize", "eps_as_floor", case="small")
def _(x, eps=1e-5):
    """you use eps only where the standard deviation is too small. It is added to every variance."""
    return (x - x.mean(axis=0)) / np.maximum(x.std(axis=0), eps)


@mistake("normalize", "eps_fixed", case="small")
def _(x, eps=1e-5):
    """you use a fixed eps. It is an argument: use the one you are given."""
    return normalize(x)


@mistake("normalize", "eps_default_tiny", case="tiny_variance")
def _(x, eps=1e-8):
    """your default eps is 1e-8. Here it is 1e-5."""
    return normalize(x, eps)


@mistake("normalize", "divides_by_variance", case="small")
def _(x, eps=1e-5):
    """you divide by the variance. The standard deviation is its root."""
    return (x - x.mean(axis=0)) / (x.var(axis=0) + eps)


@mistake("normalize", "root_twice", case="small")
def _(x, eps=1e-5):
    """you take the root twice: you treat a standard deviation as if it was the variance."""
    return (x - x.mean(axis=0)) / np.sqrt(x.std(axis=0) + eps)


@mistake("normalize", "multiplies", case="small")
def _(x, eps=1e-5):
    """you multiply by the standard deviation. Dividing by it brings every feature to the same scale."""
    return (x - x.mean(axis=0)) * np.sqrt(x.var(axis=0) + eps)


@mistake("normalize", "sum_of_squares", case="small")
def _(x, eps=1e-5):
    """you sum the squared distances and do not divide by N, so each feature gets length 1 and not variance 1."""
    return (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) * len(x) + eps)


@mistake("normalize", "not_centered", case="small")
def _(x, eps=1e-5):
    """you divide and do not subtract the mean."""
    return x / np.sqrt(x.var(axis=0) + eps)


@mistake("normalize", "not_scaled", case="small")
def _(x, eps=1e-5):
    """you subtract the mean and do not divide by the standard deviation."""
    return x - x.mean(axis=0)


@mistake("normalize", "mean_after_division", case="small")
def _(x, eps=1e-5):
    """you divide x alone and subtract the mean afterwards. Brackets are missing: subtract first."""
    return x / np.sqrt(x.var(axis=0) + eps) - x.mean(axis=0)


@mistake("normalize", "second_moment", case="small")
def _(x, eps=1e-5):
    """you divide by the root of the mean square. The variance is about the distance to the mean."""
    return (x - x.mean(axis=0)) / np.sqrt((x**2).mean(axis=0) + eps)


@mistake("normalize", "mean_divided_twice", case="small")
def _(x, eps=1e-5):
    """you divide the mean by N twice, once in a mean and once by hand."""
    return (x - x.mean(axis=0) / len(x)) / np.sqrt(x.var(axis=0) + eps)


@mistake("normalize", "each_example", case="square")
def _(x, eps=1e-5):
    """you normalize each example over its features (that is layer normalization). Normalize each feature over the
    batch."""
    return (x - x.mean(axis=1, keepdims=True)) / np.sqrt(x.var(axis=1, keepdims=True) + eps)


@mistake("normalize", "axis_1", case="square")
def _(x, eps=1e-5):
    """you average along the features and not along the batch; with as many examples as features the wrong vectors fit
    silently."""
    return (x - x.mean(axis=1)) / np.sqrt(x.var(axis=1) + eps)


@mistake("normalize", "whole_array", case="small")
def _(x, eps=1e-5):
    """you use one mean and one variance for all numbers. Each feature has its own."""
    return (x - x.mean()) / np.sqrt(x.var() + eps)


@mistake("normalize", "global_variance", case="small")
def _(x, eps=1e-5):
    """you use one variance for all features. Each feature has its own."""
    return (x - x.mean(axis=0)) / np.sqrt(x.var() + eps)


@mistake("normalize", "minimum_to_maximum", case="small")
def _(x, eps=1e-5):
    """you bring each feature between its minimum and its maximum. Use the mean and the standard deviation."""
    return (x - x.min(axis=0)) / (x.max(axis=0) - x.min(axis=0) + eps)


@mistake("normalize", "one_pass", case="large_mean")
def _(x, eps=1e-5):
    """you subtract the squared mean from the mean of the squares. With a large mean both are huge, and what is left is
    rounding."""
    var = (x * x).mean(axis=0) - x.mean(axis=0) ** 2
    return (x - x.mean(axis=0)) / np.sqrt(np.maximum(var, 0) + eps)


@mistake("normalize", "refuses_one_row", case="one_row")
def _(x, eps=1e-5):
    """you refuse a batch of one. It has a mean, and a variance of 0; eps keeps the division finite."""
    if len(x) == 1:
        raise ValueError("the variance needs two examples")
    return normalize(x, eps)


@mistake("normalize", "passes_one_row", case="one_row")
def _(x, eps=1e-5):
    """you hand a batch of one through as it is. It is its own mean, so it becomes 0."""
    return x if len(x) == 1 else normalize(x, eps)


@mistake("normalize", "integers_stay_integers", case="integer")
def _(x, eps=1e-5):
    """you write the result into an array of integers where integers come in, so fractions are cut off, or NumPy
    refuses."""
    x_hat = np.zeros_like(x)
    x_hat[:] = normalize(x, eps)
    return x_hat


@mistake("normalize", "in_place", case="unchanged")
def _(x, eps=1e-5):
    """you compute in place, as -= does, and thereby change the caller's data."""
    std = np.sqrt(x.var(axis=0) + eps)
    x -= x.mean(axis=0)
    return x / std


@mistake("normalize", "returns_statistics", case="small")
def _(x, eps=1e-5):
    """you return the mean and the variance. Wanted is the normalized batch."""
    return batch_statistics(x)


changes("normalize", EPS_SLIPS.format(case="small"))
changes("normalize", EPS_ADDED_LAST.format(case="small", var="var"))

# layer_outputs

changes(
    "layer_outputs",
    """
    norm_after_nonlinearity (normalized): you normalize what comes out of the nonlinearity. The norm stands before it.
    - h = nonlinearity(z if norm is None else norm(z))
    + h = nonlinearity(z) if norm is None else norm(nonlinearity(z))

    norm_before_linear (normalized): you normalize what goes into the linear map. The norm stands after it.
    - z = h @ w
    + z = (h if norm is None else norm(h)) @ w
    - nonlinearity(z if norm is None else norm(z))
    + nonlinearity(z)

    norm_ignored (normalized): you never call the norm.
    - z if norm is None else norm(z)
    + z

    norm_always_called (easy): you call the norm even where it is None.
    - z if norm is None else norm(z)
    + norm(z)

    norm_in_first_layer_only (normalized): you normalize in the first layer only. The norm stands in every layer.
    - if norm is None
    + if norm is None or outputs

    norm_missing_in_last_layer (normalized): you leave the norm out in the last layer. It stands in every layer.
    - if norm is None
    + if norm is None or len(outputs) == len(weights) - 1

    norm_or_nonlinearity (normalized): you leave the nonlinearity out where there is a norm. Both belong into a layer.
    - nonlinearity(z if norm is None else norm(z))
    + nonlinearity(z) if norm is None else norm(z)

    norm_of_input_only (normalized): you normalize the data once, before the first layer. The norm stands inside every
    layer.
    - h = x
    + h = x if norm is None else norm(x)
    - z if norm is None else norm(z)
    + z

    norm_not_passed_on (normalized): you normalize what you store, and hand on to the next layer what is not normalized.
    - h = nonlinearity(z if norm is None else norm(z))
    + h = nonlinearity(z)
    - outputs.append(h)
    + outputs.append(nonlinearity(z if norm is None else norm(z)))

    always_tanh (relu): you always use tanh. The nonlinearity is an argument: use the one you are given.
    - h = nonlinearity(
    + h = np.tanh(

    nonlinearity_missing_in_last_layer (easy): you leave the nonlinearity out in the last layer. Here every layer has
    one.
    - return outputs
    + return [*outputs[:-1], z if norm is None else norm(z)]

    no_nonlinearity (easy): you never call the nonlinearity.
    - h = nonlinearity(z if norm is None else norm(z))
    + h = z if norm is None else norm(z)

    before_nonlinearity (easy): you store what goes into the nonlinearity. Wanted is what comes out of it.
    - outputs.append(h)
    + outputs.append(z if norm is None else norm(z))

    starts_again_from_x (easy): you hand x to every layer. Each layer takes in what the one before puts out.
    - z = h @ w
    + z = x @ w

    transposed_weights (easy): you multiply by the transposed matrices. With square ones this fits silently.
    - z = h @ w
    + z = h @ w.T

    includes_input (easy): you put the input into the list, too. Wanted is one array a layer.
    - outputs = []
    + outputs = [x]

    last_output_only (easy): you return the output of the last layer. Wanted is a list with the output of every layer.
    - return outputs
    + return h

    one_layer_in_list (easy): your list holds one layer alone: the return stands inside the loop, or each turn of it
    begins a new list.
    - outputs.append(h)
    + return [h]

    no_return (easy): you do not return the list.
    - return outputs

    last_to_first (easy): you put the last layer first.
    - return outputs
    + return outputs[::-1]

    empties_weights (unchanged): you take the matrices out of the caller's list, and leave it empty.
    - for w in weights:
    + for w in [weights.pop(0) for _ in range(len(weights))]:
    """,
)

# Right answers, in the styles that learners write


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
