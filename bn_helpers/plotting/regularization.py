"""The figures of notebook 5."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from bn_helpers import plotting

TICKS = (0.05, 0.1, 0.2, 0.5, 1, 2)  # of spreads, on a log scale


def jitter(image: np.ndarray, outputs: Mapping[int, np.ndarray], steady: float) -> Figure:
    """Draw one image, and histograms of what one unit gives for it in the company of many batches.

    Parameters
    ----------
    image : ndarray of shape (H, W)
    outputs : mapping of int to ndarray of shape (B,)
        For three batch sizes, the unit's output in training mode with each of B groups of companions.
    steady : float
        Its output in test mode.
    """
    figure, (picture, *axes) = plt.subplots(1, 1 + len(outputs), width_ratios=(0.7, *(1 for _ in outputs)))
    picture.imshow(image, cmap="gray_r")
    picture.set(title="the image", xticks=[], yticks=[])
    picture.spines[:].set_visible(False)
    edges = np.histogram_bin_edges(np.concatenate([*outputs.values()]), bins=30)
    for ax, (size, values) in zip(axes, outputs.items(), strict=True):
        ax.hist(values, bins=edges, color=plotting.WITH["color"])
        ax.axvline(steady, **plotting.REFERENCE)
        ax.set(title=f"batches of {size}: sd {values.std():.2f}", xlabel="output of the unit")
    highest = max(ax.get_ylim()[1] for ax in axes)
    for ax in axes:
        ax.set_ylim(0, highest)
        ax.tick_params(labelleft=ax is axes[0])
    axes[0].set_ylabel("batches")
    return figure


def spreads(
    sizes: Sequence[int], statistics: Mapping[str, tuple[np.ndarray, np.ndarray]], outputs: Mapping[str, np.ndarray]
) -> Figure:
    """Draw how far a batch's statistics, and the outputs that come of them, scatter against the size of the batch.

    Parameters
    ----------
    sizes : sequence of int
        Rows of the batches.
    statistics : mapping of str to pair of ndarray of shape (K,)
        For each of two statistics, its relative spread by the formula for gaussian features, and as it was measured.
    outputs : mapping of str to ndarray of shape (K,)
        For each of two outputs of one image, its standard deviation over many batches.
    """
    figure, (left, right) = plt.subplots(1, 2)
    looks = (plotting.WITH, plotting.THIRD)
    for (name, (formula, measured)), look in zip(statistics.items(), looks, strict=True):
        left.plot(sizes, formula, **(plotting.REFERENCE | {"linewidth": 1}))
        left.plot(sizes, measured, "o", color=look["color"], label=name)
    for (name, spread), look in zip(outputs.items(), looks, strict=True):
        right.plot(sizes, spread, marker="o", label=name, **look)
    left.set(title="a batch's statistics", ylabel="relative standard deviation")
    right.set(title="one image's outputs", ylabel="standard deviation")
    for ax in (left, right):
        ax.set(yscale="log", ylim=(TICKS[0], TICKS[-1]))
        plotting.ticks(ax.yaxis, TICKS)
        ax.set(xscale="log", xlabel="images in the batch")
        plotting.ticks(ax.xaxis, sizes)
    plotting.label_line_ends(left, right)
    return figure


def by_group(sizes: Sequence[int], panels: Mapping[str, tuple[np.ndarray, np.ndarray]], label: str) -> Figure:
    """Draw what nets reach against the size of their ghost groups, one panel a measurement.

    Parameters
    ----------
    sizes : sequence of int
        Images a group.
    panels : mapping of str to pair of ndarray of shape (K, seeds) and ndarray of shape (seeds,)
        For each title, what nets with batch normalization reach by group size, and what nets without it reach.
    label : str
        What is measured.
    """
    figure, axes = plt.subplots(1, len(panels), sharey=True)
    for ax, (title, (normalized, without)) in zip(axes, panels.items(), strict=True):
        ends = np.array([min(sizes), max(sizes)])
        plotting.band(ax, ends, np.column_stack([without, without]), label="no batch norm", **plotting.WITHOUT)
        plotting.band(ax, sizes, np.transpose(normalized), label="ghost groups", **plotting.WITH)
        ax.plot(sizes, normalized, "o", color=plotting.WITH["color"], alpha=0.5)
        for size, values in zip(sizes, normalized, strict=True):
            where = {"transform": ax.get_xaxis_transform(), "ha": "center", "fontsize": 8.5}
            ax.text(size, 0.02, f"{np.median(values):.0%}", color=plotting.WITH["color"], **where)
        ax.margins(x=0.12)  # for the first number and the last
        ax.set(title=title, xscale="log", xlabel="images in a group")
        plotting.ticks(ax.xaxis, sizes)
    axes[0].margins(y=0.15)  # for the numbers under the dots
    axes[0].set(ylabel=label, ylim=(None, 1.03))
    axes[0].yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    plotting.label_line_ends(*axes)
    return figure


def last_losses(panels: Mapping[str, tuple[Sequence[float], np.ndarray]]) -> Figure:
    """Draw the last loss over the learning rate: without batch norm, with it, and with noise behind it.

    Parameters
    ----------
    panels : mapping of str to pair
        For each net, the K rates, and training-mode losses of shape (3, K, seeds), in nats.
    """
    figure, axes = plt.subplots(1, len(panels), sharey=True)
    looks = {"without": plotting.WITHOUT, "batch norm": plotting.WITH, "noisy": plotting.THIRD}
    for ax, (net, (rates, losses)) in zip(axes, panels.items(), strict=True):
        for (name, look), runs in zip(looks.items(), losses, strict=True):
            plotting.band(ax, rates, runs.T, label=name, marker="o", **look)
        ax.set(title=f"{net} net", xlabel="learning rate", xscale="log", yscale="log")
        ax.set_xticks(rates, [f"{rate:g}" for rate in rates])
        ax.minorticks_off()
    axes[0].set_ylabel("last loss (nats)")
    plotting.label_line_ends(*axes)
    return figure
