"""Tables as spreadsheets save them: commas, semicolons or tabs, in whatever encoding, with empty rows."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from bn_helpers.grading.results import GradingError
from bn_helpers.text import decoded, one_line

MOST = 16 * 2**20  # bytes of a file that is read
_WORKBOOK = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # .xlsx and .ods, .xls
# Wherever a spreadsheet takes a cell to begin, in quotes or not.
_FORMULA = re.compile("""((?:^|[;,|]) ?["']? ?)(?=[=+@＝＋＠－-])""")
_FREED = re.compile("""((?:^|[;,|]) ?["']? ?)'(?=[=+@＝＋＠－-])""")


def read_table(path: Path, needed: Mapping[str, Sequence[str]], optional: Mapping[str, Sequence[str]]) -> list[dict]:
    """Read a table by the names of its columns.

    Parameters
    ----------
    path : Path
        A file in CSV, as Excel, LibreOffice or a learning platform writes it.
    needed : mapping of str to sequence of str
        Columns that have to be there: our name, and other names in small letters that mean the same.
    optional : mapping of str to sequence of str
        Columns that may be there.

    Returns
    -------
    rows : list of dict
        By our names of the columns, with `line`, the line of the file. Rows with nothing in them are left out.

    Raises
    ------
    GradingError
        If it is no such table.
    """
    data = path.read_bytes()[:MOST]
    if data.startswith(_WORKBOOK):
        raise GradingError(f"{path} is a workbook of Excel or its like: save it there as CSV, and name that.")
    lines = decoded(data).splitlines()
    skipped = int(bool(lines) and lines[0].lower().startswith("sep="))
    wanted = {**needed, **optional}
    best: dict[int, str] = {}
    for delimiter in ",;\t":
        header = next(csv.reader(lines[skipped : skipped + 1], delimiter=delimiter), [])
        columns = _columns(header, wanted)
        if len(columns) > len(best):
            best, chosen = columns, delimiter
    missing = [column for column in needed if column not in best.values()]
    if missing:
        seen = one_line(lines[skipped])[:100] if lines[skipped:] else ""
        raise GradingError(
            f"{path}: the first line has to name the columns; missing: {', '.join(missing)}. It is {seen!r}."
        )
    return _rows(path, lines[skipped + 1 :], skipped + 1, chosen, best)


def write_table(rows: Iterable[Sequence[str | float]]) -> bytes:
    """A file in CSV, in which no text is a formula. It begins with the mark by which Excel knows UTF-8."""
    text = io.StringIO()
    csv.writer(text).writerows([[formula_free(c) if isinstance(c, str) else c for c in row] for row in rows])
    return text.getvalue().encode("utf-8-sig", "replace")


def formula_free(text: str) -> str:
    """Text that no spreadsheet takes for a formula, also one that splits cells at another mark."""
    return _FORMULA.sub(r"\1'", one_line(text))


def cell(text: str) -> str:
    """What was meant by a cell: without the marks of `formula_free`."""
    return _FREED.sub(r"\1", unicodedata.normalize("NFC", one_line(text)))


def _columns(header: Sequence[str], wanted: Mapping[str, Sequence[str]]) -> dict[int, str]:
    """By place: our names of the columns. The first of several that mean the same is taken."""
    found: dict[int, str] = {}
    for place, name in enumerate(header):
        ours = next((w for w, others in wanted.items() if cell(name).lower() in (w, *others)), None)
        if ours and ours not in found.values():
            found[place] = ours
    return found


def _rows(path: Path, lines: Sequence[str], above: int, delimiter: str, columns: Mapping[int, str]) -> list[dict]:
    rows = []
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    try:
        for values in reader:
            named = {name: cell(values[place]) if place < len(values) else "" for place, name in columns.items()}
            if any(named.values()):
                rows.append({**named, "line": above + reader.line_num})
    except csv.Error as error:
        raise GradingError(
            f"{path} is not a CSV file that can be read: line {above + reader.line_num}: {error}."
        ) from None
    return rows
