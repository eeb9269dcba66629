# %% [markdown] id="title"
# # 3 The backward pass
#
# You carry a gradient back through batch normalization, and see what training does without a part.
#
# When you have finished, you can
#
# - **derive** the gradient node by node, and check every stage;
# - **write** it in closed form, and name the two parts of a gradient that never pass;
# - **train** a net with your own layer, and show what held statistics do to it, and depth to gradients.
#
# You need the chain rule, notebook 1's symbols and notebook 2's layer. About {minutes} minutes, {points} points.

# %% [markdown] id="title-notes" notes="2"
# Say what is at stake: the lecture's own sentence about this gradient needs a correction, and the class is going to
# find it. Paper and pencil on every table.

# %% id="setup"
import numpy as np

from bn_helpers import data, plotting
from bn_helpers.checks import check, ready, summary
from bn_helpers.layers import softmax_loss
from bn_helpers.nets import Net
from bn_helpers.oracles import complex_step
from bn_helpers.stages import check_stages, stage_values
from bn_helpers.training import claim, fit, paired

plotting.use_style()
SEEDS = range(5)  # of all that is random here

# %% [markdown] id="graph-text"
# ## The graph
#
# To learn, a net needs the *gradient* of its loss: by how much the loss changes with each number. It is computed
# backward. `dout` comes in, shaped like `out`; the layer gives `dx`, `dgamma` and `dbeta`, each shaped like what it
# belongs to.
#
# The next cell is the forward pass, to be read. In the mode 'train' its lines compute the nodes of a graph.
#
# **By hand:** four examples of one feature, x = 1, 1, 5, 5, with gamma = 3, beta = 1, eps = 0. Write down every node.

# %% [markdown] id="graph-text-notes" notes="4"
# Four minutes on paper, in pairs. The values: mean 3, centered -2, -2, 2, 2, var 4, inv_std 0.5, x_hat -1, -1, 1, 1,
# out -2, -2, 4, 4. Who has them will find a wrong stage in the exercise by eye.


# %% id="forward-to-read" locked="yes" slide="slide"
def batchnorm_forward(x, gamma, beta, bn_param):
    """The layer of notebook 2, in both modes; its cache keeps the value of every node, by name."""
    mode, eps = bn_param.get("mode"), bn_param.get("eps", 1e-5)
    momentum, zeros = bn_param.get("momentum", 0.9), np.zeros(x.shape[1], x.dtype)
    running_mean, running_var = bn_param.get("running_mean", zeros), bn_param.get("running_var", zeros)
    if mode == "train":
        mean = x.mean(axis=0)  # (D,)
        centered = x - mean  # (N, D)
        var = (centered**2).mean(axis=0)  # (D,)
        bn_param["running_mean"] = momentum * running_mean + (1 - momentum) * mean
        bn_param["running_var"] = momentum * running_var + (1 - momentum) * var
    elif mode == "test":
        mean, centered, var = running_mean, x - running_mean, running_var
    else:
        raise ValueError(f"mode must be 'train' or 'test', got {mode!r}")
    inv_std = 1 / np.sqrt(var + eps)  # (D,)
    x_hat = centered * inv_std  # (N, D)
    out = gamma * x_hat + beta  # (N, D)
    cache = {"x": x, "mean": mean, "centered": centered, "var": var, "inv_std": inv_std, "x_hat": x_hat}
    return out, cache | {"gamma": gamma, "beta": beta, "eps": eps}


# %% [markdown] id="forward-to-read-notes" notes="2"
# Ask for the shape of each line, aloud. Ask what is used twice: `centered`. Two arrows leave it, so two terms will be
# added on the way back.


# %% id="graph-figure"
x, gamma, beta = np.array([[1.0], [1.0], [5.0], [5.0]]), np.array([3.0]), np.array([1.0])
out, nodes = batchnorm_forward(x, gamma, beta, {"mode": "train", "eps": 0.0})
nodes["out"] = out
first_forward = batchnorm_forward  # by this name it stays, should your answer bring a forward pass of its own
figure = plotting.backward.graph(nodes)
plotting.show(figure, alt="A graph of nine boxes, from x by mean, centered, var, inv_std and x_hat to out.")

# %% [markdown] id="graph-figure-notes" notes="3"
# Somebody traces the three ways from x to out. Write the three rules on the board: along an arrow multiply, where
# arrows part add, where one value served all sum. They stay there for the hour.

# %% [markdown] id="graph-caption"
# **x reaches out by three ways:** straight on, through the mean, and through the variance. The numbers are those you
# found by hand. Three rules lead back:
#
# - *Along an arrow*, multiply by the derivative of the node.
# - *Where arrows part*, add what comes back.
# - *Where one value served all N examples*, sum over the batch: (D,) has a gradient (D,).

# %% [markdown] id="scale_and_shift_backward-text" exercise="scale_and_shift_backward"
# Begin at the right end, with out = gamma * x_hat + beta. Write `scale_and_shift_backward`. It takes `dout` and
# `x_hat` of shape (N, D) and `gamma` of shape (D,), and returns `dx_hat` of shape (N, D), `dgamma` and `dbeta` of
# shape (D,).
#
# For dout = [[1, 10], [2, 20]], x_hat = [[-1, 1], [1, -1]] and gamma = [3, 5] it returns dx_hat = [[3, 50], [6,
# 100]], dgamma = [1, -10] and dbeta = [3, 30].

# %% [markdown] id="scale_and_shift_backward-text-notes" notes="2"
# Commonest slips: a mean instead of a sum (a batch of one hides it), the sum over axis 1, shape (1, D), dgamma from x
# or from gamma * x_hat, dgamma and dbeta swapped.

# %% id="scale_and_shift_backward" solution="scale_and_shift_backward"
from bn_helpers.layers import scale_and_shift_backward

# %% id="scale_and_shift_backward-check" check="scale_and_shift_backward"
check("scale_and_shift_backward", scale_and_shift_backward)

# %% [markdown] id="scale_and_shift_backward-hints"
# <details><summary>Help: dgamma has two axes, wanted is one</summary>
#
# gamma has one entry a feature, and so has its gradient. Which of N and D has to go?
#
# </details>
# <details><summary>Help: a batch of one passes, larger ones do not</summary>
#
# For one example a sum and a mean are the same. The third rule speaks of a sum.
#
# </details>
# <details><summary>Help: dgamma has the wrong values, even for a batch of one</summary>
#
# Look along which axis you sum: the one that runs over the examples. Then look at what gamma is multiplied by in the
# forward pass: not x, and not gamma * x_hat.
#
# </details>

# %% [markdown] id="quiz_3-text"
# ## What does a push do?
#
# The loss wants every output of a feature a little larger, all by the same amount: dout is 1 for each example. In
# training mode, mean and variance are computed from this very batch.
#
# **Predict.** What is dx?
#
# - a) gamma * inv_std, for every example
# - b) 1, for every example
# - c) 0, for every example
# - d) larger for examples far from the mean
#
# Type your letter between the quotation marks.

# %% [markdown] id="quiz_3-text-notes" notes="5"
# Vote. Expect a: it is the answer for fixed statistics. Do not correct it, the printed line does. Then ask for the sum
# of dx. It is always 0, and so a bias in front never moves.

# %% id="quiz_3" quiz="quiz_3"
quiz_3 = "c"

# %% id="quiz_3-check" check="quiz_3"
check("quiz_3", quiz_3)


# %% id="push-measured"
def training_output(x):
    return batchnorm_forward(x, gamma, beta, {"mode": "train", "eps": 0.0})[0]


push_all, push_first = np.ones((4, 1)), np.array([[4.0], [0.0], [0.0], [0.0]])
for name, dout in {"all outputs": push_all, "the first output": push_first}.items():
    dx = complex_step(training_output, x, dout).round(6) + 0.0
    print(f"push {name:16}  dx =", *(f"{v:5.2f}" for v in dx.ravel()))

# %% [markdown] id="dead-bias"
# **Pushing all does nothing (c); pushing one moves others.** What is added to every x, the mean takes away, so a
# feature's dx sums to 0. Example 2 was not pushed, and gets -3. (dx is measured by a *complex step*, as in the checks:
# add $10^{-50}\,i$ to one x, and read the derivative off the imaginary part.)
#
# A bias in front is added to every x, so its gradient is that sum: **the bias is dead** (question 2 of notebook 2).
# Leave it out; beta does its work.

# %% [markdown] id="frozen_backward-text" exercise="frozen_backward"
# The lecture says: *if mean and variance are held as constants, it is always differentiable, so backprop is possible.*
# In evaluation they are constants: gamma * (x - mean) / sqrt(var + eps) + beta is a straight line in x.
#
# Write `frozen_backward`. It takes `dout` of shape (N, D), `gamma` and `var` (D,) and a number `eps`, and returns `dx`
# (N, D). For dout = [[1, 2], [3, 4]], gamma = [3, 10], var = [4, 25] and eps = 0 it is [[1.5, 4], [4.5, 8]].
#
# **Predict:** is it right in training, too?

# %% [markdown] id="frozen_backward-text-notes" notes="3"
# The lecture's sentence is half right: in evaluation the statistics *are* constants. Vote on "in training, too?" and
# keep the counts. Commonest slips: eps ignored, the variance without its root, a mean subtracted.

# %% id="frozen_backward" solution="frozen_backward"
from bn_helpers.layers import frozen_backward

# %% id="frozen_backward-check" check="frozen_backward"
check("frozen_backward", frozen_backward)

# %% [markdown] id="frozen_backward-hints"
# <details><summary>Help: a hundred examples pass, "eps = 1.5" does not</summary>
#
# eps is an argument. Do you use the one you are given, and does the root cover it?
#
# </details>
# <details><summary>Help: each column is off by a factor of its own</summary>
#
# Divide wanted by yours. Is the factor gamma, or the root of var? The slope of a line is all that you need.
#
# </details>
# <details><summary>Help: the difference is one number, repeated down each column</summary>
#
# Did you subtract a mean? That belongs to training. Here the statistics are fixed, and each example stands alone.
#
# </details>


# %% id="frozen-compared" slide="slide"
def evaluation_output(x):
    return gamma * (x - 3.0) / np.sqrt(4.0) + beta  # the same mean and variance, as constants


def angle(a, b):
    cosine = np.sum(a * b) / np.linalg.norm(a) / np.linalg.norm(b)
    return np.degrees(np.arccos(np.clip(cosine, -1, 1)))  # rounding may leave 1.0000000000000002


if ready(frozen_backward=frozen_backward):
    frozen = frozen_backward(push_first, gamma, np.array([4.0]), eps=0.0)
    in_evaluation, in_training = (complex_step(f, x, push_first) for f in (evaluation_output, training_output))
    print("right in evaluation:", np.allclose(frozen, in_evaluation))
    print("right in training:  ", np.allclose(frozen, in_training))
    print(f"angle to the right gradient in training: {angle(frozen, in_training):.0f}°")

# %% [markdown] id="frozen-compared-notes" notes="3"
# 45° off for this push. Ask whether an optimizer would mind. Expect "it still goes downhill". Keep the answer: the
# experiment near the end trains with it.

# %% [markdown] id="stages-text"
# ## Back through the graph
#
# **Held constant: right in evaluation, wrong in training**, where mean and variance are functions of x. There the
# lecture's sentence needs this correction. So go back node by node, from right to left.
#
# `dx_hat` you have. Next, `inv_std` serves all N examples in x_hat = centered * inv_std: multiply by `centered`, and
# sum over the batch:
#
# $$d\text{inv\_std} = \sum_n d\hat{x}_n\,\text{centered}_n$$
#
# By hand, with dout = 4, 0, 0, 0: dx_hat is 12, 0, 0, 0, and dinv_std is 12 · (-2) = -24.

# %% [markdown] id="batchnorm_backward-text" exercise="batchnorm_backward"
# Write `batchnorm_backward`. It takes `dout` of shape (N, D) and the `cache` of the forward pass above
# (`cache["inv_std"]` and so on), and returns `dx` of shape (N, D), `dgamma` and `dbeta` of shape (D,). Go one stage
# at a time, under these names, and leave the `raise` line at the end until you are through: the cell below your
# answer checks each stage, as far as you have come.
#
# | stage | shape | arrows lead to | by hand |
# |---|---|---|---|
# | `dx_hat` | (N, D) | out | 12, 0, 0, 0 |
# | `dinv_std` | (D,) | x_hat | -24 |
# | `dvar` | (D,) | inv_std | 1.5 |
# | `dcentered` | (N, D) | x_hat, var | 4.5, -1.5, 1.5, 1.5 |
# | `dmean` | (D,) | centered | -6 |
# | `dx` | (N, D) | centered, mean | 3, -3, 0, 0 |

# %% [markdown] id="batchnorm_backward-text-notes" notes="4"
# The longest exercise of the course. Do the first two rows of the table together. Commonest slips: sign and 1/2 of
# dvar, the power -1/2 for -3/2, the 2/N, one branch of centered overwritten instead of added, 1/N missing in dx.
# `check_stages` names the first wrong stage: run it after every line.

# %% id="batchnorm_backward" solution="batchnorm_backward"
from bn_helpers.layers import batchnorm_backward

# %% id="stages-checked"
check_stages(batchnorm_backward, batchnorm_forward)

# %% id="batchnorm_backward-check" check="batchnorm_backward"
check("batchnorm_backward", batchnorm_backward, batchnorm_forward=batchnorm_forward)

# %% [markdown] id="batchnorm_backward-hints"
# <details><summary>Help: dvar is the first wrong stage</summary>
#
# inv_std is var + eps to the power -1/2. The power comes down as a factor, with its sign, and is then one less. Which
# power of inv_std is that?
#
# </details>
# <details><summary>Help: dcentered is the first wrong stage</summary>
#
# Two arrows leave centered, so two terms are added. One comes from x_hat. The other comes from var, the *average* of
# *squares*: it has a 2, an N, and centered itself.
#
# </details>
# <details><summary>Help: dmean or dx is the first wrong stage</summary>
#
# mean is subtracted from all N examples: mind the sign and the sum. Each x makes up one N-th of the mean.
#
# </details>

# %% id="gradients-figure"
if ready(batchnorm_backward=batchnorm_backward, batchnorm_forward=batchnorm_forward):
    _, cache = batchnorm_forward(x, gamma, beta, {"mode": "train", "eps": 0.0})
    dx, dgamma, dbeta = batchnorm_backward(push_first, cache)
    stages, _ = stage_values(batchnorm_backward, push_first, cache)
    gradients = stages | {"dout": push_first, "dgamma": dgamma, "dbeta": dbeta}
    figure = plotting.backward.graph(nodes, gradients)
    plotting.show(figure, alt="The graph of nine boxes again; each has its gradient in blue, from dout back to dx.")

# %% [markdown] id="gradients-figure-notes" notes="5"
# Read the blue numbers from right to left. Then vote on the prediction: the part of dmean that came through var is left
# out. Expect "then the gradient is wrong". Open the answer after the vote: that part is 0, so nobody loses points for
# leaving it out.

# %% [markdown] id="gradients-caption"
# **Black was computed from left to right, blue from right to left.** The blue numbers are your function's.

# %% [markdown] id="dmean-text"
# **Predict:** dmean holds a part that came through var. What if you left it out?

# %% [markdown] id="left-out"
# <details><summary>Answer: what if the part of dmean through var is left out</summary>
#
# Nothing changes. No number has smaller squared distances to the batch than its mean: move the mean a little, and the
# variance stays. In symbols, that part of dmean is
#
# $$-\sum_n \frac{2}{N}\,\text{centered}_n\,d\text{var} = -\frac{2}{N}\,d\text{var} \sum_n \text{centered}_n = 0,$$
#
# for distances to the mean sum to 0. An answer without it is right, and no check can tell the two apart.
#
# </details>
# <details><summary>The derivation, stage by stage</summary>
#
# $$\text{inv\_std} = (\text{var} + \text{eps})^{-1/2} \;\Rightarrow\;
# d\text{var} = -\tfrac{1}{2}\,(\text{var} + \text{eps})^{-3/2}\,d\text{inv\_std}
# = -\tfrac{1}{2}\,\text{inv\_std}^3\,d\text{inv\_std}$$
#
# $$\hat{x}_n = \text{centered}_n\,\text{inv\_std}, \quad
# \text{var} = \frac{1}{N} \sum_m \text{centered}_m^2 \;\Rightarrow\;
# d\text{centered}_n = \text{inv\_std}\,d\hat{x}_n + \frac{2}{N}\,\text{centered}_n\,d\text{var}$$
#
# $$\text{centered}_n = x_n - \text{mean} \;\Rightarrow\; d\text{mean} = -\sum_n d\text{centered}_n$$
#
# $$\text{mean} = \frac{1}{N} \sum_m x_m \;\Rightarrow\; dx_n = d\text{centered}_n + \frac{1}{N}\,d\text{mean}$$
#
# </details>

# %% [markdown] id="batchnorm_backward_alt-text" exercise="batchnorm_backward_alt"
# On paper the stages collapse. Take one feature. Start from dx = dcentered + dmean / N and put in dmean, dcentered,
# dvar and dinv_std, one after the other. Write centered as x_hat / inv_std. Two sums over the batch are left, and you
# know both by name.
#
# Write `batchnorm_backward_alt`. It takes and returns what `batchnorm_backward` does, and must not call it.
#
# For x_hat = -1, -1, 1, 1, gamma = 3, inv_std = 0.5 and dout = 2, 0, 0, 0, dx is 1.5, -1.5, 0, 0.

# %% [markdown] id="batchnorm_backward_alt-text-notes" notes="2"
# Commonest slips: one inv_std too many, gamma on one term only, N - 1 for N. Whoever fills more than a page has not
# named the two sums: they are dbeta and dgamma, and exercise 1 has them.

# %% id="batchnorm_backward_alt" solution="batchnorm_backward_alt"
from bn_helpers.layers import batchnorm_backward_alt

# %% id="batchnorm_backward_alt-check" check="batchnorm_backward_alt"
check("batchnorm_backward_alt", batchnorm_backward_alt, batchnorm_forward=batchnorm_forward)

# %% [markdown] id="batchnorm_backward_alt-hints"
# <details><summary>Help: a hundred examples pass, a few do not</summary>
#
# Each sum over the batch came in with a factor 1/N. Is yours exactly that?
#
# </details>
# <details><summary>Help: dx has the wrong values in every case</summary>
#
# Count: three terms. gamma and inv_std stand once in front of all three. The two sums have a 1/N each, and only one
# of them is multiplied by x_hat. Try your formula on the example of the exercise, with a pencil.
#
# </details>
# <details><summary>Help: it says "derive it here"</summary>
#
# Your function calls `batchnorm_backward`, which is switched off for this check. What you need of it is dgamma and
# dbeta, and exercise 3.1 gives you those.
#
# </details>

# %% [markdown] id="closed-form"
# ## What the closed form says
#
# $$dx_n = \text{gamma}\;\text{inv\_std} \left(d\text{out}_n - \frac{1}{N}\,d\text{beta}
# - \frac{\hat{x}_n}{N}\,d\text{gamma}\right)$$
#
# <details><summary>The derivation: compare your paper, line by line</summary>
#
# First $d\text{inv\_std} = \sum_m d\hat{x}_m\,\text{centered}_m$ goes into dvar, with $\text{centered}_m = \hat{x}_m /
# \text{inv\_std}$:
#
# $$d\text{var} = -\tfrac{1}{2}\,\text{inv\_std}^3 \sum_m d\hat{x}_m \frac{\hat{x}_m}{\text{inv\_std}}
# = -\tfrac{1}{2}\,\text{inv\_std}^2 \sum_m d\hat{x}_m \hat{x}_m$$
#
# $$d\text{centered}_n = \text{inv\_std}\,d\hat{x}_n + \frac{2}{N} \frac{\hat{x}_n}{\text{inv\_std}}\,d\text{var}
# = \text{inv\_std}\,d\hat{x}_n - \frac{\text{inv\_std}\,\hat{x}_n}{N} \sum_m d\hat{x}_m \hat{x}_m$$
#
# The sum over the batch of the last term is 0, since $\sum_n \hat{x}_n = 0$:
#
# $$d\text{mean} = -\sum_n d\text{centered}_n = -\text{inv\_std} \sum_n d\hat{x}_n$$
#
# $$dx_n = d\text{centered}_n + \frac{1}{N}\,d\text{mean}
# = \text{inv\_std} \left(d\hat{x}_n - \frac{1}{N} \sum_m d\hat{x}_m
# - \frac{\hat{x}_n}{N} \sum_m d\hat{x}_m \hat{x}_m\right)$$
#
# With $d\hat{x}_m=\text{gamma}\;d\text{out}_m$ the sums are
# $\text{gamma}\sum_m{d\text{out}_m}=\text{gamma}\;d\text{beta}$ and
# $\text{gamma}\sum_m{d\text{out}_m\hat{x}_m}=\text{gamma}\;d\text{gamma}$.
#
# </details>

# %% [markdown] id="closed-form-notes" notes="4"
# Open the derivation and go line by line; ask at each what was put in. Two sums over the batch are left at the end; let
# the class say their names before you show the last line.

# %% id="witness" slide="skip"
seen = data.pytorch()  # recorded: one training step of its BatchNorm1d
if ready(batchnorm_backward_alt=batchnorm_backward_alt, batchnorm_forward=batchnorm_forward):
    out, cache = batchnorm_forward(seen["x"], seen["gamma"], seen["beta"], {"mode": "train"})
    dx, dgamma, dbeta = batchnorm_backward_alt(seen["dout"], cache)
    mean, var, n = seen["x"].mean(axis=0), seen["x"].var(axis=0), len(seen["x"])
    running = {"running_mean": 0.1 * mean, "running_var": 0.9 + 0.1 * var * n / (n - 1)}  # its convention: notebook 2
    print("feature 1:", *(f"{v:8g}" for v in seen["x"][:, 0]))
    print("PyTorch's dx", *(f"{v:8.4f}" for v in seen["dx"][:, 0]))
    print("yours       ", *(f"{v:8.4f}" for v in dx[:, 0]))
    for name, value in (running | {"out": out, "dx": dx, "dgamma": dgamma, "dbeta": dbeta}).items():
        print(f"{name:12} as PyTorch's, to 12 digits:", np.allclose(value, seen[name], 1e-12, 1e-12))

# %% [markdown] id="witness-caption"
# **A witness that has read none of this course says the same.** The numbers are those of `torch.nn.BatchNorm1d` in
# float64 (version 2.13.0), recorded once. Its running statistics take 0.1 of the new and N - 1, as the table in
# notebook 2 says.

# %% id="parts-figure"
digits = data.digits().standardized()
if ready(batchnorm_backward_alt=batchnorm_backward_alt, batchnorm_forward=batchnorm_forward):
    n, one, zero = 8, np.ones(1), np.zeros(1)
    pixel = np.sort(digits.x_train[:n, [27]], axis=0)  # one pixel in eight images, dark ones first
    dout = np.linspace(0, 1.5, n)[:, None] + 0.7 * np.random.RandomState([SEEDS[0], 3]).standard_normal((n, 1))
    x_hat, cache = batchnorm_forward(pixel, one, zero, {"mode": "train", "eps": 0.0})
    dx, dgamma, dbeta = batchnorm_backward_alt(dout, cache)
    parts = [dout, np.tile(dbeta / n, (n, 1)), x_hat * dgamma / n, dx * pixel.std()]
    figure = plotting.backward.parts(*(part.ravel() for part in parts))
    plotting.show(figure, alt="Bars of a gradient over eight examples, and of its parts: equal, sloping, the rest.")
    print("the parts add up to dout:", np.allclose(dout, sum(parts[1:])))
    print("they stand at right angles:", abs(parts[3].sum()) < 1e-9 and abs(np.sum(parts[3] * x_hat)) < 1e-9)

# %% [markdown] id="parts-figure-notes" notes="3"
# Ask what the two grey bars have in common with the forward pass: add a constant, or stretch, and out stays. Then the
# prediction: how much passes at N = 2, 3, 100? Expect "a half" for 2.

# %% [markdown] id="parts-length"
# **Two parts of dout never pass:** what is the same for all, and what is in step with x_hat. As vectors of N numbers,
# ones and x_hat stand at right angles; at eps = 0 both have squared length N, so dbeta / N and dgamma / N are dout's
# components along them. Taking these away is a *projection*.
#
# Pythagoras gives the length of what is left, exactly at eps = 0:
#
# $$|dx|^2 = \frac{\text{gamma}^2}{\text{var}}
# \left(|d\text{out}|^2 - \frac{d\text{beta}^2}{N} - \frac{d\text{gamma}^2}{N}\right)$$
#
# **Predict:** how much of a random dout passes at N = 2? 3? 5? 100?

# %% id="share-figure"
sizes, shares = [2, 3, 5, 10, 100], []
if ready(batchnorm_backward_alt=batchnorm_backward_alt, batchnorm_forward=batchnorm_forward):
    rng, one, zero = np.random.RandomState(SEEDS[0]), np.ones(5000), np.zeros(5000)
    for n in sizes:
        batch, dout = rng.standard_normal((2, n, 5000))  # 5,000 features are as many tries
        _, cache = batchnorm_forward(batch, one, zero, {"mode": "train", "eps": 0.0})
        dx, dgamma, dbeta = batchnorm_backward_alt(dout, cache)
        passed, came = batch.var(axis=0) * np.sum(dx**2, axis=0), np.sum(dout**2, axis=0)
        shares.append(np.sqrt(passed / came))
        exact = np.allclose(passed, came - (dbeta**2 + dgamma**2) / n)
        print(f"N = {n:3}: {np.sqrt(np.mean(passed / came)):.2f} passes; the identity holds: {exact}")
    plotting.show(plotting.backward.share_that_passes(sizes, shares), alt="The share rises from 0 at N = 2 to near 1.")

# %% [markdown] id="share-figure-notes" notes="3"
# At N = 2 nothing passes: x_hat is -1 and 1, whatever x is. Ask what that means for training with two images on a card.

# %% [markdown] id="share-caption"
# **Of N directions two are closed, so sqrt((N - 2) / N) passes (dotted).** (A root mean square; bars: middle half.) At
# N = 2 nothing does: x_hat is -1 and 1 whatever x is. Add a constant to x, or stretch it about its mean: out stays.
# *Takeaway: what the forward pass does not see, no gradient asks for.*

# %% [markdown] id="net-text"
# The identity is exact; [Santurkar et al. (2018, Theorem 4.1)](https://arxiv.org/abs/1805.11604) prove a bound of this
# form.
#
# **Time for a rest.** Your layer is whole. Come back in ten minutes, and train with it.
#
# ## Your layer in a net
#
# The smallest net that it fits in: h = relu(batch norm(x @ w1)), scores = h @ w2 + b2. (No b1: it would be dead.)
# `softmax_loss(scores, labels)` is handed to you. It returns the loss, averaged over the batch, in *nats* (by natural
# logarithms), and `dscores`, its gradient.

# %% [markdown] id="net-text-notes" notes="2"
# Draw the chain on the board: x, z, out, h, scores, loss. The rest is meant: what comes now is plain work, and fun.

# %% id="softmax-seen"
loss, dscores = softmax_loss(np.array([[0.0, 0.0], [0.0, 1.0]]), np.array([0, 1]))  # two examples, two classes
print(f"loss {loss:.4f}; dscores:")
print("\n".join(" ".join(f"{v:8.4f}" for v in row) for row in dscores))

# %% [markdown] id="network_loss-text" exercise="network_loss"
# Write `network_loss`. It takes `x` (N, D), `labels` (N,), `params` with w1 (D, H), gamma and beta (H,), w2 (H, C), b2
# (C,), and `bn_param`. It returns the loss and the gradients, a dict. Call `batchnorm_forward` and your
# `batchnorm_backward`.
#
# Where `bn_param` is None: h = relu(x @ w1 + beta), and dgamma is zeros. In the mode 'test' the gradients are None.
#
# For x = [[1], [3]], labels 0 and 1, w1 = [[1]], gamma = 1, beta = 0, w2 = [[0, 1]], b2 = 0 and eps = 0, h is 0, 1 and
# the loss 0.5032.

# %% [markdown] id="network_loss-text-notes" notes="3"
# Commonest slips: the mask of the relu from the wrong array, 1/N twice or not at all, a copy of bn_param, the arm
# without batch norm forgotten. Who is lost writes down the shape of each gradient first.

# %% id="network_loss" solution="network_loss"
from bn_helpers.layers import network_loss

# %% id="network_loss-check" check="network_loss"
check("network_loss", network_loss)

# %% [markdown] id="network_loss-hints"
# <details><summary>Help: the loss is right, all gradients are off by one factor</summary>
#
# The loss is an average, and dscores has its 1/N already. What comes after are sums over the batch.
#
# </details>
# <details><summary>Help: w2 and b2 are right, the others are not</summary>
#
# Between h and x @ w1 stand the relu and batch norm. Where did the relu let its input pass? Only there a gradient
# passes. Then `batchnorm_backward` takes over, with the cache of this very forward pass.
#
# </details>
# <details><summary>Help: "the running statistics" fails, the numbers are right</summary>
#
# They are written into the dict that the forward pass is handed. Is that the caller's `bn_param`, or a copy?
#
# </details>

# %% [markdown] id="train_network-text" exercise="train_network"
# Write `train_network`. It takes `x`, `labels`, `params` and `bn_param` as before, a list `batches`, and a learning
# rate `rate`. Each of `batches` is an array of row numbers, and makes one step of plain gradient descent, on all five
# parameters. Return the new parameters, and the losses (len(batches),), each before its update. The caller's `params`
# stay as they are.
#
# For the example above, two batches [0, 1] and a rate of 1, the losses are 0.503 and 0.423, and gamma becomes 1.134.

# %% [markdown] id="train_network-text-notes" notes="2"
# Five lines. Commonest slips: params changed in place, each step from the first params, the loss after the update.

# %% id="train_network" solution="train_network"
from bn_helpers.layers import train_network

# %% id="train_network-check" check="train_network"
check("train_network", train_network)

# %% [markdown] id="train_network-hints"
# <details><summary>Help: the first loss is right, the others are not</summary>
#
# Which parameters does the second step start from? And which rows do its labels come from?
#
# </details>
# <details><summary>Help: it says that your function changes its input</summary>
#
# A dict that is handed over is the caller's own, and so are the arrays in it. Build a new dict in each step.
#
# </details>

# %% [markdown] id="own-text"
# ## With and without
#
# Your net on digits: 50 hidden units, 200 batches of 64. Both arms start from the same weights and see the same batches
# (`paired` runs each arm with each seed).
#
# **Predict:** what does batch norm gain at a learning rate of 0.1? Of 1? Of 3? What do the gammas become?

# %% [markdown] id="own-text-notes" notes="3"
# Three guesses on paper. Expect "it is better everywhere". At 0.1 it is not, and the figure says so.


# %% id="own-run"
def start(seed):
    rng = np.random.RandomState([seed, 4])
    w1, w2 = (rng.standard_normal(shape) * np.sqrt(2 / shape[0]) for shape in ((64, 50), (50, 10)))
    params = {"w1": w1, "gamma": np.ones(50), "beta": np.zeros(50), "w2": w2, "b2": np.zeros(10)}
    return params, [rng.choice(len(digits.x_train), 64, replace=False) for _ in range(200)]


@np.errstate(all="ignore")  # a training that diverges is a result
def own(arm, seed):
    (rate, with_norm), (params, batches) = arm, start(seed)
    bn_param = {"mode": "train"} if with_norm else None
    trained, losses = train_network(digits.x_train, digits.y_train, params, bn_param, batches, rate)
    in_test_mode = bn_param and bn_param | {"mode": "test"}
    return [network_loss(digits.x_test, digits.y_test, trained, in_test_mode)[0], *trained["gamma"], *losses]


# %% id="own-training" tags=["nbval-ignore-output"]
rates = [0.1, 1.0, 3.0]
if ready(network_loss=network_loss, train_network=train_network):
    runs = paired(own, [(rate, with_norm) for with_norm in (False, True) for rate in rates], SEEDS)
    runs = runs.reshape(2, 3, 5, -1)  # without and with, rate, seed
    unseen, gammas, losses = runs[..., 0], runs[1, ..., 1:51], runs[..., 51:]
    for name, of_rates in zip(["without", "with"], np.median(unseen, axis=2)):
        print(f"test mode, {name:7}", *(f"{r}: {v:.3f} " for r, v in zip(rates, of_rates)))

# %% id="own-figure"
if ready(network_loss=network_loss, train_network=train_network):
    by_tens = losses.reshape(2, 3, 5, 20, 10).mean(axis=-1)
    figure = plotting.backward.with_and_without(rates, 10 * np.arange(1, 21), by_tens)
    plotting.show(figure, alt="Losses at three rates: without is lower at 0.1, level at 1, and stuck at 3.")
    last = by_tens[..., -1]
    claim("rate 0.1: last loss, with over without, over 1", last[1, 0] / last[0, 0], above=1)
    early = by_tens[:, 1, :, :5].mean(axis=-1)
    claim("rate 1: first 50, with over without, under 0.7", early[1] / early[0], below=0.7)
    claim("rate 3: the last loss over 1 nat lower with it", last[0, 2] - last[1, 2], above=1)

# %% [markdown] id="own-figure-notes" notes="3"
# Ask first where batch norm loses, then where it wins. 2.3 is log(10): the net without it knows nothing any more. Ask
# what a fair comparison is: each arm at its best rate.

# %% [markdown] id="own-caption"
# **Batch norm gains nothing at a small rate, and bears a large one.** At 0.1 the net without it is ahead; at 1 it falls
# behind early and catches up; at 3 it ends near log 10 = 2.3, where guessing stands. (Averages of ten batches. Five
# seeds: median, middle half.) *Takeaway: your layer trains, and widens the range of rates.*

# %% id="gammas-figure"
if ready(network_loss=network_loss, train_network=train_network):
    figure = plotting.backward.learned_gammas(rates, gammas.reshape(3, -1))
    plotting.show(figure, alt="Three histograms of gamma: all began at 1, and spread to the right with the rate.")
    medians = np.median(gammas, axis=2)  # (rates, seeds)
    claim("rate 0.1: the median gamma over 1.05", medians[0], above=1.05)
    claim("rate 1: over 1.15", medians[1], above=1.15)

# %% [markdown] id="gammas-caption"
# **gamma is learned: from 1 most of them grew,** further at larger rates. (All units of five nets; dotted: where they
# began.) *Takeaway: the net uses the freedom that scale and shift give it.*

# %% [markdown] id="tools-net"
# ## The same for any number of layers
#
# `Net` and `fit` are what you have just written, for any number of layers. `Net` strings them together and carries
# gradients back, with the pair of functions that it is handed as `norm`. `fit` takes the steps.
#
# | | goes in | comes out |
# |---|---|---|
# | `Net` | widths, what a layer does, `norm`, spread of the initial weights, seed | a net |
# | `fit` | net, images, labels, number of updates, rate, seed of the batches | losses; the net is changed |
# | `paired` | a function of arm and seed, arms, seeds | what it returns: (arms, seeds, …) |

# %% [markdown] id="held-text"
# ## Held constant, and trained
#
# For a push of one in four the wrong gradient was 45° off. Now a net: four hidden ReLU layers, digits, batches of 64, a
# rate of 0.1. Each batch norm's dx is `frozen_backward`'s; dgamma and dbeta stay right.
#
# The paper (Ioffe and Szegedy 2015, section 2) predicts what becomes of the biases before it: each update moves them,
# the mean takes the move away, so *b will grow indefinitely while the loss remains fixed*.
#
# **Predict:** how large is the angle here? Does it matter?

# %% [markdown] id="held-text-notes" notes="3"
# Vote on "does it matter?", and read the paper's sentence about the biases aloud. Remind them of the 45°: with 64
# examples the angle is smaller.

# %% id="held-angle"
widths = [64, 30, 30, 30, 30, 10]
norm = batchnorm_forward, batchnorm_backward
if ready(frozen_backward=frozen_backward, batchnorm_backward=batchnorm_backward, batchnorm_forward=batchnorm_forward):
    angles = []
    for seed in SEEDS:
        net = Net(widths, "linear norm relu", norm=norm, seed=seed)
        _, gradients = net.loss_and_gradients(digits.x_train[:64], digits.y_train[:64])
        for i in range(1, 5):
            var = net.values[f"linear{i}"].var(axis=0)
            wrong = frozen_backward(gradients[f"norm{i}"], net.parameters[f"gamma{i}"], var)
            angles.append(angle(wrong, gradients[f"linear{i}"]))
    print(f"angles, four layers of five untrained nets: {min(angles):.0f}° to {max(angles):.0f}°")


# %% id="held-pair"
def held_constant(dout, cache):
    _, dgamma, dbeta = scale_and_shift_backward(dout, cache["x_hat"], cache["gamma"])
    return frozen_backward(dout, cache["gamma"], cache["var"]), dgamma, dbeta


held = first_forward, held_constant


def train(norm, seed, widths=widths, lr=0.1, rates=None, parts=10):
    net, curves = Net(widths, "linear norm relu", norm=norm, seed=seed), []
    for part in range(parts):
        seeds = {"seed": 100 * seed + part}  # of this part's batches
        history = fit(net, digits.x_train, digits.y_train, steps=40, lr=lr, rates=rates, **seeds)
        hidden = [[net.parameters[f"{name}{i}"].ravel() for i in range(1, len(widths) - 1)] for name in "bw"]
        curves.append((history.train_mode_loss.mean(), *(np.linalg.norm(np.concatenate(v)) for v in hidden)))
    return np.transpose(curves)  # (3, parts): the loss, and the lengths of biases and weights


# %% id="held-training" tags=["nbval-ignore-output"]
needed = {"scale_and_shift_backward": scale_and_shift_backward, "frozen_backward": frozen_backward}
needed |= {"batchnorm_backward": batchnorm_backward, "batchnorm_forward": batchnorm_forward}
if ready(**needed):
    arms = {"right": norm, "held constant": held}
    right = paired(train, [norm], SEEDS)[0]  # (seeds, 3, 10)
    wrong = paired(lambda arm, seed: train(arm, seed, parts=30), [held], SEEDS)[0]  # three times as long, for later
    losses, biases, weights = np.moveaxis([right, wrong[..., :10]], 2, 0)  # each (arms, seeds, parts)
    for arm, loss, bias in zip(arms, losses[..., -1], biases[..., -1]):
        print(f"{arm:13}  last loss {np.median(loss):.3f}, biases {np.median(bias):.3f}")
    stopped = {f"b{i}": 0 for i in range(1, 5)}  # a rate of 0 for the biases
    without_biases = paired(lambda arm, seed: train(arm, seed, rates=stopped, parts=5), [held], SEEDS)[0]

# %% id="held-figure"
if ready(**needed):
    figure = plotting.backward.held_constant(40 * np.arange(1, 11), losses, biases, weights)
    plotting.show(figure, alt="Right: the loss falls, biases and weights stay. Held constant: it stalls and they grow.")
    print("right: the biases stay at 0:", np.max(biases[0]) < 1e-9)
    print("held constant: they grow from part to part:", np.all(np.diff(biases[1]) > 0))
    claim("held constant: last loss over 5 times as large", losses[1, :, -1] / losses[0, :, -1], above=5)
    claim("its weights: over 1.2 times as long", weights[1, :, -1] / weights[0, :, -1], above=1.2)
    kept = without_biases[:, 0] / losses[1, :, :5]  # of each seed and part
    claim("biases kept at 0: the same loss, within 1 %", kept.ravel(), above=0.99, below=1.01)

# %% [markdown] id="held-figure-notes" notes="3"
# Left it stalls, in the middle the biases run away, as the paper says. Ask whether the one is the cause of the other.
# Expect yes. Then: out does not depend on the biases, so they cannot be; kept at 0 they change nothing.

# %% [markdown] id="held-caption"
# **In this net a small angle a layer stalls training; biases grow as the paper says.** They are not the cause: kept at
# 0, they change nothing. (Five seeds.) *In training, the gradient goes through the statistics.*

# %% [markdown] id="held-elsewhere-text"
# **Predict:** is it as bad at a tenth of the rate? With one hidden layer? After 1,200 updates?

# %% id="held-elsewhere"
if ready(**needed):
    slower = paired(lambda arm, seed: train(arm, seed, lr=0.01)[0, -1], arms.values(), SEEDS)  # (arms, seeds)
    shallow = paired(lambda arm, seed: train(arm, seed, widths=[64, 30, 10])[0, -1], arms.values(), SEEDS)
    claim("rate 0.01: last loss, held over right, under 2", slower[1] / slower[0], below=2)
    claim("one hidden layer: the same, under 2", shallow[1] / shallow[0], below=2)
    claim("1,200 updates: under 0.8 of the loss after 400", wrong[:, 0, -1] / losses[1, :, -1], below=0.8)

# %% [markdown] id="held-elsewhere-caption"
# **No: how much it costs depends on rate, depth and time.** Small steps or few layers bear the wrong gradient, and with
# time the loss falls after all. "The loss remains fixed" was the paper's argument about b, not a measurement of nets.

# %% [markdown] id="depth-text"
# ## Gradients over depth
#
# Batch norm *improves gradient flow*, says the lecture. Notebook 1 sent activations through ten tanh layers. Now the
# way back: the size of dL/dh, for the output h of each layer, in untrained nets of 50 units. Then 60 updates.
#
# (Why not the gradients of the weights? They are products of dL/dh and activations. Both shrink, at opposite ends, and
# the product hides it.)
#
# **Predict** for initial weights of standard deviation 0.03, 0.14 (about 1/sqrt(50)) and 1: which gradients vanish,
# which explode? Which nets learn?

# %% [markdown] id="depth-text-notes" notes="2"
# Three guesses on paper. Expect that somebody asks for the gradients of the weights: the text says why these would hide
# it.

# %% id="depth-training" tags=["nbval-ignore-output"]
stds = [0.03, 0.14, 1.0]
arms = [(std, block) for block in ("linear tanh", "linear norm tanh") for std in stds]


def deep(arm, seed):
    net = Net([64, *[50] * 10, 10], arm[1], norm=norm, std=arm[0], seed=seed)
    _, gradients = net.loss_and_gradients(digits.x_train[:200], digits.y_train[:200])
    history = fit(net, digits.x_train, digits.y_train, steps=60, lr=0.1, seed=seed)
    return [history.train_mode_accuracy[-20:].mean(), *(np.linalg.norm(gradients[f"tanh{i}"]) for i in range(1, 11))]


if ready(batchnorm_backward=batchnorm_backward, batchnorm_forward=batchnorm_forward):
    runs = paired(deep, arms, SEEDS).reshape(2, 3, 5, 11)  # without and with, std, seed
    reached, norms = runs[..., 0], runs[..., 1:]  # accuracy after training, gradients before it
    for name, accuracy in zip(["without", "with"], np.median(reached, axis=2)):
        print(f"accuracy {name:7}", *(f"{std}: {v:.0%} " for std, v in zip(stds, accuracy)))

# %% id="depth-figure"
if ready(batchnorm_backward=batchnorm_backward, batchnorm_forward=batchnorm_forward):
    figure = plotting.backward.gradient_over_depth(stds, norms, reached)
    plotting.show(figure, alt="Gradients going back: three lines fan out; with batch norm one. It learns at each std.")
    ratios = norms[..., 0] / norms[..., 9]  # first layer to last
    for std, (without, normalized) in zip(stds, np.median(ratios, axis=2).T):
        print(f"std {std:4}: first / last {without:8.1e} without, {normalized:.1f} with")
    claim("std 0.03: over 5 powers of ten lost without", -np.log10(ratios[0, 0]), above=5)
    claim("with it: under a factor of 4 at every std", ratios[1].max(axis=0), below=4)
    gains = 100 * (reached[1] - reached[0])  # (stds, seeds)
    claim("std 0.03 and 1: accuracy over 50 points higher", gains[[0, 2]].min(axis=0), above=50)

# %% [markdown] id="depth-figure-notes" notes="3"
# Three lines become one. Be careful with "cures": the gradient still grows a little from layer to layer. Ask what that
# comes to in 60 layers, before the next cell says it.

# %% [markdown] id="depth-caption"
# **Without batch norm gradients depend on the initial scale; with it they do not.** With it all three lines are one.
# The net then learns from each start; without, from the middle one only. (Right: training-mode accuracy, last 20
# batches. Five seeds: median, middle half.) *Takeaway: batch norm cancels the scale of the weights on the way back,
# too.*

# %% [markdown] id="explosion-text"
# It is no perfect cure: with batch norm the gradient still grows a little per layer.
#
# **Predict:** by what factor is it larger in the first layer than in the last, in 10 layers? In 60? With tanh, with
# ReLU?


# %% id="explosion"
def growth(nonlinearity, depth, seed):  # gradient in the first layer over that in the last, with batch norm
    net = Net([64, *[50] * depth, 10], f"linear norm {nonlinearity}", norm=norm, seed=seed)
    _, gradients = net.loss_and_gradients(digits.x_train[:200], digits.y_train[:200])
    return np.linalg.norm(gradients[f"{nonlinearity}1"]) / np.linalg.norm(gradients[f"{nonlinearity}{depth}"])


if ready(batchnorm_backward=batchnorm_backward, batchnorm_forward=batchnorm_forward):
    for nonlinearity, least in (("tanh", 100), ("relu", 10_000)):
        for depth, above in ((10, 1), (30, 10), (60, least)):
            grown = [growth(nonlinearity, depth, seed) for seed in SEEDS]
            claim(f"{nonlinearity}, {depth} layers: over {above}-fold", grown, above=above)
        claim(f"{nonlinearity}, a layer: over 1.05-fold", np.array(grown) ** (1 / 59), above=1.05)

# %% [markdown] id="explosion-caption"
# **Batch norm has an explosion of its own.** In these untrained nets the gradient grows by about a tenth a layer with
# tanh, by a fifth with ReLU: in 60 layers by a factor of hundreds, or of tens of thousands. [Yang et al. (2019)](https://arxiv.org/abs/1902.08129)
# derive it. Nets that are this deep have skip connections.

# %% [markdown] id="recap"
# ## Now you can
#
# - derive the gradient node by node, and check every stage;
# - write it in closed form, and name the two parts of a gradient that never pass;
# - train a net with your own layer, and show what statistics held constant do to it, and depth to gradients.
#
# Two questions to take along:
#
# 1. In an image, each channel has N · H · W elements. What takes the place of N in the closed form?
# 2. At N = 2 nothing passes. What if only two images fit in memory?

# %% [markdown] id="explain_3-text"
# ### In your own words
#
# A friend writes the backward pass with mean and variance as constants. The loss falls, and your friend is content.
# Explain what is wrong, and how to show it in a minute.

# %% [markdown] id="recap-notes" notes="2"
# Question 1 is the whole of the backward exercise in notebook 4: N becomes N · H · W. Question 2 comes back in notebook
# 5.

# %% id="summary"
summary("03_backward", globals())
