"""The manifest: every notebook, exercise and quiz, with the cases of each exercise; the only list of them.

What is known of an exercise stands in the module of its notebook. An exercise's id is the name of its function and the
grade id of its answer cell. Points follow one rule: half for being right on the case `easy`, shared among the results,
the other half shared by the remaining cases in proportion to their weights. A case of weight 0 is a property (an input
left unchanged, say): it never earns points, and costs a tenth of them. So do axes of length 1 that nobody asked for.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import cache

import numpy as np

from bn_helpers.exercises import backward, convolution, normalization, regularization, scale_and_shift, words
from bn_helpers.exercises.task import EASY, SHAPE, Exercise, Notebook, Quiz
from bn_helpers.outcomes import Case

VISIBLE_SEED = 231

_MODULES = (normalization, scale_and_shift, backward, convolution, regularization)
NOTEBOOKS: dict[str, Notebook] = {module.NOTEBOOK.name: module.NOTEBOOK for module in _MODULES}
EXERCISES: dict[str, Exercise] = {
    exercise.id: replace(exercise, notebook=module.NOTEBOOK.name, number=f"{module.NOTEBOOK.number}.{place}")
    for module in _MODULES
    for place, exercise in enumerate(module.EXERCISES, start=1)
}
CASES: dict[str, tuple[str, str]] = words.CASES | {case: own for m in _MODULES for case, own in m.CASES.items()}
QUIZZES = {f"quiz_{notebook.number}": Quiz(f"quiz_{notebook.number}", name) for name, notebook in NOTEBOOKS.items()}
TASKS: dict[str, Exercise | Quiz] = EXERCISES | QUIZZES


@cache
def visible_cases(exercise: str) -> tuple[Case, ...]:
    """The cases that a learner sees: the same ones at every run."""
    return draw_cases(exercise, np.random.RandomState(VISIBLE_SEED))


def draw_cases(exercise: str, rng: np.random.RandomState) -> tuple[Case, ...]:
    """Draw new inputs for all cases of an exercise, in the order of the manifest."""
    task = EXERCISES[exercise]
    return tuple(task.draw(task, rng, case) for case in task.weights)


def due(notebooks: Iterable[str]) -> list[str]:
    """The tasks of some notebooks, notebook by notebook."""
    return [name for notebook in notebooks for name, task in TASKS.items() if task.notebook == notebook]
