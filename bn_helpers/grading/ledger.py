"""What is known of a class over several runs into one folder: parts of its work add up, and nothing is lost unasked.

Of each task the newest result counts. A task without an answer replaces none that has one, unless it comes from the
same folder: there the answer was taken away.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import takewhile
from pathlib import Path

from bn_helpers.exercises import NOTEBOOKS, TASKS, due
from bn_helpers.files import write_whole
from bn_helpers.grading.names import unique
from bn_helpers.grading.results import (
    FORMATIVE,
    OPEN,
    UNCONFINED,
    ExerciseResult,
    Graded,
    GradingError,
    Named,
    Student,
    SubmissionResult,
)
from bn_helpers.grading.scoring import unrun_result
from bn_helpers.grading.store import result_of
from bn_helpers.text import few

VERSION = 2  # of the form of the file
SAME = "kept apart from one of earlier runs, whom it may be"


@dataclass
class _Entry:
    """One student, and what came of each run, by its paths, one a line; the newest stands last."""

    student: Student
    runs: dict[str, SubmissionResult] = field(default_factory=dict)


class Ledger:
    """The results of all runs into a folder.

    Parameters
    ----------
    out : Path
        The folder of the results.
    """

    def __init__(self, out: Path) -> None:
        self._path = out / ".graded" / "class.json"
        self.due: set[str] = set()
        self._entries: list[_Entry] = []
        self.gone: list[Student] = []
        if self._path.exists():
            self._read()

    @property
    def students(self) -> list[Student]:
        """All who are known, in the order of their names."""
        return sorted((entry.student for entry in self._entries), key=lambda student: student.name)

    def add(
        self,
        paths: Collection[Path],
        students: Sequence[Student],
        results: Sequence[SubmissionResult],
        sandbox: str,
        roster: Collection[str] | None = None,
    ) -> None:
        """Add one run.

        Parameters
        ----------
        paths : collection of Path
            What was graded. Whoever was in it before, and is no more, is gone from it.
        students : sequence of Student
            Whose work it was.
        results : sequence of SubmissionResult
            One each: what was due.
        sandbox : str
            What confined the answers.
        roster : collection of str, optional
            The names of the class. Whoever is neither in it nor in this run is gone.
        """
        run = "\n".join(sorted(str(path.resolve()) for path in paths))
        tasks = {exercise.id for result in results for exercise in result.exercises}
        self.due |= tasks
        found = self._known(students)
        here = {id(entry) for entry in found}
        for entry in [entry for entry in self._entries if id(entry) not in here]:
            self._leave(entry, run, roster)
        before = [entry.student for entry in self._entries]
        there = _indexed(before)
        for student, result, known in zip(students, results, found, strict=True):
            entry = known or _Entry(student)
            if not known:
                self._entries.append(entry)
                others = [other.name for other in _alike(student, there).values()]
                result = replace(result, notes=(*(f"{SAME}: {name}" for name in few(others)), *result.notes))
            entry.student = student
            old = entry.runs.pop(run, replace(result, exercises=()))
            kept = (exercise for exercise in old.exercises if exercise.id not in tasks)
            entry.runs[run] = replace(result, exercises=(*kept, *result.exercises), sandbox=result.sandbox or sandbox)
        self._name(before)

    def graded(self) -> Graded:
        """The class as it now stands: of each student all that was due in any run."""
        tasks = [name for name in due(NOTEBOOKS) if name in self.due]
        words = _words({TASKS[name].notebook for name in tasks})
        entries = sorted(self._entries, key=lambda entry: entry.student.name)
        results = [_result(entry, tasks, words) for entry in entries]
        sandbox = _together(result.sandbox for entry in entries for result in entry.runs.values())
        return Graded(sandbox, [entry.student for entry in entries], results, words, self.gone)

    def keep(self) -> None:
        """Write it down."""
        entries = [_plain(entry) for entry in self._entries]
        write_whole(self._path, json.dumps({"version": VERSION, "due": sorted(self.due), "entries": entries}))

    def _known(self, students: Sequence[Student]) -> list[_Entry | None]:
        """The entry of each student, if each is the nearest for the other: two are never taken for one."""
        known = [entry.student for entry in self._entries]
        there, here = _indexed(known), _indexed(students)
        nearest = [_nearest(student, there) for student in students]
        return [
            self._entries[at] if at is not None and _nearest(known[at], here) == number else None
            for number, at in enumerate(nearest)
        ]

    def _name(self, before: Sequence[Student]) -> None:
        """Give each a name and a folder of one's own. Whoever is called as `before` keeps them."""
        now = [entry.student for entry in self._entries]
        for number, (old, new) in enumerate(zip(before, now, strict=False)):
            if old.own == new.own:
                now[number] = replace(new, name=old.name, folder=old.folder)
        new = [""] * (len(now) - len(before))
        shown = unique([one.name for one in now], [*(one.name for one in before), *new], str)
        folders = unique([one.folder for one in now], [*(one.folder for one in before), *new], str.casefold)
        for entry, student, name, folder in zip(self._entries, now, shown, folders, strict=True):
            entry.student = replace(student, name=name, folder=folder)
        self.gone += [old for old, folder in zip(before, folders, strict=False) if old.folder != folder]

    def _leave(self, entry: _Entry, run: str, roster: Collection[str] | None) -> None:
        """Take from a student who is not in a run what earlier came from its folders."""
        entry.runs = {paths: result for paths, result in entry.runs.items() if not _within(paths, run)}
        if not entry.runs or (roster is not None and entry.student.own not in roster):
            self.gone.append(entry.student)
            self._entries.remove(entry)

    def _read(self) -> None:
        try:
            data = json.loads(self._path.read_text("utf-8"))
            if data["version"] != VERSION:
                raise ValueError("it is of another version")
            self.due = TASKS.keys() & set(data["due"])
            self._entries = [_entry(entry) for entry in data["entries"]]
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise GradingError(
                f"{self._path}, which holds the results of earlier runs, cannot be read: {error}. "
                "Put back a copy, or grade into a new folder."
            ) from None


def _may_be(one: Student, other: Student) -> bool:
    """Whether two runs may mean the same student: nothing that both say tells them apart, and something joins them."""
    known, named = one.platform, other.platform
    if known.key and named.key and known.platform == named.platform:
        anew = known.is_numbered_anew and one.path != other.path
        if known.key == named.key or not anew:
            return known.key == named.key
    about = ((one.id, other.id), (one.email, other.email), (one.section, other.section))
    if any(mine and theirs and mine != theirs for mine, theirs in about):
        return False
    numbered = known.key and named.key and known.platform != named.platform
    return bool(one.id and other.id) or (one.own == other.own and not numbered)


def _names(student: Student) -> list[tuple[str, str]]:
    """What may join a student to another of `_may_be`."""
    return [(student.platform.platform, student.platform.key), ("id", student.id), ("name", student.own)]


def _indexed(students: Sequence[Student]) -> dict[tuple[str, str], dict[int, Student]]:
    found: dict[tuple[str, str], dict[int, Student]] = defaultdict(dict)
    for number, student in enumerate(students):
        for name in _names(student):
            if name[1]:
                found[name][number] = student
    return found


def _alike(student: Student, others: Mapping[tuple[str, str], Mapping[int, Student]]) -> dict[int, Student]:
    """Those of others who may be a student."""
    found = {number: other for name in _names(student) for number, other in others.get(name, {}).items()}
    return {number: other for number, other in found.items() if _may_be(student, other)}


def _nearest(student: Student, others: Mapping[tuple[str, str], Mapping[int, Student]]) -> int | None:
    """Which of others is a student: the only one who may be, else the one whose folders are called most alike."""
    near = {number: _nearness(student, other) for number, other in _alike(student, others).items()}
    best = max(near.values(), default=0)
    sure = [number for number, much in near.items() if much == best]
    return sure[0] if len(near) == 1 or (best > 1 and len(sure) == 1) else None


def _nearness(one: Student, other: Student) -> float:
    if one.platform.key and (one.platform.key, one.platform.platform) == (other.platform.key, other.platform.platform):
        return math.inf
    both = zip(reversed(one.path.parts), reversed(other.path.parts), strict=False)
    return sum(1 for _ in takewhile(lambda parts: parts[0] == parts[1], both))


def _words(notebooks: Collection[str]) -> str:
    """What was graded, where that is not the whole course."""
    numbers = [str(NOTEBOOKS[name].number) for name in NOTEBOOKS if name in notebooks]
    if len(numbers) == len(NOTEBOOKS):
        return ""
    return f"graded: what was due, notebook {' and '.join(numbers)}; the others do not count"


def _within(paths: str, run: str) -> bool:
    return {*paths.split("\n")} <= {*run.split("\n")}


def _newest(entry: _Entry) -> dict[str, ExerciseResult]:
    """Of each task the newest result, but none without an answer in the place of another folder's."""
    newest: dict[str, tuple[str, ExerciseResult]] = {}
    for run, result in entry.runs.items():
        for exercise in result.exercises:
            old, _ = newest.get(exercise.id, (run, None))
            if exercise.status not in OPEN or _within(old, run):
                newest[exercise.id] = run, exercise
    return {task: exercise for task, (_, exercise) in newest.items()}


def _result(entry: _Entry, tasks: Sequence[str], words: str) -> SubmissionResult:
    newest, runs = _newest(entry), entry.runs.values()
    exercises = tuple(newest.get(task) or unrun_result(None, task) for task in tasks)
    stamps = [result.sandbox for result in runs]
    notes, lost = [words] * bool(words), []
    for paths, result in entry.runs.items():
        where = f"{', '.join(Path(path).name for path in paths.split(chr(10)))}: " * (len(runs) > 1)
        stamp = [f"sandbox: {result.sandbox}"] * (len({*stamps}) > 1)
        notes += [FORMATIVE] * (result.sandbox == UNCONFINED) + [where + note for note in (*stamp, *result.notes)]
        lost += [where + note for note in result.lost]
    return SubmissionResult(
        entry.student.name,
        sum(exercise.score for exercise in exercises),
        sum(exercise.max_score for exercise in exercises),
        sum(result.seconds for result in runs),
        tuple(dict.fromkeys(notes)),
        exercises,
        _together(stamps),
        tuple(lost),
        tuple({name: text for result in runs for name, text in result.explanations}.items()),
    )


def _together(stamps: Iterable[str]) -> str:
    """What confined several runs: nothing, where one was unconfined."""
    found = sorted({*stamps})
    return UNCONFINED if UNCONFINED in found else "; ".join(found)


def _plain(entry: _Entry) -> dict:
    """What is kept of a student: of the files and the words about them the results tell."""
    student = replace(entry.student, path=str(entry.student.path), files=(), notes=(), lost=())
    return {"student": asdict(student), "runs": {paths: asdict(result) for paths, result in entry.runs.items()}}


def _entry(data: dict) -> _Entry:
    """The reverse."""
    about = {name: value for name, value in data["student"].items() if value != []}
    student = Student(**{**about, "path": Path(about["path"]), "platform": Named(**about["platform"])})
    return _Entry(student, {paths: result_of(result) for paths, result in data["runs"].items()})
