"""Name the mistakes of a submission from what its run showed.

A detector is a function from a `Case` to sightings. What the recorder saw comes first, then the
model's configuration, then probes, and the source mostly for the place. A mistake of severity E is
named only where the evidence leaves no honest reading; a doubt is silence.
"""

from __future__ import annotations

from grader import catalogue
from grader.diagnosis import (
    augmentation,
    broadcasting,
    data,
    evaluation,
    labels,
    legacy,
    model,
    rows,
    shapes,
    stale,
    style,
    training,
)
from grader.diagnosis.case import Case, Detector, Probes
from grader.records.evidence import Evidence
from grader.records.misconception import STAGES, Sighting
from grader.records.result import Finding
from grader.records.submission import Submission

CONSEQUENCES: dict[str, tuple[str, ...]] = {
    "in-place-divide": ("no-scaling", "train-only-scaling", "scaled-copy-unused"),
    "uint8-overflow": ("no-scaling",),
    "no-scaling": ("learning-rate-high",),
    "overwritten-split": ("labels-misaligned",),
    "scrambled-reshape": ("labels-misaligned",),
    "metrics-as-loss-weights": ("metrics-missing",),
    "wrong-class-count": ("integers-with-categorical-loss",),
}
"""What a mistake brings with it: mended together with its cause, so not worth a word of its own."""
CURVES = {"too-few-epochs", "overfitting", "learning-rate-low", "adadelta-default"}
"""What a curve shows says nothing while the training itself is wrong."""

DETECTORS: tuple[Detector, ...] = (
    *rows.DETECTORS,
    *data.DETECTORS,
    *labels.DETECTORS,
    *shapes.DETECTORS,
    *model.DETECTORS,
    *training.DETECTORS,
    *augmentation.DETECTORS,
    *evaluation.DETECTORS,
    *broadcasting.DETECTORS,
    *legacy.DETECTORS,
    *style.DETECTORS,
    *stale.DETECTORS,
)


def diagnose(
    submission: Submission, evidence: Evidence, model_id: int | None, probes: Probes
) -> tuple[Sighting, ...]:
    """Every mistake seen, each code once, what to mend first coming first.

    `model_id` is the model to judge (None: the last one trained, else the last one made);
    `probes` are the answers of `grader.inside.probes` by the probe's name.
    """
    case = Case(submission, evidence, model_id, probes)
    found: dict[str, Sighting] = {}
    for detector in DETECTORS:
        for sighting in detector(case):
            found.setdefault(sighting.misconception, sighting)
    return tuple(sorted(_causes(found), key=_rank))


def _causes(found: dict[str, Sighting]) -> list[Sighting]:
    """The sightings without those that only follow from another one."""
    follows = {code for cause in found for code in CONSEQUENCES.get(cause, ())}
    grave = [entry for entry in map(catalogue.get, found) if entry.severity == "E"]
    if any(STAGES.index(entry.stage) <= STAGES.index("learning") for entry in grave):
        follows |= CURVES
    return [sighting for code, sighting in found.items() if code not in follows]


def root_cause(sightings: tuple[Sighting, ...]) -> Sighting | None:
    """The first mistake that costs marks, if there is one."""
    costly = (s for s in sightings if catalogue.get(s.misconception).severity == "E")
    return next(costly, None)


def message(seen: str, why: str) -> str:
    """What a finding says: what was seen, then why it matters."""
    return f"{seen}. {why}"


def to_finding(sighting: Sighting) -> Finding:
    """The sighting as it stands in a result: what was seen, then why it matters."""
    entry = catalogue.get(sighting.misconception)
    seen = sighting.observed
    if seen.split(" ")[0].isalpha():
        seen = seen[:1].upper() + seen[1:]
    return Finding(
        misconception=entry.code,
        severity=entry.severity,
        certainty=sighting.certainty,
        message=message(seen, entry.why),
        cell=sighting.cell,
        line=sighting.line,
    )


def _rank(sighting: Sighting) -> tuple[int, int, int]:
    rank = catalogue.priority(sighting.misconception)
    return rank, sighting.cell or 0, sighting.line or 0
