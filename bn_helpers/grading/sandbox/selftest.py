"""Prove at the start of a run that the sandbox keeps what it promises: try to break each promise, from inside.

Each attempt runs as an answer would, and says by the exception that it raises whether it got through. One that does not
leaves nothing behind, so that the next can follow in the same kernel; where a kernel is lost, what was left runs again,
each in one of its own. What ends a kernel is noticed outside.
"""

from __future__ import annotations

import socket
from pathlib import Path
from tempfile import TemporaryDirectory

import bn_helpers
from bn_helpers.grading.results import ANSWER, FLOODED, SPENT, UNCONFINED, Attempt, Step
from bn_helpers.grading.sandbox.limits import LIMITS, MEMORY
from bn_helpers.grading.sandbox.notebooks import run_notebooks
from bn_helpers.grading.sandbox.seccomp import call_number
from bn_helpers.grading.sandbox.workshop import Sandbox, Workshop

HELD, BROKEN = "NotImplementedError: held", "BaseException: broken"
SECONDS = 120.0

# What must not succeed, and the exception that refuses it: functions, one of which is enough to break the promise.
_REFUSED = {
    "the course cannot be read": ("OSError", "lambda path=path: open(path).close() for path in {paths!r}"),
    "no ready batch normalization can be imported": (
        "ImportError",
        "lambda name=name: importlib.import_module(name) for name in "
        "('scipy', 'sklearn', 'torch', 'tensorflow', 'jax', 'keras', 'matplotlib', 'pytest', 'nbval')",
    ),
    "nothing can be written": (
        "OSError",
        "lambda folder=folder: open(folder + '/written', 'w').write('x') for folder in "
        "('/', '.', '/tmp', '/dev/shm', '/driver', '/site', '/var/tmp', {folder!r})",
    ),
    "the network is closed": ("OSError", "lambda: socket.create_connection(('127.0.0.1', {port}), timeout=2)"),
    "no process can be started": (
        "OSError",
        "lambda: os.fork() or os._exit(0), lambda: subprocess.run([sys.executable, '-c', ''])",
    ),
    "no other process can be reached": (
        "OSError",
        """
        lambda: os.kill(os.getppid(), 0),
        lambda: open(f"/proc/{{os.getppid()}}/mem", "r+b"),
        lambda: os.sched_setaffinity(os.getppid(), os.sched_getaffinity(0)),
        lambda: os.sched_setscheduler(os.getppid(), os.SCHED_BATCH, os.sched_param(0)),
        lambda: fcntl.fcntl(0, fcntl.F_SETOWN, os.getppid())""",
    ),
    "no thread can be started": ("RuntimeError", "lambda: threading.Thread(target=time.sleep, args=(1,)).start()"),
    "nothing is seen of what others have read": (  # MADV_WILLNEED, _REMOVE, _COLD, _PAGEOUT, _POPULATE_READ, _WRITE
        "OSError",
        "lambda advice=advice: mmap.mmap(-1, mmap.PAGESIZE).madvise(advice) for advice in (3, 9, 20, 21, 22, 23)",
    ),
    "no flag of an open file can be set": (
        "OSError",
        "lambda: fcntl.fcntl(0, fcntl.F_SETFL, fcntl.fcntl(0, fcntl.F_GETFL) | os.O_APPEND), "
        "lambda: os.set_blocking(0, False)",
    ),
    "no clock tells the time of a process by its number": (
        "OSError",
        "lambda process=process: time.clock_gettime((~process << 3) | 2) for process in (os.getpid(), os.getppid())",
    ),
    "memory is limited": ("MemoryError", "lambda: bytearray({memory})"),
}
# Each is the body of a function; to come to its end, or to return, means that the promise is broken.
_ATTEMPTS = {
    "neither the reference nor the checks can be imported": """
        import bn_helpers.layers
        if any(callable(value) for name, value in vars(bn_helpers.layers).items() if name[0] != "_"):
            return
        for name in ("judging", "oracles", "checks", "catalogue", "grading", "outcomes", "exercises"):
            with contextlib.suppress(ImportError):
                importlib.import_module("bn_helpers." + name)
                return
        raise Held""",
    "no system call serves but those that an answer needs": """
        libc = ctypes.CDLL(None, use_errno=True)
        served = [
            name for name, number in {calls!r}.items()
            if libc.syscall(number, -1, 0, 0, 0, 0, 0) != -1 or ctypes.get_errno() not in (errno.EPERM, errno.ENOSYS)
        ]
        if served:
            raise BaseException("these do: " + ", ".join(served))
        raise Held""",
    "no socket and no pipe is made or asked for its number": """
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET):
            with contextlib.suppress(OSError):
                socket.socketpair(socket.AF_UNIX, kind)
                return
        with contextlib.suppress(OSError):
            os.pipe()
            return
        size, cookie = ctypes.c_uint(8), ctypes.create_string_buffer(8)
        for file in range(128):  # SOL_SOCKET, SO_COOKIE
            if ctypes.CDLL(None).getsockopt(file, 1, 57, cookie, ctypes.byref(size)) == 0:
                return
        raise Held""",
    "no time tells what was read": """
        listed = [os.path.join(folder, name) for folder, *inside in os.walk("/") for name in sum(inside, ["."])]
        listed = [path for path in listed if path != "/dev/null"]
        before = [os.lstat(path).st_atime_ns for path in listed]
        for path in filter(os.path.isfile, listed):
            with contextlib.suppress(OSError), open(path, "rb") as file:
                file.read(1)
        list(os.walk("/"))
        if before == [os.lstat(path).st_atime_ns for path in listed]:
            raise Held""",
    "no memory outlives a kernel": """
        libc = ctypes.CDLL(None)
        if libc.shmget(0, 4096, 0o1600) == -1 and libc.memfd_create(b"x", 0) == -1:
            raise Held""",
}
_TRY_ALL = """
    for function in [{functions}]:
        with contextlib.suppress({refusal}):
            function()
            return
    raise Held"""
_LIMITED = ("memory is limited",)  # what even an unconfined run promises
_ENDED = {
    "time is limited": ("while True:\n    pass", SPENT),
    "output is limited": ("while True:\n    get_ipython().display_pub.publish({'text/plain': 'x' * 2**16})", FLOODED),
}
_IMPORTS = (
    "__import__('bn_driver').fresh('[\"\", []]')\n"
    "import contextlib, ctypes, errno, fcntl, importlib, mmap, os, socket, subprocess, sys, threading, time\n"
)
# Calls that show or leave something outside of a process, or start what lives on; of those that are no longer there,
# none is missed.
_CALLS = (
    *("fadvise64", "preadv2", "pwritev2", "mincore", "readahead", "sync_file_range", "msync", "copy_file_range"),
    *("sched_setaffinity", "sched_setattr", "sched_setscheduler", "setpriority", "ioprio_set", "io_uring_setup"),
    *("memfd_create", "memfd_secret", "shmget", "msgget", "semget", "mq_open", "inotify_init1", "fanotify_init"),
    *("flock", "statfs", "sysinfo", "splice", "vmsplice", "tee", "timer_create", "userfaultfd", "bpf"),
    *("perf_event_open", "keyctl", "pidfd_open", "process_madvise", "name_to_handle_at", "socket", "connect", "bind"),
    *("pipe", "pipe2", "socketpair", "accept", "accept4", "sendmsg", "recvmsg", "getsockname", "getpeername"),
    *("getsockopt", "setsockopt", "execve", "unshare", "setns", "mount", "ptrace", "kcmp"),
    *("rename", "unlink", "link", "symlink"),
)
_CACHESTAT = 451  # on every machine; libseccomp may be older than it


def self_test(workshop: Workshop) -> list[tuple[str, bool]]:
    """Try to break each promise of a sandbox.

    Parameters
    ----------
    workshop : Workshop
        What the sandbox is made of.

    Returns
    -------
    promises : list of (str, bool)
        Each promise in words, and whether it held. A run must not begin where one did not.
    """
    with socket.create_server(("127.0.0.1", 0)) as server, TemporaryDirectory(dir=workshop.folder) as secret:
        return _tried(workshop, Path(secret), server.getsockname()[1])


def _tried(workshop: Workshop, secret: Path, port: int) -> list[tuple[str, bool]]:
    package = Path(bn_helpers.__file__).parent
    (secret / "expected").write_text("expected values")
    paths = [str(package / "oracles.py"), str(package / "layers.py"), str(secret / "expected"), "/etc/passwd"]
    calls = {name: call_number(name) for name in _CALLS if workshop.sandbox != UNCONFINED}
    calls = {"cachestat": _CACHESTAT} | {name: number for name, number in calls.items() if number >= 0}
    names = {"paths": paths, "folder": str(secret), "port": port, "memory": MEMORY, "calls": calls}
    bodies = {
        name: _TRY_ALL.format(refusal=kind, functions=text.format(**names)) for name, (kind, text) in _REFUSED.items()
    }
    bodies |= {name: body.format(**names) for name, body in _ATTEMPTS.items()}
    tried = _LIMITED if workshop.sandbox == UNCONFINED else tuple(bodies)
    codes = {name: _IMPORTS + _BODY.format(body=bodies[name]) for name in tried}
    attempts = _run(workshop, [codes], LIMITS)
    attempts |= _run(workshop, [{name: codes[name]} for name in tried if not attempts[name].error], LIMITS)
    results = [_result(name, attempts[name].error) for name in tried]
    ended = _run(workshop, [{name: code} for name, (code, _) in _ENDED.items()], LIMITS | {"RLIMIT_CPU": (1, 2)})
    return results + [(name, ended[name].fate == fate) for name, (_, fate) in _ENDED.items()]


def _result(promise: str, error: str) -> tuple[str, bool]:
    """A promise that was broken is told with what was seen."""
    detail = f" ({error.removeprefix('BaseException: ') or 'the attempt came to no end'})"
    return (promise, True) if error == HELD else (promise + detail * (error != BROKEN), False)


_BODY = """
class Held(NotImplementedError):
    pass

def attempt():{body}

try:
    attempt()
except Held:
    raise NotImplementedError("held") from None
raise BaseException("broken")
"""


def _run(workshop: Workshop, kernels: list[dict[str, str]], limits: dict[str, tuple[int, int]]) -> dict[str, Attempt]:
    """What came of codes, by their names; those of a kernel one after the other."""
    if not kernels:
        return {}
    notebooks = {str(n): [Step(ANSWER, *named) for named in codes.items()] for n, codes in enumerate(kernels)}
    with Sandbox(workshop, limits) as sandbox:
        found = run_notebooks(notebooks, sandbox, sandbox.clock.seconds() + SECONDS)
    return {name: attempt for attempts in found.values() for name, attempt in attempts.items()}
