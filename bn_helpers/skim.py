"""The text of a notebook file without its outputs, which may be many times as large as all that a person typed."""

from __future__ import annotations

import json
import mmap
import re

from bn_helpers.text import decoded

_SKIPPED = re.compile(rb'"(?:outputs|attachments|widgets)"\s*:\s*')  # in a text, quotes are escaped
_SIGN = re.compile(rb'["\[\]{}]')
_SCALAR = re.compile(rb"[^,\]}\s]*")
# A piece of a string: a repeat without a bound takes memory for each turn, and many times what it reads.
_PIECE = re.compile(rb'[^"\\]*(?:\\.[^"\\]*){0,500}', re.DOTALL)
_BLOCK = 2**20


def skim(descriptor: int, most: int) -> str:
    """Read a notebook file; in the place of outputs and attachments there is null, and as many ends of lines.

    Parameters
    ----------
    descriptor : int
        Of an open file, which is not empty.
    most : int
        How many bytes may be left.

    Raises
    ------
    ValueError
        If more are left, or they are no text.
    """
    with mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ) as data:
        kept, size, place = [], 0, 0
        while place < len(data):
            found = _SKIPPED.search(data, place)
            start = found.end() if found else len(data)
            end = _end_of_value(data, start) if found else start
            lines = _count_lines(data, start, end)  # what comes after keeps its line
            size += start - place + 4 + lines
            if size > most:
                raise ValueError(f"its cells have more than {most / 2**20:.0f} MB")
            kept += [data[place:start], b"null" + b"\n" * lines if found else b""]
            place = end
        try:
            return b"".join(kept).decode("utf-8-sig")
        except UnicodeDecodeError:  # in other encodings a letter may hold the byte of a quote
            if len(data) > most:
                raise ValueError(f"it is not in UTF-8, and has more than {most // 2**20} MB") from None
            return decoded(data[:])


def line_of(cell: str, text: str) -> int | None:
    """The line of a file at which the first definition of a cell stands, if it is there."""
    lines = cell.splitlines()
    first = next((line for line in lines if re.match(r"def |\w+ *= *", line)), lines[0] if lines else "")
    spelled = [json.dumps(first, ensure_ascii=ascii)[1:-1] for ascii in (True, False)] if first else []
    before = next((text.partition(way)[0] for way in spelled if way in text), None)
    return None if before is None else before.count("\n") + 1


def _end_of_value(data: mmap.mmap, start: int) -> int:
    """Where a value ends; at the end of the data, if it does not. Nothing is read twice."""
    if data[start : start + 1] not in (b"[", b"{", b'"'):
        return _SCALAR.match(data, start).end()
    depth, place = 0, start
    while sign := _SIGN.search(data, place):
        if sign[0] == b'"':
            place = _end_of_string(data, sign.end())
        else:
            place = sign.end()
            depth += 1 if sign[0] in b"[{" else -1
        if depth <= 0:
            return place
    return len(data)


def _end_of_string(data: mmap.mmap, place: int) -> int:
    """Where a string ends that has begun before a place."""
    while True:
        end = _PIECE.match(data, place).end()
        if end == place or data[end : end + 1] != b"\\":
            return min(end + 1, len(data))
        place = end


def _count_lines(data: mmap.mmap, start: int, end: int) -> int:
    return sum(data[place : min(place + _BLOCK, end)].count(b"\n") for place in range(start, end, _BLOCK))
