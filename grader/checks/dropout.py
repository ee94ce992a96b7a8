"""Which networks drop units while they train."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from grader import catalogue, data
from grader.checks.networks import Network
from grader.diagnosis.facts import (
    ACTIVATION_KINDS,
    NEUTRAL_KINDS,
    OPEN_KINDS,
    WEIGHT_KINDS,
    option,
)
from grader.errors import SessionClosed
from grader.records.evidence import ModelFacts
from grader.records.submission import Submission
from grader.session import StudentFault

KINDS = re.compile(r"drop", re.I)
NOISE = re.compile(r"Noise|Random", re.I)
ROWS = 32
DIFFERENT = 1e-6
"""Two passes of a network without dropout are equal; one dropped unit changes more than this."""


def dropout_rates(facts: ModelFacts) -> tuple[float, ...]:
    """The rates of the dropout layers, in order, those of 0 too."""
    rates = (option(layer, "rate") for layer in facts.layers if KINDS.search(layer.kind))
    return tuple(rate for rate in rates if rate is not None)


def drops(network: Network, name: str) -> bool:
    """Whether a network drops units in training; `name` is the data set it is fed with.

    The layers tell it where they are all that the network does; else two passes in training mode.
    """
    facts = network.model.facts
    layers = {layer.kind for layer in facts.layers}
    told = [rate for rate in dropout_rates(facts) if rate > 0]
    if told and facts.kind in OPEN_KINDS:
        return any(rate < 1 for rate in told)
    noisy = any(NOISE.search(kind) for kind in layers)
    known = facts.kind in OPEN_KINDS and layers <= WEIGHT_KINDS | ACTIVATION_KINDS | NEUTRAL_KINDS
    if known or (noisy and not any(KINDS.search(kind) for kind in layers)):
        return False
    options: dict[str, Any] = {}
    if network.graded.feeding is not None:
        options["x"] = network.graded.feeding.apply(data.public_rows(name, np.arange(ROWS)))
    try:
        answer = network.model.probe("dropout_active", **options)
    except (StudentFault, SessionClosed):
        return any(0 < rate < 1 for rate in dropout_rates(facts))
    return float(answer.get("difference", 0.0)) > DIFFERENT


def never_in_training_mode(network: Network, submission: Submission) -> bool:
    """Whether an own loop trains a Keras model without ever saying that it is training.

    Keras then calls the layers as for predictions, and dropout layers do nothing.
    """
    fits = network.model.fits
    own_loop = bool(fits) and all(fit.how == "tape" for fit in fits)
    said = re.search(r"training\s*=|learning_phase|,\s*True\s*\)", submission.source)
    return own_loop and said is None and network.model.facts.kind in OPEN_KINDS


def parted(networks: Sequence[Network], name: str) -> tuple[list[Network], list[Network]]:
    """The networks that drop units and those that do not, in order."""
    sides: tuple[list[Network], list[Network]] = ([], [])
    for network in networks:
        sides[0 if drops(network, name) else 1].append(network)
    return sides


def judged_pair(networks: Sequence[Network], name: str) -> list[Network]:
    """One network with and one without dropout, as far as there are: of each the soundest, the
    last one of several."""
    return [min(reversed(side), key=_mistakes) for side in parted(networks, name) if side]


def _mistakes(network: Network) -> int:
    entries = [catalogue.get(one.misconception) for one in network.diagnosis.sightings]
    return sum(entry.severity == "E" or "dropout" in entry.code for entry in entries)
