import matplotlib as mpl
import numpy as np
import pytest

from bn_helpers import plotting
from bn_helpers.plotting import scale_and_shift

pytestmark = pytest.mark.usefixtures("style")

WITH, WITHOUT, THIRD = (look["color"] for look in (plotting.WITH, plotting.WITHOUT, plotting.THIRD))
RNG = np.random.RandomState(0)


def names(ax):
    return [text.get_text() for text in ax.texts]


def lines(ax, color):
    return [line for line in ax.get_lines() if mpl.colors.same_color(line.get_color(), color)]


def rows(artists):
    """What lines show, as one array (lines, points)."""
    return np.array([line.get_ydata() for line in artists])


def test_spreads_counts_every_unit_and_names_the_medians():
    before, after = np.full((2, 3), 0.5), np.array([[1.0, 1.25, 2.0], [1.0, 1.25, 2.0]])
    (ax,) = scale_and_shift.spreads(before, after).axes
    heights = [sum(bar.get_height() for bar in bars) for bars in ax.containers]
    assert heights == [6, 6]
    assert [bar.get_height() for bar in ax.containers[1] if bar.get_height()] == [2, 2, 2]
    assert names(ax) == ["before training:\nmedian 0.50", "after training:\nmedian 1.25"]
    assert mpl.colors.same_color(ax.containers[1][0].get_facecolor()[:3], WITHOUT)
    assert ax.get_xlabel().startswith("standard deviation")


def draw_identity():
    spread = np.array([0.01, 0.1, 1.0])
    shares = {"variance": spread, "sqrt(variance)": spread**0, "yours": spread**0}
    batches = RNG.standard_normal((4, 5))
    return scale_and_shift.identity(spread, shares, batches, 2 * batches), batches


def test_identity_names_each_gamma_and_gives_the_learners_the_colour_of_batch_norm():
    left, _ = draw_identity()[0].axes
    assert names(left) == ["variance", "sqrt(variance)", "yours"]
    assert lines(left, WITH)[0].get_label() == "yours"
    assert left.get_xscale() == "log"
    assert left.get_ylabel() == "share that comes back"


def test_identity_sets_the_first_batch_apart_from_the_others():
    figure, batches = draw_identity()
    right = figure.axes[1]
    np.testing.assert_array_equal(rows(lines(right, WITH)), 2 * batches[:1])
    np.testing.assert_array_equal(rows(lines(right, THIRD)), 2 * batches[1:])
    assert names(right) == ["● this batch", "■◆▲ the next three"]


def draw_saturation():
    gammas = np.array([0.2, 1.0, 5.0])
    measured = np.array([[0.0, 0.1, 0.7], [0.0, 0.2, 0.8]])
    trained = [1.2, 1.3], [0.15, 0.16]
    return scale_and_shift.saturation(RNG.standard_normal(1000), gammas, np.array([0.0, 0.1, 0.7]), measured, trained)


def test_saturation_shows_three_gammas_on_one_scale_each_adding_up_to_100_per_cent():
    panels = draw_saturation().axes[:3]
    assert [ax.get_title(loc="left") for ax in panels] == ["gamma = 0.2", "gamma = 1", "gamma = 5"]
    for ax in panels:
        assert sum(bar.get_height() for bar in ax.patches) == pytest.approx(100)
        assert (ax.get_ylim(), ax.get_yscale()) == ((0.1, 100), "log")


def test_saturation_tells_real_features_from_trained_nets():
    share, slope = draw_saturation().axes[3:]
    np.testing.assert_array_equal(rows(lines(share, WITH)), [[0.0, 0.2, 0.8]])
    np.testing.assert_array_equal(rows(lines(share, WITHOUT)), [[0.15, 0.16]])
    assert (share.get_ylim(), slope.get_ylim()) == ((0, 1), (0, 1))
    curve, marked = slope.get_lines()
    assert np.all(np.diff(curve.get_ydata()) < 0)
    assert [text.get_text() for text in slope.texts] == [f"{marked.get_ydata()[0]:.2f}"]


def test_convergence_labels_each_run_and_draws_where_it_should_go():
    distance = {m: np.full((5, 10), m) for m in (0.1, 0.9, 0.99)}
    share = {size: np.full((5, 20), 0.5) for size in (2, 8, 64)}
    left, right = scale_and_shift.convergence(distance, share, start=0.5).axes
    assert names(left) == ["momentum 0.1", "momentum 0.9", "momentum 0.99"]
    assert names(right) == ["batches of 2", "batches of 8", "batches of 64"]
    dotted = left.get_lines()[-1]
    np.testing.assert_allclose(dotted.get_ydata()[:3], [0.5, 0.45, 0.405])
    assert left.get_yscale() == "log"
    assert right.get_ylim()[0] == 0


def test_modes_draws_the_median_by_size_and_every_net_by_order():
    by_size = {"train": [[0.1, 0.1, 0.1], [0.5, 0.6, 0.9]], "test": [[0.9, 0.9, 0.9], [0.9, 0.9, 0.9]]}
    by_order = {"train": [[0.9, 0.8, 0.7], [0.1, 0.2, 0.3]], "test": [[0.9, 0.9, 0.9], [0.9, 0.9, 0.9]]}
    left, right = scale_and_shift.modes([1, 64], by_size, by_order).axes
    assert names(left) == ["test mode", "training mode"]
    np.testing.assert_array_equal(rows(lines(left, THIRD)), [[0.1, 0.6]])
    np.testing.assert_array_equal([line.get_xdata() for line in lines(right, THIRD)], by_order["train"])
    rows_of = [label.get_text().replace("\n", " ") for label in right.get_yticklabels()]
    assert rows_of == [
        f"{who}, {mode} mode" for mode in ("test", "training") for who in ("shuffled", "sorted by class")
    ]
    assert left.get_ylim() == right.get_xlim() == (0, 1.03)
