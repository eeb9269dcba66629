"""What an attack on the grader got through with: each fails until its fault is mended, then it joins its kind."""

from __future__ import annotations

import json
import re
import time

import pytest
from messy_class import put
from submissions import by_id, code_cell, notebook, right_answers, write_submission

from bn_helpers.exercises import EXERCISES
from bn_helpers.grading.grader import Grader
from bn_helpers.grading.results import BWRAP, USER, SandboxUnavailable
from bn_helpers.grading.sandbox.limits import WALL_SECONDS
from bn_helpers.grading.sandbox.workshop import choose_sandbox
from bn_helpers.submission import read_submission

FIRST = "01_normalization.ipynb"


@pytest.fixture(scope="module", params=[BWRAP, USER])
def grade(request, tmp_path_factory):
    try:
        sandbox = choose_sandbox(request.param)
    except SandboxUnavailable as error:
        pytest.skip(str(error))
    with Grader(b"a key", sandbox) as grader:
        yield lambda answers: by_id(
            grader.grade(read_submission(write_submission(tmp_path_factory.mktemp("s") / "s", answers)))
        )


# One answer costs others of the same submission their points


def test_an_answer_that_imports_numpy_and_breaks_it_harms_no_other(grade):
    breaks = "import numpy as np\nnp.sqrt = None\n\ndef scale_and_shift(x_hat, gamma, beta):\n    return 0.0 * x_hat"
    others = ("identity_parameters", "batchnorm_forward", "fold_into_linear")
    results = grade(right_answers(others, scale_and_shift=breaks))
    assert {name: results[name].score for name in others} == {name: EXERCISES[name].points for name in others}


def test_an_answer_that_is_deep_harms_no_other(grade):
    deep = f"deep = {'+'.join('1' * 700)}\n{right_answers(['batchnorm_backward'])['batchnorm_backward']}"
    calls = "def batchnorm_backward_alt(dout, cache):\n    return batchnorm_backward(dout, cache)"
    answers = right_answers(["normalize"], batchnorm_backward=deep, batchnorm_backward_alt=calls)
    assert grade(answers)["normalize"].score == EXERCISES["normalize"].points


def test_no_note_blames_an_answer_that_is_right(grade):
    # The second answer's kernel ends, it is right alone, and the third is repeated without it.
    ends = """
import os, sys
driver = sys.modules["bn_driver"]
probe, count = driver.probe, [0]
def second(*case):
    count[0] += 1
    if count[0] == 2:
        os._exit(3)
    return probe(*case)
driver.probe = second
"""
    answers = right_answers(["channel_statistics", "spatial_batchnorm_forward", "spatial_batchnorm_backward"])
    answers["channel_statistics"] = ends + answers["channel_statistics"]
    results = grade(answers)
    assert results["channel_statistics"].score == EXERCISES["channel_statistics"].points
    assert "channel_statistics" not in results["spatial_batchnorm_backward"].message


def test_what_is_left_of_a_staged_pass_may_loop_and_harms_no_other(grade):
    right = right_answers(["batchnorm_backward", "batchnorm_backward_alt"])
    loops = "while 'batchnorm_' + 'backward' not in globals():\n    pass\n\ndef summed(v):\n    return v.sum(axis=0)"
    alt = right["batchnorm_backward_alt"].replace("dout.sum(axis=0)", "summed(dout)")
    staged = f"{right['batchnorm_backward']}\n{loops}"
    others = ("network_loss", "channel_statistics", "ghost_batchnorm_forward")
    results = grade(right_answers(others, batchnorm_backward=staged, batchnorm_backward_alt=alt))
    assert {name: results[name].score for name in others} == {name: EXERCISES[name].points for name in others}
    assert "used up its time" not in results["batchnorm_backward"].message


def test_a_helper_below_what_a_staged_pass_prints_stays_for_the_closed_form(grade):
    prints = """
_, cache = batchnorm_forward(np.ones((3, 2)), np.ones(2), np.ones(2), {"mode": "train"})
dx, dgamma, dbeta = batchnorm_backward(np.ones((3, 2)), cache)
print(dx)

def summed(values):
    return values.sum(axis=0)
"""
    right = right_answers(["batchnorm_backward", "batchnorm_backward_alt"])
    alt = right["batchnorm_backward_alt"].replace("dout.sum(axis=0)", "summed(dout)")
    results = grade({"batchnorm_backward": right["batchnorm_backward"] + prints, "batchnorm_backward_alt": alt})
    assert results["batchnorm_backward_alt"].score == EXERCISES["batchnorm_backward_alt"].points


@pytest.mark.parametrize(
    "other",
    [
        "from math import *",  # sqrt of a number
        "try:\n    import torch\nexcept ImportError:\n    from math import sqrt",
        "if True:\n    from math import sqrt",
        "for factor in (1.0,):\n    pass\nwith open('x') as file:\n    pass\nfrom math import sqrt",
    ],
    ids=["star", "try", "if", "for"],
)
def test_what_another_cell_defines_in_whatever_way_is_taken_along(tmp_path, other):
    answer = "def saturated_fraction(z, threshold=0.97):\n    return sqrt(np.mean(np.abs(np.tanh(z)) > threshold) ** 2)"
    answer += " * factor" * ("factor" in other)
    cells = (code_cell(other), code_cell(answer, "saturated_fraction", "saturated_fraction"))
    put(tmp_path / "02_scale_and_shift.ipynb", json.dumps(notebook(*cells)))
    found = read_submission(tmp_path).answers["saturated_fraction"]
    assert {"factor", "sqrt"} & found.reads <= found.binds or "import *" in found.source


def test_nobody_is_told_to_derive_who_calls_nothing_but_numpy(grade):
    right = right_answers(["batchnorm_backward", "batchnorm_backward_alt"])
    alt = right["batchnorm_backward_alt"].replace("dout.sum(axis=0)", "np.mean(dout, axis=0)")  # wrong by itself
    staged = f"import numpy as np\n{right['batchnorm_backward']}"
    results = grade({"batchnorm_backward": staged, "batchnorm_backward_alt": f"import numpy as np\n{alt}"})
    assert "derive it" not in results["batchnorm_backward_alt"].message


# A run that hangs, or leaves something


@pytest.mark.slow
def test_time_passes_for_who_wakes_the_grader_and_is_busy_while_it_looks(grade):
    wakes = """
import os, stat, time
def normalize(x, eps=1e-5):
    opened = []
    for file in range(3, 128):
        try:
            if stat.S_ISSOCK(os.fstat(file).st_mode):
                os.write(file, b"\\x02" + (10**6).to_bytes(8, "big"))  # a frame that comes byte by byte
                opened.append(file)
        except OSError:
            pass
    while True:
        time.sleep(0.2)
        for file in opened:
            try:
                os.write(file, b"x")
            except OSError:
                pass
        start = time.perf_counter()
        while time.perf_counter() - start < 0.003:
            pass
"""
    start = time.monotonic()
    grade({"normalize": wakes})
    assert time.monotonic() - start < 4 * WALL_SECONDS  # twice, since it did not use up its CPU time; it took 170 s


def test_an_answer_adds_no_filter_by_which_the_system_logs_what_it_calls(grade):
    filters = """
import ctypes, struct
def normalize(x, eps=1e-5):
    text = struct.pack("HBBI", 6, 0, 0, 0x7FFC0000)  # SECCOMP_RET_LOG
    program = ctypes.create_string_buffer(text, len(text))
    header = (ctypes.c_ulong * 2)(1, ctypes.addressof(program))
    raise ValueError(f"prctl {ctypes.CDLL(None).prctl(22, 2, ctypes.byref(header))}")
"""
    assert "prctl -1" in grade({"normalize": filters})["normalize"].message


def test_an_answer_sends_nothing_out_of_band(grade):
    sends = """
import ctypes, os, stat
def normalize(x, eps=1e-5):
    sockets = [n for n in range(3, 128) if _is_socket(n)]
    sent = [ctypes.CDLL(None).send(n, b"x", 1, 1) for n in sockets]  # MSG_OOB
    raise ValueError(f"sent {max(sent)}")
def _is_socket(n):
    try:
        return stat.S_ISSOCK(os.fstat(n).st_mode)
    except OSError:
        return False
"""
    assert "sent -1" in grade({"normalize": sends})["normalize"].message


def test_a_kernel_does_not_know_how_many_came_before(grade):
    tells = """
import sys
def normalize(x, eps=1e-5):
    kernel = get_ipython().kernel
    [stream, *_] = getattr(kernel, "shell_streams", None) or [kernel.shell_stream]
    raise ValueError(stream.socket.getsockopt(sys.modules["zmq"].LAST_ENDPOINT)[-24:])
"""
    message = grade({"normalize": tells})["normalize"].message
    assert "ValueError" in message
    assert not re.search(r"/s/\d{1,4}-1", message)
