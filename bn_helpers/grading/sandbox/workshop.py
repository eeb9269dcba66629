"""Where answers run: one sandbox a submission, with a zygote inside that forks a kernel for each run.

Two ways to confine, and one that does not. `bwrap`: own namespaces for everything. `user`: where namespaces are refused
and the grader is root, an own unprivileged user in a changed root. In both the root is an image that cannot be written
to, and a filter of system calls takes processes, signals and connections from the kernels. `none`: limits only, for
a learner's own work.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from bn_helpers.grading.clock import Clock
from bn_helpers.grading.folders import IN_MEMORY, OwnedFolder
from bn_helpers.grading.results import BWRAP, UNCONFINED, USER, SandboxError, SandboxUnavailable
from bn_helpers.grading.room import free_memory
from bn_helpers.grading.sandbox.image import build_image
from bn_helpers.grading.sandbox.limits import ARRAY, DRIVER, IMAGE, LIMITS, MIME, PROCESSES, SITE, WORDS
from bn_helpers.grading.sandbox.seccomp import call_number, filter_program, ready_program

ROOM = 4  # how many times there must be room for an image in memory
END_SECONDS = 1.0  # for a process that has closed its sockets to be gone
START_SECONDS = 60.0  # for a zygote to answer
FIRST_UID, UIDS = 61_000, 1_000  # of the `user` sandbox: each grading process takes one


def choose_sandbox(requested: str | None = None) -> str:
    """Find what can confine answers here.

    Parameters
    ----------
    requested : str, optional
        "bwrap", "user" or "none"; without it the first of the first two that works. "none" is never chosen unasked.

    Returns
    -------
    sandbox : str

    Raises
    ------
    SandboxUnavailable
        If none works, or not the one requested.
    """
    if requested == UNCONFINED:
        return UNCONFINED
    if requested not in (None, BWRAP, USER):
        raise SandboxUnavailable(f"there is no sandbox {requested!r}; there are {BWRAP}, {USER} and {UNCONFINED}")
    reasons = {}
    for name in (BWRAP, USER) if requested is None else (requested,):
        reasons[name] = _obstacle(name)
        if not reasons[name]:
            return name
    told = "\n".join(f"  {name}: {reason}" for name, reason in reasons.items())
    raise SandboxUnavailable(
        f"answers cannot be confined here, so nothing is graded.\n{told}\n"
        "For your own work, and for nothing else, there is --sandbox none."
    )


def _obstacle(name: str) -> str:
    """What keeps a sandbox from working here, and what to do about it; empty where nothing does."""
    try:
        filter_program()
    except OSError as error:
        return f"libseccomp cannot be used ({error}). Install it, on Debian and Ubuntu: apt install libseccomp2"
    if name == USER:
        return "" if os.geteuid() == 0 else "it needs the grader to run as root, in a container of its own."
    program = shutil.which("bwrap")
    if program is None:
        return "bubblewrap is missing. Install it, on Debian and Ubuntu: apt install bubblewrap"
    trial = subprocess.run([program, *_NAMESPACES, "--ro-bind", "/", "/", "true"], capture_output=True, text=True)
    if trial.returncode == 0:
        return ""
    return (
        f"this machine refuses new namespaces ({trial.stderr.strip()[:200]}). On Ubuntu allow them to bubblewrap by "
        "the AppArmor profile in bn_helpers/grading/README.md, or to every program by "
        "sysctl kernel.apparmor_restrict_unprivileged_userns=0; in a container, by its seccomp profile."
    )


# Without --unshare-user it refuses --disable-userns.
_NAMESPACES = (
    *("--unshare-all", "--unshare-user", "--disable-userns", "--die-with-parent", "--new-session"),
    *("--cap-drop", "ALL", "--clearenv"),
)
_ENVIRONMENT = {
    **dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
    **{"HOME": "/", "IPYTHONDIR": "/", "LANG": "C.UTF-8", "MALLOC_ARENA_MAX": "2"},
}


class Workshop:
    """What all sandboxes of a grading process share: the image, and a folder that only the grader can enter.

    Parameters
    ----------
    sandbox : str
        "bwrap", "user" or "none".
    """

    def __init__(self, sandbox: str) -> None:
        self.sandbox = sandbox
        self.user = _User() if sandbox == USER else None
        place, self.in_memory = _place()
        self._owned = OwnedFolder(place)
        self.folder = self._owned.path
        if sandbox == USER:
            self.folder.chmod(0o711)  # the way to the image; what else is in it is closed
        self.sockets = self.folder / "s"
        self.sockets.mkdir(mode=0o700)
        self.python = build_image(self.folder / "root")
        self.seccomp = 0 if sandbox == UNCONFINED else call_number("seccomp")
        self.filters = [b""] * 2 if sandbox == UNCONFINED else [filter_program(), ready_program()]

    def command(self) -> list[str]:
        """The command that starts a zygote."""
        root = self.folder / "root"
        path = [DRIVER, SITE] if self.sandbox != UNCONFINED else [f"{root}{DRIVER}", f"{root}{SITE}"]
        code = f"import gc, sys; gc.disable(); sys.path[:0] = {path!r}; import bn_driver; bn_driver.main()"
        start = [str(self.python), "-I", "-S", "-c", code]
        if self.sandbox != BWRAP:
            return start
        environment = [part for name, value in _ENVIRONMENT.items() for part in ("--setenv", name, value)]
        mounts = ["--ro-bind", str(root), "/", "--dev-bind", "/dev/null", "/dev/null", "--chdir", "/"]
        return ["bwrap", *_NAMESPACES, *environment, *mounts, *start]

    def close(self) -> None:
        """Remove the folder, and let others have the user."""
        self._owned.close()
        if self.user:
            self.user.close()

    @property
    def stamp(self) -> str:
        """What confines answers here, as reports say it."""
        return self.sandbox if self.in_memory or self.sandbox == UNCONFINED else f"{self.sandbox}, libraries on disk"


class _User:
    """An unprivileged user that no other grading process of this machine has: they could reach and limit each other.

    Whoever has it holds a name of a socket, which the system takes back when the process ends, however it ends.
    """

    def __init__(self) -> None:
        for self.uid in range(FIRST_UID, FIRST_UID + UIDS):
            self._name = socket.socket(socket.AF_UNIX)
            try:
                self._name.bind(f"\0bn-grading-user-{self.uid}")
                return
            except OSError:
                self.close()
        raise SandboxUnavailable(f"all {UIDS} users from {FIRST_UID} on are taken by other grading processes")

    def close(self) -> None:
        """Let others have it."""
        self._name.close()


def _place() -> tuple[Path, bool]:
    """Where the image goes, and whether that is memory, in which nobody can see what was read.

    It goes into memory where programs may be run there and the room is enough for it several times over.
    """
    with contextlib.suppress(OSError):
        about = os.statvfs(IN_MEMORY)
        room = min(about.f_bavail * about.f_frsize, free_memory() or 0)
        if room > ROOM * IMAGE and not about.f_flag & os.ST_NOEXEC and os.access(IN_MEMORY, os.W_OK):
            return IN_MEMORY, True
    return Path(tempfile.gettempdir()), False


class Sandbox:
    """One submission's sandbox: it starts kernels, one at a time, and ends them.

    Parameters
    ----------
    workshop : Workshop
        What it shares with others.
    limits : dict of str to tuple
        Soft and hard limits of each kernel, by the names of the module `resource`.

    Attributes
    ----------
    clock : Clock
        By which its limits of time are measured.
    folder : Path
        The workshop's, which no kernel sees.
    """

    def __init__(self, workshop: Workshop, limits: dict[str, tuple[int, int]] = LIMITS) -> None:
        self._workshop = workshop
        self.folder = workshop.folder
        self._limits = limits
        self._process: subprocess.Popen | None = None
        self._control: socket.socket | None = None
        self._path = ""
        self._running = False
        self.status: int | None = None
        self.clock = Clock()

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start_kernel(self, key: str) -> str:
        """Fork a kernel that is ready as soon as it answers.

        Parameters
        ----------
        key : str
            What its messages are signed with.

        Returns
        -------
        path : str
            Its sockets are at path-1 (shell) and path-2 (iopub).

        Raises
        ------
        SandboxError
            If the sandbox does not start.
        """
        if self._process is None or self._process.poll() is not None:
            self._start()
        self.kill()
        self._path = path = str(self._workshop.sockets / secrets.token_hex(4))  # a kernel can read it
        filters = [base64.b64encode(program).decode() for program in self._workshop.filters]
        limits = dict(self._limits)
        if self._workshop.sandbox == USER:  # it counts all that a user has, so it needs a user of its own
            limits["RLIMIT_NPROC"] = (PROCESSES, PROCESSES)
        told = {"mime": MIME, "array": ARRAY, "words": WORDS, "seccomp": self._workshop.seccomp}
        request = {"start": {"key": key, "filters": filters, "limits": limits, **told}}
        with _listening(f"{path}-1") as shell, _listening(f"{path}-2") as iopub:
            descriptors = [shell.fileno(), iopub.fileno()]
            socket.send_fds(self._control, [json.dumps(request).encode()], descriptors)
            self._expect("started")
        self._running, self.status = True, None
        return path

    def poll(self) -> int | None:
        """The wait status of the kernel, or None while it runs."""
        if self._running:
            with contextlib.suppress(SandboxError):
                while (message := self._receive(0.0)) is not None:
                    self._note(message)
        return None if self._running else (self.status or 0)

    def ended(self) -> bool:
        """Whether the kernel that has gone silent has ended, or will in a moment."""
        deadline = self.clock.seconds() + END_SECONDS
        while self.poll() is None and self.clock.seconds() < deadline:
            time.sleep(0.005)
        return self.poll() is not None

    def kill(self) -> None:
        """End the kernel, and wait for its end."""
        if self.poll() is not None:
            return
        try:
            self._control.send(b'{"kill": true}')
            self._expect("exit")
        except (SandboxError, OSError):
            self._end()

    def close(self) -> None:
        """End the kernel and the zygote; nothing of them is left."""
        self.kill()
        self._end()

    def _start(self) -> None:
        self._end()
        self._control, theirs = socket.socketpair(type=socket.SOCK_SEQPACKET)
        with theirs, (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self._workshop.command(),
                cwd=self.folder / "root",
                env=_ENVIRONMENT | {"PATH": os.environ.get("PATH", os.defpath)},
                stdin=theirs,
                stdout=log,
                stderr=log,
                preexec_fn=self._drop if self._workshop.sandbox == USER else None,
            )
        self._expect("ready")

    def _drop(self) -> None:
        """In the child, before it becomes the zygote: a root of its own, and no rights."""
        uid = self._workshop.user.uid
        os.chroot(self.folder / "root")
        os.chdir("/")
        os.setgroups([])
        os.setgid(uid)
        os.setuid(uid)

    def _end(self) -> None:
        if self._running:
            self._running, self.status = False, 9
            self._remove_sockets()
        if self._control is not None:
            self._control.close()
            self._control = None
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _remove_sockets(self) -> None:
        for port in (1, 2):
            Path(f"{self._path}-{port}").unlink(missing_ok=True)

    def _expect(self, what: str) -> None:
        for seconds in self.clock.within(START_SECONDS):
            if (message := self._receive(seconds)) is not None:
                self._note(message)
                if what in message:
                    return
        raise SandboxError(f"the sandbox does not say {what!r}: {self._last_words()}")

    def _note(self, message: dict) -> None:
        if "exit" in message:
            self._running, self.status = False, message["exit"]
            self._remove_sockets()

    def _receive(self, seconds: float) -> dict | None:
        """The zygote's next message; None where there is none in time."""
        self._control.settimeout(seconds)
        try:
            data = self._control.recv(2**16)
        except (TimeoutError, BlockingIOError):
            return None
        if not data:
            self._end()
            raise SandboxError(f"the sandbox has ended: {self._last_words()}")
        return json.loads(data)

    def _last_words(self) -> str:
        with contextlib.suppress(OSError):
            return (self.folder / "log").read_text("utf-8", "replace").strip()[-300:]
        return ""


@contextlib.contextmanager
def _listening(path: str):
    """A listening socket that is made here and handed over, so that a kernel needs no folder to write to."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(4)
        yield listener
