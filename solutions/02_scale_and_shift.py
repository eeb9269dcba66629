# %% [markdown] id="title"
# # 2 Scale and shift
#
# You give a net its scale back, and build the whole layer: for training, and for the day an image comes alone.
#
# When you have finished, you can
#
# - **choose** the gamma and beta that undo a normalization, and say for which batch they do;
# - **predict** how much of a tanh saturates at a given gamma;
# - **build** the layer with its two modes, **spot** the slips they invite, and fold it away.
#
# You need notebook 1: mean, variance, normalization. About {minutes} minutes, {points} points.

# %% [markdown] id="title-notes" notes="2"
# Recall the open question of notebook 1: one example comes alone, what is its mean? Today ends with a layer that can be
# shipped.

# %% id="setup"
from math import erfc

import numpy as np

from bn_helpers import data, plotting, widgets
from bn_helpers.checks import check, ready, summary
from bn_helpers.nets import Net
from bn_helpers.training import accuracy, claim, fit

plotting.use_style()
SEEDS = range(5)  # of all that is random here
x_train, y_train, x_test, y_test, *_ = data.digits().standardized()

# %% [markdown] id="plain-text"
# ## What training does to the scale
#
# Notebook 1 left a question: do you always want mean 0 and variance 1 in front of a tanh? Look at nets that are free.
# The next cell trains five plain nets on the handwritten digits: two layers of 50 tanh units, no normalization. It
# draws the *spread* (the standard deviation) of what goes into each unit of the first layer, over all training images.
#
# **Predict:** does training make the spreads larger, smaller, or leave them?

# %% [markdown] id="plain-text-notes" notes="3"
# Vote: larger, smaller, the same. Expect "smaller", since saturation was the villain of notebook 1. Write the counts
# down.

# %% [markdown] id="net-and-fit" slide="skip"
# `Net(sizes, block, std=…, seed=…)` makes a net: each hidden layer does what the words of `block` say. `fit(net, x, y,
# steps=…, lr=…, seed=…)` trains it by stochastic gradient descent, in batches of 64 rows, and changes it.
# `net.parameters["w1"]` are the first layer's weights; after `net.forward(x)`, `net.values` holds what each step gave.
#
# Your functions of notebook 1 are not here, and nothing needs them. To use them all the same, save notebook 1 and run
# this in a new cell (folders that nbgrader makes do not have it):
#
# ```python
# from bn_helpers.submission import read_submission as read
# for own in read("01_normalization.ipynb").answers.values(): exec(own.source)
# ```

# %% id="plain"
sizes = [64, 50, 50, 10]


def tanh_nets(factor=1):  # with the first layer's initial weights times factor
    nets = [Net(sizes, "linear tanh", std="xavier", seed=seed) for seed in SEEDS]
    for net in nets:
        net.parameters["w1"] *= factor
    before = np.array([x_train @ net.parameters["w1"] for net in nets]).std(axis=1)  # (5, 50)
    for seed, net in zip(SEEDS, nets):
        fit(net, x_train, y_train, steps=400, lr=0.5, seed=seed)
    return nets, before, np.array([x_train @ net.parameters["w1"] + net.parameters["b1"] for net in nets])


# %% id="plain-figure"
plain, before, inputs = tanh_nets()  # five nets, (5, 50), (5, 1397, 50)
after = inputs.std(axis=1)
figure = plotting.scale_and_shift.spreads(before, after)
plotting.show(figure, alt="Histogram of the spread of 250 units' inputs: after training it lies further right.")
print("every net right on over 90 % of the test images:", min(accuracy(n, x_test, y_test) for n in plain) > 0.9)
wider = np.median(after, axis=1) / np.median(before, axis=1)
claim("after training over 1.2 times as wide", wider, above=1.2)
for factor in (0.25, 4):
    _, first, last = tanh_nets(factor)
    first, last = np.median(first, axis=1), np.median(last.std(axis=1), axis=1)
    print(f"start x {factor}: median spread {np.median(first):.2f} before, {np.median(last):.2f} after")
    claim(f"start x {factor}: after over before, over 1", last / first, above=1)

# %% [markdown] id="plain-notes" notes="3"
# Read the two medians off the figure. Ask what a layer that sets every spread to 1 takes away: they were free to differ
# from unit to unit. That is why gamma has one entry *a feature*.

# %% [markdown] id="plain-caption"
# **Left alone, these nets widen what goes into tanh, each unit by its own factor.** Compare the two medians. They do
# not head for one good spread: nets that start four times as narrow or as wide widen, too (printed), and end elsewhere.

# %% [markdown] id="give-back"
# So the spread in front of a tanh comes from the start and from training, unit by unit. A layer that makes every spread
# 1 takes that away. Batch normalization hands it back at once, by two numbers a feature: *gamma* scales and *beta*
# shifts (Ioffe and Szegedy 2015, Algorithm 1).
#
# $$\text{out} = \text{gamma} \cdot \hat{x} + \text{beta}$$
#
# Both are learned like weights. They start at 1 and 0, where they change nothing.

# %% [markdown] id="scale_and_shift-text" exercise="scale_and_shift"
# Write `scale_and_shift`. It takes a normalized batch `x_hat` of shape (N, D) and two vectors `gamma` and `beta` of
# shape (D,), and returns `out` of shape (N, D).
#
# For x_hat = [[-1, -1], [1, 1]], gamma = [2, 3] and beta = [0, 10] the result is [[-2, 7], [2, 13]]: the first
# feature now has mean 0 and standard deviation 2, the second has mean 10 and standard deviation 3.

# %% [markdown] id="scale_and_shift-text-notes" notes="1"
# Commonest slips: gamma * (x_hat + beta); vectors turned into columns (D, 1), silent where N = D; gamma or beta
# forgotten, which is right as long as they are 1 and 0.

# %% id="scale_and_shift" solution="scale_and_shift"
from bn_helpers.layers import scale_and_shift

# %% id="scale_and_shift-check" check="scale_and_shift"
check("scale_and_shift", scale_and_shift)

# %% [markdown] id="scale_and_shift-hints"
# <details><summary>Help: in each column of the difference, all rows are the same</summary>
#
# Then the scale is right and the shift is not. Is beta there? Is it added last, so that nothing multiplies it?
#
# </details>
# <details><summary>Help: the difference is 0 on the diagonal only, or shapes cannot be broadcast</summary>
#
# Your vectors run down the batch instead of along the features. Leave gamma and beta as they are: NumPy lines up
# shapes from the right, so (D,) meets the D features by itself.
#
# </details>
# <details><summary>Help: the values are right, but "your inputs stay as they are" fails</summary>
#
# An operator like `*=` writes into the caller's batch. The backward pass in notebook 3 will want the old one.
#
# </details>

# %% [markdown] id="undo"
# ## Undo it
#
# A net can learn to *undo* the normalization, says the lecture. For gamma, its slide has the root of the variance; the
# notes beside it have 분산, the variance. Both take the mean for beta. Try the notes' way by hand.
#
# The feature 1, 3, 5, 7 has mean 4 and variance 5. Normalized: -1.342, -0.447, 0.447, 1.342. Times 5, plus 4: **-2.71,
# 1.76, 6.24, 10.71**. Its spread was 2.236, and is now 5.
#
# **Predict:** does the slide's gamma bring it back exactly, although eps was added?

# %% [markdown] id="undo-notes" notes="4"
# Two minutes on paper. The lecture has two versions, the variance in its notes and the root on its slide: ask which
# one, and let the example decide. Then vote on the prediction: exactly, or nearly?

# %% [markdown] id="identity_parameters-text" exercise="identity_parameters"
# Write `identity_parameters`. It takes a batch `x` of shape (N, D) and the `eps` with which it is normalized, and
# returns `gamma` and `beta`, each of shape (D,). Whoever normalizes x, then scales and shifts the result with these
# two, must get x back *exactly*.
#
# For the batch [[1, 10], [3, 30]] and eps = 3, gamma is [2, 10.149] and beta is [2, 20]. As here, `x` may hold whole
# numbers.

# %% [markdown] id="identity_parameters-text-notes" notes="2"
# Commonest slips: gamma = variance; sqrt(var) without eps, too small by a factor of √2 where the variance is eps; one
# over the root; beta returned first. The sentence to take apart is that the identity holds for the next batch, too.

# %% id="identity_parameters" solution="identity_parameters"
from bn_helpers.layers import identity_parameters

# %% id="identity_parameters-check" check="identity_parameters"
check("identity_parameters", identity_parameters)

# %% [markdown] id="identity_parameters-hints"
# <details><summary>Help: gamma is wrong in every case</summary>
#
# Square your gamma, take its root, take one over it: does one of these come close to the wanted one? Normalizing
# divides by a standard deviation. What undoes a division?
#
# </details>
# <details><summary>Help: a hundred examples pass, "eps = 1.5" and "a variance as small as eps" do not</summary>
#
# What exactly did the normalization divide by? Not by the root of the variance alone.
#
# </details>
# <details><summary>Help: my gamma looks like the wanted beta</summary>
#
# The order of what you return counts: gamma first.
#
# </details>


# %% id="identity-figure"
def there_and_back(batch, gamma, beta):
    return scale_and_shift((batch - batch.mean(axis=0)) / np.sqrt(batch.var(axis=0) + 1e-5), gamma, beta)


if ready(scale_and_shift=scale_and_shift, identity_parameters=identity_parameters):
    x = np.outer(x_train[:, 20] / x_train[:, 20].std(), np.sqrt(1e-5) * 10 ** np.linspace(-1, 2.75, 16))
    mean, std = x.mean(axis=0), x.std(axis=0)  # (16,): one pixel, measured in 16 units
    tries = {"variance": (std**2, mean), "sqrt(variance)": (std, mean), "yours": identity_parameters(x)}
    shares = {name: there_and_back(x, *pair).std(axis=0) / std for name, pair in tries.items()}
    batches = x[:128, [14]].reshape(4, 32, 1)
    returned = np.array([there_and_back(batch, *identity_parameters(batches[0])) for batch in batches])
    figure = plotting.scale_and_shift.identity(std, shares, batches[..., 0], returned[..., 0])
    plotting.show(figure, alt="Left, what comes back by three gammas: one line is flat. Right, dots near a diagonal.")
    print(f"sqrt(variance), where the variance is eps: {1 - shares['sqrt(variance)'][4]:.1%} too small")

# %% [markdown] id="identity-figure-notes" notes="3"
# Ask where the black line leaves 1, and why there: the variance comes near eps. On the right ask for which batch gamma
# was made. Only the blue dots lie on the diagonal.

# %% [markdown] id="identity-caption"
# **Only sqrt(variance + eps) brings everything back, and only for its own batch.** Left: the notes' gamma is right
# where the variance is 1; the slide's (dotted) brings back 1/√2 where it is eps. Right: gamma and beta are the blue
# batch's; the next three lie off the dotted diagonal. *Takeaway: exact for the statistics used, not for the next
# batch.*

# %% [markdown] id="saturation-question"
# ## How much should a tanh saturate?
#
# A tanh *saturates* where it is flat: close to -1 or 1 a change of its input changes next to nothing, and nothing is
# learned. Call an output saturated when its absolute value is above 0.97: there the slope is below 0.06.
#
# The lecture says that normalizing confines tanh to its linear part, so that no saturation occurs at all.
#
# **Predict:** of 100 outputs at gamma = 1, how many are saturated? At gamma = 5? In the trained nets from above?

# %% [markdown] id="saturation-question-notes" notes="3"
# Everybody writes three percentages down. Expect 0 for gamma = 1, as the lecture says. Somebody may know the table of
# the normal distribution: |z| above 2.09 has a share of 3.6 %.

# %% [markdown] id="saturated_fraction-text" exercise="saturated_fraction"
# Write `saturated_fraction`. It takes an array `z` of any shape, which goes into a tanh, and returns one number
# between 0 and 1: the share of the outputs whose absolute value lies above `threshold`.
#
# For z = [[-9, 0], [0.1, 9]] the outputs are about -1, 0, 0.0997 and 1. With the default threshold of 0.97 the share
# is 0.5; with threshold = 0.05 it is 0.75.

# %% [markdown] id="saturated_fraction-text-notes" notes="1"
# Commonest slips: only one end counted, the threshold compared with z instead of tanh(z), a share for each column
# instead of one number.

# %% id="saturated_fraction" solution="saturated_fraction"
from bn_helpers.layers import saturated_fraction

# %% id="saturated_fraction-check" check="saturated_fraction"
check("saturated_fraction", saturated_fraction)

# %% [markdown] id="saturated_fraction-hints"
# <details><summary>Help: my share is too small, and 0 for "values far below zero"</summary>
#
# You count one end. -0.99 is as saturated as 0.99.
#
# </details>
# <details><summary>Help: my share is too large</summary>
#
# Is the threshold compared with what comes out of tanh, or with what goes in?
#
# </details>
# <details><summary>Help: my share has a shape, or is larger than 1</summary>
#
# The share is one number: what you count, divided by the number of *all* elements. z may have any shape.
#
# </details>

# %% id="saturation-figure"
gammas, bell = np.geomspace(0.2, 5, 15), np.random.RandomState(SEEDS[0]).standard_normal(100_000)
formula = np.array([erfc(np.arctanh(0.97) / (gamma * np.sqrt(2))) for gamma in gammas])
if ready(scale_and_shift=scale_and_shift, saturated_fraction=saturated_fraction):
    units = (inputs - inputs.mean(axis=1, keepdims=True)) / after[:, None]  # normalized: (5, 1397, 50)
    measured = np.array([[saturated_fraction(gamma * z) for gamma in gammas] for z in (bell, units)])
    trained = np.median(after, axis=1), [saturated_fraction(z) for z in inputs]
    figure = plotting.scale_and_shift.saturation(bell, gammas, formula, measured, trained)
    plotting.show(figure, alt="Outputs of tanh at three gammas: a hump, flat, two peaks. Below, saturation grows.")
    for i in (0, 7, 14):
        print(f"gamma {gammas[i]:.1f}: {measured[0, i]:6.2%} saturated, {formula[i]:6.2%} by the formula")
    claim("trained without: over 5 points above gamma = 1", 100 * (trained[1] - formula[7]), above=5)
    widgets.gamma_and_beta(scale_and_shift, saturated_fraction, units[0])

# %% [markdown] id="saturation-figure-notes" notes="3"
# Ask how the lecture's sentence should read: less saturation, and a dial for it. Point at the orange squares: free nets
# went beyond gamma = 1, from this start.

# %% [markdown] id="saturation-caption"
# **At gamma = 1 a tanh does saturate a little, and gamma sets how much.** Dotted: by formula, for a gaussian input: the
# share, erfc(atanh(0.97) / (gamma √2)), and the mean slope of tanh. Blue: the nets' real units, normalized. Orange: the
# five plain nets. Last, one net's units, dotted where tanh is ±0.97: move the sliders. *Takeaway: gamma is a dial.*

# %% [markdown] id="modes"
# ## One image comes alone
#
# A net in use gets one image at a time, and should give it the same answer whoever comes along. So the layer has two
# modes. **Training mode** normalizes by the batch, and keeps *running statistics*, which begin at 0:
#
# $$\text{running} \leftarrow \text{momentum} \cdot \text{running} +
# (1 - \text{momentum}) \cdot \text{batch statistic}$$
#
# **Test mode**, or evaluation, normalizes by these instead, and changes nothing. So each example stands alone.
#
# Conventions differ, and two are opposite. In training everybody divides by N.
#
# | | here and in CS231n | [Keras][keras] | [PyTorch][torch] |
# |---|---|---|---|
# | momentum is the fraction | **kept** (0.9) | **kept** (0.99) | of the **new** (0.1) |
# | running variance averages | the biased one | the biased one | the one divided by N - 1, as the paper does |
# | it starts at | 0 | 1 | 1 |
#
# [keras]: https://keras.io/api/layers/normalization_layers/batch_normalization/
# [torch]: https://docs.pytorch.org/docs/stable/generated/torch.nn.BatchNorm1d.html

# %% [markdown] id="modes-notes" notes="4"
# Tell it as a story: in training 64 images come together, on a telephone comes one. Let the class propose what to do
# before you show the formula; most propose an average over past batches. Then ask who works with PyTorch, who with
# Keras: 0.9 here is 0.1 there. Say it twice.

# %% [markdown] id="batchnorm_forward-text" exercise="batchnorm_forward"
# Write `batchnorm_forward`. It takes `x` (N, D), `gamma` and `beta` (D,), and a dict `bn_param`: `mode` is 'train' or
# 'test', anything else a ValueError; `eps` (default 1e-5); `momentum` (0.9); `running_mean` and `running_var` (D,)
# (zeros). Training writes the last two back; test mode changes nothing. It returns `out` (N, D) and `cache`, which is
# for notebook 3: None will do.
#
# For x = [[1, 10], [3, 30]], gamma = [2, 3], beta = [0, 10], eps = 0 and training, out is [[-2, 7], [2, 13]],
# running_mean becomes [0.2, 2], running_var [0.1, 10].

# %% [markdown] id="batchnorm_forward-text-notes" notes="3"
# The long exercise of this notebook. Commonest slips: momentum the wrong way round, running = last batch, the running
# statistics never written back, a test mode that uses the batch or updates, Bessel's factor. Advice: write training
# first, run the check, then test mode.

# %% id="batchnorm_forward" solution="batchnorm_forward"
from bn_helpers.layers import batchnorm_forward

# %% id="batchnorm_forward-check" check="batchnorm_forward"
check("batchnorm_forward", batchnorm_forward)

# %% [markdown] id="batchnorm_forward-hints"
# <details><summary>Help: the output is right, but "one training step" fails</summary>
#
# In running_mean: is momentum the weight of the *old* value, and is the result written into `bn_param`? In
# running_var only: compare your variance with the biased one, which divides by N.
#
# </details>
# <details><summary>Help: one training step passes, three do not</summary>
#
# Each step begins where the one before ended, and the first at zeros. What does your second step read?
#
# </details>
# <details><summary>Help: "evaluation" fails</summary>
#
# That is test mode. Large differences: does it look at the batch? Small ones: look for eps, and for the root.
#
# </details>

# %% [markdown] id="quiz_2-text"
# **Predict.** The mean of every batch is 10. The running mean starts at 0, and momentum is 0.9. Where does the
# running mean stand after 10 training steps?
#
# - a) 1.0
# - b) 3.5
# - c) 6.5
# - d) 10.0
#
# Type your letter between the quotation marks.

# %% [markdown] id="quiz_2-text-notes" notes="3"
# Vote. Expect d ("ten steps, it has arrived") and a ("a tenth"). The printed lines answer: 10 * (1 - 0.9^10) = 6.5.

# %% id="quiz_2" quiz="quiz_2"
quiz_2 = "c"

# %% id="quiz_2-check" check="quiz_2"
check("quiz_2", quiz_2)


# %% id="history"
def history(values, size, momentum, steps, seed=SEEDS[0]):
    rng, bn_param, kept = np.random.RandomState(seed), {"mode": "train", "momentum": momentum}, []
    one, zero = np.ones(values.shape[1]), np.zeros(values.shape[1])
    for _ in range(steps):
        batchnorm_forward(values[rng.randint(len(values), size=size)], one, zero, bn_param)
        kept.append(np.array([bn_param.get("running_mean", zero), bn_param.get("running_var", zero)]))
    return np.array(kept)  # (steps, 2, D)


if ready(batchnorm_forward=batchnorm_forward):
    tens = history(np.full((1, 1), 10.0), size=2, momentum=0.9, steps=50)[:, 0, 0]
    for step in (1, 2, 3, 10, 50):
        print(f"running mean after {step:2} steps: {tens[step - 1]:5.2f}")

# %% [markdown] id="convergence-text"
# After k steps the start still has the weight $\text{momentum}^k$: 35 % after 10 steps at 0.9. Real batches add noise
# to that. Now watch the running statistics of the first trained net's 50 units, over random batches of its images.
#
# **Predict:** someone copies momentum = 0.1 from a PyTorch program into your layer. What becomes of the running mean?
# And does the running *variance* come out right, however small the batches are?

# %% [markdown] id="convergence-text-notes" notes="2"
# Vote on momentum 0.1: wrong, noisy, or faster? It is faster and noisy. On the variance expect "yes, with patience":
# no, a biased variance is (N - 1) / N of the whole on average, however long one waits.

# %% id="convergence-figure"
if ready(batchnorm_forward=batchnorm_forward):
    z, mean, var = inputs[0], inputs[0].mean(axis=0), inputs[0].var(axis=0)  # (1397, 50), (50,), (50,)
    runs = {m: np.array([history(z, 64, m, 200, seed) for seed in SEEDS]) for m in (0.1, 0.9, 0.99)}
    off = {m: np.sqrt(np.mean((run[:, :, 0] - mean) ** 2 / var, axis=-1)) for m, run in runs.items()}
    runs = {size: np.array([history(z, size, 0.99, 400, seed) for seed in SEEDS]) for size in (2, 8, 64)}
    share = {size: np.mean(run[:, :, 1] / var, axis=-1) for size, run in runs.items()}  # (5, 400) each
    figure = plotting.scale_and_shift.convergence(off, share, np.sqrt(np.mean(mean**2 / var)))
    plotting.show(figure, alt="Left, running means come close, then jitter. Right, running variances level off.")
    late = {m: distance[:, -100:].mean(axis=1) for m, distance in off.items()}
    claim("momentum 0.1: over 3 times as far off as 0.9", late[0.1] / late[0.9], above=3)
    claim("batches of 2: under 60 % of the variance", 100 * share[2][:, -1], below=60)
    claim("batches of 64 find over 90 %", 100 * share[64][:, -1], above=90)

# %% [markdown] id="convergence-caption"
# **The more is kept, the slower and quieter. Small batches never find the variance.** Left: 0.9 follows the dotted
# $0.9^k$ until the batches' noise takes over; at 0.1 the running mean is little more than the last batch's. Right: (N -
# 1) / N of all data's variance (dotted) on average. Dividing by N - 1 mends that. (Five orders; median, band.)

# %% [markdown] id="insert-text"
# ## Into a trained net, and out again
#
# Now your layer goes into the five trained nets, between each linear map and its tanh. With gamma and beta from
# `identity_parameters` it should change nothing. Then 42 batches in training mode let the running statistics settle.
#
# **Predict:** which accuracy do the nets have in test mode? And in training mode, when the test images come one by
# one, in twos, in eights? What if they come sorted by class?

# %% [markdown] id="insert-text-notes" notes="3"
# Four guesses on paper. For images one by one expect "a bit worse". Do not say yet that it is chance.


# %% id="insert" slide="skip"
def insert(net):
    normed = Net(sizes, "linear norm tanh", norm=(batchnorm_forward, None), seed=SEEDS[0])
    normed.parameters |= net.parameters
    for i in "12":
        normed.parameters |= dict(zip(["gamma" + i, "beta" + i], identity_parameters(net.values["linear" + i])))
        normed.states["norm" + i] = {"running_mean": np.zeros(50), "running_var": np.zeros(50)}
    return normed


if ready(identity_parameters=identity_parameters, batchnorm_forward=batchnorm_forward):
    logits = [net.forward(x_train) for net in plain]
    with_norm = [insert(net) for net in plain]
    same = [np.allclose(net.forward(x_train, "train"), want) for net, want in zip(with_norm, logits)]
    print("on the batch of all training images, nothing changes:", all(same))

# %% id="settle"
from copy import deepcopy


def share_right(net, mode, images, size):
    net = deepcopy(net)  # training mode would write into its running statistics
    batches = np.split(images, range(size, len(images), size))
    named = np.concatenate([net.forward(x_test[rows], mode).argmax(axis=1) for rows in batches])
    return np.mean(named == y_test[images])


if ready(identity_parameters=identity_parameters, batchnorm_forward=batchnorm_forward):
    for rows in np.split(np.random.RandomState(SEEDS[0]).permutation(1344), 42):  # 42 batches of 32
        for net in with_norm:
            net.forward(x_train[rows], "train")
    same = [np.mean(a.forward(x_test).argmax(1) == b.forward(x_test).argmax(1)) for a, b in zip(with_norm, plain)]
    print("test mode: over 97 % named as before:", min(same) > 0.97)

# %% id="modes-figure"
if ready(identity_parameters=identity_parameters, batchnorm_forward=batchnorm_forward):
    shuffled, by_class = np.random.RandomState(SEEDS[0]).permutation(400), np.argsort(y_test, kind="stable")
    modes = ("train", "test")
    by_size = {m: [[share_right(net, m, shuffled, n) for net in with_norm] for n in (1, 2, 8, 64)] for m in modes}
    by_order = {m: [[share_right(net, m, o, 40) for net in with_norm] for o in (shuffled, by_class)] for m in modes}
    figure = plotting.scale_and_shift.modes([1, 2, 8, 64], by_size, by_order)
    plotting.show(figure, alt="Accuracy: flat in test mode; in training mode low for small or sorted batches.")
    alone = deepcopy(with_norm[0])
    alone.forward(x_test[:1], "train")
    print("a batch of one comes out as beta:", np.allclose(alone.values["norm1"], alone.parameters["beta1"]))
    claim("in twos, over 30 points lost", 100 * np.subtract(by_size["test"][1], by_size["train"][1]), above=30)
    claim("sorted by class, over 80 lost", 100 * np.subtract(by_order["test"][1], by_order["train"][1]), above=80)

# %% [markdown] id="modes-figure-notes" notes="4"
# Begin at size 1: why exactly chance? x_hat is 0 and out is beta, for every image. Then sorted by class: the mean that
# is taken away *is* the class. In practice this is a forgotten `net.eval()`.

# %% [markdown] id="modes-caption"
# **Without test mode, answers depend on the company.** A batch of one is its own mean: out is beta, whatever the image
# (PyTorch refuses to train on one). Batches of 40 look fine until sorted by class: the mean taken away *is* the class.
# (Left: median of five nets. Right: each.) PyTorch's switch is `net.eval()`, Keras's `training=False`.

# %% [markdown] id="last-text"
# ### The last small batch
#
# In batches of 64, a set of 1,345 images leaves one over: a batch of one, of variance 0.
#
# **Predict:** what does it do to the running variance at momentum 0.9? At 0.1? Does the accuracy notice?

# %% [markdown] id="last-text-notes" notes="2"
# Expect "one image of 1,345 cannot matter". Let somebody compute it for one step: the share 1 - momentum of the running
# variance goes.


# %% id="last-figure"
def after_one(net, momentum, image):
    net = deepcopy(net)
    net.states = {name: state | {"momentum": momentum} for name, state in net.states.items()}
    net.forward(x_train[[image]], "train")
    return np.mean(net.states["norm1"]["running_var"] / net.parameters["gamma1"] ** 2), accuracy(net, x_test, y_test)


if ready(identity_parameters=identity_parameters, batchnorm_forward=batchnorm_forward):
    ways, images = {"left out": 1.0, "momentum 0.9": 0.9, "momentum 0.1": 0.1}, range(1344, 1374)
    ends = np.array([[[after_one(net, m, i) for net in with_norm] for i in images] for m in ways.values()])
    variance, right = (dict(zip(ways, values)) for values in np.moveaxis(np.median(ends, axis=1), 2, 0))  # (5,) each

# %% id="last-drawn"
if ready(identity_parameters=identity_parameters, batchnorm_forward=batchnorm_forward):
    figure = plotting.arms({"running variance, of the whole": variance, "test accuracy": right}, "share")
    plotting.show(figure, alt="Running variance and accuracy: hardly changed at momentum 0.9, far lower at 0.1.")
    lost = 100 * (ends[0] - ends[2])[..., 1]  # (images, nets)
    by_image = np.median(lost, axis=1)
    print(f"momentum 0.1, points lost by image: {by_image.min():.0f} to {by_image.max():.0f}")
    claim("momentum 0.1: over 20 points lost", 100 * (right["left out"] - right["momentum 0.1"]), above=20)
    claim("momentum 0.9: under 1 point of accuracy lost", 100 * (right["left out"] - right["momentum 0.9"]), below=1)

# %% [markdown] id="last-caption"
# **A last batch of one image takes 1 - momentum of the running variance away.** At 0.9 the accuracy hardly notices. At
# 0.1, PyTorch's number in the wrong place, it falls, how far depends on the image. (Dots: five nets, each its median
# over 30 images.) *Takeaway: leave the last small batch out*; PyTorch: `drop_last=True`.

# %% [markdown] id="fold_into_linear-text" exercise="fold_into_linear"
# In test mode the layer multiplies each feature by one number and adds another: an *affine* map. After a linear layer,
# that makes one layer of two. Write `fold_into_linear`. It takes `w` (M, D), `b`, `gamma`, `beta`, `running_mean`,
# `running_var` (each (D,)) and `eps`. It returns `w_folded` (M, D) and `b_folded` (D,): x @ w_folded + b_folded is the
# test-mode output for x @ w + b.
#
# For w = [[4, 6]], b = [0, 1], gamma = [1, 3], beta = [0, 5], running_mean = [2, 0], running_var = [4, 9], eps = 0 they
# are [[2, 6]] and [-1, 6].

# %% [markdown] id="fold_into_linear-text-notes" notes="2"
# Write the layer for one feature on the board, and let the class find the one factor and the one constant. Commonest
# slips: rows of w scaled instead of columns, b forgotten, the variance instead of its root, eps left out.

# %% id="fold_into_linear" solution="fold_into_linear"
from bn_helpers.layers import fold_into_linear

# %% id="fold_into_linear-check" check="fold_into_linear"
check("fold_into_linear", fold_into_linear)

# %% [markdown] id="fold_into_linear-hints"
# <details><summary>Help: the difference is 0 on the diagonal only, or shapes cannot be broadcast</summary>
#
# You scale the rows of w. Feature d of x @ w comes from *column* d of w, so column d gets the factor of feature d.
#
# </details>
# <details><summary>Help: w_folded is right, b_folded is not</summary>
#
# Put x = 0 into both layers. The first gives b. Follow it: the running mean goes off, then scale, then shift.
#
# </details>
# <details><summary>Help: a hundred examples pass, "eps = 1.5" does not</summary>
#
# The layer divides by the root of variance plus eps. So does the fold.
#
# </details>

# %% id="fold-same" slide="skip"
if ready(
    identity_parameters=identity_parameters, batchnorm_forward=batchnorm_forward, fold_into_linear=fold_into_linear
):
    folded = deepcopy(plain)
    for net, target in zip(with_norm, folded):
        for i in "12":
            layer = [net.parameters[name + i] for name in ("w", "b", "gamma", "beta")]
            running = [net.states["norm" + i][name] for name in ("running_mean", "running_var")]
            target.parameters |= dict(zip(["w" + i, "b" + i], fold_into_linear(*layer, *running)))
    same = [np.allclose(a.forward(x_test), b.forward(x_test)) for a, b in zip(folded, with_norm)]
    print("operations:", len(with_norm[0].operations), "with the layer,", len(folded[0].operations), "folded")
    print("the same outputs:", all(same))

# %% [markdown] id="recap"
# In test mode the layer is affine: folded away, it costs nothing.
#
# ## Now you can
#
# - choose the gamma and beta that undo a normalization, and say for which batch they do;
# - predict how much of a tanh saturates at a given gamma;
# - build the layer with its two modes, spot its slips, and fold it away.
#
# Two questions to take along:
#
# 1. Gamma and beta are learned by gradients. What is the gradient through the *mean*?
# 2. In training, does a bias in front of the layer do anything?

# %% [markdown] id="explain_2-text" slide="skip"
# ### In your own words
#
# A friend's net has 98 % in training and 12 % in use, where images come one at a time. Explain what may have happened,
# and what to look at first.

# %% [markdown] id="recap-notes" notes="2"
# Question 1 opens notebook 3. Question 2 has a short answer, no, and a reason that is worth an hour: the mean takes it
# away again.

# %% id="summary"
summary("02_scale_and_shift", globals())
