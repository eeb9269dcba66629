"""What goes wrong around grading, in a sentence with what to do: no room, or a folder from which nothing can be run."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import tempfile
from pathlib import Path

from bn_helpers.errors import said
from bn_helpers.grading.sandbox.limits import IMAGE, MEMORY
from bn_helpers.grading.workers import MEMORY as OWN_MEMORY

NEEDED = 500 * 2**20  # bytes for sandboxes, zips and reports of a class
LONGEST = 500  # characters of what another program says
EACH = OWN_MEMORY + MEMORY + IMAGE  # bytes that a grading process takes at most, with a kernel and its libraries
MEMINFO, LIMIT = Path("/proc/meminfo"), Path("/sys/fs/cgroup/memory.max")


def free_memory() -> int | None:
    """Bytes of memory that are free on this machine, or that its container may have; None where nothing says so."""
    free = []
    with contextlib.suppress(OSError, ValueError, KeyError):
        lines = dict(line.split(":") for line in MEMINFO.read_text().splitlines())
        free.append(int(lines["MemAvailable"].split()[0]) * 1024)
    with contextlib.suppress(OSError, ValueError):  # without a limit it says "max"
        free.append(int(LIMIT.read_text()))
    return min(free, default=None)


def processes(most: int, wanted: int | None) -> tuple[int, str]:
    """How many grading processes to have, and what there is to say of their memory.

    Parameters
    ----------
    most : int
        How many there is work for, and cores.
    wanted : int, optional
        How many there shall be; without it, no more than there is memory for.
    """
    free = free_memory()
    if free is None:
        return wanted or most, ""
    count = wanted or max(1, min(most, free // EACH))
    taken, there = (f"{size / 2**30:.1f} GB" for size in (count * EACH, free))
    said = f"grading processes: {count}, which take at most {taken} of memory; {there} are free"
    if count * EACH > free:
        said += f". That may not be enough: close other programs{', or give fewer --workers' * (count > 1)}."
    elif count < most and not wanted:
        said += f", which is too little for {most}"
    return count, said


def advice(error: BaseException) -> str:
    """What went wrong, cut where it is long, and what can be done about it, as far as that can be seen."""
    words = said(error)
    cut = words if len(words) <= LONGEST else f"{words[:LONGEST]} …"
    more = " ".join(filter(None, (_full(error), _temporary())))
    return f"{cut.removesuffix('.')}. {more}" if more else cut


def _full(error: BaseException) -> str:
    if not isinstance(error, OSError) or error.errno not in (errno.ENOSPC, errno.EDQUOT) or not error.filename:
        return ""
    folder = Path(error.filename).parent
    free = f"{shutil.disk_usage(folder).free / 2**20:.0f} MB are free there. " if folder.is_dir() else ""
    return f"{free}Make room in {folder} and run the same again: what is graded is kept."


def _temporary() -> str:
    """What is wrong with the folder for temporary files."""
    folder = tempfile.gettempdir()
    free = shutil.disk_usage(folder).free
    if os.statvfs(folder).f_flag & os.ST_NOEXEC:
        return f"Nothing can be run from {folder} (it is mounted noexec): set TMPDIR to a folder elsewhere."
    if free < NEEDED:
        left, needed = free // 2**20, NEEDED // 2**20
        return f"{folder} has only {left} MB left of the {needed} that grading takes: set TMPDIR to another folder."
    return ""
