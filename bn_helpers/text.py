"""Text that others wrote, made harmless, and numbers as they are shown."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

# Controls, halves of characters, and marks that turn the direction of what follows: never shown as they are.
_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn"}
_MARKED = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
_LIKELY = ["cp949", "cp1252", "shift_jis", "gb18030", "utf_16_le", "utf_16_be"]
_KEPT = "\n\t\u200c\u200d"  # the last two join letters and signs


def printable(text: str) -> str:
    """Text without controls: each becomes a replacement character. Ends of lines become newlines; tabs stay."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(c if c in _KEPT or unicodedata.category(c) not in _HIDDEN else "\ufffd" for c in text)


def decoded(data: bytes) -> str:
    """Text in the encoding that it says, else in UTF-8, else in the one that it looks like."""
    marked = next((name for mark, name in _MARKED.items() if data.startswith(mark)), "utf-8")
    try:
        return data.decode(marked)
    except UnicodeDecodeError:
        from charset_normalizer import from_bytes  # here, for it is seldom needed

        guess = from_bytes(data, cp_isolation=_LIKELY).best()
        return data.decode(guess.encoding if guess else _LIKELY[0], "replace")


def one_line(text: str) -> str:
    """Printable text on one line, with single spaces."""
    return " ".join(printable(text).split())


def few(texts: Sequence[str], most: int = 10) -> tuple[str, ...]:
    """The first of several texts, and how many more there are."""
    more = len(texts) - most
    return (*texts[:most], *([f"… and {more} more"] if more > 0 else []))


def number(value: float) -> str:
    """A number of points, with two digits at most and none that say nothing."""
    return f"{value:.2f}".rstrip("0").rstrip(".")
