"""The words for the cases of more than one notebook: what a case is about, and what to look at where it fails.

The same words serve every exercise that has the case.
"""

CASES: dict[str, tuple[str, str]] = {
    "easy": ("a hundred examples", "Compare your code with the formula, one symbol at a time."),
    "small": ("a few examples: no factor can hide", "Look at the number you divide by, and at the place of eps."),
    "square": ("as many examples as features", "Look at the axes: along which one does each vector run?"),
    "constant": ("a feature that never changes", "Its variance is 0. What keeps the division finite?"),
    "large_mean": ("a mean of 100 million", "Subtract the mean before you square: large squares lose digits."),
    "one_row": ("a batch of one", "One example is its own mean, and its variance is 0."),
    "own_cache": ("two layers, one after the other", "Take what you need from the cache that you are given."),
    "integer": ("integers", "Convert integers to float before you compute in place."),
    "float32": ("float32", "The result has to stay a float, and precise to five digits."),
    "unchanged": ("your inputs stay as they are", "Operators like -= change the caller's array: make a new one."),
    "shape": ("shapes as they are asked for", "An axis of length 1 is too many, or missing: keepdims leaves one."),
    "tiny_variance": ("a variance as small as eps", "Here eps counts: check its value and whether the root covers it."),
    "large_eps": ("eps = 1.5", "eps is an argument: use the one you are given, in every place where it belongs."),
    "running_many": ("three training steps", "Each step starts from what the step before has written into bn_param."),
    "running_default": ("running statistics not given", "Where bn_param does not say: zeros, and momentum = 0.9."),
    "evaluation": ("fifty training steps, then evaluation",
                   "Evaluation uses what training has written: the running statistics."),
    "test_mode": ("evaluation", "Evaluation uses the running statistics, with eps, and not the batch's own."),
    "test_default": ("evaluation, running statistics not given", "Where bn_param does not say: zeros, as in training."),
    "test_keeps_running": ("evaluation changes nothing", "Only training writes the running statistics."),
    "bad_mode": ("an unknown mode", "Anything but 'train' and 'test' has to raise a ValueError."),
}  # fmt: skip
