"""The figures of notebook 3."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from matplotlib.ticker import PercentFormatter

from bn_helpers import plotting

# The graph of the layer: the middle and the width of each node, in inches, how it is computed, and from which nodes
_NODES = {
    "x": ((0.77, 2.5, 1.42), "the batch", ()),
    "mean": ((0.77, 0.8, 1.42), "average of x", ("x",)),
    "centered": ((2.38, 2.5, 1.42), "x - mean", ("x", "mean")),
    "var": ((2.38, 0.8, 1.42), "average of squares", ("centered",)),
    "inv_std": ((3.99, 0.8, 1.42), "1 / sqrt(var + eps)", ("var",)),
    "x_hat": ((3.99, 2.5, 1.42), "centered * inv_std", ("centered", "inv_std")),
    "gamma": ((5.49, 0.8, 1.21), "a parameter", ()),
    "beta": ((6.65, 0.8, 0.97), "a parameter", ()),
    "out": ((6.01, 2.5, 2.25), "gamma * x_hat + beta", ("x_hat", "gamma", "beta")),
}
_LINE = 0.195  # the height of a line in a node
_SHAPES = {1: "(D,)", 2: "(N, D)"}


def graph(values: Mapping[str, np.ndarray], gradients: Mapping[str, np.ndarray] | None = None) -> Figure:
    """Draw the computational graph of the layer: name, shape and numbers of each node, and in colour its gradient.

    Parameters
    ----------
    values : mapping of str to ndarray
        x, mean, centered, var, inv_std, x_hat, gamma, beta and out, of a batch of a few numbers.
    gradients : mapping of str to ndarray, optional
        dx, dmean and so on. A node whose gradient is not among them is drawn without one.
    """
    figure, ax = plt.subplots(layout="none")
    ax.set_position((0, 0, 1, 1))
    boxes = {}
    for name, ((across, up, width), formula, _) in _NODES.items():
        lines = [(f"{name}  {_SHAPES[values[name].ndim]}", "bold", "black")]
        lines += [(formula, "normal", "0.35"), (_numbers(values[name]), "normal", "black")]
        if gradients and f"d{name}" in gradients:
            color = plotting.WITH["color"]
            lines += [(f"d{name}", "bold", color), (_numbers(gradients[f"d{name}"]), "normal", color)]
        height = _LINE * len(lines) + 0.06
        corner = (across - width / 2, up - height / 2)
        boxes[name] = FancyBboxPatch(corner, width, height, boxstyle="round,pad=0", facecolor="white", edgecolor="0.7")
        ax.add_patch(boxes[name])
        for line, (words, weight, color) in enumerate(lines):
            where = up + _LINE * ((len(lines) - 1) / 2 - line)
            size = 9.5 if words == formula else 11
            ax.text(across, where, words, weight=weight, color=color, fontsize=size, ha="center", va="center")
    for end, (middle, _, starts) in _NODES.items():
        for start in starts:
            ends = {"posA": _NODES[start][0][:2], "posB": middle[:2], "patchA": boxes[start], "patchB": boxes[end]}
            ax.add_patch(
                FancyArrowPatch(**ends, arrowstyle="-|>", mutation_scale=12, color="0.4", shrinkA=1, shrinkB=1)
            )
    ax.set(xlim=(0, figure.get_figwidth()), ylim=(0, figure.get_figheight()))
    ax.set_axis_off()
    return figure


def _numbers(value: np.ndarray) -> str:
    return ", ".join(f"{v:.4g}" for v in np.round(np.ravel(value), 9) + 0.0)  # + 0.0 turns -0.0 into 0.0


def parts(dout: np.ndarray, along_ones: np.ndarray, along_x_hat: np.ndarray, passed: np.ndarray) -> Figure:
    """Draw the gradient of one feature's outputs, and the three parts that it is the sum of.

    Parameters
    ----------
    dout, along_ones, along_x_hat, passed : ndarray of shape (N,)
        The gradient, its part that is the same for all examples, its part in step with x_hat, and the rest.
    """
    figure, axes = plt.subplots(1, 4, sharex=True, sharey=True)
    titles = ("dout", "= the same for all", "+ in step with x_hat", "+ what passes")
    looks = (plotting.REFERENCE, plotting.BACKGROUND, plotting.BACKGROUND, plotting.WITH)
    for ax, part, title, look in zip(axes, (dout, along_ones, along_x_hat, passed), titles, looks, strict=True):
        ax.bar(np.arange(1, len(part) + 1), part, color=look["color"])
        ax.axhline(0, color="black", linewidth=0.8)
        ax.set(title=title, xlabel="example", xticks=[1, len(part)])
    axes[0].set_ylabel("gradient")
    return figure


def share_that_passes(sizes: Sequence[int], shares: Sequence[np.ndarray]) -> Figure:
    """Draw the share of a random gradient that passes, over the batch size, beside sqrt((N - 2) / N).

    Parameters
    ----------
    sizes : sequence of int
        Batch sizes N.
    shares : sequence of ndarray of shape (tries,)
        For each size, the norm of what passes over the norm of what came.
    """
    figure, ax = plt.subplots()
    smooth = np.geomspace(2, max(sizes), 200)
    ax.plot(smooth, np.sqrt((smooth - 2) / smooth), **plotting.REFERENCE)
    ax.annotate("sqrt((N - 2) / N)", (16, 0.75))
    rms = [np.sqrt(np.mean(share**2)) for share in shares]
    low, high = np.transpose([np.percentile(share, [25, 75]) for share in shares])
    ax.vlines(sizes, low, high, color=plotting.WITH["color"], linewidth=5, alpha=0.3)
    ax.plot(sizes, rms, "o", color=plotting.WITH["color"])
    ax.set(xscale="log", xlabel="batch size N", ylabel="share that passes", ylim=(-0.03, 1.05))
    plotting.ticks(ax.xaxis, sizes)
    return figure


def with_and_without(rates: Sequence[float], steps: np.ndarray, losses: np.ndarray) -> Figure:
    """Draw the loss over a training without batch norm and with it, a panel a learning rate.

    Parameters
    ----------
    rates : sequence of float
        Learning rates.
    steps : ndarray of shape (K,)
        Number of updates.
    losses : ndarray of shape (2, rates, seeds, K)
        Training-mode loss, without batch norm first.
    """
    figure, axes = plt.subplots(1, len(rates), sharex=True, sharey=True)
    looks = {"without": plotting.WITHOUT, "with": plotting.WITH}
    for ax, rate, *arms in zip(axes, rates, *losses, strict=True):
        for (label, look), runs in zip(looks.items(), arms, strict=True):
            plotting.band(ax, steps, runs, label=label, **look)
        ax.set(title=f"rate {rate:g}", xlabel="updates", yscale="log")
    axes[0].set_ylabel("training-mode loss (nats)")
    plotting.label_line_ends(*axes)
    return figure


def learned_gammas(rates: Sequence[float], gammas: np.ndarray) -> Figure:
    """Draw a histogram of the gammas after training, a panel a learning rate, beside the 1 that they began at.

    Parameters
    ----------
    rates : sequence of float
        Learning rates.
    gammas : ndarray of shape (rates, units)
        The gammas of all units.
    """
    figure, axes = plt.subplots(1, len(rates), sharex=True, sharey=True)
    edges = np.linspace(np.min(gammas), np.max(gammas), 31)
    for ax, rate, values in zip(axes, rates, gammas, strict=True):
        ax.hist(values, edges, color=plotting.WITH["color"])
        ax.axvline(1, **plotting.REFERENCE)
        ax.set(title=f"rate {rate:g}", xlabel="gamma")
    axes[0].set_ylabel("units")
    return figure


def held_constant(steps: np.ndarray, losses: np.ndarray, biases: np.ndarray, weights: np.ndarray) -> Figure:
    """Draw the loss and the size of biases and weights over a training with the right and with the wrong gradient.

    Parameters
    ----------
    steps : ndarray of shape (K,)
        Number of updates.
    losses, biases, weights : ndarray of shape (2, seeds, K)
        Training-mode loss, and norms of the biases and of the weights before batch norm: the right gradient first, then
        the wrong one.
    """
    figure, axes = plt.subplots(1, 3, sharex=True)
    looks = {"right": plotting.WITH, "constant": plotting.THIRD}
    for ax, arms in zip(axes, (losses, biases, weights), strict=True):
        for (label, look), runs in zip(looks.items(), arms, strict=True):
            plotting.band(ax, steps, runs, label=label, **look)
        ax.set_xlabel("updates")
    axes[0].set(title="training-mode loss", ylabel="nats", yscale="log")
    axes[1].set(title="biases", ylabel="norm")
    axes[2].set(title="weights", ylabel="norm")
    plotting.label_line_ends(*axes)
    return figure


def gradient_over_depth(stds: Sequence[float], norms: np.ndarray, reached: np.ndarray) -> Figure:
    """Draw gradients on their way back from the last layer, relative to those there, and what the nets then learn.

    Parameters
    ----------
    stds : sequence of float
        Standard deviations of the initial weights, three of them.
    norms : ndarray of shape (2, 3, seeds, L)
        Norm of the gradient with respect to each layer's output, first layer first; without batch norm and with it.
    reached : ndarray of shape (2, 3, seeds)
        Accuracy after training, from 0 to 1.
    """
    figure, (*axes, right) = plt.subplots(1, 3)
    axes[1].sharey(axes[0])
    names, looks = ("without batch norm", "with batch norm"), (plotting.WITHOUT, plotting.WITH)
    for ax, name, look, of_stds, accuracy in zip(axes, names, looks, norms, reached, strict=True):
        for std, runs, linestyle in zip(stds, of_stds, ("-", "--", ":"), strict=True):
            relative = (runs / runs[:, -1:])[:, ::-1]
            label = f"std {std:g}" if ax is axes[0] else "all three" if std == stds[-1] else ""
            plotting.band(ax, np.arange(runs.shape[1]), relative, label=label, color=look["color"], linestyle=linestyle)
        ax.set(title=name, xlabel="layers back", xticks=range(0, norms.shape[-1], 3), yscale="log")
        plotting.band(right, stds, accuracy.T, label=name.split()[0], marker="o", **look)
    axes[0].set_ylabel("gradient / last layer's")
    axes[1].tick_params(labelleft=False)
    right.set(title="after training", xlabel="initial std", xscale="log", ylabel="accuracy", ylim=(0, 1.03))
    plotting.ticks(right.xaxis, stds)
    right.yaxis.set_major_formatter(PercentFormatter(1))
    plotting.label_line_ends(*axes, right)
    return figure
