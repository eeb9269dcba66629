"""What a learner reads after a check, and what counts as attempted, ready and done."""

from __future__ import annotations

import numpy as np
import pytest

from bn_helpers import checks, judging, layers
from bn_helpers.checks import CheckFailed, Unanswered, check, examine, ready, summary
from bn_helpers.exercises import EXERCISES, NOTEBOOKS


@pytest.fixture(autouse=True)
def fresh_session(monkeypatch):
    monkeypatch.setattr(checks, "_latest", {})


def run_check(capsys, *arguments, **uses) -> tuple[str, Exception | None]:
    """What a check prints, and what it raises."""
    try:
        check(*arguments, **uses)
    except checks.CheckError as error:
        return capsys.readouterr().out, error
    return capsys.readouterr().out, None


def stub(name):
    def answer(*arguments):
        raise NotImplementedError(f"{name} is not written yet: replace this line by your answer")

    answer.__code__ = answer.__code__.replace(co_name=name)
    return answer


def scale_and_shift(x_hat, gamma, beta):
    return gamma[:, None] * x_hat + beta[:, None]


# Text


def test_right_answer_passes_line_by_line(capsys):
    text, error = run_check(capsys, "scale_and_shift", layers.scale_and_shift)
    assert error is None
    assert text.splitlines() == [
        "  pass  a hundred examples",
        "  pass  as many examples as features",
        "  pass  a batch of one",
        "  pass  float32",
        "  pass  your inputs stay as they are",
        "scale_and_shift: all 5 cases pass",
    ]


def test_wrong_answer_is_explained(capsys):
    text, error = run_check(capsys, "scale_and_shift", lambda x_hat, gamma, beta: gamma * x_hat)
    assert isinstance(error, CheckFailed)
    assert str(error) == "scale_and_shift: not right yet, 0.0 of 3 points"
    lines = text.splitlines()
    assert lines[:2] == ["  FAIL  a hundred examples", "  FAIL  as many examples as features"]
    assert lines[4] == "  pass  your inputs stay as they are"
    assert lines[6] == "as many examples as features: out has the wrong values"
    assert lines[7].split() == ["wanted", "yours", "difference"]
    assert len(lines[8].split()) == 9
    assert lines[-1] == "It looks as if you forget beta."


def test_advice_is_about_the_case_where_the_easy_one_passes(capsys):
    text, error = run_check(capsys, "normalize", lambda x, eps=1e-5: layers.normalize(x))
    assert text.splitlines()[-1] == "It looks as if you use a fixed eps. It is an argument: use the one you are given."
    assert 3.0 <= float(str(error).split()[4]) < 6.0


def test_difference_is_yours_less_what_is_wanted(capsys):
    text, _ = run_check(capsys, "saturated_fraction", lambda z, threshold=0.97: 2.0)
    row = next(line for line in text.splitlines() if "difference" not in line and line.split()[1:2] == ["2"])
    wanted, yours, difference = map(float, row.split())
    assert difference == pytest.approx(yours - wanted, abs=1e-3)


def test_large_array_is_cut_to_the_rows_that_differ_most():
    wanted = np.zeros((100, 8))
    got = wanted.copy()
    got[70, 3] = got[90, 0] = 9
    text = judging.table(wanted, got)
    assert len(text.splitlines()) == 2 + judging.SHOWN
    assert text.endswith("(a part of shape (100, 8))")
    assert sum("9" in line for line in text.splitlines()[1:-1]) == 2


@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (2, 3, 2, 2)])
def test_arrays_of_any_shape_are_shown(shape):
    wanted = np.full(shape, 2.0)
    for got in (wanted + 1, np.full(shape, np.nan), wanted.astype(int)):
        assert judging.table(wanted, got).split()[:3] == ["wanted", "yours", "difference"]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda x, eps=1e-5: None, "x_hat is missing; is there a return, and is everything written back?"),
        (lambda x, eps=1e-5: x.mean(), r"x_hat has shape (), wanted (4, 3)"),
        (lambda x, eps=1e-5: (x, x), "normalize returned a tuple of 2, wanted x_hat"),
        (lambda x, eps=1e-5: x * np.nan, "x_hat holds values that are not finite"),
        (lambda x, eps=1e-5: x > 0, "x_hat holds True and False, wanted real numbers"),
        (lambda x, eps=1e-5: x.undefined, "normalize raised AttributeError"),
        (lambda x: x, "normalize raised TypeError"),
    ],
)
def test_each_problem_is_told_in_words(capsys, answer, words):
    text, error = run_check(capsys, "normalize", answer)
    assert isinstance(error, CheckFailed)
    assert words in text


def test_line_of_an_exception_is_told(capsys):
    def normalize(x, eps=1e-5):
        return x @ x

    text, _ = run_check(capsys, "normalize", normalize)
    assert "normalize raised ValueError: matmul" in text
    assert ": return x @ x)" in text


def test_changed_input_is_told(capsys):
    def normalize(x, eps=1e-5):
        returned = layers.normalize(x, eps)
        x[:] = 0
        return returned

    text, error = run_check(capsys, "normalize", normalize)
    assert "your inputs stay as they are: your function changes its input x" in text
    assert str(error) == "normalize: not right yet, 5.4 of 6 points"


@pytest.mark.parametrize(
    ("exception", "words"),
    [
        (None, "an unknown mode: a ValueError is wanted, and none was raised"),
        (KeyError("mode"), "an unknown mode: a ValueError is wanted, and batchnorm_forward raised KeyError: 'mode'"),
    ],
)
def test_missing_value_error_is_told(capsys, exception, words):
    def batchnorm_forward(x, gamma, beta, bn_param):
        if bn_param["mode"] in ("train", "test"):
            return layers.batchnorm_forward(x, gamma, beta, bn_param)
        if exception:
            raise exception
        return None

    text, _ = run_check(capsys, "batchnorm_forward", batchnorm_forward)
    assert words in text


def test_check_is_the_same_at_every_run(capsys):
    first, _ = run_check(capsys, "normalize", lambda x, eps=1e-5: x)
    assert run_check(capsys, "normalize", lambda x, eps=1e-5: x)[0] == first


def test_failure_is_one_line_in_a_notebook():
    with pytest.raises(CheckFailed) as caught:
        check("normalize", lambda x, eps=1e-5: x)
    assert caught.value._render_traceback_() == ["normalize: not right yet, 0.0 of 6 points"]


def test_notebook_shows_the_line_and_no_stack(capsys):
    shell = pytest.importorskip("IPython.core.interactiveshell").InteractiveShell.instance()
    shell.run_cell("from bn_helpers.checks import check\ncheck('normalize', lambda x, eps=1e-5: x)", silent=True)
    shell.clear_instance()
    shown = capsys.readouterr().out
    assert shown.rstrip().endswith("normalize: not right yet, 0.0 of 6 points")
    assert "Traceback" not in shown


# Not attempted, and wrong calls


def test_stub_is_not_attempted(capsys):
    text, error = run_check(capsys, "normalize", stub("normalize"))
    assert text == ""
    assert isinstance(error, Unanswered)
    assert str(error) == "normalize: unanswered, 0 of 6 points"
    assert error._render_traceback_() == ["normalize: unanswered, 0 of 6 points"]


def test_answer_that_calls_a_stub_says_which(capsys):
    batch_statistics = stub("batch_statistics")
    text, error = run_check(capsys, "normalize", lambda x, eps=1e-5: x - batch_statistics(x)[0])
    assert text == "normalize needs your batch_statistics, and that is not written yet\n"
    assert isinstance(error, Unanswered)


def test_backward_with_a_forward_that_is_a_stub_says_so(capsys):
    forward = stub("spatial_batchnorm_forward")
    answer = layers.spatial_batchnorm_backward
    text, error = run_check(capsys, "spatial_batchnorm_backward", answer, spatial_batchnorm_forward=forward)
    assert text == "spatial_batchnorm_backward needs your spatial_batchnorm_forward, and that is not written yet\n"
    assert isinstance(error, Unanswered)


def test_wrong_calls_say_how_to_call():
    with pytest.raises(ValueError, match="no exercise is called 'normalise'; there are: batch_statistics, normalize"):
        check("normalise", layers.normalize)
    with pytest.raises(CheckFailed, match="a function is wanted, got ndarray; hand over its name, no call"):
        check("normalize", np.zeros(3))
    wanted = r'check\("batchnorm_backward", batchnorm_backward, batchnorm_forward=batchnorm_forward\)'
    with pytest.raises(CheckFailed, match=wanted):
        check("batchnorm_backward", layers.batchnorm_backward)
    with pytest.raises(CheckFailed, match=r'call it as check\("normalize", normalize\)'):
        check("normalize", layers.normalize, batch_statistics=layers.batch_statistics)


# The closed form is to be derived

ALT = """
{helper}
def batchnorm_backward(dout, cache):
    return staged(dout, cache)

def batchnorm_backward_alt(dout, cache):
    return {call}(dout, cache)
"""


def alt(call: str, helper: str = "") -> dict:
    names = {"staged": layers.batchnorm_backward, "closed": layers.batchnorm_backward_alt}
    exec(ALT.format(call=call, helper=helper), names)
    return names


def test_closed_form_may_not_call_the_staged_pass(capsys):
    names = alt("batchnorm_backward")
    staged = names["batchnorm_backward"]
    answer = names["batchnorm_backward_alt"]
    text, error = run_check(capsys, "batchnorm_backward_alt", answer, batchnorm_forward=layers.batchnorm_forward)
    assert isinstance(error, CheckFailed)
    assert "TypeError: derive it here, without a call of batchnorm_backward" in text
    assert names["batchnorm_backward"] is staged


@pytest.mark.parametrize(
    ("call", "helper"), [("closed", ""), ("helper", "def helper(*both):\n    return staged(*both)")]
)
def test_closed_form_keeps_its_helpers(capsys, call, helper):
    answer = alt(call, helper)["batchnorm_backward_alt"]
    run_check(capsys, "batchnorm_backward_alt", answer, batchnorm_forward=layers.batchnorm_forward)
    assert checks._latest["batchnorm_backward_alt"].state == "passed"


def test_name_that_was_not_there_is_gone_again():
    names = alt("closed")
    del names["batchnorm_backward"]
    functions = {
        "batchnorm_forward": layers.batchnorm_forward,
        "batchnorm_backward_alt": names["batchnorm_backward_alt"],
    }
    assert examine("batchnorm_backward_alt", functions).state == "passed"
    assert "batchnorm_backward" not in names


def test_staged_pass_may_call_the_closed_form():
    functions = {"batchnorm_forward": layers.batchnorm_forward, "batchnorm_backward": layers.batchnorm_backward_alt}
    assert examine("batchnorm_backward", functions).state == "passed"


# Quizzes


@pytest.mark.parametrize("letter", ["a", "B", " d "])
def test_quiz_takes_a_letter(capsys, letter):
    assert run_check(capsys, "quiz_1", letter) == ("recorded\n", None)


def test_open_quiz_is_not_attempted(capsys):
    text, error = run_check(capsys, "quiz_1", "?")
    assert (text, str(error)) == ("", "quiz_1: unanswered, 0 of 1 points")


@pytest.mark.parametrize("letter", ["e", "", "ab", 2, None])
def test_quiz_wants_one_of_four_letters(capsys, letter):
    text, error = run_check(capsys, "quiz_1", letter)
    assert text == f'one of "a", "b", "c", "d" is wanted, got {letter!r}\n'
    assert isinstance(error, CheckFailed)


# Figures


def named(name: str, answer, **names):
    """An answer under its own name, with the notebook's names as its globals."""
    scope = {"answer": answer, **names}
    exec(f"def {name}(*arguments):\n    return answer(*arguments)", scope)
    return scope[name]


def test_right_and_wrong_numbers_are_ready(capsys):
    wrong = named("scale_and_shift", lambda x_hat, gamma, beta: x_hat)
    assert ready(named("normalize", layers.normalize), wrong)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    "answer",
    [stub("normalize"), lambda x, eps=1e-5: None, lambda x, eps=1e-5: x[0], lambda x, eps=1e-5: x / 0, lambda: 0],
)
def test_what_a_figure_could_not_draw_is_not_ready(capsys, answer):
    assert not ready(named("normalize", answer), named("layer_outputs", layers.layer_outputs))
    assert capsys.readouterr().out == "this figure needs normalize (6 points)\n"


def test_all_that_is_missing_is_named(capsys):
    assert not ready(named("normalize", stub("normalize")), named("layer_outputs", stub("layer_outputs")))
    assert capsys.readouterr().out == "this figure needs normalize (6 points) and layer_outputs (4 points)\n"


def test_backward_is_ready_with_the_forward_of_its_notebook():
    backward = layers.batchnorm_backward
    assert ready(named("batchnorm_backward", backward, batchnorm_forward=layers.batchnorm_forward))
    assert not ready(named("batchnorm_backward", backward))


# Summary


def test_summary_tells_each_state(capsys):
    run_check(capsys, "batch_statistics", layers.batch_statistics)
    run_check(capsys, "normalize", lambda x, eps=1e-5: layers.normalize(x))
    run_check(capsys, "layer_outputs", stub("layer_outputs"))
    run_check(capsys, "quiz_1", "b")
    summary("01_normalization")
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == ["batch_statistics", "3", "points", "3.0", "passed"]
    assert lines[1][:3] + lines[1][4:] == ["normalize", "6", "points", "partial"]
    assert 3.0 <= float(lines[1][3]) < 6.0
    assert lines[2] == ["layer_outputs", "4", "points", "0.0", "unanswered"]
    assert lines[3] == ["quiz_1", "1", "points", "recorded"]
    assert lines[4][:3] == ["sum", "13", "points"]
    assert float(lines[4][3]) == pytest.approx(3.0 + float(lines[1][3]))


def test_summary_of_a_fresh_session_attempts_nothing(capsys):
    for notebook in NOTEBOOKS:
        summary(notebook)
        lines = capsys.readouterr().out.splitlines()
        assert all(line.endswith("0.0  unanswered") for line in lines[:-1])


@pytest.mark.parametrize("exercise", EXERCISES)
def test_reference_gets_every_point(exercise):
    functions = {name: getattr(layers, name) for name in (*EXERCISES[exercise].uses, exercise)}
    verdict = examine(exercise, functions)
    assert (verdict.state, verdict.points) == ("passed", EXERCISES[exercise].points)
    assert verdict.diagnosis is None


@pytest.mark.parametrize("exercise", EXERCISES)
def test_handing_back_an_input_earns_nothing(exercise):
    functions = {name: getattr(layers, name) for name in EXERCISES[exercise].uses}
    verdict = examine(exercise, {**functions, exercise: lambda first, *rest: first})
    assert (verdict.state, verdict.points) == ("failed", 0)
