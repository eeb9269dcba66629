"""Build the notebooks from their sources, and check that they are what the sources give.

`solutions/0N_*.py` gives two notebooks: `solutions/0N_*.ipynb`, executed, for the lecturer, and `notebooks/0N_*.ipynb`,
without outputs and answers, for the student. Nothing else writes notebooks, and an edited one is never overwritten.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import nbformat
from jupyter_core.utils import ensure_event_loop
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from nbformat import NotebookNode
from nbformat.validator import iter_validate

from bn_helpers.course import claims, nbgrader, talk
from bn_helpers.course.leaks import leaks
from bn_helpers.course.notebook_file import (
    WIDGET,
    differences,
    digest,
    edited_by_hand,
    output_faults,
    serialized,
    source,
    without_outputs,
)
from bn_helpers.course.seen import stamp
from bn_helpers.course.sources import BuildError, Cell, read
from bn_helpers.exercises import EXERCISES, NOTEBOOKS, Exercise
from bn_helpers.files import write_together
from bn_helpers.reference import Reference
from bn_helpers.solutions import letters
from bn_helpers.submission import EXPLAIN

# The first line of every notebook's code, for whoever opens it in an environment without the course.
MISSING = "# No module named 'bn_helpers'? In the course's folder: python -m pip install -e ."
PATIENCE = 3600  # seconds that a kernel may be silent while it starts, or between an output and its end


@dataclass
class Built:
    """A notebook as its source gives it, and the file that it belongs in."""

    path: Path
    notebook: dict
    executed: bool

    @property
    def place(self) -> str:
        return f"{self.path.parent.name}/{self.path.name}"


def build(root: Path, names: Sequence[str] | None = None) -> list[Path]:
    """Build the solved and the student's notebook of each source, and print a line of progress for each.

    Only what has changed is run: code, or helpers that it sees. A build that was interrupted goes on where it stopped.

    Parameters
    ----------
    root : Path
        The checkout: it has `solutions/` with the sources, and `bn_helpers/layers.py`.
    names : sequence of str, optional
        Notebooks to build, for instance ``["01_normalization"]``. None builds all that have a source.

    Returns
    -------
    paths : list of Path
        What was written. Files that are as they should be stay untouched, and the two of a notebook change together.

    Raises
    ------
    BuildError
        If a source is faulty, an answer leaks, a cell fails, an output would differ on another machine, or a notebook
        was edited by hand.
    """
    root = root.resolve()
    pairs = {name: _pair(root, name) for name in _chosen(root, names)}
    for built in (built for pair in pairs.values() for built in pair):
        _refuse_if_edited(built)
    written = []
    for name, pair in pairs.items():
        if _keep_outputs(pair[0], root):
            print(f"{name}: nothing to run")
        else:
            _execute(pair[0], root)
        changed = _changed({built.path: serialized(built.notebook).encode() for built in pair})
        write_together(changed)
        written += changed
    page = _changed(claims.page(root / "solutions"))
    write_together(page)
    return [*written, *page]


def check(root: Path, names: Sequence[str] | None = None) -> list[str]:
    """Compare the notebooks on disk with what their sources give, without running anything.

    Outputs of solved notebooks are not compared, that is nbval's part; they must come from the build's own run with the
    helpers as they are, be free of errors, and be such as another machine would print.

    Parameters
    ----------
    root : Path
        The checkout.
    names : sequence of str, optional
        Notebooks to check. None checks all that have a source, and names notebooks that have none.

    Returns
    -------
    drifts : list of str
        One message for each difference: file, cell, what differs. Empty where all is as it should be.
    """
    root, drifts = root.resolve(), []
    try:
        chosen = _chosen(root, names)
    except BuildError as error:
        return [str(error)]
    for name in chosen:
        try:
            pair = _pair(root, name)
        except BuildError as error:
            drifts += str(error).splitlines()
        else:
            drifts += [f"{built.place}: {drift}" for built in pair for drift in _drifts(built, root)]
    if names is None:
        found = [path for folder in ("solutions", "notebooks") for path in sorted((root / folder).glob("*.ipynb"))]
        strays = [path for path in found if path.stem not in chosen]
        drifts += [f"{path.parent.name}/{path.name}: there is no source for it; delete it" for path in strays]
        if not drifts:
            stale = _changed(claims.page(root / "solutions"))
            drifts = [f"solutions/{path.name}: is not what the notebooks hold; build again" for path in stale]
    return drifts


def executed(root: Path, name: str) -> tuple[dict, dict]:
    """The two notebooks of one source, the solved one with its saved outputs.

    Parameters
    ----------
    root : Path
        The checkout.
    name : str
        A notebook, as in the manifest.

    Returns
    -------
    solved, student : dict
        Notebooks as JSON has them.

    Raises
    ------
    BuildError
        If the source is faulty, or the solved notebook is missing or does not hold what the source gives.
    """
    solved, student = _pair(root.resolve(), name)
    found = _load(solved.path) if solved.path.exists() else None
    if found is None or digest(found["cells"]) != solved.notebook["metadata"]["bn_helpers"]["digest"]:
        raise BuildError(f"{solved.place}: is not what its source gives; build it: make build")
    _take_outputs(solved, found)
    return solved.notebook, student.notebook


def _chosen(root: Path, names: Sequence[str] | None) -> list[str]:
    present = sorted(path.stem for path in (root / "solutions").glob("*.py"))
    for name in names or ():
        if name not in present:
            raise BuildError(f"there is no solutions/{name}.py; there is {', '.join(present) or 'no source at all'}")
    if not present:
        raise BuildError(f"there is no source in solutions/; expected {', '.join(NOTEBOOKS)}, with the ending .py")
    return list(names or present)


def _pair(root: Path, name: str) -> tuple[Built, Built]:
    """The solved notebook, not yet run, and the student's."""
    cells = read(root / "solutions" / f"{name}.py")
    reference = Reference((root / "bn_helpers" / "layers.py").read_text(encoding="utf-8"))
    solved = Built(root / "solutions" / f"{name}.ipynb", _notebook(cells, reference, student=False), executed=True)
    student = Built(root / "notebooks" / f"{name}.ipynb", _notebook(cells, reference, student=True), executed=False)
    right = letters("\n".join(cell.text for cell in cells if cell.role == "quiz"))
    leaked = leaks(name, [cell | {"source": source(cell)} for cell in student.notebook["cells"]], reference, right)
    if leaked:
        raise BuildError("\n".join(f"{student.place}: {leak}" for leak in leaked))
    return solved, student


def _notebook(cells: list[Cell], reference: Reference, student: bool) -> dict:
    shown = [cell for cell in cells if not (student and cell.minutes)]
    built = [_cell(cell, _text(cell, reference, student), student) for cell in shown]
    if student:
        pairs = zip(built, shown, [*shown[1:], None], strict=True)
        built = [node for own, cell, following in pairs for node in (own, *_own_words(cell, following))]
    else:
        for node, about in zip(built, talk.metadata(cells), strict=True):
            node["metadata"] |= about
    metadata = {
        "bn_helpers": {"digest": digest(built)},
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},  # without its version, which would differ from machine to machine
    }
    return {"cells": built, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def _own_words(cell: Cell, following: Cell | None) -> list[dict]:
    """The cell to write in that the student finds below a cell: for a guess, for an explanation, or none."""
    if cell.id.startswith("explain_"):
        name, words = cell.id.removesuffix("-text"), EXPLAIN
    elif "**Predict" in cell.text and not (following and following.role == "quiz"):  # a quiz is answered by a letter
        name, words = f"{cell.id}-guess", "*Your guess:*"
    else:
        return []
    return [{"cell_type": "markdown", "id": name, "metadata": {}, "source": [words]}]


def _cell(cell: Cell, text: str, student: bool) -> dict:
    metadata: dict = {}
    facts = nbgrader.metadata(cell, text, student)
    if facts:
        metadata["nbgrader"] = facts
    tags = [*cell.tags, *(["raises-exception"] if student and cell.role == "check" else [])]
    if tags:
        metadata["tags"] = tags
    if student and facts:
        metadata["deletable"] = False
    if student and facts and facts["locked"]:
        metadata["editable"] = False
    node = {"cell_type": cell.cell_type, "id": cell.id, "metadata": metadata, "source": text.splitlines(keepends=True)}
    return node | ({"execution_count": None, "outputs": []} if cell.cell_type == "code" else {})


def _text(cell: Cell, reference: Reference, student: bool) -> str:
    if cell.role == "exercise":
        return f"{_header(EXERCISES[cell.subject])}\n\n{cell.text}"
    if cell.id.removesuffix("-hints") in EXERCISES and cell.id.endswith("-hints"):
        return f"{_first_hint(EXERCISES[cell.id.removesuffix('-hints')])}\n{cell.text}"
    if cell.minutes:
        return f"**For the lecturer, {cell.minutes} min.** {cell.text}"
    if cell.role == "solution":
        return reference.stub(cell.subject) if student else reference.solved(cell.subject)
    if cell.id == "setup":
        return f"{MISSING}\n{cell.text}"
    if cell.role == "quiz" and student:
        return f'{cell.subject} = "?"'
    return cell.text


def _header(exercise: Exercise) -> str:
    return (
        f"### Exercise {exercise.number}: {exercise.title}\n\n"
        f"**{exercise.points} points**, about {exercise.minutes} minutes, difficulty {exercise.difficulty} of 3."
    )


def _first_hint(exercise: Exercise) -> str:
    return f"<details><summary>Help: what most stumble over</summary>\n\n{exercise.trap}\n\n</details>"


def _refuse_if_edited(built: Built) -> None:
    if not built.path.exists():
        return
    found = _load(built.path)
    if found is None or edited_by_hand(found):
        where = f" ({'; '.join(differences(built.notebook, without_outputs(found)))})" if found else ""
        raise BuildError(
            f"{built.place}: was edited by hand, and building would overwrite that{where}. To keep it, move it away; "
            "otherwise delete it. Then build again."
        )


def _drifts(built: Built, root: Path) -> list[str]:
    if not built.path.exists():
        return ["is missing; build it"]
    found = _load(built.path)
    if found is None:
        return ["is not a notebook of format 4.5; delete it and build again"]
    remedy = "edited by hand: change the source instead" if edited_by_hand(found) else "stale: build again"
    bare = without_outputs(found) if built.executed else found
    drifts = [f"{difference} ({remedy})" for difference in differences(built.notebook, bare)]
    if not drifts and (bare != built.notebook or built.path.read_bytes() != serialized(found).encode()):
        drifts.append("is not written as the build writes it; build again")
    if built.executed:
        drifts += [f"{fault}; build again" for fault in output_faults(found, str(root))]
        if not drifts and not _is_stamped(found, built, root):
            drifts.append("its outputs come from other code or helpers, or from a run by hand; build again")
    return drifts


def _changed(files: dict[Path, bytes]) -> dict[Path, bytes]:
    """Those that are not on disk as they should be."""
    return {path: held for path, held in files.items() if not (path.exists() and path.read_bytes() == held)}


def _load(path: Path) -> dict | None:
    """The notebook as JSON has it, or None where it is none."""
    try:
        notebook = json.loads(path.read_bytes())
    except ValueError:
        return None
    return None if any(iter_validate(notebook, version=4, version_minor=5)) else notebook


def _keep_outputs(built: Built, root: Path) -> bool:
    """Take over the outputs on disk, if running the notebook would give them again; say whether."""
    found = _load(built.path) if built.path.exists() else None
    if found is None or not _is_stamped(found, built, root) or any(output_faults(found, str(root))):
        return False
    _take_outputs(built, found)
    built.notebook["metadata"]["bn_helpers"]["outputs"] = found["metadata"]["bn_helpers"]["outputs"]
    return True


def _execute(built: Built, root: Path) -> None:
    """Run a notebook, and take over its outputs and counts, and nothing else."""
    name, count = built.path.stem, len(_code(built.notebook))
    place = f"{built.path.parent.name}/{name}.py"
    try:
        node = run(
            built.notebook,
            built.path.parent,
            place,
            begun=lambda number: print(f"\r{name}: cell {number} of {count}", end="", flush=True),
        )
    finally:
        print()
    _take_outputs(built, json.loads(nbformat.writes(node)))
    built.notebook["metadata"]["bn_helpers"]["outputs"] = stamp(root, name, built.notebook["cells"])
    faults = [f"{place}: {fault}" for fault in output_faults(built.notebook, str(root))]
    if faults:
        raise BuildError("\n".join(faults))


def _is_stamped(found: dict, built: Built, root: Path) -> bool:
    """Whether the outputs on disk are those that the build saved, of the code and the helpers that there are now."""
    saved = found["metadata"].get("bn_helpers", {}).get("outputs")
    return saved == stamp(root, built.path.stem, found["cells"]) and _code(found) == _code(built.notebook)


def _code(notebook: dict) -> list[tuple[str, str]]:
    return [(cell["id"], source(cell)) for cell in notebook["cells"] if cell["cell_type"] == "code"]


def _take_outputs(built: Built, found: dict) -> None:
    saved = {cell["id"]: cell for cell in found["cells"]}
    for cell in built.notebook["cells"]:
        if cell["cell_type"] == "code":
            cell |= {key: saved[cell["id"]][key] for key in ("outputs", "execution_count")}


def run(notebook: dict, folder: Path, place: str, begun: Callable[[int], None]) -> NotebookNode:
    """A notebook with outputs, run from top to bottom as nbval will. `begun` is told each code cell's number."""
    node = nbformat.reads(serialized(notebook), as_version=4)
    code = [cell for cell in node.cells if cell.cell_type == "code"]
    client = NotebookClient(
        node,
        timeout=None,
        startup_timeout=PATIENCE,
        iopub_timeout=PATIENCE,
        kernel_name="python3",
        record_timing=False,
        coalesce_streams=True,  # how a kernel cuts a stream differs from run to run; of a progress line, the end stays
        extra_arguments=["--log-level=ERROR"],  # the kernel warns of TCP on the loopback address
        resources={"metadata": {"path": str(folder)}},
        shutdown_kernel="immediate",
    )
    with client.setup_kernel():  # `client.execute` would take Ctrl-C for the kernel's death
        try:
            for number, cell in enumerate(code, 1):
                begun(number)
                _run_cell(client, cell, place)
        finally:
            _end_tasks()
    return node


def _run_cell(client: NotebookClient, cell: NotebookNode, place: str) -> None:
    try:
        client.execute_cell(cell, client.nb.cells.index(cell))
    except CellExecutionError as error:
        reason = f"fails with {error.ename}: {error.evalue}; run the file with Python to see where"
        raise BuildError(f"{place}: cell {cell.id!r} {reason}") from None
    except DeadKernelError:
        raise BuildError(f"{place}: cell {cell.id!r} ends the kernel; take out what does") from None
    cell.outputs = [output for output in cell.outputs if WIDGET not in output.get("data", {})]  # the picture stays


def _end_tasks() -> None:
    """End what an interrupt leaves waiting: the collector would log it, in the midst of something else."""
    loop = ensure_event_loop()
    waiting = asyncio.all_tasks(loop)
    for task in waiting:
        task.cancel()
    loop.run_until_complete(asyncio.gather(*waiting, return_exceptions=True))
