"""Grade one submission after another: run its answers together, repeat alone what failed, and judge.

Passing is proof wherever it happened, so all answers first run in one warm kernel, notebook after notebook. A failure
there may be another answer's fault. It is repeated in a kernel of its own, with only the answers that it builds on.
"""

from __future__ import annotations

import ast
import contextlib
import functools
import gc
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from bn_helpers.exercises import EXERCISES, NOTEBOOKS, QUIZZES
from bn_helpers.grading import scoring
from bn_helpers.grading.probes import fresh_cell, probe_cases, quiz_letter, reference_cell
from bn_helpers.grading.results import ANSWER, FRESH, PROBE, TIMED_OUT, Attempt, ExerciseResult, Step, SubmissionResult
from bn_helpers.grading.sandbox.limits import CPU_SECONDS, SUBMISSION_SECONDS
from bn_helpers.grading.sandbox.notebooks import run_notebooks
from bn_helpers.grading.sandbox.wire import probe_cell
from bn_helpers.grading.sandbox.workshop import Sandbox, Workshop
from bn_helpers.submission import Answer, Submission


class Grader:
    """A grading process's grader: it lives long, and grades one submission at a time.

    Parameters
    ----------
    key : bytes
        The course key, from which hidden inputs derive.
    sandbox : str
        What confines answers, from `choose_sandbox`.
    """

    def __init__(self, key: bytes, sandbox: str) -> None:
        self._key = key
        self._workshop = Workshop(sandbox)
        gc.freeze()  # what is loaded by now stays: no need to look through it for garbage

    def grade(self, submission: Submission) -> SubmissionResult:
        """Grade a submission. Nothing in it can make this raise.

        Parameters
        ----------
        submission : Submission
            What a student handed in.

        Returns
        -------
        result : SubmissionResult
        """
        start = time.monotonic()
        answers = submission.answers
        results = {
            quiz.id: scoring.quiz_result(answers.get(quiz.id), quiz.id, quiz_letter(quiz.id, quiz.notebook))
            for quiz in QUIZZES.values()
        }
        runnable = {name: a for name, a in answers.items() if name in EXERCISES and a.attempted and not a.error}
        results |= {name: scoring.unrun_result(answers.get(name), name) for name in EXERCISES if name not in runnable}
        notes = submission.notes
        try:
            with Sandbox(self._workshop) as sandbox, np.errstate(all="ignore"):
                results |= _Run(
                    runnable, self._key, sandbox, self._workshop.folder, start + SUBMISSION_SECONDS
                ).results()
        except Exception as error:  # one submission never stops the others
            notes = (*notes, f"the grader failed: {type(error).__name__}: {error}")
            results |= {name: scoring.error_result(answer, name) for name, answer in runnable.items()}
        ordered = tuple(results[name] for name in _order())
        total = sum(result.score for result in ordered)
        most = float(sum(result.max_score for result in ordered))
        return SubmissionResult(submission.student, total, most, time.monotonic() - start, notes, ordered)

    def close(self) -> None:
        """Remove what the grader has made."""
        self._workshop.close()

    def __enter__(self) -> Grader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Run:
    """The answers of one submission on their way through the sandbox."""

    def __init__(self, answers: dict[str, Answer], key: bytes, sandbox: Sandbox, folder: Path, deadline: float) -> None:
        self._answers = answers
        self._sandbox = sandbox
        self._folder = folder
        self._deadline = deadline
        self._cases = {name: probe_cases(name, key, answer.code) for name, answer in answers.items()}
        self._attempts = {name: Attempt(name) for name in answers}
        self._notes: dict[str, str] = {}
        self._given: dict[str, list[str]] = {}  # what stood in the place of others where an exercise was forgiven

    def results(self) -> dict[str, ExerciseResult]:
        """Run everything, and give the result of each exercise."""
        self._run_together()
        self._repeat_alone()
        self._forgive_carried_errors()
        return {
            name: scoring.exercise_result(answer, self._cases[name], self._attempts[name], self._notes.get(name, ""))
            for name, answer in self._answers.items()
        }

    def _run_together(self) -> None:
        """All answers in one kernel; where one ends it, those that are left go on in the next."""
        left = list(self._answers)
        while left:
            attempts = self._run({"together": self._steps(self._defined(), left, merged=True)})["together"]
            ran = [name for name in left if attempts[name].ran]
            self._attempts.update({name: attempts[name] for name in ran})
            left = [name for name in left if name not in ran]
            if not ran:
                return

    def _repeat_alone(self) -> None:
        """Each failure in a kernel of its own, unless it has had its full time."""
        failed = [name for name in self._failed() if not self._timed_out(name)]
        if not failed:
            return
        notebooks = {name: self._steps([*self._needed(name), name], [name]) for name in failed}
        for name, attempts in self._run(notebooks).items():
            if attempts[name].ran and self._score(attempts[name]) >= self._score(self._attempts[name]):
                self._attempts[name] = attempts[name]

    def _forgive_carried_errors(self) -> None:
        """What still fails, once more, with the reference in the place of the wrong answers that it builds on.

        A backward waits for its forward: one that is forgiven is the learner's right forward, with a cache of its own.
        """
        failed = self._failed()
        waiting = [name for name in failed if set(EXERCISES[name].uses) & set(failed)]
        for names in ([name for name in failed if name not in waiting], waiting):
            self._forgive({name: self._replaceable(name) for name in names if not self._timed_out(name)})

    def _forgive(self, replaced: dict[str, list[str]]) -> None:
        """Run exercises with the reference in the place of others, and let that count where it is better."""
        notebooks = {}
        for name, others in replaced.items():
            right = {*self._builds_on(name)} & {*self._defined()}
            needed = {*self._needed(name), *right, *others, name}
            notebooks |= {name: self._steps(needed, [name], replaced=others)} if others else {}
        for name, attempts in self._run(notebooks).items() if notebooks else ():
            if self._score(attempts[name]) > self._score(self._attempts[name]):
                self._attempts[name] = attempts[name]
                self._given[name] = replaced[name]
                self._notes[name] = f"right, given a right {', '.join(replaced[name])}"
            elif set(replaced[name]) & set(EXERCISES[name].uses):
                self._notes[name] = f"It was judged with your {EXERCISES[name].uses[0]}: mend that first."

    def _replaceable(self, name: str) -> list[str]:
        """In the place of which answers an exercise is given the reference."""
        used = [other for other in self._builds_on(name) if not EXERCISES[name].answered_by(EXERCISES[other])]
        wrong = {other for other in used if other in self._failed() or other not in self._answers}
        wrong.update(*(self._given.get(other, ()) for other in used))
        # A right answer may do harm, too (it may have patched NumPy), but a right forward's cache is its own.
        return [o for o in used if o in wrong] or [o for o in used if o not in EXERCISES[name].uses]

    def _run(self, notebooks: dict[str, list[Step]]) -> dict[str, dict[str, Attempt]]:
        with own_folder(self._folder) as folder:
            return run_notebooks(notebooks, self._sandbox, folder, self._deadline)

    def _steps(
        self, defined: Iterable[str], probed: Iterable[str], replaced: Iterable[str] = (), merged: bool = False
    ) -> list[Step]:
        """The cells that define some answers and probe some, in the order of the manifest.

        For speed an answer and its probe can be merged in one cell; where that fails, they run again as two.
        """
        defined, probed, replaced = set(defined), set(probed), set(replaced)
        steps = []
        for notebook in NOTEBOOKS:
            names = [e.id for e in EXERCISES.values() if e.notebook == notebook and e.id in defined | probed]
            if not probed.intersection(names):
                continue
            steps.append(Step(FRESH, "", fresh_cell(notebook)))
            for name in names:
                source = reference_cell(name) if name in replaced else self._answers[name].source
                probe = probe_cell(name, self._cases[name]) if name in probed else ""
                if merged and probe:
                    steps.append(Step(PROBE, name, f"{source}\n{probe}", self._cases[name]))
                    continue
                steps.append(Step(ANSWER, name, source))
                steps += [Step(PROBE, name, probe, self._cases[name])] if probe else []
        return steps

    def _defined(self) -> list[str]:
        """The answers that may stand before others: those that have not ended a kernel."""
        return [name for name, attempt in self._attempts.items() if not attempt.fate]

    def _failed(self) -> list[str]:
        return [name for name, attempt in self._attempts.items() if self._score(attempt) < EXERCISES[name].points]

    def _score(self, attempt: Attempt) -> float:
        return scoring.score(attempt.exercise, self._cases[attempt.exercise], attempt)

    def _timed_out(self, name: str) -> bool:
        attempt = self._attempts[name]
        return not attempt.ran or (attempt.fate == TIMED_OUT and attempt.seconds > CPU_SECONDS - 1)

    def _needed(self, name: str) -> list[str]:
        """The earlier answers of the notebook that bind what an answer looks up, and those that they need in turn."""
        earlier = [other for other in self._earlier(name) if other in self._answers]
        allowed = [other for other in earlier if other in self._defined()]
        reads, found = set(self._answers[name].reads) | set(EXERCISES[name].uses), []
        for other in reversed(allowed):
            if self._answers[other].binds & reads:
                found.insert(0, other)
                reads |= self._answers[other].reads | set(EXERCISES[other].uses)
        return found

    def _builds_on(self, name: str) -> list[str]:
        """The earlier exercises of the notebook that an answer calls, directly or through them or their reference."""
        reads, found = set(self._answers[name].reads) | set(EXERCISES[name].uses), []
        for other in reversed(self._earlier(name)):
            if other in reads:
                found.insert(0, other)
                reads |= self._answers[other].reads if other in self._answers else set()
                reads |= _reference_reads(other)
        return found

    @staticmethod
    def _earlier(name: str) -> list[str]:
        same = [e.id for e in EXERCISES.values() if e.notebook == EXERCISES[name].notebook]
        return same[: same.index(name)]


@functools.cache
def _reference_reads(exercise: str) -> set[str]:
    """The exercises that the reference's answer to one calls."""
    names = (node.id for node in ast.walk(ast.parse(reference_cell(exercise))) if isinstance(node, ast.Name))
    return EXERCISES.keys() & names


def _order() -> list[str]:
    """Exercises and quizzes, notebook by notebook."""
    tasks = {**EXERCISES, **QUIZZES}
    return [name for notebook in NOTEBOOKS for name, task in tasks.items() if task.notebook == notebook]


@contextlib.contextmanager
def own_folder(parent: Path) -> Iterator[Path]:
    """A new folder that is gone afterwards."""
    folder = Path(tempfile.mkdtemp(dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
