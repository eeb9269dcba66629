"""The figures of the course: how they look, how they are shown, and what they share.

Each notebook's figures stand in a module of their own, ``plotting.normalization`` and so on: arrays in, Figure out.
"""

from __future__ import annotations

import importlib
import io
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType

logging.getLogger("matplotlib").setLevel(logging.ERROR)  # a cell's output is no place for word of its caches

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import PIL.Image
from IPython.display import Image, display
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.text import Annotation
from matplotlib.ticker import LogFormatterSciNotation, PercentFormatter

from bn_helpers.checks import wrong_answers
from bn_helpers.exercises import NOTEBOOKS

STYLE = mpl.rc_params_from_file(Path(__file__).parents[1] / "bn.mplstyle", use_default_template=False)

# What the colours mean, each with its own line style: ax.plot(x, y, **WITH)
WITH, WITHOUT, REFERENCE, THIRD, BACKGROUND = STYLE["axes.prop_cycle"]
SIGNED = "RdBu_r"  # values on both sides of 0, on limits symmetric about it; the style's own map is for magnitudes

WIDTH = 720  # of a figure on a page, in pixels. Its picture has more, those of a slide


def __getattr__(name: str) -> ModuleType:
    """Import a notebook's figures where they are first asked for."""
    if name in {notebook[3:] for notebook in NOTEBOOKS}:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def use_style() -> None:
    """Give every figure from here on the looks of the course."""
    mpl.rcParams.update(STYLE)


def show(fig: Figure, *, alt: str) -> None:
    """Display a figure with a description for those who do not see it, and close it.

    Parameters and errors are those of `picture`.
    """
    display(picture(fig, alt=alt))


def picture(fig: Figure, *, alt: str) -> Picture:
    """Turn a figure and its description into what a notebook can display, and close the figure.

    Parameters
    ----------
    fig : Figure
    alt : str
        What kind of figure it is and what it shows with right answers, in a sentence. In a cell that `ready` let draw
        with a wrong one, the description says so before it.

    Raises
    ------
    ValueError
        If alt is empty.
    """
    if not alt.strip():
        raise ValueError("alt must say in a sentence what the figure shows, got nothing")
    if wrong := wrong_answers():
        alt = f"Drawn with a wrong answer ({', '.join(wrong)}). With a right one: {alt}"
    for axis in (axis for ax in fig.axes for axis in (ax.xaxis, ax.yaxis)):
        if isinstance(axis.get_major_formatter(), LogFormatterSciNotation):
            axis.set_major_formatter(_power)
    drawn, small = io.BytesIO(), io.BytesIO()
    fig.savefig(drawn, format="png")
    plt.close(fig)
    colours = {"colors": 128, "method": PIL.Image.Quantize.MAXCOVERAGE, "dither": PIL.Image.Dither.NONE}
    palette = PIL.Image.open(drawn).convert("RGB").quantize(**colours)  # half of the bytes
    palette.save(small, format="png", optimize=True)
    return Picture(small.getvalue(), alt=alt, width=WIDTH)


def _power(value: float, _: int | None = None) -> str:
    """A power of ten, written on a line: raised exponents are too small to be read from the back row."""
    mantissa, exponent = f"{value:.0e}".split("e")
    return f"{value:g}" if abs(int(exponent)) <= 3 else f"{mantissa}e{int(exponent)}"


class Picture(Image):
    """What a notebook displays: an image that carries its description; elsewhere the description alone."""

    def __repr__(self) -> str:
        return self.alt


def ink(color: str | tuple[float, ...]) -> str:
    """The colour of a line, for letters: darkened until it has a contrast of 4.5 on white, as small type needs."""
    letters = np.array(mpl.colors.to_rgb(color))
    while _light(letters) > 1.05 / 4.5 - 0.05:
        letters *= 0.97
    return mpl.colors.to_hex(letters)


def _light(rgb: np.ndarray) -> float:
    """Relative luminance of a colour, as the Web Content Accessibility Guidelines define it."""
    return np.where(rgb > 0.04045, ((rgb + 0.055) / 1.055) ** 2.4, rgb / 12.92) @ (0.2126, 0.7152, 0.0722)


def band(
    ax: Axes,
    x: np.ndarray,
    values: np.ndarray,
    *,
    label: str = "",
    color: str | None = None,
    linestyle: str | None = None,
    marker: str | None = None,
) -> None:
    """Draw the median over the seeds as a line, and the middle half of them as a band around it.

    Parameters
    ----------
    ax : Axes
    x : ndarray of shape (K,)
    values : ndarray of shape (seeds, K)
    label : str, optional
        Name of the line, for ``label_line_ends``.
    color, linestyle, marker : str, optional
        ``**WITH``, ``**WITHOUT``, and so on; else the next in the style's order.
    """
    low, median, high = np.percentile(values, [25, 50, 75], axis=0)
    (line,) = ax.plot(x, median, label=label, color=color, linestyle=linestyle, marker=marker)
    ax.fill_between(x, low, high, color=line.get_color(), alpha=0.2, linewidth=0)


def dots(ax: Axes, reached: Mapping[str, np.ndarray], looks: Mapping[str, Mapping] | None = None) -> None:
    """Draw a row for each arm of a comparison: a dot a seed, a bar at the median, a band over the middle half.

    A seed's dots stand at the same height in every row.

    Parameters
    ----------
    ax : Axes
    reached : mapping of str to array_like of shape (seeds,)
        For each arm, from top to bottom, what its nets reach, as a share of 1.
    looks : mapping of str to mapping, optional
        ``{"no norm": WITHOUT}``; an arm that is not among them has batch normalization.
    """
    for row, (name, values) in enumerate(reached.items()):
        color = (looks or {}).get(name, WITH)["color"]
        low, median, high = np.percentile(values, [25, 50, 75])
        ax.barh(row, high - low, left=low, height=0.5, color=color, alpha=0.2)
        ax.plot(values, row + np.linspace(-0.2, 0.2, len(values)), "o", color=color, alpha=0.6)
        ax.vlines(median, row - 0.25, row + 0.25, color=color, linewidth=2)
        ax.text(median, row - 0.27, f"{median:.0%}", color=ink(color), ha="center", va="bottom", fontsize=8.5)
    ax.use_sticky_edges = False  # a band at the edge of the axes would cut the dots there in two
    ax.margins(x=0.08)  # for the numbers
    ax.set_yticks(range(len(reached)), reached)
    ax.set_ylim(len(reached) - 0.5, -0.8)
    ax.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))


def ticks(axis: Axis, values: Sequence[float]) -> None:
    """Give an axis, after it was made logarithmic, ticks at these values and nowhere else."""
    axis.set_ticks(values, [f"{value:g}" for value in values])
    axis.set_ticks([], minor=True)


def arms(
    panels: Mapping[str, Mapping[str, np.ndarray]], label: str, looks: Mapping[str, Mapping] | None = None
) -> Figure:
    """Draw what the nets of each arm reach, one panel a measurement, all on one scale.

    Parameters
    ----------
    panels : mapping of str to mapping of str to array_like of shape (seeds,)
        For each title, what ``dots`` draws: the same arms in every panel.
    label : str
        What is measured.
    looks : mapping of str to mapping, optional
        As in ``dots``.
    """
    figure, axes = plt.subplots(1, len(panels), sharex=True, sharey=True)
    for ax, (title, reached) in zip(axes, panels.items(), strict=True):
        dots(ax, reached, looks)
        ax.set(title=title, xlabel=label)
    return figure


def label_line_ends(*axes: Axes) -> None:
    """Write the label of each line at its right end, in its colour, and move labels apart where they would overlap.

    Call it last: what is drawn afterwards may change the limits of the axes. Lines without a label are left alone.

    Parameters
    ----------
    *axes : Axes
    """
    written = {ax: _write_labels(ax) for ax in axes}
    if axes[0].figure.get_layout_engine():
        axes[0].figure.draw_without_rendering()  # settles the layout, with room for the labels
    to_points = 72 / axes[0].figure.dpi
    for ax, texts in written.items():
        heights = [ax.transData.transform(text.xy)[1] * to_points for text in texts]
        gap = 1.2 * mpl.rcParams["legend.fontsize"]
        for text, height, shifted in zip(texts, heights, _apart(heights, gap), strict=True):
            text.set_position((5, shifted - height))


def _write_labels(ax: Axes) -> list[Annotation]:
    """Write each line's label where its last number is."""
    texts = []
    (left, right), (bottom, top) = sorted(ax.get_xlim()), sorted(ax.get_ylim())
    for line in ax.get_lines():
        xy = np.column_stack(line.get_data(orig=False))
        xy = xy[np.isfinite(xy).all(axis=1)]  # a diverged run ends where its last number is
        if line.get_label().startswith("_") or not line.get_label() or not len(xy):
            continue
        look = {"color": ink(line.get_color()), "fontsize": mpl.rcParams["legend.fontsize"], "va": "center"}
        where = {"xytext": (5, 0), "textcoords": "offset points", "annotation_clip": False}
        end = np.clip(xy[xy[:, 0].argmax()], (left, bottom), (right, top))  # a line may leave the axes
        texts.append(ax.annotate(line.get_label(), end, **where, **look))
    return texts


def _apart(heights: list[float], gap: float) -> np.ndarray:
    """Move numbers as little as need be, so that any two are a gap apart: each crowd is spread about its own middle."""
    order = np.argsort(heights, kind="stable")
    steps = gap * np.arange(len(heights))
    crowds = []
    for height in np.asarray(heights)[order] - steps:
        crowds.append([height])
        while len(crowds) > 1 and np.mean(crowds[-2]) > np.mean(crowds[-1]):
            crowds[-2:] = [crowds[-2] + crowds[-1]]
    apart = np.empty(len(heights))
    apart[order] = [np.mean(crowd) for crowd in crowds for _ in crowd] + steps
    return apart
