"""The catalogue: what learners get wrong, as code that runs, with the case that must catch it and the words for it.
Beside it stand right answers in styles that the checks must accept: what learners write, not what the reference is.

A mistake is written down in one of two forms (see `entry`): as a whole wrong function, whose docstring is the message,
or as a change of the reference, in the form of a diff. What cannot be told apart on outputs is one entry. The catalogue
never ships to a class: what a class receives is `fingerprints.json`, which says how each mistake looks from outside.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

from bn_helpers.catalogue import derived, normalization, regularization  # noqa: F401
from bn_helpers.catalogue.entry import CATALOGUE, RIGHT, Mistake
from bn_helpers.exercises import visible_cases
from bn_helpers.judging import Signatures, alike, signatures
from bn_helpers.outcomes import Case, run

__all__ = ["CATALOGUE", "RIGHT", "Mistake", "fingerprints", "known", "stale", "write_fingerprints"]


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
            id: {"message": mistakes[id].message, "cases": seen}
            for id, seen in sorted(known(exercise, visible_cases(exercise)).items())
        }
        for exercise, mistakes in CATALOGUE.items()
    }


def write_fingerprints(path: Path) -> None:
    """Write the fingerprints as JSON, one case a line."""
    path.write_text(_json(fingerprints(), levels=4) + "\n", encoding="utf-8", newline="\n")


def stale(path: Path) -> bool:
    """Whether the fingerprints in a file are not the catalogue's, up to rounding."""
    return not alike(json.loads(path.read_text("utf-8")), fingerprints())


def _json(value: Any, levels: int, indent: str = "") -> str:
    """JSON of which the outer levels of objects have one entry a line."""
    if not (isinstance(value, dict) and levels):
        return json.dumps(value)
    entries = [f"{indent} {json.dumps(key)}: {_json(value[key], levels - 1, indent + ' ')}" for key in value]
    return "{\n" + ",\n".join(entries) + f"\n{indent}}}"
