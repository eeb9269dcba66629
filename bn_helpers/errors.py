"""What goes wrong and a person can mend."""

from __future__ import annotations


class CourseError(Exception):
    """A command cannot do its work; the message says why, and what to do about it."""


def said(error: BaseException) -> str:
    """The words of an exception; of a file that cannot be read or written, which it is and why."""
    named = isinstance(error, OSError) and error.filename and error.strerror
    return f"{error.filename}: {error.strerror}" if named else str(error)
