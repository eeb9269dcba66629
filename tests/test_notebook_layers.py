"""The layers that a notebook writes for its experiments: their backward passes are the gradients of their outputs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bn_helpers import layers
from bn_helpers.course.sources import read

SOLUTIONS = Path(__file__).parents[1] / "solutions"
ROWS, IMAGES = (12, 3), (4, 3, 2, 2)


def pair(notebook, cell, name, *arguments):
    """The forward and backward function that a cell defines, or that a function of it makes, on the course's layers."""
    names = dict(vars(layers))
    (text,) = (found.text for found in read(SOLUTIONS / f"{notebook}.py") if found.id == cell)
    exec(text, names)
    return names[name](*arguments) if arguments else (names[f"{name}_forward"], names[f"{name}_backward"])


LAYERS = {
    "by pixel": (IMAGES, "04_convolution", "other-layers", "per_pixel"),
    "instance": (IMAGES, "04_convolution", "other-layers", "instance"),
    "ghost": (ROWS, "05_regularization", "ghost-layer", "ghost_layer", 4),
    "drawn noise": (ROWS, "05_regularization", "noise-layer", "noise_layer", 4, 0),
    "noisy": (ROWS, "05_regularization", "shift-layers", "noisy", 0),
}


@pytest.mark.parametrize("name", LAYERS)
def test_backward_is_the_gradient_of_forward(name):
    shape, *where = LAYERS[name]
    rng = np.random.RandomState(0)
    x, dout, step = rng.standard_normal((3, *shape))
    parameters, moves = rng.standard_normal((2, 2, 3))  # gamma and beta, and a step of each
    running = {"running_mean": np.full(3, 0.3), "running_var": np.full(3, 1.7)} if name == "drawn noise" else {}

    def run(h):
        forward, backward = pair(*where)  # afresh: a layer that draws numbers draws the same ones
        state = {"mode": "train"} | running
        out, cache = forward(x + h * step, *(parameters + h * moves), state)
        return np.sum(out * dout), backward, cache

    _, backward, cache = run(0.0)
    dx, dgamma, dbeta = backward(dout, cache)
    assert dx.shape == x.shape
    measured = (run(1e-5)[0] - run(-1e-5)[0]) / 2e-5
    assert np.sum(dx * step) + np.sum([dgamma, dbeta] * moves) == pytest.approx(measured, rel=1e-5)
