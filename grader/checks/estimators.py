"""Find the estimator of scikit-learn that a lab asks for, also where others were trained beside."""

from __future__ import annotations

from collections.abc import Iterator

from grader.records.evidence import ArrayFacts, Evidence, FitEvent, ModelFacts, UseEvent
from grader.records.submission import Submission

WRAPPERS = {"GridSearchCV", "RandomizedSearchCV", "OneVsRestClassifier", "BaggingClassifier"}
"""What trains another estimator inside, which the evidence does not name."""


def trained_estimator(
    evidence: Evidence, submission: Submission, kind: str
) -> tuple[ModelFacts, FitEvent] | None:
    """The estimator of a kind that was trained last, by itself or in a pipeline, and its fit.

    One that others wrap counts where the source names the kind.
    """
    wrapped = WRAPPERS if kind in submission.source else set()
    found = [
        facts
        for facts in evidence.models
        if facts.trained
        and any(
            name.startswith(kind) or name in wrapped
            for name in (facts.kind, *(step.kind for step in facts.layers))
        )
    ]
    for facts in sorted(found, key=lambda facts: facts.order, reverse=True):
        fits = [fit for fit in evidence.fits if fit.model == facts.id and fit.fault is None]
        if fits and fits[-1].train is not None and fits[-1].train.x is not None:
            return facts, fits[-1]
    return None


def asked_anew(evidence: Evidence, facts: ModelFacts, fit: FitEvent) -> Iterator[UseEvent]:
    """Uses of a model on rows that its training `fit` did not have.

    A few rows from the head of the data set count as learned where the training began there.
    """
    learned = fit.train.x if fit.train else None
    for use in evidence.uses:
        x = use.feed.x if use.feed is not None else None
        if use.model != facts.id or use.fault is not None or x is None or learned is None:
            continue
        if x.fingerprint != learned.fingerprint and not _is_head_of(x, learned):
            yield use


def _is_head_of(x: ArrayFacts, learned: ArrayFacts) -> bool:
    """Whether both begin with the first digit of the same half, and `x` is the shorter one."""
    of, by = x.origin, learned.origin
    if of is None or by is None or not (of.in_order and by.in_order):
        return False
    return x.shape[:1] < learned.shape[:1] and (of.test > 0) == (by.test > 0)
