"""Grading on other machines: the workers of a Dask scheduler, behind the same interface as the processes of this one.

A worker makes its calls in grading processes of its own, one for each of its threads. There a call has a main thread,
which pytest wants, and one that hangs or dies takes no worker with it.
"""

from __future__ import annotations

import functools
import ipaddress
import pickle
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from pathlib import Path
from types import ModuleType
from typing import Any

from bn_helpers.grading.results import GradingError
from bn_helpers.grading.store import course_version
from bn_helpers.grading.workers import Workers

SECONDS = 30.0  # for the scheduler to answer, and then for its first worker to join


class Cluster:
    """The workers of a scheduler. What one of them was doing when it died, another one does again.

    Parameters
    ----------
    address : str
        Of the scheduler, as Dask prints it: tcp://127.0.0.1:8786, or tls://host:8786.
    security : Path, optional
        A folder with ca.pem, cert.pem and key.pem, by which both sides prove who they are. Who can reach a scheduler
        without them has the course key, so that only one on this machine's loopback may do without.

    Raises
    ------
    GradingError
        If Dask is not installed, the scheduler may not be trusted or does not answer, or no worker joins it.
    """

    def __init__(self, address: str, security: Path | None = None) -> None:
        try:
            import distributed
        except ImportError:
            raise GradingError("--scheduler needs Dask, which is missing here: pip install distributed") from None
        if security is None and not _is_loopback(address):
            raise GradingError(
                f"the scheduler {address!r} is reached over a network, on which anybody could read the key. Give it "
                "certificates, and --security FOLDER here; or let it listen on 127.0.0.1 only."
            )
        options = {"security": _security(distributed, security)} if security else {}
        try:
            self._client = distributed.Client(address, timeout=SECONDS, set_as_default=False, **options)
        except (OSError, TypeError, ValueError) as error:
            raise GradingError(f"the scheduler {address!r} cannot be reached: {error}") from None
        try:
            self._client.wait_for_workers(1, timeout=SECONDS)
        except distributed.TimeoutError:
            self._client.close()
            raise GradingError(f"the scheduler {address!r} has no worker. Start some: dask worker {address}") from None
        self._executor = self._client.get_executor(pure=False)

    def submit(self, function: Callable, /, *args: Any) -> Future:
        """Make a call on some worker. What it takes and gives has to survive pickling.

        Its future raises GradingError where the worker is not fit to grade, or the scheduler has gone.
        """
        # It travels as bytes: a worker that lacks the course would end if it came upon a name that it does not know.
        call = _Call(course_version(), pickle.dumps((function, args)))
        answer: Future = Future()
        future = self._executor.submit(pickle.loads, pickle.dumps(call))
        future.add_done_callback(functools.partial(_pass_on, answer))
        return answer

    def __enter__(self) -> Cluster:
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the cluster; calls that have not begun are forgotten there."""
        self._client.close()


def _security(distributed: ModuleType, folder: Path) -> Any:
    """Both sides' certificates, and nothing that is not encrypted."""
    files = {"tls_ca_file": "ca.pem", "tls_client_cert": "cert.pem", "tls_client_key": "key.pem"}
    missing = [name for name in files.values() if not (folder / name).is_file()]
    if missing:
        raise GradingError(f"--security {folder}: there is no {', no '.join(missing)} in it.")
    paths = {option: str(folder / name) for option, name in files.items()}
    return distributed.Security(require_encryption=True, **paths)


def _is_loopback(address: str) -> bool:
    """Whether an address leads to this machine only."""
    protocol, _, rest = address.rpartition("://")
    host = rest.rpartition(":")[0].strip("[]")
    if protocol == "inproc" or host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _pass_on(answer: Future, future: Future) -> None:
    try:
        answer.set_result(future.result())
    except CancelledError:
        answer.set_exception(GradingError("the scheduler has gone. What is graded is kept: run the same again."))
    except ImportError as error:
        answer.set_exception(GradingError(f"a worker lacks the course, or what the course needs: {error}."))
    except Exception as error:
        answer.set_exception(error)


class _Call:
    """A call that is made where it is unpickled."""

    def __init__(self, version: str, call: bytes) -> None:
        self._parts = version, call

    def __reduce__(self) -> tuple:
        return _make, self._parts


# On a worker


_lock = threading.Lock()
_processes: list[Workers] = []


def _make(version: str, call: bytes) -> Any:
    """Make a call, unless this worker would do so differently from the one who asks."""
    from distributed import get_worker

    worker = get_worker()
    try:
        if course_version() != version:
            raise GradingError("its version of the course or of NumPy is another one. Start it again with the same.")
        with _lock:
            if not _processes:
                _processes.append(Workers(worker.state.nthreads))
        function, args = pickle.loads(call)
        return _processes[0].call(function, *args)
    except GradingError as error:
        raise GradingError(f"the worker {worker.address} cannot grade: {error}") from None
