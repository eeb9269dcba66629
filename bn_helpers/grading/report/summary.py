"""summary.md: what a lecturer wants to know before the next lecture."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from statistics import mean, median

from bn_helpers.grading.copied import oracles_text, same_notebooks
from bn_helpers.grading.report.insight import Shared, by_task, mistakes, present
from bn_helpers.grading.report.words import title
from bn_helpers.grading.results import ERROR, FORMATIVE, OPEN, PARTIAL, PASSED, UNCONFINED, ExerciseResult, Graded
from bn_helpers.text import number, one_line

TOP = 8  # mistakes that are told first
_MARKUP = re.compile(r"([\\`*\[\]{}#|~!$@])|(?<!\w)_|_(?!\w)")


def page(graded: Graded) -> str:
    """The whole file."""
    total = [result.score for result in present(graded)]
    most = number(graded.results[0].max_score)
    middle = f": mean {mean(total):.1f}, median {median(total):.1f}" if len(total) > 1 else f": {number(total[0])}"
    lines = ["# What the class knows", "", f"{_count(len(total), 'submission')}{middle} of {most} points."]
    lines += ["", f"**{FORMATIVE}**"] if graded.sandbox == UNCONFINED else ["", f"Sandbox: {graded.sandbox}."]
    lines += ["", f"**{graded.due}**"] if graded.due else []
    shared = mistakes(graded)
    lines += _not_graded(graded)
    lines += _most_frequent(shared)
    lines += _table(by_task(graded))
    lines += _every_mistake(shared, [exercise.id for exercise in graded.results[0].exercises])
    lines += _for_a_human(graded)
    return "\n".join(lines) + "\n"


def escape(text: str) -> str:
    """Text that Markdown shows as it stands, on one line."""
    text = one_line(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MARKUP.sub(r"\\\g<0>", text)


def _not_graded(graded: Graded) -> list[str]:
    """What was handed in and earns nothing because of its form, by name and reason, and who handed in nothing."""
    lines = [f"- **{escape(result.student)}**: {escape(why)}" for result in graded.results for why in result.lost]
    lines = ["", f"## Handed in, and not graded as it is: {len(lines)}", "", *lines] if lines else []
    absent = [escape(result.student) for result in graded.results if result.absent]
    return [*lines, "", f"Handed in nothing ({len(absent)}): {', '.join(absent)}."] if absent else lines


def _most_frequent(shared: Sequence[Shared]) -> list[str]:
    """What more than one student got wrong."""
    lines = [f"{_times(one)} {one.title}: {escape(one.words)}" for one in shared if len(one.who) > 1][:TOP]
    return ["", "## Most frequent", "", *(f"{i}. {line}" for i, line in enumerate(lines, 1))] if lines else []


def _table(by_exercise: Sequence[list[ExerciseResult]]) -> list[str]:
    lines = ["", "## Every exercise", ""]
    lines += ["| exercise | points | mean | right | partly | wrong | no answer |", "|---|--:|--:|--:|--:|--:|--:|"]
    for results in by_exercise:
        counts = Counter(result.status for result in results)
        unanswered = sum(counts[state] for state in OPEN)
        wrong = len(results) - counts[PASSED] - counts[PARTIAL] - unanswered
        average = mean(result.score for result in results)
        cells = [title(results[0].id), number(results[0].max_score), f"{average:.1f}"]
        cells += [str(count or "") for count in (counts[PASSED], counts[PARTIAL], wrong, unanswered)]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _every_mistake(shared: Sequence[Shared], tasks: Sequence[str]) -> list[str]:
    lines = []
    for task in tasks:
        reasons = [f"- {_times(one)} {escape(one.words)}" for one in shared if one.task == task]
        lines += ["", f"### {title(task)}", "", *reasons] if reasons else []
    return ["", "## Every mistake", "", "In the words that the students read.", *lines] if lines else []


def _for_a_human(graded: Graded) -> list[str]:
    """What a program cannot settle."""
    lines = []
    for result in graded.results:
        said = (FORMATIVE, graded.due, *result.lost)  # elsewhere
        notes = [note for note in result.notes if note not in said and not result.absent]
        failed = [exercise.id for exercise in result.exercises if exercise.status == ERROR]
        notes += [f"not graded: {', '.join(failed)}"] if failed and len(failed) < len(result.exercises) else []
        notes += oracles_text(result)
        lines += [f"- **{escape(result.student)}**: {escape(note)}" for note in notes]
    lines += [f"- {escape(note)}" for note in same_notebooks(graded.results)]
    return ["", "## For a human to look at", "", *lines] if lines else []


def _times(one: Shared) -> str:
    return f"**{len(one.who)} ×**"


def _count(many: int, what: str) -> str:
    return f"{many} {what}{'s' * (many != 1)}"
