"""What a class receives: that it works alone, that it answers nothing, and that its zip is the same everywhere."""

from __future__ import annotations

import ast
import io
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import nbformat
import pytest
from submissions import right_answer

from bn_helpers import cli, layers
from bn_helpers.course import bundle
from bn_helpers.course.seen import seen
from bn_helpers.course.sources import BuildError
from bn_helpers.exercises import EXERCISES, NOTEBOOKS, QUIZZES, TASKS

ROOT = Path(__file__).parents[1]
PARTS = {"1-2": list(NOTEBOOKS)[:2], "3": list(NOTEBOOKS)[2:3], "4-5": list(NOTEBOOKS)[3:]}


@pytest.fixture(scope="module")
def copies():
    return {
        re.search(r"[\d-]+", name)[0]: {path.removeprefix(f"{bundle.FOLDER}/"): data for path, data in files.items()}
        for name, files in bundle.copies(ROOT).items()
    }


@pytest.fixture
def unpack(tmp_path):
    """Unpack copies, one over the other, as a student does."""

    def unpacked(*copies):
        for files in copies:
            with zipfile.ZipFile(io.BytesIO(bundle.zipped(files))) as archive:
                archive.extractall(tmp_path / "my courses")
        return tmp_path / "my courses"

    return unpacked


def python(folder, *arguments, course=None):
    """Run this environment's Python in a folder, with the package of a class's copy and none other."""
    environment = os.environ | {"PYTHONPATH": str(course or folder)}
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment)


def solve(path, **replaced):
    """Write right answers into a student's notebook, or others."""
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.id in TASKS:
            cell.source = replaced.get(cell.id) or right_answer(cell.id)
    nbformat.write(notebook, path)


def states(output):
    """The state of each exercise, as the table of `check` has it."""
    return dict(re.findall(r"^(\w+) +\d+ points  ([\w ]+)$", output, re.MULTILINE))


# What it holds


def test_the_parts_are_cut_where_a_notebook_shows_what_an_earlier_one_asks_for(copies):
    held = {
        part: sorted(Path(path).stem for path in files if path.startswith("notebooks/"))
        for part, files in copies.items()
    }
    assert held == PARTS


@pytest.mark.parametrize("part", PARTS)
def test_layers_hold_what_is_handed_and_nothing_that_is_asked_for(copies, part):
    tree = ast.parse(copies[part]["bn_helpers/layers.py"])
    functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    last = NOTEBOOKS[PARTS[part][-1]].number  # what earlier parts were handed stays, for these layers replace theirs
    handed = {name for notebook in NOTEBOOKS.values() if notebook.number <= last for name in notebook.handed}
    called = {"batch_statistics"} if "normalize" in handed else set()
    assert functions - called == handed


@pytest.mark.parametrize("part", PARTS)
def test_no_file_answers_a_quiz_or_an_exercise(copies, part):
    for path, data in copies[part].items():
        text = "" if path.endswith(".npz") else data.decode()
        assert not re.search(r'quiz_\d = \\?"[a-d]', text), path
        # figures bear the names of what they show, and oracles are what the checks compare with, in slow loops
        if path.endswith(".py") and "plotting/" not in path and "oracles" not in path:
            functions = {node.name for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)}
            assert not functions & {e.id for e in EXERCISES.values() if e.notebook >= PARTS[part][0]}, path


@pytest.mark.parametrize("part", PARTS)
def test_nothing_of_the_teachers_is_there(copies, part):
    paths = " ".join(copies[part])
    assert not re.search("solutions|catalogue|grading|reference|builder|tests|jupytext", paths)
    assert "jupytext" not in copies[part]["requirements.txt"].decode()


def test_notebooks_together_that_answer_each_other_are_refused(capsys, tmp_path):
    assert cli.main(["bundle", "--out", str(tmp_path / "out"), "--notebooks", "2-4"]) == 2
    told = capsys.readouterr().err
    assert "'notebooks/03_backward.ipynb': holds" in told
    assert "which answers batchnorm_forward" in told
    assert told.splitlines()[-1] == bundle.ADVICE
    assert not (tmp_path / "out").exists()


def test_an_answer_in_any_file_is_found(monkeypatch, tmp_path):
    line = "    return (x - mean) / np.sqrt(var + eps)\n"
    monkeypatch.setattr(bundle, "pyproject", lambda root: f"[project]\n# {line}".encode())
    with pytest.raises(bundle.GivenAway, match=r"'pyproject.toml': holds .* which answers normalize"):
        bundle.student_files(ROOT, ["01_normalization"])


def test_a_notebook_that_was_edited_is_not_handed_out(monkeypatch):
    monkeypatch.setattr(
        bundle.builder, "check", lambda root, names: ["notebooks/01_normalization.ipynb: edited by hand"]
    )
    with pytest.raises(BuildError, match="edited by hand"):
        bundle.copies(ROOT, ["01_normalization"])


def test_the_reference_comes_only_where_it_is_asked_for():
    [(name, files)] = bundle.copies(ROOT, reference=True).items()
    files = {path.removeprefix(f"{bundle.FOLDER}/"): data for path, data in files.items()}
    assert name == "batch_normalization_1-5_with_reference.zip"
    assert files["bn_helpers/layers.py"].decode() == Path(layers.__file__).read_text(encoding="utf-8")
    assert {f"solutions/{notebook}.ipynb" for notebook in NOTEBOOKS} <= files.keys()
    readme = files["README.md"].decode()
    assert "for learning alone" in readme
    assert "Hand in" not in readme


def test_links_come_with_a_repository_and_only_then(copies):
    assert not re.search("colab|binder|URL|\\$", copies["1-2"]["README.md"].decode(), re.IGNORECASE)
    assert not any("binder" in path for path in copies["1-2"])
    files = bundle.student_files(ROOT, PARTS["3"], repository="https://github.com/me/course")
    readme = files["README.md"].decode()
    assert "https://colab.research.google.com/github/me/course/blob/main/notebooks/03_backward.ipynb" in readme
    assert "https://mybinder.org/v2/gh/me/course/HEAD?urlpath=lab/tree/notebooks/03_backward.ipynb" in readme
    assert "git+https://github.com/me/course" in readme
    assert "pip install" in files["binder/postBuild"].decode()


@pytest.mark.parametrize("repository", [None, "https://github.com/me/course"])
def test_the_first_code_cell_says_what_to_do_where_the_helpers_are_missing(repository):
    files = bundle.student_files(ROOT, list(NOTEBOOKS), reference=True, repository=repository)
    remedy = f"%pip install --no-deps git+{repository}" if repository else "python -m pip install -e ."
    for name in NOTEBOOKS:
        cells = nbformat.reads(files[f"notebooks/{name}.ipynb"].decode(), as_version=4).cells
        first = next(cell for cell in cells if cell.cell_type == "code").source.splitlines()[0]
        assert first.startswith("# No module named 'bn_helpers'?")
        assert first.endswith(remedy)


def test_what_the_readme_names_is_there(copies):
    for files in copies.values():
        readme = files["README.md"].decode()
        assert all(path in files for path in re.findall(r"\]\((?!http)([^)]+)\)", readme))
        assert all(path in files for path in re.findall(r"notebooks/\S+\.ipynb", readme))
        assert set(re.findall(r"make (\w+)", readme)) == {"course", "check"}
        assert {"course:", "check:"} <= {line.split(" ")[0] for line in files["Makefile"].decode().splitlines() if line}


def test_an_address_is_taken_as_people_copy_it(tmp_path):
    for address in (
        "https://github.com/me/course",
        "https://github.com/me/course/",
        "https://github.com/me/course.git",
    ):
        assert cli.main(["bundle", "--out", str(tmp_path), "--notebooks", "3", "--repository", address]) == 0
        with zipfile.ZipFile(tmp_path / "batch_normalization_3.zip") as archive:
            readme = archive.read("batch_normalization/README.md").decode()
        assert "https://mybinder.org/v2/gh/me/course/HEAD" in readme


# The zip


def test_the_zip_has_the_same_bytes_every_time(copies):
    shuffled = dict(reversed(copies["3"].items()))
    assert bundle.zipped(copies["3"]) == bundle.zipped(shuffled) == bundle.zipped(dict(copies["3"]))
    with zipfile.ZipFile(io.BytesIO(bundle.zipped({"b": b"#!/bin/sh\n", "a": b"x"}))) as archive:
        entries = archive.infolist()
    assert [(e.filename, e.date_time, e.compress_type) for e in entries] == [
        ("a", bundle.DATE, zipfile.ZIP_STORED),
        ("b", bundle.DATE, zipfile.ZIP_STORED),
    ]
    assert [oct(entry.external_attr >> 16) for entry in entries] == ["0o100644", "0o100755"]


def test_ends_of_lines_do_not_matter(tmp_path):
    (tmp_path / "a.py").write_bytes(b"a\r\nb\n")
    (tmp_path / "a.npz").write_bytes(b"a\r\n")
    assert bundle.data(tmp_path / "a.py") == b"a\nb\n"
    assert bundle.data(tmp_path / "a.npz") == b"a\r\n"


def test_bundle_writes_one_zip_a_part_that_others_can_read(tmp_path, capsys):
    assert cli.main(["bundle", "--out", str(tmp_path / "out")]) == 0
    names = [f"batch_normalization_{part}.zip" for part in PARTS]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == names
    assert capsys.readouterr().out.splitlines() == [str(tmp_path / "out" / name) for name in names]
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "out").iterdir()} == {0o644}


def test_an_interrupted_bundle_leaves_the_old_zip_whole(tmp_path, monkeypatch):
    cli.main(["bundle", "--out", str(tmp_path), "--notebooks", "1"])
    before = (tmp_path / "batch_normalization_1.zip").read_bytes()
    monkeypatch.setattr(bundle, "DATE", (1990, 1, 1, 0, 0, 0))

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    assert cli.main(["bundle", "--out", str(tmp_path), "--notebooks", "1"]) == 130
    assert [path.name for path in tmp_path.iterdir()] == ["batch_normalization_1.zip"]
    assert (tmp_path / "batch_normalization_1.zip").read_bytes() == before


@pytest.mark.parametrize(
    "arguments",
    [
        *(["--notebooks", numbers] for numbers in ("6", "2-1", "1-", "1-9", "x", "")),
        ["--repository", "https://example.org/me/course"],
        ["--nbgrader", "--gradescope"],
    ],
)
def test_a_choice_that_is_none_is_told_in_a_line(arguments, capsys):
    with pytest.raises(SystemExit, match="2"):
        cli.main(["bundle", "--out", "out", *arguments])
    assert arguments[0] in capsys.readouterr().err.splitlines()[-1]


# A student with it


def test_every_module_comes_from_the_copy(copies, unpack):
    folder = unpack(copies["4-5"])
    modules = [
        path.relative_to(folder).as_posix().removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        for path in folder.rglob("bn_helpers/**/*.py")
    ]
    program = f"import importlib, sys\nfor name in {modules}: importlib.import_module(name)\n"
    program += "print({m.__file__ for n, m in sys.modules.items() if n.startswith('bn_helpers')})"
    done = python(folder, "-c", program)
    assert done.returncode == 0, done.stderr
    assert all(path.startswith(str(folder)) for path in ast.literal_eval(done.stdout))


@pytest.mark.parametrize("part", PARTS)
def test_whatever_a_notebook_or_a_module_imports_is_there(copies, part):
    files = copies[part]
    codes = {path: data.decode() for path, data in files.items() if path.endswith(".py")}
    codes.pop("bn_helpers/cli.py")  # it imports what a command needs when that runs
    for path in (path for path in files if path.endswith(".ipynb")):
        cells = nbformat.reads(files[path].decode(), as_version=4).cells
        codes[path] = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
    for path, code in codes.items():
        for node in ast.walk(ast.parse(code)):
            if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] == "bn_helpers":
                names = node.module.split(".")[1:2] or [alias.name for alias in node.names]
                for name in names:
                    assert {f"bn_helpers/{name}.py", f"bn_helpers/{name}/__init__.py"} & files.keys(), f"{path}: {name}"


def test_the_command_line_offers_what_works_there(copies, unpack):
    folder = unpack(copies["3"])
    told = python(folder, "-m", "bn_helpers").stdout
    assert "check the answers" in told
    assert not re.search("build|grade|bundle", told)
    (folder / "notebooks" / "03_backward.ipynb").unlink()
    done = python(folder, "-m", "bn_helpers", "check")
    assert (done.returncode, done.stderr) == (
        2,
        f"there is no notebook in {folder / 'notebooks'}; name those to check\n",
    )


def test_a_notebook_of_another_part_is_told_in_a_line(copies, unpack):
    done = python(unpack(copies["3"]), "-m", "bn_helpers", "check", ROOT / "notebooks" / "01_normalization.ipynb")
    assert done.returncode == 2
    assert done.stderr.endswith("is of a part of the course that is not here; unpack that part in the same place\n")


def test_a_wrong_answer_is_red_and_named(copies, unpack):
    folder = unpack(copies["1-2"])
    path = folder / "notebooks" / "01_normalization.ipynb"
    wrong = "def normalize(x, eps=1e-5):\n    return (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0, ddof=1) + eps)"
    solve(
        path,
        normalize=wrong,
        layer_outputs="def layer_outputs(x, weights, nonlinearity, norm=None):\n    raise NotImplementedError",
    )
    done = python(folder, "-m", "bn_helpers", "check", path)
    assert states(done.stdout) == {
        "batch_statistics": "passed",
        "normalize": "failed",
        "layer_outputs": "unanswered",
        "quiz_1": "recorded",
    }
    assert "you divide the variance by N - 1" in done.stdout
    assert done.returncode == 1


def test_the_next_part_unpacks_over_the_first_and_opens_on_its_own_notebook(copies, tmp_path):
    for part, files in copies.items():
        (tmp_path / f"{part}.zip").write_bytes(
            bundle.zipped({f"{bundle.FOLDER}/{path}": held for path, held in files.items()})
        )
    command = re.search(r"python3 (-m zipfile -e) \S+ (\.) ", copies["1-2"]["README.md"].decode())
    folder, own = tmp_path / bundle.FOLDER, {}
    for part, names in PARTS.items():
        unpacked = python(tmp_path, *command[1].split(), f"{part}.zip", command[2])
        assert (unpacked.returncode, unpacked.stdout + unpacked.stderr) == (0, "")
        assert all(path.read_text(encoding="utf-8") == text for path, text in own.items())
        for name in names:
            path = folder / "notebooks" / f"{name}.ipynb"
            solve(path)
            own[path] = path.read_text(encoding="utf-8")
        makefile = (folder / "Makefile").read_text(encoding="utf-8")
        assert re.search(r"^first = (.*)$", makefile, re.MULTILINE)[1] == f"notebooks/{names[0]}.ipynb"
        readme = (folder / "README.md").read_text(encoding="utf-8")
        assert f"jupyter lab notebooks/{names[0]}.ipynb" in readme
        assert all(notebook.title in readme for notebook in NOTEBOOKS.values())


def test_files_of_two_parts_are_the_same_but_for_what_a_part_is(copies):
    for part, files in copies.items():
        for other in list(copies.values())[: list(copies).index(part)]:
            differ = {path for path in files.keys() & other.keys() if files[path] != other[path]}
            assert differ <= {"README.md", "Makefile", "bn_helpers/layers.py"}


def test_the_lines_of_notebook_2_bring_answers_of_notebook_1_over(copies, unpack):
    folder = unpack(copies["1-2"])
    solve(folder / "notebooks" / "01_normalization.ipynb")
    text = (folder / "notebooks" / "02_scale_and_shift.ipynb").read_text(encoding="utf-8")
    cells = {cell.id: cell for cell in nbformat.reads(text, as_version=4).cells}
    lines = re.search(r"```python\n(.*?)```", cells["net-and-fit"].source, re.DOTALL)[1]
    program = f"import numpy as np\n{lines}\nprint(normalize(np.array([[1.0], [3.0]]), eps=0).ravel().tolist())"
    done = python(folder / "notebooks", "-c", program, course=folder)
    assert done.stdout == "[-1.0, 1.0]\n", done.stderr


@pytest.mark.slow
def test_a_student_works_through_all_parts_in_one_folder(copies, unpack):
    folder = unpack(*copies.values())
    pristine = python(folder, "-m", "bn_helpers", "check")
    assert pristine.returncode == 0, pristine.stderr
    assert states(pristine.stdout) == dict.fromkeys(TASKS, "unanswered")
    for path in (folder / "notebooks").iterdir():
        solve(path)
    solved = python(folder, "-m", "bn_helpers", "check")
    assert solved.returncode == 0, solved.stdout
    assert states(solved.stdout) == dict.fromkeys(EXERCISES, "passed") | dict.fromkeys(QUIZZES, "recorded")


@pytest.mark.slow
@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("solved", [False, True], ids=["pristine", "solved"])
def test_every_notebook_runs_in_its_part_alone(copies, unpack, part, solved):
    folder = unpack(copies[part])
    if solved:
        for path in (folder / "notebooks").iterdir():
            solve(path)
    options = ["--nbval-lax", "-q", "-p", "no:cacheprovider", "-c", os.devnull, f"--rootdir={folder}"]
    done = python(folder, "-m", "pytest", *options, folder / "notebooks")
    assert done.returncode == 0, done.stdout[-3000:]


def test_the_workflow_checks_as_the_readme_says(copies):
    import yaml

    workflow = yaml.safe_load(copies["1-2"][".github/workflows/check.yml"])
    commands = [step["run"] for step in workflow["jobs"]["check"]["steps"] if "run" in step]
    assert commands == ["python -m pip install -r requirements.txt -e .", "python -m bn_helpers check"]
    assert workflow["permissions"] == {"contents": "read"}
    assert all(command in copies["1-2"]["README.md"].decode() for command in commands)


def test_what_a_notebook_imports_is_not_left_out_of_the_course_in_the_browser():
    imported = {path.relative_to(ROOT / "bn_helpers").as_posix() for name in NOTEBOOKS for path in seen(ROOT, name)}
    assert not imported & set(bundle.TERMINAL)
