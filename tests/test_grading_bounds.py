"""Whatever one student hands in, the grader's own process stays small: 400 MB and 30 CPU-seconds at most."""

import contextlib
import json
import os
import resource
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from submissions import code_cell, notebook, right_answer, right_answers, sandbox_here, write_submission

from bn_helpers.grading.grader import Grader
from bn_helpers.grading.handed import MAX_MEMBERS, own_scratch
from bn_helpers.grading.sandbox.workshop import choose_sandbox
from bn_helpers.grading.students import find_students, read_student
from bn_helpers.parsing import MAX_ANSWER

pytestmark = pytest.mark.slow
MOST_MEMORY, MOST_SECONDS = 400, 30  # MB, and CPU-seconds

NAME = "01_normalization.ipynb"
ROOM = MAX_ANSWER - 100
WITHIN = {  # answers that are read to the end, as long as an answer may be
    "a long line": f"normalize = {'+'.join('1' * (ROOM // 2))}",
    "a chain of names": f"normalize = x{'.a' * (ROOM // 2 - 20)}",
    "parentheses": f"normalize = {'(' * (ROOM // 2)}{')' * (ROOM // 2)}",
    "signs": f"normalize = {'-' * ROOM}1",
    "a tuple": f"normalize = {'1,' * (ROOM // 2 - 20)}",
    "a power": "def normalize(x, eps=1e-5):\n    return 9 ** 9 ** 9 ** 9",
    "definitions": "\n".join(f"def normalize(x): return f{n}" for n in range(1800)),
    "patterns": f"match x:\n case {'[' * 150}{']' * 150}: normalize = 1\n" + "if x: pass\n" * 5000,
    "prints": "def normalize(x, eps=1e-5):\n    while True:\n        print('x' * 1000, flush=True)",
    "displays": "def normalize(x, eps=1e-5):\n    while True:\n        get_ipython().display_pub.publish({'a': x})",
    "raises": "def normalize(x, eps=1e-5):\n    raise ValueError('x' * 10**8)",
}


def one_file(text):
    """A folder with one notebook that is this text."""

    def write(folder):
        folder.mkdir()
        (folder / NAME).write_text(text() if callable(text) else text)

    return write


def huge_outputs(folder):
    output = {"output_type": "stream", "name": "stdout", "text": "x" * (80 * 2**20)}
    one_file(json.dumps(notebook(code_cell(right_answer("normalize"), "normalize") | {"outputs": [output]})))(folder)


def helpers(folder):
    """An answer in each place, and among them as many helpers as are looked through, each of which needs all others."""
    names = [f"h{n}" for n in range(1000)]
    cells = [code_cell(f"def {name}():\n    return {', '.join(names[n - 100 : n])}") for n, name in enumerate(names)]
    folder.mkdir()
    answers = [code_cell(right_answer(task) + f"\n{names[-1]}", task) for task in right_answers()]
    (folder / NAME).write_text(json.dumps(notebook(*cells, *answers)))


def zips(folder):
    """Zips in a zip, as much as is unpacked of one, and more."""
    folder.mkdir()
    inner = folder / "inner"
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(4):
            archive.writestr(f"{number}/{NAME}", b" " * (60 * 2**20))
    with zipfile.ZipFile(folder / "outer.zip", "w") as archive:
        for number in range(6):
            archive.write(inner, f"{number}.zip")
    inner.unlink()


def many_files(folder):
    write_submission(folder, right_answers(["normalize"]))
    for number in range(100_000):
        (folder / f"{number}.ipynb").touch()


def many_members(folder):
    folder.mkdir()
    with zipfile.ZipFile(folder / "all.zip", "w") as archive:
        for number in range(MAX_MEMBERS - 1):
            archive.writestr(f"{number}.ipynb", "{}")


CONTENTS = {
    "80 MB of outputs": huge_outputs,
    "a million cells": one_file(lambda: '{"cells": [' + ",".join(['{"source":""}'] * 10**6) + "]}"),
    "answers of 16 MB": one_file(lambda: json.dumps(notebook(code_cell("normalize = 1\n" * 2**20, "normalize")))),
    "a nest": one_file(lambda: '{"cells": ' + "[" * 8_000_000),
    "a nest of objects": one_file(lambda: '{"cells": [' + '{"a":' * 2_000_000),
    "numbers": one_file(lambda: '{"cells": [], "a": [' + "1," * 7_000_000 + "1]}"),
    "small cells": one_file(lambda: json.dumps(notebook(*[code_cell("x=1")] * 100_000))),
    "helpers": helpers,
    "zips in zips": zips,
    "100,000 files": many_files,
    "members": many_members,
} | {name: one_file(json.dumps(notebook(code_cell(text, "normalize")))) for name, text in WITHIN.items()}


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """What each content took of a grading process: MB and CPU-seconds."""
    sandbox_here()
    folder = tmp_path_factory.mktemp("contents")
    code = f"import test_grading_bounds as t; t.grade_each(t.Path({str(folder)!r}))"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([os.path.dirname(__file__), *sys.path])}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    return {name: (memory, seconds) for name, memory, seconds in map(json.loads, done.stdout.splitlines())}


@pytest.mark.parametrize("content", CONTENTS)
def test_a_grading_process_stays_small(measured, content):
    memory, seconds = measured[content]
    assert memory < MOST_MEMORY
    assert seconds < MOST_SECONDS


# In a process that has the grader loaded


def grade_each(folder):
    """Grade each content in a fork of its own, and print what that took."""
    with Grader(b"a key", choose_sandbox()) as grader:
        for name, write in CONTENTS.items():
            write(folder / "content")
            if not os.fork():
                took(name, folder / "content", grader)
            _, status = os.wait()
            assert status == 0, name
            subprocess.run(["rm", "-rf", folder / "content"], check=True)


def took(name, folder, grader):
    with contextlib.suppress(BaseException), own_scratch() as scratch:
        for student in find_students([folder], scratch=scratch):
            result = grader.grade(read_student(student))
            assert not any("the grader failed" in note for note in result.notes)
        used = resource.getrusage(resource.RUSAGE_SELF)
        about = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
        memory = int(about["VmHWM"].split()[0]) // 1024
        print(json.dumps([name, memory, round(used.ru_utime + used.ru_stime, 1)]), flush=True)
        os._exit(0)
    os._exit(1)
