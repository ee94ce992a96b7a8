"""Mistakes in which images go where, in which order, and with which labels."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from grader.diagnosis.case import Case, Detector
from grader.diagnosis.data import known, rows_of, tested_feeds
from grader.diagnosis.facts import KNOWN_ROWS, first, number, see, share, short
from grader.diagnosis.source import Place, called
from grader.records.misconception import Sighting

ARRAYS_OF_A_SPLIT = 4
MISALIGNED = 0.5
"""A share of rows with their own label, below which the two halves of the pairs went apart."""


def trained_on_test(case: Case) -> Iterator[Sighting]:
    """Test images among those trained on."""
    if _own_split_of_everything(case):
        return
    for fit in case.fits:
        origin = fit.train.x.origin if fit.train and fit.train.x else None
        if origin is None or known(origin) < KNOWN_ROWS:
            continue
        if share(origin.test, known(origin)) > 0.01:
            observed = f"{origin.test:,} of {known(origin):,} known training images are test images"
            yield see("trained-on-test", observed, "none", (fit.cell, fit.line))
            return


def _own_split_of_everything(case: Case) -> bool:
    """Whether both halves were joined and split anew, so that "test" is another set."""
    for event in case.evidence.events:
        if event.kind == "data" and event.source == "fetch_openml":
            return True
    for _, feed, _ in tested_feeds(case):
        origin = feed.x.origin if feed.x else None
        if origin and min(origin.train, origin.test) > 0.01 * max(known(origin), 1):
            return True
    return False


def test_as_validation(case: Case) -> Iterator[Sighting]:
    """validation_data that comes from the test half."""
    for fit in case.fits:
        origin = fit.validation.x.origin if fit.validation and fit.validation.x else None
        if origin and known(origin) >= KNOWN_ROWS and share(origin.test, known(origin)) > 0.5:
            observed = "validation_data holds test images"
            expected = "a part of the training images"
            yield see("test-as-validation", observed, expected, (fit.cell, fit.line))
            return


def scaler_fit_on_test(case: Case) -> Iterator[Sighting]:
    """A scaler that learned from test images."""
    fitted = _scaler_call(case)
    for _, feed, place in tested_feeds(case):
        x = feed.x
        if x is None or not x.columns_centred or rows_of(feed) < 500 or x.origin is None:
            continue
        if share(x.origin.test, known(x.origin)) > 0.5 and case.x and case.x.columns_centred:
            observed = "every column of the test images has mean 0, as only its own scaler gives"
            spot = fitted if fitted[1] is not None else place
            yield see("scaler-fit-on-test", observed, "the training images' means", spot)
            return
    if fitted[1] is not None:
        observed = "a scaler is fitted on test images"
        yield see("scaler-fit-on-test", observed, "fit on training images only", fitted, "likely")


def _scaler_call(case: Case) -> Place:
    scalers = {"StandardScaler", "MinMaxScaler", "RobustScaler", "MaxAbsScaler", "Normalization"}
    owners = {
        name.id
        for item in case.source.statements
        if isinstance(item.node, ast.Assign)
        and isinstance(item.node.value, ast.Call)
        and called(item.node.value) in scalers
        for name in item.node.targets
        if isinstance(name, ast.Name)
    }
    for item, call in case.source.calls("fit", "fit_transform", "adapt"):
        if not isinstance(call.func, ast.Attribute) or not call.args:
            continue
        holder = call.func.value
        made_here = isinstance(holder, ast.Call) and called(holder) in scalers
        is_scaler = made_here or (isinstance(holder, ast.Name) and holder.id in owners)
        names = {n.id.lower() for n in ast.walk(call.args[0]) if isinstance(n, ast.Name)}
        if is_scaler and any("test" in name and "train" not in name for name in names):
            return item.place
    return None, None


def scrambled_reshape(case: Case) -> Iterator[Sighting]:
    """A reshape to (pixels, images) and a transpose, which mixes images."""
    if case.x is not None and case.x.origin is not None:
        rows = known(case.x.origin) + case.x.origin.unknown
        if share(case.x.origin.unknown, rows) < 0.5:
            return
    place = case.source.first(_transposed_reshape)
    if place[1] is None:
        return
    seen = case.x is not None and case.x.origin is not None
    observed = "a reshape that starts with the pixels is followed by a transpose"
    expected = "the images on the first axis all the time"
    yield see("scrambled-reshape", observed, expected, place, "fact" if seen else "likely")


def _transposed_reshape(node: ast.AST) -> bool:
    inner: ast.AST | None = None
    if isinstance(node, ast.Attribute) and node.attr == "T":
        inner = node.value
    elif isinstance(node, ast.Call) and called(node) == "transpose":
        inside = isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Call)
        inner = node.func.value if inside else (node.args[0] if len(node.args) == 1 else None)  # type: ignore[attr-defined]
    if not isinstance(inner, ast.Call) or called(inner) != "reshape":
        return False
    sizes = [n for arg in inner.args for n in (arg.elts if isinstance(arg, ast.Tuple) else [arg])]
    sizes = [n for n in sizes if not isinstance(n, (ast.Name, ast.Attribute, ast.Subscript))][-2:]
    lead = sizes[0].value if len(sizes) >= 1 and isinstance(sizes[0], ast.Constant) else None
    return type(lead) is int and 100 <= lead < 5000


def class_sorted_training(case: Case) -> Iterator[Sighting]:
    """Labels in ascending order, and nothing that shuffles before fit or the split."""
    fit, y = case.fit, case.y
    if fit is None or y is None or not y.sorted or (first(y.shape) or 0) < 1000:
        return
    classes = y.classes or 0
    if classes < 3 or fit.train is None or fit.train.kind not in ("array", "tensor"):
        return
    cut = (number(fit.validation_split) or 0) > 0
    if cut and y.tail_classes is not None and y.tail_classes <= 0.6 * classes:
        observed = f"the labels ascend; the rows kept for validation have {y.tail_classes} classes"
    elif fit.shuffle is False:
        observed = "the labels ascend and shuffle is off"
    else:
        return
    yield see("class-sorted-training", observed, "classes in mixed order", case.fit_place)


def labels_misaligned(case: Case) -> Iterator[Sighting]:
    """Labels that are not those of their images (told by the rows that are known)."""
    fit, x, y = case.fit, case.x, case.y
    if fit is None or x is None or y is None or known(x.origin) < KNOWN_ROWS:
        return
    agreement, classes = number(y.agreement), y.classes or 0
    if agreement is None or agreement >= MISALIGNED or classes < 3 or classes != case.classes:
        return
    if y.form not in ("integers", "column", "one-hot") or not y.integral or (y.lowest or 0) > 0:
        return
    observed = f"only {agreement:.0%} of the training images go with their own label"
    overwritten = _doubled_target(case)
    code, place = "labels-misaligned", case.fit_place
    if overwritten is not None:
        code, place = "overwritten-split", overwritten[1]
    yield see(code, observed, "every image with its own label", place)


def overwritten_split(case: Case) -> Iterator[Sighting]:
    """One name twice on the left of the line that loads the data."""
    found = _doubled_target(case)
    if found is None:
        return
    unequal = any("cardinality" in broken.fault.message for broken in case.broken)
    if unequal or not case.evidence.fits:
        observed = f"`{short(found[0], 40)}` stands twice on the left"
        yield see("overwritten-split", observed, "a name for each array", found[1])


def _doubled_target(case: Case) -> tuple[str, Place] | None:
    for item in case.source.statements:
        if not isinstance(item.node, ast.Assign):
            continue
        for target in item.node.targets:
            names = [
                n.id
                for n in ast.walk(target)
                if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
            ]
            for name in names if len(names) >= ARRAYS_OF_A_SPLIT else ():
                if names.count(name) > 1 and not name.startswith("_"):
                    return name, (item.cell, item.line)
    return None


def hard_coded_size(case: Case) -> Iterator[Sighting]:
    """A fixed number of images in a reshape."""
    for item, call in case.source.calls("reshape"):
        sizes = (part for size in call.args for part in ast.walk(size))
        for part in sizes:
            if isinstance(part, ast.Constant) and part.value in (60000, 10000):
                observed = f"reshape with the number {part.value}"
                yield see("hard-coded-size", observed, "-1 or the length", item.place, "style")
                return


DETECTORS: tuple[Detector, ...] = (
    overwritten_split,
    labels_misaligned,
    scrambled_reshape,
    class_sorted_training,
    scaler_fit_on_test,
    trained_on_test,
    test_as_validation,
    hard_coded_size,
)
