"""The reports on a graded class, each in a module of its own; what each format needs is escaped there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bn_helpers.files import write_whole
from bn_helpers.grading.ledger import remove_pages
from bn_helpers.grading.report import feedback, gradebooks, gradescope, junit, lesson, summary, tables
from bn_helpers.grading.results import Graded, GradingError

FOLDER = "students"  # of the reports that are one student's own
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
    found = [name for name in (*REPORTS, FOLDER, lesson.FOLDER) if (out / name).exists()]
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
    remove_pages(out / FOLDER, graded.gone, ("feedback.html", "results.json"))
    for student, result in zip(graded.students, graded.results, strict=True):
        pages = {"feedback.html": feedback.page(result), "results.json": gradescope.results(result)}
        _write(out / FOLDER / student.folder, pages)
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
