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
        for process, (ran, accounted, ready) in self._processes():
            ran_before, accounted_before, _ = self._seen.get(process, (0.0, 0.0, False))
            self._seen[process] = ran, accounted, ready
            idle = max(0.0, passed - (ran - ran_before))
            # What a process waits for is accounted when it ends; of one that is ready, all that it has not run.
            waited += idle if ready else min(idle, accounted - accounted_before)
        self._waited += min(waited, passed)
        return now - self._waited

    def within(self, seconds: float) -> Iterator[float]:
        """How long to wait, time after time, for what has to come in so many seconds."""
        end = self.seconds() + seconds
        while (left := end - self.seconds()) > 0:
            yield min(left, LOOK)

    def _processes(self) -> Iterator[tuple[int, tuple[float, float, bool]]]:
        """All processes: the seconds that each has run and has waited, and whether it is ready to run."""
        left = [self._process]
        while left:
            about = Path("/proc", str(process := left.pop()))
            with contextlib.suppress(OSError, ValueError, IndexError):  # it has ended
                ran, waited, _ = (int(number) / 1e9 for number in (about / "schedstat").read_text().split())
                ready = (about / "stat").read_text().rpartition(")")[2].split()[0] == "R"
                yield process, (ran, waited, ready and process != os.getpid())
                left += map(int, (about / "task" / str(process) / "children").read_text().split())
