"""What a task is: an exercise or a quiz, and the notebook that it belongs to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from bn_helpers.outcomes import Case

EASY, EVALUATION, SHAPE = "easy", "evaluation", "shape"
COST = 0.1  # of the points: what a lost property costs


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
    `point` names the cases of which one must be right, or an answer misses the point, and earns at most half; there are
    none where the easy case shows the point already, without which nothing is earned. `shares` tells what part of
    the easy case each result is; equal parts where it is not given. `uses` names answers that are handed to its check,
    `underived` an answer that it must not call: it is to be derived anew. `notebook` and `number` ("2.3": the third
    exercise of notebook 2) follow from where it is listed.
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
    point: tuple[str, ...] = ()
    shares: Mapping[str, float] = field(default_factory=dict)
    notebook: str = ""
    number: str = ""

    def __post_init__(self) -> None:
        if not self.shares:
            object.__setattr__(self, "shares", dict.fromkeys(self.returns, 1 / len(self.returns)))

    def answered_by(self, other: Exercise) -> bool:
        """Whether a right answer to another exercise would answer this one too."""
        return other.id == self.underived or self.id == other.underived

    def score(self, marks: Mapping[str, float]) -> float:
        """Points for what share of each case was reached."""
        return self.points * round(sum(self._parts(marks).values()), 9)

    def earned(self, marks: Mapping[str, float]) -> dict[str, float]:
        """What each case brings, in points; below zero is what it costs."""
        return {case: self.points * part for case, part in self._parts(marks).items()}

    def _parts(self, marks: Mapping[str, float]) -> dict[str, float]:
        """What part of the points each case brings: half `easy`, the rest by weight.

        Nothing is earned where nothing of `easy` is reached. A lost property costs a tenth of the points, and a lost
        point what was earned beyond half of them.
        """
        total = sum(self.weights.values())
        worth = {case: 0.5 * weight / total for case, weight in self.weights.items()} | {EASY: 0.5}
        started = marks.get(EASY, 0.0) > 0
        earned = {case: worth[case] * marks.get(case, 0.0) * started for case in worth}
        for case in (*(case for case, weight in self.weights.items() if not weight and case != EASY), SHAPE):
            if started and not marks.get(case, 1.0):
                earned[case] = -min(COST, sum(earned.values()))
        if self.point and not any(marks.get(case) for case in self.point):
            earned[self.point[0]] -= max(0.0, sum(earned.values()) - 0.5)
        return earned


@dataclass(frozen=True)
class Quiz:
    """A multiple-choice prediction, answered by a letter in a code cell and measured by the cell after it."""

    id: str
    notebook: str
    points: int = 1
