"""What an answer is run with: its cases, what its notebook hands out, the reference's answers.

Inputs are drawn from a key that nobody else has, and from all that may run before them, so that the same answers are
always probed alike and others never are. What must come of them stays here.
"""

from __future__ import annotations

import ast
import hashlib
import hmac
import json
from collections.abc import Iterable
from functools import cache
from importlib import metadata
from pathlib import Path

import numpy as np

from bn_helpers import layers, solutions
from bn_helpers.exercises import EXERCISES, NOTEBOOKS, draw_cases, due, visible_cases
from bn_helpers.grading.results import ANSWER, FRESH, Step
from bn_helpers.outcomes import Case
from bn_helpers.reference import Reference


class Probes:
    """What the answers of a run are probed with, and the code of the course that may stand beside them.

    Parameters
    ----------
    key : bytes
        The course key.
    notebooks : iterable of str
        The notebooks that are due.
    """

    def __init__(self, key: bytes, notebooks: Iterable[str]) -> None:
        self._key = key
        self._due = due(notebooks)
        self._version = metadata.version("bn_helpers")

    def cases(self, exercise: str, code: str) -> tuple[Case, ...]:
        """The visible cases and as many hidden ones, a draw of each.

        Parameters
        ----------
        exercise : str
            The id of an exercise.
        code : str
            The text of all answers of the submission: any of them may run before this one, and leave it something.

        Returns
        -------
        cases : tuple of Case
            The visible ones first, in the order of the manifest, then the hidden ones in the same order.
        """
        text = "\0".join((self._version, exercise, hashlib.sha256(code.encode()).hexdigest()))
        digest = hmac.new(self._key, text.encode(), hashlib.sha256).digest()
        rng = np.random.RandomState(np.frombuffer(digest, "<u4"))
        return visible_cases(exercise) + draw_cases(exercise, rng)

    def fresh(self, notebook: str) -> Step:
        """The cell that begins a notebook: an empty namespace, and what stands above the notebook's first exercise."""
        text = f"__import__('bn_driver').fresh({_handed(notebook)!r})"
        return Step(FRESH, "", text, brings=tuple(name for name in _handed_functions(notebook) if name in self._due))

    def reference(self, exercise: str) -> Step:
        """The reference's answer, in the place of a wrong one on which another exercise builds."""
        brings = (exercise,) if exercise in self._due else ()
        return Step(ANSWER, exercise, reference_cell(exercise), brings=brings)


# What the course brings


def reference_cell(exercise: str) -> str:
    """The reference's answer."""
    return _reference().solved(exercise)


@cache
def reference_reads(exercise: str) -> set[str]:
    """The exercises that the reference's answer to one calls."""
    return EXERCISES.keys() & _names(reference_cell(exercise), ast.Name)


@cache
def _handed_functions(notebook: str) -> set[str]:
    """The functions that a notebook hands out, be it by its imports or in a cell to be read."""
    layers_text, opening = json.loads(_handed(notebook))
    return set().union(*(_names(text, ast.FunctionDef) for text in (layers_text, *opening)))


def _names(text: str, kind: type) -> set[str]:
    nodes = (node for node in ast.walk(ast.parse(text)) if isinstance(node, kind))
    return {node.id if kind is ast.Name else node.name for node in nodes}


@cache
def _handed(notebook: str) -> str:
    return json.dumps([_reference().module(NOTEBOOKS[notebook].handed), solutions.opening(solutions.text(notebook))])


@cache
def _reference() -> Reference:
    return Reference(Path(layers.__file__).read_text("utf-8"))


@cache
def quiz_letter(quiz: str, notebook: str) -> str | None:
    """The right letter, from the notebook's source; None where there is no source."""
    return solutions.letters(solutions.text(notebook)).get(quiz)
