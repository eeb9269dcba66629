"""Points that a human sets: read from a table, checked as a whole, kept with the results, applied last, shown as such.

They are kept in overrides.csv among the results, where a line that is removed takes its points back.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from pathlib import Path

from bn_helpers.exercises import TASKS
from bn_helpers.files import write_whole
from bn_helpers.grading.results import BY_HAND, FAILED, PARTIAL, PASSED, ExerciseResult, GradingError, SubmissionResult
from bn_helpers.grading.scoring import lines
from bn_helpers.grading.spreadsheet import read_table, write_table
from bn_helpers.text import number

COLUMNS = ("student", "exercise", "points", "reason")
KEPT = "overrides.csv"


@dataclass(frozen=True)
class Override:
    """One row: a student's points for an exercise, and why. `file` is the table that it came with."""

    student: str
    exercise: str
    points: float | str
    reason: str
    file: str = ""


def read_overrides(path: Path, students: Iterable[str], tasks: Iterable[str] = TASKS) -> list[Override]:
    """Read overrides.

    Parameters
    ----------
    path : Path
        A CSV file whose first line names the columns student, exercise, points and reason.
    students : iterable of str
        The names of the students who are known.
    tasks : iterable of str, optional
        The exercises and quizzes that are graded.

    Returns
    -------
    overrides : list of Override

    Raises
    ------
    GradingError
        If anything in the file is wrong; the message lists every line that is.
    """
    rows, tasks = _rows(path), list(tasks)
    known = set(students)
    overrides: dict[tuple[str, str], Override] = {}
    problems = []
    for line, override in rows:
        about = (override.student, override.exercise)
        if override.student not in known:
            problem = f"no student is called {override.student!r}"
        elif about in overrides:
            problem = f"{override.student}, {override.exercise}: there is a second line for it"
        else:
            problem = _problem(override, tasks)
        if problem:
            problems.append(f"  line {line}: {problem}")
        overrides[about] = override
    if problems:
        raise GradingError("\n".join([f"{path}: nothing is graded before this is mended:", *problems]))
    return list(overrides.values())


def keep_overrides(out: Path, given: Sequence[Override], file: Path | None) -> list[Override]:
    """Keep overrides with the results.

    Parameters
    ----------
    out : Path
        The folder of the results.
    given : sequence of Override
        Those of this run. They replace earlier ones for the same, and all that came with the same file.
    file : Path, optional
        The file that they are from.

    Returns
    -------
    overrides : list of Override
        All that are kept now.
    """
    path = out / KEPT
    source = str(file.resolve()) if file else ""
    known = {(override.student, override.exercise) for override in given}
    kept = [override for _, override in _rows(path)] if path.exists() else []
    if source != str(path.resolve()):
        kept = [o for o in kept if (o.student, o.exercise) not in known and (not source or o.file != source)]
        kept += [replace(override, file=source) for override in given]
    if kept or path.exists():
        write_whole(path, write_table([(*COLUMNS, "file"), *map(astuple, kept)]))
    return kept


def apply_overrides(results: Sequence[SubmissionResult], overrides: Iterable[Override]) -> list[SubmissionResult]:
    """Results with the overridden points, each with a note that says so.

    Parameters
    ----------
    results : sequence of SubmissionResult
        One a student.
    overrides : iterable of Override
        From `keep_overrides`.

    Returns
    -------
    results : list of SubmissionResult
        In the same order. An override that fits none of them is told.
    """
    due = {(result.student, exercise.id) for result in results for exercise in result.exercises}
    fitting: dict[tuple[str, str], Override] = {}
    for override in overrides:
        about = (override.student, override.exercise)
        problem = _problem(override) if about in due else "no such student and exercise in the results"
        if problem:
            print(f"not applied: {KEPT}: {override.student}, {override.exercise}: {problem}", file=sys.stderr)
        else:
            fitting[about] = override
    return [_overridden(result, fitting) for result in results]


def _rows(path: Path) -> list[tuple[int, Override]]:
    """The rows of a table, with their lines."""
    rows = read_table(path, dict.fromkeys(COLUMNS, ()), {"file": ()})
    return [(row.pop("line"), Override(**{**row, "points": _points(row["points"])})) for row in rows]


def _points(text: str) -> float | str:
    """A number, with a comma where a spreadsheet writes one; else the text as it is."""
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return text


def _problem(override: Override, tasks: Collection[str] = TASKS) -> str:
    """What is wrong with an override, in words; empty where nothing is."""
    exercise = override.exercise
    if exercise not in tasks:
        return f"no exercise that is due is called {exercise!r}; there are: {', '.join(tasks)}"
    points, most = override.points, TASKS[exercise].points
    if isinstance(points, str) or not 0 <= points <= most:  # also where it is nan
        return f"points for {exercise} are a number from 0 to {most}, and this is {points!r}"
    return ""


def _overridden(result: SubmissionResult, overrides: Mapping[tuple[str, str], Override]) -> SubmissionResult:
    exercises, notes = [], list(result.notes)
    for exercise in result.exercises:
        if override := overrides.get((result.student, exercise.id)):
            notes.append(f"{exercise.id}: {_words(exercise, override)}")
            exercise = _set(exercise, override)
        exercises.append(exercise)
    total = sum(exercise.score for exercise in exercises)
    return replace(result, score=total, exercises=tuple(exercises), notes=tuple(notes))


def _set(exercise: ExerciseResult, override: Override) -> ExerciseResult:
    if override.points == exercise.max_score:
        status = PASSED
    elif override.points:
        status = PARTIAL
    else:
        status = FAILED if exercise.status in (PASSED, PARTIAL) else exercise.status
    message = lines(exercise.message, _words(exercise, override))
    return replace(exercise, score=override.points, status=status, message=message)


def _words(exercise: ExerciseResult, override: Override) -> str:
    reason = f": {override.reason}" if override.reason else ""
    return f"{BY_HAND} to {number(override.points)} points instead of {number(exercise.score)}{reason}"
