"""The lab on shapes: its reference, starter, right answers and mistakes, graded for real."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.records.lab import Lab
from grader.records.result import Outcome, Result
from grader.submissions import read
from tests.labs import Judge, assert_full_marks, folder_of, reference_of

LAB = "lab02"
FOLDER = folder_of(LAB)
WRONG = sorted((FOLDER / "fixtures" / "wrong").iterdir())
REFERENCE = reference_of(LAB)


def written(tmp_path: Path, source: str) -> Path:
    """The reference as a module, with `source` after it."""
    cells = "\n\n".join(cell.source for cell in read(REFERENCE).cells)
    path = tmp_path / "lab02.py"
    path.write_text(f"{cells}\n\n{source}\n", encoding="utf-8")
    return path


def by_id(result: Result) -> dict[str, Outcome]:
    return {check.id: check.outcome for check in result.checks}


def test_the_reference_gets_full_marks(judge: Judge) -> None:
    result = judge(REFERENCE)
    assert_full_marks(result)


def test_the_untouched_starter_earns_nothing(judge: Judge, lab: Lab) -> None:
    assert judge(lab.starter).score == 0


@pytest.mark.parametrize("path", WRONG, ids=lambda path: path.stem)
def test_a_known_mistake_is_named_and_the_rest_still_counts(judge: Judge, path: Path) -> None:
    result = judge(path)
    assert result.root_cause == path.stem.split("--")[0]
    assert 10 <= result.score < 20
    told = [check for check in result.checks if check.outcome is Outcome.FAILED]
    assert len(told) == 1
    assert told[0].observed
    assert told[0].expected
    assert told[0].why
    assert told[0].next


def test_answers_that_are_typed_in_for_the_public_checks_fail_the_hidden_ones(
    judge: Judge, tmp_path: Path
) -> None:
    source = """
KNOWN = {(784, 128, 64, 10): 109386, (784, 10): 7850, (6, 5, 4, 3, 2): 82}
def parameter_count(sizes):
    return KNOWN.get(tuple(sizes), 0)
"""
    outcomes = by_id(judge(written(tmp_path, source)))
    assert outcomes["parameter_count"] is Outcome.PASSED
    assert outcomes["counts_many_sizes"] is Outcome.FAILED


def test_a_swapped_product_leads_and_the_network_waits_for_it(judge: Judge) -> None:
    outcomes = by_id(judge(FOLDER / "fixtures" / "wrong" / "swapped-matmul.py"))
    assert outcomes["linear"] is Outcome.FAILED
    assert outcomes["forward"] is Outcome.SKIPPED
    assert outcomes["forward_many_sizes"] is Outcome.SKIPPED


@pytest.mark.parametrize(
    ("source", "check", "words"),
    [
        ("def linear(X, W, b):\n    return X @ W", "linear", "without the bias"),
        (
            "def forward(x, params):\n"
            "    (A, a), (B, b), (C, c) = params\n"
            "    z = relu(relu(x @ A + a) @ B + b) @ C + c\n"
            "    e = np.exp(z - z.max(axis=1, keepdims=True))\n"
            "    return e / e.sum(axis=1, keepdims=True)",
            "forward",
            "probabilities",
        ),
        (
            "def forward(x, params):\n"
            "    (A, a), (B, b), (C, c) = params\n"
            "    return np.argmax(relu(relu(x @ A + a) @ B + b) @ C + c, axis=1)",
            "forward",
            "one class for each image",
        ),
        ("def one_hot(y, depth):\n    return np.eye(depth)[:, y]", "one_hot", "a column for each"),
        (
            "def parameter_count(sizes):\n"
            "    return sum(a * b for a, b in pairwise(sizes)) + sum(sizes)",
            "parameter_count",
            "784 too many",
        ),
        ("def flatten(images):\n    images.reshape(len(images), -1)", "flatten", "nothing (None)"),
        ("def weights_shape(d_in, classes):\n    return d_in * classes", "weights_shape", "7840"),
        ("def weights_shape(d_in, classes):\n    return {}", "weights_shape", "{}"),
        ("def weights_shape(d_in, n):\n    print((d_in, n))", "weights_shape", "nothing (None)"),
        (
            "def weights_shape(d_in, n):\n    return np.zeros((d_in, n))",
            "weights_shape",
            "an array of shape (784, 10)",
        ),
        ("def parameter_count(sizes):\n    print(82)", "parameter_count", "nothing (None)"),
        (
            "def forward(x, params):\n"
            "    (A, a), (B, b), (C, c) = params\n"
            "    e = np.exp(300 * (relu(relu(x @ A + a) @ B + b) @ C + c))\n"
            "    return e / e.sum(axis=1, keepdims=True)",
            "forward",
            "probabilities",
        ),
        ("def parameter_count(sizes):\n    return 'many'", "parameter_count", "many"),
        ("def one_hot(y, depth):\n    return [[1], [1, 2]]", "one_hot", "list"),
        ("del bias_as_row", "bias_as_row", "no function `bias_as_row`"),
    ],
)
def test_a_mistake_without_a_name_is_put_into_words(
    judge: Judge, tmp_path: Path, source: str, check: str, words: str
) -> None:
    result = judge(written(tmp_path, source))
    told = next(item for item in result.checks if item.id == check)
    assert told.outcome is Outcome.FAILED
    assert words in (told.observed or "")
    assert told.next


def test_changing_an_argument_in_place_is_no_mistake(judge: Judge, tmp_path: Path) -> None:
    source = """
def forward(x, params):
    for W, b in params[:2]:
        x = x @ W
        x += b
        x[x < 0] = 0
    return linear(x, *params[2])
def add_channel(images):
    images.shape = images.shape + (1,)
    return images
"""
    assert judge(written(tmp_path, source)).score == 20
