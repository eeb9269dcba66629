"""Take the answers out of what a student handed in, which may be anything: nothing here runs it, and nothing raises.

Only answer cells are taken: by grade id, then by cell id, then by the name that a cell defines. Everything else is left
out, and a note says so where that may matter.
"""

from __future__ import annotations

import ast
import hashlib
import json
import os
import re
import stat
import symtable
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bn_helpers.exercises import NOTEBOOKS, QUIZZES, TASKS
from bn_helpers.skim import Skimmed, skim
from bn_helpers.text import one_line

MAX_FILE = 100 * 2**20  # bytes of a notebook that is looked into
MAX_BYTES = 16 * 2**20  # of it without outputs
MAX_TOGETHER = 128 * 2**20  # bytes of one student's notebooks
MAX_ANSWER = 64 * 2**10  # characters of an answer that is graded
MAX_FILES = 20  # notebooks of one student that are read
MAX_CODE = 2**20  # characters of code of a notebook that are looked through

_NBVAL = re.compile(r"^\s*#[#\s]*(NBVAL_\w+|PYTEST_VALIDATE_\w+)\s*$")  # comments that steer nbval


@dataclass(frozen=True)
class Answer:
    """One answer cell.

    `code` is as handed in; `source` is what runs: the same lines without comments that steer nbval, without magics and
    shell lines. `error` says why it cannot run. `binds` and `reads` are the names that it defines at its top level,
    and that it looks up. `line` is where it stands in `file`.
    """

    id: str
    code: str
    source: str = ""
    error: str = ""
    attempted: bool = True
    binds: frozenset[str] = frozenset()
    reads: frozenset[str] = frozenset()
    letter: str | None = None
    notes: tuple[str, ...] = ()
    file: str = ""
    line: int | None = None

    @property
    def notebook(self) -> str:
        """The name of the answer's notebook."""
        return TASKS[self.id].notebook


@dataclass(frozen=True)
class Submission:
    """What one student handed in: the answers by exercise, in the order of the manifest, and what there is to say."""

    student: str
    answers: dict[str, Answer] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    files: tuple[str, ...] = ()

    def content_hash(self) -> str:
        """Hash of all that a result depends on: answers, files and notes, but not the student's name."""
        answers = {name: asdict(answer) for name, answer in self.answers.items()}
        text = json.dumps([answers, self.notes, self.files], default=sorted, sort_keys=True)
        return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


@dataclass(frozen=True)
class _Cell:
    """A code cell as found: its file, its text, and the exercises that its grade id and its cell id name."""

    file: str
    file_text: Skimmed
    text: str
    grade_id: str
    cell_id: str


def read_submission(path: Path) -> Submission:
    """Read one student's notebooks.

    Parameters
    ----------
    path : Path
        A notebook, or a folder with notebooks directly inside.

    Returns
    -------
    submission : Submission
        Whatever could be read; what could not is told in its notes.
    """
    path = Path(path)
    folder = path.is_dir()
    notes: list[str] = []
    candidates = sorted(_listed(path, notes) if folder else [path], key=lambda p: p.name)
    found = [(p.name, cells) for p in _affordable(candidates, notes) if (cells := _read_cells(p, notes)) is not None]
    if not candidates:
        notes.append("there is no notebook in the folder")
    answers = _chosen(found, notes)
    files = tuple(one_line(name)[:200] for name, _ in found)
    student = one_line(path.name if folder else path.stem)[:200]
    return Submission(student, answers, tuple(one_line(note)[:300] for note in notes), files)


def _affordable(candidates: list[Path], notes: list[str]) -> list[Path]:
    """As many of the notebooks as are read of one student."""
    chosen, size = [], 0
    for path in candidates[:MAX_FILES]:
        size += path.lstat().st_size if os.path.lexists(path) else 0
        if size > MAX_TOGETHER:
            break
        chosen.append(path)
    if len(chosen) < len(candidates):
        notes.append(f"{len(candidates)} notebooks: only the first {len(chosen)} were read")
    return chosen or candidates[:1]


def _listed(folder: Path, notes: list[str]) -> list[Path]:
    try:
        return [p for p in folder.iterdir() if p.suffix.lower() == ".ipynb" and not p.name.startswith(".")]
    except OSError as error:
        notes.append(f"the folder cannot be read: {error.strerror}")
        return []


def _read_cells(path: Path, notes: list[str]) -> list[_Cell] | None:
    try:
        skimmed = _skimmed(path)
        cells = list(_code_cells(path.name, json.loads(skimmed.text), skimmed))
    except (OSError, ValueError, RecursionError, TypeError, AttributeError, KeyError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error) or type(error).__name__
        notes.append(f"{path.name} is not a notebook that can be read: {reason}")
        return None
    size = 0
    for number, cell in enumerate(cells):
        size += 100 + (len(cell.text) if len(cell.text) <= MAX_ANSWER else 0)  # what is longer is not looked into
        if size > MAX_CODE:
            notes.append(f"{path.name} holds too much code: only the first {number} cells were looked through")
            return cells[:number]
    return cells


def _skimmed(path: Path) -> Skimmed:
    """The text of a regular file without outputs; a link or a device could lead anywhere, or never end."""
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    with open(descriptor, "rb"):
        about = os.fstat(descriptor)
        if not stat.S_ISREG(about.st_mode):
            raise ValueError("it is not an ordinary file")
        if about.st_size > MAX_FILE:
            raise ValueError(f"it has {about.st_size / 2**20:.0f} MB, more than {MAX_FILE // 2**20}")
        skimmed = skim(descriptor, MAX_BYTES) if about.st_size else Skimmed("")
    if not skimmed.text.strip():
        raise ValueError("it is empty")
    return skimmed


def _code_cells(file: str, notebook: dict, text: Skimmed) -> Iterator[_Cell]:
    cells = notebook.get("cells")
    if cells is None:  # format 3
        cells = [cell for sheet in notebook["worksheets"] for cell in sheet["cells"]]
    for cell in cells:
        if not isinstance(cell, dict) or cell.get("cell_type") != "code":
            continue
        source = cell.get("source", cell.get("input", ""))
        source = source if isinstance(source, str) else "".join(part for part in source if isinstance(part, str))
        source = source.encode("utf-8", "replace").decode("utf-8")  # a lone surrogate can be in no file
        metadata = cell.get("metadata")
        nbgrader = metadata.get("nbgrader") if isinstance(metadata, dict) else None
        if isinstance(nbgrader, dict) and nbgrader.get("locked") and not nbgrader.get("solution"):
            continue  # handed code and checks: no student's answer
        grade_id = nbgrader.get("grade_id") if isinstance(nbgrader, dict) else None
        yield _Cell(file, text, source, _task(grade_id), _task(cell.get("id")))


def _task(name: Any) -> str:
    return name if isinstance(name, str) and name in TASKS else ""


def _line_of(source: str, skimmed: Skimmed) -> int | None:
    """The line of a file at which the first definition of a cell stands."""
    lines = source.splitlines()
    first = next((line for line in lines if re.match(r"def |\w+ *= *", line)), lines[0] if lines else "")
    position = skimmed.text.find(json.dumps(first)[1:-1]) if first else -1
    if position < 0:
        position = skimmed.text.find(json.dumps(first, ensure_ascii=False)[1:-1]) if first else -1
    return skimmed.line(position) if position >= 0 else None


# Choosing among cells and files


def _chosen(found: list[tuple[str, list[_Cell]]], notes: list[str]) -> dict[str, Answer]:
    """For each notebook the answers of one file: the one that has the most of them."""
    by_file = {name: _answers(cells, notes) for name, cells in found}
    chosen: dict[str, Answer] = {}
    for notebook in NOTEBOOKS:
        counts = {
            name: sum(answer.attempted for answer in answers.values() if answer.notebook == notebook)
            for name, answers in by_file.items()
            if any(answer.notebook == notebook for answer in answers.values())
        }
        if not counts:
            continue
        best = max(counts, key=lambda name: (counts[name], name))
        if len(counts) > 1:
            others = ", ".join(name for name in counts if name != best)
            notes.append(f"{notebook}: {best} has the most answers and was graded; {others} was not")
        chosen |= {a.id: a for a in by_file[best].values() if a.notebook == notebook}
    return {name: chosen[name] for name in TASKS if name in chosen}


def _answers(cells: list[_Cell], notes: list[str]) -> dict[str, Answer]:
    """The answers of one file."""
    parsed = [_parse(cell) for cell in cells]
    # Where ids say which notebook it is, a name that another notebook asks for is none of its answers.
    named = {TASKS[name].notebook for cell in cells for name in (cell.grade_id, cell.cell_id) if name}
    answers = {}
    for task in [name for name, task in TASKS.items() if not named or task.notebook in named]:
        levels = [
            [i for i, cell in enumerate(cells) if cell.grade_id == task],
            [i for i, cell in enumerate(cells) if cell.cell_id == task and not cell.grade_id],
            [i for i, p in enumerate(parsed) if task in p.binds and cells[i].grade_id in ("", task)],
        ]
        # A cell that was meant for the answer and does not hold it is passed over for one that does.
        holding = [[i for i in level if task in parsed[i].binds] for level in levels]
        level = next((level for level in (*holding, *levels) if level), None)
        if level is None:
            continue
        if len(level) > 1:
            notes.append(f"{cells[0].file}: {len(level)} cells answer {task}; the last one counts")
        answers[task] = _answer(task, cells[level[-1]], parsed[level[-1]])
    taken = {id(answer.code) for answer in answers.values()}
    outside = Counter(name for p in parsed if id(p.code) not in taken for name in p.binds)
    return {task: _with_helpers(answer, answers, outside) for task, answer in answers.items()}


def _with_helpers(answer: Answer, answers: dict[str, Answer], outside: Iterable[str]) -> Answer:
    """Tell of names that an answer uses and that only cells bind which are not graded."""
    own = {name for other in answers.values() if other.notebook == answer.notebook for name in other.binds}
    missing = sorted(answer.reads & set(outside) - own - {"np"})
    if not missing:
        return answer
    note = f"it uses {', '.join(missing[:5])}, defined outside the answer cell: only the answer cell is graded"
    return Answer(**{**vars(answer), "notes": (*answer.notes, note)})


# Reading code without running it


@dataclass(frozen=True)
class _Parsed:
    code: str
    source: str
    tree: ast.Module | None
    error: str
    binds: frozenset[str]
    notes: tuple[str, ...]


def _parse(cell: _Cell) -> _Parsed:
    # What ends a line for nbval does not all end one for Python: a form feed, say.
    parts = [("#" if _NBVAL.match(part) else part) + end for part, end in _split(cell.text)]
    lines = "".join(parts).split("\n")
    tree, error = _tree("\n".join(lines))
    notes = []
    if tree is None and len(cell.text) <= MAX_ANSWER:
        without = [_without_magic(line) for line in lines]
        removed = [f"{number}" for number, pair in enumerate(zip(lines, without, strict=True), 1) if len(set(pair)) > 1]
        other, _ = _tree("\n".join(without))
        if other is not None and removed:
            tree, error, lines = other, "", without
            notes.append(f"magics and shell commands are left out (line {', '.join(removed[:5])})")
    binds = frozenset(_bound(tree.body)) if tree else frozenset()
    return _Parsed(cell.text, "\n".join(lines), tree, error, binds, tuple(notes))


def _split(text: str) -> Iterator[tuple[str, str]]:
    """The lines of a text, each with what ends it."""
    for line in text.splitlines(keepends=True):
        bare = line.splitlines()[0]
        yield bare, line[len(bare) :]


def _without_magic(line: str) -> str:
    """A line, or `pass` in the place of a magic, a shell command or a question."""
    text = line.strip()
    return (
        line[: len(line) - len(line.lstrip())] + "pass"
        if text.startswith(("%", "!", "?")) or text.endswith("?")
        else line
    )


def _tree(source: str) -> tuple[ast.Module | None, str]:
    if len(source) > MAX_ANSWER:
        return None, f"the cell has {len(source)} characters, more than {MAX_ANSWER}"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            symtable.symtable(source, "answer", "exec")  # refuses what parses and yet does not compile
            return ast.parse(source), ""
    except SyntaxError as error:
        return None, f"the cell is not Python: line {error.lineno}: {error.msg}"
    except (ValueError, RecursionError, MemoryError) as error:
        return None, f"the cell is not Python: {error}"


def _answer(task: str, cell: _Cell, parsed: _Parsed) -> Answer:
    tree, error = parsed.tree, parsed.error
    if tree and task not in parsed.binds:
        error = f"the cell does not define {task}"
    letter = _letter(tree, task) if task in QUIZZES else None
    attempted = letter != "?" if task in QUIZZES else not (tree and _is_stub(tree, task))
    return Answer(
        id=task,
        code=parsed.code,
        source=parsed.source,
        error=error,
        attempted=attempted and bool(parsed.code.strip()),
        binds=parsed.binds,
        reads=frozenset(_looked_up(parsed.source) if tree else ()),
        letter=letter,
        notes=parsed.notes,
        file=one_line(cell.file)[:200],
        line=_line_of(cell.text, cell.file_text),
    )


def _bound(body: list[ast.stmt]) -> Iterator[str]:
    """Names that statements bind where they stand; what a function or a comprehension binds inside is its own."""
    waiting: list[ast.AST] = list(body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
            yield node.name
        elif isinstance(node, ast.Import | ast.ImportFrom):
            handed = (getattr(node, "module", None) or "").startswith("bn_helpers")  # that is there anyway
            yield from () if handed else ((alias.asname or alias.name).split(".")[0] for alias in node.names)
        elif isinstance(node, ast.Name):
            yield from [node.id] if isinstance(node.ctx, ast.Store) else []
        elif not isinstance(node, ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
            waiting.extend(ast.iter_child_nodes(node))


def _looked_up(source: str) -> Iterator[str]:
    """Names that code looks up outside of itself: globals, not the local variables of its functions."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        waiting = [symtable.symtable(source, "answer", "exec")]
    while waiting:
        table = waiting.pop()
        waiting += table.get_children()
        module = table.get_type() == "module"
        for symbol in table.get_symbols():
            if symbol.is_referenced() and (module or symbol.is_global()):
                yield symbol.get_name()


def _is_stub(tree: ast.Module, task: str) -> bool:
    """Whether the function is still the one that was handed out: a docstring, and a raise of NotImplementedError."""
    definitions = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == task]
    if not definitions:
        return False
    body = [n for n in definitions[-1].body if not (isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant))]
    if len(body) != 1 or not isinstance(body[0], ast.Raise):
        return False
    raised = body[0].exc.func if isinstance(body[0].exc, ast.Call) else body[0].exc
    return isinstance(raised, ast.Name) and raised.id == "NotImplementedError"


def _letter(tree: ast.Module | None, quiz: str) -> str | None:
    """The text that the last assignment gives to a quiz; None where it is not plain text."""
    for node in reversed(tree.body if tree else []):
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == quiz for t in node.targets):
            value = node.value.value if isinstance(node.value, ast.Constant) else None
            return value.strip().lower()[:20] if isinstance(value, str) else None
    return None
