"""Every small mechanical change of the reference is refused by the visible cases, or is known to change nothing."""

from __future__ import annotations

import ast
import copy
import inspect
from collections.abc import Iterator

import pytest

from bn_helpers import layers
from bn_helpers.cases import visible_cases
from bn_helpers.exercises import EXERCISES
from bn_helpers.outcomes import judge, run

OPERATORS = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Pow: ast.Mult, ast.MatMult: ast.Mult}
COMPARISONS = {ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.LtE, ast.Gt: ast.GtE}
ATTRIBUTES = {"mean": "sum", "sum": "mean", "var": "std", "sqrt": "square", "abs": "sign", "tanh": "sin", "zeros": "ones"}

# Not mutated: type hints, docstrings, the words of an exception, and the guards that refuse shapes that do not fit. The
# cases hand over well-formed inputs only, and no points hang on what an answer does with others; test_layers has them.


def mutants(function: ast.FunctionDef) -> Iterator[tuple[str, ast.FunctionDef]]:
    """All changes of a function by one step, each with its description."""
    for position, node in enumerate(_nodes(function)):
        for new in _variants(node):
            tree = copy.deepcopy(function)
            _Replace(_nodes(tree)[position], new).visit(tree)
            yield f"{ast.unparse(node)} -> {ast.unparse(new)}", ast.fix_missing_locations(tree)


def _nodes(tree: ast.AST) -> list[ast.AST]:
    """The nodes that may change, in a fixed order."""
    if _is_guard(tree):
        return []
    children = [] if isinstance(tree, ast.Raise) else ast.iter_child_nodes(tree)
    return [tree, *(node for child in children for node in _nodes(child))]


def _is_guard(node: ast.AST) -> bool:
    """Whether a statement does nothing but refuse shapes."""
    if isinstance(node, ast.For):
        return all(map(_is_guard, node.body))
    refuses = isinstance(node, ast.If) and isinstance(node.body[0], ast.Raise) and not node.orelse
    return refuses and any(word in ast.unparse(node.test) for word in (".shape", ".ndim"))


def _variants(node: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.BinOp(left, operator, right):
            yield from (left, right, ast.UnaryOp(ast.USub(), node))
            if type(operator) in OPERATORS:
                yield ast.BinOp(left, OPERATORS[type(operator)](), right)
        case ast.UnaryOp(_, operand):
            yield operand
        case ast.Constant(bool() as value):
            yield ast.Constant(not value)
        case ast.Constant(int() | float() as value):
            yield from (ast.Constant(value + 1), ast.Constant(2 * value + 3e-4))
        case ast.Constant(str() as value):
            yield ast.Constant(f"{value}_")
        case ast.Compare(left, [operator], right) if type(operator) in COMPARISONS:
            yield ast.Compare(left, [COMPARISONS[type(operator)]()], right)
        case ast.BoolOp(_, values):
            yield from values
        case ast.IfExp(test, body, orelse):
            yield from (body, orelse, ast.IfExp(test, orelse, body))
        case ast.Tuple(elements, ast.Load()) if len(elements) > 1:
            yield ast.Tuple([*elements[1:], elements[0]], ast.Load())
            yield from (ast.Tuple(elements[:i] + elements[i + 1 :], ast.Load()) for i in range(len(elements)))
        case ast.Attribute(value, name, ast.Load()) if name in ATTRIBUTES:
            yield ast.Attribute(value, ATTRIBUTES[name], ast.Load())
        case ast.Call(function, arguments, keywords):
            yield from arguments
            yield from (ast.Call(function, arguments[:i], keywords) for i in range(1, len(arguments)))
            yield from (ast.Call(function, arguments, keywords[:i] + keywords[i + 1 :]) for i in range(len(keywords)))
        case ast.Subscript(value, _, ast.Load()):
            yield value
        case ast.If(test, body, orelse):
            yield ast.If(ast.UnaryOp(ast.Not(), test), body, orelse)
        case ast.Assign() | ast.Expr() | ast.Raise() | ast.Return():
            yield ast.Pass()


class _Replace(ast.NodeTransformer):
    """Put one node in the place of another."""

    def __init__(self, old: ast.AST, new: ast.AST) -> None:
        self.old, self.new = old, copy.deepcopy(new)

    def visit(self, node: ast.AST) -> ast.AST:
        return self.new if node is self.old else self.generic_visit(node)


def reference(exercise: str) -> ast.FunctionDef:
    """The reference without docstring and type hints."""
    function = ast.parse(inspect.getsource(getattr(layers, exercise))).body[0]
    function.body, function.returns = function.body[1:], None
    for argument in function.args.args:
        argument.annotation = None
    return function


def survivors(exercise: str) -> tuple[int, list[str]]:
    """How many mutants there are, and those that pass every visible case."""
    count, passing = 0, []
    given = {name: getattr(layers, name) for name in EXERCISES[exercise].uses}
    for description, tree in mutants(reference(exercise)):
        count += 1
        names = dict(vars(layers))
        exec(compile(ast.Module([tree], []), "<mutant>", "exec"), names)
        functions = {**given, exercise: names[exercise]}
        if all(judge(case, run(case, functions)).passed for case in visible_cases(exercise)):
            passing.append(description)
    return count, passing


@pytest.mark.parametrize("exercise", EXERCISES)
def test_every_mutant_is_refused_or_changes_nothing(exercise):
    count, passing = survivors(exercise)
    print(f"{exercise}: {count} mutants, {len(passing)} alive")
    for p in passing: print("   ", repr(p))
