"""Right answers are accepted, whatever their style, over many draws of the cases."""

from __future__ import annotations

import contextlib
import io
import sys
import warnings

import numpy as np
import pytest
from drawn import FEW, MANY, drawn

from bn_helpers import layers
from bn_helpers.catalogue import RIGHT
from bn_helpers.checks import examine
from bn_helpers.exercises import EASY, EXERCISES
from bn_helpers.judging import judge
from bn_helpers.oracles import difference
from bn_helpers.outcomes import run

SHARE = 0.25  # of a tolerance: more than this no right answer may need

each_exercise = pytest.mark.parametrize("exercise", EXERCISES)


def reference(exercise: str) -> dict:
    return {name: getattr(layers, name) for name in (*EXERCISES[exercise].uses, exercise)}


def errors(exercise: str, functions: dict, seed: int) -> dict[str, float]:
    """The largest error of each case, as a share of the tolerance; a refusal fails the test."""
    worst = {}
    for case in drawn(exercise, seed):
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            outcome = run(case, functions)
        judgement = judge(case, outcome)
        assert judgement.passed, f"seed {seed}, {case.id}: {judgement} {outcome.detail}"
        if case.id != EASY and not case.raises:
            pairs = [(outcome.values[name], wanted) for name, wanted in case.wanted.items()]
            shares = [difference(got, want.value, want.scale) / case.tolerance for got, want in pairs]
            worst[case.id] = max(shares, default=0.0)
    return worst


def check_styles(exercise: str, seeds: range) -> None:
    styles = {"the reference": reference(exercise), **RIGHT[exercise]}
    worst = max(
        (share, style, case, seed)
        for seed in seeds
        for style, functions in styles.items()
        for case, share in errors(exercise, functions, seed).items()
    )
    print(f"\n{exercise}: {len(styles)} styles, {len(seeds)} seeds; at most {worst[0]:.3f} of a tolerance {worst[1:]}")
    assert worst[0] <= SHARE


@each_exercise
def test_there_are_at_least_four_styles(exercise):
    assert len(RIGHT[exercise]) >= 4


@each_exercise
def test_styles_are_accepted(exercise):
    check_styles(exercise, FEW)


@pytest.mark.slow
@each_exercise
def test_styles_are_accepted_on_many_draws(exercise):
    check_styles(exercise, MANY)


@each_exercise
def test_styles_pass_the_visible_check(exercise, capsys):
    for style, functions in RIGHT[exercise].items():
        verdict = examine(exercise, functions)
        assert (verdict.state, verdict.points) == ("passed", EXERCISES[exercise].points), style


def over_arrays(change):
    """Dress a function so that every array it returns is changed; what is no array stays."""

    def dress(value):
        if isinstance(value, np.ndarray):
            return change(value)
        return type(value)(map(dress, value)) if isinstance(value, tuple | list) else value

    return lambda answer: lambda *arguments: dress(answer(*arguments))


def read_only(value):
    value = value.copy()
    value.flags.writeable = False
    return value


def noisy(answer):
    def dressed(*arguments):
        print("a" * 1000)
        print("b", file=sys.stderr)
        warnings.warn("careful", stacklevel=1)
        np.divide(1.0, np.zeros(2))
        return answer(*arguments)

    return dressed


DRESSES = {
    "Fortran order": over_arrays(np.asfortranarray),
    "a view of a larger array": over_arrays(lambda value: np.stack([value, value], axis=-1)[..., 0]),
    "read-only": over_arrays(read_only),
    "broadcast": over_arrays(lambda value: np.broadcast_to(value, (1, *value.shape))[0]),
    "long double": over_arrays(lambda value: value.astype(np.longdouble)),
    "nested lists": over_arrays(np.ndarray.tolist),
    "prints, warnings and numerical errors": noisy,
}


@pytest.mark.parametrize("dress", DRESSES)
@each_exercise
def test_what_comes_back_may_be_dressed(exercise, dress):
    functions = reference(exercise)
    errors(exercise, {**functions, exercise: DRESSES[dress](functions[exercise])}, seed=0)
