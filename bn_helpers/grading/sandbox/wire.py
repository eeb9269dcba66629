"""Values on their way into a sandbox and back: cases without what is wanted, outcomes without trust."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable
from typing import Any

import numpy as np

from bn_helpers.exercises import EXERCISES
from bn_helpers.grading.sandbox.limits import ARRAY, WORDS
from bn_helpers.outcomes import Case, Outcome, entry
from bn_helpers.text import one_line

_IDENTIFIER = re.compile(r"[A-Za-z_]\w{0,59}")


def probe_cell(exercise: str, cases: Iterable[Case]) -> str:
    """The cell that runs an answer on cases, and shows the outcomes.

    Parameters
    ----------
    exercise : str
        The id of an exercise.
    cases : iterable of Case
        What of them a kernel may know is written into the cell: the inputs, the calls, the names of what is observed.
    """
    text = json.dumps([_told(case) for case in cases])
    return f"__import__('bn_driver').probe({EXERCISES[exercise].underived!r}, {text!r})"


def _told(case: Case) -> dict[str, Any]:
    """What of a case the kernel may know. An input that must not change is observed like a result."""
    observed = [*case.wanted, *case.watched, *case.keeps]
    calls = [[call.function, call.args, call.results] for call in case.calls]
    inputs = {name: encode(value) for name, value in case.inputs.items()}
    return {"inputs": {"dict": inputs}, "calls": calls, "wanted": observed}


def encode(value: Any) -> Any:
    """Write inputs down so that `driver.decode` can read them: arrays in base64, bit by bit."""
    if isinstance(value, np.ndarray):
        data = base64.b64encode(np.ascontiguousarray(value).tobytes()).decode()
        return {"array": [value.dtype.str, value.shape, data]}
    if isinstance(value, list):
        return [encode(item) for item in value]
    if isinstance(value, dict):
        return {"dict": {name: encode(item) for name, item in value.items()}}
    return value


# Outcomes


def read_outcomes(data: Any, cases: tuple[Case, ...]) -> list[Outcome]:
    """Read what a kernel says came of cases: as many outcomes as can be believed, from the first on.

    Parameters
    ----------
    data : object
        Parsed JSON from a kernel. It may be anything.
    cases : tuple of Case
        The cases that were sent, with what the kernel does not know.

    Returns
    -------
    outcomes : list of Outcome
        At most one a case; the list ends before the first one that makes no sense.
    """
    outcomes: list[Outcome] = []
    for case, told in zip(cases, data if isinstance(data, list) else [], strict=False):
        try:
            outcomes.append(_outcome(told, case))
        except (TypeError, ValueError, KeyError, AttributeError, OverflowError, MemoryError):
            break
    return outcomes


def _outcome(told: dict[str, Any], case: Case) -> Outcome:
    raised, function, detail = (told[name] for name in ("raised", "function", "detail"))
    if not all(isinstance(text, str) for text in (raised, function, detail)):
        raise TypeError("words are wanted")
    if raised and not _IDENTIFIER.fullmatch(raised):
        raise ValueError("no name of an exception")
    called = {call.function for call in case.calls}
    if raised == "unpack" and function not in called:
        raise ValueError("nobody returned it")
    observed = (*case.wanted, *case.watched, *case.keeps)
    values = {name: _array(told["values"][name]) for name in observed if name in told["values"]}
    kept = () if raised else case.keeps
    changed = tuple(name for name in kept if not _same(values.get(name), entry(case.inputs, name)))
    return Outcome(
        {name: value for name, value in values.items() if name not in case.keeps},
        raised,
        function if function in called | EXERCISES.keys() else "",
        one_line(detail[:WORDS]),
        changed,
    )


def _array(entry: dict[str, Any]) -> np.ndarray:
    shape = tuple(entry["shape"])
    if len(shape) > 8 or not all(type(n) is int and 0 <= n <= 10**9 for n in shape):
        raise ValueError("no shape")
    if "data" not in entry:  # not real numbers, or far too many of them
        return np.array(0j if str(entry.get("type")).startswith("complex") else None)
    if not isinstance(entry["data"], str) or len(entry["data"]) > 12 * ARRAY:
        raise ValueError("too much")
    return np.frombuffer(base64.b64decode(entry["data"], validate=True), "<f8").reshape(shape)


def _same(value: np.ndarray | None, original: Any) -> bool:
    return value is not None and value.dtype.kind == "f" and np.array_equal(value, np.array(original, dtype=float))
