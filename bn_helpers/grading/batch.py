"""Grade a class: read every submission, grade what is not yet graded, let no submission stop the others."""

from __future__ import annotations

import contextlib
import functools
import os
import stat
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from tqdm import tqdm

from bn_helpers.exercises import NOTEBOOKS, TASKS, due
from bn_helpers.grading.cluster import Cluster
from bn_helpers.grading.handed import own_scratch
from bn_helpers.grading.ledger import Ledger
from bn_helpers.grading.overrides import apply_overrides, keep_overrides, read_overrides
from bn_helpers.grading.results import Graded, GradingError, Student, SubmissionResult
from bn_helpers.grading.room import advice, processes
from bn_helpers.grading.roster import read_roster
from bn_helpers.grading.scoring import error_result
from bn_helpers.grading.store import Store, course_key
from bn_helpers.grading.students import find_students, read_student
from bn_helpers.grading.workers import Executor, Workers, completed
from bn_helpers.submission import Submission

LOST = "Grading it has failed twice, and it was given no points: look at it by hand."


def grade_class(
    paths: Sequence[Path],
    out: Path,
    *,
    key: str | None = None,
    overrides: Path | None = None,
    names: str | None = None,
    roster: Path | None = None,
    sandbox: str | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    security: Path | None = None,
    notebooks: Sequence[str] = tuple(NOTEBOOKS),
) -> Graded:
    """Grade all submissions below some paths, and keep each result as soon as it is there.

    Parameters
    ----------
    paths : sequence of Path
        Notebooks and folders, as for `find_students`.
    out : Path
        The folder of the results, where those of earlier runs are found again.
    key : str, optional
        The course key or its file, as for `course_key`.
    overrides : Path, optional
        A CSV file with points that a human sets; they are kept with the results.
    names : str, optional
        How students' names stand in paths, as for `find_students`.
    roster : Path, optional
        A CSV file that names the class, as for `read_roster`.
    sandbox : str, optional
        As for `choose_sandbox`.
    workers : int, optional
        How many processes grade; if not given, one a core, as far as there is memory for them.
    scheduler : str, optional
        The address of a Dask scheduler, whose workers then grade; here submissions are only read.
    security : Path, optional
        The folder of its certificates, as for `Cluster`.
    notebooks : sequence of str, optional
        What is due: nothing else is graded, or counts. All, if not given.

    Returns
    -------
    graded : Graded

    Raises
    ------
    GradingError
        If there is no submission, or an argument, the roster or the overrides are wrong, or where answers would run
        nothing can confine them, or breaks a promise.
    """
    from bn_helpers.grading.sandbox.workshop import choose_sandbox

    _refuse(out, paths)
    people = read_roster(roster) if roster else None
    with contextlib.ExitStack() as stack:
        others = filter(None, (overrides, roster))
        scratch = stack.enter_context(own_scratch())
        students = find_students(paths, others, scratch=scratch, pattern=names, roster=people)
        ledger = Ledger(out)
        known = [student.name for student in (*students, *ledger.students)]
        tasks = [task for task in TASKS if task in {*due(notebooks), *ledger.due}]
        changes = read_overrides(overrides, known, tasks) if overrides else []
        here = stack.enter_context(_workers(len(students), workers, bool(scheduler)))
        there = stack.enter_context(Cluster(scheduler, security)) if scheduler else here
        chosen = there.submit(choose_sandbox, sandbox).result()
        out.mkdir(mode=0o700, parents=True, exist_ok=True)
        secret = course_key(key, out)
        store = Store(out / ".graded", secret, f"{chosen} {' '.join(notebooks)}")
        grade = functools.partial(_grade, secret, chosen, tuple(notebooks))
        results = grade_all(students, grade, store, here, there, due(notebooks))
    ledger.add(paths, students, results, chosen, [person.name for person in people.people] if people else None)
    ledger.keep()
    graded = ledger.graded()
    return replace(graded, results=apply_overrides(graded.results, keep_overrides(out, changes, overrides)))


def _workers(work: int, wanted: int | None, only_read: bool) -> Workers:
    """Processes of this machine. What grading in them may take is told."""
    count = min(wanted or os.cpu_count() or 1, work)
    if not only_read:
        count, said = processes(count, wanted and count)
        print(said, end="\n" * bool(said), file=sys.stderr)
    return Workers(count)


def _refuse(out: Path, paths: Sequence[Path]) -> None:
    """Refuse to trust in what lies in a folder of results that others can write to: a key, points set by hand."""
    place = out.resolve()
    if any(path.resolve() == place or path.resolve() in place.parents for path in paths):
        raise GradingError(
            f"{out} lies among the submissions, and what is found there may be a student's. Put the results "
            "elsewhere: --out"
        )
    if not os.path.lexists(out):
        return
    about = os.lstat(out)
    if not stat.S_ISDIR(about.st_mode):
        raise GradingError(f"{out} is not a folder. Name another one: --out")
    if about.st_uid not in (os.geteuid(), 0) or about.st_mode & 0o022:
        raise GradingError(f"others can write to {out}, and so change grades. Forbid it: chmod go-w {out}")


def grade_all(
    students: Sequence[Student],
    grade: Callable[[Submission], SubmissionResult],
    store: Store,
    readers: Executor,
    graders: Executor,
    tasks: Sequence[str] = tuple(due(NOTEBOOKS)),
) -> list[SubmissionResult]:
    """Grade submissions on executors. What is in the store is not graded again, and equal work only once.

    Parameters
    ----------
    students : sequence of Student
        Whom to grade.
    grade : callable
        Grades a submission.
    store : Store
        Where finished results are found and kept.
    readers : Executor
        Where submissions are read.
    graders : Executor
        Where they are graded; that may be another machine, which does not see the submissions' files.
    tasks : sequence of str, optional
        What is due, for the results of those that cannot be graded.

    Returns
    -------
    results : list of SubmissionResult
        One a student, in their order.
    """
    results: dict[Student, SubmissionResult] = {}
    alike: dict[str, list[Student]] = defaultdict(list)
    left: dict[str, Submission] = {}
    read: dict[Student, Submission] = {}
    reading = completed(readers, {student: (read_student, student) for student in students})
    for student, submission, error in _shown("reading", len(students), reading):
        if error:
            results[student] = _lost(student.name, error, tasks)
            continue
        read[student] = replace(submission, answers={})
        name = store.name(submission)
        alike[name].append(student)
        left.setdefault(name, submission)
    kept = {name: result for name in left if (result := store.get(name))}
    left = {name: submission for name, submission in left.items() if name not in kept}
    if kept:
        print(f"{sum(len(alike[name]) for name in kept)} of {len(students)} are graded already", file=sys.stderr)
    for name, result in (*kept.items(), *_graded(left, grade, store, graders, tasks)):
        results |= {student: replace(result, student=student.name) for student in alike[name]}
    return [_told(results[student], student, read.get(student, Submission(student.name))) for student in students]


def _told(result: SubmissionResult, student: Student, submission: Submission) -> SubmissionResult:
    """A result with what there is to say about how its work was handed in, and what no grader judges."""
    lost = (*student.lost, *submission.lost)
    notes = dict.fromkeys((*lost, *student.notes, *result.notes))
    return replace(result, notes=tuple(notes), lost=lost, explanations=submission.explanations)


def _graded(
    left: dict[str, Submission],
    grade: Callable[[Submission], SubmissionResult],
    store: Store,
    graders: Executor,
    tasks: Sequence[str],
) -> Iterable[tuple[str, SubmissionResult]]:
    if not left:
        return
    print("testing the sandbox, then grading", file=sys.stderr)
    calls = {name: (grade, submission) for name, submission in left.items()}
    for name, result, error in _shown("grading", len(left), completed(graders, calls)):
        if error:
            result = _lost("", error, tasks, left[name].notes)
        store.put(name, result)
        yield name, result


def _shown(label: str, total: int, calls: Iterable[tuple]) -> Iterable[tuple]:
    """How far a long run is, on standard error: a bar in a terminal, some ten of its states in a log."""
    some = {} if sys.stderr.isatty() else {"miniters": max(1, total // 10), "mininterval": 0}
    return tqdm(calls, total=total, desc=label, unit="", ascii=True, file=sys.stderr, **some)


def _lost(student: str, error: Exception, tasks: Sequence[str], notes: tuple[str, ...] = ()) -> SubmissionResult:
    """The result of a submission that could not be graded."""
    exercises = tuple(replace(error_result(None, task), message=LOST) for task in tasks)
    most = sum(exercise.max_score for exercise in exercises)
    return SubmissionResult(student, 0.0, most, 0.0, (*notes, f"{LOST} ({error})"), exercises)


# In a grading process


@functools.cache
def _grader(key: bytes, sandbox: str, notebooks: tuple[str, ...]):
    """The grader of this process, if the sandbox keeps its promises here.

    It is never closed: what it has made is removed when the process has ended.
    """
    from bn_helpers.grading.grader import Grader
    from bn_helpers.grading.results import SandboxError
    from bn_helpers.grading.sandbox.selftest import self_test
    from bn_helpers.grading.sandbox.workshop import choose_sandbox

    choose_sandbox(sandbox)
    try:
        grader = Grader(key, sandbox, notebooks)
        broken = [promise for promise, held in self_test(grader.workshop) if not held]
    except (SandboxError, OSError) as error:
        raise GradingError(f"the sandbox {sandbox!r} does not start, so nothing is graded: {advice(error)}") from None
    if broken:
        raise GradingError(
            f"the sandbox {sandbox!r} does not keep what it promises on this machine, so nothing is graded: "
            f"{'; '.join(broken)}."
        )
    return grader


def _grade(key: bytes, sandbox: str, notebooks: tuple[str, ...], submission: Submission) -> SubmissionResult:
    return _grader(key, sandbox, notebooks).grade(submission)
