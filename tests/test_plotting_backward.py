"""The figures of notebook 3: what they say, on which axes, in which colours."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from bn_helpers import plotting

pytestmark = pytest.mark.usefixtures("style")

figures = plotting.backward


@pytest.fixture
def nodes():
    x = np.array([[1.0], [1.0], [5.0], [5.0]])
    mean, var = x.mean(axis=0), x.var(axis=0)
    values = {"x": x, "mean": mean, "centered": x - mean, "var": var, "inv_std": 1 / np.sqrt(var)}
    values |= {"x_hat": (x - mean) / np.sqrt(var), "gamma": np.array([3.0]), "beta": np.array([1.0])}
    return values | {"out": 3 * values["x_hat"] + 1}


def words(ax):
    return [text.get_text() for text in ax.texts]


def colour(look):
    return look["color"].lower()


def test_the_graph_names_every_node_with_its_shape_and_numbers(nodes):
    ax = figures.graph(nodes).axes[0]
    for expected in ("x  (N, D)", "centered  (N, D)", "inv_std  (D,)", "1, 1, 5, 5", "-2, -2, 2, 2", "0.5"):
        assert expected in words(ax)
    assert not [word for word in words(ax) if word.startswith("d")]


def test_x_has_two_ways_on_and_all_end_at_out(nodes):
    ax = figures.graph(nodes).axes[0]
    arrows = [patch for patch in ax.patches if isinstance(patch, FancyArrowPatch)]
    boxes = [patch for patch in ax.patches if isinstance(patch, FancyBboxPatch)]
    starts = [boxes.index(arrow.patchA) for arrow in arrows]
    ends = [boxes.index(arrow.patchB) for arrow in arrows]
    assert len(boxes) == 9
    assert starts.count(0) == 2  # from x to mean and to centered
    assert set(range(9)) - set(starts) == {8}  # only out leads nowhere
    assert ends.count(8) == 3


def test_a_gradient_stands_in_colour_at_its_node_and_the_values_stay_black(nodes):
    gradients = {"dx": np.array([[3.0], [-3.0], [-0.0], [1e-17]]), "dvar": np.array([1.5])}
    ax = figures.graph(nodes, gradients).axes[0]
    looks = {text.get_text(): to_hex(text.get_color()) for text in ax.texts}
    assert looks["dx"] == looks["3, -3, 0, 0"] == looks["dvar"] == looks["1.5"] == colour(plotting.WITH)
    assert looks["-2, -2, 2, 2"] == "#000000"
    assert "dmean" not in looks


def test_words_of_the_graph_stay_inside_their_boxes(nodes):
    gradients = {"dcentered": np.array([[4.5], [-1.5], [1.5], [1.5]])}
    figure = figures.graph(nodes, gradients)
    figure.draw_without_rendering()
    ax = figure.axes[0]
    boxes = [patch.get_window_extent() for patch in ax.patches if isinstance(patch, FancyBboxPatch)]
    for text in ax.texts:
        extent = text.get_window_extent()
        assert any(box.x0 <= extent.x0 and extent.x1 <= box.x1 for box in boxes if box.y0 < extent.y0 < box.y1), text


def test_parts_share_their_axes_and_read_as_a_sum():
    figure = figures.parts(*np.arange(12.0).reshape(4, 3))
    titles = [ax.get_title(loc="left") for ax in figure.axes]
    assert titles == ["dout", "= the same for all", "+ in step with x_hat", "+ what passes"]
    assert len({ax.get_ylim() for ax in figure.axes}) == 1
    assert to_hex(figure.axes[3].patches[0].get_facecolor()) == colour(plotting.WITH)


def test_share_that_passes_draws_the_root_mean_square_on_a_log_axis():
    ax = figures.share_that_passes([2, 8], [np.zeros(3), np.array([0.6, 0.8])]).axes[0]
    points = next(line for line in ax.get_lines() if line.get_linestyle() == "None")
    np.testing.assert_allclose(points.get_ydata(), [0, np.sqrt(0.5)])
    theory = next(line for line in ax.get_lines() if line.get_linestyle() == plotting.REFERENCE["linestyle"])
    np.testing.assert_allclose(theory.get_ydata()[[0, -1]], [0, np.sqrt(6 / 8)], atol=1e-7)
    assert (ax.get_xscale(), ax.get_xlabel(), ax.get_ylabel()) == ("log", "batch size N", "share that passes")
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["2", "8"]


def test_held_constant_shows_medians_with_labels_at_the_lines_ends():
    three = np.ones((3, 2, 5, 3)) * np.array([1.0, 2.0])[:, None, None]
    figure = figures.held_constant(np.array([1, 2, 3]), *three)
    for ax in figure.axes:
        assert words(ax) == ["right", "constant"]
        assert [line.get_ydata()[0] for line in ax.get_lines()] == [1.0, 2.0]
        assert [line.get_color().lower() for line in ax.get_lines()] == [colour(plotting.WITH), colour(plotting.THIRD)]
    assert figure.axes[0].get_yscale() == "log"


def test_gradient_over_depth_goes_back_from_the_last_layer():
    norms = np.broadcast_to(np.array([8.0, 4.0, 2.0]), (2, 3, 5, 3))  # first layer first
    figure = figures.gradient_over_depth([0.1, 1.0, 2.0], norms, np.ones((2, 3, 5)))
    left, middle, _ = figure.axes
    assert left.get_lines()[0].get_ydata().tolist() == [1.0, 2.0, 4.0]
    assert words(left) == ["std 0.1", "std 1", "std 2"]
    assert words(middle) == ["all three"]
    assert left.get_ylim() == middle.get_ylim()
    assert {line.get_color().lower() for line in left.get_lines()} == {colour(plotting.WITHOUT)}
    assert {line.get_linestyle() for line in left.get_lines()} == {"-", "--", ":"}


def test_gradient_over_depth_shows_what_the_nets_reach_at_each_std():
    reached = np.repeat([[[0.1], [0.9], [0.2]], [[0.8], [0.95], [0.7]]], 5, axis=2)
    right = figures.gradient_over_depth([0.1, 1.0, 2.0], np.ones((2, 3, 5, 3)), reached).axes[2]
    assert words(right) == ["without", "with"]
    np.testing.assert_allclose([line.get_ydata() for line in right.get_lines()], reached[..., 0])
    assert [label.get_text() for label in right.get_xticklabels()] == ["0.1", "1", "2"]


def test_with_and_without_shares_its_axes_and_has_a_panel_a_rate():
    losses = np.broadcast_to(np.array([2.0, 1.0])[:, None, None, None], (2, 3, 5, 4))
    figure = figures.with_and_without([0.1, 1.0, 3.0], np.arange(4), losses)
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["rate 0.1", "rate 1", "rate 3"]
    assert len({ax.get_ylim() for ax in figure.axes}) == 1
    for ax in figure.axes:
        assert words(ax) == ["without", "with"]
        assert [line.get_ydata()[0] for line in ax.get_lines()] == [2.0, 1.0]
        assert [line.get_color().lower() for line in ax.get_lines()] == [
            colour(plotting.WITHOUT),
            colour(plotting.WITH),
        ]


def test_learned_gammas_are_counted_on_one_scale_beside_their_start():
    gammas = np.array([[1.0, 1.1, 1.2], [1.0, 2.0, 2.5]])
    figure = figures.learned_gammas([0.1, 1.0], gammas)
    for ax in figure.axes:
        assert sum(bar.get_height() for bar in ax.patches) == 3
        assert list(ax.get_lines()[0].get_xdata()) == [1, 1]
    assert len({ax.get_xlim() for ax in figure.axes}) == 1
