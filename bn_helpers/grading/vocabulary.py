"""What is told of a run that code stood beside which answers what is graded: words of ours, and nothing else.

An answer chooses the words and the names of its exceptions, and the shapes and values that it returns. If a report
repeated them, an answer could write the code beside it into the report, for the next submission. So such a run is told
by what failed, by the exceptions that Python has, and by a line of the answer.
"""

from __future__ import annotations

import builtins
import re
from collections.abc import Sequence
from dataclasses import replace

from bn_helpers.catalogue import CATALOGUE
from bn_helpers.exercises import CASES, EASY, EXERCISES
from bn_helpers.grading.results import PASSED, Attempt, ExerciseResult
from bn_helpers.grading.scoring import DOES_NOT_RUN, UNREADABLE, lines
from bn_helpers.judging import Judgement, advise, judge
from bn_helpers.judging.words import missing, wrong
from bn_helpers.outcomes import Case, Outcome
from bn_helpers.submission import Answer

_EXCEPTIONS = {n for n, value in vars(builtins).items() if isinstance(value, type) and issubclass(value, BaseException)}
_LINE = re.compile(r"\(line (\d{1,5}): ")
_PROBLEMS = {
    "silent": "a ValueError is wanted, and none was raised",
    "unpack": "what was returned is not {results}",
    "missing": "{missing}",
    "changed": "your function changes its input {name}",
    "dtype": "{name} does not hold real numbers",
    "shape": "{name} has another shape than {shape}",
    "axes": "{name} has another shape than {shape}",
    "finite": "{name} holds values that are not finite",
    "value": "{wrong}",
}


def in_our_words(
    result: ExerciseResult, answer: Answer, cases: Sequence[Case], attempt: Attempt, note: str
) -> ExerciseResult:
    """A result without anything that the answer said.

    Parameters
    ----------
    result : ExerciseResult
        What scoring makes of the attempt.
    answer : Answer
        The answer.
    cases : sequence of Case
        What it was probed with, the visible ones first.
    attempt : Attempt
        The run that counts.
    note : str
        What the message ends with; it may be empty.

    Returns
    -------
    result : ExerciseResult
    """
    told = attempt.error or attempt.outcomes
    if result.status == PASSED or attempt.fate or not attempt.ran or not told:  # then scoring has words of its own
        return result
    if attempt.error and all(outcome.raised for outcome in attempt.outcomes):
        words = f"{DOES_NOT_RUN} {_exception(attempt.error.partition(':')[0])}"
    else:
        words = _first_failure(answer, cases, attempt.outcomes, _name(result))
    return replace(result, message=lines(words, note, *answer.notes))


def _name(result: ExerciseResult) -> str:
    """The mistake that scoring found, as it is named elsewhere."""
    if not result.diagnosis:
        return ""
    words = f"t looks as if {CATALOGUE[result.id][result.diagnosis].message}"
    return f"I{words}" if f"I{words}" in result.message else f"One of your mistakes: i{words}"


def _first_failure(answer: Answer, cases: Sequence[Case], outcomes: Sequence[Outcome], name: str) -> str:
    """The first case that failed, but a small one rather than the easy one, which is large; then name or advice."""
    if len(outcomes) < len(cases):
        return UNREADABLE
    judged = [(case, outcome, judge(case, outcome)) for case, outcome in zip(cases, outcomes, strict=True)]
    visible = [entry for entry in judged[: len(EXERCISES[answer.id].weights)] if not entry[2].passed]
    case, outcome, judgement = next(
        (entry for entry in (*visible, *judged) if not entry[2].passed and entry[0].id != EASY),
        next(entry for entry in judged if not entry[2].passed),
    )
    title, look = CASES[case.id]
    if not visible:
        return f"{title}: right on the numbers that you can see, and wrong on others\n{name or look}"
    below = name or advise(answer.id, case, (case, outcome, judgement))
    return lines(f"{title}: {_seen(answer, case, outcome, judgement)}", below)


def _seen(answer: Answer, case: Case, outcome: Outcome, judgement: Judgement) -> str:
    if judgement.problem == "raised":
        found = _LINE.search(outcome.detail)
        known = found and 1 <= int(found[1]) <= answer.code.count("\n") + 1
        wanted = "a ValueError is wanted, and " * case.raises
        return f"{wanted}{outcome.function} raised {_exception(outcome.raised)}{f' (line {found[1]})' if known else ''}"
    wanted = case.wanted.get(judgement.name)
    results = {call.function: ", ".join(call.results) for call in case.calls}
    return _PROBLEMS[judgement.problem].format(
        name=judgement.name,
        missing=missing(judgement.name),
        wrong=wrong(judgement.name),
        shape=wanted and wanted.value.shape,
        results=results.get(outcome.function),
    )


def _exception(name: str) -> str:
    return name if name in _EXCEPTIONS else "an exception"
