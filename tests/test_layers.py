"""The reference: right against loops and complex steps, kind to its inputs, and written as one writes it on a board."""

from __future__ import annotations

import ast
import builtins
import inspect
import re
import textwrap

import numpy as np
import pytest

from bn_helpers import layers, nets, oracles
from bn_helpers.exercises import EXERCISES, NOTEBOOKS, visible_cases
from bn_helpers.outcomes import FUNCTIONS

SHAPES = [(2, 1), (3, 3), (5, 2), (7, 4)]
LONG = ("batchnorm_forward", "spatial_batchnorm_forward", "network_loss")  # with two modes
HANDED = {name for notebook in NOTEBOOKS.values() for name in notebook.handed}
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
    """A nest of lists and dicts with its arrays of another type; labels and numbers of rows stay integers."""
    if isinstance(value, np.ndarray):
        return value.astype(dtype if value.dtype.kind == "f" else value.dtype)
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


@pytest.mark.parametrize("bn_param", [{}, {"mode": "eval"}, {"mode": 0}])
@pytest.mark.parametrize("forward", [layers.batchnorm_forward, layers.spatial_batchnorm_forward])
def test_an_unknown_mode_is_refused_by_its_name(forward, bn_param):
    x = batch((4, 3) if forward is layers.batchnorm_forward else (2, 3, 2, 2))
    words = re.escape(f"mode must be 'train' or 'test', got {bn_param.get('mode')!r}")
    with pytest.raises(ValueError, match=words):
        forward(x, np.ones(3), np.zeros(3), bn_param)


@pytest.mark.parametrize("size", [3, 8])
def test_ghost_size_has_to_divide_the_batch(size):
    with pytest.raises(ValueError, match=f"ghost_size {size} does not divide 4 rows"):
        layers.ghost_batchnorm_forward(batch((4, 3)), np.ones(3), np.zeros(3), size)


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


def network(seed=0, rows=7):
    """A batch, its labels, and parameters of a net for it."""
    rng = np.random.RandomState(seed)
    shapes = {"w1": (4, 5), "gamma": (5,), "beta": (5,), "w2": (5, 3), "b2": (3,)}
    params = {name: rng.standard_normal(shape) for name, shape in shapes.items()}
    return rng.standard_normal((rows, 4)), rng.randint(3, size=rows), params


@pytest.mark.parametrize("scale", [1.0, 1e4])
def test_softmax_loss_is_the_one_that_nets_train_with(scale):
    # What a class receives as layers is another module, so that nets cannot import it from here.
    scores, labels = scale * batch((5, 3)), np.array([0, 2, 1, 1, 0])
    for ours, theirs in zip(
        layers.softmax_loss(scores, labels), nets.softmax_cross_entropy(scores, labels), strict=True
    ):
        np.testing.assert_allclose(ours, theirs, rtol=1e-13, atol=1e-16)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("eps", [None, 1e-5, 0.1])
def test_gradients_of_the_net_agree_with_complex_steps(eps, seed):
    x, labels, params = network(seed)
    bn_param = None if eps is None else {"mode": "train", "eps": eps}
    loss, grads = layers.network_loss(x, labels, params, bn_param)
    assert loss == pytest.approx(oracles.network_loss(x, labels, params, eps), rel=1e-13)
    for name, wanted in oracles.network_gradients(x, labels, params, eps).items():
        np.testing.assert_allclose(grads[name], wanted, rtol=1e-11, atol=1e-12, err_msg=name)


@pytest.mark.parametrize("with_norm", [True, False])
def test_gradients_of_the_net_agree_with_pytorch(with_norm):
    torch = pytest.importorskip("torch")
    x, labels, params = network()
    leaves = {name: torch.tensor(value, requires_grad=True) for name, value in params.items()}
    z = torch.tensor(x) @ leaves["w1"]
    if with_norm:
        out = torch.nn.functional.batch_norm(z, None, None, leaves["gamma"], leaves["beta"], training=True, eps=0.1)
    else:
        out = z + leaves["beta"]
    scores = torch.relu(out) @ leaves["w2"] + leaves["b2"]
    theirs = torch.nn.functional.cross_entropy(scores, torch.tensor(labels))
    theirs.backward()
    loss, grads = layers.network_loss(x, labels, params, {"mode": "train", "eps": 0.1} if with_norm else None)
    assert loss == pytest.approx(theirs.item(), rel=1e-13)
    for name, leaf in leaves.items():
        wanted = np.zeros(5) if leaf.grad is None else leaf.grad.numpy()
        np.testing.assert_allclose(grads[name], wanted, rtol=1e-11, atol=1e-13, err_msg=name)


def test_the_net_is_evaluated_with_the_running_statistics_of_its_training():
    x, labels, params = network()
    bn_param = {"mode": "train", "momentum": 0.0}  # they are those of the last batch
    loss, _ = layers.network_loss(x, labels, params, bn_param)
    bn_param["mode"] = "test"
    assert layers.network_loss(x, labels, params, bn_param) == (pytest.approx(loss, rel=1e-13), None)


@pytest.mark.parametrize("bn_param", [None, {"mode": "train"}])
def test_training_the_net_lowers_its_loss(bn_param):
    x, labels, params = network(rows=30)
    before = {name: value.copy() for name, value in params.items()}
    trained, losses = layers.train_network(x, labels, params, bn_param, [np.arange(30)] * 100, 0.3)
    assert losses[-1] < 0.5 * losses[0]
    assert (trained["gamma"] == params["gamma"]).all() == (bn_param is None)
    for name, value in params.items():
        np.testing.assert_array_equal(value, before[name])


def lines_of_body(exercise):
    """The body of a reference function below its docstring."""
    lines = inspect.getsource(getattr(layers, exercise)).splitlines()
    docstring = ast.parse("\n".join(lines)).body[0].body[0]
    return lines[docstring.end_lineno :]


@pytest.mark.parametrize("exercise", EXERCISES)
def test_body_fits_on_a_slide(exercise):
    lines = lines_of_body(exercise)
    assert 1 <= len(lines) <= (20 if exercise in LONG else 12)
    assert max(map(len, lines)) <= 84


@pytest.mark.parametrize("exercise", EXERCISES)
def test_body_is_written_in_numpy_and_nothing_in_place(exercise):
    nodes = list(ast.walk(ast.parse(textwrap.dedent("\n".join(lines_of_body(exercise)).replace("return", "_ =")))))
    assert not [node for node in nodes if isinstance(node, ast.AugAssign)]
    assert "out" not in [node.arg for node in nodes if isinstance(node, ast.keyword)]
    stored = {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    given = inspect.signature(getattr(layers, exercise)).parameters.keys()
    loaded = {n.id for n in nodes if isinstance(n, ast.Name)} - stored - given
    assert loaded <= {"np", *EXERCISES, *HANDED, *dir(builtins)}
