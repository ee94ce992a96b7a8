"""What a report shows beside the Result: curves, confusions, pictures, layers and notes.

Plain values only, so that a report can be drawn again from saved JSON without running anything.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
from pydantic import TypeAdapter

from grader.records.evidence import Fault
from grader.records.lab import Kind
from grader.records.result import CHECKED

SCHEMA = "grader.exhibits/1"
MAX_PICTURES = 25
MAX_SIDE = 256
"""Pixels: the longest side of a picture that a report shows."""

Numbers = tuple[float | None, ...]


@dataclass(frozen=True)
class Curves:
    """One training: its label and a value an epoch for each key (`loss`, `val_loss`, …)."""

    __pydantic_config__ = CHECKED

    label: str
    values: Mapping[str, Numbers]


@dataclass(frozen=True, eq=False)
class Mistaken:
    """A picture that the model got wrong.

    `image` is uint8 of shape (h, w), 255 is ink; `truth` and `predicted` are class numbers;
    `confidence` is the model's probability for its answer, 0 to 1, None where it gave none.
    """

    __pydantic_config__ = CHECKED

    image: np.ndarray
    truth: int
    predicted: int
    confidence: float | None = None

    def __post_init__(self) -> None:
        """Raises ValueError for a picture that is not uint8 (h, w), or too large."""
        if self.image.ndim != 2 or self.image.dtype != np.uint8:
            raise ValueError(
                f"a picture is uint8 (h, w), not {self.image.dtype} {self.image.shape}"
            )
        if not 0 < min(self.image.shape) <= max(self.image.shape) <= MAX_SIDE:
            raise ValueError(f"a picture has 1 to {MAX_SIDE} pixels a side, not {self.image.shape}")

    def __eq__(self, other: object) -> bool:
        """Equal in every pixel and every field."""
        return isinstance(other, Mistaken) and self.to_json() == other.to_json()

    def __hash__(self) -> int:
        """Fits `__eq__`."""
        return hash((self.image.tobytes(), self.truth, self.predicted))

    def to_json(self) -> dict[str, Any]:
        """The picture as base64 of its rows, with its shape."""
        pixels = base64.b64encode(np.ascontiguousarray(self.image).tobytes()).decode("ascii")
        return {
            "shape": list(self.image.shape),
            "pixels": pixels,
            "truth": self.truth,
            "predicted": self.predicted,
            "confidence": self.confidence,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Mistaken:
        """The inverse of `to_json`. Raises ValueError where the pixels do not fill the shape."""
        height, width = data["shape"]
        pixels = np.frombuffer(base64.b64decode(data["pixels"], validate=True), dtype=np.uint8)
        image = pixels.reshape(int(height), int(width))
        return cls(image, int(data["truth"]), int(data["predicted"]), data["confidence"])


@dataclass(frozen=True)
class LayerRow:
    """One line of the layers table. `output_shape` holds None for the batch."""

    __pydantic_config__ = CHECKED

    name: str
    kind: str
    output_shape: tuple[int | None, ...] | None
    parameters: int
    activation: str | None = None


@dataclass(frozen=True)
class Exhibits:
    """All that a report shows and a Result does not hold.

    `title` is the lab's. `class_names` name the classes where numbers do not do.
    `confusion` has true classes in rows, predicted ones in columns. `mistaken` holds up to 25 of
    the `mistaken_total` pictures that the model got wrong. `accuracy` is the figure as shown and
    `accuracy_how` says what it was measured on. `faults` are the exceptions of the submission's
    cells. `notes` say what was capped or left out. `hints` are up to three layers by misconception,
    from the idea to the place. `next_steps` close the report. `limits` are the bounds that held
    (the fields of `Limits`: seconds, bytes, counts). Of the `kind` answers, each check explains
    itself in its place; `unmarked` says that they wait for a person, so that there is no score to
    show, and `waiting` which checks have an answer without a mark.
    """

    __pydantic_config__ = CHECKED

    title: str = ""
    class_names: tuple[str, ...] = ()
    curves: tuple[Curves, ...] = ()
    confusion: tuple[tuple[int, ...], ...] | None = None
    mistaken: tuple[Mistaken, ...] = ()
    mistaken_total: int | None = None
    layers: tuple[LayerRow, ...] = ()
    accuracy: str | None = None
    accuracy_how: str | None = None
    faults: tuple[Fault, ...] = ()
    notes: tuple[str, ...] = ()
    hints: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    next_steps: tuple[str, ...] = ()
    limits: Mapping[str, float] = field(default_factory=dict)
    kind: Kind = "code"
    unmarked: bool = False
    waiting: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Raises ValueError for too many pictures or a matrix that is not square."""
        if len(self.mistaken) > MAX_PICTURES:
            raise ValueError(f"at most {MAX_PICTURES} pictures, not {len(self.mistaken)}")
        if self.confusion is not None:
            side = len(self.confusion)
            if side == 0 or any(len(row) != side for row in self.confusion):
                raise ValueError("a confusion matrix is square and not empty")

    def class_name(self, number: int) -> str:
        """The name of a class, or its number where it has none."""
        named = 0 <= number < len(self.class_names)
        return self.class_names[number] if named else str(number)

    def to_json(self) -> dict[str, Any]:
        """The exhibits as JSON values; `from_json` reads them back."""
        return {
            "schema": SCHEMA,
            "title": self.title,
            "class_names": list(self.class_names),
            "curves": [
                {"label": curves.label, "values": {k: list(v) for k, v in curves.values.items()}}
                for curves in self.curves
            ],
            "confusion": None if self.confusion is None else [list(row) for row in self.confusion],
            "mistaken": [picture.to_json() for picture in self.mistaken],
            "mistaken_total": self.mistaken_total,
            "layers": [
                {**row.__dict__, "output_shape": row.output_shape and list(row.output_shape)}
                for row in self.layers
            ],
            "accuracy": self.accuracy,
            "accuracy_how": self.accuracy_how,
            "faults": [fault.model_dump(mode="json") for fault in self.faults],
            "notes": list(self.notes),
            "hints": {code: list(layers) for code, layers in self.hints.items()},
            "next_steps": list(self.next_steps),
            "limits": dict(self.limits),
            "kind": self.kind,
            "unmarked": self.unmarked,
            "waiting": list(self.waiting),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Exhibits:
        """Reads what `to_json` wrote. Raises ValueError, KeyError or TypeError on anything else."""
        if data.get("schema") != SCHEMA:
            raise ValueError(f"exhibits of schema {SCHEMA} are wanted, not {data.get('schema')!r}")
        confusion = data["confusion"]
        found = cls(
            title=data["title"],
            class_names=tuple(data["class_names"]),
            curves=tuple(_curves(item) for item in data["curves"]),
            confusion=None if confusion is None else tuple(tuple(row) for row in confusion),
            mistaken=tuple(Mistaken.from_json(item) for item in data["mistaken"]),
            mistaken_total=data["mistaken_total"],
            layers=tuple(_layer(item) for item in data["layers"]),
            accuracy=data["accuracy"],
            accuracy_how=data["accuracy_how"],
            faults=tuple(Fault.model_validate(item) for item in data["faults"]),
            notes=tuple(data["notes"]),
            hints={code: tuple(layers) for code, layers in data["hints"].items()},
            next_steps=tuple(data["next_steps"]),
            limits=dict(data["limits"]),
            kind=data.get("kind", "code"),
            unmarked=data.get("unmarked", False),
            waiting=tuple(data.get("waiting", ())),
        )
        _checker().validate_python(found, strict=True)
        return found


@cache
def _checker() -> TypeAdapter[Exhibits]:
    return TypeAdapter(Exhibits)


def _curves(data: Mapping[str, Any]) -> Curves:
    return Curves(data["label"], {key: tuple(values) for key, values in data["values"].items()})


def _layer(data: Mapping[str, Any]) -> LayerRow:
    shape = data["output_shape"]
    return LayerRow(**{**data, "output_shape": None if shape is None else tuple(shape)})
