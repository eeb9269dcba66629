"""The reports on a graded class, each in a module of its own; what each format needs is escaped there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bn_helpers.files import write_whole
from bn_helpers.grading.report import feedback, gradebooks, gradescope, junit, lesson, summary, tables
from bn_helpers.grading.results import Graded

OWN = {"feedback.html": feedback.page, "results.json": gradescope.results}  # what each student has


def write_reports(graded: Graded, out: Path) -> None:
    """Write all reports.

    Parameters
    ----------
    graded : Graded
        From `grade_class`.
    out : Path
        The folder of the results. Of students who are gone nothing stays.
    """
    for student in graded.gone:
        _remove(out / feedback.FOLDER / student.folder)
    for student, result in zip(graded.students, graded.results, strict=True):
        _write(out / feedback.FOLDER / student.folder, {name: page(result) for name, page in OWN.items()})
    _write(
        out,
        {
            "grades.csv": tables.grades(graded),
            "junit.xml": junit.suites(graded),
            "summary.md": summary.page(graded),
            "summary.html": lesson.page(graded),
            "results.json": tables.results(graded),
            "gradebook_canvas.csv": gradebooks.canvas(graded),
            "gradebook_moodle.csv": gradebooks.moodle(graded),
            "feedback_moodle.zip": gradebooks.moodle_feedback(graded),
        },
    )
    pages = lesson.mistake_pages(graded)
    _write(out / lesson.FOLDER, pages)
    for old in (out / lesson.FOLDER).glob("*.html"):
        if old.name not in pages:
            old.unlink()


def _write(folder: Path, files: Mapping[str, str | bytes | None]) -> None:
    """Write some files. One that there is nothing to write into is removed."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        if data is None:
            (folder / name).unlink(missing_ok=True)
        else:
            write_whole(folder / name, data)


def _remove(folder: Path) -> None:
    """Remove a student's reports, and their folder, unless somebody else put something there."""
    for name in OWN:
        (folder / name).unlink(missing_ok=True)
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
