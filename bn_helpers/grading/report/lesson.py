"""summary.html and the pages of mistakes: to teach from. On a wall it names nobody until a fold is opened."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from statistics import mean, median
from urllib.parse import quote

from bn_helpers.grading.report.insight import Shared, by_task, mistakes, present
from bn_helpers.grading.report.markup import document, escaped, folded, listed, scrolling
from bn_helpers.grading.report.words import title
from bn_helpers.grading.results import (
    FORMATIVE,
    OPEN,
    PARTIAL,
    PASSED,
    UNCONFINED,
    ExerciseResult,
    Graded,
    Student,
)
from bn_helpers.text import number

TOP = 8  # mistakes that are shown first
FREQUENT = 2  # of so many students or more, a mistake has a page of its own
FOLDER = "mistakes"


def page(graded: Graded) -> str:
    """summary.html."""
    shared = mistakes(graded)
    scores = [result.score for result in present(graded)]
    most = number(graded.results[0].max_score)
    facts = f"{len(scores)} handed in; mean {mean(scores):.1f}, median {median(scores):.1f} of {most} points"
    parts = [
        f'<p class="points">{facts}</p>',
        f"<p><strong>{FORMATIVE}</strong></p>" if graded.sandbox == UNCONFINED else "",
        f"<p><strong>{graded.due}</strong></p>" if graded.due else "",
        _not_graded(graded),
        _section("What most got wrong", "".join(_card(one) for one in shared[:TOP] if len(one.who) >= FREQUENT)),
        _section("Points by exercise", _tasks(by_task(graded))),
        _section("Points by section", _sections(graded)),
        _section("How the points are spread", _spread(scores, graded.results[0].max_score)),
        _section("Every mistake", _every(shared)),
        _section("In their own words", _explanations(graded)),
    ]
    return document("What the class knows", "\n".join(part for part in parts if part))


def mistake_pages(graded: Graded) -> dict[str, str]:
    """A page for each frequent mistake, by the name of its file: who made it, and their code."""
    return {one.page: _mistake(one) for one in mistakes(graded) if len(one.who) >= FREQUENT}


def _mistake(shared: Shared) -> str:
    parts = [f'<p class="first">{escaped(shared.words)}</p>']
    parts.append(f"<p>{_made_by(shared)}</p>")
    for student, result in shared.who:
        code = scrolling(f"code of {student.name}", result.code.strip("\n"))
        parts.append(f"<article><h2>{_link(student, '../')}</h2>{code}</article>")
    return document(shared.title, "\n".join(parts))


def _section(heading: str, inside: str) -> str:
    return f"<section><h2>{heading}</h2>{inside}</section>" if inside else ""


def _not_graded(graded: Graded) -> str:
    """What was handed in and earned nothing because of its form, and who handed in nothing."""
    lines = [f"<strong>{escaped(r.student)}</strong>: {escaped(why)}" for r in graded.results for why in r.lost]
    absent = [escaped(result.student) for result in graded.results if result.absent]
    folds = folded(f"Handed in, and not graded as it is: {len(lines)}", listed(lines)) if lines else ""
    folds += folded(f"Handed in nothing: {len(absent)}", listed(absent)) if absent else ""
    return f'<div class="first">{folds}</div>' if folds else ""


def _card(shared: Shared) -> str:
    excerpts = "".join(scrolling("code that shows it", excerpt) for excerpt in shared.excerpts())
    names = listed([_link(student) for student, _ in shared.who])
    more = f'<p><a href="{FOLDER}/{quote(shared.page)}">Their code</a></p>'
    return (
        f"<article><h3>{escaped(shared.title)}</h3><p><strong>{len(shared.who)} ×</strong> {escaped(shared.words)}</p>"
        f"{excerpts}{folded('Who', names + more)}</article>"
    )


def _made_by(shared: Shared) -> str:
    return f"{len(shared.who)} students; it cost {number(shared.lost)} points in all."


def _tasks(results: Iterable[list[ExerciseResult]]) -> str:
    """How each task was answered: right, partly, wrong, not at all."""
    rows = "".join(_task(of_one) for of_one in results)
    names = (("right", "right"), ("part", "partly"), ("wrong", "wrong"), ("none", "no answer"))
    key = "".join(f'<span class="key {colour}"></span>{name}' for colour, name in names)
    head = '<th scope="col">Exercise</th><th scope="col">How many</th><th scope="col" class="number">Mean</th>'
    return f'<p class="soft">{key}</p><table class="chart"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'


def _task(results: list[ExerciseResult]) -> str:
    counts = Counter(result.status for result in results)
    right, part, none = counts[PASSED], counts[PARTIAL], sum(counts[state] for state in OPEN)
    shares = {"right": right, "part": part, "wrong": len(results) - right - part - none, "none": none}
    average = mean(result.score for result in results)
    return _row(title(results[0].id), shares, f"{average:.1f} of {number(results[0].max_score)}")


def _sections(graded: Graded) -> str:
    scores: dict[str, list[float]] = defaultdict(list)
    for student, result in zip(graded.students, graded.results, strict=True):
        if not result.absent:
            scores[student.section or "no section"].append(result.score)
    if len(scores) < 2:
        return ""
    most = graded.results[0].max_score
    rows = "".join(_mean_row(name, values, most) for name, values in sorted(scores.items()))
    head = '<th scope="col">Section</th><th scope="col">Mean</th><th scope="col" class="number">Points</th>'
    return f'<table class="chart"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'


def _mean_row(name: str, scores: list[float], most: float) -> str:
    average = mean(scores)
    return _row(f"{name} ({len(scores)})", {"right": average, "": most - average}, f"{average:.1f}")


def _spread(scores: list[float], most: float) -> str:
    """How many have how many points, in ten steps."""
    if len(scores) < 5 or not most:
        return ""
    counts = Counter(min(9, int(10 * score / most)) for score in scores)
    widest = max(counts.values())
    rows = "".join(
        _row(
            f"{number(step * most / 10)} to {number((step + 1) * most / 10)}",
            {"right": counts[step], "": widest - counts[step]},
            str(counts[step] or ""),
        )
        for step in range(10)
    )
    head = '<th scope="col">Points</th><th scope="col">Students</th><th scope="col" class="number">Number</th>'
    return f'<table class="chart"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'


def _row(name: str, shares: dict[str, float], last: str) -> str:
    """A row of a chart. What its bar shows stands in words for those who hear it."""
    total = sum(shares.values()) or 1
    words = ", ".join(f"{number(share)} {colour}" for colour, share in shares.items() if colour and share)
    bars = "".join(
        f'<i class="{colour}" style="width:{100 * share / total:.1f}%"></i>'
        for colour, share in shares.items()
        if share
    )
    bar = f'<div class="bar" role="img" aria-label="{words}">{bars}</div>'
    return f'<tr><th scope="row">{escaped(name)}</th><td>{bar}</td><td class="number">{escaped(last)}</td></tr>\n'


def _every(shared: list[Shared]) -> str:
    tasks: dict[str, list[str]] = defaultdict(list)
    for one in sorted(shared, key=lambda one: one.task):
        words = f"<strong>{len(one.who)} ×</strong> {escaped(one.words)}"
        page = f' (<a href="{FOLDER}/{quote(one.page)}">who, and their code</a>)' if len(one.who) >= FREQUENT else ""
        tasks[one.title].append(words + page)
    return "".join(folded(escaped(name), listed(lines)) for name, lines in sorted(tasks.items()))


def _explanations(graded: Graded) -> str:
    """What the learners explained, by notebook, to read and to judge by nobody but a human."""
    found: dict[str, list[str]] = defaultdict(list)
    for student, result in zip(graded.students, graded.results, strict=True):
        for name, text in result.explanations:
            found[name].append(f"{_link(student)}: {escaped(text)}")
    return "".join(folded(f"{escaped(name)} ({len(texts)})", listed(texts)) for name, texts in sorted(found.items()))


def _link(student: Student, up: str = "") -> str:
    return f'<a href="{up}students/{quote(student.folder)}/feedback.html">{escaped(student.name)}</a>'
