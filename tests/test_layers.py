"""The reference: right against loops and complex steps, strict about shapes, kind to its inputs, and short."""

from __future__ import annotations

import ast
import inspect

import numpy as np
import pytest

from bn_helpers import layers, oracles
from bn_helpers.exercises import EXERCISES, visible_cases
from bn_helpers.outcomes import FUNCTIONS

SHAPES = [(2, 1), (3, 3), (5, 2), (7, 4)]
IMAGES = [(1, 1, 2, 2), (2, 3, 1, 2), (3, 3, 3, 3), (2, 2, 3, 1)]


def batch(shape, seed=0):
    rng = np.random.RandomState(seed)
    return 3 * rng.standard_normal(shape) + 10 * rng.standard_normal((shape[1], *[1] * (len(shape) - 2)))


def arguments(exercise: str, dtype: type = float) -> list:
    """Well-formed arguments: those of the easy case, with the cache that the reference makes."""
    case = visible_cases(exercise)[0]
    names = {name: FUNCTIONS[v] if isinstance(v, str) else of_type(v, dtype) for name, v in case.inputs.items()}
    for call in case.calls:
        given = [names[name] for name in call.args]
        if call.function == exercise:
            return given
        names |= zip(call.results, getattr(layers, call.function)(*given), strict=True)
    raise AssertionError("no call of the exercise")


def of_type(value, dtype):
    """A nest of lists and dicts with its arrays of another type."""
    if isinstance(value, np.ndarray):
        return value.astype(dtype)
    if isinstance(value, dict):
        return {key: of_type(each, dtype) for key, each in value.items()}
    return [of_type(each, dtype) for each in value] if isinstance(value, list) else value


def arrays(value):
    """All arrays in a nest of tuples, lists and dicts."""
    if isinstance(value, np.ndarray):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, tuple | list) else ()
    return [array for each in inner for array in arrays(each)]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("exercise", EXERCISES)
def test_dtype_is_kept(exercise, dtype):
    given = arguments(exercise, dtype)
    returned = getattr(layers, exercise)(*given)
    results = arrays(returned)
    stored = arrays([value for value in given if isinstance(value, dict) and "mode" in value])
    assert {array.dtype for array in results + stored} <= {np.dtype(dtype)}
    assert results or isinstance(returned, float)


@pytest.mark.parametrize("exercise", EXERCISES)
def test_inputs_are_not_written_to(exercise):
    given = arguments(exercise)
    for array in arrays(given):
        array.flags.writeable = False  # writing raises
    getattr(layers, exercise)(*given)


@pytest.mark.parametrize("mode", ["train", "test"])
@pytest.mark.parametrize("forward", [layers.batchnorm_forward, layers.spatial_batchnorm_forward])
def test_running_statistics_are_not_written_to(forward, mode):
    x = batch((4, 3) if forward is layers.batchnorm_forward else (2, 3, 2, 2))
    bn_param = {"mode": mode, "running_mean": np.ones(3), "running_var": np.ones(3)}
    for array in arrays(bn_param):
        array.flags.writeable = False
    forward(x, np.ones(3), np.zeros(3), bn_param)


X, IMAGE, TWO, THREE = np.zeros((4, 3)), np.zeros((2, 3, 2, 2)), np.ones(2), np.ones(3)
TRAIN = {"mode": "train"}
CACHE = layers.batchnorm_forward(X, THREE, THREE, {"mode": "train"})[1]
IMAGE_CACHE = layers.spatial_batchnorm_forward(IMAGE, THREE, THREE, {"mode": "train"})[1]
MISFITS = [
    (layers.batch_statistics, (THREE,), r"\(3,\)"),
    (layers.batch_statistics, (IMAGE,), r"\(2, 3, 2, 2\)"),
    (layers.normalize, (THREE,), r"\(3,\)"),
    (layers.layer_outputs, (X, [np.eye(2)], np.tanh), r"\(4, 3\).*\(2, 2\)"),
    (layers.layer_outputs, (X, [np.ones((3, 2)), np.eye(3)], np.tanh), r"\(4, 2\).*\(3, 3\)"),
    (layers.scale_and_shift, (X, TWO, THREE), r"\(2,\).*\(4, 3\)"),
    (layers.scale_and_shift, (X, THREE, TWO), r"\(2,\).*\(4, 3\)"),
    (layers.scale_and_shift, (X, THREE[None], THREE), r"\(1, 3\)"),
    (layers.identity_parameters, (IMAGE,), r"\(2, 3, 2, 2\)"),
    (layers.batchnorm_forward, (IMAGE, THREE, THREE, TRAIN), r"\(2, 3, 2, 2\)"),
    (layers.batchnorm_forward, (X, TWO, THREE, TRAIN), r"\(2,\).*\(4, 3\)"),
    (layers.batchnorm_forward, (X, THREE, TWO, TRAIN), r"\(2,\).*\(4, 3\)"),
    (layers.batchnorm_forward, (X, THREE, THREE, {}), "mode must be 'train' or 'test', got None"),
    (layers.batchnorm_forward, (X, THREE, THREE, {"mode": "eval"}), "mode must be 'train' or 'test', got 'eval'"),
    (layers.fold_into_linear, (THREE, THREE, THREE, THREE, THREE, THREE), r"w \(3,\)"),
    (layers.fold_into_linear, (X, TWO, THREE, THREE, THREE, THREE), r"b \(2,\).*\(4, 3\)"),
    (layers.fold_into_linear, (X, THREE, THREE, THREE, THREE, TWO), r"var \(2,\).*\(4, 3\)"),
    (layers.scale_and_shift_backward, (X[1:], X, THREE), r"\(3, 3\).*\(4, 3\)"),
    (layers.scale_and_shift_backward, (X, X, TWO), r"\(2,\)"),
    (layers.frozen_backward, (X, TWO, THREE), r"\(2,\).*\(4, 3\)"),
    (layers.frozen_backward, (X, THREE, TWO), r"\(2,\).*\(4, 3\)"),
    (layers.batchnorm_backward, (X[1:], CACHE), r"\(4, 3\).*\(3, 3\)"),
    (layers.batchnorm_backward_alt, (X[1:], CACHE), r"\(4, 3\).*\(3, 3\)"),
    (layers.channel_statistics, (X,), r"\(4, 3\)"),
    (layers.spatial_batchnorm_forward, (X, THREE, THREE, TRAIN), r"\(4, 3\)"),
    (layers.spatial_batchnorm_forward, (IMAGE, TWO, THREE, TRAIN), r"\(2,\).*\(2, 3, 2, 2\)"),
    (layers.spatial_batchnorm_forward, (IMAGE, THREE, THREE, {"mode": 0}), "mode must be 'train' or 'test', got 0"),
    (layers.spatial_batchnorm_backward, (IMAGE[1:], IMAGE_CACHE), r"\(2, 3, 2, 2\).*\(1, 3, 2, 2\)"),
    (layers.outputs_across_batches, (THREE, X, THREE, THREE), r"\(4, 3\)"),
    (layers.outputs_across_batches, (TWO, X[None], THREE, THREE), r"\(2,\).*\(1, 4, 3\)"),
    (layers.outputs_across_batches, (THREE, X[None], THREE, TWO), r"\(2,\).*\(1, 4, 3\)"),
    (layers.ghost_batchnorm_forward, (X, TWO, THREE, 2), r"\(2,\).*\(4, 3\)"),
    (layers.ghost_batchnorm_forward, (X, THREE, THREE, 3), "ghost_size 3 .* 4 rows"),
    (layers.ghost_batchnorm_forward, (X, THREE, THREE, 0), "ghost_size 0 .* 4 rows"),
    (layers.ghost_batchnorm_forward, (X, THREE, THREE, 8), "ghost_size 8 .* 4 rows"),
]


@pytest.mark.parametrize(("function", "given", "words"), MISFITS)
def test_misfits_raise_and_name_the_shapes(function, given, words):
    with pytest.raises(ValueError, match=words):
        function(*given)


@pytest.mark.parametrize("function", [layers.batch_statistics, layers.normalize, layers.identity_parameters])
@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.int64])
def test_integers_are_taken_as_floats(function, dtype):
    x = np.array([[250, 1], [3, 4], [251, 8]])
    np.testing.assert_array_equal(function(x.astype(dtype)), function(x.astype(float)))


def test_integer_images_are_taken_as_floats():
    x = np.arange(200, 224).reshape(2, 3, 2, 2)
    np.testing.assert_array_equal(
        layers.channel_statistics(x.astype(np.uint8)), layers.channel_statistics(x.astype(float))
    )


@pytest.mark.parametrize("shape", SHAPES)
def test_statistics_and_normalization_agree_with_loops(shape):
    x = batch(shape)
    np.testing.assert_allclose(layers.batch_statistics(x), oracles.batch_statistics(x), rtol=1e-12)
    np.testing.assert_allclose(layers.normalize(x, 0.1), oracles.normalize(x, 0.1), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("offset", [0.0, 1e4, 1e8])
def test_a_large_mean_costs_no_more_than_its_rounding(offset):
    x = batch((6, 3)) + offset
    mean, var = layers.batch_statistics(x)
    wanted_mean, wanted_var = oracles.batch_statistics(x)
    np.testing.assert_allclose(mean, wanted_mean, rtol=1e-15)
    np.testing.assert_allclose(var, wanted_var, rtol=1e-14 * max(1, offset))


def test_one_example_is_normalized_to_zero():
    assert not layers.normalize(np.array([[5.0, -7.0]])).any()


@pytest.mark.parametrize("eps", [1e-5, 1.5])
@pytest.mark.parametrize("backward", [layers.batchnorm_backward, layers.batchnorm_backward_alt])
@pytest.mark.parametrize("shape", SHAPES)
def test_gradients_agree_with_complex_steps(shape, backward, eps):
    x, dout, gamma = batch(shape), batch(shape, 1), batch(shape, 2)[0]
    _, cache = layers.batchnorm_forward(x, gamma, gamma, {"mode": "train", "eps": eps})
    scale = np.max(np.abs(dout * gamma * (x.var(axis=0) + eps) ** -0.5))
    for got, want in zip(backward(dout, cache), oracles.batchnorm_gradients(dout, x, gamma, eps), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-11, atol=1e-12 * scale)


@pytest.mark.parametrize("shape", IMAGES)
def test_image_gradients_agree_with_complex_steps(shape):
    x, dout, gamma = batch(shape), batch(shape, 1), batch((1, shape[1]), 2)[0]
    _, cache = layers.spatial_batchnorm_forward(x, gamma, gamma, {"mode": "train", "eps": 0.1})
    gradients = layers.spatial_batchnorm_backward(dout, cache)
    for got, want in zip(gradients, oracles.batchnorm_gradients(dout, x, gamma, 0.1), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-11, atol=1e-10)


def test_frozen_gradient_agrees_with_complex_steps():
    dout, x, gamma, var = batch((4, 3)), batch((4, 3), 1), np.array([1.5, -0.5, 2]), np.array([0.5, 1, 2])
    wanted = oracles.complex_step(lambda x: gamma * x * (var + 0.1) ** -0.5, x, dout)
    np.testing.assert_allclose(layers.frozen_backward(dout, gamma, var, 0.1), wanted, rtol=1e-12)


@pytest.mark.parametrize("mode", ["train", "test"])
def test_images_are_rows_of_pixels(mode):
    x, gamma, beta = batch((2, 3, 2, 4)), np.array([1.5, -0.5, 2]), np.array([0.5, 3, -1])
    bn_param = {"mode": mode, "running_mean": beta, "running_var": gamma**2, "momentum": 0.7, "eps": 0.1}
    image_param = dict(bn_param)
    out, _ = layers.spatial_batchnorm_forward(x, gamma, beta, image_param)
    rows, _ = layers.batchnorm_forward(x.transpose(0, 2, 3, 1).reshape(-1, 3), gamma, beta, bn_param)
    np.testing.assert_allclose(out.transpose(0, 2, 3, 1).reshape(-1, 3), rows, rtol=1e-12)
    for key in ("running_mean", "running_var"):
        np.testing.assert_allclose(image_param[key], bn_param[key], rtol=1e-12)


def test_running_statistics_forget_by_momentum():
    bn_param = {"mode": "train", "momentum": 0.75}
    x = np.array([[1.0], [3.0]])
    for _ in range(2):
        layers.batchnorm_forward(x, np.ones(1), np.zeros(1), bn_param)
    assert bn_param["running_mean"] == pytest.approx([2 * (1 - 0.75**2)])
    assert bn_param["running_var"] == pytest.approx([1 * (1 - 0.75**2)])


def test_evaluation_of_an_example_does_not_depend_on_the_others():
    x, bn_param = batch((5, 3)), {"mode": "test", "running_mean": np.ones(3), "running_var": np.full(3, 2.0)}
    whole, _ = layers.batchnorm_forward(x, np.ones(3), np.zeros(3), bn_param)
    alone, _ = layers.batchnorm_forward(x[:1], np.ones(3), np.zeros(3), bn_param)
    np.testing.assert_array_equal(whole[:1], alone)


@pytest.mark.parametrize("eps", [0.0, 1e-5, 1.5])
def test_identity_parameters_bring_x_back(eps):
    x = batch((5, 3))
    gamma, beta = layers.identity_parameters(x, eps)
    np.testing.assert_allclose(layers.scale_and_shift(layers.normalize(x, eps), gamma, beta), x, rtol=1e-12)


def test_folded_layer_equals_both_layers():
    x, w, b, gamma, beta = batch((5, 4)), batch((4, 3)), *np.random.RandomState(3).standard_normal((3, 3))
    running = {"running_mean": beta, "running_var": gamma**2}
    two, _ = layers.batchnorm_forward(x @ w + b, gamma, beta, {"mode": "test", "eps": 0.1, **running})
    w_folded, b_folded = layers.fold_into_linear(w, b, gamma, beta, *running.values(), eps=0.1)
    np.testing.assert_allclose(x @ w_folded + b_folded, two, rtol=1e-10)


def test_layer_outputs_apply_the_norm_between_map_and_nonlinearity():
    x, weights = batch((4, 3)), [batch((3, 2)), batch((2, 2))]
    first, second = layers.layer_outputs(x, weights, np.tanh, layers.normalize)
    np.testing.assert_array_equal(first, np.tanh(layers.normalize(x @ weights[0])))
    np.testing.assert_array_equal(second, np.tanh(layers.normalize(first @ weights[1])))


def test_saturation_is_strict_and_of_any_shape():
    assert layers.saturated_fraction(np.zeros((2, 2)), threshold=0.0) == 0.0
    assert layers.saturated_fraction(np.full((2, 3, 4), -5.0)) == 1.0
    assert isinstance(layers.saturated_fraction(np.ones(3)), float)


def test_outputs_across_batches_are_rows_of_the_whole_layer():
    sample, batches, gamma, beta = batch((1, 3))[0], batch((4, 5, 3), 1), np.array([1.5, -0.5, 2]), np.ones(3)
    outputs = layers.outputs_across_batches(sample, batches, gamma, beta, 0.1)
    for output, companions in zip(outputs, batches, strict=True):
        joined = np.vstack([companions, sample])
        whole, _ = layers.batchnorm_forward(joined, gamma, beta, {"mode": "train", "eps": 0.1})
        np.testing.assert_allclose(output, whole[-1], rtol=1e-12)


@pytest.mark.parametrize("size", [1, 2, 3, 6])
def test_ghost_groups_are_layers_of_their_own(size):
    x, gamma, beta = batch((6, 3)), np.array([1.5, -0.5, 2]), np.ones(3)
    out = layers.ghost_batchnorm_forward(x, gamma, beta, size, 0.1)
    for i in range(0, 6, size):
        whole, _ = layers.batchnorm_forward(x[i : i + size], gamma, beta, {"mode": "train", "eps": 0.1})
        np.testing.assert_allclose(out[i : i + size], whole, rtol=1e-12)


@pytest.mark.parametrize("exercise", EXERCISES)
def test_reference_reads_like_a_textbook(exercise):
    function = ast.parse(inspect.getsource(getattr(layers, exercise))).body[0]
    lines = function.end_lineno - function.body[0].end_lineno
    assert lines <= (25 if exercise.endswith("batchnorm_forward") else 12)
    names = {node.id for node in ast.walk(function) if isinstance(node, ast.Name)}
    assert not [name for name in names if name.startswith("_")]
