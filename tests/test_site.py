"""The site: what a class may read while it works."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bn_helpers.course import builder, site
from bn_helpers.course.sources import BuildError
from bn_helpers.exercises import EXERCISES, NOTEBOOKS

pytest.importorskip("latex2mathml", reason='the lecturer\'s extra is not installed: pip install -e ".[lecturer]"')

ROOT = Path(__file__).parents[1]
NAME = "03_backward"


@pytest.fixture(scope="module")
def notebooks():
    return builder.executed(ROOT, NAME)


@pytest.fixture(scope="module")
def cells(notebooks):
    return {cell["id"]: cell for cell in site.reading(*notebooks)["cells"]}


def test_page_has_figures_and_results_but_neither_answers_nor_notes(cells):
    assert any("image/png" in output.get("data", {}) for output in cells["graph-figure"]["outputs"])
    assert "right in training:   False" in "".join(cells["frozen-compared"]["outputs"][0]["text"])
    for name in EXERCISES:
        if EXERCISES[name].notebook == NAME:
            assert "raise NotImplementedError" in "".join(cells[name]["source"])
            assert cells[name]["outputs"] == []
            assert f"{name}-check" not in cells
    assert "".join(cells["quiz_3"]["source"]) == 'quiz_3 = "?"'
    assert "summary" not in cells
    assert not any("For the lecturer" in "".join(cell["source"]) for cell in cells.values())


def test_front_page_has_the_three_doors_and_every_notebook():
    page = site.front_page(ROOT)
    for door in ("\n## Student", "\n## Lecturer", "\n## Grader"):
        assert door in page
    for name, notebook in NOTEBOOKS.items():
        assert f"[{notebook.title}]({name}.html): {notebook.minutes} minutes" in page
    assert "without their answers" in page
    assert "More for" not in page
    picture, *links = re.findall(r"\]\(([^)]+)\)", page)
    assert picture.startswith("data:image/png;base64,")
    assert set(links) == {f"{name}.html" for name in NOTEBOOKS}, "a link to a file of the checkout leads nowhere"


def test_formulas_and_code_become_html_without_a_script():
    from bn_helpers.course.pages import markdown

    html = markdown("With $\\hat{x}$:\n\n$$\\sum_n x_n = 0$$\n\n```python\nx = 1\n```")
    assert html.count("<math") == 2
    assert 'display="block"' in html
    assert "$" not in html
    assert '<div class="highlight">' in html


def test_alternative_text_reaches_the_page(notebooks, monkeypatch):
    from nbconvert.exporters import HTMLExporter

    from bn_helpers.course import pages

    solved, _ = notebooks
    monkeypatch.setattr(pages, "math_font", lambda: "")  # it takes a second, and is not looked at here
    facts = {"title": "3", "menu": [("a.html", "A")], "here": "a.html", "light_css": "", "dark_css": "", "next": None}
    html = pages.render(HTMLExporter, "page", solved, facts)
    shown = [output["metadata"]["image/png"]["alt"] for cell in solved["cells"] for output in cell.get("outputs", ())
             if "image/png" in output.get("data", {})]  # fmt: skip
    assert shown
    assert re.findall(r'<img[^>]*alt="([^"]*)"', html) == shown
    assert '<li><a aria-current="page" href="a.html">A</a></li>' in html


def test_notebook_that_is_not_built_is_told(tmp_path):
    (tmp_path / "solutions").mkdir()
    (tmp_path / "bn_helpers").mkdir()
    (tmp_path / f"solutions/{NAME}.py").write_bytes((ROOT / f"solutions/{NAME}.py").read_bytes())
    (tmp_path / "bn_helpers/layers.py").write_bytes((ROOT / "bn_helpers/layers.py").read_bytes())
    with pytest.raises(BuildError, match=f"solutions/{NAME}.ipynb: is not what its source gives; build it: make build"):
        builder.executed(tmp_path, NAME)
