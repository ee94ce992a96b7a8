"""What `lab.toml` and a rubric may say, and the messages when they say something else."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_core import PydanticCustomError

from grader.course.lines import line_of
from grader.course.toml_files import parse, read_text
from grader.errors import LabError
from grader.records.lab import Judged, Kind

Identifier = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
Positive = Annotated[float, Field(gt=0)]
PositiveInt = Annotated[int, Field(gt=0)]
Share = Annotated[float, Field(gt=0, le=1)]


class _Table(BaseModel):
    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, allow_inf_nan=False, defer_build=True
    )


class LimitsTable(_Table):
    """`[limits]`: the fields of `grader.records.lab.Limits`, all optional."""

    run_seconds: Positive | None = None
    call_seconds: Positive | None = None
    memory: PositiveInt | None = None
    processes: PositiveInt | None = None
    work_folder: PositiveInt | None = None
    tmp_folder: PositiveInt | None = None
    text_kept: PositiveInt | None = None
    text_ends_run: PositiveInt | None = None
    display: PositiveInt | None = None


class ValidationTable(_Table):
    """`[validation]`: the fields of `grader.records.lab.Validation`, all optional."""

    mutants: Annotated[int, Field(ge=0)] | None = None
    epochs: PositiveInt | None = None
    images: PositiveInt | None = None
    optimizer_asked: bool = False
    accuracy: Share | None = None


class AccuracyTable(_Table):
    """`[accuracy]`: the fields of `grader.records.lab.AccuracyRule`, all optional."""

    marks: Share | None = None
    shown: Share | None = None
    band: Annotated[float, Field(gt=0, le=0.25)] = 0.02
    of: Judged = "model"
    catches: list[str] = []
    reason: str = ""
    left_out: list[str] = []


class BudgetTable(_Table):
    """`[budget]`: the fields of `grader.records.lab.Budget`."""

    epochs: PositiveInt | None = None
    images: PositiveInt | None = None
    multiply_adds: PositiveInt | None = None
    trainings: PositiveInt = 1
    times: Annotated[float, Field(ge=1)] = 4.0

    @field_validator("multiply_adds")
    @classmethod
    def _needs_the_rest(cls, value: int | None, given: ValidationInfo) -> int | None:
        missing = [name for name in ("epochs", "images") if given.data.get(name) is None]
        if value is not None and missing:
            raise PydanticCustomError(
                "budget", "it counts only together with “epochs” and “images”"
            )
        return value


class LabFile(_Table):
    """`assignments/<lab>/lab.toml`."""

    title: Annotated[str, Field(min_length=1)]
    summary: str = ""
    data: str | None = None
    functions: list[Identifier] = []
    model_names: list[Identifier] = ["model"]
    seed: Annotated[int, Field(ge=0)] = 0
    cheap: bool = False
    kind: Kind = "code"
    limits: LimitsTable = LimitsTable()
    settings: dict[str, Any] = {}
    validation: ValidationTable = ValidationTable()
    accuracy: AccuracyTable = AccuracyTable()
    budget: BudgetTable = BudgetTable()


class RubricRow(_Table):
    """One `[[check]]` of a rubric. `hidden` checks may be missing from a release's folder."""

    id: Identifier
    points: Annotated[float, Field(ge=0)]
    hidden: bool = False


class LateTable(_Table):
    """`[late]` of a rubric: the fields of `grader.records.lab.LateRule`."""

    due: datetime
    grace_minutes: Annotated[float, Field(ge=0)] = 0.0
    percent_per_day: Annotated[float, Field(ge=0, le=100)]
    at_most_percent: Annotated[float, Field(ge=0, le=100)] = 100.0
    times: Literal["timestamps", "files"] = "timestamps"

    @field_validator("due")
    @classmethod
    def _names_its_zone(cls, value: datetime) -> datetime:
        if value.tzinfo is None:
            raise PydanticCustomError(
                "zone", "it names no time zone: write 2026-11-20T23:59:00+01:00, or Z for UTC"
            )
        return value


class Survivor(_Table):
    """A mutant, or a pattern of ids as in file names, that may earn full marks, and why."""

    mutant: Annotated[str, Field(min_length=1)]
    reason: Annotated[str, Field(min_length=10)]


class SurvivorsFile(_Table):
    """`assignments/<lab>/survivors.toml`."""

    survivor: list[Survivor] = []


class RubricFile(_Table):
    """`rubrics/<lab>.toml`."""

    total: Positive
    check: Annotated[list[RubricRow], Field(min_length=1)]
    late: LateTable | None = None


Model = TypeVar("Model", LabFile, RubricFile, SurvivorsFile)


def read_toml(path: Path, model: type[Model]) -> tuple[Model, str]:
    """Read and validate a TOML file; also give its text, to find lines in.

    Raises LabError naming file and line.
    """
    text = read_text(path)
    table = parse(path, text)
    try:
        return model.model_validate(table), text
    except ValidationError as error:
        message = _validation_message(path, text, error, model)
        raise LabError(message, hint="CONTRIBUTING.md says what may stand there.") from None


def _validation_message(
    path: Path, text: str, error: ValidationError, model: type[BaseModel]
) -> str:
    """Name one fault, with its line, and how many more there are."""
    faults = error.errors(include_url=False, include_context=False)
    # A misspelt key is both unknown and missing: the unknown one shows where.
    first, *others = sorted(faults, key=lambda fault: fault["type"] != "extra_forbidden")
    loc = first["loc"]
    key = ".".join(str(part + 1) if isinstance(part, int) else part for part in loc)
    line = line_of(text, loc)
    if first["type"] == "extra_forbidden":
        known = ", ".join(_known_keys(model, loc[:-1]))
        said = f"unknown key “{key}” (known here: {known})"
    elif first["type"] == "missing":
        said = f"“{key}” is missing"
    else:
        said = f"“{key}”: {first['msg'][:1].lower()}{first['msg'][1:]}"
    more = f" ({len(others)} more after this one)" if others else ""
    return f"{path}:{line}: {said}.{more}"


def _known_keys(model: type[BaseModel], loc: tuple[str | int, ...]) -> Mapping[str, Any]:
    """The keys that the table at `loc` may have."""
    tables: dict[str, type[BaseModel]] = {
        "limits": LimitsTable,
        "check": RubricRow,
        "late": LateTable,
        "validation": ValidationTable,
        "accuracy": AccuracyTable,
        "budget": BudgetTable,
    }
    for part in loc:
        if isinstance(part, str) and part in tables:
            model = tables[part]
    return model.model_fields
