"""Points that a human sets: read from a CSV file, checked as a whole, applied last and shown as such."""

from __future__ import annotations

import csv
import math
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bn_helpers.exercises import TASKS
from bn_helpers.grading.results import FAILED, PARTIAL, PASSED, ExerciseResult, GradingError, SubmissionResult
from bn_helpers.text import number, one_line

COLUMNS = ("student", "exercise", "points", "reason")


@dataclass(frozen=True)
class Override:
    """One row: a student's points for an exercise, and why."""

    student: str
    exercise: str
    points: float
    reason: str


def read_overrides(path: Path, students: Iterable[str], tasks: Iterable[str] = TASKS) -> list[Override]:
    """Read the overrides.

    Parameters
    ----------
    path : Path
        A CSV file in UTF-8 whose first line names the columns student, exercise, points and reason.
    students : iterable of str
        The names of the students of this run.
    tasks : iterable of str, optional
        The exercises and quizzes that are graded in it.

    Returns
    -------
    overrides : list of Override

    Raises
    ------
    GradingError
        If anything in the file is wrong; the message lists every line that is.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            rows = [(reader.line_num, row) for row in reader]
            header = reader.fieldnames or ()
    except UnicodeDecodeError:
        raise GradingError(f"{path} is not in UTF-8. Save it as 'CSV UTF-8'.") from None
    except csv.Error as error:
        raise GradingError(f"{path} is not a CSV file that can be read: {error}.") from None
    missing = [column for column in COLUMNS if column not in header]
    if missing:
        raise GradingError(f"{path}: the first line has to name {', '.join(COLUMNS)}; missing: {', '.join(missing)}.")
    return _checked(path, rows, set(students), list(tasks))


def apply_overrides(results: Sequence[SubmissionResult], overrides: Iterable[Override]) -> list[SubmissionResult]:
    """Results with the overridden points, each with a note that says so.

    Parameters
    ----------
    results : sequence of SubmissionResult
        One a student.
    overrides : iterable of Override
        From `read_overrides`.

    Returns
    -------
    results : list of SubmissionResult
        In the same order.
    """
    by_student: dict[str, dict[str, Override]] = {}
    for override in overrides:
        by_student.setdefault(override.student, {})[override.exercise] = override
    return [_overridden(result, by_student.get(result.student, {})) for result in results]


def _checked(path: Path, rows: Sequence[tuple[int, dict]], students: set[str], tasks: list[str]) -> list[Override]:
    overrides: dict[tuple[str, str], Override] = {}
    problems = []
    for line, row in rows:
        student, exercise, text, reason = (one_line(row[column] or "") for column in COLUMNS)
        student = unicodedata.normalize("NFC", student)
        problem = _problem(student, exercise, text, students, tasks)
        if not problem and (student, exercise) in overrides:
            problem = f"{student}, {exercise}: there is a second line for it"
        if problem:
            problems.append(f"  line {line}: {problem}")
        else:
            overrides[student, exercise] = Override(student, exercise, float(text), reason)
    if problems:
        raise GradingError("\n".join([f"{path}: nothing is graded before this is mended:", *problems]))
    return list(overrides.values())


def _problem(student: str, exercise: str, text: str, students: set[str], tasks: list[str]) -> str:
    """What is wrong with a row, in words; empty where nothing is."""
    if student not in students:
        return f"no student of this run is called {student!r}"
    if exercise not in tasks:
        return f"no exercise of this run is called {exercise!r}; there are: {', '.join(tasks)}"
    try:
        points = float(text)
    except ValueError:
        points = math.nan
    if not 0 <= points <= TASKS[exercise].points:  # also where it is no number
        return f"points for {exercise} are a number from 0 to {TASKS[exercise].points}, and this is {text!r}"
    return ""


def _overridden(result: SubmissionResult, overrides: dict[str, Override]) -> SubmissionResult:
    if not overrides:
        return result
    exercises = tuple(_set(e, overrides[e.id]) if e.id in overrides else e for e in result.exercises)
    notes = tuple(f"{e.id}: {_words(e, overrides[e.id])}" for e in result.exercises if e.id in overrides)
    total = sum(exercise.score for exercise in exercises)
    return replace(result, score=total, exercises=exercises, notes=(*result.notes, *notes))


def _set(exercise: ExerciseResult, override: Override) -> ExerciseResult:
    if override.points == exercise.max_score:
        status = PASSED
    elif override.points:
        status = PARTIAL
    else:
        status = FAILED if exercise.status in (PASSED, PARTIAL) else exercise.status
    message = "\n".join(part for part in (exercise.message, _words(exercise, override)) if part)
    return replace(exercise, score=override.points, status=status, message=message)


def _words(exercise: ExerciseResult, override: Override) -> str:
    reason = f": {override.reason}" if override.reason else ""
    return f"set by hand to {number(override.points)} points instead of {number(exercise.score)}{reason}"
