"""Whole submissions through nbval and the sandbox."""

from __future__ import annotations

import math
import os
import signal
from pathlib import Path
from types import SimpleNamespace

import pytest
from submissions import by_id, right_answer, right_answers, sandbox_here, variant_source, write_submission

from bn_helpers.catalogue import RIGHT
from bn_helpers.exercises import EXERCISES, NOTEBOOKS, TASKS
from bn_helpers.grading import grader as module
from bn_helpers.grading.clock import Clock
from bn_helpers.grading.grader import Grader
from bn_helpers.grading.results import ANSWER, FRESH, Step
from bn_helpers.grading.sandbox import kernel
from bn_helpers.grading.sandbox.kernel import SandboxClient
from bn_helpers.grading.sandbox.notebooks import _Comparison, run_notebooks
from bn_helpers.grading.sandbox.workshop import Sandbox
from bn_helpers.submission import read_submission

PER_IMAGE = "def channel_statistics(x):\n    return x.mean(axis=(0, 2)), x.var(axis=(0, 2))"

AS_LISTS = "def channel_statistics(x):\n    return x.mean(axis=(0, 2, 3)).tolist(), x.var(axis=(0, 2, 3)).tolist()"


@pytest.fixture(scope="module")
def grader():
    with Grader(b"a key", sandbox_here()) as grader:
        yield grader


@pytest.fixture
def grade(grader, tmp_path):
    def graded(answers):
        return grader.grade(read_submission(write_submission(tmp_path / "student", answers)))

    return graded


def test_right_answers_get_all_points_and_the_same_submission_the_same_result(grade):
    first, again = (grade(right_answers()) for _ in range(2))
    assert (first.score, first.max_score, first.notes) == (100.0, 100.0, ())
    assert first.exercises == again.exercises
    assert {exercise.status for exercise in first.exercises} == {"passed"}


@pytest.mark.slow
@pytest.mark.parametrize("number", range(max(map(len, RIGHT.values()))))
def test_right_variants_get_all_points_through_the_whole_chain(grade, number):
    variants = {exercise: list(styles.values())[number % len(styles)] for exercise, styles in RIGHT.items()}
    answers = {exercise: variant_source(functions) for exercise, functions in variants.items()}
    if any("def batchnorm_forward" in answers[name] for name in ("batchnorm_backward", "batchnorm_backward_alt")):
        for name in ("network_loss", "train_network"):  # theirs is for one mode, and a net needs two
            del answers[name]
    result = grade(answers)
    assert {e.id: (e.score, e.message) for e in result.exercises if e.id in answers} == {
        name: (EXERCISES[name].points, "") for name in answers
    }


def test_an_answer_may_use_the_learners_earlier_ones_and_helpers_of_theirs(grade):
    statistics = (
        "def center(x):\n    return x - x.mean(axis=0)\ndef batch_statistics(x):\n    x = np.asarray(x, float)\n"
    )
    statistics += "    return x.mean(axis=0), (center(x) ** 2).mean(axis=0)"
    normalize = (
        "def normalize(x, eps=1e-5):\n    return center(np.asarray(x, float)) / np.sqrt(batch_statistics(x)[1] + eps)"
    )
    results = by_id(grade({"batch_statistics": statistics, "normalize": normalize}))
    assert all(results[name].score == EXERCISES[name].points for name in ("batch_statistics", "normalize"))


def test_a_carried_error_costs_once(grade):
    results = by_id(grade(right_answers(["spatial_batchnorm_forward"], channel_statistics=PER_IMAGE)))
    assert results["channel_statistics"].score == 0
    assert results["spatial_batchnorm_forward"].score == EXERCISES["spatial_batchnorm_forward"].points
    assert results["spatial_batchnorm_forward"].message == "right, given a right channel_statistics"


def test_a_carried_error_is_not_forgiven_where_the_answer_is_wrong_itself(grade):
    wrong = "def spatial_batchnorm_forward(x, gamma, beta, bn_param):\n    return x - channel_statistics(x)[0][0], ()"
    results = by_id(grade({"channel_statistics": PER_IMAGE, "spatial_batchnorm_forward": wrong}))
    assert [results[name].score for name in ("channel_statistics", "spatial_batchnorm_forward")] == [0, 0]


def test_an_answer_that_calls_one_that_is_not_there_harms_no_other(grade):
    calls = "def batchnorm_backward_alt(dout, cache):\n    return batchnorm_backward(dout, cache)"
    result = grade({"frozen_backward": right_answer("frozen_backward"), "batchnorm_backward_alt": calls})
    assert {e.id: e.status for e in result.exercises if e.status != "missing"} == {
        "frozen_backward": "passed",
        "batchnorm_backward_alt": "failed",
    }


def test_the_reference_in_the_place_of_a_wrong_answer_finds_the_right_ones_that_it_calls(grade):
    # The reference's normalize calls batch_statistics; neither the wrong normalize nor layer_outputs does.
    wrong = "def normalize(x, eps=1e-5):\n    return x"
    uses = "def layer_outputs(x, weights, nonlinearity, norm=None):\n    x = x + 0 * normalize(x)\n"
    uses += (
        "    if not abs(normalize(3 * x + 1).mean()) < 1:\n        return []\n    outputs = []\n    for w in weights:\n"
    )
    uses += "        x = nonlinearity(norm(x @ w) if norm else x @ w)\n        outputs.append(x)\n    return outputs"
    answers = {"batch_statistics": right_answer("batch_statistics"), "normalize": wrong, "layer_outputs": uses}
    results = by_id(grade(answers))
    assert results["normalize"].score == 0
    assert (results["layer_outputs"].score, results["layer_outputs"].message) == (4.0, "right, given a right normalize")


def test_a_backward_on_its_authors_own_wrong_forward_is_told_so(grade):
    forward = "def spatial_batchnorm_forward(x, gamma, beta, bn_param):\n    return 0 * x, (2 * x, gamma)"
    backward = "def spatial_batchnorm_backward(dout, cache):\n    x, gamma = cache\n    return x, gamma, gamma"
    results = by_id(grade({"spatial_batchnorm_forward": forward, "spatial_batchnorm_backward": backward}))
    assert results["spatial_batchnorm_backward"].score == 0
    told = "Your spatial_batchnorm_forward returns a wrong out here: mend that first."
    assert told in results["spatial_batchnorm_backward"].message


def test_complex_results_and_the_name_that_was_meant_are_told(grade):
    roots = "def normalize(x, eps=1e-5):\n    return (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + eps + 0j)"
    mistyped = "def batch_statistics(x):\n    variance = x.var(axis=0)\n    return x.mean(axis=0), varianc"
    results = by_id(grade({"normalize": roots, "batch_statistics": mistyped}))
    assert results["normalize"].message.endswith("x_hat holds complex numbers, wanted real numbers")
    assert "name 'varianc' is not defined; did you mean variance? (line 3: " in results["batch_statistics"].message


def test_a_right_forward_keeps_its_cache_for_the_backward(grade):
    forward = """
def spatial_batchnorm_forward(x, gamma, beta, bn_param):
    flat = np.moveaxis(x, 1, -1).reshape(-1, x.shape[1])
    out, cache = batchnorm_forward(flat, gamma, beta, bn_param)
    n, c, h, w = x.shape
    return np.moveaxis(out.reshape(n, h, w, c), -1, 1), {"mine": cache}
"""
    backward = """
def spatial_batchnorm_backward(dout, cache):
    n, c, h, w = dout.shape
    dx, dgamma, dbeta = batchnorm_backward(np.moveaxis(dout, 1, -1).reshape(-1, c), cache["mine"])
    return np.moveaxis(dx.reshape(n, h, w, c), -1, 1), dgamma, dbeta
"""
    answers = {"spatial_batchnorm_forward": forward, "spatial_batchnorm_backward": backward}
    results = by_id(grade(answers))
    assert [results[name].score for name in answers] == [EXERCISES[name].points for name in answers]


@pytest.mark.parametrize("statistics", [PER_IMAGE, AS_LISTS], ids=["wrong", "right, and of no use to the forward"])
def test_a_forward_that_is_forgiven_keeps_its_cache_for_the_backward(grade, statistics):
    forward = """
def spatial_batchnorm_forward(x, gamma, beta, bn_param):
    eps, momentum = bn_param.get("eps", 1e-5), bn_param.get("momentum", 0.9)
    mean, var = bn_param.get("running_mean", np.zeros(len(gamma))), bn_param.get("running_var", np.zeros(len(gamma)))
    if bn_param["mode"] not in ("train", "test"):
        raise ValueError("mode")
    if bn_param["mode"] == "train":
        old_mean, old_var = mean, var
        mean, var = channel_statistics(x)
        bn_param["running_mean"] = momentum * old_mean + (1 - momentum) * mean
        bn_param["running_var"] = momentum * old_var + (1 - momentum) * var
    std = np.sqrt(var + eps)[:, None, None]
    x_hat = (x - mean[:, None, None]) / std
    return gamma[:, None, None] * x_hat + beta[:, None, None], (x_hat, std, gamma)
"""
    backward = """
def spatial_batchnorm_backward(dout, cache):
    x_hat, std, gamma = cache
    m = dout.size / len(gamma)
    dgamma, dbeta = (dout * x_hat).sum(axis=(0, 2, 3)), dout.sum(axis=(0, 2, 3))
    inner = dout - dbeta[:, None, None] / m - x_hat * dgamma[:, None, None] / m
    return gamma[:, None, None] / std * inner, dgamma, dbeta
"""
    answers = {
        "channel_statistics": statistics,
        "spatial_batchnorm_forward": forward,
        "spatial_batchnorm_backward": backward,
    }
    results = by_id(grade(answers))
    earned = [results[name].score == EXERCISES[name].points for name in answers]
    assert earned == [statistics == AS_LISTS, True, True]
    assert {results[name].message for name in list(answers)[1:]} == {"right, given a right channel_statistics"}


def test_a_student_may_bring_a_forward_of_their_own_to_the_backward(grade):
    source = """
def batchnorm_forward(x, gamma, beta, bn_param):
    return None, (x, gamma, bn_param.get("eps", 1e-5))

def batchnorm_backward_alt(dout, cache):
    x, gamma, eps = cache
    x_hat = (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + eps)
    dgamma, dbeta = (dout * x_hat).sum(axis=0), dout.sum(axis=0)
    dx = gamma / np.sqrt(x.var(axis=0) + eps) * (dout - dout.mean(axis=0) - x_hat * (dout * x_hat).mean(axis=0))
    return dx, dgamma, dbeta
"""
    assert by_id(grade({"batchnorm_backward_alt": source}))["batchnorm_backward_alt"].status == "passed"


def test_warnings_and_prints_cost_nothing(grade):
    noisy = "import sys, warnings\ndef scale_and_shift(x_hat, gamma, beta):\n    warnings.warn('hm')\n"
    noisy += "    print('x' * 10**6, file=sys.stderr)\n    return gamma * x_hat + beta"
    assert by_id(grade({"scale_and_shift": noisy}))["scale_and_shift"].status == "passed"


def test_what_is_left_when_the_time_is_up_is_a_timeout(grade, monkeypatch):
    monkeypatch.setattr(module, "SUBMISSION_SECONDS", -1.0)
    result = grade(right_answers(["normalize"]))
    assert by_id(result)["normalize"].status == "timeout"


@pytest.mark.parametrize("cell", [1, 2])  # before the answer, or with it
def test_a_kernel_that_was_held_costs_nothing(grade, monkeypatch, cell):
    execute, held = SandboxClient.execute, []

    def hold(client, code, **options):
        held.append(descendants(os.getpid())[-1])
        if len(held) == cell:
            os.kill(held[-1], signal.SIGSTOP)
        return execute(client, code, **options)

    monkeypatch.setattr(kernel, "WALL_SECONDS", 2.0)
    monkeypatch.setattr(SandboxClient, "execute", hold)
    assert by_id(grade(right_answers(["normalize"])))["normalize"].status == "passed"
    with pytest.raises(ProcessLookupError):
        os.kill(held[cell - 1], 0)


def test_a_cell_of_which_nbval_makes_nothing_has_run_and_no_code_of_the_course_comes_after_it(grader, monkeypatch):
    replies = SandboxClient.get_shell_msg, []

    def reply(client, timeout=None):
        replies[1].append(client)
        if len(replies[1]) == 2:  # after the one that a kernel gives when it has started
            raise KeyError("status")
        return replies[0](client, timeout)

    monkeypatch.setattr(SandboxClient, "get_shell_msg", reply)
    brings = Step(FRESH, "", "handed = 1", brings=("normalize",))
    steps = [Step(ANSWER, "normalize", "x = 1"), brings, Step(ANSWER, "scale_and_shift", "x = handed")]
    with Sandbox(grader.workshop) as sandbox:
        found = run_notebooks({"n": steps}, sandbox, sandbox.clock.seconds() + 60)["n"]
    assert [(attempt.ran, attempt.fate) for attempt in found.values()] == [(True, "died"), (False, "")]


def test_code_of_the_course_waits_for_what_was_placed_before_it_even_where_that_did_not_run():
    steps = [Step(ANSWER, "normalize", "x = 1"), Step(FRESH, "", "handed = 1", brings=("normalize",))]
    comparison = _Comparison({"n": steps}, Clock(), math.inf)
    first, second = (
        SimpleNamespace(path=Path("n.ipynb"), cell=SimpleNamespace(metadata={"step": step})) for step in range(2)
    )
    comparison.pytest_runtest_setup(first)
    with pytest.raises(pytest.skip.Exception):
        comparison.pytest_runtest_setup(second)


def descendants(process):
    """Of a process, generation by generation."""
    children = [*map(int, Path(f"/proc/{process}/task/{process}/children").read_text().split())]
    return children + [each for child in children for each in descendants(child)]


def test_a_grader_that_fails_blames_nobody(grade, monkeypatch):
    monkeypatch.setattr("bn_helpers.grading.sandbox.workshop.Workshop.command", lambda self: ["false"])
    result = grade(right_answers(["normalize"]))
    assert by_id(result)["normalize"].status == "error"
    assert "the grader failed" in result.notes[-1]


def test_what_is_not_due_is_not_graded_and_where_nothing_handed_answers_what_is_the_words_stand(grader, tmp_path):
    wrong = "def spatial_batchnorm_forward(x, gamma, beta, bn_param):\n    raise ValueError('of mine')"
    submission = read_submission(write_submission(tmp_path / "s", right_answers(spatial_batchnorm_forward=wrong)))
    messages = {}
    for notebooks in (["04_convolution"], list(NOTEBOOKS)):
        with Grader(b"a key", grader.workshop.sandbox, notebooks) as due:
            result = due.grade(submission)
        assert {exercise.notebook for exercise in result.exercises} == {*notebooks}
        assert result.max_score == sum(task.points for task in TASKS.values() if task.notebook in notebooks)
        messages[len(notebooks)] = by_id(result)["spatial_batchnorm_forward"].message
    assert "ValueError: of mine" in messages[1]
    assert "ValueError (line 2)" in messages[5]
    assert "of mine" not in messages[5]
