"""A lab's `calibration.toml`: the accuracy that marks, and the runs that it was made from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from grader.course.schema import AccuracyTable, Share
from grader.course.toml_files import parse, read_text
from grader.errors import LabError
from grader.records.lab import AccuracyRule

NAME = "calibration.toml"
UNFINISHED = "calibration.part.toml"
"""The runs of a calibration that has not come to its end: they mark nothing yet."""
_ANEW = "Remove it, and calibrate anew."


class _Part(BaseModel):
    model_config = ConfigDict(extra="allow", frozen=True)


class Kept(_Part):
    """One answer's accuracies by seed, of the source with this hash."""

    name: str
    right: bool
    sha256: str = ""
    seeds: tuple[int, ...]
    accuracies: tuple[float, ...]

    @model_validator(mode="after")
    def _pair(self) -> Kept:
        if len(self.seeds) != len(self.accuracies):
            raise ValueError(f"{self.name} has {len(self.seeds)} seeds and not as many accuracies")
        return self


class KeptThreshold(_Part):
    """What was concluded from the runs."""

    marks: Share
    shown: Share
    band: Share = 0.02


class CalibrationFile(_Part):
    """What is read back from the file; `versions` and `conditions` are what the runs hung on."""

    threshold: KeptThreshold | None = None
    versions: dict[str, str] = Field(default_factory=dict)
    conditions: dict[str, str] = Field(default_factory=dict)
    answer: tuple[Kept, ...] = ()


def accuracy_rule(folder: Path, table: AccuracyTable) -> AccuracyRule:
    """What a lab asks of the accuracy: `[accuracy]` of its lab.toml, and where it was calibrated,
    the numbers that were measured in place of those.

    Raises LabError for a calibration that cannot be read, and where students would read of less
    than what marks.
    """
    numbers = table.model_dump()
    kept = read(folder / NAME).threshold
    if kept is not None:
        numbers |= {"marks": kept.marks, "shown": kept.shown, "band": kept.band}
    numbers["catches"], numbers["left_out"] = tuple(table.catches), tuple(table.left_out)
    rule = AccuracyRule(**numbers)
    if rule.marks is not None and (rule.shown is None or rule.shown < rule.marks):
        raise LabError(
            f"{folder / 'lab.toml'}: [accuracy] has no “shown” that is at least “marks”.",
            hint="Students read “shown”: make it a little stricter than what marks.",
        )
    return rule


def differences(kept: CalibrationFile, now: Mapping[str, str]) -> list[str]:
    """In words, what is no longer as it was when the runs were made; nothing where there are none.

    `now` holds versions, and conditions too if those are to be compared. A Python that mends faults
    alone trains no network otherwise.
    """
    before = {**kept.conditions, **kept.versions}
    names = now if kept.answer else ()
    return [
        f"{name} was {before.get(name, 'unknown')} and is {now[name]}"
        for name in sorted(names)
        if _telling(name, before.get(name, "")) != _telling(name, now[name])
    ]


def _telling(name: str, version: str) -> str:
    """What of a version may change an accuracy: of Python's, 3.11 in place of 3.11.2."""
    return ".".join(version.split(".")[:2]) if name == "python" else version


def read(path: Path) -> CalibrationFile:
    """What a calibration left, empty where there is none. Raises LabError for a file that is no
    calibration."""
    if not path.is_file():
        return CalibrationFile()
    try:
        return CalibrationFile.model_validate(parse(path, read_text(path)))
    except LabError as error:
        raise LabError(error.message, hint=_ANEW) from None
    except ValidationError as error:
        said = " ".join(str(error).split())[:200]
        raise LabError(f"{path}: {said}", hint=_ANEW) from None
