import numpy as np
import pytest

from bn_helpers import plotting
from bn_helpers.plotting import convolution

pytestmark = pytest.mark.usefixtures("style")

WITH, WITHOUT, THIRD, REFERENCE = (
    look["color"] for look in (plotting.WITH, plotting.WITHOUT, plotting.THIRD, plotting.REFERENCE)
)
SHARING = {  # axes over which the cells of one mean run
    "batch norm": (0, 2, 3),
    "layer norm": (1, 2, 3),
    "instance norm": (2, 3),
    "per pixel": (0,),
}


def texts(ax):
    return [text.get_text() for text in ax.texts]


def titled(figure, beginning):
    return next(ax for ax in figure.axes if ax.get_title(loc="left").startswith(beginning))


def cells(ax, shape):
    """The numbers written into the cells of a panel, as a batch."""
    return np.reshape([int(text) for text in texts(ax)], shape)


@pytest.mark.parametrize("name", SHARING)
def test_shared_statistics_numbers_cells_by_the_mean_they_share(name):
    shape = (3, 4, 2, 2)
    groups = cells(titled(convolution.shared_statistics(shape), name), shape)
    axes = SHARING[name]
    assert np.array_equal(groups, np.broadcast_to(groups.min(axis=axes, keepdims=True), shape))
    assert groups.max() == len(np.unique(groups)) == groups.size // np.prod([shape[axis] for axis in axes])


def test_shared_statistics_splits_the_channels_of_group_norm_in_halves():
    groups = cells(titled(convolution.shared_statistics((2, 4, 1, 1)), "group norm"), (2, 4))
    assert groups.tolist() == [[1, 1, 2, 2], [3, 3, 4, 4]]


def test_shared_statistics_colours_cells_as_it_numbers_them():
    ax = titled(convolution.shared_statistics((2, 2, 1, 2)), "per pixel")
    colours = np.concatenate([np.ravel(mesh.get_array()) for mesh in ax.collections])
    assert [f"{colour + 1:.0f}" for colour in colours] == texts(ax)


def test_reshapes_colours_a_cell_by_the_channel_it_comes_from():
    x = np.array([[[[1.0]], [[10.0]]], [[[2.0]], [[20.0]]]])
    figure = convolution.reshapes(x, x.reshape(2, 2), x.reshape(2, 2).T)
    _, moved, plain = figure.axes
    assert [mesh.get_array().ravel().tolist() for mesh in (moved.collections[0], plain.collections[0])] == [
        [0, 1, 0, 1],
        [0, 0, 1, 1],
    ]
    assert texts(plain) == ["1", "2", "10", "20"]
    assert [label.get_text() for label in moved.get_xticklabels()] == ["1.5", "15"]


def test_pictures_share_one_signed_scale():
    *panels, bar = convolution.pictures([np.eye(2), -4 * np.eye(2)], ["one", "two"], limit=3, unit="units").axes
    assert [panel.images[0].get_clim() for panel in panels] == [(-3, 3), (-3, 3)]
    assert {panel.images[0].get_cmap().name for panel in panels} == {plotting.SIGNED}
    assert [panel.get_title(loc="left") for panel in panels] == ["one", "two"]
    assert bar.get_xlabel() == "units"


def test_pictures_are_hatched_below_0():
    *panels, _ = convolution.pictures([np.eye(2), -np.eye(2)], ["one", "two"], limit=3, unit="units").axes
    paths = [[path for drawn in panel.collections for path in drawn.get_paths()] for panel in panels]
    assert [any(len(path.vertices) for path in some) for some in paths] == [False, True]


def test_pictures_show_where_the_scale_cuts_values_off():
    def ends(limit):
        return convolution.pictures([np.eye(2)], ["one"], limit, "units").axes[0].images[0].colorbar.extend

    assert (ends(1), ends(0.5)) == ("neither", "both")


def test_sweeps_draws_each_net_at_its_own_values_with_and_without_in_their_colours():
    full, few = np.full((2, 3, 5), 0.5), np.full((2, 2, 5), 0.4)
    full[1] = 0.7
    figure = convolution.sweeps({"full": ([0.1, 1, 10], full), "few": ([0.1, 10], few)}, "rate")
    left, right = figure.axes
    without, with_norm = (line for line in left.lines if line.get_label() in ("without", "with"))
    assert (without.get_color(), with_norm.get_color()) == (WITHOUT, WITH)
    assert np.allclose([without.get_ydata(), with_norm.get_ydata()], [[0.5] * 3, [0.7] * 3])
    assert [line.get_xdata().tolist() for line in right.lines[:2]] == [[0.1, 10]] * 2
    assert {ax.get_xscale() for ax in figure.axes} == {"log"}
    assert (left.get_xlabel(), left.get_ylabel()) == ("rate", "test accuracy")


def test_sweeps_names_the_lines_where_they_lie_furthest_apart():
    accuracy = np.array([[0.1, 0.2, 0.1], [0.2, 0.9, 0.1]])[:, :, None]
    (ax,) = convolution.sweeps({"net": ([0.1, 1, 10], accuracy)}, "rate").axes
    assert {text.get_text(): text.xy for text in ax.texts} == {"without": (1, 0.2), "with": (1, 0.9)}


def test_companions_draws_output_over_input_in_order_and_names_each_batch():
    pixels = np.array([[3.0, 1.0], [2.0, 0.0]])
    (ax,) = convolution.companions(pixels, {"a": 2 * pixels, "b": pixels, "alone": pixels - 1}).axes
    assert [line.get_xdata().tolist() for line in ax.lines] == [[0, 1, 2, 3]] * 3
    assert ax.lines[0].get_ydata().tolist() == [0, 2, 4, 6]
    assert [line.get_color() for line in ax.lines] == [WITH, THIRD, REFERENCE]
    assert texts(ax) == ["a", "b", "alone"]
