"""How far a long run is, on standard error: a bar in a terminal, a line for each tenth elsewhere."""

from __future__ import annotations

import sys
import time
from typing import TextIO

WIDTH = 24


class Progress:
    """A bar with rate and time left.

    Parameters
    ----------
    label : str
        What is being done.
    total : int
        How many steps there are.
    stream : file
        Where it is written; standard error, if not given.
    """

    def __init__(self, label: str, total: int, stream: TextIO | None = None) -> None:
        self._label = label
        self._total = total
        self._stream = stream or sys.stderr
        self._start = time.monotonic()
        self._done = 0

    def step(self) -> None:
        """Say that one more is done."""
        self._done += 1
        last = self._done == self._total
        if self._stream.isatty():
            self._stream.write(f"\r{self._line()}\033[K{chr(10) * last}")
        elif last or self._done * 10 // self._total > (self._done - 1) * 10 // self._total:
            self._stream.write(f"{self._line()}\n")
        self._stream.flush()

    def _line(self) -> str:
        filled = WIDTH * self._done // self._total
        seconds = max(time.monotonic() - self._start, 1e-9)
        rate = self._done / seconds
        left = round((self._total - self._done) / rate)
        ends = f"{left // 60}:{left % 60:02d} left" if left or self._done < self._total else f"took {seconds:.1f} s"
        bar = "#" * filled + "." * (WIDTH - filled)
        return f"{self._label} [{bar}] {self._done}/{self._total}  {rate:.1f}/s  {ends}"
