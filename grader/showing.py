"""Collect what a report shows beside the result: curves, confusions, wrong digits, layers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import numpy as np

from grader import catalogue
from grader.checks.graded import GradedDigits, Predictions
from grader.checks.shortened import told
from grader.checks.subject import Subject
from grader.errors import SessionClosed
from grader.records.exhibits import MAX_PICTURES, Curves, Exhibits, LayerRow, Mistaken
from grader.records.lab import Lab
from grader.records.result import CheckResult, Finding, Outcome
from grader.session import StudentFault

HOW = {
    "graded": "measured on {count:,} digits that your program never had, "
    "fed the way you feed yours",
    "own-test": "measured on {count:,} test images as your own file prepares them, because no way "
    "of preparing new digits was recognised in it",
    "none": "",
}


def exhibits_of(
    subject: Subject, checks: Sequence[CheckResult], findings: Sequence[Finding]
) -> Exhibits:
    """What there is to show of one submission; whatever cannot be had is left out."""
    if subject.lab.kind == "answers":
        return _of_answers(subject, checks)
    graded, found = subject.graded, predictions_of(subject)
    return Exhibits(
        title=subject.lab.title,
        curves=_curves(subject),
        confusion=_confusion(subject) if found is not None else None,
        mistaken=_mistaken(found) if found is not None else (),
        mistaken_total=_wrong(found) if found is not None else None,
        layers=_layers(subject),
        accuracy=f"{graded.accuracy:.2%}" if graded and found is not None else None,
        accuracy_how=_how(graded) if graded and found else None,
        faults=tuple(cell.fault for cell in subject.evidence.cells if cell.fault is not None),
        notes=(*told(subject.evidence), *subject.submission.notes),
        hints=hints_for(checks, findings),
        limits=limits_of(subject.lab),
    )


def _how(graded: GradedDigits) -> str:
    after = ", after a training that was shortened" if graded.shortened else ""
    return HOW[graded.how].format(count=graded.count) + after


def _of_answers(subject: Subject, checks: Sequence[CheckResult]) -> Exhibits:
    sheet = subject.sheet
    skipped = [check.id for check in checks if check.outcome is Outcome.SKIPPED]
    return Exhibits(
        title=subject.lab.title,
        kind="answers",
        unmarked=sheet.unmarked,
        waiting=tuple(id for id in skipped if id in sheet.answered),
        notes=(*subject.submission.notes, *sheet.notes),
    )


def limits_of(lab: Lab) -> dict[str, float]:
    """The bounds that held, by their names in `Limits`."""
    return {name: bound for name, bound in asdict(lab.limits).items() if bound is not None}


def predictions_of(subject: Subject) -> Predictions | None:
    """The answers to the graded digits, or None where there is no model that can be asked."""
    if subject.graded is None:
        return None
    try:
        return subject.graded.predictions
    except (StudentFault, SessionClosed):
        return None


def _curves(subject: Subject) -> tuple[Curves, ...]:
    fits = [fit for fit in subject.evidence.fits if fit.history]
    several = len({fit.model for fit in fits}) > 1 or len(fits) > 1
    return tuple(
        Curves(f"Training {number}" if several else "Training", dict(fit.history))
        for number, fit in enumerate(fits[:6], start=1)
    )


def _confusion(subject: Subject) -> tuple[tuple[int, ...], ...] | None:
    table = subject.graded.confusion if subject.graded else None
    return None if table is None else tuple(tuple(row) for row in table.tolist())


def _wrong(found: Predictions) -> int:
    return int((found.predicted != found.truth).sum())


def _mistaken(found: Predictions) -> tuple[Mistaken, ...]:
    wrong = np.flatnonzero(found.predicted != found.truth)
    if found.confidence is not None:
        wrong = wrong[np.argsort(-found.confidence[wrong], kind="stable")]
    return tuple(
        Mistaken(
            np.ascontiguousarray(found.images[i]),
            int(found.truth[i]),
            int(found.predicted[i]),
            None if found.confidence is None else round(float(found.confidence[i]), 4),
        )
        for i in wrong[:MAX_PICTURES]
    )


def _layers(subject: Subject) -> tuple[LayerRow, ...]:
    if subject.trained is None:
        return ()
    return tuple(
        LayerRow(layer.name, layer.kind, layer.output_shape, layer.parameters, layer.activation)
        for layer in subject.trained.facts.layers
    )


def hints_for(
    checks: Sequence[CheckResult], findings: Sequence[Finding]
) -> dict[str, tuple[str, ...]]:
    """The layered hints of every mistake that a check or a finding names, by its code."""
    codes = [check.misconception for check in checks if check.misconception is not None]
    codes += [finding.misconception for finding in findings]
    return {code: catalogue.get(code).hints for code in dict.fromkeys(codes)}
