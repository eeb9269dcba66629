"""The interactive views, without a browser: what their sliders do, and what stays where there are none."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest
from ipywidgets.widgets.widget import _instances as models

from bn_helpers import layers, widgets

pytestmark = pytest.mark.usefixtures("style")
RNG = np.random.RandomState(0)
SPREADS = {gain: RNG.uniform(size=(2, 3, 8)) * gain for gain in (0.1, 0.5, 1, 2, 10)}
OUTPUTS = {size: RNG.standard_normal(50) / size for size in (4, 8, 16, 32)}
VIEWS = {
    "gain_and_depth": (lambda: widgets.gain_and_depth(SPREADS), "at gain 1, layer 4"),
    "gamma_and_beta": (
        lambda: widgets.gamma_and_beta(layers.scale_and_shift, layers.saturated_fraction, RNG.standard_normal((99, 4))),
        "at gamma 1.0 and beta 0.0",
    ),
    "sharing": (widgets.sharing, "batch norm: 4 means"),
    "batch_size": (lambda: widgets.batch_size(np.eye(4), OUTPUTS, 0.0), "in batches of 4 and 0.06 in batches of 16"),
}


class Page:
    """What a notebook would show."""

    def __init__(self):
        self.controls, self.pictures = None, []

    def display(self, shown, raw=False, display_id=False):
        if raw:
            (view,) = shown.values()
            self.controls = models[view["model_id"]].children
        else:
            self.update(shown)
        return self

    def update(self, picture):
        self.pictures.append(picture)


@pytest.fixture
def page(monkeypatch):
    page = Page()
    monkeypatch.setattr(widgets, "get_ipython", lambda: "a kernel")
    monkeypatch.setattr(widgets, "display", page.display)
    return page


@pytest.mark.parametrize("name", VIEWS)
def test_each_slider_changes_the_picture_and_the_words(page, name):
    view, words = VIEWS[name]
    view()
    *sliders, said = page.controls
    assert words in page.pictures[0].alt
    for slider in sliders:
        slider.set_trait(*later(slider))
        before, after = page.pictures[-2:]
        assert (after.data != before.data, after.alt != before.alt, said.value) == (True, True, after.alt)
        assert slider.description
    assert not plt.get_fignums()


def later(slider):
    """The next value of a slider: its trait, and what to set it to."""
    if hasattr(slider, "options"):
        return "index", slider.index + 1
    return "value", slider.value + slider.step


@pytest.mark.parametrize("name", VIEWS)
def test_moving_back_gives_the_same_picture_again(page, name):
    VIEWS[name][0]()
    slider = page.controls[0]
    trait, new = later(slider)
    old = getattr(slider, trait)
    for value in (new, old, new):
        slider.set_trait(trait, value)
    assert page.pictures[1].data == page.pictures[3].data


def test_where_no_kernel_runs_the_words_are_all_there_is(capsys):
    widgets.sharing()
    assert capsys.readouterr().out.splitlines() == [
        "Cells of 3 x 4 channels of 2 x 2 pixels, numbered by the mean that they share. batch norm: 4 means."
    ]


def test_norms_that_agree_on_one_image_are_drawn_alike(page):
    widgets.sharing()
    norm, images, _ = page.controls
    images.value = 1
    means = {}
    for label, _ in norm.options:
        norm.label = label
        means[label] = page.pictures[-1].alt.split(": ")[1]
    assert means["batch norm"] == means["instance norm"] == means["group norm, 4"] == "4 means."
    assert means["layer norm"] == means["group norm, 1"] == "1 means."
