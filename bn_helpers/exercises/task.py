"""What a task is: an exercise or a quiz, and the notebook that it belongs to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from bn_helpers.outcomes import Case

EASY = "easy"


@dataclass(frozen=True)
class Notebook:
    """One notebook: `minutes` of work, and `handed`, the functions that `bn_helpers.layers` holds for it in a class."""

    name: str
    title: str
    minutes: int
    handed: tuple[str, ...] = ()

    @property
    def number(self) -> int:
        return int(self.name[:2])


@dataclass(frozen=True)
class Exercise:
    """One exercise.

    `weights` maps the id of each case to its weight, and `draw` gives the case of an id, from itself and a generator.
    `uses` names answers that are handed to its check, `underived` an answer that it must not call: it is to be derived
    anew. `notebook` and `number` ("2.3": the third exercise of notebook 2) follow from where it is listed.
    """

    id: str
    title: str
    points: int
    minutes: int
    difficulty: int  # 1 routine, 2 takes thought, 3 takes paper
    trap: str
    returns: tuple[str, ...]
    weights: dict[str, int]
    draw: Callable[[Exercise, np.random.RandomState, str], Case]
    uses: tuple[str, ...] = ()
    underived: str = ""
    notebook: str = ""
    number: str = ""

    def answered_by(self, other: Exercise) -> bool:
        """Whether a right answer to another exercise would answer this one too."""
        return other.id == self.underived or self.id == other.underived

    def score(self, passed: Mapping[str, bool]) -> float:
        """Points for the cases that passed: half for `easy`, the rest by weight, a tenth off for each lost property."""
        if not passed.get(EASY, False):
            return 0.0
        total = sum(self.weights.values())
        earned = sum(weight for case, weight in self.weights.items() if passed.get(case, False))
        lost = sum(weight == 0 and not passed.get(case, False) for case, weight in self.weights.items())
        return self.points * max(0.0, 0.5 + 0.5 * earned / total - 0.1 * lost)


@dataclass(frozen=True)
class Quiz:
    """A multiple-choice prediction, answered by a letter in a code cell and measured by the cell after it."""

    id: str
    notebook: str
    points: int = 1
