"""Grade a class: read every submission, grade what is not yet graded, let no submission stop the others."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from tqdm import tqdm

from bn_helpers.exercises import EXERCISES, NOTEBOOKS, QUIZZES
from bn_helpers.grading.cluster import Cluster
from bn_helpers.grading.overrides import apply_overrides, read_overrides
from bn_helpers.grading.results import (
    ERROR,
    FORMATIVE,
    UNCONFINED,
    ExerciseResult,
    Graded,
    GradingError,
    Student,
    SubmissionResult,
)
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
        A CSV file with points that a human sets.
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
        If there is no submission, or an argument or the overrides are wrong, or where answers would run nothing can
        confine them, or breaks a promise.
    """
    from bn_helpers.grading.sandbox.workshop import choose_sandbox

    students = find_students(paths, [out, *([overrides] if overrides else [])])
    changes = read_overrides(overrides, [student.name for student in students]) if overrides else []
    with (
        Workers(min(workers or os.cpu_count() or 1, len(students))) as here,
        Cluster(scheduler) if scheduler else contextlib.nullcontext(here) as there,
    ):
        chosen = there.submit(choose_sandbox, sandbox).result()
        out.mkdir(mode=0o700, parents=True, exist_ok=True)
        secret = course_key(key, out)
        store = Store(out / ".graded", secret, chosen)
        results = grade_all(students, functools.partial(_grade, secret, chosen), store, here, there)
    if chosen == UNCONFINED:
        results = [replace(result, notes=(FORMATIVE, *result.notes)) for result in results]
    return Graded(chosen, students, apply_overrides(results, changes))


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
    progress = _bar("reading", len(students))
    for student, submission, error in completed(readers, {s: (read_student, s.path) for s in students}):
        progress.update()
        if error:
            results[student] = _lost(student.name, error)
            continue
        name = store.name(submission)
        alike.setdefault(name, []).append(student)
        left.setdefault(name, submission)
    progress.close()
    kept = {name: result for name in left if (result := store.get(name))}
    left = {name: submission for name, submission in left.items() if name not in kept}
    if kept:
        print(f"{sum(len(alike[name]) for name in kept)} of {len(students)} are graded already", file=sys.stderr)
    for name, result in (*kept.items(), *_graded(left, grade, store, graders)):
        results |= {student: replace(result, student=student.name) for student in alike[name]}
    return [results[student] for student in students]


def _graded(
    left: dict[str, Submission],
    grade: Callable[[Submission], SubmissionResult],
    store: Store,
    graders: Executor,
) -> Iterable[tuple[str, SubmissionResult]]:
    if not left:
        return
    print("testing the sandbox, then grading", file=sys.stderr)
    progress = _bar("grading", len(left))
    for name, result, error in completed(graders, {name: (grade, left[name]) for name in left}):
        if error:
            result = _lost("", error, left[name].notes)
        store.put(name, result)
        progress.update()
        yield name, result
    progress.close()


def _bar(label: str, total: int) -> tqdm:
    """How far a long run is, on standard error: a bar in a terminal, some ten of its states in a log."""
    some = {} if sys.stderr.isatty() else {"miniters": max(1, total // 10), "mininterval": 0}
    return tqdm(total=total, desc=label, unit="", ascii=True, file=sys.stderr, **some)


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
        raise GradingError(f"the sandbox {sandbox!r} does not start, so nothing is graded: {error}") from None
    if broken:
        raise GradingError(
            f"the sandbox {sandbox!r} does not keep what it promises on this machine, so nothing is graded: "
            f"{'; '.join(broken)}."
        )
