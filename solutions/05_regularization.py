# %% [markdown] id="title"
# # 5 Regularization
#
# You measure the noise that batch normalization adds to each output, and find out when it helps.
#
# When you have finished, you can
#
# - **measure** how far one example's output depends on its companions, and **predict** it from the batch size;
# - **set** that noise at a fixed batch size, with ghost groups;
# - **judge** by controlled runs whether it regularizes, and tell that from training that is hurt.
#
# You need the layer of notebook 2 and its two modes. There are {minutes} minutes of work here, and {points} points.

# %% [markdown] id="title-notes" notes="2"
# The lecture makes this claim with a "maybe", and the class decides today whether it may stay. The skill to take home
# is the controlled experiment.

# %% id="setup"
from copy import deepcopy

import numpy as np

from bn_helpers import data, plotting, widgets
from bn_helpers.checks import check, ready, summary
from bn_helpers.layers import batchnorm_backward, batchnorm_forward, normalize
from bn_helpers.nets import Net
from bn_helpers.training import accuracy, claim, fit, paired

plotting.use_style()
SEEDS = range(5)  # of all that is random here
x_train, y_train, x_test, y_test, *_ = data.digits().standardized()
layer = (batchnorm_forward, batchnorm_backward)  # of notebooks 2 and 3

# %% [markdown] id="claim"
# ## A claim with a "maybe"
#
# The lecture's last point: batch normalization *"acts as a form of regularization in a funny way, and slightly reduces
# the need for dropout, maybe"*. The paper says it without the maybe (Ioffe and Szegedy 2015, section 3.4).
#
# A *regularizer* keeps a net from fitting its training data too closely, to do better on new data. The reason given: in
# training, an image's output depends on its companions, so it is not the same twice. Is there such noise? How much?
# Does it help?

# %% [markdown] id="claim-notes" notes="3"
# Read the sentence aloud, with its "maybe". Ask what would have to be measured to drop the maybe. Collect three
# questions on the board: is there noise, how much, does it help? They are answered near the end, under "Maybe" is the
# right word.

# %% [markdown] id="by-hand"
# ### By hand, once
#
# One feature, one example, of value **4**. Its companions in one batch are 0 and 2. The mean of 4, 0, 2 is 2, and the
# variance is (4 + 4 + 0) / 3 = 2.667. So the example becomes (4 - 2) / 1.633 = **1.22**.
#
# **Predict** on paper what becomes of it among 6 and 8, and among 3 and 5. Then run the cell: 4 does not become a
# number, but a *place among its companions*.

# %% [markdown] id="by-hand-notes" notes="3"
# On paper, a minute. Among 6 and 8 it is -1.22, among 3 and 5 it is 0. Ask what the output of "4" is: nobody can say,
# and that is the point.

# %% id="by-hand-answer"
for companions in ([0.0, 2.0], [6.0, 8.0], [3.0, 5.0]):
    joined = np.array([[value] for value in [4.0, *companions]])  # (3, 1)
    print(f"4 among {companions}: {normalize(joined)[0, 0]:.2f}")

# %% [markdown] id="outputs_across_batches-text" exercise="outputs_across_batches"
# Write `outputs_across_batches`. An example `sample` (D,) joins each of the groups in `batches` (B, M, D), so that each
# batch has M + 1 rows. Return the training-mode outputs of the *example*, an array (B, D); `gamma` and `beta` (D,)
# scale and shift as usual.
#
# Take sample = [4, 10], batches = [[[2, 20]], [[6, 0]]], gamma = [1, 2], beta = [0, 5], eps = 0. In the first batch the
# example's first feature lies above its companion's, the second below: 1 and -1; scaled and shifted: [1, 3]. In the
# second batch: [-1, 7].

# %% [markdown] id="outputs_across_batches-text-notes" notes="1"
# Commonest slips: a mean over M rows instead of M + 1, the companion's row returned, one batch's result instead of all.
# A batch of two shows the first two at once.

# %% id="outputs_across_batches" solution="outputs_across_batches"
from bn_helpers.layers import outputs_across_batches

# %% id="outputs_across_batches-check" check="outputs_across_batches"
check("outputs_across_batches", outputs_across_batches)

# %% [markdown] id="outputs_across_batches-hints"
# <details><summary>Help: a hundred examples pass, a few do not</summary>
#
# How many rows does your mean run over, M or M + 1? The example counts among those that normalize it. In a batch of a
# hundred you cannot see the difference.
#
# </details>
# <details><summary>Help: the shape has one axis too many, or is (D,)</summary>
#
# Wanted is one row for each batch: the example's. All rows of a batch are too many, and a `return` inside the loop
# gives one batch alone.
#
# </details>
# <details><summary>Help: with batches of two, the sign is wrong</summary>
#
# You return the companion. Of two rows, one becomes 1 and the other -1. In which row did you put the example?
#
# </details>

# %% [markdown] id="jitter-text"
# ### One image, 200 batches
#
# Now a real net: 64 pixels, two layers of 50 units with batch normalization and ReLU, trained on the digits. Take one
# image that it has not seen, a zero, and let it join 200 groups of random training images. Your function gives the
# first layer's outputs.
#
# **Predict:** in test mode a unit gives one number for it. How far around that do the 200 outputs of training mode lie,
# in batches of 4? Of 64?

# %% [markdown] id="jitter-text-notes" notes="2"
# Two numbers on paper: how wide at 4, how wide at 64? Expect "a few per cent" for both.


# %% id="jitter-net" slide="skip"
sizes = [64, 50, 50, 10]
net = Net(sizes, "linear norm relu", norm=layer, seed=SEEDS[0])
fit(net, x_train, y_train, steps=300, lr=0.1, seed=SEEDS[0])
print("right on more than 95 % of the test images:", accuracy(net, x_test, y_test) > 0.95)

net.forward(x_train)
z = net.values["linear1"]  # (1397, 50): what comes into the first normalization
net.forward(x_test)
sample, steady = net.values["linear1"][0], net.values["norm1"][0]  # (50,) each, test mode
gamma, beta = net.parameters["gamma1"], net.parameters["beta1"]


def draw(size, seed=SEEDS[0]):  # the training images in 200 batches that the sample joins
    return np.random.RandomState([size, seed]).randint(len(z), size=(200, size - 1))


# %% id="jitter-figure"
if ready(outputs_across_batches=outputs_across_batches):
    outputs = {m: outputs_across_batches(sample, z[draw(m)], gamma, beta) for m in (4, 8, 16, 32, 64, 128, 256)}
    outputs = {m: values[:, 0] for m, values in outputs.items()}  # of the first unit
    widgets.batch_size(x_test[0].reshape(8, 8), outputs, steady[0])
    both_signs = [outputs[m].min() < 0 < outputs[m].max() for m in (4, 16)]
    print("both signs, in batches of 4 and of 16:", *both_signs)
    test_mode = net.states["norm1"] | {"mode": "test"}
    alone, _ = batchnorm_forward(sample[None], gamma, beta, test_mode)
    print("in test mode the same, alone or in a batch:", np.allclose(alone[0], steady))

# %% [markdown] id="jitter-figure-notes" notes="2"
# Ask what the ReLU behind it makes of the left panel: the unit is on in some batches and off in others, for the same
# image and the same weights.

# %% [markdown] id="jitter-caption"
# **In training, an image has another output in every batch (dotted: in test mode).** Nothing changed but its
# companions. Move the slider: how much is left at 256? What lies left of 0 the ReLU drops: the unit is on in some
# batches, off in others. *Takeaway: in training, an output is not a function of one example.*

# %% id="source"
if ready(outputs_across_batches=outputs_across_batches):

    def jitter(rows, gamma=gamma, beta=beta, eps=1e-5):  # of each unit
        return outputs_across_batches(sample, z[rows], gamma, beta, eps).std(axis=0)

    rows = draw(16)
    arms = {"the same companions each time": jitter(np.repeat(rows[:1], 200, axis=0))}
    arms |= {"gamma doubled": jitter(rows, gamma=2 * gamma), "beta = 0": jitter(rows, beta=0 * beta)}
    arms |= {"eps = 0.001": jitter(rows, eps=1e-3)}
    for name, found in arms.items():
        print(f"{name:30} {np.median(found / jitter(rows)):.2f} of the jitter")

# %% [markdown] id="source-caption"
# **Only the companions make it.** With the same ones each time there is none. gamma scales it together with the output;
# beta and a small eps leave it as it is. In test mode running statistics stand in for the companions, and it is gone.
# Forget test mode, and your users get the jitter.

# %% [markdown] id="quiz_5-text"
# ## How much noise?
#
# The companions act through two numbers a feature: the batch's mean and variance, *estimates* from m = M + 1 images.
# For a gaussian feature of standard deviation (sd) 1 they scatter from batch to batch: at m = 8 by 0.35 and 0.53.
#
# $$\text{sd of the mean} = \frac{1}{\sqrt{m}} \qquad
# \text{relative sd of the variance} = \sqrt{\frac{2}{m - 1}}$$
#
# **Predict.** You go from batches of 16 to batches of 64. What becomes of the sd of an image's output?
#
# - a) It stays.
# - b) It is halved.
# - c) It falls to a quarter.
# - d) It falls to a sixteenth.
#
# Type your letter between the quotation marks.

# %% [markdown] id="quiz_5-text-notes" notes="3"
# Vote. Expect c: four times the images, a quarter of the noise. It is a root, so b. Whoever has had statistics may
# explain it.

# %% id="quiz_5" quiz="quiz_5"
quiz_5 = "b"

# %% id="quiz_5-check" check="quiz_5"
check("quiz_5", quiz_5)


# %% id="scatter"
def scatter(m):  # of the statistics of 400 random batches, mean over the 50 units
    batches = z[np.random.RandomState([SEEDS[0], m]).randint(len(z), size=(400, m))]  # (400, m, 50)
    mean, var = batches.mean(axis=1), batches.var(axis=1)  # (400, 50) each
    of_mean, of_var = mean.std(axis=0) / z.std(axis=0), var.std(axis=0) / var.mean(axis=0)
    return of_mean.mean(), of_var.mean()


def logits(m):  # of the sample in 200 batches
    aside = deepcopy(net)  # training mode writes into the running statistics
    batches = (np.concatenate([x_test[:1], x_train[rows]]) for rows in draw(m))
    return np.array([aside.forward(x, "train")[0] for x in batches])  # (200, 10)


m = np.array([4, 8, 16, 32, 64, 128])
mean, variance = np.transpose([scatter(size) for size in m])
statistics = {"variance": (np.sqrt(2 / (m - 1)), variance), "mean": (1 / np.sqrt(m), mean)}


# %% id="spread-figure"
if ready(outputs_across_batches=outputs_across_batches):
    drawn = [[outputs_across_batches(sample, z[draw(size, seed)], gamma, beta) for size in m] for seed in SEEDS]
    first = np.std(drawn, axis=2).mean(axis=2)  # (5, 6): of five drawings, mean over the units
    last = [logits(size).std(axis=0).mean() for size in m]
    slopes = np.polyfit(np.log(m), np.log([last, *first]).T, 1)[0]
    names = [f"logits,\nslope {slopes[0]:.2f}", f"first layer,\nslope {np.median(slopes[1:]):.2f}"]
    figure = plotting.regularization.spreads(m, statistics, dict(zip(names, (last, np.median(first, axis=0)))))
    plotting.show(figure, alt="On log scales, the spreads fall along straight lines.")
    local = np.diff(np.log2(last))
    print(f"logits, from size to size: slopes {local.max():.2f} to {local.min():.2f}")
    claim("first layer: the slope is -1/2, within 0.05", slopes[1:], above=-0.55, below=-0.45)
    claim("from 16 to 64: halved, within a fifth", first[:, 4] / first[:, 2], above=0.4, below=0.6)

# %% [markdown] id="spread-figure-notes" notes="3"
# Read the slopes at the ends of the lines. Ask why the logits fall more slowly: two more normalizations and ReLUs, each
# with noise of its own.

# %% [markdown] id="spread-caption"
# **The noise falls about with the root of the batch size (b).** Four times the images, half the noise: on log scales,
# slope -1/2. Left: measured (dots, mean over 50 units), by the formulas (dotted). Right: one image in 200 batches; the
# *logits*, what the net puts out, follow roughly. *Takeaway: the batch size sets the noise.*

# %% [markdown] id="ghost-why"
# ## Turn up the noise, and nothing else
#
# Does the noise help? To compare small batches with large ones would change the number of updates as well, and the
# gradient's own noise.
#
# *Ghost batch normalization* (Hoffer et al. [2017](https://arxiv.org/abs/1705.08741)) takes them apart. The batch and
# the updates stay. But the batch is cut into groups of consecutive rows, each normalized by its own statistics; they
# share gamma and beta.
#
# **Predict:** a batch of 60 is cut into groups of 4. Is the jitter that of 60, or that of 4?

# %% [markdown] id="ghost-why-notes" notes="3"
# Ask what else changes when the batch gets smaller: the number of updates, and the gradient's noise. Let the class look
# for a way out before you name ghost groups. Then vote: jitter of 60, or of 4?

# %% [markdown] id="ghost_batchnorm_forward-text" exercise="ghost_batchnorm_forward"
# Write `ghost_batchnorm_forward`. It takes `x` (N, D), `gamma` and `beta` (D,), and `ghost_size`: the first ghost_size
# rows are a group, the next are another, and so on. It returns the training-mode `out` (N, D), rows in their old order.
# Where ghost_size does not divide N, raise a ValueError.
#
# For x = [[1, 10], [3, 30], [10, 3], [30, 1]], gamma = [1, 2], beta = [0, 5], ghost_size = 2 and eps = 0, the first
# group is [[1, 10], [3, 30]]; out is [[-1, 3], [1, 7], [-1, 7], [1, 3]].

# %% [markdown] id="ghost_batchnorm_forward-text-notes" notes="1"
# Commonest slips: every k-th row instead of neighbours, one mean for all groups, rows left over and silently dropped.
# Ask why a smaller last group would be a bad answer: it has more noise than the others.

# %% id="ghost_batchnorm_forward" solution="ghost_batchnorm_forward"
from bn_helpers.layers import ghost_batchnorm_forward

# %% id="ghost_batchnorm_forward-check" check="ghost_batchnorm_forward"
check("ghost_batchnorm_forward", ghost_batchnorm_forward)

# %% [markdown] id="ghost_batchnorm_forward-hints"
# <details><summary>Help: one group that is the whole batch passes, several groups do not</summary>
#
# Is there one mean for each group, or one for all? Does a group hold *neighbouring* rows? Number the rows 0 to 5, cut
# them into groups of 3 by your code, and print them.
#
# </details>
# <details><summary>Help: the first group is right, the last rows are 0 or missing</summary>
#
# Look at where your loop ends, and by how much it moves on from group to group.
#
# </details>
# <details><summary>Help: only "a size that does not divide N" fails</summary>
#
# Rows would be left over. A smaller last group would have more noise than the others, and dropped rows are lost. Refuse
# before you compute, by the error that the text names.
#
# </details>

# %% id="ghost-jitter" slide="slide"
if ready(outputs_across_batches=outputs_across_batches, ghost_batchnorm_forward=ghost_batchnorm_forward):
    batches = [np.concatenate([sample[None], z[rows]]) for rows in draw(60)]
    for size in (4, 12):
        ghosts = [ghost_batchnorm_forward(batch, gamma, beta, size)[0] for batch in batches]
        alone = outputs_across_batches(sample, z[draw(size)], gamma, beta)
        ratio = np.std(ghosts, axis=0).mean() / alone.std(axis=0).mean()
        print(f"groups of {size} jitter like batches of {size}, within 10 %:", abs(ratio - 1) < 0.1)

# %% [markdown] id="ghost-read" slide="fragment"
# **The group sets the noise, not the batch.** Now it can be turned up while all else stays.
#
# ### From your function to a layer that learns
#
# The next cell adds a backward pass and a test mode, to be read. The trick: 15 groups of 4 rows with 50 features are
# *one* batch of 4 rows with 750 features. So `batchnorm_backward` serves all groups at once; the shared gamma and beta
# add up what the groups send. The output in training is yours, the running statistics the whole batch's.


# %% id="ghost-layer" locked="yes"
def columns(a, size):  # (N, D) to (size, groups * D): the groups side by side
    return a.reshape(-1, size, a.shape[1]).swapaxes(0, 1).reshape(size, -1)


def ghost_layer(size):
    def ghost_forward(x, gamma, beta, bn_param):
        out, _ = batchnorm_forward(x, gamma, beta, bn_param)  # running statistics
        if bn_param["mode"] == "test":
            return out, None
        wide = [np.tile(parameter, len(x) // size) for parameter in (gamma, beta)]
        _, cache = batchnorm_forward(columns(x, size), *wide, {"mode": "train"})
        return ghost_batchnorm_forward(x, gamma, beta, size), cache

    def ghost_backward(dout, cache):
        dx, *sums = batchnorm_backward(columns(dout, size), cache)
        dx = dx.reshape(size, -1, dout.shape[1]).swapaxes(0, 1).reshape(dout.shape)
        return dx, *(s.reshape(-1, dout.shape[1]).sum(axis=0) for s in sums)

    return ghost_forward, ghost_backward


# %% [markdown] id="protocol"
# ## Does it regularize?
#
# A regularizer needs something to work against. So take few images, 300 digits, and two tasks: *clean* labels, or 30 %
# *wrong* ones, replaced at random. Test labels stay right.
#
# Two layers of 50 units, 200 updates with batches of 60 at a rate of 0.2, five seeds. A seed has the same images, first
# weights and batches in all arms. (Other settings come below.)
#
# **Predict** test accuracy for groups of 60, 12, 4, 2 on both tasks. And without batch normalization?

# %% [markdown] id="protocol-notes" notes="4"
# Five guesses on paper for each task. Say what makes it fair: same images, first weights and batches in all arms, and
# every arm is shown. What goes wrong elsewhere: one seed, other rates in the two arms, the best epoch picked on test
# data.


# %% id="run"
def task(seed, wrong, n=300):
    rng = np.random.RandomState([seed, 9])
    rows = rng.permutation(len(x_train))[:n]
    labels, spoiled = y_train[rows], rng.permutation(n) < n * wrong
    labels[spoiled] = (labels[spoiled] + rng.randint(1, 10, spoiled.sum())) % 10
    return x_train[rows], labels, spoiled


def reach(net, wrong, seed, steps=200, lr=0.2, n=300, **more):
    x, labels, spoiled = task(seed, wrong, n)
    history = fit(net, x, labels, steps=steps, lr=lr, batch_size=60, seed=seed, **more)
    learned = [accuracy(net, x[asked], labels[asked]) if asked.any() else 0.0 for asked in (~spoiled, spoiled)]
    return accuracy(net, x_test, y_test), learned[wrong > 0], history.train_mode_accuracy[-5:].mean()


# %% id="ghost-training" tags=["nbval-ignore-output"]
tasks, groups = {"clean": 0, "wrong": 0.3}, [60, 12, 4, 2]
arms = [(wrong, size) for wrong in tasks.values() for size in groups]


def ghost_arm(arm, seed, sizes=sizes, **more):
    return reach(Net(sizes, "linear norm relu", norm=ghost_layer(arm[1]), seed=seed), arm[0], seed, **more)


def plain_arm(wrong, seed, sizes=sizes, **more):
    return reach(Net(sizes, "linear relu", seed=seed), wrong, seed, **more)


if ready(ghost_batchnorm_forward=ghost_batchnorm_forward):
    ghost = paired(ghost_arm, arms, SEEDS).reshape(2, 4, 5, 3)  # task, group, seed, reached
    plain = paired(plain_arm, tasks.values(), SEEDS)  # (2, 5, 3)

# %% id="ghost-figure"
if ready(ghost_batchnorm_forward=ghost_batchnorm_forward):
    names = ["clean labels", "30 % wrong labels"]
    panels = {name: (ghost[i, ..., 0], plain[i, :, 0]) for i, name in enumerate(names)}
    figure = plotting.regularization.by_group(groups, panels, "test accuracy")
    plotting.show(figure, alt="Test accuracy by group: flat down to 4 if clean, a peak at 4 if wrong.")
    gains = 100 * (ghost[..., 0] - plain[:, None, :, 0])  # over no batch norm: (task, group, seed)
    claim("wrong, groups of 4: over 5 points gained", gains[1, 2], above=5)
    claim("wrong, the whole batch: no gain", gains[1, 0], below=0)
    for size, gained in zip(groups[:3], gains[0]):
        claim(f"clean, {size}: within 4 points of no batch norm", gained, above=-4, below=4)
    claim("groups of 2: a loss on both", gains[:, 3].max(axis=0), below=0)

# %% [markdown] id="ghost-figure-notes" notes="3"
# Left first: nothing to gain, since there is nothing to regularize against. Right: a peak at 4. Ask where "batch
# normalization" as everybody uses it stands: at 60, with no gain.

# %% [markdown] id="ghost-caption"
# **Here noise helps on wrong labels, in groups of 4; on clean ones it does not.** Groups of 2 hurt in both. Over the
# whole batch, which is what "batch normalization" usually means, there is no gain, rather a loss. (Five seeds, each a
# dot; numbers: medians; band: middle half.)

# %% [markdown] id="depends-text"
# ### On what it depends
#
# The same comparison, groups of 4 against no batch norm on wrong labels, in three other settings: a quarter of the
# rate; four times as many images; one hidden layer. And one that has no noise at all: *early stopping*, which takes the
# net as it was when 200 validation images, none of the 300, were named best.
#
# **Predict:** where does the gain of groups of 4 stay? How much of it does early stopping get?

# %% id="depends"
settings = {"rate 0.05": {"lr": 0.05}, "1,200 images": {"n": 1200}, "one hidden layer": {"sizes": [64, 50, 10]}}


def stopped_early(seed):
    (x, labels, _), others = task(seed, 0.3), np.random.RandomState([seed, 9]).permutation(len(x_train))[300:500]
    net, stops = Net(sizes, "linear relu", seed=seed), []
    for part in range(20):  # of ten updates
        fit(net, x, labels, steps=10, lr=0.2, batch_size=60, seed=100 * seed + part)
        stops.append((accuracy(net, x_train[others], y_train[others]), -part, accuracy(net, x_test, y_test)))
    return max(stops)[2]


# %% id="depends-claims"
if ready(ghost_batchnorm_forward=ghost_batchnorm_forward):
    for name, more in settings.items():
        pairs = [(ghost_arm((0.3, 4), seed, **more)[0], plain_arm(0.3, seed, **more)[0]) for seed in SEEDS]
        limits = {"above": 2} if "layer" in name else {"below": 5}
        words = "over 2" if "layer" in name else "under 5"
        claim(f"{name}: {words} points gained", [100 * (four - none) for four, none in pairs], **limits)
    early = np.array([stopped_early(seed) for seed in SEEDS])
    claim("early stopping: no loss of over 2 points", 100 * (early - plain[1, :, 0]), above=-2)
    claim("but not over 3 points above groups of 4", 100 * (early - ghost[1, 2, :, 0]), below=3)

# %% [markdown] id="depends-caption"
# **The gain needs nets that learn wrong labels by heart.** At a quarter of the rate, or with more images, 200 updates
# are too few for that, and groups of 4 gain little or nothing. With one hidden layer they gain. Early stopping, without
# any noise, costs nothing here; by its median it gets a part of that gain.

# %% [markdown] id="two-text"
# ### Is 2 "more regularization"?
#
# Ask the same nets, in test mode: on clean labels, how many *training* images do they get right? And how many of the
# *wrong* labels do they give back?
#
# **Predict** both for groups of 60, 4 and 2.

# %% [markdown] id="two-text-notes" notes="2"
# Ask whether 2 is the strongest regularization. Expect yes. Ask what one would have to look at: the training images.

# %% id="train-figure"
if ready(ghost_batchnorm_forward=ghost_batchnorm_forward):
    names = ["clean labels: learned", "wrong labels: learned by heart"]
    panels = {name: (ghost[i, ..., 1], plain[i, :, 1]) for i, name in enumerate(names)}
    figure = plotting.regularization.by_group(groups, panels, "share of the labels")
    plotting.show(figure, alt="Labels learned by group: clean ones fall at 2, wrong ones from 4 on.")
    clean, wrong = 100 * ghost[..., 1]  # (group, seed)
    claim("clean, groups of 2: under 85 % learned", clean[3], below=85)
    claim("clean, groups of 4: over 95 %", clean[2], above=95)
    claim("wrong, whole batch: more by heart than without", wrong[0] - 100 * plain[1, :, 1], above=0)
    claim("wrong, groups of 4: under 40 %", wrong[2], below=40)

# %% [markdown] id="train-figure-notes" notes="2"
# Left, at 2: these nets fail on their own clean training images. That is damage. A regularizer may cost training
# accuracy, but not this.

# %% [markdown] id="train-caption"
# **Groups of 4 leave most of what is wrong; groups of 2 also much of what is right.** At 2 on the left, nets fail on
# their own, clean training images: damage. Of two rows, one becomes nearly 1, the other nearly -1. *Takeaway: before
# you call it regularization, look at the training accuracy.*

# %% [markdown] id="published"
# ### At full size
#
# Wu and He ([2018](https://arxiv.org/abs/1803.08494)) trained ResNet-50 on ImageNet. Validation error in per cent, by
# images a worker, each worker normalizing its own:
#
# | images | 32 | 16 | 8 | 4 | 2 |
# |---|---|---|---|---|---|
# | batch norm | 23.6 | 23.7 | 24.8 | 27.3 | 34.7 |
#
# Group norm, which does without the batch, stays near 24.1. At 32 its *training* error is lower than batch norm's, its
# validation error higher: a regularizing effect, a small one. At 2, damage. Their numbers, not ours.

# %% [markdown] id="noise-text"
# ## Is it the noise?
#
# Groups of 4 might help for other reasons. Controls, on wrong labels:
#
# - **same companions:** groups of 4; every epoch repeats the first one's batches. **whole, same batches:** does
#   repeating alone cost?
# - **frozen:** statistics that normalize as in test mode, no companions. **drawn noise:** frozen, and each group gets a
#   random shift and scale, like that of 4 gaussian numbers.
# - **whole + noise:** the whole batch, and the same drawn noise.
# - **600 updates:** groups of 4. Are they merely slow?
#
# **Predict** which does as well as ghost groups.

# %% [markdown] id="noise-text-notes" notes="4"
# Before you show the list: what else differs between groups of 4 and the whole batch? Let the class invent the
# controls; they find two or three of the four.


# %% id="noise-layer" locked="yes"
def noise_layer(size, seed, frozen=True, noise=True):
    rng = np.random.RandomState([seed, 10])

    def noise_forward(x, gamma, beta, bn_param):  # the first batch starts the frozen statistics
        mean = bn_param.setdefault("running_mean", x.mean(axis=0))
        inv_std = 1 / np.sqrt(bn_param.setdefault("running_var", x.var(axis=0)) + 1e-5)
        out, cache = batchnorm_forward(x, np.ones_like(gamma), np.zeros_like(beta), bn_param)  # next running statistics
        if bn_param["mode"] == "test":
            return gamma * out + beta, None
        drawn = rng.standard_normal((len(x) // size, size, x.shape[1]))
        shift, scale = np.repeat([drawn.mean(axis=1), drawn.std(axis=1)], size, axis=1)
        shift, scale = (shift, scale) if noise else (0, np.ones_like(scale))
        x_hat = (((x - mean) * inv_std if frozen else out) - shift) / scale
        return gamma * x_hat + beta, (x_hat, gamma / scale, inv_std, cache)

    def noise_backward(dout, cache):
        x_hat, slope, inv_std, whole = cache
        dx = dout * slope * inv_std if frozen else batchnorm_backward(dout * slope, whole)[0]
        return dx, np.sum(dout * x_hat, axis=0), dout.sum(axis=0)

    return noise_forward, noise_backward


repeat = {"reshuffle": False}
controls = {"same companions": repeat, "whole, same batches": repeat, "frozen": {}, "drawn noise": {}}
controls |= {"whole + noise": {}, "600 updates": {"steps": 600}}
norms = {"whole, same batches": lambda seed: layer, "frozen": lambda seed: noise_layer(4, seed, noise=False)}
norms |= {"drawn noise": lambda seed: noise_layer(4, seed)}
norms |= {"whole + noise": lambda seed: noise_layer(4, seed, frozen=False)}


def control_arm(name, seed):
    norm = norms[name](seed) if name in norms else ghost_layer(4)
    net = Net(sizes, "linear norm relu", norm=norm, seed=seed)
    return reach(net, tasks["wrong"], seed, **controls[name])


# %% id="noise-figure"
if ready(ghost_batchnorm_forward=ghost_batchnorm_forward):
    runs = [*ghost[1, [0, 2]], *paired(control_arm, controls, SEEDS)]  # each (5, 3)
    runs = dict(zip(["whole batch", "groups of 4", *controls], runs))
    titles = ["test images: right", "wrong labels: by heart"]
    panels = {title: {arm: run[:, i] for arm, run in runs.items()} for i, title in enumerate(titles)}
    figure = plotting.arms(panels, "share of the images")
    plotting.show(figure, alt="Dots by arm: in the test, the two with drawn noise are level with groups of 4.")
    whole, four, same, repeated, frozen, noise, right, longer = 100 * np.swapaxes([*runs.values()], 1, 2)  # (3, 5)

# %% [markdown] id="noise-figure-notes" notes="3"
# One control at a time. "Drawn noise" alone would not do: it freezes the statistics, too, which may gain by itself. So
# look at both: noise over frozen, and noise over the whole batch. "600 updates" is the honest one: part of it wears
# off.

# %% id="noise-claims"
if ready(ghost_batchnorm_forward=ghost_batchnorm_forward):
    claim("drawn noise: over 5 points above the whole", noise[0] - whole[0], above=5)
    claim("and over 40 points less by heart than frozen", noise[1] - frozen[1], below=-40)
    claim("whole + noise: over 5 points above the whole", right[0] - whole[0], above=5)
    claim("frozen: no loss of over 3 points to the whole", frozen[0] - whole[0], above=-3)
    claim("same companions: over 5 below groups of 4", same[0] - four[0], below=-5)
    claim("and in training mode over 95 % of all labels", same[2], above=95)
    claim("whole, same batches: no loss of over 5 points", repeated[0] - whole[0], above=-5)
    claim("600 updates: over 20 points more by heart", longer[1] - four[1], above=20)

# %% [markdown] id="noise-caption"
# **Mostly it is the noise: it works without companions. But time wears it out.** The companions do not work without it.
# Frozen statistics learn most wrong labels by heart; with drawn noise hardly any. With the same companions most of the
# gain is gone. (A seed's dots stand at one height.) *Takeaway: what regularizes is that the company changes.*

# %% [markdown] id="dropout-text"
# ## And dropout?
#
# *Dropout* (Srivastava et al. 2014) sets a random half of the units to 0 in training, and doubles the others: noise
# made for the purpose. Does batch normalization "reduce the need" for it? Five arms: neither, either, both in two
# orders, on wrong labels. 400 updates: then every arm has learned the right ones.
#
# Li et al. ([2018](https://arxiv.org/abs/1801.05134)) warn of dropout *before* batch normalization: it widens what
# comes in, in training only. So in test mode the running variance is too large.
#
# **Predict** the order of the five.

# %% [markdown] id="dropout-text-notes" notes="2"
# Everybody orders the five on paper. Expect both together last, because of the warning.

# %% id="dropout-training" tags=["nbval-ignore-output"]
blocks = ["linear relu", "linear norm relu"]
blocks += ["linear relu dropout", "linear norm relu dropout", "linear dropout norm relu"]
nets = {}


def dropout_arm(block, seed):
    net = nets[block, seed] = Net(sizes, block, norm=layer, dropout=0.5, seed=seed)
    test, _, _ = reach(net, tasks["wrong"], seed, steps=400)
    x, labels, spoiled = task(seed, tasks["wrong"])
    return test, accuracy(net, x[~spoiled], labels[~spoiled])


dropped = paired(dropout_arm, blocks, SEEDS)  # (blocks, seeds, 2)

# %% id="dropout-figure"
panels = {key: dict(zip(blocks, dropped[..., i])) for i, key in enumerate(["test images", "right labels learned"])}
looks = dict.fromkeys(["linear relu", blocks[2]], plotting.WITHOUT)
figure = plotting.arms(panels, "accuracy", looks)
plotting.show(figure, alt="Dots by arm: all with dropout lead; all learn the right labels.")
test, learned = 100 * np.moveaxis(dropped, 2, 0)  # (blocks, seeds)
claim("every arm: over 90 % of right labels learned", learned.min(axis=0), above=90)
claim("any with dropout: over 5 above any without", test[2:].min(axis=0) - test[:2].max(axis=0), above=5)
claim("batch norm alone: no gain of over 4 points", test[1] - test[0], below=4)
tested = [nets[blocks[-1], seed] for seed in SEEDS]  # dropout first; last seen: right labels
widths = [n.values["dropout1"].var(axis=0) / n.states["norm1"]["running_var"] for n in tested]
claim("test mode: under 0.7 of the running variance", np.median(widths, axis=1), below=0.7)

# %% [markdown] id="dropout-figure-notes" notes="2"
# The mismatch is real, as printed, and the accuracy hardly notices it in this small net. Ask whether that refutes Li et
# al.: no, it is another net.

# %% [markdown] id="dropout-caption"
# **Here batch normalization does not replace dropout.** Dropout helps with and without it, in either order (a row's
# name says what a layer does). The mismatch of which Li et al. warn is there, as printed; the accuracy hardly notices.
# (At other rates it may be otherwise: try a quarter.) *Takeaway: a cause need not show.*

# %% [markdown] id="verdict"
# ## "Maybe" is the right word
#
# - The noise is real. It falls about as one over the root of the group size. *(Measured.)*
# - Its source is that companions change. *(Measured; more thorough shuffling brought the paper about 1 %.)*
# - It regularizes where nets would learn noise by heart and groups are small, for a while. At the usual size no gain
#   showed. *(Measured, on small nets and digits.)*
# - It makes dropout unnecessary: reported for ImageNet (Ioffe and Szegedy 2015, section 4.2.1), not seen here.

# %% [markdown] id="verdict-notes" notes="3"
# Go back to the three questions on the board and let the class answer them. "Maybe" was the right word. Ask which line
# of this slide they would bet on for a large net.

# %% [markdown] id="shift-text"
# ## Optional: is it "internal covariate shift"?
#
# The authors' hypothesis: batch norm makes training faster because it keeps steady what comes into a layer. [Santurkar
# et al. (2018)](https://arxiv.org/abs/1805.11604) unsettle that on purpose, behind the normalization, by noise whose
# mean and spread are new at each update. If steadiness counts, the gain is gone.
#
# You repeat it in a sigmoid and a ReLU net of three layers, each arm at three rates. **Predict** for each: at its best
# rate, does the noisy net end nearer batch norm's loss, or that without?

# %% [markdown] id="shift-text-notes" notes="3"
# Optional, when ten minutes are left. Remind them of the end of notebook 1: the scale cancels (measured), training is
# faster because of less shift (a hypothesis). Two votes: sigmoid, ReLU. Expect "near no batch norm" for both.


# %% id="shift-layers" locked="yes"
def noisy(seed):
    rng = np.random.RandomState([seed, 11])

    def noisy_forward(x, gamma, beta, bn_param):
        out, cache = batchnorm_forward(x, gamma, beta, bn_param)
        mean, sd = rng.uniform(-1, 1, len(gamma)), rng.uniform(0, 0.5, len(gamma))  # each unit's, for this update
        return out + mean + sd * rng.standard_normal(x.shape), cache

    return noisy_forward, batchnorm_backward


def shift_arm(arm, seed):
    nonlinearity, name, lr = arm
    block = f"linear {nonlinearity}" if name == "without" else f"linear norm {nonlinearity}"
    net = Net([64, 50, 50, 50, 10], block, norm=noisy(seed) if name == "noisy" else layer, seed=seed)
    return fit(net, x_train, y_train, steps=100, lr=lr, seed=seed).train_mode_loss[-20:].mean()


def moves(seed):  # of what comes into the first sigmoid without batch norm, by one update, on the same 200 images
    net, units = Net([64, 50, 50, 50, 10], "linear sigmoid", seed=seed), []
    for update in range(30):
        net.forward(x_train[:200])
        units.append(net.values["linear1"])
        fit(net, x_train, y_train, steps=1, lr=1.5, seed=1000 * seed + update)
    steps = [(after.mean(axis=0) - before.mean(axis=0)) / before.std(axis=0) for before, after in zip(units, units[1:])]
    return np.sqrt(np.mean(np.square(steps)))


# %% id="shift-figure"
tried = {"sigmoid": [0.5, 1.5, 5], "relu": [0.1, 0.3, 1]}
names = ["without", "batch norm", "noisy"]
arms = [(net, name, lr) for net, rates in tried.items() for name in names for lr in rates]
losses = paired(shift_arm, arms, SEEDS).reshape(2, 3, 3, 5)  # net, arm, rate, seed
figure = plotting.regularization.last_losses(dict(zip(tried, zip(tried.values(), losses))))
plotting.show(
    figure, alt="Last loss over the rate: noisy lies by batch norm in the sigmoid net, above both in the other."
)
chosen = np.nan_to_num(np.median(losses, axis=3), nan=np.inf).argmin(axis=2)  # by this loss, of training batches
(without, normalized, noise), relu = np.take_along_axis(losses, chosen[:, :, None, None], axis=2)[:, :, 0]

# %% [markdown] id="shift-figure-notes" notes="2"
# Each arm at the best of three rates, chosen by its training loss. In the sigmoid net the gain outlives the noise:
# against the hypothesis. In the ReLU net the noise uses the gain up, so it settles nothing.

# %% id="shift-claims"
claim("sigmoid, noisy: under 0.8 of the loss without", noise / without, below=0.8)
claim("and under twice batch norm's", noise / normalized, below=2)
claim("ReLU, batch norm: below the loss without", relu[1] / relu[0], below=1)
claim("ReLU, noisy: over 0.8 of the loss without", relu[2] / relu[0], above=0.8)
claim("sigmoid, without: a mean moves by under 0.2 sd", [moves(seed) for seed in SEEDS], below=0.2)
print(f"noisy, by construction: {np.sqrt(2 / 3):.2f} sd an update")

# %% [markdown] id="shift-caption"
# **In the sigmoid net the gain outlives the noise; in the ReLU net it does not.** (Each arm at its best rate, where
# batch norm gains in both nets.) The noise moves inputs many times as far as training without batch norm does
# (printed). For the sigmoid net steadiness is not what counts. (Five seeds: median, middle half.)

# %% [markdown] id="shift-open"
# Rates matter: at 0.1 the ReLU net trains best without batch norm, at 1 only with it. Santurkar et al. argue that batch
# norm makes the loss smoother. Luo et al. ([2019](https://arxiv.org/abs/1809.00846)) split it into a part without noise
# and a penalty on gamma. The question is open.

# %% [markdown] id="recap"
# ## Now you can
#
# - measure how far one example's output depends on its companions, and predict it from the batch size;
# - set that noise at a fixed batch size, with ghost groups;
# - judge by controlled runs whether it regularizes, and tell that from training that is hurt.
#
# Two questions to take along:
#
# 1. Eight machines train with 8 images each. Over which images should the layer take its statistics?
# 2. The jitter ends with training. Could it tell, at test time, how sure the net is?

# %% [markdown] id="recap-notes" notes="2"
# Question 1 is real: it is called synchronized batch norm. End with the class's own table: `summary.md` says what most
# of them got wrong.

# %% [markdown] id="explain_5-text" slide="skip"
# ### In your own words
#
# A friend says: "I use batch norm, so I need no other regularizer." Explain when that may hold, and what to measure.

# %% id="summary"
summary("05_regularization", globals())
