"""Interactive views: controls, and a picture that follows them.

Where no kernel runs, the picture that was drawn last stays, with its description: on a repository's page, in an export,
in a notebook that is opened again. All controls are sliders, for the keys left and right: those up and down belong to
JupyterLab.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise

import ipywidgets
import matplotlib as mpl
import numpy as np
from IPython import get_ipython
from IPython.display import display
from ipywidgets import FloatSlider, IntSlider, SelectionSlider
from matplotlib.figure import Figure

from bn_helpers import plotting

VIEW = "application/vnd.jupyter.widget-view+json"


def gain_and_depth(spreads: Mapping[float, tuple[np.ndarray, np.ndarray]]) -> None:
    """View the spread of activations over depth: two gains stay, and a third one between them moves, as does the depth.

    Parameters
    ----------
    spreads : mapping of float to pair of array_like of shape (S, L)
        For each gain, ascending, the standard deviation of L layers' outputs in S runs: without normalization, and
        with it.
    """
    first, *between, last = spreads
    deepest = np.shape(spreads[first])[-1]

    def draw(gain: float, depth: int) -> tuple[Figure, str]:
        shown = {g: np.asarray(spreads[g])[:, :, :depth] for g in (first, gain, last)}
        without, normalized = ({g: pair[i] for g, pair in shown.items()} for i in (0, 1))
        figure = plotting.normalization.scale_over_depth(without, normalized, "gain")
        ends = [np.median(runs[gain], axis=0)[-1] for runs in (without, normalized)]
        return figure, (
            f"Spread of activations over depth: at gain {gain:g}, layer {depth} has standard deviation {ends[0]:.2g} "
            f"without normalization, {ends[1]:.2g} with it."
        )

    middle = between[len(between) // 2]
    gain = SelectionSlider(description="gain", options=[(f"{g:g}", g) for g in between], value=middle)
    _view(draw, gain=gain, depth=IntSlider(description="layers", min=2, max=deepest, value=deepest // 2))


def gamma_and_beta(scale_and_shift: Callable, saturated_fraction: Callable, x_hat: np.ndarray) -> None:
    """View what gamma and beta make of a normalized batch, before and behind a tanh, and how much of it saturates.

    Parameters
    ----------
    scale_and_shift, saturated_fraction : callable
        The learner's.
    x_hat : ndarray of shape (N, D)
        A normalized batch.
    """

    def draw(gamma: float, beta: float) -> tuple[Figure, str]:
        z = scale_and_shift(x_hat, np.full(x_hat.shape[1], gamma), np.full(x_hat.shape[1], beta))
        share = saturated_fraction(z)
        words = f"Inputs and outputs of tanh at gamma {gamma:.1f} and beta {beta:.1f}: {share:.1%} saturated."
        return plotting.scale_and_shift.through_tanh(z, share), words

    gamma = FloatSlider(description="gamma", min=0.2, max=5, step=0.1, value=1, readout_format=".1f")
    _view(draw, gamma=gamma, beta=FloatSlider(description="beta", min=-3, max=3, step=0.1, readout_format=".1f"))


def sharing() -> None:
    """View which cells of a batch of images share a mean, by norm and number of images."""
    ways = {name: (name, 2) for name in plotting.convolution.NORMS}
    ways |= {f"group norm, {groups}": ("group norm", groups) for groups in (1, 2, 4)}
    del ways["group norm"]

    def draw(norm: tuple[str, int], images: int) -> tuple[Figure, str]:
        figure = plotting.convolution.sharing(*norm, (images, 4, 2, 2))
        title = " ".join(figure.axes[0].get_title(loc="left").split())
        return figure, f"Cells of {images} x 4 channels of 2 x 2 pixels, numbered by the mean that they share. {title}."

    norm = SelectionSlider(description="norm", options=list(ways.items()))
    _view(draw, norm=norm, images=IntSlider(description="images", min=1, max=4, value=3))


def batch_size(image: np.ndarray, outputs: Mapping[int, np.ndarray], steady: float) -> None:
    """View what one unit gives for one image in the company of many batches: the smallest stay, others take turns.

    Parameters
    ----------
    image : ndarray of shape (H, W)
    outputs : mapping of int to ndarray of shape (B,)
        For each size of batch, ascending, the unit's output in training mode with each of B groups of companions.
    steady : float
        Its output in test mode.
    """
    smallest, *sizes = outputs

    def draw(size: int) -> tuple[Figure, str]:
        shown = {m: outputs[m] for m in (smallest, size)}
        spreads = " and ".join(f"{values.std():.2f} in batches of {m}" for m, values in shown.items())
        words = f"One unit's outputs for one image: standard deviation {spreads}."
        return plotting.regularization.jitter(image, shown, steady), words

    middle = sizes[len(sizes) // 2]
    _view(draw, size=SelectionSlider(description="batch size", options=sizes, value=middle))


def _view(draw: Callable[..., tuple[Figure, str]], **controls: ipywidgets.Widget) -> None:
    """Display controls, and below them the figure and the words that `draw` gives for their values."""

    def drawn() -> tuple[Figure, str]:
        figure, words = draw(**{name: control.value for name, control in controls.items()})
        for ax in figure.axes:
            ax.minorticks_off()  # they take a third of the time
        return figure, words

    figure, words = drawn()
    first, margins = plotting.picture(figure, alt=words), _margins(figure)
    said = ipywidgets.HTML(words)  # JupyterLab leaves out a picture's description
    if get_ipython():  # plain Python has no page to put controls on
        box = ipywidgets.VBox([*controls.values(), said])
        # Without the text that stands for it elsewhere: a page without widgets shows the picture, and no more.
        display({VIEW: box._repr_mimebundle_()[VIEW]}, raw=True)
    shown = display(first, display_id=True)

    def follow(_: object) -> None:
        with mpl.rc_context(margins):
            figure, said.value = drawn()
            shown.update(plotting.picture(figure, alt=said.value))

    for control in controls.values():
        control.observe(follow, "value")


def _margins(figure: Figure) -> dict[str, float]:
    """The places that its layout gave to a row of axes and their titles, as settings.

    To find them anew for each picture would take most of the time.
    """
    boxes = [ax.get_position(original=True) for ax in figure.axes]
    gap = max((right.x0 - left.x1 for left, right in pairwise(boxes)), default=0)
    margins = {"left": boxes[0].x0, "right": boxes[-1].x1, "bottom": boxes[0].y0, "top": boxes[0].y1}
    margins["wspace"] = gap / np.mean([box.width for box in boxes])
    settings = {"figure.constrained_layout.use": False, "axes.titley": 1.0}
    return settings | {f"figure.subplot.{side}": place for side, place in margins.items()}
