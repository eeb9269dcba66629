"""What a notebook's source says, read without building it: the right letters, and what stands above its exercises."""

from __future__ import annotations

import ast
import shlex
from pathlib import Path
from typing import NamedTuple

from bn_helpers.exercises import QUIZZES
from bn_helpers.parsing import imports

FOLDER = Path(__file__).parents[1] / "solutions"


class Part(NamedTuple):
    """One cell: the attributes of its `# %%` line, whether it is code, and its text."""

    attributes: dict[str, str]
    code: bool
    text: str


def text(notebook: str, folder: Path = FOLDER) -> str:
    """The source of a notebook; empty where there is none, as in a class."""
    path = folder / f"{notebook}.py"
    return path.read_text("utf-8") if path.exists() else ""


def letters(source: str) -> dict[str, str]:
    """The right letter of each quiz: what is assigned to its name."""
    assigned = [node for node in ast.parse(source).body if isinstance(node, ast.Assign)]
    pairs = [(ast.unparse(node.targets[0]), node.value) for node in assigned]
    return {name: ast.literal_eval(value) for name, value in pairs if name in QUIZZES}


def opening(source: str) -> list[str]:
    """What stands in a notebook above its first exercise: the imports of its setup, and code handed to be read."""
    code: list[str] = []
    for part in parts(source):
        if "solution" in part.attributes:
            break
        if part.attributes.get("id") == "setup":
            code += imports(part.text)
        elif part.code and "locked" in part.attributes:
            code.append(part.text)
    return code


def parts(source: str) -> list[Part]:
    """The cells of a source, each from its `# %%` line on."""
    found: list[Part] = []
    for line in source.splitlines(keepends=True):
        if line.startswith("# %%"):
            words = shlex.split(line)
            attributes = dict(word.split("=", 1) for word in words if "=" in word)
            found.append(Part(attributes, "[markdown]" not in words, ""))
        elif found:
            found[-1] = found[-1]._replace(text=found[-1].text + line)
    return found
