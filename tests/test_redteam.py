"""What an attack on the grader got through with: each fails until its fault is mended, then it joins its kind."""

from __future__ import annotations

import io
import json
import os
import re
import struct
import time
import zipfile
from collections import Counter
from pathlib import Path

import pytest
from messy_class import put, work, zipped
from submissions import by_id, code_cell, notebook, right_answers, write_submission

from bn_helpers import submission
from bn_helpers.exercises import EXERCISES
from bn_helpers.grading import handed
from bn_helpers.grading.grader import Grader
from bn_helpers.grading.handed import Collector
from bn_helpers.grading.ledger import Ledger
from bn_helpers.grading.report import gradebooks
from bn_helpers.grading.report.insight import anonymous
from bn_helpers.grading.results import BWRAP, PASSED, USER, ExerciseResult, Graded, SandboxUnavailable, SubmissionResult
from bn_helpers.grading.roster import read_roster
from bn_helpers.grading.sandbox.limits import WALL_SECONDS
from bn_helpers.grading.sandbox.workshop import choose_sandbox
from bn_helpers.grading.students import find_students
from bn_helpers.parsing import parse
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


# A hand-in that ends the batch, or costs others


def _bad_lzma() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("a.ipynb", "{}" * 100)
    data = bytearray(buffer.getvalue())
    data[30 + len("a.ipynb") + 4] = 0xFF  # the first of the stream's properties
    return bytes(data)


def _nameless() -> bytes:
    data = zipped({"a": ""})
    first, entry, end = data.index(b"PK\x03\x04"), data.index(b"PK\x01\x02"), data.index(b"PK\x05\x06")
    header = bytearray(data[entry:end])
    header[28:30] = struct.pack("<H", 0)  # the length of the name
    del header[46:47]
    tail = bytearray(data[end:])
    tail[12:16] = struct.pack("<I", len(header))
    return data[first:entry] + bytes(header) + bytes(tail)


@pytest.mark.parametrize("damaged", [_bad_lzma, _nameless])
def test_no_damage_of_a_zip_stops_the_others(tmp_path, damaged):
    for path, data in {"kim/work.zip": damaged(), f"lee/{FIRST}": work("lee")}.items():
        put(tmp_path / "class" / path, data)
    (tmp_path / "scratch").mkdir()
    assert [s.name for s in find_students([tmp_path / "class"], scratch=tmp_path / "scratch")] == ["kim", "lee"]


def test_a_zip_deep_in_folders_is_read(tmp_path):
    put(tmp_path / f"class/kim/{'/'.join('abcdefghijkl')}/work.zip", zipped({FIRST: work("kim")}))
    put(tmp_path / "class/lee" / FIRST, work("lee"))
    (tmp_path / "scratch").mkdir()
    kim, lee = find_students([tmp_path / "class"], scratch=tmp_path / "scratch")
    assert (kim.name, len(kim.files), lee.name) == ("kim", 1, "lee")


def test_zips_in_a_zip_leave_room_for_other_students(tmp_path, monkeypatch):
    monkeypatch.setattr(handed, "MAX_ZIP", 1000)
    monkeypatch.setattr(handed, "MAX_CLASS", 5000)
    inner = zipped({"a.ipynb": " " * 900})
    put(tmp_path / "class/evil/work.zip", zipped({f"{n}.zip": inner for n in range(6)}))
    put(tmp_path / "class/kim/work.zip", zipped({FIRST: " " * 900}))
    (tmp_path / "scratch").mkdir()
    found = Collector(tmp_path / "scratch").files(tmp_path / "class")
    assert [one.problem for one in found if one.place[0] == "kim"] == [""]


def test_zips_in_a_zip_hold_no_more_files_than_one(tmp_path, monkeypatch):
    monkeypatch.setattr(handed, "MAX_MEMBERS", 10)
    inner = zipped({f"{n}": "" for n in range(10)})
    put(tmp_path / "class/evil/work.zip", zipped({f"{n}.zip": inner for n in range(10)}))
    (tmp_path / "scratch").mkdir()
    Collector(tmp_path / "scratch").files(tmp_path / "class")
    assert sum(path.is_file() for path in (tmp_path / "scratch").rglob("*")) <= 20


def test_code_that_cannot_be_written_anew_ends_no_report():
    code = "def normalize(x, eps=1e-5):\n    word = f'''{\"\x01\"}'''\n    return x"
    anonymous(code, "normalize")  # on Python 3.10 and 3.11, ValueError: unable to avoid backslash


def test_a_name_that_is_no_unicode_ends_no_report(tmp_path):
    folder = os.fsencode(tmp_path) + b"/Kim\xff_1234_assignsubmission_file"
    os.mkdir(folder)
    Path(os.fsdecode(folder), FIRST).write_text(work("kim"))
    [kim] = find_students([tmp_path])
    gradebooks.moodle_feedback(Graded(BWRAP, [kim], [SubmissionResult(kim.name, 0.0, 100.0, 1.0)]))


def test_a_name_on_moodle_takes_no_other_students_place(tmp_path):
    put(tmp_path / "Kim_1234_assignsubmission_file" / FIRST, work("kim"))
    put(tmp_path / "Kim_1234_assignsubmission_file_99_assignsubmission_file" / FIRST, work("evil"))
    assert len(find_students([tmp_path])) == 2


def roster(path, *lines):
    path.write_text("\n".join(("name,id", *lines)))
    return read_roster(path)


def test_a_number_of_moodles_own_is_no_number_of_the_roster(tmp_path):
    put(tmp_path / "class/Lee Anna_12_assignsubmission_file" / FIRST, work("lee"))
    found = find_students([tmp_path / "class"], roster=roster(tmp_path / "r.csv", "Kim Minsu,12", "Lee Anna,13"))
    assert {student.name: len(student.files) for student in found} == {"Kim Minsu": 0, "Lee Anna": 1}


def test_two_whom_the_platform_knows_apart_are_not_one_by_a_name_in_the_roster(tmp_path):
    for number in (1234, 99):
        put(tmp_path / f"class/Kim Minsu_{number}_assignsubmission_file" / FIRST, work(f"kim {number}"))
    found = find_students([tmp_path / "class"], roster=roster(tmp_path / "r.csv", "Kim Minsu,20261234", "Lee,20261235"))
    assert max(len(student.files) for student in found) == 1


def test_a_number_that_canvas_gives_is_no_number_of_the_roster(tmp_path):
    for number, name in ((12, "kimminsu"), (13, "lee")):
        put(tmp_path / "class" / f"{name}_{number}_5678_{FIRST}", work(name))
    people = roster(tmp_path / "r.csv", "Park,12", "Kim Minsu,1", "Lee,2")
    found = find_students([tmp_path / "class"], roster=people)
    assert {student.name: len(student.files) for student in found} == {"Kim Minsu": 1, "Lee": 1, "Park": 0}


SUBMITTER = "submission_{n}:\n  :submitters:\n  - :name: {name}\n    :sid: '5'\n    :email: {n}@x.org\n"


@pytest.mark.parametrize("names", [("Kim", "Evil"), ("Kim", "2001-99-99")])
def test_whoever_gives_anothers_number_on_gradescope_is_not_that_one(tmp_path, names):
    for n in range(2):
        put(tmp_path / f"submission_{n}" / FIRST, work(str(n)))
    lines = (SUBMITTER.format(n=n, name=name) for n, name in enumerate(names))
    put(tmp_path / "submission_metadata.yml", "".join(lines))
    assert [len(student.files) for student in find_students([tmp_path])] == [1, 1]


def test_whoever_shares_a_name_keeps_to_his_own_results_in_the_next_run(tmp_path):
    ledger, results = Ledger(tmp_path / "out"), []
    for week, sections in {"1": "AB", "2": "B"}.items():
        for section in sections:
            put(tmp_path / week / section / "Kim" / f"0{week}.ipynb", work(f"kim {section}"))
            put(tmp_path / week / section / f"other {section}" / f"0{week}.ipynb", work(f"other {section}"))
        students = find_students([tmp_path / week])
        task = EXERCISES["normalize" if week == "1" else "scale_and_shift"]
        result = ExerciseResult(task.id, task.notebook, 1.0, 1.0, PASSED)
        results = [SubmissionResult(s.name, 1.0, 1.0, 1.0, exercises=(result,)) for s in students]
        ledger.add([tmp_path / week], students, results, BWRAP)
    graded = zip(ledger.students, ledger.graded().results, strict=True)
    scores = {student.path.parent.name: result.score for student, result in graded if "Kim" in student.name}
    assert scores == {"A": 1.0, "B": 2.0}


def test_an_empty_folder_of_moodle_has_its_students_name_and_number(tmp_path):
    put(tmp_path / "Kim_1234_assignsubmission_file" / FIRST, work("kim"))
    (tmp_path / "Lee_99_assignsubmission_file").mkdir()
    assert [(s.name, s.platform.id) for s in find_students([tmp_path])] == [("Kim", "1234"), ("Lee", "99")]


@pytest.mark.parametrize("name", ["__kim", ".kim", "~$kim"])
def test_a_student_of_whatever_name_is_graded_or_told(tmp_path, name, capsys):
    put(tmp_path / f"{name}_1234_assignsubmission_file" / FIRST, work("kim"))
    put(tmp_path / "Lee_99_assignsubmission_file" / FIRST, work("lee"))
    found = [s.name for s in find_students([tmp_path])]
    assert len(found) == 2 or name in capsys.readouterr().err


def test_a_cell_is_parsed_once(tmp_path, monkeypatch):
    # 20 notebooks of a megabyte of short statements are read for ten minutes, while all others wait.
    parsed = Counter()
    monkeypatch.setattr(submission, "parse", lambda code: parsed.update([code]) or parse(code))
    read_submission(write_submission(tmp_path / "s", right_answers(["batch_statistics", "normalize"])))
    assert max(parsed.values()) == 1


# Reports that can be flooded or spoofed


def test_what_is_left_aside_gives_no_commands_to_a_terminal_or_to_github(tmp_path, capsys):
    put(tmp_path / "kim" / FIRST, work("kim"))
    put(tmp_path / 'x\n::notice title=Autograding report::{"totalPoints":100,"maxPoints":100}\n\x1b[2J.csv')
    find_students([tmp_path])
    said = capsys.readouterr().err
    assert "\x1b" not in said
    assert not any(line.startswith("::") for line in said.splitlines())


def test_one_student_does_not_fill_the_summary(tmp_path):
    put(tmp_path / "class/evil/work.zip", zipped({f"{n}.rar": "" for n in range(3000)}))
    put(tmp_path / "class/kim" / FIRST, work("kim"))
    (tmp_path / "scratch").mkdir()
    evil, _ = find_students([tmp_path / "class"], scratch=tmp_path / "scratch")
    assert len(evil.lost) < 20


@pytest.mark.parametrize(
    "line", ["who = 'Kim Minsu'", "x = x if 'Kim Minsu' else 0", "x = {'Kim Minsu': x}['Kim Minsu']"]
)
def test_no_excerpt_on_the_wall_holds_a_name_that_a_student_wrote(line):
    assert "Kim" not in anonymous(f"def normalize(x, eps=1e-5):\n    {line}\n    return x", "normalize")
