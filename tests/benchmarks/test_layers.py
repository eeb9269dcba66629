"""The benchmark compares like with like, and prints a row for everything that it times. No time is asserted."""

from __future__ import annotations

import importlib.util
import sys

import numpy as np
import pytest

from benchmarks import layers

SHAPES = ((4, 3), (2, 3, 2, 2))
TORCH = importlib.util.find_spec("torch") is not None


@pytest.mark.parametrize("what", [layers.FORWARD, layers.BOTH])
@pytest.mark.parametrize("shape", SHAPES)
def test_all_that_is_timed_computes_the_same(shape, what):
    torch = pytest.importorskip("torch") if TORCH else None
    calls = layers.contenders(shape, "float64", what, torch)
    results = {name: call() for name, call in calls.items() if name != "copy"}
    for name, result in results.items():
        for got, want in zip(result, results["reference"], strict=True):
            got = got.detach().numpy() if name.startswith("torch") else got
            np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-12, err_msg=name)


@pytest.mark.parametrize(
    "installed", [False, pytest.param(True, marks=pytest.mark.skipif(not TORCH, reason="no torch"))]
)
def test_tables_have_a_row_for_each_shape_and_dtype_and_a_summary(capsys, monkeypatch, installed):
    if not installed:
        monkeypatch.setitem(sys.modules, "torch", None)  # importing it then fails
    layers.bench(SHAPES, seconds=0.0)
    out = capsys.readouterr().out
    assert ("pip install torch" in out) is not installed
    names = ["copy", "reference", "naive", *(["torch 1", "torch 2"] if installed else [])]
    for table in out.split("\n\n")[1:3]:
        head, *rows, mean, largest = table.splitlines()
        assert all(name in head for name in names)
        starts = ["4 x 3 ", "4 x 3 ", "2 x 3 x 2 x 2 ", "2 x 3 x 2 x 2 "]
        assert all(row.startswith(start) for row, start in zip(rows, starts, strict=True))
        numbers = np.array([row[28:].split() for row in rows], float)
        assert numbers.shape == (2 * len(SHAPES), 2 * len(names) - 1)
        assert np.isfinite(numbers).all()
        assert [float(v) for v in largest[28:].split()] == numbers[:, len(names) :].max(axis=0).tolist()
        assert mean.startswith("geometric mean")
