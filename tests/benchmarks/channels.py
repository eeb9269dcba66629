"""Try to pass bits from one student's kernel to another's, over each hidden channel that the grader's README names.

    PYTHONPATH=tests .venv/bin/python -m benchmarks.channels [bwrap|user]

It prints bits a second, or what the system answers to whoever tries. A rate says what this machine gives at this
moment: no test asserts one.
"""

from __future__ import annotations

import argparse
import math
import os
import statistics
import time

from bn_helpers.grading.results import ANSWER, BWRAP, USER, Step
from bn_helpers.grading.sandbox.notebooks import run_notebooks
from bn_helpers.grading.sandbox.seccomp import call_number
from bn_helpers.grading.sandbox.workshop import Sandbox, Workshop
from bn_helpers.grading.workers import Workers

SLOT, COUNT = 0.04, 100  # seconds for a bit, and how many are sent
START = 8.0  # seconds until both kernels are there
SECONDS = 60.0  # for a kernel

# What would open a channel; each returns -1, or raises OSError, where it is refused.
ATTEMPTS = {
    "page cache: put out": "libc.syscall({fadvise64}, file, 0, 4096, 4)",
    "page cache: fill": "libc.syscall({readahead}, file, 0, 4096)",
    "page cache: look, by mincore": "libc.syscall({mincore}, page, 4096, byte)",
    "page cache: look, by preadv2": "libc.syscall({preadv2}, file, None, 0, 0, 0, 8)",
    "page cache: look, by cachestat": "libc.syscall(451, file, None, None, 0)",
    "names of sockets": "socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)",
    "numbers of sockets": "socket.socketpair()",
    "numbers of pipes": "libc.pipe(byte)",
    "cookies of sockets": "max(libc.getsockopt(n, 1, 57, byte, ctypes.byref(ctypes.c_uint(8))) for n in range(128))",
    "flags of open files": "libc.fcntl(0, 4, os.O_APPEND)",
    "clocks of processes": "libc.clock_gettime(~os.getpid() << 3 | 2, byte)",
    "locks of files": "libc.flock(file, 2)",
    "shared memory": "libc.shmget(7, 4096, 0o1666)",
    "count of processes: fork": "os.fork() or os._exit(0)",
    "count of processes: threads": "libc.syscall({clone}, 0x3D0F00, None, None, None, 0)",
}
FRESH = "__import__('bn_driver').fresh('[\"\", []]')\n"  # as before each answer
TRY = """
import ctypes, errno, os, socket
libc, file = ctypes.CDLL(None, use_errno=True), os.open(os.__file__, os.O_RDONLY)
byte = ctypes.create_string_buffer(4096)
page = ctypes.c_void_p(ctypes.addressof(byte) & ~4095)
seen = []
for attempt in {attempts!r}:
    try:
        seen.append("open" if eval(attempt) != -1 else errno.errorcode[ctypes.get_errno()])
    except OSError as error:
        seen.append(errno.errorcode[error.errno])
raise ValueError(" ".join(seen))
"""
NUMBER = "import os\nraise ValueError(os.getpid())"
# The one keeps the memory busy where a bit is 1, the other counts how often it gets through its own.
SEND = """
import time, numpy as np
values = np.ones(2**21)
for number, bit in enumerate({bits}):
    time.sleep(max(0.0, {start} + number * {slot} - time.time()))
    while bit and time.time() < {start} + (number + 0.9) * {slot}:
        values += 1
"""
RECEIVE = """
import time, numpy as np
values, seen = np.ones(2**20), [0] * {count}
time.sleep(max(0.0, {start} - time.time()))
while (slot := int((time.time() - {start}) / {slot})) < {count}:
    values += 1
    seen[slot] += 1
raise ValueError("".join("1" if rounds < np.median(seen) else "0" for rounds in seen))
"""


def in_a_kernel(sandbox: str, code: str) -> str:
    """What a cell says by an exception, in a kernel of a grading process of its own."""
    workshop = Workshop(sandbox)
    with Sandbox(workshop) as box:
        notebook = {"notebook": [Step(ANSWER, "normalize", FRESH + code)]}
        attempt = run_notebooks(notebook, box, box.clock.seconds() + SECONDS)["notebook"]["normalize"]
    workshop.close()
    return attempt.error.removeprefix("ValueError: ") or attempt.fate


def carried(sent: list[int], received: str) -> tuple[float, float]:
    """The share of wrong bits, and the bits a second that a channel with so many carries."""
    wrong = statistics.mean(str(bit) != got for bit, got in zip(sent, received, strict=True))
    lost = -sum(share * math.log2(share) for share in (wrong, 1 - wrong) if share)
    return wrong, (1 - lost) / SLOT


def main() -> None:
    """Try each channel, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("sandbox", nargs="?", default=BWRAP, choices=[BWRAP, USER])
    sandbox = parser.parse_args().sandbox
    numbers = {name: call_number(name) for name in ("fadvise64", "readahead", "mincore", "preadv2", "clone")}
    attempts = [attempt.format(**numbers) for attempt in ATTEMPTS.values()]
    with Workers(2) as workers:
        answers = workers.call(in_a_kernel, sandbox, TRY.format(attempts=attempts)).split()
        for name, answer in zip(ATTEMPTS, answers, strict=True):
            print(f"{name:32} {'open' if answer == 'open' else f'closed ({answer})'}")
        own = [workers.call(in_a_kernel, sandbox, NUMBER) for _ in range(3)]
        print(f"{'number of a process':32} {'closed' if len({*own}) == 1 else 'open'} ({', '.join(own)})")
        bits = [byte & 1 for byte in os.urandom(COUNT)]
        told = {"start": time.time() + START, "slot": SLOT, "count": COUNT, "bits": bits}
        receiver, _ = (workers.submit(in_a_kernel, sandbox, code.format(**told)) for code in (RECEIVE, SEND))
        wrong, rate = carried(bits, receiver.result())
    load = os.getloadavg()[0]
    print(f"{'timing of the processor':32} {rate:.1f} bits a second, {wrong:.0%} of {COUNT} wrong (load {load:.1f})")


if __name__ == "__main__":
    from benchmarks import channels  # under a name by which a grading process finds it

    channels.main()
