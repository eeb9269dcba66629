"""Mistakes that follow from others: what goes wrong for vectors goes wrong for images, what goes wrong in one form of
the backward pass in the other, and a wrong forward pass has a gradient of its own.

They are derived, not written down again. What cannot be told from an entry that is there is left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

import numpy as np

import bn_helpers.catalogue.backward
import bn_helpers.catalogue.scale_and_shift  # noqa: F401
from bn_helpers import layers
from bn_helpers.catalogue.convolution import to_images, to_rows
from bn_helpers.catalogue.entry import CATALOGUE, enter
from bn_helpers.exercises import EXERCISES

STEP = 1e-6  # of a standard deviation, for a central difference in extended precision

# From vectors to images: the same words, of channels.
WORDS = {
    r"\bN - 1": "one less than N * H * W",
    r"1/N\b": "1/(N * H * W)",
    r" / N\b": " / (N * H * W)",
    r"\bN\b(?! \* H)": "N * H * W",
    r"\bD\b": "C",
    r"\bfeature": "channel",
    r"\b(the|every|W) example": r"\1 element",
    r"\bone row an example": "one number an element",
    r"\bover the batch": "over the channel",
}
CASES = {"running_first": "running_many", "constant": "small", "two_rows": "small"}  # that images do not have


def by_rows(forward: Callable) -> Callable:
    """A forward pass for images, from one for vectors: every pixel is a row, with the channels as its features."""

    def images(x, gamma, beta, bn_param):
        returned = forward(to_rows(x), gamma, beta, bn_param)
        return returned and (to_images(returned[0], x.shape), returned[1])

    return images


def by_rows_backward(backward: Callable) -> Callable:
    """A backward pass for images, from one for vectors."""

    def images(dout, cache):
        dx, dgamma, dbeta = backward(to_rows(dout), cache)
        return to_images(dx, dout.shape), dgamma, dbeta

    return images


def passed_on(answer: Callable) -> Callable:
    """The same function with globals of its own, of which a check may hide one."""
    return lambda *arguments: answer(*arguments)


def derive(target: str, source: str, without: Iterable[str] = ()) -> None:
    """Enter for one exercise the mistakes of another that has the same formula; those that it has already are kept."""
    images = target.startswith("spatial") and not source.startswith("spatial")
    for mistake in list(CATALOGUE[source].values()):
        case = mistake.case if mistake.case in EXERCISES[target].weights else CASES.get(mistake.case)
        if case is None or mistake.id in CATALOGUE[target] or mistake.id in without:
            continue
        answer, message = passed_on(mistake.functions[source]), mistake.message
        uses = dict(zip(EXERCISES[target].uses, map(mistake.functions.get, EXERCISES[source].uses), strict=True))
        if images:
            answer = by_rows_backward(answer) if uses else by_rows(answer)
            uses = {name: by_rows(forward) for name, forward in uses.items()}
            message = _of_channels(message)
        enter(target, mistake.id, case, message, answer, uses)


def enter_gradients(target: str, source: str, forwards: Iterable[str]) -> None:
    """Enter backward passes that are right for a wrong forward pass, and for no other."""
    for id in forwards:
        mistake = CATALOGUE[source][id]
        message = f"your gradient fits your forward pass, and that is wrong: mend it first. There {mistake.message}"
        forward = remembering(mistake.functions[source])
        enter(target, f"forward_{id}", "large_eps", message, gradient, {EXERCISES[target].uses[0]: forward})


def enter_caches(target: str, forwards: Iterable[str]) -> None:
    """Enter backward passes that are right, but for what a wrong forward pass has put into the cache."""
    name, backward = EXERCISES[target].uses[0], passed_on(layers.batchnorm_backward)
    images = target.startswith("spatial")
    for id in forwards:
        mistake = CATALOGUE["batchnorm_forward"][id]
        forward, message = mistake.functions["batchnorm_forward"], mistake.message
        message = f"your backward pass is right, and the forward pass before it is wrong: mend that. There {message}"
        uses = {name: by_rows(forward) if images else forward}
        answer = by_rows_backward(backward) if images else backward
        case = "tiny_variance" if id == "eps_default" else "large_eps"
        enter(target, f"cache_{id}", case, _of_channels(message) if images else message, answer, uses)


def _of_channels(message: str) -> str:
    for old, new in WORDS.items():
        message = re.sub(old, new, message)
    return message


def remembering(forward: Callable) -> Callable:
    """A forward pass whose cache is its own function, with what it was called with."""

    def dressed(x, gamma, beta, bn_param):
        inputs = [np.array(value, np.longdouble) for value in (x, gamma, beta)]

        def output(*shifted):
            return forward(*shifted, dict(bn_param))[0]

        return forward(x, gamma, beta, bn_param)[0], (output, inputs)

    return dressed


def gradient(dout: np.ndarray, cache: tuple) -> tuple[np.ndarray, ...]:
    """The gradient of a forward pass that normalizes in a wrong way, by one central difference.

    What is normalized is itself a gradient, that of a function of the distances to a mean. Its Jacobian is symmetric,
    therefore, and dx is how x_hat changes where x moves along dx_hat.
    """
    output, (x, gamma, beta) = cache
    zeros, ones, units = np.zeros_like(gamma), np.ones_like(gamma), np.eye(len(gamma))
    anything = np.sin(np.arange(x.size, dtype=x.dtype)).reshape(x.shape)  # a batch to see the place of gamma with
    dx_hat = dout * output(anything, gamma, zeros) / output(anything, ones, zeros)
    step = STEP * np.sqrt(x.var(axis=0).mean() + 1e-5) / np.abs(dx_hat).max()
    ends = [output(x + sign * step * dx_hat, ones, zeros) for sign in (1, -1)]
    dx = (ends[0] - ends[1]) / (2 * step)
    without = output(x, zeros, beta), output(x, gamma, zeros)
    dgamma = [(dout * (output(x, unit, beta) - without[0])).sum() for unit in units]
    dbeta = [(dout * (output(x, gamma, unit) - without[1])).sum() for unit in units]
    return dx, np.array(dgamma), np.array(dbeta)


GRADIENTS = ("ddof", "eps_outside_root", "divides_by_variance", "whole_array", "shifts_before_scaling")
CACHES = (
    *("ddof", "eps_outside_root", "divides_by_variance", "whole_array", "not_centered", "second_moment"),
    *("mean_divided_twice", "no_eps", "eps_fixed", "eps_default"),
)
OF_IMAGES = ("reshape_only", "each_image", "each_example", "each_pixel")

derive(
    "spatial_batchnorm_forward",
    "batchnorm_forward",
    without=("axis_1", "cache_first", "in_place_in_test", "running_only_where_given", "test_updates_first"),
)
SAME = (  # under other names in the staged form and in the closed one
    *("dgamma_term_missing", "dbeta_term_missing", "dbeta_not_averaged", "dgamma_not_averaged", "ddof_in_dgamma_term"),
    *("extra_inv_std", "centered_for_x_hat", "dbeta_sign", "dgamma_sign", "averages_returned"),
    *("variance_path_missing", "mean_path_missing", "dvar_sign", "power_one", "variance_not_averaged"),
    *("mean_not_averaged", "dmean_sign", "x_hat_for_centered", "both_averaged"),
)
derive("batchnorm_backward", "batchnorm_backward_alt", without=SAME)
derive("batchnorm_backward_alt", "batchnorm_backward", without=(*SAME, "parameters_along_features"))
derive(
    "spatial_batchnorm_backward",
    "batchnorm_backward",
    without=(
        *("variance_path_missing", "mean_path_missing", "neither_averaged", "both_averaged", "both_signs"),
        *("dx_last", "axis_1", "parameters_along_features", "in_place_first"),
    ),
)
enter_gradients("batchnorm_backward", "batchnorm_forward", GRADIENTS)
enter_gradients("batchnorm_backward_alt", "batchnorm_forward", GRADIENTS)
enter_gradients("spatial_batchnorm_backward", "spatial_batchnorm_forward", (*GRADIENTS, *OF_IMAGES))
for target in ("batchnorm_backward", "batchnorm_backward_alt", "spatial_batchnorm_backward"):
    enter_caches(target, CACHES)
