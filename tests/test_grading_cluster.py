"""Grading by real Dask workers: a scheduler and two workers, each a process of its own, on this machine's loopback."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from submissions import sandbox_here, write_class
from test_grading_workers import die, double, fail, own_process

from bn_helpers.cli import ROOT
from bn_helpers.grading import batch
from bn_helpers.grading import cluster as module
from bn_helpers.grading.cluster import Cluster
from bn_helpers.grading.results import BWRAP, GradingError
from bn_helpers.grading.workers import WorkerLost, completed
from bn_helpers.submission import Submission

pytest.importorskip("distributed", reason="Dask is not installed: pip install -e '.[cluster]'")

SECONDS = 60.0  # to start on a busy machine
STUDENTS = int(os.environ.get("STUDENTS", "16"))  # 200 shows more, and takes longer

pytestmark = pytest.mark.slow


def kill_the_worker():
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(SECONDS)


class Dask:
    """A scheduler and its workers."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        self.processes: list[subprocess.Popen] = []
        there = folder / "scheduler.json"
        self.scheduler = self._start("scheduler", "--port", "0", "--scheduler-file", str(there), *options)
        deadline = time.monotonic() + SECONDS
        while not (text := there.read_text() if there.exists() else "").endswith("}"):  # the scheduler is writing it
            assert time.monotonic() < deadline, (folder / "log").read_text()
            time.sleep(0.05)
        self.address = json.loads(text)["address"]

    def worker(self, *options: str, before: str = "") -> subprocess.Popen:
        own = [self.address, "--nthreads", "1", "--local-directory", str(self.folder)]
        return self._start("worker", *own, *options, before=before)

    def close(self) -> None:
        for process in reversed(self.processes):
            process.kill()
            process.wait()

    def _start(self, command: str, *options: str, before: str = "") -> subprocess.Popen:
        code = f"{before}\nimport sys\nfrom distributed.cli.dask_{command} import main\nmain()"
        local = ["--host", "127.0.0.1", "--dashboard-address", "127.0.0.1:0"]
        environment = os.environ | {
            "PYTHONPATH": os.pathsep.join([os.path.dirname(__file__), *sys.path]),
            "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "1",
        }
        with (self.folder / "log").open("ab") as log:
            arguments = [sys.executable, "-c", code, *options, *local]
            process = subprocess.Popen(arguments, env=environment, cwd=self.folder, stdout=log, stderr=log)
        self.processes.append(process)
        return process


@pytest.fixture(autouse=True)
def nothing_left_open():
    """Not compared here: Dask closes its sockets in threads of its own, at a time of its own."""


@pytest.fixture
def dask(tmp_path):
    dask = Dask(tmp_path)
    yield dask
    dask.close()


def test_calls_are_made_in_a_process_that_lives_on_also_under_a_nanny(dask):
    dask.worker()
    calls = {"fine": (double, 1), "fails": (fail,), "dies": (die,)}
    with Cluster(dask.address) as cluster:
        first, second = (cluster.submit(own_process).result() for _ in range(2))
        found = {name: (value, type(error)) for name, value, error in completed(cluster, calls)}
    assert first == second
    assert found == {"fine": (2, type(None)), "fails": (None, ValueError), "dies": (None, WorkerLost)}


def test_what_kills_workers_is_given_up_and_harms_no_other_call(dask):
    dask.worker()
    dask.worker()
    calls = {"kills": (kill_the_worker,), **{number: (double, number) for number in range(20)}}
    with Cluster(dask.address) as cluster:
        found = {name: (value, type(error).__name__) for name, value, error in completed(cluster, calls)}
    assert found.pop("kills") == (None, "KilledWorker")
    assert found == {number: (2 * number, "NoneType") for number in range(20)}


@pytest.mark.parametrize(
    ("before", "words"),
    [
        ("import sys; sys.modules['bn_helpers'] = None", "a worker lacks the course"),
        ("from bn_helpers.grading import store; store.course_version = lambda: 'other'", "its version of the course"),
        ("import os; os.environ['PATH'] = ''", r"the worker tcp:.*cannot grade: [\s\S]*bubblewrap is missing"),
    ],
    ids=["no course", "another course", "no sandbox"],
)
def test_a_worker_that_is_not_fit_to_grade_is_told(dask, before, words):
    dask.worker("--no-nanny", before=before)
    with Cluster(dask.address) as cluster, pytest.raises(GradingError, match=words):
        cluster.submit(batch._grade, b"key", BWRAP, (), Submission("kim")).result()


def test_a_scheduler_without_workers_or_that_goes_away_is_told(dask, monkeypatch):
    monkeypatch.setattr(module, "SECONDS", 5.0)
    with pytest.raises(GradingError, match=f"no worker. Start some: dask worker {dask.address}"):
        Cluster(dask.address)
    monkeypatch.undo()
    dask.worker()
    with Cluster(dask.address) as cluster:
        future = cluster.submit(time.sleep, SECONDS)
        dask.scheduler.kill()
        with pytest.raises(GradingError, match="the scheduler has gone"):
            future.result()


@pytest.mark.parametrize(
    "address", ["tcp://192.0.2.1:8786", "tls://192.0.2.1:8786", "tcp://scheduler:8786", "nonsense"]
)
def test_a_scheduler_over_a_network_is_refused_without_certificates(address):
    with pytest.raises(GradingError, match="--security FOLDER"):
        Cluster(address)


def test_certificates_that_are_not_there_are_told(tmp_path):
    (tmp_path / "ca.pem").touch()
    with pytest.raises(GradingError, match=r"there is no cert\.pem, no key\.pem"):
        Cluster("tls://127.0.0.1:8786", tmp_path)


def test_with_certificates_all_is_encrypted_and_who_has_others_is_refused(tmp_path, monkeypatch):
    if shutil.which("openssl") is None:
        pytest.skip("openssl is missing")
    monkeypatch.setattr(module, "SECONDS", 30.0)
    mine, others = (certificates(tmp_path / name) for name in ("mine", "others"))
    options = [
        f"--tls-{kind}={mine / f'{name}.pem'}" for kind, name in (("ca-file", "ca"), ("cert", "cert"), ("key", "key"))
    ]
    dask = Dask(tmp_path, "--protocol", "tls", *options)
    try:
        dask.worker(*options)
        assert dask.address.startswith("tls://")
        with Cluster(dask.address, mine) as cluster:
            assert cluster.submit(double, 21).result() == 42
        monkeypatch.setattr(module, "SECONDS", 3.0)
        with pytest.raises(GradingError, match="cannot be reached"):
            Cluster(dask.address, others)
    finally:
        dask.close()


def certificates(folder: Path) -> Path:
    """A folder with a certificate that is its own authority."""
    folder.mkdir()
    files = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=course", *files]
    subprocess.run(command, check=True, capture_output=True)
    shutil.copy(folder / "cert.pem", folder / "ca.pem")
    return folder


def grade(students: Path, out: Path, *options: str) -> subprocess.Popen:
    paths = [str(students), "--key", "secret", "--out", str(out)]
    command = [sys.executable, "-m", "bn_helpers", "grade", *paths, *options]
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)


def results(out: Path) -> str:
    """The results as they are written, times apart."""
    return re.sub(r'"seconds": [\d.]+', "", (out / "results.json").read_text("utf-8"))


def test_a_class_is_graded_as_here_though_a_worker_is_killed(dask, tmp_path):
    sandbox_here()
    students = write_class(tmp_path / "class", STUDENTS)
    doomed = dask.worker("--no-nanny")
    dask.worker()
    with grade(students, tmp_path / "there", "--scheduler", dask.address) as there:
        while len(list((tmp_path / "there" / ".graded").glob("*.json"))) < STUDENTS // 3:
            assert there.poll() is None, there.stderr.read()
            time.sleep(0.05)
        doomed.kill()
        told = there.communicate()[1]
    assert there.returncode == 0, told
    with grade(students, tmp_path / "here") as here:
        told = here.communicate()[1]
    assert here.returncode == 0, told
    submissions = json.loads((tmp_path / "there" / "results.json").read_text("utf-8"))["submissions"]
    assert [each["student"] for each in submissions] == sorted(path.name for path in students.iterdir())
    assert results(tmp_path / "there") == results(tmp_path / "here")
