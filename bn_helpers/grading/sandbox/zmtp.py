"""ZeroMQ's protocol, as much of it as reads what a hostile kernel sends: https://rfc.zeromq.org/spec/23 (ZMTP 3.0).

libzmq takes in whatever comes, as many messages and parts as fit into memory. Here every byte is counted on the wire,
before anything is made of it.
"""

from __future__ import annotations

import contextlib
import select
import socket
from collections.abc import Iterator
from dataclasses import dataclass

from bn_helpers.grading.clock import Clock
from bn_helpers.grading.sandbox.limits import MESSAGES, OUTPUT, PARTS, WALL_SECONDS

GREETING = b"\xff" + bytes(7) + b"\x01\x7f" + b"\x03\x00" + b"NULL".ljust(20, b"\0") + bytes(32)
MORE, LONG, COMMAND = 1, 2, 4  # flags of a frame


class Flood(Exception):
    """More has come than a kernel may send."""


@dataclass
class Meter:
    """What the sockets of a kernel have received since a cell was sent."""

    bytes: int = 0
    messages: int = 0

    def count(self, received: int, messages: int = 0) -> None:
        """Add to what was received; Flood where it is too much. The grader's own messages are among it."""
        self.bytes += received
        self.messages += messages
        if self.bytes > 2 * OUTPUT or self.messages > MESSAGES:
            raise Flood


class Connection:
    """A connection to a socket of a kernel.

    Parameters
    ----------
    path : str
        Where the kernel listens.
    kind : str
        "DEALER", which asks and is answered, or "SUB", which is told everything.
    meter : Meter
        Counts what comes.
    clock : Clock
        By which it waits for a kernel that is slow to read.
    """

    def __init__(self, path: str, kind: str, meter: Meter, clock: Clock) -> None:
        self._meter = meter
        self._clock = clock
        self._received = bytearray()
        self._parts: list[bytes] = []
        self._greeted = self._ready = False
        self._waiting: list[bytes] = [_frame(b"\x01", 0)] if kind == "SUB" else []  # a subscription to everything
        self.open = True
        self._socket = socket.socket(socket.AF_UNIX)
        try:
            self._socket.connect(path)
        except OSError:
            self.open = False
        self._socket.setblocking(False)
        ready = b"\x05READY" + _property(b"Socket-Type", kind.encode()) + _property(b"Identity", b"")
        self._write(GREETING + _frame(ready, COMMAND))

    def fileno(self) -> int:
        """For those who wait for something to read."""
        return self._socket.fileno()

    def send(self, parts: list[bytes]) -> None:
        """Send a message, as soon as the kernel has said that it is ready."""
        *first, last = parts
        message = b"".join(_frame(part, MORE) for part in first) + _frame(last, 0)
        if self._ready:
            self._write(message)
        else:
            self._waiting.append(message)

    def messages(self) -> Iterator[list[bytes]]:
        """What has come, message by message; `open` is False once the kernel has closed its end."""
        while self._read():
            yield from self._whole()
        yield from self._whole()

    def close(self) -> None:
        """Disconnect."""
        self.open = False
        self._socket.close()

    def _write(self, data: bytes) -> None:
        """Send, in the time of a cell; a kernel that is gone, or reads nothing, is noticed in reading."""
        left = memoryview(data)
        with contextlib.suppress(OSError):
            for seconds in self._clock.within(WALL_SECONDS):
                if select.select([], [self], [], seconds)[1]:
                    left = left[self._socket.send(left) :]
                if not left:
                    return

    def _read(self) -> bool:
        """Take what is there; whether there may be more."""
        try:
            data = self._socket.recv(2**16) if self.open else b""
        except BlockingIOError:
            return False
        except OSError:
            data = b""
        self.open = bool(data)
        self._meter.count(len(data))
        self._received += data
        return self.open

    def _whole(self) -> Iterator[list[bytes]]:
        """The messages that are complete."""
        if not self._greeted:
            if len(self._received) < len(GREETING):
                return
            del self._received[: len(GREETING)]
            self._greeted = True
        place, received = 0, self._received
        while (found := _next_frame(received, place)) is not None:
            flags, start, place = found
            if flags & COMMAND:
                self._begin()
                continue
            self._parts.append(bytes(received[start:place]))
            if len(self._parts) > PARTS:
                raise Flood
            if not flags & MORE:
                parts, self._parts = self._parts, []
                self._meter.count(0, messages=1)
                yield parts
        del received[:place]

    def _begin(self) -> None:
        """The kernel is ready: send what has waited for it."""
        if not self._ready:
            self._ready = True
            self._write(b"".join(self._waiting))


def _frame(body: bytes, flags: int) -> bytes:
    if len(body) < 256:
        return bytes([flags, len(body)]) + body
    return bytes([flags | LONG]) + len(body).to_bytes(8, "big") + body


def _property(name: bytes, value: bytes) -> bytes:
    return bytes([len(name)]) + name + len(value).to_bytes(4, "big") + value


def _next_frame(received: bytearray, place: int) -> tuple[int, int, int] | None:
    """Flags, beginning and end of the frame at a place; None where it is not complete."""
    width = 8 if len(received) > place and received[place] & LONG else 1
    start = place + 1 + width
    if len(received) < start:
        return None
    size = int.from_bytes(received[place + 1 : start], "big")
    if size > 2 * OUTPUT:
        raise Flood
    return (received[place], start, start + size) if len(received) >= start + size else None
