"""summary.md: what a lecturer wants to know before the next lecture."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from statistics import mean, median

from bn_helpers.grading.copied import oracles_text, same_notebooks
from bn_helpers.grading.report.words import reason, title
from bn_helpers.grading.results import ERROR, FORMATIVE, MISSING, PARTIAL, PASSED, UNCONFINED, ExerciseResult, Graded
from bn_helpers.text import number, one_line

TOP = 8  # mistakes that are told first
_MARKUP = re.compile(r"([\\`*\[\]{}#|~!$@])|(?<!\w)_|_(?!\w)")


def page(graded: Graded) -> str:
    """The whole file."""
    total = [result.score for result in graded.results]
    most = number(graded.results[0].max_score)
    middle = f": mean {mean(total):.1f}, median {median(total):.1f}" if len(total) > 1 else f": {number(total[0])}"
    lines = ["# What the class knows", "", f"{_count(len(total), 'submission')}{middle} of {most} points."]
    lines += ["", f"**{FORMATIVE}**"] if graded.sandbox == UNCONFINED else ["", f"Sandbox: {graded.sandbox}."]
    lines += ["", f"**{graded.due}**"] if graded.due else []
    by_exercise = [list(results) for results in zip(*(r.exercises for r in graded.results), strict=True)]
    lines += _most_frequent(by_exercise)
    lines += _table(by_exercise)
    lines += _every_mistake(by_exercise)
    lines += _for_a_human(graded)
    return "\n".join(lines) + "\n"


def escape(text: str) -> str:
    """Text that Markdown shows as it stands, on one line."""
    text = one_line(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MARKUP.sub(r"\\\g<0>", text)


def _most_frequent(by_exercise: Sequence[list[ExerciseResult]]) -> list[str]:
    """What more than one student got wrong; of equally many, the one that cost more points comes first."""
    reasons = _reasons(by_exercise)
    found = [(task, why, many, lost) for task, entries in reasons for why, many, lost in entries if many > 1]
    found.sort(key=lambda entry: (-entry[2], -entry[3]))
    lines = [f"{_times(many)} {title(task)}: {escape(why)}" for task, why, many, _ in found[:TOP]]
    return ["", "## Most frequent", "", *(f"{i}. {line}" for i, line in enumerate(lines, 1))] if lines else []


def _table(by_exercise: Sequence[list[ExerciseResult]]) -> list[str]:
    lines = ["", "## Every exercise", ""]
    lines += ["| exercise | points | mean | right | partly | wrong | no answer |", "|---|--:|--:|--:|--:|--:|--:|"]
    for results in by_exercise:
        counts = Counter(result.status for result in results)
        wrong = len(results) - counts[PASSED] - counts[PARTIAL] - counts[MISSING]
        average = mean(result.score for result in results)
        cells = [title(results[0].id), number(results[0].max_score), f"{average:.1f}"]
        cells += [str(count or "") for count in (counts[PASSED], counts[PARTIAL], wrong, counts[MISSING])]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _every_mistake(by_exercise: Sequence[list[ExerciseResult]]) -> list[str]:
    lines = []
    for task, reasons in _reasons(by_exercise):
        lines += ["", f"### {title(task)}", ""]
        lines += [f"- {_times(many)} {escape(why)}" for why, many, _ in reasons]
    return ["", "## Every mistake", "", "In the words that the students read.", *lines] if lines else []


def _for_a_human(graded: Graded) -> list[str]:
    """What a program cannot settle."""
    lines = []
    for result in graded.results:
        notes = [note for note in result.notes if note not in (FORMATIVE, graded.due)]
        failed = [exercise.id for exercise in result.exercises if exercise.status == ERROR]
        notes += [f"not graded: {', '.join(failed)}"] if failed and len(failed) < len(result.exercises) else []
        notes += oracles_text(result)
        lines += [f"- **{escape(result.student)}**: {escape(note)}" for note in notes]
    lines += [f"- {escape(note)}" for note in same_notebooks(graded.results)]
    return ["", "## For a human to look at", "", *lines] if lines else []


def _reasons(by_exercise: Sequence[list[ExerciseResult]]) -> list[tuple[str, list[tuple[str, int, float]]]]:
    """By exercise: why points were lost, how often, and how many, the most frequent first."""
    found = []
    for results in by_exercise:
        wrong = [result for result in results if result.status not in (PASSED, MISSING, ERROR)]
        counts: Counter[str] = Counter()
        lost: Counter[str] = Counter()
        for result in wrong:
            why = reason(result)
            counts[why] += 1
            lost[why] += result.max_score - result.score
        ordered = sorted(counts, key=lambda why: (-counts[why], -lost[why], why))
        if ordered:
            found.append((results[0].id, [(why, counts[why], lost[why]) for why in ordered]))
    return found


def _times(many: int) -> str:
    return f"**{many} ×**"


def _count(many: int, what: str) -> str:
    return f"{many} {what}{'s' * (many != 1)}"
