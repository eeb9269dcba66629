"""What an answer is run with: its cases, what its notebook hands out, the reference's answers.

Inputs are drawn from a key that nobody else has, and from the answer itself, so that the same answer is always probed
alike and another one never is. What must come of them stays here.
"""

from __future__ import annotations

import ast
import hashlib
import hmac
import json
import re
from functools import cache
from importlib import metadata, resources
from pathlib import Path

import numpy as np

from bn_helpers import layers
from bn_helpers.exercises import NOTEBOOKS, draw_cases, visible_cases
from bn_helpers.outcomes import Case
from bn_helpers.reference import Reference

HIDDEN_DRAWS = 1  # of all cases, beside the visible ones
SOURCES = Path(__file__).parents[2] / "solutions"


def probe_cases(exercise: str, key: bytes, code: str) -> tuple[Case, ...]:
    """The visible cases and as many hidden ones, for one answer.

    Parameters
    ----------
    exercise : str
        The id of an exercise.
    key : bytes
        The course key.
    code : str
        The text of the answer.

    Returns
    -------
    cases : tuple of Case
        The visible ones first, in the order of the manifest, then each hidden draw in the same order.
    """
    text = "\0".join((metadata.version("bn_helpers"), exercise, hashlib.sha256(code.encode()).hexdigest()))
    digest = hmac.new(key, text.encode(), hashlib.sha256).digest()
    rng = np.random.RandomState(np.frombuffer(digest, "<u4"))
    return sum((draw_cases(exercise, rng) for _ in range(HIDDEN_DRAWS)), visible_cases(exercise))


# Cells


def fresh_cell(notebook: str) -> str:
    """The cell that begins a notebook: an empty namespace, and what stands above the notebook's first exercise."""
    return f"__import__('bn_driver').fresh({_handed(notebook)!r})"


def reference_cell(exercise: str) -> str:
    """The reference's answer, to stand in the place of a wrong one on which another exercise builds."""
    return Reference(_layers_text()).solved(exercise)


@cache
def _handed(notebook: str) -> str:
    return json.dumps([Reference(_layers_text()).module(NOTEBOOKS[notebook].handed), _opening(notebook)])


@cache
def _layers_text() -> str:
    return resources.files("bn_helpers").joinpath(Path(layers.__file__).name).read_text("utf-8")


def _opening(notebook: str) -> list[str]:
    """What stands in a notebook above its first exercise: the imports of its setup, and code handed to be read."""
    before = re.split(r'^# %%.* solution="', _source(notebook), maxsplit=1, flags=re.MULTILINE)[0]
    parts = [cell.partition("\n") for cell in re.split(r"^# %%", before, flags=re.MULTILINE)]
    setup = ast.parse("".join(text for head, _, text in parts if 'id="setup"' in head))
    imports = [ast.unparse(node) for node in setup.body if isinstance(node, ast.Import | ast.ImportFrom)]
    return imports + [text for head, _, text in parts if 'locked="yes"' in head and "[markdown]" not in head]


@cache
def quiz_letter(quiz: str, notebook: str) -> str | None:
    """The right letter, from the notebook's source; None where there is no source."""
    found = re.search(rf'^{quiz} = "([a-d])"$', _source(notebook), re.MULTILINE)
    return found.group(1) if found else None


def _source(notebook: str) -> str:
    path = SOURCES / f"{notebook}.py"
    return path.read_text("utf-8") if path.exists() else ""
