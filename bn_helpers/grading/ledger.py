"""What is known of a class over several runs into one folder: parts of its work add up, and nothing is lost unasked.

Of each task the newest result counts. A task without an answer replaces none that has one, unless it comes from the
same folder: there the answer was taken away.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from bn_helpers.exercises import NOTEBOOKS, TASKS
from bn_helpers.files import write_whole
from bn_helpers.grading.results import (
    FORMATIVE,
    MISSING,
    OPEN,
    UNCONFINED,
    ExerciseResult,
    Graded,
    GradingError,
    Named,
    Student,
    SubmissionResult,
)
from bn_helpers.grading.store import exercise_of

VERSION = 1  # of the form of the file
NO_ANSWER = "There is no answer yet."


@dataclass
class _Entry:
    """One student: the results by task, with the paths of the run that each is from, and what the runs said."""

    student: Student
    tasks: dict[str, tuple[list[str], ExerciseResult]] = field(default_factory=dict)
    runs: dict[str, dict] = field(default_factory=dict)  # by the paths, one a line


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
        self._entries: dict[str, _Entry] = {}
        self.gone: list[Student] = []
        if self._path.exists():
            self._read()

    @property
    def students(self) -> list[Student]:
        """All who are known, in the order of their names."""
        return sorted((entry.student for entry in self._entries.values()), key=lambda student: student.name)

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
        run = sorted(str(path.resolve()) for path in paths)
        due = {exercise.id for result in results for exercise in result.exercises}
        self.due |= due
        here = {_key(student) for student in students}
        for key, entry in list(self._entries.items()):
            if key not in here:
                self._leave(key, entry, run, due, roster)
        for student, result in zip(students, results, strict=True):
            entry = self._entries.setdefault(_key(student), _Entry(student))
            entry.student = student
            for exercise in result.exercises:
                old = entry.tasks.get(exercise.id)
                if not old or exercise.status not in OPEN or set(old[0]) <= set(run):
                    entry.tasks[exercise.id] = (run, exercise)
            entry.runs.pop("\n".join(run), None)
            entry.runs["\n".join(run)] = {
                "notes": list(result.notes),
                "lost": list(result.lost),
                "explanations": list(result.explanations),
                "sandbox": result.sandbox or sandbox,
                "seconds": result.seconds,
            }

    def graded(self) -> Graded:
        """The class as it now stands: of each student all that was due in any run."""
        due = [name for notebook in NOTEBOOKS for name in TASKS if TASKS[name].notebook == notebook]
        due = [name for name in due if name in self.due]
        words = _words({TASKS[name].notebook for name in due})
        entries = sorted(self._entries.values(), key=lambda entry: entry.student.name)
        results = [_result(entry, due, words) for entry in entries]
        sandbox = _together(said["sandbox"] for entry in entries for said in entry.runs.values())
        return Graded(sandbox, [entry.student for entry in entries], results, words)

    def keep(self) -> None:
        """Write it down."""
        data = {
            "version": VERSION,
            "due": sorted(self.due),
            "entries": {key: _plain(entry) for key, entry in self._entries.items()},
        }
        write_whole(self._path, json.dumps(data))

    def _leave(self, key: str, entry: _Entry, run: list[str], due: set[str], roster: Collection[str] | None) -> None:
        """Take from a student who is not in a run what earlier came from its folders."""
        entry.tasks = {t: kept for t, kept in entry.tasks.items() if t not in due or not set(kept[0]) <= set(run)}
        entry.runs = {paths: said for paths, said in entry.runs.items() if not set(paths.split("\n")) <= set(run)}
        if not entry.runs or not entry.tasks or (roster is not None and entry.student.name not in roster):
            self.gone.append(entry.student)
            del self._entries[key]

    def _read(self) -> None:
        try:
            data = json.loads(self._path.read_text("utf-8"))
            if data["version"] != VERSION:
                raise ValueError("it is of another version")
            self.due = TASKS.keys() & set(data["due"])
            self._entries = {key: _entry(entry) for key, entry in data["entries"].items()}
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise GradingError(
                f"{self._path}, which holds the results of earlier runs, cannot be read: {error}. "
                "Put back a copy, or grade into a new folder."
            ) from None


def remove_pages(folder: Path, gone: Collection[Student], files: Collection[str]) -> None:
    """Remove the reports of students who are gone, and their folders, unless somebody else put something there."""
    for student in gone:
        own = folder / student.folder
        for name in files:
            (own / name).unlink(missing_ok=True)
        if own.is_dir() and not any(own.iterdir()):
            shutil.rmtree(own)


def _key(student: Student) -> str:
    """By what a student is known again: the platform's number where there is one."""
    named = student.platform
    return f"id {named.id} of {named.platform}" if named.id else f"name {student.name}"


def _words(notebooks: Collection[str]) -> str:
    """What was graded, where that is not the whole course."""
    numbers = [str(NOTEBOOKS[name].number) for name in NOTEBOOKS if name in notebooks]
    if len(numbers) == len(NOTEBOOKS):
        return ""
    return f"graded: what was due, notebook {' and '.join(numbers)}; the others do not count"


def _result(entry: _Entry, due: Sequence[str], words: str) -> SubmissionResult:
    exercises = tuple(entry.tasks[task][1] if task in entry.tasks else _unanswered(task) for task in due)
    notes, lost = [words] * bool(words), []
    stamps = [said["sandbox"] for said in entry.runs.values()]
    for paths, said in entry.runs.items():
        where = f"{', '.join(Path(path).name for path in paths.split(chr(10)))}: " if len(entry.runs) > 1 else ""
        formative = said["sandbox"] == UNCONFINED and FORMATIVE not in notes
        stamp = [f"sandbox: {said['sandbox']}"] * (len(set(stamps)) > 1)
        notes += [FORMATIVE] * formative + [where + note for note in (*stamp, *said["notes"])]
        lost += [where + note for note in said["lost"]]
    return SubmissionResult(
        entry.student.name,
        sum(exercise.score for exercise in exercises),
        sum(exercise.max_score for exercise in exercises),
        sum(said["seconds"] for said in entry.runs.values()),
        tuple(notes),
        exercises,
        _together(stamps),
        tuple(lost),
        tuple({name: text for said in entry.runs.values() for name, text in said["explanations"]}.items()),
    )


def _together(stamps: Iterable[str]) -> str:
    """What confined several runs: nothing, where one was unconfined."""
    found = sorted({*stamps})
    return UNCONFINED if UNCONFINED in found else "; ".join(found)


def _unanswered(task: str) -> ExerciseResult:
    return ExerciseResult(task, TASKS[task].notebook, 0.0, float(TASKS[task].points), MISSING, message=NO_ANSWER)


def _plain(entry: _Entry) -> dict:
    student = {**asdict(entry.student), "path": str(entry.student.path), "files": []}
    tasks = {task: [paths, asdict(exercise)] for task, (paths, exercise) in entry.tasks.items()}
    return {"student": student, "tasks": tasks, "runs": entry.runs}


def _entry(data: dict) -> _Entry:
    about = data["student"]
    student = Student(
        **{
            **about,
            "path": Path(about["path"]),
            "files": (),
            "platform": Named(**about["platform"]),
            "notes": tuple(about["notes"]),
            "lost": tuple(about["lost"]),
        }
    )
    tasks = {task: (paths, exercise_of(one)) for task, (paths, one) in data["tasks"].items() if task in TASKS}
    return _Entry(student, tasks, data["runs"])
