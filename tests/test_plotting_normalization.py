"""The figures of notebook 1: what they say, on which axes, in which colours."""

import matplotlib as mpl
import numpy as np
import pytest

from bn_helpers import plotting
from bn_helpers.plotting import normalization

pytestmark = pytest.mark.usefixtures("style")

WITH, WITHOUT = (look["color"] for look in (plotting.WITH, plotting.WITHOUT))
BATCH = np.array([[1.0, 10.0], [3.0, 30.0], [5.0, 20.0], [7.0, 40.0]])


def same_color(artist, color):
    return mpl.colors.same_color(artist.get_facecolor(), color)


def test_histograms_count_every_example_and_mark_the_mean():
    figure = normalization.histograms([BATCH], ["a", "b"], ["brightness"])
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["a", "b"]
    for ax, feature in zip(figure.axes, BATCH.T, strict=True):
        assert sum(bar.get_height() for bar in ax.patches) == len(BATCH)
        assert ax.get_lines()[0].get_xdata()[0] == feature.mean()
        assert ax.get_xlabel() == "brightness"


def test_histograms_of_two_batches_stand_above_one_another_on_one_scale_a_row():
    figure = normalization.histograms([BATCH, BATCH / 10], ["a", "b"], ["brightness", "normalized"])
    above, below = figure.axes[:2], figure.axes[2:]
    assert all(same_color(ax.patches[0], WITHOUT) for ax in above)
    assert all(same_color(ax.patches[0], WITH) for ax in below)
    assert above[0].get_xlim() == above[1].get_xlim() != below[0].get_xlim() == below[1].get_xlim()


def test_cells_of_one_colour_share_the_mean_that_is_printed_in_them():
    figure = normalization.shared_means(BATCH)
    means = [np.tile(BATCH.mean(axis=0), (4, 1)), np.tile(BATCH.mean(axis=1)[:, None], (1, 2)), np.full((4, 2), 14.5)]
    for ax, mean in zip(figure.axes, means, strict=True):
        printed = [text.get_text() for text in ax.texts if text.get_text().startswith("mean")]
        assert printed == [f"mean {value:.3g}" for value in mean.ravel()]
        groups = np.asarray(ax.images[0].get_array())
        for group in np.unique(groups):
            assert len(np.unique(mean[groups == group])) == 1
        assert len(np.unique(groups)) == len(np.unique(mean))


def test_what_stays_shows_the_same_bars_and_points_before_and_after():
    before = BATCH[:, 0]
    figure = normalization.what_stays(before, before / 8, BATCH, BATCH / 8)
    shape_before, shape_after, points_before, points_after = figure.axes
    heights = [[bar.get_height() for bar in ax.patches] for ax in (shape_before, shape_after)]
    assert heights[0] == heights[1]
    assert np.allclose(points_before.get_lines()[0].get_xydata(), BATCH)
    assert np.allclose(points_after.get_lines()[0].get_xydata(), BATCH / 8)
    assert points_after.get_title(loc="left") == "two features, after"


def test_scale_over_depth_has_a_labelled_line_a_gain_on_a_log_scale():
    spread = {0.5: [[0.5, 0.25], [0.6, 0.3]], 2.0: [[2.0, 4.0], [2.0, 4.0]]}
    without, normalized = normalization.scale_over_depth(spread, spread, "gain").axes
    assert without.get_yscale() == normalized.get_yscale() == "log"
    assert without.get_ylim() == normalized.get_ylim()
    for ax, color in ((without, WITHOUT), (normalized, WITH)):
        assert [text.get_text() for text in ax.texts] == ["gain 0.5", "gain 2"]
        assert all(mpl.colors.same_color(line.get_color(), color) for line in ax.get_lines())
    assert np.allclose(without.get_lines()[0].get_ydata(), [0.55, 0.275])  # the median of the runs


def test_layer_histograms_are_in_per_cent_between_minus_one_and_one():
    outputs = [np.array([-1.0, -0.5, 0.5, 1.0]), np.zeros(3)]
    figure = normalization.layer_histograms(outputs, outputs, [0, 9])
    assert [ax.get_title(loc="left") for ax in figure.axes[:2]] == ["layer 1, without", "layer 10, without"]
    for ax in figure.axes:
        assert sum(bar.get_height() for bar in ax.patches) == pytest.approx(100)
