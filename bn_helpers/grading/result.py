"""What grading finds out, as plain data: the one interface between the grader and its reports."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

PASSED, PARTIAL, FAILED, MISSING = "passed", "partial", "failed", "missing"
TIMEOUT, CRASHED, ERROR = "timeout", "crashed", "error"
STATUSES = (PASSED, PARTIAL, FAILED, MISSING, TIMEOUT, CRASHED, ERROR)


@dataclass(frozen=True)
class CaseResult:
    """One case of an exercise. `points` is what it earned; a lost property case shows what it cost, below zero."""

    id: str
    passed: bool
    points: float

    def to_dict(self) -> dict[str, Any]:
        """The entry in results.json."""
        return {"id": self.id, "passed": self.passed, "points": round(self.points, 4)}


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

    def to_dict(self) -> dict[str, Any]:
        """The entry in results.json."""
        return {
            "id": self.id,
            "notebook": self.notebook,
            "score": round(self.score, 4),
            "max_score": float(self.max_score),
            "status": self.status,
            "diagnosis": self.diagnosis,
            "message": self.message,
            "cases": [case.to_dict() for case in self.cases],
        }


@dataclass(frozen=True)
class SubmissionResult:
    """One student's result: all exercises and quizzes, in the order of the manifest."""

    student: str
    score: float
    max_score: float
    seconds: float
    notes: tuple[str, ...] = ()
    exercises: tuple[ExerciseResult, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The entry in results.json."""
        return {
            "student": self.student,
            "score": round(self.score, 4),
            "max_score": float(self.max_score),
            "seconds": round(self.seconds, 2),
            "notes": list(self.notes),
            "exercises": [exercise.to_dict() for exercise in self.exercises],
        }
