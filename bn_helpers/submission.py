"""Take the answers out of what a student handed in, which may be anything: nothing here runs it, and nothing raises.

Only answer cells are taken: by grade id, then by cell id, then by the name that a cell defines. What an answer uses of
the learner's other cells is taken along. Everything else is left out, and a note says so where that may matter.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from bn_helpers.exercises import EXERCISES, NOTEBOOKS, QUIZZES, TASKS
from bn_helpers.exports import code_cells
from bn_helpers.parsing import (
    MAX_ANSWER,
    PROVIDED,
    Parsed,
    Statement,
    checked,
    definitions,
    is_stub,
    letter,
    looked_up,
    needed,
    parse,
    pieces_of,
)
from bn_helpers.skim import line_of, skim
from bn_helpers.text import decoded, few, one_line

MAX_FILE = 100 * 2**20  # bytes of a notebook that is looked into
MAX_BYTES = 16 * 2**20  # of it without outputs
MAX_TOGETHER = 128 * 2**20  # bytes of one student's notebooks
MAX_FILES = 20  # notebooks of one student that are read
MAX_EXPLANATION = 2000  # characters that are carried
MAX_CODE = 2**20  # characters of code of one student that are looked through
EXPLAIN = "*Your explanation, in at most 100 words:*"  # as the cell is handed out

_Helpers = dict[str, list[Statement]]
_Reads = Callable[[Statement], set[str]]
_EXPLAINED = {f"explain_{notebook.number}" for notebook in NOTEBOOKS.values()}


@dataclass(frozen=True)
class Answer:
    """One answer cell.

    `code` is as handed in; `source` is what runs: the same lines without what has no place there (see `parsing`), and
    the helpers from other cells. `error` says why it cannot run. `binds` and `reads` are the names that it defines at
    its top level, and that it looks up. `line` is where it stands in `file`.
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
    """What one student handed in: the answers by exercise, in the order of the manifest, and what there is to say.

    `lost` are those of the notes that say what cannot be graded because of its form, `explanations` what was explained
    in words, by the name of the cell; no result depends on these.
    """

    student: str
    answers: dict[str, Answer] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    explanations: tuple[tuple[str, str], ...] = ()

    def content_hash(self) -> str:
        """Hash of all that a result depends on: answers, files and notes, but not the student's name."""
        answers = {name: asdict(answer) for name, answer in self.answers.items()}
        text = json.dumps([answers, self.notes, self.files], default=sorted, sort_keys=True)
        return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


@dataclass(frozen=True, eq=False)
class _Cell:
    """A cell as found: its file, its type, its text, and the exercises that its grade id and its cell id name."""

    file: str
    file_text: str
    kind: str
    text: str
    grade_id: str = ""
    cell_id: str = ""

    @cached_property
    def parsed(self) -> Parsed:
        return parse(self.text)


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
    if not candidates:
        notes.append("there is no notebook in the folder")
    submission = read_files({p.name: p for p in candidates}, path.name if folder else path.stem)
    return replace(submission, notes=(*notes, *submission.notes))


def read_files(files: Mapping[str, Path], student: str) -> Submission:
    """Read one student's notebooks, which may lie anywhere.

    Parameters
    ----------
    files : mapping of str to Path
        By the names that notes have for them. Of several with as many answers the last counts.
    student : str
        The name of the student.

    Returns
    -------
    submission : Submission
        As of `read_submission`.
    """
    notes: list[str] = []
    lost: list[str] = []
    read: dict[str, list[_Cell]] = {}
    for name, path in _affordable(files, notes).items():
        room = MAX_CODE - sum(_size(cell) for cells in read.values() for cell in cells)
        if (cells := _read_cells(name, path, room, notes, lost)) is not None:
            read[name] = cells
    explained = {cell.cell_id: cell.text for cells in read.values() for cell in cells if cell.cell_id in _EXPLAINED}
    found = [(name, [cell for cell in cells if _may_answer(cell)]) for name, cells in read.items()]
    answers = _chosen(found, notes)
    if not answers:
        empty = [name for name, cells in found if any(cell.text.strip() for cell in cells)]
        lost += [f"{name}: no answer to any exercise was found in it" for name in empty]
    told, unread = (tuple(one_line(note)[:300] for note in some) for some in ((*few(lost), *few(notes)), few(lost)))
    names = tuple(one_line(name)[:200] for name, _ in found)
    return Submission(one_line(student)[:200], answers, told, names, unread, tuple(explained.items()))


def _affordable(files: Mapping[str, Path], notes: list[str]) -> dict[str, Path]:
    """As many of the last notebooks as are read of one student."""
    sizes = [path.lstat().st_size if os.path.lexists(path) else 0 for path in files.values()]
    many = next((n for n in range(1, min(MAX_FILES, len(files))) if sum(sizes[-n - 1 :]) > MAX_TOGETHER), MAX_FILES)
    if len(files) > many:
        notes.append(f"{len(files)} notebooks: only the last {many} were read")
    return dict(list(files.items())[-many:])


def _listed(folder: Path, notes: list[str]) -> list[Path]:
    try:
        return [p for p in folder.iterdir() if p.suffix.lower() == ".ipynb" and not p.name.startswith(".")]
    except OSError as error:
        notes.append(f"the folder cannot be read: {error.strerror}")
        return []


def _read_cells(name: str, path: Path, room: int, notes: list[str], lost: list[str]) -> list[_Cell] | None:
    try:
        read = _read(path, name.endswith(".py"))
        if name.endswith(".py"):
            cells = (_Cell(name, read, "code", source) for source in code_cells(read))
        else:
            if re.search("^<{7} ", read, re.MULTILINE):  # in a text of JSON there is no end of a line
                raise ValueError("it holds the marks of a merge that was not finished: <<<<<<<")
            cells = _cells(name, json.loads(read), read)
        return _looked_through(name, cells, room, notes)
    except (OSError, ValueError, RecursionError, TypeError, AttributeError, KeyError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error) or type(error).__name__
        lost.append(f"{name} is not a notebook that can be read: {reason}")
        return None


def _looked_through(name: str, cells: Iterable[_Cell], room: int, notes: list[str]) -> list[_Cell]:
    """As many of the cells as there is room for."""
    found: list[_Cell] = []
    for cell in cells:
        room -= _size(cell)
        if room < 0:
            notes.append(f"{name}: too much code was handed in: only its first {len(found)} cells were looked through")
            break
        found.append(cell)
    return found


def _size(cell: _Cell) -> int:
    return 100 + (len(cell.text) if len(cell.text) <= MAX_ANSWER else 0)  # what is longer is not looked into


def _may_answer(cell: _Cell) -> bool:
    if cell.cell_id in _EXPLAINED:
        return False
    named = cell.kind == "code" or cell.grade_id or cell.cell_id
    return bool(named or cell.parsed.binds & TASKS.keys())  # an answer may have become a text


def _read(path: Path, whole: bool) -> str:
    """The text of a regular file, without outputs or whole; a link or a device could lead anywhere, or never end."""
    most = MAX_BYTES if whole else MAX_FILE
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    with open(descriptor, "rb") as file:
        about = os.fstat(descriptor)
        if not stat.S_ISREG(about.st_mode):
            raise ValueError("it is not an ordinary file")
        if about.st_size > most:
            raise ValueError(f"it has {about.st_size / 2**20:.0f} MB, more than {most // 2**20}")
        text = decoded(file.read(most)) if whole or not about.st_size else skim(descriptor, MAX_BYTES)
    if not text.strip():
        raise ValueError("it is empty")
    return text


def _cells(file: str, notebook: dict, text: str) -> Iterator[_Cell]:
    cells = notebook.get("cells")
    if cells is None:  # format 3
        cells = [cell for sheet in notebook["worksheets"] for cell in sheet["cells"]]
    for cell in cells:
        if not isinstance(cell, dict):
            continue
        source = cell.get("source", cell.get("input", ""))
        source = source if isinstance(source, str) else "".join(part for part in source if isinstance(part, str))
        source = source.encode("utf-8", "replace").decode("utf-8")  # a lone surrogate can be in no file
        metadata = cell.get("metadata")
        nbgrader = metadata.get("nbgrader") if isinstance(metadata, dict) else None
        if isinstance(nbgrader, dict) and nbgrader.get("locked") and not nbgrader.get("solution"):
            continue  # handed code and checks: no student's answer
        grade_id = nbgrader.get("grade_id") if isinstance(nbgrader, dict) else None
        kind = cell.get("cell_type")
        if kind == "markdown" and cell.get("id") in _EXPLAINED:
            words = source.replace(EXPLAIN, "").strip()[:MAX_EXPLANATION]
            if words:
                yield _Cell(file, text, kind, words, cell_id=cell["id"])
            continue
        yield _Cell(file, text, kind if isinstance(kind, str) else "", source, _task(grade_id), _task(cell.get("id")))


def _task(name: Any) -> str:
    return name if isinstance(name, str) and name in TASKS else ""


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
        best = max(reversed(counts), key=counts.__getitem__)
        if len(counts) > 1:
            others = ", ".join(name for name in counts if name != best)
            notes.append(f"{notebook}: {best} has the most answers and was graded; {others} was not")
        chosen |= {a.id: a for a in by_file[best].values() if a.notebook == notebook}
    return {name: chosen[name] for name in TASKS if name in chosen}


def _taken_apart(cells: list[_Cell], tasks: Collection[str]) -> Iterator[_Cell]:
    """The cells. One that holds the only answer to a task it is not meant for, as where all were merged into one, is
    taken apart: an answer each, and what is left. What answers a task of another notebook is part of its cell.
    """
    parsed = [cell.parsed for cell in cells if cell.parsed.tree]
    homes = Counter(task for p in parsed for task in p.binds & set(tasks) if not is_stub(p.tree, task))
    for cell in cells:
        p, meant = cell.parsed, cell.grade_id or cell.cell_id
        others = [task for task in p.binds & set(tasks) - {meant} if homes[task] == 1]
        if cell.kind != "code" or not p.tree or not others or (len(p.binds & set(tasks)) == 1 and not meant):
            yield cell
            continue
        pieces, rest = pieces_of(p, tasks)
        for task, text in pieces:
            own = task == meant
            yield replace(cell, text=text, grade_id=cell.grade_id if own else "", cell_id=cell.cell_id if own else "")
        yield replace(cell, text=rest, grade_id="", cell_id="")


def _answers(cells: list[_Cell], notes: list[str]) -> dict[str, Answer]:
    """The answers of one file."""
    notebooks = _notebooks(cells)
    tasks = [name for name, task in TASKS.items() if task.notebook in notebooks]
    cells = list(_taken_apart(cells, tasks))
    found = {task: places for task in tasks if (places := _places(task, cells))}
    for task, places in found.items():
        if len(places) > 1:
            notes.append(f"{cells[0].file}: {len(places)} cells answer {task}; the last one counts")
    answers = {task: _answer(task, places[-1]) for task, places in found.items()}
    taken = {places[-1] for places in found.values()}
    others = [cell.parsed for cell in cells if cell not in taken and cell.kind == "code"]
    helpers = definitions(others)
    reads = cache(lambda statement: looked_up(statement.text))
    for task, answer in (*answers.items(),):
        kept = _kept_from(task, found)
        own = [places[-1].parsed for name, places in found.items() if TASKS[name].notebook == answer.notebook]
        there = PROVIDED.union(*(parsed.binds for parsed in own if parsed not in kept))
        defined = _derived(task, definitions([*kept, *others]), reads) if kept else helpers
        answers[task] = _with_helpers(answer, there, defined, reads)
    return answers


def _kept_from(task: str, found: dict[str, list[_Cell]]) -> list[Parsed]:
    """The answers without which one is run that is to be derived anew: they define what it derives."""
    underived = EXERCISES[task].underived if task in EXERCISES else ""
    answers = {name: places[-1].parsed for name, places in found.items() if name != task}
    return [parsed for parsed in answers.values() if underived in parsed.binds]


def _derived(task: str, helpers: _Helpers, reads: _Reads) -> _Helpers:
    """The helpers without those that speak of what a task derives."""
    name = EXERCISES[task].underived
    return {
        helper: [each for each in statements if name not in each.binds and name not in reads(each)]
        for helper, statements in helpers.items()
    }


def _notebooks(cells: list[_Cell]) -> set[str]:
    """Which notebooks a file holds. A name that another one asks for is none of its answers: it was handed out here."""
    named = {TASKS[name].notebook for cell in cells for name in (cell.grade_id, cell.cell_id) if name}
    named = named or {TASKS[task].notebook for cell in cells for task in checked(cell.parsed.tree) & TASKS.keys()}
    return named or {name for name in NOTEBOOKS if cells and name in cells[0].file} or {*NOTEBOOKS}


def _places(task: str, cells: list[_Cell]) -> list[_Cell]:
    """The cells that answer a task: those that are meant for it, or else those that define its name."""
    levels = [
        [cell for cell in cells if cell.grade_id == task],
        [cell for cell in cells if cell.cell_id == task and not cell.grade_id],
        [cell for cell in cells if task in cell.parsed.binds and cell.grade_id in ("", task)],
    ]
    # A cell that was meant for the answer and does not hold it is passed over for one that does.
    holding = [[cell for cell in level if task in cell.parsed.binds] for level in levels]
    written = [[cell for cell in level if not is_stub(cell.parsed.tree, task)] for level in holding]
    return next((level for level in (*written, *holding, *levels) if level), [])


def _answer(task: str, cell: _Cell) -> Answer:
    parsed = cell.parsed
    tree, error = parsed.tree, parsed.error
    if tree and task not in parsed.binds:
        error = f"the cell does not define {task}"
    chosen = letter(tree, task) if task in QUIZZES else None
    attempted = chosen != "?" if task in QUIZZES else not (tree and is_stub(tree, task))
    text = () if cell.kind == "code" else (f"the cell is of type {cell.kind}: make it a code cell again",)
    return Answer(
        id=task,
        code=parsed.code,
        source=parsed.source,
        error=error,
        attempted=attempted and bool(cell.text.strip()),
        binds=parsed.binds,
        reads=frozenset(looked_up(parsed.source) - parsed.binds if tree else ()),
        letter=chosen,
        notes=(*text, *parsed.notes),
        file=one_line(cell.file)[:200],
        line=line_of(cell.text, cell.file_text),
    )


def _with_helpers(answer: Answer, there: Collection[str], helpers: _Helpers, reads: _Reads) -> Answer:
    """Take along what an answer uses, is not there and other cells define: below it, so that its lines stay."""
    if answer.error:
        return answer
    taken = needed(helpers, answer.reads - there, reads)
    if answer.reads.union(*map(reads, taken)) - there - helpers.keys():  # a module may have it
        taken |= {*helpers.get("*", ())}
    if not taken:
        return answer
    text = "\n".join(statement.text for statement in sorted(taken))
    if len(text) > MAX_ANSWER:
        note = f"what it uses of other cells has {len(text)} characters, more than {MAX_ANSWER}, and is left out"
        return replace(answer, notes=(*answer.notes, note))
    names = [name for name, statements in helpers.items() if not taken.isdisjoint(statements)]
    above = looked_up(answer.source, inside=False) - there  # where it is needed to define the answer
    return replace(
        answer,
        source=f"{text}\n{answer.source}" if above else f"{answer.source}\n{text}",
        binds=answer.binds.union(names),
        reads=(answer.reads | looked_up(text)).difference(names),
        notes=(*answer.notes, f"{', '.join(names[:5])}, defined in another cell, is taken along"),
    )
