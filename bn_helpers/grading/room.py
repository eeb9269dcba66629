"""What goes wrong around grading, in a sentence with what to do: no room, or a folder from which nothing can be run."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from pathlib import Path

NEEDED = 500 * 2**20  # bytes for sandboxes, zips and reports of a class
LONGEST = 500  # characters of what another program says


def advice(error: BaseException) -> str:
    """What went wrong, cut where it is long, and what can be done about it, as far as that can be seen."""
    said = str(error)
    cut = said if len(said) <= LONGEST else f"{said[:LONGEST]} …"
    return " ".join(part for part in (cut, _full(error), _temporary()) if part)


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
