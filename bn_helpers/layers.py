"""Batch normalization in textbook NumPy: the reference for every exercise, and the only home of solution code.

Each function stands on its own or on earlier ones of its notebook, so that it can be shown to a class as it is.
Symbols: x, mean, var, inv_std, x_hat, gamma, beta, eps, out; their gradients carry a d in front. N examples of D
features; images are (N, C, H, W). float32 and float64 are kept; integers become float64.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

# Notebook 1: normalization


def batch_statistics(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and biased variance of each feature over the batch.

    Parameters
    ----------
    x : ndarray of shape (N, D)
        A batch of N examples with D features each.

    Returns
    -------
    mean, var : ndarray of shape (D,)
        Mean of each feature, and the mean of its squared distance to that mean (divided by N).

    Raises
    ------
    ValueError
        If x is not two-dimensional.

    Notes
    -----
    mean = sum(x) / N and var = sum((x - mean)^2) / N, both over the batch (Ioffe and Szegedy 2015, Algorithm 1).

    Examples
    --------
    >>> mean, var = batch_statistics(np.array([[1.0, 10.0], [3.0, 30.0]]))
    >>> print(mean, var)
    [ 2. 20.] [  1. 100.]
    """
    x = np.asarray(x, dtype=np.result_type(x, 1.0))  # integers become float64
    if x.ndim != 2:
        raise ValueError(f"x must have shape (N, D), got {x.shape}")
    mean = x.mean(axis=0)  # (D,)
    centered = x - mean
    var = np.einsum("nd,nd->d", centered, centered) / len(x)  # (D,)
    return mean, var


def normalize(x: np.ndarray, eps: float = 1e-5) -> np.ndarray:
    """Subtract each feature's mean and divide by its standard deviation, both over the batch.

    Parameters
    ----------
    x : ndarray of shape (N, D)
        A batch of N examples with D features each.
    eps : float, default 1e-5
        Added to the variance, in the units of x squared, so that a constant feature does not divide by zero.

    Returns
    -------
    x_hat : ndarray of shape (N, D)
        The normalized batch: each feature has mean 0 and a variance just under 1.

    Raises
    ------
    ValueError
        If x is not two-dimensional.

    Notes
    -----
    x_hat = (x - mean) / sqrt(var + eps) (Ioffe and Szegedy 2015, Algorithm 1).

    Examples
    --------
    >>> print(normalize(np.array([[1.0, 10.0], [3.0, 30.0]]), eps=0.0))
    [[-1. -1.]
     [ 1.  1.]]
    """
    mean, var = batch_statistics(x)
    return (x - mean) / np.sqrt(var + eps)


def layer_outputs(
    x: np.ndarray,
    weights: list[np.ndarray],
    nonlinearity: Callable[[np.ndarray], np.ndarray],
    norm: Callable[[np.ndarray], np.ndarray] | None = None,
) -> list[np.ndarray]:
    """Run a batch through a deep net without biases and keep what every layer puts out.

    Parameters
    ----------
    x : ndarray of shape (N, D)
        A batch of N examples with D features each.
    weights : list of ndarray
        One matrix a layer; the first has D rows, each further one as many rows as the one before has columns.
    nonlinearity : callable
        Maps an array to an array of the same shape, for instance ``np.tanh``.
    norm : callable, optional
        Maps an array to an array of the same shape; it stands between the linear map and the nonlinearity of every
        layer. None leaves it out.

    Returns
    -------
    outputs : list of ndarray
        ``len(weights)`` arrays: the output of each layer, first to last.

    Raises
    ------
    ValueError
        If a matrix does not fit what comes into it.

    Notes
    -----
    h = nonlinearity(norm(h @ W)) for each W in turn, with h = x at the start (Ioffe and Szegedy 2015, section 3.2).

    Examples
    --------
    >>> outputs = layer_outputs(np.array([[1.0, -1.0]]), [np.eye(2), 2 * np.eye(2)], np.abs)
    >>> print(outputs[0], outputs[1])
    [[1. 1.]] [[2. 2.]]
    """
    outputs = []
    h = x
    for w in weights:
        if h.shape[1:] != w.shape[:1]:
            raise ValueError(f"a batch of shape {h.shape} does not fit weights of shape {w.shape}")
        z = h @ w
        h = nonlinearity(z if norm is None else norm(z))
        outputs.append(h)
    return outputs


# Notebook 2: scale and shift, and the whole layer


def scale_and_shift(x_hat: np.ndarray, gamma: np.ndarray, beta: np.ndarray) -> np.ndarray:
    """Multiply each feature by its gamma and add its beta.

    Parameters
    ----------
    x_hat : ndarray of shape (N, D)
        A normalized batch.
    gamma, beta : ndarray of shape (D,)
        Scale and shift of each feature.

    Returns
    -------
    out : ndarray of shape (N, D)
        The scaled and shifted batch.

    Raises
    ------
    ValueError
        If gamma or beta do not have one entry a feature.

    Notes
    -----
    out = gamma * x_hat + beta (Ioffe and Szegedy 2015, Algorithm 1).

    Examples
    --------
    >>> print(scale_and_shift(np.array([[-1.0, -1.0], [1.0, 1.0]]), np.array([2.0, 3.0]), np.array([0.0, 10.0])))
    [[-2.  7.]
     [ 2. 13.]]
    """
    if gamma.shape != x_hat.shape[1:] or beta.shape != x_hat.shape[1:]:
        raise ValueError(f"gamma {gamma.shape} and beta {beta.shape} do not fit x_hat {x_hat.shape}")
    return gamma * x_hat + beta


def identity_parameters(x: np.ndarray, eps: float = 1e-5) -> tuple[np.ndarray, np.ndarray]:
    """Find the gamma and beta with which normalizing x, then scaling and shifting it, gives x back.

    Parameters
    ----------
    x : ndarray of shape (N, D)
        A batch of N examples with D features each.
    eps : float, default 1e-5
        What the normalization adds to the variance.

    Returns
    -------
    gamma, beta : ndarray of shape (D,)
        The scale and the shift that undo the normalization of this batch.

    Raises
    ------
    ValueError
        If x is not two-dimensional.

    Notes
    -----
    gamma = sqrt(var + eps) and beta = mean (CS231n 2017, lecture 6; eps added so that it is exact).

    Examples
    --------
    >>> gamma, beta = identity_parameters(np.array([[1.0, 10.0], [3.0, 30.0]]), eps=0.0)
    >>> print(gamma, beta)
    [ 1. 10.] [ 2. 20.]
    """
    x = np.asarray(x, dtype=np.result_type(x, 1.0))  # integers become float64
    if x.ndim != 2:
        raise ValueError(f"x must have shape (N, D), got {x.shape}")
    return np.sqrt(x.var(axis=0) + eps), x.mean(axis=0)


def saturated_fraction(z: np.ndarray, threshold: float = 0.97) -> float:
    """Share of tanh(z) whose absolute value lies above a threshold.

    Parameters
    ----------
    z : ndarray of any shape
        What goes into the tanh.
    threshold : float, default 0.97
        An output of larger absolute value counts as saturated.

    Returns
    -------
    fraction : float
        Between 0 and 1.

    Notes
    -----
    mean of |tanh(z)| > threshold.

    Examples
    --------
    >>> print(saturated_fraction(np.array([-9.0, 0.0, 0.1, 9.0])))
    0.5
    """
    return float(np.mean(np.abs(np.tanh(z)) > threshold))


def batchnorm_forward(
    x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, bn_param: dict
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Batch normalization of N examples: batch statistics in training, running statistics in evaluation.

    Parameters
    ----------
    x : ndarray of shape (N, D)
        A batch of N examples with D features each.
    gamma, beta : ndarray of shape (D,)
        Scale and shift of each feature.
    bn_param : dict
        ``mode`` is 'train' or 'test' (required). ``eps`` (default 1e-5) is added to the variance. ``momentum`` (default
        0.9) is the fraction of the running statistics that a training step keeps. ``running_mean`` and
        ``running_var``, of shape (D,), start as zeros; training writes both back, evaluation changes neither.

    Returns
    -------
    out : ndarray of shape (N, D)
        The normalized, scaled and shifted batch.
    cache : dict
        What your backward pass needs. Its layout is yours to choose.

    Raises
    ------
    ValueError
        If the mode is neither 'train' nor 'test', or a shape does not fit.

    Notes
    -----
    out = gamma * (x - mean) / sqrt(var + eps) + beta, with the biased variance (Ioffe and Szegedy 2015, Algorithm 1);
    running = momentum * running + (1 - momentum) * batch statistic (CS231n, assignment 2).

    Examples
    --------
    >>> bn_param = {"mode": "train", "eps": 0.0}
    >>> x = np.array([[1.0, 10.0], [3.0, 30.0]])
    >>> out, cache = batchnorm_forward(x, np.array([2.0, 3.0]), np.array([0.0, 10.0]), bn_param)
    >>> print(out)
    [[-2.  7.]
     [ 2. 13.]]
    >>> print(bn_param["running_mean"])
    [0.2 2. ]
    """
    if x.ndim != 2 or gamma.shape != x.shape[1:] or beta.shape != x.shape[1:]:
        raise ValueError(f"gamma {gamma.shape} and beta {beta.shape} do not fit x {x.shape}, which must be (N, D)")
    mode, eps, momentum = bn_param.get("mode"), bn_param.get("eps", 1e-5), bn_param.get("momentum", 0.9)
    running_mean = bn_param.get("running_mean", np.zeros(x.shape[1], x.dtype))
    running_var = bn_param.get("running_var", np.zeros(x.shape[1], x.dtype))
    if mode == "train":
        mean = np.ones(len(x), x.dtype) @ x / len(x)  # (D,): faster than x.mean(axis=0), and rounds less
        out = x - mean  # (N, D): centered first, scaled and shifted at the end
        var = np.einsum("nd,nd->d", out, out) / len(x)  # (D,)
        bn_param["running_mean"] = momentum * running_mean + (1 - momentum) * mean
        bn_param["running_var"] = momentum * running_var + (1 - momentum) * var
    elif mode == "test":
        mean, var = running_mean, running_var
        out = x - mean
    else:
        raise ValueError(f"mode must be 'train' or 'test', got {mode!r}")
    inv_std = 1 / np.sqrt(var + eps)
    out *= gamma * inv_std
    out += beta
    return out, {"x": x, "mean": mean, "inv_std": inv_std, "gamma": gamma}


def fold_into_linear(
    w: np.ndarray,
    b: np.ndarray,
    gamma: np.ndarray,
    beta: np.ndarray,
    running_mean: np.ndarray,
    running_var: np.ndarray,
    eps: float = 1e-5,
) -> tuple[np.ndarray, np.ndarray]:
    """Fold an evaluation-mode batch normalization into the linear layer before it.

    Parameters
    ----------
    w : ndarray of shape (M, D)
        Weights of the linear layer.
    b : ndarray of shape (D,)
        Its bias.
    gamma, beta, running_mean, running_var : ndarray of shape (D,)
        Parameters and running statistics of the batch normalization that follows.
    eps : float, default 1e-5
        What the normalization adds to the variance.

    Returns
    -------
    w_folded : ndarray of shape (M, D)
    b_folded : ndarray of shape (D,)
        ``x @ w_folded + b_folded`` equals the evaluation-mode batch normalization of ``x @ w + b``.

    Raises
    ------
    ValueError
        If w is not two-dimensional, or another shape is not (D,).

    Notes
    -----
    scale = gamma / sqrt(running_var + eps); w_folded = w * scale; b_folded = (b - running_mean) * scale + beta.

    Examples
    --------
    >>> one, zero = np.ones(1), np.zeros(1)
    >>> w_folded, b_folded = fold_into_linear(np.array([[4.0]]), zero, one, zero, 2 * one, 4 * one, eps=0.0)
    >>> print(w_folded, b_folded)
    [[2.]] [-1.]
    """
    for name, value in {"b": b, "gamma": gamma, "beta": beta, "mean": running_mean, "var": running_var}.items():
        if w.ndim != 2 or value.shape != w.shape[1:]:
            raise ValueError(f"{name} {value.shape} does not fit w {w.shape}, which must be (M, D)")
    scale = gamma / np.sqrt(running_var + eps)  # (D,)
    return w * scale, (b - running_mean) * scale + beta


# Notebook 3: the backward pass


def scale_and_shift_backward(
    dout: np.ndarray, x_hat: np.ndarray, gamma: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gradients of scale and shift with respect to its three inputs.

    Parameters
    ----------
    dout : ndarray of shape (N, D)
        Gradient of the loss with respect to the output.
    x_hat : ndarray of shape (N, D)
        What was scaled and shifted.
    gamma : ndarray of shape (D,)
        The scale.

    Returns
    -------
    dx_hat : ndarray of shape (N, D)
    dgamma, dbeta : ndarray of shape (D,)

    Raises
    ------
    ValueError
        If the shapes do not fit.

    Notes
    -----
    dx_hat = gamma * dout, dgamma = sum(dout * x_hat), dbeta = sum(dout), the sums over the batch (Ioffe and Szegedy
    2015, section 3).

    Examples
    --------
    >>> dout, x_hat = np.array([[1.0], [2.0]]), np.array([[-1.0], [1.0]])
    >>> dx_hat, dgamma, dbeta = scale_and_shift_backward(dout, x_hat, np.array([3.0]))
    >>> print(dx_hat.ravel(), dgamma, dbeta)
    [3. 6.] [1.] [3.]
    """
    if dout.shape != x_hat.shape or gamma.shape != dout.shape[1:]:
        raise ValueError(f"dout {dout.shape}, x_hat {x_hat.shape} and gamma {gamma.shape} do not fit")
    return dout * gamma, np.einsum("nd,nd->d", dout, x_hat), dout.sum(axis=0)


def frozen_backward(dout: np.ndarray, gamma: np.ndarray, var: np.ndarray, eps: float = 1e-5) -> np.ndarray:
    """Gradient with respect to x when mean and variance are constants, as they are in evaluation.

    Parameters
    ----------
    dout : ndarray of shape (N, D)
        Gradient of the loss with respect to the output.
    gamma, var : ndarray of shape (D,)
        Scale, and the variance that the layer divides by.
    eps : float, default 1e-5
        What the normalization adds to the variance.

    Returns
    -------
    dx : ndarray of shape (N, D)

    Raises
    ------
    ValueError
        If the shapes do not fit.

    Notes
    -----
    dx = dout * gamma / sqrt(var + eps).

    Examples
    --------
    >>> print(frozen_backward(np.array([[1.0], [2.0]]), np.array([3.0]), np.array([4.0]), eps=0.0).ravel())
    [1.5 3. ]
    """
    if gamma.shape != dout.shape[1:] or var.shape != dout.shape[1:]:
        raise ValueError(f"gamma {gamma.shape} and var {var.shape} do not fit dout {dout.shape}")
    return dout * (gamma / np.sqrt(var + eps))


def batchnorm_backward(dout: np.ndarray, cache: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gradients of training-mode batch normalization, stage by stage through the computational graph.

    Parameters
    ----------
    dout : ndarray of shape (N, D)
        Gradient of the loss with respect to the output.
    cache : dict
        What the forward pass kept, by name.

    Returns
    -------
    dx : ndarray of shape (N, D)
    dgamma, dbeta : ndarray of shape (D,)

    Raises
    ------
    ValueError
        If dout does not have the shape of the forward's output.

    Notes
    -----
    x reaches out along three paths, so dx is a sum of three terms (Ioffe and Szegedy 2015, section 3), here with the
    centered batch x - mean as the node at which they meet.

    Examples
    --------
    >>> x, dout = np.array([[1.0], [3.0], [8.0]]), np.array([[1.0], [0.0], [0.0]])
    >>> _, cache = batchnorm_forward(x, np.ones(1), np.zeros(1), {"mode": "train"})
    >>> dx, dgamma, dbeta = batchnorm_backward(dout, cache)
    >>> print(dx.ravel().round(3), dgamma.round(3), dbeta)
    [ 0.109 -0.152  0.044] [-1.019] [1.]
    """
    inv_std, gamma = cache["inv_std"], cache["gamma"]  # (D,)
    centered = cache["x"] - cache["mean"]  # (N, D)
    x_hat = centered * inv_std  # (N, D)
    if dout.shape != x_hat.shape:
        raise ValueError(f"dout must have the shape of the output, {x_hat.shape}, got {dout.shape}")
    dx_hat = dout * gamma  # (N, D)
    dinv_std = np.einsum("nd,nd->d", dx_hat, centered)  # (D,)
    dvar = -0.5 * dinv_std * inv_std**3  # (D,)
    dcentered = dx_hat * inv_std + 2 * dvar / len(dout) * centered  # (N, D)
    dmean = -dcentered.sum(axis=0)  # (D,)
    dx = dcentered + dmean / len(dout)
    return dx, np.einsum("nd,nd->d", dout, x_hat), dout.sum(axis=0)


def batchnorm_backward_alt(dout: np.ndarray, cache: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gradients of training-mode batch normalization in closed form.

    Parameters
    ----------
    dout : ndarray of shape (N, D)
        Gradient of the loss with respect to the output.
    cache : dict
        What the forward pass kept, by name.

    Returns
    -------
    dx : ndarray of shape (N, D)
    dgamma, dbeta : ndarray of shape (D,)

    Raises
    ------
    ValueError
        If dout does not have the shape of the forward's output.

    Notes
    -----
    dx = gamma * inv_std * (dout - dbeta / N - x_hat * dgamma / N).

    Examples
    --------
    >>> x, dout = np.array([[1.0], [3.0], [8.0]]), np.array([[1.0], [0.0], [0.0]])
    >>> _, cache = batchnorm_forward(x, np.ones(1), np.zeros(1), {"mode": "train"})
    >>> print(batchnorm_backward_alt(dout, cache)[0].ravel().round(3))
    [ 0.109 -0.152  0.044]
    """
    inv_std, gamma = cache["inv_std"], cache["gamma"]  # (D,)
    centered = cache["x"] - cache["mean"]  # (N, D): x_hat / inv_std
    if dout.shape != centered.shape:
        raise ValueError(f"dout must have the shape of the output, {centered.shape}, got {dout.shape}")
    dgamma, dbeta = np.einsum("nd,nd->d", dout, centered) * inv_std, dout.sum(axis=0)  # (D,)
    dx = centered  # no new array: changed in place, term by term
    dx *= -inv_std * dgamma / len(dout)
    dx -= dbeta / len(dout)
    dx += dout
    dx *= gamma * inv_std
    return dx, dgamma, dbeta


# Notebook 4: convolution channels


def channel_statistics(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and biased variance of each channel, over examples, rows and columns.

    Parameters
    ----------
    x : ndarray of shape (N, C, H, W)
        N images with C channels each.

    Returns
    -------
    mean, var : ndarray of shape (C,)

    Raises
    ------
    ValueError
        If x is not four-dimensional.

    Notes
    -----
    The sums run over the N * H * W elements of a channel (Ioffe and Szegedy 2015, section 3.2).

    Examples
    --------
    >>> mean, var = channel_statistics(np.arange(8.0).reshape(2, 2, 1, 2))
    >>> print(mean, var)
    [2.5 4.5] [4.25 4.25]
    """
    x = np.asarray(x, dtype=np.result_type(x, 1.0))  # integers become float64
    if x.ndim != 4:
        raise ValueError(f"x must have shape (N, C, H, W), got {x.shape}")
    m = x.size / x.shape[1]  # elements a channel
    mean = np.einsum("nchw->c", x) / m  # (C,)
    centered = x - mean[:, None, None]
    var = np.einsum("nchw,nchw->c", centered, centered) / m  # (C,)
    return mean, var


def spatial_batchnorm_forward(
    x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, bn_param: dict
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Batch normalization of images: one mean and one variance a channel.

    Parameters
    ----------
    x : ndarray of shape (N, C, H, W)
        N images with C channels each.
    gamma, beta : ndarray of shape (C,)
        Scale and shift of each channel.
    bn_param : dict
        As for ``batchnorm_forward``, with running statistics of shape (C,).

    Returns
    -------
    out : ndarray of shape (N, C, H, W)
        The normalized, scaled and shifted images.
    cache : dict
        What your backward pass needs. Its layout is yours to choose.

    Raises
    ------
    ValueError
        If the mode is neither 'train' nor 'test', or a shape does not fit.

    Notes
    -----
    The layer for vectors, applied to the channels of every pixel of every image as if each were an example of its own
    (Ioffe and Szegedy 2015, section 3.2).

    Examples
    --------
    >>> x = np.array([[[[1.0, 3.0]]], [[[5.0, 7.0]]]])
    >>> out, cache = spatial_batchnorm_forward(x, np.ones(1), np.zeros(1), {"mode": "train"})
    >>> print(out.ravel().round(2))
    [-1.34 -0.45  0.45  1.34]
    """
    if x.ndim != 4 or gamma.shape != x.shape[1:2] or beta.shape != x.shape[1:2]:
        raise ValueError(f"gamma {gamma.shape}, beta {beta.shape} do not fit x {x.shape}, which must be (N, C, H, W)")
    mode, eps, momentum = bn_param.get("mode"), bn_param.get("eps", 1e-5), bn_param.get("momentum", 0.9)
    running_mean = bn_param.get("running_mean", np.zeros(x.shape[1], x.dtype))
    running_var = bn_param.get("running_var", np.zeros(x.shape[1], x.dtype))
    if mode == "train":
        mean, var = channel_statistics(x)  # (C,)
        bn_param["running_mean"] = momentum * running_mean + (1 - momentum) * mean
        bn_param["running_var"] = momentum * running_var + (1 - momentum) * var
    elif mode == "test":
        mean, var = running_mean, running_var
    else:
        raise ValueError(f"mode must be 'train' or 'test', got {mode!r}")
    inv_std = 1 / np.sqrt(var + eps)
    # Written out for every pixel, (C, H, W): NumPy then takes half the time that broadcasting takes.
    means, scales, shifts = (np.full(x.shape[1:], v[:, None, None]) for v in (mean, gamma * inv_std, beta))
    out = x - means
    out *= scales
    out += shifts
    return out, {"x": x, "mean": mean, "inv_std": inv_std, "gamma": gamma}


def spatial_batchnorm_backward(
    dout: np.ndarray, cache: dict[str, np.ndarray]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gradients of training-mode batch normalization of images.

    Parameters
    ----------
    dout : ndarray of shape (N, C, H, W)
        Gradient of the loss with respect to the output.
    cache : dict
        What the forward pass kept.

    Returns
    -------
    dx : ndarray of shape (N, C, H, W)
    dgamma, dbeta : ndarray of shape (C,)

    Raises
    ------
    ValueError
        If dout does not have the shape of the forward's output.

    Notes
    -----
    The closed form of the layer for vectors, with m = N * H * W elements a channel in the place of N.

    Examples
    --------
    >>> x, dout = np.array([[[[1.0, 3.0, 8.0]]]]), np.array([[[[1.0, 0.0, 0.0]]]])
    >>> _, cache = spatial_batchnorm_forward(x, np.ones(1), np.zeros(1), {"mode": "train"})
    >>> print(spatial_batchnorm_backward(dout, cache)[0].ravel().round(3))
    [ 0.109 -0.152  0.044]
    """
    x, mean, inv_std, gamma = cache["x"], cache["mean"], cache["inv_std"], cache["gamma"]
    if dout.shape != x.shape:
        raise ValueError(f"dout must have the shape of the output, {x.shape}, got {dout.shape}")
    dx = x - np.full(x.shape[1:], mean[:, None, None])  # x_hat / inv_std; changed in place below, term by term
    dgamma, dbeta = np.einsum("nchw,nchw->c", dout, dx) * inv_std, np.einsum("nchw->c", dout)  # (C,)
    terms = (-inv_std * dgamma / x[:, 0].size, dbeta / x[:, 0].size, gamma * inv_std)  # (C,)
    slopes, shifts, scales = (np.full(x.shape[1:], v[:, None, None]) for v in terms)  # (C, H, W): as in the forward
    dx *= slopes
    dx -= shifts
    dx += dout
    dx *= scales
    return dx, dgamma, dbeta


# Notebook 5: regularization


def outputs_across_batches(
    sample: np.ndarray, batches: np.ndarray, gamma: np.ndarray, beta: np.ndarray, eps: float = 1e-5
) -> np.ndarray:
    """Training-mode output of one example when it joins each of several batches.

    Parameters
    ----------
    sample : ndarray of shape (D,)
        The example.
    batches : ndarray of shape (B, M, D)
        B groups of M companions each.
    gamma, beta : ndarray of shape (D,)
        Scale and shift of each feature.
    eps : float, default 1e-5
        What the normalization adds to the variance.

    Returns
    -------
    outputs : ndarray of shape (B, D)
        Row b is the output of the example in the batch of M + 1 rows that it forms with companions b.

    Raises
    ------
    ValueError
        If batches are not (B, M, D) or another shape is not (D,).

    Notes
    -----
    out = gamma * (sample - mean_b) / sqrt(var_b + eps) + beta, the statistics over the M + 1 rows.

    Examples
    --------
    >>> batches = np.array([[[3.0]], [[5.0]]])
    >>> print(outputs_across_batches(np.array([4.0]), batches, np.array([2.0]), np.array([1.0]), eps=0.0).ravel())
    [ 3. -1.]
    """
    if batches.ndim != 3 or any(v.shape != batches.shape[2:] for v in (sample, gamma, beta)):
        raise ValueError(f"sample {sample.shape}, gamma {gamma.shape}, beta {beta.shape}: batches are {batches.shape}")
    joined = np.concatenate([np.broadcast_to(sample, batches[:, :1].shape), batches], axis=1)  # (B, M + 1, D)
    x_hat = (sample - joined.mean(axis=1)) / np.sqrt(joined.var(axis=1) + eps)  # (B, D)
    return gamma * x_hat + beta


def ghost_batchnorm_forward(
    x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, ghost_size: int, eps: float = 1e-5
) -> np.ndarray:
    """Training-mode batch normalization in which consecutive groups of rows have statistics of their own.

    Parameters
    ----------
    x : ndarray of shape (N, D)
        A batch of N examples with D features each.
    gamma, beta : ndarray of shape (D,)
        Scale and shift of each feature, shared by all groups.
    ghost_size : int
        Rows a group.
    eps : float, default 1e-5
        What the normalization adds to the variance.

    Returns
    -------
    out : ndarray of shape (N, D)

    Raises
    ------
    ValueError
        If ghost_size does not divide N, or a shape does not fit.

    Notes
    -----
    Hoffer, Hubara and Soudry 2017, Algorithm 1, without the running statistics.

    Examples
    --------
    >>> x = np.array([[1.0], [3.0], [10.0], [30.0]])
    >>> print(ghost_batchnorm_forward(x, np.ones(1), np.zeros(1), ghost_size=2, eps=0.0).ravel())
    [-1.  1. -1.  1.]
    """
    if x.ndim != 2 or gamma.shape != x.shape[1:] or beta.shape != x.shape[1:]:
        raise ValueError(f"gamma {gamma.shape} and beta {beta.shape} do not fit x {x.shape}, which must be (N, D)")
    if ghost_size < 1 or len(x) % ghost_size:
        raise ValueError(f"ghost_size {ghost_size} does not divide the batch of {len(x)} rows")
    groups = x.reshape(-1, ghost_size, x.shape[1])  # (groups, ghost_size, D)
    mean, var = groups.mean(axis=1, keepdims=True), groups.var(axis=1, keepdims=True)
    return (gamma * (groups - mean) / np.sqrt(var + eps) + beta).reshape(x.shape)
