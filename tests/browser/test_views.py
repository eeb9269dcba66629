"""The interactive views follow their controls, by keyboard alone."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

TABS = 20  # enough to come from a cell to each of its sliders

# Each view's cell, and the cells that it needs
VIEWS = {
    "01_normalization": (
        "setup",
        "pixels",
        "batch_statistics",
        "normalize",
        "layer_outputs",
        "product-run",
        "net-figure",
    ),
    "02_scale_and_shift": (
        "setup",
        "plain",
        "plain-figure",
        "scale_and_shift",
        "saturated_fraction",
        "saturation-figure",
    ),
    "04_convolution": ("setup", "maps-figure", "axes-figure"),
    "05_regularization": ("setup", "outputs_across_batches", "jitter-net", "jitter-figure"),
}


@pytest.mark.parametrize("name", VIEWS)
def test_each_slider_is_reached_by_tab_and_moves_the_picture(open_notebook, page, screenshot, name):
    notebook = open_notebook(f"solutions/{name}.ipynb")
    notebook.command("notebook:show-all-cell-code")
    notebook.command("notebook:clear-all-cell-outputs")  # and their numbers, by which a run is seen
    for cell in VIEWS[name]:
        notebook.go_to(cell)
        notebook.run()
    view = notebook.cell(VIEWS[name][-1])
    notebook.go_to(VIEWS[name][-1])
    sliders = view.get_by_role("slider")
    expect(sliders.first).to_be_visible()
    for slider in sliders.all():
        for _ in range(TABS):
            if not slider.evaluate("slider => slider === document.activeElement"):
                page.keyboard.press("Tab")
        expect(slider).to_be_focused()
        picture, words = view.locator("img").last, view.locator(".widget-html")
        before = picture.get_attribute("src"), words.text_content()
        page.keyboard.press("ArrowRight")
        expect(picture).not_to_have_attribute("src", before[0])
        expect(words).not_to_have_text(before[1])
    picture.scroll_into_view_if_needed()
    screenshot(name)
