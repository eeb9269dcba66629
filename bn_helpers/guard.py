"""What keeps an answer from holding up its check: a limit on what it computes, and a cut of what it prints."""

from __future__ import annotations

import contextlib
import io
import signal
import sys
import threading
import traceback
from collections.abc import Iterator
from types import FrameType
from typing import Any

CPU_SECONDS = 10.0  # of computing, however long that takes on a busy machine
LINES = 5_000_000  # of Python, in a browser, where there are no timers: six times what the slowest oracle takes
SHOWN = 200  # characters of what an answer prints


class Endless(BaseException):
    """An answer that computes without end, and for how long. No `except Exception` of the answer's own catches it."""


@contextlib.contextmanager
def limited(seconds: float = CPU_SECONDS) -> Iterator[None]:
    """Raise Endless after some seconds of computing, where the platform can: on Unix, in the main thread."""
    if sys.platform == "emscripten":
        with counted(LINES):
            yield
        return
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        raise Endless(f"{seconds:g} seconds of computing")

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds, 1.0)  # again and again, for who catches it all the same
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


@contextlib.contextmanager
def counted(lines: int) -> Iterator[None]:
    """Raise Endless after some lines of Python. A loop within one call of a library is none."""
    left = lines

    def trace(frame: FrameType, event: str, _: object) -> Any:
        nonlocal left
        if event == "line":
            left -= 1
            if left < 0:
                raise Endless(f"{lines:,} lines of Python")
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield
    finally:
        sys.settrace(before)


def place(error: Endless, functions: dict[str, Any]) -> str:
    """Where answers were when they were stopped: the innermost line of a file that defines one of them."""
    files = {code.co_filename for function in functions.values() if (code := getattr(function, "__code__", None))}
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename in files]
    return f" (line {frames[-1].lineno}: {frames[-1].line})" if frames else ""


class Printed(io.TextIOBase):
    """Takes down the beginning of what is printed, and how much that was."""

    def __init__(self) -> None:
        self._text, self._size = "", 0

    def write(self, text: str) -> int:
        self._text += text[: SHOWN - len(self._text)]
        self._size += len(text)
        return len(text)

    def words(self) -> list[str]:
        """One line, or none where nothing was printed."""
        cut = " ..." if self._size > len(self._text) else ""
        return [f"your code printed {self._size:,} characters: {self._text!r}{cut}"] if self._size else []
