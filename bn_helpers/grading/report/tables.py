"""results.json, which other programs read, and grades.csv, which a spreadsheet opens."""

from __future__ import annotations

import csv
import io
import json
import re
from importlib import metadata

from bn_helpers.grading.results import UNCONFINED, Graded
from bn_helpers.text import one_line

_FORMULA = re.compile(r"((?:^|[;,|])\s*[\"']?\s*)([=+\-@＝＋－＠])")
VERSION = 1  # of the form of results.json, which results.schema.json describes


def results(graded: Graded) -> str:
    """results.json: the same submissions under the same key give the same text, times apart."""
    data = {
        "schema": VERSION,
        "course": f"bn_helpers {metadata.version('bn_helpers')}",
        "sandbox": graded.sandbox,
        "submissions": [result.to_dict() for result in graded.results],
    }
    return json.dumps(data, ensure_ascii=False, indent=1) + "\n"


def grades(graded: Graded) -> bytes:
    """grades.csv: a row a student, a column an exercise. It begins with the mark by which Excel knows UTF-8."""
    text = io.StringIO()
    writer = csv.writer(text)
    ids = [exercise.id for exercise in graded.results[0].exercises]
    writer.writerow(["student", "score", "max_score", *ids, "sandbox", *["note"] * bool(graded.due)])
    formative = " (formative)" * (graded.sandbox == UNCONFINED)
    for result in graded.results:
        points = [result.score, result.max_score, *(exercise.score for exercise in result.exercises)]
        cells = [_cell(result.student), *(round(value, 2) for value in points)]
        writer.writerow([*cells, f"{result.sandbox or graded.sandbox}{formative}", *[graded.due] * bool(graded.due)])
    return text.getvalue().encode("utf-8-sig", "replace")


def _cell(text: str) -> str:
    """Text that no spreadsheet takes for a formula, wherever it takes cells to end."""
    return _FORMULA.sub(r"\1'\2", one_line(text))
