"""The checks that a learner calls: `check` an answer, ask whether answers are `ready` for a figure, and the `summary`.

A check says what is wrong and why; it does not grade. It runs in the learner's own process, so its word proves nothing.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import FunctionType

from bn_helpers.exercises import CASES, EASY, EXERCISES, NOTEBOOKS, QUIZZES, TASKS, visible_cases
from bn_helpers.judging import diagnose, explain, judge, signatures
from bn_helpers.outcomes import run

PASSED, FAILED, NOT_ATTEMPTED = "passed", "failed", "not attempted"


class CheckError(Exception):
    """A check that did not pass. A notebook shows it as one line, without a stack."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


class CheckFailed(CheckError):
    """The answer is wrong."""


class NotAttempted(CheckError):
    """There is no answer yet."""


@dataclass(frozen=True)
class Verdict:
    """What a check found: the state, the points, one line a case, and the explanation of the first failure."""

    exercise: str
    state: str
    score: float = 0.0
    lines: tuple[str, ...] = ()
    explanation: str = ""
    diagnosis: str | None = None


_latest: dict[str, Verdict] = {}  # what `summary` tells: the last verdict on each exercise in this session


def check(exercise: str, answer: Callable | str, **uses: Callable) -> None:
    """Check an answer on the visible cases, and say what came out.

    Parameters
    ----------
    exercise : str
        The id of an exercise or quiz, for instance "normalize".
    answer : callable or str
        Your function; for a quiz, your letter.
    **uses : callable
        Your other functions that the exercise calls: a backward pass needs the forward pass that made its cache.

    Raises
    ------
    CheckFailed
        If a case fails.
    NotAttempted
        If the answer is still the one you were given.
    """
    if exercise in QUIZZES:
        verdict = _record(exercise, answer)
    else:
        verdict = examine(exercise, _functions(exercise, answer, uses))
    _latest[exercise] = verdict
    for line in (*verdict.lines, verdict.explanation):
        if line:
            print(line)
    if verdict.state == NOT_ATTEMPTED:
        raise NotAttempted(f"{exercise}: not attempted, 0 of {_points(exercise)} points")
    if verdict.state == FAILED:
        raise CheckFailed(f"{exercise}: not right yet, {verdict.score:.1f} of {_points(exercise)} points")


def ready(*answers: Callable) -> bool:
    """Whether answers are far enough for a figure: each runs on an ordinary batch. Says what is missing otherwise.

    An answer that gives wrong numbers is ready, too: the figure shows what comes of them.
    """
    missing = []
    for answer in answers:
        exercise = EXERCISES[answer.__name__]
        case = next(case for case in visible_cases(exercise.id) if case.id == EASY)
        provided = {name: answer.__globals__.get(name) for name in exercise.uses}
        outcome = run(case, {**provided, exercise.id: answer})
        if judge(case, outcome).problem not in ("", "value"):
            missing.append(f"{exercise.id} ({exercise.points} points)")
    if missing:
        print(f"this figure needs {' and '.join(missing)}")
    return not missing


def summary(notebook: str) -> None:
    """Print a table of a notebook's exercises: points and state, as of the last run of each check.

    Parameters
    ----------
    notebook : str
        The name of the notebook, for instance "01_normalization".
    """
    ids = [e.id for e in (*EXERCISES.values(), *QUIZZES.values()) if e.notebook == NOTEBOOKS[notebook].name]
    width = max(map(len, ids))
    earned = 0.0
    for exercise in ids:
        verdict = _latest.get(exercise, Verdict(exercise, NOT_ATTEMPTED))
        recorded = exercise in QUIZZES and verdict.state == PASSED
        shown = "      recorded" if recorded else f"{verdict.score:4.1f}  {verdict.state}"
        earned += verdict.score
        print(f"{exercise:{width}}  {_points(exercise):2} points  {shown}")
    total = sum(_points(exercise) for exercise in ids if exercise in EXERCISES)
    print(f"{'sum':{width}}  {total:2} points  {earned:4.1f}  (the quiz counts when it is graded)")


def examine(exercise: str, functions: dict[str, Callable]) -> Verdict:
    """Run the visible cases of an exercise with the given answers, and find the words for what came of them."""
    cases = visible_cases(exercise)
    with _underivable(exercise, functions):
        outcomes = [run(case, functions) for case in cases]
    if outcomes[0].raised == "NotImplementedError":
        stub = outcomes[0].function
        needed = f"{exercise} needs your {stub}, and that is not written yet" if stub != exercise else ""
        return Verdict(exercise, NOT_ATTEMPTED, explanation=needed)
    judgements = [judge(case, outcome) for case, outcome in zip(cases, outcomes, strict=True)]
    passed = {case.id: judgement.passed for case, judgement in zip(cases, judgements, strict=True)}
    lines = tuple(f"  {'pass' if passed[case.id] else 'FAIL'}  {CASES[case.id][0]}" for case in cases)
    score = EXERCISES[exercise].score(passed)
    if all(passed.values()):
        return Verdict(exercise, PASSED, score, (*lines, f"{exercise}: all {len(cases)} cases pass"))
    known = _fingerprints().get(exercise, {})
    mistake = diagnose(signatures(cases, outcomes), {name: entry["cases"] for name, entry in known.items()})
    explanation = explain(list(zip(cases, outcomes, judgements, strict=True)))
    if mistake:
        explanation += f"\nIt looks as if {known[mistake]['message']}"
    return Verdict(exercise, FAILED, score, lines, explanation, mistake)


def _functions(exercise: str, answer: Callable | str, uses: dict[str, Callable]) -> dict[str, Callable]:
    if exercise not in EXERCISES:
        raise ValueError(f"no exercise is called {exercise!r}; there are: {', '.join((*EXERCISES, *QUIZZES))}")
    if not callable(answer):
        raise CheckFailed(f"{exercise}: a function is wanted, got {type(answer).__name__}; hand over its name, no call")
    wanted = EXERCISES[exercise].uses
    if set(uses) != set(wanted):
        call = ", ".join([f'"{exercise}"', exercise, *(f"{name}={name}" for name in wanted)])
        raise CheckFailed(f"{exercise}: call it as check({call})")
    return {**uses, exercise: answer}


@contextlib.contextmanager
def _underivable(exercise: str, functions: dict[str, Callable]) -> Iterator[None]:
    """What is to be derived anew: while it is checked, the answer that it must do without is not there to be called."""
    answer, underived = functions[exercise], EXERCISES[exercise].underived
    if not underived or not isinstance(answer, FunctionType):
        yield
        return
    names = answer.__globals__
    kept = names.get(underived)

    def refused(*_: object) -> None:
        raise TypeError(f"derive it here, without a call of {underived}")

    names[underived] = refused
    try:
        yield
    finally:
        names.pop(underived) if kept is None else names.update({underived: kept})


def _record(quiz: str, letter: object) -> Verdict:
    """Take down a quiz's letter; whether it is right is for the next cell to show."""
    if letter == "?":
        return Verdict(quiz, NOT_ATTEMPTED)
    if not (isinstance(letter, str) and letter.strip().lower() in ("a", "b", "c", "d")):
        return Verdict(quiz, FAILED, explanation=f'one of "a", "b", "c", "d" is wanted, got {letter!r}')
    return Verdict(quiz, PASSED, lines=("recorded",))


def _points(exercise: str) -> int:
    return TASKS[exercise].points


@cache
def _fingerprints() -> dict:
    """What known mistakes look like from outside: exercise, then mistake, then its message and signatures."""
    return json.loads(resources.files("bn_helpers").joinpath("fingerprints.json").read_text("utf-8"))
