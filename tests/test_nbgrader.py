"""The metadata that nbgrader reads. The literal digests come from nbgrader 0.9.6's own `compute_checksum`."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bn_helpers.course import nbgrader
from bn_helpers.course.sources import Cell
from bn_helpers.exercises import EXERCISES, TASKS

NORMALIZE = "def normalize(x):\n    pass"
CHECK = 'check("normalize", normalize)'
CELLS = {
    "answer": (Cell("normalize", 1, "code", NORMALIZE, "solution", "normalize"), "2daa9948c5c5cf9a4f805edcf008cf91"),
    "check": (Cell("normalize-check", 1, "code", CHECK, "check", "normalize"), "cd4300a18948ca1d219c6ee0622c29f9"),
    "text": (
        Cell("normalize-text", 1, "markdown", "Return µ.", "exercise", "normalize"),
        "b651b5d8479ce7acf69fb91ed8886c3a",
    ),
}
TYPES = {
    "schema_version": int,
    "grade": bool,
    "locked": bool,
    "solution": bool,
    "grade_id": str,
    "points": int,
    "checksum": str,
    "cell_type": str,
}


@pytest.mark.parametrize("kind", CELLS)
def test_checksum_is_nbgraders(kind, monkeypatch):
    cell, checksum = CELLS[kind]
    monkeypatch.setitem(TASKS, "normalize", replace(EXERCISES["normalize"], points=6))  # as nbgrader was asked
    assert nbgrader.metadata(cell, cell.text, student=True)["checksum"] == checksum


@pytest.mark.parametrize("kind", CELLS)
@pytest.mark.parametrize("student", [True, False])
def test_keys_are_those_of_schema_3(kind, student):
    facts = nbgrader.metadata(CELLS[kind][0], CELLS[kind][0].text, student)
    assert facts.keys() <= TYPES.keys()
    assert all(isinstance(value, TYPES[key]) for key, value in facts.items())
    assert {"schema_version", "grade", "locked", "solution", "grade_id"} <= facts.keys()
    assert facts["schema_version"] == 3
    assert ("points" in facts) == facts["grade"]
    assert ("checksum" in facts) == ("cell_type" in facts) == student


def test_points_stand_on_the_check_and_only_answers_can_be_edited():
    facts = {kind: nbgrader.metadata(cell, cell.text, student=False) for kind, (cell, _) in CELLS.items()}
    assert {kind: fact["locked"] for kind, fact in facts.items()} == {"answer": False, "check": True, "text": True}
    assert {kind: fact["solution"] for kind, fact in facts.items()} == {"answer": True, "check": False, "text": False}
    assert facts["check"]["points"] == EXERCISES["normalize"].points


def test_quiz_is_an_answer_with_a_point_on_its_check():
    quiz, check = (
        Cell("quiz_1", 1, "code", "", "quiz", "quiz_1"),
        Cell("quiz_1-check", 1, "code", "", "check", "quiz_1"),
    )
    assert nbgrader.metadata(quiz, "", student=False)["solution"]
    assert nbgrader.metadata(check, "", student=False)["points"] == 1


def test_plain_cell_is_of_no_interest():
    assert nbgrader.metadata(Cell("setup", 1, "code", "import os"), "import os", student=True) is None
