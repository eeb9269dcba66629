import re
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
from nbval.plugin import get_sanitize_patterns

from bn_helpers import data, layers
from bn_helpers.checks import ready
from bn_helpers.nets import Net
from bn_helpers.training import accuracy, claim, fit, paired

ROOT = Path(__file__).parents[1]
NORM = (layers.batchnorm_forward, layers.batchnorm_backward)
DIGITS = data.digits().standardized()
TEST = (DIGITS.x_test, DIGITS.y_test)


def train(block="linear norm relu", *, seed=0, steps=20, lr=0.1, **options):
    net = Net([64, 20, 10], block, norm=NORM, seed=seed)
    return net, fit(net, DIGITS.x_train, DIGITS.y_train, steps=steps, lr=lr, seed=seed, **options)


class Bowl:
    """Stands in for a net: one parameter, loss p^2 / 2; it keeps the batches that it gets."""

    def __init__(self):
        self.parameters, self.batches = {"p": np.array([1.0])}, []

    def loss_and_gradients(self, x, labels):
        self.batches.append(x[:, 0].tolist())
        self.values = {"logits": np.zeros((len(x), 2))}
        return self.parameters["p"][0] ** 2 / 2, {"p": self.parameters["p"].copy(), "value": None}


def batches(n=10, batch_size=3, steps=6, seed=0, **options):
    bowl = Bowl()
    fit(bowl, np.arange(n)[:, None], np.zeros(n, int), steps=steps, lr=0.1, seed=seed, batch_size=batch_size, **options)
    return bowl.batches


@pytest.mark.parametrize("block", ["linear relu", "linear norm relu"])
def test_a_net_learns_digits(block):
    net, history = train(block, steps=200)
    assert history.train_mode_loss[-20:].mean() < history.train_mode_loss[:20].mean() / 3
    assert history.train_mode_accuracy[-20:].mean() > 0.9
    assert accuracy(net, *TEST) > 0.9


def test_a_convolutional_net_learns_digits():
    norm = (layers.spatial_batchnorm_forward, layers.spatial_batchnorm_backward)
    net = Net([DIGITS.image_shape, 8, 10], "convolution norm relu", norm=norm, seed=0)
    x = DIGITS.x_train.reshape(-1, *DIGITS.image_shape)
    assert fit(net, x, DIGITS.y_train, steps=150, lr=0.3, seed=0).train_mode_accuracy[-20:].mean() > 0.9


def test_the_same_seed_gives_the_same_history():
    (_, first), (_, again), (_, other) = (train(seed=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first.train_mode_loss, again.train_mode_loss)
    assert (first.train_mode_loss != other.train_mode_loss).all()


def test_the_first_loss_is_that_of_the_untrained_net():
    net, history = train(steps=1)
    assert abs(history.train_mode_loss[0] - np.log(10)) < 1
    assert (net.parameters["w1"] != Net([64, 20, 10], "linear relu", seed=0).parameters["w1"]).any()


def test_an_epoch_has_every_example_at_most_once_and_the_next_one_is_shuffled_anew():
    for epoch in (batches()[:3], batches()[3:]):
        assert len(set(chain.from_iterable(epoch))) == 9
    assert batches()[:3] != batches()[3:]
    assert batches(seed=0) != batches(seed=1)


def test_without_reshuffling_every_epoch_has_the_batches_of_the_first():
    assert batches(reshuffle=False)[3:] == batches()[:3]


def test_an_update_takes_the_share_lr_of_the_gradient_away():
    bowl = Bowl()
    fit(bowl, np.zeros((2, 1)), np.zeros(2, int), steps=2, lr=0.1, seed=0, batch_size=2)
    np.testing.assert_allclose(bowl.parameters["p"], 0.81)


def test_arrays_that_two_nets_share_are_not_trained_in_both():
    net, other = (Net([64, 20, 10], "linear relu", seed=seed) for seed in (0, 1))
    other.parameters |= net.parameters
    before = net.parameters["w1"].copy()
    fit(other, DIGITS.x_train, DIGITS.y_train, steps=1, lr=0.1, seed=0)
    np.testing.assert_array_equal(net.parameters["w1"], before)


@pytest.mark.parametrize("block", ["linear relu", "linear norm relu"])
def test_divergence_warns_of_nothing_and_ends_at_chance(block):
    net, history = train(block, steps=60, lr=1e200)
    assert np.isnan(history.train_mode_loss[-1])
    assert accuracy(net, *TEST) == 0.1


@pytest.mark.parametrize(("n", "batch_size"), [(2, 3), (3, 0)])
def test_a_batch_size_that_does_not_fit_is_refused(n, batch_size):
    with pytest.raises(ValueError, match=f"got {n}, {n} and {batch_size}"):
        batches(n=n, batch_size=batch_size)


def test_labels_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="got 1397, 400 and 64"):
        fit(Net([64, 10], "linear relu", seed=0), DIGITS.x_train, DIGITS.y_test, steps=1, lr=0.1, seed=0)


def test_paired_gives_every_arm_every_seed():
    results = paired(lambda arm, seed: [arm, seed], arms=[10, 20, 30], seeds=[5, 6])
    assert results.shape == (3, 2, 2)
    assert results[:, :, 0].tolist() == [[10, 10], [20, 20], [30, 30]]
    assert results[:, :, 1].tolist() == [[5, 6]] * 3


@pytest.mark.parametrize(("runs", "line"), [(1, "trained 1 network"), (12, "trained 12 networks")])
def test_progress_counts_along_and_ends_in_one_constant_line(capsys, runs, line):
    paired(lambda arm, seed: 0.0, arms=["only"], seeds=range(runs))
    written = capsys.readouterr().out
    assert [len(re.findall(f"\rtraining {i} of {runs}", written)) for i in range(1, runs + 1)] == [1] * runs
    assert written.endswith(f"\r{line}\n")
    assert all(len(part) < len(line) for part in written.split("\r")[:-1])  # nothing sticks out behind the last line


def claimed(effects, **limits):
    """What a notebook keeps of a claim: the words, and the numbers beside them."""
    displayed = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("IPython.display.display", displayed.append)
        claim("it gains", effects, **limits)
    data, metadata = displayed[0]._repr_mimebundle_()
    return data["text/plain"], metadata["claim"]


def test_a_claim_says_whether_the_median_lies_beyond_the_limit_and_by_how_many_bands():
    words, facts = claimed([1.0, 2.0, 3.0, 4.0, 50.0], above=1)  # the band is from 2 to 4
    assert words == "it gains: yes, 3"
    assert facts == {"text": "it gains", "n": 5, "holds": True, "median": 3.0, "low": 2.0, "high": 4.0, "margin": 1.0}


@pytest.mark.parametrize(
    ("limits", "holds", "margin"),
    [({"above": 4}, False, -0.5), ({"below": 2}, False, -0.5), ({"above": 0, "below": 4}, True, 0.5)],
)
def test_a_claim_holds_between_its_limits_and_the_nearer_one_counts(limits, holds, margin):
    words, facts = claimed([1.0, 2.0, 3.0, 4.0, 5.0], **limits)
    assert words == f"it gains: {'yes' if holds else 'no'}, 3"
    assert facts["holds"] == holds
    assert facts["margin"] == margin


def test_a_claim_about_seeds_that_agree_or_diverged_has_no_margin():
    words, facts = claimed([2.0, 2.0], above=1)
    assert (words, facts["margin"]) == ("it gains: yes, 2", None)
    words, facts = claimed([np.nan, 1.0], above=0)
    assert (words, facts["median"]) == ("it gains: no, nan", None)


@pytest.mark.parametrize(
    ("median", "number"), [(2068.4, "2070"), (39.52, "39.5"), (0.061234, "0.0612"), (-0.0, "0"), (1.234e-9, "1.23e-09")]
)
def test_a_claim_prints_its_number_in_three_digits(median, number):
    assert claimed([median])[0] == f"it gains: yes, {number}"


def test_a_claim_of_a_figure_drawn_with_a_wrong_answer_shows_nothing():
    assert ready(normalize=lambda x, eps=1e-5: 2 * x)
    words, facts = claimed([2.0, 3.0], above=1)
    assert (words, facts["holds"]) == ("it gains: nothing shown, 2.5", None)
    assert ready(normalize=layers.normalize)
    assert claimed([2.0, 3.0], above=1)[0] == "it gains: yes, 2.5"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("it gains: yes, 39.5", "it gains: yes, -1e-09", True),
        ("it gains: yes, 39.5", "it gains: no, 39.5", False),
        ("it gains: yes, 39.5", "it loses: yes, 39.5", False),
        ("mean: 0.25", "mean: 0.26", False),
    ],
)
def test_nbval_compares_all_of_a_claim_but_its_number(one, other, same):
    rules = get_sanitize_patterns((ROOT / "bn_helpers/nbval.cfg").read_text("utf-8"))
    assert rules
    for pattern, replacement in rules:
        one, other = (re.sub(pattern, replacement, text) for text in (one, other))
    assert (one == other) == same


def test_a_parameter_may_have_a_rate_of_its_own():
    plain, slower, held = (Bowl() for _ in range(3))
    for bowl, rates in ((plain, None), (slower, {"p": 0.5}), (held, {"p": 0})):
        fit(bowl, np.zeros((2, 1)), np.zeros(2, int), steps=1, lr=0.1, seed=0, batch_size=2, rates=rates)
    np.testing.assert_allclose([bowl.parameters["p"][0] for bowl in (plain, slower, held)], [0.9, 0.95, 1])
