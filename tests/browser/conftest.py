"""A real JupyterLab, as make course starts it, in a headless Chromium."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable

import pytest
from notebook import Notebook
from playwright.sync_api import sync_playwright
from serving import ROOT, copy_course, serving

SCREENSHOTS = ROOT / "build" / "screenshots"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
# Nothing but the page: no first-run pages, no updates, nothing that asks the network.
FLAGS = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
FLAGS += ["--disable-background-networking", "--disable-component-update"]


def pytest_configure():
    if not any(map(shutil.which, BROWSERS)):
        raise pytest.UsageError("Chromium is missing. On Debian: apt install chromium. Elsewhere Google Chrome does.")


@pytest.fixture(scope="session")
def chromium():
    found = next(filter(None, map(shutil.which, BROWSERS)))
    root = ["--no-sandbox"] if os.name == "posix" and os.getuid() == 0 else []  # Chromium refuses root otherwise
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS + root)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    """A copy of the course, in a folder with a space in its name, that is being served; and its address."""
    folder = tmp_path_factory.mktemp("lab")
    course = copy_course(folder / "a course")
    (folder / "CONFIG").mkdir()
    (folder / "CONFIG/jupyter_lab_config.json").write_text('{"LabApp": {"expose_app_in_browser": true}}')
    with serving(course, folder) as (_, address):
        yield course, *re.fullmatch(r"(http://[^/]+)/.*(token=\w+)", address).groups()


@pytest.fixture
def page(chromium, lab):
    """A page that may ask nobody but the server; its kernels end with it."""
    _, base, token = lab
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    outside = []
    context.route(lambda url: not url.startswith((base, "data:", "blob:")), lambda route: outside.append(route.abort()))
    page = context.new_page()
    yield page
    page.goto("about:blank")
    for session in context.request.get(f"{base}/api/sessions?{token}").json():
        context.request.delete(f"{base}/api/sessions/{session['id']}?{token}")
    context.close()
    assert not outside, "the page asked for something outside"


@pytest.fixture
def open_notebook(page, lab) -> Callable[[str], Notebook]:
    """Open a fresh copy of a notebook: ``open_notebook("notebooks/01_normalization.ipynb")``."""
    course, base, token = lab

    def open_(path: str) -> Notebook:
        shutil.copy(ROOT / path, course / path)
        page.goto(f"{base}/lab/tree/{path}?reset&{token}")
        return Notebook(page, course / path)

    return open_


@pytest.fixture
def screenshot(page, request) -> Callable[[str], None]:
    """Keep what is seen, for people to look at."""

    def keep(name: str) -> None:
        page.screenshot(path=SCREENSHOTS / f"{request.node.originalname.removeprefix('test_')}-{name}.png")

    return keep
