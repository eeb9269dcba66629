"""Files that are written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path


def write_whole(path: Path, data: str | bytes) -> None:
    """Write a file beside its place and move it there, so that nobody ever sees half of it, nor any other user at all.

    Parameters
    ----------
    path : Path
        Where the file goes.
    data : str or bytes
        What it holds; text is written in UTF-8.
    """
    write_together({path: data}, mode=0o600)


def write_together(files: Mapping[Path, str | bytes], mode: int = 0o644) -> None:
    """Write files beside their places, and move them there when all are written.

    Parameters
    ----------
    files : mapping of Path to str or bytes
        What each file holds.
    mode : int, optional
        Who may read them; everybody, if not given.
    """
    beside: dict[Path, str] = {}
    path = None
    try:
        for path, data in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor, beside[path] = tempfile.mkstemp(dir=path.parent, prefix=".writing-")
            with open(descriptor, "wb") as file:
                file.write(data.encode("utf-8", "replace") if isinstance(data, str) else data)
                file.flush()
                os.fchmod(descriptor, mode)
                os.fsync(descriptor)
        for path, part in beside.items():
            os.replace(part, path)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None
    finally:
        for part in beside.values():
            with contextlib.suppress(OSError):
                os.unlink(part)
