"""Read a notebook's source, `solutions/0N_name.py`, and refuse whatever would harm a student.

A source is py:percent: one `# %%` line a cell, with attributes. Only these exist:

id="..."          names the cell; every cell has one, and it is the cell's id in the notebook
exercise="..."    markdown: the text of an exercise; the builder adds its header; id "<exercise>-text"
solution="..."    code: the import of the reference's function, in the place of the answer; id "<exercise>"
check="..."       code: the call of `check` for an exercise or a quiz; id "<exercise>-check"
quiz="..."        code: the right letter, `quiz_1 = "b"`; id "<quiz>"
locked="yes"      handed to the student to be read, not edited
tags=[...]        code: "nbval-ignore-output" only, for training numbers
notes="3"         markdown: speaker notes, for the solved notebook only, with the minutes that the slide above takes
slide="..."       what the cell is in a talk, where the rules of `talk.py` are wrong: slide, subslide, fragment, -, skip

In a text, {minutes} and {points} stand for the notebook's, which the manifest knows.
"""

from __future__ import annotations

import ast
import re
import symtable
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import jupytext
from nbformat import NotebookNode

from bn_helpers.errors import CourseError
from bn_helpers.exercises import EXERCISES, NOTEBOOKS, QUIZZES, TASKS

PLAIN = ("id", "tags", "notes", "slide")
ROLES = ("exercise", "solution", "check", "quiz", "locked")
SLIDE_TYPES = ("slide", "subslide", "fragment", "-", "skip")
IGNORE_OUTPUT = "nbval-ignore-output"
MAX_LINES = 12  # of code in a cell written by hand


class BuildError(CourseError):
    """What keeps a notebook from being built: one fault a line, each with its place and what to do."""


@dataclass(frozen=True)
class Cell:
    """One cell of a source: `role` is one of ROLES or empty, `subject` the exercise or quiz that it belongs to.

    `minutes` is positive for speaker notes only; `slide` is one of SLIDE_TYPES, or empty where the rules apply.
    """

    id: str
    line: int
    cell_type: str
    text: str
    role: str = ""
    subject: str = ""
    tags: tuple[str, ...] = ()
    minutes: int = 0
    slide: str = ""

    @property
    def lines_of_code(self) -> int:
        lines = (line.strip() for line in self.text.splitlines())
        return sum(1 for line in lines if line and not line.startswith("#"))


def read(path: Path) -> list[Cell]:
    """Read and validate one source.

    Parameters
    ----------
    path : Path
        ``solutions/0N_name.py``, named as in the manifest.

    Returns
    -------
    cells : list of Cell

    Raises
    ------
    BuildError
        With all faults that were found.
    """
    place = f"{path.parent.name}/{path.name}"
    if path.stem not in NOTEBOOKS:
        raise BuildError(f"{place}: the manifest has no such notebook; it has {', '.join(NOTEBOOKS)}")
    text = path.read_text(encoding="utf-8")
    lines = [number for number, line in enumerate(text.splitlines(), 1) if line.startswith("# %%")]
    nodes = jupytext.reads(text, fmt="py:percent").cells
    if not lines or len(lines) != len(nodes):
        raise BuildError(
            f"{place}:1: each cell begins with one '# %%' line; none stands inside a string, no code above"
        )
    faults, cells = [], []
    for line, node in zip(lines, nodes, strict=True):
        attributes = {key: value for key, value in node.metadata.items() if key != "lines_to_next_cell"}
        where = f"{place}:{line}: cell {attributes.get('id')!r}"
        found = list(_attribute_faults(node.cell_type, attributes))
        if not found:
            cells.append(_cell(line, node, attributes, path.stem))
            found = list(_cell_faults(cells[-1], path.stem))
        faults += [f"{where}: {fault}" for fault in found]
    if not faults:  # the order of cells can only be judged when all of them can be read
        faults = [f"{place}:{line}: {fault}" for line, fault in _notebook_faults(cells, path.stem)]
    if faults:
        raise BuildError("\n".join(faults))
    return cells


def _cell(line: int, node: NotebookNode, attributes: dict, notebook: str) -> Cell:
    role = next((role for role in ROLES if role in attributes), "")
    subject = "" if role in ("", "locked") else attributes[role]
    return Cell(
        attributes["id"],
        line,
        node.cell_type,
        _filled(node.source, notebook) if node.cell_type == "markdown" else node.source.strip("\n"),
        role,
        subject,
        tuple(attributes.get("tags", ())),
        int(attributes.get("notes", 0)),
        attributes.get("slide", ""),
    )


def _filled(text: str, notebook: str) -> str:
    """A text with the numbers of the manifest in the place of their names."""
    points = sum(task.points for task in TASKS.values() if task.notebook == notebook)
    filled = text.replace("{minutes}", str(NOTEBOOKS[notebook].minutes)).replace("{points}", str(points))
    return filled.strip("\n")


def _attribute_faults(cell_type: str, attributes: dict) -> Iterator[str]:
    for name in attributes.keys() - {*PLAIN, *ROLES}:
        yield f"unknown attribute {name}={attributes[name]!r}; there are only {', '.join(PLAIN + ROLES)}"
    if cell_type not in ("markdown", "code"):
        yield f"a cell of type {cell_type}; write '# %%' for code or '# %% [markdown]' for text"
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", str(attributes.get("id", ""))):
        yield 'needs an id of letters, digits, _ and -, for instance id="histograms"'
    if len(attributes.keys() & set(ROLES)) > 1:
        yield f"has more than one of {', '.join(ROLES)}; split the cell"
    if attributes.get("locked", "yes") != "yes":
        yield f'locked must be "yes", not {attributes["locked"]!r}'
    if not re.fullmatch("[1-9][0-9]?", str(attributes.get("notes", 1))):
        yield f'notes must be a number of minutes, for instance "3", not {attributes["notes"]!r}'
    elif "notes" in attributes and (cell_type != "markdown" or len(attributes) > 2):
        yield "holds speaker notes, so it must be a markdown cell, with an id and nothing else"
    if attributes.get("slide", "slide") not in SLIDE_TYPES:
        yield f"slide must be one of {', '.join(SLIDE_TYPES)}, not {attributes['slide']!r}"
    if attributes.get("tags", [IGNORE_OUTPUT]) != [IGNORE_OUTPUT]:
        yield f'unknown tags {attributes["tags"]!r}; the only one is tags=["{IGNORE_OUTPUT}"]'
    elif "tags" in attributes and (cell_type != "code" or attributes.keys() & set(ROLES)):
        yield "has tags, but only a plain code cell takes them"


def _cell_faults(cell: Cell, notebook: str) -> Iterator[str]:
    subjects = TASKS if cell.role == "check" else QUIZZES if cell.role == "quiz" else EXERCISES
    if cell.subject and (cell.subject not in subjects or subjects[cell.subject].notebook != notebook):
        there = [subject.id for subject in subjects.values() if subject.notebook == notebook]
        yield f"{cell.subject!r} is not in the manifest of {notebook}, which has {', '.join(there)}"
        return
    suffix = {"exercise": "-text", "check": "-check"}.get(cell.role, "")
    if cell.subject and cell.id != cell.subject + suffix:
        yield f"must have the id {cell.subject + suffix!r}"
    needed = "markdown" if cell.role == "exercise" else "code"
    if cell.subject and cell.cell_type != needed:
        yield f"{cell.role} needs a {needed} cell"
    elif cell.cell_type == "code":
        yield from _code_faults(cell)
    elif not cell.text:
        yield "is empty; write its text or remove it"


def _code_faults(cell: Cell) -> Iterator[str]:
    try:
        code = ast.parse(cell.text)
    except SyntaxError as error:
        yield f"is not Python (line {error.lineno} of the cell: {error.msg}); magics and shell lines are not allowed"
        return
    if not code.body:
        yield "holds no code; write some or remove it"
    if "NBVAL_" in cell.text or "PYTEST_VALIDATE" in cell.text:
        yield f'steers nbval by a comment; use tags=["{IGNORE_OUTPUT}"]'
    if not cell.role and cell.lines_of_code > MAX_LINES:
        yield f"has {cell.lines_of_code} lines of code, more than {MAX_LINES}; split it, or move code to bn_helpers"
    expected = _expected(cell)
    if expected and ast.dump(code) != ast.dump(ast.parse(expected)):
        yield f"must hold this and nothing else: {expected}"
    if cell.role == "quiz" and not re.fullmatch(rf"{cell.subject} = \"[a-d]\"", cell.text):
        yield f'must hold the right letter and nothing else: {cell.subject} = "b"'


def _expected(cell: Cell) -> str:
    """The only code that a placeholder or a check can hold: a slip here would grade one answer as another."""
    if cell.role == "solution":
        return f"from bn_helpers.layers import {cell.subject}"
    if cell.role == "check":
        uses = EXERCISES[cell.subject].uses if cell.subject in EXERCISES else ()
        arguments = [f'"{cell.subject}"', cell.subject, *(f"{name}={name}" for name in uses)]
        return f"check({', '.join(arguments)})"
    return ""


def _notebook_faults(cells: list[Cell], notebook: str) -> Iterator[tuple[int, str]]:
    first = {}
    for cell in cells:
        if first.setdefault(cell.id, cell) is not cell:
            yield cell.line, f"cell {cell.id!r}: the id is taken by the cell at line {first[cell.id].line}"
    exercises = [name for name, exercise in EXERCISES.items() if exercise.notebook == notebook]
    quizzes = [name for name, quiz in QUIZZES.items() if quiz.notebook == notebook]
    yield from _order_faults(cells, exercises, ("exercise", "solution", "check"))
    yield from _order_faults(cells, quizzes, ("quiz", "check"))
    answers = {cell.subject for cell in cells if cell.subject}
    code = [cell for cell in cells if cell.cell_type == "code"]
    for cell in (cell for cell in code if cell.role in ("", "locked")):
        names = symtable.symtable(cell.text, cell.id, "exec").get_symbols()
        for name in sorted(answers & {name.get_name() for name in names if name.is_assigned() or name.is_imported()}):
            yield cell.line, f"cell {cell.id!r}: replaces the student's {name}; use another name"
    for cell, following in zip(code, [*code[1:], None], strict=True):
        if cell.tags and (following is None or following.role or following.tags):
            fault = "is not compared, so the next code cell must print its direction untagged"
            yield cell.line, f"cell {cell.id!r}: {fault}"


def _order_faults(cells: list[Cell], subjects: list[str], roles: tuple[str, ...]) -> Iterator[tuple[int, str]]:
    """Only the first cell that is out of order: what follows it would be noise."""
    expected = [(role, subject) for subject in subjects for role in roles]
    found = [cell for cell in cells if cell.role in roles and cell.subject in subjects]
    for cell, (role, subject) in zip(found, expected, strict=False):
        if (cell.role, cell.subject) != (role, subject):
            yield cell.line, f"cell {cell.id!r}: expected {role}={subject!r} here, as in the manifest"
            return
    if len(found) > len(expected):
        yield found[len(expected)].line, f"cell {found[len(expected)].id!r}: stands here once too often; remove it"
    elif len(found) < len(expected):
        role, subject = expected[len(found)]
        yield cells[-1].line, f"there is no cell with {role}={subject!r}; add it"
