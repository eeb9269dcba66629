"""What the file system of a sandbox holds: an interpreter, NumPy, ipykernel, what forks kernels, and nothing else.

Of site-packages only the distributions that these need are there, file by file; of the system only the shared
libraries that this process has loaded for the same purpose. Of the course there is the driver, and `outcomes`, which
knows nothing of what is right.
"""

from __future__ import annotations

import compileall
import contextlib
import ctypes  # noqa: F401  loaded for its shared libraries
import os
import re
import shutil
import stat
import sys
import sysconfig
from importlib import metadata
from pathlib import Path

import zmq  # noqa: F401  loaded for its shared libraries

from bn_helpers import outcomes
from bn_helpers.grading.results import SandboxUnavailable
from bn_helpers.grading.sandbox.limits import DRIVER, SITE

with contextlib.suppress(ModuleNotFoundError):  # a Python may be built without it; IPython 8 does without, too
    import sqlite3  # noqa: F401  loaded for its shared libraries

NEEDED = ("numpy", "ipykernel")
LEFT_OUT = {"debugpy", "tzdata"}  # ipykernel works without them, and starts faster
LEFT_OUT_FILES = (
    *("site-packages", "dist-packages", "test", "tests", "idlelib", "ensurepip", "lib2to3", "config-*", "tkinter"),
    *("turtledemo", "pydoc_data", "f2py", "include", "distutils", "third_party"),
    *("*.pyi", "*.h", "*.a", "*.exe", "*.opt-*.pyc"),
)
NEVER = 2**31 - 1  # a time that no reading moves: of a file that was read longer ago, a system may note it


def build_image(folder: Path) -> Path:
    """Lay out the file system of a sandbox, once for all submissions of a process: a copy that nobody else reads.

    Parameters
    ----------
    folder : Path
        A folder that is not there yet. Sandboxes see it as their root, and cannot write to it.

    Returns
    -------
    python : Path
        The interpreter, as a sandbox sees it.
    """
    folder.mkdir()
    python, library = Path(sys.executable).resolve(), Path(sysconfig.get_path("stdlib"))
    shared = _shared_libraries()
    for path in (python, library, *shared):
        _lay(path, _inside(folder, path))
    for path in _distributions():
        _lay(path, _inside(folder, Path(SITE, path.name)))
    links = {Path(name): os.readlink(name) for name in ("/lib", "/lib64") if os.path.islink(name)}
    links |= {alias: str(path) for path in shared for alias in _aliases(path)}
    for name, target in links.items():
        _inside(folder, name).symlink_to(target)
    driver = _inside(folder, Path(DRIVER, "bn_driver.py"))
    shutil.copyfile(Path(__file__).with_name("driver.py"), driver)
    shutil.copyfile(outcomes.__file__, driver.with_name("bn_outcomes.py"))
    for path in (DRIVER, SITE):  # folders bring their compiled modules along, single files do not
        compileall.compile_dir(_inside(folder, Path(path)), maxlevels=0, quiet=1)
    _null_device(folder / "dev" / "null")
    for path, folders, names in os.walk(folder, topdown=False):  # nobody lists a folder after this
        os.chmod(path, 0o755)
        for name in (*folders, *names, "."):
            _seal(Path(path, name))
    return python


def _seal(path: Path) -> None:
    """Note a time as that of the last reading that no reading moves, since it is later than any change."""
    os.utime(path, ns=(NEVER * 10**9, path.lstat().st_mtime_ns), follow_symlinks=False)


def _null_device(path: Path) -> None:
    """The one device; who may not make it makes a file, over which bubblewrap mounts the true one."""
    path.parent.mkdir()
    try:
        os.mknod(path, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
        path.chmod(0o666)
    except OSError:
        path.touch()


def _inside(folder: Path, path: Path) -> Path:
    place = folder / str(path).lstrip("/")
    place.parent.mkdir(parents=True, exist_ok=True)
    return place


def _lay(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, copy_function=_copy, ignore=shutil.ignore_patterns(*LEFT_OUT_FILES))
    else:
        _copy(source, target)


def _distributions() -> list[Path]:
    """Top-level files and folders of the needed distributions and of all that they need.

    Their metadata is among them: some read their own version there.
    """
    waiting, seen, found = list(NEEDED), set(LEFT_OUT), set()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        try:
            distribution = metadata.distribution(name)
        except metadata.PackageNotFoundError:  # for another platform or Python
            continue
        if distribution.files is None:
            raise SandboxUnavailable(
                f"{name} was installed without the list of its files (RECORD), so no sandbox can hold it. "
                f"Install it anew: python -m pip install --force-reinstall {name}"
            )
        top = {file.parts[0] for file in distribution.files if file.parts[0] not in ("..", "__pycache__")}
        found |= {Path(str(distribution.locate_file(part))) for part in top if not part.endswith(".pth")}
        requirements = [text for text in distribution.requires or () if "extra ==" not in text]
        waiting += [re.split(r"[^\w.-]", text, maxsplit=1)[0].lower().replace("_", "-") for text in requirements]
    return sorted(path for path in found if path.exists())


def _shared_libraries() -> list[Path]:
    """Shared libraries that this process has loaded, outside of the interpreter's own folders."""
    if not os.path.exists("/proc/self/maps"):  # a system on which nothing can be confined anyway
        return []
    with open("/proc/self/maps", encoding="utf-8") as maps:
        mapped = {line.split(maxsplit=5)[-1].strip() for line in maps if ".so" in line}
    own = (sysconfig.get_path("stdlib"), sysconfig.get_path("platlib"), sysconfig.get_path("purelib"))
    return sorted(Path(name) for name in mapped if name.startswith("/") and not name.startswith(own))


def _aliases(library: Path) -> list[Path]:
    """Other names of a library: programs ask for libstdc++.so.6, and for the loader in /lib64."""
    folders = {library.parent, *(Path(name).resolve() for name in ("/lib", "/lib64") if os.path.isdir(name))}
    stem = library.name.split(".so")[0]
    paths = [path for folder in folders for path in folder.glob(f"{stem}.so*") if path.resolve() == library]
    return [path for path in paths if path != library]


def _copy(source: str | Path, target: str | Path) -> None:
    """Copy a file with its time, without which compiled modules would not be taken."""
    with open(source, "rb", 0) as file, open(target, "wb", 0) as copy:
        about = os.fstat(file.fileno())
        while os.sendfile(copy.fileno(), file.fileno(), None, 2**30):
            pass
        os.fchmod(copy.fileno(), 0o755 if about.st_mode & 0o100 else 0o644)
        os.utime(copy.fileno(), ns=(about.st_atime_ns, about.st_mtime_ns))
