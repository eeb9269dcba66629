"""The course in the browser: built once with all notebooks, solved ones too, and asked nothing but its own files."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from notebook import RUN, Notebook
from playwright.sync_api import expect
from pyodide import fill
from serving import ROOT, free_port, listens, wait_for

from bn_helpers import guard
from bn_helpers.course import lite
from bn_helpers.course.bundle import GivenAway
from bn_helpers.course.notebook_file import WIDGET
from bn_helpers.course.sources import BuildError
from bn_helpers.exercises import EXERCISES, NOTEBOOKS, QUIZZES

SCREENSHOTS = ROOT / "build" / "screenshots"
PUBLISHER = "publisher"  # a PYODIDE that is no folder
ENDLESS = "while True: z = z"
WRONG = "return np.mean(np.tanh(z) > threshold)"
RIGHT = "return np.mean(np.abs(np.tanh(z)) > threshold)"


@pytest.fixture(scope="module")
def pyodide():
    """A folder with Pyodide: that of PYODIDE, which is filled where it is empty; None where the publisher has it."""
    chosen = os.environ.get("PYODIDE", ROOT / "build/pyodide")
    if chosen == PUBLISHER:
        return None
    try:
        fill(Path(chosen))
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no Pyodide to test with: put one into a folder and set PYODIDE=folder ({error})")
    return Path(chosen)


@pytest.fixture(scope="module")
def site(tmp_path_factory, pyodide):
    """The site of all notebooks with their solutions, being served as the README says; its folder and its address."""
    out = tmp_path_factory.mktemp("the course")
    (folder,) = lite.write_lite(ROOT, out, reference=True, pyodide=pyodide)
    expose(folder / "jupyter-lite.json")
    port = free_port()
    command = [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", "--directory", str(out), str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(lambda: listens(port))
    yield folder, f"http://127.0.0.1:{port}"
    server.terminate()
    server.wait()


def expose(settings):
    """Let a test ask JupyterLab itself."""
    config = json.loads(settings.read_text("utf-8"))
    config["jupyter-config-data"]["exposeAppInBrowser"] = True
    settings.write_text(json.dumps(config), "utf-8")


@pytest.fixture
def page(chromium, site, pyodide):
    """A page of a new visitor, in whose browser no work is kept. It may ask nobody but the server."""
    allowed = (site[1], "data:", "blob:", *([] if pyodide else ["https://cdn.jsdelivr.net/pyodide/"]))
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    outside = []
    context.route(lambda url: not url.startswith(allowed), lambda route: outside.append(route.abort()))
    yield context.new_page()
    context.close()
    assert not outside, "the course asked for something outside"


@pytest.fixture
def visit(page, site):
    """Open a notebook of the site: ``visit("solutions/03_backward.ipynb")``."""
    folder, address = site

    def visit(path: str) -> Notebook:
        page.goto(f"{address}/{folder.name}/lab/index.html?path={path}")
        return Notebook(page, folder / "files" / path)

    return visit


def downloaded(notebook):
    """A notebook as File, Download gives it, after it was saved."""
    notebook.save()
    with notebook.page.expect_download() as download:
        notebook.command("docmanager:download")
    return json.loads(download.value.path().read_text("utf-8"))


def without_controls(cell):
    """A cell without its view's controls, which the build leaves out of what it saves."""
    return cell | {"outputs": [each for each in cell.get("outputs", []) if WIDGET not in each.get("data", {})]}


def compared(cell):
    """What nbval compares of a cell, without the numbers that it leaves out: what is printed, and what is displayed."""
    if "nbval-ignore-output" in cell["metadata"].get("tags", []):
        return []
    printed = "".join("".join(output["text"]) for output in cell["outputs"] if "text" in output)
    displayed = ["".join(output["data"].get("text/plain", "")) for output in cell["outputs"] if "data" in output]
    return [re.sub(r"(: (?:yes|no), )\S+$", r"\1measured", text, flags=re.MULTILINE) for text in (printed, *displayed)]


def test_addon_that_fails_is_an_error(tmp_path, monkeypatch):
    (tmp_path / "contents").mkdir()
    monkeypatch.setitem(lite.SETTINGS, "PyodideAddon", {"pyodide_url": 5})
    with pytest.raises(BuildError, match="FAIL"):
        lite._run_jupyterlite(tmp_path)


def test_answer_is_found_in_a_wheel(site):
    folder, _ = site
    with pytest.raises(GivenAway, match=r"whl/bn_helpers/layers.py.*batch_statistics"):
        lite._refuse_leaks(ROOT, folder, {f"notebooks/{name}.ipynb": b"" for name in NOTEBOOKS})


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_solved_notebook_gives_the_saved_texts(visit, name):
    notebook = visit(f"solutions/{name}.ipynb")
    notebook.run_all()
    saved = json.loads((ROOT / f"solutions/{name}.ipynb").read_text("utf-8"))
    wanted = {cell["id"]: compared(cell) for cell in saved["cells"] if cell["cell_type"] == "code"}
    cells = {cell["id"]: without_controls(cell) for cell in downloaded(notebook)["cells"]}
    assert {name: compared(cells[name]) for name in wanted} == wanted


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_pristine_notebook_runs_to_its_end(visit, name):
    notebook = visit(f"{name}.ipynb")
    notebook.run_all()
    for task in (task for task in (*EXERCISES.values(), *QUIZZES.values()) if task.notebook == name):
        said = notebook.output(f"{task.id}-check").last
        expect(said).to_have_text(f"{task.id}: unanswered, 0 of {task.points} points")
    expect(notebook.output("summary")).to_contain_text("unanswered")


def test_reading_keeps_no_copy_which_would_hide_an_update(visit, page, site):
    visit("01_normalization.ipynb")
    changed = "jupyterapp.shell.currentWidget.context.model.dirty"
    written = "jupyterapp.shell.currentWidget.context.contentsModel.last_modified"
    listed = json.loads((site[0] / "api/contents/all.json").read_text("utf-8"))["content"]
    (offered,) = (entry["last_modified"] for entry in listed if entry["path"] == "01_normalization.ipynb")
    assert page.evaluate(f"[{changed}, {written}]") == [False, offered]


def test_narrow_window_leaves_a_notebook_its_room(chromium, site):
    page = chromium.new_page(viewport={"width": 390, "height": 800})  # a new visitor's
    page.goto(site[1])
    page.get_by_role("link", name=NOTEBOOKS["02_scale_and_shift"].title).click()
    page.wait_for_function("document.querySelector('.jp-Notebook-cell')?.getBoundingClientRect().width > 350")
    page.close()


def test_an_hour_of_a_student(visit, page, tmp_path):
    notebook = visit("02_scale_and_shift.ipynb")
    notebook.click_and_run("browser")
    expect(notebook.output("browser")).to_have_text("Python is ready.\n")

    def answer(exercise, text):
        notebook.cell(exercise).locator(".cm-line").last.click()
        notebook.type_over_last_line(text)
        notebook.click_and_run(exercise)
        notebook.click_and_run(f"{exercise}-check")

    for cell in ("setup", "plain", "plain-figure"):
        notebook.click_and_run(cell)
    answer("scale_and_shift", "return gamma * x_hat + beta")
    answer("saturated_fraction", WRONG)
    check = notebook.output("saturated_fraction-check")
    expect(check.first).to_contain_text("It looks as if you count what is above the threshold only.")
    screenshot(notebook, "saturated_fraction-check", "diagnosis")
    answer("saturated_fraction", ENDLESS)
    expect(check.first).to_contain_text(f"it goes on after {guard.LINES:,} lines of Python")
    answer("saturated_fraction", RIGHT)
    expect(check).to_contain_text("saturated_fraction: all 6 cases pass")
    move_sliders(notebook, "saturation-figure")
    screenshot(notebook, "saturation-figure", "view")

    notebook.save()
    notebook = visit("02_scale_and_shift.ipynb")  # loads the page anew
    expect(notebook.cell("saturated_fraction")).to_contain_text(RIGHT)
    notebook.command("kernelmenu:restart")
    page.locator(".jp-Dialog .jp-mod-accept").click()
    notebook.click_and_run("browser")
    notebook.click_and_run("hand-over")
    with page.expect_download() as download:
        notebook.output("hand-over").get_by_role("link").click()
    handed = tmp_path / "class/kim" / download.value.suggested_filename
    download.value.save_as(handed)
    grade = [Path(sys.executable).with_name("bn-helpers"), "grade", handed.parents[1], "--out", tmp_path / "grades"]
    subprocess.run(grade, check=True)
    (row,) = csv.DictReader((tmp_path / "grades/grades.csv").read_text("utf-8-sig").splitlines())
    for exercise in ("scale_and_shift", "saturated_fraction"):
        assert float(row[exercise]) == EXERCISES[exercise].points

    notebook.cell("browser").locator(".cm-line").last.click()
    notebook.type_over_last_line('browser.begin("02_scale_and_shift", "an older one")')
    notebook.click_and_run("browser")
    expect(notebook.output("browser")).to_contain_text("older than the one on the site")
    page.locator(".jp-DirListing-item", has_text="02_scale_and_shift").click()  # what it says to do
    page.keyboard.press("Delete")
    page.locator(".jp-Dialog .jp-mod-accept").click()
    notebook = visit("02_scale_and_shift.ipynb")
    expect(notebook.cell("saturated_fraction")).not_to_contain_text(RIGHT)
    notebook.click_and_run("browser")
    expect(notebook.output("browser")).to_have_text("Python is ready.\n")


def move_sliders(notebook, name):
    """Move a view's first slider by key and by mouse, and see its picture change."""
    notebook.click_and_run(name)
    view = notebook.cell(name)
    slider, picture = view.get_by_role("slider").first, view.locator("img").last
    for move in (lambda: slider.press("ArrowRight"), lambda: view.locator(".noUi-base").first.click()):
        before = picture.get_attribute("src")
        move()
        expect(picture).not_to_have_attribute("src", before, timeout=RUN)


def screenshot(notebook, cell, name):
    notebook.cell(cell).evaluate("cell => cell.scrollIntoView()")
    notebook.page.screenshot(path=SCREENSHOTS / f"lite-{name}.png")
