"""The command line: one function a subcommand, each importing what it needs, so that `--help` answers at once.

Exit status: 0 all is well, 1 the command found something wrong and says what, 2 it could not do its work and says why.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[1]  # the checkout
FINGERPRINTS = Path(__file__).with_name("fingerprints.json")
EXPECTED = Path(__file__).with_name("expected")  # in what a class receives, which has no solutions


def main(arguments: Sequence[str] | None = None, imports_from: str = "") -> int:
    """Run one subcommand and return its exit status.

    Parameters
    ----------
    arguments : sequence of str, optional
        What stands after ``python -m bn_helpers``. None takes it from the command line.
    imports_from : str, optional
        The folder that Python imports from before all others, because the command was started there.
    """
    parser = _parser()
    options = parser.parse_args(arguments)
    options.imports_from = imports_from
    if options.command is None:
        parser.print_help()
        return 0
    try:
        return options.run(options)
    except OSError as error:  # a file that cannot be read or written: its message names it
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bn_helpers", description="The course's command line.")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    check = commands.add_parser(
        "check",
        help="check the answers in your notebooks",
        description="Check the answers in your notebooks and say where each exercise stands. Your code runs as it is.",
    )
    check.add_argument("notebooks", nargs="*", metavar="NOTEBOOK", type=Path, help="all of notebooks/, if not given")
    check.set_defaults(run=_check)
    if EXPECTED.exists():  # there is nothing to build or to grade
        return parser
    build = commands.add_parser(
        "build",
        help="build the notebooks from their sources",
        description="Build solutions/NAME.ipynb and notebooks/NAME.ipynb from solutions/NAME.py.",
    )
    build.add_argument("names", nargs="*", metavar="NAME", help="for instance 01_normalization; all, if none is given")
    build.add_argument("--check", action="store_true", help="build nothing; name what differs from its source")
    build.set_defaults(run=_build)
    _add_bundle(commands)
    _add_grade(commands)
    _add_pages(commands)
    return parser


def _add_grade(commands: argparse._SubParsersAction) -> None:
    grade = commands.add_parser(
        "grade",
        help="grade what students handed in",
        description="Grade a notebook, a student's folder, or a folder of students' folders. Answers run in a sandbox. "
        "A second run into the same folder grades only what has changed.",
    )
    grade.add_argument("submissions", nargs="+", metavar="SUBMISSION", type=Path, help="a notebook or a folder")
    grade.add_argument("--out", required=True, type=Path, metavar="FOLDER", help="where the reports go")
    grade.add_argument("--key", help="the course key, or its file; made and kept in the folder, if not given")
    grade.add_argument(
        "--overrides", type=Path, metavar="CSV", help="points set by hand: student,exercise,points,reason"
    )
    grade.add_argument("--sandbox", choices=["bwrap", "user", "none"], help="the first that works, if not given")
    grade.add_argument("--notebooks", type=_notebooks, metavar="N-M", help="what was due, for instance 1-2; else all")
    where = grade.add_mutually_exclusive_group()
    where.add_argument("--workers", type=_positive, metavar="N", help="grading processes; one a core, if not given")
    where.add_argument("--scheduler", metavar="ADDRESS", help="grade on the workers of this Dask scheduler, tcp://…")
    grade.add_argument("--security", type=Path, metavar="FOLDER", help="with the scheduler's ca.pem, cert.pem, key.pem")
    grade.set_defaults(run=_grade)


def _add_pages(commands: argparse._SubParsersAction) -> None:
    for name, run, summary in (
        ("slides", _slides, "write the solved notebooks as slides, one file each, with speaker notes"),
        ("site", _site, "write the course as a small static site to read, without answers"),
    ):
        pages = commands.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.")
        pages.add_argument("--out", required=True, type=Path, metavar="FOLDER", help="where the pages go")
        pages.set_defaults(run=run)
    figures = commands.add_parser(
        "figures",
        help="draw all figures anew, sharp enough for slides",
        description="Run the solved notebooks and write each figure as a PNG of 200 dots an inch. index.md beside them "
        "has all figures with their descriptions and captions, and what was measured.",
    )
    figures.add_argument("names", nargs="*", metavar="NAME", help="as for build; all, if none is given")
    figures.add_argument("--out", required=True, type=Path, metavar="FOLDER", help="where the files go")
    figures.set_defaults(run=_figures)


def _add_bundle(commands: argparse._SubParsersAction) -> None:
    bundle = commands.add_parser(
        "bundle",
        help="make what a class receives",
        description="Make a zip of what a class receives: notebooks, helpers, no answers. Without --notebooks "
        "there is one for each part of the course, cut where a notebook shows what an earlier one asks for.",
    )
    bundle.add_argument("--out", required=True, type=Path, metavar="FOLDER", help="where the zips go")
    bundle.add_argument("--notebooks", type=_notebooks, metavar="N-M", help="for instance 1-2, or 3")
    bundle.add_argument(
        "--repository",
        type=_repository,
        metavar="URL",
        help="https://github.com/OWNER/NAME, for links to Colab and Binder",
    )
    kind = bundle.add_mutually_exclusive_group()
    kind.add_argument("--with-reference", action="store_true", help="with all answers, for whoever learns alone")
    kind.add_argument("--nbgrader", action="store_true", help="an nbgrader course; for teachers only")
    kind.add_argument("--gradescope", action="store_true", help="a Gradescope autograder; for teachers only")
    bundle.add_argument("--key", help="the course key of --gradescope, or its file; made in the folder, if not given")
    bundle.set_defaults(run=_bundle)


def _notebooks(text: str) -> list[str]:
    from bn_helpers.exercises import NOTEBOOKS

    first, dash, last = text.partition("-")
    names = {str(notebook.number): name for name, notebook in NOTEBOOKS.items()}
    chosen = [names[n] for n in names if first in names and first <= n <= (last if dash else first)]
    if not chosen or (dash and last not in names):
        raise argparse.ArgumentTypeError(
            f"one of {', '.join(names)} is wanted, or from one to another as in 1-2: {text!r}"
        )
    return chosen


def _repository(text: str) -> str:
    import re

    address = text.removesuffix("/").removesuffix(".git")
    if not re.fullmatch(r"https://github\.com/[\w.-]+/[\w.-]+", address):
        raise argparse.ArgumentTypeError(f"an address https://github.com/OWNER/NAME is wanted, and this is {text!r}")
    return address


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"a number from 1 on is wanted, and this is {text!r}")
    return int(text)


def _build(options: argparse.Namespace) -> int:
    from bn_helpers.course import builder
    from bn_helpers.course.sources import BuildError

    names = options.names or None
    try:
        if options.check:
            drifts = builder.check(ROOT, names) + (_catalogue_drifts() if names is None else [])
            print("\n".join(drifts) or "the notebooks are what their sources give")
            return int(bool(drifts))
        _catalogue().write_fingerprints(FINGERPRINTS)
        builder.build(ROOT, names)
    except BuildError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("What is built is kept: the same command goes on from here.", file=sys.stderr)
        raise
    return 0


def _catalogue() -> ModuleType:
    from bn_helpers.course.sources import BuildError

    try:
        from bn_helpers import catalogue
    except ValueError as error:  # a mistake is written as a change of the reference, and that has changed
        raise BuildError(f"catalogue/ does not fit layers.py: {error}") from error
    return catalogue


def _catalogue_drifts() -> list[str]:
    from bn_helpers.course.sources import BuildError

    try:
        stale = _catalogue().stale(FINGERPRINTS)
    except BuildError as error:
        return [str(error)]
    return [f"{FINGERPRINTS.name}: is not what the catalogue gives; build again"] if stale else []


def _figures(options: argparse.Namespace) -> int:
    from bn_helpers.course.figures import redraw
    from bn_helpers.course.sources import BuildError

    try:
        paths = redraw(ROOT, options.out, options.names or None)
    except BuildError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"{len(paths) - 1} figures; {paths[-1]} shows them all")
    return 0


def _check(options: argparse.Namespace) -> int:
    from bn_helpers import selfcheck

    failed = False
    notebooks = options.notebooks or sorted((ROOT / "notebooks").glob("*.ipynb"))
    if not notebooks:
        print(f"there is no notebook in {ROOT / 'notebooks'}; name those to check", file=sys.stderr)
        return 2
    for path in notebooks:
        print(f"{path.name} ...", flush=True)
        try:
            results = selfcheck.check_notebook(path, EXPECTED if EXPECTED.exists() else ROOT / "solutions")
        except selfcheck.UnreadableNotebook as error:
            print(error, file=sys.stderr)
            return 2
        print("\n".join(selfcheck.table(results)), flush=True)
        failed |= any(result.state == "failed" for result in results)
    return int(failed)


def _bundle(options: argparse.Namespace) -> int:
    from bn_helpers.course import bundle, classtools
    from bn_helpers.course.sources import BuildError
    from bn_helpers.files import write_whole
    from bn_helpers.grading.results import GradingError
    from bn_helpers.grading.store import course_key

    names, reference, repository = options.notebooks, options.with_reference, options.repository
    if options.gradescope and names:
        print("--gradescope grades all notebooks: leave --notebooks out", file=sys.stderr)
        return 2
    try:
        if options.nbgrader:
            zips = {"nbgrader.zip": classtools.nbgrader_files(ROOT, names)}
        elif options.gradescope:
            options.out.mkdir(parents=True, exist_ok=True)
            zips = {"gradescope.zip": classtools.gradescope_files(ROOT, course_key(options.key, options.out))}
        else:
            zips = bundle.copies(ROOT, names, reference=reference, repository=repository)
    except (BuildError, GradingError) as error:
        print(error, file=sys.stderr)
        return 2
    options.out.mkdir(parents=True, exist_ok=True)
    for name, files in zips.items():
        path = options.out / name
        write_whole(path, bundle.zipped(files))
        if not (options.nbgrader or options.gradescope):  # what is for a class is nobody's secret
            path.chmod(0o644)
        print(path)
    if options.gradescope:
        print("it holds the course key and every answer: keep it secret")
    return 0


def _grade(options: argparse.Namespace) -> int:
    import os

    from bn_helpers.grading.batch import grade_class
    from bn_helpers.grading.report import github, write_reports
    from bn_helpers.grading.results import ERROR, GradingError

    if options.imports_from and _holds(Path(options.imports_from), options.submissions):
        print(
            f"python -m would import from {options.imports_from}, where submissions lie. Use the command bn-helpers "
            "grade, or start it elsewhere.",
            file=sys.stderr,
        )
        return 2
    choices = {
        name: getattr(options, name) for name in ("key", "overrides", "sandbox", "workers", "scheduler", "security")
    }
    choices |= {"notebooks": options.notebooks} if options.notebooks else {}
    try:
        graded = grade_class(options.submissions, options.out, **choices)
    except GradingError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nWhat is graded is kept: the same command goes on from here.", file=sys.stderr)
        raise
    write_reports(graded, options.out)
    for line in github.report(graded, os.environ):
        print(line)
    lost = sum(any(exercise.status == ERROR for exercise in result.exercises) for result in graded.results)
    print(f"graded {len(graded.results)} (sandbox: {graded.sandbox}); read {options.out / 'summary.md'} first")
    if lost:
        print(f"{lost} not graded to the end, and told in summary.md: run the same again", file=sys.stderr)
    return int(lost > 0)


def _holds(folder: Path, submissions: Sequence[Path]) -> bool:
    """Whether a folder, other than that of the course, holds submissions or lies in one."""
    folder = folder.resolve()
    for path in (path.resolve() for path in submissions):
        if folder == path or path in folder.parents or (folder in path.parents and folder != ROOT):
            return True
    return False


def _slides(options: argparse.Namespace) -> int:
    from bn_helpers.course.slides import write_slides

    return _pages(write_slides, options.out, "In a browser, S opens the speaker notes, and Esc shows all slides.")


def _site(options: argparse.Namespace) -> int:
    from bn_helpers.course.site import write_site

    return _pages(write_site, options.out, f"Begin with {options.out / 'index.html'}.")


def _pages(write: Callable[[Path, Path], list[Path]], out: Path, then: str) -> int:
    from bn_helpers.course.sources import BuildError

    try:
        write(ROOT, out)
    except ModuleNotFoundError as error:
        print(f'{error.name} is missing. Install it: python -m pip install -e ".[lecturer]"', file=sys.stderr)
        return 2
    except BuildError as error:
        print(error, file=sys.stderr)
        return 2
    print(then)
    return 0
