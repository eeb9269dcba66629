"""How fast the reference is: beside a naive version, PyTorch on the processor, and a copy of the same arrays.

    PYTHONPATH=tests .venv/bin/python -m benchmarks.layers

It takes two minutes. PyTorch's columns need `.venv/bin/pip install torch`.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable
from statistics import geometric_mean
from types import ModuleType

import numpy as np

from bn_helpers import layers

SHAPES = ((256, 1024), (4096, 1024), (32, 64, 32, 32), (64, 128, 16, 16), (128, 3, 32, 32))
DTYPES = ("float32", "float64")
FORWARD, BOTH = "forward", "forward + backward"
TWO_THREADS = "torch 2"
# For the process that measures: one BLAS thread, and freed memory is kept (glibc). Otherwise some calls pay for new
# pages and others do not, as chance will have it.
ENVIRONMENT = {
    **dict.fromkeys(["OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"], "1"),
    **dict.fromkeys(["MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_"], str(2**32)),
}
HEAD = """\
NumPy {}, {}
One thread and its processor time; "torch 2" has two threads and the clock on the wall, which other programs disturb.
Median milliseconds of rounds in which all take turns, each warmed up by a call that is not timed; then the median of
the reference's time over each other's. "copy" copies x into out and, with the backward pass, dout into dx.
"""
NO_TORCH = "no PyTorch (pip install torch adds its columns)"

Call = Callable[[], object]


def bench(shapes: tuple[tuple[int, ...], ...] = SHAPES, seconds: float = 3.0) -> None:
    """Print two tables, a row as soon as it is measured, with a summary of the ratios below each.

    Parameters
    ----------
    shapes : tuple of tuple of int
        Shapes of batches: (N, D), or (N, C, H, W).
    seconds : float
        How long a row takes. There are nine rounds at least.
    """
    try:
        import torch
    except ImportError:
        torch = None
    print(HEAD.format(np.__version__, f"PyTorch {torch.__version__}" if torch else NO_TORCH))
    for what in (FORWARD, BOTH):
        _table(what, shapes, seconds, torch)


def _table(what: str, shapes: tuple[tuple[int, ...], ...], seconds: float, torch: ModuleType | None) -> None:
    names = list(contenders((2, 1), "float64", what, torch))
    others = [name for name in names if name != "reference"]
    print(f"{what:<28}", *[f"{name:>9}" for name in [*names, *[f"/ {name}" for name in others]]], flush=True)
    rows = []
    for shape in shapes:
        for dtype in DTYPES:
            print(f"{' x '.join(map(str, shape)):<18} {dtype:<9}", end=" ", flush=True)
            times = measure(contenders(shape, dtype, what, torch), seconds)
            rows.append([float(np.median(times["reference"] / times[name])) for name in others])
            print(*[f"{1e3 * np.median(times[name]):9.3f}" for name in names], end=" ")
            print(*[f"{ratio:9.2f}" for ratio in rows[-1]], flush=True)
    for title, summary in {"geometric mean": geometric_mean, "largest": max}.items():
        print(f"{title:<28}", *[" " * 9] * len(names), *[f"{summary(column):9.2f}" for column in np.transpose(rows)])
    print()


def measure(calls: dict[str, Call], seconds: float) -> dict[str, np.ndarray]:
    """Seconds that each call took, of shape (rounds,): of its thread where there is one, and otherwise on the wall."""
    fine = time.get_clock_info("thread_time").resolution < 1e-6  # on Windows it is not
    clocks = {name: time.thread_time if fine and name != TWO_THREADS else time.perf_counter for name in calls}
    times: dict[str, list[float]] = {name: [] for name in calls}
    end, rounds = time.perf_counter() + seconds, 0
    while rounds < 9 or time.perf_counter() < end:
        rounds += 1
        for name, call in calls.items():
            call()
            start = clocks[name]()
            call()
            times[name].append(clocks[name]() - start)
    return {name: np.array(values) for name, values in times.items()}


def contenders(shape: tuple[int, ...], dtype: str, what: str, torch: ModuleType | None) -> dict[str, Call]:
    """What is timed, by name. A call gives out, or dx, dgamma and dbeta.

    Parameters
    ----------
    shape : tuple of int
        (N, D) or (N, C, H, W).
    dtype : str
        Of all arrays.
    what : str
        FORWARD or BOTH.
    torch : module, optional
        PyTorch, where it is installed.
    """
    rng = np.random.RandomState(0)
    x, dout = (2 * rng.standard_normal((2, *shape)) + 1).astype(dtype)
    gamma, beta = rng.standard_normal((2, shape[1])).astype(dtype)
    images = x.ndim == 4
    reference = (layers.batchnorm_forward, layers.batchnorm_backward_alt)
    if images:
        reference = (layers.spatial_batchnorm_forward, layers.spatial_batchnorm_backward)
    naive = (naive_image_forward, naive_image_backward) if images else (naive_forward, naive_backward)

    def numpy_call(forward: Callable, backward: Callable) -> Call:
        def call() -> object:
            out, cache = forward(x, gamma, beta, {"mode": "train"})
            return out if what == FORWARD else backward(dout, cache)

        return call

    calls = {"copy": _copy(x, dout, what), "reference": numpy_call(*reference), "naive": numpy_call(*naive)}
    if torch:
        arrays = [x, dout, gamma, beta]
        calls |= {"torch 1": _torch(torch, 1, arrays, what), TWO_THREADS: _torch(torch, 2, arrays, what)}
    return calls


def _copy(x: np.ndarray, dout: np.ndarray, what: str) -> Call:
    out, dx = np.empty_like(x), np.empty_like(x)

    def call() -> None:
        np.copyto(out, x)
        if what == BOTH:
            np.copyto(dx, dout)

    return call


def _torch(torch: ModuleType, threads: int, arrays: list[np.ndarray], what: str) -> Call:
    x, dout, gamma, beta = map(torch.from_numpy, arrays)
    running_mean, running_var = torch.zeros_like(gamma), torch.zeros_like(gamma)
    inputs = [tensor.requires_grad_(what == BOTH) for tensor in (x, gamma, beta)]

    def call() -> object:
        torch.set_num_threads(threads)
        out = torch.nn.functional.batch_norm(x, running_mean, running_var, gamma, beta, training=True)
        return out if what == FORWARD else torch.autograd.grad(out, inputs, dout)

    return call


# The naive version: each node of the graph an array, each stage a line, and images laid out as rows


def naive_forward(
    x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, bn_param: dict
) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
    """Training-mode batch normalization, with the arguments of `layers.batchnorm_forward`."""
    mean = np.mean(x, axis=0)
    centered = x - mean
    square = centered**2
    var = np.mean(square, axis=0)
    std = np.sqrt(var + bn_param.get("eps", 1e-5))
    x_hat = centered / std
    scaled = gamma * x_hat
    out = scaled + beta
    for name, value in {"running_mean": mean, "running_var": var}.items():
        bn_param[name] = 0.9 * bn_param.get(name, np.zeros_like(value)) + 0.1 * value
    return out, (centered, std, x_hat, gamma)


def naive_backward(dout: np.ndarray, cache: tuple[np.ndarray, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Its gradients dx, dgamma and dbeta, stage by stage."""
    centered, std, x_hat, gamma = cache
    dbeta = np.sum(dout, axis=0)
    dgamma = np.sum(dout * x_hat, axis=0)
    dx_hat = dout * gamma
    dcentered = dx_hat / std
    dstd = -np.sum(dx_hat * centered, axis=0) / std**2
    dvar = 0.5 * dstd / std
    dsquare = np.ones_like(dout) * dvar / len(dout)
    dcentered = dcentered + 2 * centered * dsquare
    dmean = -np.sum(dcentered, axis=0)
    return dcentered + np.ones_like(dout) * dmean / len(dout), dgamma, dbeta


def naive_image_forward(
    x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, bn_param: dict
) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
    """The same for images of shape (N, C, H, W), by way of rows of C numbers."""
    n, c, h, w = x.shape
    out, cache = naive_forward(x.transpose(0, 2, 3, 1).reshape(-1, c), gamma, beta, bn_param)
    return out.reshape(n, h, w, c).transpose(0, 3, 1, 2), cache


def naive_image_backward(dout: np.ndarray, cache: tuple[np.ndarray, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Its gradients dx, dgamma and dbeta."""
    n, c, h, w = dout.shape
    dx, dgamma, dbeta = naive_backward(dout.transpose(0, 2, 3, 1).reshape(-1, c), cache)
    return dx.reshape(n, h, w, c).transpose(0, 3, 1, 2), dgamma, dbeta


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        if ENVIRONMENT.items() <= os.environ.items():
            bench()
        else:  # NumPy reads the number of threads, and the allocator its settings, when they start
            subprocess.run([sys.executable, "-m", "benchmarks.layers"], env=os.environ | ENVIRONMENT)
