"""The stage check finds the first wrong stage, however far the function has come."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from bn_helpers.layers import batchnorm_backward, batchnorm_backward_alt, batchnorm_forward
from bn_helpers.stages import STAGES, check_stages, stage_batch, stage_values


def unfinished(dout, cache):
    dx_hat = dout * cache["gamma"]
    dinv_std = (dx_hat * cache["centered"]).sum(axis=0)  # noqa: F841
    raise NotImplementedError


def factor_forgotten(dout, cache):
    dx_hat = dout * cache["gamma"]
    dinv_std = (dx_hat * cache["centered"]).sum(axis=0)
    dvar = dinv_std * cache["inv_std"] ** 3
    dcentered = dx_hat * cache["inv_std"] + 2 * dvar / len(dout) * cache["centered"]
    return dcentered - dcentered.mean(axis=0), None, None


def not_summed(dout, cache):
    dx_hat = dout * cache["gamma"]
    dinv_std = dx_hat * cache["centered"]
    return dx_hat + dinv_std, None, None


def misspelt(dout, cache):
    dx_hat = dout * cache["gamma"]
    return dx_hat * cache["standard_deviation"]


def changed_in_place(dout, cache):
    dcentered, _, _ = batchnorm_backward(dout, cache)
    return dcentered, None, None


def stub(dout, cache):
    raise NotImplementedError


def lines(capsys, backward):
    check_stages(backward, batchnorm_forward)
    return capsys.readouterr().out.splitlines()


def test_every_stage_of_the_reference_passes(capsys):
    assert lines(capsys, batchnorm_backward) == [f"  pass  {name}" for name in STAGES]


def test_a_stub_has_no_stage_yet(capsys):
    assert lines(capsys, stub) == [f"  ....  {name}: not there yet" for name in STAGES]


def test_an_unfinished_function_is_checked_as_far_as_it_goes(capsys):
    assert lines(capsys, unfinished)[:3] == ["  pass  dx_hat", "  pass  dinv_std", "  ....  dvar: not there yet"]


def test_the_first_wrong_stage_is_named_with_its_factor_and_no_later_one(capsys):
    told = lines(capsys, factor_forgotten)
    assert told[2] == "  FAIL  dvar is the first wrong stage: it is -2 times what is wanted"
    assert "wanted" in told[3]
    assert "dcentered" not in "".join(told)


def test_a_wrong_shape_is_told_as_such(capsys):
    assert lines(capsys, not_summed)[1:] == [
        "  FAIL  dinv_std is the first wrong stage: its shape is (5, 3), wanted (3,)"
    ]


def test_what_is_no_number_is_told_as_such(capsys):
    def words(dout, cache):
        dx_hat = np.full(dout.shape, "dx_hat")
        raise NotImplementedError(dx_hat)

    assert "it holds <U6, wanted real numbers" in lines(capsys, words)[0]


def test_an_error_is_told_after_the_stages_that_came_before_it(capsys):
    told = lines(capsys, misspelt)
    assert told[0] == "  pass  dx_hat"
    assert told[-1] == "  stopped by KeyError: 'standard_deviation'"


def test_a_stage_changed_in_place_is_not_called_wrong_when_dx_is_right(capsys):
    told = lines(capsys, changed_in_place)
    assert told[3] == "  ....  dcentered: not the whole gradient, but dx is right"
    assert told[-1] == "  pass  dx"


def test_variables_of_another_function_are_no_stages(capsys):
    def helper():
        dx_hat = "not mine"
        return dx_hat

    def backward(dout, cache):
        helper()
        raise NotImplementedError

    assert lines(capsys, backward)[0] == "  ....  dx_hat: not there yet"


def test_stages_are_not_missed_when_dx_is_right(capsys):
    told = lines(capsys, batchnorm_backward_alt)
    assert told[0] == "  ....  dx_hat: no such variable, but dx is right"
    assert told[-1] == "  pass  dx"


@pytest.mark.parametrize("backward", [batchnorm_backward, misspelt])
def test_reading_a_functions_variables_leaves_no_profiler_behind(backward):
    batch = stage_batch()
    _, cache = batchnorm_forward(batch.x, batch.gamma, batch.beta, {"mode": "train"})
    before = sys.getprofile()
    stage_values(backward, batch.dout, cache)
    assert sys.getprofile() is before


def test_stage_values_are_those_of_this_call():
    batch = stage_batch()
    _, cache = batchnorm_forward(batch.x, batch.gamma, batch.beta, {"mode": "train"})
    values, error = stage_values(batchnorm_backward, batch.dout, cache)
    assert error is None
    assert list(values) == list(STAGES)
    np.testing.assert_allclose(values["dx"].sum(axis=0), 0, atol=1e-12)
