"""summary.md: what a lecturer wants to know before the next lecture."""

from __future__ import annotations

from collections.abc import Iterator

from bn_helpers.grading.copied import oracles_text, same_notebooks
from bn_helpers.grading.report.insight import overview
from bn_helpers.grading.report.markup import markdown
from bn_helpers.grading.results import ERROR, FORMATIVE, Graded


def page(graded: Graded) -> str:
    """The whole file."""
    return markdown("summary.md", **overview(graded), notes=list(_for_a_human(graded)))


def _for_a_human(graded: Graded) -> Iterator[tuple[str, str]]:
    """What a program cannot settle, each with the student whom it is about, if it is one."""
    for result in graded.results:
        said = (FORMATIVE, graded.due, *result.lost)  # elsewhere
        notes = [note for note in result.notes if note not in said and not result.absent]
        failed = [exercise.id for exercise in result.exercises if exercise.status == ERROR]
        notes += [f"not graded: {', '.join(failed)}"] if failed and len(failed) < len(result.exercises) else []
        yield from ((result.student, note) for note in (*notes, *oracles_text(result)))
    yield from (("", note) for note in same_notebooks(graded.results))
