"""Submissions for tests: right answers from the reference, with some of them replaced."""

from __future__ import annotations

import ast
import inspect
import json
import random
import sys
import textwrap
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from attacks import ATTACKS

from bn_helpers.catalogue.entry import HUNKS, RIGHT, changed_source
from bn_helpers.exercises import EXERCISES, NOTEBOOKS, TASKS
from bn_helpers.grading.probes import quiz_letter, reference_cell
from bn_helpers.grading.results import ExerciseResult, SandboxUnavailable, SubmissionResult
from bn_helpers.grading.sandbox.workshop import choose_sandbox


def sandbox_here(name: str | None = None) -> str:
    """A sandbox that works here, this one or the first; where none does, the test is skipped, and says why."""
    try:
        return choose_sandbox(name)
    except SandboxUnavailable as error:
        pytest.skip(str(error))


def right_answer(task: str) -> str:
    """The source of a right answer."""
    return reference_cell(task) if task in EXERCISES else f'{task} = "{quiz_letter(task, TASKS[task].notebook)}"'


def code_cell(source: str, grade_id: str = "", id: str = "cell", **metadata: object) -> dict:
    """A code cell, as a student's notebook has it."""
    nbgrader = {"nbgrader": {"grade_id": grade_id, "schema_version": 3}} if grade_id else {}
    cell = {"cell_type": "code", "id": id, "metadata": {**nbgrader, **metadata}, "source": source}
    return cell | {"outputs": [], "execution_count": None}


def notebook(*cells: dict) -> dict:
    """A notebook of cells."""
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": list(cells)}


def write_submission(folder: Path, answers: dict[str, str]) -> Path:
    """Write answers into a student's folder, one notebook for those that belong together."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in NOTEBOOKS:
        cells = [code_cell(text, task, task) for task, text in answers.items() if TASKS[task].notebook == name]
        if cells:
            (folder / f"{name}.ipynb").write_text(json.dumps(notebook(*cells)), encoding="utf-8")
    return folder


def right_answers(tasks: Iterable[str] = TASKS, **replaced: str) -> dict[str, str]:
    """Right answers, some of them replaced by others."""
    return {task: replaced.get(task) or right_answer(task) for task in TASKS if task in {*tasks, *replaced}}


def by_id(result: SubmissionResult) -> dict[str, ExerciseResult]:
    """The results of exercises by their ids."""
    return {exercise.id: exercise for exercise in result.exercises}


def variant_source(functions: dict[str, Callable]) -> str:
    """The text of a right answer of the catalogue with all that it uses, as a student would have it in one cell."""
    waiting, texts = {name: f for name, f in functions.items() if _in_catalogue(f)}, {}
    while waiting:
        name, thing = waiting.popitem()
        node = ast.parse(textwrap.dedent(inspect.getsource(thing))).body[0]
        node.decorator_list, node.name = [d for d in node.decorator_list if "right" not in ast.unparse(d)], name
        texts[name] = ast.unparse(node)
        names = {child.id for child in ast.walk(node) if isinstance(child, ast.Name)} - texts.keys()
        module = vars(sys.modules[thing.__module__])
        own = {n: module[n] for n in names & module.keys() if _in_catalogue(module[n])}
        waiting |= {n: value for n, value in own.items() if n not in functions}
    imports = (
        "import collections, functools, itertools, math, sys, warnings\nfrom typing import *\nimport numpy as np\n"
    )
    return imports + "\n\n".join(reversed(texts.values()))


def _in_catalogue(thing: object) -> bool:
    return getattr(thing, "__module__", "").startswith("bn_helpers.catalogue")


def write_class(folder: Path, count: int) -> Path:
    """Write a class of which each student handed in something else: right answers of all styles, mistakes, attacks."""
    rng = random.Random(count)
    paired = {name for e in EXERCISES.values() if e.uses for name in (e.id, *e.uses)}  # they share a cache
    attacks = ("patches_numpy_mathematics", "exits_in_the_function", "segmentation_fault", "kills_all", "loops_in_c")
    for number in range(count):
        answers = right_answers()
        for exercise in EXERCISES:
            kind = rng.random()
            if kind < 0.15 and HUNKS[exercise]:
                text = changed_source(exercise, rng.choice(list(HUNKS[exercise])))
                answers[exercise] = f"from collections.abc import Callable\n{text}"
            elif kind < 0.5 and exercise not in paired:
                answers[exercise] = variant_source(rng.choice(list(RIGHT[exercise].values())))
        if number % 20 == 10:
            answers["normalize"] = ATTACKS[attacks[number // 20 % len(attacks)]]
        answers["quiz_1"] = f'quiz_1 = "{rng.choice("abcd")}"  # student {number}'
        write_submission(folder / f"student {number:03}", answers)
    return folder
