"""Right answers in styles that the checks must accept: what learners write, not what the reference looks like.

`RIGHT[exercise][style]` holds the functions of one answer: the exercise's own, and where it is judged together
with another (a backward pass with the forward pass that made its cache), that one, too.
"""

from . import backward, convolution, normalization, regularization, scale_and_shift  # noqa: F401
from .entry import RIGHT

__all__ = ["RIGHT"]
