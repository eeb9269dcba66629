"""From outcomes to points and words. Nothing here runs anything; the same input gives the same result."""

from __future__ import annotations

from collections.abc import Sequence

from bn_helpers.catalogue import CATALOGUE
from bn_helpers.exercises import CASES, EASY, EXERCISES, QUIZZES, TASKS, Exercise
from bn_helpers.grading.diagnosis import name_mistake
from bn_helpers.grading.results import (
    CRASHED,
    DIED,
    ERROR,
    FAILED,
    FLOODED,
    MISSING,
    PARTIAL,
    PASSED,
    TIMED_OUT,
    TIMEOUT,
    Attempt,
    CaseResult,
    ExerciseResult,
)
from bn_helpers.judging import explain, judge
from bn_helpers.outcomes import Case
from bn_helpers.submission import Answer

_FATES = {
    TIMED_OUT: "It took longer than an exercise may. Is there a loop that never ends?",
    FLOODED: "It printed more than an exercise may. Remove the prints, or a loop that never ends.",
    DIED: "It ended the Python process that ran it.",
}


def passed_cases(exercise: str, cases: Sequence[Case], attempt: Attempt) -> dict[str, bool]:
    """Whether each case passed: on the visible numbers and on all hidden ones. Who ends the kernel passes none."""
    complete = len(attempt.outcomes) == len(cases)
    passed = dict.fromkeys(EXERCISES[exercise].weights, complete)
    for case, outcome in zip(cases, attempt.outcomes, strict=False):
        passed[case.id] = passed[case.id] and judge(case, outcome).passed
    return passed


def score(exercise: str, cases: Sequence[Case], attempt: Attempt) -> float:
    """Points for an attempt."""
    return EXERCISES[exercise].score(passed_cases(exercise, cases, attempt))


def exercise_result(answer: Answer, cases: Sequence[Case], attempt: Attempt, note: str = "") -> ExerciseResult:
    """The result of an answer that was run.

    Parameters
    ----------
    answer : Answer
        The answer.
    cases : sequence of Case
        What it was probed with.
    attempt : Attempt
        The run that counts.
    note : str, optional
        What to add to the message.

    Returns
    -------
    result : ExerciseResult
    """
    exercise = EXERCISES[answer.id]
    passed = passed_cases(answer.id, cases, attempt)
    points = exercise.score(passed)
    if points == exercise.points:
        return _result(answer, points, PASSED, message=note, cases=_cases(exercise, passed))
    mistake = name_mistake(answer.id, cases, attempt.outcomes)
    words = _explanation(cases, attempt)
    if mistake:
        words += f"\nIt looks as if {CATALOGUE[answer.id][mistake].message}"
    status = _status(points, attempt)
    return _result(answer, points, status, mistake, _lines(words, note, *answer.notes), _cases(exercise, passed))


def unrun_result(answer: Answer | None, task: str) -> ExerciseResult:
    """The result where there is nothing to run: no answer, or one that is no Python."""
    if answer is None or not answer.attempted:
        return _result(answer or Answer(task, ""), 0.0, MISSING, message="There is no answer yet.")
    return _result(answer, 0.0, FAILED, message=_lines(answer.error, *answer.notes))


def quiz_result(answer: Answer | None, quiz: str, letter: str | None) -> ExerciseResult:
    """The result of a quiz: whether the letter is the right one, which is not told."""
    if answer is None or not answer.attempted:
        return unrun_result(answer, quiz)
    if letter is None:
        return _result(answer, 0.0, ERROR, message="The source of this quiz is not there, so the grader has no answer.")
    right = answer.letter == letter
    if answer.letter not in ("a", "b", "c", "d"):
        message = f'Write one of the letters a to d as a text: {quiz} = "a"'
    else:
        message = "" if right else "Run the cell after the quiz: it measures what you predicted."
    points = QUIZZES[quiz].points if right else 0.0
    return _result(answer, float(points), PASSED if right else FAILED, message=message)


def error_result(answer: Answer | None, task: str) -> ExerciseResult:
    """The result where the grader itself failed."""
    return _result(answer or Answer(task, ""), 0.0, ERROR, message="The grader failed here; your answer is not judged.")


def _result(
    answer: Answer,
    points: float,
    status: str,
    diagnosis: str | None = None,
    message: str = "",
    cases: tuple[CaseResult, ...] = (),
) -> ExerciseResult:
    task = TASKS[answer.id]
    place = {"code": answer.code, "file": answer.file, "line": answer.line}
    return ExerciseResult(
        answer.id, task.notebook, points, float(task.points), status, diagnosis, message, cases, **place
    )


def _cases(exercise: Exercise, passed: dict[str, bool]) -> tuple[CaseResult, ...]:
    """What each case earned. A property earns nothing, and costs a tenth where it is lost."""
    total = sum(exercise.weights.values())
    results = []
    for case, weight in exercise.weights.items():
        worth = 0.5 if case == EASY else 0.5 * weight / total
        if not passed[EASY]:
            worth = 0.0
        elif not passed[case]:
            worth = 0.0 if weight else -0.1
        results.append(CaseResult(case, passed[case], exercise.points * worth))
    return tuple(results)


def _status(points: float, attempt: Attempt) -> str:
    if attempt.fate:
        return TIMEOUT if attempt.fate == TIMED_OUT else CRASHED
    if not attempt.ran:
        return TIMEOUT
    first = attempt.outcomes[0] if attempt.outcomes else None
    if first and first.raised == "NotImplementedError" and first.function == attempt.exercise:
        return MISSING
    return PARTIAL if points else FAILED


def _explanation(cases: Sequence[Case], attempt: Attempt) -> str:
    """The words for the first failure: with numbers where the learner can see them, as a property where he cannot."""
    if attempt.fate:
        return _FATES[attempt.fate]
    if not attempt.ran:
        return "It was not run any more: the submission had used up its time."
    if attempt.error and all(outcome.raised for outcome in attempt.outcomes):
        return f"The answer cell does not run: {attempt.error}"
    if not attempt.outcomes:
        return "It gave no results that can be read. Does it change what Python or NumPy provide?"
    judged = [(case, outcome, judge(case, outcome)) for case, outcome in zip(cases, attempt.outcomes, strict=False)]
    visible = judged[: len(EXERCISES[attempt.exercise].weights)]
    if not all(judgement.passed for _, _, judgement in visible):
        return explain(visible).strip()
    case = next((case for case, _, judgement in judged if not judgement.passed), cases[-1])
    title, look = CASES[case.id]
    return f"{title}: right on the numbers that you can see, and wrong on others\n{look}"


def _lines(*parts: str) -> str:
    return "\n".join(part for part in parts if part)
