"""Folders that go with their owner: each has a lock beside it, which a process holds as long as it lives.

What a killed run has left behind, the next one finds by its lock, which nobody holds any more, and removes.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import shutil
from pathlib import Path

PREFIX = "bn-grading-"
IN_MEMORY = Path("/dev/shm")  # where files lie in memory, if anywhere


class OwnedFolder:
    """A folder of this process's own, which nobody else can enter; those that dead processes have left are removed.

    Parameters
    ----------
    parent : Path
        Where it is made.
    """

    def __init__(self, parent: Path) -> None:
        sweep(parent)
        while True:
            self.path = parent / f"{PREFIX}{secrets.token_hex(8)}"
            self._lock = os.open(_lock_of(self.path), os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
            if _locked(self._lock):
                break
            os.close(self._lock)  # a sweeper was here before: it takes the lock away
        self.path.mkdir(mode=0o700)

    def close(self) -> None:
        """Remove the folder."""
        _remove(self.path)
        os.close(self._lock)


def sweep(parent: Path) -> None:
    """Remove the folders of this user whose owners are gone."""
    for lock in parent.glob(f"{PREFIX}*.lock"):
        with contextlib.suppress(OSError):
            descriptor = os.open(lock, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
            try:
                if os.fstat(descriptor).st_uid == os.geteuid() and _locked(descriptor):
                    _remove(lock.with_suffix(""))
            finally:
                os.close(descriptor)


def _remove(path: Path) -> None:
    if not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    with contextlib.suppress(OSError):
        os.unlink(_lock_of(path))


def _lock_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.lock")


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
