"""Whether the accuracies of several networks are known and were shown, by whatever means."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from grader.checks.networks import Network
from grader.checks.reported import on_test
from grader.records.evidence import Evidence, Feed, Number

Half = Literal["training", "held out"]
HALVES: tuple[Half, Half] = ("training", "held out")
DECIMAL = re.compile(r"(?<![\w.])(\d{1,3}\.\d{1,17})")
SAME = 5e-5


def accuracies(network: Network, half: Half) -> tuple[float, ...]:
    """What `fit` and `evaluate` told of a network's accuracy on what it learned from, or not."""
    found: list[Number] = []
    for fit in network.model.fits:
        for key, values in fit.history.items():
            held_out = key.startswith("val_")
            if "loss" not in key and held_out == (half == "held out"):
                found += values
    for use in network.model.uses:
        if _half_of(network, use.feed) == half:
            found += [value for key, value in use.results.items() if "loss" not in key]
    return tuple(value for value in found if value is not None and 0 <= value <= 1)


def asked(network: Network, half: Half) -> bool:
    """Whether a network was asked about pictures of that half, or `fit` told its accuracy."""
    uses = [use for use in network.model.uses if use.fault is None]
    own_loop = any(fit.how != "fit" for fit in network.model.fits)
    if own_loop and half == "training":
        return True
    return bool(accuracies(network, half)) or any(
        _half_of(network, use.feed) == half for use in uses
    )


def shown(network: Network, half: Half, evidence: Evidence) -> bool:
    """Whether such an accuracy was drawn or printed as it stands."""
    known = accuracies(network, half)
    lines = [
        value
        for figure in evidence.figures
        for axes in figure.axes
        for line in axes.lines
        for value in line.y
        if value is not None
    ]
    if any(abs(value - number) < SAME for value in known for number in lines):
        return True
    printed = set(_printed(evidence))
    return any(
        f"{value * scale:.{digits}f}" in printed
        for value in known
        for scale, most in ((1, 6), (100, 4))
        for digits in range(1 if scale == 100 else 2, most + 1)
    ) or any(abs(float(text) - value) < SAME for text in printed for value in known)


def plausible(evidence: Evidence) -> int:
    """How many different numbers that may be accuracies were printed, or drawn as lines or bars."""
    printed = {
        text for text in _printed(evidence) if 0.5 <= float(text) <= 1 or 50 <= float(text) <= 100
    }
    axes = [axes for figure in evidence.figures for axes in figure.axes]
    return len(printed) + sum(len(one.lines) + one.bars for one in axes)


def _printed(evidence: Evidence) -> Iterator[str]:
    yield from DECIMAL.findall(evidence.text[:1_000_000])


def _half_of(network: Network, feed: Feed | None) -> Half | None:
    if feed is None or feed.x is None:
        return None
    learned = [fit.train.x for fit in network.model.fits if fit.train and fit.train.x]
    if feed.x.fingerprint in {x.fingerprint for x in learned}:
        return "training"
    origin = feed.x.origin
    if origin is None or origin.test > 0 or origin.train == 0:
        return "held out" if on_test(feed, {x.fingerprint for x in learned}) else None
    # Two arrays that both begin with the first raw digit overlap; others are a part kept aside.
    starts = origin.in_order and any(x.origin is not None and x.origin.in_order for x in learned)
    return "training" if starts else "held out"
