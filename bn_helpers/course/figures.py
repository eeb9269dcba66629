"""Draw the figures of the solved notebooks anew, for slides and for looking at, and list what was measured."""

from __future__ import annotations

import json
import re
import time
from base64 import b64decode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from bn_helpers.course.builder import run
from bn_helpers.course.sources import IGNORE_OUTPUT, BuildError

FIRST = """\
import time as _time
from bn_helpers import plotting
plotting.STYLE["savefig.dpi"] = 200
_spent = []
get_ipython().events.register("post_run_cell", lambda result: _spent.append(_time.process_time()))"""
LAST = "print(*_spent)"
TABLE = """\
| claim | figure | its first measurement: median (middle half of the seeds) | least margin (of) | CPU seconds |
|---|---|---|---|---|"""


@dataclass(frozen=True)
class Shown:
    """What a cell of a notebook shows: its figures, and the claims that it makes about them."""

    place: str  # 01_normalization-product-figure
    pictures: list[tuple[bytes, str]]  # PNG, description
    caption: str
    claims: list[dict]  # as bn_helpers.training.claim displays them
    seconds: float  # of the processor, together with the training cells just before it


def redraw(root: Path, out: Path, names: Sequence[str] | None = None) -> list[Path]:
    """Run the solved notebooks, write each figure as a PNG, and an ``index.md`` that shows them all.

    Parameters
    ----------
    root : Path
        The checkout, with its notebooks built.
    out : Path
        The folder that the files go into; it is made where it is missing.
    names : sequence of str, optional
        Notebooks, for instance ``["01_normalization"]``. None takes all.

    Returns
    -------
    paths : list of Path
        What was written, the index last.

    Raises
    ------
    BuildError
        If there is no such notebook, or a cell fails.
    """
    notebooks = {path.stem: path for path in sorted((root / "solutions").glob("*.ipynb"))}
    for name in names or ():
        if name not in notebooks:
            raise BuildError(f"there is no solutions/{name}.ipynb; there is {', '.join(notebooks) or 'none at all'}")
    out.mkdir(parents=True, exist_ok=True)
    shown, paths = [], []
    for name in names or notebooks:
        print(f"{name} ...", end="", flush=True)
        started = time.perf_counter()
        try:
            found = list(look_through(_run(notebooks[name]), name))
            for each in found:
                for file, (png, _) in zip(_files(each), each.pictures, strict=True):
                    paths.append(out / file)
                    paths[-1].write_bytes(png)
            print(f" {time.perf_counter() - started:.1f} s", end="")
        finally:
            print(flush=True)
        shown += found
    paths.append(out / "index.md")
    paths[-1].write_text(index(shown), encoding="utf-8")
    return paths


def _run(path: Path) -> NotebookNode:
    notebook = json.loads(path.read_text(encoding="utf-8"))
    notebook["cells"] = [new_code_cell(FIRST, id="first"), *notebook["cells"], new_code_cell(LAST, id="last")]
    node = run(notebook, path.parent, f"solutions/{path.name}")
    *cells, last = (cell for cell in node.cells if cell.cell_type == "code")
    spent = [float(seconds) for seconds in last.outputs[0].text.split()]  # by then
    for cell, (before, after) in zip(cells[1:], pairwise(spent), strict=True):
        cell.metadata["seconds"] = after - before
    return node


def look_through(notebook: NotebookNode, name: str) -> Iterator[Shown]:
    """Find the figures and claims of a notebook that was run, with the text that follows as their caption.

    Parameters
    ----------
    notebook : NotebookNode
    name : str

    Yields
    ------
    shown : Shown
    """
    training = 0.0  # seconds of the cells whose numbers the next one draws
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type != "code":
            continue
        displayed = [output for output in cell.outputs if output.output_type == "display_data"]
        pictures = [
            (b64decode(output.data["image/png"]), output.metadata["image/png"]["alt"])
            for output in displayed
            if "image/png" in output.data
        ]
        claims = [output.metadata["claim"] for output in displayed if "claim" in output.metadata]
        training += cell.metadata.get("seconds", 0.0)
        if pictures or claims:
            captions = [text.source for text in notebook.cells[number:] if text.id.endswith("caption")]
            yield Shown(f"{name}-{cell.id}", pictures, next(iter(captions), ""), claims, training)
        if IGNORE_OUTPUT not in cell.metadata.get("tags", ()):
            training = 0.0


def _files(shown: Shown) -> list[str]:
    return [f"{shown.place}{f'-{i}' if i > 1 else ''}.png" for i in range(1, len(shown.pictures) + 1)]


def index(shown: Sequence[Shown]) -> str:
    """All figures with descriptions, captions and claims, after a table of the claims: Markdown.

    Parameters
    ----------
    shown : sequence of Shown

    Returns
    -------
    text : str
    """
    parts = ["# Figures", "## What was measured", table(shown)]
    for each in shown:
        parts.append(f"## {each.place}")
        for file, (_, alt) in zip(_files(each), each.pictures, strict=True):
            parts += [f"![{alt}]({file})", f"*{alt}*"]
        parts.append(each.caption)
        parts.append("\n".join(f"- {_effect(claim)}; margin {_margin(claim['margin'])}" for claim in each.claims))
    return "\n\n".join(part for part in parts if part) + "\n"


def table(shown: Sequence[Shown]) -> str:
    """A row for each figure that has claims: what its caption says, its first claim, the least margin of all.

    Parameters
    ----------
    shown : sequence of Shown

    Returns
    -------
    rows : str
        A Markdown table. A margin is a distance from the limit, in widths of the band of the seeds' middle half.
    """
    rows = [TABLE]
    for each in shown:
        if not each.claims:
            continue
        says = re.match(r"\*\*(.+?)\*\*", each.caption, flags=re.DOTALL)
        margins = [claim["margin"] for claim in each.claims if claim["margin"] is not None]
        said = " ".join(says[1].split()) if says else ""
        least = _margin(min(margins, default=None))
        cells = [said, each.place, _effect(each.claims[0]), f"{least} ({len(each.claims)})", f"{each.seconds:.1f}"]
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def _effect(claim: dict) -> str:
    numbers = ["diverged" if claim[key] is None else f"{claim[key]:g}" for key in ("median", "low", "high")]
    return f"{claim['text']}: {numbers[0]} ({numbers[1]} to {numbers[2]})"


def _margin(margin: float | None) -> str:
    return "all seeds agree" if margin is None else f"{margin:.1f}"
