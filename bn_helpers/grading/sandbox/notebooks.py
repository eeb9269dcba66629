"""Run notebooks that the grader builds, by nbval: the kernel in a sandbox, the comparison here.

A notebook is a list of steps. Answers are run and not compared; a probe shows outcomes under a type of its own, and
nbval compares them by `judging.judge` in the place of its comparison of texts.
"""

from __future__ import annotations

import contextlib
import functools
import io
import json
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from bn_helpers.grading.clock import Clock
from bn_helpers.grading.results import DIED, FRESH, PROBE, Attempt, SandboxError, Step
from bn_helpers.grading.sandbox.kernel import SandboxProvisioner, inside
from bn_helpers.grading.sandbox.limits import KERNEL, MIME, WALL_SECONDS
from bn_helpers.grading.sandbox.wire import read_outcomes
from bn_helpers.grading.sandbox.workshop import Sandbox
from bn_helpers.judging import judge
from bn_helpers.outcomes import Case, Outcome

# For jsonschema, which nbval imports, a grammar of web addresses: it takes a second to build, and nothing here has any.
sys.modules.setdefault("rfc3987_syntax", None)

_OPTIONS = (
    *("-p", "nbval.plugin", "--nbval", "--assert=plain", "--capture=no", "--tb=no", "-qq", "--color=no"),
    *("-p", "no:cacheprovider", "-p", "no:faulthandler", "-p", "no:doctest", "-p", "no:junitxml", "-p", "no:logging"),
    *("-p", "no:threadexception", "-p", "no:unraisableexception", "-p", "no:stepwise", "-p", "no:pastebin"),
    *("-p", "no:tmpdir", "-p", "no:monkeypatch", "-p", "no:recwarn", "-p", "no:setupplan"),
    *("-p", "no:setuponly", "-p", "no:unittest", "-p", "no:warnings"),
)


def run_notebooks(notebooks: dict[str, list[Step]], sandbox: Sandbox, deadline: float) -> dict[str, dict[str, Attempt]]:
    """Run notebooks in one session of pytest, each in a kernel of its own.

    Parameters
    ----------
    notebooks : dict of str to list of Step
        The steps of each notebook, by a name that is a file's name.
    sandbox : Sandbox
        Where the kernels run.
    deadline : float
        When to start no further cell, by the sandbox's clock.

    Returns
    -------
    attempts : dict of str to dict of str to Attempt
        By notebook, then by exercise: one for each step of kind answer or probe.

    Raises
    ------
    SandboxError
        If a kernel does not start.
    """
    comparison = _Comparison(notebooks, sandbox.clock, deadline)
    with tempfile.TemporaryDirectory(dir=sandbox.folder, ignore_cleanup_errors=True) as folder:
        files = [Path(folder, f"{name}.ipynb") for name in notebooks]
        for file, steps in zip(files, notebooks.values(), strict=True):
            file.write_text(json.dumps(_notebook(steps)), "utf-8")
        Path(folder, "pytest.ini").write_text("[pytest]\n")
        place = ["-c", f"{folder}/pytest.ini", "--rootdir", folder, f"--nbval-cell-timeout={WALL_SECONDS:g}"]
        with inside(sandbox, Path(folder)), contextlib.redirect_stdout(io.StringIO()):
            code = pytest.main([*_OPTIONS, *place, *map(str, files)], plugins=[comparison])
    if code == pytest.ExitCode.INTERRUPTED:
        raise KeyboardInterrupt
    if comparison.error or code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        raise SandboxError(f"no kernel could be had ({comparison.error or repr(code)})")
    return comparison.attempts


class _Comparison:
    """The plugin by which nbval compares outcomes, and that takes down what it finds."""

    def __init__(self, notebooks: dict[str, list[Step]], clock: Clock, deadline: float) -> None:
        self._notebooks = notebooks
        self._clock = clock
        self._deadline = deadline
        self.error = ""
        self.attempts = {name: _attempts(steps) for name, steps in notebooks.items()}
        self._passed: set[tuple[str, str]] = set()  # notebooks and exercises
        self._ended: set[str] = set()

    def pytest_itemcollected(self, item: Any) -> None:
        item.options = defaultdict(bool, check=True)  # whatever comments in an answer ask for
        item.comparison_traceback = []
        item.compare_outputs = functools.partial(self._compare, item)

    def pytest_runtest_setup(self, item: Any) -> None:
        name = item.path.stem
        step, _ = self._step(item)
        waits = step.kind == FRESH and step.brings and not self._all_passed(item)
        if waits or self._clock.seconds() > self._deadline:
            self._ended.add(name)
        if name in self._ended:
            pytest.skip("the submission has used up its time, or has to settle what failed")

    def _all_passed(self, item: Any) -> bool:
        """Whether every answer that is placed before a cell has passed, run or not."""
        name = item.path.stem
        placed = [each for each in self._notebooks[name][: item.cell.metadata["step"]] if each.kind != FRESH]
        return all((name, each.exercise) in self._passed for each in placed)

    def _step(self, item: Any) -> tuple[Step, Attempt | None]:
        name = item.path.stem
        step = self._notebooks[name][item.cell.metadata["step"]]
        return step, self.attempts[name].get(step.exercise)

    def _compare(self, item: Any, seen: list, _expected: list) -> bool:
        step, attempt = self._step(item)
        attempt.outcomes = _shown(seen, step.cases)
        passed = len(attempt.outcomes) == len(step.cases) and all(
            judge(case, outcome).passed for case, outcome in zip(step.cases, attempt.outcomes, strict=True)
        )
        if passed:
            self._passed.add((item.path.stem, step.exercise))
        return passed

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: Any) -> Any:
        """What goes to a kernel that lives has run; a kernel that makes nbval fail, and not the cell, is ended."""
        from nbval.plugin import NbCellError  # now that `rfc3987_syntax` is out of its way

        _, attempt = self._step(item)
        alive = item.parent.kernel.is_alive()
        if attempt is not None:
            attempt.ran = attempt.ran or alive
        try:
            return (yield)
        except NbCellError:
            raise
        except Exception:
            if alive:
                SandboxProvisioner.sandbox.kill()
                SandboxProvisioner.fate = SandboxProvisioner.fate or DIED
            raise

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: Any, call: pytest.CallInfo) -> Any:
        report = yield
        if call.when == "setup" and call.excinfo and not call.excinfo.errisinstance(pytest.skip.Exception):
            self.error = self.error or str(call.excinfo.value)
        _, attempt = self._step(item)
        if call.when != "call" or attempt is None or not attempt.ran:
            return report
        attempt.fate = attempt.fate or SandboxProvisioner.fate
        errors = [output for output in item.test_outputs or () if output.output_type == "error"]
        if errors and not attempt.outcomes:
            attempt.error = attempt.error or f"{errors[0].ename}: {errors[0].evalue}"
        return report


def _attempts(steps: list[Step]) -> dict[str, Attempt]:
    """An attempt for each exercise of a notebook, before it is run."""
    attempts: dict[str, Attempt] = {}
    beside = False
    for step in steps:
        beside = beside or bool(step.brings)
        if step.kind != FRESH and step.exercise not in attempts:
            attempts[step.exercise] = Attempt(step.exercise, alone=not attempts, beside_answers=beside)
    return attempts


def _shown(outputs: list, cases: tuple[Case, ...]) -> list[Outcome]:
    """The outcomes that were shown last. Who forges some has nothing to put in them that scores."""
    shown = [output.data[MIME] for output in outputs if output.output_type == "display_data"]
    return read_outcomes(shown[-1], cases) if shown else []


def _notebook(steps: list[Step]) -> dict[str, Any]:
    cells = [
        {
            "cell_type": "code",
            "id": f"step-{number}",
            "metadata": {"step": number},
            "source": step.source,
            "outputs": [],
            "execution_count": 1 if step.kind == PROBE else None,  # nbval compares cells with a count
        }
        for number, step in enumerate(steps)
    ]
    kernel = {"name": KERNEL, "display_name": KERNEL, "language": "python"}
    return {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
