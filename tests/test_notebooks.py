"""What holds for every notebook: how long its texts and printed lines are, and where its seeds come from."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest

from bn_helpers.course.sources import read
from bn_helpers.exercises import EXERCISES, NOTEBOOKS
from bn_helpers.judging.words import WIDTH

SOLUTIONS = Path(__file__).parents[1] / "solutions"
PROSE, CAPTION = 90, 60  # words
SOURCES = {name: read(SOLUTIONS / f"{name}.py") for name in NOTEBOOKS}
CELLS = [(name, cell) for name, cells in SOURCES.items() for cell in cells]


def label(value: object) -> str | None:
    return getattr(value, "id", None)


def words(text: str) -> int:
    """Words to read before one goes on: what is folded, a formula, a table or code does not count."""
    for skipped in (r"<details>.*?</details>", r"\$\$.*?\$\$", r"```.*?```", r"^\|[^\n]*$"):
        text = re.sub(skipped, "", text, flags=re.DOTALL | re.MULTILINE)
    return sum(any(character.isalnum() for character in word) for word in text.split())


@pytest.mark.parametrize(("name", "cell"), CELLS, ids=label)
def test_texts_are_short(name, cell):
    if cell.cell_type == "markdown" and not cell.minutes:
        assert words(cell.text) <= (CAPTION if cell.id.endswith("-caption") else PROSE)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_what_is_printed_fits_beside_the_file_browser(name):
    notebook = json.loads((SOLUTIONS / f"{name}.ipynb").read_text("utf-8"))
    for cell in notebook["cells"]:
        for output in cell.get("outputs", []):
            data = output.get("data", {"text/plain": output.get("text", "")})
            lines = "" if "image/png" in data else "".join(data["text/plain"])
            assert all(len(line) <= WIDTH for line in lines.splitlines()), cell["id"]


@pytest.mark.parametrize(("name", "cell"), CELLS, ids=label)
def test_all_seeds_come_from_one_name(name, cell):
    if cell.cell_type == "markdown":
        return
    for node in ast.walk(ast.parse(cell.text)):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("RandomState"):
            assert any(isinstance(part, ast.Name) for part in ast.walk(node.args[0])), "a seed of its own"
        if isinstance(node, ast.keyword) and node.arg == "seed":
            assert not isinstance(node.value, ast.Constant)


@pytest.mark.parametrize("exercise", EXERCISES)
def test_every_exercise_has_hints(exercise):
    ids = [cell.id for cell in SOURCES[EXERCISES[exercise].notebook]]
    assert f"{exercise}-hints" in ids


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_ends_with_an_explanation_and_a_summary(name):
    *_, before, last = [cell for cell in SOURCES[name] if not cell.minutes]
    assert before.id == f"explain_{NOTEBOOKS[name].number}-text"
    assert last.text == f'summary("{name}", globals())'


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_prediction_that_a_fold_answers_stands_in_a_cell_of_its_own(name):
    assert not [cell.id for cell in SOURCES[name] if "**Predict" in cell.text and "<details>" in cell.text]
