"""feedback.html: what a student reads. One file without scripts, for a phone and for a screen reader."""

from __future__ import annotations

import html
import textwrap
from collections.abc import Iterable
from itertools import groupby

from bn_helpers.exercises import CASES, EXERCISES, NOTEBOOKS
from bn_helpers.grading.report.words import STATES, place, title
from bn_helpers.grading.results import OPEN, PARTIAL, PASSED, ExerciseResult, SubmissionResult
from bn_helpers.text import number, printable

# Colours repeat what words say; each has a contrast of at least 4.5 to 1 with its background, by day and by night.
_STYLE = """
:root { color-scheme: light dark; --text: #1b1f24; --soft: #57606a; --back: #fff; --box: #f3f5f7; --line: #d0d7de;
  --right: #0a5c36; --part: #7a4b00; --wrong: #a1260d; --link: #0550ae; }
@media (prefers-color-scheme: dark) { :root { --text: #e6edf3; --soft: #9da7b3; --back: #0d1117; --box: #161b22;
  --line: #30363d; --right: #56d364; --part: #e3b341; --wrong: #ff9492; --link: #79c0ff; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem; max-width: 54rem; background: var(--back); color: var(--text);
  font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: break-word; }
h1 { font-size: 1.5rem; line-height: 1.25; } h2 { margin-top: 2.5rem; font-size: 1.25rem; }
h3 { margin: 0; font-size: 1.05rem; }
a { color: var(--link); }
.points { font-size: 1.25rem; font-weight: 600; }
.soft { color: var(--soft); } .right { color: var(--right); } .part { color: var(--part); }
.wrong { color: var(--wrong); }
table { width: 100%; border-collapse: collapse; }
th, td { padding: .35rem .5rem .35rem 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
td { white-space: nowrap; } th { font-weight: 400; overflow-wrap: anywhere; } thead th { font-weight: 600; }
.number { text-align: right; }
article { margin: 1rem 0; padding: 1rem; border: 1px solid var(--line); border-radius: .5rem; }
article > p { margin: .5rem 0; }
pre { margin: .5rem 0; padding: .6rem; background: var(--box); border-radius: .35rem; overflow-x: auto;
  font: .85rem/1.45 ui-monospace, monospace; tab-size: 4; }
summary { padding: .4rem 0; color: var(--link); cursor: pointer; }
ul { margin: .25rem 0; padding-left: 1.25rem; }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
@media (max-width: 30rem) { body { padding: .75rem; } article { padding: .75rem; } pre { font-size: .75rem; } }
@media print { article { break-inside: avoid; } }
"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def page(result: SubmissionResult) -> str:
    """The whole file."""
    student = _text(result.student)
    notes = "".join(f"<li>{_text(note)}</li>" for note in result.notes)
    sections = "".join(
        f"<section><h2>{_text(f'Notebook {NOTEBOOKS[name].number}: {NOTEBOOKS[name].title}')}</h2>"
        f"{''.join(map(_exercise, group))}</section>\n"
        for name, group in groupby(result.exercises, key=lambda exercise: exercise.notebook)
    )
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Batch normalization: feedback for {student}</title>
<style>{_STYLE}</style>
</head>
<body>
<main>
<h1>Batch normalization: feedback for {student}</h1>
<p class="points">{number(result.score)} of {number(result.max_score)} points</p>
{f'<section aria-label="Notes"><ul>{notes}</ul></section>' if notes else ""}
{_overview(result)}
{sections}</main>
</body>
</html>
"""


def _overview(result: SubmissionResult) -> str:
    rows = "".join(
        f'<tr><th scope="row"><a href="#{_text(e.id)}">{_text(title(e.id))}</a></th>'
        f'<td class="{_colour(e)}">{_text(STATES[e.status])}</td>'
        f'<td class="number">{number(e.score)} of {number(e.max_score)}</td></tr>\n'
        for e in result.exercises
    )
    return _table(("Exercise", "State", "Points"), rows)


def _exercise(exercise: ExerciseResult) -> str:
    parts = [
        f'<h3 id="{_text(exercise.id)}">{_text(title(exercise.id))}</h3>',
        f'<p><strong class="{_colour(exercise)}">{_text(STATES[exercise.status])}</strong>, '
        f"{number(exercise.score)} of {number(exercise.max_score)} points</p>",
        *_message(exercise.message),
    ]
    if exercise.status != PASSED:
        parts.append(f'<p class="soft">Where to look: {_text(place(exercise.id))}.</p>')
    parts += [_cases(exercise)] if any(case.passed for case in exercise.cases) else []
    parts += [_code(exercise)] if exercise.code.strip() and exercise.status not in OPEN else []
    return f"<article>{''.join(parts)}</article>\n"


def _message(message: str) -> Iterable[str]:
    """Lines as paragraphs; those that are indented are a table of numbers, and keep their columns."""
    lines = [line for line in printable(message).split("\n") if line.strip()]
    for table, group in groupby(lines, key=lambda line: line.startswith("  ")):
        if table:
            yield _scrolling("the numbers", textwrap.dedent("\n".join(group)))
        else:
            yield from (f"<p>{html.escape(line)}</p>" for line in group)


def _cases(exercise: ExerciseResult) -> str:
    rows = "".join(
        f'<tr><th scope="row">{_text(CASES[case.id][0])}</th>'
        f'<td class="{"right" if case.passed else "wrong"}">{"passed" if case.passed else "failed"}</td>'
        f'<td class="number">{_worth(case.points, EXERCISES[exercise.id].weights.get(case.id, 0))}</td></tr>'
        for case in exercise.cases
    )
    failed = sum(not case.passed for case in exercise.cases)
    heading = f"{failed} of {len(exercise.cases)} cases failed" if failed else f"all {len(exercise.cases)} cases passed"
    return f"<details><summary>{heading}</summary>{_table(('Case', 'Result', 'Points'), rows)}</details>"


def _table(columns: tuple[str, str, str], rows: str) -> str:
    """A table with two columns of words and one of numbers."""
    first, second, third = columns
    head = f'<th scope="col">{first}</th><th scope="col">{second}</th><th scope="col" class="number">{third}</th>'
    return f"<table><thead><tr>{head}</tr></thead><tbody>\n{rows}</tbody></table>"


def _worth(points: float, weight: int) -> str:
    return number(points) if points or weight else ""


def _code(exercise: ExerciseResult) -> str:
    opened = "" if exercise.status == PASSED else " open"
    code = _scrolling(f"your code for {exercise.id}", exercise.code.strip("\n"))
    return f"<details{opened}><summary>Your code</summary>{code}</details>"


def _scrolling(label: str, text: str) -> str:
    """Text that keeps its columns; where it is wider than the screen, it can be scrolled by keyboard, too."""
    return f'<pre tabindex="0" role="region" aria-label="{_text(label)}">{_text(text)}</pre>'


def _colour(exercise: ExerciseResult) -> str:
    return {PASSED: "right", PARTIAL: "part", **dict.fromkeys(OPEN, "soft")}.get(exercise.status, "wrong")


def _text(text: str) -> str:
    return html.escape(printable(text))
