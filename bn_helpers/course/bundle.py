"""What a class receives: notebooks, the part of the package that they need, and nothing that answers them.

A copy of the course is a mapping from paths to bytes until `zipped` makes one file of it, the same on every machine.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import nbformat
from jinja2 import StrictUndefined, Template

from bn_helpers import selfcheck, solutions
from bn_helpers.course import builder, notebook_file
from bn_helpers.course.leaks import leaks
from bn_helpers.course.seen import seen
from bn_helpers.course.sources import BuildError
from bn_helpers.exercises import NOTEBOOKS, TASKS
from bn_helpers.reference import Reference

FOLDER = "batch_normalization"  # what a zip unpacks to; every part of the course to the same
TERMINAL = (  # what a student's command needs beside what notebooks import
    *("__main__.py", "cli.py", "errors.py", "selfcheck.py", "answers.py", "submission.py", "exports.py"),
    *("skim.py", "text.py", "nbval.cfg", "course/jupyter/labconfig/page_config.json"),
)
HANDOUT = Path(__file__).with_name("handout")
DATE = (1980, 1, 1, 0, 0, 0)  # of every file in a zip


class GivenAway(BuildError):
    """A copy that would hold answers to its own exercises, or to later ones."""


def copies(
    root: Path, names: Sequence[str] | None = None, *, reference: bool = False, repository: str | None = None
) -> dict[str, dict[str, bytes]]:
    """The files of each zip that a class receives, by its name: of the notebooks named, or of each part of the course.

    A part is as long as it can be without giving away what it asks for.
    """
    refuse_unbuilt(root, names or list(NOTEBOOKS))
    if names or reference:
        names = names or list(NOTEBOOKS)
        parts = [(names, student_files(root, names, reference=reference, repository=repository))]
    else:
        parts = []
        for name in NOTEBOOKS:
            names = [*parts[-1][0], name] if parts else [name]
            try:
                parts[-1:] = [(names, student_files(root, names, repository=repository))]
            except GivenAway:
                parts.append(([name], student_files(root, [name], repository=repository)))
    ending = "_with_reference" if reference else ""
    return {
        f"{FOLDER}_{_numbers(names)}{ending}.zip": {f"{FOLDER}/{path}": data for path, data in files.items()}
        for names, files in parts
    }


def refuse_unbuilt(root: Path, names: Sequence[str]) -> None:
    """Raise a BuildError unless the notebooks are what their sources give: one that was worked in is not handed out."""
    drifts = builder.check(root, names)
    if drifts:
        raise BuildError("\n".join(drifts))


def student_files(
    root: Path, names: Sequence[str], *, reference: bool = False, repository: str | None = None
) -> dict[str, bytes]:
    """The files of a class's copy of these notebooks, by their paths.

    With `reference` it holds the solved notebooks and all answers, for whoever learns alone; otherwise a GivenAway is
    raised where it would answer its exercises or later ones. Where it will be published in a `repository`, its README
    links to Colab and Binder.
    """
    files = {f"notebooks/{name}.ipynb": data(root / "notebooks" / f"{name}.ipynb") for name in names}
    files |= package_files(root, names, reference)
    files |= {f"bn_helpers/{name}": data(root / "bn_helpers" / name) for name in TERMINAL}
    files |= {f"bn_helpers/expected/{name}.ipynb": _expected(root, name) for name in names}
    files |= {name: data(root / name) for name in ("LICENSE", ".gitignore")}
    files |= {"requirements.txt": requirements(root, "everybody", "student"), "pyproject.toml": pyproject(root)}
    files["Makefile"] = data(HANDOUT / "Makefile").replace(next(iter(NOTEBOOKS)).encode(), names[0].encode())
    files[".github/workflows/check.yml"] = data(HANDOUT / "check.yml")
    files["README.md"] = _readme(names, reference, repository)
    if repository:
        install = f"# No module named 'bn_helpers'? Run this first: %pip install --no-deps git+{repository}"
        for path in [path for path in files if path.startswith("notebooks/")]:
            files[path] = files[path].replace(builder.MISSING.encode(), install.encode())
        files["binder/postBuild"] = POST_BUILD
    if reference:
        return files | {f"solutions/{name}.ipynb": data(root / "solutions" / f"{name}.ipynb") for name in names}
    found = answers_in(root, names, files)
    if found:
        raise GivenAway("\n".join([*found, ADVICE]))
    return files


def package_files(root: Path, names: Sequence[str], reference: bool = False) -> dict[str, bytes]:
    """What of the package these notebooks import, and the `layers` that they are handed, by path."""
    package = root / "bn_helpers"
    text = "".join((root / "notebooks" / f"{name}.ipynb").read_text(encoding="utf-8") for name in names)
    paths = {path for name in names for path in seen(root, name)}
    paths |= {package / "__init__.py", package / "fingerprints.json", *package.glob("exercises/*.py")}
    paths |= {*package.glob("datasets/*")}
    wanted = [path for path in sorted(paths) if path.suffix != ".npz" or path.stem in text]
    files = {path.relative_to(root).as_posix(): data(path) for path in wanted}
    layers = (package / "layers.py").read_text(encoding="utf-8")
    last = max(NOTEBOOKS[name].number for name in names)  # a later part takes the place of an earlier one's `layers`
    handed = [function for notebook in NOTEBOOKS.values() if notebook.number <= last for function in notebook.handed]
    return files | {"bn_helpers/layers.py": (layers if reference else Reference(layers).module(handed)).encode()}


def requirements(root: Path, *who: str) -> bytes:
    """The lines of requirements.txt that someone needs: its comments say who does."""
    lines = data(root / "requirements.txt").decode().splitlines(keepends=True)
    named = [line.partition("# ")[2].partition(":")[0].split(", ") for line in lines]
    return "".join(line for line, names in zip(lines, named, strict=True) if {*names} & {*who}).encode()


def pyproject(root: Path) -> bytes:
    """What of pyproject.toml installs the package."""
    sections = re.split(r"^(?=\[)", data(root / "pyproject.toml").decode(), flags=re.MULTILINE)
    needed = re.compile(r"\[(build-system|project|tool\.setuptools.*)\]\n")
    return ("".join(section for section in sections if needed.match(section)).rstrip() + "\n").encode()


def zipped(files: Mapping[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    """One zip of files, the same bytes for the same files; what begins with ``#!`` can be run.

    Sorted names, one date, fixed permissions; compression differs from zlib to zlib.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, held in sorted(files.items()):
            entry = zipfile.ZipInfo(name, DATE)
            entry.create_system = 3  # Unix, wherever this runs
            entry.external_attr = (0o100755 if held.startswith(b"#!") else 0o100644) << 16
            archive.writestr(entry, held, compression)
    return buffer.getvalue()


@cache
def letters(root: Path) -> dict[str, str]:
    """The right letter of each quiz, from the sources."""
    texts = (solutions.text(name, root / "solutions") for name in NOTEBOOKS)
    return {quiz: letter for text in texts for quiz, letter in solutions.letters(text).items()}


def data(path: Path) -> bytes:
    """What a file holds, with the same ends of lines on every system."""
    held = path.read_bytes()
    return held if path.suffix == ".npz" else held.replace(b"\r\n", b"\n")


def _expected(root: Path, name: str) -> bytes:
    """What the checks of a notebook print of right answers, without these."""
    solved = nbformat.read(root / "solutions" / f"{name}.ipynb", as_version=4)
    return notebook_file.serialized(selfcheck.frame(solved)).encode()


def _numbers(names: Sequence[str]) -> str:
    """Notebooks in short: "3", or "1-2"."""
    first, last = NOTEBOOKS[names[0]].number, NOTEBOOKS[names[-1]].number
    return str(first) if first == last else f"{first}-{last}"


def answers_in(root: Path, names: Sequence[str], files: Mapping[str, bytes]) -> list[str]:
    """Answers to the exercises of these notebooks and of later ones, anywhere in the files."""
    cells = []
    for path, held in files.items():
        if path.endswith(".ipynb"):
            held = "\n\n".join(notebook_file.source(cell) for cell in json.loads(held)["cells"]).encode()
        if not path.endswith(".npz"):
            cells.append({"id": path, "cell_type": "raw", "source": held.decode(errors="replace")})
    reference = Reference((root / "bn_helpers" / "layers.py").read_text(encoding="utf-8"))
    found = leaks(names[0], cells, reference, letters(root))
    return [leak.removeprefix("cell ") for leak in found]


def _readme(names: Sequence[str], reference: bool, repository: str | None) -> bytes:
    text = (HANDOUT / "README.md.j2").read_text(encoding="utf-8")
    template = Template(text, trim_blocks=True, keep_trailing_newline=True, undefined=StrictUndefined)
    facts = {"notebooks": _table(names, repository), "elsewhere": len(names) < len(NOTEBOOKS), "first": names[0]}
    return template.render(facts, folder=FOLDER, reference=reference, repository=repository).encode()


def _table(names: Sequence[str], repository: str | None) -> str:
    """All notebooks of the course, with links to those that are in this part."""
    lines = ["| notebook | minutes | points |", "|---|--:|--:|"]
    if repository:
        lines = [lines[0] + " in the browser |", lines[1] + "---|"]
    for name, notebook in NOTEBOOKS.items():
        title, here = f"{notebook.number} {notebook.title}", name in names
        title = f"[{title}](notebooks/{name}.ipynb)" if here else title
        points = sum(task.points for task in TASKS.values() if task.notebook == name)
        links = f" {_links(name, repository) if here else ''} |" if repository else ""
        lines.append(f"| {title} | {notebook.minutes} | {points} |{links}")
    return "\n".join(lines)


def _links(name: str, repository: str) -> str:
    project = repository.removeprefix("https://github.com/")
    colab = f"https://colab.research.google.com/github/{project}/blob/main/notebooks/{name}.ipynb"
    binder = f"https://mybinder.org/v2/gh/{project}/HEAD?urlpath=lab/tree/notebooks/{name}.ipynb"
    return f"[Colab]({colab}), [Binder]({binder})"


ADVICE = (
    "These notebooks together give answers away. Without --notebooks the course comes in parts that do not; "
    "--with-reference gives out all answers."
)
POST_BUILD = b"#!/bin/sh\npython -m pip install -r requirements.txt -e .\n"  # Binder reads nothing but this folder then
