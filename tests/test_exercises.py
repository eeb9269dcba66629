"""The manifest agrees with itself and with the reference."""

from __future__ import annotations

import inspect

import pytest

from bn_helpers import layers
from bn_helpers.exercises import CASES, EASY, EXERCISES, NOTEBOOKS, QUIZZES, SHAPE

NEITHER = ("softmax_loss",)  # handed to a notebook, and asked for in none


def test_points_add_up_to_100():
    assert sum(subject.points for subject in (*EXERCISES.values(), *QUIZZES.values())) == 100


def test_exercises_are_the_public_functions_of_the_reference():
    public = [name for name, value in vars(layers).items() if inspect.isfunction(value) and not name.startswith("_")]
    assert [name for name in public if name not in NEITHER] == list(EXERCISES)


def test_every_notebook_has_exercises_and_one_quiz():
    assert {exercise.notebook for exercise in EXERCISES.values()} == set(NOTEBOOKS)
    assert [quiz.notebook for quiz in QUIZZES.values()] == list(NOTEBOOKS)


def test_cases_are_those_that_exercises_use():
    assert set(CASES) == {SHAPE} | {case for exercise in EXERCISES.values() for case in exercise.weights}


def test_handed_functions_are_answers_to_earlier_notebooks_or_nobodys():
    for notebook in NOTEBOOKS.values():
        for name in {*notebook.handed} - {*NEITHER}:
            assert NOTEBOOKS[EXERCISES[name].notebook].number < notebook.number


@pytest.mark.parametrize("exercise", EXERCISES.values(), ids=lambda e: e.id)
def test_work_fits_the_notebook(exercise):
    siblings = [e for e in EXERCISES.values() if e.notebook == exercise.notebook]
    assert sum(e.minutes for e in siblings) <= NOTEBOOKS[exercise.notebook].minutes
    assert exercise.difficulty in (1, 2, 3)
    assert exercise.trap.endswith((".", "?"))


@pytest.mark.parametrize("exercise", EXERCISES.values(), ids=lambda e: e.id)
def test_easy_is_worth_half_and_everything_is_worth_all(exercise):
    assert next(iter(exercise.weights)) == EASY
    assert exercise.weights[EASY] == 0
    everything = dict.fromkeys(exercise.weights, True)
    assert exercise.score(everything) == pytest.approx(exercise.points)
    properties = {case: weight == 0 for case, weight in exercise.weights.items()}
    assert exercise.score(properties) == pytest.approx(exercise.points / 2)
    assert exercise.score({**everything, EASY: False}) == 0
    assert exercise.score({}) == 0


def test_a_strict_case_earns_by_weight_and_a_property_costs_a_tenth():
    exercise = EXERCISES["scale_and_shift"]
    everything = dict.fromkeys(exercise.weights, True)
    share = exercise.weights["square"] / sum(exercise.weights.values())
    assert exercise.score({**everything, "square": False}) == pytest.approx(exercise.points * (1 - 0.5 * share))
    assert exercise.score({**everything, "unchanged": False}) == pytest.approx(exercise.points * 0.9)


def test_axes_of_length_1_cost_a_tenth():
    exercise = EXERCISES["scale_and_shift"]
    assert exercise.score({**dict.fromkeys(exercise.weights, 1.0), SHAPE: 0.0}) == pytest.approx(3 * 0.9)


def test_a_right_result_beside_wrong_ones_earns_its_share_of_the_easy_half():
    exercise = EXERCISES["batchnorm_backward"]
    assert exercise.shares == {"dx": 0.6, "dgamma": 0.2, "dbeta": 0.2}
    assert exercise.score({EASY: 0.4}) == pytest.approx(exercise.points * 0.2)


@pytest.mark.parametrize("exercise", [e for e in EXERCISES.values() if e.point], ids=lambda e: e.id)
def test_what_misses_the_point_earns_half_however_right_the_rest_is(exercise):
    marks = dict.fromkeys(exercise.weights, 1.0) | dict.fromkeys(exercise.point, 0.0)
    assert exercise.score(marks) == pytest.approx(exercise.points / 2)
    assert sum(exercise.earned(marks).values()) == pytest.approx(exercise.points / 2)


def test_numbers_count_within_a_notebook():
    assert EXERCISES["batch_statistics"].number == "1.1"
    assert EXERCISES["scale_and_shift"].number == "2.1"
