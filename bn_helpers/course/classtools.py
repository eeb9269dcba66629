"""The course in the form that class tools want: a course for nbgrader, an autograder for Gradescope. For teachers only.

Like a class's copy, each is a mapping from paths to bytes, of which `bundle.zipped` makes one file.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from bn_helpers.course import bundle, notebook_file
from bn_helpers.exercises import NOTEBOOKS

HIDDEN = '\n### BEGIN HIDDEN TESTS\nassert {quiz}.strip().lower() == "{letter}"\n### END HIDDEN TESTS'


def nbgrader_files(root: Path, names: Sequence[str] | None = None) -> dict[str, bytes]:
    """Assignments for nbgrader, one a notebook, each with the helpers that its students need beside it.

    A quiz's check gets a hidden test of the letter, which nbgrader takes out for students.
    """
    names = names or list(NOTEBOOKS)
    bundle.refuse_unbuilt(root, names)
    files = {"nbgrader_config.py": bundle.data(bundle.HANDOUT / "nbgrader_config.py")}
    letters = bundle.letters(root)
    for name in names:
        released = bundle.student_files(root, [name])
        notebook = json.loads(released[f"notebooks/{name}.ipynb"])
        for cell in notebook["cells"]:
            quiz = cell["id"].removesuffix("-check")
            if quiz in letters and quiz != cell["id"]:
                cell["source"] = notebook_file.source(cell) + HIDDEN.format(quiz=quiz, letter=letters[quiz])
        files[f"source/{name}/{name}.ipynb"] = notebook_file.serialized(notebook).encode()
        files |= {f"source/{name}/{path}": data for path, data in bundle.package_files(root, [name]).items()}
    return files


def gradescope_files(root: Path, key: bytes) -> dict[str, bytes]:
    """An autograder for Gradescope: its two scripts, the grader with all answers, and the course key."""
    package = root / "bn_helpers"
    paths = [path for pattern in ("*.py", "*.json", "templates/*") for path in package.rglob(pattern)]
    paths = [path for path in paths if "course" not in path.relative_to(package).parts and path.is_file()]
    paths += (root / "solutions").glob("*.py")  # the letters of the quizzes, and what a notebook hands out
    files = {f"course/{path.relative_to(root).as_posix()}": bundle.data(path) for path in paths}
    files |= {name: bundle.data(bundle.HANDOUT / "gradescope" / name) for name in ("setup.sh", "run_autograder")}
    files |= {"course/requirements.txt": bundle.requirements(root, "everybody"), "course.key": key}
    return files | {
        "course/pyproject.toml": bundle.data(root / "pyproject.toml"),
        "course/README.md": b"For teachers only.\n",
    }
