"""What the checks compare with: the same mathematics as plain loops, and derivatives by complex step.

Nothing here is fast, and nothing here is clever: one feature at a time, one number at a time. Sums are exact
(`math.fsum`), so a large mean costs no accuracy.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Mapping

import numpy as np

STEP = 1e-50  # of the complex step: so small that its square vanishes


def total(values: Iterable[complex]) -> complex:
    """Sum of real or complex numbers, rounded once; of arrays, in the place of numbers, as they add up."""
    values = list(values)
    if np.ndarray in map(type, values):
        return sum(values)
    if complex in map(type, values):
        return complex(math.fsum([v.real for v in values]), math.fsum([v.imag for v in values]))
    return math.fsum(values)


def statistics(column: Iterable[complex]) -> tuple[complex, complex]:
    """Mean and biased variance of one feature's values.

    Examples
    --------
    >>> statistics([1.0, 3.0])
    (2.0, 1.0)
    """
    column = list(column)
    # In two steps: the second takes up what rounding the first mean has left over.
    rough = total(column) / len(column)
    centered = [v - rough for v in column]
    rest = total(centered) / len(column)
    return rough + rest, total([(c - rest) ** 2 for c in centered]) / len(column)


def normalize_column(column: Iterable[complex], eps: float) -> np.ndarray:
    """Normalize one feature's values.

    Examples
    --------
    >>> print(normalize_column([1.0, 3.0], eps=0.0))
    [-1.  1.]
    """
    column = list(column)
    mean, var = statistics(column)
    std = (var + eps) ** 0.5
    return np.array([(v - mean) / std for v in column])


def to_columns(x: np.ndarray) -> np.ndarray:
    """Lay out a batch as one row of numbers a feature: (N, D) as (D, N), and (N, C, H, W) as (C, N * H * W).

    Examples
    --------
    >>> print(to_columns(np.array([[1, 2], [3, 4]])))
    [[1 3]
     [2 4]]
    """
    return np.array([np.ravel(x[:, d]) for d in range(x.shape[1])])


def from_columns(columns: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Undo `to_columns`: the batch of the given shape that has these columns."""
    x = np.empty(shape, dtype=np.asarray(columns).dtype)
    for d, column in enumerate(columns):
        x[:, d] = np.reshape(column, (shape[0], *shape[2:]))
    return x


def batch_statistics(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and biased variance of each feature of (N, D), or of each channel of (N, C, H, W)."""
    pairs = [statistics(column) for column in to_columns(x).tolist()]
    return np.array([mean for mean, _ in pairs]), np.array([var for _, var in pairs])


def normalize(x: np.ndarray, eps: float = 1e-5) -> np.ndarray:
    """Normalize each feature of (N, D), or each channel of (N, C, H, W), over the batch."""
    return from_columns([normalize_column(column, eps) for column in to_columns(x).tolist()], x.shape)


def complex_step(function: Callable[[np.ndarray], np.ndarray], x: np.ndarray, dout: np.ndarray) -> np.ndarray:
    """Gradient of sum(dout * function(x)) with respect to x, exact up to rounding.

    Parameters
    ----------
    function : callable
        Maps an array of complex numbers to one of the shape of dout.
    x : ndarray
        Where the gradient is taken.
    dout : ndarray
        Gradient of the loss with respect to the function's value.

    Returns
    -------
    dx : ndarray of the shape of x

    Notes
    -----
    df/dx = Im f(x + ih) / h; no difference is taken, so no digits cancel (Squire and Trapp 1998).

    Examples
    --------
    >>> print(complex_step(lambda x: x**3, np.array([2.0]), np.array([1.0])))
    [12.]
    """
    dx = np.empty(np.shape(x))
    for index in np.ndindex(dx.shape):
        shifted = np.array(x, dtype=complex)
        shifted[index] += 1j * STEP
        dx[index] = math.fsum(np.ravel(dout * np.imag(function(shifted)))) / STEP
    return dx


def batchnorm_gradients(
    dout: np.ndarray, x: np.ndarray, gamma: np.ndarray, eps: float = 1e-5
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gradients dx, dgamma, dbeta of training-mode batch normalization of (N, D) or (N, C, H, W).

    Examples
    --------
    >>> dx, dgamma, dbeta = batchnorm_gradients(np.array([[1.0], [0.0], [0.0]]), np.array([[1.0], [3.0], [8.0]]), [1.0])
    >>> print(dx.ravel().round(3), dgamma.round(3), dbeta)
    [ 0.109 -0.152  0.044] [-1.019] [1.]
    """
    dx, dgamma, dbeta = [], [], []
    for column, dcolumn, scale in zip(to_columns(x), to_columns(dout), gamma, strict=True):
        slopes = np.imag(normalize_column(_stepped(column).tolist(), eps)) / STEP  # of each value, by each
        dx.append([math.fsum(scale * dcolumn * by_one) for by_one in slopes.T])
        dgamma.append(total((dcolumn * normalize_column(column.tolist(), eps)).tolist()))
        dbeta.append(total(dcolumn.tolist()))
    return from_columns(dx, x.shape), np.array(dgamma), np.array(dbeta)


def network_loss(
    x: np.ndarray,
    labels: np.ndarray,
    params: Mapping[str, np.ndarray],
    eps: float | None = None,
    running: tuple[np.ndarray, np.ndarray] | None = None,
) -> complex:
    """Loss of the net of notebook 3, an example at a time; without batch norm where there is no eps.

    `running` holds the mean and the variance that take the place of the batch's own.
    """
    w1, gamma, beta, w2, b2 = (params[name].tolist() for name in ("w1", "gamma", "beta", "w2", "b2"))
    units = []
    for j, weights in enumerate(zip(*w1, strict=True)):
        column = [sum(map(operator.mul, row, weights)) for row in x.tolist()]
        if eps is not None and running is None:
            column = normalize_column(column, eps)
        elif eps is not None:
            column = [(v - running[0][j]) / (running[1][j] + eps) ** 0.5 for v in column]
        outs = [(1.0 if eps is None else gamma[j]) * v + beta[j] for v in column]
        units.append([out * (out.real > 0) for out in outs])
    losses = []
    for h, label in zip(zip(*units, strict=True), labels.tolist(), strict=True):
        scores = [sum(map(operator.mul, h, w), b) for b, w in zip(b2, zip(*w2, strict=True), strict=True)]
        largest = np.max(np.real(scores), axis=0)
        losses.append(largest - scores[label] + np.log(total([np.exp(v - largest) for v in scores])))
    return total(losses) / len(losses)


def network_gradients(
    x: np.ndarray, labels: np.ndarray, params: Mapping[str, np.ndarray], eps: float | None = None
) -> dict[str, np.ndarray]:
    """Gradients of `network_loss` with respect to all parameters, by complex step."""
    ends = np.cumsum([value.size for value in params.values()])[:-1]

    def by_name(numbers: np.ndarray) -> dict[str, np.ndarray]:
        parts = zip(params.items(), np.split(numbers, ends), strict=True)
        return {name: part.reshape(value.shape) for (name, value), part in parts}

    stepped = _stepped(np.concatenate([np.ravel(value) for value in params.values()]))
    return by_name(np.imag(network_loss(x, labels, by_name(stepped), eps)) / STEP)


def _stepped(x: np.ndarray) -> np.ndarray:
    """The complex steps of all numbers of a vector at once: in the place of each stands an array, a number a step."""
    stepped = np.empty(x.size, object)
    stepped[:] = list(x[:, None] + 1j * STEP * np.eye(x.size))
    return stepped


def difference(got: np.ndarray, want: np.ndarray, scale: float | None = None) -> float:
    """Norm-wise error: the largest absolute difference, relative to the largest absolute value that is wanted.

    Parameters
    ----------
    got, want : ndarray of the same shape
    scale : float, optional
        What the error is relative to, where the wanted values say too little about it (a gradient that vanishes).

    Examples
    --------
    >>> round(difference(np.array([1.0, 10.1]), np.array([1.0, 10.0])), 4)
    0.01
    """
    if not np.size(want):
        return 0.0
    largest = float(np.max(np.abs(want))) if scale is None else scale
    return float(np.max(np.abs(np.subtract(got, want, dtype=float)))) / (largest or 1.0)
