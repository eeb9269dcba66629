import os
import subprocess
import sys

import numpy as np
import pytest

from bn_helpers import layers
from bn_helpers.nets import Net, convolution_backward, convolution_forward, softmax_cross_entropy

NORM = (layers.batchnorm_forward, layers.batchnorm_backward)
SPATIAL = (layers.spatial_batchnorm_forward, layers.spatial_batchnorm_backward)
IMAGE = (2, 5, 4)
MLP, CONVNET = [6, 5, 4, 3], [IMAGE, 3, 4, 3]
BLOCKS = [
    "linear tanh",
    "linear sigmoid",
    "linear relu",
    "linear norm tanh",
    "linear relu norm",
    "norm linear sigmoid",
    "linear norm relu dropout",
    "linear dropout norm tanh",
    "convolution relu",
    "convolution norm relu",
    "convolution tanh norm dropout",
]


def build(block, seed=1):
    sizes, norm = (CONVNET, SPATIAL) if "convolution" in block else (MLP, NORM)
    return Net(sizes, block, norm=norm, dropout=0.3, seed=seed)


def batch(net_or_block):
    rng = np.random.RandomState(5)
    shape = IMAGE if "convolution" in net_or_block else MLP[:1]
    return rng.standard_normal((7, *shape)), rng.randint(3, size=7)


def slope(loss, x, direction):
    """Directional derivative by complex step, exact to rounding."""
    return loss(x + 1e-50j * direction).imag / 1e-50


@pytest.mark.parametrize("block", BLOCKS)
def test_gradients_of_parameters_are_the_derivatives_of_the_loss(block):
    x, labels = batch(block)
    rng = np.random.RandomState(2)
    start = {name: value + 0.3 * rng.standard_normal(value.shape) for name, value in build(block).parameters.items()}

    def loss_at(changed):
        net = build(block)  # anew, so that dropout draws the same masks
        net.parameters = start | changed
        return net.loss_and_gradients(x + 0j, labels)  # complex from the start, since layers may write in place

    _, gradients = loss_at({})
    for name, value in start.items():
        direction = rng.standard_normal(value.shape)
        want = slope(lambda moved, name=name: loss_at({name: moved})[0], value, direction)
        assert gradients[name].shape == value.shape
        np.testing.assert_allclose(np.sum(gradients[name] * direction), want, rtol=1e-10, atol=1e-14, err_msg=name)


@pytest.mark.parametrize("block", BLOCKS)
def test_gradients_of_values_are_the_derivatives_of_the_loss(block):
    x, labels = batch(block)
    rng = np.random.RandomState(2)
    _, gradients = build(block).loss_and_gradients(x, labels)
    for position, name in enumerate(operation.name for operation in build(block).operations):
        direction = rng.standard_normal(gradients[name].shape)

        def loss_beside(move, position=position):
            net = build(block)
            operation = net.operations[position]

            def forward(*arguments):
                out, cache = operation.forward(*arguments)
                return out + move, cache

            net.operations[position] = operation._replace(forward=forward)
            return softmax_cross_entropy(net.forward(x, "train"), labels)[0]

        want = slope(loss_beside, 0, direction)
        np.testing.assert_allclose(np.sum(gradients[name] * direction), want, rtol=1e-10, atol=1e-14, err_msg=name)


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (5, 4), (6, 6)])
def test_convolution_is_a_linear_map_of_every_second_neighbourhood(size):
    rng = np.random.RandomState(0)
    x, w, b = rng.standard_normal((2, 3, *size)), rng.standard_normal((27, 4)), rng.standard_normal(4)
    out, cache = convolution_forward(x, w, b)
    want = np.empty((2, 4, (size[0] + 1) // 2, (size[1] + 1) // 2))
    for n, k, i, j in np.ndindex(want.shape):
        want[n, k, i, j] = b[k]
        for c, di, dj in np.ndindex(3, 3, 3):
            row, column = 2 * i + di - 1, 2 * j + dj - 1
            if 0 <= row < size[0] and 0 <= column < size[1]:
                want[n, k, i, j] += x[n, c, row, column] * w[9 * c + 3 * di + dj, k]
    np.testing.assert_allclose(out, want, rtol=0, atol=1e-12)
    dx, _, _ = convolution_backward(np.ones_like(out), cache)
    assert dx.shape == x.shape


def test_convolution_refuses_rows_of_pixels():
    with pytest.raises(ValueError, match=r"x must have shape \(N, 1, H, W\).*got \(2, 784\)"):
        Net([(1, 28, 28), 8, 10], "convolution relu", seed=0).forward(np.zeros((2, 784)))


def test_the_functions_that_were_handed_in_do_the_normalizing():
    calls = []

    def forward(x, gamma, beta, bn_param):
        calls.append((bn_param["mode"], x.shape))
        return 7 * x, "mine"

    def backward(dout, cache):
        calls.append(cache)
        return 7 * dout, np.zeros(dout.shape[1]), np.zeros(dout.shape[1])

    net = Net([6, 5, 3], "linear norm relu", norm=(forward, backward), seed=0)
    x, labels = batch("linear")
    net.loss_and_gradients(x, labels)
    assert calls == [("train", (7, 5)), "mine"]
    np.testing.assert_array_equal(net.values["norm1"], 7 * net.values["linear1"])


def test_a_net_that_is_not_trained_needs_no_backward():
    net = Net(MLP, "linear norm tanh", norm=(layers.batchnorm_forward, None), seed=0)
    assert net.forward(batch("linear")[0], "train").shape == (7, 3)


def test_only_training_mode_updates_running_statistics_and_drops_values():
    net = Net([6, 50, 3], "linear norm dropout relu", norm=NORM, dropout=0.3, seed=0)
    x, _ = batch("linear")
    net.forward(x)
    assert set(net.states["norm1"]) == {"mode"}
    np.testing.assert_array_equal(net.values["dropout1"], net.values["norm1"])
    net.forward(x, "train")
    np.testing.assert_allclose(net.states["norm1"]["running_mean"], 0.1 * net.values["linear1"].mean(axis=0))
    kept = net.values["dropout1"] != 0
    assert 0.6 < kept.mean() < 0.8
    np.testing.assert_allclose(net.values["dropout1"][kept], net.values["norm1"][kept] / 0.7)


def test_dropout_draws_anew_at_every_step_and_differently_in_every_block():
    net = Net([6, 50, 50, 3], "linear dropout", dropout=0.5, seed=0)
    x, _ = batch("linear")
    masks = []
    for _ in range(2):
        net.forward(x, "train")
        masks += [net.values["dropout1"] != 0, net.values["dropout2"] != 0]
    assert all((a != b).any() for i, a in enumerate(masks) for b in masks[:i])


def test_equal_seeds_give_equal_weights_in_every_arm():
    arms = [Net(MLP, block, norm=NORM, seed=3) for block in ("linear relu", "linear norm relu dropout", "linear tanh")]
    for arm in arms[1:]:
        for name in ("w1", "w2", "w3"):
            np.testing.assert_array_equal(arm.parameters[name], arms[0].parameters[name])
    assert (Net(MLP, "linear relu", seed=4).parameters["w1"] != arms[0].parameters["w1"]).all()


@pytest.mark.parametrize(("std", "want"), [(0.01, 0.01), ("he", np.sqrt(2 / 400)), ("xavier", np.sqrt(1 / 400))])
def test_std_is_that_of_the_initial_weights(std, want):
    w = Net([400, 300, 10], "linear relu", std=std, seed=0).parameters["w1"]
    assert abs(w.std() / want - 1) < 0.02


def test_a_neighbourhood_of_every_channel_counts_as_input_of_a_convolution():
    w = Net([(50, 8, 8), 200, 10], "convolution relu", std="he", seed=0).parameters["w1"]
    assert abs(w.std() / np.sqrt(2 / 450) - 1) < 0.02


def test_a_bias_before_the_norm_is_dead():
    x, labels = batch("linear")
    dead, alive = (build(block).loss_and_gradients(x, labels)[1]["b1"] for block in ("linear norm tanh", "linear tanh"))
    assert np.abs(dead).max() < 1e-12 * np.abs(alive).max()


def test_the_loss_is_finite_where_exp_would_overflow():
    loss, dlogits = softmax_cross_entropy(np.array([[1e4, 0.0]]), np.array([1]))
    assert loss == 1e4
    np.testing.assert_array_equal(dlogits, [[1, -1]])


@pytest.mark.parametrize(
    ("sizes", "block", "message"),
    [
        (MLP, "linear batchnorm relu", "got 'batchnorm'"),
        (MLP, "linear norm relu", "needs norm="),
        (MLP, "relu", "has one of linear and convolution"),
        (MLP, "linear relu linear", "has one of linear and convolution"),
        (MLP, "linear relu relu", "no word twice"),
        (MLP, "convolution relu", r"shape \(C, H, W\) of an image, got \[6\]"),
    ],
)
def test_a_block_that_makes_no_sense_is_refused(sizes, block, message):
    with pytest.raises(ValueError, match=message):
        Net(sizes, block, seed=0)


def test_an_unknown_initialization_is_refused():
    with pytest.raises(ValueError, match="one of he, xavier; got 'lecun'"):
        Net(MLP, "linear relu", std="lecun", seed=0)


def test_matrix_products_run_on_one_thread_in_whatever_imports_nets():
    program = "import bn_helpers.nets, threadpoolctl as t\n"
    program += "print({pool['num_threads'] for pool in t.threadpool_info() if pool['user_api'] == 'blas'})"
    two = os.environ | {"OPENBLAS_NUM_THREADS": "2"}
    done = subprocess.run([sys.executable, "-c", program], env=two, capture_output=True, text=True, check=True)
    assert done.stdout == "{1}\n"
