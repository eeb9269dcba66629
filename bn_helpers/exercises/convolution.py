"""The exercises of notebook 4, and their cases: those of notebooks 1 to 3, for images."""

from __future__ import annotations

from functools import partial

from bn_helpers.exercises import backward, normalization, scale_and_shift
from bn_helpers.exercises.task import EVALUATION, Exercise, Notebook

NOTEBOOK = Notebook(
    "04_convolution", "Batch normalization for convolutions", 60, ("batchnorm_forward", "batchnorm_backward")
)
IMAGES = {"easy": (5, 3, 4, 5), "small": (2, 5, 3, 4), "square": (3, 3, 3, 3), "one_image": (1, 2, 2, 3)}
CASES = {
    "one_image": ("a single image", "One image still has H * W elements a channel."),
    "test_one_image": ("evaluation of one image", "In evaluation an image's output depends on no other image."),
}  # fmt: skip

EXERCISES = (
    Exercise(
        "channel_statistics", "Mean and variance of a channel", 4, 8, 1,
        "One mean a channel: every axis but the channel's is averaged over.",
        ("mean", "var"),
        {"easy": 0, "small": 3, "square": 3, "constant": 1, "large_mean": 1, "one_image": 1, "integer": 1,
         "float32": 1, "unchanged": 0},
        partial(normalization.statistics, shapes=IMAGES),
        point=("small",),
    ),
    Exercise(
        "spatial_batchnorm_forward", "The layer for images", 7, 15, 2,
        "A reshape alone does not move the channel axis.",
        ("out",),
        {"easy": 0, "small": 3, "square": 3, "tiny_variance": 1, "large_mean": 1, "running_many": 2,
         "running_default": 1, "evaluation": 2, "test_mode": 1, "test_default": 1, "test_one_image": 1,
         "test_keeps_running": 1, "bad_mode": 1,
         "float32": 1, "unchanged": 0},
        partial(scale_and_shift.forward, shapes=IMAGES | {"evaluation": (5, 2, 2, 3), "test_one_image": (1, 3, 2, 2)}),
        point=(EVALUATION,),
    ),
    Exercise(
        "spatial_batchnorm_backward", "Backward for images", 5, 15, 2,
        "A channel has N * H * W elements, and its gradients sum over all of them.",
        ("dx", "dgamma", "dbeta"),
        {"easy": 0, "small": 3, "square": 3, "large_eps": 1, "tiny_variance": 1, "large_mean": 1,
         "own_cache": 1, "float32": 1, "unchanged": 0},
        partial(backward.backward, shapes=IMAGES),
        ("spatial_batchnorm_forward",),
        shares=backward.SHARES,
        point=("small", "large_eps"),
    ),
)  # fmt: skip
