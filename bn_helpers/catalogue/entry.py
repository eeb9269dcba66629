"""One entry of the catalogue: a mistake, in one of two forms, or a right answer."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache

from bn_helpers import layers
from bn_helpers.exercises import EXERCISES


@dataclass(frozen=True)
class Mistake:
    """A wrong answer: the `case` that must catch it, and the `message` that ends the sentence "It looks as if ..."."""

    id: str
    exercise: str
    case: str
    message: str
    functions: dict[str, Callable]


CATALOGUE: dict[str, dict[str, Mistake]] = {exercise: {} for exercise in EXERCISES}
RIGHT: dict[str, dict[str, dict[str, Callable]]] = {exercise: {} for exercise in EXERCISES}  # by style
HUNKS: dict[str, dict[str, tuple[str, ...]]] = {exercise: {} for exercise in EXERCISES}  # of `changes`, single ones

# Slips with an eps that is an argument, in the references that have it under one root; `case` must catch them.
EPS_SLIPS = """
eps_squared ({case}): you square eps before you add it to the variance.
- + eps)
+ + eps**2)

eps_fixed_tiny ({case}): you use a fixed eps, and that is 1e-8. It is an argument: use the one you are given.
- + eps)
+ + 1e-8)
"""
EPS_ADDED_LAST = """
eps_added_last ({case}): brackets are missing: you add eps after the division. It is added to the variance, under the
root.
- np.sqrt({var} + eps)
+ np.sqrt({var}) + eps
"""


def mistake(exercise: str, id: str, case: str, **uses: Callable) -> Callable[[Callable], None]:
    """Enter a wrong function; its docstring is the message.

    Parameters
    ----------
    exercise, id, case : str
        What it answers wrongly, the name of the slip, and the case that must catch it.
    **uses : callable
        What it is called with in the place of the reference: a forward pass with another cache, say.
    """

    def take(answer: Callable) -> None:
        written = ast.parse(textwrap.dedent(inspect.getsource(answer)))  # python -OO has no __doc__
        enter(exercise, id, case, ast.get_docstring(written.body[0]), answer, uses)

    return take


def right(exercise: str, style: str, **uses: Callable) -> Callable[[Callable], Callable]:
    """Enter a right function in a style of its own, which no check may refuse.

    Parameters
    ----------
    exercise, style : str
        What it answers, and what is special about it.
    **uses : callable
        What it is called with in the place of the reference: the forward pass that its author wrote, say.
    """

    def take(answer: Callable) -> Callable:
        if style in RIGHT[exercise]:
            raise ValueError(f"{exercise}: there are two right answers called {style}")
        RIGHT[exercise][style] = _functions(exercise, answer, uses)
        return answer

    return take


def changes(exercise: str, table: str) -> None:
    """Enter changes of the reference, written like a diff, with an empty line between two mistakes.

    A mistake begins with `id (case): message`. Each line with a minus is a text that occurs exactly once in the body of
    the reference; the lines with a plus below it take its place, or nothing does. What is two mistakes at once names
    them, in a line with an equals sign.
    """
    for block in sorted(inspect.cleandoc(table).split("\n\n"), key=lambda block: "\n= " in block):
        lines = block.splitlines()
        first = next(i for i, line in enumerate(lines) if line.startswith(("- ", "= ")))
        header, _, message = " ".join(map(str.strip, lines[:first])).partition("): ")
        id, _, case = header.partition(" (")
        if lines[first].startswith("= "):
            enter(exercise, id, case, message, changed(exercise, *lines[first].removeprefix("= ").split(", ")), {})
            continue
        hunks, where = tuple("\n".join(["", *lines[first:]]).split("\n- ")[1:]), f"{exercise}: {id}"
        enter(exercise, id, case, message, _answer(exercise, _patched(exercise, hunks, where), where), {})
        HUNKS[exercise][id] = hunks  # those of a mistake that is refused stay out


def changed(exercise: str, *ids: str) -> Callable:
    """The reference with the changes of one mistake, or of several.

    Raises
    ------
    ValueError
        If a change does not find its text exactly once.
    """
    return _answer(exercise, changed_source(exercise, *ids), f"{exercise}: {' and '.join(ids)}")


def changed_source(exercise: str, *ids: str) -> str:
    """The text of what `changed` gives, without its docstring."""
    hunks = [hunk for id in ids for hunk in HUNKS[exercise][id]]
    return _patched(exercise, hunks, f"{exercise}: {' and '.join(ids)}")


def _patched(exercise: str, hunks: Iterable[str], where: str) -> str:
    source = _source(exercise)
    for hunk in hunks:
        old, *new = hunk.split("\n+ ")
        source = _replaced(source, old, new, where)
    return source


def _answer(exercise: str, source: str, where: str) -> Callable:
    names = dict(vars(layers))
    exec(compile(source, f"<{where}>", "exec"), names)
    return names[exercise]


def _replaced(source: str, old: str, new: list[str], where: str) -> str:
    """Source with one text in the place of another, every new line with the indentation of the old one."""
    if source.count(old) != 1:
        raise ValueError(f"{where}: {old!r} occurs {source.count(old)} times in the reference, wanted once")
    line = next(line for line in source.splitlines() if old in line)
    indentation = line[: len(line) - len(line.lstrip())]
    return source.replace(old, f"\n{indentation}".join(new))


@cache
def _source(exercise: str) -> str:
    """Text of the reference without its docstring, whose words a change is not about."""
    lines = inspect.getsource(getattr(layers, exercise)).splitlines()
    docstring = ast.parse("\n".join(lines)).body[0].body[0]
    return "\n".join(lines[: docstring.lineno - 1] + lines[docstring.end_lineno :])


def enter(exercise: str, id: str, case: str, message: str, answer: Callable, uses: dict[str, Callable]) -> None:
    """Enter a mistake; `uses` takes the place of the reference in what it is called with."""
    if id in CATALOGUE[exercise]:
        raise ValueError(f"{exercise}: there are two mistakes called {id}")
    functions = _functions(exercise, answer, uses)
    CATALOGUE[exercise][id] = Mistake(id, exercise, case, " ".join(message.split()), functions)


def _functions(exercise: str, answer: Callable, uses: dict[str, Callable]) -> dict[str, Callable]:
    """An answer, and what it is called with: the reference, where nothing else is named."""
    reference = {name: getattr(layers, name) for name in EXERCISES[exercise].uses}
    return {**reference, **uses, exercise: answer}
