"""Run answers on a case, and write down what came of it.

`run` needs the answers but not what is wanted, which `judging` needs, but not the answers. So an answer can run where
nothing knows what is right: this file is the one of the course that enters the grader's sandbox.
"""

from __future__ import annotations

import copy
import difflib
import traceback
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

# A case is plain data, so a function that it hands to an answer, or calls between answers, goes by its name.
FUNCTIONS: dict[str, Callable] = {
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(z, 0),
    "half_plus_one": lambda z: 0.5 * z + 1,
    "by_largest": lambda z: z / np.abs(z).max(axis=0),
    "evaluate": lambda bn_param: bn_param.update(mode="test"),
    "is_none": lambda value: float(value is None),
}


@dataclass(frozen=True)
class Call:
    """One call: the function's name, the names of its arguments, and the names that its results get."""

    function: str
    args: tuple[str, ...]
    results: tuple[str, ...]


@dataclass(frozen=True)
class Wanted:
    """A wanted array, and the scale that its error is relative to."""

    value: np.ndarray
    scale: float


@dataclass(frozen=True, eq=False)  # arrays have no one answer to whether they are equal
class Case:
    """Calls to make on given inputs, and what must come of them.

    `inputs` holds arrays, numbers, None, lists and dicts of these, and names of `FUNCTIONS`. `wanted` maps a name (of a
    result, or of an entry: "bn_param.running_mean") to what it must be; `watched` maps names to what they should be,
    which is looked at where something else is wrong, and judged nowhere; `raises` is set where a ValueError must come
    instead; `keeps` names the inputs, or entries of them, that must not change. `comparable` is False where one slip
    shows in many ways (which digits rounding takes, what integers lose), so that of two wrong values one can only say
    that both are wrong.
    """

    id: str
    inputs: Mapping[str, Any]
    calls: tuple[Call, ...]
    wanted: Mapping[str, Wanted] = field(default_factory=dict)
    tolerance: float = 1e-9
    raises: bool = False
    keeps: tuple[str, ...] = ()
    comparable: bool = True
    watched: Mapping[str, Wanted] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Outcome:
    """What came of a case: the observed arrays by name, or what went wrong on the way to them.

    `raised` is the name of the public exception type, or "unpack" where what came back is not what was to be returned.
    `function` is the answer in which that happened (of a stub that was called: the stub), `detail` the words for it.
    """

    values: Mapping[str, np.ndarray] = field(default_factory=dict)
    raised: str = ""
    function: str = ""
    detail: str = ""
    changed: tuple[str, ...] = ()


def run(case: Case, functions: dict[str, Callable]) -> Outcome:
    """Make the calls of a case with the given answers, on copies of its inputs."""
    names = {k: FUNCTIONS[v] if isinstance(v, str) else copy.deepcopy(v) for k, v in case.inputs.items()}
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for call in case.calls:
            wrong = _make(call, names, functions | FUNCTIONS)
            if wrong:
                return wrong
    changed = tuple(name for name in case.keeps if not _same(entry(names, name), entry(case.inputs, name)))
    observed = {name: _observe(names, name) for name in (*case.wanted, *case.watched)}
    return Outcome({name: value for name, value in observed.items() if value is not None}, changed=changed)


def _make(call: Call, names: dict[str, Any], functions: Mapping[str, Callable]) -> Outcome | None:
    """Make one call, and keep its results under their names; what went wrong, if anything did."""
    try:
        returned = functions[call.function](*(names[arg] for arg in call.args))
    except (Exception, SystemExit) as error:
        stub = isinstance(error, NotImplementedError)
        function = traceback.extract_tb(error.__traceback__)[-1].name if stub else call.function
        return Outcome(raised=_public_name(error), function=function, detail=_where(error, function))
    if len(call.results) == 1 and not isinstance(returned, tuple):
        names[call.results[0]] = returned
    elif len(call.results) > 1 and _unpacks(returned, len(call.results)):
        names.update(zip(call.results, returned, strict=True))
    else:
        return Outcome(raised="unpack", function=call.function, detail=_describe(returned))
    return None


def _observe(names: Mapping[str, Any], name: str) -> np.ndarray | None:
    """The array behind a name; None where there is nothing."""
    value = entry(names, name)
    if value is None:
        return None
    try:
        return np.array(value)
    except Exception:  # ragged, or of a type that refuses: it is the learner's object
        return np.array(None)


def entry(names: Mapping[str, Any], name: str) -> Any:
    """What a name stands for, or one like "bn_param.running_mean"; None where there is no such entry."""
    owner, _, key = name.partition(".")
    if not key:
        return names[owner]
    return names[owner].get(key) if isinstance(names[owner], dict) else None


def _unpacks(returned: Any, count: int) -> bool:
    sequence = isinstance(returned, tuple | list) or (isinstance(returned, np.ndarray) and returned.ndim > 0)
    return sequence and len(returned) == count


def _describe(returned: Any) -> str:
    if isinstance(returned, tuple | list):
        return f"a {type(returned).__name__} of {len(returned)}"
    if isinstance(returned, np.ndarray):
        return f"an array of shape {returned.shape}"
    return "None" if returned is None else f"a {type(returned).__name__}"


def _same(left: Any, right: Any) -> bool:
    if isinstance(left, list):
        return len(left) == len(right) and all(map(_same, left, right))
    return np.array_equal(left, right)


def _public_name(error: BaseException) -> str:
    """Name of the first built-in type of an exception: NumPy's own ones change their names between versions."""
    return next(t.__name__ for t in type(error).__mro__ if t.__module__ == "builtins")


def _where(error: BaseException, function: str) -> str:
    """One line: the exception's words, the name that was probably meant, and the line of the answer where it came."""
    words = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}".removesuffix(": ")
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    if isinstance(error, NameError) and error.name and frames:
        known = [*frames[-1].f_locals, *frames[-1].f_globals]
        words += "".join(f"; did you mean {name}?" for name in difflib.get_close_matches(error.name, known, n=1))
    lines = [f for f in traceback.extract_tb(error.__traceback__) if f.name == function]
    return f"{words} (line {lines[-1].lineno}: {lines[-1].line})" if lines and lines[-1].line else words
