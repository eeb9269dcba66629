"""The course as a small static site: a front page and five pages to read, without the answers.

A class may read it while it works: where a solved notebook holds an answer, the page has the student's empty function.
What the answers make visible is there, figures and printed results.
"""

from __future__ import annotations

import re
from pathlib import Path

from bn_helpers.course import builder, pages
from bn_helpers.exercises import NOTEBOOKS, TASKS
from bn_helpers.files import write_together

LEFT_OUT = ("check", "summary")  # what these cells would print belongs to a learner's own answers


def write_site(root: Path, out: Path) -> list[Path]:
    """Write the site, and print each page's path.

    Parameters
    ----------
    root : Path
        The checkout, its notebooks built. Its README is what the front page says.
    out : Path
        The folder that the files go into; it is made where it is missing.

    Returns
    -------
    paths : list of Path
        What was written: the front page, then a page for each notebook.

    Raises
    ------
    BuildError
        If a solved notebook is not what its source gives.
    """
    from nbconvert.exporters import HTMLExporter

    contents = {"index.html": {"cells": [_text("doors", front_page((root / "README.md").read_text("utf-8")))]}}
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


def front_page(readme: str) -> str:
    """Markdown of the front page: the README as far as its doors and symbols, with the pages listed.

    Parameters
    ----------
    readme : str
        Text of the README.

    Returns
    -------
    text : str
    """
    opening, *sections = re.sub(r"\[([^]]+)\]\((?!http)[^)]*\)", r"\1", readme).split(
        "\n## "
    )  # links to files lead nowhere
    doors = [
        section for section in sections if section.split(":")[0] in ("Student", "Lecturer", "Grader", "The symbols")
    ]
    listed = []
    for name, notebook in NOTEBOOKS.items():
        points = sum(part.points for part in TASKS.values() if part.notebook == name)
        listed.append(
            f"{notebook.number}. [{notebook.title}]({name}.html): {notebook.minutes} minutes, {points} points"
        )
    about = "Here you can read the notebooks: text, experiments, figures, and the exercises without their answers."
    return "\n\n".join([opening.strip(), about, "\n".join(listed), *(f"## {section.strip()}" for section in doors)])


def reading(solved: dict, student: dict) -> dict:
    """The student's notebook with what the solved one shows.

    Parameters
    ----------
    solved, student : dict
        The two notebooks of a source, the solved one with its outputs.

    Returns
    -------
    notebook : dict
        As JSON has it, without checks.
    """
    outputs = {cell["id"]: cell["outputs"] for cell in solved["cells"] if cell["cell_type"] == "code"}
    cells = []
    for cell in student["cells"]:
        if cell["cell_type"] == "code":
            if "".join(cell["source"]).startswith(tuple(f"{name}(" for name in LEFT_OUT)):
                continue
            cell = cell | {"outputs": outputs[cell["id"]]}
        cells.append(cell)
    return student | {"cells": cells}


def _text(name: str, text: str) -> dict:
    return {"cell_type": "markdown", "id": name, "metadata": {}, "source": text}
