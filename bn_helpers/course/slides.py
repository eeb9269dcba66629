"""Slides of the solved notebooks: one HTML file each, with reveal.js, formulas, pictures and speaker notes inside.

nbconvert writes the HTML, which asks the network for nothing.
"""

from __future__ import annotations

import ast
import re
from base64 import b64encode
from math import ceil
from pathlib import Path

import nbformat
from nbformat.v4 import new_markdown_cell

from bn_helpers.course import builder, pages
from bn_helpers.course.notebook_file import serialized, source
from bn_helpers.exercises import EXERCISES, NOTEBOOKS
from bn_helpers.files import write_together

MINUTE = 60  # seconds, what a slide without notes takes
LINES = 12  # of code on a slide, at most
REST = "**Time for a rest.**"
HEADING = r"^#+ .+"
# What a figure claims: the first words of its caption, in bold, and on to the end of the sentence
CAPTION = r"\*\*(?!Predict)(?:[^*]+[.?!]\*\*|[^*]+\*\*.*?\.(?=\s|$))"
CLAIM = '<div class="claim">\n\n{}\n\n{}\n\n</div>'
NOTES = {"slide_type": "notes"}


def write_slides(root: Path, out: Path) -> list[Path]:
    """Write the slides of all notebooks, a file for each talk, and print how long it is."""
    from pygments.formatters import HtmlFormatter

    reveal = pages.folder("sphinx_revealjs") / "_static" / "revealjs"
    facts = {
        "reveal_css": (reveal / "dist" / "reveal.css").read_text("utf-8"),
        "reveal_js": (reveal / "dist" / "reveal.js").read_text("utf-8"),
        "notes_js": (reveal / "plugin" / "notes" / "notes.js").read_text("utf-8"),
        "start_js": (pages.TEMPLATES / "talk" / "start.js").read_text("utf-8"),
        "math_font": b64encode(pages.math_font()).decode(),
        "code_css": HtmlFormatter(style="xcode").get_style_defs(".highlight"),  # has a contrast of 4.5 and more
    }
    paths = []
    for name, notebook in NOTEBOOKS.items():
        solved, _ = builder.executed(root, name)
        for number, cells in enumerate(talks(solved["cells"]), 1):
            facts["title"] = f"{notebook.number} {notebook.title}"
            html = _html(solved | {"cells": shown(cells)}, facts)
            paths.append(out / f"{name}{'' if number == 1 else f'-{number}'}.html")
            write_together({paths[-1]: html})
            slides = [cell["metadata"]["slideshow"] for cell in cells if _kind(cell) == "slide"]  # answers not counted
            minutes = sum(slide.get("data", {}).get("timing", MINUTE) for slide in slides) // MINUTE
            exercises = sum(EXERCISES[cell["id"]].minutes for cell in cells if cell["id"] in EXERCISES)
            print(f"{paths[-1]}: {len(slides)} slides, {minutes} minutes, exercises {exercises} more", flush=True)
    return paths


def _html(notebook: dict, facts: dict[str, str]) -> str:
    """One notebook as one HTML file, by `templates/talk`, which finds `facts` in its `resources`."""
    from nbconvert.exporters import SlidesExporter
    from traitlets.config import Config

    known = {"display_data_priority": ["image/png", "text/html", "text/markdown", "text/plain"]}
    writer = SlidesExporter(
        config=Config({"NbConvertBase": known}),
        template_name="talk",
        exclude_input_prompt=True,
        exclude_output_prompt=True,
        extra_template_basedirs=[str(pages.TEMPLATES)],
    )
    writer.register_filter("markdown2html", markdown)
    node = nbformat.reads(serialized(notebook), as_version=4)
    html, _ = writer.from_notebook_node(node, resources=facts)
    return html


def markdown(text: str) -> str:
    """HTML of a Markdown text, its formulas in MathML."""
    from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

    class Renderer(IPythonRenderer):
        inline_math = staticmethod(pages.formula)
        block_math = staticmethod(pages.formula_block)

    return MarkdownWithMath(renderer=Renderer(escape=False, anchor_link_text="#")).render(text)


def talks(cells: list[dict]) -> list[list[dict]]:
    """The cells of a solved notebook, cut at the rest that a long one has."""
    rests = [at for at, cell in enumerate(cells) if REST in source(cell)]
    return [cells[start:end] for start, end in zip([0, *rests], [*rests, None], strict=True)]


def shown(cells: list[dict]) -> list[dict]:
    """Cells of a solved notebook as the slides show them, without those that a talk leaves out.

    Each slide begins with a title, which stays until the next heading; that of an exercise stays for its answer only.
    Answers come without their docstrings, and go on below where they are long. A slide's notes stand before what
    appears on it one by one: behind that, reveal.js would take them for a part of it.
    """
    slides: list[list[dict]] = []
    for cell in cells:
        if _kind(cell) in ("slide", "subslide"):
            slides.append([])
        if _kind(cell) != "skip":
            slides[-1].append(cell)
    made, heading, section = [], "", ""
    for slide in slides:
        found = [re.search(HEADING, source(cell), re.MULTILINE) for cell in slide if cell["cell_type"] == "markdown"]
        heading = next((match[0] for match in found if match), heading if _kind(slide[0]) == "subslide" else section)
        section = section if "Exercise" in heading else heading
        for number, part in enumerate(_parts(slide)):
            facts = part[0]["metadata"]["slideshow"] if number == 0 else {"slide_type": "subslide"}
            made += [_text(f"{part[0]['id']}-title", heading, facts), *_arranged(part)]
    return made


def _kind(cell: dict) -> str:
    return cell["metadata"]["slideshow"]["slide_type"]


def _text(name: str, text: str, facts: dict) -> dict:
    return new_markdown_cell(text, id=name, metadata={"slideshow": facts})


def _parts(slide: list[dict]) -> list[list[dict]]:
    """A slide, cut where it begins with more code than a class can read at once."""
    first, *others = slide
    if first["cell_type"] == "markdown" or _is_hidden(first):
        return [slide]
    lines = without_docstrings(source(first)).splitlines()
    size = ceil(len(lines) / ceil(len(lines) / LINES))
    starts = range(0, len(lines), size)
    code = [first | {"id": f"{first['id']}-{at}", "source": "\n".join(lines[at : at + size])} for at in starts]
    return [[code[0], *others], *([part] for part in code[1:])]


def _is_hidden(cell: dict) -> bool:
    return cell["metadata"].get("jupyter", {}).get("source_hidden", False)


def _arranged(slide: list[dict]) -> list[dict]:
    """What the notes of a slide say, then what it shows: of one with a figure that, and what it claims."""
    drawn = any(_pictures(cell) for cell in slide)
    notes, visible, claim = [cell for cell in slide if _kind(cell) == "notes"], [], ""
    for cell in slide:
        facts = {"slide_type": "fragment" if _kind(cell) == "fragment" else "-"}
        if cell["cell_type"] == "code":
            notes.append(_text(f"{cell['id']}-aside", _in_full(cell), NOTES))
            claim = claim or next((line for line in _printed(cell) if ": yes, " in line), "")
            if not drawn or _pictures(cell):
                visible.append(_shown(cell, facts))
        elif _kind(cell) != "notes":
            text = re.sub(HEADING, "", source(cell), count=1, flags=re.MULTILINE).strip()
            caption = _kind(cell) == "fragment" and re.match(CAPTION, text, re.DOTALL)
            if caption or drawn:
                notes.append(_text(f"{cell['id']}-aside", text, NOTES))
            if caption:
                text, claim = CLAIM.format(caption[0], claim), ""
            if text and (caption or not drawn):
                visible.append(_text(cell["id"], text, facts))
    return [*filter(source, notes), *visible[: 2 if drawn else None]]


def _shown(cell: dict, facts: dict) -> dict:
    """A code cell as a slide shows it: its first picture alone, or else what it printed, if it makes no claims."""
    metadata = {"slideshow": facts, "transient": {"remove_source": _is_hidden(cell)}}
    claims = any("claim" in output.get("metadata", {}) for output in cell["outputs"])
    return cell | {"metadata": metadata, "outputs": _pictures(cell)[:1] or ([] if claims else cell["outputs"])}


def _in_full(cell: dict) -> str:
    """What stands in the notes of a code cell: the code that is hidden, and what it printed."""
    code = f"```python\n{source(cell)}\n```\n\n" if _is_hidden(cell) else ""
    printed = "\n".join(_printed(cell))
    return code + (f"```\n{printed}\n```" if printed else "")


def _pictures(cell: dict) -> list[dict]:
    return [output for output in cell.get("outputs", ()) if "image/png" in output.get("data", {})]


def _printed(cell: dict) -> list[str]:
    """The lines that a cell printed, claims among them."""
    texts = [output.get("text") or output["data"].get("text/plain", "") for output in cell["outputs"]]
    return [line for text in texts for line in "".join(text).splitlines()]


def without_docstrings(code: str) -> str:
    """Python without the docstrings of its functions, otherwise as it was."""
    lines = code.splitlines()
    for node in reversed(ast.parse(code).body):
        if isinstance(node, ast.FunctionDef) and ast.get_docstring(node):
            del lines[node.body[0].lineno - 1 : node.body[0].end_lineno]
    return "\n".join(lines)
