"""The figures of notebook 4."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from bn_helpers import plotting

GAP = 0.5  # between blocks of cells, in cells
NORMS = ("batch norm", "layer norm", "instance norm", "group norm", "per pixel (a slip)")


def pictures(images: Sequence[np.ndarray], titles: Sequence[str], limit: float, unit: str) -> Figure:
    """Draw images of signed values side by side, in one scale of colours; below 0 they are hatched, for print in grey.

    Parameters
    ----------
    images : sequence of ndarray of shape (H, W)
    titles : sequence of str
    limit : float
        Value at which the colours end, on both sides of 0.
    unit : str
        What the values are.
    """
    figure, (axes,) = plt.subplots(1, len(images), squeeze=False)
    for ax, image, title in zip(axes, images, titles, strict=True):
        colours = ax.imshow(image, cmap=plotting.SIGNED, vmin=-limit, vmax=limit)
        ax.contourf(image, levels=[-np.inf, -limit / 8], colors="none", hatches=["///"])
        ax.set_title(title)
        _bare(ax)
    ends = "both" if max(np.abs(image).max() for image in images) > limit else "neither"
    ticks = [-limit, -limit / 2, 0, limit / 2, limit]
    figure.colorbar(colours, ax=axes, label=unit, location="bottom", shrink=0.5, extend=ends, ticks=ticks)
    return figure


def shared_statistics(shape: tuple[int, int, int, int]) -> Figure:
    """Colour and number the cells of a batch of images by the mean that they share, for five ways to normalize.

    Parameters
    ----------
    shape : tuple of int
        N, C, H, W of a batch small enough to be looked at, with an even number of channels.
    """
    n, c, h, w = shape
    figure, axes = plt.subplots(2, 3)
    figure.get_layout_engine().set(w_pad=0.1)
    layout, *panels = axes.flat
    _blocks(layout, np.zeros(shape, int), [""] * (n * c * h * w), cmap="gray")
    layout.set_title(f"the batch, {h} x {w} pixels")
    _name_blocks(layout, shape)
    for ax, norm in zip(panels, NORMS, strict=True):
        _sharing(ax, norm, 2, shape)
    for ax in axes.flat:
        ax.set_aspect("auto")
    return figure


def sharing(norm: str, groups: int, shape: tuple[int, int, int, int]) -> Figure:
    """Colour and number the cells of a batch of images by the mean that they share, for one way to normalize.

    Parameters
    ----------
    norm : str
        One of NORMS.
    groups : int
        Into how many groups group norm divides the channels.
    shape : tuple of int
        N, C, H, W of a batch small enough to be looked at.
    """
    figure, ax = plt.subplots()
    _sharing(ax, norm, groups, shape)
    _name_blocks(ax, shape)
    return figure


def _sharing(ax: Axes, norm: str, groups: int, shape: tuple[int, int, int, int]) -> None:
    n, c, h, w = shape
    image, channel, pixel = np.ogrid[:n, :c, : h * w]
    which = {
        "batch norm": channel,
        "layer norm": image,
        "instance norm": image * c + channel,
        "group norm": image * groups + channel // (c // groups),
        "per pixel (a slip)": channel * h * w + pixel,
    }[norm]
    title = f"{norm}, {groups}" if norm == "group norm" else norm
    shared = np.broadcast_to(which, (n, c, h * w)).reshape(shape)
    _blocks(ax, shared, [str(mean + 1) for mean in shared.flat])
    ax.set_title(f"{title}: {shared.max() + 1} means")


def reshapes(x: np.ndarray, moved: np.ndarray, plain: np.ndarray) -> Figure:
    """Draw a batch of images and two ways to lay it out in rows, each cell in the colour of its channel.

    Parameters
    ----------
    x : ndarray of shape (N, C, H, W)
        All values differ, so that a value tells its channel.
    moved, plain : ndarray of shape (N * H * W, C)
        Laid out after the channel axis was moved to the end, and without that.
    """
    channels = {value: j for j in range(x.shape[1]) for value in x[:, j].flat}
    figure, axes = plt.subplots(1, 3, width_ratios=(2, 1, 1))
    titles = (f"x, of shape {x.shape}", "channel axis moved,\nthen reshaped", "reshaped alone")
    for ax, values, title in zip(axes, (x, moved[None, None], plain[None, None]), titles, strict=True):
        _blocks(ax, np.vectorize(channels.get)(values), [f"{value:g}" for value in values.flat])
        ax.set_title(title)
    _name_blocks(axes[0], x.shape)
    for ax, matrix in zip(axes[1:], (moved, plain), strict=True):
        ax.set_xticks(np.arange(matrix.shape[1]) + 0.5, [f"{mean:g}" for mean in matrix.mean(axis=0)])
        ax.set_xlabel("mean of the column")
    return figure


def sweeps(panels: Mapping[str, tuple[Sequence[float], np.ndarray]], setting: str) -> Figure:
    """Draw the accuracy with and without batch normalization against a setting, one panel a net.

    Parameters
    ----------
    panels : mapping of str to pair
        For each net, the K values of the setting, and accuracies of shape (2, K, S): without and with, S seeds.
    setting : str
        What is varied, on a log scale.
    """
    figure, (axes,) = plt.subplots(1, len(panels), sharex=True, sharey=True, squeeze=False)
    for ax, (title, (values, accuracy)) in zip(axes, panels.items(), strict=True):
        medians = np.median(accuracy, axis=2)
        furthest = np.argmax(np.abs(medians[1] - medians[0]))  # the ends may coincide, so the names stand there
        below = {"xytext": (0, -4), "va": "top", "ha": "left" if furthest < len(values) / 2 else "right"}
        arms = {"without": (plotting.WITHOUT, below), "with": (plotting.WITH, {"xytext": (3, 6)})}
        for runs, median, (label, (look, where)) in zip(accuracy, medians, arms.items(), strict=True):
            plotting.band(ax, values, runs.T, label=label, marker="o", **look)
            at = values[furthest], median[furthest]
            ax.annotate(label, at, textcoords="offset points", color=plotting.ink(look["color"]), fontsize=9, **where)
        ax.axhline(0.1, color=plotting.BACKGROUND["color"], linewidth=0.8)
        ax.set(title=title, xlabel=setting, xscale="log", ylim=(0, 0.85))
    axes[0].set_ylabel("test accuracy")
    axes[0].yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    return figure


def losses(updates: np.ndarray, runs: Mapping[str, np.ndarray]) -> Figure:
    """Draw the losses of a training, of the same with larger weights, and of these with a larger rate.

    Parameters
    ----------
    updates : ndarray of shape (K,)
        Number of updates.
    runs : mapping of str to ndarray of shape (seeds, K)
        For each of three ways to train, the training-mode loss in nats.
    """
    figure, ax = plt.subplots()
    looks = (plotting.WITH, plotting.THIRD, plotting.REFERENCE)  # the last is dotted: the first shows through
    for (name, values), look in zip(runs.items(), looks, strict=True):
        plotting.band(ax, updates, values, label=name, **look)
    ax.set(xlabel="updates", ylabel="training-mode loss (nats)", ylim=(0, None))
    plotting.label_line_ends(ax)
    return figure


def companions(pixels: np.ndarray, outputs: Mapping[str, np.ndarray]) -> Figure:
    """Draw what a channel's pixels of one image become, against what they were, in different batches.

    Parameters
    ----------
    pixels : ndarray of shape (H, W)
        What goes into the normalization.
    outputs : mapping of str to ndarray of shape (H, W)
        What comes out: two batches, and one to compare with.
    """
    figure, ax = plt.subplots()
    pixels, order = pixels.ravel(), np.argsort(pixels, axis=None)
    looks = (plotting.WITH, plotting.THIRD, plotting.REFERENCE)
    for (label, values), look in zip(outputs.items(), looks, strict=True):
        ax.plot(pixels[order], values.ravel()[order], label=label, **look)
    ax.set(xlabel="value that goes in", ylabel="value that comes out")
    plotting.label_line_ends(ax)
    return figure


def _blocks(ax: Axes, groups: np.ndarray, texts: Sequence[str], cmap: str = "viridis") -> None:
    """Draw a batch (N, C, H, W) as N rows of C blocks of cells, coloured by group, with a text in each cell."""
    n, c, h, w = groups.shape
    for (i, j), block in ((at, groups[at]) for at in np.ndindex(n, c)):
        x, y = j * (w + GAP) + np.arange(w + 1), i * (h + GAP) + np.arange(h + 1)
        limits = {"vmin": 0, "vmax": max(1, groups.max())}
        ax.pcolormesh(x, y, block, cmap=cmap, alpha=0.45, edgecolor="0.4", linewidth=0.8, **limits)
    for (i, j, k, m), text in zip(np.ndindex(groups.shape), texts, strict=True):
        x, y = j * (w + GAP) + m + 0.5, i * (h + GAP) + k + 0.5
        ax.text(x, y, text, ha="center", va="center", fontsize=9)
    ax.set_aspect("equal")
    ax.invert_yaxis()
    _bare(ax)


def _name_blocks(ax: Axes, shape: tuple[int, int, int, int]) -> None:
    n, c, h, w = shape
    ax.set_xticks(np.arange(c) * (w + GAP) + w / 2, range(1, c + 1))
    ax.set_xlabel("channel")
    ax.set_yticks(np.arange(n) * (h + GAP) + h / 2, [f"image {i + 1}" for i in range(n)])
    ax.tick_params(labelsize=8.5)


def _bare(ax: Axes) -> None:
    ax.set(xticks=[], yticks=[])
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
