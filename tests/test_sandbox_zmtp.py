import itertools
import socket
import threading
import time

import pytest

from bn_helpers.grading import clock
from bn_helpers.grading.sandbox import zmtp
from bn_helpers.grading.sandbox.zmtp import COMMAND, GREETING, Connection, Meter, _frame

LARGE = bytes(2**22)  # more than a socket takes that nobody reads


@pytest.fixture
def connect(tmp_path, monkeypatch):
    """A connection that waits by some clock, and the kernel's end of it, which has said that it is ready."""
    monkeypatch.setattr(zmtp, "WALL_SECONDS", 0.1)
    monkeypatch.setattr(clock, "LOOK", 0.01)
    opened = []

    def connect(seconds):
        told = clock.Clock()
        told.seconds = seconds
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(tmp_path / "s"))
            listener.listen()
            connection = Connection(str(tmp_path / "s"), "DEALER", Meter(), told)
            kernel, _ = listener.accept()
        opened.extend([connection, kernel])
        kernel.sendall(GREETING + _frame(b"\x05READY", COMMAND))
        assert list(connection.messages()) == []
        return connection, kernel

    yield connect
    for end in opened:
        end.close()


def test_a_kernel_that_waits_for_a_processor_is_waited_for(connect):
    connection, kernel = connect(lambda: 0.0)  # its clock stands still

    def read_late():
        time.sleep(0.3)
        while data := kernel.recv(2**20):
            received.extend(data)

    received = bytearray()
    reader = threading.Thread(target=read_late)
    reader.start()
    connection.send([LARGE])
    connection.close()
    reader.join()
    assert LARGE in received


def test_one_that_reads_nothing_is_not_waited_for_ever(connect):
    connection, _ = connect(itertools.count(0, 0.01).__next__)
    connection.send([LARGE])
