"""From sources to notebooks, and back: what drifted."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from pathlib import Path

import nbformat
import pytest
from jupyter_core.utils import ensure_event_loop
from miniature import SOURCE

from bn_helpers import layers
from bn_helpers.course import builder
from bn_helpers.course.builder import build, check
from bn_helpers.course.sources import BuildError
from bn_helpers.exercises import EXERCISES, NOTEBOOKS

NAME = "01_normalization"
TO_WRITE = {"spread-text-guess": "spread-text", "explain_1": "explain_1-text"}  # and the cell above each
SOLVED, STUDENT = f"solutions/{NAME}.ipynb", f"notebooks/{NAME}.ipynb"


def make_course(root: Path, source: str = SOURCE) -> Path:
    for folder in ("solutions", "notebooks", "bn_helpers"):
        (root / folder).mkdir(parents=True)
    (root / f"solutions/{NAME}.py").write_text(source, encoding="utf-8")
    shutil.copy(layers.__file__, root / "bn_helpers/layers.py")
    return root


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def edit(course: Path, notebook: str, spoil) -> None:
    path = course / notebook
    content = json.loads(path.read_text(encoding="utf-8"))
    spoil(content, {cell["id"]: cell for cell in content["cells"]})
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True) + "\n", encoding="utf-8")


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    root = make_course(tmp_path_factory.mktemp("course with a space") / "built")
    build(root)
    return root


@pytest.fixture
def course(built, tmp_path):
    """A built course that a test may spoil."""
    return Path(shutil.copytree(built, tmp_path / "course"))


def cells(root: Path, notebook: str) -> dict[str, dict]:
    return {cell["id"]: cell for cell in json.loads((root / notebook).read_text(encoding="utf-8"))["cells"]}


def text(cell: dict) -> str:
    return "".join(cell["source"])


def printed(cell: dict) -> str:
    return "".join("".join(output["text"]) for output in cell["outputs"])


def test_both_notebooks_are_valid_and_have_the_cells_of_the_source(built):
    for notebook in (SOLVED, STUDENT):
        node = nbformat.read(built / notebook, as_version=4)
        nbformat.validate(node)
        assert (built / notebook).read_text(encoding="utf-8") == nbformat.writes(node) + "\n"  # as Jupyter writes it
        assert (node.nbformat, node.nbformat_minor) == (4, 5)
        assert node.metadata.language_info == {"name": "python"}
        headers = [line for line in SOURCE.splitlines() if line.startswith("# %%")]
        wanted = [header for header in headers if notebook == SOLVED or "notes=" not in header]
        shown = [cell.id for cell in node.cells if cell.id not in TO_WRITE]
        assert shown == [header.split('id="')[1].split('"')[0] for header in wanted]


def test_student_finds_a_cell_to_write_in_below_a_prediction_and_a_question_but_none_below_a_quiz(built):
    student = cells(built, STUDENT)
    order = list(student)
    assert {name: order[order.index(name) - 1] for name in TO_WRITE} == TO_WRITE
    assert all(student[name]["cell_type"] == "markdown" for name in TO_WRITE)
    assert not TO_WRITE.keys() & cells(built, SOLVED).keys()
    assert "quiz_1-text-guess" not in student


def test_the_trap_of_an_exercise_is_its_first_hint_folded(built):
    for notebook in (SOLVED, STUDENT):
        hints = text(cells(built, notebook)["normalize-hints"])
        assert EXERCISES["normalize"].trap in hints.split("</details>")[0]
        assert hints.startswith("<details><summary>")
        assert hints.count("<details>") == 2
        assert EXERCISES["normalize"].trap not in text(cells(built, notebook)["normalize-text"])


def test_solved_notebook_holds_answers_and_what_they_print(built):
    solved = cells(built, SOLVED)
    assert text(solved["normalize"]).endswith("    return (x - mean) / np.sqrt(var + eps)")
    assert text(solved["quiz_1"]) == 'quiz_1 = "b"'
    assert printed(solved["spread"]) == "1.000\n"
    counts = [cell["execution_count"] for cell in solved.values() if cell["cell_type"] == "code"]
    assert counts == list(range(1, len(counts) + 1))
    assert not any("tags" in cell["metadata"] for name, cell in solved.items() if name.endswith("-check"))
    assert not any(cell["metadata"].get("nbgrader", {}).get("checksum") for cell in solved.values())


def test_solved_notebook_is_a_talk_with_speaker_notes_and_the_student_sees_nothing_of_it(built):
    solved, student = cells(built, SOLVED), cells(built, STUDENT)
    assert text(solved["training-notes"]) == "**For the lecturer, 3 min.** Ask which net is larger."
    chosen = [
        "title",
        "setup",
        "normalize-text",
        "normalize",
        "normalize-check",
        "training",
        "training-notes",
        "quiz_1",
    ]
    assert [solved[name]["metadata"]["slideshow"]["slide_type"] for name in chosen] == [
        *("slide", "skip", "slide", "subslide", "skip", "skip", "notes", "skip")
    ]
    assert not any("slideshow" in cell["metadata"] for cell in student.values())
    assert "For the lecturer" not in "".join(map(text, student.values()))


def test_progress_line_is_kept_in_its_last_state_and_as_one_output(built):
    (output,) = cells(built, SOLVED)["training"]["outputs"]
    assert output["text"] == ["trained 3 networks\n"]


def test_student_notebook_holds_stubs_and_no_outputs(built):
    student = cells(built, STUDENT)
    assert text(student["normalize"]).startswith("def normalize(x, eps=1e-5):\n")
    assert "raise NotImplementedError" in text(student["normalize"])
    assert text(student["quiz_1"]) == 'quiz_1 = "?"'
    code = [cell for cell in student.values() if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
    assert {name for name, cell in student.items() if "raises-exception" in cell["metadata"].get("tags", [])} == {
        name for name in student if name.endswith("-check")
    }
    assert student["training"]["metadata"] == {"tags": ["nbval-ignore-output"]}


def test_student_can_edit_answers_but_neither_delete_them_nor_edit_checks(built):
    student = cells(built, STUDENT)

    def freedom(name):
        return {key: student[name]["metadata"].get(key, True) for key in ("deletable", "editable")}

    assert freedom("normalize") == freedom("quiz_1") == {"deletable": False, "editable": True}
    for name in ("normalize-check", "normalize-text", "quiz_1-check", "handed"):
        assert freedom(name) == {"deletable": False, "editable": False}
    assert freedom("spread") == {"deletable": True, "editable": True}


def test_header_of_an_exercise_comes_from_the_manifest(built):
    for notebook in (SOLVED, STUDENT):
        lines = text(cells(built, notebook)["normalize-text"]).split("\n")
        assert lines[0] == "### Exercise 1.2: Normalize a batch"
        assert f"{EXERCISES['normalize'].points} points" in lines[2]
        assert f"{EXERCISES['normalize'].minutes} minutes" in lines[2]
        assert lines[-1] == "Return a batch of the same shape."


def test_notebook_that_was_only_run_is_built_over_and_gets_the_same_bytes_again(course, capsys):
    def run(content, cells):
        cells["setup"] |= {
            "execution_count": 1,
            "outputs": [{"name": "stdout", "output_type": "stream", "text": ["1"]}],
        }
        content["cells"].append({**cells["setup"], "id": "added-below-by-the-editor", "source": []})

    before = {name: (course / name).read_bytes() for name in (SOLVED, STUDENT)}
    edit(course, STUDENT, run)
    assert check(course) != []
    assert build(course, [NAME]) == [course / STUDENT]
    assert {name: (course / name).read_bytes() for name in (SOLVED, STUDENT)} == before
    assert capsys.readouterr().out == f"{NAME}: nothing to run\n"
    assert check(course) == []


def test_check_of_a_fresh_build_finds_nothing(built, monkeypatch):
    assert check(built) == check(built, [NAME]) == []
    monkeypatch.chdir(built)
    assert check(Path()) == []


def test_changed_reference_makes_the_solved_notebook_stale(course):
    change(course / "bn_helpers/layers.py", "return (x - mean) / np.sqrt(var + eps)", "return (x - mean) / (var + eps)")
    (drift,) = check(course)
    assert drift.startswith(
        f"{SOLVED}: cell 'normalize': line 27: expected '    return (x - mean) / (var + eps)', found "
    )
    assert drift.endswith("(stale: build again)")


def test_changed_signature_makes_both_notebooks_stale(course):
    change(
        course / "bn_helpers/layers.py", "def normalize(x: np.ndarray, eps: float = 1e-5)", "def normalize(x, eps=1e-6)"
    )
    assert [drift.split(": line")[0] for drift in check(course)] == [
        f"{SOLVED}: cell 'normalize'",
        f"{STUDENT}: cell 'normalize'",
    ]


def test_changed_source_is_built_over_stale_notebooks(course):
    change(course / f"solutions/{NAME}.py", "# Return a list.", "# Return one list.")
    assert [drift.split(": line")[0] for drift in check(course)] == [
        f"{SOLVED}: cell 'layer_outputs-text'",
        f"{STUDENT}: cell 'layer_outputs-text'",
    ]
    build(course)
    assert check(course) == []


def answer_typed(content, cells):
    cells["normalize"]["source"] = ["def normalize(x):\n", "    return x"]


def cell_added(content, cells):
    content["cells"].append({**cells["spread"], "id": "mine"})


def cell_removed(content, cells):
    content["cells"].remove(cells["spread"])


def cells_swapped(content, cells):
    content["cells"][0], content["cells"][1] = content["cells"][1], content["cells"][0]


def cell_doubled(content, cells):
    content["cells"].append(dict(cells["direction"]))


@pytest.mark.parametrize("notebook", [SOLVED, STUDENT])
@pytest.mark.parametrize(
    ("spoil", "drift"),
    [
        (answer_typed, "cell 'normalize': line "),
        (cell_added, "cell 'mine' is not in the source"),
        (cell_removed, "cell 'spread' is missing"),
        (cells_swapped, "cell 'setup' stands where 'title' should"),
        (cell_doubled, "cell 'direction' stands there twice"),
    ],
)
def test_notebook_edited_by_hand_is_named_with_its_cell_and_never_overwritten(course, notebook, spoil, drift):
    edit(course, notebook, spoil)
    found = check(course)[0]
    assert found.startswith(f"{notebook}: {drift}")
    assert "(edited by hand: change the source instead)" in found
    before = (course / notebook).read_bytes()
    with pytest.raises(BuildError) as caught:
        build(course)
    assert str(caught.value).startswith(f"{notebook}: was edited by hand")
    assert drift in str(caught.value)
    assert "To keep it, move it away" in str(caught.value)
    assert (course / notebook).read_bytes() == before


@pytest.mark.parametrize(
    ("spoil", "drift"),
    [
        (
            lambda _, cells: cells["normalize-check"]["metadata"]["nbgrader"].update(points=60),
            f"cell 'normalize-check': metadata.nbgrader.points: expected {EXERCISES['normalize'].points}, found 60",
        ),
        (
            lambda _, cells: cells["normalize-check"]["metadata"].pop("tags"),
            "cell 'normalize-check': metadata.tags: expected ['raises-exception'], found None",
        ),
        (
            lambda _, cells: cells["setup"].update(execution_count=1),
            "cell 'setup': execution_count: expected None, found 1",
        ),
        (
            lambda content, _: content["metadata"]["language_info"].update(version="3.11"),
            "notebook.metadata.language_info.version: expected None, found '3.11'",
        ),
        (lambda content, _: content.update(nbformat_minor=6), "notebook.nbformat_minor: expected 5, found 6"),
    ],
)
def test_drift_of_anything_else_is_named_and_built_over(course, spoil, drift):
    edit(course, STUDENT, spoil)
    assert [found.split(" (")[0] for found in check(course)] == [f"{STUDENT}: {drift}"]


@pytest.mark.parametrize(("indent", "added"), [(2, {}), (1, {"extra": None})])
def test_other_spelling_of_the_same_notebook_is_drift(course, indent, added):
    content = json.loads((course / STUDENT).read_text(encoding="utf-8"))
    content["metadata"] |= added
    text = json.dumps(content, ensure_ascii=False, indent=indent, sort_keys=True) + "\n"
    (course / STUDENT).write_text(text, encoding="utf-8")
    assert check(course) == [f"{STUDENT}: is not written as the build writes it; build again"]


@pytest.mark.parametrize("content", ["", "<<<<<<< ours", "[]", '{"cells": [], "nbformat": 3}', '{"cells": [{}]}', "\0"])
def test_file_that_is_no_notebook_is_named_and_kept(course, content):
    (course / STUDENT).write_text(content)
    assert check(course) == [f"{STUDENT}: is not a notebook of format 4.5; delete it and build again"]
    with pytest.raises(BuildError, match="was edited by hand"):
        build(course)
    assert (course / STUDENT).read_text() == content


def test_missing_and_stray_notebooks_are_named(course):
    (course / STUDENT).rename(course / "notebooks/copy.ipynb")
    assert check(course) == [
        f"{STUDENT}: is missing; build it",
        "notebooks/copy.ipynb: there is no source for it; delete it",
    ]


def shown(mime, data):
    return {"data": {mime: data}, "metadata": {}, "output_type": "display_data"}


@pytest.mark.parametrize(
    ("output", "drift"),
    [
        (
            {"ename": "KeyError", "evalue": "x", "output_type": "error", "traceback": []},
            "ends in an error, KeyError: x",
        ),
        ({"name": "stderr", "output_type": "stream", "text": ["careful\n"]}, r"writes to standard error, 'careful\n'"),
        ({"name": "stdout", "output_type": "stream", "text": ["<f at 0x7f12ab34>\n"]}, "prints '0x7f12ab34'"),
        (shown("image/png", "A" * 80_000), "holds a picture of 60,000 bytes, more than 50,000"),
        (shown("image/svg+xml", "<svg/>"), "holds an SVG picture"),
        (
            shown("application/vnd.jupyter.widget-view+json", {"model_id": "1"}),
            "holds a control, which no other kernel",
        ),
    ],
)
def test_output_that_should_not_be_saved_is_named(course, output, drift):
    edit(course, SOLVED, lambda _, cells: cells["direction"]["outputs"].append(output))
    (found,) = check(course)
    assert found.startswith(f"{SOLVED}: cell 'direction': {drift}")


def test_path_of_this_machine_in_an_output_is_named(course):
    edit(course, SOLVED, lambda _, cells: cells["direction"]["outputs"][0]["text"].append(f"{course}/x.py\n"))
    assert check(course) == [
        f"{SOLVED}: cell 'direction': prints {str(course)!r}, which another machine would not; build again"
    ]


def test_cell_that_was_not_run_in_order_is_named(course):
    edit(course, SOLVED, lambda _, cells: cells["setup"].update(execution_count=None))
    (found,) = check(course)
    assert found.startswith(f"{SOLVED}: cell 'setup': execution count None instead of 1")


def test_notebook_that_grew_too_big_is_named(course):
    edit(course, SOLVED, lambda _, cells: cells["direction"]["outputs"].extend([shown("image/png", "A" * 60_000)] * 10))
    (found,) = check(course)
    assert "more than 500,000: show fewer or smaller figures" in found


@pytest.mark.parametrize(
    ("line", "seen"),
    [
        ("raise KeyError('gamma')", "cell 'direction' fails with KeyError: 'gamma'"),
        ("import os; os._exit(1)", "cell 'direction' ends the kernel"),
        ("import sys; print('careful', file=sys.stderr)", "cell 'direction': writes to standard error, 'careful\\n'"),
    ],
)  # fmt: skip
def test_cell_that_fails_stops_the_build_and_leaves_the_old_notebooks(course, line, seen):
    change(course / f"solutions/{NAME}.py", 'print("larger:", 2 > 1)', line)
    before = {name: (course / name).read_bytes() for name in (SOLVED, STUDENT)}
    with pytest.raises(BuildError) as caught:
        build(course)
    assert str(caught.value).startswith(f"solutions/{NAME}.py: {seen}")
    assert {name: (course / name).read_bytes() for name in (SOLVED, STUDENT)} == before


def test_interrupted_build_ends_the_kernel_leaves_the_old_notebooks_and_goes_on(course, capsys):
    """The cell interrupts the build as Ctrl-C does, and would never end."""
    endless = "import os, signal\nos.kill(os.getppid(), signal.SIGINT)\nwhile True:\n    pass"
    change(course / f"solutions/{NAME}.py", 'print("larger:", 2 > 1)', endless)
    before = {path: path.read_bytes() for path in course.glob("*/*.ipynb")}
    with pytest.raises(KeyboardInterrupt):
        build(course)
    assert not asyncio.all_tasks(ensure_event_loop())
    assert {path: path.read_bytes() for path in course.glob("*/*") if path.suffix != ".py"} == before
    assert capsys.readouterr().out.endswith(": cell 9 of 13\n")
    change(course / f"solutions/{NAME}.py", endless, "print(2)")
    build(course)
    assert check(course) == []


def test_change_of_the_text_alone_runs_nothing(course, monkeypatch, capsys):
    change(course / f"solutions/{NAME}.py", "# Return a list.", "# Return one list.")
    before = cells(course, SOLVED)
    monkeypatch.setattr(builder, "run", None)
    assert build(course) == [course / SOLVED, course / STUDENT]
    assert check(course) == build(course) == []
    after = cells(course, SOLVED)
    assert {name for name in before if before[name] != after[name]} == {"layer_outputs-text"}
    assert capsys.readouterr().out == f"{NAME}: nothing to run\n" * 2


def test_outputs_of_a_run_by_hand_are_named_and_replaced(course):
    before = (course / SOLVED).read_bytes()
    edit(course, SOLVED, lambda _, cells: cells["direction"]["outputs"][0].update(text=["by hand\n"]))
    assert check(course) == [
        f"{SOLVED}: its outputs come from other code or helpers, or from a run by hand; build again"
    ]
    build(course)
    assert (course / SOLVED).read_bytes() == before


def test_leak_stops_build_and_check(course):
    change(
        course / f"solutions/{NAME}.py", "# Return a list.", "# Write `nonlinearity(z if norm is None else norm(z))`."
    )
    (drift,) = check(course)
    assert drift.startswith(f"{STUDENT}: cell 'layer_outputs-text': holds ")
    assert "which answers layer_outputs" in drift
    with pytest.raises(BuildError, match="which answers layer_outputs"):
        build(course)


def test_faulty_source_is_told_by_build_and_check(course):
    change(course / f"solutions/{NAME}.py", 'id="spread"', 'id="spread" hidden="yes"')
    assert "unknown attribute hidden='yes'" in check(course)[0]
    with pytest.raises(BuildError, match="unknown attribute hidden='yes'"):
        build(course)


def test_write_that_fails_leaves_the_old_notebooks_whole(course, monkeypatch):
    change(course / f"solutions/{NAME}.py", "# Return a list.", "# Return one list.")
    before = {path: path.read_bytes() for path in course.glob("*/*.ipynb")}

    def interrupted(source, target):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        build(course)
    assert {path: path.read_bytes() for path in course.glob("*/*.ipynb")} == before
    assert not list(course.glob("*/.writing-*"))


def test_pair_of_which_one_cannot_be_written_stays_as_it_was(course, monkeypatch):
    change(course / f"solutions/{NAME}.py", "# Return a list.", "# Return one list.")
    before = (course / SOLVED).read_bytes()
    room = iter([None])  # for the first of the two

    def full(_):
        if next(room, "none") == "none":
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=f"No space left on device: .*{STUDENT}"):
        build(course)
    assert (course / SOLVED).read_bytes() == before


def test_unknown_name_and_empty_folder_are_told(built, tmp_path):
    with pytest.raises(BuildError, match=f"there is no solutions/two.py; there is {NAME}"):
        build(built, ["two"])
    with pytest.raises(BuildError, match=f"there is no source in solutions/; expected {', '.join(NOTEBOOKS)}"):
        build(tmp_path)
    assert check(tmp_path)[0].startswith("there is no source in solutions/")
