"""What GitHub Actions and GitHub Classroom read: the step summary, annotations, notices."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from bn_helpers.grading.report import summary
from bn_helpers.grading.report.markup import markdown
from bn_helpers.grading.report.words import place
from bn_helpers.grading.results import OPEN, PARTIAL, PASSED, ExerciseResult, Graded, Student, SubmissionResult
from bn_helpers.text import number, printable

MOST = 2**20  # bytes of a step summary
_CUT = "\n\nThe rest did not fit.\n"


def report(graded: Graded, environment: Mapping[str, str]) -> list[str]:
    """Write the step summary, and give the lines to print.

    Annotations and Classroom's notices belong to a repository that is one student's own; of a class there is the
    summary only.

    Parameters
    ----------
    graded : Graded
        From `grade_class`.
    environment : mapping
        The variables of the process.

    Returns
    -------
    lines : list of str
        Commands to GitHub; none outside its Actions.
    """
    if environment.get("GITHUB_ACTIONS") != "true":
        return []
    if environment.get("GITHUB_STEP_SUMMARY"):
        _append(Path(environment["GITHUB_STEP_SUMMARY"]), _markdown(graded))
    if len(graded.results) > 1:
        return []
    workspace = Path(environment.get("GITHUB_WORKSPACE") or ".")
    [student], [result] = graded.students, graded.results
    # Of each level GitHub shows the first ten.
    return [*_notices(result), *_annotations(student, result, workspace)]


def command(level: str, message: str, **properties: object) -> str:
    """A line that GitHub takes for a command."""
    shown = ",".join(f"{name}={_property(str(value))}" for name, value in properties.items())
    return f"::{level} {shown}::{_data(message)}"


def _annotations(student: Student, result: SubmissionResult, workspace: Path) -> Iterable[str]:
    for exercise in result.exercises:
        if exercise.status == PASSED:
            continue
        level = {PARTIAL: "warning", **dict.fromkeys(OPEN, "notice")}.get(exercise.status, "error")
        where = _where(student, exercise, workspace)
        heading = f"{exercise.id}: {number(exercise.score)}/{number(exercise.max_score)} points"
        message = exercise.message or f"Where to look: {place(exercise.id)}."
        yield command(level, message, **where, title=heading)


def _where(student: Student, exercise: ExerciseResult, workspace: Path) -> dict[str, object]:
    """The answer's place in the repository, as far as it is known."""
    if not exercise.file:
        return {}
    folder = student.path if student.path.is_dir() else student.path.parent
    path = os.path.relpath(folder / exercise.file, workspace).replace(os.sep, "/")
    return {"file": path, **({"line": exercise.line} if exercise.line else {})}


def _notices(result: SubmissionResult) -> list[str]:
    points, most = round(result.score, 2), round(result.max_score, 2)
    told = json.dumps({"totalPoints": points, "maxPoints": most}, separators=(",", ":"))
    return [
        command("notice", f"Points {number(points)}/{number(most)}", title="Autograding complete"),
        command("notice", told, title="Autograding report"),
    ]


def _markdown(graded: Graded) -> str:
    if len(graded.results) > 1:
        return summary.page(graded)
    return markdown("points.md", result=graded.results[0])


def _append(path: Path, text: str) -> None:
    """Add to the step summary as much as GitHub takes."""
    room = MOST - (path.stat().st_size if path.exists() else 0)
    data = text.encode("utf-8", "replace")
    if len(data) > room:
        data = data[: max(0, room - len(_CUT))].rpartition(b"\n")[0] + _CUT.encode()
    if len(data) <= room:
        with path.open("ab") as file:
            file.write(data)


def _data(text: str) -> str:
    """A message; `printable` has left no carriage returns."""
    return printable(text).replace("%", "%25").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
