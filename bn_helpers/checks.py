"""The checks that a learner calls: `check` an answer, ask whether answers are `ready` for a figure, and the `summary`.

A check says what is wrong and why; it does not grade. It runs in the learner's own process, so its word proves nothing.
"""

from __future__ import annotations

import ast
import contextlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import CodeType, FunctionType

from bn_helpers.exercises import CASES, EASY, EXERCISES, QUIZZES, SHAPE, TASKS, due, visible_cases
from bn_helpers.guard import Endless, Printed, limited, place
from bn_helpers.judging import FAILED, PASSED, UNANSWERED, Verdict, fingerprints, judge, judge_all
from bn_helpers.outcomes import Case, Outcome, run
from bn_helpers.parsing import letter, parse


class CheckError(Exception):
    """A check that did not pass. A notebook shows it as one line, without a stack."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


class CheckFailed(CheckError):
    """The answer is wrong."""


class Unanswered(CheckError):
    """There is no answer yet."""


GRADED = "The grader also runs it with a right one."

# The cell of the last `ready`, and the wrong answers that it let pass.
_drawn_with: tuple[int | None, list[str]] = (None, [])


def check(exercise: str, answer: Callable | str, **uses: Callable) -> None:
    """Check an answer on the visible cases, and say what came out.

    Parameters
    ----------
    exercise : str
        The id of an exercise or quiz, for instance "normalize".
    answer : callable or str
        Your function; for a quiz, your letter.
    **uses : callable
        Your other functions that the exercise calls: a backward pass needs the forward pass that made its cache.

    Raises
    ------
    CheckFailed
        If a case fails.
    Unanswered
        If the answer is still the one you were given.
    """
    printed = Printed()
    if exercise in QUIZZES:
        verdict, said = _record(exercise, answer), []
    else:
        _refuse_stale(exercise)
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            verdict = examine(exercise, _functions(exercise, answer, uses))
            leans = _leans_on(exercise, answer, uses) if verdict.state not in (PASSED, UNANSWERED) else ""
        said = [*printed.words(), *_lines(verdict)]
        verdict = replace(verdict, words="\n".join(part for part in (verdict.words, leans) if part))
    if text := "\n\n".join(part for part in ("\n".join(said), verdict.words) if part):
        print(text)
    if verdict.state == UNANSWERED:
        raise Unanswered(f"{exercise}: unanswered, 0 of {_points(exercise)} points")
    if verdict.state != PASSED:
        raise CheckFailed(f"{exercise}: not right yet, {verdict.points:.1f} of {_points(exercise)} points")


def _leans_on(exercise: str, answer: Callable, uses: Mapping[str, Callable]) -> str:
    """What is to be said of an answer that calls others of its notebook which do not pass."""
    if not isinstance(answer, FunctionType):
        return ""
    task, answers = EXERCISES[exercise], {**answer.__globals__, **uses}
    called = [EXERCISES[name] for name in EXERCISES if name in {*_looked_up(answer), *uses}]
    others = [other for other in called if other.notebook == task.notebook and not task.answered_by(other)]
    wrong = [other.id for other in others if other != task and _verdict(other.id, answers).state != PASSED]
    return f"It calls your {' and '.join(wrong)}, not right yet. {GRADED}" if wrong else ""


def _looked_up(function: FunctionType) -> set[str]:
    """The names that a function looks up, itself or through what it calls beside it."""
    names: set[str] = set()
    waiting = [function.__code__]
    while waiting:
        code = waiting.pop()
        new = {*code.co_names} - names
        names |= new
        waiting += [part for part in code.co_consts if isinstance(part, CodeType)]
        waiting += [f.__code__ for f in map(function.__globals__.get, new) if isinstance(f, FunctionType)]
    return names


def _refuse_stale(exercise: str) -> None:
    """Refuse to check an older version of an answer, where the session tells that the latest one is no Python."""
    try:
        ast.parse(_latest(exercise))
    except SyntaxError as error:
        raise CheckFailed(
            f"{exercise}: the latest version of its cell did not run, since it is not Python (line {error.lineno}: "
            f"{error.msg}). Mend it, and run it again"
        ) from None


def _latest(task: str) -> str:
    """The code of the cell that was run last of those that define an answer; nothing where no session tells."""
    from IPython import get_ipython

    shell = get_ipython()
    defines = re.compile(rf"^[ \t]*(def {task}\b|{task} *(:[^=\n]*)?=[^=])", re.MULTILINE)
    inputs = reversed(shell.user_ns.get("In", ())) if shell else ()
    latest = next((text for text in inputs if defines.search(text)), "")
    return shell.transform_cell(latest) if latest else ""


def ready(**answers: Callable) -> bool:
    """Whether answers are far enough for a figure: each runs, on every batch. Says what is missing otherwise.

    An answer that gives wrong numbers is ready, too: the figure shows what comes of them. A line says so, and no claim
    of the same cell then counts as shown.

    Parameters
    ----------
    **answers : callable
        Your functions, each under the name of its exercise: ``ready(normalize=normalize)``. What an earlier notebook
        asked for is handed on to those that use it.
    """
    global _drawn_with
    latest = max(EXERCISES[name].notebook for name in answers)
    missing, wrong = [], []
    for exercise in (EXERCISES[name] for name in answers if EXERCISES[name].notebook == latest):
        functions = {name: answers.get(name) for name in (*exercise.uses, exercise.id)}
        if not _runs(exercise.id, functions):
            missing.append(f"{exercise.id} ({exercise.points} points)")
        elif examine(exercise.id, functions).state != PASSED:
            wrong.append(exercise.id)
    if missing:
        print(f"this figure needs {' and '.join(missing)}")
    for name in wrong if not missing else ():
        print(f"drawn with your {name}, which fails its check")
    _drawn_with = _cell(), wrong
    return not missing


def _runs(exercise: str, functions: dict[str, Callable]) -> bool:
    """Whether an answer gives numbers on an ordinary batch, and neither raises nor gives another shape on any other."""
    cases = [case for case in visible_cases(exercise) if not case.raises]
    judged = zip(cases, _outcomes(exercise, functions, cases), strict=True)
    problems = {case.id: judge(case, outcome).problem for case, outcome in judged}
    return problems[EASY] in ("", "value") and not {"raised", "shape", "axes"} & {*problems.values()}


def wrong_answers() -> list[str]:
    """The answers that do not pass their check, and with which the cell that runs was let draw by `ready`."""
    cell, wrong = _drawn_with
    return wrong if cell == _cell() else []


def _cell() -> int | None:
    """Number of the cell that runs; None outside a notebook."""
    from IPython import get_ipython

    shell = get_ipython()
    return shell and shell.execution_count


def summary(notebook: str, answers: Mapping[str, object]) -> None:
    """Check every answer of a notebook as it stands, and print a table of points and states.

    Parameters
    ----------
    notebook : str
        The name of the notebook, for instance "01_normalization".
    answers : mapping of str to object
        Where the answers are, under the names of their exercises: ``globals()``.
    """
    ids = due([notebook])
    width = max(map(len, ids))
    verdicts = {task: _verdict(task, answers) for task in ids}
    for task, verdict in verdicts.items():
        recorded = task in QUIZZES and verdict.state == PASSED
        shown = "      recorded" if recorded else f"{verdict.points:4.1f}  {verdict.state}"
        print(f"{task:{width}}  {_points(task):2} points  {shown}")
    earned = sum(verdict.points for verdict in verdicts.values())
    print(f"{'sum':{width}}  {sum(map(_points, ids)):2} points  {earned:4.1f}  (quiz: later)")


def _verdict(task: str, answers: Mapping[str, object]) -> Verdict:
    if task in QUIZZES:
        return _record(task, answers.get(task, "?"))
    if task not in answers:
        return Verdict(task, UNANSWERED)
    return examine(task, {name: answers.get(name) for name in (*EXERCISES[task].uses, task)})


def examine(exercise: str, functions: dict[str, Callable]) -> Verdict:
    """Run the visible cases of an exercise with the given answers, and judge what came of them."""
    cases = visible_cases(exercise)
    with _underivable(exercise, functions):
        outcomes = _outcomes(exercise, functions, cases)
    known = fingerprints().get(exercise, {})
    looks = {mistake: entry["cases"] for mistake, entry in known.items()}
    messages = {mistake: entry["message"] for mistake, entry in known.items()}
    return judge_all(exercise, cases, outcomes, lambda *_: looks, messages)


def _outcomes(exercise: str, functions: dict[str, Callable], cases: Sequence[Case]) -> list[Outcome]:
    """What comes of cases. The first one that has no end is the last one to be run."""
    outcomes: list[Outcome] = []
    try:
        with limited():
            for case in cases:
                outcomes.append(run(case, functions))
    except Endless as error:
        detail = f"TimeoutError: it goes on after {error}{place(error, functions)}"
        endless = Outcome(raised="TimeoutError", function=exercise, detail=detail)
        outcomes += [endless] * (len(cases) - len(outcomes))
    return outcomes


def _lines(verdict: Verdict) -> list[str]:
    """One line a case, and what there is to say where none of them failed."""
    exercise = EXERCISES[verdict.task]
    if verdict.state == UNANSWERED:
        needed = f"{exercise.id} needs your {verdict.stub}, and that is not written yet. {GRADED}"
        return [needed] if verdict.stub != exercise.id else []
    shown = [case for case in (*exercise.weights, SHAPE) if case != SHAPE or not verdict.marks[SHAPE]]
    state = {None: "skip", 1.0: "pass"}
    lines = [f"  {state.get(verdict.marks.get(case), 'FAIL')}  {CASES[case][0]}" for case in shown]
    return [*lines, f"{exercise.id}: all {len(shown)} cases pass"] if verdict.state == PASSED else lines


def _functions(exercise: str, answer: Callable | str, uses: dict[str, Callable]) -> dict[str, Callable]:
    if exercise not in EXERCISES:
        raise ValueError(f"no exercise is called {exercise!r}; there are: {', '.join((*EXERCISES, *QUIZZES))}")
    if not callable(answer):
        found = f"a function is wanted, got {type(answer).__name__}"
        raise CheckFailed(f"{exercise}: {found}. If the name stands for something else, run the answer's cell again")
    wanted = EXERCISES[exercise].uses
    if set(uses) != set(wanted):
        call = ", ".join([f'"{exercise}"', exercise, *(f"{name}={name}" for name in wanted)])
        raise CheckFailed(f"{exercise}: call it as check({call})")
    return {**uses, exercise: answer}


@contextlib.contextmanager
def _underivable(exercise: str, functions: dict[str, Callable]) -> Iterator[None]:
    """What is to be derived anew: while it is checked, the answer that it must do without is not there to be called."""
    answer, underived = functions[exercise], EXERCISES[exercise].underived
    if not underived or not isinstance(answer, FunctionType):
        yield
        return
    names = answer.__globals__
    kept = names.get(underived)

    def refused(*_: object) -> None:
        raise TypeError(f"derive it here, without a call of {underived}")

    names[underived] = refused
    try:
        yield
    finally:
        names.pop(underived) if kept is None else names.update({underived: kept})


def _record(quiz: str, value: object) -> Verdict:
    """Take down a quiz's letter, as the grader reads it; whether it is right is for the next cell to show."""
    if written := _latest(quiz):
        value = letter(parse(written).tree, quiz)
    if value == "?":
        return Verdict(quiz, UNANSWERED)
    if not (isinstance(value, str) and value.strip().lower() in ("a", "b", "c", "d")):
        got = f'and nothing else, as in {quiz} = "a"' if written and value is None else f"got {value!r}"
        return Verdict(quiz, FAILED, words=f'one of "a", "b", "c", "d" is wanted, {got}')
    return Verdict(quiz, PASSED, words="recorded")


def _points(task: str) -> int:
    return TASKS[task].points
