"""Train nets by stochastic gradient descent, and compare ways to do it in pairs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np

from bn_helpers.checks import wrong_answers
from bn_helpers.nets import Net


@dataclass(frozen=True)
class History:
    """What a training run measured, in training mode: not to be compared with test mode.

    Attributes
    ----------
    train_mode_loss : ndarray of shape (steps,)
        Loss of each step's batch before its update, in nats; nan once the training has diverged.
    train_mode_accuracy : ndarray of shape (steps,)
        Accuracy on the same batches, from 0 to 1.
    """

    train_mode_loss: np.ndarray
    train_mode_accuracy: np.ndarray


@np.errstate(all="ignore")  # a training that diverges is a result, not a warning
def fit(
    net: Net,
    x: np.ndarray,
    y: np.ndarray,
    *,
    steps: int,
    lr: float,
    seed: int,
    batch_size: int = 64,
    rates: Mapping[str, float] | None = None,
    reshuffle: bool = True,
) -> History:
    """Train a net by stochastic gradient descent. This changes the net.

    Parameters
    ----------
    net : Net
    x : ndarray of shape (N, D) or (N, C, H, W)
    y : ndarray of shape (N,)
        The right class of each example, as an integer.
    steps : int
        Number of updates.
    lr : float
        Learning rate.
    seed : int
        The same seed gives the same batches in the same order, whatever the net.
    batch_size : int, default 64
        Examples a batch. What is left over at the end of an epoch is not used in that epoch.
    rates : mapping of str to float, optional
        By what the learning rate of a parameter is multiplied: ``{"b1": 0}`` leaves b1 as it is.
    reshuffle : bool, default True
        Whether each epoch has new batches; if not, it has those of the first.

    Returns
    -------
    history : History

    Raises
    ------
    ValueError
        If x, y and batch_size do not fit.
    """
    if len(x) != len(y) or not 0 < batch_size <= len(x):
        raise ValueError(f"x and y must have one length, at least batch_size: got {len(x)}, {len(y)} and {batch_size}")
    rates = rates or {}
    loss, batch_accuracy = np.empty(steps), np.empty(steps)
    net.parameters = {name: value.copy() for name, value in net.parameters.items()}  # other nets may share the arrays
    for step, rows in enumerate(_batches(len(x), batch_size, steps, reshuffle, seed)):
        loss[step], gradients = net.loss_and_gradients(x[rows], y[rows])
        batch_accuracy[step] = np.mean(net.values["logits"].argmax(axis=1) == y[rows])
        for name, parameter in net.parameters.items():  # in place: a fresh array a step costs more than the arithmetic
            parameter -= lr * rates.get(name, 1) * gradients[name]
    return History(loss, batch_accuracy)


@np.errstate(all="ignore")
def accuracy(net: Net, x: np.ndarray, y: np.ndarray) -> float:
    """Share of examples that a net classifies rightly in test mode.

    Parameters
    ----------
    net : Net
    x : ndarray of shape (N, D) or (N, C, H, W)
    y : ndarray of shape (N,)

    Returns
    -------
    accuracy : float
        From 0 to 1. A net that has diverged to nan names the first class every time, which is right by chance.
    """
    return float(np.mean(net.forward(x, "test").argmax(axis=1) == y))


def paired(run: Callable[..., np.ndarray], arms: Iterable, seeds: Iterable[int]) -> np.ndarray:
    """Run every arm of a comparison with every seed, and count along.

    Parameters
    ----------
    run : callable
        ``run(arm, seed)`` trains one net and returns a number or an array, of the same shape every time. The arms are
        paired where it hands the seed on to ``Net`` and to ``fit``: same initial weights, same batches.
    arms : iterable
        What is compared, for instance learning rates.
    seeds : iterable of int

    Returns
    -------
    results : ndarray of shape (arms, seeds, ...)

    Examples
    --------
    >>> def run(arm, seed):
    ...     return [arm + seed, arm * seed]
    >>> results = paired(run, arms=[1, 10], seeds=range(3))  # doctest: +ELLIPSIS, +NORMALIZE_WHITESPACE
    training 1 of 6 ... trained 6 networks
    >>> print(results.shape)
    (2, 3, 2)
    """
    arms, seeds = list(arms), list(seeds)
    total = len(arms) * len(seeds)
    results = []
    for arm, seed in product(arms, seeds):
        print(f"\rtraining {len(results) + 1} of {total}", end="", flush=True)
        results.append(run(arm, seed))
    print(f"\rtrained {total} network{'s' * (total != 1)}")  # longer than the lines that it overwrites
    return np.reshape(results, (len(arms), len(seeds), *np.shape(results[0])))


def claim(text: str, effects: np.ndarray, *, above: float = -np.inf, below: float = np.inf) -> None:
    """Say whether the median of an effect over the seeds lies between two limits, and what the median is.

    That it does is the same on every machine. The number may not be: the rules in `nbval.cfg` keep it out of the
    comparison. All numbers go along in the output's metadata, from which the build makes `solutions/README.md`.

    Parameters
    ----------
    text : str
        The direction in words, with the limit: ``"groups of 4: over 5 points gained"``.
    effects : array_like of shape (seeds,)
        The effect with each seed: where arms are paired, the difference of two arms seed by seed.
    above, below : float, optional
        The limits.

    Notes
    -----
    The margin is the distance from the median to the nearer limit, in widths of the band that holds the middle half
    of the seeds: negative where the claim does not hold, None where all seeds agree. In a cell that `ready` let draw
    with a wrong answer, nothing is shown: there is the number, and no yes or no.

    Examples
    --------
    >>> claim("over 5 points gained", [7.0, 9.0, 8.0, 10.0, 8.5], above=5)
    over 5 points gained: yes, 8.5
    """
    from IPython.display import display

    display(_Claim(text, np.asarray(effects, dtype=float), above, below))


class _Claim:
    """What a notebook displays of a claim: words that are compared, and numbers that are not."""

    def __init__(self, text: str, effects: np.ndarray, above: float, below: float) -> None:
        low, median, high = np.percentile(effects, [25, 50, 75])
        beyond, spread = min(median - above, below - median), high - low
        rounded = {"median": median, "low": low, "high": high, "margin": beyond / spread if spread > 0 else np.nan}
        holds = None if wrong_answers() else bool(beyond > 0)
        said = {None: "nothing shown", True: "yes", False: "no"}[holds]
        self.words = f"{text}: {said}, {float(f'{median:.3g}') + 0.0:g}"
        self.facts = {"text": text, "n": len(effects), "holds": holds}
        self.facts |= {name: float(f"{v:.3g}") if np.isfinite(v) else None for name, v in rounded.items()}

    def __repr__(self) -> str:
        return self.words

    def _repr_mimebundle_(self, **_: object) -> tuple[dict, dict]:
        return {"text/plain": self.words}, {"claim": self.facts}


def _batches(n: int, batch_size: int, steps: int, reshuffle: bool, seed: int) -> Iterator[np.ndarray]:
    """Rows of each step's batch, epoch after epoch."""
    rng = np.random.RandomState([seed, 0])  # not the stream that Net draws its weights from
    per_epoch = n // batch_size
    for step in range(steps):
        if step == 0 or (reshuffle and step % per_epoch == 0):
            order = rng.permutation(n)
        start = step % per_epoch * batch_size
        yield order[start : start + batch_size]
