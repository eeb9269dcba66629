# %% [markdown] id="title"
# # 4 Batch normalization for convolutions
#
# You carry batch normalization over to images, and measure what it gains and where it gains nothing.
#
# When you have finished, you can
#
# - **decide** which elements of a batch of images share one mean, and say what a wrong choice breaks;
# - **write** the layer for images, forward and backward, without mixing up the axes;
# - **judge** by paired runs what it does for learning rates and initial weights.
#
# You need the layer of notebooks 2 and 3 (the next cell imports it) and the idea of a convolution. There are {minutes} minutes
# of work here, and {points} points.

# %% [markdown] id="title-notes" notes="2"
# Recall one sentence: a batch has one mean for each feature. Today's only new question is what a feature is, when the
# input is an image.

# %% id="setup"
from itertools import product

import numpy as np

from bn_helpers import data, nets, plotting, training, widgets
from bn_helpers.checks import check, ready, summary
from bn_helpers.layers import batchnorm_backward, batchnorm_forward
from bn_helpers.training import claim

plotting.use_style()

# %% [markdown] id="maps-text"
# ## One feature, many places
#
# A batch of images is an array (N, C, H, W): N examples, C channels, H rows, W columns. A convolution applies the
# same small set of weights at every place. Here are three such sets of 3 × 3 weights, written by hand. The first
# takes the mean of its nine pixels. The second takes the left pixels less the right ones, the third the upper ones
# less the lower ones.
#
# **Predict:** which of the three channels has the widest spread?

# %% [markdown] id="maps-text-notes" notes="2"
# Vote on the widest spread. Expect "the mean", since it has the largest values. The edges have both signs, so it is
# close; read the three numbers under the figure.

# %% id="maps-figure"
fashion = data.fashion_mnist()
images, labels = fashion.x_train[:200].reshape(-1, 1, 28, 28), fashion.y_train[:200]  # (N, C, H, W), (N,)
falling = np.array([1, 0, -1])
weights = np.stack([np.full(9, 1 / 9), np.tile(falling, 3) / 3, np.repeat(falling, 3) / 3], axis=1)  # (9, 3)
maps, _ = nets.convolution_forward(images, weights, np.zeros(3))  # (200, 3, 14, 14): it takes every second place
names = ["the image", "mean", "left less right", "upper less lower"]
figure = plotting.convolution.pictures([images[26, 0], *maps[26]], names, limit=1, unit="value")
plotting.show(figure, alt="A boot, and three maps of it: blurred, its left and right edges, its upper and lower edges.")
for name, channel in zip(names[1:], maps[26]):
    print(f"{name:16} from {channel.min():5.2f} to {channel.max():4.2f}, standard deviation {channel.std():.2f}")

# %% [markdown] id="maps-figure-notes" notes="3"
# Ask the prediction at the end, and let them write it down: how many means, over how many numbers? Expect "12 means of
# 4": that is instance norm, one mean for each image. Batch norm has 4 of 12.

# %% [markdown] id="maps-caption"
# **A channel is one feature, looked for at 196 places.** Channels differ in place and spread, as printed, so each needs
# its own normalization. But all places of a channel come from the same weights: what they hold has one meaning and one
# unit. The lecture draws the conclusion: elements of the same channel are normalized *together*.
#
# **Predict:** 3 images with 4 channels of 2 × 2 pixels are 48 numbers. How many means does batch normalization take,
# and over how many numbers each?

# %% id="axes-figure"
figure = plotting.convolution.shared_statistics((3, 4, 2, 2))
plotting.show(figure, alt="48 cells, five times: those that share a mean have one colour and one number.")
widgets.sharing()

# %% [markdown] id="axes-figure-notes" notes="3"
# One panel at a time: how many colours? The names are less important than the question who shares with whom. The last
# panel is in print; it comes back twice today.

# %% [markdown] id="axes-caption"
# **Cells of one number share a mean and a variance.** Batch norm has 4 means of 12 numbers: a channel, over all images.
# Layer norm (Ba et al. 2016), instance norm (Ulyanov et al. 2016) and group norm (Wu and He 2018) stay within an image.
# The last panel is a slip, found in a widely read book: each pixel of each channel is a feature of its own. Move the
# sliders: which norms agree on *one* image? *Takeaway: for images, batch norm averages over all places of a channel.*

# %% [markdown] id="channel_statistics-text" exercise="channel_statistics"
# Write `channel_statistics`. It takes `x` of shape (N, C, H, W) and returns two arrays of shape (C,): each channel's
# mean, and its biased variance.
#
# Two images of two channels of 1 × 2 pixels: image 1 is [[[0, 1]], [[2, 3]]], image 2 is [[[4, 5]], [[6, 7]]]. Channel
# 1 holds 0, 1, 4, 5, with mean 10 / 4 = 2.5. The squared distances are 6.25, 2.25, 2.25, 6.25, so the variance is
# 17 / 4 = 4.25. Channel 2 has mean 4.5 and variance 4.25. As here, `x` may hold whole numbers.

# %% [markdown] id="channel_statistics-text-notes" notes="2"
# Commonest slips: axes (0,), (2, 3), (0, 2) or (1, 2, 3); the mean of the images' own variances, which is too small; a
# mean of shape (C,) that lines up with W.

# %% id="channel_statistics" solution="channel_statistics"
from bn_helpers.layers import channel_statistics

# %% id="channel_statistics-check" check="channel_statistics"
check("channel_statistics", channel_statistics)

# %% [markdown] id="channel_statistics-hints"
# <details><summary>Help: mean has the shape (C, H, W) or (N, C), and should be (C,)</summary>
#
# `axis` names the axes that *disappear*, and it takes several at once. Which of the four should be gone, and which one
# stays?
#
# </details>
# <details><summary>Help: the mean is right, the variance is too small</summary>
#
# In the example above, image 1 alone has the variance 0.25 in channel 1, and so has image 2. Their average leaves out
# that the two images differ. Measure every distance to the channel's one mean.
#
# </details>
# <details><summary>Help: the mean is right, the variance is far too large, or the shapes do not broadcast</summary>
#
# A mean of shape (C,) lines up with the *last* axis of x, which is W, so a channel is compared with the means of all
# channels. Give the mean the axes that it lacks, or keep them when you average.
#
# </details>

# %% [markdown] id="reshape-text"
# ## From rows to images
#
# You have the layer for rows, (N, D). Lay the images out as rows, one row for each *place* of each image, one column
# a channel: then its formulas hold unchanged. Here are two images with two channels. Channel 1 counts in ones,
# channel 2 in tens. By hand: channel 1 holds 1 to 8, so its mean is 36 / 8 = **4.5**. The squared distances are
# 12.25, 6.25, 2.25, 0.25, twice: 42 / 8 = **5.25**.
#
# **Predict:** is `reshape(-1, 2)` alone enough?

# %% [markdown] id="reshape-text-notes" notes="3"
# Vote: is `reshape(-1, 2)` enough? Expect yes. Somebody writes the first row on the board before you go on: 1, 2. Both
# are channel 1.

# %% id="reshape-figure"
ones = np.arange(1.0, 9.0).reshape(2, 1, 2, 2)
two_images = np.concatenate([ones, 10 * ones], axis=1)  # (N, C, H, W) = (2, 2, 2, 2)
moved = np.moveaxis(two_images, 1, -1).reshape(-1, 2)  # (N, H, W, C), then (N * H * W, C)
plain = two_images.reshape(-1, 2)
figure = plotting.convolution.reshapes(two_images, moved, plain)
plotting.show(figure, alt="16 numbers laid out in rows of two: once each column is one channel, once both are mixed.")
print("channel axis moved, column 1:", *(f"{v:g}" for v in moved[:, 0]))
print("reshaped alone, column 1:    ", *(f"{v:g}" for v in plain[:, 0]))

# %% [markdown] id="reshape-caption"
# **`reshape` never moves a number: it cuts the same sequence into other pieces.** The last axis of `x` is W, so a row
# of two is two neighbours in one channel, and each column mixes ones and tens. Move the channel axis to the end
# first, then reshape. The way back is the same two steps in reverse order: a plain `reshape` to (N, C, H, W) would
# scramble the picture. *Takeaway: move the axis, then reshape; and undo both.*

# %% [markdown] id="spatial_batchnorm_forward-text" exercise="spatial_batchnorm_forward"
# Write `spatial_batchnorm_forward` for `x` of shape (N, C, H, W). `gamma`, `beta` and the running statistics have shape
# (C,); `bn_param` works as in notebook 2, with its modes, defaults and ValueError. It returns `out`, of the shape of
# `x`, and a cache of your choice for your backward pass. Two ways are open: lay the images out as rows and call the
# handed `batchnorm_forward`, or write it with your `channel_statistics`.
#
# With gamma = 1 and beta = 0, the images [[[1, 3]]] and [[[5, 7]]] become [[[-1.34, -0.45]]] and [[[0.45, 1.34]]].

# %% [markdown] id="spatial_batchnorm_forward-text-notes" notes="2"
# Commonest slips: reshape without moving the axis; moved in, but plainly reshaped out (the shape is right, the picture
# scrambled); axes of NHWC; gamma broadcast along W. Where W = C the last gives no error, and the check has such a case.

# %% id="spatial_batchnorm_forward" solution="spatial_batchnorm_forward"
from bn_helpers.layers import spatial_batchnorm_forward

# %% id="spatial_batchnorm_forward-check" check="spatial_batchnorm_forward"
check("spatial_batchnorm_forward", spatial_batchnorm_forward)

# %% [markdown] id="spatial_batchnorm_forward-hints"
# <details><summary>Help: nearly everything fails, "three training steps" too</summary>
#
# The statistics are taken over the wrong numbers. Lay out the two images above in the way your code does, and print the
# columns: does each hold ones only, or tens only?
#
# </details>
# <details><summary>Help: "three training steps" passes, but out holds its numbers in the wrong places</summary>
#
# You laid the images out as rows and came back by a plain reshape. Before the last step the array is ordered
# (N, H, W, C): reshape to that first, then move the channel axis back.
#
# </details>
# <details><summary>Help: out has the wrong shape, or the shapes do not broadcast</summary>
#
# NumPy lines shapes up from the right, so gamma of shape (C,) meets W. It has to meet C: it needs two more axes after
# its own.
#
# </details>

# %% [markdown] id="moved-text"
# ### What the slip breaks
#
# A convolution treats all places alike: move the image, and its maps move along. Now normalize 200 images, once by
# channel with your layer, and once by pixel. Then move *one* of the images, a pair of trousers, eight pixels to the
# right, and do it again.
#
# **Predict:** does the normalized picture move along, in both cases?

# %% [markdown] id="moved-text-notes" notes="2"
# Two votes: by channel, by pixel. Expect "both move along". Ask what is stored for a pixel at the right edge that is
# dark in 199 of 200 images.

# %% id="moved-figure"
moved = images.copy()
moved[28] = np.roll(images[28], 8, axis=-1)
if ready(spatial_batchnorm_forward):
    pictures = []
    for x in (images, moved):
        channel, _ = spatial_batchnorm_forward(x, np.ones(1), np.zeros(1), {"mode": "train"})
        pixel, _ = batchnorm_forward(x.reshape(200, -1), np.ones(784), np.zeros(784), {"mode": "train"})
        pictures += [channel[28, 0], pixel[28].reshape(28, 28)]
    names = ["by channel", "by pixel", "by channel, moved", "by pixel, moved"]
    figure = plotting.convolution.pictures(pictures, names, limit=3, unit="standard deviations")
    plotting.show(figure, alt="Trousers by channel move along; by pixel they leave a blue ghost, and a leg turns red.")
    print(*(f"{name}: largest value {picture.max():.1f} " for name, picture in zip(names, pictures)))

# %% [markdown] id="moved-figure-notes" notes="3"
# Look at the last picture for a while. Blue: darker than usual *here*. Red: a leg where there is never one. A
# convolution promises that a value means the same everywhere.

# %% [markdown] id="moved-caption"
# **By channel, the picture moves along; by pixel, it becomes another picture.** Look at the last one. Where clothes
# usually are, a blue ghost says "darker than usual *here*". At the right edge, where images are nearly always empty,
# the spread is tiny, and the leg goes beyond 3 standard deviations. What a value means now depends on its place,
# which a convolution was built to avoid. *Takeaway: the same weights at every place, so the same statistics at every
# place.*

# %% [markdown] id="spatial_batchnorm_backward-text" exercise="spatial_batchnorm_backward"
# Write `spatial_batchnorm_backward`. It takes `dout` of shape (N, C, H, W) and your forward's cache, and returns `dx`
# of that shape, `dgamma` and `dbeta`, each (C,). Laid out as rows, this is notebook 3 with m = N · H · W rows: each sum
# runs over a channel's m elements, each 1/N becomes 1/m.
#
# One image, one channel: x = [[1, 3], [3, 1]], gamma = 2, eps = 0, dout = [[1, 0], [0, 0]]. So
# x_hat = [[-1, 1], [1, -1]], dbeta = 1, dgamma = -1, dx = 2 · (dout - 1/4 + x_hat / 4) = [[1, 0], [0, -1]].

# %% [markdown] id="spatial_batchnorm_backward-text-notes" notes="2"
# Commonest slips: 1/N where m = N · H · W belongs; dgamma summed over the batch only; dout not laid out as the forward
# did. Nothing has to be derived again: it is notebook 3 with m for N.

# %% id="spatial_batchnorm_backward" solution="spatial_batchnorm_backward"
from bn_helpers.layers import spatial_batchnorm_backward

# %% id="spatial_batchnorm_backward-check" check="spatial_batchnorm_backward"
check("spatial_batchnorm_backward", spatial_batchnorm_backward, spatial_batchnorm_forward=spatial_batchnorm_forward)

# %% [markdown] id="spatial_batchnorm_backward-hints"
# <details><summary>Help: dx has the wrong values, dgamma and dbeta are right</summary>
#
# Count the elements that share a mean: it is not the number of images. With N in its place, too much is taken away from
# `dout`.
#
# </details>
# <details><summary>Help: dgamma has the shape (C, H, W) or (N, C)</summary>
#
# One gamma acts on every place of every image. So its gradient collects from all of them.
#
# </details>
# <details><summary>Help: an error about the shape of dout, or everything is wrong</summary>
#
# If your forward calls the handed one, its cache belongs to rows. Then `dout` has to be laid out as rows in the same
# way before it meets that cache, and `dx` has to come back the same way.
#
# </details>

# %% [markdown] id="count-text"
# ### Count the parameters
#
# The first layer of a ResNet maps 3 channels to 64 with 7 × 7 weights, and gives maps of 112 × 112 (He et al. 2016,
# Table 1). That is 3 · 7 · 7 · 64 = 9,408 weights. A batch normalization follows.
#
# **Predict:** how many numbers does it learn? And how many by pixel, with a gamma and a beta for each pixel of each
# channel?
#
# <details><summary>Answer</summary>
#
# By channel, 2 · 64 = **128**. By pixel, 2 · 64 · 112 · 112 = **1,605,632**, about 170 times as many as the weights,
# and none of them fits another size of image.
#
# </details>

# %% [markdown] id="count-text-notes" notes="2"
# On paper: 2 · 64 against 2 · 64 · 112 · 112. Then ask what the second layer would do with an image of another size.

# %% [markdown] id="net-text"
# ## In a convolutional net
#
# Does it help? You train small nets on Fashion-MNIST: two convolutions, of 8 and 16 channels, for 50 or 100 steps of 32
# images. To fit into seconds, an image has 14 × 14 pixels, each the mean of 2 × 2. The pixels are standardized for
# *all* nets: otherwise batch normalization would get credit for repairing the input.


# %% id="net-data"
def shrunk(rows):
    return rows.reshape(-1, 1, 14, 2, 14, 2).mean(axis=(3, 5))


train_images, test_images = shrunk(fashion.x_train), shrunk(fashion.x_test)
center, spread = train_images.mean(), train_images.std()
train_images, test_images = (train_images - center) / spread, (test_images - center) / spread


def trained(widths, block, norm, seed, steps=50, lr=0.1, std="he"):
    net = nets.Net([(1, 14, 14), *widths], block, norm=norm, std=std, seed=seed)
    training.fit(net, train_images, fashion.y_train, steps=steps, lr=lr, batch_size=32, seed=seed)
    return net


# %% [markdown] id="quiz_4-text"
# You will train five nets, from the same initial weights and on the same batches: without a norm; with yours before
# ReLU, as the paper has it; with yours after ReLU; with the slip; with instance norm.
#
# **Predict.** After 100 steps, how does the slip do on test images, next to yours?
#
# - a) It does not learn: about 10 %.
# - b) It learns, but ends more than 10 points lower.
# - c) It ends within 10 points.
# - d) It ends more than 10 points higher.

# %% [markdown] id="quiz_4-text-notes" notes="4"
# Vote by letter. Expect a or b: after all this, the slip ought to hurt. Do not give it away; the disappointment is the
# lesson.

# %% id="quiz_4" quiz="quiz_4"
quiz_4 = "c"

# %% id="quiz_4-check" check="quiz_4"
check("quiz_4", quiz_4)


# %% id="other-layers" locked="yes"
# The slip: each pixel of each channel is a feature. gamma and beta stay one a channel, so that only the means differ.
def per_pixel_forward(x, gamma, beta, bn_param):
    gammas, betas = (np.repeat(v, x[0, 0].size) for v in (gamma, beta))
    out, cache = batchnorm_forward(x.reshape(len(x), -1), gammas, betas, bn_param)
    return out.reshape(x.shape), cache


def per_pixel_backward(dout, cache):
    dx, *sums = batchnorm_backward(dout.reshape(len(dout), -1), cache)
    return dx.reshape(dout.shape), *(s.reshape(dout.shape[1], -1).sum(axis=1) for s in sums)


# Instance norm: each channel of each image is a feature, in evaluation as in training.
def instance_forward(x, gamma, beta, bn_param):
    rows = x.reshape(-1, x[0, 0].size).T  # (H * W, N * C)
    gammas, betas = (np.tile(v, len(x)) for v in (gamma, beta))
    out, cache = batchnorm_forward(rows, gammas, betas, {"mode": "train"})
    return out.T.reshape(x.shape), cache


def instance_backward(dout, cache):
    dx, *sums = batchnorm_backward(dout.reshape(-1, dout[0, 0].size).T, cache)
    return dx.T.reshape(dout.shape), *(s.reshape(len(dout), -1).sum(axis=0) for s in sums)


# %% id="arms"
yours = spatial_batchnorm_forward, spatial_batchnorm_backward
arms = {
    "no norm": ("convolution relu", None),
    "yours": ("convolution norm relu", yours),
    "yours, after ReLU": ("convolution relu norm", yours),
    "by pixel": ("convolution norm relu", (per_pixel_forward, per_pixel_backward)),
    "instance": ("convolution norm relu", (instance_forward, instance_backward)),
}
tests = [(x[:1000], fashion.y_test[:1000]) for x in (test_images, np.roll(test_images, 1, axis=-1))]


# %% id="arms-training" tags=["nbval-ignore-output"]
def two_accuracies(arm, seed):
    net = trained([8, 16, 10], *arms[arm], seed, steps=100)
    return [training.accuracy(net, *test) for test in tests]


results = None
if ready(spatial_batchnorm_forward, spatial_batchnorm_backward):
    results = training.paired(two_accuracies, arms, range(5))  # (arms, seeds, tests)
    print("median accuracy (%), test images: ", *(f"{v:.1f}" for v in 100 * np.median(results[:, :, 0], axis=1)))
    print("median accuracy (%), moved images:", *(f"{v:.1f}" for v in 100 * np.median(results[:, :, 1], axis=1)))

# %% id="arms-figure"
if results is not None:
    still, moved = (dict(zip(arms, values)) for values in np.moveaxis(results, 2, 0))  # accuracies, five for each arm
    looks = dict.fromkeys(["by pixel", "instance"], plotting.THIRD) | {"no norm": plotting.WITHOUT}
    figure = plotting.arms({"test images": still, "moved by one pixel": moved}, "test accuracy", looks)
    plotting.show(figure, alt="Test accuracy of five arms, five seeds each; moved images are harder, hardest by pixel.")
    gains = 100 * (results - results[1])  # over yours
    claim("after ReLU: within 5 points of before", gains[2, :, 0], above=-5, below=5)
    claim("by pixel: within 10 points of yours", gains[3, :, 0], above=-10, below=10)
    claim("instance norm: within 10 points of yours", gains[4, :, 0], above=-10, below=10)
    claim("moved, by pixel loses more than yours", gains[3, :, 0] - gains[3, :, 1], above=0)

# %% [markdown] id="arms-figure-notes" notes="4"
# c is right: accuracy does not find the slip, small cases with known answers do. The moved images find it. Say aloud
# that no norm loses less by the move than yours: the figure shows it.

# %% [markdown] id="arms-caption"
# **Before or after ReLU matters little here, and accuracy does not find the slip.** The two orders differ by a few
# points at most: the paper's (section 3.2) is a recommendation, not a law. By pixel does about as well where all
# clothes sit centred and upright. Moved by one pixel, it loses more. Small cases with known answers find a wrong axis;
# tidy data can hide it. Instance norm does as well, without companions. (Five seeds, each a dot at one height; bar:
# median, band: middle half.) *Takeaway: check the layer, not only the curve.*

# %% [markdown] id="sweeps-text"
# ## Two claims: learning rates and initial weights
#
# The lecture claims that batch normalization allows higher learning rates, and lessens the dependence on
# initialization. You test the first on three nets: fully connected ones with three and with one hidden layer of 100
# units, and the convolutional net at fewer points; the second without the shallow one. The arms are paired: five seeds,
# 50 steps.
#
# **Predict:** for each claim, where do the two curves part, and where do they lie on one another?

# %% [markdown] id="sweeps-text-notes" notes="3"
# Everybody draws two curves over the learning rate. Expect one curve above the other everywhere. Ask what a fair
# comparison needs: same weights, same batches, several seeds, each arm at all rates.

# %% id="sweep"
rates, stds = [0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10], [0.01, 0.03, 0.1, 0.3, 1]
handed = batchnorm_forward, batchnorm_backward


def sweep(widths, word, norm, setting, values):
    def one_accuracy(arm, seed):
        net = trained(widths, arm[0], norm, seed, **{setting: arm[1]})
        return training.accuracy(net, *tests[0])

    pairs = product([f"{word} relu", f"{word} norm relu"], values)
    accuracies = training.paired(one_accuracy, pairs, range(5)).reshape(2, len(values), 5)
    for name, medians in zip(["without", "with"], 100 * np.median(accuracies, axis=2)):
        print(f"{name:7} at {setting}", *(f"{v:g}: {m:.0f} % " for v, m in zip(values, medians)))
    return values, accuracies


# %% id="rates-training" tags=["nbval-ignore-output"]
rate_panels = None
if ready(spatial_batchnorm_forward, spatial_batchnorm_backward):
    rate_panels = {
        "three hidden layers": sweep([100, 100, 100, 10], "linear", handed, "lr", rates),
        "one hidden layer": sweep([100, 10], "linear", handed, "lr", rates),
        "convolutional net": sweep([8, 16, 10], "convolution", yours, "lr", rates[1::2]),
    }

# %% id="rates-figure"
if rate_panels is not None:
    figure = plotting.convolution.sweeps(rate_panels, "learning rate")
    plotting.show(figure, alt="Accuracy over learning rate, three nets: alike at small rates, apart at large ones.")
    for name, (values, accuracies) in rate_panels.items():
        gains = dict(zip(values, 100 * (accuracies[1] - accuracies[0])))  # (5,) for each rate
        claim(f"{name}, at a rate of 1: over 10 points gained", gains[1], above=10)
        claim(f"{name}, at 0.01: less than 10", gains[0.01], below=10)
        claim(f"{name}, at 10: chance with it, too", 100 * accuracies[1, -1], below=20)

# %% [markdown] id="rates-figure-notes" notes="3"
# Ask first where the curves lie on one another. Then at the right end. "Higher learning rates" means a wider range that
# works, not a better best.

# %% [markdown] id="rates-caption"
# **Batch normalization allows higher learning rates: yes.** At a rate of 1 the two deeper nets without it end at chance
# (the grey line); all three nets with it still learn. At 10 nothing does. **At small rates it gains nothing**: with one
# hidden layer, a good initialization or a small rate it costs time and buys little. (Median of 5 seeds; the band is the
# middle half.)

# %% id="init-training" tags=["nbval-ignore-output"]
init_panels = None
if ready(spatial_batchnorm_forward, spatial_batchnorm_backward):
    init_panels = {
        "three hidden layers": sweep([100, 100, 100, 10], "linear", handed, "std", stds),
        "convolutional net": sweep([8, 16, 10], "convolution", yours, "std", stds[::2]),
    }

# %% id="init-figure"
if init_panels is not None:
    figure = plotting.convolution.sweeps(init_panels, "standard deviation of the initial weights")
    plotting.show(figure, alt="Accuracy over initial spread: a narrow peak without, a wide one with batch norm.")
    for name, (_, accuracies) in init_panels.items():
        worst = 100 * accuracies.min(axis=1)  # of the starts, (2, 5)
        claim(f"{name}, at the worst start: over 10 points gained", worst[1] - worst[0], above=10)
        largest = 100 * (accuracies[1].max(axis=0) - accuracies[1, -1])
        claim(f"{name}, with it: over 5 points between the best start and the largest", largest, above=5)

# %% [markdown] id="init-figure-notes" notes="2"
# Expect "independent of the initialization". It is less dependence. Ask why large weights still end lowest: the scale
# cancels, so each step turns them less.

# %% [markdown] id="init-caption"
# **Batch normalization lessens the dependence on initialization: yes; it removes it: no.** Without it, weights that are
# too small or too large end near chance. With it, every start learns, but not equally well: the largest weights end
# lowest. One reason can be worked out: what a normalized layer puts out does not depend on the scale of its weights, so
# the larger they are, the less a step turns them. At the good start, near 0.1, least is gained. (Median of 5 seeds,
# band as above.)

# %% [markdown] id="companions-text"
# ## "It only adjusts the scale"
#
# The lecture says that the layer only slightly adjusts the scale of its input, and so can follow any fully connected
# or convolutional layer. For a given batch that is right: each channel is multiplied by one number, and another is
# added. Here is the boot's first channel again, normalized in a batch of trousers, and in a batch of pullovers.
#
# **Predict:** is the boot's output the same in both?

# %% [markdown] id="companions-text-notes" notes="2"
# Vote: the same output in both batches? Expect yes from whoever has "only the scale" in mind.


# %% id="companions-figure"
def boot_among(others, bn_param):
    batch = np.concatenate([maps[[26]], others])
    return spatial_batchnorm_forward(batch, np.ones(3), np.zeros(3), bn_param)[0][0, 0]


if ready(channel_statistics, spatial_batchnorm_forward):
    companies = {f"among {name}s": fashion.classes.index(name) for name in ("trouser", "pullover")}
    outputs = {name: boot_among(maps[labels == i], {"mode": "train"}) for name, i in companies.items()}
    mean, var = channel_statistics(maps)
    outputs["alone, test mode"] = boot_among(maps[:0], {"mode": "test", "running_mean": mean, "running_var": var})
    figure = plotting.convolution.companions(maps[26, 0], outputs)
    plotting.show(figure, alt="Three straight lines: the boot's output among trousers, among pullovers, alone.")
    print("brightest value", *(f"{name}: {values.max():.2f} " for name, values in outputs.items()))

# %% [markdown] id="companions-figure-notes" notes="3"
# Each line is straight: the lecture is right. There are three lines: that is the half it leaves out, and notebook 5.

# %% [markdown] id="companions-caption"
# **Scale and shift only, yes; but the companions choose them.** Each line is straight, as the lecture says. *Which*
# line it is depends on the batch: trousers cover few pixels, so their mean is low, and next to them the same boot is
# bright. In training the layer thus ties the examples of a batch together, and that is why evaluation needs
# statistics of its own (dotted). The layer can follow any other; "only the scale" is half of what it does. Notebook 5
# looks at the other half.

# %% [markdown] id="recap"
# ## Now you can
#
# - decide which elements of a batch of images share one mean, and say what a wrong choice breaks;
# - write the layer for images, forward and backward, without mixing up the axes;
# - judge by paired runs what it does for learning rates and initial weights.
#
# Two questions to take along:
#
# 1. A batch of one image still has a variance; a batch of one row has none. Is that image's variance a good one?
# 2. Instance norm needs no companions, and did as well here. What might companions be good for?

# %% [markdown] id="recap-notes" notes="2"
# Leave both questions open. The second one is the title of notebook 5.

# %% id="summary"
summary("04_convolution")
