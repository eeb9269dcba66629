"""The two data sets that ship with the course, and an outside witness; only a browser downloads, from its own site."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np


class Dataset(NamedTuple):
    """Labelled images, each laid out as a row of D pixels; ``x.reshape(-1, *image_shape)`` gives (N, C, H, W).

    The arrays are read-only, so that a function which changes its input in place fails there and then, and does not
    spoil what comes after it.

    Attributes
    ----------
    x_train, x_test : ndarray of shape (N, D)
        Brightness of each pixel, float64 from 0 to 1.
    y_train, y_test : ndarray of shape (N,)
        Class of each image, integers from 0 to 9.
    image_shape : tuple of int
        Channels, height and width of an image.
    classes : tuple of str
        Name of each class.
    """

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    image_shape: tuple[int, int, int]
    classes: tuple[str, ...]

    def standardized(self) -> Dataset:
        """Shift and scale all pixels alike, so that those of the training images have mean 0 and standard deviation 1.

        Initial weights expect an input like that: without it a net that has no batch normalization starts with a
        handicap. Each pixel keeps a mean and a standard deviation of its own.

        Returns
        -------
        dataset : Dataset

        Examples
        --------
        >>> x = digits().standardized().x_train
        >>> print(f"{abs(x.mean()):.3f} {x.std():.3f}")
        0.000 1.000
        """
        mean = self.x_train.mean()
        x_train, x_test = self.x_train - mean, self.x_test - mean
        std = np.sqrt(np.vdot(x_train, x_train) / x_train.size)  # x_train.std() would center once more
        x_train /= std
        x_test /= std
        return self._replace(x_train=_locked(x_train), x_test=_locked(x_test))


def digits() -> Dataset:
    """Handwritten digits of 8 x 8 pixels: 1,397 to train on, 400 to test on (40 a class).

    Returns
    -------
    dataset : Dataset

    Notes
    -----
    UCI Optical Recognition of Handwritten Digits (Alpaydin and Kaynak 1998); see datasets/README.md. The brightness
    has 17 levels: 16 * x holds whole numbers.

    Examples
    --------
    >>> print(digits().x_train.shape, digits().image_shape)
    (1397, 64) (1, 8, 8)
    """
    return _load("digits", brightest=16, classes=tuple("0123456789"))


def fashion_mnist() -> Dataset:
    """Photographs of clothes, 28 x 28 pixels: 10,000 to train on, 2,000 to test on (1,000 and 200 a class).

    Returns
    -------
    dataset : Dataset

    Notes
    -----
    A part of Fashion-MNIST (Xiao, Rasul and Vollgraf 2017); see datasets/README.md.

    Examples
    --------
    >>> print(fashion_mnist().x_test.shape, fashion_mnist().classes[9])
    (2000, 784) ankle boot
    """
    classes = "T-shirt/top, trouser, pullover, dress, coat, sandal, shirt, sneaker, bag, ankle boot"
    return _load("fashion_mnist", brightest=255, classes=tuple(classes.split(", ")))


def pytorch() -> dict[str, np.ndarray | str]:
    """What PyTorch's ``BatchNorm1d`` gave for one small batch in training mode: an outside witness.

    Returns
    -------
    recorded : dict
        ``version`` of PyTorch; what went in: ``x``, ``gamma``, ``beta``, ``dout``; what came out: ``out``,
        ``running_mean``, ``running_var``, ``dx``, ``dgamma``, ``dbeta``.

    Notes
    -----
    With its own defaults: eps is 1e-5, and its momentum 0.1 is the share of the new; its running variance begins at 1
    and averages the variance that is divided by N - 1.

    Examples
    --------
    >>> print(pytorch()["dbeta"])
    [2.   2.5  0.75]
    """
    recorded = json.loads((Path(__file__).parent / "datasets" / "pytorch.json").read_text(encoding="utf-8"))
    return {name: value if isinstance(value, str) else np.array(value) for name, value in recorded.items()}


def _load(name: str, brightest: int, classes: tuple[str, ...]) -> Dataset:
    path = Path(__file__).parent / "datasets" / f"{name}.npz"
    if not path.exists():
        _fetch(path)
    with np.load(path) as stored:
        train, test = stored["x_train"], stored["x_test"]  # (N, H, W), uint8
        y_train, y_test = stored["y_train"].astype(np.int64), stored["y_test"].astype(np.int64)
    x_train, x_test = (images.reshape(len(images), -1) / brightest for images in (train, test))
    image_shape = (1, *train.shape[1:])
    return Dataset(_locked(x_train), _locked(y_train), _locked(x_test), _locked(y_test), image_shape, classes)


def _fetch(path: Path) -> None:
    """In a browser, get from the site what is too large to come with the package."""
    import js

    site = js.location.href.partition("/extensions/")[0]  # Python runs in a script of one of JupyterLab's extensions
    request = js.XMLHttpRequest.new()
    request.open("GET", f"{site}/static/pyodide/{path.name}", False)
    request.responseType = "arraybuffer"
    request.send()
    if request.status != 200:
        raise OSError(f"{path.name} does not come from {site}: is the machine online? Then run the cell again")
    path.write_bytes(request.response.to_bytes())


def _locked(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False
    return array
