"""What nbgrader wants to know about a cell: its metadata, schema version 3, without the program itself."""

from __future__ import annotations

import hashlib

from bn_helpers.course.sources import Cell
from bn_helpers.exercises import TASKS


def metadata(cell: Cell, text: str, student: bool) -> dict | None:
    """Metadata of one cell, or None where nbgrader takes no interest in it.

    An answer is a solution cell without points; its points stand on the check after it. The student's version
    also has a checksum, of the text as the notebook has it.
    """
    if not cell.role:
        return None
    solution, grade = cell.role in ("solution", "quiz"), cell.role == "check"
    facts = {"grade": grade, "grade_id": cell.id, "locked": not solution, "schema_version": 3, "solution": solution}
    if grade:
        facts["points"] = TASKS[cell.subject].points
    if student:
        facts |= {"cell_type": cell.cell_type, "checksum": checksum(text, cell.cell_type, facts)}
    return facts


def checksum(text: str, cell_type: str, facts: dict) -> str:
    """MD5 by which nbgrader tells whether a cell was changed."""
    points = str(float(facts["points"])) if facts["grade"] else ""
    kinds = (str(facts[key]) for key in ("grade", "solution", "locked"))
    parts = (text, cell_type, *kinds, facts["grade_id"], points)
    return hashlib.md5("".join(parts).encode(), usedforsecurity=False).hexdigest()
