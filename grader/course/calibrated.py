"""A lab's `calibration.toml`: the accuracy that marks, and the runs that it was made from."""

from __future__ import annotations

import tomllib
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from grader.errors import LabError

NAME = "calibration.toml"


class Kept(BaseModel):
    """One answer's accuracies by seed, and under which versions they were measured."""

    model_config = ConfigDict(extra="allow", frozen=True)

    name: str
    right: bool
    seeds: tuple[int, ...]
    accuracies: tuple[float, ...]


class CalibrationFile(BaseModel):
    """What is read back from the file."""

    model_config = ConfigDict(extra="allow", frozen=True)

    threshold: dict[str, float] = Field(default_factory=dict)
    versions: dict[str, str] = Field(default_factory=dict)
    answer: tuple[Kept, ...] = ()


def thresholds(folder: Path) -> dict[str, float]:
    """`accuracy_marks` and `accuracy_shown` of a calibrated lab; nothing for any other.

    Raises LabError for a file that is none.
    """
    kept = read(folder)
    return {f"accuracy_{name}": value for name, value in kept.threshold.items()}


def read(folder: Path) -> CalibrationFile:
    """The lab's calibration, empty where there is none. Raises LabError for a file that is none."""
    path = folder / NAME
    if not path.is_file():
        return CalibrationFile()
    try:
        return CalibrationFile.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, ValidationError) as error:
        said = " ".join(str(error).split())[:200]
        raise LabError(f"{path}: {said}", hint="Remove it, and calibrate anew.") from None
