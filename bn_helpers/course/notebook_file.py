"""How a notebook on disk differs from the one that its source gives, and what its saved outputs must not hold."""

from __future__ import annotations

import copy
import hashlib
import json
import re
import reprlib
from collections.abc import Iterator
from itertools import zip_longest

MAX_BYTES = 500_000  # of a notebook file
MAX_PNG_BYTES = 50_000
WIDGET = "application/vnd.jupyter.widget-view+json"  # names a control in the kernel that drew it, by a random id


def serialized(notebook: dict) -> str:
    """Text of a notebook file, the same bytes for the same notebook: sorted keys, an indent of one space, a newline."""
    return json.dumps(notebook, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def without_outputs(notebook: dict) -> dict:
    """Copy of a notebook without outputs, execution counts, and the stamp of the two."""
    bare = copy.deepcopy(notebook)
    bare["metadata"].get("bn_helpers", {}).pop("outputs", None)
    for cell in _code_cells(bare):
        cell |= {"outputs": [], "execution_count": None}
    return bare


def digest(cells: list[dict]) -> str:
    """Digest of what a person types: ids, types and texts of the cells. Running a notebook does not change it.

    Empty cells do not count, since an editor adds one below the last.
    """
    typed = [(cell["id"], cell["cell_type"], source(cell)) for cell in cells if source(cell).strip()]
    return hashlib.sha256(json.dumps(typed).encode()).hexdigest()


def edited_by_hand(notebook: dict) -> bool:
    """Whether a notebook's cells are no longer those that it was built with."""
    return notebook["metadata"].get("bn_helpers", {}).get("digest") != digest(notebook["cells"])


def source(cell: dict) -> str:
    """Text of a cell, which JSON may hold as a list of lines."""
    return "".join(cell["source"])


def differences(expected: dict, found: dict) -> list[str]:
    """Name each cell in which the notebook on disk differs from the one that the source gives, and what differs."""
    wanted = {cell["id"]: cell for cell in expected["cells"]}
    seen = {cell["id"]: cell for cell in found["cells"]}
    messages = []
    for name, cell in (wanted | seen).items():
        if name not in seen:
            messages.append(f"cell {name!r} is missing")
        elif name not in wanted:
            messages.append(f"cell {name!r} is not in the source")
        else:
            messages += [f"cell {name!r}: {message}" for message in _cell_differences(wanted[name], cell)]
    if messages:  # what follows could only repeat them
        return messages
    for cell, other in zip(expected["cells"], found["cells"], strict=False):
        if cell["id"] != other["id"]:
            return [f"cell {other['id']!r} stands where {cell['id']!r} should"]
    if len(found["cells"]) > len(wanted):
        return [f"cell {found['cells'][len(wanted)]['id']!r} stands there twice"]
    return list(_value_differences(expected | {"cells": None}, found | {"cells": None}, "notebook"))


def _cell_differences(expected: dict, found: dict) -> Iterator[str]:
    lines = zip_longest(source(expected).splitlines(), source(found).splitlines())
    for number, (line, other) in enumerate(lines, 1):
        if line != other:
            yield f"line {number}: expected {line!r}, found {other!r}"
            return  # a checksum in the metadata would only repeat it
    yield from _value_differences(expected | {"source": None}, found | {"source": None}, "")


def _value_differences(expected: object, found: object, name: str) -> Iterator[str]:
    if isinstance(expected, dict) and isinstance(found, dict):
        for key in sorted(expected.keys() | found.keys()):
            yield from _value_differences(expected.get(key), found.get(key), f"{name}.{key}".lstrip("."))
    elif expected != found:
        yield f"{name}: expected {reprlib.repr(expected)}, found {reprlib.repr(found)}"


def output_faults(notebook: dict, root: str) -> Iterator[str]:
    """Name each saved output that is missing, too big, or would not come out the same on another machine."""
    size = len(serialized(notebook).encode())
    if size > MAX_BYTES:
        yield f"the notebook has {size:,} bytes, more than {MAX_BYTES:,}: show fewer or smaller figures"
    for number, cell in enumerate(_code_cells(notebook), 1):
        where = f"cell {cell['id']!r}"
        if cell["execution_count"] != number:
            yield f"{where}: execution count {cell['execution_count']} instead of {number}: not run from top to bottom"
        for output in cell["outputs"]:
            yield from (f"{where}: {fault}" for fault in _output_faults(output, root))


def _output_faults(output: dict, root: str) -> Iterator[str]:
    if output["output_type"] == "error":
        yield f"ends in an error, {output['ename']}: {output['evalue']}"
        return
    if output.get("name") == "stderr":
        yield f"writes to standard error, {''.join(output['text'])!r}: mend what it warns of"
    data = output.get("data", {"text/plain": output.get("text", "")})
    if WIDGET in data:
        yield "holds a control, which no other kernel knows"
    if "image/svg+xml" in data:
        yield "holds an SVG picture, which differs from run to run: show a PNG"
    size = len("".join(data.get("image/png", ""))) * 3 // 4  # base64 writes 3 bytes as 4 letters
    if size > MAX_PNG_BYTES:
        yield f"holds a picture of {size:,} bytes, more than {MAX_PNG_BYTES:,}: draw fewer points or a smaller figure"
    text = "".join("".join(value) for mime, value in data.items() if mime.startswith("text/"))
    for private in re.findall(r"0x[0-9a-f]{6,}", text) + [root] * (root in text):
        yield f"prints {private!r}, which another machine would not"


def _code_cells(notebook: dict) -> list[dict]:
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
