"""Mistakes with generators and random layers."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from grader.diagnosis.case import Case, Detector
from grader.diagnosis.facts import see
from grader.diagnosis.source import called, constant
from grader.records.evidence import WarningEvent
from grader.records.misconception import Sighting

GENERATOR = "ImageDataGenerator"
HARMLESS = {"validation_split", "data_format", "dtype", "rescale"}


def exceptions(case: Case) -> Iterator[Sighting]:
    """What a generator or fit refuses."""
    for broken in case.broken:
        message, place = broken.fault.message, broken.place
        if "should have rank 4" in message:
            told, expected = "the generator got arrays", "images with height, width and channels"
            yield see("augmentation-rank", f"{told} that are no pictures", expected, place)
        elif "`validation_split` is only supported for" in message:
            told = "validation_split was asked of a generator"
            expected = "arrays, or data that you split yourself"
            yield see("split-with-generator", told, expected, place)
        elif "'float' object cannot" in message and "steps_per_epoch" in _keywords(case):
            told, expected = "steps_per_epoch is a number with decimals", "a whole number"
            yield see("steps-per-epoch", told, expected, place)


def _keywords(case: Case) -> set[str]:
    return {pair.arg or "" for _, call in case.source.calls("fit") for pair in call.keywords}


def unused(case: Case) -> Iterator[Sighting]:
    """A generator that was made while every training got plain arrays."""
    made = [item for item, _ in case.source.calls(GENERATOR)]
    if not made or any(True for _ in case.source.calls("flow", "flow_from_directory")):
        return
    kinds = {fit.train.kind for fit in case.evidence.fits if fit.train}
    if kinds and kinds <= {"array", "tensor"}:
        observed = "a generator was made, but every training got plain arrays"
        expected = "training from the generator"
        yield see("augmentation-unused", observed, expected, case.fit_place)


def empty(case: Case) -> Iterator[Sighting]:
    """A generator that changes nothing, used for training all the same."""
    generators = list(case.source.calls(GENERATOR))
    if case.fit is None or case.fit.train is None or case.fit.train.kind != "generator":
        return
    if generators and all(_changes_nothing(call) for _, call in generators):
        place = generators[0][0].place
        yield see("augmentation-empty", "no change is asked for", "at least one change", place)


def _changes_nothing(call: ast.Call) -> bool:
    return not call.args and {pair.arg for pair in call.keywords} <= HARMLESS


def unfit(case: Case) -> Iterator[Sighting]:
    """Feature-wise options without statistics."""
    for event in case.evidence.events:
        if isinstance(event, WarningEvent) and "hasn't been fit on any training data" in (
            event.message
        ):
            made = case.source.call_place(GENERATOR)
            place = made if made[1] is not None else (event.cell, event.line)
            observed = "the generator has feature-wise options, but no statistics"
            yield see("featurewise-unfit", observed, "statistics of the training images", place)
            return


def breaking(case: Case) -> Iterator[Sighting]:
    """Flips and large rotations of digits."""
    told, expected = "mirrored or strongly turned pictures", "small rotations and shifts"
    for item, call in case.source.calls(GENERATOR, "RandomFlip", "RandomRotation"):
        name = called(call)
        options = {pair.arg: pair.value for pair in call.keywords if pair.arg}
        flips = any(
            isinstance(options.get(key), ast.Constant) and options[key].value is True  # type: ignore[attr-defined]
            for key in ("horizontal_flip", "vertical_flip")
        )
        turn = constant(options.get("rotation_range"))
        factor = constant(call.args[0] if call.args else options.get("factor"))
        if name == "RandomRotation" and factor is not None and abs(factor) > 0.13:
            flips = True
        if name == "RandomFlip" or flips or (turn is not None and abs(turn) > 45):
            yield see("digit-breaking-augmentation", told, expected, item.place)
            return


DETECTORS: tuple[Detector, ...] = (exceptions, unused, empty, unfit, breaking)
