"""What the outputs of a solved notebook come from: its code, and what of the course that code can see."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

from bn_helpers.course.notebook_file import source
from bn_helpers.exercises import NOTEBOOKS
from bn_helpers.parsing import imported
from bn_helpers.reference import Reference


def stamp(root: Path, name: str, cells: list[dict]) -> str:
    """Digest of saved outputs and of all that they come from: where it is the same, nothing has to run again.

    Parameters
    ----------
    root : Path
        The checkout.
    name : str
        A notebook, as in the manifest.
    cells : list of dict
        The cells of the solved notebook with their outputs, as JSON has them.

    Returns
    -------
    stamp : str
        64 hexadecimal digits.
    """
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    run = [(cell["id"], source(cell), cell["outputs"], cell["execution_count"]) for cell in code]
    digest = hashlib.sha256(json.dumps(run, sort_keys=True).encode())
    reference = Reference((root / "bn_helpers" / "layers.py").read_text(encoding="utf-8"))
    digest.update(reference.module(NOTEBOOKS[name].handed).encode())  # what else it shows of `layers` is in its cells
    for path in sorted(seen(root, name)):
        digest.update(path.relative_to(root).as_posix().encode())
        digest.update(path.read_bytes().replace(b"\r\n", b"\n"))
    return digest.hexdigest()


def seen(root: Path, name: str) -> set[Path]:
    """The helpers, the looks and the data that a notebook can see.

    What bears another notebook's name is that one's own, unless one of these imports it by name. The fingerprints are
    not among them, since a solved notebook has no mistake to be named.
    """
    package = root / "bn_helpers"
    hidden = {other.partition("_")[2] for other in NOTEBOOKS if other != name} | {"layers"}
    found: set[Path] = set()
    waiting = [root / "solutions" / f"{name}.py"]
    while waiting:
        new = set(_imported(root, waiting.pop(), hidden)) - found
        found |= new
        waiting += new
    return found | {*package.glob("*.mplstyle"), *package.glob("datasets/*.npz")}


def _imported(root: Path, path: Path, hidden: set[str]) -> Iterator[Path]:
    """The course's own modules that a file imports: of a package all that are not hidden, and any that it names.

    A package imports all of its own, and names none for itself.
    """
    names = imported(path.read_text(encoding="utf-8"))
    for _, name, *inner in (name.split(".") for name in names if name.startswith("bn_helpers.")):
        module = root / "bn_helpers" / name
        named = set() if path.name == "__init__.py" else set(inner)
        files = module.rglob("*.py") if module.is_dir() else [module.with_suffix(".py")]
        yield from (file for file in files if file.stem not in hidden - named)
