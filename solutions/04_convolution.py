# %% [markdown] id="title"
# # 4 Batch normalization for convolutions
#
# You carry batch normalization over to images, and measure where it gains and where it does not.
#
# When you have finished, you can
#
# - **decide** which elements of a batch of images share one mean, and say what a wrong choice breaks;
# - **write** the layer for images, forward and backward, without mixing up the axes;
# - **judge** by paired runs what it does for learning rates and initial weights.
#
# You need notebooks 2 and 3 and the idea of a convolution. About {minutes} minutes, {points} points.

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
SEEDS = range(5)  # of all that is random here

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
    print(f"{name:16} from {channel.min():5.2f} to {channel.max():4.2f}, sd {channel.std():.2f}")

# %% [markdown] id="maps-figure-notes" notes="3"
# Ask the prediction at the end, and let them write it down: how many means, over how many numbers? Expect "12 means of
# 4": that is instance norm, one mean for each image. Batch norm has 4 of 12.

# %% [markdown] id="count-means"
# **A channel is one feature, looked for at 196 places** (hatched: below 0). Channels differ in place and spread (sd:
# standard deviation), so each needs its own normalization. But all places of a channel come from the same weights: what
# they hold has one meaning and one unit. The lecture's conclusion: elements of the same channel are normalized
# *together*.
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
# **Cells of one number share a mean.** Batch norm: 4 means of 12 numbers. Layer norm (Ba et al. 2016), instance norm
# (Ulyanov et al. 2016) and group norm (Wu and He 2018) stay within an image. The last panel is a slip.
# Sliders: which norms agree on *one* image? *Takeaway: batch norm averages over all places.*

# %% [markdown] id="channel_statistics-text" exercise="channel_statistics"
# Write `channel_statistics`. It takes `x` of shape (N, C, H, W) and returns two arrays of shape (C,): each channel's
# mean, and its biased variance.
#
# Two images of two channels of 1 × 2 pixels: image 1 is [[[0, 1]], [[2, 3]]], image 2 is [[[4, 5]], [[6, 7]]]. Channel
# 1 holds 0, 1, 4, 5, with mean 10 / 4 = 2.5. The squared distances are 6.25, 2.25, 2.25, 6.25, so the variance is 17 /
# 4 = 4.25. Channel 2 has mean 4.5 and variance 4.25. `x` may hold whole numbers.

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
# **`reshape` never moves a number: it cuts the same sequence into other pieces.** So no: the last axis of `x` is W, a
# row of two is two neighbours in one channel, and each column mixes ones and tens. The way back is the same two steps
# in reverse order. *Takeaway: move the axis, then reshape; and undo both.*

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
if ready(spatial_batchnorm_forward=spatial_batchnorm_forward):
    pictures = []
    for x in (images, moved):
        channel, _ = spatial_batchnorm_forward(x, np.ones(1), np.zeros(1), {"mode": "train"})
        pixel, _ = batchnorm_forward(x.reshape(200, -1), np.ones(784), np.zeros(784), {"mode": "train"})
        pictures += [channel[28, 0], pixel[28].reshape(28, 28)]
    names = ["by channel", "by pixel", "by channel, moved", "by pixel, moved"]
    figure = plotting.convolution.pictures(pictures, names, limit=3, unit="standard deviations")
    plotting.show(figure, alt="Trousers by channel move along; by pixel they leave a blue ghost, and a leg turns red.")
    print("largest values:", *(f"{picture.max():.1f}" for picture in pictures))

# %% [markdown] id="moved-figure-notes" notes="3"
# Look at the last picture for a while. Blue: darker than usual *here*. Red: a leg where there is never one. A
# convolution promises that a value means the same everywhere.

# %% [markdown] id="moved-caption"
# **By channel, the picture moves along; by pixel, it becomes another picture.** Where clothes usually are, a blue ghost
# says "darker than usual *here*". At the right edge, where images are nearly always empty, the spread is tiny, and the
# leg goes far beyond 3. *Takeaway: the same weights at every place, so the same statistics at every place.*

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

# %% [markdown] id="count-text-notes" notes="2"
# On paper: 2 · 64 against 2 · 64 · 112 · 112. Then ask what the second layer would do with an image of another size.

# %% [markdown] id="count-answer" slide="skip"
# <details><summary>Answer: the parameters</summary>
#
# By channel, 2 · 64 = **128**. By pixel, 2 · 64 · 112 · 112 = **1,605,632**, about 170 times as many as the weights,
# and none of them fits another size of image.
#
# </details>

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
    net, plain = (nets.Net([(1, 14, 14), *widths], block, norm=norm, std=s, seed=seed) for s in (std, "he"))
    net.parameters |= {f"w{len(widths)}": plain.parameters[f"w{len(widths)}"]}  # no norm follows the last layer
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
#
# Type your letter between the quotation marks.

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
both = {"spatial_batchnorm_forward": yours[0], "spatial_batchnorm_backward": yours[1]}
arms = {
    "no norm": ("convolution relu", None),
    "yours": ("convolution norm relu", yours),
    "yours, after ReLU": ("convolution relu norm", yours),
    "by pixel": ("convolution norm relu", (per_pixel_forward, per_pixel_backward)),
    "instance": ("convolution norm relu", (instance_forward, instance_backward)),
}
moves = {"right": (1, -1), "left": (-1, -1), "down": (1, -2), "up": (-1, -2)}  # by one pixel: step, axis
images_at = [test_images, *(np.roll(test_images, *move) for move in moves.values())]
tests = [(x[:1000], fashion.y_test[:1000]) for x in images_at]


# %% id="arms-training" tags=["nbval-ignore-output"]
def accuracies(arm, seed):
    net = trained([8, 16, 10], *arms[arm], seed, steps=100)
    return [training.accuracy(net, *test) for test in tests]


results = None
if ready(**both):
    results = training.paired(accuracies, arms, SEEDS)  # (arms, seeds, tests)
    lost = 100 * (results[:, :, :1] - results[:, :, 1:])  # by each move
    print("lost by a move (points)", *(f"{name:>6}" for name in moves))
    for name, medians in zip(arms, np.median(lost, axis=1)):
        print(f"{name:23}", *(f"{v:6.1f}" for v in medians))

# %% id="arms-figure"
if ready(**both):
    panels = {"test images": results[:, :, 0], "moved: mean of four ways": results[:, :, 1:].mean(axis=2)}
    panels = {title: dict(zip(arms, values)) for title, values in panels.items()}  # accuracies, five for each arm
    looks = dict.fromkeys(["by pixel", "instance"], plotting.THIRD) | {"no norm": plotting.WITHOUT}
    figure = plotting.arms(panels, "test accuracy", looks)
    plotting.show(figure, alt="Test accuracy of five arms, five seeds each; moved images are harder for all.")
    gains = 100 * (results - results[1])[:, :, 0]  # over yours
    claim("after ReLU: within 5 points of before", gains[2], above=-5, below=5)
    claim("by pixel: within 10 points of yours", gains[3], above=-10, below=10)
    claim("instance norm: within 10 points of yours", gains[4], above=-10, below=10)
    claim("moved right: by pixel loses more than yours", (lost[3] - lost[1])[:, 0], above=0)
    claim("mean of the four moves: the same", (lost[3] - lost[1]).mean(axis=1), above=0)

# %% [markdown] id="arms-figure-notes" notes="4"
# c is right: accuracy does not find the slip, small cases with known answers do. The moved images hint at it, to the
# right more than elsewhere: read the printed table before you call it proof. No norm loses less by a move than yours.

# %% [markdown] id="arms-caption"
# **Here before or after ReLU matters little, and accuracy does not find the slip (c).** The paper's order (section 3.2)
# is a recommendation. By pixel does as well where clothes sit centred and upright. Moved by a pixel it loses more, to
# the right clearly, elsewhere hardly. (Dots: five seeds; bar: median.) *Takeaway: check the layer, not only the curve.*

# %% [markdown] id="sweeps-text"
# ## Two claims: learning rates and initial weights
#
# The lecture claims that batch normalization allows higher learning rates, and lessens the dependence on
# initialization. You test the first on fully connected nets with one, three and eight hidden layers of 50 units, and
# on the convolutional net; the second on two of these. The arms are paired: five seeds, 50 steps.
#
# **Predict:** for each claim, where do the two curves part, and where do they lie on one another?

# %% [markdown] id="sweeps-text-notes" notes="3"
# Everybody draws two curves over the learning rate. Expect one curve above the other everywhere. Ask what a fair
# comparison needs: same weights, same batches, several seeds, each arm at all rates.

# %% id="sweep"
rates, stds = [0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10], [0.01, 0.03, 0.1, 0.3, 1]
handed = batchnorm_forward, batchnorm_backward
others = test_images[1000:], fashion.y_test[1000:]  # to choose on


def sweep(widths, word, norm, setting, values):
    def two_accuracies(arm, seed):
        net = trained(widths, arm[0], norm, seed, **{setting: arm[1]})
        return [training.accuracy(net, *tests[0]), training.accuracy(net, *others)]

    pairs = product([f"{word} relu", f"{word} norm relu"], values)
    reached = training.paired(two_accuracies, pairs, SEEDS).reshape(2, len(values), 5, 2)
    return values, reached[..., 0], reached[..., 1]  # without and with, (2, values, seeds)


# %% id="rates-figure"
if ready(**both):
    rate_panels = {"one hidden layer": sweep([50, 10], "linear", handed, "lr", rates)}
    rate_panels["three hidden layers"] = sweep([50, 50, 50, 10], "linear", handed, "lr", rates)
    rate_panels["convolutional net"] = sweep([8, 16, 10], "convolution", yours, "lr", rates[1::2])
    figure = plotting.convolution.sweeps({name: panel[:2] for name, panel in rate_panels.items()}, "learning rate")
    plotting.show(figure, alt="Accuracy over learning rate, three nets: alike at small rates, apart at large ones.")
    for name, (values, accuracies, _) in rate_panels.items():
        gains = dict(zip(values, 100 * (accuracies[1] - accuracies[0])))  # (5,) for each rate
        claim(f"{name}, rate 1: over 10 gained", gains[1], above=10)
        claim(f"{name}, 0.01: less than 10 gained", gains[0.01], below=10)
        claim(f"{name}, 10: chance with it, too", 100 * accuracies[1, -1], below=20)

# %% [markdown] id="rates-figure-notes" notes="3"
# Ask first where the curves lie on one another. Then at the right end. "Higher learning rates" means a wider range that
# works. Is the best any better? Let them guess, by depth, before the next cell.

# %% [markdown] id="rates-caption"
# **Batch normalization allows higher learning rates: yes.** At a rate of 1 the two deeper nets without it end at chance
# (grey line); all with it learn. At 10 nothing does. **At small rates it gains nothing.** (Five seeds: median, middle
# half.)
#
# **Predict:** each arm at its own best rate: does it gain with one hidden layer? With eight?


# %% id="deeper"
def best(panel):  # test accuracy of each arm at the rate that is best for it on the other images
    _, accuracies, on_others = panel
    chosen = np.median(on_others, axis=2).argmax(axis=1)
    return [100 * arm[rate] for arm, rate in zip(accuracies, chosen)]


if ready(**both):
    rate_panels["eight hidden layers"] = sweep([50] * 8 + [10], "linear", handed, "lr", rates[2:5])
    gained = {name.split()[0]: np.subtract(*reversed(best(panel))) for name, panel in rate_panels.items()}
    for name in ("one", "three"):
        claim(f"{name}, best against best: under 12 gained", gained[name], below=12)
    claim("eight: more gained than with one", gained["eight"] - gained["one"], above=0)

# %% [markdown] id="deeper-caption"
# **Best against best, one hidden layer gains a few points, eight gain more.** (Each arm's rate is chosen on 1,000 other
# images.) Bjorck et al. ([2018](https://arxiv.org/abs/1806.02375)) argue that larger steps are what helps. Brock et al.
# ([2021](https://arxiv.org/abs/2102.06171)) train large nets without batch norm as well as with it, by other means
# against too large steps.

# %% id="init-figure"
if ready(**both):  # the spread is that of the hidden layers: a norm follows them
    panels = {"three hidden layers": sweep([50, 50, 50, 10], "linear", handed, "std", stds)[:2]}
    panels["convolutional net"] = sweep([8, 16, 10], "convolution", yours, "std", stds[::2])[:2]
    figure = plotting.convolution.sweeps(panels, "standard deviation of the initial weights")
    plotting.show(figure, alt="Accuracy over initial spread: a narrow peak without, a wide one with batch norm.")
    for name, (_, accuracies) in panels.items():
        worst = 100 * accuracies.min(axis=1)  # of the starts, (2, 5)
        claim(f"{name}, worst: over 10 gained", worst[1] - worst[0], above=10)
    three = 100 * panels["three hidden layers"][1][1]  # with it, (starts, 5)
    claim("three, with it: over 5 lost at the largest", three.max(axis=0) - three[-1], above=5)

# %% [markdown] id="init-figure-notes" notes="2"
# Expect "independent of the initialization". It is less dependence. Ask why large weights still end lowest in the left
# panel: the scale cancels, so each step turns them less. The next experiment takes that apart.

# %% [markdown] id="init-caption"
# **Batch norm lessens the dependence on initialization: yes; it removes it: no.** (Hidden layers' weights are drawn so;
# the last layer's always well.) Without it, weights that are too small end near chance; in the left net so do large
# ones. With it, every start learns; in the left net the largest end lowest. (Median of 5 seeds, middle half.)

# %% [markdown] id="scale-text"
# ### What large weights do behind a norm
#
# What a normalized layer puts out does not depend on the scale of its weights. So multiply the first layer's weights by
# 10: the output stays. If they are 10 times as large, a nudge turns them a tenth as much, so their gradient is a tenth.
#
# **Predict:** you train both nets at one rate: do their losses fall alike? By what must the large weights' rate be
# multiplied, so that they do?


# %% id="scale-training"
def layer_net(seed, factor=1):
    net = nets.Net([(1, 14, 14), 50, 50, 10], "linear norm relu", norm=handed, seed=seed)
    net.parameters["w1"] *= factor
    return net


def loss_curve(arm, seed):
    factor, rate = arm
    run = {"steps": 100, "lr": 0.1, "batch_size": 32, "rates": {"w1": rate}, "seed": seed}
    return training.fit(layer_net(seed, factor), train_images, fashion.y_train, **run).train_mode_loss


ways = {"as drawn": (1, 1), "w1 times 10": (10, 1), "and its rate times 100": (10, 100)}
curves = dict(zip(ways, training.paired(loss_curve, ways.values(), SEEDS)))  # (5, 100) each

# %% id="scale-figure"
parts = {name: runs.reshape(5, 10, 10).mean(axis=2) for name, runs in curves.items()}
plotting.show(plotting.convolution.losses(10 * np.arange(1, 11), parts), alt="Three losses fall; two are one line.")
batch = train_images[:64], fashion.y_train[:64]
grads = [[layer_net(seed, f).loss_and_gradients(*batch)[1]["w1"] for seed in SEEDS] for f in (1, 10)]
ratio = [np.linalg.norm(small) / np.linalg.norm(large) for small, large in zip(*grads)]
claim("gradient of w1 over that of 10 w1: 10", ratio, above=9.99, below=10.01)
plain, large, faster = curves.values()
claim("rate times 100: no loss off by 0.01", np.abs(faster - plain).max(axis=1), below=0.01)
claim("the same rate: last loss over 0.02 higher", (large - plain)[:, -20:].mean(axis=1), above=0.02)

# %% [markdown] id="scale-caption"
# **Behind a norm, large weights are a brake.** Times 10, they have a tenth of the gradient, which turns them a tenth as
# far. At 100 times the rate (dotted) the curve is the first again: rate over squared length counts (van Laarhoven
# [2017](https://arxiv.org/abs/1706.05350)).
#
# **Predict:** *weight decay* shrinks the weights at each update. What does it do here?


# %% id="decay"
def decayed(decay, seed):
    net = layer_net(seed)
    for step in range(150):  # one update at a time, then all weights before a norm shrink
        training.fit(net, train_images, fashion.y_train, steps=1, lr=0.1, batch_size=32, seed=1000 * seed + step)
        for name in ("w1", "w2"):
            net.parameters[name] *= 1 - 0.1 * decay
    return np.linalg.norm(net.parameters["w1"]), 100 * training.accuracy(net, *tests[0])


(length, reached), (shorter, reached_too) = np.moveaxis(training.paired(decayed, [0, 0.02], SEEDS), 2, 1)
claim("decay 0.02: w1 shorter by over 20 %", shorter / length, below=0.8)
claim("and the accuracy the same, within 3 points", reached_too - reached, above=-3, below=3)

# %% [markdown] id="decay-caption"
# **Decay shortens the weights and thereby lengthens the steps; what the net can express stays as it was.** Behind a
# norm it sets the effective rate. (Too much of it makes the steps too long: try 0.05.)

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


if ready(channel_statistics=channel_statistics, spatial_batchnorm_forward=spatial_batchnorm_forward):
    companies = {f"among {name}s": fashion.classes.index(name) for name in ("trouser", "pullover")}
    outputs = {name: boot_among(maps[labels == i], {"mode": "train"}) for name, i in companies.items()}
    mean, var = channel_statistics(maps)
    outputs["alone, test mode"] = boot_among(maps[:0], {"mode": "test", "running_mean": mean, "running_var": var})
    figure = plotting.convolution.companions(maps[26, 0], outputs)
    plotting.show(figure, alt="Three straight lines: the boot's output among trousers, among pullovers, alone.")
    print("brightest value:", *(f"{values.max():.2f}" for values in outputs.values()))

# %% [markdown] id="companions-figure-notes" notes="3"
# Each line is straight: the lecture is right. There are three lines: that is the half it leaves out, and notebook 5.

# %% [markdown] id="companions-caption"
# **Scale and shift only, yes; but the companions choose them.** Each line is straight, as the lecture says. *Which*
# line depends on the batch: trousers cover few pixels, so next to them the same boot is bright. The layer ties examples
# together, which is why evaluation needs statistics of its own (dotted). Notebook 5 looks at this half.

# %% [markdown] id="recap"
# ## Now you can
#
# - decide which elements of a batch of images share one mean, and say what a wrong choice breaks;
# - write the layer for images, forward and backward, without mixing up the axes;
# - judge by paired runs what it does for learning rates and initial weights.
#
# Two questions to take along:
#
# 1. A batch of one image still has a variance. Is it a good one?
# 2. Instance norm needs no companions, and did as well. What might they be good for?

# %% [markdown] id="explain_4-text" slide="skip"
# ### In your own words
#
# A friend averages over axis 0 only, and the net learns nearly as well. Explain what is wrong all the same, and which
# small test shows it.

# %% [markdown] id="recap-notes" notes="2"
# Leave both questions open. The second one is the title of notebook 5.

# %% id="summary"
summary("04_convolution", globals())
