"""Name the mistake in an answer, from what came of the visible cases and of the hidden ones."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from bn_helpers.catalogue import CATALOGUE, known
from bn_helpers.exercises import EXERCISES, visible_cases
from bn_helpers.judging import Signatures, alike, signatures
from bn_helpers.outcomes import Case, Outcome, run


def name_mistake(exercise: str, cases: Sequence[Case], outcomes: Sequence[Outcome]) -> str | None:
    """The one known mistake that gives the same outcomes on every draw of the cases.

    Parameters
    ----------
    exercise : str
        The id of an exercise.
    cases : sequence of Case
        The visible cases and the hidden ones, as `probes.Probes` gives them.
    outcomes : sequence of Outcome
        What came of them, one each.

    Returns
    -------
    mistake : str or None
        Its id; None where none fits, or more than one.
    """
    if len(outcomes) < len(cases):
        return None
    draw = len(EXERCISES[exercise].weights)
    found = signatures(cases[:draw], outcomes[:draw])
    candidates = [CATALOGUE[exercise][name] for name, seen in _on_visible(exercise).items() if alike(found, seen)]
    for start in range(draw, len(cases), draw):
        part = cases[start : start + draw]
        found = signatures(part, outcomes[start : start + draw])
        candidates = [
            mistake
            for mistake in candidates
            if alike(found, signatures(part, [run(case, mistake.functions) for case in part]))
        ]
    return candidates[0].id if len(candidates) == 1 else None


@cache
def _on_visible(exercise: str) -> dict[str, Signatures]:
    """What each known mistake looks like on the visible cases, which are the same for all answers."""
    return known(exercise, visible_cases(exercise))
