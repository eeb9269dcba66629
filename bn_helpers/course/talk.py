"""A solved notebook as a talk: which cells begin a slide, which appear one by one, which are left out.

The rules follow from what a cell is. A source overrides them with `slide="..."`, where a talk needs it otherwise.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence

from bn_helpers.course.sources import Cell


def metadata(cells: Sequence[Cell]) -> list[dict]:
    """Metadata for each cell of a source, by which JupyterLab and nbconvert make a talk of the notebook.

    Where a slide has notes, its first cell also says how many seconds it takes: reveal.js keeps the time by that, and
    counts a minute where nothing is said. Code that measures or draws is hidden: the class looks at what it shows.
    """
    facts: list[dict] = []
    for cell, slide_type in zip(cells, slide_types(cells), strict=True):
        facts.append({"slideshow": {"slide_type": slide_type}})
        if slide_type in ("slide", "subslide"):
            first = facts[-1]["slideshow"]
        elif cell.minutes:
            first["data"] = {"timing": 60 * cell.minutes}
        if cell.cell_type == "code" and not cell.role and slide_type != "skip":
            facts[-1]["jupyter"] = {"source_hidden": True}
    return facts


def slide_types(cells: Sequence[Cell]) -> list[str]:
    """Say for each cell of a source what it is in a talk, in Jupyter's slide types.

    - "slide": a heading, a prediction, an exercise, a figure
    - "subslide": an answer; it lies below its exercise, and the talk can pass it by
    - "fragment": what the class should guess first, that is printed numbers and what a text says about a result
    - "-": a text that goes on
    - "notes": speaker notes
    - "skip": checks, hints, quizzes' letters, training, and code that shows nothing
    """
    types: list[str] = []
    shown = None  # the last cell that is neither a note nor left out
    for cell in cells:
        types.append(cell.slide or _derived(cell, shown))
        if types[-1] not in ("notes", "skip"):
            shown = cell
    return types


def _derived(cell: Cell, shown: Cell | None) -> str:
    if cell.minutes:
        return "notes"
    if cell.cell_type == "code":
        return _of_code(cell)
    if cell.text.startswith("<details>"):
        return "skip"
    if cell.role == "exercise" or re.search("^#+ ", cell.text, re.MULTILINE):
        return "slide"
    claims = cell.text.startswith("**") and not cell.text.startswith("**Predict")  # what a figure shows, in bold
    if shown is not None and shown.cell_type == "code" and (claims or "**Predict" not in cell.text):
        return "fragment"
    return "slide" if "**Predict" in cell.text else "-"


def _of_code(cell: Cell) -> str:
    if cell.role == "solution":
        return "subslide"
    if cell.role or cell.tags:
        return "skip"
    if _draws(cell):
        return "slide"
    return "fragment" if _calls(cell.text) & {"print", "claim"} else "skip"


def _draws(cell: Cell) -> bool:
    return any(name == "plotting.show" or name.startswith("widgets.") for name in _calls(cell.text))


def _calls(code: str) -> set[str]:
    """Names of what a cell calls when it runs; what stands in a function that it defines does not count."""
    calls, nodes = set(), list(ast.parse(code).body)
    for node in nodes:  # it grows
        if isinstance(node, ast.Call):
            calls.add(ast.unparse(node.func))
        if not isinstance(node, ast.FunctionDef):
            nodes += ast.iter_child_nodes(node)
    return calls
