"""The page of what the solved notebooks measured: from their saved outputs alone."""

from __future__ import annotations

import json
from base64 import b64encode
from pathlib import Path

import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from bn_helpers.course import builder, claims
from bn_helpers.training import _Claim

ROOT = Path(__file__).parents[1]
PNG = b"\x89PNG a picture"


def displayed(text: str, effects: list[float], **limits: float) -> dict:
    data, metadata = _Claim(
        text, np.array(effects), **({"above": -np.inf, "below": np.inf} | limits)
    )._repr_mimebundle_()
    return new_output("display_data", data, metadata=metadata)


@pytest.fixture
def folder(tmp_path):
    """A solved notebook with a figure, two claims about it, and a claim without a figure."""
    picture = new_output("display_data", {"image/png": b64encode(PNG).decode()})
    about = [
        displayed("it rises by over 1 a step", [2, 3, 4], above=1),
        displayed("and by less than 4", [2, 3, 4], below=4),
    ]
    cells = [
        new_code_cell("", id="rates-figure", outputs=[picture, *about]),
        new_markdown_cell("A note.", id="rates-note"),
        new_markdown_cell("**It\nrises.** Look at the line.", id="rates-caption"),
        new_code_cell("", id="alone-claims", outputs=[displayed("all alike", [5, 5, 5], above=1)]),
        new_code_cell("", id="rates-elsewhere", outputs=[displayed("not there", [1, 2, 3], below=3)]),
        new_markdown_cell("**Of another cell.**", id="other-caption"),
    ]
    (tmp_path / "04_convolution.ipynb").write_text(json.dumps(new_notebook(cells=cells)), "utf-8")
    return tmp_path


def test_a_row_has_the_figures_claim_its_first_measurement_and_the_least_margin(folder):
    rows = claims.page(folder)[folder / "README.md"].decode().splitlines()[-3:]
    assert rows == [
        "| It rises. | [04](04_convolution.ipynb) rates-figure | it rises by over 1 a step: 3 (2.5 to 3.5) | 2 | 1.0 |",
        "|  | [04](04_convolution.ipynb) alone-claims | all alike: 5 (5 to 5) | 1 | all agree |",
        "|  | [04](04_convolution.ipynb) rates-elsewhere | not there: 2 (1.5 to 2.5) | 1 | 1.0 |",
    ]


def test_the_picture_of_the_readme_is_the_saved_one(folder):
    assert claims.page(folder)[folder / "04_convolution-rates-figure.png"] == PNG


def test_what_diverged_has_no_number(folder):
    path = folder / "04_convolution.ipynb"
    path.write_text(path.read_text("utf-8").replace('"median": 5.0', '"median": null'), "utf-8")
    assert "| all alike: diverged (5 to 5) |" in claims.page(folder)[folder / "README.md"].decode()


def test_notebooks_without_a_claim_have_no_page(tmp_path):
    (tmp_path / "01_normalization.ipynb").write_text(json.dumps(new_notebook(cells=[new_code_cell("1")])), "utf-8")
    assert claims.page(tmp_path) == {}


def test_the_build_writes_the_page_and_its_check_names_a_stale_one(tmp_path, monkeypatch):
    page = tmp_path / "solutions" / "README.md"
    monkeypatch.setattr(builder, "_chosen", lambda root, names: [])  # as if all notebooks were as they should be
    monkeypatch.setattr(claims, "page", lambda folder: {page: b"measured\n"})
    assert builder.check(tmp_path) == ["solutions/README.md: is not what the notebooks hold; build again"]
    assert builder.build(tmp_path) == [page]
    assert page.read_bytes() == b"measured\n"
    assert (builder.check(tmp_path), builder.build(tmp_path)) == ([], [])


def words(text: str) -> set[tuple[str, ...]]:
    """What the rows of a table say but for the numbers, which differ a little from machine to machine."""
    rows = (line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("|"))
    return {(row[0], row[2].rsplit(":", 1)[0]) for row in rows if len(row) > 2 and ".ipynb)" in row[1]}


def test_the_readme_says_what_the_notebooks_claim():
    """Its rows are copied from the page."""
    readme = words((ROOT / "README.md").read_text("utf-8"))
    assert len(readme) == 5
    assert readme <= words((ROOT / "solutions" / "README.md").read_text("utf-8"))
