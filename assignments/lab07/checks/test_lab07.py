"""Public checks of lab07: the errors of polynomials, and a choice among them."""

import ast
import re
from pathlib import Path

import numpy as np

from grader.checks import expect
from grader.checks.expectations import in_words, plain_array
from grader.checks.remarks import remarks
from grader.checks.running import expect_finished
from grader.diagnosis.source import Source
from grader.submissions import read

STARTER = Path(__file__).resolve().parent.parent / "starter.ipynb"


def test_runs(evidence, diagnosis):
    """Every cell runs, from top to bottom, without an error."""
    expect_finished(evidence, diagnosis)


# ---------------------------------------------------------------- polynomials

PAIR = "a dictionary from each degree to the pair (error on x, error on x_val)"
SLIPS = {
    "the sums of the squared errors": "A mean can be compared between sets of different sizes.",
    "the roots of the mean squared errors": "Asked is the mean of the squares itself.",
    "the mean absolute errors": "Least squares makes the mean of the squares small: measure that.",
    "the two errors in the other order": "The pair begins with the error on what was fitted.",
    "the errors of one degree less": "A polynomial of degree 2 has three coefficients.",
    "the errors of one degree more": "A polynomial of degree 2 has three coefficients.",
    "errors of the coefficients in the other order": "A list of coefficients may begin with the "
    "constant or with the highest power; both steps must agree on it.",
}


def squares(coefficients, x, y):
    """The squared errors of a polynomial."""
    return (np.polyval(coefficients, x) - y) ** 2


def right_errors(x, y, degrees, x_val, y_val):
    """The mean squared errors of least-squares polynomials: (degrees, 2)."""
    fits = [np.polyfit(x, y, degree) for degree in degrees]
    return np.array([[squares(c, x, y).mean(), squares(c, x_val, y_val).mean()] for c in fits])


def named_errors(x, y, degrees, x_val, y_val):
    """(code, errors) of mistakes that have a name."""
    both, both_y = np.concatenate([x, x_val]), np.concatenate([y, y_val])
    right = right_errors(x, y, degrees, x_val, y_val)
    on_val = right_errors(x_val, y_val, degrees, x, y)[:, ::-1]
    together = [np.polyfit(both, both_y, degree) for degree in degrees]
    table = [
        [np.mean((np.polyval(c, a)[:, None] - b) ** 2) for a, b in ((x, y), (x_val, y_val))]
        for c in (np.polyfit(x, y, degree) for degree in degrees)
    ]
    return [
        ("polynomial-on-validation", on_val),
        ("polynomial-on-validation", np.stack([right[:, 0], on_val[:, 1]], axis=1)),
        (
            "polynomial-on-validation",
            np.array(
                [[squares(c, x, y).mean(), squares(c, x_val, y_val).mean()] for c in together]
            ),
        ),
        ("silent-broadcast", np.array(table)),
    ]


def slips_of_errors(x, y, degrees, x_val, y_val):
    """(words, errors) of mistakes that have no name."""
    data = (x, y, degrees, x_val, y_val)
    right = right_errors(*data)
    fits = [np.polyfit(x, y, degree) for degree in degrees]
    halves = ((x, y), (x_val, y_val))
    less = [max(degree - 1, 0) for degree in degrees]
    more = [degree + 1 for degree in degrees]
    turned = [[squares(c[::-1], a, b).mean() for a, b in halves] for c in fits]
    told = [
        right * [len(x), len(x_val)],
        np.sqrt(right),
        np.array([[np.sqrt(squares(c, a, b)).mean() for a, b in halves] for c in fits]),
        right[:, ::-1],
        right_errors(x, y, less, x_val, y_val),
        right_errors(x, y, more, x_val, y_val),
        np.array(turned),
    ]
    return list(zip(SLIPS, told, strict=True))


def table_of(answer, degrees, call):
    """The answer as an array (degrees, 2); fails where it is nothing of the kind."""
    expect(
        isinstance(answer, dict),
        observed=f"{call} returned {in_words(answer)}",
        expected=PAIR,
        why="By its degree every result can be looked up, whatever degrees were asked for.",
        next="Start with an empty dictionary, give it a pair for each degree, and return it.",
    )
    lacking = [degree for degree in degrees if degree not in answer]
    expect(
        not lacking,
        observed=f"{call} has nothing for degree {lacking[0] if lacking else ''}; its keys are "
        f"{str(list(answer))[:60]}",
        expected=PAIR,
        next="Use the numbers in `degrees` themselves as keys.",
    )
    rows = [plain_array(answer[degree]) for degree in degrees]
    for degree, row in zip(degrees, rows, strict=True):
        expect(
            row is not None and row.size == 2,
            observed=f"{call} gave {in_words(answer[degree])} for degree {degree}",
            expected="two numbers: the error on x, then the error on x_val",
            next="Look at what your function puts into the dictionary for one degree.",
        )
    return np.array([row.reshape(2) for row in rows], dtype=np.float64)


def close(found, wanted, tolerance=2e-3):
    """Whether two tables of errors are the same, each entry for itself."""
    return np.allclose(found, wanted, rtol=tolerance, atol=1e-7)


def noisy_curve(rng, n):
    """n points of a wave with noise, x in [-1, 1]."""
    x = rng.uniform(-1, 1, size=n)
    return x, np.sin(3 * x) + 0.5 * x + rng.normal(0, 0.3, size=n)


def test_polyfit_errors(student, rng):
    """polyfit_errors fits each polynomial on x and measures it on x and on x_val."""
    degrees = [1, 2, 4]
    x, y = noisy_curve(rng, 20)
    x_val, y_val = noisy_curve(rng, 13)
    data = (x, y, degrees, x_val, y_val)
    call = f"polyfit_errors(x, y, {degrees}, x_val, y_val)"
    right = right_errors(*data)
    found = table_of(student.polyfit_errors(*data), degrees, call)
    for code, wrong in named_errors(*data):
        expect(
            close(found, right) or not close(found, wrong),
            observed=f"{call} gave {in_line(found)}",
            expected=in_line(right),
            misconception=code,
        )
    for told, wrong in slips_of_errors(*data):
        expect(
            close(found, right) or not close(found, wrong),
            observed=f"{call} gave {told}",
            expected=in_line(right),
            why=SLIPS[told],
            next="Work out the errors of a straight line through three points by hand.",
        )
    expect(
        close(found, right),
        observed=f"{call} gave {in_line(found)}",
        expected=in_line(right),
        why="Each polynomial is the one with the least squared error on x and y.",
        next="Fit points that lie on a parabola: for degree 2 both errors must be 0.",
    )


def in_line(table):
    """Errors for reading: 0.1 and 0.2; 0.3 and 0.4."""
    return "; ".join(f"{first:.4g} and {second:.4g}" for first, second in table)


# ---------------------------------------------------------------- the choice

UNDER = (
    r"under-?\s?fit|too (?:simple|stiff|straight|low)|unter-?anpass|zu einfach|sous-?a|trop simple|"
    r"sub-?ajust|infra-?ajust|demasiado simple"
)
OVER = (
    r"over-?\s?fit|too (?:wild|complex|wiggly|high)|by heart|memori|über-?anpass|zu komplex|sur-?a|"
    r"trop complexe|sobre-?ajust|demasiado complej"
)
NAMES = {
    "under": r"under|simple|unter|sous_?a|subaj",
    "over": r"over(?!all)|complex|wild|über|ueber|sur_?a|sobre",
    "good": r"good|best|right|just|gut|bon|bien|optim|ideal",
}


def test_choice(evidence, submission):
    """Of the degrees, one that under-fits, a good one and one that over-fits are named."""
    chosen = named_degrees(evidence, submission)
    if len(chosen) == 3:
        expect(
            chosen["under"] < chosen["good"] < chosen["over"],
            observed=f"degree {chosen['under']:g} is named for under-fitting, {chosen['good']:g} "
            f"for a good fit, {chosen['over']:g} for over-fitting",
            expected="the lowest of the three degrees for under-fitting, the highest for "
            "over-fitting",
            misconception="conclusion-contradicts-table",
            why="A polynomial of a higher degree can do all that a lower one can, and more: "
            "too little freedom is under-fitting, too much is over-fitting.",
            next="Compare the two errors of each degree: where are both large, where is only the "
            "one on x_val?",
            earned=0.5,
        )
        return
    expect(
        is_a_choice("\n".join(remarks(submission, evidence, read(STARTER)))),
        observed="no choice of three degrees was found",
        expected="three degrees and what is true of them: one under-fits, one is good, one "
        "over-fits",
        why="The two errors of a degree are there to be read: together they tell the three cases "
        "apart.",
        next="Look where both errors are large, and where only the one on x_val is; then give "
        "the three names of the task a value, or write it down in a sentence.",
    )


def named_degrees(evidence, submission):
    """The degrees in variables, or in a dictionary, whose names tell what they stand for."""
    pairs = [(value.name, value.text or "") for value in evidence.values]
    for item in Source(submission).nodes:
        if isinstance(item.node, ast.Dict):
            pairs += [
                (key.value, ast.unparse(value))
                for key, value in zip(item.node.keys, item.node.values, strict=True)
                if isinstance(key, ast.Constant) and isinstance(key.value, str)
            ]
    chosen = {}
    for name, text in pairs:
        number = re.fullmatch(r"-?\d{1,3}(?:\.0*)?", text)
        what = next((what for what in NAMES if re.search(NAMES[what], name.lower())), None)
        if number and what:
            chosen.setdefault(what, float(text))
    return chosen


def is_a_choice(text):
    """Whether a text names under- and over-fitting, and three degrees in its words."""
    letters = [letter for letter in text if letter.isalpha()]
    foreign = sum(ord(letter) > 0x24F for letter in letters) > len(letters) / 2
    told = foreign or (re.search(UNDER, text, re.I) and re.search(OVER, text, re.I))
    degrees = set(re.findall(r"(?<![\d.,])\d{1,2}(?![\d.,]*\d)", text))
    return bool(told) and len(degrees) >= 3
