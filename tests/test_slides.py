"""Solved notebooks as talks: what is on a slide, what the notes hold, how long a talk is."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from miniature import SOURCE

from bn_helpers.course import talk
from bn_helpers.course.slides import shown, without_docstrings
from bn_helpers.course.sources import read
from bn_helpers.exercises import NOTEBOOKS

ROOT = Path(__file__).parents[1]


@pytest.fixture
def read_cells(tmp_path):
    def read_cells(added=""):
        path = tmp_path / "solutions" / "01_normalization.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(SOURCE + added, encoding="utf-8")
        return read(path)

    return read_cells


def kinds(cells):
    return dict(zip([cell.id for cell in cells], talk.slide_types(cells), strict=True))


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_each_notebook_is_a_talk_of_15_to_25_slides_with_notes_on_every_third_at_least(name):
    cells = read(ROOT / "solutions" / f"{name}.py")
    types = talk.slide_types(cells)
    assert types[0] == "slide"
    assert 15 <= types.count("slide") <= 25
    assert types.count("notes") >= types.count("slide") / 3
    answers = [i for i, kind in enumerate(types) if kind == "subslide"]
    for i in answers:  # what follows an answer on its slide is lost to those who pass it by
        assert next(kind for kind in types[i + 1 :] if kind not in ("skip", "notes")) == "slide", cells[i].id


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_no_check_no_hint_and_no_letter_of_a_quiz_is_shown(name):
    cells = read(ROOT / "solutions" / f"{name}.py")
    for cell, kind in zip(cells, talk.slide_types(cells), strict=True):
        if cell.role in ("check", "quiz") or cell.text.startswith("<details>"):
            assert kind == "skip", cell.id


ADDED = """
# %% [markdown] id="guess"
# **Predict:** what comes out?

# %% id="drawn"
plotting.show(plotting.bars(), alt="Bars.")

# %% [markdown] id="drawn-notes" notes="4"
# Let them guess.

# %% [markdown] id="caption"
# **The bars grow.** **Predict** what follows.

# %% id="defined"
def later():
    print("nothing yet")

# %% id="printed"
print("it grows:", True)

# %% [markdown] id="further"
# It does. More about that.

# %% [markdown] id="hints"
# <details><summary>Help</summary>
#
# Try.
#
# </details>

# %% [markdown] id="passed" slide="skip"
# ## For later
"""


def test_what_a_cell_is_decides_what_it_is_in_a_talk(read_cells):
    found = kinds(read_cells(ADDED))
    assert [found[name] for name in ("normalize-text", "normalize", "normalize-check", "quiz_1", "training")] == [
        *("slide", "subslide", "skip", "skip", "skip")
    ]
    assert [found[name] for name in ("guess", "drawn", "drawn-notes", "caption", "defined", "printed", "further")] == [
        *("slide", "slide", "notes", "fragment", "skip", "fragment", "fragment")
    ]
    assert (found["hints"], found["passed"]) == ("skip", "skip")


def test_minutes_stand_on_the_slide_whose_notes_say_them(read_cells):
    cells = read_cells(ADDED)
    facts = dict(zip([cell.id for cell in cells], talk.metadata(cells), strict=True))
    assert facts["drawn"]["slideshow"] == {"slide_type": "slide", "data": {"timing": 240}}
    assert facts["guess"]["slideshow"] == {"slide_type": "slide"}


def test_code_that_draws_or_is_long_is_hidden_and_an_answer_is_not(read_cells):
    cells = read_cells(ADDED + '\n# %% id="long"\n' + "print(1)\n" * 6)
    facts = dict(zip([cell.id for cell in cells], talk.metadata(cells), strict=True))
    hidden = {name for name, fact in facts.items() if "jupyter" in fact}
    assert hidden & {"drawn", "long", "normalize", "direction"} == {"drawn", "long"}


def cell(name, kind, source="", cell_type="code", **metadata):
    facts = {"slideshow": {"slide_type": kind}} | metadata
    node = {"cell_type": cell_type, "id": name, "metadata": facts, "source": [source]}
    return node | ({"outputs": [], "execution_count": 1} if cell_type == "code" else {})


def test_notes_come_before_fragments_and_end_with_the_hidden_code():
    cells = [
        cell("setup", "skip", "import numpy"),
        cell("title", "slide", "# Title", "markdown"),
        cell("drawn", "slide", "plotting.show(1)", jupyter={"source_hidden": True}),
        cell("caption", "fragment", "**So.**", "markdown"),
        cell("said", "notes", "Ask.", "markdown"),
    ]
    found = shown(cells)
    assert [each["id"] for each in found] == ["title", "drawn", "said", "drawn-code", "caption"]
    assert found[1]["metadata"]["transient"]["remove_source"]
    assert found[3]["source"] == "```python\nplotting.show(1)\n```"


def test_answers_are_shown_without_docstrings_and_otherwise_as_they_are():
    code = 'def f(x):\n    """Say more.\n\n    Notes\n    -----\n    """\n    return x  # (N, D)'
    (answer,) = shown([cell("f", "slide", code)])
    assert answer["source"] == "def f(x):\n    return x  # (N, D)"
    for name in NOTEBOOKS:
        for each in read(ROOT / "solutions" / f"{name}.py"):
            if each.cell_type == "code":
                assert "-----" not in without_docstrings(each.text)
                ast.parse(without_docstrings(each.text))
