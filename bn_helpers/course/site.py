"""The course as a small static site: a front page and five pages to read, without the answers.

A class may read it while it works: where a solved notebook holds an answer, the page has the student's empty function.
What the answers make visible is there, figures and printed results.
"""

from __future__ import annotations

import re
from base64 import b64encode
from pathlib import Path

from nbformat.v4 import new_markdown_cell

from bn_helpers.course import builder, pages
from bn_helpers.exercises import NOTEBOOKS, TASKS
from bn_helpers.files import write_together

LEFT_OUT = ("check", "summary")  # what these cells would print belongs to a learner's own answers


def write_site(root: Path, out: Path) -> list[Path]:
    """Write the front page and a page for each notebook, and print each page's path."""
    from nbconvert.exporters import HTMLExporter

    contents = {"index.html": {"cells": [new_markdown_cell(front_page(root), id="doors")]}}
    contents |= {f"{name}.html": reading(*builder.executed(root, name)) for name in NOTEBOOKS}
    titles = ["Course", *(f"{notebook.number} {notebook.title}" for notebook in NOTEBOOKS.values())]
    menu = list(zip(contents, titles, strict=True))
    styles = {"light_css": pages.code_style("xcode"), "dark_css": pages.code_style("monokai")}
    for (address, title), following in zip(menu, [*menu[1:], None], strict=True):
        facts = styles | {"title": title, "menu": menu, "here": address, "next": following}
        notebook = {"metadata": {}, "nbformat": 4, "nbformat_minor": 5} | contents[address]
        write_together({out / address: pages.render(HTMLExporter, "page", notebook, facts)})
        print(out / address, flush=True)
    return [out / address for address in contents]


def front_page(root: Path) -> str:
    """Markdown of the front page: the README as far as its doors, with its picture inside, and the pages listed."""
    readme = (root / "README.md").read_text("utf-8")
    readme = re.sub(r"(?<=\]\()[^)]+\.png", lambda name: _inside(root / name[0]), readme)
    readme = re.sub(
        r"\n\n\[[^]]+\]\((?!http).*?(?=\n\n)", "", readme, flags=re.DOTALL
    )  # where to read on in the checkout
    readme = re.sub(r"\[([^]]+)\]\((?!http|data:)[^)]*\)", r"\1", readme)
    opening, *doors = readme.partition("\n## What was measured")[0].split("\n## ")
    listed = []
    for name, notebook in NOTEBOOKS.items():
        points = sum(part.points for part in TASKS.values() if part.notebook == name)
        address, facts = f"[{notebook.title}]({name}.html)", f"{notebook.minutes} minutes, {points} points"
        listed.append(f"{notebook.number}. {address}: {facts}")
    about = "Here you can read the notebooks: text, experiments, figures, and the exercises without their answers."
    return "\n\n".join([opening.strip(), about, "\n".join(listed), *(f"## {door.strip()}" for door in doors)])


def _inside(picture: Path) -> str:
    return f"data:image/png;base64,{b64encode(picture.read_bytes()).decode()}"


def reading(solved: dict, student: dict) -> dict:
    """The student's notebook with what the solved one shows, without checks."""
    outputs = {cell["id"]: cell["outputs"] for cell in solved["cells"] if cell["cell_type"] == "code"}
    cells = []
    for cell in student["cells"]:
        if cell["cell_type"] == "code":
            if "".join(cell["source"]).startswith(tuple(f"{name}(" for name in LEFT_OUT)):
                continue
            cell = cell | {"outputs": outputs[cell["id"]]}
        cells.append(cell)
    return student | {"cells": cells}
