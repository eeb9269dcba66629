"""A learner's own run over notebooks: `python -m bn_helpers check`.

The answers are taken out of the learner's notebook and put into the solved one, whose saved outputs say what a right
answer prints; nbval then runs it and compares. The answers run unconfined: this is for your own work, and proves
nothing about anybody else's.
"""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest

from bn_helpers.errors import CourseError
from bn_helpers.exercises import NOTEBOOKS, TASKS
from bn_helpers.judging import FAILED, MISSING, PASSED, UNANSWERED

SECONDS_A_CELL = 60
RULES = Path(__file__).with_name("nbval.cfg")  # what nbval leaves out of its comparison


class UnreadableNotebook(CourseError):
    """A notebook that cannot be checked; the message says why and what to do."""


@dataclass(frozen=True)
class Result:
    """One exercise or quiz of one notebook: its state, and the words of its check."""

    exercise: str
    state: str  # passed, failed, unanswered, missing
    words: str


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
        One for each exercise and quiz of the notebook, in order.

    Raises
    ------
    UnreadableNotebook
        If the file is no notebook of this course, or of a part that is not here.
    """
    name, answers = _answers(path)
    if not (solutions / f"{name}.ipynb").exists():
        raise UnreadableNotebook(
            f"{path} is of a part of the course that is not here; unpack that part in the same place"
        )
    solved = frame(nbformat.read(solutions / f"{name}.ipynb", as_version=4))
    for cell in solved.cells:
        cell.source = answers.get(_part(cell), cell.source)
    collector = _Collector()
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / f"{name}.ipynb"
        nbformat.write(solved, target)
        options = ["--nbval", f"--nbval-sanitize-with={RULES}", f"--nbval-cell-timeout={SECONDS_A_CELL}"]
        options += ["-p", "no:cacheprovider", f"--rootdir={folder}", "-c", os.devnull]
        with contextlib.redirect_stdout(io.StringIO()):
            pytest.main([str(target), *options], plugins=[collector])
    wanted = [subject.id for subject in TASKS.values() if subject.notebook == name]
    return [_result(subject, subject in answers, collector.reports.get(subject)) for subject in wanted]


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
    """Lines to print: exercise, points, state, and what the check says of a failure."""
    width = max(len(result.exercise) for result in results)
    for result in results:
        points = TASKS[result.exercise].points
        yield f"{result.exercise:{width}}  {points:2} points  {result.state}"
        if result.state == FAILED:
            yield from (f"    {line}" for line in result.words.splitlines())


class _Collector:
    """A pytest plugin that keeps what nbval saw of each check, and whether a right answer prints the same."""

    def __init__(self) -> None:
        self.reports: dict[str, tuple[bool, str]] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo) -> Iterator[None]:
        report = yield
        part = _part(item.cell)
        if call.when == "call" and part.startswith("check "):
            self.reports[part.removeprefix("check ")] = (report.passed, _words(item.test_outputs or []))
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


def _answers(path: Path) -> tuple[str, dict[str, str]]:
    """The notebook's name in the manifest, and the learner's answers by exercise."""
    try:
        cells = nbformat.read(path, as_version=4).cells
    except FileNotFoundError:
        raise UnreadableNotebook(f"there is no file {path}; name a notebook, or leave the names out") from None
    except Exception as error:
        raise UnreadableNotebook(f"{path} is not a notebook that can be read ({type(error).__name__})") from None
    answers = {_part(cell): cell.source for cell in cells if _part(cell) in TASKS}
    names = {TASKS[subject].notebook for subject in answers}
    if len(names) != 1:
        raise UnreadableNotebook(f"{path} holds no answers to one of {', '.join(NOTEBOOKS)}; were its cells replaced?")
    return names.pop(), answers


def _words(outputs: list[nbformat.NotebookNode]) -> str:
    streams = [output.text for output in outputs if output.output_type == "stream" and output.name == "stdout"]
    errors = [f"{output.ename}: {output.evalue}" for output in outputs if output.output_type == "error"]
    return "".join(streams) + "\n".join(errors)


def _result(subject: str, there: bool, report: tuple[bool, str] | None) -> Result:
    if not there:
        return Result(subject, MISSING, "")
    if report is None:
        return Result(subject, FAILED, "the check did not come to an end")
    passed, words = report
    if "Unanswered: " in words:
        return Result(subject, UNANSWERED, words)
    return Result(subject, PASSED if passed else FAILED, words)
