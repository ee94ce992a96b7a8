"""Figures that show many pictures with labels: how many, what is written, and in which colour."""

from __future__ import annotations

import colorsys
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from grader.records.drawn import AxesFacts
from grader.records.evidence import Evidence, FigureEvent

Hue = Literal["blue", "red", "green", "another colour", "several colours"]

DIGIT = re.compile(r"(?<![\d.,])\d(?!\d|[.,]\d|\s?%)")
"""A digit that stands alone: no part of a longer number, of a fraction or of a percentage."""
MANY_TEXTS = 10


@dataclass(frozen=True)
class Labelled:
    """One picture: what is written at it, in which colour, and the raw digit (row) it shows."""

    text: str
    hue: Hue | None = None
    row: int | None = None

    @property
    def digits(self) -> tuple[int, ...]:
        """The class numbers in the label, in their order."""
        return tuple(int(digit) for digit in DIGIT.findall(self.text))


def pictures_of(figure: FigureEvent) -> list[Labelled]:
    """The pictures of a figure: one for each pair of axes, or for each text on a mosaic."""
    shown = [axes for axes in figure.axes if axes.images and not axes.matrices]
    return [picture for axes in shown for picture in _in(axes)]


def largest_grid(evidence: Evidence) -> tuple[FigureEvent | None, list[Labelled]]:
    """The figure with the most pictures, the last of several, and its pictures."""
    found: tuple[FigureEvent | None, list[Labelled]] = (None, [])
    for figure in evidence.figures:
        pictures = pictures_of(figure)
        if pictures and len(pictures) >= len(found[1]):
            found = figure, pictures
    return found


def judged_right(pictures: Sequence[Labelled], truths: Sequence[int | None]) -> list[bool | None]:
    """Whether each label tells of a right prediction; None where that cannot be told.

    Two digits in a label are the prediction and the truth. A single digit is the prediction, and
    `truths` has the picture's class, unless all of them are the truth and tell nothing.
    """
    found: list[bool | None] = []
    for picture, truth in zip(pictures, truths, strict=True):
        digits = picture.digits
        if len(digits) == 2:
            found.append(digits[0] == digits[1])
        else:
            found.append(digits[0] == truth if len(digits) == 1 and truth is not None else None)
    lone = [len(picture.digits) == 1 for picture in pictures]
    if not any(right is False and alone for right, alone in zip(found, lone, strict=True)):
        return [None if alone else right for right, alone in zip(found, lone, strict=True)]
    return found


def hue_of(colour: str) -> Hue:
    """The name of a colour `#rrggbb` that is no grey."""
    try:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    except ValueError:
        return "another colour"
    degrees = 360 * colorsys.rgb_to_hls(*parts)[0]
    if degrees <= 18 or degrees >= 330:
        return "red"
    if 188 <= degrees <= 275:
        return "blue"
    return "green" if 75 <= degrees <= 170 else "another colour"


def _in(axes: AxesFacts) -> Iterator[Labelled]:
    written = [text for text in axes.texts if DIGIT.search(text)]
    if axes.picture is None and len(written) >= MANY_TEXTS:
        yield from _on_a_mosaic(axes, written)
        return
    hues = {hue_of(colour) for _, colour in axes.coloured}
    words = " ".join([axes.title, axes.xlabel, axes.ylabel, *axes.texts]).strip()
    hue = None if not hues else hues.pop() if len(hues) == 1 else "several colours"
    yield Labelled(words, hue, axes.picture)


def _on_a_mosaic(axes: AxesFacts, written: Sequence[str]) -> Iterator[Labelled]:
    left = Counter(written)
    for text, colour in axes.coloured:
        if left[text] > 0:
            left[text] -= 1
            yield Labelled(text, hue_of(colour))
    for text in left.elements():
        yield Labelled(text)
