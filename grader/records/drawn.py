"""What the pieces of evidence are made of, and what was drawn: lines, axes and their words."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

Text = Annotated[str, StringConstraints(max_length=4_000)]
Name = Annotated[str, StringConstraints(max_length=300)]
Number = float | None
"""A number, or None where there is none to be had (an empty array, NaN in a JSON file)."""
MOST_IN_OPTION = 8


def _option(value: Any) -> Any:
    if isinstance(value, list | tuple) and len(value) <= MOST_IN_OPTION:
        for item in value:
            _option(item)
    elif value is not None and not isinstance(value, bool | int | float | str):
        raise ValueError("an option is a number, a text, or a short list of them")
    elif isinstance(value, str) and len(value) > 300:
        raise ValueError("an option's text is short")
    return value


Option = Annotated[Any, AfterValidator(_option)]
"""What a layer was made with: a number, a text, a truth value, None, or a short list of these."""


class Plain(BaseModel):
    """The base of all evidence: frozen, nothing undeclared."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", arbitrary_types_allowed=True, defer_build=True
    )


class LineFacts(Plain):
    """One line of a figure: label, values (bounded), and the history key that it equals."""

    label: Name = ""
    y: tuple[Number, ...] = Field(default=(), max_length=2_000)
    points: int = 0
    key: Name | None = None


class AxesFacts(Plain):
    """One pair of axes. `images` counts pictures; `matrices` holds small images drawn (a confusion
    matrix as imshow, matshow or a heatmap), each a flat tuple with its shape. `picture` is the raw
    digit that a single picture shows. `coloured` holds (text, #rrggbb) of what is written in a
    colour that is no grey, and of a coloured frame ("")."""

    title: Text = ""
    xlabel: Text = ""
    ylabel: Text = ""
    legend: tuple[Name, ...] = Field(default=(), max_length=50)
    lines: tuple[LineFacts, ...] = Field(default=(), max_length=100)
    bars: int = 0
    images: int = 0
    texts: tuple[Name, ...] = Field(default=(), max_length=400)
    picture: int | None = None
    coloured: tuple[tuple[Name, Name], ...] = Field(default=(), max_length=400)
    matrices: tuple[tuple[tuple[int, ...], tuple[Number, ...]], ...] = Field(
        default=(), max_length=4
    )
