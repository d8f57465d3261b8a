"""Lengths of time as people give them on the command line."""

from __future__ import annotations

__all__ = ["seconds"]

import argparse
import math


def seconds(text: str) -> float:
    """A finite number of seconds, 0 or more. Raises ArgumentTypeError, which argparse turns into exit 2."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number) or number < 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds, such as 30")
    return number
