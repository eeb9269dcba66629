"""How a right answer is entered."""

from __future__ import annotations

from collections.abc import Callable

from bn_helpers import layers
from bn_helpers.exercises import EXERCISES

RIGHT: dict[str, dict[str, dict[str, Callable]]] = {exercise: {} for exercise in EXERCISES}


def right(exercise: str, style: str, **uses: Callable) -> Callable[[Callable], Callable]:
    """Enter a right answer."""

    def enter(answer: Callable) -> Callable:
        assert style not in RIGHT[exercise]
        reference = {name: getattr(layers, name) for name in EXERCISES[exercise].uses}
        RIGHT[exercise][style] = {**reference, **uses, exercise: answer}
        return answer

    return enter
