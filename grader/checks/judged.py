"""Whose accuracy counts in a lab: the same network for the check, further runs and calibration."""

from __future__ import annotations

from dataclasses import dataclass

from grader.checks.diagnosis import Diagnosis
from grader.checks.dropout import judged_pair
from grader.checks.graded import GradedDigits
from grader.checks.networks import Network
from grader.checks.subject import Subject
from grader.checks.threshold import Measured
from grader.errors import LabError


@dataclass(frozen=True)
class Judged:
    """A network's answers to the graded digits, and the mistakes that were seen of it."""

    graded: GradedDigits
    diagnosis: Diagnosis


def judged(subject: Subject) -> Judged:
    """What `of` in `[accuracy]` of lab.toml names.

    Fails the check where nothing was trained. Raises LabError in a lab without data.
    """
    if subject.lab.data is None:
        raise LabError(
            f"{subject.lab.id} names no data set, so there are no digits to recognise.",
            hint='Say data = "…" in lab.toml.',
        )
    of = subject.lab.accuracy.of
    if of == "best" and (asked := [one for one in subject.networks if one.graded.count]):
        return _of(max(asked, key=_accuracy))
    if of == "dropout-pair" and (pair := judged_pair(subject.networks, subject.lab.data)):
        return _of(min(pair, key=_accuracy))
    assert subject.model is not None
    assert subject.graded is not None
    return Judged(subject.graded, Diagnosis(subject.sightings))


def measured(subject: Subject) -> Measured | None:
    """The accuracy that counts, or None where there is none to be had."""
    if subject.trained is None:
        return None
    found = judged(subject).graded.measured
    return found if found.count else None


def _of(network: Network) -> Judged:
    return Judged(network.graded, network.diagnosis)


def _accuracy(network: Network) -> float:
    return network.graded.measured.accuracy
