"""make course and make lecture: JupyterLab with the first notebook, started and ended as a person does it."""

import asyncio
import json
import re
import shutil
import signal
import urllib.request

import pytest
from serving import SECONDS, copy_course, listens, serving, wait_for
from tornado.websocket import websocket_connect

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


@pytest.fixture
def server(tmp_path):
    """make course in a folder with a space in its name, and its address."""
    with serving(copy_course(tmp_path / "a course"), tmp_path) as started:
        yield started


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


def test_a_notebook_that_is_open_prints_no_warnings(server, tmp_path):
    _, address = server
    kernel = json.loads(request(address, "/api/kernels", b"{}"))["id"]
    base, token = re.fullmatch(r"http(://[^/]+).*\?(token=\w+)", address).groups()

    async def talk():
        channels = await websocket_connect(f"ws{base}/api/kernels/{kernel}/channels?session_id=a&{token}")
        assert await channels.read_message()
        channels.close()
        while await channels.read_message():  # until it is closed
            pass

    asyncio.run(talk())
    assert not re.findall(r"^\[W.*", (tmp_path / "log").read_text(), re.MULTILINE)


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


def test_what_was_changed_in_a_lecture_is_kept_aside_at_the_next_and_the_copies_are_fresh(tmp_path):
    course = copy_course(tmp_path / "a course")
    copies = course / "build" / "lecture"
    with serving(course, tmp_path, "lecture"):
        (copies / "01_normalization.ipynb").write_text("typed in class")
    with serving(course, tmp_path, "lecture"):
        for copy in copies.glob("*.ipynb"):
            assert copy.read_bytes() == (course / "solutions" / copy.name).read_bytes()
    (kept,) = copies.glob("*/*")
    assert (kept.name, kept.read_text()) == ("01_normalization.ipynb", "typed in class")
    assert f"Kept as you left it: {kept.relative_to(course)}" in (tmp_path / "log").read_text()
