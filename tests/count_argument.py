"""How many? An option of the commands below tests/, refused in one line where it cannot be."""

from __future__ import annotations

import argparse


def a_count(text: str) -> int:
    """A whole number from 1."""
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1")
    return int(text)
