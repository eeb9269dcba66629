"""Hostile submissions: none gains a point, harms another answer, leaves anything behind, or outlasts the limits."""

from __future__ import annotations

import json
import os
import re
import textwrap
from pathlib import Path

import pytest
from attacks import ATTACKS, WRONG
from submissions import by_id, code_cell, notebook, right_answers, sandbox_here, write_submission

from bn_helpers.exercises import EXERCISES
from bn_helpers.grading.grader import Grader
from bn_helpers.grading.results import BWRAP, MISSING, UNANSWERED, USER
from bn_helpers.grading.sandbox.workshop import choose_sandbox
from bn_helpers.submission import read_submission

QUICK = {  # one of each kind; the others are slow together
    *("patches_numpy_mathematics", "equals_everything", "forges_outcomes_in_the_probe", "sends_malformed_messages"),
    *("returns_a_huge_array", "exits_in_the_function", "segmentation_fault", "kills_all", "forks", "fills_the_disk"),
    *(
        "replies_by_what_is_no_reply",
        "looks_at_the_page_cache",
        "names_a_socket",
        "sends_many_empty_parts",
        "sends_a_message_without_end",
    ),
    *("imports_the_reference", "searches_objects", "comments_for_nbval", "system"),
}
BYSTANDERS = ("batch_statistics", "layer_outputs", "scale_and_shift", "channel_statistics")


@pytest.fixture(scope="module", params=[BWRAP, USER])
def grader(request):
    with Grader(b"a key", sandbox_here(request.param)) as grader:
        yield grader


@pytest.fixture
def grade(tmp_path, grader):
    """Grade answers: their results, by the exercises."""
    return lambda answers: by_id(grader.grade(read_submission(write_submission(tmp_path / "s", answers))))


def processes() -> set[int]:
    """This process's children and theirs."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
    found, waiting = set(), [os.getpid()]
    while waiting:
        parent = waiting.pop()
        children = {pid for pid, above in parents.items() if above == parent}
        found |= children
        waiting += children
    return found


def files(grader: Grader) -> set[Path]:
    folder = grader.workshop.folder
    return {path for path in folder.rglob("*") if folder / "root" not in path.parents and path.name != "log"}


@pytest.mark.parametrize("name", [n if n in QUICK else pytest.param(n, marks=pytest.mark.slow) for n in ATTACKS])
def test_an_attack_gains_nothing_and_harms_nothing(tmp_path, grader, name):
    submission = read_submission(write_submission(tmp_path / name, right_answers(BYSTANDERS, normalize=ATTACKS[name])))
    left_before = processes(), files(grader)
    results = by_id(grader.grade(submission))
    assert results["normalize"].score == 0
    assert "not run any more" not in results["normalize"].message  # or another kernel would be due to it, later
    assert {name: results[name].score for name in BYSTANDERS} == {name: EXERCISES[name].points for name in BYSTANDERS}
    assert (processes(), files(grader)) == left_before
    assert len(results["normalize"].message) < 3000
    assert results["normalize"].message.replace("\n", "").isprintable()


def test_a_right_answer_after_the_attacks_is_still_right(tmp_path, grader):
    results = by_id(grader.grade(read_submission(write_submission(tmp_path / "s", right_answers(["normalize"])))))
    assert results["normalize"].score == EXERCISES["normalize"].points


CALLS_THE_STAGED_PASS = {
    "plainly": "def {alt}(dout, cache):\n    return {staged}(dout, cache)",
    "default": "def {alt}(dout, cache, f={staged}):\n    return f(dout, cache)",
    "closure": "def make(f):\n    return lambda dout, cache: f(dout, cache)\n{alt} = make({staged})",
    "alias": "other = {staged}\ndef {alt}(dout, cache):\n    return other(dout, cache)",
    "globals": "def {alt}(dout, cache):\n    return globals()['{staged}'](dout, cache)",
    "modules": "import sys\ndef {alt}(dout, cache):\n    return sys.modules['kept'].f(dout, cache)",
    "frames": "import sys\ndef {alt}(dout, cache):\n    f = sys._getframe()\n    while f:\n"
    "        for names in (f.f_locals, f.f_globals):\n            if '{staged}' in names:\n"
    "                return names['{staged}'](dout, cache)\n        f = f.f_back",
    "objects": "import gc\ndef {alt}(dout, cache):\n    for f in gc.get_objects():\n"
    "        if getattr(f, '__name__', '') == '{staged}':\n            return f(dout, cache)",
}


@pytest.mark.parametrize("way", CALLS_THE_STAGED_PASS)
def test_the_staged_pass_does_not_answer_for_the_closed_form(tmp_path, grader, way):
    names = {"alt": "batchnorm_backward_alt", "staged": "batchnorm_backward"}
    keeps = "\nimport sys, types\nsys.modules['kept'] = types.SimpleNamespace(f=batchnorm_backward)"
    staged = right_answers(["batchnorm_backward"])["batchnorm_backward"] + keeps
    alt = CALLS_THE_STAGED_PASS[way].format(**names)
    answers = right_answers(batchnorm_backward=staged, batchnorm_backward_alt=alt)
    results = by_id(grader.grade(read_submission(write_submission(tmp_path / "s", answers))))
    assert results["batchnorm_backward_alt"].score == 0
    assert "derive it" in results["batchnorm_backward_alt"].message or way in (
        "globals",
        "modules",
        "frames",
        "objects",
    )
    assert results["batchnorm_backward"].score == EXERCISES["batchnorm_backward"].points


@pytest.mark.parametrize("head", ["", "import numpy as numbers\n"], ids=["np", "own name"])
def test_an_answer_that_imports_numpy_and_breaks_it_harms_no_other(grade, head):
    breaks = (
        f"import numpy as np\n{head}np.sqrt = None\n\ndef scale_and_shift(x_hat, gamma, beta):\n    return 0.0 * x_hat"
    )
    others = right_answers(["identity_parameters", "batchnorm_forward", "fold_into_linear"])
    own = {name: head + text.replace("np.", "numbers." if head else "np.") for name, text in others.items()}
    results = grade({"scale_and_shift": breaks} | own)
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


def test_helpers_of_the_staged_pass_stay_for_the_closed_form(grade):
    above = "def total(values, axis):\n    return values.sum(axis=axis)\n\n"
    prints = """
_, cache = batchnorm_forward(np.ones((3, 2)), np.ones(2), np.ones(2), {"mode": "train"})
dx, dgamma, dbeta = batchnorm_backward(np.ones((3, 2)), cache)
print(dx)

def summed(values):
    return total(values, axis=0)
"""
    right = right_answers(["batchnorm_backward", "batchnorm_backward_alt"])
    alt = right["batchnorm_backward_alt"].replace("dout.sum(axis=0)", "summed(dout)")
    assert "summed(dout)" in alt
    results = grade({"batchnorm_backward": above + right["batchnorm_backward"] + prints, "batchnorm_backward_alt": alt})
    assert results["batchnorm_backward_alt"].score == EXERCISES["batchnorm_backward_alt"].points


def test_nobody_is_told_to_derive_who_calls_nothing_but_numpy(grade):
    right = right_answers(["batchnorm_backward", "batchnorm_backward_alt"])
    alt = right["batchnorm_backward_alt"].replace("dout.sum(axis=0)", "np.mean(dout, axis=0)")  # wrong by itself
    staged = f"import numpy as np\n{right['batchnorm_backward']}"
    results = grade({"batchnorm_backward": staged, "batchnorm_backward_alt": f"import numpy as np\n{alt}"})
    assert "derive it" not in results["batchnorm_backward_alt"].message


CALLS = {
    "a filter by which the system logs calls": """
text = struct.pack("HBBI", 6, 0, 0, 0x7FFC0000)  # SECCOMP_RET_LOG
program = ctypes.create_string_buffer(text, len(text))
header = (ctypes.c_ulong * 2)(1, ctypes.addressof(program))
done = ctypes.CDLL(None).prctl(22, 2, ctypes.byref(header))""",
    "a byte out of band": "done = max(ctypes.CDLL(None).send(file, b'x', 1, 1) for file in range(3, 128))",
}


@pytest.mark.parametrize("call", CALLS)
def test_what_an_answer_has_no_use_for_is_refused(grade, call):
    body = textwrap.indent(CALLS[call].strip(), "    ")
    text = f"import ctypes, struct\ndef normalize(x, eps=1e-5):\n{body}\n    raise ValueError(f'gave {{done}}')"
    assert "gave -1" in grade({"normalize": text})["normalize"].message


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


def test_no_report_carries_what_an_answer_saw(tmp_path, grader):
    tells = """
import bn_helpers.layers
def ghost_batchnorm_forward(x, gamma, beta, ghost_size, eps=1e-5):
    raise type("TOLD", (ValueError,), {})(repr(sorted(vars(bn_helpers.layers))) + "TOLD")
"""
    result = grader.grade(read_submission(write_submission(tmp_path / "s", {"ghost_batchnorm_forward": tells})))
    message = by_id(result)["ghost_batchnorm_forward"].message
    assert "ghost_batchnorm_forward raised ValueError" in message
    assert "TOLD" not in repr(result.to_dict())
    assert "batchnorm_backward" not in message


def test_what_a_later_notebook_is_handed_reaches_no_earlier_exercise(tmp_path, grader):
    # Notebook 5 is handed normalize. It tries every way to leave its text for the exercise of notebook 1.
    steals = """
import gc, inspect, os, sys, linecache
import bn_helpers.layers
text = repr(vars(bn_helpers.layers))
for folder in ("/", ".", "/tmp", "/dev/shm", "/run"):
    try:
        open(os.path.join(folder, "stolen"), "w").write(text)
    except OSError:
        pass
sys.modules["stolen"] = bn_helpers.layers

def ghost_batchnorm_forward(x, gamma, beta, ghost_size, eps=1e-5):
    return x
"""
    looks = """
import sys, os
def normalize(x, eps=1e-5):
    for folder in ("/", ".", "/tmp", "/dev/shm", "/run"):
        if os.path.exists(os.path.join(folder, "stolen")):
            raise SystemExit
    return sys.modules["stolen"].normalize(x, eps)
"""
    answers = right_answers([], normalize=looks, ghost_batchnorm_forward=steals)
    results = by_id(grader.grade(read_submission(write_submission(tmp_path / "s", answers))))
    assert results["normalize"].score == 0
    assert "KeyError: 'stolen'" in results["normalize"].message  # nothing stood beside it when it ran


def test_files_beside_the_notebook_are_ignored(tmp_path, grader):
    folder = write_submission(tmp_path / "s", right_answers(["batch_statistics"], normalize=WRONG))
    for name in ("conftest.py", "numpy.py", "sitecustomize.py", "pytest.ini", "json.py"):
        (folder / name).write_text("import os\nos._exit(7)\n")
    results = by_id(grader.grade(read_submission(folder)))
    assert results["normalize"].score == 0
    assert results["batch_statistics"].score == EXERCISES["batch_statistics"].points


def test_tags_and_metadata_steer_nothing(tmp_path, grader):
    tags = ["nbval-skip", "raises-exception", "nbval-ignore-output"]
    folder = tmp_path / "s"
    folder.mkdir()
    cell = code_cell(WRONG, "normalize", tags=tags, step=3)
    cell["outputs"] = [{"output_type": "display_data", "metadata": {}, "data": {"text/plain": "passed"}}]
    (folder / "n.ipynb").write_text(json.dumps(notebook(cell)), encoding="utf-8")
    assert by_id(grader.grade(read_submission(folder)))["normalize"].score == 0


def test_a_hostile_name_reaches_no_path(tmp_path, grader):
    folder = write_submission(tmp_path / "..=cmd|' \x1b[2J", right_answers(["batch_statistics"]))
    result = grader.grade(read_submission(folder))
    assert by_id(result)["batch_statistics"].score == EXERCISES["batch_statistics"].points
    assert result.student.isprintable()


def test_stubs_are_missing_and_never_run(tmp_path, grader):
    stub = 'def normalize(x, eps=1e-5):\n    """Normalize."""\n    raise NotImplementedError("normalize")'
    result = by_id(grader.grade(read_submission(write_submission(tmp_path / "s", {"normalize": stub}))))
    assert {name: r.status for name, r in result.items()} == dict.fromkeys(result, MISSING) | {"normalize": UNANSWERED}


@pytest.mark.slow
def test_the_sandbox_is_the_first_one_where_it_works():
    assert sandbox_here(BWRAP) == choose_sandbox()
