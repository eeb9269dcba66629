# %% [markdown] id="title"
# # 5 Regularization
#
# You measure the noise that batch normalization adds to each output, and find out when it helps a net generalize.
#
# When you have finished, you can
#
# - **measure** how far one example's output depends on its companions, and predict it from the batch size;
# - **set** that noise at a fixed batch size, with ghost groups;
# - **judge** from controlled runs whether it regularizes, and tell that from a training that is merely hurt.
#
# You need the layer of notebook 2 and its two modes. There are 45 minutes of work here, and 9 points.

# %% id="setup"
import numpy as np

from bn_helpers import data, plotting
from bn_helpers.checks import check, ready, summary
from bn_helpers.layers import batchnorm_backward, batchnorm_forward, normalize
from bn_helpers.nets import Net
from bn_helpers.training import accuracy, fit, paired

plotting.use_style()
x_train, y_train, x_test, y_test, *_ = data.digits().standardized()

# %% [markdown] id="claim"
# ## A claim with a "maybe"
#
# The lecture's last point: batch normalization *"acts as a form of regularization in a funny way, and slightly reduces
# the need for dropout, maybe"*. The paper has it without the maybe (Ioffe and Szegedy 2015, section 3.4).
#
# A *regularizer* makes a net fit its training data less closely, so that it does better on new data. The reason given:
# in training, an image's output depends on the other images of its batch. So it is not the same twice. This notebook
# takes the claim apart: is there noise, how much, and does it help?

# %% [markdown] id="by-hand"
# ### By hand, once
#
# One feature, one example: its value is **4**. Its companions in one batch are 0 and 2. The mean of 4, 0, 2 is 2, and
# the variance is (4 + 4 + 0) / 3 = 2.667. So the example becomes (4 - 2) / 1.633 = **1.22**.
#
# In the next batch its companions are 6 and 8. The mean is 6, the variance the same.
#
# **Predict** on paper what the example becomes this time, and with the companions 3 and 5. Then run the cell.

# %% id="by-hand-answer"
for companions in ([0.0, 2.0], [6.0, 8.0], [3.0, 5.0]):
    joined = np.array([[4.0], *[[value] for value in companions]])  # (3, 1)
    print(f"4 among {companions}: {normalize(joined)[0, 0] + 0.0:.2f}")

# %% [markdown] id="by-hand-takeaway"
# The example is the same, and its output has either sign. Among 3 and 5 it is the mean, so nothing of it is left: 4
# does not become a number, but a *place among its companions*.

# %% [markdown] id="outputs_across_batches-text" exercise="outputs_across_batches"
# Write `outputs_across_batches`. An example `sample` (D,) joins each of the groups in `batches` (B, M, D), so each batch
# has M + 1 rows. Return the training-mode outputs of the *example*, as an array (B, D). `gamma` and `beta` (D,) scale
# and shift as usual.
#
# Take sample = [4, 10], batches = [[[2, 20]], [[6, 0]]], gamma = [1, 2], beta = [0, 5], eps = 0. In the first batch the
# example is above its one companion, then below: 1 and -1. Scaled and shifted: [1, 3]. In the second: [-1, 7].

# %% id="outputs_across_batches" solution="outputs_across_batches"
from bn_helpers.layers import outputs_across_batches

# %% id="outputs_across_batches-check" check="outputs_across_batches"
check("outputs_across_batches", outputs_across_batches)

# %% [markdown] id="outputs_across_batches-hints"
# <details><summary>Help: a hundred examples pass, a few do not</summary>
#
# How many rows does your mean run over: M or M + 1? The example counts among those that normalize it. In a batch of a
# hundred you cannot see the difference.
#
# </details>
# <details><summary>Help: the shape has one axis too many, or is (D,)</summary>
#
# Wanted is one row for each batch: the example's. All rows of a batch are too many, and a `return` inside the loop
# gives one batch only.
#
# </details>
# <details><summary>Help: with batches of two, signs are wrong</summary>
#
# You return the companion. Of two rows, one becomes 1 and the other -1. In which row did you put the example?
#
# </details>

# %% [markdown] id="jitter-text"
# ### One image, 200 batches
#
# Now a real net: 64 pixels, two layers of 50 units, each with batch normalization and ReLU, trained on the digits. Take
# one image that it has not seen, a zero, and put it into 200 batches of random training images. Your function gives the
# first layer's output for it, each time.
#
# **Predict:** the unit's output in test mode is a single number. How far around it do the 200 outputs of training mode
# lie, in batches of 4? Of 64?

# %% id="jitter-net"
net = Net([64, 50, 50, 10], "linear norm relu", norm=(batchnorm_forward, batchnorm_backward), seed=0)
fit(net, x_train, y_train, steps=300, lr=0.1, seed=0)
print("right on more than 95 % of the test images:", accuracy(net, x_test, y_test) > 0.95)

net.forward(x_train)
z = net.values["linear1"]  # (1397, 50): what comes into the first normalization
net.forward(x_test)
sample, steady = net.values["linear1"][0], net.values["norm1"][0]  # (50,) each: test mode
gamma, beta = net.parameters["gamma1"], net.parameters["beta1"]


def draw(size):  # which training images join the sample in 200 batches of this size
    return np.random.RandomState(size).randint(len(z), size=(200, size - 1))


# %% id="jitter-figure"
if ready(outputs_across_batches):
    outputs = {size: outputs_across_batches(sample, z[draw(size)], gamma, beta) for size in (4, 16, 64)}
    unit = {size: values[:, 0] for size, values in outputs.items()}
    figure = plotting.regularization.jitter(x_test[0].reshape(8, 8), unit, steady[0])
    plotting.show(figure, alt="A zero, and three histograms of one unit's output: the larger the batch, the narrower.")
    for size, values in unit.items():
        print(f"batches of {size:2}: from {values.min():5.2f} to {values.max():5.2f}")
    alone, _ = batchnorm_forward(sample[None], gamma, beta, net.states["norm1"] | {"mode": "test"})
    print("test mode, any company:", f"{alone[0, 0]:.2f}", "every time:", np.allclose(alone[0], steady))

# %% [markdown] id="jitter-caption"
# **In training the same image has a different output in every batch, on both sides of its test-mode output (dotted).**
# Nothing was changed but its companions: not the image, the weights, gamma, beta or eps. After the ReLU, whatever lies
# left of 0 is lost, so in small batches the unit is on for some and off for others. In test mode the running statistics
# stand in for the companions, and the jitter is gone. *Takeaway: in training, an output is not a function of one
# example.*

# %% [markdown] id="why"
# ## How much noise?
#
# The companions act through two numbers a feature: the batch's mean and its variance. Both are *estimates* from m
# random images. For a gaussian feature of standard deviation 1, statistics textbooks give their scatter from batch to
# batch:
#
# $$\text{sd of the mean} = \frac{1}{\sqrt{m}} \qquad
# \text{relative sd of the variance} = \sqrt{\frac{2}{m - 1}}$$
#
# At m = 8 that is 0.35 and 0.53. So a batch of 8 knows the variance to within a half.

# %% [markdown] id="quiz_5-text"
# **Predict.** You go from batches of 16 to batches of 64. What happens to the standard deviation of one image's output?
#
# - a) It stays.
# - b) It is halved.
# - c) It falls to a quarter.
# - d) It falls to a sixteenth.
#
# Type your letter between the quotation marks.

# %% id="quiz_5" quiz="quiz_5"
quiz_5 = "b"

# %% id="quiz_5-check" check="quiz_5"
check("quiz_5", quiz_5)

# %% id="scatter"
sizes = np.array([4, 8, 16, 32, 64, 128])
rows = [np.random.RandomState(m).randint(len(z), size=(1000, m)) for m in sizes]
means = np.array([np.mean(z[r].mean(axis=1).std(axis=0) / z.std(axis=0)) for r in rows])  # (6,)
variances = [z[r].var(axis=1) for r in rows]  # six of (1000, 50)
scatter = np.array([np.mean(v.std(axis=0) / v.mean(axis=0)) for v in variances])
statistics = {"variance": (np.sqrt(2 / (sizes - 1)), scatter), "mean": (1 / np.sqrt(sizes), means)}


def logits(size):
    state = {name: dict(values) for name, values in net.states.items()}
    outputs = [net.forward(np.concatenate([x_test[:1], x_train[r]]), "train")[0] for r in draw(size)]
    net.states = state  # training mode wrote into the running statistics
    return np.array(outputs)  # (200, 10)


# %% id="spread-figure"
if ready(outputs_across_batches):
    hidden = [outputs_across_batches(sample, z[draw(m)], gamma, beta).std(axis=0) for m in sizes]
    last = [logits(m).std(axis=0) for m in sizes]
    spread = {"logits": np.mean(last, axis=1), "first layer": np.mean(hidden, axis=1)}
    figure = plotting.regularization.spreads(sizes, statistics, spread)
    plotting.show(figure, alt="On log scales, spreads of statistics and of outputs fall along straight lines.")
    for name, values in spread.items():
        slope = np.polyfit(np.log(sizes), np.log(values), 1)[0]
        print(f"{name:11} slope {slope:.2f}, from 16 to 64 times {values[4] / values[2]:.2f}")
    print("the mean scatters as the formula says, within 5 %:", np.all(np.abs(means * np.sqrt(sizes) - 1) < 0.05))

# %% [markdown] id="spread-caption"
# **The noise falls with the square root of the batch size: four times the images, half the noise.** On log scales that
# is a straight line with a slope near -1/2. Left: measured (dots, mean over 50 units) and by the formulas (dotted).
# These units are not gaussian, and their variances scatter a little less. Right: the first layer keeps close to -1/2.
# The logits, behind two normalizations and ReLUs, are somewhat flatter. (200 batches a point.) *Takeaway: the batch size
# sets the noise.*

# %% [markdown] id="ghost-why"
# ## Turn the noise alone
#
# Does the noise help? Compare small batches with large ones: tempting, and wrong. With the batch size the number of
# updates changes, too, and the gradient's own noise.
#
# *Ghost batch normalization* (Hoffer, Hubara and Soudry 2017) separates them. The batch stays, and with it the updates.
# But it is cut into consecutive groups, and each is normalized by its own statistics. gamma and beta are shared.
#
# **Predict:** in a batch of 60 cut into groups of 4, how large is the jitter: as for 60, or as for 4?

# %% [markdown] id="ghost_batchnorm_forward-text" exercise="ghost_batchnorm_forward"
# Write `ghost_batchnorm_forward`. It takes `x` (N, D), `gamma` and `beta` (D,), and `ghost_size`. Rows 0 to ghost_size
# - 1 are the first group, the next ghost_size rows the second, and so on. It returns `out` (N, D), the rows in their
# old order. Where ghost_size does not divide N, raise a ValueError.
#
# For x = [[1, 10], [3, 30], [10, 3], [30, 1]], gamma = [1, 2], beta = [0, 5], ghost_size = 2 and eps = 0, the first
# group is [[1, 10], [3, 30]], and out is [[-1, 3], [1, 7], [-1, 7], [1, 3]].

# %% id="ghost_batchnorm_forward" solution="ghost_batchnorm_forward"
from bn_helpers.layers import ghost_batchnorm_forward

# %% id="ghost_batchnorm_forward-check" check="ghost_batchnorm_forward"
check("ghost_batchnorm_forward", ghost_batchnorm_forward)

# %% [markdown] id="ghost_batchnorm_forward-hints"
# <details><summary>Help: one group that is the whole batch passes, the others do not</summary>
#
# Is there one mean for each group, or one for all? And does a group hold *neighbouring* rows? Number the rows 0 to 5,
# cut them into groups of 3 by your code, and print them.
#
# </details>
# <details><summary>Help: the first group is right, the last rows are 0 or missing</summary>
#
# Look at where your loop ends, and by how much it moves on from group to group.
#
# </details>
# <details><summary>Help: only "a size that does not divide N" fails</summary>
#
# Rows would be left over. A smaller last group has more noise than the others, and dropped rows are lost. Refuse before
# you compute: `raise ValueError(...)`.
#
# </details>

# %% [markdown] id="ghost-jitter-text"
# The image again, always the first row of a batch of 60. Your ghost groups against your batches of their size:

# %% id="ghost-jitter"
if ready(outputs_across_batches, ghost_batchnorm_forward):
    for size in (4, 12, 60):
        batches = [np.concatenate([sample[None], z[r]]) for r in draw(60)]
        ghost = np.std([ghost_batchnorm_forward(x, gamma, beta, size)[0] for x in batches], axis=0).mean()
        alone = outputs_across_batches(sample, z[draw(size)], gamma, beta).std(axis=0).mean()
        print(f"groups of {size:2} in a batch of 60: {ghost:.2f}   batches of {size:2}: {alone:.2f}")

# %% [markdown] id="ghost-jitter-caption"
# **The group sets the noise, not the batch.** Now it can be turned while all else stays: the control that comparing
# batch sizes lacks.

# %% [markdown] id="ghost-read"
# ### From your forward pass to a layer that learns
#
# To train with it, the layer needs a backward pass and a test mode. The next cell has both, to be read. Its trick: 15
# groups of 4 rows with 50 features are *one* batch of 4 rows with 750 features. So `batchnorm_backward` does all groups
# at once, and the shared gamma and beta add up what the groups send them. In training the output is yours. Running
# statistics are those of the whole batch, whatever the groups.


# %% id="ghost-layer" locked="yes"
def columns(a, size):  # (N, D) to (size, groups * D): groups side by side
    return a.reshape(-1, size, a.shape[1]).swapaxes(0, 1).reshape(size, -1)


def ghost_layer(size):
    def ghost_forward(x, gamma, beta, bn_param):
        out, _ = batchnorm_forward(x, gamma, beta, bn_param)  # running statistics, test mode
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


# %% id="ghost-agrees"
if ready(ghost_batchnorm_forward):
    forward, backward = ghost_layer(4)
    x, step, dout = np.random.RandomState(0).standard_normal((3, 12, 50))
    _, cache = forward(x, gamma, beta, {"mode": "train"})
    ahead, back = (ghost_batchnorm_forward(x + h * step, gamma, beta, 4) for h in (1e-5, -1e-5))
    slope = np.sum(dout * (ahead - back)) / 2e-5
    print("it is the gradient of your function:", abs(np.sum(backward(dout, cache)[0] * step) / slope - 1) < 1e-4)

# %% [markdown] id="protocol"
# ## Does it regularize?
#
# A regularizer needs something to work against. So take few images, 300 digits, and two tasks:
#
# - **clean:** the labels as they are;
# - **wrong labels:** 30 % of them replaced by another digit, at random. Who fits these has learned noise by heart. The
#   test labels stay right.
#
# Two layers of 50 ReLU units; 300 updates with batches of 60; five seeds. In all arms a seed has the same images, first
# weights and batches. Every arm is shown: nothing is chosen on the test images.


# %% id="run"
def task(seed, wrong):
    rng = np.random.RandomState([seed, 9])
    rows = rng.permutation(len(x_train))[:300]
    labels, spoiled = y_train[rows], rng.permutation(300) < 300 * wrong
    labels[spoiled] = (labels[spoiled] + rng.randint(1, 10, spoiled.sum())) % 10
    return x_train[rows], labels, spoiled


def reach(net, wrong, seed, reshuffle=True):
    x, labels, spoiled = task(seed, wrong)
    plan = {"steps": 300, "lr": 0.1, "batch_size": 60, "seed": seed, "reshuffle": reshuffle}
    history = fit(net, x, labels, **plan)
    asked = spoiled if wrong else ~spoiled  # of the training images
    learned = accuracy(net, x[asked], labels[asked])
    return accuracy(net, x_test, y_test), learned, history.train_mode_accuracy[-5:].mean()


# %% [markdown] id="ghost-predict"
# **Predict** two curves: test accuracy against the group size 60, 12, 4, 2, once for clean labels and once for wrong
# ones. Where is the best group? Where does a net without batch normalization stand?

# %% id="ghost-training" tags=["nbval-ignore-output"]
layers, tasks, groups = [64, 50, 50, 10], (0, 0.3), [60, 12, 4, 2]


def ghost_arm(arm, seed):
    wrong, size = arm
    norm = ghost_layer(size)
    return reach(Net(layers, "linear norm relu", norm=norm, seed=seed), wrong, seed)


if ready(ghost_batchnorm_forward):
    ghost = paired(ghost_arm, [(wrong, size) for wrong in tasks for size in groups], range(5))
    ghost = ghost.reshape(2, 4, 5, 3)  # task, group, seed, what reach gives
    plain = paired(lambda w, s: reach(Net(layers, "linear relu", seed=s), w, s), tasks, range(5))

# %% id="ghost-figure"
if ready(ghost_batchnorm_forward):
    names = ["clean labels", "30 % wrong labels"]
    panels = {name: (ghost[i, ..., 0], plain[i, :, 0]) for i, name in enumerate(names)}
    figure = plotting.regularization.by_group(groups, panels, "test accuracy")
    plotting.show(figure, alt="Test accuracy by group: flat down to 4 if clean, a peak at 4 if wrong.")
    gain = np.median(ghost[..., 0], axis=2) - np.median(plain[..., 0], axis=1)[:, None]
    print("compared with no batch norm, in medians")
    print("clean, groups of 60, 12, 4: within 3 points:", np.all(np.abs(gain[0, :3]) < 0.03))
    print("wrong, the whole batch: within 6 points:", np.abs(gain[1, 0]) < 0.06)
    print("wrong, groups of 4: more than 6 points better:", gain[1, 2] > 0.06)
    print("groups of 2: more than 8 points worse in both:", np.all(gain[:, 3] < -0.08))

# %% [markdown] id="ghost-caption"
# **On clean labels the noise does not help. On wrong ones it does, in small groups. Groups of 2 hurt both.** Left: down
# to 4 all lie within a few points of the net without batch normalization, no further than seeds lie apart. Right: the
# layer over the whole batch, which is what "batch normalization" usually means, gains nothing here either; groups of 4
# do. (Five seeds: each a dot; median and middle half.)

# %% [markdown] id="train-text"
# ### Is 2 "more regularization"?
#
# A regularizer may cost accuracy on the *training* images. The question is which. So ask the same nets, in test mode:
# on clean labels, how many training images do they get right? And how many of the *wrong* labels do they give back?
#
# **Predict** both for groups of 60, 4 and 2.

# %% id="train-figure"
if ready(ghost_batchnorm_forward):
    names = ["clean labels: learned", "wrong labels: learned by heart"]
    panels = {name: (ghost[i, ..., 1], plain[i, :, 1]) for i, name in enumerate(names)}
    figure = plotting.regularization.by_group(groups, panels, "of the training labels")
    plotting.show(figure, alt="Labels learned by group: clean ones fall at 2, wrong ones from 12 on.")
    clean, wrong = np.median(ghost[..., 1], axis=2)
    print("clean, groups of 4: over 95 % learned:", clean[2] > 0.95)
    print("clean, groups of 2: under 90 %:", clean[3] < 0.9)
    print("wrong, whole batch: over 80 % learned by heart:", wrong[0] > 0.8)
    print("wrong, groups of 4: under 40 %:", wrong[2] < 0.4)

# %% [markdown] id="train-caption"
# **Groups of 4 learn what is right and leave most of what is wrong. Groups of 2 do not even learn what is right.** On
# the left at 2, nets fail on their own training images, with clean labels. That is not regularization but damage. You
# have seen the reason: of two rows, one becomes nearly 1 and the other nearly -1. Which is larger gets through; by how
# much does not. *Takeaway: before you call it regularization, look at the training accuracy.*

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
# Group norm, which does without the batch, stays at about 24.1 throughout. At 32 its *training* error is lower than
# batch norm's and its validation error higher: a regularizing effect, and a small one. At 2, damage. These are their
# numbers, not ours.

# %% [markdown] id="noise-text"
# ## Is it the noise?
#
# Groups of 4 might help for another reason. Two controls, on wrong labels:
#
# - **the same companions:** groups of 4, but the first epoch's batches come again in every epoch. So an image keeps its
#   companions.
# - **drawn noise:** no companions at all. Each feature is normalized by *frozen* statistics, as in test mode, and then
#   disturbed by random numbers: for each group of 4, a mean and a standard deviation as 4 gaussian values have them.
#
# **Predict** which of the two does as well as ghost groups.


# %% id="noise-layer" locked="yes"
def noise_layer(size, seed):
    rng = np.random.RandomState([seed, 10])

    def forward(x, gamma, beta, bn_param):
        one, zero, training = np.ones_like(gamma), np.zeros_like(beta), bn_param["mode"] == "train"
        if training:
            bn_param.setdefault("running_mean", x.mean(axis=0))
            bn_param.setdefault("running_var", x.var(axis=0))
            batchnorm_forward(x, gamma, beta, bn_param)  # for the running statistics alone
        drawn = rng.standard_normal((len(x) // size, size, x.shape[1]))
        mean, std = (np.repeat(s, size, axis=0) for s in (drawn.mean(axis=1), drawn.std(axis=1)))
        frozen, _ = batchnorm_forward(x, one, zero, bn_param | {"mode": "test"})
        x_hat = (frozen - mean) / std if training else frozen
        return gamma * x_hat + beta, (x_hat, gamma / std / np.sqrt(bn_param["running_var"] + 1e-5))

    def backward(dout, cache):
        x_hat, slope = cache
        return dout * slope, np.sum(dout * x_hat, axis=0), dout.sum(axis=0)

    return forward, backward


# %% id="noise-training" tags=["nbval-ignore-output"]
def control_arm(arm, seed):
    norm = ghost_layer(4) if arm == "same companions" else noise_layer(4, seed)
    net = Net(layers, "linear norm relu", norm=norm, seed=seed)
    return reach(net, 0.3, seed, reshuffle=arm != "same companions")


if ready(ghost_batchnorm_forward):
    same, drawn = paired(control_arm, ["same companions", "drawn noise"], range(5))  # (5, 3)

# %% id="noise-figure"
if ready(ghost_batchnorm_forward):
    nets = {"whole batch": ghost[1, 0], "groups of 4": ghost[1, 2]}
    nets |= {"4, same companions": same, "drawn noise": drawn}
    names = ["test accuracy", "wrong labels learned by heart"]
    panels = {name: {arm: values[:, i] for arm, values in nets.items()} for i, name in enumerate(names)}
    figure = plotting.regularization.arms(panels, [], "share")
    plotting.show(figure, alt="Dots by arm: groups of 4 and drawn noise lead in the test, the others lag.")
    whole, four, fixed, noise = (np.median(values, axis=0) for values in nets.values())
    print("the same companions: over 6 points below groups of 4:", fixed[0] < four[0] - 0.06)
    print("they fit over 95 % of all labels, in training mode:", fixed[2] > 0.95)
    print("drawn noise: over 6 points above the whole batch:", noise[0] > whole[0] + 0.06)

# %% [markdown] id="noise-caption"
# **It is the noise: it works without companions, and companions do not work without the noise.** Drawn numbers do what
# ghost groups do. With the same companions every time, each group's statistics are something to learn by heart: in
# training mode the nets fit the labels, wrong ones included. In test mode the company is gone, and they fit neither the
# labels nor the digits well. (Wrong labels; five seeds, each a dot; bars are medians.) *Takeaway: what regularizes is
# that the company changes.*

# %% [markdown] id="dropout-text"
# ## And dropout?
#
# *Dropout* (Srivastava et al. 2014) sets a random half of the units to 0 in training: noise made for the purpose. Does
# batch normalization "reduce the need" for it? Five arms, on both tasks: neither, either, and both in two orders.
#
# Li et al. ([2018](https://arxiv.org/abs/1801.05134)) warn of dropout *before* a batch normalization: it widens what
# comes in, in training only. So the running variance does not fit in test mode.
#
# **Predict** the order of the five on wrong labels.

# %% id="dropout-training" tags=["nbval-ignore-output"]
blocks = {
    "dropout": "linear relu dropout",
    "norm, ReLU, dropout": "linear norm relu dropout",
    "dropout, norm, ReLU": "linear dropout norm relu",
}


def dropout_arm(arm, seed):
    wrong, block = arm
    norm = (batchnorm_forward, batchnorm_backward)
    return reach(Net(layers, block, norm=norm, dropout=0.5, seed=seed), wrong, seed)


if ready(ghost_batchnorm_forward):
    dropped = paired(dropout_arm, [(w, block) for w in tasks for block in blocks.values()], range(5))
    dropped = dropped.reshape(2, 3, 5, 3)  # task, block, seed, what reach gives

# %% id="dropout-figure"
if ready(ghost_batchnorm_forward):
    panels = {}
    for i, name in enumerate(["clean labels", "30 % wrong labels"]):
        nets = {"neither": plain[i, :, 0], "batch norm": ghost[i, 0, :, 0]}
        panels[name] = nets | dict(zip(blocks, dropped[i, ..., 0]))
    figure = plotting.regularization.arms(panels, ["neither", "dropout"], "test accuracy")
    plotting.show(figure, alt="Dots by arm: alike on clean labels; on wrong ones all with dropout lead.")
    clean, wrong = ([np.median(values) for values in nets.values()] for nets in panels.values())
    print("clean: all five within 4 points:", max(clean) - min(clean) < 0.04)
    print("wrong, all with dropout over 6 points above both without:", min(wrong[2:]) > max(wrong[:2]) + 0.06)
    print("wrong, the two orders: within 5 points:", abs(wrong[3] - wrong[4]) < 0.05)

# %% [markdown] id="dropout-caption"
# **Here batch normalization does not reduce the need for dropout.** On clean labels there is no need. On wrong ones
# dropout helps as much with batch normalization as without it. The order of the two makes no difference that five seeds
# could show. (Dots are seeds, bars medians.) But is the widening there of which Li et al. warn?

# %% id="shift"
ratios = []
for seed in range(5):
    norm, block = (batchnorm_forward, batchnorm_backward), "linear dropout norm relu"
    net = Net(layers, block, norm=norm, dropout=0.5, seed=seed)
    reach(net, 0, seed)
    net.forward(x_test)
    ratios.append(np.median(net.values["dropout1"].var(axis=0) / net.states["norm1"]["running_var"]))
print("variance in test mode under 0.7 of the running variance:", max(ratios) < 0.7)

# %% [markdown] id="shift-caption"
# **It is.** Dropout by half doubles the mean square of what it lets through, so the running variance is far too large
# in test mode. That the accuracy hardly notices is a finding about this small net, and does not refute a warning about
# deep ones. *Takeaway: a cause that is there need not show in the result. Measure both.*

# %% [markdown] id="verdict"
# ## So, "maybe"
#
# - The noise is real, and falls as one over the root of the batch size. *(measured)*
# - The group in which an example is normalized sets it, not gamma, beta or eps. *(measured)*
# - It regularizes where there is something to regularize against. At a usual batch size the effect did not show here,
#   neither on clean nor on wrong labels. *(measured, for small nets on digits, with 300 updates)*
# - That it replaces dropout: reported for ImageNet (Ioffe and Szegedy 2015, section 4.2.1), not seen here.
#
# The lecturer's "maybe" is the right word.

# %% [markdown] id="recap"
# ## Now you can
#
# - measure how far one example's output depends on its companions, and predict it from the batch size;
# - set that noise at a fixed batch size, with ghost groups;
# - judge from controlled runs whether it regularizes, and tell that from a training that is merely hurt.
#
# Two questions to take along:
#
# 1. You train on eight machines with 8 images each. Over which images should the layer take its statistics, and what
#    does each choice cost?
# 2. The noise ends with training. How could you use it on purpose when the net is asked, to learn how sure it is?

# %% id="summary"
summary("05_regularization")
