"""The figures of notebook 2."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from bn_helpers import plotting


def spreads(before: np.ndarray, after: np.ndarray) -> Figure:
    """Draw how far apart the inputs of a layer's units lie, before and after training.

    Parameters
    ----------
    before, after : ndarray of shape (nets, units)
        Standard deviation of each unit's input, over the data.
    """
    figure, ax = plt.subplots()
    edges = np.histogram_bin_edges(np.concatenate([before, after]), bins=40)
    looks = (("before training", before, plotting.BACKGROUND), ("after training", after, plotting.WITHOUT))
    for height, (name, values, look) in zip((0.97, 0.77), looks, strict=True):
        ax.hist(values.ravel(), bins=edges, color=look["color"], alpha=0.7)
        median = np.median(values)
        ax.axvline(median, color=plotting.REFERENCE["color"], linewidth=1)
        where = {"xycoords": ax.get_xaxis_transform(), "xytext": (-5, 0), "textcoords": "offset points"}
        ax.annotate(f"{name}:\nmedian {median:.2f}", (median, height), ha="right", va="top", fontsize=9, **where)
    ax.margins(y=0.3)
    ax.set(xlabel="standard deviation of a tanh unit's input, over the training images", ylabel="units")
    return figure


def identity(spread: np.ndarray, shares: Mapping[str, np.ndarray], batches: np.ndarray, returned: np.ndarray) -> Figure:
    """Draw what comes back of a batch that was normalized, scaled and shifted: left its spread, right its values.

    Parameters
    ----------
    spread : ndarray of shape (D,)
        Standard deviation of each feature.
    shares : mapping of str to ndarray of shape (D,)
        For three ways to choose gamma, the spread that comes back, as a share of the feature's own.
    batches, returned : ndarray of shape (4, N)
        One feature in four batches, and what came back of it with the first batch's parameters.
    """
    figure, (left, right) = plt.subplots(1, 2)
    looks = (plotting.THIRD, plotting.REFERENCE, plotting.WITH)
    for (name, share), look in zip(shares.items(), looks, strict=True):
        left.plot(spread, share, label=name, **look)
    left.set(
        xscale="log", xlabel="standard deviation of the feature", ylabel="share that comes back", title="gamma = ..."
    )
    plotting.label_line_ends(left)
    ends = [batches.min(), batches.max()]
    right.plot(ends, ends, **(plotting.REFERENCE | {"linewidth": 1}))
    for values, back, marker in zip(batches[1:], returned[1:], "sD^", strict=True):
        right.plot(values, back, marker, color=plotting.THIRD["color"])
    right.plot(batches[0], returned[0], "o", color=plotting.WITH["color"])
    for row, (name, look) in enumerate((("● this batch", plotting.WITH), ("■◆▲ the next three", plotting.THIRD))):
        color = plotting.ink(look["color"])
        right.text(0.03, 0.95 - 0.1 * row, name, color=color, transform=right.transAxes, fontsize=9)
    right.set(xlabel="what goes in", ylabel="what comes back", title="one feature, four batches")
    return figure


def saturation(
    bell: np.ndarray,
    gammas: np.ndarray,
    formula: np.ndarray,
    measured: np.ndarray,
    trained: tuple[np.ndarray, np.ndarray],
) -> Figure:
    """Draw what tanh makes of a normalized feature that was scaled: above its outputs, below two figures over gamma.

    Parameters
    ----------
    bell : ndarray of shape (N,)
        A gaussian feature.
    gammas : ndarray of shape (G,)
        Scales; the first, the middle and the last have a histogram.
    formula : ndarray of shape (G,)
        Share of saturated outputs of a gaussian feature.
    measured : ndarray of shape (2, G)
        The same as measured, of the gaussian and of real features.
    trained : pair of array_like of shape (nets,)
        Spread and saturated share of nets that were trained without normalization.
    """
    figure, axes = plt.subplot_mosaic("001122;333444", height_ratios=(1, 1.4))
    middle = len(gammas) // 2
    for name, gamma in zip("012", gammas[[0, middle, -1]], strict=True):
        _percent(axes[name], np.tanh(gamma * bell), 1)
        axes[name].set(title=f"gamma = {gamma:.2g}", xlabel="output of tanh")
    axes["0"].set_ylabel("share (%)")
    share, slope = axes["3"], axes["4"]
    dots = {"linestyle": "none", "marker": "o"}
    share.plot(gammas, formula, **plotting.REFERENCE)
    share.plot(gammas, measured[1], **(plotting.WITH | dots))
    share.plot(*trained, **(plotting.WITHOUT | dots | {"marker": "s"}))
    share.plot(gammas, measured[0], **(plotting.REFERENCE | dots | {"marker": "+"}))
    slopes = [np.mean(1 - np.tanh(gamma * bell) ** 2) for gamma in gammas]
    at = gammas[middle], slopes[middle]
    slope.plot(gammas, slopes, **plotting.REFERENCE)
    slope.plot(*at, **(plotting.REFERENCE | dots))
    slope.annotate(f"{at[1]:.2f}", at, xytext=(5, 2), textcoords="offset points", fontsize=9)
    names = {
        "+ gaussian; dotted: the formula": plotting.REFERENCE,
        "● real, normalized": plotting.WITH,
        "■ real, trained without": plotting.WITHOUT,
    }
    for row, (text, look) in enumerate(names.items()):
        color = plotting.ink(look["color"])
        share.text(0.02, 0.97 - 0.14 * row, text, color=color, transform=share.transAxes, fontsize=9, va="top")
    for ax, label in ((share, "share above 0.97"), (slope, "mean slope")):
        ax.set(xlabel="spread of the input: gamma", ylabel=label, xscale="log", ylim=(0, 1))
        plotting.ticks(ax.xaxis, [0.2, 0.5, 1, 2, 5])
    share.yaxis.set_major_formatter(PercentFormatter(1))
    return figure


def through_tanh(z: np.ndarray, share: float) -> Figure:
    """Draw what goes into a tanh and what comes out: left the inputs, right the outputs.

    Parameters
    ----------
    z : ndarray of any shape
        What goes in.
    share : float
        The saturated share of what comes out, from 0 to 1.
    """
    figure, (left, right) = plt.subplots(1, 2, sharey=True)
    _percent(left, z, 12)
    _percent(right, np.tanh(z), 1)
    left.set(title="what goes into tanh", xlabel="scaled and shifted", ylabel="share (%)")
    right.set(title=f"what comes out: {share:.1%} saturated", xlabel="output of tanh")
    right.set_xticks([-1, -0.5, 0, 0.5, 1])
    for ax, end in ((left, np.arctanh(0.97)), (right, 0.97)):
        ax.axvline(-end, **plotting.REFERENCE)
        ax.axvline(end, **plotting.REFERENCE)
    return figure


def convergence(distance: Mapping[float, np.ndarray], share: Mapping[int, np.ndarray], start: float) -> Figure:
    """Draw how running statistics find their values: left the mean by momentum, right the variance by batch size.

    Parameters
    ----------
    distance : mapping of float to ndarray of shape (seeds, steps)
        For each of three momenta, the distance of the running mean from the mean of all data, in standard deviations.
    share : mapping of int to ndarray of shape (seeds, steps)
        For each of three batch sizes, the running variance as a share of the variance of all data.
    start : float
        The distance before the first step.
    """
    figure, (left, right) = plt.subplots(1, 2)
    panels = ((left, distance, "momentum {:g}"), (right, share, "batches of {}"))
    for ax, runs, name in panels:
        for (key, values), color, style in zip(runs.items(), _shades(len(runs)), ("-", "--", "-."), strict=True):
            steps = np.arange(1, values.shape[1] + 1)
            plotting.band(ax, steps, values, label=name.format(key), color=color, linestyle=style)
        ax.set_xlabel("training step")
    steps = np.arange(np.log(0.02 / start) / np.log(0.9))
    left.plot(steps, start * 0.9**steps, **plotting.REFERENCE)
    left.set(yscale="log", title="running mean", ylabel="distance (in sd)")
    plotting.ticks(left.yaxis, [0.02, 0.05, 0.1, 0.2, 0.5])
    right.axhline(1, **plotting.REFERENCE)
    right.set(ylim=(0, 1.1), title="running variance, momentum 0.99", ylabel="share of all's variance")
    plotting.label_line_ends(left, right)
    return figure


def modes(sizes: Sequence[int], by_size: Mapping[str, np.ndarray], by_order: Mapping[str, np.ndarray]) -> Figure:
    """Draw the accuracy in both modes: left by the size of the batch, right by who is in it.

    Parameters
    ----------
    sizes : sequence of int
        Batch sizes.
    by_size : mapping of str to array_like of shape (sizes, nets)
        Accuracy in the modes ``train`` and ``test``.
    by_order : mapping of str to array_like of shape (2, nets)
        The same for images that are shuffled, and sorted by class.
    """
    figure, (left, right) = plt.subplots(1, 2)
    names = {"test": ("test mode", plotting.WITH), "train": ("training mode", plotting.THIRD)}
    rows, looks = {}, {}
    for mode, (name, look) in names.items():
        plotting.band(left, sizes, np.transpose(by_size[mode]), label=name, **look)
        for order, accuracy in zip(("shuffled", "sorted by class"), by_order[mode], strict=True):
            rows[f"{order},\n{name}"], looks[f"{order},\n{name}"] = accuracy, look
    plotting.dots(right, rows, looks)
    left.set(xscale="log", xlabel="images in the batch", ylabel="accuracy", ylim=(0, 1.03), title="by batch size")
    plotting.ticks(left.xaxis, sizes)
    left.yaxis.set_major_formatter(PercentFormatter(1))
    right.set(title="in batches of 40", xlabel="accuracy", xlim=(0, 1.03))
    plotting.label_line_ends(left)
    return figure


def _percent(ax: Axes, values: np.ndarray, end: float) -> None:
    """A histogram between -end and end, in per cent of all values, on a log scale."""
    weights = np.full(values.size, 100 / values.size)
    ax.hist(values.ravel(), bins=np.linspace(-end, end, 41), weights=weights, color=plotting.WITH["color"])
    ax.set(yscale="log", ylim=(0.1, 100))


def _shades(count: int) -> np.ndarray:
    """Colours for growing values, dark to light, none too light to be seen."""
    return mpl.colormaps["viridis"](np.linspace(0, 0.75, count))
