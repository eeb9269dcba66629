"""The reports on a graded class, each in a module of its own; what each format needs is escaped there."""

from __future__ import annotations

from pathlib import Path

from bn_helpers.files import write_whole
from bn_helpers.grading.report import feedback, gradescope, junit, summary, tables
from bn_helpers.grading.results import Graded

FOLDER = "students"  # of the reports that are one student's own


def write_reports(graded: Graded, out: Path) -> None:
    """Write all reports.

    Parameters
    ----------
    graded : Graded
        From `grade_class`.
    out : Path
        The folder of the results. Folders of students of earlier runs stay as they are.
    """
    for student, result in zip(graded.students, graded.results, strict=True):
        folder = out / FOLDER / student.folder
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(folder / "feedback.html", feedback.page(result))
        write_whole(folder / "results.json", gradescope.results(result))
    write_whole(out / "grades.csv", tables.grades(graded))
    write_whole(out / "junit.xml", junit.suites(graded))
    write_whole(out / "summary.md", summary.page(graded))
    write_whole(out / "results.json", tables.results(graded))
