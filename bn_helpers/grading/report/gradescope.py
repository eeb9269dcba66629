"""A student's results.json in the form that Gradescope reads; gradescope.schema.json describes it."""

from __future__ import annotations

import json

from bn_helpers.exercises import EXERCISES
from bn_helpers.grading.report.words import title
from bn_helpers.grading.results import PASSED, ExerciseResult, SubmissionResult
from bn_helpers.text import printable


def results(result: SubmissionResult) -> str:
    """The whole file."""
    data = {
        "score": round(result.score, 4),
        "output": printable("\n".join(result.notes)),
        "output_format": "text",
        "execution_time": round(result.seconds, 2),
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "tests": [_test(exercise) for exercise in result.exercises],
    }
    return json.dumps(data, ensure_ascii=False, indent=1) + "\n"


def _test(exercise: ExerciseResult) -> dict:
    return {
        "name": title(exercise.id),
        "number": EXERCISES[exercise.id].number if exercise.id in EXERCISES else exercise.id.replace("quiz_", "Q"),
        "score": round(exercise.score, 4),
        "max_score": exercise.max_score,
        "status": "passed" if exercise.status == PASSED else "failed",
        "output": printable(exercise.message),
        "output_format": "text",
        "tags": [exercise.notebook, exercise.status, *([exercise.diagnosis] if exercise.diagnosis else [])],
        "visibility": "visible",
    }
