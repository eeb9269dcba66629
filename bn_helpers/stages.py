"""The backward pass, stage by stage: one small batch to work on, and a check that finds the first wrong stage.

A stage is a gradient that a backward function keeps in a variable of the expected name. The check reads these variables
when the function ends, so a function that is half written can be checked as far as it goes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import NamedTuple

import numpy as np

from bn_helpers.judging import table
from bn_helpers.oracles import complex_step, difference

STAGES = ("dx_hat", "dinv_std", "dvar", "dcentered", "dmean", "dx")  # in the order of the backward pass
TOLERANCE = 1e-9
FACTORS = {"-1": -1.0, "2": 2.0, "-2": -2.0, "1/2": 0.5, "-1/2": -0.5}


class StageBatch(NamedTuple):
    """What the stages start from: x and dout of shape (N, D), gamma and beta of shape (D,), and eps."""

    x: np.ndarray
    gamma: np.ndarray
    beta: np.ndarray
    eps: float
    dout: np.ndarray


def stage_batch() -> StageBatch:
    """Five examples of three features, with odd numbers everywhere, so that no zero and no one hides a slip."""
    rng = np.random.RandomState(6)
    x, dout = np.round(2 * rng.standard_normal((2, 5, 3)), 1)
    return StageBatch(x, np.array([1.5, -0.7, 2.2]), np.array([0.3, 1.1, -0.4]), 0.1, dout)


def stage_values(backward: Callable, dout: np.ndarray, cache: object) -> tuple[dict[str, np.ndarray], Exception | None]:
    """Run a backward function, and read the stages from its local variables.

    Parameters
    ----------
    backward : callable
        ``backward(dout, cache)``; it may be unfinished.
    dout : ndarray of shape (N, D)
        Gradient of the loss with respect to the output.
    cache : object
        What the forward function that belongs to it kept.

    Returns
    -------
    values : dict of str to ndarray
        Those of ``STAGES`` that the function has computed; what it returns first is ``dx``, whatever its name.
    error : Exception or None
        What ended the function early.

    Examples
    --------
    >>> def backward(dout, cache):
    ...     dx_hat = dout * cache["gamma"]
    ...     raise NotImplementedError
    >>> values, error = stage_values(backward, np.ones(2), {"gamma": 3.0})
    >>> print(values["dx_hat"], type(error).__name__)
    [3. 3.] NotImplementedError
    """
    found: dict = {}
    code = getattr(backward, "__code__", None)

    def keep(frame: FrameType, event: str, _: object) -> None:
        if event == "return" and frame.f_code is code:
            found.update(frame.f_locals)

    before, error = sys.getprofile(), None
    sys.setprofile(keep)
    try:
        returned = backward(dout, cache)
    except Exception as stopped:
        error = stopped
    else:
        if isinstance(returned, tuple) and returned:
            found["dx"] = returned[0]
    finally:
        sys.setprofile(before)
    return {name: found[name] for name in STAGES if found.get(name) is not None}, error


def check_stages(backward: Callable, forward: Callable) -> None:
    """Compare each stage of a backward function with a complex-step derivative, and say which is the first wrong one.

    Prints a line a stage. It raises nothing, whatever the function does: stages are steps on the way, not answers.

    Parameters
    ----------
    backward : callable
        ``backward(dout, cache)``, finished or not. Its stages are its variables dx_hat, dinv_std, dvar, dcentered
        (centered is x - mean), dmean and dx: each the gradient of sum(dout * out) with respect to that node of the
        graph, along all paths on from it.
    forward : callable
        ``forward(x, gamma, beta, bn_param)``, which makes the cache.
    """
    batch = stage_batch()
    _, cache = forward(batch.x, batch.gamma, batch.beta, {"mode": "train", "eps": batch.eps})
    values, error = stage_values(backward, batch.dout, cache)
    wanted = _gradients(batch)
    right = {name: _matches(value, wanted[name]) for name, value in values.items()}
    for name in STAGES:
        if right.get(name):
            print(f"  pass  {name}")
        elif right.get("dx"):
            why = "not the whole gradient" if name in values else "no such variable"
            print(f"  ....  {name}: {why}, but dx is right")
        elif name not in values:
            print(f"  ....  {name}: not there yet")
        else:
            print(f"  FAIL  {name} is the first wrong stage{_difference(values[name], wanted[name])}")
            break
    if error is not None and not isinstance(error, NotImplementedError):
        print(f"  stopped by {type(error).__name__}: {error}")


def _matches(got: object, wanted: np.ndarray) -> bool:
    got = np.asarray(got)
    return got.shape == wanted.shape and got.dtype.kind in "fiu" and difference(got, wanted) <= TOLERANCE


def _difference(got: object, wanted: np.ndarray) -> str:
    """Words for what is wrong: the shape, a constant factor, or the numbers."""
    got = np.asarray(got)
    if got.shape != wanted.shape:
        return f": its shape is {got.shape}, wanted {wanted.shape}"
    if got.dtype.kind not in "fiu":
        return f": it holds {got.dtype}, wanted real numbers"
    n, largest = len(stage_batch().x), float(np.max(np.abs(wanted)))
    factors = {**FACTORS, "N": n, "1/N": 1 / n, "-N": -n, "-1/N": -1 / n, "(N - 1)/N": (n - 1) / n}
    names = [name for name, factor in factors.items() if difference(got, factor * wanted, largest) <= TOLERANCE]
    return (f": it is {names[0]} times what is wanted" if names else "") + f"\n{table(wanted, got)}"


def _gradients(batch: StageBatch) -> dict[str, np.ndarray]:
    """The right value of each stage: from a node's value and the rest of the forward pass, from that node to out."""
    x, gamma, beta, eps, dout = batch
    mean = x.mean(axis=0)
    centered = x - mean
    var = np.square(centered).mean(axis=0)
    inv_std = (var + eps) ** -0.5

    def from_centered(node: np.ndarray) -> np.ndarray:
        return gamma * node * ((node**2).mean(axis=0) + eps) ** -0.5 + beta

    onward = {
        "dx_hat": (lambda node: gamma * node + beta, centered * inv_std),
        "dinv_std": (lambda node: gamma * centered * node + beta, inv_std),
        "dvar": (lambda node: gamma * centered * (node + eps) ** -0.5 + beta, var),
        "dcentered": (from_centered, centered),
        "dmean": (lambda node: from_centered(x - node), mean),
        "dx": (lambda node: from_centered(node - node.mean(axis=0)), x),
    }
    return {name: complex_step(function, value, dout) for name, (function, value) in onward.items()}
