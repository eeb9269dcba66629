"""Submissions, names and what comes over the wire, made up at random: never a traceback, never a lost result."""

from __future__ import annotations

import contextlib
import json
import math
import socket
import string
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from submissions import code_cell, notebook, right_answer

from bn_helpers.exercises import TASKS, visible_cases
from bn_helpers.grading.clock import Clock
from bn_helpers.grading.results import GradingError
from bn_helpers.grading.sandbox import kernel
from bn_helpers.grading.sandbox.limits import MESSAGES, OUTPUT
from bn_helpers.grading.sandbox.wire import read_outcomes
from bn_helpers.grading.sandbox.zmtp import GREETING, Connection, Flood, Meter, _frame
from bn_helpers.grading.students import find_students, read_student
from bn_helpers.submission import read_submission

pytestmark = pytest.mark.slow
EXAMPLES = settings(
    max_examples=400, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
SOURCES = st.one_of(
    st.text(max_size=200),
    st.lists(st.text(max_size=40), max_size=4),
    st.sampled_from(
        ["normalize = 3", "def normalize(x):\n    pass", "%%bash\nrm x", "quiz_1 = 'b'", "\x0c# NBVAL_SKIP"]
    ),
    JSON,
)
CELLS = st.fixed_dictionaries(
    {},
    optional={
        "cell_type": st.sampled_from(["code", "markdown", 3, None]),
        "source": SOURCES,
        "id": st.sampled_from([*TASKS, "", 7, None]),
        "metadata": st.one_of(
            JSON, st.fixed_dictionaries({"nbgrader": st.one_of(JSON, st.just({"grade_id": "normalize"}))})
        ),
        "outputs": JSON,
        "attachments": JSON,
    },
)
NAMES = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=30).filter(
    lambda name: name not in (".", "..") and len(name.encode()) < 200
)


@EXAMPLES
@given(cells=st.one_of(st.lists(CELLS | JSON, max_size=5), JSON), damage=st.integers(0, 400), cut=st.booleans())
def test_any_notebook_is_read(cells, damage, cut):
    data = json.dumps({"cells": cells, "nbformat": 4}).encode("utf-8", "surrogatepass")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "n.ipynb").write_bytes(data[:damage] if cut else data)
        submission = read_submission(Path(folder))
    assert submission.notes or submission.files
    submission.content_hash()
    for answer in submission.answers.values():
        answer.source.encode()


@EXAMPLES
@given(outputs=JSON, text=st.text(max_size=60), indent=st.sampled_from([None, 1]), surrogates=st.booleans())
def test_whatever_the_outputs_are_the_answer_is_found(outputs, text, indent, surrogates):
    code = f"{right_answer('normalize')}\n# {text!r}"
    cell = code_cell(code, "normalize") | {"outputs": outputs, "attachments": outputs}
    with tempfile.TemporaryDirectory() as folder:
        data = json.dumps(notebook(cell, cell | {"source": ""}), indent=indent, ensure_ascii=True, sort_keys=surrogates)
        Path(folder, "n.ipynb").write_text(data, encoding="utf-8")
        answer = read_submission(Path(folder)).answers["normalize"]
    assert answer.code == code


@EXAMPLES
@given(names=st.lists(NAMES, min_size=1, max_size=6, unique=True), kinds=st.randoms(use_true_random=False))
def test_any_names_are_students_with_names_and_folders_of_their_own(names, kinds):
    with tempfile.TemporaryDirectory() as folder:
        made = 0
        for name in names:
            with contextlib.suppress(OSError):  # of two that the file system takes for one
                Path(folder, name).mkdir() if kinds.random() < 0.8 else Path(folder, name).touch()
                made += not name.startswith((".", "__"))
        if not made:
            return
        try:
            students = find_students([Path(folder)])
        except GradingError:  # where names do not tell whose files are whose
            return
        assert len({student.name for student in students}) == len(students)
        assert len({student.folder.casefold() for student in students}) == len(students)
        for student in students:
            assert set(student.folder) <= {*student.folder} - set('/\\:*?"<>|\0')
            assert student.name.isprintable()
            read_student(student)


@EXAMPLES
@given(data=st.one_of(JSON, st.lists(st.fixed_dictionaries({
    "raised": st.sampled_from(["", "ValueError", "unpack", "<b>", "é"]) | JSON,
    "function": st.sampled_from(["", "normalize"]) | JSON,
    "detail": st.text() | JSON,
    "values": st.one_of(JSON, st.dictionaries(st.sampled_from(["x_hat", "x"]), st.fixed_dictionaries(
        {"shape": st.lists(st.integers(-1, 9), max_size=9) | JSON}, optional={"data": st.text(string.printable) | JSON}
    ))),
}), max_size=12)))  # fmt: skip
def test_any_outcomes_are_read(data):
    cases = visible_cases("normalize")
    outcomes = read_outcomes(data, cases)
    assert len(outcomes) <= len(cases)
    for outcome in outcomes:
        assert outcome.detail.isprintable()
        assert all(value.size < 10**6 for value in outcome.values.values())


@EXAMPLES
@given(
    parts=st.lists(st.binary(max_size=60) | JSON.map(lambda d: json.dumps(d).encode("utf-8", "replace")), max_size=8),
    kinds=st.sampled_from([kernel._PUBLISHED, kernel._REPLIES]),
)
def test_any_message_is_nothing_or_what_its_socket_has_to_say(parts, kinds):
    message = kernel._trusted([b"topic", kernel.DELIM, *parts], kinds)
    assert message is None or message["msg_type"] in kinds


@EXAMPLES
@given(
    frames=st.lists(st.tuples(st.integers(0, 255), st.binary(max_size=300)), max_size=40),
    noise=st.binary(max_size=200),
    greeted=st.booleans(),
)
def test_any_bytes_end_in_messages_or_a_flood(frames, noise, greeted):
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"{folder}/s")
        listener.listen()
        meter = Meter()
        connection = Connection(f"{folder}/s", "DEALER", meter, Clock())
        kernel_end, _ = listener.accept()
        data = GREETING * greeted + b"".join(bytes([flags]) + _frame(body, 0)[1:] for flags, body in frames) + noise
        kernel_end.sendall(data)
        kernel_end.close()
        with contextlib.suppress(Flood):
            for parts in connection.messages():
                assert all(isinstance(part, bytes) for part in parts)
            assert not connection.open
        assert meter.bytes <= len(data)
        assert len(connection._received) <= len(data)
        connection.close()


def test_a_flood_is_one_at_the_first_byte_or_message_too_many():
    meter = Meter()
    meter.count(2 * OUTPUT)
    with pytest.raises(Flood):
        meter.count(1)
    meter = Meter()
    meter.count(0, MESSAGES)
    with pytest.raises(Flood):
        meter.count(0, 1)
    assert math.isfinite(meter.bytes)
