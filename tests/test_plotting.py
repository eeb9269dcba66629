import base64
import io
import os
import subprocess
import sys
from itertools import combinations

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

from bn_helpers import layers, plotting
from bn_helpers.checks import ready

pytestmark = pytest.mark.usefixtures("style")

MEANINGS = [plotting.WITH, plotting.WITHOUT, plotting.REFERENCE, plotting.THIRD, plotting.BACKGROUND]


@pytest.fixture
def shown(monkeypatch):
    pictures = []
    monkeypatch.setattr(plotting, "display", pictures.append)
    return pictures


def draw(lines=(("one", 1.0), ("two", 1.01), ("three", 5.0)), **looks):
    figure, ax = plt.subplots()
    for label, height in lines:
        ax.plot([0, 1], [0, height], label=label)
    ax.set(**looks)
    return figure, ax


def labels(ax):
    return {text.get_text(): text for text in ax.texts}


def test_a_shown_figure_is_a_small_png_with_its_description(shown):
    plotting.show(draw()[0], alt="Three lines.")
    text, metadata = shown[0]._repr_png_()
    png = base64.b64decode(text)  # a kernel in a browser displays text alone
    assert metadata == {"alt": "Three lines.", "width": 720}
    assert repr(shown[0]) == "Three lines."
    image = Image.open(io.BytesIO(png))
    assert (image.format, image.size) == ("PNG", (1152, 528))
    assert image.convert("RGB").getpixel((0, 0)) == (255, 255, 255)
    assert len(png) < 50_000


def test_a_crowded_figure_stays_under_50_kb(shown):
    rng = np.random.RandomState(0)
    figure, axes = plt.subplots(2, 3)
    for ax in axes.flat:
        ax.plot(*rng.standard_normal((2, 200)), "o", alpha=0.4)
        ax.plot(*np.sort(rng.standard_normal((2, 100))), **plotting.WITHOUT)
    plotting.show(figure, alt="Clouds of points.")
    assert len(shown[0].data) < 50_000


def test_the_same_figure_gives_the_same_bytes(shown):
    for _ in range(2):
        plotting.show(draw()[0], alt="Three lines.")
    assert shown[0]._repr_png_() == shown[1]._repr_png_()


def test_a_shown_figure_is_closed(shown):
    figure, _ = draw()
    assert plotting.show(figure, alt="Three lines.") is None
    assert not plt.fignum_exists(figure.number)


def test_a_figure_drawn_with_a_wrong_answer_is_described_as_such(shown):
    assert ready(normalize=lambda x, eps=1e-5: 2 * x)
    plotting.show(draw()[0], alt="Three lines.")
    assert ready(normalize=layers.normalize)
    plotting.show(draw()[0], alt="Three lines.")
    wrong = "Drawn with a wrong answer (normalize). With a right one: Three lines."
    assert [repr(each) for each in shown] == [wrong, "Three lines."]


@pytest.mark.parametrize("alt", ["", "  "])
def test_a_figure_without_a_description_is_refused(alt):
    with pytest.raises(ValueError, match="what the figure shows"):
        plotting.show(draw()[0], alt=alt)


def test_without_a_notebook_the_description_is_printed(capsys):
    plotting.show(draw()[0], alt="Three lines.")
    assert capsys.readouterr().out == "Three lines.\n"


def test_powers_of_ten_are_written_without_raised_exponents(shown):
    figure, ax = draw([("steep", 1e9)], yscale="log", ylim=(1e-3, 1e9))
    plotting.show(figure, alt="A line.")
    assert {"0.001", "0.1", "10", "1e5", "1e7"} <= {label.get_text() for label in ax.get_yticklabels()}


def test_colours_mean_what_the_course_says_and_differ_in_line_style_too():
    assert [m["color"].lstrip("#") for m in MEANINGS[:4]] == ["0072B2", "D55E00", "000000", "CC79A7"]
    assert len({m["linestyle"] for m in MEANINGS[:4]}) == 4


@pytest.mark.parametrize("color", [*(meaning["color"] for meaning in MEANINGS), "#ffff00"])
def test_letters_in_the_colour_of_a_line_can_be_read_on_white(color):
    letters, line = (np.array(mpl.colors.to_rgb(name)) for name in (plotting.ink(color), color))
    linear = np.where(letters > 0.04045, ((letters + 0.055) / 1.055) ** 2.4, letters / 12.92)
    assert 1.05 / (linear @ (0.2126, 0.7152, 0.0722) + 0.05) >= 4.45
    np.testing.assert_allclose(letters * line.max(), line * letters.max(), atol=0.01)  # the same hue


def test_figures_have_the_looks_of_the_course():
    figure, ax = draw()
    assert tuple(figure.get_size_inches()) == (7.2, 3.3)
    assert figure.dpi == 160
    assert not ax.spines["top"].get_visible()
    assert not ax.spines["right"].get_visible()


def test_a_band_is_the_median_and_the_middle_half():
    values = np.random.RandomState(0).standard_normal((9, 4))
    _, ax = plt.subplots()
    plotting.band(ax, np.arange(4), values, label="name", **plotting.WITHOUT)
    (line,), (filled,) = ax.get_lines(), ax.collections
    low, median, high = np.percentile(values, [25, 50, 75], axis=0)
    np.testing.assert_allclose(line.get_ydata(), median)
    corners = filled.get_paths()[0].vertices
    for x in range(4):
        assert {low[x], high[x]} <= set(corners[corners[:, 0] == x, 1])
    assert line.get_label() == "name"
    assert (line.get_color(), line.get_linestyle()) == (plotting.WITHOUT["color"], "--")
    assert mpl.colors.to_hex(filled.get_facecolor()) == plotting.WITHOUT["color"].lower()


@pytest.mark.parametrize("scale", ["linear", "log"])
def test_labels_stand_at_the_lines_ends_in_their_colours(scale):
    _, ax = draw([("low", 1.0), ("high", 90.0)], yscale=scale, ylim=(0.5, 100))
    plotting.label_line_ends(ax)
    for line in ax.get_lines():
        text = labels(ax)[line.get_label()]
        assert text.xy == pytest.approx((1, line.get_ydata()[-1]))
        assert text.get_position() == pytest.approx((5, 0))
        assert text.get_color() == plotting.ink(line.get_color())


@pytest.mark.parametrize("heights", [(1, 1, 1, 1), (1, 1.01, 1.02, 5), (3, 2.9, 1, 1.05)])
def test_labels_do_not_overlap_and_keep_the_order_of_the_lines(heights):
    figure, ax = draw([(f"line {i}", height) for i, height in enumerate(heights)])
    plotting.label_line_ends(ax)
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in ax.texts]
    assert len(boxes) == 4
    assert not any(a.overlaps(b) for a, b in combinations(boxes, 2))
    order = np.argsort(heights, kind="stable")
    assert (np.diff([boxes[i].y0 for i in order]) > 0).all()


def test_there_is_room_for_long_labels():
    figure, ax = draw([("a label of considerable length", 1.0)])
    plotting.label_line_ends(ax)
    figure.draw_without_rendering()
    assert ax.texts[0].get_window_extent().x1 <= figure.bbox.x1


def test_a_line_without_a_label_gets_none():
    _, ax = draw([("", 1.0), ("_hidden", 2.0)])
    ax.axhline(3.0)
    plotting.label_line_ends(ax)
    assert not ax.texts


def test_a_diverged_line_is_labelled_where_its_last_number_is():
    _, ax = plt.subplots()
    ax.plot([0, 1, 2], [1, 2, np.nan], label="diverged")
    plotting.label_line_ends(ax)
    assert ax.texts[0].xy == pytest.approx((1, 2))


def test_a_line_that_leaves_the_axes_is_labelled_at_their_edge():
    figure, ax = draw([("inside", 8.0), ("far below", -1000.0)], ylim=(5, 10))
    plotting.label_line_ends(ax)
    figure.draw_without_rendering()
    below = labels(ax)["far below"]
    assert below.xy == pytest.approx((1, 5))
    assert figure.bbox.y0 <= below.get_window_extent().y0
    assert ax.bbox.height > 150


def test_labels_of_several_axes_are_written_at_once():
    figure, axes = plt.subplots(1, 2)
    for ax in axes:
        ax.plot([0, 1], [0, 1], label="one")
        ax.plot([0, 1], [0, 1.01], label="two")
    plotting.label_line_ends(*axes)
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for ax in axes for text in ax.texts]
    assert len(boxes) == 4
    assert not any(a.overlaps(b) for a, b in combinations(boxes, 2))


REACHED = {"no norm": [0.7, 0.9, 0.75], "yours": [0.6, 0.65, 0.9]}


def test_dots_draw_every_seed_the_median_and_the_middle_half():
    _, ax = plt.subplots()
    plotting.dots(ax, REACHED, {"no norm": plotting.WITHOUT})
    assert [line.get_xdata().tolist() for line in ax.get_lines()] == list(REACHED.values())
    assert [line.get_color() for line in ax.get_lines()] == [plotting.WITHOUT["color"], plotting.WITH["color"]]
    assert [text.get_text() for text in ax.texts] == ["75%", "65%"]
    bands = [(bar.get_x(), bar.get_x() + bar.get_width()) for bar in ax.patches]
    np.testing.assert_allclose(bands, [(0.725, 0.825), (0.625, 0.775)])


def test_a_seed_keeps_its_place_in_every_row_and_rows_read_from_top_to_bottom():
    _, ax = plt.subplots()
    plotting.dots(ax, REACHED)
    heights = [line.get_ydata() - row for row, line in enumerate(ax.get_lines())]
    np.testing.assert_allclose(*heights)
    assert len(set(heights[0])) == 3
    assert [label.get_text() for label in ax.get_yticklabels()] == list(REACHED)
    assert ax.get_ylim()[0] > ax.get_ylim()[1]


def test_arms_share_a_scale():
    lower = {name: np.divide(values, 2) for name, values in REACHED.items()}
    left, right = plotting.arms({"clean": REACHED, "wrong": lower}, "test accuracy").axes
    assert [ax.get_title(loc="left") for ax in (left, right)] == ["clean", "wrong"]
    assert left.get_xlim() == right.get_xlim()
    assert right.get_xlabel() == "test accuracy"


def test_the_figures_of_a_notebook_are_imported_when_they_are_asked_for():
    program = "import sys; from bn_helpers import plotting; print('bn_helpers.plotting.normalization' in sys.modules);"
    program += "print(callable(plotting.normalization.histograms))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]
    with pytest.raises(AttributeError, match="no attribute 'seaborn'"):
        _ = plotting.seaborn


def test_matplotlib_stays_out_where_no_figure_is_drawn():
    program = "import sys, bn_helpers.data, bn_helpers.nets, bn_helpers.training; print('matplotlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_home_that_cannot_be_written_to_shows_nothing_in_a_cell():
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MPL", "XDG"))}
    environment["HOME"] = os.path.join(os.devnull, "home")
    program = "from bn_helpers import plotting\nplotting.use_style()"
    run = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
    assert (run.returncode, run.stderr) == (0, "")
