"""A report on a run beside answers repeats nothing that an answer can choose."""

import numpy as np
import pytest

from bn_helpers import layers
from bn_helpers.catalogue import CATALOGUE
from bn_helpers.exercises import CASES as WORDS
from bn_helpers.exercises import NOTEBOOKS, visible_cases
from bn_helpers.grading import scoring
from bn_helpers.grading.probes import Probes
from bn_helpers.grading.results import FAILED, SPENT, Attempt
from bn_helpers.grading.vocabulary import in_our_words
from bn_helpers.outcomes import Outcome, run
from bn_helpers.submission import Answer

CASES = visible_cases("normalize")
ANSWER = Answer("normalize", "def normalize(x, eps=1e-5):\n    raise ValueError('secret')", attempted=True)
SECRETS = {
    "words": Outcome(raised="ValueError", function="normalize", detail="ValueError: secret (line 2: secret)"),
    "name": Outcome(raised="secret", function="normalize", detail="secret: secret"),
    "line": Outcome(raised="ValueError", function="normalize", detail="x (line 31337: secret)"),
    "returned": Outcome(raised="unpack", function="normalize", detail="a secret"),
    "shape": Outcome({"x_hat": np.zeros((31337, 2))}),
    "value": Outcome({"x_hat": np.full(CASES[0].wanted["x_hat"].value.shape, 0.31337)}),
    "type": Outcome({"x_hat": np.array("secret")}),
}


RIGHT = [run(case, vars(layers)) for case in CASES]


def told(attempt, cases=CASES):
    result = scoring.exercise_result(ANSWER, cases, attempt)
    return in_our_words(result, ANSWER, cases, attempt, "note")


@pytest.mark.parametrize("outcome", SECRETS.values(), ids=SECRETS)
def test_nothing_that_an_answer_chooses_is_repeated(outcome):
    message = told(Attempt("normalize", outcomes=[outcome] * len(CASES), ran=True)).message
    assert message.endswith("note")
    assert "secret" not in message
    assert "31337" not in message


def test_the_words_of_a_cell_that_does_not_run_are_not_repeated():
    for error, name in (("ValueError: secret", "ValueError"), ("secret: secret", "an exception")):
        message = told(Attempt("normalize", error=error, ran=True)).message
        assert message == f"The answer cell does not run: {name}\nnote"


def test_what_may_be_told_is_told():
    raised = told(Attempt("normalize", outcomes=[SECRETS["words"]] * len(CASES), ran=True))
    assert (raised.status, raised.score) == (FAILED, 0.0)
    assert "normalize raised ValueError (line 2)" in raised.message
    shape = told(Attempt("normalize", outcomes=[SECRETS["shape"]] * len(CASES), ran=True))
    assert "x_hat has another shape than (4, 3)" in shape.message


@pytest.mark.parametrize(
    "attempt",
    [
        Attempt("normalize", outcomes=RIGHT, ran=True),
        Attempt("normalize", error="ValueError: secret", fate=SPENT, ran=True),
        Attempt("normalize"),
        Attempt("normalize", ran=True),
    ],
    ids=["right", "ended", "not run", "nothing shown"],
)
def test_what_scoring_says_in_words_of_its_own_stays(attempt):
    assert told(attempt) == scoring.exercise_result(ANSWER, CASES, attempt)


def test_outcomes_of_a_part_of_the_cases_are_told_as_unreadable():
    assert told(Attempt("normalize", outcomes=RIGHT[:2], ran=True)).message == f"{scoring.UNREADABLE}\nnote"


def test_what_is_wrong_on_hidden_numbers_only_is_told_without_them():
    cases = Probes(b"key", NOTEBOOKS).cases("normalize", "code")
    wrong = {"normalize": lambda x, eps=1e-5: 0.0 * x}
    hidden = [run(case, wrong if case.id == "square" else vars(layers)) for case in cases[len(CASES) :]]
    title, look = WORDS["square"]
    message = told(Attempt("normalize", outcomes=RIGHT + hidden, ran=True), cases).message
    assert message == f"{title}: right on the numbers that you can see, and wrong on others\n{look}\nnote"


def test_after_an_exception_stands_what_follows_from_it_and_no_advice_about_values():
    for name, follows in (("batch_statistics", "\nbatch_statistics is exercise 1.1: run"), ("secret", "\nnote")):
        outcome = Outcome(raised="NameError", function="normalize", detail=f"NameError: name '{name}' is not defined")
        message = told(Attempt("normalize", outcomes=[outcome] * len(CASES), ran=True)).message
        assert f"normalize raised NameError{follows}" in message
        assert "secret" not in message


def two_mistakes(x, eps=1e-5):
    return (x - x.mean()) / (x.std() + eps)


@pytest.mark.parametrize(
    ("functions", "mistake", "beginning"),
    [
        (CATALOGUE["normalize"]["ddof"].functions, "ddof", "It"),
        ({"normalize": two_mistakes}, "whole_array", "One of your mistakes: it"),
    ],
)
def test_a_mistake_is_named_and_no_number_is_told(functions, mistake, beginning):
    message = told(Attempt("normalize", outcomes=[run(case, functions) for case in CASES], ran=True)).message
    words = f"{beginning} looks as if {CATALOGUE['normalize'][mistake].message}"
    assert message == f"{WORDS['small'][0]}: x_hat has the wrong values\n{words}\nnote"


def test_all_messages_of_all_values_are_one():
    rng = np.random.RandomState(0)
    messages = set()
    for _ in range(50):
        outcomes = [Outcome({n: rng.standard_normal(w.value.shape) for n, w in c.wanted.items()}) for c in CASES]
        messages.add(told(Attempt("normalize", outcomes=outcomes, ran=True)).message)
    assert len(messages) == 1
