"""Imports point one way, modules stay small, and a student's import is quick and light."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import bn_helpers

PACKAGE = Path(bn_helpers.__file__).parent

# What a module may import of this package. A package's modules share its line.
EXPERIMENTS = {"exercises", "data", "oracles", "nets"}
JUDGING = {"exercises", "oracles", "outcomes", "judging"}
READING = {"exports", "parsing", "reference", "solutions", "submission", "text"}
ALL_BUT_EACH_OTHER = {"layers", "catalogue", "checks", "selfcheck", "errors", "files", *READING, *JUDGING}
MAY_IMPORT = {
    "layers": set(),
    "oracles": set(),
    "data": set(),
    "browser": set(),
    "outcomes": set(),
    "text": set(),
    "errors": set(),
    "files": set(),
    "skim": {"text"},
    "reference": {"parsing"},
    "solutions": {"exercises", "parsing"},
    "exercises": {"oracles", "outcomes"},
    "judging": {"exercises", "oracles", "outcomes"},
    "exports": set(),
    "submission": {"exercises", "exports", "parsing", "skim", "text"},
    "parsing": set(),
    "checks": {"guard", "parsing", *JUDGING},
    "guard": set(),
    "answers": {"guard", "layers", "parsing"},
    "stages": {"oracles", "judging"},
    "nets": EXPERIMENTS,
    "training": {"checks", *EXPERIMENTS},
    "plotting": {"checks", *EXPERIMENTS},
    "widgets": {"plotting", "training", "checks", *EXPERIMENTS},
    "catalogue": {"layers", *JUDGING},
    "selfcheck": {"errors", "exercises", "guard", "judging", "parsing", "submission", "text"},
    "course": ALL_BUT_EACH_OTHER,
    "grading": ALL_BUT_EACH_OTHER,
}
EVERYTHING = {"cli", "__main__"}
STUDENT = ("checks", "stages", "data", "nets", "training", "plotting", "widgets", "exercises", "judging", "layers")
PRIVATE = {"catalogue", "reference", "solutions", "course", "grading", "cli", "selfcheck"}

MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def home(path: Path) -> str:
    """The module or package of bn_helpers that a file belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(path: Path) -> set[str]:
    """The modules of bn_helpers that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == "bn_helpers":
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("bn_helpers."):
            found.add(node.module.split(".")[1])
        elif isinstance(node, ast.Import):
            found |= {alias.name.split(".")[1] for alias in node.names if alias.name.startswith("bn_helpers.")}
        assert not (isinstance(node, ast.ImportFrom) and node.level), f"{path}: imports are absolute"
    return found - {home(path)}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_imports_point_one_way(path):
    assert home(path) in MAY_IMPORT.keys() | EVERYTHING, "add the module to the table"
    if home(path) not in EVERYTHING:
        assert imported(path) <= MAY_IMPORT[home(path)]


def test_student_modules_reach_nothing_private_by_any_way():
    for module in STUDENT:
        reached, open_ = set(), {module}
        while open_:
            reached |= open_
            open_ = set().union(*(MAY_IMPORT[each] for each in open_)) - reached
        allowed = {"layers"} if module == "layers" else set()
        assert not reached & (PRIVATE | {"layers"} - allowed), module


def test_command_line_imports_inside_its_functions():
    tree = ast.parse((PACKAGE / "cli.py").read_text("utf-8"))
    top = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    assert not [node for node in top if "bn_helpers" in ast.unparse(node)]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_functions_are_short(path):
    """At most 40 lines, docstrings not counted."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef):
            first = node.body[0]
            documented = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
            words = first.end_lineno - first.lineno + 1 if documented else 0
            assert node.end_lineno - node.lineno + 1 - words <= 40, f"{node.name} in {path.name}"


def test_helpers_come_without_matplotlib_where_nothing_is_drawn():
    light = ["checks", "data", "exercises", "judging", "layers", "nets", "oracles", "outcomes", "stages"]
    program = f"import importlib, sys\nfor m in {light}: importlib.import_module(f'bn_helpers.{{m}}')\n"
    program += "print(sorted({'matplotlib', 'IPython', 'nbformat', 'pytest'} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_only_the_interactive_views_import_their_controls():
    others = sorted({*STUDENT} - {"widgets"})
    program = f"import importlib, sys\nfor m in {others}: importlib.import_module(f'bn_helpers.{{m}}')\n"
    program += "print('ipywidgets' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_package_itself_imports_nothing():
    program = "import sys; before = set(sys.modules); import bn_helpers; print(sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "['bn_helpers']\n"
