"""What the comparison with other graders hands to them; the peers themselves are not needed here."""

from __future__ import annotations

import os
import subprocess
import sys
import types
from pathlib import Path

import pytest
from submissions import TASKS, right_answer, right_answers

from benchmarks.attacks import attacks, confined
from benchmarks.graders import WRONG, submissions
from benchmarks.peers import Otter, answered, handed_out, is_check, write_package
from bn_helpers.checks import examine
from bn_helpers.exercises import NOTEBOOKS
from bn_helpers.grading.results import BWRAP, SandboxUnavailable
from bn_helpers.grading.sandbox.workshop import choose_sandbox


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_the_cells_that_a_grader_needs_run_without_the_others(name):
    notebook = answered(handed_out(name), right_answers())
    names: dict = {}
    for cell in notebook["cells"]:
        exec("".join(cell["source"]), names)  # a failed check raises
    tasks = {task.id for task in TASKS.values() if task.notebook == name}
    assert {cell["id"].removesuffix("-check") for cell in notebook["cells"] if is_check(cell)} == tasks


def test_what_a_class_has_of_the_package_runs_its_checks_and_holds_no_answer(tmp_path):
    write_package(tmp_path / "bn_helpers", ["01_normalization"])
    program = (
        "from bn_helpers import layers\nfrom bn_helpers.checks import check\nassert not hasattr(layers, 'normalize')\n"
    )
    program += f"import numpy as np\n{right_answer('batch_statistics')}\ncheck('batch_statistics', batch_statistics)"
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    subprocess.run([sys.executable, "-c", program], env=environment, cwd=tmp_path, check=True, capture_output=True)


def test_a_test_of_otters_calls_the_check_with_the_answers(monkeypatch):
    runner = types.ModuleType("otter.test_files")
    runner.test_case = lambda points: lambda test: test
    monkeypatch.setitem(sys.modules, "otter", types.ModuleType("otter"))
    monkeypatch.setitem(sys.modules, "otter.test_files", runner)
    call = "check('batchnorm_backward', batchnorm_backward, batchnorm_forward=batchnorm_forward)"
    names: dict = {}
    exec(Otter.test("batchnorm_backward", call), names)
    assert names["points"] == TASKS["batchnorm_backward"].points
    used = names["test_answer"].__code__.co_varnames
    assert used == ("batchnorm_backward", "batchnorm_forward")


def test_the_benchmarks_submissions_are_as_right_as_it_says():
    students = submissions(5)
    assert len(students) == 5
    for task, source in WRONG.items():
        names: dict = {}
        exec(f"import numpy as np\n{source}", names)
        assert examine(task, {task: names[task]}).state != "passed", task
        assert [answers[task].startswith(source) for answers in students.values()] == [True, *[False] * 3, True]


def test_the_peers_meet_the_attacks_and_those_on_checks_as_well():
    assert {"kills_all", "patches_builtins", "redefines_the_check"} <= attacks().keys()
    assert "forges_a_verdict" not in attacks()


def test_confined_code_reaches_no_other_process_and_writes_to_its_folder_only(tmp_path):
    try:
        choose_sandbox(BWRAP)
    except SandboxUnavailable as error:
        pytest.skip(str(error))
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    outside.mkdir()
    program = f"""
import os, socket
def held(action, *arguments):
    try:
        action(*arguments)
    except OSError:
        return True
print(held(os.kill, {os.getpid()}, 0), held(open, {str(outside / "file")!r}, "w"), held(open, "/file", "w"))
print(held(socket.create_connection, ("127.0.0.1", 1)), os.getpid() < 10)
open("file", "w").write("written")
"""
    command = confined([sys.executable, "-c", program], inside, Path(sys.prefix))
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.stdout == "True True True\nTrue True\n", done.stderr
    assert (inside / "file").read_text() == "written"
    assert not list(outside.iterdir())
