"""What this course needs of nbgrader. If your course has such a file already, copy these lines into it."""

from nbgrader.preprocessors import (
    CheckCellMetadata,
    ClearHiddenTests,
    ClearOutput,
    ComputeChecksums,
    LockCells,
    SaveCells,
)

c = get_config()  # noqa: F821  nbgrader defines it

# The notebooks in source/ are the students' already. ClearSolutions would replace each stub by its own, without the
# signature; a quiz's letter stands in a hidden test.
c.GenerateAssignment.preprocessors = [
    LockCells,
    ClearOutput,
    CheckCellMetadata,
    ComputeChecksums,
    SaveCells,
    ClearHiddenTests,
    ComputeChecksums,
    CheckCellMetadata,
]
c.Execute.timeout = 60  # seconds a cell; the longest takes about ten
