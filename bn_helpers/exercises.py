"""The manifest: every fact about the exercises, notebooks and quizzes, and the only place that holds them.

An exercise's id is the name of its function and the grade id of its answer cell. Points follow one rule:
half for being right on the case `easy`, the other half shared by the remaining cases in proportion to their weights. A
case of weight 0 is a property (an input left unchanged, say): it never earns points, and costs a tenth of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

EASY = "easy"

# What a case is about, and what to look at where it fails. The same words serve every exercise that has the case.
CASES = {
    "easy": ("a hundred examples, within 2 %", "Compare your code with the formula, one symbol at a time."),
    "small": ("a few examples: no factor can hide", "Look at the number you divide by, and at the place of eps."),
    "square": ("as many examples as features", "Look at the axes: along which one does each vector run?"),
    "constant": ("a feature that never changes", "Its variance is 0. What keeps the division finite?"),
    "large_mean": ("a mean of 100 million", "Subtract the mean before you square: large squares lose digits."),
    "one_row": ("a batch of one", "One example is its own mean, and its variance is 0."),
    "two_rows": ("a batch of two", "Two examples leave almost no gradient: eps alone lets a little pass."),
    "own_cache": ("two layers, one after the other", "Take what you need from the cache that you are given."),
    "integer": ("integers", "Convert integers to float before you compute in place."),
    "float32": ("float32", "The result has to stay a float, and precise to five digits."),
    "unchanged": ("your inputs stay as they are", "Operators like -= change the caller's array: make a new one."),
    "tiny_variance": ("a variance as small as eps", "Here eps counts: check its value and whether the root covers it."),
    "large_eps": ("eps = 1.5", "eps is an argument: use the one you are given, in every place where it belongs."),
    "normalized": ("with a norm", "The norm stands after the linear map and before the nonlinearity, in every layer."),
    "widths": ("layers of different widths", "Each layer takes in what the one before puts out."),
    "relu": ("ReLU and another norm", "Use the nonlinearity and the norm you are given; their order matters."),
    "negative": ("values far below zero", "tanh saturates at -1 as well as at 1."),
    "threshold": ("another threshold", "The threshold is an argument: use the one you are given."),
    "boundary": ("values exactly at the threshold", "Above means above: a value at the threshold does not count."),
    "vector": ("a plain vector", "z may have any shape; the share is taken over all its elements."),
    "running_first": ("one training step", "momentum is the fraction kept; the variance is the biased one."),
    "running_many": ("three training steps", "Each step starts from what the step before has written into bn_param."),
    "running_default": ("running statistics not given", "Where bn_param does not say: zeros, and momentum = 0.9."),
    "running_own": ("two layers side by side", "Each bn_param has its own running statistics: share nothing."),
    "test_mode": ("evaluation", "Evaluation uses the running statistics, with eps, and not the batch's own."),
    "test_one_row": ("evaluation of one example", "In evaluation an example's output depends on no other example."),
    "test_one_image": ("evaluation of one image", "In evaluation an image's output depends on no other image."),
    "test_keeps_running": ("evaluation changes nothing", "Only training writes the running statistics."),
    "train_then_test": ("three training steps, then evaluation", "What training has written is what evaluation reads."),
    "bad_mode": ("an unknown mode", "Anything but 'train' and 'test' has to raise a ValueError."),
    "one_image": ("a single image", "One image still has H * W elements a channel."),
    "one_companion": ("batches of two", "The batch has M + 1 rows: the example counts among them."),
    "whole_batch": ("one group that is the whole batch", "With ghost_size = N this is ordinary batch normalization."),
    "groups_of_one": ("groups of one", "A group of one gives beta: nothing is left of the example."),
    "uneven": ("a size that does not divide N", "Raise a ValueError instead of leaving rows over."),
}  # fmt: skip


@dataclass(frozen=True)
class Notebook:
    """One notebook: `minutes` of work, and `handed`, the functions that `bn_helpers.layers` holds for it in a class."""

    name: str
    title: str
    minutes: int
    handed: tuple[str, ...] = ()

    @property
    def number(self) -> int:
        return int(self.name[:2])


@dataclass(frozen=True)
class Exercise:
    """One exercise. `weights` maps the id of each case to its weight; `uses` names answers handed to its check."""

    id: str
    notebook: str
    title: str
    points: int
    minutes: int
    difficulty: int  # 1 routine, 2 takes thought, 3 takes paper
    trap: str
    returns: tuple[str, ...]
    weights: dict[str, int]
    uses: tuple[str, ...] = ()

    def score(self, passed: Mapping[str, bool]) -> float:
        """Points for the cases that passed: half for `easy`, the rest by weight, a tenth off for each lost property."""
        if not passed.get(EASY, False):
            return 0.0
        total = sum(self.weights.values())
        earned = sum(weight for case, weight in self.weights.items() if passed.get(case, False))
        lost = sum(weight == 0 and not passed.get(case, False) for case, weight in self.weights.items())
        return self.points * max(0.0, 0.5 + 0.5 * earned / total - 0.1 * lost)

    @property
    def number(self) -> str:
        """Number as shown to a learner: "2.3" is the third exercise of notebook 2."""
        siblings = [e.id for e in EXERCISES.values() if e.notebook == self.notebook]
        return f"{int(self.notebook[:2])}.{siblings.index(self.id) + 1}"


@dataclass(frozen=True)
class Quiz:
    """A multiple-choice prediction, answered by a letter in a code cell and measured by the cell after it."""

    id: str
    notebook: str
    points: int = 1


NOTEBOOKS = {
    notebook.name: notebook
    for notebook in (
        Notebook("01_normalization", "Normalization", 50),
        Notebook("02_scale_and_shift", "Scale and shift", 90),
        Notebook("03_backward", "The backward pass", 90),
        Notebook(
            "04_convolution", "Batch normalization for convolutions", 60, ("batchnorm_forward", "batchnorm_backward")
        ),
        Notebook("05_regularization", "Regularization", 45, ("batchnorm_forward", "batchnorm_backward", "normalize")),
    )
}

EXERCISES = {
    exercise.id: exercise
    for exercise in (
        Exercise(
            "batch_statistics", "01_normalization", "Mean and variance of a batch", 3, 5, 1,
            "The variance divides by N, not by N - 1.",
            ("mean", "var"),
            {"easy": 0, "small": 3, "square": 2, "constant": 1, "large_mean": 1, "one_row": 1, "integer": 1,
             "float32": 1, "unchanged": 0},
        ),
        Exercise(
            "normalize", "01_normalization", "Normalize a batch", 6, 10, 1,
            "eps belongs under the root, next to the variance.",
            ("x_hat",),
            {"easy": 0, "small": 3, "square": 2, "tiny_variance": 2, "constant": 1, "large_mean": 2, "one_row": 1,
             "integer": 1, "float32": 1, "unchanged": 0},
        ),
        Exercise(
            "layer_outputs", "01_normalization", "Normalization inside a deep net", 4, 10, 2,
            "Normalize between the linear map and the nonlinearity, in every layer.",
            ("outputs",),
            {"easy": 0, "normalized": 3, "widths": 1, "relu": 2, "unchanged": 0},
        ),
        Exercise(
            "scale_and_shift", "02_scale_and_shift", "Scale and shift", 3, 5, 1,
            "gamma and beta have one entry a feature, not one an example.",
            ("out",),
            {"easy": 0, "square": 3, "one_row": 1, "float32": 1, "unchanged": 0},
        ),
        Exercise(
            "identity_parameters", "02_scale_and_shift", "The parameters that undo the normalization", 5, 10, 2,
            "gamma is a standard deviation, and eps is part of it.",
            ("gamma", "beta"),
            {"easy": 0, "large_eps": 3, "tiny_variance": 2, "square": 2, "constant": 1, "large_mean": 1,
             "integer": 1, "float32": 1, "unchanged": 0},
        ),
        Exercise(
            "saturated_fraction", "02_scale_and_shift", "How much of tanh is saturated", 3, 5, 1,
            "Saturation has two sides: the threshold is for the absolute value.",
            ("fraction",),
            {"easy": 0, "negative": 2, "threshold": 2, "boundary": 1, "vector": 1, "unchanged": 0},
        ),
        Exercise(
            "batchnorm_forward", "02_scale_and_shift", "The whole layer", 12, 25, 3,
            "momentum is the fraction of the running statistics that is kept.",
            ("out",),
            {"easy": 0, "small": 3, "square": 1, "tiny_variance": 1, "constant": 1, "large_mean": 1, "running_first": 2,
             "running_many": 3, "running_default": 1, "running_own": 1, "test_mode": 3, "test_one_row": 2,
             "test_keeps_running": 1, "train_then_test": 2, "bad_mode": 1, "one_row": 1, "float32": 1, "unchanged": 0},
        ),
        Exercise(
            "fold_into_linear", "02_scale_and_shift", "Fold the layer into the one before it", 5, 15, 2,
            "Each column of w belongs to one feature, so each column has its own factor.",
            ("w_folded", "b_folded"),
            {"easy": 0, "square": 3, "large_eps": 2, "tiny_variance": 1, "float32": 1, "unchanged": 0},
        ),
        Exercise(
            "scale_and_shift_backward", "03_backward", "Backward through scale and shift", 4, 10, 1,
            "gamma and beta act on every example, so their gradients are sums over the batch.",
            ("dx_hat", "dgamma", "dbeta"),
            {"easy": 0, "square": 3, "one_row": 1, "float32": 1, "unchanged": 0},
        ),
        Exercise(
            "frozen_backward", "03_backward", "Backward when the statistics are constants", 4, 10, 1,
            "With fixed statistics each example stands alone.",
            ("dx",),
            {"easy": 0, "square": 3, "large_eps": 2, "tiny_variance": 1, "float32": 1, "unchanged": 0},
        ),
        Exercise(
            "batchnorm_backward", "03_backward", "Backward through the graph", 12, 30, 3,
            "x enters three times: directly, through the mean and through the variance.",
            ("dx", "dgamma", "dbeta"),
            {"easy": 0, "small": 4, "square": 2, "large_eps": 2, "tiny_variance": 2, "constant": 1, "large_mean": 1,
             "two_rows": 1, "own_cache": 1, "float32": 1, "unchanged": 0},
            ("batchnorm_forward",),
        ),
        Exercise(
            "batchnorm_backward_alt", "03_backward", "Backward in closed form", 8, 25, 3,
            "Derive it: what is left of dx_hat once two projections are taken away?",
            ("dx", "dgamma", "dbeta"),
            {"easy": 0, "small": 4, "square": 2, "large_eps": 2, "tiny_variance": 2, "constant": 1, "large_mean": 1,
             "two_rows": 1, "own_cache": 1, "float32": 1, "unchanged": 0},
            ("batchnorm_forward",),
        ),
        Exercise(
            "channel_statistics", "04_convolution", "Mean and variance of a channel", 4, 8, 1,
            "One mean a channel: every axis but the channel's is averaged over.",
            ("mean", "var"),
            {"easy": 0, "small": 3, "square": 3, "constant": 1, "large_mean": 1, "one_image": 1, "integer": 1,
             "float32": 1, "unchanged": 0},
        ),
        Exercise(
            "spatial_batchnorm_forward", "04_convolution", "The layer for images", 8, 15, 2,
            "A reshape alone does not move the channel axis.",
            ("out",),
            {"easy": 0, "small": 3, "square": 3, "tiny_variance": 1, "large_mean": 1, "running_many": 2,
             "running_default": 1, "test_mode": 2, "test_one_image": 1, "test_keeps_running": 1, "bad_mode": 1,
             "float32": 1, "unchanged": 0},
        ),
        Exercise(
            "spatial_batchnorm_backward", "04_convolution", "Backward for images", 6, 15, 2,
            "A channel has N * H * W elements, and its gradients sum over all of them.",
            ("dx", "dgamma", "dbeta"),
            {"easy": 0, "small": 3, "square": 3, "large_eps": 1, "tiny_variance": 1, "large_mean": 1,
             "own_cache": 1, "float32": 1, "unchanged": 0},
            ("spatial_batchnorm_forward",),
        ),
        Exercise(
            "outputs_across_batches", "05_regularization", "One example in many batches", 4, 10, 2,
            "The example is one row of the batch that normalizes it.",
            ("outputs",),
            {"easy": 0, "small": 3, "square": 2, "one_companion": 1, "large_eps": 1, "float32": 1, "unchanged": 0},
        ),
        Exercise(
            "ghost_batchnorm_forward", "05_regularization", "Ghost batches", 4, 10, 2,
            "Each group has its own mean and variance.",
            ("out",),
            {"easy": 0, "small": 3, "square": 2, "whole_batch": 1, "groups_of_one": 1, "large_eps": 1, "uneven": 1,
             "float32": 1, "unchanged": 0},
        ),
    )
}  # fmt: skip

QUIZZES = {f"quiz_{notebook.number}": Quiz(f"quiz_{notebook.number}", name) for name, notebook in NOTEBOOKS.items()}
