"""Mistakes in the images: their range, their order, and which of them go where."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from grader.diagnosis.case import Case, Detector
from grader.diagnosis.facts import (
    KNOWN_ROWS,
    SCALING_KINDS,
    WEIGHT_KINDS,
    feeds,
    figure,
    first,
    number,
    option,
    see,
    short,
)
from grader.diagnosis.source import Place, called
from grader.records.evidence import ArrayFacts, Feed, RowOrigin
from grader.records.misconception import Sighting

PLAIN_LEARNERS = {"LogisticRegression", "SGDClassifier", "MLPClassifier", "Perceptron", "LinearSVC"}
"""Estimators that take the pixels as they come and suffer from large ones."""

RESHAPES = {"reshape", "ravel", "flatten", "copy", "squeeze", "transpose", "swapaxes"}
"""Methods of an array that leave its numbers and their type as they are."""


def scale_of(x: ArrayFacts | None) -> str | None:
    """How an image array is scaled: raw, unit, signed or tiny; None where that cannot be told."""
    if x is None:
        return None
    low, high, mean = number(x.minimum), number(x.maximum), number(x.mean)
    if low is None or high is None or mean is None:
        return None
    if low >= 0 and high > 100 and mean > 5:
        return "raw"
    if low >= 0 and 0 < high < 0.0045:
        return "tiny"
    if low >= 0 and 0.2 < high <= 1.001:
        return "unit"
    return "signed" if low < -0.2 and high < 100 else None


def span(x: ArrayFacts) -> str:
    """The range of an array in words."""
    return f"pixels from {figure(x.minimum)} to {figure(x.maximum)}"


def rows_of(feed: Feed | None) -> int:
    """How many rows a feed had, as far as that is known."""
    if feed is None:
        return 0
    return feed.rows or (first(feed.x.shape) if feed.x else 0) or 0


def known(origin: RowOrigin | None) -> int:
    """Rows that could be traced to the data set."""
    return origin.train + origin.test if origin else 0


def tested_feeds(case: Case) -> Iterator[tuple[str, Feed, Place]]:
    """(call, feed, place) of everything that the judged model was checked on."""
    if case.fit and case.fit.validation:
        yield "validation", case.fit.validation, case.fit_place
    for use in case.uses:
        if use.feed is not None and use.training is not True and use.fault is None:
            yield use.how, use.feed, (use.cell, use.line)


# ---------------------------------------------------------------- range


def scales_inside(case: Case) -> bool:
    """Whether the model may bring its input into range by itself."""
    if case.model is None:
        return True
    if case.model.family == "sklearn":
        return case.model.kind not in PLAIN_LEARNERS
    if not case.is_open:
        first_loss = case.probe("initial_loss", "loss")
        return first_loss is None or first_loss < 15
    return any(layer.kind in SCALING_KINDS for layer in case.layers)


def no_scaling(case: Case) -> Iterator[Sighting]:
    """Raw pixels reached a model that does not scale them."""
    if case.x is None or scale_of(case.x) != "raw" or scales_inside(case):
        return
    tested = {scale_of(feed.x) for _, feed, _ in tested_feeds(case) if rows_of(feed) >= KNOWN_ROWS}
    if tested & {"unit", "signed", "tiny"}:
        return
    yield see(
        "no-scaling",
        f"training got {span(case.x)}",
        "pixels in a small range, such as 0 to 1",
        case.fit_place,
    )


def unequal_scaling(case: Case) -> Iterator[Sighting]:
    """Training and test images in different ranges."""
    trained = scale_of(case.x)
    if case.x is None or trained is None:
        return
    tested = [
        (call, feed, place, scale_of(feed.x))
        for call, feed, place in tested_feeds(case)
        if rows_of(feed) >= KNOWN_ROWS and scale_of(feed.x) is not None
    ]
    for index, (call, feed, place, scale) in enumerate(tested):
        good_later = any(c == call and s == trained for c, _, _, s in tested[index + 1 :])
        if scale == trained or good_later or feed.x is None:
            continue
        code = "scaled-copy-unused" if trained == "raw" else "train-only-scaling"
        observed = f"training got {span(case.x)}, {call} got {span(feed.x)}"
        spot = case.fit_place if trained == "raw" else place
        yield see(code, observed, "the same scaling for both", spot)
        return


def unequal_variables(case: Case) -> Iterator[Sighting]:
    """The same where nothing was trained: scaled arrays of one half only."""
    if case.evidence.fits:
        return
    halves: dict[str, dict[str, ArrayFacts]] = {"train": {}, "test": {}}
    for value in case.evidence.values:
        array = value.array
        scale = scale_of(array)
        if array is None or array.origin is None or scale is None:
            continue
        if known(array.origin) < 1000 or known(array.origin) < 0.9 * (first(array.shape) or 0):
            continue
        half = "train" if array.origin.train > array.origin.test else "test"
        halves[half].setdefault("raw" if scale == "raw" else "scaled", array)
    for code, done, left in (
        ("train-only-scaling", "train", "test"),
        ("scaled-copy-unused", "test", "train"),
    ):
        if "scaled" in halves[done] and list(halves[left]) == ["raw"]:
            observed = f"the {done} images are scaled, the {left} images have "
            observed += span(halves[left]["raw"])
            place = case.source.call_place("load_data")
            yield see(code, observed, "the same scaling for both", place, "likely")


def double_scaling(case: Case) -> Iterator[Sighting]:
    """Pixels that were divided twice, in code or by a layer."""
    if case.x is not None and scale_of(case.x) == "tiny":
        place = case.fit_place
        yield see("double-scaling", f"training got {span(case.x)}", "one division only", place)
        return
    if not case.evidence.fits:
        for value in case.evidence.values:
            traced = value.array is not None and known(value.array.origin) > 0
            if value.array is not None and traced and scale_of(value.array) == "tiny":
                observed = f"`{short(value.name, 40)}` has {span(value.array)}"
                yield see("double-scaling", observed, "one division only", (value.cell, value.line))
                return
    yield from _scaled_again_inside(case)


def _scaled_again_inside(case: Case) -> Iterator[Sighting]:
    if case.x is None or scale_of(case.x) not in ("unit", "signed") or not case.is_open:
        return
    low, high = number(case.x.minimum), number(case.x.maximum)
    for layer in case.layers:
        if layer.kind in WEIGHT_KINDS or layer.kind == "BatchNormalization":
            return
        factor = option(layer, "scale")
        if layer.kind != "Rescaling" or factor is None or low is None or high is None:
            continue
        if abs(factor) * (high - low) < 0.02:
            observed = f"{span(case.x)} go into a Rescaling layer with scale {figure(factor)}"
            yield see("double-scaling", observed, "one scaling only", case.model_place)
            return


def integer_division(case: Case) -> Iterator[Sighting]:
    """`//` on pixels, and nothing but 0 and 1 left of them."""

    def floors(node: ast.AST) -> bool:
        if isinstance(node, ast.BinOp):
            by: ast.expr = node.right
        elif isinstance(node, ast.AugAssign):
            by = node.value
        else:
            return False
        return isinstance(node.op, ast.FloorDiv) and _is_number(by, 255.0)

    place = case.source.first(floors)
    if place[1] is None:
        return
    arrays = [case.x] if case.x else [value.array for value in case.evidence.values]
    for array in arrays:
        if array is None or len(array.shape) < 2 or array.distinct is None:
            continue
        if array.distinct <= 2 and (number(array.maximum) or 0) <= 1 and number(array.minimum) == 0:
            yield see("integer-division", "only the values 0 and 1 are left", "all shades", place)
            return


def _is_number(node: ast.AST, value: float) -> bool:
    return isinstance(node, ast.Constant) and node.value == value


def in_place_divide(case: Case) -> Iterator[Sighting]:
    """`x /= 255` on integers."""
    for broken in case.broken:
        message = broken.fault.message
        if "Cannot cast ufunc" in message and ("('uint8')" in message or "('int" in message):
            observed = "a float result could not be written into an array of integers"
            yield see("in-place-divide", observed, "a new array of floats", broken.place)
            return


def slow_dtype(case: Case) -> Iterator[Sighting]:
    """Images fed, or where nothing was trained kept, as float64 or as objects."""
    if case.is_keras and case.x is not None and case.x.dtype in ("float64", "object"):
        observed = f"training got images of type {short(case.x.dtype, 20)}"
        yield see("slow-dtype", observed, "float32", case.fit_place, "style")
        return
    for value in case.evidence.values if not case.evidence.fits else ():
        array = value.array
        if array is None or array.dtype not in ("float64", "object") or len(array.shape) < 2:
            continue
        if known(array.origin) >= KNOWN_ROWS:
            observed = f"`{short(value.name, 40)}` holds images of type {short(array.dtype, 20)}"
            yield see("slow-dtype", observed, "float32", (value.cell, value.line), "style")
            return


def uint8_overflow(case: Case) -> Iterator[Sighting]:
    """Whole-number arithmetic on images as they were loaded."""
    raw: set[str] = set()
    fed = {feed.x.variable for event in case.evidence.events for feed in feeds(event) if feed.x} - {
        None
    }
    for item in case.source.statements:
        node = item.node
        if not isinstance(node, ast.Assign):
            continue
        names = {n.id for t in node.targets for n in ast.walk(t) if isinstance(n, ast.Name)}
        for part in ast.walk(node.value):
            if _wraps(part, raw) and (names & raw or names & fed):
                observed = "a whole number is combined with uint8 pixels"
                place = (item.cell, item.line)
                yield see("uint8-overflow", observed, "float pixels first", place, "likely")
                return
        raw -= names
        if _pixels_behind(node.value) in raw:
            raw |= names
        if isinstance(node.value, ast.Call) and called(node.value) == "load_data":
            raw |= {name for name in names if name.lower().startswith(("x", "train_im", "test_im"))}


def _wraps(node: ast.AST, raw: set[str]) -> bool:
    return (
        isinstance(node, ast.BinOp)
        and isinstance(node.op, (ast.Add, ast.Sub, ast.Mult))
        and _pixels_behind(node.left) in raw
        and isinstance(node.right, ast.Constant)
        and type(node.right.value) is int
        and node.right.value > 1
    )


def _pixels_behind(node: ast.expr) -> str | None:
    """The variable whose values an expression holds in another shape or a part of them."""
    while True:
        if isinstance(node, ast.Subscript) or (
            isinstance(node, ast.Attribute) and node.attr == "T"
        ):
            node = node.value
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in RESHAPES
        ):
            node = node.func.value
        else:
            return node.id if isinstance(node, ast.Name) else None


DETECTORS: tuple[Detector, ...] = (
    in_place_divide,
    unequal_scaling,
    unequal_variables,
    no_scaling,
    double_scaling,
    integer_division,
    uint8_overflow,
    slow_dtype,
)
