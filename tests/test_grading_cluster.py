"""Grading by real Dask workers: a scheduler and two workers, each a process of its own, on this machine's loopback."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from submissions import write_class
from test_grading_workers import die, double, fail, own_process

from bn_helpers.cli import ROOT
from bn_helpers.grading import cluster as module
from bn_helpers.grading import store
from bn_helpers.grading.cluster import Cluster
from bn_helpers.grading.sandbox import SandboxUnavailable, choose_sandbox
from bn_helpers.grading.students import GradingError
from bn_helpers.grading.workers import WorkerLost, completed

pytest.importorskip("distributed", reason="Dask is not installed: pip install -e '.[cluster]'")

SECONDS = 60.0  # to start on a busy machine
STUDENTS = int(os.environ.get("STUDENTS", "24"))  # 200 shows more, and takes longer


def worker_process():
    return os.getppid()


def kill_the_worker():
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(SECONDS)


class Dask:
    """A scheduler and its workers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.processes: list[subprocess.Popen] = []
        there = folder / "scheduler.json"
        self.scheduler = self._start("scheduler", "--port", "0", "--scheduler-file", str(there))
        deadline = time.monotonic() + SECONDS
        while not there.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        self.address = json.loads(there.read_text())["address"]

    def worker(self, *options: str, before: str = "") -> subprocess.Popen:
        return self._start("worker", self.address, "--nthreads", "1", *options, before=before)

    def close(self) -> None:
        for process in reversed(self.processes):
            process.kill()
            process.wait()

    def _start(self, command: str, *options: str, before: str = "") -> subprocess.Popen:
        code = f"{before}\nimport sys\nfrom distributed.cli.dask_{command} import main\nmain()"
        local = ["--host", "127.0.0.1", "--dashboard-address", "127.0.0.1:0"]
        environment = os.environ | {"PYTHONPATH": os.path.dirname(__file__)}
        with (self.folder / "log").open("ab") as log:
            arguments = [sys.executable, "-c", code, *options, *local]
            process = subprocess.Popen(arguments, env=environment, cwd=self.folder, stdout=log, stderr=log)
        self.processes.append(process)
        return process


@pytest.fixture
def dask(tmp_path):
    dask = Dask(tmp_path)
    yield dask
    dask.close()
