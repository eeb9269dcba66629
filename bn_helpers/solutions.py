"""What a source in `solutions/` says, read without building it: the right letters, and what stands above exercises."""

from __future__ import annotations

import ast
import re
import shlex
from pathlib import Path

from bn_helpers.exercises import QUIZZES
from bn_helpers.parsing import imports, letter

FOLDER = Path(__file__).parents[1] / "solutions"


def text(notebook: str, folder: Path = FOLDER) -> str:
    """The source of a notebook; empty where there is none, as in a class."""
    path = folder / f"{notebook}.py"
    return path.read_text("utf-8") if path.exists() else ""


def letters(source: str) -> dict[str, str]:
    """The right letter of each quiz: what is assigned to its name."""
    tree = ast.parse(source)
    return {quiz: right for quiz in QUIZZES if (right := letter(tree, quiz))}


def opening(source: str) -> list[str]:
    """What stands in a notebook above its first exercise: the imports of its setup, and code handed to be read."""
    _, *pieces = re.split(r"^# %%(.*\n)", source, flags=re.MULTILINE)
    code: list[str] = []
    for line, text in zip(pieces[::2], pieces[1::2], strict=True):
        words = shlex.split(line)
        if any(word.startswith("solution=") for word in words):
            break
        if "id=setup" in words:
            code += imports(text)
        elif "locked=yes" in words and "[markdown]" not in words:
            code.append(text)
    return code
