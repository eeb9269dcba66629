"""What keeps an answer from holding up its check: a limit on what it computes, and a cut of what it prints."""

from __future__ import annotations

import contextlib
import io
import signal
import threading
from collections.abc import Iterator
from types import FrameType, TracebackType
from typing import Any

CPU_SECONDS = 10.0  # of computing, however long that takes on a busy machine
SHOWN = 200  # characters of what an answer prints


class Endless(BaseException):
    """An answer that computes without end. No `except Exception` of the answer's own catches it."""


@contextlib.contextmanager
def limited(seconds: float = CPU_SECONDS) -> Iterator[None]:
    """Raise Endless after some seconds of computing, where the platform can: on Unix, in the main thread."""
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGVTALRM, _stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds, 0.1)  # again and again, for who catches it all the same
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def _stop(number: int, frame: FrameType | None) -> None:
    raise Endless


def line(traceback: TracebackType | None, functions: dict[str, Any]) -> str:
    """Where an answer was when it was stopped: the innermost line of a file that holds one of the functions."""
    import traceback as stacks

    files = {function.__code__.co_filename for function in functions.values() if hasattr(function, "__code__")}
    frames = [frame for frame in stacks.extract_tb(traceback) if frame.filename in files]
    return f"line {frames[-1].lineno}: {frames[-1].line}" if frames else ""


class Printed(io.TextIOBase):
    """Takes down the beginning of what is printed, and how much that was."""

    def __init__(self) -> None:
        self._text, self._size = "", 0

    def write(self, text: str) -> int:
        self._text += text[: SHOWN - len(self._text)]
        self._size += len(text)
        return len(text)

    def words(self) -> str:
        """One line, or nothing where nothing was printed."""
        cut = " ..." if self._size > len(self._text) else ""
        return f"{PRINTED} {self._size:,} characters: {self._text!r}{cut}" if self._size else ""


PRINTED = "your code printed"
