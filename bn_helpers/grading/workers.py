"""Grading processes that live long, behind the smallest of interfaces: `submit(function, *args)` gives a future.

Whatever else offers the same `submit`, and futures with `add_done_callback` and `result`, serves as well.
"""

from __future__ import annotations

import contextlib
import os
import queue
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Hashable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from typing import Any, Protocol

from bn_helpers.grading.clock import Clock
from bn_helpers.grading.folders import IN_MEMORY, OwnedFolder, sweep
from bn_helpers.grading.results import GradingError

SECONDS = 300.0  # for one call, by `Clock`; a submission's own limits end it long before
END_SECONDS = 0.5  # for a process that has closed its pipe to be gone
MEMORY = 2**30  # bytes that a process may take for itself; grading takes a tenth
MEMORY_USED_UP = 77  # how a process ends that has come to that


class WorkerLost(Exception):
    """A grading process has died, or has not answered in time."""


class Executor(Protocol):
    """Runs calls somewhere else."""

    def submit(self, function: Callable, /, *args: Any) -> Any:
        """Begin a call, and give its future."""


def completed(executor: Executor, calls: Mapping[Hashable, tuple]) -> Iterator[tuple[Hashable, Any, Exception | None]]:
    """Make calls, and give what comes of each as soon as it is there. One that fails is made once more.

    What says that grading itself cannot go on ends it, and is laid at nobody's door.

    Parameters
    ----------
    executor : Executor
        Where they run.
    calls : mapping
        A function and its arguments, by a name for the call.

    Yields
    ------
    name : hashable
        The call.
    value : object
        What it returned; None where it failed twice.
    error : Exception or None
        What it raised the second time.

    Raises
    ------
    GradingError
        If a call does.
    """
    done: queue.SimpleQueue = queue.SimpleQueue()
    names: dict[Any, Hashable] = {}
    repeated = set()

    def submit(name: Hashable) -> None:
        future = executor.submit(*calls[name])
        names[future] = name
        future.add_done_callback(done.put)

    for name in calls:
        submit(name)
    while names:
        future = done.get()
        name = names.pop(future)
        try:
            value = future.result()
        except GradingError:
            raise
        except Exception as error:
            if name in repeated:
                yield name, None, error
            else:
                repeated.add(name)
                submit(name)
        else:
            yield name, value, None


class Workers:
    """Processes that make calls, each one at a time. One that dies or hangs is replaced, and its call fails.

    Parameters
    ----------
    count : int
        How many.
    """

    def __init__(self, count: int) -> None:
        self._owned = OwnedFolder(Path(tempfile.gettempdir()))
        self._folder = self._owned.path
        self._workers = [_Worker(self._folder / str(number)) for number in range(count)]
        self._idle: queue.SimpleQueue[_Worker] = queue.SimpleQueue()
        for worker in self._workers:
            self._idle.put(worker)
        self._threads = ThreadPoolExecutor(count)

    def submit(self, function: Callable, /, *args: Any) -> Future:
        """Make a call as soon as a process is free. What it takes and gives has to survive pickling."""
        return self._threads.submit(self.call, function, *args)

    def call(self, function: Callable, /, *args: Any) -> Any:
        """The same, and wait for what it gives."""
        worker = self._idle.get()
        try:
            return worker.call(function, args)
        finally:
            self._idle.put(worker)

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *_: object) -> None:
        """End all processes, also in the middle of a call; what they have written goes with them."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        for worker in self._workers:
            worker.stop()
        self._threads.shutdown()
        for worker in self._workers:
            worker.end()
        self._owned.close()
        sweep(IN_MEMORY)


class _Worker:
    """One process, started when it is needed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen | None = None
        self._connection: Connection | None = None
        self._closed = False

    def call(self, function: Callable, args: tuple) -> Any:
        if self._closed:
            raise WorkerLost("the run has ended")
        try:
            if self._process is None:
                self._start()
            self._connection.send((function, args))
            if not self._answers():
                raise WorkerLost(f"the grading process has not answered for {SECONDS:.0f} seconds")
            succeeded, value = self._connection.recv()
        except (EOFError, OSError, WorkerLost) as error:
            status = self.end()
            if isinstance(error, WorkerLost):
                raise
            fate = "has used up its memory" if status == MEMORY_USED_UP else f"has died ({status})"
            raise WorkerLost(f"the grading process {fate}") from None
        if not succeeded:
            raise value
        return value

    def _answers(self) -> bool:
        """Wait for an answer, however busy the machine is, but not for ever."""
        return any(map(self._connection.poll, Clock(self._process.pid).within(SECONDS)))

    def stop(self) -> None:
        """End the process, also in the middle of a call."""
        self._closed = True
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _start(self) -> None:
        # By multiprocessing it could not be started where Dask's processes, which are daemons, start it.
        self._connection, theirs = Pipe()
        code = f"import sys; sys.path[:] = sys.argv[3:]; from {__name__} import serve; serve(*sys.argv[1:3])"
        command = [sys.executable, "-c", code, str(theirs.fileno()), str(self._folder), *sys.path]
        with theirs:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()])

    def end(self) -> int | None:
        """Close what a process that has ended leaves, and say how it has ended; no call may be under way."""
        status = None
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(END_SECONDS)
            self._process.kill()
            status = self._process.wait()
            self._process = None
        shutil.rmtree(self._folder, ignore_errors=True)
        return status


def serve(descriptor: str, folder: str) -> None:
    """What a process does: calls, one after the other, until the one that started it goes away.

    Parameters
    ----------
    descriptor : str
        The number of the open pipe through which calls come.
    folder : str
        Where it may write.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to all processes, and the first one ends the others
    connection, folder = Connection(int(descriptor)), Path(folder)
    os.set_inheritable(connection.fileno(), False)
    folder.mkdir(exist_ok=True)
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, resource.getrlimit(resource.RLIMIT_DATA)[1]))
    tempfile.tempdir = str(folder)
    with contextlib.suppress(EOFError, OSError):
        while True:
            function, args = connection.recv()
            try:
                answer = (True, function(*args))
            except MemoryError:
                os._exit(MEMORY_USED_UP)
            except Exception as error:
                answer = (False, error)
            connection.send(answer)
    shutil.rmtree(folder, ignore_errors=True)
    with contextlib.suppress(OSError):
        folder.parent.rmdir()
