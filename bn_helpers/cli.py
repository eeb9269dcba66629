"""The command line: one function a subcommand, each importing what it needs, so that `--help` answers at once.

What a subcommand's function says of itself is its help.

Exit status: 0 all is well, 1 the command found something wrong and says what, 2 it could not do its work and says why.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
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
    from bn_helpers.errors import CourseError, said

    parser = _parser()
    options = parser.parse_args(arguments)
    options.imports_from = imports_from
    if options.command is None:
        parser.print_help()
        return 0
    try:
        return options.run(options)
    except ModuleNotFoundError as error:
        if not options.extra or (error.name or "").startswith("bn_helpers"):
            raise
        print(f'{error.name} is missing. Install it: python -m pip install -e ".[{options.extra}]"', file=sys.stderr)
        return 2
    except (CourseError, OSError) as error:
        print(said(error), file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bn_helpers", description="The course's command line.")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    for run, add_options, extra in COMMANDS:
        name, words = run.__name__[1:], run.__doc__ or ""  # Python leaves it out where it is asked to (-OO)
        if name != "check" and EXPECTED.exists():  # there is nothing to build or to grade
            continue
        summary = words.partition(".")[0]
        command = commands.add_parser(name, help=summary[:1].lower() + summary[1:], description=words)
        command.set_defaults(run=run, extra=extra)
        add_options(command)
    return parser


def _check_options(check: argparse.ArgumentParser) -> None:
    check.add_argument("notebooks", nargs="*", metavar="NOTEBOOK", type=Path, help="all of notebooks/, if not given")


def _build_options(build: argparse.ArgumentParser) -> None:
    build.add_argument("names", nargs="*", metavar="NAME", help="for instance 01_normalization; all, if none is given")
    build.add_argument("--check", action="store_true", help="build nothing; name what differs from its source")


def _bundle_options(bundle: argparse.ArgumentParser) -> None:
    _add_out(bundle, "the zips")
    bundle.add_argument("--notebooks", type=_notebooks, metavar="N-M", help="for instance 1-2, or 3")
    address = "https://github.com/OWNER/NAME, for links to Colab and Binder"
    bundle.add_argument("--repository", type=_repository, metavar="URL", help=address)
    kind = bundle.add_mutually_exclusive_group()
    kind.add_argument("--with-reference", action="store_true", help="with all answers, for whoever learns alone")
    kind.add_argument("--nbgrader", action="store_true", help="an nbgrader course; for teachers only")
    kind.add_argument("--gradescope", action="store_true", help="a Gradescope autograder; for teachers only")
    bundle.add_argument("--key", help="the course key of --gradescope, or its file; made in the folder, if not given")


def _lite_options(lite: argparse.ArgumentParser) -> None:
    _add_out(lite, "the sites")
    lite.add_argument("--notebooks", type=_notebooks, metavar="N-M", help="for instance 1-2, or 3")
    lite.add_argument("--with-reference", action="store_true", help="with all answers, for whoever learns alone")
    lite.add_argument(
        "--pyodide", type=Path, metavar="FOLDER", help="hand this Pyodide out, too; else its publisher does"
    )


def _grade_options(grade: argparse.ArgumentParser) -> None:
    grade.add_argument("submissions", nargs="+", metavar="SUBMISSION", type=Path, help="a notebook, a folder, a zip")
    _add_out(grade, "the reports")
    grade.add_argument("--key", help="the course key, or its file; made and kept in the folder, if not given")
    points = "points set by hand, which are kept: student,exercise,points,reason"
    grade.add_argument("--overrides", type=Path, metavar="CSV", help=points)
    grade.add_argument("--names", metavar="PATTERN", help="how paths name a student, for instance '{name}_{id}/**'")
    grade.add_argument("--roster", type=Path, metavar="CSV", help="who is in the class: name,id,email,section")
    grade.add_argument("--notebooks", type=_notebooks, metavar="N-M", help="what was due, for instance 1-2; else all")
    grade.add_argument("--sandbox", choices=["bwrap", "user", "none"], help="the first that works, if not given")
    where = grade.add_mutually_exclusive_group()
    where.add_argument("--workers", type=_positive, metavar="N", help="grading processes; one a core, if not given")
    where.add_argument("--scheduler", metavar="ADDRESS", help="grade on the workers of this Dask scheduler, tcp://…")
    grade.add_argument("--security", type=Path, metavar="FOLDER", help="with the scheduler's ca.pem, cert.pem, key.pem")


def _pages_options(pages: argparse.ArgumentParser) -> None:
    _add_out(pages, "the pages")


def _add_out(command: argparse.ArgumentParser, what: str) -> None:
    command.add_argument("--out", required=True, type=Path, metavar="FOLDER", help=f"where {what} go")


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
    """Build the notebooks from their sources. solutions/NAME.py gives solutions/NAME.ipynb and notebooks/NAME.ipynb.
    What has not changed is not run.
    """
    from bn_helpers.course import builder

    names = options.names or None
    if options.check:
        drifts = builder.check(ROOT, names) + (_catalogue_drifts() if names is None else [])
        print("\n".join(drifts) or "the notebooks are what their sources give")
        return int(bool(drifts))
    try:
        _catalogue().write_fingerprints(FINGERPRINTS)
        builder.build(ROOT, names)
    except KeyboardInterrupt:
        print("What is built is kept: the same command goes on from here.", file=sys.stderr)
        raise
    return 0


def _catalogue() -> ModuleType:
    from bn_helpers.errors import CourseError

    try:
        from bn_helpers import catalogue
    except ValueError as error:  # a mistake is written as a change of the reference, and that has changed
        raise CourseError(f"catalogue/ does not fit layers.py: {error}") from error
    return catalogue


def _catalogue_drifts() -> list[str]:
    from bn_helpers.errors import CourseError

    try:
        stale = _catalogue().stale(FINGERPRINTS)
    except CourseError as error:
        return [str(error)]
    return [f"{FINGERPRINTS.name}: is not what the catalogue gives; build again"] if stale else []


def _check(options: argparse.Namespace) -> int:
    """Check the answers in your notebooks. Your code runs as it is."""
    from bn_helpers import selfcheck

    failed = False
    notebooks = options.notebooks or sorted((ROOT / "notebooks").glob("*.ipynb"))
    if not notebooks:
        raise FileNotFoundError(f"there is no notebook in {ROOT / 'notebooks'}; name those to check")
    for path in notebooks:
        print(f"{path.name} ...", flush=True)
        results = selfcheck.check_notebook(path, EXPECTED if EXPECTED.exists() else ROOT / "solutions")
        print("\n".join(selfcheck.table(results)), flush=True)
        failed |= any(result.state == "failed" for result in results)
    return int(failed)


def _bundle(options: argparse.Namespace) -> int:
    """Make what a class receives. A zip of notebooks and helpers, without answers. Without --notebooks there is one for
    each part of the course, cut where a notebook shows what an earlier one asks for.
    """
    from bn_helpers.course import bundle, classtools
    from bn_helpers.errors import CourseError
    from bn_helpers.files import write_together
    from bn_helpers.grading.store import course_key

    if options.gradescope and options.notebooks:
        raise CourseError("--gradescope grades all notebooks: leave --notebooks out")
    if options.nbgrader:
        zips = {"nbgrader.zip": classtools.nbgrader_files(ROOT, options.notebooks)}
    elif options.gradescope:
        zips = {"gradescope.zip": classtools.gradescope_files(ROOT, course_key(options.key, options.out))}
    else:
        zips = bundle.copies(ROOT, options.notebooks, reference=options.with_reference, repository=options.repository)
    mode = 0o600 if options.nbgrader or options.gradescope else 0o644  # what is for a class is nobody's secret
    for name, files in zips.items():
        write_together({options.out / name: bundle.zipped(files)}, mode)
        print(options.out / name)
    if options.gradescope:
        print("it holds the course key and every answer: keep it secret")
    return 0


def _grade(options: argparse.Namespace) -> int:
    """Grade what students handed in. A notebook, a student's folder, or a folder of students' folders. Answers run in a
    sandbox. A second run into the same folder grades only what has changed.
    """
    import os

    from bn_helpers.errors import CourseError
    from bn_helpers.grading.batch import grade_class
    from bn_helpers.grading.report import github, refuse_others, write_reports
    from bn_helpers.grading.results import ERROR
    from bn_helpers.grading.room import advice

    if options.imports_from and _holds(Path(options.imports_from), options.submissions):
        raise CourseError(
            f"python -m would import from {options.imports_from}, where submissions lie. Use the command bn-helpers "
            "grade, or start it elsewhere."
        )
    chosen = ("key", "overrides", "names", "roster", "notebooks", "sandbox", "workers", "scheduler", "security")
    choices = {name: value for name in chosen if (value := getattr(options, name)) is not None}
    refuse_others(options.out)
    try:
        graded = grade_class(options.submissions, options.out, **choices)
        write_reports(graded, options.out)
    except OSError as error:  # a full disk, for instance
        print(advice(error), file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nWhat is graded is kept: the same command goes on from here.", file=sys.stderr)
        raise
    for line in github.report(graded, os.environ):
        print(line)
    lost = sum(any(exercise.status == ERROR for exercise in result.exercises) for result in graded.results)
    count = sum(not result.is_blank for result in graded.results)
    print(f"graded {count} (sandbox: {graded.sandbox}); read {options.out / 'summary.md'} first")
    if lost:
        print(f"{lost} not graded to the end, and told in summary.md: run the same again", file=sys.stderr)
    return int(lost > 0)


def _holds(folder: Path, submissions: Sequence[Path]) -> bool:
    """Whether a folder, other than that of the course, holds submissions or lies in one."""
    folder = folder.resolve()
    return any(
        path in (folder, *folder.parents) or (folder in path.parents and folder != ROOT)
        for path in (path.resolve() for path in submissions)
    )


def _slides(options: argparse.Namespace) -> int:
    """Write the solved notebooks as slides. A file a talk, with speaker notes."""
    from bn_helpers.course.slides import write_slides

    write_slides(ROOT, options.out)
    print("In a browser, S opens the speaker notes, and Esc shows all slides.")
    return 0


def _site(options: argparse.Namespace) -> int:
    """Write the course as a small static site to read. It holds no answers."""
    from bn_helpers.course.site import write_site

    write_site(ROOT, options.out)
    print(f"Begin with {options.out / 'index.html'}.")
    return 0


def _lite(options: argparse.Namespace) -> int:
    """Write the course to work in with nothing but a browser. A site for each part of the course, cut as for bundle,
    and a page that leads to them: index.html.
    """
    from bn_helpers.course.lite import write_lite

    write_lite(ROOT, options.out, options.notebooks, reference=options.with_reference, pyodide=options.pyodide)
    print(f"Try it: python -m http.server --directory {options.out}, then http://localhost:8000")
    return 0


COMMANDS = (  # what it runs, its options, and the extra that it needs
    (_check, _check_options, ""),
    (_build, _build_options, "author"),
    (_bundle, _bundle_options, "author"),
    (_grade, _grade_options, "grader"),
    (_slides, _pages_options, "lecturer"),
    (_site, _pages_options, "lecturer"),
    (_lite, _lite_options, "lite"),
)
