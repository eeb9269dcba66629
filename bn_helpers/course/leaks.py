"""Look for answers in a student's notebook, whatever way they came there.

A notebook must answer neither its own exercises nor later ones. Earlier ones it may: notebook 3 shows a forward pass.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from bn_helpers.exercises import EXERCISES, NOTEBOOKS
from bn_helpers.parsing import imported
from bn_helpers.reference import Reference

OPERATIONS = (ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.Call, ast.Subscript, ast.IfExp)
PRIVATE = ("course", "grading", "catalogue", "cli")


def leaks(notebook: str, cells: list[dict], reference: Reference, letters: dict[str, str]) -> list[str]:
    """Find lines of the reference, imports of answers, and letters of quizzes in what a student gets.

    Cells need `id`, `cell_type` and `source` as one text. A message names the cell, what leaked, and what to do.
    """
    answers = _answers(notebook, reference)
    found = []
    for cell in cells:
        found += [f"cell {cell['id']!r}: {leak}" for leak in _lines(cell, answers)]
        found += [f"cell {cell['id']!r}: {leak}" for leak in _letters(cell, letters)]
        if cell["cell_type"] == "code":
            found += [f"cell {cell['id']!r}: {leak}" for leak in _imports(cell, NOTEBOOKS[notebook].handed)]
    return found


def _answers(notebook: str, reference: Reference) -> dict[str, str]:
    """Distinctive lines of the exercises that are still open, each with its exercise."""
    order = list(NOTEBOOKS)
    open_lines, given_lines = {}, set()
    for name, exercise in EXERCISES.items():
        lines = list(_distinctive(reference, name))
        if order.index(exercise.notebook) < order.index(notebook):
            given_lines.update(lines)
        else:
            open_lines = dict.fromkeys(lines, name) | open_lines
    return {line: name for line, name in open_lines.items() if line not in given_lines}


def _distinctive(reference: Reference, name: str) -> Iterator[str]:
    """What a function assigns or returns, where that takes at least two operations.

    Each comes as it is written and as `ast.unparse` writes it, so that other quotes or parentheses do not hide it.
    """
    for statement in ast.walk(reference.functions[name]):
        if isinstance(statement, (ast.Assign, ast.AugAssign, ast.Return)) and statement.value:
            value = statement.value
            for part in [value, *(value.elts if isinstance(value, ast.Tuple) else ())]:
                if sum(isinstance(node, OPERATIONS) for node in ast.walk(part)) >= 2:
                    yield _squeezed(reference.text(part))
                    yield _squeezed(ast.unparse(part))


def _lines(cell: dict, answers: dict[str, str]) -> Iterator[str]:
    text = _squeezed(cell["source"])
    if cell["cell_type"] == "code":
        text += "\n" + _squeezed(ast.unparse(ast.parse(cell["source"])))
    leaked = {}
    for line, name in answers.items():
        if line in text:
            leaked.setdefault(name, line)
    for name, line in leaked.items():
        yield f"holds {line!r}, which answers {name}; call the student's {name}, or say it in words"


def _letters(cell: dict, letters: dict[str, str]) -> Iterator[str]:
    for quiz, letter in letters.items():
        if re.search(rf"\b{quiz}\b[^\w\n]*{letter}\b", cell["source"]):
            yield f"names the answer {letter!r} beside {quiz}; take the letter out"


def _imports(cell: dict, handed: tuple[str, ...]) -> Iterator[str]:
    for name in imported(cell["source"]):
        package, _, rest = name.partition(".")
        module, _, function = rest.partition(".")
        if package == "bn_helpers" and (module in PRIVATE or (module == "layers" and function not in handed)):
            yield f"imports {name}, which this notebook is not handed; use the student's own function"


def _squeezed(text: str) -> str:
    return "".join(text.split())
