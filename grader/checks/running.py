"""Whether a submission ran and trained, and if not, why: for labs that train a network."""

from __future__ import annotations

from typing import NoReturn

import pytest

from grader import catalogue
from grader.checks.diagnosis import Diagnosis
from grader.checks.expectations import expect, fail
from grader.gist import gist
from grader.records.evidence import Evidence, Fault, ModelFacts
from grader.records.misconception import Sighting
from grader.roles import attempted_model, choose_model
from grader.titles import NEEDS

SLIPS = {"NameError", "SyntaxError", "IndentationError", "ImportError", "ModuleNotFoundError"}
LIMITS = {
    "time": "it took longer than this lab allows",
    "memory": "it used more memory than this lab allows",
    "output": "it printed more than this lab allows",
}
NOT_TRAINED = f"{NEEDS} a network that was trained"


def judged_network(
    evidence: Evidence, names: tuple[str, ...] = (), classes: int | None = None
) -> ModelFacts | None:
    """The network that was trained, or the one whose training was tried last, or None."""
    trained = choose_model(evidence, names, classes)
    if trained is not None:
        return trained
    tried = attempted_model(evidence)
    return next((facts for facts in evidence.models if facts.id == tried), None)


def tried_network(
    evidence: Evidence, names: tuple[str, ...] = (), classes: int | None = None
) -> ModelFacts:
    """The same; the check is skipped where no training was tried."""
    facts = judged_network(evidence, names, classes)
    if facts is None or not (facts.trained or evidence.fits):
        pytest.skip(NOT_TRAINED)
    return facts


def expect_finished(evidence: Evidence, diagnosis: Diagnosis) -> None:
    """Expect that the program ran to its last cell, and each cell without an error."""
    expect(
        evidence.finished and evidence.limit is None,
        observed="your program was stopped: "
        + LIMITS.get(evidence.limit or "", "it ended before its last cell"),
        expected="a program that runs to its last cell",
        why="What comes after that point was never run.",
        next="Train on fewer pictures or for fewer epochs, and print less, until it fits.",
    )
    broken = next((cell for cell in evidence.cells if not cell.ok), None)
    if broken is not None and broken.fault is not None:
        fail_with_fault(broken.fault, diagnosis, expected="every cell runs without an error")


def expect_trained(
    evidence: Evidence,
    diagnosis: Diagnosis,
    names: tuple[str, ...] = (),
    classes: int | None = None,
) -> None:
    """Expect that a network was trained to the end, with weights that can change."""
    if choose_model(evidence, names, classes) is not None:
        diagnosis.expect_none("frozen-model")
        return
    tried = [fit.fault for fit in evidence.fits if fit.fault is not None]
    broken = [cell.fault for cell in evidence.cells if cell.fault is not None]
    if tried or broken:
        fail_with_fault((tried or broken)[0], diagnosis, expected="a training that runs to its end")
    diagnosis.expect_none("never-fitted")
    fail(
        observed="no network was trained"
        if evidence.models
        else "no network of Keras or scikit-learn was trained",
        expected="a network that learns from the training pictures",
        misconception="never-fitted" if evidence.models else None,
        why=None
        if evidence.models
        else "All that follows asks the network about pictures, and loose arrays or variables "
        "cannot be asked.",
        next=None
        if evidence.models
        else "Begin with the first task. If you wrote the layers yourself, make a Keras model of "
        "them.",
    )


def cause_of(fault: Fault, diagnosis: Diagnosis) -> Sighting | None:
    """The mistake that explains an exception, or None."""
    for sighting in diagnosis.sightings:
        entry = catalogue.get(sighting.misconception)
        near = sighting.cell == fault.cell and sighting.line == fault.line
        if fault.type in SLIPS:
            if near and entry.stage in ("exception", "style", "scale"):
                return sighting
        elif (entry.severity == "E" and (near or entry.stage in _stages_behind(fault))) or (
            near and entry.stage == "exception"
        ):
            return sighting
    return None


def _stages_behind(fault: Fault) -> tuple[str, ...]:
    """Stages whose mistakes can raise an exception somewhere else than where they were made."""
    counts_differ = "cardinality" in fault.message or "inconsistent numbers" in fault.message
    behind = ("exception", "labels", "pairing")
    return (*behind, "alignment") if counts_differ else behind


def fail_with_fault(fault: Fault, diagnosis: Diagnosis, *, expected: str) -> NoReturn:
    """Fail with an exception of the student's code, or with its cause where that is known."""
    where = "the program" if fault.cell is None else f"cell {fault.cell}"
    stopped = f"{where} stopped with {fault.type}"
    cause = cause_of(fault, diagnosis)
    if cause is not None:
        fail(
            observed=f"{stopped}: {cause.observed}",
            expected=cause.expected,
            misconception=cause.misconception,
            cell=cause.cell,
            line=cause.line,
        )
    fail(
        observed=f"{stopped}: {gist(fault.message)}".strip(": "),
        expected=expected,
        why="What comes after an error works with things that were never made.",
        next="Read the last line of the error first; it names what went wrong.",
        cell=fault.cell,
        line=fault.line,
    )
