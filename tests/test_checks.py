"""What a learner reads after a check, and what counts as attempted, ready and done."""

from __future__ import annotations

import functools
import math
import re
from types import FunctionType, SimpleNamespace

import numpy as np
import pytest

from bn_helpers import checks, guard, judging, layers
from bn_helpers.checks import GRADED, CheckFailed, Unanswered, check, examine, ready, summary
from bn_helpers.exercises import EXERCISES, NOTEBOOKS
from bn_helpers.judging import words


def run_check(capsys, *arguments, **uses) -> tuple[str, Exception | None]:
    """What a check prints, and what it raises."""
    try:
        check(*arguments, **uses)
    except checks.CheckError as error:
        return capsys.readouterr().out, error
    return capsys.readouterr().out, None


def points(exercise: str, share: float | None = None) -> str:
    """The words for points, and for a share of them."""
    points = EXERCISES[exercise].points
    return f"{points} points" if share is None else f"{share * points:.1f} of {points} points"


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
    assert str(error) == f"scale_and_shift: not right yet, {points('scale_and_shift', 0)}"
    lines = text.splitlines()
    assert lines[:2] == ["  FAIL  a hundred examples", "  FAIL  as many examples as features"]
    assert lines[4] == "  pass  your inputs stay as they are"
    assert lines[6] == "as many examples as features: out has the wrong values"
    assert [line.strip() for line in lines[7:19:4]] == ["wanted", "yours", "difference"]  # no room side by side
    assert [len(line.split()) for line in lines[8:19]] == [3, 3, 3, 1, 3, 3, 3, 1, 3, 3, 3]
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


@pytest.mark.parametrize("columns", [1, 2, 3, 5, 9])
@pytest.mark.parametrize("size", [1, 1e-7 / 3, -1e20 / 3])
def test_a_row_of_a_table_is_never_broken(columns, size):
    wanted = size * np.arange(4 * columns).reshape(4, columns)
    text = judging.table(wanted, wanted / 7)
    assert max(map(len, text.splitlines())) <= words.WIDTH
    assert len([word for word in text.partition("(a part")[0].split() if word[-1].isdigit()]) == 12 * min(columns, 5)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda x, eps=1e-5: None, "x_hat is None\nIs there a return at the end?"),
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


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda x, eps: layers.normalize(x, eps) * np.eye(len(x))[:, :1], "does it return too early?"),
        (lambda x, eps: layers.normalize(x, eps)[:1], "does a return stand inside the loop?"),
        (lambda x, eps: layers.normalize(x, eps)[-1], "does each turn of the loop overwrite the one before?"),
        (lambda x, eps: layers.normalize(x, eps).T, "Its values are right, and its axes are in reverse order."),
        (lambda x, eps: layers.normalize(x, eps).astype(int), "It holds integers, which cut off fractions."),
        (lambda x, eps: x - x.mean(axis=1), "NumPy compares shapes from their ends"),
        (lambda x, eps: x @ x[1:], "A product a @ b wants"),
        (lambda x, eps: x if x > 0 else 0, "if, and and or want one True or False"),
        (lambda x, eps: {}.x, "is read by brackets"),
        (lambda x, eps: math.sqrt(x), "math takes numbers, NumPy arrays"),
        (lambda x, eps: x.reshape(len(x) / 1, -1), "/ gives a float, and // an integer"),
    ],
)
def test_what_follows_from_values_and_exceptions_is_told(capsys, answer, words):
    text, _ = run_check(capsys, "normalize", lambda x, eps=1e-5: answer(x, eps))
    assert words in text.splitlines()[-1]


def test_wrong_shape_is_told_before_what_fits_silently(capsys):
    def scale_and_shift_backward(dout, x_hat, gamma):
        return dout * gamma, (dout * x_hat).sum(axis=0), dout.sum(axis=1)

    text, _ = run_check(capsys, "scale_and_shift_backward", scale_and_shift_backward)
    assert "a hundred examples: dbeta has shape (100,), wanted (5,)\nLook at the axes" in text


def test_entries_of_a_dict_are_told_by_their_names(capsys):
    def network_loss(x, labels, params, bn_param):
        loss, grads = layers.network_loss(x, labels, params, bn_param)
        return loss, {f"d{name}": value for name, value in (grads or {}).items()}

    text, _ = run_check(capsys, "network_loss", network_loss)
    assert "grads holds nothing under the name b2" in text


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
    assert str(error) == f"normalize: not right yet, {points('normalize', 0.9)}"


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
    assert caught.value._render_traceback_() == [f"normalize: not right yet, {points('normalize', 0)}"]


def test_notebook_shows_the_line_and_no_stack(capsys):
    shell = pytest.importorskip("IPython.core.interactiveshell").InteractiveShell.instance()
    shell.run_cell("from bn_helpers.checks import check\ncheck('normalize', lambda x, eps=1e-5: x)", silent=True)
    shell.clear_instance()
    shown = capsys.readouterr().out
    assert shown.rstrip().endswith(f"normalize: not right yet, {points('normalize', 0)}")
    assert "Traceback" not in shown


# Answers without end, answers that print, and cells that did not run


def test_answer_without_end_is_stopped_and_fails(capsys, monkeypatch):
    monkeypatch.setattr(checks, "limited", lambda: guard.limited(0.05))

    def normalize(x, eps=1e-5):
        while True:
            x = x + 0

    text, error = run_check(capsys, "normalize", normalize)
    assert isinstance(error, CheckFailed)
    assert re.search(r"goes on after 0.05 seconds of computing \(line \d+: (while True:|x = x \+ 0)\)", text)
    assert not ready(normalize=normalize)


def test_what_an_answer_prints_is_one_line(capsys):
    def normalize(x, eps=1e-5):
        print("x" * 1000)
        return layers.normalize(x, eps)

    text, error = run_check(capsys, "normalize", normalize)
    first, second, *_ = text.splitlines()
    assert error is None
    assert first.startswith(f"your code printed {len(EXERCISES['normalize'].weights) * 1001:,} characters: 'xxx")
    assert second.startswith("  pass")


@pytest.mark.parametrize(
    ("inputs", "stale"),
    [
        (["def normalize(x):\n    return x", "def normalize(x):\n    return (x"], True),
        (["def normalize(x):\n    return (x", "def normalize(x):\n    return x", "1 +"], False),
        (["%time\ndef normalize(x):\n    return x", "check('normalize', normalize)"], False),
    ],
)
def test_older_version_of_an_answer_is_not_checked(capsys, monkeypatch, inputs, stale):
    run_cells(monkeypatch, inputs)
    _, error = run_check(capsys, "normalize", layers.normalize)
    assert (error is not None) == stale
    assert not stale or "the latest version of its cell did not run, since it is not Python (line 2: " in str(error)


def run_cells(monkeypatch, inputs):
    from IPython.core.inputtransformer2 import TransformerManager

    session = SimpleNamespace(user_ns={"In": ["", *inputs]}, transform_cell=TransformerManager().transform_cell)
    monkeypatch.setattr("IPython.get_ipython", lambda: session)


# Not attempted, and wrong calls


def test_stub_is_not_attempted(capsys):
    text, error = run_check(capsys, "normalize", stub("normalize"))
    assert text == ""
    assert isinstance(error, Unanswered)
    assert str(error) == f"normalize: unanswered, 0 of {points('normalize')}"
    assert error._render_traceback_() == [f"normalize: unanswered, 0 of {points('normalize')}"]


def test_answer_that_calls_a_stub_says_which(capsys):
    batch_statistics = stub("batch_statistics")
    text, error = run_check(capsys, "normalize", lambda x, eps=1e-5: x - batch_statistics(x)[0])
    assert text == f"normalize needs your batch_statistics, and that is not written yet. {GRADED}\n"
    assert isinstance(error, Unanswered)


@pytest.mark.parametrize(("mean", "told"), [("x.mean(axis=0)", False), ("x.max(axis=0)", True)])
def test_answer_that_calls_a_wrong_one_says_which_and_what_the_grader_does(capsys, mean, told):
    names = {"np": np}
    exec(f"def batch_statistics(x):\n    return {mean}, x.var(axis=0)", names)
    exec("def center(x):\n    return x - [batch_statistics(x)[0] for _ in range(1)][0]", names)
    exec("def normalize(x, eps=1e-5):\n    return 3 * center(x)", names)
    text, _ = run_check(capsys, "normalize", names["normalize"])
    assert text.endswith(f"It calls your batch_statistics, not right yet. {GRADED}\n") == told


@pytest.mark.parametrize(
    ("take", "told"),
    [
        (lambda cache: cache["std"], "Take from the cache what your forward puts there, under the same name."),
        (lambda cache: (lambda x, y: x)(*cache), ""),
        (lambda cache: [x for x, y, z in [(*cache, 1)]], "Unpack what your forward packs: as many values, in the same"),
    ],
)
def test_advice_after_an_exception_at_the_cache_is_about_the_cache(take, told):
    functions = {"batchnorm_backward": lambda dout, cache: take(cache), "batchnorm_forward": layers.batchnorm_forward}
    last = examine("batchnorm_backward", functions).words.splitlines()[-1]
    assert last.startswith(told or "a few examples")


@pytest.mark.parametrize(("change", "told"), [(lambda out: 2 * out, True), (lambda out: out[:, None], False)])
def test_forward_is_to_be_mended_first_where_its_values_are_wrong_and_not_its_shape_alone(change, told):
    def forward(x, gamma, beta, bn_param):
        out, cache = layers.batchnorm_forward(x, gamma, beta, bn_param)
        return change(out), cache

    def backward(dout, cache):
        dx, dgamma, dbeta = layers.batchnorm_backward(dout, cache)
        return 1.7 * dx, dgamma, dbeta

    words = examine("batchnorm_backward", {"batchnorm_backward": backward, "batchnorm_forward": forward}).words
    assert words.endswith("Your batchnorm_forward returns a wrong out here: mend that first.") == told
    assert ("mend" in words) == told


def test_backward_with_a_forward_that_is_a_stub_says_so(capsys):
    forward = stub("spatial_batchnorm_forward")
    answer = layers.spatial_batchnorm_backward
    text, error = run_check(capsys, "spatial_batchnorm_backward", answer, spatial_batchnorm_forward=forward)
    needed = "spatial_batchnorm_backward needs your spatial_batchnorm_forward, and that is not written yet."
    assert text == f"{needed} {GRADED}\n"
    assert isinstance(error, Unanswered)


def frozen(dout, cache):
    return dout * cache["gamma"] * cache["inv_std"], *layers.batchnorm_backward(dout, cache)[1:]


@pytest.mark.parametrize("backward", [frozen, layers.batchnorm_backward], ids=["wrong", "right"])
def test_a_fault_of_an_answer_that_is_called_is_looked_for_there(capsys, backward):
    names = vars(layers) | {"batchnorm_backward": backward}
    answer = FunctionType(layers.network_loss.__code__, names)
    text, error = run_check(capsys, "network_loss", answer)
    below = f"It calls your batchnorm_backward, not right yet. {GRADED}"
    assert (below in text) == (error is not None) == (backward is frozen)
    names["softmax_loss"] = lambda scores, labels: (0.0, scores)  # now network_loss itself is wrong, too
    assert (below in run_check(capsys, "network_loss", answer)[0]) == (backward is frozen)


def test_wrong_calls_say_how_to_call():
    with pytest.raises(ValueError, match="no exercise is called 'normalise'; there are: batch_statistics, normalize"):
        check("normalise", layers.normalize)
    with pytest.raises(CheckFailed, match=r"a function is wanted, got ndarray\. If the name stands for something"):
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
    functions = {"batchnorm_backward_alt": answer, "batchnorm_forward": layers.batchnorm_forward}
    assert examine("batchnorm_backward_alt", functions).state == "passed"


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


@pytest.mark.parametrize("latest", ["quiz_1 = c", "quiz_1 = 'c", "quiz_1 = 'a' or 'c'", "quiz_1: str = 'c'"])
def test_quiz_is_read_as_the_grader_reads_it(capsys, monkeypatch, latest):
    run_cells(monkeypatch, ["quiz_1 = 'b'", latest, "check('quiz_1', quiz_1)"])
    text, error = run_check(capsys, "quiz_1", "b")  # what the cell before has left
    assert text == 'one of "a", "b", "c", "d" is wanted, and nothing else, as in quiz_1 = "a"\n'
    assert isinstance(error, CheckFailed)
    run_cells(monkeypatch, ["quiz_1 = c", "quiz_1 = 'C '"])
    assert run_check(capsys, "quiz_1", "C ") == ("recorded\n", None)


# Figures


def decorated(answer):
    @functools.wraps(answer)
    def wrapper(*arguments):
        return answer(*arguments)

    wrapper.__name__ = "wrapper"
    return wrapper


class Callable:
    def __call__(self, x, eps=1e-5):
        return layers.normalize(x, eps)


@pytest.mark.parametrize(
    "answer",
    [
        layers.normalize,
        lambda x, eps=1e-5: layers.normalize(x, eps),
        functools.partial(layers.normalize),
        decorated(layers.normalize),
        Callable(),
    ],
)
def test_an_answer_is_known_by_the_name_under_which_it_is_handed_over(capsys, answer):
    assert ready(normalize=answer, layer_outputs=layers.layer_outputs)
    assert capsys.readouterr().out == ""


def test_wrong_numbers_are_ready_and_a_line_says_so_until_the_next_figure(capsys):
    assert ready(normalize=lambda x, eps=1e-5: 2 * x, layer_outputs=layers.layer_outputs)
    assert capsys.readouterr().out == "drawn with your normalize, which fails its check\n"
    assert checks.wrong_answers()
    assert ready(normalize=layers.normalize)
    assert not checks.wrong_answers()


def test_a_wrong_answer_counts_in_its_own_cell_only(monkeypatch):
    shell = SimpleNamespace(execution_count=7)
    monkeypatch.setattr("IPython.get_ipython", lambda: shell)
    assert ready(normalize=lambda x, eps=1e-5: 2 * x)
    assert checks.wrong_answers()
    shell.execution_count = 8
    assert not checks.wrong_answers()


@pytest.mark.parametrize(
    "answer",
    [
        stub("normalize"),
        lambda x, eps=1e-5: None,
        lambda x, eps=1e-5: x[0],
        lambda x, eps=1e-5: x / 0,
        lambda: 0,
        lambda x, eps=1e-5: x[1] and x if len(x) < 2 else x,  # a batch of one raises
    ],
)
def test_what_a_figure_could_not_draw_is_not_ready(capsys, answer):
    assert not ready(normalize=answer, layer_outputs=layers.layer_outputs)
    assert capsys.readouterr().out == f"this figure needs normalize ({points('normalize')})\n"


def test_all_that_is_missing_is_named(capsys):
    assert not ready(normalize=stub("normalize"), layer_outputs=stub("layer_outputs"))
    needed = f"normalize ({points('normalize')}) and layer_outputs ({points('layer_outputs')})"
    assert capsys.readouterr().out == f"this figure needs {needed}\n"


def test_backward_is_ready_with_the_forward_of_an_earlier_notebook_which_is_not_judged():
    def forward(x, gamma, beta, bn_param):
        if bn_param["mode"] == "test":
            raise ValueError
        return layers.batchnorm_forward(x, gamma, beta, bn_param)

    assert ready(batchnorm_backward=layers.batchnorm_backward, batchnorm_forward=forward)
    assert not checks.wrong_answers()
    assert not ready(batchnorm_backward=layers.batchnorm_backward)


# Summary


def test_summary_tells_each_state_and_adds_up_to_the_notebooks_points(capsys):
    answers = {
        "batch_statistics": layers.batch_statistics,
        "normalize": lambda x, eps=1e-5: layers.normalize(x),
        "layer_outputs": stub("layer_outputs"),
        "quiz_1": "b",
    }
    summary("01_normalization", answers)
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    first, second, third = (EXERCISES[line[0]].points for line in lines[:3])
    assert lines[0] == ["batch_statistics", f"{first}", "points", f"{first:.1f}", "passed"]
    assert lines[1][:3] + lines[1][4:] == ["normalize", f"{second}", "points", "partial"]
    assert second / 2 <= float(lines[1][3]) < second
    assert lines[2] == ["layer_outputs", f"{third}", "points", "0.0", "unanswered"]
    assert lines[3] == ["quiz_1", "1", "points", "recorded"]
    assert lines[4][:3] == ["sum", f"{first + second + third + 1}", "points"]
    assert float(lines[4][3]) == pytest.approx(first + float(lines[1][3]))


def test_summary_is_of_the_answers_as_they_stand(capsys):
    answers = {"normalize": layers.normalize}
    check("normalize", answers["normalize"])
    answers["normalize"] = lambda x, eps=1e-5: x
    capsys.readouterr()
    summary("01_normalization", answers)
    assert f"normalize         {EXERCISES['normalize'].points:2} points   0.0  failed" in capsys.readouterr().out


def test_summary_of_a_backward_uses_the_forward_beside_it(capsys):
    summary("03_backward", {name: getattr(layers, name) for name in ("batchnorm_forward", "batchnorm_backward")})
    points = EXERCISES["batchnorm_backward"].points
    assert f"batchnorm_backward        {points:2} points  {points:4.1f}  passed" in capsys.readouterr().out


def test_summary_of_a_fresh_session_attempts_nothing(capsys):
    for notebook in NOTEBOOKS:
        summary(notebook, {})
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
