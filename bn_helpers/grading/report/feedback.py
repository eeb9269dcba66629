"""feedback.html: what a student reads. One file without scripts, for a phone and for a screen reader."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from itertools import groupby

from bn_helpers.exercises import EXERCISES
from bn_helpers.grading.report.markup import html
from bn_helpers.grading.report.words import mistake
from bn_helpers.grading.results import ERROR, OPEN, PASSED, ExerciseResult, SubmissionResult
from bn_helpers.text import printable

FOLDER = "students"  # of the reports that are one student's own


def page(result: SubmissionResult) -> str:
    """The whole file."""
    heading = f"Batch normalization: feedback for {result.student}"
    return html("feedback.html", heading=heading, result=result, wrong=_wrong(result), said=_said)


def _wrong(result: SubmissionResult) -> list[tuple[str, str]]:
    """The exercises that were answered and are not right, each with the mistake, or with what was seen first."""
    answered = [e for e in result.exercises if e.id in EXERCISES and e.status not in (PASSED, *OPEN, ERROR)]
    return [(e.id, mistake(e) or printable(e.message).partition("\n")[0]) for e in answered]


def _said(exercise: ExerciseResult) -> Iterator[tuple[str, str]]:
    """A message, part by part, each with its kind: the named mistake first; what is indented is a table of numbers."""
    lines = [line for line in printable(exercise.message).split("\n") if line.strip()]
    named = [line for line in lines if mistake(exercise) and line.endswith(mistake(exercise))]
    yield from (("first", line) for line in named)
    rest = (line for line in lines if line not in named)
    for numbers, group in groupby(rest, key=lambda line: line.startswith("  ")):
        if numbers:
            yield "numbers", textwrap.dedent("\n".join(group))
        else:
            yield from (("", line) for line in group)
