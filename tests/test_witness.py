"""What PyTorch's layer gives for one small batch: recorded in the package, measured here where it is installed.

``python tests/test_witness.py`` records it anew.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from bn_helpers import data, layers

RECORDED = Path(data.__file__).parent / "datasets" / "pytorch.json"
GIVEN = {
    "x": [[1.0, 10.0, -0.5], [3.0, 30.0, 0.25], [4.0, 20.0, 1.5], [7.0, 60.0, -2.0]],
    "gamma": [1.5, -0.5, 2.0],
    "beta": [0.25, 1.0, -1.0],
    "dout": [[1.0, -2.0, 0.5], [0.0, 1.0, -1.0], [2.0, 0.5, 0.25], [-1.0, 3.0, 1.0]],
}


def measured() -> dict:
    """One training step of PyTorch's layer with its own defaults, in float64."""
    torch = pytest.importorskip("torch")
    layer = torch.nn.BatchNorm1d(3, dtype=torch.float64)
    x, gamma, beta, dout = (torch.tensor(GIVEN[name], dtype=torch.float64) for name in ("x", "gamma", "beta", "dout"))
    with torch.no_grad():
        layer.weight.copy_(gamma)
        layer.bias.copy_(beta)
    x.requires_grad_()
    out = layer(x)
    dx, dgamma, dbeta = torch.autograd.grad(out, (x, layer.weight, layer.bias), dout)
    values = {"out": out.detach(), "dx": dx, "dgamma": dgamma, "dbeta": dbeta}
    values |= {"running_mean": layer.running_mean, "running_var": layer.running_var}
    return {"version": torch.__version__} | GIVEN | {name: value.tolist() for name, value in values.items()}


def test_pytorch_still_says_what_was_recorded():
    now, recorded = measured(), data.pytorch()
    assert now.keys() == recorded.keys()
    for name in now.keys() - {"version"}:
        np.testing.assert_allclose(now[name], recorded[name], rtol=1e-12, atol=1e-12, err_msg=name)


def test_the_reference_agrees_with_the_witness():
    seen = data.pytorch()
    out, cache = layers.batchnorm_forward(seen["x"], seen["gamma"], seen["beta"], {"mode": "train"})
    found = dict(zip(("dx", "dgamma", "dbeta"), layers.batchnorm_backward(seen["dout"], cache), strict=True))
    for name, value in (found | {"out": out}).items():
        np.testing.assert_allclose(value, seen[name], rtol=1e-12, atol=1e-12, err_msg=name)


if __name__ == "__main__":
    RECORDED.write_text(json.dumps(measured(), indent=1) + "\n", encoding="utf-8")
