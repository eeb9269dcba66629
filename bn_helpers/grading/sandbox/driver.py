"""The zygote, the process inside the sandbox that kernels are forked from, and what a kernel runs for a probe.

It is `bn_driver` there, and alone: nothing of the course can be imported beside it. It loads NumPy and ipykernel once;
each kernel is then a fork that takes milliseconds. Forks share nothing: a kernel can write no file, start no process
and reach no other one, so what one has seen, the next cannot learn.

On standard input stands a socket to the grader, which keeps messages apart. A request is JSON: {"start": ...}, with two
listening sockets attached, or {"kill": true}. Back come {"ready": true}, {"started": true}, {"exit": status}.
"""

from __future__ import annotations

import base64
import contextlib
import ctypes
import gc
import importlib
import json
import os
import resource
import select
import signal
import socket
import sys
import tempfile
import types
import zlib
from typing import Any

import numpy as np
import zmq
from ipykernel import compiler, ipkernel
from ipykernel.iostream import IOPubThread
from ipykernel.kernelapp import IPKernelApp
from IPython.core import interactiveshell
from IPython.core.profiledir import ProfileDir

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS = 1, 4, 38
SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC = 1, 1


# The kernel


class KernelApp(IPKernelApp):
    """An ipykernel that listens on inherited sockets and touches no file."""

    capture_fd_output = False
    log_level = 50

    def listen(self, key: bytes, shell: int, iopub: int) -> None:
        """Set up on two listening sockets, and serve until killed."""
        self.session.key = key
        self.transport, self.ip = "ipc", "kernel"
        self.shell_port, self.iopub_port, self.stdin_port, self.control_port = 1, 2, 3, 4
        self._listening = {1: shell, 2: iopub}
        self.outstream_class = None  # what is printed goes nowhere
        self.config.HistoryManager.enabled = False
        self.initialize([])
        self._plain(self.kernel)
        _own_names.update(self.kernel.shell.user_ns)
        gc.freeze()
        gc.enable()
        self.start()

    def _plain(self, kernel: ipkernel.IPythonKernel) -> None:
        """Take cells as they are: they hold no magics, nobody asks for their history, nobody reads an echo of them."""
        kernel.shell.transform_cell = lambda text: text
        kernel._publish_execute_input = self._leave_out
        compiler.murmur2_x86 = lambda text, seed: zlib.crc32(text.encode(), seed)  # names cells; in Python, it is slow

    def _try_bind_socket(self, s: Any, port: int) -> int:
        if port in self._listening:
            s.use_fd = self._listening[port]
            s.bind(f"ipc://kernel-{port}")
        else:
            s.bind(f"inproc://kernel-{port}")
        return port

    def init_iopub(self, context: zmq.Context) -> None:
        """As it stands in ipykernel, but without a TCP port for subprocesses, of which there are none."""
        self.iopub_socket = context.socket(zmq.XPUB)
        self._bind_socket(self.iopub_socket, self.iopub_port)
        self.iopub_thread = IOPubThread(self.iopub_socket, pipe=False, session=self.session)
        self.iopub_thread.start()
        self.iopub_socket = self.iopub_thread.background_socket

    def init_profile_dir(self) -> None:
        self.profile_dir = _NoProfile()

    def _leave_out(self, *_: Any, **__: Any) -> None:
        """Of no use here: connection files, heartbeat, start-up files, plotting, debugger."""

    init_crash_handler = init_connection_file = write_connection_file = init_heartbeat = _leave_out
    init_pdb = init_path = init_gui_pylab = init_extensions = init_code = load_config_file = _leave_out


class _NoProfile(ProfileDir):
    """A profile that is nowhere."""

    def _location_changed(self, change: Any) -> None:
        pass

    def check_dirs(self) -> None:
        pass


def confine(limits: dict[str, tuple[int, int]]) -> None:
    """Put limits on this process, and take from it what an answer has no use for; there is no way back."""
    for name, (soft, hard) in limits.items():
        resource.setrlimit(getattr(resource, name), (soft, hard))
    _add_filter(told["filters"][0])


def _add_filter(program: str) -> None:
    """Let a filter decide on the system calls of all threads of this process, beside those that it has."""
    if not program:
        return
    text = base64.b64decode(program)
    libc = ctypes.CDLL(None, use_errno=True)
    buffer = ctypes.create_string_buffer(text, len(text))
    # struct sock_fprog: the number of instructions, and where they are.
    header = (ctypes.c_ulong * 2)(len(text) // 8, ctypes.addressof(buffer))
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if libc.syscall(told["seccomp"], SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, ctypes.byref(header)):
        raise OSError(ctypes.get_errno(), "the filter of system calls was refused")


# What a probe cell calls


def fresh(handed: str) -> None:
    """Give the notebook that begins here a namespace with `np`, and with what the course hands to it.

    All threads that a kernel needs are there when its first notebook begins, and no answer may start more.
    """
    _add_filter(told["filters"][1])
    told["filters"] = ("", "")
    shell = ipkernel.IPythonKernel.instance().shell
    names = shell.user_ns
    names.clear()
    names.update(_own_names)
    layers = sys.modules["bn_helpers.layers"]
    vars(layers).clear()
    vars(layers).update(__name__="bn_helpers.layers", np=np)
    names["np"] = np
    layers_text, opening = json.loads(handed)
    exec(compile(layers_text, "layers.py", "exec"), vars(layers))
    for text in opening:
        with contextlib.suppress(ImportError):  # of the course there is nothing here but `layers`
            exec(compile(text, "notebook.py", "exec"), names)


_own_names: dict[str, Any] = {}  # what IPython keeps there
told: dict[str, Any] = {}  # what the grader's request says: how outcomes are shown, and how much of them


def probe(underived: str, text: str) -> None:
    """Run an answer on cases, without the function that it has to do without, and show what came of them."""
    names = ipkernel.IPythonKernel.instance().shell.user_ns
    if underived:
        names[underived] = _Absent(TypeError, f"derive it here, without a call of {underived}")
    _show([_outcome(case, names) for case in json.loads(text)])


class _Absent:
    """Stands for a function that is not there: whoever calls it is told why."""

    def __init__(self, kind: type[Exception], words: str) -> None:
        self._kind, self._words = kind, words

    def __call__(self, *_: object) -> None:
        raise self._kind(self._words)


def _outcome(data: dict[str, Any], names: dict[str, Any]) -> dict[str, Any]:
    import bn_outcomes  # `bn_helpers.outcomes` under the name that it has in the sandbox only

    calls = tuple(bn_outcomes.Call(*call) for call in data["calls"])
    absent = {name: _Absent(NameError, f"{name} is not defined") for name, *_ in data["calls"]}
    functions = {name: names.get(name, absent[name]) for name in absent}
    case = bn_outcomes.Case("", decode(data["inputs"]), calls, dict.fromkeys(data["wanted"]))
    try:
        outcome = bn_outcomes.run(case, functions)
    except BaseException as error:  # SystemExit and its like: an answer may raise anything
        outcome = bn_outcomes.Outcome({}, type(error).__name__, calls[-1].function, str(error))
    values = {name: _encode(value) for name, value in outcome.values.items()}
    detail = outcome.detail[: told["words"]]
    return {"raised": outcome.raised, "function": outcome.function, "detail": detail, "values": values}


def _show(outcomes: list[dict[str, Any]]) -> None:
    ipkernel.IPythonKernel.instance().shell.display_pub.publish({told["mime"]: outcomes})


def _encode(value: np.ndarray) -> dict[str, Any]:
    """Shape and exact values of an array; its type only, where it does not hold real numbers or is far too large."""
    if value.dtype.kind not in "fiu" or value.size > told["array"]:
        return {"shape": list(value.shape), "type": str(value.dtype)}
    data = np.ascontiguousarray(value, dtype="<f8").tobytes()
    return {"shape": list(value.shape), "data": base64.b64encode(data).decode()}


def decode(value: Any) -> Any:
    """Inputs as they were before they were written down: {"array": [type, shape, base64]}, {"dict": ...}, lists."""
    if isinstance(value, list):
        return [decode(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "dict" in value:
        return {name: decode(item) for name, item in value["dict"].items()}
    dtype, shape, data = value["array"]
    return np.frombuffer(base64.b64decode(data), dtype).reshape(shape).copy()


# The process that forks


def main() -> None:
    """Serve the grader's requests until it goes away."""
    control = socket.socket(fileno=os.dup(0))
    _open_nothing()
    tempfile.tempdir = "/"  # nothing is ever written there, but ipykernel names cells after it
    interactiveshell.get_ipython_dir = lambda: "/"  # which otherwise insists on a folder that it can write to
    for name in ("bn_helpers", "bn_helpers.layers"):
        sys.modules[name] = types.ModuleType(name)
    sys.modules["bn_helpers"].__path__ = []
    sys.modules["bn_helpers"].layers = sys.modules["bn_helpers.layers"]
    importlib.import_module("bn_outcomes")
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)  # no kernel may look into this process
    gc.freeze()  # what is loaded stays shared with the forks
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    signal.set_wakeup_fd(writer.fileno())
    signal.signal(signal.SIGCHLD, lambda *_: None)
    control.send(b'{"ready": true}')
    child = 0
    while True:
        ready, _, _ = select.select([control, reader], [], [])
        if reader in ready:
            reader.recv(1)
            child = _reap(control, child)
        if control not in ready:
            continue
        data, descriptors, _, _ = socket.recv_fds(control, 2**16, 2)
        request = json.loads(data) if data else {"kill": True}
        if child and ("kill" in request):
            os.kill(child, signal.SIGKILL)
        if not data:
            return
        if "start" in request:
            child = _fork(request["start"], descriptors, [control, reader, writer])
            for descriptor in descriptors:
                os.close(descriptor)
            control.send(b'{"started": true}')


def _open_nothing() -> None:
    """Let this process's standard streams lead nowhere, by files that it has opened itself: their flags are its own."""
    for descriptor in (0, 1, 2):
        null = os.open(os.devnull, os.O_RDWR)
        os.dup2(null, descriptor)
        os.close(null)


def _reap(control: socket.socket, child: int) -> int:
    pid, status = os.waitpid(-1, os.WNOHANG) if child else (0, 0)
    if pid:
        control.send(json.dumps({"exit": status}).encode())
    return 0 if pid else child


def _fork(request: dict[str, Any], descriptors: list[int], own: list[socket.socket]) -> int:
    child = os.fork()
    if child:
        return child
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for end in own:
            end.close()
        _open_nothing()
        with contextlib.suppress(AttributeError):
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        told.update(request)
        confine(request["limits"])
        app = KernelApp.instance()
        app.listen(request["key"].encode(), *descriptors)
    finally:
        os._exit(1)
