"""The catalogue: what learners get wrong, as code that runs, with the case that must catch it and the words for it.
Beside it stand right answers in styles that the checks must accept: what learners write, not what the reference is.

A mistake is written down in one of two forms (see `entry`): as a whole wrong function, whose docstring is the message,
or as a change of the reference, in the form of a diff. What cannot be told apart on outputs is one entry. The catalogue
never ships to a class: what a class receives is `fingerprints.json`, which says how each mistake looks from outside.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from functools import cache
from pathlib import Path
from typing import Any

from bn_helpers.catalogue import derived, normalization, regularization
from bn_helpers.catalogue.entry import CATALOGUE, RIGHT, Mistake
from bn_helpers.exercises import EXERCISES, visible_cases
from bn_helpers.judging import Signatures, alike, mark, signatures
from bn_helpers.outcomes import Case, Outcome, run

POINTS = Path(__file__).with_name("README.md")


def known(exercise: str, cases: Iterable[Case], mistakes: Collection[str] | None = None) -> dict[str, Signatures]:
    """What mistakes in an exercise look like on cases, by their ids: all known ones, or those that are named."""
    cases = tuple(cases)
    return {
        mistake.id: signatures(cases, [run(case, mistake.functions) for case in cases])
        for mistake in CATALOGUE[exercise].values()
        if mistakes is None or mistake.id in mistakes
    }


def fingerprints() -> dict[str, dict[str, dict[str, Any]]]:
    """What every mistake looks like on the visible cases: exercise, then mistake, then its message and signatures."""
    return {
        exercise: {
            id: {"message": mistakes[id].message, "cases": signatures(visible_cases(exercise), seen)}
            for id, seen in sorted(_on_visible(exercise).items())
        }
        for exercise, mistakes in CATALOGUE.items()
    }


def write_fingerprints(path: Path) -> None:
    """Write the fingerprints as JSON, one case a line; and for lecturers, beside the catalogue, what mistakes earn."""
    path.write_text(_json(fingerprints(), levels=4) + "\n", encoding="utf-8", newline="\n")
    POINTS.write_text(points_table(), encoding="utf-8", newline="\n")


def stale(path: Path) -> bool:
    """Whether the fingerprints in a file are not the catalogue's, up to rounding, or the table of points is not."""
    return not alike(json.loads(path.read_text("utf-8")), fingerprints()) or POINTS.read_text("utf-8") != points_table()


def points_table() -> str:
    """What every mistake earns on the visible cases, in Markdown: the exercises in their order, the most first."""
    lines = [
        "# What each mistake earns",
        "",
        "Written by the build. Half is for what is right on a hundred examples.",
        "",
    ]
    for exercise, mistakes in CATALOGUE.items():
        task, cases = EXERCISES[exercise], visible_cases(exercise)
        lines += [
            f"## {task.number} {exercise}: {task.points} points",
            "",
            "| points | of all | mistake |",
            "|--:|--:|---|",
        ]
        seen = {id: [run(case, mistake.functions) for case in cases] for id, mistake in mistakes.items()}
        earned = {id: task.score(mark(exercise, cases, outcomes)) for id, outcomes in seen.items()}
        for id in sorted(mistakes, key=lambda id: (-earned[id], id)):
            part = f"{earned[id]:.1f} | {100 * earned[id] / task.points:.0f} %"
            lines.append(f"| {part} | `{id}`: {mistakes[id].message} |")
    return "\n".join([*lines, ""])


@cache
def _on_visible(exercise: str) -> dict[str, list[Outcome]]:
    """What comes of every mistake on the visible cases."""
    return {id: [run(case, m.functions) for case in visible_cases(exercise)] for id, m in CATALOGUE[exercise].items()}


def _json(value: Any, levels: int, indent: str = "") -> str:
    """JSON of which the outer levels of objects have one entry a line."""
    if not (isinstance(value, dict) and levels):
        return json.dumps(value)
    entries = [f"{indent} {json.dumps(key)}: {_json(value[key], levels - 1, indent + ' ')}" for key in value]
    return "{\n" + ",\n".join(entries) + f"\n{indent}}}"
