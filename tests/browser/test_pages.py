"""Slides and site in a browser, opened as files: whole, alone, readable by everybody."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image

from bn_helpers.course.site import write_site
from bn_helpers.course.slides import LINES, write_slides
from bn_helpers.exercises import NOTEBOOKS
from bn_helpers.plotting import STYLE

ROOT = Path(__file__).parents[2]
WIDTH, HEIGHT = 1280, 720
INCHES = STYLE["figure.figsize"][0]
SMALLEST = 65  # per cent of a slide's letters, 30 pixels
TYPE = 18  # pixels of the smallest type in a figure, at least
TALKS = [*NOTEBOOKS, "03_backward-2"]
# What a page's text has beyond the right edge of the window, and no part of it scrolls to
CUT_OFF = """() => {
    const scrolls = part => part.tagName !== "ARTICLE"
        && (getComputedStyle(part).overflowX === "auto" || scrolls(part.parentElement));
    return [...document.querySelectorAll("article *")]
        .filter(part => part.getBoundingClientRect().right > innerWidth && !scrolls(part.parentElement))
        .map(part => part.outerHTML.slice(0, 80));
}"""
LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


@pytest.fixture(scope="module")
def slides(tmp_path_factory):
    return {path.stem: path for path in write_slides(ROOT, tmp_path_factory.mktemp("the slides"))}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    return {path.stem: path for path in write_site(ROOT, tmp_path_factory.mktemp("the site"))}


@pytest.fixture
def visit(chromium):
    """Open a file in a fresh window. Afterwards only files may have been asked for, and no script have failed."""
    asked, faults, contexts = [], [], []

    def visit(path: Path, width: int = WIDTH, height: int = HEIGHT, scheme: str = "light"):
        context = chromium.new_context(viewport={"width": width, "height": height}, color_scheme=scheme, offline=True)
        contexts.append(context)
        context.on("request", lambda request: asked.append(request.url))
        context.on("weberror", lambda error: faults.append(error.error.message))
        page = context.new_page()
        page.goto(path.as_uri())
        return page

    yield visit
    for context in contexts:
        context.close()
    assert [url for url in asked if not url.startswith(("file:", "data:", "about:"))] == []
    assert faults == []


def paged_through(page):
    """For each slide its place, its height and width with all that is on it, the per cent of its letters' size, the
    numbers of its titles and its lines of code, the widths of its figures, as they are seen, and the number of lines of
    what each claims."""
    page.wait_for_function("Reveal.isReady()")
    for _ in range(60):
        place, *sizes = page.evaluate("""() => {
            const slide = Reveal.getCurrentSlide(), {h, v} = Reveal.getIndices();
            return [[h, v], slide.scrollHeight, slide.scrollWidth, parseFloat(slide.style.fontSize),
                slide.querySelectorAll("h1, h2, h3").length,
                (slide.querySelector(":scope > .jp-Cell .code")?.innerText ?? "").trimEnd().split("\\n").length,
                [...slide.querySelectorAll("img")].map(image => image.getBoundingClientRect().width),
                [...slide.querySelectorAll(".jp-Cell:has(.figure) ~ * .claim p:first-child")].map(claim => Math.round(
                    claim.getBoundingClientRect().height / parseFloat(getComputedStyle(claim).lineHeight)))];
        }""")
        yield place, *sizes
        if page.evaluate("Reveal.isLastSlide()"):
            return
        while page.evaluate("(({h, v}) => [h, v])(Reveal.getIndices())") == place:  # a key press may uncover a fragment
            page.keyboard.press("Space")
    pytest.fail("the talk does not end")


@pytest.mark.slow
@pytest.mark.parametrize("name", TALKS)
def test_every_slide_has_a_title_and_fits_the_screen_in_letters_that_can_be_read(visit, slides, name):
    page = visit(slides[name])
    places, figures = [], 0
    for place, height, width, letters, titles, lines, pictures, claims in paged_through(page):
        places.append(place)
        assert height <= HEIGHT, place
        assert width <= WIDTH, place
        assert letters >= SMALLEST, f"{place}: has too much on it; shorten it, or cut it in two"
        assert titles == 1, place
        assert lines <= LINES, place
        assert claims == [1] * len(pictures), f"{place}: a figure needs its claim, in one line"
        for across in pictures:
            figures += 1
            assert across >= 0.9 * WIDTH, place
            assert across / INCHES * 8.5 / 72 >= TYPE, place  # test_plotting holds that no type has fewer points
    assert len({across for across, _ in places}) >= 15
    assert figures >= 3
    assert page.evaluate("[...document.images].filter(image => !image.naturalWidth || !image.alt).length") == 0


@pytest.mark.slow
def test_speaker_notes_open_beside_slides_that_are_a_file(visit, slides):
    page = visit(slides["01_normalization"])
    page.wait_for_function("Reveal.isReady()")
    with page.expect_popup() as opened:
        page.keyboard.press("s")
    notes = opened.value.locator(".speaker-controls-notes")
    notes.get_by_text("Begin with a question").wait_for()
    page.keyboard.press("Space")
    notes.get_by_text("Ask for hands before you go on").wait_for()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("scheme", "names"), [("light", ["index", *NOTEBOOKS, "grader"]), ("dark", ["index", "03_backward", "grader"])]
)
def test_site_has_no_fault_that_shuts_somebody_out(visit, site, scheme, names):
    for name in names:
        page = visit(site[name], scheme=scheme)
        found = Axe().run(page, options={"runOnly": LEVELS, "resultTypes": ["violations"]}).response["violations"]
        assert [(each["id"], each["nodes"][0]["html"]) for each in found] == [], name
        page.close()


@pytest.mark.slow
def test_site_can_be_read_on_a_telephone(visit, site):
    for path in site.values():
        page = visit(path, width=390, height=800)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path.name
        assert page.evaluate(CUT_OFF) == [], path.name
        assert page.evaluate("[...document.images].filter(image => !image.naturalWidth || !image.alt).length") == 0
        page.close()


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_figure_on_a_telephone_has_a_shadow_where_it_goes_on(visit, site, scheme):
    figure = visit(site["04_convolution"], width=390, height=800, scheme=scheme).locator(".wide").last

    def edges() -> list[bool]:
        seen = Image.open(BytesIO(figure.screenshot())).convert("L")
        return [seen.getpixel((x, seen.height // 2)) < 200 for x in (1, seen.width - 2)]

    assert edges() == [False, True]
    figure.evaluate("figure => figure.scrollLeft = figure.scrollWidth")
    assert edges() == [True, False]


@pytest.mark.slow
def test_site_is_walked_through_by_keyboard_in_the_mode_that_was_chosen(visit, site):
    background = "getComputedStyle(document.body).backgroundColor"
    page = visit(site["index"], width=1600)  # so that the contents of a page stand beside it
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent.trim()") == "Skip to content"
    light = page.evaluate(background)
    page.get_by_role("button", name="Light / Dark").locator("visible=true").press("Enter")
    dark = page.evaluate(background)
    assert dark != light
    for way, title in (("Next", "1 Normalization"), ("Next", "2 Scale and shift"), ("Previous", "1 Normalization")):
        page.get_by_role("link", name=f"{way} {title}").press("Enter")
        page.get_by_role("heading", level=1, name=title).wait_for()
        assert page.evaluate(background) == dark
    page.get_by_role("complementary").get_by_role("link", name="By hand, once").press("Enter")
    assert page.url.endswith("#by-hand-once")


@pytest.mark.slow
def test_search_finds_where_a_term_is_explained(visit, site):
    page = visit(site["index"])
    page.get_by_role("textbox", name="Search").fill("running mean")
    page.keyboard.press("Enter")
    page.get_by_role("main").get_by_role("link", name="2 Scale and shift").click()
    page.get_by_role("heading", level=1, name="2 Scale and shift").wait_for()
