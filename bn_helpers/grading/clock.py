"""Time as a process has it: what it spends waiting for a processor is nobody's fault, and does not count."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

LOOK = 0.25  # seconds after which to look again
SOON = 0.02  # seconds in which a look is not worth another


class Clock:
    """Stands still while a process, or one that it has started, could run and the machine runs others.

    It knows what was so at the last look, so whoever waits by it looks often. Where the system does not tell, it is any
    clock.

    Parameters
    ----------
    process : int, optional
        The number of the process; this one's, if not given.
    """

    def __init__(self, process: int | None = None) -> None:
        self._process = process or os.getpid()
        self._looked, self._waited = time.monotonic(), 0.0
        self._seen = dict(self._processes())

    def seconds(self) -> float:
        """Seconds since some moment."""
        now = time.monotonic()
        if now - self._looked < SOON:
            return self._looked - self._waited
        passed, self._looked = now - self._looked, now
        waited = 0.0
        for process, (ran, ready, accounted) in self._processes():
            *before, had_waited = self._seen.get(process, (ran, False, 0.0))
            # A wait is accounted when it ends; who was ready, is ready and has not run has waited all the time.
            waits = had_waited + passed if ready and before == [ran, True] else max(had_waited, accounted)
            self._seen[process] = ran, ready, waits
            waited += waits - had_waited
        self._waited += min(waited, passed)
        return now - self._waited

    def within(self, seconds: float) -> Iterator[float]:
        """How long to wait, time after time, for what has to come in so many seconds."""
        end = self.seconds() + seconds
        while (left := end - self.seconds()) > 0:
            yield min(left, LOOK)

    def _processes(self) -> Iterator[tuple[int, tuple[float, bool, float]]]:
        """All processes: the seconds that each has run, whether it is ready to, and the seconds that it has waited."""
        left = [self._process]
        while left:
            about = Path("/proc", str(process := left.pop()))
            with contextlib.suppress(OSError, ValueError, IndexError):  # it has ended
                ran, waited, _ = (int(number) / 1e9 for number in (about / "schedstat").read_text().split())
                ready = (about / "stat").read_text().rpartition(")")[2].split()[0] == "R"
                yield process, (ran, ready and process != os.getpid(), waited)
                left += map(int, (about / "task" / str(process) / "children").read_text().split())
