"""make lecture: a notebook paged through as slides in JupyterLab."""

from __future__ import annotations

import re

import pytest
from serving import copy_course, serving

WIDTH, HEIGHT = 1280, 720
ARROWS = """() => {
    const {left, top} = document.querySelector("aside.controls").getBoundingClientRect();
    const slide = document.querySelector("section.present section.present");
    const parts = [...slide.querySelectorAll("p, li, pre, img, .cm-line, mjx-container")];
    return parts.filter(part => {
        const {right, bottom} = part.getBoundingClientRect();
        return right > left && bottom > top;
    }).map(part => part.outerHTML.slice(0, 60));
}"""
FIGURES = """() => [...document.querySelectorAll("section.present section.present img")].map(image => [
    image.getBoundingClientRect().width,
    image.closest(".jp-Cell").querySelector(".jp-Cell-inputWrapper").getBoundingClientRect().height,
])"""


@pytest.fixture
def talk(chromium, tmp_path):
    """The slides of the first notebook, in a page that may ask nobody but the server."""
    with serving(copy_course(tmp_path / "a course"), tmp_path, "lecture") as (_, address):
        base, token = re.fullmatch(r"(http://[^/]+)/.*(token=\w+)", address).groups()
        page = chromium.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        outside = []
        page.route(
            lambda url: not url.startswith((base, "data:", "blob:")), lambda route: outside.append(route.abort())
        )
        page.goto(f"{base}/rise/build/lecture/01_normalization.ipynb?{token}")
        page.locator(".reveal.ready section.present section.present").wait_for(timeout=60_000)
        yield page
        page.close()
    assert not outside, "the page asked for something outside"


@pytest.mark.slow
def test_figures_fill_the_window_without_their_code_and_nothing_is_under_the_arrows(talk):
    figures, places = [], set()
    number = talk.locator(".reveal > .slide-number")
    for _ in range(80):
        assert talk.evaluate(ARROWS) == [], number.text_content()
        figures += talk.evaluate(FIGURES)
        places.add(number.text_content())
        talk.keyboard.press("Space")
        talk.wait_for_timeout(100)
    assert len(places) >= 20
    assert len(figures) >= 7
    for width, code in figures:
        assert width >= 0.85 * WIDTH
        assert code == 0
