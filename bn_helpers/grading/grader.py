"""Grade one submission after another: run its answers together, repeat alone what failed, and judge.

Passing is proof wherever it happened, so all answers first run in one warm kernel, notebook after notebook. A failure
there may be another answer's fault. It is repeated in a kernel of its own, with only the answers that it builds on, and
before any code enters a kernel that would answer it.
"""

from __future__ import annotations

import gc
import json
import math
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial

import numpy as np

from bn_helpers.exercises import EXERCISES, NOTEBOOKS, QUIZZES, due
from bn_helpers.grading import scoring, vocabulary
from bn_helpers.grading.probes import Probes, quiz_letter, reference_reads
from bn_helpers.grading.results import ANSWER, PROBE, SPENT, Attempt, ExerciseResult, Step, SubmissionResult
from bn_helpers.grading.sandbox.limits import SUBMISSION_SECONDS
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
    notebooks : iterable of str, optional
        The notebooks that are due; all, if not given.

    Attributes
    ----------
    workshop : Workshop
        What its sandboxes are made of.
    """

    def __init__(self, key: bytes, sandbox: str, notebooks: Iterable[str] = NOTEBOOKS) -> None:
        self._notebooks = tuple(notebooks)
        self._probes = Probes(key, self._notebooks)
        self.workshop = Workshop(sandbox)
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
        answers = {name: submission.answers.get(name) for name in due(self._notebooks)}
        results = {
            name: scoring.quiz_result(answer, name, quiz_letter(name, QUIZZES[name].notebook))
            for name, answer in answers.items()
            if name in QUIZZES
        }
        exercises = {name: answer for name, answer in answers.items() if name in EXERCISES}
        runnable = {name: a for name, a in exercises.items() if a and a.attempted and not a.error}
        results |= {name: scoring.unrun_result(a, name) for name, a in exercises.items() if name not in runnable}
        notes = submission.notes
        try:
            with Sandbox(self.workshop) as sandbox, np.errstate(all="ignore"):
                deadline = sandbox.clock.seconds() + SUBMISSION_SECONDS
                run = partial(run_notebooks, sandbox=sandbox, deadline=deadline)
                results |= _Run(runnable, self._probes, run).results()
        except MemoryError:  # this process is not fit for more
            raise
        except Exception as error:  # one submission never stops the others
            notes = (*notes, f"the grader failed: {type(error).__name__}: {error}")
            results |= {name: scoring.error_result(answer, name) for name, answer in runnable.items()}
        ordered = tuple(results[name] for name in answers)
        total = sum(result.score for result in ordered)
        most = float(sum(result.max_score for result in ordered))
        seconds = float(math.ceil(time.monotonic() - start))  # whole ones: an answer can choose how long it takes
        return SubmissionResult(submission.student, total, most, seconds, notes, ordered, self.workshop.stamp)

    def close(self) -> None:
        """Remove what the grader has made."""
        self.workshop.close()

    def __enter__(self) -> Grader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Run:
    """The answers of one submission on their way through the sandbox.

    Code that answers an exercise enters no kernel before that exercise is settled: run, repeated alone where it failed,
    and forgiven what it carries from others. What one kernel may leave for a later one then tells nothing of use.
    """

    def __init__(self, answers: dict[str, Answer], probes: Probes, run: Callable[[dict], dict]) -> None:
        self._answers = answers
        self._probes = probes
        self._run = run  # as `run_notebooks`
        text = json.dumps({name: answer.source for name, answer in answers.items()})
        self._cases = {name: probes.cases(name, text) for name in answers}
        self._attempts = {name: Attempt(name) for name in answers}
        self._points = dict.fromkeys(answers, 0.0)  # of these attempts
        self._settled: set[str] = set()
        self._notes: dict[str, str] = {}
        self._given: dict[str, list[str]] = {}  # what stood in the place of others where an exercise was forgiven

    def results(self) -> dict[str, ExerciseResult]:
        """Run everything, and give the result of each exercise."""
        left, in_vain = list(self._answers), 0
        while left and in_vain < 2:  # a kernel may be lost before it has come to an answer
            ran = self._run_together(left)
            left, in_vain = [name for name in left if name not in ran], 0 if ran else in_vain + 1
            begun = {self._answers[name].notebook for name in left[:1]}
            self._settle([n for n in self._answers if n not in {*left, *self._settled} | self._of(begun)])
        return {name: self._result(name) for name in self._answers}

    def _result(self, name: str) -> ExerciseResult:
        if name in self._failed() and name not in self._notes and self._misses(name):
            self._notes[name] = f"It is run without your {EXERCISES[name].underived} and what calls that: derive it."
        told = (self._cases[name], self._attempts[name], self._notes.get(name, ""))
        result = scoring.exercise_result(self._answers[name], *told)
        beside = self._attempts[name].beside_answers
        return vocabulary.in_our_words(result, self._answers[name], *told) if beside else result

    def _run_together(self, left: list[str]) -> set[str]:
        """Answers in one kernel, until it ends, or until code would enter that answers what is not settled."""
        first = {self._answers[left[0]].notebook}
        open_ = {name for name in self._failed() if self._attempts[name].ran and name not in self._settled}
        probed = [name for name in left if name in self._of(first)] if open_ else left
        attempts = self._run({"together": self._steps(self._defined(), probed, merged=True)})["together"]
        ran = {name for name in left if name in attempts and attempts[name].ran}
        for name in ran:
            self._take(name, attempts[name], self._score(attempts[name]))
        return ran

    def _settle(self, names: list[str]) -> None:
        """Give each of some failures all that it is due: first what ended a kernel, since others may build on it."""
        failed = [name for name in names if name in self._failed()]
        lost = [name for name in failed if self._attempts[name].fate]
        for some in (*([name] for name in lost), [name for name in failed if name not in lost]):
            self._repeat_alone(some)
        for name in names:
            if name in self._failed() and not self._is_final(name):
                self._forgive(name, self._replaceable(name))
            self._settled.add(name)

    def _repeat_alone(self, names: list[str]) -> None:
        """Each in a kernel of its own, unless it ran out of time and was alone."""
        notebooks = {n: self._steps([*self._needed(n), n], [n]) for n in names if not self._is_final(n)}
        for _ in range(2):  # a kernel may be lost before it has come to an answer
            attempts = self._run(notebooks) if notebooks else {}
            for name in [name for name in notebooks if attempts[name][name].ran]:
                attempt = attempts[name][name]
                if (points := self._score(attempt)) >= self._points[name]:
                    self._take(name, attempt, points)
                del notebooks[name]

    def _forgive(self, name: str, others: list[str]) -> None:
        """Run a failure with the reference in the place of others, and let that count where it is better.

        Where what it calls is not there it counts, too: without that, nothing is seen of the failure itself.
        A backward comes after its forward: one that was forgiven is the learner's right forward, with its own cache.
        """
        if not others:
            return
        right = {*self._builds_on(name)} & {*self._defined()}
        steps = self._steps({*self._needed(name), *right, *others, name}, [name], replaced=others)
        attempt = self._run({name: steps})[name][name]
        called = {*others} & {*EXERCISES[name].uses, *self._answers[name].reads}
        points, absent = self._score(attempt), not called <= self._answers.keys()
        if points > self._points[name] or (absent and attempt.ran and points == self._points[name]):
            self._take(name, attempt, points)
            self._given[name] = others
            state = "right" if points == EXERCISES[name].points else "judged"
            self._notes[name] = f"{state}, given a right {', '.join(others)}"

    def _replaceable(self, name: str) -> list[str]:
        """In the place of which answers an exercise is given the reference."""
        used = [other for other in self._builds_on(name) if not EXERCISES[name].answered_by(EXERCISES[other])]
        wrong = {other for other in used if other in self._failed() or other not in self._answers}
        wrong.update(*(self._given.get(other, ()) for other in used))
        # A right answer may do harm, too (it may have patched NumPy), but a right forward's cache is its own.
        return [o for o in used if o in wrong] or [o for o in used if o not in EXERCISES[name].uses]

    def _steps(
        self, defined: Iterable[str], probed: Iterable[str], replaced: Iterable[str] = (), merged: bool = False
    ) -> list[Step]:
        """The cells that define some answers and probe some, in the order of the manifest.

        For speed an answer and its probe can be merged in one cell; where that fails, they run again as two.
        """
        defined, probed, replaced = set(defined), set(probed), set(replaced)
        steps = []
        for notebook in NOTEBOOKS:
            names = [name for name in EXERCISES if name in self._of({notebook}) & (defined | probed)]
            if not probed.intersection(names):
                continue
            steps.append(self._probes.fresh(notebook))
            for name in self._underived_first(names):
                if name in replaced:
                    steps.append(self._probes.reference(name))
                    continue
                answer = Step(ANSWER, name, self._answers[name].source)
                if name not in probed:
                    steps.append(answer)
                    continue
                probe = Step(PROBE, name, probe_cell(name, self._cases[name]), self._cases[name])
                both = replace(probe, source=f"{answer.source}\n{probe.source}")
                steps += [both] if merged else [answer, probe]
        return steps

    def _underived_first(self, names: list[str]) -> list[str]:
        """What is to be derived anew comes before every answer that defines what it must not call."""
        ordered = list(names)
        for name in names:
            kept = [ordered.index(other) for other in self._kept_from(name) if other in ordered]
            if kept and min(kept) < ordered.index(name):
                ordered.remove(name)
                ordered.insert(min(kept), name)
        return ordered

    def _kept_from(self, name: str) -> list[str]:
        """The answers that define what an exercise must not call."""
        underived = EXERCISES[name].underived
        return [other for other, answer in self._answers.items() if underived in answer.binds and other != name]

    def _misses(self, name: str) -> bool:
        """Whether an answer looks up what is kept from it."""
        kept = [self._answers[other].binds for other in self._kept_from(name)]
        return bool(self._answers[name].reads & {EXERCISES[name].underived}.union(*kept))

    def _defined(self) -> list[str]:
        """The answers that may stand before others: those that have not ended a kernel."""
        return [name for name, attempt in self._attempts.items() if not attempt.fate]

    def _failed(self) -> list[str]:
        return [name for name, points in self._points.items() if points < EXERCISES[name].points]

    def _take(self, name: str, attempt: Attempt, points: float) -> None:
        """Let an attempt count."""
        self._attempts[name], self._points[name] = attempt, points

    def _score(self, attempt: Attempt) -> float:
        return scoring.score(attempt.exercise, self._cases[attempt.exercise], attempt)

    def _is_final(self, name: str) -> bool:
        """Whether nothing else can come of another run: it was never reached, or ran out of time all by itself."""
        attempt = self._attempts[name]
        return not attempt.ran or (attempt.fate == SPENT and attempt.alone)

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
                reads |= reference_reads(other)
        return found

    def _earlier(self, name: str) -> list[str]:
        """The exercises before one in its notebook, but for those that answer it or define what it must not call."""
        same = [e.id for e in EXERCISES.values() if e.notebook == EXERCISES[name].notebook]
        kept = {EXERCISES[name].underived, *self._kept_from(name)}
        return [other for other in same[: same.index(name)] if other not in kept]

    @staticmethod
    def _of(notebooks: set[str]) -> set[str]:
        return {e.id for e in EXERCISES.values() if e.notebook in notebooks}
