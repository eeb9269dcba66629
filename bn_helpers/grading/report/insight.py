"""What a graded class shows: which mistakes were made, by whom, and what stands in their code."""

from __future__ import annotations

import ast
import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean, median
from typing import Any

from bn_helpers.exercises import QUIZZES
from bn_helpers.grading.report.words import reason, title
from bn_helpers.grading.results import BY_HAND, ERROR, OPEN, PARTIAL, PASSED, ExerciseResult, Graded, Student
from bn_helpers.parsing import python

TOP = 8  # mistakes that are told first
FREQUENT = 2  # of so many students or more, a mistake is told first, and has a page of its own
EXCERPTS = 2
_LETTER = re.compile(r"""["']([a-dA-D])["']""")
LONGEST = 16  # lines of an excerpt
MAX_EXCERPTED = 8 * 2**10  # characters of an answer of which there may be one


@dataclass(frozen=True)
class Shared:
    """Why points were lost in an exercise, in words, and by whom. `page` names the file of its own page."""

    task: str
    words: str
    who: tuple[tuple[Student, ExerciseResult], ...]

    @property
    def title(self) -> str:
        return title(self.task)

    @property
    def lost(self) -> float:
        """Points that it cost all of them."""
        return sum(result.max_score - result.score for _, result in self.who)

    @property
    def is_frequent(self) -> bool:
        return len(self.who) >= FREQUENT

    @property
    def page(self) -> str:
        name = self.who[0][1].diagnosis or hashlib.sha256(self.words.encode("utf-8", "replace")).hexdigest()[:8]
        return f"{self.task}-{name}.html"

    def excerpts(self) -> list[str]:
        """Short different pieces of code that show it, without a word that could tell whose they are.

        Of a quiz these are the letters, and how many chose each.
        """
        if self.task in QUIZZES:
            found = [_LETTER.findall(result.code) for _, result in self.who]
            letters = Counter(chosen[-1].lower() for chosen in found if chosen)
            return [", ".join(f"{letter}: {many}" for letter, many in sorted(letters.items()))] if letters else []
        pieces = {anonymous(result.code, self.task) for _, result in self.who} - {""}
        return sorted(pieces, key=lambda piece: (len(piece), piece))[:EXCERPTS]


@dataclass(frozen=True)
class Answered:
    """How many answered a task right, in part, wrong, or not at all, of those who handed in anything."""

    title: str
    points: float
    mean: float
    counts: dict[str, int]  # by their colours


def overview(graded: Graded) -> dict[str, Any]:
    """What both summaries tell, by the names that their templates have for it."""
    present = [result for result in graded.results if not result.is_blank] or graded.results
    scores = [result.score for result in present]
    shared = mistakes(graded)
    order = [exercise.id for exercise in graded.results[0].exercises]
    return {
        "graded": graded,
        "most": graded.results[0].max_score,
        "scores": scores,
        "mean": mean(scores),
        "median": median(scores),
        "lost": [(result.student, why) for result in graded.results for why in result.lost],
        "absent": [result.student for result in graded.results if result.absent],
        "frequent": [one for one in shared if one.is_frequent][:TOP],
        "reasons": [(title(task), found) for task in order if (found := [one for one in shared if one.task == task])],
        "tasks": [_answered(results) for results in zip(*(result.exercises for result in present), strict=True)],
    }


def mistakes(graded: Graded) -> list[Shared]:
    """All mistakes, those that most made first; of equally many, the one that cost more points."""
    found: dict[tuple[str, str], list[tuple[Student, ExerciseResult]]] = defaultdict(list)
    for student, result in zip(graded.students, graded.results, strict=True):
        for exercise in result.exercises:
            right = exercise.status == PASSED or exercise.message.startswith(
                BY_HAND
            )  # why that costs is not for a class
            if not right and exercise.status not in (*OPEN, ERROR):
                found[exercise.id, reason(exercise)].append((student, exercise))
    shared = [Shared(task, words, tuple(who)) for (task, words), who in found.items()]
    order = [exercise.id for exercise in graded.results[0].exercises]
    return sorted(shared, key=lambda one: (-len(one.who), -one.lost, order.index(one.task), one.words))


def _answered(results: Sequence[ExerciseResult]) -> Answered:
    counts = Counter(result.status for result in results)
    right, part, none = counts[PASSED], counts[PARTIAL], sum(counts[state] for state in OPEN)
    told = {"right": right, "part": part, "wrong": len(results) - right - part - none, "none": none}
    return Answered(title(results[0].id), results[0].max_score, mean(result.score for result in results), told)


def anonymous(code: str, task: str) -> str:
    """The function that answers a task, without comments, texts and types; nothing where it is no Python, or long."""
    tree, _ = python(code) if len(code) <= MAX_EXCERPTED else (None, "")
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == task] if tree else []
    try:
        lines = ast.unparse(ast.Module([*map(_without_texts, functions[-1:])], [])).splitlines()
    except (ValueError, RecursionError):
        return ""
    return "\n".join(lines if len(lines) <= LONGEST else [*lines[:LONGEST], "    ..."])


def _without_texts(function: ast.FunctionDef) -> ast.FunctionDef:
    for node in ast.walk(function):
        match node:
            case ast.arg():
                node.annotation = None
            case ast.FunctionDef():
                node.returns = None
                node.body = [one for one in node.body if not _is_text(one)] or [ast.Pass()]
            case ast.JoinedStr():
                node.values = [ast.Constant("...")]
            case ast.Constant(value=str() | bytes()):
                node.value = "..."
    return function


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
