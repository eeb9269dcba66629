"""results.json, which other programs read, and grades.csv, which a spreadsheet opens."""

from __future__ import annotations

import json
from importlib import metadata

from bn_helpers.grading.report.feedback import FOLDER
from bn_helpers.grading.results import UNCONFINED, Graded
from bn_helpers.grading.spreadsheet import write_table

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
    """grades.csv: a row a student, a column an exercise, and where the feedback is, for a mail merge."""
    ids = [exercise.id for exercise in graded.results[0].exercises]
    formative = " (formative)" * (graded.sandbox == UNCONFINED)
    who = ("student", "id", "email", "section", "late")
    rows = [[*who, "score", "max_score", *ids, "sandbox", "feedback", *["note"] * bool(graded.due)]]
    for student, result in zip(graded.students, graded.results, strict=True):
        points = [result.score, result.max_score, *(exercise.score for exercise in result.exercises)]
        who = [result.student, student.id, student.email, student.section, "late" if student.platform.late else ""]
        page = f"{FOLDER}/{student.folder}/feedback.html"
        after = [f"{result.sandbox or graded.sandbox}{formative}", page, *[graded.due] * bool(graded.due)]
        rows.append([*who, *(round(value, 2) for value in points), *after])
    return write_table(rows)
