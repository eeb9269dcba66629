"""The words that several reports share: what an exercise is called, how it stands, why points were lost."""

from __future__ import annotations

import re

from bn_helpers.catalogue import CATALOGUE
from bn_helpers.exercises import EXERCISES, NOTEBOOKS, QUIZZES, TASKS
from bn_helpers.grading.results import CRASHED, ERROR, FAILED, OPEN, PARTIAL, PASSED, TIMEOUT, ExerciseResult
from bn_helpers.text import one_line

LONGEST = 150  # characters of a reason
# Of the first line of a message, what other answers with the same failure share: not what an exception says.
_SAME = re.compile(r".*?( raised \w+| does not run: \w+| is not Python)|.*")

STATES = {
    PASSED: "right",
    PARTIAL: "partly right",
    FAILED: "not right yet",
    **dict.fromkeys(OPEN, "no answer yet"),
    TIMEOUT: "took too long",
    CRASHED: "ended its process",
    ERROR: "not graded",
}


def title(task: str) -> str:
    """What an exercise or a quiz is called, with its number."""
    if task in QUIZZES:
        return f"Quiz {NOTEBOOKS[QUIZZES[task].notebook].number}"
    return f"{EXERCISES[task].number} {EXERCISES[task].title}"


def place(task: str) -> str:
    """Where in the course an exercise or a quiz stands."""
    notebook = NOTEBOOKS[TASKS[task].notebook]
    what = f"exercise {EXERCISES[task].number}" if task in EXERCISES else "the quiz"
    return f"notebook {notebook.number} ({notebook.name}.ipynb), {what}"


def mistake(result: ExerciseResult) -> str:
    """A known mistake in words; empty where none is named."""
    return CATALOGUE[result.id][result.diagnosis].message if result.diagnosis else ""


def reason(result: ExerciseResult) -> str:
    """Why an answer lost points, such that equal reasons can be counted: a known mistake, or what was seen first."""
    if result.diagnosis:
        return mistake(result)
    if result.status not in (PARTIAL, FAILED):
        return STATES[result.status]
    if result.id in QUIZZES:
        return "the wrong letter"
    first, _, _ = result.message.partition("\n")
    return f"no known mistake: {_SAME.match(one_line(first)).group()[:LONGEST]}"


def colour(result: ExerciseResult) -> str:
    """How it stands, as the pages' style calls it."""
    return {PASSED: "right", PARTIAL: "part", **dict.fromkeys(OPEN, "soft")}.get(result.status, "wrong")
