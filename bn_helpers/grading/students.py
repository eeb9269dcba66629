"""Find out who handed in what: from paths to students, each with a name for people and one for a folder."""

from __future__ import annotations

import hashlib
import os
import re
import stat
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from bn_helpers.grading.results import GradingError, Student
from bn_helpers.submission import Submission, read_submission
from bn_helpers.text import one_line

LONGEST_NAME = 200  # characters of a name in a report
LONGEST_FOLDER = 60  # characters; 180 bytes at most, which every file system takes
_HIDDEN = re.compile(r"\.[^.]|__")


def find_students(paths: Sequence[Path], others: Iterable[Path] = ()) -> list[Student]:
    """Find the students below some paths.

    Parameters
    ----------
    paths : sequence of Path
        A notebook is one student. So is a folder with notebooks directly inside; of any other folder, each thing in
        it is one, since an archive that was not unpacked is better told than passed over.
    others : iterable of Path
        What may lie there and is no student's: the folder of the results, say.

    Returns
    -------
    students : list of Student
        In the order of their names.

    Raises
    ------
    GradingError
        If a path is not there, or no student is found.
    """
    known = {os.path.realpath(path) for path in others}
    found = [p for given in paths for p in _students_below(given) if os.path.realpath(p) not in known]
    found.sort(key=lambda path: (path.name, str(path)))
    if not found:
        raise GradingError(
            f"{', '.join(map(str, paths))}: there is no submission. Name a notebook, a folder with notebooks, "
            "or a folder that holds one such folder for each student."
        )
    names = _unique([_name(path) for path in found], [_own_name(path) for path in found], str)
    folders = _unique([_folder_name(path) for path in found], [_own_name(path) for path in found], str.casefold)
    return [Student(*of_one) for of_one in zip(names, folders, found, strict=True)]


def read_student(path: Path) -> Submission:
    """Read one student's submission, wherever in his folder the notebooks are.

    Parameters
    ----------
    path : Path
        Of a `Student`.

    Returns
    -------
    submission : Submission
        As of `read_submission`. Links are not followed: they could lead to another student's work.
    """
    if path.is_symlink():
        return Submission(path.name, notes=("it is a symbolic link, which is not followed",))
    return read_submission(_notebooks_folder(path))


def _students_below(path: Path) -> list[Path]:
    try:
        path = path.resolve(strict=True)
    except (OSError, RuntimeError):
        raise GradingError(f"there is no file or folder {str(path)!r}. Check the path of the submissions.") from None
    if not path.is_dir():
        if path.suffix.lower() != ".ipynb":
            raise GradingError(f"{str(path)!r} is no notebook. Name notebooks (.ipynb) or folders.")
        return [path]
    return [path] if _holds_notebooks(path) else _visible(path)


def _notebooks_folder(path: Path) -> Path:
    """Where a student's notebooks are: unpacked archives and whole repositories have them one folder further down."""
    if not path.is_dir() or _holds_notebooks(path):
        return path
    inside = [child for child in _visible(path) if child.is_dir() and not child.is_symlink()]
    named = [child for child in inside if child.name == "notebooks"]
    candidates = named or (inside if len(inside) == 1 else [])
    return next((child for child in candidates if _holds_notebooks(child)), path)


def _holds_notebooks(folder: Path) -> bool:
    return any(p.suffix.lower() == ".ipynb" and not p.name.startswith(".") and _is_file(p) for p in _listed(folder))


def _is_file(path: Path) -> bool:
    """Whether it is an ordinary file: a folder or a pipe of that name does not make a class one student."""
    try:
        return stat.S_ISREG(os.lstat(path).st_mode)
    except OSError:
        return False


def _visible(folder: Path) -> list[Path]:
    """What is in a folder, without what archives and version control leave behind."""
    return [path for path in _listed(folder) if not _HIDDEN.match(path.name)]


def _listed(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:  # reading it says so in a note
        return []


# Names


def _name(path: Path) -> str:
    """The name in reports. Korean comes from some systems taken apart into letters: it is put together again."""
    return one_line(unicodedata.normalize("NFC", _own_name(path)))[:LONGEST_NAME] or "(no name)"


def _own_name(path: Path) -> str:
    """The name as it stands in the file system."""
    return path.stem if path.suffix.lower() == ".ipynb" else path.name


def _folder_name(path: Path) -> str:
    """A name that every file system takes; where that changes it, with a mark that keeps it apart from others."""
    name = _name(path)
    clean = "".join(c if c.isalnum() or c in " -_." else "_" for c in name)[:LONGEST_FOLDER].strip(" .")
    if clean == name:
        return clean
    mark = hashlib.sha256(path.name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{clean or 'student'}-{mark}"


def _unique(names: Sequence[str], own: Sequence[str], key: Callable[[str], str]) -> list[str]:
    """The names, with a number after those that another one equals. Who is really called so keeps the name."""
    taken: set[str] = set()
    unique = dict.fromkeys(range(len(names)), "")
    for number in sorted(unique, key=lambda number: names[number] != own[number]):
        candidate, count = names[number], 1
        while key(candidate) in taken:
            count += 1
            candidate = f"{names[number]} ({count})"
        taken.add(key(candidate))
        unique[number] = candidate
    return list(unique.values())
