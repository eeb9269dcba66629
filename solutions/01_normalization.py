# %% [markdown] id="title"
# # 1 Normalization
#
# You build the formula at the heart of batch normalization, and see what it does to a deep net.
#
# When you have finished, you can
#
# - **compute** the mean and the variance of each feature of a batch, and normalize it;
# - **predict** which numbers share a mean, and what a wrong axis does;
# - **show** how repeated multiplication changes the scale in a deep net, and how normalization stops that.
#
# You need NumPy's arrays and axes, and the idea of a layer. About {minutes} minutes, {points} points.

# %% [markdown] id="title-notes" notes="2"
# Begin with a question, not with the formula: who has trained a net that did not learn? Today every claim is a number
# that the class can reproduce. Students have `notebooks/01_normalization.ipynb` open; the answers are on your screen
# only.

# %% [markdown] id="how" slide="skip"
# ## How to work with this notebook
#
# Run the cells from top to bottom with Shift + Enter. At *Predict*, write your guess into the cell below: a wrong one
# teaches most. In an exercise, write the body of a function; the cell below checks it.
#
# A function leaves its inputs as they are, takes float32, too, and uses the `eps` it is given. Of the errors that a
# docstring lists, raise only those that the exercise's text names.
#
# The course follows lecture 6 of CS231n (2017) and [Ioffe and Szegedy (2015)](https://arxiv.org/abs/1502.03167).

# %% id="setup"
import numpy as np

from bn_helpers import data, plotting, widgets
from bn_helpers.checks import check, ready, summary
from bn_helpers.training import claim

plotting.use_style()
SEEDS = range(5)  # of all that is random here

# %% [markdown] id="symbols" slide="skip"
# ## The symbols
#
# They are the same in the text, in the code, in the figures and in every message.
#
# | symbol | shape | meaning | the lecture's Korean term |
# |---|---|---|---|
# | `x` | (N, D) | a batch: N examples (rows) of D features (columns) | 배치 |
# | `mean`, `var` | (D,) | mean and variance of each feature, over the batch | 평균, 분산 |
# | `eps` | a number | a small one, added to the variance | |
# | `inv_std` | (D,) | one over the standard deviation: 1 / sqrt(var + eps) | 표준편차 |
# | `x_hat` | (N, D) | the normalized batch | 정규화 |
# | `gamma`, `beta` | (D,) | a scale and a shift, learned (notebook 2) | 감마, 베타 |
# | `running_mean`, `running_var` | (D,) | averages over past batches, for test mode (notebook 2) | 이동 평균 |
# | `momentum` | a number | the share of these that a batch leaves as it was (notebook 2) | |
# | `out` | (N, D) | what the layer puts out | |
# | `dout`, `dx`, … | as `out`, `x`, … | gradients of the loss: d stands before the name (notebook 3) | 미분 |
#
# Batch normalization is 배치 정규화, a bias 편향, the regularizing effect 정규화 효과.

# %% [markdown] id="question"
# ## One batch, many scales
#
# What comes into a layer is rarely balanced. Take 200 handwritten digits of 8 × 8 pixels. Each image is an example,
# each pixel a feature, with a brightness from 0 to 16. Here are four of the 64 pixels: 1 at the upper edge, 9 near a
# corner, 27 in the middle, 59 at the lower edge.
#
# **Predict:** do four pixels of the same images have similar means? Similar spreads?

# %% [markdown] id="question-notes" notes="3"
# Ask for hands before you go on: similar means? Similar spreads? Expect "similar, they are the same images". Then
# uncover the numbers: the means differ by a factor of nearly forty. Ask why one edge pixel is nearly always dark and
# another the brightest of the four: a stroke ends at the bottom of most digits, and seldom at the upper left.

# %% id="pixels"
digits = data.digits()
images = 16 * digits.x_train[:200]  # (200, 64), brightness from 0 to 16
pixels = [1, 9, 27, 59]
x = images[:, pixels]  # (200, 4)
print("mean              ", *(f"{v:6.2f}" for v in x.mean(axis=0)))
print("standard deviation", *(f"{v:6.2f}" for v in x.std(axis=0)))

# %% id="pixels-figure"
names = [f"pixel {p}" for p in pixels]
figure = plotting.normalization.histograms([x], names, ["brightness"])
plotting.show(figure, alt="Four histograms of pixel brightness: two pile up at 0, one is flat, one piles up at 16.")

# %% [markdown] id="pixels-caption"
# **Four features of one batch share neither place nor width.** Pixel 59 is usually bright, pixel 1 nearly always dark
# (dotted: the means, printed above). A layer that gets these numbers has to weigh each in its own unit. The lecture's
# idea: *you want unit gaussian activations? Make them so.* Subtract each feature's mean, divide by its standard
# deviation.

# %% [markdown] id="by-hand"
# ### By hand, once
#
# Four examples of one feature: 1, 3, 5, 7. The mean is 16 / 4 = **4**. The distances to it are -3, -1, 1, 3. Their
# squares, 9, 1, 1, 9, have the mean 20 / 4 = **5**: the variance. Its root is 2.236. Divided by that, the distances
# become **-1.342, -0.447, 0.447, 1.342**.
#
# A second feature is 10, 30, 20, 40. Do it on paper.
#
# **Predict:** is its result larger than the first one's, as its numbers are?

# %% [markdown] id="by-hand-notes" notes="4"
# Two minutes on paper, everybody: who has done one column by hand chooses the right axis later. Expect a standard
# deviation of 12.9 from somebody who divides by N - 1. Leave it on the board, it is the first slip of the exercise.

# %% id="by-hand-answer"
distance = np.array([10.0, 30.0, 20.0, 40.0]) - 25  # the mean is 100 / 4
print("variance  ", np.mean(distance**2))
print("normalized", *(f"{v:.3f}" for v in distance / np.sqrt(125)))

# %% [markdown] id="formula"
# The unit is gone: the second feature's numbers are larger, and normalized they are the same four in another order.
#
# ### The formula
#
# For each feature, over the N examples of the batch (Ioffe and Szegedy 2015, Algorithm 1):
#
# $$\text{mean} = \frac{1}{N} \sum_{n} x_n \qquad \text{var} = \frac{1}{N} \sum_{n} (x_n - \text{mean})^2$$
#
# $$\hat{x}_n = \frac{x_n - \text{mean}}{\sqrt{\text{var} + \text{eps}}}$$
#
# The sum is divided by N, not by N - 1. This is the *biased* variance: not an estimate of some larger population's, but
# a fact about this batch. N is the number of examples, so a batch has one mean and one variance **for each feature**.

# %% [markdown] id="formula-notes" notes="3"
# Ask which symbols carry the index n: `mean` and `var` do not, so their shape is (D,). Ask why N and not N - 1. Expect
# "unbiased is better". Answer: nothing is estimated here, the batch is what it is.

# %% [markdown] id="batch_statistics-text" exercise="batch_statistics"
# Write `batch_statistics`. It takes a batch `x` of shape (N, D) and returns two arrays of shape (D,): the mean of each
# feature, and its biased variance.
#
# For the batch [[1, 10], [3, 30]] the mean is [2, 20], and the variance is [1, 100]. As here, `x` may hold whole
# numbers; what comes out are floats.

# %% [markdown] id="batch_statistics-text-notes" notes="2"
# Commonest slips: `axis=1` (no error where N = D), `ddof=1`, and the mean of the squares less the square of the mean,
# which breaks at a large mean. Show what the check says to `axis=1`, and ask which case found it.

# %% id="batch_statistics" solution="batch_statistics"
from bn_helpers.layers import batch_statistics

# %% id="batch_statistics-check" check="batch_statistics"
check("batch_statistics", batch_statistics)

# %% [markdown] id="batch_statistics-hints"
# <details><summary>Help: the shape is (N,), and should be (D,)</summary>
#
# You average along the wrong axis. `axis` names the axis that *disappears*. Which of N and D should be gone?
#
# </details>
# <details><summary>Help: the mean is right, the variance is a little too large</summary>
#
# Count what you divide by. With four rows, N and N - 1 differ by a third; with a hundred, hardly.
#
# </details>
# <details><summary>Help: all is right but the mean of 100 million</summary>
#
# The mean of the squares less the square of the mean is right on paper. In 16 digits, two numbers near 10^16 leave
# nothing of a difference near 1. Measure distances to the mean first, then square.
#
# </details>

# %% [markdown] id="axes"
# ### Which numbers share a mean?
#
# A batch of four examples with three features has twelve numbers. Three ways to average them:
#
# - over the batch, one mean a feature (`axis=0`);
# - over the features, one mean an example (`axis=1`);
# - over everything, one mean in all.
#
# **Predict:** which of the three makes an example's result depend on the other examples?

# %% [markdown] id="axes-notes" notes="3"
# Vote on the three. Expect "over everything" from many, "over the batch" from few. Both are right: both mix examples.
# Whoever objects that a mean is "only a number" gets the answer in notebook 5.

# %% id="axes-figure"
cells = np.array([[1, 20, 300], [2, 40, 100], [3, 60, 200], [6, 80, 400]])
figure = plotting.normalization.shared_means(cells)
plotting.show(figure, alt="Four examples by three features, three times: coloured by column, by row, all alike.")

# %% [markdown] id="axes-caption"
# **Cells of one colour share a mean, which is printed in each.** By column is batch normalization: the features keep
# their own units, and the examples are tied together. By row is *layer normalization*: the examples stay apart, but
# here the third feature drowns the first. Over everything, both happen. So the answer: the first way and the third.

# %% [markdown] id="tools" slide="skip"
# ### Two helpers you will meet
#
# A cell with a figure asks first whether your functions are far enough: `ready(normalize=normalize)`. If not, it says
# what is missing; if one fails its check, it says so above the figure. `claim(words, effects, above=…)` takes an effect
# that was measured with several random seeds. It prints the median, and whether that lies above (or `below`) a limit.

# %% [markdown] id="normalize-why-eps"
# ### Why eps?
#
# Pixel 0 is the corner of the image. It is 0 in every digit of this batch.
#
# **Predict:** what does the formula give for it without eps? And with it?

# %% [markdown] id="normalize-why-eps-notes" notes="2"
# Ask for both numbers. Expect "infinity". It is 0 / 0, so nan, and one nan in a corner pixel is a nan in every output
# of the next layer.

# %% id="normalize-eps"
corner = images[:, 0]
with np.errstate(invalid="ignore"):
    without = (corner - corner.mean()) / np.sqrt(corner.var())
with_eps = (corner - corner.mean()) / np.sqrt(corner.var() + 1e-5)
print("without eps:", without[0], "  with eps:", with_eps[0])

# %% [markdown] id="normalize-text" exercise="normalize"
# Write `normalize`. It takes a batch `x` of shape (N, D) and a number `eps`, and returns `x_hat` of shape (N, D). You
# may call your `batch_statistics`.
#
# With eps = 0, the batch [[1, 10], [3, 30]] becomes [[-1, -1], [1, 1]]. With eps = 1e-5 each number is a little closer
# to 0: the variance of `x_hat` is var / (var + eps). Again `x` may hold whole numbers.

# %% [markdown] id="normalize-text-notes" notes="2"
# Commonest slips: eps added to the root instead of under it (seen only where the variance is as small as eps), eps
# forgotten, division by the variance, and `x -= mean`, which changes the caller's batch. The answer is three lines:
# whoever has twenty should look at broadcasting.

# %% id="normalize" solution="normalize"
from bn_helpers.layers import normalize

# %% id="normalize-check" check="normalize"
check("normalize", normalize)

# %% [markdown] id="normalize-hints"
# <details><summary>Help: it says that shapes could not be broadcast together</summary>
#
# A mean of shape (N,) does not line up with rows of length D. NumPy lines shapes up from the right. And where N equals
# D, it lines up without a word and is wrong: that is what "as many examples as features" looks for.
#
# </details>
# <details><summary>Help: ordinary batches pass, "a variance as small as eps" does not</summary>
#
# Where is eps added: to the variance, or to its root? For a variance of 1 the two hardly differ. For a variance of 1e-5
# they do.
#
# </details>
# <details><summary>Help: the values are right, but "your inputs stay as they are" fails</summary>
#
# `x -= mean` writes into the caller's array. The next cell that uses it gets other numbers than it expects.
#
# </details>

# %% id="normalized-figure"
if ready(normalize=normalize):
    x_hat = normalize(x)
    units = ["brightness", "normalized"]
    figure = plotting.normalization.histograms([x, x_hat], names, units)
    plotting.show(figure, alt="Two rows of four histograms: as they are, and centred at 0 with equal spread.")
    print("mean is 0:    ", np.all(np.abs(x_hat.mean(axis=0)) < 1e-9))
    print("variance is 1:", np.all(np.abs(x_hat.var(axis=0) - 1) < 1e-4))

# %% [markdown] id="normalized-caption"
# **After normalization all four features have mean 0 (dotted) and variance 1.** Compare each column: the bars moved,
# became narrower or wider, and kept their heights: they count the same images. *Takeaway: normalization takes away each
# feature's unit, and nothing else.*

# %% [markdown] id="not-text"
# ## What normalization does not do
#
# "Unit gaussian" is the lecture's word. It is worth three tests. After normalization,
#
# - is a feature **gaussian** (bell-shaped)?
# - does it stay **between -3 and 3**?
# - are two features **uncorrelated**?
#
# **Predict** yes or no for each, then run the cell.

# %% [markdown] id="not-text-notes" notes="4"
# Three votes, one a line. Expect yes for gaussian and for -3 to 3: "unit gaussian" invites both. Let one person argue
# for each before you go on. After the figure ask what *is* promised: mean 0 and variance 1, over this batch.

# %% id="not-figure"
edge, pair = images[:, 1], images[:, [43, 51]]  # a dark pixel, and two neighbours
if ready(normalize=normalize):
    edge_hat, pair_hat = normalize(images[:, [1]])[:, 0], normalize(pair)
    figure = plotting.normalization.what_stays(edge, edge_hat, pair, pair_hat)
    plotting.show(figure, alt="A skewed histogram and a slanted cloud of points, before and after: same shapes.")
    print(f"third moment of pixel 1: {np.mean(edge_hat**3):5.2f} (a gaussian has 0)")
    print(f"largest value of pixel 1:{edge_hat.max():5.2f}, sqrt(N - 1): {np.sqrt(199):.2f}")
    print(f"correlation before:      {np.corrcoef(pair.T)[0, 1]:5.2f}")
    print(f"correlation after:       {np.corrcoef(pair_hat.T)[0, 1]:5.2f}")

# %% [markdown] id="not-caption"
# **Three times no: the shape stays.** Each feature is shifted and stretched on its own, so a skewed one stays skewed, a
# slanted cloud slanted. There is a bound, a wide one: N values that sum to 0, with squares that sum to N, can reach
# sqrt(N - 1). *Takeaway: mean 0 and variance 1 per feature. No more is promised.*

# %% [markdown] id="whitening" slide="skip"
# Making features uncorrelated as well is called *whitening*. The paper (section 3) leaves it out for two reasons: it is
# costly, and not everywhere differentiable.

# %% [markdown] id="quiz_1-text"
# ## The scale of a deep net
#
# A layer multiplies its input by a matrix; a deep net multiplies again and again. Call *gain* the factor by which one
# layer changes the spread, on average: weights drawn with standard deviation gain / sqrt(width) do that.
#
# **Predict.** A batch with standard deviation 1 goes through 50 layers with a gain of 0.5, and no nonlinearity. What
# standard deviation comes out, roughly?
#
# - a) 0.5
# - b) 0.01
# - c) 0.000 001
# - d) 0.000 000 000 000 001
#
# Type your letter between the quotation marks.

# %% [markdown] id="quiz_1-text-notes" notes="3"
# Vote by letter and write the counts down. Expect b most often: nobody multiplies fifty times in the head. Do not solve
# it: the figure after the exercise does.

# %% id="quiz_1" quiz="quiz_1"
quiz_1 = "d"

# %% id="quiz_1-check" check="quiz_1"
check("quiz_1", quiz_1)

# %% [markdown] id="layer_outputs-text" exercise="layer_outputs"
# To measure it, write `layer_outputs`. It sends a batch through all layers and returns the list of what each puts out.
# A layer takes `h`, multiplies it by its matrix, applies `norm` if there is one, then the nonlinearity: h =
# nonlinearity(norm(h @ W)). The paper puts the normalization *between* the linear map and the nonlinearity.
#
# For x = [[1, -1]], weights = [[[1, 0], [0, 1]]], nonlinearity = absolute value and no norm, the result is a list of
# one array, [[1, 1]].

# %% [markdown] id="layer_outputs-text-notes" notes="2"
# Commonest slips: the norm before the matrix or after the nonlinearity, `norm` called when it is None, `x` handed to
# every layer. Somebody will ask whether the paper's place for the norm is a law: notebook 4 measures both.

# %% id="layer_outputs" solution="layer_outputs"
from bn_helpers.layers import layer_outputs

# %% id="layer_outputs-check" check="layer_outputs"
check("layer_outputs", layer_outputs)

# %% [markdown] id="layer_outputs-hints"
# <details><summary>Help: the first array is right, the second is not</summary>
#
# Each layer takes what the layer before it put out. Does your loop hand `x` to all of them?
#
# </details>
# <details><summary>Help: it passes without a norm and fails with one</summary>
#
# Follow one layer: matrix, norm, nonlinearity, in this order. A norm before the matrix or after the nonlinearity is
# another net.
#
# </details>
# <details><summary>Help: 'NoneType' object is not callable</summary>
#
# `norm=None` means that there is none. Find out before you call it.
#
# </details>


# %% id="product-run"
def draw_weights(gain, sizes, seed):
    rng = np.random.RandomState(seed)  # its numbers are the same in every version of NumPy
    pairs = zip(sizes[:-1], sizes[1:])
    return [gain / np.sqrt(m) * rng.standard_normal((m, n)) for m, n in pairs]


def spreads(net_input, nonlinearity, norm, gain, sizes):
    nets = [draw_weights(gain, sizes, seed) for seed in SEEDS]
    outputs = [layer_outputs(net_input, net, nonlinearity, norm) for net in nets]
    return np.array([[h.std() for h in layers] for layers in outputs])  # (nets, layers)


# %% id="product-figure"
if ready(normalize=normalize, layer_outputs=layer_outputs):
    noise = np.random.RandomState([SEEDS[0], 1]).standard_normal((200, 100))
    gains, sizes = [0.5, 1.0, 2.0], [100] * 51
    without = {gain: spreads(noise, lambda z: z, None, gain, sizes) for gain in gains}
    normalized = {gain: spreads(noise, lambda z: z, normalize, gain, sizes) for gain in gains}
    figure = plotting.normalization.scale_over_depth(without, normalized, "gain")
    plotting.show(figure, alt="Spread over 50 layers, log scale: without normalization three lines fan out, else one.")
    for gain in gains:
        ends = [np.median(runs[gain][:, -1]) for runs in (without, normalized)]
        print(f"gain {gain}: after 50 layers {ends[0]:7.0e} without, {ends[1]:.2f} normalized")
    claim("gain 2: over 14 powers of ten gained without", np.log10(without[2.0])[:, -1], above=14)

# %% [markdown] id="product-figure-notes" notes="3"
# Ask what the slope means on this axis: the gain of one layer. Go back to the counts of the vote. Then the right panel:
# the same weights, and one function more.

# %% [markdown] id="product-caption"
# **The spread goes as gain to the power of the depth; normalized, it stays at 1.** Left: on a log scale the lines are
# straight. At gain 0.5 the answer is d: 0.5 to the 50th is about 1e-15. Even at gain 1 it drifts: a matrix keeps the
# scale on average only. (Five random nets: median, middle half.)

# %% [markdown] id="cancel"
# ### Why it cancels
#
# Scale the weights of a layer by c. Then z = h @ W grows by c, its mean grows by c, its standard deviation grows by c,
# and in (z - mean) / std the c is gone. So the output of a normalized layer does not depend on the scale of its weights
# at all, but for eps.
#
# **Predict:** by how much does the output change when the weights are multiplied by 1000?

# %% [markdown] id="cancel-notes" notes="3"
# Let the class follow the factor c through the formula, aloud. Expect somebody to say "but eps": right, scaled *down*
# by 1000 the variance would come near eps, and it would show.

# %% id="cancel-measured"
if ready(normalize=normalize):
    w = np.random.RandomState([SEEDS[0], 2]).standard_normal((4, 3))
    small, large = normalize(x @ w), normalize(x @ (1000 * w))
    print("largest change below 1e-5:", np.max(np.abs(large - small)) < 1e-5)

# %% [markdown] id="net-text"
# ### In a real net
#
# Random products are a caricature: no nonlinearity, no data. Now ten layers of 100 units with tanh, on the 200 digits,
# with fresh weights, as at the start of training.
#
# **Predict:** tanh cannot give more than 1. So what goes wrong at a large gain?

# %% [markdown] id="net-text-notes" notes="2"
# Ask for the largest standard deviation that a tanh unit can have. It is 1, with half the outputs at -1 and half at 1:
# that is what will look healthy at gain 10.

# %% id="net-figure"
pixels_scaled = images / 16
if ready(normalize=normalize, layer_outputs=layer_outputs):
    gains, sizes = [0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0], [64, *[100] * 20]
    runs = {g: [spreads(pixels_scaled, np.tanh, norm, g, sizes) for norm in (None, normalize)] for g in gains}
    widgets.gain_and_depth(runs)
    without, normalized = ({g: pair[i][:, :10] for g, pair in runs.items()} for i in (0, 1))
    for gain in (0.1, 1.0, 10.0):
        ends = [np.median(runs[gain][:, -1]) for runs in (without, normalized)]
        print(f"gain {gain}: layer 10 {ends[0]:7.1e} without, {ends[1]:.2f} normalized")
    claim("gain 0.1: over 9 powers of ten lost without", -np.log10(without[0.1])[:, -1], above=9)
    ratio = (normalized[0.1] / normalized[10])[:, -1]
    claim("normalized, gain 0.1 over 10: 1, within 1 %", ratio, above=0.99, below=1.01)

# %% [markdown] id="net-caption"
# **In a net, too: a small gain collapses; normalized, all gains have one curve.** At gain 10 the spread looks healthy.
# It is not, as you will see. Move the sliders (mouse, or Tab and the keys ← and →).
#
# **Predict:** is there a gain that holds the spread over 20 layers *without* normalization?

# %% id="gain-answer"
if ready(normalize=normalize, layer_outputs=layer_outputs):
    for gain in (1.0, 2.0, 5.0):
        ends = [np.median(pair[:, -1]) for pair in runs[gain]]
        print(f"gain {gain:.0f}: layer 20 has {ends[0]:.2f} without, {ends[1]:.2f} normalized")
    held = runs[2.0][0]  # (nets, layers)
    claim("gain 2, layer 20 over layer 5: 1, within 10 %", held[:, 19] / held[:, 4], above=0.9, below=1.1)

# %% [markdown] id="gain-answer-text"
# Gain 2 holds it. (So does 5, at a spread near 1, the most that tanh can give: its outputs crowd at -1 and 1, as the
# next figure shows for 10.) But somebody had to find it, for tanh; another nonlinearity has another good gain, and
# training moves the weights away from it. Normalization needs no such luck: it holds the spread at any of these gains.
# (For common nonlinearities good gains are known: notebooks 2 and 3 begin with Xavier's and He's.)


# %% id="layers-figure"
def nudged(weights, norm):  # how much a tiny nudge of the images has grown from layer 1 to layer 10
    nudge = 1e-7 * np.random.RandomState([SEEDS[0], 3]).standard_normal(pixels_scaled.shape)
    outputs = [layer_outputs(x, weights, np.tanh, norm) for x in (pixels_scaled, pixels_scaled + nudge)]
    moved = [np.linalg.norm(b - a) for a, b in zip(*outputs)]
    return moved[9] / moved[0]


if ready(normalize=normalize, layer_outputs=layer_outputs):
    nets = [draw_weights(10, [64, *[100] * 10], seed) for seed in SEEDS]
    plain, normed = ([layer_outputs(pixels_scaled, net, np.tanh, norm) for net in nets] for norm in (None, normalize))
    chosen = [[h[0][i] for i in (0, 4, 9)] for h in (plain, normed)]
    figure = plotting.normalization.layer_histograms(*chosen, [0, 4, 9])
    plotting.show(figure, alt="Histograms of tanh outputs in layers 1, 5, 10: most at -1 and 1, if not normalized.")

# %% id="nudged"
if ready(normalize=normalize, layer_outputs=layer_outputs):
    stuck = [np.mean(np.abs(h[0][9]) > 0.97) for h in (plain, normed)]
    print(f"layer 10, outputs beyond 0.97: {stuck[0]:.0%} without, {stuck[1]:.0%} normalized")
    claim("layer 10, mean slope without: under 0.1", [np.mean(1 - h[9] ** 2) for h in plain], below=0.1)
    claim("a nudge grows over 1000-fold without", [nudged(net, None) for net in nets], above=1000)
    claim("and under 4-fold, normalized", [nudged(net, normalize) for net in nets], below=4)

# %% [markdown] id="layers-figure-notes" notes="3"
# Cover the right column. Is layer 10 healthy? Its spread is close to 1. Expect "nothing is learned where tanh is flat".
# Half right: a unit barely answers, but the weights are so large that a nudge explodes all the same. One number, the
# spread, did not tell.

# %% [markdown] id="layers-caption"
# **At gain 10 tanh is stuck at -1 and 1 unless its input is normalized.** There it is flat: a unit barely answers its
# input. Yet a nudge of the images explodes on its way: large weights outweigh small slopes. So do gradients (notebook
# 3). *Takeaway: normalization cancels the scale that repeated multiplication builds up.*

# %% [markdown] id="hypothesis"
# ### Measured, and believed
#
# What you saw is a measurement: with normalization the scale of a layer does not depend on the scale of the weights.
# *Why* this makes training faster is another matter. The authors' hypothesis (2015) was that it reduces "internal
# covariate shift". Later work disputes it: [Santurkar et al. (2018)](https://arxiv.org/abs/1805.11604) add such a shift
# on purpose and training stays fast. Take it as open; at the end of notebook 5 you can try it.

# %% [markdown] id="hypothesis-notes" notes="3"
# Keep two sentences apart: the scale cancels (measured), and training is faster *because of* less covariate shift (a
# hypothesis, disputed). Ask which experiment could decide. Santurkar et al. did one: they add the shift on purpose.

# %% [markdown] id="recap"
# ## Now you can
#
# - compute the mean and the variance of each feature of a batch, and normalize it;
# - predict which numbers share a mean, and what a wrong axis does;
# - show how repeated multiplication changes the scale in a deep net, and how normalization stops that.
#
# Two questions to take along:
#
# 1. Do you always *want* mean 0 and variance 1 in front of a tanh? Notebook 2 gives the choice back.
# 2. An example's result depends on its companions. What if one comes alone?

# %% [markdown] id="explain_1-text" slide="skip"
# ### In your own words
#
# A friend says: "after batch normalization the data are a standard normal distribution." Explain what is right in that
# and what is not.

# %% [markdown] id="recap-notes" notes="2"
# Leave both open: notebook 2 begins with question 1 and comes to question 2. What is not finished is homework; the
# class's table comes from `make grade`.

# %% id="summary"
summary("01_normalization", globals())
