"""Grade submissions: hostile code runs in a sandbox, nbval compares outside, and mistakes are named."""
