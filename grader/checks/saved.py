"""Whether the trained model was saved to a file that brings it back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NoReturn

import numpy as np

from grader import data
from grader.checks.expectations import fail
from grader.checks.graded import GradedDigits
from grader.checks.trained import TrainedModel
from grader.records.evidence import Evidence, SaveEvent
from grader.records.submission import Submission
from grader.session import StudentFault

ROWS = 64
MOST_FILES = 6
SAME = 1e-3
"""How far outputs may differ: files keep float32 weights as they are."""
AGREE = 0.8
"""Of a checkpoint, which keeps the best epoch and not the last."""
NAMED = re.compile(r"""["']([^"'\n]{1,200}\.(?:keras|h5|hdf5))["']""")
EXPORTED = re.compile(r"""(?:\.export|saved_model\.save)\s*\([^()\n]*?["']([^"'\n]{1,200})["']""")


def saved_files(evidence: Evidence, model: int) -> list[SaveEvent]:
    """The files that this model was seen to be written to, the last one first."""
    written = [
        event
        for event in evidence.events
        if isinstance(event, SaveEvent)
        and event.how == "save"
        and event.fault is None
        and event.model == model
    ]
    return written[::-1]


def named_files(submission: Submission) -> list[str]:
    """Paths in the source: what callbacks write during a training, or exports, is not seen."""
    return [*NAMED.findall(submission.source), *EXPORTED.findall(submission.source)][:MOST_FILES]


def expect_saved(
    evidence: Evidence, submission: Submission, model: TrainedModel, graded: GradedDigits
) -> None:
    """Expect a file that, loaded again, predicts what the trained model predicts."""
    files = saved_files(evidence, model.facts.id)
    options: dict[str, Any] = {}
    if graded.feeding is not None:
        options["x"] = graded.feeding.apply(data.public_rows(graded.name, np.arange(ROWS)))
    refused: list[tuple[SaveEvent, StudentFault]] = []
    candidates: list[SaveEvent | str] = [*files[:MOST_FILES], *named_files(submission)]
    for file in candidates:
        path = file if isinstance(file, str) else file.path
        try:
            answer = model.probe("saved_file", path=path, **options)
        except StudentFault as fault:
            if not isinstance(file, str):
                refused.append((file, fault))
            continue
        if float(answer["difference"]) <= SAME or _is_checkpoint(answer, model):
            return
    if refused:
        _fail_with_fault(*refused[0])
    if files:
        _fail_with_other_weights(files[0], model)
    others = [e for e in evidence.events if isinstance(e, SaveEvent) and e.how == "save"]
    fail(
        observed="another model was saved, but not the one that was trained"
        if any(event.fault is None for event in others)
        else "no file of the trained model was written",
        expected="the trained model in a file",
        misconception="model-not-saved",
    )


def _is_checkpoint(answer: Mapping[str, Any], model: TrainedModel) -> bool:
    """Whether a callback wrote the file during the training, at its best epoch."""
    called = any("Checkpoint" in name for fit in model.fits for name in fit.callbacks)
    return called and float(answer["agreement"]) >= AGREE


def _fail_with_other_weights(file: SaveEvent, model: TrainedModel) -> NoReturn:
    early = bool(model.fits) and file.number < model.fits[-1].number
    fail(
        observed="the file holds the network as it was before it was trained to the end"
        if early
        else "the network in the file predicts otherwise than the one that was trained",
        expected="a file that, loaded again, predicts the same",
        misconception="model-not-saved",
        why="What is learned after the saving is not in the file.",
        next="Look at which line comes first, the training or the saving.",
        earned=0.5,
        cell=file.cell,
        line=file.line,
    )


def _fail_with_fault(file: SaveEvent, error: StudentFault) -> NoReturn:
    if error.limit is not None:
        raise error
    message = (error.fault.message.strip().splitlines() or [""])[0][:160]
    fail(
        observed=f"the file could not be loaded again: {message}",
        expected="a file that, loaded again, predicts the same",
        misconception="model-not-saved",
        why="A file that nobody can load keeps nothing.",
        next="Load the file yourself in a new cell and read what the error says.",
        earned=0.5,
        cell=file.cell,
        line=file.line,
    )
