"""What a source may hold, and how its faults are told."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from miniature import SOURCE

from bn_helpers.course.sources import BuildError, read
from bn_helpers.exercises import NOTEBOOKS, TASKS


@pytest.fixture
def read_text(tmp_path):
    def read_text(text, name="01_normalization"):
        path = tmp_path / "solutions" / f"{name}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return read(path)

    return read_text


def test_cells_come_with_id_place_role_and_text(read_text):
    cells = {cell.id: cell for cell in read_text(SOURCE)}
    assert cells["title"].text.endswith("$\\mu$ and 평균.")
    assert (cells["title"].line, cells["setup"].line) == (1, 6)
    assert (cells["normalize-text"].role, cells["normalize-text"].subject) == ("exercise", "normalize")
    assert cells["training"].tags == ("nbval-ignore-output",)
    assert cells["setup"].text.endswith('print(f"{id}: seen")')


FAULTS = {
    "unknown attribute": ('id="spread"', 'id="spread" hidden="yes"', "'spread': unknown attribute hidden='yes'"),
    "attribute without quotes": ('id="spread"', "id=spread", "unknown attribute"),
    "unknown tag": ('tags=["nbval-ignore-output"]', 'tags=["nbval-skip"]', "unknown tags ['nbval-skip']"),
    "tag on a check": ('check="normalize"', 'check="normalize" tags=["nbval-ignore-output"]', "only a plain code cell"),
    "no id": ('# %% id="spread"', "# %%", "cell None: needs an id"),
    "bad id": ('id="spread"', 'id="the spread"', "needs an id of letters"),
    "id twice": ('id="spread"', 'id="setup"', "'setup': the id is taken by the cell at line 6"),
    "two roles": ('solution="normalize"', 'solution="normalize" locked="yes"', "has more than one of"),
    "locked otherwise": ('locked="yes"', 'locked="no"', 'locked must be "yes"'),
    "notes without minutes": ('notes="3"', 'notes="yes"', "notes must be a number of minutes"),
    "notes as code": ('[markdown] id="training-notes"', 'id="training-notes"', "must be a markdown cell"),
    "notes on a slide of their own": ('notes="3"', 'notes="3" slide="slide"', "an id and nothing else"),
    "unknown kind of slide": ('id="spread"', 'id="spread" slide="page"', "slide must be one of slide, subslide, "),
    "raw cell": ('# %% [markdown] id="title"', '# %% [raw] id="title"', "a cell of type raw"),
    "unknown exercise": ('exercise="normalize"', 'exercise="normalise"', "'normalise' is not in the manifest"),
    "exercise of another notebook": (
        'exercise="normalize"',
        'exercise="scale_and_shift"',
        "is not in the manifest of 01",
    ),
    "id unlike its exercise": ('id="normalize"', 'id="answer"', "must have the id 'normalize'"),
    "exercise as code": ('[markdown] id="normalize-text"', 'id="normalize-text"', "exercise needs a markdown cell"),
    "check as text": ('# %% id="quiz_1-check"', '# %% [markdown] id="quiz_1-check"', "check needs a code cell"),
    "other function checked": (
        '("normalize", normalize)',
        '("normalize", batch_statistics)',
        "must hold this and nothing",
    ),
    "other id checked": ('check("normalize"', 'check("layer_outputs"', 'nothing else: check("normalize", normalize)'),
    "answer typed in": (
        "from bn_helpers.layers import normalize",
        "normalize = abs",
        "must hold this and nothing else",
    ),
    "quiz without a letter": ('quiz_1 = "b"', 'quiz_1 = "?"', "must hold the right letter"),
    "check missing": ('# %% id="normalize-check" check="normalize"\n', "# and\n", "must hold this and nothing else"),
    "magic": ("handed = 1", "%timeit 1", "is not Python"),
    "comment for nbval": ("handed = 1", "# NBVAL_SKIP\nhanded = 1", "steers nbval by a comment"),
    "empty code": ("handed = 1", "# nothing", "holds no code"),
    "long cell": ('print("larger:", 2 > 1)', "print(1)\n" * 13, "has 13 lines of code, more than 12"),
    "answer replaced": ("handed = 1", "normalize = handed = 1", "'handed': replaces the student's normalize"),
    "answer imported again": ("handed = 1", "import numpy as normalize", "'handed': replaces the student's normalize"),
    "training not followed": ('# %% id="direction"\nprint("larger:", 2 > 1)\n', "", "'training': is not compared"),
    "text above": (
        '# %% [markdown] id="title"',
        'import os\n# %% [markdown] id="title"',
        "each cell begins with one '# %%' line",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_is_refused_with_its_place(read_text, fault):
    old, new, message = FAULTS[fault]
    assert SOURCE.count(old) == 1, "the test must change one place"
    with pytest.raises(BuildError) as caught:
        read_text(SOURCE.replace(old, new))
    assert message in str(caught.value)
    assert str(caught.value).startswith("solutions/01_normalization.py:")


def _without(text, cell):
    start = (
        text.index(f'# %% id="{cell}"') if f'# %% id="{cell}"' in text else text.index(f'# %% [markdown] id="{cell}"')
    )
    return text[:start] + text[text.index("# %%", start + 4) :]


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("normalize-check", "'layer_outputs-text': expected check='normalize' here"),
        ("normalize", "'normalize-check': expected solution='normalize' here"),
        ("normalize-text", "'normalize': expected exercise='normalize' here"),
        ("quiz_1-check", "there is no cell with check='quiz_1'"),
        ("quiz_1", "'quiz_1-check': expected quiz='quiz_1' here"),
    ],
)
def test_missing_cell_of_the_manifest_is_named(read_text, cell, message):
    with pytest.raises(BuildError) as caught:
        read_text(_without(SOURCE, cell))
    assert message in str(caught.value)


def test_exercises_in_another_order_are_refused(read_text):
    start, end = SOURCE.index('# %% [markdown] id="normalize-text"'), SOURCE.index('# %% id="spread"')
    with pytest.raises(BuildError, match="'layer_outputs-text': expected exercise='normalize' here"):
        read_text(SOURCE[:start] + SOURCE[end:] + SOURCE[start:end])


def test_all_faults_are_told_at_once(read_text):
    with pytest.raises(BuildError) as caught:
        read_text(SOURCE.replace("handed = 1", "# nothing").replace('check("quiz_1"', 'check("quiz_2"'))
    assert len(str(caught.value).splitlines()) == 2


def test_check_of_a_backward_gets_its_forward(read_text):
    name = "batchnorm_backward"
    text = f'# %% id="{name}-check" check="{name}"\ncheck("{name}", {name})\n'
    with pytest.raises(BuildError, match=r"batchnorm_backward, batchnorm_forward=batchnorm_forward\)$"):
        read_text(text, "03_backward")


def test_long_locked_cell_and_comments_are_welcome(read_text):
    long = "\n".join(f"value_{i} = {i}" for i in range(30))
    cells = read_text(
        SOURCE.replace("handed = 1", long).replace("import numpy as np", "# why\n" * 20 + "import numpy as np")
    )
    assert next(cell for cell in cells if cell.id == "handed").text == long


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_first_cell_says_the_minutes_and_points_of_the_manifest(name):
    path = Path(__file__).parents[1] / "solutions" / f"{name}.py"
    points = sum(part.points for part in TASKS.values() if part.notebook == name)
    typed = path.read_text(encoding="utf-8").split("# %%")[1]
    assert "{minutes}" in typed, "a number that is typed grows old"
    assert "{points}" in typed
    assert re.search(rf"\b{NOTEBOOKS[name].minutes}\s+minutes\b[^#]*\b{points}\s+points", read(path)[0].text)


def test_empty_source_is_refused(read_text):
    with pytest.raises(BuildError, match="each cell begins with one '# %%' line"):
        read_text("")


def test_source_without_a_notebook_is_refused(read_text):
    with pytest.raises(BuildError, match="no such notebook; it has 01_normalization, "):
        read_text(SOURCE, "06_more")
