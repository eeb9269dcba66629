"""Grade a class: read every submission, grade what is not yet graded, let no submission stop the others."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from bn_helpers.exercises import EXERCISES, NOTEBOOKS, QUIZZES
from bn_helpers.grading.cluster import Cluster
from bn_helpers.grading.handed import own_scratch
from bn_helpers.grading.ledger import Ledger
from bn_helpers.grading.overrides import apply_overrides, keep_overrides, read_overrides
from bn_helpers.grading.progress import Progress
from bn_helpers.grading.results import (
    ERROR,
    ExerciseResult,
    Graded,
    GradingError,
    Student,
    SubmissionResult,
)
from bn_helpers.grading.room import advice
from bn_helpers.grading.roster import read_roster
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
        How many processes grade; one a core, if not given.
    scheduler : str, optional
        The address of a Dask scheduler, whose workers then grade; here submissions are only read.

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

    people = read_roster(roster) if roster else None
    with contextlib.ExitStack() as stack:
        others = [out, *filter(None, (overrides, roster))]
        scratch = stack.enter_context(own_scratch())
        students = find_students(paths, others, scratch=scratch, pattern=names, roster=people)
        ledger = Ledger(out)
        known = [student.name for student in (*students, *ledger.students)]
        changes = read_overrides(overrides, known) if overrides else []
        here = stack.enter_context(Workers(min(workers or os.cpu_count() or 1, len(students))))
        there = stack.enter_context(Cluster(scheduler)) if scheduler else here
        chosen = there.submit(choose_sandbox, sandbox).result()
        out.mkdir(mode=0o700, parents=True, exist_ok=True)
        secret = course_key(key, out)
        store = Store(out / ".graded", secret, chosen)
        results = grade_all(students, functools.partial(_grade, secret, chosen), store, here, there)
    ledger.add(paths, students, results, chosen, [person.name for person in people.people] if people else None)
    ledger.keep()
    graded = ledger.graded()
    kept = keep_overrides(out, changes, overrides)
    return replace(graded, results=apply_overrides(graded.results, kept), gone=ledger.gone)


def grade_all(
    students: Sequence[Student],
    grade: Callable[[Submission], SubmissionResult],
    store: Store,
    readers: Executor,
    graders: Executor,
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

    Returns
    -------
    results : list of SubmissionResult
        One a student, in their order.
    """
    results: dict[Student, SubmissionResult] = {}
    alike: dict[str, list[Student]] = {}
    left: dict[str, Submission] = {}
    progress = Progress("reading", len(students))
    read: dict[Student, Submission] = {}
    for student, submission, error in completed(readers, {s: (read_student, s) for s in students}):
        progress.step()
        if error:
            results[student] = _lost(student.name, error)
            continue
        read[student] = replace(submission, answers={})
        name = store.name(submission)
        alike.setdefault(name, []).append(student)
        left.setdefault(name, submission)
    kept = {name: result for name in left if (result := store.get(name))}
    left = {name: submission for name, submission in left.items() if name not in kept}
    if kept:
        print(f"{sum(len(alike[name]) for name in kept)} of {len(students)} are graded already", file=sys.stderr)
    for name, result in (*kept.items(), *_graded(left, grade, store, graders)):
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
) -> Iterable[tuple[str, SubmissionResult]]:
    if not left:
        return
    print("testing the sandbox, then grading", file=sys.stderr)
    progress = Progress("grading", len(left))
    for name, result, error in completed(graders, {name: (grade, left[name]) for name in left}):
        if error:
            result = _lost("", error, left[name].notes)
        store.put(name, result)
        progress.step()
        yield name, result


def _lost(student: str, error: Exception, notes: tuple[str, ...] = ()) -> SubmissionResult:
    """The result of a submission that could not be graded."""
    tasks = {**EXERCISES, **QUIZZES}
    ordered = [tasks[name] for notebook in NOTEBOOKS for name in tasks if tasks[name].notebook == notebook]
    exercises = tuple(ExerciseResult(t.id, t.notebook, 0.0, float(t.points), ERROR, message=LOST) for t in ordered)
    most = float(sum(task.points for task in ordered))
    return SubmissionResult(student, 0.0, most, 0.0, (*notes, f"{LOST} ({error})"), exercises)


# In a grading process


@functools.cache
def _grader(key: bytes, sandbox: str):
    """The grader of this process, if the sandbox keeps its promises here.

    It is never closed: what it has made goes with the process's own folder.
    """
    from bn_helpers.grading.grader import Grader

    _prove(sandbox)
    return Grader(key, sandbox)


def _grade(key: bytes, sandbox: str, submission: Submission) -> SubmissionResult:
    return _grader(key, sandbox).grade(submission)


def _prove(sandbox: str) -> None:
    """Prove that the sandbox keeps its promises here."""
    from bn_helpers.grading.results import SandboxError
    from bn_helpers.grading.sandbox.selftest import self_test
    from bn_helpers.grading.sandbox.workshop import choose_sandbox

    choose_sandbox(sandbox)
    try:
        broken = [promise for promise, held in self_test(sandbox) if not held]
    except (SandboxError, OSError) as error:
        raise GradingError(f"the sandbox {sandbox!r} does not start, so nothing is graded: {advice(error)}") from None
    if broken:
        raise GradingError(
            f"the sandbox {sandbox!r} does not keep what it promises on this machine, so nothing is graded: "
            f"{'; '.join(broken)}."
        )
