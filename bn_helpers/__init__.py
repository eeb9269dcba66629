"""Batch normalization, taught: exercises, checks, experiments and figures for five notebooks."""

import logging

logging.getLogger("matplotlib").setLevel(logging.ERROR)  # a cell's output is no place for word of its caches
