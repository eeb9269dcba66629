import ast
import json

import numpy as np
import pytest

from bn_helpers import layers, outcomes
from bn_helpers.exercises import EXERCISES, NOTEBOOKS, QUIZZES, visible_cases
from bn_helpers.grading import probes
from bn_helpers.grading.sandbox import driver, wire
from bn_helpers.grading.sandbox.limits import ARRAY as LARGEST
from bn_helpers.grading.sandbox.limits import WORDS
from bn_helpers.judging import judge
from bn_helpers.outcomes import run


@pytest.fixture(autouse=True)
def request_of_the_grader(monkeypatch):
    monkeypatch.setitem(driver.told, "array", LARGEST)


def entry(**values):
    return {"raised": "", "function": "", "detail": "", "values": values}


ARRAY = {"shape": [1], "data": "AAAAAAAA8D8="}  # [1.0]
CASES = visible_cases("normalize")


@pytest.mark.parametrize("exercise", EXERCISES)
def test_the_same_answer_is_always_probed_alike_and_any_other_one_is_not(exercise):
    first, again, edited, other_key = (
        probes.Probes(key, NOTEBOOKS).cases(exercise, code)
        for key, code in [(b"k", "a"), (b"k", "a"), (b"k", "b"), (b"l", "a")]
    )
    told = [wire.probe_cell(exercise, cases) for cases in (first, again, edited, other_key)]
    assert told[0] == told[1]
    assert len(set(told)) == 3


@pytest.mark.parametrize("exercise", EXERCISES)
def test_a_right_answer_passes_on_hidden_cases_and_the_reference_reads_them_bit_by_bit(exercise):
    for case in probes.Probes(b"key", NOTEBOOKS).cases(exercise, "code"):
        inputs = driver.decode({"dict": {name: wire.encode(value) for name, value in case.inputs.items()}})
        assert repr(inputs) == repr(dict(case.inputs))
        assert judge(case, run(case, vars(layers))).passed


@pytest.mark.parametrize("exercise", EXERCISES)
def test_of_a_case_a_kernel_is_told_inputs_calls_and_names_only(exercise):
    cases = probes.Probes(b"key", NOTEBOOKS).cases(exercise, "code")
    call, text = wire.probe_cell(exercise, cases).split(", ", 1)
    assert call == f"__import__('bn_driver').probe({EXERCISES[exercise].underived!r}"
    for case, told in zip(cases, json.loads(ast.literal_eval(text.removesuffix(")"))), strict=True):
        assert told.keys() == {"inputs", "calls", "wanted"}
        assert told["inputs"]["dict"].keys() == case.inputs.keys()
        assert told["wanted"] == [*case.wanted, *case.watched, *case.keeps]


@pytest.mark.parametrize("exercise", ["batchnorm_forward", "train_network"])
def test_outcomes_survive_the_way_through_json(exercise):
    cases = visible_cases(exercise)
    seen = [run(case, vars(layers)) for case in cases]
    told = [
        {
            **{"raised": o.raised, "function": o.function, "detail": o.detail},
            "values": {n: driver._encode(v) for n, v in o.values.items()} | kept(case),
        }
        for case, o in zip(cases, seen, strict=True)
    ]
    assert all(judge(case, o).passed for case, o in zip(cases, wire.read_outcomes(told, cases), strict=True))


def kept(case):
    return {name: driver._encode(np.array(outcomes.entry(case.inputs, name), dtype=float)) for name in case.keeps}


HOSTILE = {
    "nothing": None,
    "text": "passed",
    "a number": 10**400,
    "an empty entry": [{}],
    "an entry that is a list": [[]],
    "no name of an exception": [{"raised": "<script>", "function": "", "detail": "", "values": {}}],
    "what nobody returned": [{"raised": "unpack", "function": "rm", "detail": "", "values": {}}],
    "a function that is none": [{"raised": ["a"], "function": {}, "detail": 3, "values": {}}],
    "values that are none": [{"raised": "", "function": "", "detail": "", "values": 3}],
    "bad base64": [entry(x_hat={"shape": [1], "data": "§"})],
    "a surrogate": [entry(x_hat={"shape": [1], "data": "\ud800"})],
    "too little data": [entry(x_hat={"shape": [9], "data": ARRAY["data"]})],
    "a huge shape": [entry(x_hat={"shape": [10**9] * 8, "data": ARRAY["data"]})],
    "a negative shape": [entry(x_hat={"shape": [-1], "data": ARRAY["data"]})],
    "a shape of nan": [entry(x_hat={"shape": [float("nan")], "data": ARRAY["data"]})],
    "a shape of booleans": [entry(x_hat={"shape": [True], "data": ARRAY["data"]})],
    "many dimensions": [entry(x_hat={"shape": [1] * 60, "data": ARRAY["data"]})],
    "too much data": [entry(x_hat={"shape": [1], "data": "A" * 10**6})],
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
def test_what_makes_no_sense_is_no_outcome(data):
    assert wire.read_outcomes(data, CASES) == []


def test_outcomes_end_before_the_first_that_makes_no_sense_and_none_are_added():
    assert len(wire.read_outcomes([entry(x_hat=ARRAY), {}, entry(x_hat=ARRAY)], CASES)) == 1
    assert len(wire.read_outcomes([entry(x_hat=ARRAY)] * 1000, CASES)) == len(CASES)


def test_words_of_a_kernel_do_no_harm_in_a_terminal():
    told = {"raised": "ValueError", "function": "rm", "detail": "\x1b[2J\n::error::" + "x" * 10**4, "values": {}}
    outcome = wire.read_outcomes([told], CASES)[0]
    assert outcome.function == ""
    assert outcome.detail.isprintable()
    assert len(outcome.detail) <= WORDS


def test_an_input_that_comes_back_changed_is_noticed_here():
    case = next(case for case in CASES if case.id == "unchanged")
    same = driver._encode(case.inputs["x"])
    outcomes = [
        wire.read_outcomes([entry(x=value)], (case,))[0]
        for value in (same, driver._encode(case.inputs["x"] + 1), ARRAY)
    ]
    assert [outcome.changed for outcome in outcomes] == [(), ("x",), ("x",)]


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_a_notebook_is_handed_what_the_manifest_says_and_no_answer_of_its_own(notebook):
    text = probes.Probes(b"key", NOTEBOOKS).fresh(notebook).source
    own = [exercise.id for exercise in EXERCISES.values() if exercise.notebook == notebook]
    assert not [name for name in own if f"def {name}(" in text]
    assert all(f"def {name}(" in text for name in NOTEBOOKS[notebook].handed)


@pytest.mark.parametrize("quiz", QUIZZES.values(), ids=QUIZZES)
def test_the_letter_of_each_quiz_is_in_the_sources(quiz):
    assert probes.quiz_letter(quiz.id, quiz.notebook) in ("a", "b", "c", "d")
