"""Known mistakes and right variants on hidden cases: what loses points, what gets them, and what is named."""

from __future__ import annotations

import pytest

from bn_helpers.catalogue import CATALOGUE, RIGHT
from bn_helpers.exercises import EXERCISES, NOTEBOOKS
from bn_helpers.grading import scoring
from bn_helpers.grading.probes import Probes
from bn_helpers.grading.results import Attempt
from bn_helpers.outcomes import run
from bn_helpers.submission import Answer


@pytest.mark.slow
@pytest.mark.parametrize("exercise", EXERCISES)
def test_each_known_mistake_loses_points_and_is_named_or_not_but_never_misnamed(exercise):
    cases = Probes(b"key", NOTEBOOKS).cases(exercise, "code")
    named = 0
    for mistake in CATALOGUE[exercise].values():
        attempt = Attempt(exercise, outcomes=[run(case, mistake.functions) for case in cases], ran=True)
        found = scoring.exercise_result(Answer(exercise, ""), cases, attempt)
        assert found.score < found.max_score, mistake.id
        assert found.diagnosis in (mistake.id, None)
        named += found.diagnosis is not None
    assert named >= 0.9 * len(CATALOGUE[exercise])


@pytest.mark.slow
@pytest.mark.parametrize("exercise", EXERCISES)
def test_right_variants_get_all_points_whatever_the_key(exercise):
    for number in range(20):
        cases = Probes(number.to_bytes(4, "big"), NOTEBOOKS).cases(exercise, "code")
        for style, functions in RIGHT[exercise].items():
            attempt = Attempt(exercise, outcomes=[run(case, functions) for case in cases], ran=True)
            assert scoring.score(exercise, cases, attempt) == EXERCISES[exercise].points, (style, number)
