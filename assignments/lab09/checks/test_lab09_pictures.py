"""Public checks of lab09: the two figures, however they were drawn."""

import numpy as np
import pytest

from grader import data
from grader.checks import expect, fail
from grader.checks.matrices import axes_tell_it, orientation
from grader.checks.pictures import judged_right, largest_grid

DATA = "mnist"
SENSE = "A grid lets you see at a glance which digits are hard, and whether you would have known."


def truths_of(pictures):
    """The true class of each picture, None where the picture is no known digit."""
    described = data.describe(DATA)
    known = {p.row for p in pictures if p.row is not None and 0 <= p.row}
    rows = [row for row in known if row < described.train + described.visible]
    labels = dict(zip(rows, data.public_labels(DATA, np.array(rows, dtype=int)).tolist()))
    return [labels.get(picture.row) for picture in pictures]


# ---------------------------------------------------------------- the grid of digits


def test_digit_grid(evidence, settings):
    """One figure shows a grid of 25 digits, each with a label."""
    wanted = settings["pictures"]
    figure, pictures = largest_grid(evidence)
    expect(
        len(pictures) >= wanted,
        observed=f"the largest figure shows {len(pictures)} picture(s)"
        if pictures
        else "no figure with pictures was drawn",
        expected=f"one figure with a grid of {wanted} pictures",
        why=SENSE,
        next="Make one figure with 5 × 5 places and draw a picture in each.",
    )
    at = {"cell": figure.cell, "line": figure.line}
    bare = sum(not picture.text for picture in pictures)
    expect(
        len(pictures) - bare >= wanted,
        observed=f"{bare} of {len(pictures)} pictures have no label",
        expected="a label at each picture, with the predicted and the true digit",
        why="Without a label nobody knows what the classifier took the picture for.",
        next="Write prediction and truth over or under each picture.",
        **at,
    )
    for picture, truth in zip(pictures, truths_of(pictures)):
        expect(
            truth is None or len(picture.digits) != 2 or truth in picture.digits,
            observed=f"a picture of a {truth} has the label “{picture.text[:40]}”",
            expected="each picture with its own label",
            why="If labels and pictures stand in different orders, the grid shows nothing.",
            next="Take picture, prediction and truth from their arrays with one common index.",
            **at,
        )


def expect_colours(hues, kind, wanted, at):
    """Expect that all labels of a kind (right or wrong) have the colour that the task names."""
    other = [hue for hue in hues if hue != wanted]
    if not other:
        return
    told = "in no colour" if other[0] is None else f"in {other[0]}"
    one_for_all = len(set(hues)) == 1 and other[0] in ("green", "another colour")
    fail(
        observed=f"{len(other)} of {len(hues)} labels of {kind} predictions are {told}",
        expected=f"{wanted} for {kind} predictions",
        why="Blue and red can be told apart by nearly everyone; green and red cannot."
        if one_for_all
        else "The colour is what the reader sees first: it has to say right or wrong every time.",
        next="Choose the colour of each label by comparing the prediction with the true digit.",
        earned=0.5 if one_for_all else 0.0,
        **at,
    )


@pytest.mark.needs("digit_grid")
def test_label_colours(evidence):
    """Right predictions are labelled blue, wrong ones red."""
    figure, pictures = largest_grid(evidence)
    at = {"cell": figure.cell, "line": figure.line}
    expect(
        any(picture.hue for picture in pictures),
        observed="all labels are black or grey",
        expected="blue labels for right predictions, red labels for wrong ones",
        why="With 25 labels to read, colour is what makes the mistakes stand out.",
        next="Every function of Matplotlib that writes a text takes a colour for it.",
        **at,
    )
    told = judged_right(pictures, truths_of(pictures))
    right = [picture.hue for picture, good in zip(pictures, told) if good is True]
    wrong = [picture.hue for picture, good in zip(pictures, told) if good is False]
    swapped = right.count("red") + wrong.count("blue")
    if swapped > 0.8 * (len(right) + len(wrong)):
        fail(
            observed=f"{right.count('red')} of {len(right)} labels of right predictions are red, "
            f"{wrong.count('blue')} of {len(wrong)} of wrong ones are blue",
            expected="blue for right predictions, red for wrong ones",
            misconception="colours-swapped",
            **at,
        )
    expect_colours(right, "right", "blue", at)
    expect_colours(wrong, "wrong", "red", at)


# ---------------------------------------------------------------- the heatmap


def drawn_tables(evidence):
    """(values, figure, axes) of each table of ten classes that was drawn as a heatmap."""
    classes = data.classes(DATA)
    for figure in evidence.figures:
        for axes in figure.axes:
            for shape, values in axes.matrices:
                square = tuple(shape) == (classes, classes) and len(values) == classes**2
                if square and None not in values:
                    yield values, figure, axes


def test_heatmap(evidence, diagnosis):
    """A heatmap shows the confusion matrix, true digits in its rows."""
    classes = data.classes(DATA)
    drawn = list(drawn_tables(evidence))
    if not drawn:
        diagnosis.expect_none("probabilities-to-metric", "argmax-axis")
        fail(
            observed="no confusion matrix was drawn",
            expected=f"a heatmap of the {classes} × {classes} counts",
            why="Among a hundred numbers the eye finds the largest faster by their colour.",
            next="Give your table of counts to a function that draws an image or a heatmap.",
        )
    expect(
        any(min(values) >= 0 and sum(values) > 0 for values, _, _ in drawn),
        observed="the table that was drawn holds negative numbers, or only zeros",
        expected="counts, or shares of them",
        next="Draw the table that your function `confusion` gives for the test digits.",
    )
    turns = {
        "rows" if axes_tell_it(axes) else orientation(values, (classes, classes), DATA)
        for values, _, axes in drawn
    }
    if "rows" in turns:
        return
    if "columns" in turns:
        _, figure, _ = drawn[-1]
        fail(
            observed="the columns of the heatmap add up to the numbers of true digits",
            expected="rows that add up to them: true digits in rows, predictions in columns",
            misconception="confusion-transposed",
            earned=0.5,
            cell=figure.cell,
            line=figure.line,
        )
    diagnosis.expect_none("confusion-transposed", earned=0.5)
