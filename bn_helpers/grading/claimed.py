"""Which notebook a file that was handed in claims to be, and what that says of whose it is."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from bn_helpers.exercises import NOTEBOOKS, TASKS
from bn_helpers.exports import is_export
from bn_helpers.grading.handed import Handed
from bn_helpers.grading.names import notebook_of, nth, resubmitted, stem, words
from bn_helpers.text import decoded

_ANSWER = re.compile(rb'"grade_id": ?"(\w+)"|\bdef (\w+)\(|\b(quiz_\d) ?=')


def is_answer(handed: Handed) -> bool:
    """Whether it can hold answers: a notebook, or a notebook that was exported as Python."""
    return not handed.problem and (handed.suffix == ".ipynb" or (handed.suffix == ".py" and _is_export(handed.path)))


@cache
def _is_export(path: Path) -> bool:
    with path.open("rb") as file:
        return bool(notebook_of(path.name)) or is_export(decoded(file.read(2**20)))


def claim(handed: Handed) -> str:
    """The notebook that a file claims to be: by its name, else by what it holds."""
    return notebook_of("/".join(handed.place[-2:])) or _claim_inside(handed.path)


@cache
def _claim_inside(path: Path) -> str:
    with path.open("rb") as file:
        found = _ANSWER.findall(file.read(2**24).replace(b'\\"', b'"'))
    tasks = {name.decode("ascii", "ignore") for names_ in found for name in names_} & TASKS.keys()
    counts = {name: sum(TASKS[task].notebook == name for task in tasks) for name in NOTEBOOKS}
    best = max(counts, key=counts.__getitem__)
    return best if counts[best] else ""


def are_one(files: Iterable[Handed], at: int, owner: str) -> bool:
    """Whether files can be one student's: no two that claim the same notebook are named for different people."""
    whose: dict[str, list[frozenset[str]]] = defaultdict(list)
    for handed in filter(is_answer, files):
        if notebook := claim(handed):
            whose[notebook].append(words(" ".join(map(stem, handed.place[at:]))) - words(owner))
    return all(a <= b or b <= a for found in whose.values() for a in set(found) for b in set(found))


def are_nobodys_folders(files: Iterable[Handed], at: int) -> bool:
    """Whether no folder names anybody: each says which notebook is in it, or only that there is work in it."""
    answers = [handed for handed in files if is_answer(handed)]
    return bool(answers) and all(len(h.place) > at + 1 and _is_nobodys(h.place[at], h.path) for h in answers)


def _is_nobodys(folder: str, path: Path) -> bool:
    plain = not words(folder) and not any(map(str.isdigit, folder))
    return plain or notebook_of(folder) == (_claim_inside(path) or "-")


def without_solutions(files: list[Handed], at: int) -> list[Handed]:
    """A copy of the whole course holds solutions beside its notebooks: they are nobody's answers."""
    homes = {h.place[:-2] for h in files if len(h.place) > at + 1 and h.place[-2] == "notebooks" and is_answer(h)}
    return [h for h in files if not any(h.place[: len(home) + 1] == (*home, "solutions") for home in homes)]


def newest(files: list[tuple[str, Handed]]) -> tuple[list[tuple[str, Handed]], list[str]]:
    """Files from the oldest to the newest; of those that Canvas numbered as the same file only the newest.

    What a browser or a student numbered is a copy: which of them is the fullest is seen when they are read.
    """
    order = {label: (nth(stem(label))[1], handed.path.stat().st_mtime) for label, handed in files}
    files = sorted(files, key=lambda entry: (order[entry[0]], entry[0]))
    last = {resubmitted(label): label for label, _ in files}
    older = [label for label, _ in files if resubmitted(label) and last[resubmitted(label)] != label]
    return [entry for entry in files if entry[0] not in older], older
