"""What goes wrong and a person can mend."""

from __future__ import annotations


class CourseError(Exception):
    """A command cannot do its work; the message says why, and what to do about it."""
