"""Grade submissions: hostile code runs in a sandbox, nbval compares outside, and mistakes are named."""

from __future__ import annotations

from pathlib import Path


def zygote_path() -> Path:
    """Where `zygote.py` is: it runs in the sandbox, and is never imported outside."""
    return Path(__file__).with_name("zygote.py")
