"""make course: JupyterLab with the first notebook, started and ended as a person does it."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SECONDS = 60  # after which a server that does not start or end is given up

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


@pytest.fixture
def course(tmp_path):
    """A folder with spaces in its name that holds the course's notebooks and this environment."""
    folder = tmp_path / "a course"
    (folder / "notebooks").mkdir(parents=True)
    shutil.copy(ROOT / "Makefile", folder)
    for part in ("jupyter", "handout"):
        shutil.copytree(ROOT / "bn_helpers/course" / part, folder / "bn_helpers/course" / part)
    shutil.copy(ROOT / "notebooks" / "01_normalization.ipynb", folder / "notebooks")
    (folder / ".venv").symlink_to(sys.prefix)
    return folder


@pytest.fixture
def server(course, tmp_path):
    """make course on a free port, without a browser, with none of the user's own settings; and its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folders = {f"JUPYTER_{kind}_DIR": str(tmp_path / kind) for kind in ("CONFIG", "DATA", "RUNTIME")}
    # -o takes the environment as it is: pytest runs in it
    command = ["make", "-o", ".venv/installed", "course", f"PORT={port}", "BROWSER=no"]
    log = tmp_path / "log"
    with log.open("w") as output:
        make = subprocess.Popen(command, cwd=course, env=os.environ | folders, stdout=output, stderr=output)
    try:
        wait_for(lambda: listens(port) or make.poll() is not None)
        address = re.search(rf"http://127.0.0.1:{port}\S+", log.read_text())
        assert address, log.read_text()
        yield make, address[0]
    finally:
        make.terminate()
        make.wait(SECONDS)


def wait_for(condition):
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def listens(port):
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def request(address, path="", data=None):
    """The text at `address`, or at `path` of the same server: a GET, or a POST of `data`."""
    base, _, token = re.fullmatch(r"(http://[^/]+)(.*)\?token=(\w+)", address).groups()
    headers = {"Authorization": f"token {token}"}
    with urllib.request.urlopen(urllib.request.Request(base + path if path else address, data, headers)) as response:
        return response.read().decode()


def test_it_serves_the_first_notebook_at_the_address_it_prints_and_asks_for_no_news(server):
    _, address = server
    assert "/lab/tree/notebooks/01_normalization.ipynb?token=" in address
    page = re.search(r'<script id="jupyter-config-data".*?>(.*?)</script>', request(address), re.DOTALL)
    assert "@jupyterlab/apputils-extension:announcements" in json.loads(page[1])["disabledExtensions"]
    notebook = json.loads(request(address, "/api/contents/notebooks/01_normalization.ipynb"))
    assert notebook["content"]["cells"][0]["cell_type"] == "markdown"


def test_it_ends_on_sigterm_and_takes_the_kernels_with_it(server, tmp_path):
    make, address = server
    request(address, "/api/kernels", b"{}")
    (connection,) = (tmp_path / "RUNTIME").glob("kernel-*.json")
    kernel = json.loads(connection.read_text())["shell_port"]
    wait_for(lambda: listens(kernel))
    make.send_signal(signal.SIGTERM)
    make.wait(SECONDS)
    assert not listens(kernel)
    assert not listens(int(re.search(r":(\d+)/", address)[1]))
