"""What this course needs of nbgrader. If your course has such a file already, copy these lines into it."""

from nbgrader.converters import GenerateAssignment
from nbgrader.preprocessors import ClearSolutions

c = get_config()  # noqa: F821  nbgrader defines it

# The notebooks in source/ are the students' already. ClearSolutions would replace each stub by its own, without the
# signature; a quiz's letter stands in a hidden test.
usual = GenerateAssignment.preprocessors.default()
c.GenerateAssignment.preprocessors = [step for step in usual if step is not ClearSolutions]
c.Execute.timeout = 60  # seconds a cell; the longest takes about ten
