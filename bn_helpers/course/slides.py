"""Slides of the solved notebooks: one HTML file each, with reveal.js, formulas, pictures and speaker notes inside."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from pathlib import Path

from nbformat.v4 import new_markdown_cell

from bn_helpers.course import builder, pages
from bn_helpers.exercises import EXERCISES, NOTEBOOKS
from bn_helpers.files import write_together

MINUTE = 60  # seconds, what a slide without notes takes


def write_slides(root: Path, out: Path) -> list[Path]:
    """Write the slides of all notebooks, a file each, and print how long each talk is."""
    from nbconvert.exporters import SlidesExporter

    reveal = pages.folder("sphinx_revealjs") / "_static" / "revealjs"
    facts = {
        "reveal_css": (reveal / "dist" / "reveal.css").read_text("utf-8"),
        "reveal_js": (reveal / "dist" / "reveal.js").read_text("utf-8"),
        "notes_js": (reveal / "plugin" / "notes" / "notes.js").read_text("utf-8"),
        "start_js": (pages.TEMPLATES / "talk" / "start.js").read_text("utf-8"),
        "code_css": pages.code_style("xcode"),
    }
    paths = []
    for name, notebook in NOTEBOOKS.items():
        solved, _ = builder.executed(root, name)
        facts["title"] = f"{notebook.number} {notebook.title}"
        html = pages.render(SlidesExporter, "talk", solved | {"cells": shown(solved["cells"])}, facts)
        paths.append(out / f"{name}.html")
        write_together({paths[-1]: html})
        slides, minutes = main_line([cell["metadata"]["slideshow"] for cell in solved["cells"]])
        exercises = sum(exercise.minutes for exercise in EXERCISES.values() if exercise.notebook == name)
        print(f"{paths[-1]}: {slides} slides, {minutes} minutes, exercises {exercises} more", flush=True)
    return paths


def main_line(slideshows: Iterable[dict]) -> tuple[int, int]:
    """Number of slides, and minutes that they take, answers not counted, from each cell's `slideshow`."""
    seconds = [each.get("data", {}).get("timing", MINUTE) for each in slideshows if each["slide_type"] == "slide"]
    return len(seconds), sum(seconds) // MINUTE


def shown(cells: list[dict]) -> list[dict]:
    """Cells of a solved notebook as the slides show them, without those that a talk leaves out.

    Answers come without their docstrings. Hidden code has gone into the notes, and a slide's notes stand before what
    appears on it one by one: behind that, reveal.js would take them for a part of it.
    """
    slides: list[list[dict]] = []
    for cell in cells:
        kind = cell["metadata"]["slideshow"]["slide_type"]
        if kind in ("slide", "subslide"):
            slides.append([])
        if kind != "skip":
            slides[-1].append(cell)
    return [cell for slide in slides for cell in _arranged(slide)]


def _arranged(slide: list[dict]) -> list[dict]:
    visible, said, hidden = [], [], []
    for cell in slide:
        text = "".join(cell["source"])
        if cell["metadata"]["slideshow"]["slide_type"] == "notes":
            said.append(cell)
            continue
        if cell["metadata"].get("jupyter", {}).get("source_hidden"):
            cell = cell | {"metadata": cell["metadata"] | {"transient": {"remove_source": True}}}
            note = {"slideshow": {"slide_type": "notes"}}
            code = f"```python\n{text}\n```"
            hidden.append(new_markdown_cell(code, id=f"{cell['id']}-code", metadata=note))
        elif cell["cell_type"] == "code":
            cell = cell | {"source": without_docstrings(text)}
        visible.append(cell)
    return [visible[0], *said, *hidden, *visible[1:]]


def without_docstrings(code: str) -> str:
    """Python without the docstrings of its functions, otherwise as it was."""
    lines = code.splitlines()
    for node in reversed(ast.parse(code).body):
        if isinstance(node, ast.FunctionDef) and ast.get_docstring(node):
            del lines[node.body[0].lineno - 1 : node.body[0].end_lineno]
    return "\n".join(lines)
