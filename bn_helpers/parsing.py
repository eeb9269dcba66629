"""Read a learner's code without running it: what it defines and needs, and what of it runs where answers are graded."""

from __future__ import annotations

import ast
import builtins
import re
import symtable
import sys
import warnings
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

MAX_ANSWER = 64 * 2**10  # characters of code that are read
# Where answers are graded there is the standard library, and these; of the course there is `layers` alone.
AVAILABLE = sys.stdlib_module_names | {"numpy", "IPython"}
COURSE = ("bn_helpers", "bn_helpers.layers")
PROVIDED = {*dir(builtins), "np"}
NOT_THERE = "is not there when answers are graded, and its import is left out"

_NBVAL = re.compile(r"^\s*#[#\s]*(NBVAL_\w+|PYTEST_VALIDATE_\w+)\s*$")  # comments that steer nbval
_DEFINING = (ast.FunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign)
_ASSIGNED_MAGIC = re.compile(r"""([^=!%"'#]*=\s*)[!%]""")  # files = !ls


@dataclass(frozen=True)
class Parsed:
    """The code of a cell: as handed in, and as it runs, the same lines without what has no place there.

    `error` says why it is no Python; `binds` are the names that it defines at its top level.
    """

    code: str
    source: str
    tree: ast.Module | None
    error: str
    binds: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()


def parse(code: str) -> Parsed:
    """Read a cell, and leave out comments that steer nbval, magics, shell lines, and imports of what is not there."""
    if len(code) > MAX_ANSWER:  # of that no more is kept either: whoever reports on it reads it again
        note = f"only its first {MAX_ANSWER} characters are kept"
        return Parsed(code[:MAX_ANSWER], "", None, _too_long(code), notes=(note,))
    # What ends a line for nbval does not all end one for Python: a form feed, say.
    parts = [("#" if _NBVAL.match(part) else part) + end for part, end in _split(code)]
    lines = "".join(parts).split("\n")
    tree, error = python("\n".join(lines))
    notes = []
    if tree is None:
        without = list(_without_magics(lines))
        removed = [f"{number}" for number, pair in enumerate(zip(lines, without, strict=True), 1) if len(set(pair)) > 1]
        other, _ = python("\n".join(without))
        if other is not None and removed:
            tree, error, lines = other, "", without
            notes.append(f"magics and shell commands are left out (line {', '.join(removed[:5])})")
    if tree is None:
        return Parsed(code, "\n".join(lines), None, error)
    source, left_out = _without_unavailable("\n".join(lines), tree)
    if left_out:
        tree, used = ast.parse(source), looked_up(source)
        notes += [f"{module} {NOT_THERE} (line {line})" for module, name, line in left_out if name in {*used, "*"}]
    return Parsed(code, source, tree, "", frozenset(bound(tree.body)), tuple(notes[:5]))


def _split(text: str) -> Iterator[tuple[str, str]]:
    """The lines of a text, each with what ends it."""
    for line in text.splitlines(keepends=True):
        bare = line.splitlines()[0]
        yield bare, line[len(bare) :]


def python(source: str) -> tuple[ast.Module | None, str]:
    """The tree of a source, or why there is none."""
    if len(source) > MAX_ANSWER:
        return None, _too_long(source)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            symtable.symtable(source, "answer", "exec")  # refuses what parses and yet does not compile
            return ast.parse(source), ""
    except SyntaxError as error:
        return None, f"the cell is not Python: line {error.lineno}: {error.msg}"
    except (ValueError, RecursionError, MemoryError) as error:
        return None, f"the cell is not Python: {error}"


def _too_long(source: str) -> str:
    return f"the cell has {len(source)} characters, more than {MAX_ANSWER}"


def _without_magics(lines: Iterable[str]) -> Iterator[str]:
    """The lines, with `pass` or None in the place of a magic, a shell command or a question; what it goes on in is left
    out.
    """
    goes_on = False
    for line in lines:
        text = line.strip()
        assigned = _ASSIGNED_MAGIC.match(line)
        magic = text.startswith(("%", "!", "?")) or text.endswith("?")
        if goes_on:
            yield ""
        elif magic:
            yield line[: len(line) - len(line.lstrip())] + "pass"
        else:
            yield f"{assigned[1]}None" if assigned else line
        goes_on = bool(goes_on or magic or assigned) and text.endswith("\\")


# Imports


def available(module: str) -> bool:
    """Whether a module is there where answers are graded."""
    return module in COURSE or module.partition(".")[0] in AVAILABLE


def _without_unavailable(source: str, tree: ast.Module) -> tuple[str, list[tuple[str, str, int]]]:
    """A source, line by line the same, without imports of what is not there; and module, name and line of each."""
    lines = [line.encode() for line in source.split("\n")]  # columns count bytes
    left_out = []
    for node in reversed(tree.body):
        if not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        kept = [alias for alias in node.names if available(_module(alias, node))]
        gone = [alias for alias in node.names if alias not in kept]
        if gone:
            before, after = lines[node.lineno - 1][: node.col_offset], lines[node.end_lineno - 1][node.end_col_offset :]
            text = ast.unparse(type(node)(**{**vars(node), "names": kept})) if kept else "pass"
            empty = [b""] * (node.end_lineno - node.lineno)
            lines[node.lineno - 1 : node.end_lineno] = [before + text.encode() + after, *empty]
            left_out += [(_module(alias, node), _bound_by(alias, node), node.lineno) for alias in gone]
    return b"\n".join(lines).decode(), left_out[::-1]


def _module(alias: ast.alias, node: ast.Import | ast.ImportFrom) -> str:
    """The module that has to be there; `from bn_helpers import layers` wants `bn_helpers.layers`."""
    if isinstance(node, ast.Import):
        return alias.name
    module = "." * node.level + (node.module or "")
    return f"{module}.{alias.name}" if module == "bn_helpers" else module


def _bound_by(alias: ast.alias, node: ast.Import | ast.ImportFrom) -> str:
    name = alias.asname or alias.name
    return name.partition(".")[0] if isinstance(node, ast.Import) else name


def imports(source: str) -> list[str]:
    """The import statements of a cell, each on its own: some of them may fail where others do not."""
    return [ast.unparse(node) for node in ast.parse(source).body if isinstance(node, ast.Import | ast.ImportFrom)]


def imported(source: str) -> Iterator[str]:
    """The dotted names of all that code imports, in its functions too: of modules, and of what it takes from them."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            module = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
            yield from (f"{module}{alias.name}" for alias in node.names)


# Names


def bound(body: list[ast.stmt]) -> set[str]:
    """Names that statements bind where they stand, but for those that are there anyway.

    What a function or a comprehension binds inside is its own.
    """
    waiting: list[ast.AST] = list(body)
    names: set[str] = set()
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            handed = (getattr(node, "module", None) or "").startswith("bn_helpers")
            names.update(() if handed else (_bound_by(alias, node) for alias in node.names))
        elif isinstance(node, ast.Name):
            names.update([node.id] if isinstance(node.ctx, ast.Store) else [])
        elif not isinstance(node, ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
            waiting.extend(ast.iter_child_nodes(node))
    return names - PROVIDED


def looked_up(source: str, inside: bool = True) -> set[str]:
    """Names that code looks up outside of itself, in its functions too, or only where it stands.

    Local variables of functions are not among them.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        waiting = [symtable.symtable(source, "answer", "exec")]
    names = set()
    while waiting:
        table = waiting.pop()
        waiting += table.get_children() if inside else []
        module = table.get_type() == "module"
        names |= {s.get_name() for s in table.get_symbols() if s.is_referenced() and (module or s.is_global())}
    return names


def definitions(cells: Iterable[Parsed]) -> dict[str, str]:
    """The text that defines each name in some cells: the last statement that does so by itself, and what changes it.

    An import of all that a module has is its own name.
    """
    found: dict[str, list[str]] = {}
    for cell in cells:
        lines = cell.source.split("\n")
        for node in cell.tree.body if cell.tree else ():
            text = "\n".join(lines[_place(node)])
            read = {part.id for part in ast.walk(node) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Load)}
            for name in bound([node]):
                name = text if name == "*" else name
                found[name] = found.pop(name, [])  # so that they stand in the order of the cells
                if isinstance(node, _DEFINING) and name not in read:
                    found[name].clear()
                found[name].append(text)
    return {name: "\n".join(texts) for name, texts in found.items()}


def _place(node: ast.stmt) -> slice:
    """The lines of a statement, its decorators among them."""
    return slice(min(part.lineno for part in (node, *getattr(node, "decorator_list", ()))) - 1, node.end_lineno)


def needed(defined: dict[str, Any], wanted: set[str], reads: Callable[[str], set[str]]) -> dict[str, Any]:
    """What of these definitions some names need, in its order; each definition reads names."""
    found: set[str] = set()
    waiting = wanted & defined.keys()
    while waiting:
        name = waiting.pop()
        found.add(name)
        waiting |= reads(name) & defined.keys() - found
    return {name: text for name, text in defined.items() if name in found}


# Answers


def pieces_of(parsed: Parsed, names: Collection[str]) -> tuple[list[tuple[str, str]], str]:
    """The statements of a cell that define some names, each with its name, and what is left of the cell."""
    lines = parsed.source.split("\n")
    pieces = []
    for node in parsed.tree.body:
        found = [name for name in bound([node]) if name in names]
        if found:
            place = _place(node)
            pieces.append((found[0], "\n".join(lines[place])))
            lines[place] = [""] * (place.stop - place.start)
    return pieces, "\n".join(lines)


def is_stub(tree: ast.Module, task: str) -> bool:
    """Whether the function is still the one that was handed out: a docstring, and a raise of NotImplementedError."""
    definitions = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == task]
    if not definitions:
        return False
    body = [n for n in definitions[-1].body if not (isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant))]
    if len(body) != 1 or not isinstance(body[0], ast.Raise):
        return False
    raised = body[0].exc.func if isinstance(body[0].exc, ast.Call) else body[0].exc
    return isinstance(raised, ast.Name) and raised.id == "NotImplementedError"


def letter(tree: ast.Module | None, quiz: str) -> str | None:
    """The text that the last assignment gives to a quiz; None where it is not plain text."""
    for node in reversed(tree.body if tree else []):
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == quiz for t in node.targets):
            value = node.value.value if isinstance(node.value, ast.Constant) else None
            return value.strip().lower()[:20] if isinstance(value, str) else None
    return None


def checked(tree: ast.Module | None) -> set[str]:
    """The tasks whose check a cell calls."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and node.args] if tree else []
    checks = [node.args[0] for node in calls if isinstance(node.func, ast.Name) and node.func.id == "check"]
    return {first.value for first in checks if isinstance(first, ast.Constant) and isinstance(first.value, str)}
