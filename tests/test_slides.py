"""Solved notebooks as talks: what is on a slide, what the notes hold, how long a talk is."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from miniature import SOURCE

from bn_helpers.course import talk
from bn_helpers.course.slides import LINES, REST, markdown, shown, talks, without_docstrings
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
def test_a_talk_has_15_to_25_slides_with_notes_on_every_third_at_least(name):
    cells = read(ROOT / "solutions" / f"{name}.py")
    types = talk.slide_types(cells)
    rests = [at for at, cell in enumerate(cells) if REST in cell.text]
    for start, end in zip([0, *rests], [*rests, None], strict=True):
        assert types[start] == "slide"
        assert 15 <= types[start:end].count("slide") <= 25
        assert types[start:end].count("notes") >= types[start:end].count("slide") / 3
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


def test_code_that_draws_or_measures_is_hidden_and_an_answer_is_not(read_cells):
    cells = read_cells(ADDED)
    facts = dict(zip([cell.id for cell in cells], talk.metadata(cells), strict=True))
    hidden = {name for name, fact in facts.items() if "jupyter" in fact}
    assert hidden & {"drawn", "printed", "normalize"} == {"drawn", "printed"}


HIDDEN = {"source_hidden": True}


def cell(name, kind, source="", cell_type="code", outputs=(), **metadata):
    facts = {"slideshow": {"slide_type": kind}} | metadata
    node = {"cell_type": cell_type, "id": name, "metadata": facts, "source": [source]}
    return node | ({"outputs": list(outputs), "execution_count": 1} if cell_type == "code" else {})


def text(name, kind, source):
    return cell(name, kind, source, "markdown")


def picture(png):
    return {"output_type": "display_data", "data": {"image/png": png, "text/plain": "Bars."}, "metadata": {}}


def printed(line):
    return {"output_type": "stream", "name": "stdout", "text": [f"{line}\n"]}


def claimed(line):
    return {"output_type": "display_data", "data": {"text/plain": [line]}, "metadata": {"claim": {"text": line}}}


def by_kind(cells):
    """The texts of a talk's cells by what they are in it."""
    kinds = [each["metadata"]["slideshow"]["slide_type"] for each in cells]
    return [(kind, "".join(each["source"])) for kind, each in zip(kinds, cells, strict=True)]


CLAIM = '<div class="claim">\n\n{}\n\n{}\n\n</div>'


def test_a_figure_has_its_slide_with_a_title_above_its_claim_and_number_below_and_the_rest_in_the_notes():
    outputs = [picture("first"), picture("second"), printed("mean is 0: True"), claimed("over 1: yes, 1.5")]
    cells = [
        cell("setup", "skip", "import numpy"),
        text("question", "slide", "## Larger?\n\n**Predict.**"),
        cell("drawn", "slide", "plotting.show(1)", outputs=outputs, jupyter=HIDDEN),
        text("caption", "fragment", "**They grow.** Look at the *right* end."),
        cell("more", "fragment", "print(1)", outputs=[printed("further")], jupyter=HIDDEN),
        text("said", "notes", "Ask."),
        text("aftermath", "fragment", "More about that."),
    ]
    _, _, *figure = shown(cells)
    (title, *notes, drawn, claim) = by_kind(figure)
    assert title == ("slide", "## Larger?")
    said, code, caption, more, aftermath = (note for kind, note in notes)
    assert {kind for kind, _ in notes} == {"notes"}
    assert said == "Ask."
    assert code == "```python\nplotting.show(1)\n```\n\n```\nBars.\nBars.\nmean is 0: True\nover 1: yes, 1.5\n```"
    assert caption == "**They grow.** Look at the *right* end."
    assert (more, aftermath) == ("```python\nprint(1)\n```\n\n```\nfurther\n```", "More about that.")
    assert drawn[0] == "-"
    assert figure[-2]["outputs"] == outputs[:1]
    assert figure[-2]["metadata"]["transient"]["remove_source"]
    assert claim == ("fragment", CLAIM.format("**They grow.**", "over 1: yes, 1.5"))


def test_a_claim_goes_on_to_the_end_of_its_sentence():
    cells = [text("title", "slide", "# A"), cell("run", "fragment"), text("caption", "fragment", "**Three:** a, b. C.")]
    assert by_kind(shown(cells))[-1] == ("fragment", CLAIM.format("**Three:** a, b.", ""))


def test_what_is_printed_without_a_figure_is_shown_but_beside_claims_it_is_in_the_notes():
    outputs = [printed("trained 5 networks"), claimed("over 1: yes, 1.5")]
    cells = [cell("run", "fragment", outputs=outputs[:1]), cell("claims", "fragment", outputs=outputs)]
    found = shown([text("title", "slide", "# A"), *cells])
    assert [each["outputs"] for each in found[-2:]] == [outputs[:1], []]
    assert ("notes", "```\ntrained 5 networks\nover 1: yes, 1.5\n```") in by_kind(found)


def test_a_slide_without_a_heading_keeps_the_title_and_one_in_the_middle_comes_first():
    cells = [text("title", "slide", "# A\n\nOne."), text("two", "slide", "Two."), text("three", "slide", "So.\n\n## B")]
    assert by_kind(shown(cells)) == [
        *(("slide", "# A"), ("-", "One."), ("slide", "# A"), ("-", "Two."), ("slide", "## B"), ("-", "So."))
    ]


def test_an_exercise_is_the_title_of_its_answer_and_no_further():
    exercise, answer = text("e", "slide", "### Exercise 1.1: Do\n\nIt."), cell("f", "subslide", "f = 1")
    titles = by_kind(shown([text("title", "slide", "## A\n\nSo."), exercise, answer, text("on", "slide", "More.")]))[
        ::2
    ]
    assert [title for _, title in titles] == ["## A", "### Exercise 1.1: Do", "### Exercise 1.1: Do", "## A"]


def test_long_code_goes_on_below():
    code = "def f():\n" + "".join(f"    {i}\n" for i in range(2 * LINES - 2)) + "    return 1"
    (_, upper), below, (_, lower) = by_kind(shown([text("t", "slide", "# A"), cell("f", "subslide", code)]))[-3:]
    assert below == ("subslide", "# A")
    assert f"{upper}\n{lower}" == code
    assert max(len(part.splitlines()) for part in (upper, lower)) == LINES


def test_a_talk_ends_at_a_rest():
    cells = [text("a", "slide", "# A"), text("b", "slide", f"{REST} Come back."), cell("c", "skip")]
    assert [[each["id"] for each in part] for part in talks(cells)] == [["a"], ["b", "c"]]


def test_answers_are_shown_without_docstrings_and_otherwise_as_they_are():
    code = 'def f(x):\n    """Say more.\n\n    Notes\n    -----\n    """\n    return x  # (N, D)'
    assert by_kind(shown([cell("f", "slide", code)]))[-1] == ("-", "def f(x):\n    return x  # (N, D)")
    for name in NOTEBOOKS:
        for each in read(ROOT / "solutions" / f"{name}.py"):
            if each.cell_type == "code":
                assert "-----" not in without_docstrings(each.text)
                ast.parse(without_docstrings(each.text))


def test_formulas_and_code_become_html_without_a_script():
    pytest.importorskip("latex2mathml", reason='the lecturer\'s extra is not installed: pip install -e ".[lecturer]"')
    text = markdown("With $\\hat{x}$:\n\n$$\\sum_n x_n = 0$$\n\n```python\nx = 1\n```")
    assert text.count("<math") == 2
    assert 'display="block"' in text
    assert "$" not in text
    assert '<div class="highlight">' in text
