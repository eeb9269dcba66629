"""Judge what came of an exercise's cases: points, the name of the mistake, the words for it.

There is one way, for the check in a notebook, the command line and the grader.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bn_helpers.exercises import EXERCISES
from bn_helpers.judging.marking import Judgement, judge, mark
from bn_helpers.judging.naming import Diagnosis, Known, Signatures, alike, diagnose, fingerprints, signature, signatures
from bn_helpers.judging.words import SHOWN, advise, explain, table
from bn_helpers.outcomes import Case, Outcome

# The state of a task. Unanswered is what still has its stub; missing is what has no cell.
PASSED, PARTIAL, FAILED, UNANSWERED, MISSING = "passed", "partial", "failed", "unanswered", "missing"


@dataclass(frozen=True)
class Verdict:
    """What is to be said of a task: its state and points, the share of each case that was reached, words, the mistake.

    `stub` names the unanswered function that the answer calls, its own one if it is none.
    """

    task: str
    state: str
    points: float = 0.0
    marks: Mapping[str, float] = field(default_factory=dict)
    words: str = ""
    diagnosis: Diagnosis | None = None
    stub: str = ""


def judge_all(
    exercise: str, cases: Sequence[Case], outcomes: Sequence[Outcome], known: Known, messages: Mapping[str, str]
) -> Verdict:
    """Judge an answer by what came of one or more draws of its exercise's cases, the visible ones first.

    Parameters
    ----------
    exercise : str
        The id of an exercise.
    cases, outcomes : sequences of Case and Outcome
        The cases, draw after draw in the order of the manifest, and what came of them, one each.
    known : callable
        What known mistakes look like on a draw of the cases.
    messages : mapping
        What ends the sentence "It looks as if ..." for each mistake.
    """
    marks = mark(exercise, cases, outcomes)
    points = EXERCISES[exercise].score(marks)
    judged = [(case, outcome, judge(case, outcome)) for case, outcome in zip(cases, outcomes, strict=True)]
    if outcomes[0].raised == "NotImplementedError":
        return Verdict(exercise, UNANSWERED, 0.0, marks, stub=outcomes[0].function)
    if all(judgement.passed for _, _, judgement in judged):
        return Verdict(exercise, PASSED, points, marks)
    draw = len(EXERCISES[exercise].weights)
    parts = [slice(start, start + draw) for start in range(0, len(cases), draw)]
    diagnosis = diagnose((signatures(cases[part], outcomes[part]) for part in parts), known)
    words = explain(exercise, judged, draw, _name(diagnosis, messages))
    return Verdict(exercise, PARTIAL if points > 0 else FAILED, points, marks, words, diagnosis)


def _name(diagnosis: Diagnosis | None, messages: Mapping[str, str]) -> str:
    if diagnosis is None:
        return ""
    beginning = "It looks as if" if diagnosis.alone else "One of your mistakes: it looks as if"
    return f"{beginning} {messages[diagnosis.mistake]}"
