"""summary.html and the pages of mistakes: to teach from. On a wall it names nobody until a fold is opened."""

from __future__ import annotations

from collections import Counter, defaultdict
from statistics import mean

from bn_helpers.grading.report.insight import mistakes, overview
from bn_helpers.grading.report.markup import html
from bn_helpers.grading.results import Graded
from bn_helpers.text import number

FOLDER = "mistakes"
STEPS = 10  # of the points, in the chart of their spread

Row = tuple[str, dict[str, float], str]  # of a chart: its name, what parts its bar has, by their colours, and a number


def page(graded: Graded) -> str:
    """summary.html."""
    told = overview(graded)
    rows = {
        "answered": [(one.title, one.counts, f"{one.mean:.1f} of {number(one.points)}") for one in told["tasks"]],
        "sections": _sections(graded),
        "spread": _spread(told["scores"], told["most"]),
    }
    words = zip(graded.students, graded.results, strict=True)
    explanations = [(name, student, text) for student, result in words for name, text in result.explanations]
    return html("lesson.html", heading="What the class knows", **told, **rows, explanations=explanations)


def mistake_pages(graded: Graded) -> dict[str, str]:
    """A page for each frequent mistake, by the name of its file: who made it, and their code."""
    frequent = [one for one in mistakes(graded) if one.is_frequent]
    return {one.page: html("mistake.html", heading=one.title, shared=one) for one in frequent}


def _sections(graded: Graded) -> list[Row]:
    scores: dict[str, list[float]] = defaultdict(list)
    for student, result in zip(graded.students, graded.results, strict=True):
        if not result.absent:
            scores[student.section or "no section"].append(result.score)
    most = graded.results[0].max_score
    means = [(f"{name} ({len(values)})", mean(values)) for name, values in sorted(scores.items())]
    return [(name, {"right": average, "": most - average}, f"{average:.1f}") for name, average in means]


def _spread(scores: list[float], most: float) -> list[Row]:
    """How many have how many points."""
    counts = Counter(min(STEPS - 1, int(STEPS * score / most)) for score in scores if most)
    widest, step = max(counts.values(), default=0), most / STEPS
    return [
        (
            f"{number(n * step)} to {number((n + 1) * step)}",
            {"right": counts[n], "": widest - counts[n]},
            counts[n] or "",
        )
        for n in range(STEPS)
    ]
