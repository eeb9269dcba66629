"""What a person sees in each theme and width: screenshots to look at, and nothing that leaves its place."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import expect

WINDOWS = {"wide": (1280, 900), "narrow": (480, 900)}
# For each notebook, cells at which to look
SEEN = {
    "solutions/01_normalization": ("title", "symbols", "pixels-figure", "batch_statistics", "net-figure", "summary"),
    "solutions/04_convolution": ("axes-figure", "spatial_batchnorm_backward-text"),
}
# What stands beyond the right edge of its cell, in words
BEYOND = """cell => [...cell.querySelectorAll("img, p, li, table, .widget-html")]
    .filter(part => part.getBoundingClientRect().right > cell.getBoundingClientRect().right)
    .map(part => part.outerHTML.slice(0, 60))"""


@pytest.fixture(params=["Light", "Dark"])
def theme(request, lab):
    """A theme that is set before the page opens, and gone afterwards."""
    course, *_ = lab
    settings = course.parent / "CONFIG/lab/user-settings/@jupyterlab/apputils-extension/themes.jupyterlab-settings"
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text(json.dumps({"theme": f"JupyterLab {request.param}"}))
    yield request.param
    settings.unlink()


@pytest.mark.parametrize("name", SEEN)
def test_everything_stays_in_its_place(open_notebook, page, screenshot, name, theme):
    notebook = open_notebook(f"{name}.ipynb")
    expect(page.locator("body")).to_have_attribute("data-jp-theme-name", f"JupyterLab {theme}")
    page.keyboard.press("Control+B")  # the list of files takes half of a narrow window
    expect(page.locator(".jp-FileBrowser")).to_be_hidden()
    for window, (width, height) in WINDOWS.items():
        page.set_viewport_size({"width": width, "height": height})
        for cell in SEEN[name]:
            notebook.cell(cell).evaluate("cell => cell.scrollIntoView()")
            screenshot(f"{name[10:12]}-{cell}-{theme.lower()}-{window}")
            assert notebook.cell(cell).evaluate(BEYOND) == []
