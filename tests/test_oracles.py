"""The oracles are right themselves: against fractions, derivatives known by hand, and differences."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from bn_helpers import oracles


@pytest.mark.parametrize("offset", [0, 10**4, 10**8])
def test_statistics_are_exact_up_to_one_rounding(offset):
    column = [offset + value for value in (1.25, -3.5, 8.0, 0.5, 2.75)]
    exact = [Fraction(value) for value in column]
    mean = sum(exact) / len(exact)
    var = sum((value - mean) ** 2 for value in exact) / len(exact)
    assert oracles.statistics(column) == pytest.approx((float(mean), float(var)), rel=4e-16)


def test_columns_of_images_hold_every_pixel_of_a_channel():
    x = np.arange(24.0).reshape(2, 3, 2, 2)
    columns = oracles.to_columns(x)
    assert columns[1].tolist() == [4, 5, 6, 7, 16, 17, 18, 19]
    np.testing.assert_array_equal(oracles.from_columns(columns, x.shape), x)


def test_normalized_column_has_mean_0_and_variance_below_1():
    x_hat = oracles.normalize_column([1.0, 2.0, 6.0], eps=0.5)
    assert x_hat.mean() == pytest.approx(0, abs=1e-15)
    assert x_hat.var() == pytest.approx((14 / 3) / (14 / 3 + 0.5))


def test_complex_step_is_exact_where_differences_are_not():
    x, dout = np.array([[0.5, 2.0], [-1.0, 3.0]]), np.array([[1.0, -2.0], [0.5, 4.0]])
    dx = oracles.complex_step(lambda x: np.sin(x) * x.sum(axis=0), x, dout)
    wanted = dout * np.cos(x) * x.sum(axis=0) + (dout * np.sin(x)).sum(axis=0)
    np.testing.assert_allclose(dx, wanted, rtol=1e-14)


@pytest.mark.parametrize("shape", [(4, 2), (2, 2, 1, 3)])
def test_gradients_agree_with_differences(shape):
    rng = np.random.RandomState(0)
    x, dout, gamma = rng.standard_normal(shape), rng.standard_normal(shape), np.array([1.5, -0.5])
    scale = gamma.reshape(2, *[1] * (len(shape) - 2))
    dx, dgamma, dbeta = oracles.batchnorm_gradients(dout, x, gamma, 0.1)
    step = np.zeros(shape)
    for index in np.ndindex(shape):
        step[index] = 1e-5
        change = oracles.normalize(x + step, 0.1) - oracles.normalize(x - step, 0.1)
        assert dx[index] == pytest.approx(np.sum(dout * scale * change) / 2e-5, abs=1e-8)
        step[index] = 0
    over = tuple(axis for axis in range(len(shape)) if axis != 1)
    np.testing.assert_allclose(dgamma, (dout * oracles.normalize(x, 0.1)).sum(axis=over), rtol=1e-13)
    np.testing.assert_allclose(dbeta, dout.sum(axis=over), rtol=1e-13)


def test_difference_is_relative_to_the_largest_wanted_value_or_the_scale():
    got, want = np.array([1.0, 10.5]), np.array([1.5, 10.0])
    assert oracles.difference(got, want) == pytest.approx(0.05)
    assert oracles.difference(got, want, scale=5.0) == pytest.approx(0.1)
    assert oracles.difference(np.array([0.5]), np.array([0.0])) == 0.5
    assert oracles.difference(np.zeros((0, 3)), np.zeros((0, 3))) == 0
