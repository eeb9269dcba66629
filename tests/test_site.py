"""The site: what a class may read while it works."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest

from bn_helpers.course import builder, site
from bn_helpers.course.leaks import leaks
from bn_helpers.course.sources import BuildError
from bn_helpers.exercises import EXERCISES, NOTEBOOKS
from bn_helpers.reference import Reference

pytest.importorskip("furo", reason='the lecturer\'s extra is not installed: pip install -e ".[lecturer]"')

ROOT = Path(__file__).parents[1]
NAME = "03_backward"
SAID = "scale_and_shift"  # its formula stands in the text above the exercise


@pytest.fixture(scope="module")
def notebooks():
    return {name: site.reading(*builder.executed(ROOT, name)) for name in NOTEBOOKS}


@pytest.fixture(scope="module")
def cells(notebooks):
    return {cell["id"]: cell for cell in notebooks[NAME]["cells"]}


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    return tmp_path_factory.mktemp("the site")


@pytest.fixture(scope="module")
def written(out):
    """Each page's text as HTML, of a site beside a course to work in, over an earlier one."""
    for earlier in ("lite/index.html", "_images/earlier.png"):
        (out / earlier).parent.mkdir()
        (out / earlier).write_text("written before")
    return {path.stem: path.read_text("utf-8") for path in site.write_site(ROOT, out)}


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


def test_front_page_says_what_the_course_is_before_how_to_run_it(notebooks):
    page = site.front_page(ROOT, notebooks)
    places = [
        page.index(words) for words in ("A course module of five", "![", "## The notebooks", "## Student", "## Lect")
    ]
    assert places == sorted(places)
    for name, notebook in NOTEBOOKS.items():
        assert f"[{notebook.title}]({name}.ipynb): {notebook.minutes} minutes" in page
    assert "You build the formula at the heart of batch normalization" in page
    assert "make grade" not in page
    links = re.findall(r"(?<!!)\[[^]]+\]\(([^)]+)\)", page)
    assert set(links) == {*(f"{name}.ipynb" for name in NOTEBOOKS), "student.md", "lecturer.md", "grader.md"}


@pytest.mark.slow
def test_nothing_stays_of_an_earlier_site_but_the_course_to_work_in(written, out):
    assert (out / "lite/index.html").read_text("utf-8") == "written before"
    assert not (out / "_images/earlier.png").exists()


@pytest.mark.slow
def test_no_page_answers_any_exercise(written):
    reference = Reference((ROOT / "bn_helpers" / "layers.py").read_text("utf-8"))
    for name, page in written.items():
        cell = {"id": name, "cell_type": "markdown", "source": html.unescape(re.sub("<[^>]+>", "", page))}
        found = leaks(next(iter(NOTEBOOKS)), [cell], reference, {})
        assert [leak for leak in found if f"which answers {SAID};" not in leak] == []


@pytest.mark.slow
def test_each_figure_has_its_alternative_text_and_each_page_the_way_to_work(written, notebooks):
    for name, notebook in notebooks.items():
        alternatives = site.alternatives([notebook]).values()
        assert alternatives
        assert {html.unescape(alt) for alt in re.findall(r'<img alt="([^"]*)"', written[name])} == set(alternatives)
    for page in written.values():
        assert '<a href="lite/index.html">Work in the browser</a>' in page


@pytest.mark.slow
def test_a_link_that_leads_nowhere_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(site, "PAGES", site.PAGES | {"bn_helpers/grading/README.md": "elsewhere.md"})
    with pytest.raises(BuildError, match=r"^grader.md:\d+: WARNING: .* not found: 'elsewhere.md#what-is-trusted'"):
        site.write_site(ROOT, tmp_path)


def test_notebook_that_is_not_built_is_told(tmp_path):
    (tmp_path / "solutions").mkdir()
    (tmp_path / "bn_helpers").mkdir()
    (tmp_path / f"solutions/{NAME}.py").write_bytes((ROOT / f"solutions/{NAME}.py").read_bytes())
    (tmp_path / "bn_helpers/layers.py").write_bytes((ROOT / "bn_helpers/layers.py").read_bytes())
    with pytest.raises(BuildError, match=f"solutions/{NAME}.ipynb: is not what its source gives; build it: make build"):
        builder.executed(tmp_path, NAME)
