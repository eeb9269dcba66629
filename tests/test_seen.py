"""What a notebook has to be run again for, and what not."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bn_helpers import layers
from bn_helpers.course.seen import seen, stamp
from bn_helpers.exercises import NOTEBOOKS

ROOT = Path(__file__).parents[1]
NAME = "04_convolution"
CELLS = [
    {"cell_type": "markdown", "id": "title", "source": ["# Convolution"]},
    {"cell_type": "code", "id": "one", "source": ["print(1)"], "outputs": [{"text": ["1"]}], "execution_count": 1},
]


@pytest.fixture
def root(tmp_path):
    """A notebook that sees the figures, the data and what these import, and nothing else of the package."""
    files = {
        f"solutions/{NAME}.py": "import bn_helpers.data\nfrom bn_helpers import layers, plotting",
        "bn_helpers/data.py": "from bn_helpers.oracles import complex_step",
        "bn_helpers/plotting/__init__.py": "from bn_helpers.plotting import backward, convolution",
        "bn_helpers/plotting/convolution.py": "from bn_helpers.plotting import normalization",
        "bn_helpers/bn.mplstyle": "",
        "bn_helpers/datasets/digits.npz": "",
    }
    others = ("oracles.py", "checks.py", "plotting/normalization.py", "plotting/backward.py", "fingerprints.json")
    for path, text in (files | {f"bn_helpers/{other}": "" for other in others}).items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    shutil.copy(layers.__file__, tmp_path / "bn_helpers")
    return tmp_path


@pytest.mark.parametrize(
    ("path", "counts"),
    [
        ("data.py", True),
        ("oracles.py", True),
        ("plotting/__init__.py", True),
        ("plotting/convolution.py", True),
        ("plotting/normalization.py", True),
        ("bn.mplstyle", True),
        ("datasets/digits.npz", True),
        ("plotting/backward.py", False),
        ("checks.py", False),
        ("fingerprints.json", False),
    ],
)
def test_file_of_the_package_counts_where_the_notebook_sees_it(root, path, counts):
    before = stamp(root, NAME, CELLS)
    with (root / "bn_helpers" / path).open("a") as file:
        file.write("\n")
    assert (stamp(root, NAME, CELLS) != before) == counts


@pytest.mark.parametrize(("function", "counts"), [("batchnorm_forward", True), ("layer_outputs", False)])
def test_function_of_the_reference_counts_where_the_notebook_is_handed_it(root, function, counts):
    path, before = root / "bn_helpers/layers.py", stamp(root, NAME, CELLS)
    text = path.read_text("utf-8")
    path.write_text(text.replace(f"def {function}(", f"def  {function}("), "utf-8")
    assert (stamp(root, NAME, CELLS) != before) == counts


@pytest.mark.parametrize(("cell", "key", "counts"), [(0, "source", False), (1, "source", True), (1, "outputs", True)])
def test_code_and_outputs_count_and_text_does_not(root, cell, key, counts):
    changed = [dict(each) for each in CELLS]
    changed[cell][key] = []
    assert (stamp(root, NAME, changed) != stamp(root, NAME, CELLS)) == counts


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_every_notebook_sees_what_keeps_it_on_one_thread_its_own_figures_and_nothing_private(name):
    paths = {path.relative_to(ROOT / "bn_helpers").as_posix() for path in seen(ROOT, name)}
    assert {"nets.py", "checks.py", "bn.mplstyle"} <= paths
    figures = {path for path in paths if path.startswith("plotting/")}
    assert figures == {"plotting/__init__.py", f"plotting/{name.partition('_')[2]}.py"}
    assert not [path for path in paths if path.startswith(("course/", "grading/", "cli", "layers"))]
