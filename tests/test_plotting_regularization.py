import matplotlib as mpl
import numpy as np
import pytest

from bn_helpers import plotting
from bn_helpers.plotting import regularization

pytestmark = pytest.mark.usefixtures("style")

WITH, WITHOUT = (look["color"] for look in (plotting.WITH, plotting.WITHOUT))


def texts(ax):
    return [text.get_text() for text in ax.texts]


def titles(axes):
    return [ax.get_title(loc="left") for ax in axes]


def lines(ax, color):
    return [line for line in ax.get_lines() if mpl.colors.same_color(line.get_color(), color)]


def test_jitter_counts_every_batch_on_one_scale_and_marks_test_mode():
    outputs = {4: np.array([-1.0, 1.0, 3.0]), 64: np.array([0.9, 1.0, 1.1])}
    picture, *axes = regularization.jitter(np.zeros((8, 8)), outputs, steady=1.0).axes
    assert picture.images[0].get_array().shape == (8, 8)
    assert titles(axes) == ["batches of 4: sd 1.63", "batches of 64: sd 0.08"]
    for ax in axes:
        assert sum(bar.get_height() for bar in ax.patches) == 3
        assert max(bar.get_height() for bar in ax.patches) <= ax.get_ylim()[1]
        (dotted,) = ax.get_lines()
        assert dotted.get_xdata()[0] == 1.0
        assert mpl.colors.same_color(dotted.get_color(), plotting.REFERENCE["color"])
    assert axes[0].get_xlim() == axes[1].get_xlim()
    assert axes[0].get_ylim() == axes[1].get_ylim()


def test_spreads_puts_dots_beside_the_formula_and_names_each_output():
    sizes = np.array([4, 16, 64])
    formula, measured = 1 / np.sqrt(sizes), 1.1 / np.sqrt(sizes)
    outputs = {"logits": 2 * formula, "first layer": formula}
    statistics = {"mean": (formula, measured), "variance": (2 * formula, 2 * measured)}
    left, right = regularization.spreads(sizes, statistics, outputs).axes
    dotted, dots, *_ = left.get_lines()
    np.testing.assert_array_equal(dotted.get_ydata(), formula)
    np.testing.assert_array_equal(dots.get_ydata(), measured)
    assert (dots.get_linestyle(), dots.get_marker()) == ("None", "o")
    assert (texts(left), texts(right)) == (["mean", "variance"], ["logits", "first layer"])
    for ax in (left, right):
        assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
        assert [label.get_text() for label in ax.get_xticklabels()] == ["4", "16", "64"]
    assert left.get_ylim() == right.get_ylim()


def draw_by_group():
    normalized = np.array([[0.7, 0.6, 0.8], [0.9, 0.9, 0.99], [0.2, 0.3, 0.1]])  # group, seed
    panels = {"clean labels": (normalized, np.array([0.5, 0.3, 0.6])), "wrong labels": (normalized - 0.1, np.ones(3))}
    return regularization.by_group([60, 4, 2], panels, "test accuracy").axes


def test_by_group_draws_every_seed_and_writes_the_medians():
    left, right = draw_by_group()
    assert titles((left, right)) == ["clean labels", "wrong labels"]
    assert texts(left)[:3] == ["70%", "90%", "20%"]
    left.figure.draw_without_rendering()
    dots = [left.transData.transform(line.get_xydata())[:, 1].min() for line in lines(left, WITH)]
    assert max(text.get_window_extent().y1 for text in left.texts[:3]) < min(dots)
    median, *seeds = lines(left, WITH)
    np.testing.assert_array_equal(median.get_ydata(), [0.7, 0.9, 0.2])
    assert len(seeds) == 3
    np.testing.assert_allclose(lines(right, WITH)[0].get_ydata(), [0.6, 0.8, 0.1])


def test_by_group_draws_what_is_reached_without_across_all_sizes():
    left, right = draw_by_group()
    (plain,) = lines(left, WITHOUT)
    np.testing.assert_array_equal(plain.get_data(), [[2, 60], [0.5, 0.5]])
    assert texts(left)[3:] == ["no batch norm", "ghost groups"]
    assert left.get_ylim() == right.get_ylim()
    assert left.get_ylabel() == "test accuracy"
    assert left.get_xlabel() == "images in a group"


def test_last_losses_draws_three_arms_over_the_rates_of_each_net_on_one_scale():
    losses = np.ones((3, 2, 5)) * np.array([3.0, 1.0, 2.0])[:, None, None]
    figure = regularization.last_losses({"sigmoid": ([0.5, 5], losses), "relu": ([0.1, 1], losses / 10)})
    assert titles(figure.axes) == ["sigmoid net", "relu net"]
    for ax, scale, ticks in zip(figure.axes, (1, 0.1), (["0.5", "5"], ["0.1", "1"]), strict=True):
        assert texts(ax) == ["without", "batch norm", "noisy"]
        np.testing.assert_allclose([line.get_ydata()[0] for line in ax.get_lines()], scale * np.array([3.0, 1.0, 2.0]))
        assert [label.get_text() for label in ax.get_xticklabels()] == ticks
        assert ax.get_xscale() == ax.get_yscale() == "log"
    assert figure.axes[0].get_ylim() == figure.axes[1].get_ylim()
