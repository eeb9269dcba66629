"""What was handed in, file by file: folders are walked, zips are unpacked within bounds, links are never followed."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
import stat
import tempfile
import time
import unicodedata
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bn_helpers.grading.folders import OwnedFolder
from bn_helpers.grading.names import fitting
from bn_helpers.grading.results import GradingError
from bn_helpers.text import one_line

MAX_MEMBER = 64 * 2**20  # bytes of a file in a zip
MAX_ZIP = 256 * 2**20  # bytes that a zip of a student's may give, with the zips in it
MAX_CLASS = 8 * 2**30  # bytes that all zips together may give
MAX_MEMBERS = 10_000  # files in a zip, with the zips in it
MAX_ZIPS = 3  # zips inside one another
MAX_FOLDERS = 20  # folders inside one another
LONGEST_PART = 80  # characters of a name in a zip
EMPTY = "there is nothing in it"

READ = {".ipynb", ".py", ".zip", ".yml"}  # of everything else in a zip the name is enough
_ARCHIVES = {".rar", ".7z", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".egg", ".alz"}
_HIDDEN = re.compile(r"\.[^.]|__|~\$|(Thumbs\.db|desktop\.ini|Icon\r|node_modules|venv|bn_helpers)$", re.IGNORECASE)


@dataclass
class _Room:
    """What a zip, with the zips in it, may still give."""

    bytes: int
    files: int = field(default_factory=lambda: MAX_MEMBERS)


@dataclass(frozen=True)
class Handed:
    """A file: `place` is its path from what was named (a zip is a folder there), and `path` is where it is read.

    `problem` says why it cannot be read, where that is known already. A folder with nothing in it is one, too.
    """

    place: tuple[str, ...]
    path: Path
    problem: str = ""

    @property
    def suffix(self) -> str:
        """In small letters."""
        return Path(self.place[-1]).suffix.lower()


class Collector:
    """Finds all files below some paths.

    Parameters
    ----------
    scratch : Path
        A folder of the grader's own, for what is in zips.
    others : iterable of Path, optional
        What may lie there and nobody handed in: the folder of the results, say.
    """

    def __init__(self, scratch: Path, others: Iterable[Path] = ()) -> None:
        self._scratch = scratch
        self._others = {os.path.realpath(path) for path in others}
        self._left = MAX_CLASS

    def files(self, root: Path) -> list[Handed]:
        """The files of a folder or of a zip, whose own name is no part of their places; else the file itself."""
        if root.is_dir():
            return list(self._below(root, ()))
        if root.suffix.lower() == ".zip":
            try:
                return list(self._below(self._unpacked(root, _Room(MAX_CLASS)), (), zips=1))
            except _Unusable as error:
                raise GradingError(f"{root}: {error}.") from None
        return [Handed((_composed(root.name),), root)]

    def _below(
        self, folder: Path, place: tuple[str, ...], zips: int = 0, room: _Room | None = None
    ) -> Iterator[Handed]:
        """What is in a folder, `zips` deep in zips; `room` is what is left of the student's, inside one."""
        found = False
        for path in _visible(folder):
            if os.path.realpath(path) in self._others and not path.is_symlink():
                continue
            found = True
            yield from self._at(path, (*place, _composed(path.name)), zips, room)
        if place and not found:
            yield Handed(place, folder, EMPTY)

    def _at(self, path: Path, place: tuple[str, ...], zips: int, room: _Room | None) -> Iterator[Handed]:
        suffix = path.suffix.lower()
        if path.is_symlink():
            yield Handed(place, path, "it is a symbolic link, which is not followed")
        elif path.is_dir() and len(place) >= MAX_FOLDERS:
            yield Handed(place, path, f"more than {MAX_FOLDERS} folders lie inside one another")
        elif path.is_dir():
            yield from self._below(path, place, zips, room)
        elif not path.is_file():
            yield Handed(place, path, "it is not an ordinary file")
        elif suffix == ".zip":
            yield from self._zip(path, place, zips, room or _Room(MAX_ZIP))
        elif suffix in _ARCHIVES:
            yield Handed(place, path, "this kind of archive is not unpacked: do it by hand")
        else:
            yield Handed(place, path)

    def _zip(self, path: Path, place: tuple[str, ...], zips: int, room: _Room) -> Iterator[Handed]:
        try:
            if zips >= MAX_ZIPS:
                raise _Unusable(f"more than {MAX_ZIPS} zips lie inside one another")
            unpacked = self._unpacked(path, room)
        except _Unusable as error:
            yield Handed(place, path, str(error))
        else:
            yield from self._below(unpacked, place, zips + 1, room)

    def _unpacked(self, path: Path, room: _Room) -> Path:
        """A new folder with what is in a zip. Whatever is too large, or leads out of it, is left out or refused."""
        folder = Path(tempfile.mkdtemp(dir=self._scratch))
        try:
            with zipfile.ZipFile(path) as archive:
                members = [info for info in archive.infolist() if not info.is_dir()]
                room.files -= len(members)
                if room.files < 0:
                    raise _Unusable(f"the zip holds {len(members)} files, with others more than {MAX_MEMBERS}")
                for number, info in enumerate(members):
                    taken = _extract(archive, info, folder, min(room.bytes, self._left), number)
                    room.bytes -= taken
                    self._left -= taken
        except _Unusable:
            raise
        except Exception as error:  # a damaged zip may raise anything
            if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise _no_space(self._scratch) from None
            raise _Unusable(f"the zip cannot be unpacked: {one_line(str(error))[:100]}") from None
        return folder


@contextlib.contextmanager
def own_scratch() -> Iterator[Path]:
    """A folder for what is in zips, which is gone afterwards."""
    try:
        owned = OwnedFolder(Path(tempfile.gettempdir()))
    except OSError as error:
        raise GradingError(
            f"no folder can be made for what is in zips: {error.strerror}. Set TMPDIR to a folder with room."
        ) from None
    with contextlib.closing(owned):
        yield owned.path


class _Unusable(Exception):
    """A zip that is not unpacked, and why."""


def _no_space(folder: Path) -> GradingError:
    free = shutil.disk_usage(folder).free / 2**20
    return GradingError(
        f"{folder.parent} has no room for what is in the zips ({free:.0f} MB are free). "
        "Set TMPDIR to a folder with more, or unpack them yourself."
    )


def _extract(archive: zipfile.ZipFile, info: zipfile.ZipInfo, folder: Path, room: int, number: int) -> int:
    """Write one file of a zip; what it took. What a header says of its size is not believed."""
    parts = _parts(info)
    if not parts or stat.S_ISLNK(info.external_attr >> 16):
        return 0
    path = folder.joinpath(*parts)
    if path.exists():  # of the same name
        path = folder.joinpath(str(number), *parts)
    path.parent.mkdir(parents=True, exist_ok=True)
    room, data = min(room, MAX_MEMBER), b""
    if path.suffix.lower() in READ:
        with archive.open(info) as member:
            data = member.read(room + 1)
    if len(data) > room:
        raise _Unusable(f"it unpacks to more than {room // 2**20} MB ({parts[-1]})")
    path.write_bytes(data)
    with contextlib.suppress(ValueError, OverflowError):
        written = time.mktime((*info.date_time, 0, 0, -1))
        os.utime(path, (written, written))
    return len(data)


def _parts(info: zipfile.ZipInfo) -> list[str]:
    """The path of a file in a zip, which leads nowhere else; nothing where it is hidden."""
    name = info.filename
    if not info.flag_bits & 0x800:  # Windows wrote the names in its own code page, and said nothing
        with contextlib.suppress(UnicodeError):
            name = _decoded(name.encode("cp437"))
    parts = [part.replace("\0", "_") for part in re.split(r"[/\\]", name) if part not in ("", ".", "..")]
    parts = [part if len(part) <= LONGEST_PART else part[:20] + part[-60:] for part in parts]
    return [] if any(map(_is_hidden, parts)) else parts[-MAX_FOLDERS:]


def _decoded(raw: bytes) -> str:
    for encoding in ("utf-8", "cp949"):
        with contextlib.suppress(UnicodeDecodeError):
            return raw.decode(encoding)
    return raw.decode("cp437")


def _visible(folder: Path) -> list[Path]:
    """What is in a folder and not hidden."""
    try:
        return sorted(path for path in folder.iterdir() if not _is_hidden(path.name))
    except OSError:
        return []


def _is_hidden(name: str) -> bool:
    """Whether archives, editors and version control call something so, and no platform a student."""
    return bool(_HIDDEN.match(name)) and (name.startswith("._") or not fitting(f"{name}/"))


def _composed(name: str) -> str:
    """Korean comes from some systems taken apart into letters: it is put together again."""
    return unicodedata.normalize("NFC", name)
