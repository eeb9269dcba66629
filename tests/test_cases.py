"""The cases keep what their names promise, are plain data, and each catches something."""

from __future__ import annotations

import numpy as np
import pytest
from drawn import drawn

from bn_helpers import layers
from bn_helpers.catalogue import CATALOGUE
from bn_helpers.exercises import CASES, EASY, EXERCISES, draw_cases, visible_cases
from bn_helpers.exercises import draw as drawing
from bn_helpers.exercises.draw import COARSE, LARGE
from bn_helpers.judging import judge
from bn_helpers.outcomes import FUNCTIONS, Case, run

EVERY = [
    pytest.param(exercise, case, id=f"{exercise}-{case}")
    for exercise in EXERCISES
    for case in EXERCISES[exercise].weights
]


def draw(exercise: str, case: str, seed: int = 0) -> Case:
    return next(each for each in drawn(exercise, seed) if each.id == case)


def batch(case: Case) -> np.ndarray:
    """The array that the case is about: its first input of two or more axes, with the features in axis 1."""
    return next(value for value in case.inputs.values() if isinstance(value, np.ndarray) and value.ndim > 1)


def plain(value) -> bool:
    if isinstance(value, list | dict):
        return all(map(plain, value.values() if isinstance(value, dict) else value))
    if isinstance(value, str):
        return value in (*FUNCTIONS, "train", "test", "evaluate")
    return isinstance(value, np.ndarray | float | int | None)


@pytest.mark.parametrize("exercise", EXERCISES)
def test_cases_are_those_of_the_manifest_in_its_order(exercise):
    assert [case.id for case in visible_cases(exercise)] == list(EXERCISES[exercise].weights)


@pytest.mark.parametrize("exercise", EXERCISES)
def test_a_seed_gives_the_same_numbers_again_and_another_seed_others(exercise):
    first, other = (batch(drawn(exercise, seed)[0]) for seed in (0, 1))
    again = batch(draw_cases(exercise, np.random.RandomState(0))[0])
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("exercise", EXERCISES)
def test_cases_are_plain_data(exercise, seed):
    for case in drawn(exercise, seed):
        assert plain(dict(case.inputs)), case.id
        for call in case.calls:
            assert call.function in FUNCTIONS or call.function in (exercise, *EXERCISES[exercise].uses)
        assert all(np.isfinite(wanted.value).all() and wanted.scale > 0 for wanted in case.wanted.values())
        assert case.comparable == (case.id not in COARSE)
        assert bool(case.wanted) != bool(case.keeps)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("exercise", ["batch_statistics", "channel_statistics"])
def test_cases_are_what_they_are_called(exercise, seed):
    cases = {case.id: batch(case) for case in drawn(exercise, seed)}
    over = (0,) if exercise == "batch_statistics" else (0, 2, 3)
    assert len(cases["easy"].transpose(*over, 1).reshape(-1, cases["easy"].shape[1])) == 100
    assert len(set(cases["square"].shape)) == 1
    assert cases["constant"].var(axis=over)[0] == 0 < cases["constant"].var(axis=over)[1]
    assert np.abs(cases["large_mean"] - LARGE).max() < 20
    assert cases["large_mean"].var(axis=over).min() > 0
    assert cases["integer"].dtype == np.int64
    assert (cases["integer"].mean(axis=over) % 1 != 0).all()
    assert cases["float32"].dtype == np.float32
    assert len(cases.get("one_row", cases.get("one_image"))) == 1
    assert 3 <= len(cases["small"]) <= 6 or exercise == "channel_statistics"


@pytest.mark.parametrize("seed", range(8))
def test_variance_is_as_small_as_eps_where_the_case_says_so(seed):
    for exercise in ("normalize", "identity_parameters", "batchnorm_forward", "batchnorm_backward"):
        var = batch(draw(exercise, "tiny_variance", seed)).var(axis=0)
        assert ((var > 1e-8) & (var < 1e-4)).all()


@pytest.mark.parametrize("seed", range(8))
def test_parameters_hide_nothing(seed):
    for exercise in EXERCISES:
        for case in drawn(exercise, seed):
            for name in case.inputs.keys() & {"gamma", "beta"}:
                size = np.abs(case.inputs[name].astype(float))
                assert ((size > 0.49) & (size < 2.51) & (np.abs(size - 1) > 1e-6)).all(), (exercise, case.id)


def test_a_batch_that_cannot_vary_is_refused_in_words():
    with pytest.raises(ValueError, match="more rows, or fewer features"):
        drawing.batch(np.random.RandomState(0), 2, 40)


def test_uneven_size_does_not_divide():
    inputs = draw("ghost_batchnorm_forward", "uneven").inputs
    assert len(inputs["x"]) % inputs["ghost_size"]


@pytest.mark.parametrize(("exercise", "case"), EVERY)
def test_every_case_catches_something(exercise, case):
    wanted = next(visible for visible in visible_cases(exercise) if visible.id == case)
    caught = [
        entry.id for entry in CATALOGUE[exercise].values() if not judge(wanted, run(wanted, entry.functions)).passed
    ]
    assert caught or case in ("running_own", "own_cache")  # these catch what is kept elsewhere: see below


def keeps_state_outside():
    """A forward pass whose running statistics belong to the function, and not to bn_param."""
    state = {}

    def forward(x, gamma, beta, bn_param):
        if bn_param["mode"] == "train":
            bn_param.update(state)
        returned = layers.batchnorm_forward(x, gamma, beta, bn_param)
        state.update({key: bn_param[key] for key in ("running_mean", "running_var")})
        return returned

    return forward


def test_state_outside_bn_param_is_caught():
    case = draw("batchnorm_forward", "running_own")
    assert not judge(case, run(case, {"batchnorm_forward": keeps_state_outside()})).passed


@pytest.mark.parametrize("exercise", ["batchnorm_backward", "batchnorm_backward_alt", "spatial_batchnorm_backward"])
def test_cache_outside_the_cache_is_caught(exercise):
    latest = {}
    name = EXERCISES[exercise].uses[0]

    def forward(*arguments):
        out, latest["cache"] = getattr(layers, name)(*arguments)
        return out, None

    functions = {name: forward, exercise: lambda dout, cache: getattr(layers, exercise)(dout, latest["cache"])}
    refused = [case.id for case in drawn(exercise, 0) if not judge(case, run(case, functions)).passed]
    assert refused == ["own_cache"]


@pytest.mark.parametrize("mode", ["train", "test"])
def test_change_in_place_is_caught_in_both_modes(mode):
    def forward(x, gamma, beta, bn_param):
        returned = layers.batchnorm_forward(x.copy(), gamma, beta, bn_param)
        if bn_param["mode"] == mode:
            x += 1
        return returned

    case = draw("batchnorm_forward", "unchanged")
    assert run(case, {"batchnorm_forward": forward}).changed == (("x_1",) if mode == "train" else ("x",))


def test_running_statistics_that_are_there_do_not_tempt():
    """In training the output is normalized by the batch, also where bn_param holds running statistics already."""

    def forward(x, gamma, beta, bn_param):
        mode = "test" if "running_mean" in bn_param else bn_param["mode"]
        out, cache = layers.batchnorm_forward(x, gamma, beta, {**bn_param, "mode": mode})
        layers.batchnorm_forward(x, gamma, beta, bn_param)
        return out, cache

    refused = [
        c.id for c in visible_cases("batchnorm_forward") if not judge(c, run(c, {"batchnorm_forward": forward})).passed
    ]
    assert "small" in refused


def test_wanted_values_are_those_of_numpy():
    case = draw("batchnorm_forward", EASY)
    x, gamma, beta, _ = case.inputs.values()
    wanted = gamma * (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + 1e-5) + beta
    np.testing.assert_allclose(case.wanted["out"].value, wanted, rtol=1e-11, atol=1e-11)


def test_titles_and_advice_are_short():
    for title, look in CASES.values():
        assert len(title) <= 50
        assert look[0].isupper() or look.startswith(("eps", "tanh", "momentum", "z "))
        assert look.endswith((".", "?"))
