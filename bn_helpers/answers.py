"""Where the answers of a notebook run in a check: apart from the notebook, with what is there where they are graded."""

from __future__ import annotations

import builtins
import contextlib
import linecache
import types
from collections.abc import Iterable
from typing import Any

import numpy as np

from bn_helpers import layers
from bn_helpers.guard import Endless, limited
from bn_helpers.parsing import available

_names: dict[str, Any] = {}  # what the answers of the notebook see


def begin(handed: Iterable[str], opening: Iterable[str]) -> None:
    """Begin a notebook: NumPy, the functions that it is handed, and what of its opening can run here."""
    # Under other names: what an import does not find in a module it takes from `sys.modules`.
    course, own = types.ModuleType("the course"), types.ModuleType("what is handed")
    vars(own).update({name: getattr(layers, name) for name in handed})
    course.layers = own

    def imported(name: str, names: Any = None, local: Any = None, fromlist: Any = (), level: int = 0) -> Any:
        if not available(name):
            raise ModuleNotFoundError(f"{name} is not there when answers are graded")
        if name.startswith("bn_helpers"):
            return own if fromlist and name.endswith(".layers") else course
        return builtins.__import__(name, names, local, fromlist, level)

    _names.clear()
    _names.update(__name__="__main__", __builtins__={**vars(builtins), "__import__": imported}, np=np)
    for text in opening:
        with contextlib.suppress(ImportError):
            _run(text, "the notebook's opening")


def define(task: str, source: str) -> Any:
    """Run an answer's cell, and give what it defines. What goes wrong below the answer is for its check to show."""
    _names.pop(task, None)
    try:
        with limited():
            _run(source, f"your {task}")
    except Endless as error:
        raise TimeoutError(f"it goes on after {error}") from None
    except Exception:
        if task not in _names:
            raise
    return _names[task]


def _run(source: str, name: str) -> None:
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)  # for the lines of a message
    exec(compile(source, name, "exec", dont_inherit=True), _names)
