"""Figures drawn anew from solved notebooks, and the table of what was measured."""

from __future__ import annotations

import io
import re
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from PIL import Image

from bn_helpers.cli import main
from bn_helpers.course.figures import Shown, look_through, redraw
from bn_helpers.course.sources import IGNORE_OUTPUT, BuildError
from bn_helpers.judging import table

ROOT = Path(__file__).parents[1]
SETUP = """\
import time
import matplotlib.pyplot as plt
from bn_helpers import plotting
from bn_helpers.training import claim
plotting.use_style()"""
BUSY = """\
began = time.process_time()
while time.process_time() < began + 0.3:
    pass"""
FIGURE = """\
for alt in ("A rising line.", "The same again."):
    figure, ax = plt.subplots()
    ax.plot([0, 1])
    plotting.show(figure, alt=alt)
claim("it rises by over 1 a step", [2.0, 3.0, 4.0], above=1)
claim("and by less than 4", [2.0, 3.0, 4.0], below=4)"""


def save(path: Path, *cells) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(new_notebook(cells=cells, metadata=kernel), path)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    root = tmp_path_factory.mktemp("course with a space")
    cells = [
        new_code_cell(SETUP, id="setup"),
        new_code_cell(BUSY, id="training", metadata={"tags": [IGNORE_OUTPUT]}),
        new_code_cell(FIGURE, id="line-figure"),
        new_markdown_cell("A note.", id="line-note"),
        new_markdown_cell("**It\nrises.** Look at the line.", id="line-caption"),
    ]
    save(root / "solutions" / "01_normalization.ipynb", *cells)
    redraw(root, root / "figures" / "new")
    return root / "figures" / "new"


def test_each_figure_is_a_sharp_png_named_after_its_cell(drawn):
    names = ["01_normalization-line-figure-2.png", "01_normalization-line-figure.png"]
    assert sorted(path.name for path in drawn.iterdir()) == [*names, "index.md"]
    for name in names:
        assert Image.open(io.BytesIO((drawn / name).read_bytes())).size == (1440, 520)


def test_the_index_shows_each_figure_with_description_caption_and_claims(drawn):
    text = (drawn / "index.md").read_text(encoding="utf-8")
    assert "![A rising line.](01_normalization-line-figure.png)" in text
    assert "![The same again.](01_normalization-line-figure-2.png)" in text
    assert "**It\nrises.** Look at the line." in text
    assert "- it rises by over 1 a step: 3 (2.5 to 3.5); margin 2.0\n- and by less than 4" in text


def test_the_table_has_the_captions_claim_the_least_margin_and_the_seconds_with_training(drawn):
    (row,) = [line for line in (drawn / "index.md").read_text(encoding="utf-8").splitlines() if "It rises." in line]
    *cells, seconds = row.strip("| ").split(" | ")
    effect = "it rises by over 1 a step: 3 (2.5 to 3.5)"
    assert cells == ["It rises.", "01_normalization-line-figure", effect, "1.0 (2)"]
    assert 0.3 <= float(seconds) < 60


def test_what_claims_nothing_or_diverged_fits_the_table():
    claim = {"text": "it holds", "n": 5, "median": None, "low": None, "high": None, "margin": None}
    rows = table([Shown("a-figure", [], "", [], 0.0), Shown("b-figure", [], "no bold", [claim], 0.0)]).splitlines()
    assert rows[2:] == ["|  | b-figure | it holds: diverged (diverged to diverged) | all seeds agree (1) | 0.0 |"]


def test_a_notebook_that_fails_is_named_with_its_cell(tmp_path):
    save(tmp_path / "solutions" / "01_normalization.ipynb", new_code_cell("1 / 0", id="half"))
    with pytest.raises(BuildError, match=r"solutions/01_normalization.ipynb: cell 'half' fails with ZeroDivisionError"):
        redraw(tmp_path, tmp_path / "figures")


def test_a_notebook_that_is_not_there_is_told_before_anything_is_written(tmp_path, capsys):
    assert main(["figures", "--out", str(tmp_path / "new"), "06_more"]) == 2
    assert "there is no solutions/06_more.ipynb; there is 01_normalization, " in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


def words(text: str) -> list[tuple[str, ...]]:
    """What a table's rows say but for the numbers, which differ a little from machine to machine."""
    rows = (line.split(" | ") for line in text.splitlines() if re.search(r" \| 0\d_", line))
    return [(claim, figure, first.rsplit(":", 1)[0]) for claim, figure, first, *_ in rows]


def test_the_readme_says_what_the_notebooks_claim():
    paths = sorted((ROOT / "solutions").glob("*.ipynb"))
    saved = [each for path in paths for each in look_through(nbformat.read(path, as_version=4), path.stem)]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert words(readme) == words(table(saved)), "paste the table anew: python -m bn_helpers figures --out FOLDER"
