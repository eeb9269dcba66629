"""From outcomes to points and words. Nothing here runs anything; the same input gives the same result."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial

from bn_helpers.catalogue import CATALOGUE, known
from bn_helpers.exercises import EXERCISES, QUIZZES, TASKS, Exercise
from bn_helpers.grading.results import (
    CRASHED,
    DIED,
    ERROR,
    FAILED,
    FLOODED,
    MISSING,
    PASSED,
    SPENT,
    TIMED_OUT,
    TIMEOUT,
    UNANSWERED,
    Attempt,
    CaseResult,
    ExerciseResult,
)
from bn_helpers.judging import Signatures, Verdict, fingerprints, judge_all, mark
from bn_helpers.outcomes import Case
from bn_helpers.submission import Answer

UNREADABLE = "It gave no results that can be read. Does it change what Python or NumPy provide?"
DOES_NOT_RUN = "The answer cell does not run:"
_FATES = {
    **dict.fromkeys((SPENT, TIMED_OUT), "It took longer than an exercise may. Is there a loop that never ends?"),
    FLOODED: "It printed more than an exercise may. Remove the prints, or a loop that never ends.",
    DIED: "It ended the Python process that ran it.",
}


def score(exercise: str, cases: Sequence[Case], attempt: Attempt) -> float:
    """Points for an attempt: on the visible numbers and on all hidden ones."""
    return EXERCISES[exercise].score(mark(exercise, cases, attempt.outcomes))


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
    verdict = _verdict(answer.id, cases, attempt)
    results = _cases(EXERCISES[answer.id], verdict.marks)
    if verdict.state == PASSED:
        return _result(answer, verdict.points, PASSED, message=note, cases=results)
    mistake = verdict.diagnosis.mistake if verdict.diagnosis else None
    words = lines(verdict.words, note, *answer.notes)
    return _result(answer, verdict.points, verdict.state, mistake, words, results)


def _verdict(exercise: str, cases: Sequence[Case], attempt: Attempt) -> Verdict:
    """What is to be said of an attempt; of one that came to no end, why."""
    messages = {mistake.id: mistake.message for mistake in CATALOGUE[exercise].values()}
    if len(attempt.outcomes) == len(cases):
        verdict = judge_all(exercise, cases, attempt.outcomes, partial(_looks, exercise, cases), messages)
    else:
        verdict = Verdict(exercise, FAILED, marks=mark(exercise, cases, attempt.outcomes), words=UNREADABLE)
    lost = _lost(attempt)
    return replace(verdict, state=lost[0], words=lost[1]) if lost and verdict.state != PASSED else verdict


def _lost(attempt: Attempt) -> tuple[str, str] | None:
    """State and words of an attempt that did not get as far as to results."""
    if attempt.fate:
        return TIMEOUT if attempt.fate in (SPENT, TIMED_OUT) else CRASHED, _FATES[attempt.fate]
    if not attempt.ran:
        return TIMEOUT, "It was not run any more: the submission had used up its time."
    if attempt.error and all(outcome.raised for outcome in attempt.outcomes):
        return FAILED, f"{DOES_NOT_RUN} {attempt.error}"
    return None


def _looks(
    exercise: str, cases: Sequence[Case], draw: int, mistakes: Collection[str] | None
) -> Mapping[str, Signatures]:
    """What known mistakes look like: on the visible cases, which are the same for all answers, and on hidden ones."""
    if draw == 0:
        return {mistake: entry["cases"] for mistake, entry in fingerprints()[exercise].items()}
    size = len(EXERCISES[exercise].weights)
    return known(exercise, cases[draw * size : (draw + 1) * size], mistakes)


def unrun_result(answer: Answer | None, task: str) -> ExerciseResult:
    """The result where there is nothing to run: no answer, or one that is no Python."""
    if answer is None or not answer.attempted:
        state = MISSING if answer is None else UNANSWERED
        return _result(answer or Answer(task, ""), 0.0, state, message="There is no answer yet.")
    return _result(answer, 0.0, FAILED, message=lines(answer.error, *answer.notes))


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


def _cases(exercise: Exercise, marks: Mapping[str, float]) -> tuple[CaseResult, ...]:
    """What each case earned; one of which nothing was seen is left out."""
    earned = exercise.earned(marks).items()
    return tuple(CaseResult(case, marks[case] == 1, points) for case, points in earned if case in marks)


def lines(*parts: str) -> str:
    """The parts that say something, one below the other."""
    return "\n".join(part for part in parts if part)
