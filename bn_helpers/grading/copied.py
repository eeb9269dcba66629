"""What a human may want to look at: answers that are the text of the course's oracles, and notebooks that are the same.

The oracles are handed out, and an answer made of one is right, so that nothing is taken off for it.
"""

from __future__ import annotations

import ast
import inspect
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache

from bn_helpers import oracles
from bn_helpers.exercises import NOTEBOOKS, TASKS
from bn_helpers.grading.results import OPEN, SubmissionResult
from bn_helpers.parsing import MAX_ANSWER

LONG = 12  # nodes of a function; what is shorter looks alike by itself


def oracles_text(result: SubmissionResult) -> Iterator[str]:
    """A sentence on each answer that holds an oracle's text, whatever it calls things."""
    for exercise in result.exercises:
        names = [name for shape in _shapes(exercise.code) if (name := _oracles().get(shape))]
        if names:
            yield f"{exercise.id} is the text of the course's oracle {', '.join(dict.fromkeys(names))}"


def same_notebooks(results: Iterable[SubmissionResult]) -> Iterator[str]:
    """A sentence on each notebook of which several have the same answers, comments and all."""
    alike: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for result in results:
        for name in NOTEBOOKS:
            found = [e for e in result.exercises if e.notebook == name and hasattr(TASKS[e.id], "weights")]
            codes = [e.code for e in found if e.code.strip() and e.status not in OPEN]
            if len(codes) > 1:
                alike[(name, *codes)].append(result.student)
    shared: dict[str, list[str]] = defaultdict(list)
    for (name, *_), students in alike.items():
        if len(students) > 1:
            shared[", ".join(students)].append(str(NOTEBOOKS[name].number))
    for students, numbers in shared.items():
        which = f"notebook {numbers[0]} is" if len(numbers) == 1 else f"notebooks {', '.join(numbers)} are"
        yield f"{which} the same, comments and all: {students}"


@cache
def _oracles() -> dict[str, str]:
    functions = inspect.getmembers(oracles, inspect.isfunction)
    return {shape: name for name, function in functions for shape in _shapes(inspect.getsource(function))}


def _shapes(code: str) -> Iterator[str]:
    """What each function of a text is like, but for names, constants, type hints and documentation."""
    if len(code) > MAX_ANSWER:
        return  # nor was it read for grading
    try:
        functions = [node for node in ast.parse(code).body if isinstance(node, ast.FunctionDef)]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    for function in functions:
        body = function.body[bool(ast.get_docstring(function)) :]
        nodes = ast.walk(ast.Module(body, []))
        kinds = [type(node).__name__ for node in nodes if not isinstance(node, ast.expr_context)]
        if len(kinds) > LONG:
            yield " ".join(kinds)
