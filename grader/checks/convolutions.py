"""What makes a network a convolutional one: layers that slide over the picture, and pooling."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from grader.diagnosis.facts import OPEN_KINDS
from grader.records.evidence import LayerFacts, ModelFacts
from grader.records.submission import Submission

CONVOLUTION = re.compile(r"conv", re.I)
POOLING = re.compile(r"pool", re.I)
BARE = re.compile(r"\bconv(?:2d|_2d|olution)?\s*\(", re.I)
BARE_POOLING = re.compile(r"pool|stride", re.I)


def slides(layer: LayerFacts) -> bool:
    """Whether a convolution looks at neighbouring pixels, and at less than the whole picture."""
    if not CONVOLUTION.search(layer.kind):
        return False
    kernel = _sizes(layer.options.get("kernel_size"))
    height_width = [size for size in (layer.input_shape or ())[1:-1] if size is not None]
    if kernel and max(kernel) <= 1:
        return False
    if len(kernel) != len(height_width) or not kernel:
        return True
    return any(part < whole for part, whole in zip(kernel, height_width, strict=True))


def convolutions(facts: ModelFacts) -> list[int]:
    """The places of the layers that slide over the picture."""
    return [place for place, layer in enumerate(facts.layers) if slides(layer)]


def pools(facts: ModelFacts, first: int) -> bool:
    """Whether something makes the picture smaller from the first convolution on."""
    for layer in facts.layers[first:]:
        if POOLING.search(layer.kind):
            sizes = _sizes(layer.options.get("pool_size"))
            if "Global" in layer.kind or not sizes or max(sizes) > 1:
                return True
        elif (
            CONVOLUTION.search(layer.kind) and max(_sizes(layer.options.get("strides")) or [1]) > 1
        ):
            return True
    return False


def may_be_bare(facts: ModelFacts, submission: Submission) -> bool:
    """Whether a class of the student's may convolve and pool by functions, which are no layers."""
    if facts.kind in OPEN_KINDS and all(layer.kind != "Lambda" for layer in facts.layers):
        return False
    return bool(BARE.search(submission.source) and BARE_POOLING.search(submission.source))


def channel_first(facts: ModelFacts) -> bool:
    """Whether a convolution takes pictures that are one pixel high and many channels deep."""
    shapes = [facts.layers[place].input_shape or () for place in convolutions(facts)[:1]]
    return any(
        len(shape) == 4 and shape[1] == 1 and (shape[2] or 0) > 4 and (shape[3] or 0) > 4
        for shape in shapes
    )


def _sizes(value: Any) -> Sequence[float]:
    values = value if isinstance(value, (list, tuple)) else [value]
    return [size for size in values if type(size) in (int, float)]
