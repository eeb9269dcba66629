"""feedback.html: what a student reads. One file without scripts, for a phone and for a screen reader."""

from __future__ import annotations

import html
import textwrap
from collections.abc import Iterable
from itertools import groupby

from bn_helpers.exercises import CASES, EXERCISES, NOTEBOOKS
from bn_helpers.grading.report.markup import document, escaped, listed, scrolling, table
from bn_helpers.grading.report.words import STATES, mistake, place, title
from bn_helpers.grading.results import OPEN, PARTIAL, PASSED, ExerciseResult, SubmissionResult
from bn_helpers.text import number, printable


def page(result: SubmissionResult) -> str:
    """The whole file."""
    notes = "".join(f"<li>{escaped(note)}</li>" for note in result.notes)
    sections = "".join(
        f"<section><h2>{escaped(f'Notebook {NOTEBOOKS[name].number}: {NOTEBOOKS[name].title}')}</h2>"
        f"{''.join(map(_exercise, group))}</section>\n"
        for name, group in groupby(result.exercises, key=lambda exercise: exercise.notebook)
    )
    parts = [
        f'<p class="points">{number(result.score)} of {number(result.max_score)} points</p>',
        f'<section aria-label="Notes"><ul>{notes}</ul></section>' if notes else "",
        _begin_with(result),
        _overview(result),
        sections,
    ]
    return document(f"Batch normalization: feedback for {result.student}", "\n".join(part for part in parts if part))


def _begin_with(result: SubmissionResult) -> str:
    """The mistakes that have a name, before everything else."""
    named = [exercise for exercise in result.exercises if mistake(exercise)]
    lines = [f'<a href="#{escaped(e.id)}">{escaped(title(e.id))}</a>: {escaped(mistake(e))}' for e in named]
    return f'<section class="first"><h2>Begin with</h2>{listed(lines)}</section>' if lines else ""


def _overview(result: SubmissionResult) -> str:
    rows = "".join(
        f'<tr><th scope="row"><a href="#{escaped(e.id)}">{escaped(title(e.id))}</a></th>'
        f'<td class="{_colour(e)}">{escaped(STATES[e.status])}</td>'
        f'<td class="number">{number(e.score)} of {number(e.max_score)}</td></tr>\n'
        for e in result.exercises
    )
    return table(("Exercise", "State", "Points"), rows)


def _exercise(exercise: ExerciseResult) -> str:
    parts = [
        f'<h3 id="{escaped(exercise.id)}">{escaped(title(exercise.id))}</h3>',
        f'<p><strong class="{_colour(exercise)}">{escaped(STATES[exercise.status])}</strong>, '
        f"{number(exercise.score)} of {number(exercise.max_score)} points</p>",
        *_message(exercise.message, mistake(exercise)),
    ]
    if exercise.status != PASSED:
        parts.append(f'<p class="soft">Where to look: {escaped(place(exercise.id))}.</p>')
    parts += [_cases(exercise)] if any(case.passed for case in exercise.cases) else []
    parts += [_code(exercise)] if exercise.code.strip() and exercise.status not in OPEN else []
    return f"<article>{''.join(parts)}</article>\n"


def _message(message: str, named: str) -> Iterable[str]:
    """Lines as paragraphs, the named mistake first. Those that are indented are a table of numbers."""
    lines = [line for line in printable(message).split("\n") if line.strip()]
    first = [line for line in lines if named and line.endswith(named)]
    yield from (f'<p class="first">{html.escape(line)}</p>' for line in first)
    lines = [line for line in lines if line not in first]
    for numbers, group in groupby(lines, key=lambda line: line.startswith("  ")):
        if numbers:
            yield scrolling("the numbers", textwrap.dedent("\n".join(group)))
        else:
            yield from (f"<p>{html.escape(line)}</p>" for line in group)


def _cases(exercise: ExerciseResult) -> str:
    rows = "".join(
        f'<tr><th scope="row">{escaped(CASES[case.id][0])}</th>'
        f'<td class="{"right" if case.passed else "wrong"}">{"passed" if case.passed else "failed"}</td>'
        f'<td class="number">{_worth(case.points, EXERCISES[exercise.id].weights.get(case.id, 0))}</td></tr>'
        for case in exercise.cases
    )
    failed = sum(not case.passed for case in exercise.cases)
    heading = f"{failed} of {len(exercise.cases)} cases failed" if failed else f"all {len(exercise.cases)} cases passed"
    return f"<details><summary>{heading}</summary>{table(('Case', 'Result', 'Points'), rows)}</details>"


def _worth(points: float, weight: int) -> str:
    return number(points) if points or weight else ""


def _code(exercise: ExerciseResult) -> str:
    opened = "" if exercise.status == PASSED else " open"
    code = scrolling(f"your code for {exercise.id}", exercise.code.strip("\n"))
    return f"<details{opened}><summary>Your code</summary>{code}</details>"


def _colour(exercise: ExerciseResult) -> str:
    return {PASSED: "right", PARTIAL: "part", **dict.fromkeys(OPEN, "soft")}.get(exercise.status, "wrong")
