"""Three graders on the same cells: this one, nbgrader and otter-grader, each the way its users run it.

The cells are those of the built notebooks that hold an answer, its check, or code that is handed out; or all of them,
experiments and figures as well. The peers know no other checks than the visible ones, which their kernels run; this
grader draws its own cases from a key.
"""

from __future__ import annotations

import ast
import copy
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from submissions import TASKS

from bn_helpers.exercises import NOTEBOOKS
from bn_helpers.reference import Reference

ROOT = Path(__file__).resolve().parents[2]
Answers = dict[str, str]  # task, source
Scores = dict[str, dict[str, float]]  # student, task, points

PACKAGE = "package"  # of a prepared folder: what the peers' kernels import the course from
_SETUP = re.compile(r"import numpy|from bn_helpers\.(checks|layers) ")  # no figures, no data
_GRADERS_ONLY = ("layers.py", "mistakes", "grading", "course", "selfcheck.py", "cli.py", "__main__.py", "__pycache__")


def handed_out(name: str, whole: bool = False) -> dict:
    """The student's notebook, whole or cut down to the cells that a grader needs."""
    notebook = json.loads((ROOT / "notebooks" / f"{name}.ipynb").read_text("utf-8"))
    if whole:
        return notebook
    cells = [c for c in notebook["cells"] if c["id"] == "setup" or "nbgrader" in c["metadata"]]
    notebook["cells"] = [cell for cell in cells if cell["cell_type"] == "code"]
    setup = notebook["cells"][0]
    lines = "".join(setup["source"]).splitlines(keepends=True)
    setup["source"] = [line for line in lines if _SETUP.match(line)]
    return notebook


def answered(notebook: dict, answers: Answers) -> dict:
    """A notebook with answers in their cells."""
    notebook = copy.deepcopy(notebook)
    for cell in notebook["cells"]:
        if cell["id"] in answers:
            cell["source"] = answers[cell["id"]]
    return notebook


def is_check(cell: dict) -> bool:
    """Whether a cell holds an exercise's visible check."""
    return cell["metadata"].get("nbgrader", {}).get("grade", False)


def write(path: Path, text: str) -> None:
    """Write a file, and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


class Grader:
    """A grader, and the environment that it is installed in.

    Parameters
    ----------
    environments : Path
        The folder of the peers' environments. What is missing there is made, once.
    """

    name = ""
    requirements: tuple[str, ...] = ()

    def __init__(self, environments: Path) -> None:
        self.prefix = environments.absolute() / type(self).__name__.lower()
        self.python = str(self.prefix / "bin" / "python")
        if not (self.prefix / "complete").exists():
            print(f"making {self.prefix}, which takes a minute", file=sys.stderr)
            subprocess.run([sys.executable, "-m", "venv", "--clear", self.prefix], check=True)
            subprocess.run([self.python, "-m", "pip", "install", "--quiet", *self.requirements], check=True)
            (self.prefix / "complete").touch()

    def environment(self, folder: Path) -> dict[str, str]:
        """Variables for a run in a prepared folder: its own Python first, one thread to a process."""
        path = os.pathsep.join([os.path.dirname(self.python), os.environ.get("PATH", os.defpath)])
        package = str(folder.absolute() / PACKAGE)
        return os.environ | {"PATH": path, "PYTHONPATH": package, "OPENBLAS_NUM_THREADS": "1"}

    def prepare(self, folder: Path, names: list[str], students: dict[str, Answers], whole: bool = False) -> None:
        """Put into a folder what the command needs: the assignment, and what was handed in."""
        raise NotImplementedError

    def command(self) -> list[str]:
        """Grades everything in the folder that it is run in."""
        raise NotImplementedError

    def progress(self, folder: Path) -> int:
        """A number that changes when it goes on to the next submission."""
        raise NotImplementedError

    def scores(self, folder: Path) -> Scores:
        """What it gave; a student or a task that it has lost is missing."""
        raise NotImplementedError


def write_package(folder: Path, names: list[str]) -> None:
    """The course's package as a class has it: without what only a grader may know."""
    shutil.copytree(ROOT / "bn_helpers", folder, ignore=shutil.ignore_patterns(*_GRADERS_ONLY))
    reference = Reference((ROOT / "bn_helpers" / "layers.py").read_text("utf-8"))
    write(folder / "layers.py", reference.module({function for name in names for function in NOTEBOOKS[name].handed}))


class Ours(Grader):
    """This grader, with as many workers as cores."""

    name = "this grader"

    def __init__(self) -> None:
        self.python = sys.executable

    def prepare(self, folder: Path, names: list[str], students: dict[str, Answers], whole: bool = False) -> None:
        for name in names:
            notebook = handed_out(name, whole)
            for student, answers in students.items():
                write(folder / "submitted" / student / f"{name}.ipynb", json.dumps(answered(notebook, answers)))

    def command(self) -> list[str]:
        return [str(Path(self.python).with_name("bn-helpers")), "grade", "submitted", "--out", "results"]

    def progress(self, folder: Path) -> int:
        return len(list(folder.glob("results/.graded/*")))

    def scores(self, folder: Path) -> Scores:
        results = json.loads((folder / "results" / "results.json").read_text("utf-8"))
        return {s["student"]: {e["id"]: e["score"] for e in s["exercises"]} for s in results["submissions"]}


class Nbgrader(Grader):
    """nbgrader: a course folder with one assignment."""

    name = "nbgrader 0.9.6"
    requirements = ("nbgrader==0.9.6", "numpy", "matplotlib")

    _CONFIG = """
from nbgrader import preprocessors as p
c = get_config()
c.CourseDirectory.course_id = "bn"
c.GenerateAssignment.preprocessors = [
    p.LockCells, p.ClearOutput, p.CheckCellMetadata, p.ComputeChecksums, p.SaveCells
]
"""
    _SCORES = """
import json
from nbgrader.api import Gradebook
with Gradebook("sqlite:///gradebook.db", "bn") as gradebook:
    submissions = gradebook.assignment_submissions("bn")
    print(json.dumps({
        s.student.id: {g.cell.name: g.auto_score for n in s.notebooks for g in n.grades if g.auto_score is not None}
        for s in submissions
    }))
"""

    def prepare(self, folder: Path, names: list[str], students: dict[str, Answers], whole: bool = False) -> None:
        write_package(folder / PACKAGE / "bn_helpers", names)
        write(folder / "nbgrader_config.py", self._CONFIG)
        for name in names:
            notebook = handed_out(name, whole)
            write(folder / "source" / "bn" / f"{name}.ipynb", json.dumps(notebook))
            for student, answers in students.items():
                write(folder / "submitted" / student / "bn" / f"{name}.ipynb", json.dumps(answered(notebook, answers)))
        generate = [self.python, "-m", "nbgrader", "generate_assignment", "bn"]
        subprocess.run(generate, cwd=folder, env=self.environment(folder), check=True, capture_output=True)

    def command(self) -> list[str]:
        return [self.python, "-m", "nbgrader", "autograde", "bn"]

    def progress(self, folder: Path) -> int:
        return len(list(folder.glob("autograded/*/bn/*.ipynb")))

    def scores(self, folder: Path) -> Scores:
        read = [self.python, "-c", self._SCORES]
        done = subprocess.run(
            read, cwd=folder, env=self.environment(folder), check=True, capture_output=True, text=True
        )
        finished = {path.name for path in (folder / "autograded").glob("*")}
        return {
            student: {cell.removesuffix("-check"): score for cell, score in cells.items()}
            for student, cells in json.loads(done.stdout).items()
            if student in finished
        }


class Otter(Grader):
    """otter-grader: `otter run` by its Python function, for all submissions in one process.

    `otter grade` would start a Docker container for each, and the command `otter run` a Python. Otter grades one
    notebook at a time.
    """

    name = "otter-grader 7.0.0"
    requirements = ("otter-grader==7.0.0", "numpy", "matplotlib", "ipykernel")

    _RUN = """
import json, traceback
from pathlib import Path
from otter.api import grade_submission
for path in sorted(Path("submitted").glob("*/*.ipynb")):
    try:
        graded = grade_submission(str(path), f"{path.stem}.zip", quiet=True)
        scores = {name: test.score for name, test in graded.results.items()}
    except Exception:
        traceback.print_exc()
    else:
        path.with_suffix(".json").write_text(json.dumps(scores))
"""
    _TEST = """
from bn_helpers.checks import check
from otter.test_files import test_case

OK_FORMAT = False
name = "{task}"
points = {points}


@test_case(points={points})
def test_answer({names}):
    {call}
"""

    def prepare(self, folder: Path, names: list[str], students: dict[str, Answers], whole: bool = False) -> None:
        write_package(folder / PACKAGE / "bn_helpers", names)
        for name in names:
            notebook = handed_out(name, whole)
            calls = {c["id"].removesuffix("-check"): "".join(c["source"]) for c in notebook["cells"] if is_check(c)}
            notebook["cells"] = [cell for cell in notebook["cells"] if not is_check(cell)]
            for cell in notebook["cells"]:
                cell["metadata"] = {"otter": {"tests": [cell["id"]]}} if cell["id"] in calls else {}
            with zipfile.ZipFile(folder / f"{name}.zip", "w") as autograder:
                autograder.writestr("otter_config.json", "{}")
                for task, call in calls.items():
                    autograder.writestr(f"tests/{task}.py", self.test(task, call))
            for student, answers in students.items():
                write(folder / "submitted" / student / f"{name}.ipynb", json.dumps(answered(notebook, answers)))

    @classmethod
    def test(cls, task: str, call: str) -> str:
        """What the check's cell does, as a test of otter's."""
        used = {node.id for node in ast.walk(ast.parse(call)) if isinstance(node, ast.Name)} - {"check"}
        return cls._TEST.format(task=task, points=TASKS[task].points, names=", ".join(sorted(used)), call=call)

    def command(self) -> list[str]:
        return [self.python, "-c", self._RUN]

    def progress(self, folder: Path) -> int:
        return len(list(folder.glob("submitted/*/*.json")))

    def scores(self, folder: Path) -> Scores:
        found: Scores = {}
        for path in sorted((folder / "submitted").glob("*/*.json")):
            found.setdefault(path.parent.name, {}).update(json.loads(path.read_text("utf-8")))
        return found
