"""A small multilayer perceptron and a small convolutional net in plain NumPy.

Every operation is a pair of functions, ``forward(x, *parameters) -> (out, cache)`` and ``backward(dout, cache) ->
(dx, *dparameters)``, side by side; one class strings them together. The batch normalization is not among them: it is
the pair that you wrote, handed in as ``norm``.

Whoever imports this module gets matrix products on one thread, in the whole process: a learner's own products, too, are
of small matrices. A second thread gains nothing there, and on a busy machine the two spend their time waiting.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

threadpool_limits(limits=1, user_api="blas")

# Mathematics


def linear_forward(x: np.ndarray, w: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, tuple]:
    """Multiply by weights and add a bias; images are laid out as rows first."""
    return x.reshape(len(x), -1) @ w + b, (x, w)


def linear_backward(
    dout: np.ndarray, cache: tuple, first: bool = False
) -> tuple[np.ndarray | None, np.ndarray, np.ndarray]:
    """Gradients of a linear map with respect to x (None for the first of a net: data do not learn), w and b."""
    x, w = cache
    dx = None if first else (dout @ w.T).reshape(x.shape)
    return dx, x.reshape(len(x), -1).T @ dout, dout.sum(axis=0)


def convolution_forward(x: np.ndarray, w: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, tuple]:
    """Apply one linear map to the 3 x 3 neighbourhood of every second pixel in every second row.

    Parameters
    ----------
    x : ndarray of shape (N, C, H, W)
        Images; what lies beyond an edge counts as 0.
    w : ndarray of shape (C * 9, K)
        Weights, from the C * 9 values of a neighbourhood to K channels.
    b : ndarray of shape (K,)
        One bias a channel.

    Returns
    -------
    out : ndarray of shape (N, K, ceil(H / 2), ceil(W / 2))
        The stride of 2 does what a pooling would do.
    cache : tuple

    Raises
    ------
    ValueError
        If x is not a batch of images whose channels fit the weights.
    """
    if x.ndim != 4 or x.shape[1] * 9 != len(w):
        raise ValueError(f"x must have shape (N, {len(w) // 9}, H, W) to fit weights {w.shape}, got {x.shape}")
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))[:, :, ::2, ::2]
    n, c, height, width = windows.shape[:4]
    patches = windows.transpose(0, 1, 4, 5, 2, 3).reshape(n, c * 9, height * width)
    out = w.T @ patches + b[:, None]  # (N, K, height * width)
    return out.reshape(n, len(b), height, width), (x.shape, patches, w)


def convolution_backward(
    dout: np.ndarray, cache: tuple, first: bool = False
) -> tuple[np.ndarray | None, np.ndarray, np.ndarray]:
    """Gradients of a convolution with respect to x (None for the first of a net), w and b."""
    (n, c, height, width), patches, w = cache
    dpixels = dout.reshape(n, w.shape[1], -1)  # (N, K, pixels)
    dw, db = (patches @ dpixels.transpose(0, 2, 1)).sum(axis=0), dpixels.sum(axis=(0, 2))  # (C * 9, K), (K,)
    if first:
        return None, dw, db
    dpatches = (w @ dpixels).reshape(n, c, 3, 3, *dout.shape[2:])
    dpadded = np.zeros((n, c, height + 2, width + 2), dout.dtype)
    for i, j in np.ndindex(3, 3):  # neighbourhoods overlap, so what a pixel receives adds up
        dpadded[:, :, i : i + height : 2, j : j + width : 2] += dpatches[:, :, i, j]
    return dpadded[:, :, 1:-1, 1:-1], dw, db


def dropout_forward(x: np.ndarray, state: dict) -> tuple[np.ndarray, np.ndarray | float]:
    """In training, set a share ``state['rate']`` of x to 0 and scale up the rest; else leave x as it is."""
    if state["mode"] != "train":
        return x, 1.0
    keep = 1 - state["rate"]
    mask = (state["rng"].random_sample(x.shape) < keep) / keep
    return x * mask, mask


def dropout_backward(dout: np.ndarray, mask: np.ndarray | float) -> tuple[np.ndarray]:
    """Gradient of dropout with respect to x."""
    return (dout * mask,)


def _elementwise(function: Callable, derivative: Callable) -> tuple[Callable, Callable]:
    """Make a pair of a nonlinearity and its derivative, which is written in terms of the output h."""

    def forward(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        h = function(z)
        return h, h

    def backward(dout: np.ndarray, h: np.ndarray) -> tuple[np.ndarray]:
        return (dout * derivative(h),)

    return forward, backward


class Operation(NamedTuple):
    """One step of a net: its name, its pair of functions, and the names of its parameters."""

    name: str
    forward: Callable
    backward: Callable | None
    parameters: tuple[str, ...]


OPERATIONS = {  # word in a block: forward, backward, parameters
    "linear": (linear_forward, linear_backward, ("w", "b")),
    "convolution": (convolution_forward, convolution_backward, ("w", "b")),
    "tanh": (*_elementwise(np.tanh, lambda h: 1 - h * h), ()),
    "sigmoid": (*_elementwise(lambda z: (1 + np.tanh(z / 2)) / 2, lambda h: h * (1 - h)), ()),
    "relu": (*_elementwise(lambda z: np.maximum(z, 0), lambda h: h > 0), ()),
    "dropout": (dropout_forward, dropout_backward, ()),
}
MAPS = ("linear", "convolution")  # what gives a block its width
SCHEMES = {"he": 2, "xavier": 1}  # variance of the initial weights, times the number of inputs


def softmax_cross_entropy(logits: np.ndarray, labels: np.ndarray) -> tuple[float, np.ndarray]:
    """Mean negative log-likelihood of the labels, and its gradient.

    Parameters
    ----------
    logits : ndarray of shape (N, classes)
    labels : ndarray of shape (N,)
        The right class of each example, as an integer.

    Returns
    -------
    loss : float
        In nats: log(classes) where the net knows nothing.
    dlogits : ndarray of shape (N, classes)
        Gradient of the loss with respect to the logits.

    Examples
    --------
    >>> loss, dlogits = softmax_cross_entropy(np.zeros((1, 2)), np.array([0]))
    >>> print(round(loss, 4), dlogits)
    0.6931 [[-0.5  0.5]]
    """
    shifted = logits - logits.max(axis=1, keepdims=True)  # the same softmax, and exp cannot overflow
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    right = np.arange(len(labels)), labels
    dlogits = np.exp(log_p)
    dlogits[right] -= 1
    return -log_p[right].mean(), dlogits / len(labels)


# Bookkeeping


class Net:
    """A stack of equal blocks and a last linear layer that gives the logits.

    Parameters
    ----------
    sizes : sequence of int
        Features of the input, width of each hidden block, number of classes. For a convolutional net the first is the
        shape (C, H, W) of an image, and a width is a number of channels.
    block : str
        What each hidden block does, in order: one of the maps ``linear`` and ``convolution``, and any of ``norm``,
        ``tanh``, ``sigmoid``, ``relu`` and ``dropout``, as in ``"linear norm relu"``.
    norm : pair of functions, optional
        ``batchnorm_forward`` and ``batchnorm_backward``, or any pair that is called like them: what ``norm`` stands for
        in the block. The second may be None in a net that is not trained.
    std : float or {'he', 'xavier'}, default 'he'
        Standard deviation of the initial weights, the same in every layer, or by the number n of inputs of a layer:
        sqrt(2 / n) (He) or sqrt(1 / n) (Xavier).
    dropout : float, default 0.5
        Share of values that ``dropout`` in the block sets to 0 in training.
    seed : int
        The same seed gives the same initial weights whatever the block, so that nets can be compared in pairs.

    Attributes
    ----------
    parameters : dict of str to ndarray
        Block 1 has ``w1`` and ``b1`` (0 at first), with a norm also ``gamma1`` (1 at first) and ``beta1`` (0).
    values : dict of str to ndarray
        What each operation gave in the last forward pass: ``linear1``, ``norm1``, ``relu1``, and so on to ``logits``.
    states : dict of str to dict
        What an operation keeps from call to call: ``norm1`` is the ``bn_param`` of the first norm.

    Raises
    ------
    ValueError
        If the block has an unknown word, a word twice, not exactly one map, or a norm for which there are no functions.

    Examples
    --------
    >>> net = Net([64, 20, 20, 10], "linear relu", seed=0)
    >>> print(*net.parameters)
    w1 b1 w2 b2 w3 b3
    >>> logits = net.forward(np.zeros((5, 64)))
    >>> print({name: value.shape for name, value in net.values.items()})
    {'linear1': (5, 20), 'relu1': (5, 20), 'linear2': (5, 20), 'relu2': (5, 20), 'logits': (5, 10)}
    """

    def __init__(
        self,
        sizes: Sequence,
        block: str,
        *,
        norm: tuple[Callable, Callable | None] | None = None,
        std: float | str = "he",
        dropout: float = 0.5,
        seed: int,
    ) -> None:
        known = OPERATIONS if norm is None else OPERATIONS | {"norm": (*norm, ("gamma", "beta"))}
        shape = np.atleast_1d(sizes[0]).tolist()  # of one example, as it comes into an operation
        words = _words(block, known, shape)
        self.operations, self.parameters, self.states = [], {}, {}
        self.values, self._caches = {}, {}
        rng = np.random.RandomState(seed)  # a frozen stream: the same weights from every NumPy
        for i, width in enumerate(sizes[1:], start=1):
            last = i == len(sizes) - 1
            for word in ["linear"] if last else words:
                name = "logits" if last else f"{word}{i}"
                forward, backward, stems = known[word]
                initial = ()
                if word in MAPS:
                    if not self.operations:
                        backward = partial(backward, first=True)
                    fan_in = math.prod(shape) if word == "linear" else 9 * shape[0]
                    shape = [width] if word == "linear" else [width, *(math.ceil(side / 2) for side in shape[1:])]
                    initial = _std(std, fan_in) * rng.standard_normal((fan_in, width)), np.zeros(width)
                elif word == "norm":
                    initial = np.ones(shape[0]), np.zeros(shape[0])
                    self.states[name] = {}
                elif word == "dropout":
                    self.states[name] = {"rate": dropout, "rng": np.random.RandomState([seed, i])}
                names = tuple(f"{stem}{i}" for stem in stems)
                self.operations.append(Operation(name, forward, backward, names))
                self.parameters.update(zip(names, initial, strict=True))

    def forward(self, x: np.ndarray, mode: str = "test") -> np.ndarray:
        """Logits of a batch.

        Parameters
        ----------
        x : ndarray of shape (N, D) or (N, C, H, W)
        mode : {'test', 'train'}, default 'test'
            Handed to the norm and the dropout.

        Returns
        -------
        logits : ndarray of shape (N, classes)
        """
        for name, forward, _, parameters in self.operations:
            arguments = [self.parameters[parameter] for parameter in parameters]
            if name in self.states:
                self.states[name]["mode"] = mode
                arguments.append(self.states[name])
            x, self._caches[name] = forward(x, *arguments)
            self.values[name] = x
        return x

    def loss_and_gradients(self, x: np.ndarray, labels: np.ndarray) -> tuple[float, dict[str, np.ndarray]]:
        """Training-mode loss of a batch, and its gradients.

        Parameters
        ----------
        x : ndarray of shape (N, D) or (N, C, H, W)
        labels : ndarray of shape (N,)

        Returns
        -------
        loss : float
            The softmax cross-entropy.
        gradients : dict of str to ndarray
            With respect to each of ``parameters`` and to each of ``values``, under the same names.
        """
        loss, dout = softmax_cross_entropy(self.forward(x, "train"), labels)
        gradients = {}
        for name, _, backward, parameters in reversed(self.operations):
            gradients[name] = dout
            dout, *dparameters = backward(dout, self._caches[name])
            gradients.update(zip(parameters, dparameters, strict=True))
        return loss, gradients


def _words(block: str, known: dict, shape: Sequence[int]) -> list[str]:
    """Split a block into words that make sense together."""
    words = block.split()
    if unknown := [word for word in words if word not in known]:
        advice = ", which needs norm=(batchnorm_forward, batchnorm_backward)" if "norm" in unknown else ""
        raise ValueError(f"a block is made of the words {', '.join(known)}; got {unknown[0]!r}{advice}")
    if sum(word in MAPS for word in words) != 1 or len(set(words)) < len(words):
        raise ValueError(f"a block has one of {' and '.join(MAPS)}, and no word twice; got {block!r}")
    if "convolution" in words and len(shape) != 3:
        raise ValueError(f"a convolutional net begins with the shape (C, H, W) of an image, got {shape}")
    return words


def _std(std: float | str, fan_in: int) -> float:
    """Standard deviation of a layer's initial weights."""
    if not isinstance(std, str):
        return std
    if std not in SCHEMES:
        raise ValueError(f"std is a number or one of {', '.join(SCHEMES)}; got {std!r}")
    return math.sqrt(SCHEMES[std] / fan_in)
