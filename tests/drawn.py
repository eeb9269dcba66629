"""Cases for many seeds, drawn once and shared by all tests."""

from __future__ import annotations

from functools import cache

import numpy as np

from bn_helpers.exercises import draw_cases
from bn_helpers.outcomes import Case

FEW, MANY = range(10), range(100)


@cache
def drawn(exercise: str, seed: int) -> tuple[Case, ...]:
    """The cases of an exercise, as a grader would draw them."""
    return draw_cases(exercise, np.random.RandomState(seed))
