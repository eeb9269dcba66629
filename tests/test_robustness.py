"""What the notebooks claim, with other seeds, and where a sentence is general, in another setting.

``python -m pytest tests/test_robustness.py -m slow -s`` prints the table of margins.
"""

from __future__ import annotations

import json
from functools import cache

import pytest
from serving import ROOT

from bn_helpers.course.builder import run
from bn_helpers.course.claims import shown
from bn_helpers.exercises import NOTEBOOKS

SEEDS = {"SEEDS = range(5)": "SEEDS = range(100, 105)"}
SETTINGS = {  # what is changed for another setting; a claim that names its setting is not among those that see it
    "01_normalization": {"[100] * 51": "[60] * 51", "(200, 100)": "(200, 60)", "*[100] *": "*[60] *"},
    "02_scale_and_shift": {"lr=0.5": "lr=0.3"},
    "03_backward": {"*[50] * 10, 10]": "*[80] * 10, 10]", "*[50] * depth, 10]": "*[80] * depth, 10]"},
    "04_convolution": {"50, 50, 50, 10]": "30, 30, 30, 10]", "[50, 10]": "[30, 10]", "[50] * 8": "[30] * 8"},
    "05_regularization": {"y_train, steps=300, lr=0.1, seed=SEEDS[0]": "y_train, steps=150, lr=0.1, seed=SEEDS[0]"},
}


@cache
def claims(name: str, *changes: tuple[str, str]) -> dict[str, dict]:
    """The claims of a solved notebook that was run with its code changed, by cell and words."""
    notebook = json.loads((ROOT / "solutions" / f"{name}.ipynb").read_text("utf-8"))
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    for old, new in changes:
        assert any(old in "".join(cell["source"]) for cell in code), f"{name}: nothing to change in {old!r}"
        for cell in code:
            cell["source"] = "".join(cell["source"]).replace(old, new)
    cells = run(notebook, ROOT / "solutions", name, lambda cell: None).cells
    return {f"{cell}: {claim['text']}": claim for cell, claims, _ in shown(cells) for claim in claims}


@pytest.mark.slow
@pytest.mark.parametrize("name", NOTEBOOKS)
@pytest.mark.parametrize("changes", ["seeds", "setting"])
def test_claims_hold(name, changes):
    found = claims(name, *(SEEDS if changes == "seeds" else SETTINGS[name]).items())
    print(f"\n{name}, another {changes}: margin, median, claim")
    for place, claim in found.items():
        print(f"{claim['margin'] or 99:7.1f} {claim['median'] or 0:10.4g}  {place}")
    assert found
    assert not [place for place, claim in found.items() if not claim["holds"]]
