"""What the READMEs say holds: links lead somewhere, files are there, commands exist, and the doors open.

What serves (`make course`, `make lecture`) is run by tests/browser. What installs packages is only looked up, since no
test needs the network; so are the benchmarks, which take an hour.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from argparse import ArgumentParser
from pathlib import Path

import pytest
from test_mutants import mutants, passes, reasons

from bn_helpers import cli
from bn_helpers.catalogue import CATALOGUE, RIGHT
from bn_helpers.exercises import EXERCISES

ROOT = Path(__file__).parents[1]
FOLDERS = ("", "notebooks", "solutions", "bn_helpers/course", "bn_helpers/grading", "bn_helpers/datasets", "tests",
           "tests/benchmarks")  # fmt: skip
READMES = {folder or ".": (ROOT / folder / "README.md").read_text("utf-8") for folder in FOLDERS}
MADE = ("grades", "bundles", "build", "slides", "site", "students")  # by a command
PROGRAM = re.compile(r"(?:make|python3?|py|pip|jupyter|dask|source|\.venv/bin/(?:python|bn-helpers)|PYTHONPATH=tests) ")


def commands(text: str) -> list[str]:
    """What a reader may type: the indented lines, what a comment behind one offers instead, and code in the text."""
    found = [line.partition("#")[0].strip() for line in re.findall(r"^ {4}(?=\S)(.+)$", text, re.MULTILINE)]
    found += re.findall(r"# or: (.+)", text)
    found += [code for code in re.findall(r"`([^`\n]+)`", text) if PROGRAM.match(code)]
    return list(dict.fromkeys(found))


COMMANDS = [(place, command) for place, text in READMES.items() for command in commands(text)]


def parser(name: str) -> ArgumentParser:
    (commands,) = (action for action in cli._parser()._actions if action.dest == "command")
    return commands.choices[name]


def make(*arguments: str, root: Path = ROOT) -> subprocess.CompletedProcess:
    """Run make with this Python, its environment taken for ready."""
    made = ("installed", "author", "grader", "developer", "lecturer", "browser", "lite", "nbgrader/installed")
    ready = [f"--assume-old=.venv/{name}" for name in made]
    program = shlex.quote(str(Path(sys.executable).with_name("bn-helpers")))
    command = ["make", *ready, f"run={shlex.quote(sys.executable)} -m", f"program={program}", *arguments]
    environment = os.environ | {"PYTHONPATH": str(root)}  # for the kernels, which run in a folder below
    return subprocess.run(command, capture_output=True, text=True, cwd=root, env=environment)


def test_a_visitor_reads_a_few_pages():
    assert len(READMES["."]) <= 9000
    assert READMES["."].count("![") == 1


def test_what_can_be_counted_is_what_it_says():
    changes = [(exercise, *change) for exercise in EXERCISES for change in mutants(exercise).items()]
    equal = sum(1 for exercise, what, tree in changes if reasons(exercise, what) and passes(exercise, tree))
    entries, right = (sum(map(len, known.values())) for known in (CATALOGUE, RIGHT))
    attacks = re.search(r"of (\d+) attacks on one exercise", READMES["tests/benchmarks"])[1]  # when it was measured
    for claim in (
        f"naming mistakes: {entries} known ones,",
        f"| refusing wrong code: {len(changes):,} mechanical changes to the reference |",
        f"| {len(changes) - equal:,} refused, each of the other {equal} explained |",
        f"| accepting right code: {right} answers in different styles,",
        f"| {attacks} attacks on one exercise that gain points on it;",
    ):
        assert claim in READMES["."]


def test_a_visitor_is_told_where_every_module_is():
    modules = {path.name for path in (ROOT / "bn_helpers").glob("[!_]*.py")}
    modules |= {f"{path.parent.name}/" for path in (ROOT / "bn_helpers").glob("*/__init__.py")}
    assert [name for name in sorted(modules) if not re.search(rf"[`/]{re.escape(name)}`", READMES["."])] == []


@pytest.mark.parametrize("place", READMES)
def test_links_lead_somewhere(place):
    for target in re.findall(r"\]\((?!http)([^)]+)\)", READMES[place]):
        path, _, anchor = target.partition("#")
        found = ROOT / place / path
        assert found.exists(), target
        headings = re.findall(r"^#+ (.+)$", found.read_text("utf-8"), re.MULTILINE) if anchor else []
        assert not anchor or anchor in {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in headings}


@pytest.mark.parametrize("place", READMES)
def test_files_are_where_it_says(place):
    for name in re.findall(r"`([\w.-]+/[\w./-]*)`", READMES[place]):
        if name.split("/")[0] not in MADE and "0N_" not in name:
            assert any((folder / name).exists() for folder in (ROOT, ROOT / "bn_helpers", ROOT / place)), name


@pytest.mark.parametrize(("place", "command"), COMMANDS, ids=[f"{place}: {command}" for place, command in COMMANDS])
def test_a_command_exists_with_its_options_and_files(place, command):
    words = [word for word in shlex.split(command) if word != "PYTHONPATH=tests"]
    match re.sub(r"^\.venv/bin/|3$", "", words[0]), words[1:]:
        case "make", arguments:
            done = make("--dry-run", *arguments)
            assert done.returncode == 0, done.stderr
            assert f"make {arguments[0]} " in make("help").stdout
        case ("python", ["-m", "bn_helpers", name, *arguments]) | ("bn-helpers", [name, *arguments]):
            parser(name).parse_args(arguments)
        case "python", ["-m", "pip", "install", *arguments]:
            extras = re.findall(r"\[(\w+)\]", " ".join(arguments))
            assert all(f"\n{extra} = [" in (ROOT / "pyproject.toml").read_text("utf-8") for extra in extras)
            assert "-r" not in arguments or (ROOT / arguments[arguments.index("-r") + 1]).exists()
        case "python", ["-m", module, *_] if module.startswith("benchmarks."):
            assert (ROOT / "tests" / f"{module.replace('.', '/')}.py").exists()
        case "python", ["-m", "pytest", "-m", marks]:
            assert f'markers = ["{marks.removeprefix("not ")}:' in (ROOT / "pyproject.toml").read_text("utf-8")
        case "jupyter", ["lab", notebook]:
            assert (ROOT / notebook).exists()
        case "python", ["-m", "venv", ".venv"] | ["-m", "http.server", "--directory", "site"]:
            pass
        case ("source", [".venv/bin/activate"]) | ("dask", ["scheduler" | "worker", *_]):
            pass
        case _:
            pytest.fail("no test knows this command")


@pytest.mark.parametrize(
    ("place", "name"), [("bn_helpers/course", "bundle"), ("bn_helpers/course", "lite"), ("bn_helpers/grading", "grade")]
)
def test_options_in_the_text_are_those_of_the_command(place, name):
    offered = {option for action in parser(name)._actions for option in action.option_strings}
    named = set(re.findall(r"`(--[\w-]+)", READMES[place]))
    others = (action for command in ("bundle", "lite", "grade") for action in parser(command)._actions)
    other = {option for action in others for option in action.option_strings}
    assert named <= offered | other
    assert offered - named <= {"-h", "--help", "--out"}, "the README leaves these out"


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A copy of the course in which commands may write, with a class that handed in the solved first notebook."""
    root = tmp_path_factory.mktemp("a course") / "copy"
    kept = shutil.ignore_patterns(".venv", ".git", ".*_c*", "__pycache__", *MADE, "tests")
    shutil.copytree(ROOT, root, ignore=kept)
    student = root / "folder" / "kim"
    student.mkdir(parents=True)
    shutil.copy(root / "solutions" / "01_normalization.ipynb", student)
    return root


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "made"),
    [
        ("make check", []),
        ("make build", []),
        ("make slides", ["slides/01_normalization.html"]),
        ("make site", ["site/index.html"]),
        ("make bundle", ["bundles/batch_normalization_3.zip"]),
        (
            "make grade SUBMISSIONS=folder",
            ["grades/summary.md", "grades/grades.csv", "grades/students/kim/feedback.html"],
        ),
    ],
)
def test_the_doors_open(checkout, command, made):
    assert command in "".join(READMES.values())
    done = make(*shlex.split(command)[1:], root=checkout)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [name for name in made if not (checkout / name).exists()] == []
