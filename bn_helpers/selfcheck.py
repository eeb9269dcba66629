"""A learner's own run over notebooks: `python -m bn_helpers check`.

The answers are read as the grader reads them, and put into the solved notebook, whose saved outputs say what a right
answer prints; nbval then runs it and compares. The answers run unconfined: this is for your own work, and proves
nothing about anybody else's.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest

from bn_helpers.errors import CourseError
from bn_helpers.exercises import EXERCISES, NOTEBOOKS, QUIZZES, TASKS
from bn_helpers.judging import FAILED, MISSING, PASSED, UNANSWERED
from bn_helpers.parsing import imports
from bn_helpers.submission import Answer, read_submission
from bn_helpers.text import one_line

RECORDED = "recorded"  # a quiz: whether its letter is right is not told here
SECONDS_A_CELL = 600  # for what waits without computing, which no limit on computing ends
RULES = Path(__file__).with_name("nbval.cfg")  # what nbval leaves out of its comparison


@dataclass(frozen=True)
class Result:
    """One task of one notebook: its state, and the words of its check."""

    task: str
    state: str  # passed, failed, unanswered, missing, recorded
    words: str = ""
    notes: tuple[str, ...] = ()


def check_notebook(path: Path, solutions: Path) -> list[Result]:
    """Check the answers in one notebook.

    Parameters
    ----------
    path : Path
        The learner's notebook.
    solutions : Path
        The folder of the solved notebooks, or of their frames.

    Returns
    -------
    results : list of Result
        One for each task of the notebook, in order.

    Raises
    ------
    CourseError
        If the file is no notebook of this course, or of a part that is not here; or if no kernel starts, for which no
        answer is to blame.
    """
    if not path.exists():
        raise CourseError(f"there is no file {path}; name a notebook, or leave the names out")
    submission = read_submission(path)
    names = [name for name in NOTEBOOKS if any(answer.notebook == name for answer in submission.answers.values())]
    if not names:
        why = "; ".join(submission.notes) or f"it holds no answers to one of {', '.join(NOTEBOOKS)}"
        raise CourseError(f"{path}: {why}")
    there = [name for name in names if (solutions / f"{name}.ipynb").exists()]
    if not there:
        raise CourseError(f"{path} is of a part of the course that is not here; unpack that part in the same place")
    return [result for name in there for result in _check(name, submission.answers, solutions / f"{name}.ipynb")]


def _check(name: str, answers: dict[str, Answer], solved: Path) -> Iterator[Result]:
    """The results of one notebook. A kernel is needed only where there is something to run."""
    tasks = [task for task in TASKS.values() if task.notebook == name]
    there = {task.id: answers[task.id] for task in tasks if task.id in answers}
    waiting = [answer for answer in there.values() if answer.attempted and not answer.error]
    collector = _Collector()
    if waiting:
        _run(_filled(frame(nbformat.read(solved, as_version=4)), name, there), name, collector)
    for task in tasks:
        yield _result(task.id, there.get(task.id), collector)


def _run(notebook: nbformat.NotebookNode, name: str, collector: _Collector) -> None:
    """Run a notebook by nbval, in a kernel of the interpreter that runs this."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / f"{name}.ipynb"
        nbformat.write(notebook, target)
        options = ["--nbval", "--nbval-current-env", f"--nbval-sanitize-with={RULES}"]
        options += [f"--nbval-cell-timeout={SECONDS_A_CELL}"]
        options += ["-p", "no:cacheprovider", f"--rootdir={folder}", "-c", os.devnull]
        with contextlib.redirect_stdout(io.StringIO()):
            pytest.main([str(target), *options], plugins=[collector])
    if collector.error:
        raise CourseError(
            f"no notebook can be run here: {collector.error}. Your answers are not judged. Does this work? "
            f"{sys.executable} -m ipykernel --version"
        )


def _filled(notebook: nbformat.NotebookNode, name: str, answers: dict[str, Answer]) -> nbformat.NotebookNode:
    """A frame with answers. They run apart from the cells of the course, with what is there where they are graded."""
    opening: list[str] = []
    for cell in notebook.cells:
        part = _part(cell)
        if part in EXERCISES:
            break
        if part == "setup":
            opening += imports(cell.source) if cell.get("id") == "setup" else [cell.source]
    for cell in notebook.cells:
        answer = answers.get(_part(cell))
        if cell.get("id") == "setup":
            begin = f"_answers.begin({NOTEBOOKS[name].handed}, {opening})"
            cell.source += f"\nfrom bn_helpers import answers as _answers\n{begin}\n{_stubs(name)}"
        elif answer and answer.id in QUIZZES:
            cell.source = f"{answer.id} = {answer.letter!r}"
        elif answer and not answer.error:
            cell.source = f"{answer.id} = _answers.define({answer.id!r}, {answer.source!r})"
    return notebook


def _stubs(notebook: str) -> str:
    """Stubs of what checks of a notebook are handed beside an answer: whose cell is not there is not written yet."""
    handed_over = {name for task in EXERCISES.values() if task.notebook == notebook for name in task.uses}
    own = sorted(name for name in handed_over if EXERCISES[name].notebook == notebook)
    return "\n".join(f"def {name}(*_):\n    raise NotImplementedError" for name in own)


def frame(solved: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """What of a solved notebook a check needs: its setup, and its checks with what they print. Answers are taken out.

    Parameters
    ----------
    solved : NotebookNode
        An executed notebook, or a frame; it is changed.

    Returns
    -------
    frame : NotebookNode
        The same notebook, with its answer cells empty.
    """
    solved.cells = [cell for cell in solved.cells if cell.cell_type == "code" and _part(cell)]
    for cell in solved.cells:
        if _part(cell) in TASKS:
            cell.source = ""
    return solved


def table(results: list[Result]) -> Iterator[str]:
    """Lines to print: task, points, state, what the check says of a failure, and what there is to note."""
    width = max(len(result.task) for result in results)
    for result in results:
        yield f"{result.task:{width}}  {TASKS[result.task].points:2} points  {result.state}"
        lines = [*(result.words.splitlines() if result.state in (FAILED, UNANSWERED) else ()), *result.notes]
        yield from (f"    {line}" for line in lines)


class _Collector:
    """A pytest plugin that keeps what nbval saw of each check, and whether a right answer prints the same."""

    def __init__(self) -> None:
        self.passed: dict[str, bool] = {}
        self.words: dict[str, str] = {}  # of each check
        self.raised: dict[str, str] = {}  # by each cell that did
        self.error = ""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo) -> Iterator[None]:
        report = yield
        part = _part(item.cell)
        if call.when == "setup" and call.excinfo:
            self.error = one_line(str(call.excinfo.value)) or call.excinfo.typename
        elif call.when == "call":
            self.words[part], self.raised[part] = _words(item.test_outputs or [])
            self.passed[part] = report.passed
        return report


def _part(cell: nbformat.NotebookNode) -> str:
    """What a cell is in the frame of a notebook: "setup", an answer's id, "check" and an id, or nothing of these."""
    grade = cell.metadata.get("nbgrader", {})
    name = grade.get("grade_id", "")
    if grade.get("grade"):
        return f"check {name.removesuffix('-check')}"
    if grade.get("solution"):
        return name
    return "setup" if cell.get("id") == "setup" or grade.get("locked") else ""


def _words(outputs: list[nbformat.NotebookNode]) -> tuple[str, str]:
    """All that a cell says, and what of it is raised."""
    streams = [output.text for output in outputs if output.output_type == "stream" and output.name == "stdout"]
    raised = "\n".join(f"{output.ename}: {output.evalue}" for output in outputs if output.output_type == "error")
    return "".join(streams) + raised, raised


def _result(task: str, answer: Answer | None, collector: _Collector) -> Result:
    if answer is None:
        return Result(task, MISSING)
    if not answer.attempted:
        return Result(task, UNANSWERED)
    if answer.error:
        return Result(task, FAILED, answer.error, answer.notes)
    if broken := collector.raised.get(task):
        return Result(task, FAILED, f"the answer cell does not run: {broken}", answer.notes)
    words = collector.words.get(f"check {task}", "the check did not come to an end")
    if "Unanswered: " in words:
        return Result(task, UNANSWERED, words.partition("Unanswered: ")[0], answer.notes)
    if collector.passed.get(f"check {task}"):
        return Result(task, RECORDED if task in QUIZZES else PASSED, words, answer.notes)
    return Result(task, FAILED, words, answer.notes)
