"""Results for tests of the reports, made up: nothing is graded."""

from __future__ import annotations

from pathlib import Path

from bn_helpers.exercises import EASY, EXERCISES, NOTEBOOKS, TASKS
from bn_helpers.grading.results import MISSING, PASSED, CaseResult, ExerciseResult, Graded, Student, SubmissionResult

ORDER = [name for notebook in NOTEBOOKS for name in TASKS if TASKS[name].notebook == notebook]


def exercise_result(task: str, status: str = PASSED, score: float | None = None, **fields: object) -> ExerciseResult:
    """The result of one exercise: right, unless told otherwise."""
    points = float(TASKS[task].points)
    passed = status == PASSED
    weights = EXERCISES[task].weights if task in EXERCISES and status != MISSING else {}
    cases = tuple(CaseResult(case, passed or case == EASY, 0.0 if case != EASY else points / 2) for case in weights)
    score = (points if passed else 0.0) if score is None else score
    return ExerciseResult(task, TASKS[task].notebook, score, points, status, **{"cases": cases, **fields})


def submission_result(student: str, *changed: ExerciseResult, notes: tuple[str, ...] = ()) -> SubmissionResult:
    """A student's result: all right, but for what is changed."""
    by_id = {exercise.id: exercise for exercise in changed}
    exercises = tuple(by_id.get(task) or exercise_result(task) for task in ORDER)
    return SubmissionResult(student, sum(e.score for e in exercises), 100.0, 1.25, notes, exercises)


def graded(*results: SubmissionResult, sandbox: str = "bwrap", folder: Path = Path("class")) -> Graded:
    """A class of these results."""
    students = [
        Student(result.student, f"student-{number}", folder / f"student-{number}")
        for number, result in enumerate(results)
    ]
    return Graded(sandbox, students, list(results))
