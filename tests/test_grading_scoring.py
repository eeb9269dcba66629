import numpy as np
import pytest

from bn_helpers import layers
from bn_helpers.catalogue import CATALOGUE
from bn_helpers.exercises import EXERCISES, NOTEBOOKS, SHAPE
from bn_helpers.grading import scoring
from bn_helpers.grading.probes import Probes
from bn_helpers.grading.results import DIED, FLOODED, SPENT, TIMED_OUT, Attempt
from bn_helpers.outcomes import run
from bn_helpers.submission import Answer

CASES = Probes(b"key", NOTEBOOKS).cases("normalize", "code")
POINTS = EXERCISES["normalize"].points
ANSWER = Answer("normalize", "def normalize(x): ...", file="01.ipynb", line=7)


def attempt(function, **about):
    return Attempt("normalize", outcomes=[run(case, {"normalize": function}) for case in CASES], ran=True, **about)


def result(function):
    return scoring.exercise_result(ANSWER, CASES, attempt(function))


def in_place(x, eps=1e-5):
    right = layers.normalize(x, eps)
    x += 1
    return right


def wrong_on_hidden(x, eps=1e-5):
    visible = [case.inputs["x"] for case in CASES[: len(CASES) // 2]]
    known = any(x.shape == v.shape and np.array_equal(x, v) for v in visible)
    return layers.normalize(x, eps) if known else 0.0 * x


def test_a_right_answer_gets_all_points_and_no_words():
    found = result(layers.normalize)
    assert (found.score, found.status, found.message, found.diagnosis) == (POINTS, "passed", "", None)
    assert (found.code, found.file, found.line) == (ANSWER.code, "01.ipynb", 7)


def test_points_of_the_cases_add_up_to_the_score():
    for function in (layers.normalize, in_place, *(m.functions["normalize"] for m in CATALOGUE["normalize"].values())):
        found = result(function)
        assert sum(case.points for case in found.cases) == pytest.approx(found.score), function
        assert {case.id for case in found.cases} <= {*EXERCISES["normalize"].weights, SHAPE}


def test_a_lost_property_costs_a_tenth():
    found = result(in_place)
    assert found.score == pytest.approx(0.9 * POINTS)
    lost = {case.id: case.points for case in found.cases if not case.passed}
    assert lost == {"unchanged": pytest.approx(-0.1 * POINTS)}
    assert "your function changes its input x" in found.message


def test_nothing_is_earned_where_the_easy_case_fails():
    found = result(lambda x, eps=1e-5: 0 * x)
    assert (found.score, found.status) == (0.0, "failed")
    assert not any(case.points for case in found.cases)


def test_what_is_right_on_the_visible_numbers_only_earns_nothing_and_shows_no_hidden_number():
    found = result(wrong_on_hidden)
    assert found.score == 0
    assert found.message.startswith("a hundred examples: right on the numbers that you can see, and wrong on")
    assert not any(
        f"{value:.4g}" in found.message for case in CASES[len(CASES) // 2 :] for value in np.ravel(case.inputs["x"])
    )


def test_a_mistake_is_named_and_its_words_are_in_the_message():
    found = result(CATALOGUE["normalize"]["ddof"].functions["normalize"])
    assert (found.status, found.diagnosis) == ("partial", "ddof")
    assert CATALOGUE["normalize"]["ddof"].message in found.message


def test_a_mistake_that_shows_on_the_visible_cases_only_is_not_named():
    ddof = CATALOGUE["normalize"]["ddof"].functions["normalize"]
    mixed = attempt(ddof)
    mixed.outcomes[len(CASES) // 2 :] = attempt(lambda x, eps=1e-5: 3 * layers.normalize(x, eps)).outcomes[
        len(CASES) // 2 :
    ]
    assert scoring.exercise_result(ANSWER, CASES, mixed).diagnosis is None


@pytest.mark.parametrize(
    ("fate", "status", "words"),
    [(fate, "timeout", "took longer") for fate in (SPENT, TIMED_OUT)]
    + [(DIED, "crashed", "ended the Python"), (FLOODED, "crashed", "more than")],
)
def test_what_ended_the_kernel_is_told(fate, status, words):
    found = scoring.exercise_result(ANSWER, CASES, Attempt("normalize", fate=fate, ran=True))
    assert (found.score, found.status) == (0.0, status)
    assert words in found.message


def test_an_answer_whose_time_never_came_is_a_timeout():
    assert scoring.exercise_result(ANSWER, CASES, Attempt("normalize")).status == "timeout"


def test_an_answer_cell_that_raises_tells_what():
    found = scoring.exercise_result(ANSWER, CASES, Attempt("normalize", error="NameError: nope", ran=True))
    assert (found.status, found.message) == ("failed", "The answer cell does not run: NameError: nope")


def test_an_answer_cell_that_raises_before_its_function_is_told_so_and_not_that_a_name_is_missing():
    def normalize(x, eps=1e-5):
        raise NameError("normalize is not defined")

    found = scoring.exercise_result(ANSWER, CASES, attempt(normalize, error="ImportError: no torch"))
    assert found.message == "The answer cell does not run: ImportError: no torch"


def test_results_that_make_no_sense_are_told():
    found = scoring.exercise_result(ANSWER, CASES, Attempt("normalize", ran=True))
    assert (found.status, found.score) == ("failed", 0.0)
    assert "no results that can be read" in found.message


def test_outcomes_of_a_part_of_the_cases_earn_nothing():
    part = attempt(layers.normalize)
    del part.outcomes[-1]
    assert scoring.score("normalize", CASES, part) == 0


def test_an_unfinished_answer_is_missing():
    def normalize(x, eps=1e-5):
        raise NotImplementedError

    assert result(normalize).status == "unanswered"


@pytest.mark.parametrize(
    ("letter", "status", "score"),
    [("b", "passed", 1.0), ("a", "failed", 0.0), (None, "failed", 0.0), ("e", "failed", 0.0)],
)
def test_a_quiz_is_right_or_wrong_and_the_right_letter_is_not_told(letter, status, score):
    found = scoring.quiz_result(Answer("quiz_1", "quiz_1 = ...", letter=letter), "quiz_1", "b")
    assert (found.status, found.score) == (status, score)
    assert '"b"' not in found.message


def test_a_quiz_that_is_not_answered_is_missing_and_one_without_a_source_is_an_error():
    assert scoring.quiz_result(None, "quiz_1", None).status == "missing"
    assert scoring.quiz_result(Answer("quiz_1", "", letter="a"), "quiz_1", None).status == "error"
