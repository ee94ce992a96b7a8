"""Fingerprints by winnowing (Schleimer, Wilkerson, Aiken: Winnowing, SIGMOD 2003).

Of the hashes of all runs of `GRAM` tokens, the least in each window of `WINDOW` is kept. So a run
that two codes share is always found from `GUARANTEE` tokens on, and none that is shorter than
`GRAM` ever counts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

GRAM = 14
WINDOW = 6
GUARANTEE = GRAM + WINDOW - 1


def grams(symbols: Sequence[str]) -> np.ndarray:
    """The hash of each run of `GRAM` symbols, in order: uint64, shape (symbols − GRAM + 1,).

    The hash is a cryptographic one, so that nobody can make code that meets another's by it.
    """
    words = [symbol.encode("utf-8", "surrogatepass") for symbol in symbols]
    digests = (
        hashlib.blake2b(b"\0".join(words[start : start + GRAM]), digest_size=8).digest()
        for start in range(len(words) - GRAM + 1)
    )
    return np.frombuffer(b"".join(digests), dtype="<u8")


def winnowed(hashes: np.ndarray) -> np.ndarray:
    """The fingerprints among the hashes of all runs: sorted, each once."""
    if not len(hashes):
        return hashes
    windows = np.lib.stride_tricks.sliding_window_view(hashes, min(WINDOW, len(hashes)))
    return np.unique(windows.min(axis=1))
