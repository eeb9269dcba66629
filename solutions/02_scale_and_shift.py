# %% [markdown] id="title"
# # 2 Scale and shift
#
# You give a net its scale back, and build the whole layer: for training, and for the day an image comes alone.
#
# When you have finished, you can
#
# - **choose** the gamma and beta that undo a normalization, and say for which batch they do;
# - **predict** how much of a tanh saturates at a given gamma;
# - **build** the layer with its two modes, **spot** the slips that they invite, and fold the layer away.
#
# You need notebook 1: the mean, the variance and the normalization of a batch.
# There are 90 minutes of work here, and 29 points.

# %% id="setup"
import numpy as np

from bn_helpers import data, plotting
from bn_helpers.checks import check, ready, summary
from bn_helpers.nets import Net
from bn_helpers.training import accuracy, fit

plotting.use_style()
x_train, y_train, x_test, y_test, *_ = data.digits().standardized()

# %% [markdown] id="plain-text"
# ## 2.1 A net that chose its own scale
#
# Notebook 1 left a question: do you always want mean 0 and variance 1 in front of a tanh? Ask a net that is free to
# choose. The next cell trains five plain nets on the handwritten digits: 64 pixels, two layers of 50 tanh units, ten
# classes, no normalization. It draws the *spread* (the standard deviation) of what goes into each unit of the first
# layer, over all training images, before and after training.
#
# **Predict:** at the start the spreads lie around 1. Do they grow, shrink or stay?

# %% id="plain"
sizes = [64, 50, 50, 10]
plain = [Net(sizes, "linear tanh", std="xavier", seed=seed) for seed in range(5)]
before = np.array([x_train @ net.parameters["w1"] for net in plain]).std(axis=1)  # (5, 50)
for seed, net in enumerate(plain):
    fit(net, x_train, y_train, steps=400, lr=0.5, seed=seed)
inputs = np.array([x_train @ net.parameters["w1"] + net.parameters["b1"] for net in plain])  # (5, 1397, 50)
after = inputs.std(axis=1)

figure = plotting.scale_and_shift.spreads(before, after)
plotting.show(figure, alt="Histogram of the spread of 250 units' inputs: after training it lies further right.")
print("right on more than 94 % of the test images, every net:", min(accuracy(n, x_test, y_test) for n in plain) > 0.94)
print("wider than before training, every net:", np.all(np.median(after, axis=1) > 1.1 * np.median(before, axis=1)))

# %% [markdown] id="plain-caption"
# **Left to themselves, the nets widen what goes into tanh, and each unit finds a spread of its own.** Compare the two
# medians. A layer that sets every spread to 1 takes that choice away. So batch normalization hands it back at once, by
# two numbers a feature: *gamma* scales and *beta* shifts (Ioffe and Szegedy 2015, Algorithm 1).
#
# $$\text{out} = \text{gamma} \cdot \hat{x} + \text{beta}$$
#
# Both are learned like weights. They start at 1 and 0, where they change nothing.

# %% [markdown] id="scale_and_shift-text" exercise="scale_and_shift"
# Write `scale_and_shift`. It takes a normalized batch `x_hat` of shape (N, D) and two vectors `gamma` and `beta` of shape
# (D,), and returns `out` of shape (N, D).
#
# For x_hat = [[-1, -1], [1, 1]], gamma = [2, 3] and beta = [0, 10] the result is [[-2, 7], [2, 13]]: the first feature now
# has mean 0 and standard deviation 2, the second has mean 10 and standard deviation 3.

# %% id="scale_and_shift" solution="scale_and_shift"
from bn_helpers.layers import scale_and_shift

# %% id="scale_and_shift-check" check="scale_and_shift"
check("scale_and_shift", scale_and_shift)

# %% [markdown] id="scale_and_shift-hints"
# <details><summary>Help: every case fails, though I use both gamma and beta</summary>
#
# In which order? Scale first, then shift. The other way round, beta is multiplied too.
#
# </details>
# <details><summary>Help: only "as many examples as features" fails</summary>
#
# Your vectors run down the batch instead of along the features. Where N equals D, NumPy cannot tell. Leave gamma and beta as
# they are: a shape of (D,) lines up with the last axis by itself.
#
# </details>
# <details><summary>Help: the values are right, but "your inputs stay as they are" fails</summary>
#
# `x_hat *= gamma` writes into the caller's batch. The backward pass in notebook 3 will want the old one.
#
# </details>

# %% [markdown] id="undo"
# ## 2.2 Undo it
#
# The lecture says that a net can learn to *undo* the normalization. For gamma, the slide has the square root of the variance;
# the notes beside it have 분산, the variance. Both take the mean for beta. Try the second by hand.
#
# The feature 1, 3, 5, 7 has mean 4 and variance 5. Normalized it is -1.342, -0.447, 0.447, 1.342. Times 5, plus 4, that gives
# **-2.71, 1.76, 6.24, 10.71**. It does not come back: the spread was 2.236 and is now 5.
#
# **Predict:** does the slide's gamma bring it back exactly, with eps in the game?

# %% [markdown] id="identity_parameters-text" exercise="identity_parameters"
# Write `identity_parameters`. It takes a batch `x` of shape (N, D) and the `eps` with which it is normalized, and returns
# `gamma` and `beta`, each of shape (D,). Whoever normalizes x, then scales and shifts the result with these two, must get x
# back *exactly*.
#
# For the batch [[1, 10], [3, 30]] and eps = 3, gamma is [2, 10.149] and beta is [2, 20].

# %% id="identity_parameters" solution="identity_parameters"
from bn_helpers.layers import identity_parameters

# %% id="identity_parameters-check" check="identity_parameters"
check("identity_parameters", identity_parameters)

# %% [markdown] id="identity_parameters-hints"
# <details><summary>Help: my gamma is far too large, or far too small</summary>
#
# Compare it with the wanted one in the table: is yours its square? Normalizing divides by a standard deviation, so what
# undoes it multiplies by one.
#
# </details>
# <details><summary>Help: it passes within 2 %, but "eps = 1.5" and "a variance as small as eps" fail</summary>
#
# What exactly did the normalization divide by? Not by the root of the variance alone.
#
# </details>
# <details><summary>Help: gamma looks like beta, and beta like gamma</summary>
#
# The order of what you return counts: gamma first.
#
# </details>

# %% id="identity-figure"
def there_and_back(batch, gamma, beta):
    return scale_and_shift((batch - batch.mean(axis=0)) / np.sqrt(batch.var(axis=0) + 1e-5), gamma, beta)


if ready(scale_and_shift, identity_parameters):
    pixel = x_train[:, 20] / x_train[:, 20].std()
    x = np.outer(pixel, np.sqrt(1e-5) * 10 ** np.linspace(-1, 3, 17))  # (1397, 17): one pixel, in 17 different units
    mean, var = x.mean(axis=0), x.var(axis=0)
    tries = {"variance": (var, mean), "sqrt(variance)": (np.sqrt(var), mean), "yours": identity_parameters(x)}
    shares = {name: there_and_back(x, *pair).std(axis=0) / x.std(axis=0) for name, pair in tries.items()}
    batches = pixel[:256].reshape(4, 64, 1)
    returned = np.array([there_and_back(batch, *identity_parameters(batches[0])) for batch in batches])
    figure = plotting.scale_and_shift.identity(x.std(axis=0), shares, batches[..., 0], returned[..., 0])
    plotting.show(figure, alt="Left, three curves of what comes back: one is 1 everywhere. Right, points on and off a diagonal.")

# %% id="identity-numbers"
if ready(scale_and_shift, identity_parameters):
    print("yours brings this batch back exactly:      ", np.allclose(returned[0], batches[0], rtol=0, atol=1e-12))
    print("and the next one:                          ", np.allclose(returned[1], batches[1], rtol=0, atol=1e-2))
    print(f"sqrt(variance), where the variance is eps:  {1 - shares['sqrt(variance)'][4]:.1%} too small")
    print(f"variance, where the standard deviation is 1: {shares['variance'][14]:.2f} of what went in")

# %% [markdown] id="identity-caption"
# **Only the root of variance plus eps brings everything back, and only for its own batch.** Left: the notes' gamma is right
# where the variance happens to be 1. The slide's gamma fails where the variance is as small as eps: there
# 29 % are missing. Right: with parameters made for the blue batch, each of the next three lands on a line of its own, since it
# is normalized by its own mean and variance. *Takeaway: the identity is exact for the statistics that were used.*

# %% [markdown] id="saturation-question"
# ## 2.3 How much should a tanh saturate?
#
# A tanh *saturates* where it is flat: close to -1 or 1 a change of its input changes nothing, and nothing is learned. Let us
# call an output saturated when its absolute value is above 0.97. There the slope is below 0.06, and in the middle it is 1.
#
# The lecture says that normalizing confines tanh to its nearly linear part, so that no saturation occurs at all.
#
# **Predict:** of 100 outputs at gamma = 1, how many are saturated? At gamma = 5? And in the trained nets from above?

# %% [markdown] id="saturated_fraction-text" exercise="saturated_fraction"
# Write `saturated_fraction`. It takes an array `z` of any shape, which goes into a tanh, and returns one number between 0
# and 1: the share of the outputs whose absolute value lies above `threshold`.
#
# For z = [[-9, 0], [0.1, 9]] the outputs are about -1, 0, 0.0997 and 1. With the default threshold of 0.97 the share is
# 0.5; with threshold = 0.05 it is 0.75.

# %% id="saturated_fraction" solution="saturated_fraction"
from bn_helpers.layers import saturated_fraction

# %% id="saturated_fraction-check" check="saturated_fraction"
check("saturated_fraction", saturated_fraction)

# %% [markdown] id="saturated_fraction-hints"
# <details><summary>Help: my share is about half of the wanted one</summary>
#
# You count one end. -0.99 is as saturated as 0.99.
#
# </details>
# <details><summary>Help: my share is too large</summary>
#
# Is the threshold compared with the output of tanh, or with its input?
#
# </details>
# <details><summary>Help: "values exactly at the threshold" or "a plain vector" fails</summary>
#
# Above means above, not at. And z may have any shape: take the share over all its elements, not along an axis.
#
# </details>

# %% id="saturation-figure"
from math import erfc

gammas = np.geomspace(0.2, 5, 15)
formula = np.array([erfc(np.arctanh(0.97) / (gamma * np.sqrt(2))) for gamma in gammas])
bell = np.random.RandomState(0).standard_normal(100_000)
slopes = np.array([np.mean(1 - np.tanh(gamma * bell) ** 2) for gamma in gammas])
if ready(saturated_fraction):
    x_hat = (inputs - inputs.mean(axis=1, keepdims=True)) / inputs.std(axis=1, keepdims=True)
    real = np.array([saturated_fraction(gamma * x_hat) for gamma in gammas])
    trained = np.median(after, axis=1), [saturated_fraction(z) for z in inputs]
    figure = plotting.scale_and_shift.saturation(bell, gammas, formula, slopes, real, trained)
    plotting.show(figure, alt="Outputs of tanh at three gammas: one hump, flat, two peaks. Below, saturation over gamma.")

# %% id="saturation-numbers"
if ready(saturated_fraction):
    for i in (0, 7, 14):
        measured = saturated_fraction(gammas[i] * bell)
        print(f"gamma {gammas[i]:.1f}: saturated {measured:6.2%}, by the formula {formula[i]:6.2%}; slope {slopes[i]:.3f}")
    print("the trained nets saturate more than twice as much as gamma = 1:", min(trained[1]) > 2 * formula[7])

# %% [markdown] id="saturation-caption"
# **At gamma = 1 a tanh does saturate a little, and gamma sets how much.** For a gaussian input the share is
# erfc(atanh(0.97) / (gamma √2)): the dotted curve. The mean slope at gamma = 1 is well below 1, too, so "confined to the linear
# part" is too strong. Blue: the nets' real units, normalized, follow the curve though they are not gaussian. Orange: what the plain
# nets chose. *Takeaway: gamma is a dial for saturation, and training turns it. That is the freedom.*

# %% [markdown] id="modes"
# ## 2.4 One image comes alone
#
# In training, a batch is normalized by its own mean and variance. A net in use gets one image at a time, and
# should give it the same answer whoever comes along. So the layer has two modes.
#
# **Training mode** normalizes by the batch, and also keeps *running statistics*, which begin at 0:
#
# $$\text{running} \leftarrow \text{momentum} \cdot \text{running} + (1 - \text{momentum}) \cdot \text{batch statistic}$$
#
# **Test mode** normalizes by these instead, and changes nothing. So each example stands alone.

# %% [markdown] id="conventions"
# ### Two conventions, opposite
#
# `momentum` is the fraction **kept** here, in CS231n's assignment and in
# [Keras](https://keras.io/api/layers/normalization_layers/batch_normalization/) (default 0.99). In
# [PyTorch](https://docs.pytorch.org/docs/stable/generated/torch.nn.BatchNorm1d.html) it is the fraction of the **new** (default
# 0.1). So 0.9 here is 0.1 there.
#
# And the variance? Here the running average is over the biased one, divided by N. PyTorch stores the *Bessel-corrected* one,
# divided by N - 1, and so does the paper (Algorithm 2), which averages many batches instead of running along. Normalizing
# divides by N everywhere.

# %% [markdown] id="batchnorm_forward-text" exercise="batchnorm_forward"
# Write `batchnorm_forward`. It takes `x` (N, D), `gamma` and `beta` (D,), and a dict `bn_param`: `mode` is 'train' or 'test',
# anything else a ValueError; `eps` (default 1e-5); `momentum` (0.9); `running_mean` and `running_var` (D,) (zeros).
# Training writes the last two back. It returns `out` (N, D) and `cache`, which is for notebook 3: None will do.
#
# For x = [[1, 10], [3, 30]], gamma = [2, 3], beta = [0, 10], eps = 0 and training, out is [[-2, 7], [2, 13]], running_mean becomes
# [0.2, 2], running_var [0.1, 10].

# %% id="batchnorm_forward" solution="batchnorm_forward"
from bn_helpers.layers import batchnorm_forward

# %% id="batchnorm_forward-check" check="batchnorm_forward"
check("batchnorm_forward", batchnorm_forward)

# %% [markdown] id="batchnorm_forward-hints"
# <details><summary>Help: the output is right, but "one training step" fails</summary>
#
# Does the table show your running mean too close to the batch's? Then old and new have changed places: momentum is what is
# *kept*. If only the variance is off, by N / (N - 1), you took the Bessel-corrected one.
#
# </details>
# <details><summary>Help: one training step passes, three do not</summary>
#
# Each step begins where the one before ended. Is that read from `bn_param`, and written back into it?
#
# </details>
# <details><summary>Help: "evaluation" or "evaluation of one example" fails</summary>
#
# Test mode must not look at the batch. If the values are a little off only, look for eps, and for the root.
#
# </details>

# %% [markdown] id="quiz_2-text"
# **Predict.** The mean of every batch is 10. The running mean starts at 0, and momentum is 0.9. Where does the running mean
# stand after 10 training steps?
#
# - a) 1.0
# - b) 3.5
# - c) 6.5
# - d) 10.0
#
# Type your letter between the quotation marks.

# %% id="quiz_2" quiz="quiz_2"
quiz_2 = "c"

# %% id="quiz_2-check" check="quiz_2"
check("quiz_2", quiz_2)

# %% id="history"
def history(feature_values, size, momentum, steps, seed=0):
    rng, bn_param, kept = np.random.RandomState(seed), {"mode": "train", "momentum": momentum}, []
    one, zero = np.ones(feature_values.shape[1]), np.zeros(feature_values.shape[1])
    for _ in range(steps):
        batchnorm_forward(feature_values[rng.randint(len(feature_values), size=size)], one, zero, bn_param)
        kept.append([bn_param["running_mean"].copy(), bn_param["running_var"].copy()])
    return np.array(kept)  # (steps, 2, D)


if ready(batchnorm_forward):
    tens = history(np.full((1, 1), 10.0), size=2, momentum=0.9, steps=50)
    print("steps:           1     2     3    10    50")
    print("running mean:", *(f"{tens[step - 1, 0, 0]:5.2f}" for step in (1, 2, 3, 10, 50)))

# %% [markdown] id="convergence-text"
# After k steps the start still counts momentum^k: 35 % after 10 steps at 0.9. Real batches add noise to this. Now the running
# statistics of the first trained net's 50 units, from random batches of its images.
#
# **Predict:** someone copies momentum = 0.1 from a PyTorch program into this layer. What happens to the running mean? And
# does the running *variance* come out right, however small the batches are?

# %% id="convergence-figure"
if ready(batchnorm_forward):
    z = inputs[0]  # (1397, 50)
    runs = {m: np.array([history(z, 64, m, 200, seed) for seed in range(5)]) for m in (0.1, 0.9, 0.99)}
    off = {m: np.sqrt(np.mean((run[:, :, 0] - z.mean(axis=0)) ** 2 / z.var(axis=0), axis=-1)) for m, run in runs.items()}
    start = np.sqrt(np.mean(z.mean(axis=0) ** 2 / z.var(axis=0)))
    runs = {size: np.array([history(z, size, 0.99, 400, seed) for seed in range(5)]) for size in (2, 8, 64)}
    share = {size: np.mean(run[:, :, 1] / z.var(axis=0), axis=-1) for size, run in runs.items()}
    figure = plotting.scale_and_shift.convergence(off, share, start)
    plotting.show(figure, alt="Left, running means approach and then jitter. Right, running variances end at different heights.")
    print("variance, by batch size:", {size: f"{np.median(values[:, -1]):.1f}" for size, values in share.items()})

# %% [markdown] id="convergence-caption"
# **The more is kept, the slower and the quieter; and a small batch's variance is too small for ever.** Left: momentum 0.9 follows
# 0.9^k, then the batches' noise takes over. At 0.1 the running mean is little more than the last batch's. Right: a biased
# variance is (N - 1) / N of the whole, on average: a half for batches of 2. Bessel's correction would mend that; at N = 64 it is
# 1.6 %. (Five orders of batches; median and middle half.)

# %% [markdown] id="insert-text"
# ## 2.5 Into a trained net, and out again
#
# Now your layer goes into the five trained nets, between each linear map and its tanh. With gamma and beta from
# `identity_parameters` it should change nothing. Then 42 batches in training mode let the running statistics settle.
#
# **Predict:** which accuracy do the nets have in test mode? And in training mode, when the test images come one by one, in twos, in
# eights? What if they come sorted by class?

# %% id="insert"
def insert(net):
    normed = Net(sizes, "linear norm tanh", norm=(batchnorm_forward, None), seed=0)
    normed.parameters |= net.parameters
    for i in "12":
        gamma_beta = identity_parameters(net.values["linear" + i])
        normed.parameters |= dict(zip(["gamma" + i, "beta" + i], gamma_beta))
    return normed


if ready(identity_parameters, batchnorm_forward):
    logits = [net.forward(x_train) for net in plain]
    with_norm = [insert(net) for net in plain]
    same = [np.allclose(net.forward(x_train, "train"), want) for net, want in zip(with_norm, logits)]
    print("on the batch of all training images, nothing changes:", all(same))

# %% id="settle"
from copy import deepcopy


def share_right(net, mode, images, size):
    net = deepcopy(net)  # training mode would write into its running statistics
    batches = np.split(images, range(size, len(images), size))
    return np.mean(np.concatenate([net.forward(x_test[rows], mode).argmax(axis=1) == y_test[rows] for rows in batches]))


if ready(identity_parameters, batchnorm_forward):
    for rows in np.split(np.random.RandomState(0).permutation(1344), 42):  # batches of 32
        for net in with_norm:
            net.forward(x_train[rows], "train")
    same = [np.mean(a.forward(x_test).argmax(1) == b.forward(x_test).argmax(1)) for a, b in zip(with_norm, plain)]
    print("settled, in test mode, the same class for more than 97 % of new images:", min(same) > 0.97)

# %% id="modes-figure"
if ready(identity_parameters, batchnorm_forward):
    shuffled, by_class = np.random.RandomState(0).permutation(400), np.argsort(y_test, kind="stable")
    by_size, by_order = {}, {}
    for mode in ("train", "test"):
        by_size[mode] = np.array([[share_right(net, mode, shuffled, s) for s in (1, 2, 8, 64)] for net in with_norm])
        by_order[mode] = np.array([[share_right(net, mode, o, 40) for o in (shuffled, by_class)] for net in with_norm])
    figure = plotting.scale_and_shift.modes([1, 2, 8, 64], by_size, by_order)
    plotting.show(figure, alt="Accuracy: flat in test mode; in training mode it falls to a tenth for batches of 1 or one class.")
    print("training mode, one by one: the same answer for every image:", np.all(by_size["train"][:, 0] == 0.1))
    print("training mode, in twos: over 20 points lost:", np.all(by_size["train"][:, 1] < by_size["test"][:, 1] - 0.2))
    print("sorted by class: over 60 points lost:", np.all(by_order["train"][:, 1] < by_order["test"][:, 1] - 0.6))

# %% [markdown] id="modes-caption"
# **Who forgets test mode gets answers that depend on the company.** A batch of one is its own mean: x_hat is 0, out is beta,
# and every image gets the same class, one in ten right. With 64 it looks fine, and is a trap: the same images sorted by class are
# taken for one another, since the mean that is subtracted *is* the class. In test mode nothing moves. (Five nets; median and middle
# half.) PyTorch's switch is `net.eval()`, Keras's `training=False`.

# %% [markdown] id="last-text"
# ### The last small batch
#
# A training set of 1,345 images makes 21 batches of 64, and one image is left over. In training mode it is a batch
# of one: its variance is 0.
#
# **Predict:** what does it do to the running variance at momentum 0.9? And at 0.1? Does the accuracy notice?

# %% id="last-figure"
def after_an_epoch(net, momentum, images):
    net = deepcopy(net)
    order = np.random.RandomState(1).permutation(1345)[:images]
    for rows in np.split(order, range(64, images, 64)):
        for state in net.states.values():
            state["momentum"] = momentum
        net.forward(x_train[rows], "train")
    share = np.mean(net.states["norm1"]["running_var"] / net.parameters["gamma1"] ** 2)
    return share, share_right(net, "test", np.arange(400), 400)
