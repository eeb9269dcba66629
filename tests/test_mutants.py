"""Every small mechanical change of the reference is refused by the visible cases, or is known to change nothing."""

from __future__ import annotations

import ast
import copy
import inspect
import re
from collections.abc import Iterator
from functools import cache
from itertools import zip_longest

import pytest

from bn_helpers import layers
from bn_helpers.exercises import EXERCISES, visible_cases
from bn_helpers.judging import judge
from bn_helpers.outcomes import run

OPERATORS = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Pow: ast.Mult}
COMPARISONS = {ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.LtE, ast.Gt: ast.GtE}
ATTRIBUTES = {
    "mean": "sum",
    "sum": "mean",
    "var": "std",
    "sqrt": "square",
    "abs": "sign",
    "tanh": "sin",
    "zeros": "ones",
}

FORWARD = "batchnorm_forward spatial_batchnorm_forward"
EQUIVALENT = (  # functions, the line before and after, why nothing changes
    (
        "batch_statistics channel_statistics",
        r"(var|centered) = .* => \1 = \(*-\(x - mean.*",
        "only its square is used",
    ),
    ("saturated_fraction", r"return float\((.*)\) => return \1", "NumPy's float is a float"),
    (FORWARD, r"(running_\w+ = .*), x\.dtype\)\) => \1\)\)", "float32 may become float64"),
    (FORWARD, r"(cache =|return) .* => .*\w+_'.*", "the cache is its author's own business"),
    (
        "batchnorm_forward",
        r"return \(out, (cache) \| (\{'gamma': gamma\})\) => return \(out, (\1|\2)\)",
        "the cache is its author's own business",
    ),
    (
        "channel_statistics spatial_batchnorm_backward",
        r"(.*)\(0, 2, 3\)(.*) => \1\(2, 3, 0\)\2",
        "a sum runs over its axes in any order",
    ),
    ("network_loss", r"(.*) \(out > 0\) => \1 \(out (>= 0|> 0\.0003)\)", "no case lies on the kink of the relu"),
    ("network_loss", r"(.*), 0 \* gamma, (.*) => \1, (-\(0 \* gamma\)|0 / gamma), \2", "zero, whatever its sign"),
    ("train_network", r"(.*), np\.array\(losses\)\) => \1, losses\)", "a list of floats is as good"),
    ("ghost_batchnorm_forward", r"raise .* => pass", "NumPy's reshape raises the same exception"),
    ("ghost_batchnorm_forward", r"if .* => if -\(len\(x\) % ghost_size\):", "only whether it is 0 counts"),
    (
        "ghost_batchnorm_forward",
        r".*reshape\(-1, .* => .*reshape\(-2, .*",
        "NumPy takes any negative length for unknown",
    ),
)

# Not mutated: type hints, docstrings and the words of an exception.


def reference(exercise: str) -> ast.FunctionDef:
    """The reference without docstring and type hints."""
    function = ast.parse(inspect.getsource(getattr(layers, exercise))).body[0]
    function.body, function.returns = function.body[1:], None
    for argument in function.args.args:
        argument.annotation = None
    return function


@cache
def mutants(exercise: str) -> dict[str, ast.FunctionDef]:
    """All changes of the reference by one step, each by the first line that it changes, as it was and as it is."""
    function, found = reference(exercise), {}
    lines = ast.unparse(function).splitlines()
    for position, node in enumerate(_nodes(function)):
        for new in _variants(node):
            tree = copy.deepcopy(function)
            _Replace(_nodes(tree)[position], new).visit(tree)
            pairs = zip_longest(lines, ast.unparse(tree).splitlines(), fillvalue="")
            before, after = next((old.strip(), new.strip()) for old, new in pairs if old != new)
            found[f"{before} => {after}"] = ast.fix_missing_locations(tree)
    return found


def _nodes(tree: ast.AST) -> list[ast.AST]:
    """The nodes that may change, in a fixed order."""
    children = [] if isinstance(tree, ast.Raise) else ast.iter_child_nodes(tree)
    return [tree, *(node for child in children for node in _nodes(child))]


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


def passes(exercise: str, tree: ast.FunctionDef) -> bool:
    """Whether a mutant passes every visible case. One that Python does not compile passes none."""
    names = dict(vars(layers))
    try:
        exec(compile(ast.Module([tree], []), "<mutant>", "exec"), names)
    except SyntaxError:
        return False
    functions = {name: getattr(layers, name) for name in EXERCISES[exercise].uses} | {exercise: names[exercise]}
    return all(judge(case, run(case, functions)).passed for case in visible_cases(exercise))


def reasons(exercise: str, description: str) -> list[str]:
    """Why a mutant is known to change nothing."""
    return [why for where, what, why in EQUIVALENT if exercise in where.split() and re.fullmatch(what, description)]


@pytest.mark.parametrize("exercise", EXERCISES)
def test_every_mutant_is_refused_or_known_to_change_nothing(exercise):
    found = mutants(exercise)
    alive = [description for description, tree in found.items() if passes(exercise, tree)]
    print(f"\n{exercise}: {len(found)} mutants, {len(found) - len(alive)} refused, {len(alive)} equivalent")
    assert len(found) >= 9
    assert not [description for description in alive if not reasons(exercise, description)]


def test_a_mutant_that_does_not_compile_is_refused():
    function = reference("normalize")
    function.body.insert(0, ast.Break())  # outside a loop
    assert not passes("normalize", ast.fix_missing_locations(function))


def test_every_equivalent_is_still_a_mutant():
    for where, what, why in EQUIVALENT:
        for exercise in where.split():
            assert any(re.fullmatch(what, description) for description in mutants(exercise)), (exercise, why)
