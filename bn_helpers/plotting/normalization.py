"""The figures of notebook 1."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from bn_helpers import plotting

BINS = 7


def histograms(batches: Sequence[np.ndarray], names: Sequence[str], units: Sequence[str]) -> Figure:
    """Draw one histogram a feature; a second batch, such as the normalized one, goes into a second row.

    Parameters
    ----------
    batches : sequence of ndarray of shape (N, D)
        One or two batches.
    names : sequence of str
        Names of the D features.
    units : sequence of str
        What each batch's horizontal axis shows.
    """
    figure, rows = plt.subplots(len(batches), len(names), sharex="row", sharey=True, squeeze=False)
    looks = (plotting.WITHOUT, plotting.WITH)
    for axes, batch, unit, look in zip(rows, batches, units, looks, strict=False):
        for ax, feature in zip(axes, batch.T, strict=True):
            ax.hist(feature, bins=_edges(feature), color=look["color"])
            ax.axvline(feature.mean(), **plotting.REFERENCE)
            ax.set_xlabel(unit)
    for ax, name in zip(rows[0], names, strict=True):
        ax.set_title(name)
    for ax in rows[:, 0]:
        ax.set_ylabel("examples")
    return figure


def _edges(feature: np.ndarray) -> np.ndarray:
    """Edges of a feature's own width, for shapes are compared, and off its values: rounding moves none across one."""
    beyond = np.ptp(feature) / 32
    return np.linspace(feature.min() - beyond, feature.max() + beyond, BINS + 1)


def shared_means(x: np.ndarray) -> Figure:
    """Colour the cells of a small batch by the mean that they share: by feature, by example, all.

    Parameters
    ----------
    x : ndarray of shape (N, D)
        A batch small enough to be printed.
    """
    n, d = x.shape
    ways = {
        "over the batch (axis=0)": (np.tile(np.arange(d), (n, 1)), x.mean(axis=0, keepdims=True)),
        "over the features (axis=1)": (np.tile(np.arange(n)[:, None], (1, d)), x.mean(axis=1, keepdims=True)),
        "over everything": (np.zeros((n, d)), x.mean(keepdims=True)),
    }
    figure, axes = plt.subplots(1, 3)
    for ax, (title, (group, mean)) in zip(axes, ways.items(), strict=True):
        shared = np.broadcast_to(mean, x.shape)
        ax.imshow(group, cmap="viridis", vmin=-4, vmax=n, aspect="auto", interpolation="nearest", alpha=0.6)
        for (i, j), value in np.ndenumerate(x):
            ax.text(j, i - 0.14, f"{value:g}", ha="center", va="center", fontsize=10)
            ax.text(j, i + 0.26, f"mean {shared[i, j]:.3g}", ha="center", va="center", fontsize=8.5)
        ax.set_title(title)
        ax.set_xticks(range(d), [f"feature {j + 1}" for j in range(d)])
        ax.set_yticks(range(n), [f"example {i + 1}" for i in range(n)] if ax is axes[0] else [])
        ax.tick_params(length=0, labelsize=9)
        ax.spines[:].set_visible(False)
    return figure


def what_stays(one: np.ndarray, one_hat: np.ndarray, two: np.ndarray, two_hat: np.ndarray) -> Figure:
    """Draw what normalization leaves as it was: the shape of a feature, and the correlation of two.

    Parameters
    ----------
    one, one_hat : ndarray of shape (N,)
        A feature, as it is and normalized.
    two, two_hat : ndarray of shape (N, 2)
        Two features, as they are and normalized.
    """
    figure, axes = plt.subplots(1, 4)
    looks = (("before", plotting.WITHOUT), ("after", plotting.WITH))
    for ax, feature, (when, look) in zip(axes[:2], (one, one_hat), looks, strict=True):
        ax.hist(feature, bins=30, color=look["color"])
        ax.set(title=f"shape, {when}", xlabel="one feature")
    for ax, pair, (when, look) in zip(axes[2:], (two, two_hat), looks, strict=True):
        # Small jitter-free points: equal values lie on top of one another, so they are see-through.
        ax.plot(*pair.T, "o", color=look["color"], alpha=0.35, markersize=4, markeredgewidth=0)
        ax.set(title=f"two features, {when}", xlabel="first feature")
    axes[0].set_ylabel("examples")
    axes[2].set_ylabel("second feature")
    return figure


def scale_over_depth(without: Mapping[float, np.ndarray], normalized: Mapping[float, np.ndarray], name: str) -> Figure:
    """Draw the spread of each layer's output over depth, on a log scale: left without, right with normalization.

    Parameters
    ----------
    without, normalized : mapping of float to array_like of shape (S, L)
        For each gain, the standard deviation of L layers' outputs in S runs.
    name : str
        What the keys are, for the labels at the lines' ends.
    """
    figure, axes = plt.subplots(1, 2, sharex=True, sharey=True)
    titles, looks = ("without normalization", "with normalization"), (plotting.WITHOUT, plotting.WITH)
    for ax, runs, title, look in zip(axes, (without, normalized), titles, looks, strict=True):
        for gain, spread in runs.items():
            layers = np.arange(1, np.shape(spread)[1] + 1)
            plotting.band(ax, layers, np.asarray(spread), label=f"{name} {gain:g}", **look)
        ax.set(title=title, xlabel="layer", yscale="log")
    axes[0].set_ylabel("standard deviation")
    plotting.label_line_ends(*axes)
    return figure


def layer_histograms(plain: Sequence[np.ndarray], normed: Sequence[np.ndarray], layers: Sequence[int]) -> Figure:
    """Draw histograms of a few layers' outputs: above without, below with normalization.

    Parameters
    ----------
    plain, normed : sequence of ndarray
        The outputs of these layers, between -1 and 1.
    layers : sequence of int
        Their positions, counted from 0.
    """
    figure, rows = plt.subplots(2, len(layers), sharex=True, sharey=True)
    looks = (("without", plotting.WITHOUT), ("with", plotting.WITH))
    for axes, outputs, (name, look) in zip(rows, (plain, normed), looks, strict=True):
        for ax, h, layer in zip(axes, outputs, layers, strict=True):
            ax.hist(h.ravel(), bins=np.linspace(-1, 1, 41), weights=np.full(h.size, 100 / h.size), color=look["color"])
            ax.set_title(f"layer {layer + 1}, {name}")
    for ax in rows[-1]:
        ax.set_xlabel("output of tanh")
    for ax in rows[:, 0]:
        ax.set_ylabel("outputs (%)")
    return figure
