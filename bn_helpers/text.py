"""Text that others wrote, made harmless, and numbers as they are shown."""

from __future__ import annotations

import unicodedata

# Controls, halves of characters, and marks that turn the direction of what follows: never shown as they are.
_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn"}
_KEPT = "\n\t\u200c\u200d"  # the last two join letters and signs


def printable(text: str) -> str:
    """Text without controls: each becomes a replacement character. Ends of lines become newlines; tabs stay."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(c if c in _KEPT or unicodedata.category(c) not in _HIDDEN else "\ufffd" for c in text)


def one_line(text: str) -> str:
    """Printable text on one line, with single spaces."""
    return " ".join(printable(text).split())


def number(value: float) -> str:
    """A number of points, with two digits at most and none that say nothing."""
    return f"{value:.2f}".rstrip("0").rstrip(".")
