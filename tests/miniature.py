"""A whole notebook 01 in as few cells as the rules allow, for the tests of the builder."""

SOURCE = """\
# %% [markdown] id="title"
# # Normalization
#
# A promise with $\\mu$ and 평균.

# %% id="setup"
import numpy as np


def check(id, answer, **uses):
    if answer == "?":
        raise NotImplementedError(f"{id} is not answered yet")
    print(f"{id}: seen")


# %% [markdown] id="batch_statistics-text" exercise="batch_statistics"
# Return two arrays of shape (D,).

# %% id="batch_statistics" solution="batch_statistics"
from bn_helpers.layers import batch_statistics

# %% id="batch_statistics-check" check="batch_statistics"
check("batch_statistics", batch_statistics)

# %% [markdown] id="normalize-text" exercise="normalize"
# Return a batch of the same shape.

# %% id="normalize" solution="normalize"
from bn_helpers.layers import normalize

# %% id="normalize-check" check="normalize"
check("normalize", normalize)

# %% [markdown] id="normalize-hints"
# <details><summary>Help: the shapes do not fit</summary>
#
# Count.
#
# </details>

# %% [markdown] id="spread-text"
# **Predict:** how far do they lie apart?

# %% id="spread"
try:
    print(f"{normalize(np.array([[1.0], [3.0]])).std():.3f}")
except NotImplementedError:
    print("this needs normalize")
from IPython.display import display

display({"application/vnd.jupyter.widget-view+json": {"model_id": "random"}}, raw=True)

# %% id="handed" locked="yes"
handed = 1

# %% id="training" tags=["nbval-ignore-output"]
for step in range(3):
    print(f"\\rstep {step}", end="", flush=True)
print("\\rtrained 3 networks")

# %% [markdown] id="training-notes" notes="3"
# Ask which net is larger.

# %% id="direction"
print("larger:", 2 > 1)

# %% [markdown] id="quiz_1-text"
# **Predict.** Which one? a) this b) that c) both d) neither

# %% id="quiz_1" quiz="quiz_1"
quiz_1 = "b"

# %% id="quiz_1-check" check="quiz_1"
check("quiz_1", quiz_1)

# %% [markdown] id="layer_outputs-text" exercise="layer_outputs"
# Return a list.

# %% id="layer_outputs" solution="layer_outputs"
from bn_helpers.layers import layer_outputs

# %% id="layer_outputs-check" check="layer_outputs"
check("layer_outputs", layer_outputs)

# %% [markdown] id="explain_1-text"
# Explain what a batch is.
"""
