"""Batch normalization, taught: exercises, checks, experiments and figures for five notebooks."""
