"""What the solved notebooks claim and measured, from their saved outputs: a page beside them, and its picture."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path

from bn_helpers.course.notebook_file import source

PICTURE = "04_convolution-rates-figure.png"  # what the top README shows
PAGE = Path(__file__).with_name("templates") / "claims.md"  # as far as its rows


def page(folder: Path) -> dict[Path, bytes]:
    """The files that show what was measured, as the solved notebooks in a folder give them, if they claim anything."""
    rows, files = [], {}
    for path in sorted(folder.glob("*.ipynb")):
        cells = json.loads(path.read_bytes())["cells"]
        captions = {cell["id"]: source(cell) for cell in cells if cell["id"].endswith("-caption")}
        for name, claims, pictures in shown(cells):
            if claims:
                caption = captions.pop(f"{name.rpartition('-')[0]}-caption", "")  # the next of that name says more
                rows.append(_row(f"[{path.stem[:2]}]({path.name}) {name}", caption, claims))
            if f"{path.stem}-{name}.png" == PICTURE:
                files[folder / PICTURE] = pictures[0]
    return files | ({folder / "README.md": (PAGE.read_text("utf-8") + "".join(rows)).encode()} if rows else {})


def shown(cells: list[dict]) -> Iterator[tuple[str, list[dict], list[bytes]]]:
    """Each cell's id, its claims and its pictures."""
    for cell in cells:
        outputs = [output for output in cell.get("outputs", ()) if output["output_type"] == "display_data"]
        claims = [output["metadata"]["claim"] for output in outputs if "claim" in output["metadata"]]
        pictures = [b64decode(output["data"]["image/png"]) for output in outputs if "image/png" in output["data"]]
        yield cell["id"], claims, pictures


def _row(place: str, caption: str, claims: list[dict]) -> str:
    first = claims[0]
    bold = re.match(r"\*\*(.+?)\*\*", caption, flags=re.DOTALL)
    said = " ".join(bold[1].split()) if bold else ""
    median, low, high = ("diverged" if first[key] is None else f"{first[key]:g}" for key in ("median", "low", "high"))
    margins = [claim["margin"] for claim in claims if claim["margin"] is not None]
    least = f"{min(margins):.1f}" if margins else "all agree"
    cells = [said, place, f"{first['text']}: {median} ({low} to {high})", str(len(claims)), least]
    return f"| {' | '.join(cells)} |\n"
