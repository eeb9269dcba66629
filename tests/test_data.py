from pathlib import Path

import numpy as np
import pytest

from bn_helpers import data

BOTH = pytest.mark.parametrize("load", [data.digits, data.fashion_mnist])


@BOTH
def test_rows_labels_and_names_fit_together(load):
    dataset = load()
    assert dataset.x_train.shape[1] == dataset.x_test.shape[1] == np.prod(dataset.image_shape)
    assert len(dataset.x_train) == len(dataset.y_train)
    assert len(dataset.x_test) == len(dataset.y_test)
    assert set(dataset.y_train) == set(dataset.y_test) == set(range(10)) == set(range(len(dataset.classes)))


@BOTH
def test_brightness_is_float64_from_0_to_1(load):
    for x in (load().x_train, load().x_test):
        assert x.dtype == np.float64
        assert (x.min(), x.max()) == (0, 1)


@pytest.mark.parametrize(("load", "per_class"), [(data.digits, 40), (data.fashion_mnist, 200)])
def test_chance_is_a_tenth_on_the_test_images(load, per_class):
    assert np.bincount(load().y_test).tolist() == [per_class] * 10


@BOTH
@pytest.mark.parametrize("prepare", [lambda dataset: dataset, data.Dataset.standardized])
@pytest.mark.parametrize("field", ["x_train", "y_train", "x_test", "y_test"])
def test_a_function_that_changes_its_input_fails_at_once(load, prepare, field):
    array = getattr(prepare(load()), field)
    with pytest.raises(ValueError, match="read-only"):
        array -= 1


def test_standardized_applies_one_shift_and_one_scale_of_the_training_images_to_all():
    raw, standardized = data.digits(), data.digits().standardized()
    mean, std = raw.x_train.mean(), raw.x_train.std()
    np.testing.assert_allclose(standardized.x_train, (raw.x_train - mean) / std, rtol=0, atol=1e-12)
    np.testing.assert_allclose(standardized.x_test, (raw.x_test - mean) / std, rtol=0, atol=1e-12)
    assert standardized.y_train is raw.y_train or np.array_equal(standardized.y_train, raw.y_train)


def test_training_and_test_images_have_none_in_common():
    for dataset in (data.digits(), data.fashion_mnist()):
        train, test = ({row.tobytes() for row in x} for x in (dataset.x_train, dataset.x_test))
        assert not train & test


def test_every_file_that_ships_has_its_origin_and_licence_told():
    folder = Path(data.__file__).parent / "datasets"
    readme = (folder / "README.md").read_text(encoding="utf-8")
    for file in folder.iterdir():
        assert file.name == "README.md" or f"`{file.name}`" in readme
    assert "CC BY 4.0" in readme
    assert "Permission is hereby granted" in (folder / "LICENSE-fashion_mnist.txt").read_text(encoding="utf-8")
