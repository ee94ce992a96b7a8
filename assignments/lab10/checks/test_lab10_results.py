"""Public checks of lab10: the table, the charts, and what is concluded from them."""

from functools import cache
from pathlib import Path

import pytest

from grader.checks import expect
from grader.checks.remarks import expect_remark, remarks
from grader.checks.runs import runs_of
from grader.checks.tables import claims, result_rows, rows_about, sentences
from grader.submissions import read

STARTER = Path(__file__).resolve().parents[1] / "starter.ipynb"
NAMES = (
    r"relu|tanh|sigmoid|activat|aktivier|activac",
    r"adam|sgd|rms|optimi",
    r"learning rate|lernrate|taux d.apprentissage|tasa de aprend|\blr\b",
)
CLEAR = 0.01
"""A difference in accuracy below this is no contradiction."""
ENOUGH = 8
"""Bars, curves or points in the charts; ten runs are asked for, some of which may be shared."""


@cache
def given():
    return read(STARTER)


@pytest.fixture
def rows(evidence, settings):
    """The rows of the table of results."""
    return result_rows(evidence, settings["table"])


def every_setting(settings):
    return [*settings["activations"], *settings["optimizers"], *settings["rates"]]


@pytest.mark.needs("network")
def test_table(evidence, rows, settings):
    """The table `results` has a row for every setting, with loss and accuracy on held-out data."""
    expect(
        rows,
        observed="no table of results was found",
        expected="a table `results`: a data frame, or a list with a dictionary for each run",
        why="Ten runs are too many to keep in mind; side by side they can be compared.",
        next="After each run, append the setting, the loss and the accuracy to a list called "
        "`results`.",
    )
    missing = [each for each in every_setting(settings) if not rows_about(rows, each)]
    expect(
        not missing,
        observed="the table has no row for "
        + ", ".join(f"{each:g}" if isinstance(each, float) else each for each in missing),
        expected="a row for every setting that is compared, which names it",
        misconception="optimizer-missing-from-comparison",
        earned=0.5 if len(missing) <= 5 else 0.0,
    )
    about = [row for each in every_setting(settings) for row in rows_about(rows, each)]
    bare = [name for name in ("accuracies", "losses") if not all(getattr(r, name) for r in about)]
    words = {"accuracies": "an accuracy", "losses": "a loss"}
    expect(
        not bare,
        observed="not every row has " + " and ".join(words[name] for name in bare),
        expected="a loss and an accuracy in every row, measured on held-out pictures",
        why="The accuracy counts what is right; the loss tells how sure the network was of it.",
        next="`evaluate` gives both: put both into the row, in columns whose names say what they "
        "are.",
        earned=0.5,
    )
    best = max(top for row in about for top in row.accuracies)
    expect(
        best >= settings["least_accuracy"] or any(fit.shortened for fit in evidence.fits),
        observed=f"the best accuracy in the table is {best:.2f}",
        expected=f"at least one run that reaches {settings['least_accuracy']:g}",
        why="Where no setting learns, chance is compared with chance.",
        next="Make a single run work first: with relu and Adam, the loss falls from epoch to "
        "epoch.",
        earned=0.5,
    )
    runs = runs_of(evidence)
    seen = [measured_on(row, runs) for row in about]
    expect(
        "held out" in seen or "learned" not in seen,
        observed="the accuracies in the table are those on the pictures of the training",
        expected="accuracies on pictures that the networks have not learned from",
        misconception="evaluated-on-train",
        earned=0.5,
    )


def measured_on(row, runs):
    """Where the accuracy of a row was measured, if anywhere."""
    held_out = [number for run in runs for number in run.held_out]
    learned = [number for run in runs for number in run.learned]
    if any(same(accuracy, number) for accuracy in row.accuracies for number in held_out):
        return "held out"
    found = any(same(accuracy, number) for accuracy in row.accuracies for number in learned)
    return "learned" if found else None


def same(told, number):
    """Whether a number in the table is a measured one, which may be rounded."""
    return any(abs(told - round(number, digits)) < 1e-9 for digits in (2, 3, 4)) or (
        abs(told - number) < 5e-6
    )


@pytest.mark.needs("network")
def test_charts(evidence):
    """Charts show the runs side by side."""
    drawn = sum(marks_of(axes) for figure in evidence.figures for axes in figure.axes)
    expect(
        drawn,
        observed="no chart was drawn",
        expected="charts that show the runs of each comparison side by side",
        why="A difference that hides in a column of numbers is plain to see in a chart.",
        next="Draw a bar for every run, or its curve over the epochs, one chart for each of the "
        "three comparisons.",
    )
    expect(
        drawn >= ENOUGH,
        observed=f"the charts show {drawn} results",
        expected="all three comparisons: activations, optimizers and learning rates",
        why="Each comparison answers a question of its own.",
        next="Add a chart for what is still missing.",
        earned=0.5,
    )


def marks_of(axes):
    """How many results a pair of axes shows: bars, curves of a training, or single points."""
    curves = [line for line in axes.lines if line.key is not None and line.points >= 2]
    points = sum(max(line.points, 1) for line in axes.lines if line not in curves)
    if axes.images or axes.matrices:
        return ENOUGH if axes.matrices else 0
    bare = not axes.bars and not axes.lines and (axes.title or axes.ylabel)
    return axes.bars + len(curves) + points + (ENOUGH if bare else 0)


@pytest.mark.needs("network")
def test_conclusion(submission, evidence, rows, settings):
    """The conclusion says what came out, and the table bears it out."""
    found = remarks(submission, evidence, given())
    about = "which activation, optimizer and learning rate did best, and by how much"
    expect_remark(found, NAMES, about=about)
    if any(fit.shortened for fit in evidence.fits):
        # The words were written beside another table.
        return
    for name in ("activations", "optimizers", "rates"):
        for sentence in sentences(found):
            expect_borne_out(sentence, rows, settings[name])


def expect_borne_out(sentence, rows, settings):
    """Expect that a sentence names no winner that the table shows far behind another setting."""
    claim = claims(sentence, settings)
    if claim is None:
        return
    winner, losers = claim
    best = [top for row in rows_about(rows, winner) for top in row.accuracies]
    for loser in losers:
        other = [top for row in rows_about(rows, loser) for top in row.accuracies]
        expect(
            not best or not other or max(best) > min(other) - CLEAR,
            observed=f"the text says: “{sentence.strip()[:120]}”; the table has "
            f"{max(best, default=0):.3f} for {winner} and {min(other, default=0):.3f} for {loser}",
            expected="a conclusion that the numbers bear out",
            misconception="conclusion-contradicts-table",
            earned=0.25,
        )
