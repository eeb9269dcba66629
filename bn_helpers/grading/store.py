"""What must not be lost: results kept by content, and the course key."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Iterator
from dataclasses import asdict
from functools import cache
from importlib import metadata
from pathlib import Path

from bn_helpers.files import write_whole
from bn_helpers.grading.results import ERROR, CaseResult, ExerciseResult, GradingError, SubmissionResult
from bn_helpers.submission import Submission

PACKAGE = Path(__file__).parents[1]
# What a result depends on. The notebooks' sources hold what a notebook hands out, and the letters of the quizzes.
SOURCES = (
    *("exercises/*.py", "judging/*.py", "errors.py", "exports.py", "layers.py", "oracles.py", "outcomes.py"),
    *("parsing.py", "reference.py", "skim.py", "solutions.py", "submission.py", "text.py", "catalogue/*.py"),
    *("grading/*.py", "grading/sandbox/*.py", "../solutions/*.py"),
)


class Store:
    """Finished results, each in a file that is named by all that the result depends on.

    Parameters
    ----------
    folder : Path
        Where they are kept.
    key : bytes
        The course key.
    sandbox : str
        What confines the answers: what one confined proves more than what another did.
    """

    def __init__(self, folder: Path, key: bytes, sandbox: str) -> None:
        self._folder = folder
        self._key = hmac.digest(key, f"{course_version()} {sandbox}".encode(), "sha256")
        folder.mkdir(parents=True, exist_ok=True)
        for half in folder.glob(".writing-*"):  # of a run that was killed
            half.unlink(missing_ok=True)

    def name(self, submission: Submission) -> str:
        """What the result of a submission is called; the student's name does not matter."""
        return hmac.new(self._key, submission.content_hash().encode(), "sha256").hexdigest()

    def get(self, name: str) -> SubmissionResult | None:
        """A kept result, or None."""
        try:
            return result_of(json.loads(self._path(name).read_text("utf-8")))
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def put(self, name: str, result: SubmissionResult) -> None:
        """Keep a result, unless the grader itself failed in it: that is tried again next time."""
        if all(exercise.status != ERROR for exercise in result.exercises):
            write_whole(self._path(name), json.dumps(asdict(result)))

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.json"


@cache
def course_version() -> str:
    """Hash of the code that results depend on, and of the version of NumPy that runs it."""
    digest = hashlib.sha256(metadata.version("numpy").encode())
    for path in grading_sources():
        digest.update(f"\0{path.name}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def grading_sources() -> Iterator[Path]:
    """The files that results depend on, in an order that is always the same."""
    for pattern in SOURCES:
        folder = (PACKAGE / pattern).parent
        yield from sorted(folder.glob(Path(pattern).name))


def course_key(given: str | None, out: Path) -> bytes:
    """The key from which hidden inputs derive.

    Parameters
    ----------
    given : str, optional
        The key, or the name of a file that holds it. Without it, the one kept in `out` is used, or made.
    out : Path
        The folder of the results.

    Returns
    -------
    key : bytes

    Raises
    ------
    GradingError
        If the key is empty, or its file cannot be read.
    """
    path = out / "course.key"
    if given is not None:
        path = Path(given)
        if not path.is_file() and os.sep in given:
            raise GradingError(f"there is no key file {given!r}. Name a file that is there, or give the key itself.")
        if not path.is_file():
            return _not_empty(given.encode("utf-8", "surrogateescape"), "--key")
    elif path.is_symlink():
        raise GradingError(f"{path} is a link, and no key is read through one. Remove it, or give the key: --key")
    elif not path.exists():
        write_whole(path, secrets.token_hex(32) + "\n")
    return _not_empty(path.read_bytes(), str(path))


def _not_empty(key: bytes, where: str) -> bytes:
    if not key.strip():
        raise GradingError(f"{where}: the course key is empty. Any text serves that your students do not know.")
    return key.strip()


def result_of(data: dict) -> SubmissionResult:
    """The reverse of `asdict`."""
    several = {name: tuple(data[name]) for name in ("notes", "lost")}
    several["explanations"] = tuple(map(tuple, data["explanations"]))
    several["exercises"] = tuple(
        ExerciseResult(**{**one, "cases": tuple(CaseResult(**case) for case in one["cases"])})
        for one in data["exercises"]
    )
    return SubmissionResult(**{**data, **several})
