"""make course and make lecture, started and ended as a person does it."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]
SECONDS = 60  # after which a server that does not start or end is given up


def copy_course(folder: Path) -> Path:
    """Copy what the two need, and the notebooks, into a folder that uses this environment."""
    for part in ("jupyter", "handout", "lecture"):
        shutil.copytree(ROOT / "bn_helpers/course" / part, folder / "bn_helpers/course" / part)
    shutil.copy(ROOT / "Makefile", folder)
    for notebooks in ("notebooks", "solutions"):
        shutil.copytree(ROOT / notebooks, folder / notebooks, ignore=shutil.ignore_patterns("*.py", ".*"))
    (folder / ".venv").symlink_to(sys.prefix)
    return folder


@contextmanager
def serving(course: Path, settings: Path, target: str = "course") -> Iterator[tuple[subprocess.Popen, str]]:
    """A target of make on a free port, without a browser, with none of the user's own settings; and its address."""
    port = free_port()
    surroundings = {f"JUPYTER_{kind}_DIR": str(settings / kind) for kind in ("CONFIG", "DATA", "RUNTIME")}
    # -o takes the environment as it is: pytest runs in it
    command = ["make", "-o", ".venv/installed", "-o", ".venv/lecturer", target, f"PORT={port}", "BROWSER=no"]
    log = settings / "log"
    with log.open("w") as output:
        make = subprocess.Popen(command, cwd=course, env=os.environ | surroundings, stdout=output, stderr=output)
    try:
        wait_for(lambda: listens(port) or make.poll() is not None)
        address = re.search(rf"http://127.0.0.1:{port}\S+", log.read_text())
        assert address, log.read_text()
        yield make, address[0]
    finally:
        make.terminate()
        make.wait(SECONDS)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0
