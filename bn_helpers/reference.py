"""Text of the reference's functions, in three forms: stub, solved cell, module of handed functions.

All three are derived by parsing `layers.py`, so no marker comments stand in the reference, and none can be mistyped.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from itertools import pairwise

from bn_helpers.parsing import needed

KEPT_SECTIONS = ("Parameters", "Returns", "Raises")  # Notes and Examples hold the formula


class Reference:
    """The functions of `layers.py`, as text.

    Parameters
    ----------
    source : str
        The text of the module.

    Attributes
    ----------
    functions : dict of str to ast.FunctionDef
        The top-level functions by name, in the order of the file.
    """

    def __init__(self, source: str) -> None:
        self._lines = source.splitlines()
        self._body = ast.parse(source).body
        self.functions = {node.name: node for node in self._body if isinstance(node, ast.FunctionDef)}

    def stub(self, name: str) -> str:
        """Cell that a student starts from: signature, summary, Parameters, Returns and Raises, and a raise."""
        docstring = _kept(ast.get_docstring(self.functions[name]) or "")
        documented = "\n".join(f"    {line}" if line else "" for line in f'"""{docstring}\n"""'.split("\n"))
        todo = f'    raise NotImplementedError("{name} is not written yet: replace this line by your answer")'
        return f"{self._signature(name)}\n{documented}\n{todo}"

    def solved(self, name: str) -> str:
        """Cell that holds the answer: the reference as it stands, but for the type hints of its signature."""
        function = self.functions[name]
        body = self._lines[function.body[0].lineno - 1 : function.end_lineno]
        return "\n".join([self._signature(name), *body])

    def module(self, names: Iterable[str]) -> str:
        """Text of a `layers` module that holds the named functions, what they call, and the imports they need."""
        wanted = needed(self.functions, {*names}, lambda name: _names(self.functions[name])).values()
        used = set().union(*map(_names, wanted))
        imports = [node for node in self._body if _is_needed_import(node, used)] if wanted else []
        blocks = ['"""The functions that this part of the course hands to you."""', *map(self.text, imports)]
        return "\n\n\n".join(["\n\n".join(blocks), *map(self.text, wanted)]) + "\n"

    def text(self, node: ast.stmt | ast.expr) -> str:
        """Text of a node as it is written: `ast.get_source_segment`, without splitting the whole source each time."""
        lines = [line.encode() for line in self._lines[node.lineno - 1 : node.end_lineno]]  # columns count bytes
        lines[-1] = lines[-1][: node.end_col_offset]
        lines[0] = lines[0][node.col_offset :]
        return b"\n".join(lines).decode()

    def _signature(self, name: str) -> str:
        """Signature without type hints. Defaults keep their spelling: `ast.unparse` would write 1e-5 as 1e-05."""
        arguments = self.functions[name].args
        if arguments.posonlyargs or arguments.vararg or arguments.kwonlyargs or arguments.kwarg:
            raise ValueError(f"{name} must have plain parameters only: no *, no /, no *args, no **kwargs")
        defaults = [f"={self.text(default)}" for default in arguments.defaults]
        padded = [""] * (len(arguments.args) - len(defaults)) + defaults
        return f"def {name}({', '.join(a.arg + default for a, default in zip(arguments.args, padded, strict=True))}):"


def _kept(docstring: str) -> str:
    """The summary and the kept sections. What is not known to be harmless goes."""
    lines = docstring.split("\n")
    starts = [number for number, below in enumerate(lines[1:]) if below and set(below) == {"-"}]
    sections = ["\n".join(lines[start:end]).rstrip() for start, end in pairwise([*starts, len(lines)])]
    kept = [section for section in sections if section.split("\n")[0] in KEPT_SECTIONS]
    return "\n\n".join([docstring.split("\n\n")[0], *kept])


def _names(node: ast.AST) -> set[str]:
    return {child.id for child in ast.walk(node) if isinstance(child, ast.Name)}


def _is_needed_import(node: ast.stmt, used: set[str]) -> bool:
    if isinstance(node, ast.ImportFrom) and node.module == "__future__":
        return True
    return isinstance(node, (ast.Import, ast.ImportFrom)) and any((a.asname or a.name) in used for a in node.names)
