"""Public checks of lab01: MNIST was loaded, whole, and its labels are still labels.

What was loaded is found by its shape and its values, never by a variable's name.
"""

import ast

import pytest

from grader.checks import expect, fail
from grader.records.evidence import DataLoaded

TRAIN, TEST = 60_000, 10_000
PIXELS = {(28, 28), (28, 28, 1), (784,)}


def parsed(submission):
    """(cell, syntax tree) of every cell that Python alone can read, without its magics."""
    for cell in submission.cells:
        lines = cell.source.split("\n")
        plain = ["" if line.lstrip().startswith(("%", "!")) else line for line in lines]
        try:
            yield cell, ast.parse("\n".join(plain))
        except (SyntaxError, ValueError, RecursionError):
            continue


def spot(submission, cell, node):
    """Where a piece of source stands: `cell` and `line` of an expectation."""
    alone = submission.kind == "module" and len(submission.cells) == 1
    return {"cell": None if alone else cell.number, "line": cell.first_line + node.lineno - 1}


def names_in(target):
    """The plain names that an assignment's target gives values to, in order."""
    return [
        node.id
        for node in ast.walk(target)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    ]


def repeated_targets(submission):
    """(name, where) of each name that stands twice where one assignment fills four or more."""
    for cell, tree in parsed(submission):
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign):
                names = [n for target in node.targets[:1] for n in names_in(target)]
                for name in names:
                    if len(names) > 3 and names.count(name) > 1 and not name.startswith("_"):
                        yield name, spot(submission, cell, node)


def is_loaded(evidence):
    """Whether MNIST was asked for, or stands in variables of its size all the same."""
    asked = any(
        isinstance(event, DataLoaded) and event.name in ("mnist", "mnist_784")
        for event in evidence.events
    )
    shapes = {value.array.shape for value in evidence.values if value.array is not None}
    there = [any((rows, *size) in shapes for size in PIXELS) for rows in (TRAIN, TEST)]
    return asked or all(there)


def test_mnist_loaded(evidence, submission):
    """MNIST is loaded: 60,000 pictures to train with, 10,000 to test with, and their labels."""
    expect(
        is_loaded(evidence),
        observed="no pictures of MNIST were found",
        expected="60,000 training and 10,000 test pictures of 28 × 28, with their labels",
        why="All that follows works on these pictures.",
        next="Call `tf.keras.datasets.mnist.load_data()` and keep the two pairs that it returns.",
    )
    for name, where in repeated_targets(submission):
        fail(
            observed=f"`{name}` stands twice on the left of one assignment",
            expected="four different names for pictures and labels, training and test",
            misconception="overwritten-split",
            why="The second value replaces the first, so one part of the data is lost.",
            next="Give each of the four parts its own name.",
            **where,
        )


def label_mistake(facts):
    """(code, what was seen) for labels that are no classes any more; None for good ones."""
    if facts.dtype.startswith(("object", "str", "<U", "|S", "string")):
        return "string-labels", f"labels of type {facts.dtype}, which is text"
    if len(facts.shape) > 2:
        return "one-hot-twice", f"labels of shape {facts.shape}"
    if facts.maximum is None:
        return None
    if len(facts.shape) == 2 and facts.shape[1] > 1:
        size = facts.shape[1]
        return None if size == 10 else ("wrong-class-count", f"one-hot rows of {size} places")
    if not facts.integral:
        return (
            "labels-scaled",
            f"labels from {facts.minimum:.4g} to {facts.maximum:.4g}, not all whole numbers",
        )
    if (facts.minimum, facts.maximum) == (1, 10):
        return "labels-from-one", "labels from 1 to 10"
    return None


def expect_numbers(evidence):
    """Name the labels of OpenML where they were left as text: only arrays of numbers have facts."""
    sources = [event.source for event in evidence.events if isinstance(event, DataLoaded)]
    rows = {v.array.shape for v in evidence.values if v.array is not None}
    some = any((n,) in rows or (n, 10) in rows for n in (TRAIN, TEST, TRAIN + TEST))
    left = [
        value.name
        for value in evidence.values
        if value.array is None and value.type in ("ndarray", "Series", "Categorical")
    ]
    if "fetch_openml" in sources and left and not some:
        fail(
            observed=f"`{left[-1]}` holds text and no numbers",
            expected="labels that are whole numbers, 0 to 9",
            misconception="string-labels",
        )


@pytest.mark.needs("mnist_loaded")
def test_labels_stay_classes(evidence):
    """The labels are still the classes 0 to 9, as whole numbers or as one-hot rows."""
    expect_numbers(evidence)
    for rows in (TRAIN, TEST, TRAIN + TEST):
        arrays = [(value.name, value.array) for value in evidence.values if value.array is not None]
        labels = [
            (name, facts)
            for name, facts in arrays
            if facts.shape[:1] == (rows,)
            and tuple(facts.shape[1:]) not in PIXELS
            and all(size <= 20 for size in facts.shape[1:])
        ]
        wrong = [(name, label_mistake(facts)) for name, facts in labels]
        if wrong and all(mistake for _, mistake in wrong):
            name, (code, seen) = wrong[0]
            fail(
                observed=f"`{name}`: {seen}",
                expected="class numbers 0 to 9, or one-hot rows of ten",
                misconception=code,
            )
