import os
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import Future
from pathlib import Path

import pytest

from bn_helpers.grading import workers as module
from bn_helpers.grading.folders import IN_MEMORY, OwnedFolder
from bn_helpers.grading.workers import WorkerLost, Workers, completed


def double(x):
    return 2 * x


def own_process():
    return os.getpid()


def own_folder():
    return tempfile.mkdtemp()


def keep_in_memory():
    own_folder.in_memory = OwnedFolder(IN_MEMORY)
    return own_folder.in_memory.path


def fail():
    raise ValueError("on purpose")


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def die_once(mark):
    if not mark.exists():
        mark.touch()
        die()
    return "alive"


def sleep():
    time.sleep(60)


@pytest.fixture(scope="module")
def one():
    with Workers(1) as workers:
        workers.call(double, 1)  # the process starts with the first call
        yield workers


def test_calls_are_made_in_one_process_that_lives_on(one):
    assert one.submit(double, 21).result() == 42
    assert one.submit(own_process).result() == one.submit(own_process).result() != os.getpid()


def test_what_a_call_raises_is_raised_here_and_harms_no_other(one):
    process = one.submit(own_process).result()
    with pytest.raises(ValueError, match="on purpose"):
        one.submit(fail).result()
    assert one.submit(own_process).result() == process


def test_a_process_that_dies_is_replaced(one):
    before = one.submit(own_process).result()
    with pytest.raises(WorkerLost, match="died"):
        one.submit(die).result()
    assert one.submit(own_process).result() != before


def fill():
    return len(bytearray(2 * module.MEMORY))


def test_a_process_that_takes_too_much_memory_is_replaced_and_that_is_told(one):
    with pytest.raises(WorkerLost, match="used up its memory"):
        one.submit(fill).result()
    assert one.submit(double, 1).result() == 2


def test_a_process_that_hangs_is_replaced(one, monkeypatch):
    monkeypatch.setattr(module, "SECONDS", 0.2)
    with pytest.raises(WorkerLost, match="not answered"):
        one.submit(sleep).result()
    monkeypatch.setattr(module, "SECONDS", 60.0)
    assert one.submit(double, 1).result() == 2


def test_what_fails_is_tried_once_more_and_only_that(one, tmp_path):
    calls = {"dies": (die,), "dies once": (die_once, tmp_path / "mark"), "fine": (double, 1)}
    found = {name: (value, type(error)) for name, value, error in completed(one, calls)}
    assert found == {
        "dies": (None, WorkerLost),
        "dies once": ("alive", type(None)),
        "fine": (2, type(None)),
    }


def test_any_executor_with_futures_serves():
    class Inline:
        def submit(self, function, /, *args):
            future = Future()
            future.set_result(function(*args))
            return future

    assert sorted(value for _, value, _ in completed(Inline(), {n: (double, n) for n in range(3)})) == [0, 2, 4]


def test_the_end_waits_for_no_call_and_leaves_nothing_behind():
    with Workers(2) as workers:
        folder = Path(workers.submit(own_folder).result())
        process, in_memory = workers.submit(own_process).result(), workers.submit(keep_in_memory).result()
        waiting = [workers.submit(sleep) for _ in range(5)]
    assert all(future.cancelled() or isinstance(future.exception(), WorkerLost) for future in waiting)
    assert not folder.parents[1].exists()
    assert not in_memory.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


def test_processes_go_away_with_the_one_that_started_them():
    code = (
        "import os, signal, test_grading_workers as t\n"
        "workers = t.Workers(1)\n"
        "print(workers.submit(t.own_folder).result(), workers.submit(t.own_process).result(), flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([os.path.dirname(__file__), *sys.path])}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    folder, process = done.stdout.split()
    deadline = time.monotonic() + 30
    while (Path(folder).parents[1].exists() or running(process)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not Path(folder).parents[1].exists()
    assert not running(process)


def running(process):
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_process_that_cannot_start_leaves_nothing_open(monkeypatch):
    monkeypatch.setattr(module.sys, "executable", "no-such-program")
    with Workers(1) as workers, pytest.raises(WorkerLost):
        workers.call(own_process)
