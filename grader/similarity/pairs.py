"""Which pairs of a class share more than its pairs do by chance.

How alike two codes are is the share of their fingerprints that both have, of those of the smaller
(containment: Broder, On the resemblance and containment of documents, 1997). The fingerprints are
an inverted index: only those who share one meet, and no two texts are compared.

What is usual is measured on the class itself: the median over all pairs, and their median absolute
deviation × 1.4826 as standard deviation (Hampel, J. Am. Stat. Assoc. 69, 1974), which hold until
half of all pairs are copies. A pair is told where it lies so far above that a class of such pairs,
were they normally distributed, would have one there in twenty classes (Bonferroni), and never below
`FLOOR`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

FEWEST = 3
"""Two submissions are one pair: nothing says what is usual."""
FLOOR = 0.3
"""Below this share no pair is told. Independent answers to one lab reach 0.22."""
SMALL = 16
"""A code with fewer fingerprints (some 70 tokens) counts as if it had so many."""
LEAST_DEVIATION = 0.05
"""A class whose pairs are all alike, or all unlike, still varies by so much."""
ALARMS = 0.05
"""Pairs that are told by chance, per class."""
COMMON_SHARE, COMMON_LEAST, COMMON_MOST = 0.1, 4, 50
"""What more than so many have is common: a tenth of the class, but at least 4 and at most 50."""


class Pair(NamedTuple):
    """Two submissions by their indices, the fingerprints that both have, and how alike they are."""

    first: int
    second: int
    shared: int
    share: float


@dataclass(frozen=True)
class Comparison:
    """What came of comparing a class. `pairs` are those to look at, the most alike first.

    `common` are fingerprints that so many have that they say nothing: uint64, sorted. `usual` is
    the median share over all pairs, `bar` the share from which a pair is told. `same` are groups of
    submissions with the very same fingerprints, of which no pair is told since so many have them.
    """

    compared: int
    usual: float
    bar: float
    pairs: tuple[Pair, ...]
    common: np.ndarray
    same: tuple[tuple[int, ...], ...] = ()


def common_from(compared: int) -> int:
    """A fingerprint that more submissions have than this is common to the class."""
    return int(min(max(COMMON_LEAST, COMMON_SHARE * compared), COMMON_MOST))


def compare(fingerprints: Sequence[np.ndarray], owners: Sequence[str]) -> Comparison:
    """Compare a class; each item of `fingerprints` is one submission's: uint64, each once.

    What all were given is not among them any more. Two submissions of one owner are no pair.
    Time and memory grow with the fingerprints and the pairs that share any, 4 bytes for each pair.
    """
    hashes, counts = np.unique(
        np.concatenate([*fingerprints, np.empty(0, np.uint64)]), return_counts=True
    )
    is_common = counts > common_from(len(fingerprints))
    common, own = hashes[is_common], hashes[~is_common]
    rows = [_places(item, own) for item in fingerprints]
    sizes = np.maximum([len(row) for row in rows], SMALL)
    _, whose, works = np.unique(list(owners), return_inverse=True, return_counts=True)
    total = (len(rows) ** 2 - int((works**2).sum())) // 2
    shares, filled, high = np.zeros(total, np.float32), 0, []
    for first, others, shared in _meetings(rows, len(own)):
        strange = whose[others] != whose[first]
        others, shared = others[strange], shared[strange]
        share = shared / np.minimum(sizes[first], sizes[others])
        shares[filled : filled + len(share)] = share
        filled += len(share)
        for at in np.flatnonzero(share >= FLOOR):
            high.append(Pair(first, int(others[at]), int(shared[at]), float(share[at])))
    usual, bar = _usual(shares)
    told = [pair for pair in high if pair.share >= bar]
    told.sort(key=lambda pair: (-pair.share, -pair.shared, pair.first, pair.second))
    same = _same(fingerprints, list(owners), told) if bar <= 1 else ()
    return Comparison(len(rows), usual, bar, tuple(told), common, same)


def _same(
    fingerprints: Sequence[np.ndarray], owners: Sequence[str], told: Sequence[Pair]
) -> tuple[tuple[int, ...], ...]:
    """Groups with the same fingerprints, none of whose pairs is told; the largest first."""
    groups: dict[bytes, list[int]] = {}
    for at, item in enumerate(fingerprints):
        if len(item) >= SMALL:
            groups.setdefault(item.tobytes(), []).append(at)
    named = {pair[:2] for pair in told}
    found = [
        tuple(group)
        for group in groups.values()
        if len({owners[at] for at in group}) > 1
        and named.isdisjoint((first, second) for first in group for second in group)
    ]
    return tuple(sorted(found, key=lambda group: (-len(group), group)))


def _places(fingerprints: np.ndarray, own: np.ndarray) -> np.ndarray:
    """Where the fingerprints stand in `own`, as far as they do; both are sorted."""
    places: np.ndarray = np.searchsorted(own, fingerprints)
    inside = places < len(own)
    inside[inside] = own[places[inside]] == fingerprints[inside]
    found: np.ndarray = places[inside]
    return found


def _meetings(
    rows: Sequence[np.ndarray], fingerprints: int
) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """Each submission with those after it that share a fingerprint, and how many they share."""
    lengths = [len(row) for row in rows]
    entries = np.concatenate([*rows, np.empty(0, np.int64)])
    holders = np.repeat(np.arange(len(rows)), lengths)[np.argsort(entries, kind="stable")]
    ends = np.cumsum(np.bincount(entries, minlength=fingerprints))
    starts = np.concatenate([[0], ends[:-1]])
    for first, row in enumerate(rows):
        met = [holders[starts[item] : ends[item]] for item in row]
        counts = np.bincount(np.concatenate([*met, np.empty(0, np.int64)]), minlength=len(rows))
        others = np.flatnonzero(counts[first + 1 :]) + first + 1
        yield first, others, counts[others]


def _usual(shares: np.ndarray) -> tuple[float, float]:
    """The median share of all pairs, and that from which a pair is told; nothing reaches 2."""
    if len(shares) < FEWEST:  # as many pairs as submissions
        return 0.0, 2.0
    usual = float(np.median(shares))
    deviation = 1.4826 * float(np.median(np.abs(shares - usual)))
    above = NormalDist().inv_cdf(1 - ALARMS / len(shares))
    return usual, max(FLOOR, usual + above * max(deviation, LEAST_DEVIATION))
