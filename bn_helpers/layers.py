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

    Notes
    -----
    mean = sum(x) / N and var = sum((x - mean)^2) / N, both over the batch (Ioffe and Szegedy 2015, Algorithm 1).

    Examples
    --------
    >>> mean, var = batch_statistics(np.array([[1.0, 10.0], [3.0, 30.0]]))
    >>> print(mean, var)
    [ 2. 20.] [  1. 100.]
    """
    mean = x.mean(axis=0)  # (D,), float64 for integers
    var = ((x - mean) ** 2).mean(axis=0)  # (D,)
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

    Notes
    -----
    out = gamma * x_hat + beta (Ioffe and Szegedy 2015, Algorithm 1).

    Examples
    --------
    >>> print(scale_and_shift(np.array([[-1.0, -1.0], [1.0, 1.0]]), np.array([2.0, 3.0]), np.array([0.0, 10.0])))
    [[-2.  7.]
     [ 2. 13.]]
    """
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

    Notes
    -----
    gamma = sqrt(var + eps) and beta = mean (CS231n 2017, lecture 6; eps added so that it is exact).

    Examples
    --------
    >>> gamma, beta = identity_parameters(np.array([[1.0, 10.0], [3.0, 30.0]]), eps=0.0)
    >>> print(gamma, beta)
    [ 1. 10.] [ 2. 20.]
    """
    gamma = np.sqrt(x.var(axis=0) + eps)  # (D,)
    beta = x.mean(axis=0)  # (D,)
    return gamma, beta


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
        If the mode is neither 'train' nor 'test'.

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
    mode, eps = bn_param.get("mode"), bn_param.get("eps", 1e-5)
    momentum = bn_param.get("momentum", 0.9)
    running_mean = bn_param.get("running_mean", np.zeros(x.shape[1], x.dtype))
    running_var = bn_param.get("running_var", np.zeros(x.shape[1], x.dtype))
    if mode == "train":
        mean = x.mean(axis=0)  # (D,)
        centered = x - mean  # (N, D)
        var = (centered**2).mean(axis=0)  # (D,)
        bn_param["running_mean"] = momentum * running_mean + (1 - momentum) * mean
        bn_param["running_var"] = momentum * running_var + (1 - momentum) * var
    elif mode == "test":
        centered, var = x - running_mean, running_var
    else:
        raise ValueError(f"mode must be 'train' or 'test', got {mode!r}")
    inv_std = 1 / np.sqrt(var + eps)  # (D,)
    x_hat = centered * inv_std  # (N, D)
    out = gamma * x_hat + beta
    cache = {"centered": centered, "inv_std": inv_std, "x_hat": x_hat}
    return out, cache | {"gamma": gamma}


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
    scale = gamma / np.sqrt(running_var + eps)  # (D,)
    w_folded = w * scale  # (M, D)
    b_folded = (b - running_mean) * scale + beta
    return w_folded, b_folded


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
    dx_hat = gamma * dout  # (N, D)
    dgamma = (dout * x_hat).sum(axis=0)  # (D,)
    dbeta = dout.sum(axis=0)  # (D,)
    return dx_hat, dgamma, dbeta


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

    Notes
    -----
    dx = dout * gamma / sqrt(var + eps).

    Examples
    --------
    >>> print(frozen_backward(np.array([[1.0], [2.0]]), np.array([3.0]), np.array([4.0]), eps=0.0).ravel())
    [1.5 3. ]
    """
    return dout * gamma / np.sqrt(var + eps)


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
    centered, x_hat = cache["centered"], cache["x_hat"]  # (N, D)
    inv_std, gamma = cache["inv_std"], cache["gamma"]  # (D,)
    dgamma = (dout * x_hat).sum(axis=0)  # (D,)
    dbeta = dout.sum(axis=0)
    dx_hat = gamma * dout  # (N, D)
    dinv_std = (dx_hat * centered).sum(axis=0)  # (D,)
    dvar = -0.5 * dinv_std * inv_std**3
    dcentered = dx_hat * inv_std + 2 * dvar / len(dout) * centered  # (N, D)
    dmean = -dcentered.sum(axis=0)  # (D,)
    dx = dcentered + dmean / len(dout)
    return dx, dgamma, dbeta


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

    Notes
    -----
    dx = gamma * inv_std * (dout - dbeta / m - x_hat * dgamma / m), with m = N examples.

    Examples
    --------
    >>> x, dout = np.array([[1.0], [3.0], [8.0]]), np.array([[1.0], [0.0], [0.0]])
    >>> _, cache = batchnorm_forward(x, np.ones(1), np.zeros(1), {"mode": "train"})
    >>> print(batchnorm_backward_alt(dout, cache)[0].ravel().round(3))
    [ 0.109 -0.152  0.044]
    """
    x_hat, inv_std, gamma = cache["x_hat"], cache["inv_std"], cache["gamma"]
    m = len(dout)
    dgamma = (dout * x_hat).sum(axis=0)  # (D,)
    dbeta = dout.sum(axis=0)
    dx = gamma * inv_std * (dout - dbeta / m - x_hat * (dgamma / m))
    return dx, dgamma, dbeta


def softmax_loss(scores: np.ndarray, labels: np.ndarray) -> tuple[float, np.ndarray]:
    """Softmax cross-entropy, averaged over the batch, and its gradient.

    Parameters
    ----------
    scores : ndarray of shape (N, C)
        One score a class, for each example.
    labels : ndarray of shape (N,)
        The right class of each example, as an integer.

    Returns
    -------
    loss : float
    dscores : ndarray of shape (N, C)
        Gradient of the loss with respect to the scores.

    Notes
    -----
    p = exp(scores) / sum(exp(scores)); loss = -mean(log p) of the right classes; dscores = (p - 1 where right) / N.

    Examples
    --------
    >>> loss, dscores = softmax_loss(np.zeros((1, 2)), np.array([0]))
    >>> print(round(loss, 4), dscores)
    0.6931 [[-0.5  0.5]]
    """
    shifted = scores - scores.max(axis=1, keepdims=True)  # the same p, and exp cannot overflow
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))  # (N, C)
    right = np.eye(scores.shape[1], dtype=log_p.dtype)[labels]  # (N, C): 1 at the label, 0 elsewhere
    return -(right * log_p).sum(axis=1).mean(), (np.exp(log_p) - right) / len(scores)


def network_loss(
    x: np.ndarray, labels: np.ndarray, params: dict[str, np.ndarray], bn_param: dict | None
) -> tuple[float, dict[str, np.ndarray] | None]:
    """Loss of a net with one hidden layer and batch normalization, and its gradients with respect to all parameters.

    Parameters
    ----------
    x : ndarray of shape (N, D)
        A batch of N examples.
    labels : ndarray of shape (N,)
        The right class of each example, as an integer.
    params : dict
        ``w1`` of shape (D, H), ``gamma`` and ``beta`` (H,), ``w2`` (H, C), ``b2`` (C,).
    bn_param : dict or None
        What the batch normalization is handed; its running statistics are kept up to date. None leaves it out, and only
        adds ``beta``.

    Returns
    -------
    loss : float
        Softmax cross-entropy, averaged over the batch.
    grads : dict or None
        Under the names of ``params``; zeros for ``gamma`` where batch normalization is left out. In the mode 'test'
        there are none: None.

    Notes
    -----
    h = relu(batch norm(x @ w1)), scores = h @ w2 + b2. A bias before batch normalization would be dead.

    Examples
    --------
    >>> x, one, zero = np.array([[1.0], [3.0]]), np.ones(1), np.zeros(1)
    >>> params = {"w1": np.ones((1, 1)), "gamma": one, "beta": zero, "w2": np.array([[0.0, 1.0]]), "b2": np.zeros(2)}
    >>> loss, grads = network_loss(x, np.array([0, 1]), params, {"mode": "train", "eps": 0.0})
    >>> print(round(loss, 4), grads["w2"].round(4), grads["w1"])
    0.5032 [[ 0.1345 -0.1345]] [[0.]]
    """
    z, gamma, beta = x @ params["w1"], params["gamma"], params["beta"]  # z: (N, H)
    out, cache = z + beta, None  # without batch norm
    if bn_param is not None:
        out, cache = batchnorm_forward(z, gamma, beta, bn_param)
    h = np.maximum(out, 0)  # (N, H)
    loss, dscores = softmax_loss(h @ params["w2"] + params["b2"], labels)
    if bn_param is not None and bn_param["mode"] == "test":
        return loss, None
    dout = (dscores @ params["w2"].T) * (out > 0)  # (N, H)
    dz, dgamma, dbeta = dout, 0 * gamma, dout.sum(axis=0)  # without batch norm
    if bn_param is not None:
        dz, dgamma, dbeta = batchnorm_backward(dout, cache)
    dw1, dw2, db2 = x.T @ dz, h.T @ dscores, dscores.sum(axis=0)
    return loss, {"w1": dw1, "gamma": dgamma, "beta": dbeta, "w2": dw2, "b2": db2}


def train_network(
    x: np.ndarray,
    labels: np.ndarray,
    params: dict[str, np.ndarray],
    bn_param: dict | None,
    batches: list[np.ndarray],
    rate: float,
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Train the net by plain gradient descent, one update of all five parameters a batch.

    Parameters
    ----------
    x : ndarray of shape (N, D)
        All examples.
    labels : ndarray of shape (N,)
        The right class of each example, as an integer.
    params : dict
        Where training starts, as for ``network_loss``. It stays as it is.
    bn_param : dict or None
        What the batch normalization is handed at each step; None leaves it out.
    batches : list of ndarray of integers
        For each update, the numbers of the rows that make up its batch.
    rate : float
        Learning rate.

    Returns
    -------
    trained : dict
        The parameters after the last update.
    losses : ndarray of shape (len(batches),)
        Loss of each batch before its update.

    Notes
    -----
    parameter = parameter - rate * gradient.

    Examples
    --------
    >>> x, labels, one, zero = np.array([[1.0], [3.0]]), np.array([0, 1]), np.ones(1), np.zeros(1)
    >>> params = {"w1": np.ones((1, 1)), "gamma": one, "beta": zero, "w2": np.array([[0.0, 1.0]]), "b2": np.zeros(2)}
    >>> trained, losses = train_network(x, labels, params, {"mode": "train", "eps": 0.0}, [np.array([0, 1])] * 2, 1.0)
    >>> print(losses.round(3), trained["gamma"].round(3))
    [0.503 0.404] [1.262]
    """
    trained, losses = params, []
    for rows in batches:
        loss, grads = network_loss(x[rows], labels[rows], trained, bn_param)
        trained = {name: p - rate * grads[name] for name, p in trained.items()}
        losses.append(loss)
    return trained, np.array(losses)


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

    Notes
    -----
    The sums run over the N * H * W elements of a channel (Ioffe and Szegedy 2015, section 3.2).

    Examples
    --------
    >>> mean, var = channel_statistics(np.arange(8.0).reshape(2, 2, 1, 2))
    >>> print(mean, var)
    [2.5 4.5] [4.25 4.25]
    """
    mean = x.mean(axis=(0, 2, 3))  # (C,), float64 for integers
    centered = x - mean[:, None, None]
    var = (centered**2).mean(axis=(0, 2, 3))  # (C,)
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
        If the mode is neither 'train' nor 'test'.

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
    mode, eps = bn_param.get("mode"), bn_param.get("eps", 1e-5)
    momentum = bn_param.get("momentum", 0.9)
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
    inv_std = 1 / np.sqrt(var + eps)  # (C,)
    x_hat = (x - mean[:, None, None]) * inv_std[:, None, None]  # (N, C, H, W)
    out = gamma[:, None, None] * x_hat + beta[:, None, None]
    return out, {"inv_std": inv_std, "x_hat": x_hat, "gamma": gamma}


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
    x_hat = cache["x_hat"]  # (N, C, H, W)
    scale = (cache["gamma"] * cache["inv_std"])[:, None, None]  # (C, 1, 1)
    m = dout.size / dout.shape[1]  # N * H * W
    dgamma = (dout * x_hat).sum(axis=(0, 2, 3))[:, None, None]  # (C, 1, 1)
    dbeta = dout.sum(axis=(0, 2, 3))[:, None, None]
    dx = scale * (dout - dbeta / m - x_hat * (dgamma / m))
    return dx, dgamma[:, 0, 0], dbeta[:, 0, 0]


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

    Notes
    -----
    out = gamma * (sample - mean_b) / sqrt(var_b + eps) + beta, the statistics over the M + 1 rows.

    Examples
    --------
    >>> batches = np.array([[[3.0]], [[5.0]]])
    >>> print(outputs_across_batches(np.array([4.0]), batches, np.array([2.0]), np.array([1.0]), eps=0.0).ravel())
    [ 3. -1.]
    """
    first = np.broadcast_to(sample, batches[:, :1].shape)  # (B, 1, D)
    joined = np.concatenate([first, batches], axis=1)  # (B, M + 1, D)
    mean, var = joined.mean(axis=1), joined.var(axis=1)  # (B, D)
    x_hat = (sample - mean) / np.sqrt(var + eps)
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
        If ghost_size does not divide N.

    Notes
    -----
    Hoffer, Hubara and Soudry 2017, Algorithm 1, without the running statistics.

    Examples
    --------
    >>> x = np.array([[1.0], [3.0], [10.0], [30.0]])
    >>> print(ghost_batchnorm_forward(x, np.ones(1), np.zeros(1), ghost_size=2, eps=0.0).ravel())
    [-1.  1. -1.  1.]
    """
    if len(x) % ghost_size:
        raise ValueError(f"ghost_size {ghost_size} does not divide {len(x)} rows")
    groups = x.reshape(-1, ghost_size, x.shape[1])  # (groups, ghost_size, D)
    mean = groups.mean(axis=1, keepdims=True)  # (groups, 1, D)
    var = groups.var(axis=1, keepdims=True)
    x_hat = (groups - mean) / np.sqrt(var + eps)
    out = gamma * x_hat + beta
    return out.reshape(x.shape)
