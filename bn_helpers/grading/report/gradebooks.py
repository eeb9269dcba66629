"""What learning platforms take back: gradebooks for Canvas and Moodle, and feedback for Moodle to hand out."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Iterator
from itertools import groupby

from bn_helpers.exercises import NOTEBOOKS
from bn_helpers.grading.report import feedback
from bn_helpers.grading.results import Graded, Student, SubmissionResult
from bn_helpers.grading.spreadsheet import write_table
from bn_helpers.text import one_line


def canvas(graded: Graded) -> bytes | None:
    """gradebook_canvas.csv, for *Grades, Import*: an assignment a notebook. None where Canvas would know nobody."""
    if not any(student.canvas or student.section or student.id for student in graded.students):
        return None
    titles, most = _columns(graded)
    rows = [["Student", "ID", "SIS User ID", "SIS Login ID", "Section", *titles]]
    rows.append(["Points Possible", "", "", "", "", *most])
    for student, result in _known(graded):
        rows.append([student.name, student.canvas, student.id, student.email, student.section, *_points(result)])
    return write_table(rows)


def moodle(graded: Graded) -> bytes | None:
    """gradebook_moodle.csv, to import as CSV or as a grading worksheet. None where Moodle would know nobody."""
    if not any(student.id or student.email or _participant(student) for student in graded.students):
        return None
    titles, most = _columns(graded)
    rows = [["Identifier", "Full name", "ID number", "Email address", *titles, "Grade", "Maximum Grade"]]
    for student, result in _known(graded):
        number = _participant(student)
        about = [f"Participant {number}" if number else "", student.name, student.id, student.email]
        rows.append([*about, *_points(result), round(result.score, 2), sum(most)])
    return write_table(rows)


def moodle_feedback(graded: Graded) -> bytes | None:
    """feedback_moodle.zip, for *Upload multiple feedback files in a zip*. None where nothing came from Moodle."""
    pages = {
        # Whose it is, Moodle takes from between the first two underscores.
        f"{one_line(student.platform.name).replace('_', ' ')}_{number}_assignsubmission_file/feedback.html": (
            feedback.page(result)
        )
        for student, result in zip(graded.students, graded.results, strict=True)
        if (number := _participant(student))
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in pages.items():
            archive.writestr(zipfile.ZipInfo(name), text.encode("utf-8", "replace"), zipfile.ZIP_DEFLATED)
    return buffer.getvalue() if pages else None


def _known(graded: Graded) -> Iterator[tuple[Student, SubmissionResult]]:
    """All but those of whom it is not known what they handed in: an import must write no zero for them."""
    both = zip(graded.students, graded.results, strict=True)
    return ((student, result) for student, result in both if not result.is_unclear)


def _participant(student: Student) -> str:
    return student.platform.id if student.platform.platform == "Moodle" else ""


def _columns(graded: Graded) -> tuple[list[str], list[float]]:
    """An assignment for each notebook that was due, and its points."""
    found = dict(_by_notebook(graded.results[0]))
    titles = [f"Batch normalization {NOTEBOOKS[name].number}: {NOTEBOOKS[name].title}" for name in found]
    return titles, [sum(exercise.max_score for exercise in exercises) for exercises in found.values()]


def _points(result: SubmissionResult) -> list[float]:
    return [round(sum(exercise.score for exercise in exercises), 2) for _, exercises in _by_notebook(result)]


def _by_notebook(result: SubmissionResult) -> Iterable[tuple[str, list]]:
    for name, exercises in groupby(result.exercises, key=lambda exercise: exercise.notebook):
        yield name, list(exercises)
