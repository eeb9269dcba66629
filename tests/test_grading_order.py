"""Code that answers an exercise enters no kernel before that exercise is settled: from a trace of made-up kernels."""

from __future__ import annotations

import json
import random
from types import SimpleNamespace

import pytest

from bn_helpers.exercises import EXERCISES, NOTEBOOKS
from bn_helpers.grading import grader as module
from bn_helpers.grading.probes import Probes, reference_cell
from bn_helpers.grading.results import ANSWER, DIED, FRESH, PROBE, SPENT, Attempt

FATES = {"right": 0.4, "wrong": 0.25, "in company only": 0.15, "carried": 0.1, "dies": 0.05, "loops": 0.05}


class Kernels:
    """Kernels that run nothing: what enters them is written down, and a schedule says how each answer fares."""

    def __init__(self, schedule: dict[str, str]) -> None:
        self.schedule = schedule
        self.events: list[tuple[str, int, str]] = []
        self.number = 0

    def __call__(self, notebooks):
        return {name: self._run(steps) for name, steps in notebooks.items()}

    def _run(self, steps):
        self.number += 1
        attempts = {}
        for step in steps:
            if step.kind != FRESH and step.exercise not in attempts:
                attempts[step.exercise] = Attempt(step.exercise, alone=not attempts)
        given, company = set(), 0
        for step in steps:
            if step.kind == FRESH and step.brings and any(a.ran and a.error for a in attempts.values()):
                break
            entered = code_of_the_course(step)
            self.events += [("enters", self.number, name) for name in sorted(entered)]
            given |= entered if step.kind == ANSWER else set()
            company += step.kind == ANSWER
            if step.kind != PROBE:
                continue
            self.events.append(("runs", self.number, step.exercise))
            attempt = attempts[step.exercise]
            attempt.ran, fate = True, self.schedule[step.exercise]
            attempt.error = self._error(fate, given, company)
            attempt.fate = {"dies": DIED, "loops": SPENT}.get(fate, "")
            company += 1
            if attempt.fate:
                break
        return attempts

    def _error(self, fate, given, company):
        failed = {"right": False, "in company only": company > 1, "carried": not given}.get(fate, True)
        return "failed" if failed else ""


def code_of_the_course(step):
    """The exercises whose right answers stand in a step's text."""
    if step.kind == FRESH:
        return {name for name in EXERCISES if f"def {name}(" in step.source}
    return {name for name in EXERCISES if step.source == reference_cell(name)}


def answers(rng):
    """An answer to each exercise, which looks up some earlier ones of its notebook, or none."""
    found = {}
    for name, exercise in EXERCISES.items():
        if rng.random() < 0.1:
            continue
        earlier = [e.id for e in EXERCISES.values() if e.notebook == exercise.notebook and e.id != name]
        reads = frozenset(other for other in earlier if rng.random() < 0.4)
        text = f"def {name}(*args):\n    return None  # {rng.random()}"
        found[name] = SimpleNamespace(
            id=name, code=text, source=text, notebook=exercise.notebook, reads=reads, binds=frozenset({name})
        )
    return found


def trace(monkeypatch, seed, right=()):
    rng = random.Random(seed)
    schedule = {n: "right" if n in right else rng.choices(list(FATES), list(FATES.values()))[0] for n in EXERCISES}
    kernels = Kernels(schedule)
    points = lambda name, cases, attempt: 0.0 if attempt.error or not attempt.ran else EXERCISES[name].points  # noqa: E731
    monkeypatch.setattr(module.scoring, "score", points)
    monkeypatch.setattr(module.scoring, "exercise_result", lambda answer, cases, attempt, note: attempt)
    monkeypatch.setattr(module.vocabulary, "in_our_words", lambda result, *_: result)
    given = answers(rng)
    results = module._Run(given, Probes(b"key", NOTEBOOKS), kernels).results()
    return kernels.events, given, results


@pytest.fixture(autouse=True)
def made_up(monkeypatch):
    monkeypatch.setattr(module.Probes, "cases", lambda *_: ())  # drawing them takes long


@pytest.mark.parametrize("start", range(0, 400, 50))
def test_no_answer_is_run_after_code_that_answers_it_has_entered_any_kernel(monkeypatch, start):
    for seed in range(start, start + 50):
        events, _, _ = trace(monkeypatch, seed)
        entered = {}
        for number, (what, kernel, name) in enumerate(events):
            if what == "enters":
                entered.setdefault(name, (number, kernel))
                continue
            answering = [n for n in entered if n == name or EXERCISES[name].answered_by(EXERCISES[n])]
            assert not answering, f"seed {seed}: {name} runs in kernel {kernel} after {answering} entered"


def test_every_answer_is_run_and_what_failed_is_repeated_and_forgiven(monkeypatch):
    forgiven = alone = 0
    for seed in range(100):
        events, given, results = trace(monkeypatch, seed)
        runs = [name for what, _, name in events if what == "runs"]
        assert set(runs) == given.keys()
        assert all(results[name].ran for name in given)
        forgiven += any(
            what == "enters" and name in ("batch_statistics", "channel_statistics") for what, _, name in events
        )
        alone += len(runs) > len(given)
    assert forgiven > 20
    assert alone > 90


def test_where_all_is_right_one_kernel_runs_it_all(monkeypatch):
    events, given, _ = trace(monkeypatch, 1, right=EXERCISES)
    assert {kernel for _, kernel, _ in events} == {1}
    assert [name for what, _, name in events if what == "runs"].count("normalize") == ("normalize" in given)


def test_what_must_not_be_called_is_not_there_when_its_own_derivation_runs(monkeypatch):
    derived = [exercise for exercise in EXERCISES.values() if exercise.underived]
    assert derived
    for seed in range(100):
        events, _, _ = trace(monkeypatch, seed)
        for exercise in derived:
            for number, (_, kernel, _) in enumerate(events):
                if events[number] == ("runs", kernel, exercise.id):
                    before = {name for _, other, name in events[:number] if other == kernel}
                    assert exercise.underived not in before, f"seed {seed}"


def test_inputs_hang_on_all_that_may_run_before_them(monkeypatch):
    monkeypatch.undo()
    probes = Probes(b"key", NOTEBOOKS)
    first, again, other = (
        json.dumps([case.inputs["x"].tolist() for case in probes.cases("normalize", text)]) for text in ("a", "a", "b")
    )
    assert first == again != other
