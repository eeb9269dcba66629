"""What stands between nbval and a kernel in a sandbox: a provisioner that starts it, and a client that distrusts it.

A kernel may die, flood, or send what no kernel sends. The client reads everything at once, passes on what nbval needs
and nothing else, and kills the kernel at the first sign of a flood; nbval never waits for one that is gone.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
from collections import deque
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from queue import Empty
from typing import Any

from jupyter_client.client import KernelClient
from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.manager import KernelManager
from jupyter_client.provisioning import KernelProvisionerBase, KernelProvisionerFactory
from jupyter_client.session import DELIM

from bn_helpers.grading.clock import LOOK
from bn_helpers.grading.results import DIED, FLOODED, SPENT, TIMED_OUT
from bn_helpers.grading.sandbox.limits import KERNEL, MIME, WALL_SECONDS, WORDS
from bn_helpers.grading.sandbox.workshop import START_SECONDS, Sandbox
from bn_helpers.grading.sandbox.zmtp import Connection, Flood, Meter
from bn_helpers.text import one_line

# What nbval leaves open where a kernel has died.
_open_clients: list[SandboxClient] = []
_open_managers: list[KernelManager] = []


class SandboxProvisioner(KernelProvisionerBase):
    """Starts kernels in the sandbox that is current. An interrupt is a kill: an answer may ignore anything less."""

    sandbox: Sandbox | None = None  # set by `inside` for the submission that is being graded
    fate: str = ""  # why the kernel of the moment is gone
    _launched = False

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """Choose transport and client; there is no command, since the kernel is a fork."""
        kwargs["stderr"].close()  # nbval opens it for a process of its own, and leaves it open
        manager = self.parent
        manager.transport, manager.transport_encryption = "ipc", "disabled"
        manager.cache_ports = False
        manager.client_factory = SandboxClient
        return {"cmd": []}

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Fork a kernel."""
        type(self).fate = ""
        manager = self.parent
        manager.ip = self.sandbox.start_kernel(manager.session.key.decode())
        manager.shell_port, manager.iopub_port = 1, 2
        manager.stdin_port = manager.hb_port = manager.control_port = 3
        self._launched = True
        _open_managers.append(manager)
        return manager.get_connection_info()

    @property
    def has_process(self) -> bool:
        """Whether there is a kernel that nbval has not stopped; it may have died, and have left messages."""
        return self._launched

    async def poll(self) -> int | None:
        """None while the kernel runs."""
        return self.sandbox.poll()

    async def kill(self, restart: bool = False) -> None:
        """End the kernel."""
        self.sandbox.kill()
        self._launched = False

    async def send_signal(self, signum: int) -> None:
        """Any signal ends the kernel."""
        self.sandbox.kill()

    wait, terminate = poll, kill  # its zygote reaps it

    async def cleanup(self, restart: bool = False) -> None:
        """The sandbox has removed all there was."""


class SandboxClient(KernelClient):
    """A client over two sockets that never blocks on a kernel that is gone, and believes nothing about messages."""

    def start_channels(self, *_: Any, **__: Any) -> None:
        """Connect."""
        self._meter = Meter()
        self._clock = SandboxProvisioner.sandbox.clock
        self._shell = Connection(f"{self.ip}-{self.shell_port}", "DEALER", self._meter, self._clock)
        self._iopub = Connection(f"{self.ip}-{self.iopub_port}", "SUB", self._meter, self._clock)
        self._poller = select.poll()
        for connection in (self._shell, self._iopub):
            self._poller.register(connection, select.POLLIN)
        _open_clients.append(self)
        self._replies: deque[dict] = deque()
        self._published: deque[dict] = deque()
        self._gone = False
        self._asked, self._deadline = "", 0.0  # the request of the moment, and when its time is up

    def stop_channels(self) -> None:
        """Disconnect."""
        if self not in _open_clients:
            return
        _open_clients.remove(self)
        self._shell.close()
        self._iopub.close()
        self.context.destroy(linger=0)

    def wait_for_ready(self, timeout: float | None = None) -> None:
        """Wait until the kernel publishes: its first message is the answer to the subscription."""
        if not self._wait(lambda: self._meter.messages, self._clock.seconds() + START_SECONDS):
            raise RuntimeError("the kernel does not start")

    def execute(self, code: str, **options: Any) -> str:
        """Send a cell; what was received before does not count against it."""
        self._meter.bytes = self._meter.messages = 0
        return self._request("execute_request", {"code": code, "silent": False, "user_expressions": {}, **options})

    def kernel_info(self) -> str:
        """Ask a question to which the answer does not matter."""
        return self._request("kernel_info_request", {})

    def get_shell_msg(self, timeout: float | None = None) -> dict:
        """The reply; Empty where none comes in the time that the cell has for all, or at once where none can come."""
        return self._next(self._replies)

    def get_iopub_msg(self, timeout: float | None = None) -> dict:
        """The next message that the kernel publishes; Empty as above."""
        return self._next(self._published)

    def _request(self, kind: str, content: dict) -> str:
        message = self.session.msg(kind, content=content)
        self._shell.send(self.session.serialize(message))
        self._asked = message["header"]["msg_id"]
        self._deadline = self._clock.seconds() + WALL_SECONDS
        return self._asked

    def _next(self, queue: deque[dict]) -> dict:
        if not self._wait(lambda: queue, self._deadline):
            raise Empty
        return queue.popleft()

    def _wait(self, for_what: Callable[[], Any], deadline: float) -> bool:
        """Read until something is there; a kernel from which it does not come in time is given up."""
        while not for_what() and not self._gone:
            left = deadline - self._clock.seconds()
            if left > 0:
                self._read(min(left, LOOK))
            else:
                self._lose(TIMED_OUT)
        return bool(for_what())

    def _read(self, seconds: float) -> None:
        """Wait for anything, and take of what is there the kinds that belong on a socket, if this cell's."""
        self._poller.poll(seconds * 1000)
        told = ((self._iopub, self._published, _PUBLISHED), (self._shell, self._replies, _REPLIES))
        try:
            for connection, queue, kinds in told:
                messages = filter(None, (_trusted(parts, kinds) for parts in connection.messages()))
                queue.extend(each for each in messages if each["parent_header"]["msg_id"] == self._asked)
        except Flood:
            self._lose(FLOODED)
        if not (self._shell.open and self._iopub.open) and not self._gone:
            self._lose(DIED if SandboxProvisioner.sandbox.ended() else FLOODED)

    def _lose(self, fate: str) -> None:
        """Give a kernel up."""
        self._gone = True
        sandbox = SandboxProvisioner.sandbox
        sandbox.kill()
        if os.WIFSIGNALED(sandbox.status) and os.WTERMSIG(sandbox.status) == signal.SIGXCPU:
            fate = SPENT
        SandboxProvisioner.fate = SandboxProvisioner.fate or fate


def _trusted(parts: list[bytes], kinds: dict[str, Callable[[dict], dict | None]]) -> dict | None:
    """A new message that holds only what nbval reads, each part of the type that it has to be; None for other kinds.

    Signatures prove nothing, since the kernel has the key; dates, and whatever else it says, are not looked at.
    """
    try:
        header, parent, _, content = parts[parts.index(DELIM) + 2 :][:4]
        kind = json.loads(header)["msg_type"]
        told = kinds[kind](json.loads(content))
        parent = str(json.loads(parent).get("msg_id"))
    except Exception:  # whatever is wrong with it: it is the kernel's word
        return None
    if told is None:
        return None
    return _Message(header={}, msg_type=kind, parent_header={"msg_id": parent}, metadata={}, content=told)


class _Message(dict):
    """A message that is short in nbval's debugging log, which formats every one, even where nobody reads it."""

    def __repr__(self) -> str:
        return f"<{self['msg_type']}>"


def _display(content: dict) -> dict | None:
    data = content["data"]
    return {"data": {MIME: data[MIME]}, "metadata": {}} if MIME in data else None


def _error(content: dict) -> dict:
    name, value = (one_line(str(content[key])[:WORDS]) for key in ("ename", "evalue"))
    return {"ename": name, "evalue": value, "traceback": []}


# What a kernel has to say on each of its sockets, and what is read of it. nbval knows a message by its kind alone.
_PUBLISHED = {
    "status": lambda content: {"execution_state": str(content["execution_state"])},
    "display_data": _display,
    "error": _error,
}
_REPLIES = dict.fromkeys(("execute_reply", "kernel_info_reply"), lambda content: {"status": "ok"})


@contextlib.contextmanager
def inside(sandbox: Sandbox, folder: Path) -> Iterator[None]:
    """Let nbval find the kernel `bn-sandbox`, and start it in this sandbox; no setting from outside reaches pytest.

    Parameters
    ----------
    sandbox : Sandbox
        The submission's.
    folder : Path
        A folder of the grader's own, for the kernel's description.
    """
    description = folder / "kernels" / KERNEL
    description.mkdir(parents=True, exist_ok=True)
    (description / "kernel.json").write_text(
        '{"argv": [], "display_name": "sandbox", "language": "python", '
        f'"metadata": {{"kernel_provisioner": {{"provisioner_name": "{KERNEL}"}}}}}}'
    )
    factory = KernelProvisionerFactory.instance()
    factory.provisioners[KERNEL] = EntryPoint(KERNEL, f"{__name__}:{SandboxProvisioner.__name__}", factory.GROUP_NAME)
    before = dict(os.environ)
    for name in before:
        if name.startswith("PYTEST_"):
            del os.environ[name]
    os.environ.update(JUPYTER_PATH=str(folder), PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
    SandboxProvisioner.sandbox = sandbox
    try:
        yield
    finally:
        for client in tuple(_open_clients):
            client.stop_channels()
        while _open_managers:
            manager = _open_managers.pop()
            if manager.has_kernel:
                manager.shutdown_kernel(now=True)
        sandbox.kill()
        SandboxProvisioner.sandbox = None
        os.environ.clear()
        os.environ.update(before)
