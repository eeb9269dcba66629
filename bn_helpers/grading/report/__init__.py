"""The reports on a graded class, each in a module of its own; what each format needs is escaped there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bn_helpers.files import write_whole
from bn_helpers.grading.report import feedback, gradebooks, gradescope, junit, lesson, summary, tables
from bn_helpers.grading.results import Graded, GradingError

OWN = {"feedback.html": feedback.page, "results.json": gradescope.results}  # what each student has
REPORTS = {
    "grades.csv": tables.grades,
    "junit.xml": junit.suites,
    "summary.md": summary.page,
    "summary.html": lesson.page,
    "results.json": tables.results,
    "gradebook_canvas.csv": gradebooks.canvas,
    "gradebook_moodle.csv": gradebooks.moodle,
    "feedback_moodle.zip": gradebooks.moodle_feedback,
}


def refuse_others(out: Path) -> None:
    """Refuse a folder in which reports would be written over what no earlier run is known to have written."""
    found = [name for name in (*REPORTS, feedback.FOLDER, lesson.FOLDER) if (out / name).exists()]
    if found and not (out / ".graded").exists():
        raise GradingError(
            f"{out} holds {', '.join(found)}, which would be written over, and nothing says that grading made it. "
            "Move it away, or name another folder: --out"
        )


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
    _write(out, {name: write(graded) for name, write in REPORTS.items()})
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
