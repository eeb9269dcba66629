"""What grading finds out, as plain data: what its modules hand to one another, and to the reports."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bn_helpers.errors import CourseError
from bn_helpers.judging import FAILED, MISSING, PARTIAL, PASSED, UNANSWERED
from bn_helpers.outcomes import Case, Outcome

OPEN = (UNANSWERED, MISSING)  # what there is no answer to
TIMEOUT, CRASHED, ERROR = "timeout", "crashed", "error"
STATUSES = (PASSED, PARTIAL, FAILED, *OPEN, TIMEOUT, CRASHED, ERROR)
# Why a kernel was lost; of the last two, because it had used up its CPU time, or because it came to no end.
DIED, FLOODED, SPENT, TIMED_OUT = "died", "flooded", "spent", "timed out"
NOTHING = "handed in nothing"
BY_HAND = "set by hand"  # begins what is said of points that a human has set
UNCLEAR = "none is taken for this one"  # whoever handed in what may be this one's
OWN_NUMBERS = ("Canvas", "Moodle", "Gradescope")  # number by themselves who, or what, is handed in
BWRAP, USER, UNCONFINED = "bwrap", "user", "none"  # what confines answers; the last is none
FRESH, ANSWER, PROBE = "fresh", "answer", "probe"  # kinds of steps
FORMATIVE = "formative: graded without a sandbox, so it proves nothing about anybody else's work"


class GradingError(CourseError):
    """Grading cannot begin or go on; the message says why, and what to do about it."""


class SandboxUnavailable(GradingError):
    """Nothing on this machine can confine an answer; the message says what to install or to allow."""


class SandboxError(Exception):
    """The sandbox itself failed, through no fault of an answer's."""


@dataclass(frozen=True)
class Named:
    """What the name of a file says: who handed it in, whether late, when; `file` is the rest of its path.

    `platform` is what gives files such names, as far as that is known.
    """

    name: str = ""
    id: str = ""
    email: str = ""
    late: bool = False
    date: str = ""
    file: str = ""
    platform: str = ""

    @property
    def key(self) -> str:
        """What tells students of a platform apart; nothing, where names must. Of who has an address, the id may lie."""
        return self.email or self.id

    @property
    def is_numbered_anew(self) -> bool:
        """Whether the id is of one assignment: in another one the platform gives the same student another."""
        return self.platform == "Moodle"

    @property
    def school_id(self) -> str:
        """The id, unless the platform has given it by itself: then no school knows it."""
        return "" if self.platform in OWN_NUMBERS else self.id


@dataclass(frozen=True)
class Student:
    """One student: the `name` in reports, the `folder` for his reports, both unique, and the `path` of his work.

    `own` is his name, which another may have, too. `files` are his notebooks by their paths there, `platform` is what
    the platform called him, `canvas` his number in Canvas, `notes` what there is to say about how he handed in, and
    `lost` what he handed in that cannot be graded because of its form.
    """

    name: str
    folder: str
    path: Path
    files: tuple[tuple[str, Path], ...] = ()
    id: str = ""
    email: str = ""
    section: str = ""
    canvas: str = ""
    platform: Named = Named()
    notes: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    own: str = ""


@dataclass(frozen=True)
class Step:
    """One cell that a kernel runs: its kind, the exercise that it belongs to, its text, and for a probe its cases.

    `brings` names the exercises that are graded in this run and that code of the course in it would answer.
    """

    kind: str
    exercise: str
    source: str
    cases: tuple[Case, ...] = ()
    brings: tuple[str, ...] = ()


@dataclass
class Attempt:
    """What one run of an exercise showed.

    `error` is what its answer cell raised, `outcomes` what its probe showed (fewer than cases where that made no
    sense), `fate` why the kernel was lost in one of its two cells, and `ran` whether it got so far at all. `alone` says
    that no other answer ran in its kernel before it, `beside_answers` that code did that answers what is graded: then
    the run is told in words of ours only.
    """

    exercise: str
    error: str = ""
    outcomes: list[Outcome] = field(default_factory=list)
    fate: str = ""
    ran: bool = False
    alone: bool = False
    beside_answers: bool = False


@dataclass(frozen=True)
class CaseResult:
    """One case of an exercise. `points` is what it earned; a lost property case shows what it cost, below zero."""

    id: str
    passed: bool
    points: float


@dataclass(frozen=True)
class ExerciseResult:
    """One exercise or quiz.

    `status` is one of STATUSES, `diagnosis` the id of a known mistake, `message` what a student reads. `code` (the
    answer as it was handed in), `file` (of the submission) and `line` (of the answer in that file, from 1) serve the
    reports; results.json does not hold them.
    """

    id: str
    notebook: str
    score: float
    max_score: float
    status: str
    diagnosis: str | None = None
    message: str = ""
    cases: tuple[CaseResult, ...] = ()
    code: str = ""
    file: str = ""
    line: int | None = None


@dataclass(frozen=True)
class SubmissionResult:
    """One student's result: all exercises and quizzes that were due, in the order of the manifest.

    `sandbox` is what confined the answers, and whether its libraries lay on disk, where others may see what was read.
    `lost` are those of the notes that say what was handed in and is not graded because of its form, `explanations` what
    was explained in words, by the name of the cell.
    """

    student: str
    score: float
    max_score: float
    seconds: float
    notes: tuple[str, ...] = ()
    exercises: tuple[ExerciseResult, ...] = ()
    sandbox: str = ""
    lost: tuple[str, ...] = ()
    explanations: tuple[tuple[str, str], ...] = ()

    @property
    def absent(self) -> bool:
        """Whether nothing was handed in by somebody of the class."""
        return self._is_only(NOTHING)

    @property
    def is_unclear(self) -> bool:
        """Whether something was handed in that may be this one's or another's, so that it counts for neither."""
        return self._is_only(UNCLEAR)

    @property
    def is_blank(self) -> bool:
        """Whether it is only a line of the roster."""
        return self.absent or self.is_unclear

    def _is_only(self, note: str) -> bool:
        return all(e.status in OPEN for e in self.exercises) and any(said.endswith(note) for said in self.notes)

    def to_dict(self) -> dict[str, Any]:
        """The entry in results.json, without what serves other reports."""
        return asdict(self, dict_factory=_told)


def _told(fields: list[tuple[str, Any]]) -> dict[str, Any]:
    kept = [(name, value) for name, value in fields if name not in ("code", "file", "line", "lost", "explanations")]
    return {name: round(value, 4) if isinstance(value, float) else value for name, value in kept}


@dataclass(frozen=True)
class Graded:
    """A graded class: what confined the answers, and each student with his result, in the order of their names.

    `due` says what was graded, where that is not the whole course; `gone` are students of earlier runs who are no more
    in the class, or have another folder.
    """

    sandbox: str
    students: list[Student]
    results: list[SubmissionResult]
    due: str = ""
    gone: list[Student] = field(default_factory=list)
