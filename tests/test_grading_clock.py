"""Who waits for a processor has time."""

import os
import subprocess
import sys
import time

import pytest

from bn_helpers.grading.clock import Clock

ENDLESS = "import os\nos.nice({nice})\nos.sched_setaffinity(0, [{cpu}])\nprint(flush=True)\nwhile True: pass"


@pytest.fixture
def started():
    """Start Python, of which the output is there once it has begun."""
    processes = []

    def started(code):
        processes.append(subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE))
        processes[-1].stdout.readline()
        return processes[-1].pid

    yield started
    for process in processes:
        process.kill()
        process.communicate()


def passed(process):
    """Seconds by its clock, of each second."""
    clock = Clock(process)
    start, begun = clock.seconds(), time.monotonic()
    for _ in range(20):
        time.sleep(0.05)
        clock.seconds()
    return (clock.seconds() - start) / (time.monotonic() - begun)


@pytest.mark.skipif(not os.path.exists("/proc/self/schedstat"), reason="this system does not tell who waits")
def test_time_stands_still_for_who_waits_for_a_processor(started):
    cpu = min(os.sched_getaffinity(0))
    waiting = started(ENDLESS.format(cpu=cpu, nice=19))
    started(ENDLESS.format(cpu=cpu, nice=0))
    assert passed(waiting) < 0.5
    assert passed(os.getpid()) < 0.5  # which has started it


def test_time_passes_for_who_is_ready_at_each_look_and_has_run_since(monkeypatch):
    looks = [(0.001 * n, True, 0.0) for n in range(4)] + [(0.003, True, 0.0)] * 2 + [(0.004, True, 2.5)]
    told = iter(looks)
    monkeypatch.setattr(Clock, "_processes", lambda clock: iter([(1, next(told))]))
    monkeypatch.setattr("time.monotonic", iter(range(len(looks))).__next__)
    clock = Clock(1)
    first, *rest = (clock.seconds() for _ in looks[1:])
    assert [seconds - first for seconds in rest] == [1, 2, 2, 2, 2.5]


def test_time_passes_for_who_sleeps_and_for_who_is_gone(started):
    assert passed(started("import time\nprint(flush=True)\ntime.sleep(60)")) > 0.5
    assert passed(2**22 + 1) > 0.5
