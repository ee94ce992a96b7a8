"""The lab on losses: its reference, starter, right answers and mistakes, graded for real."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.records.lab import Lab
from grader.records.result import Outcome
from tests.labs import Judge, assert_full_marks, by_id, folder_of, passed, reference_of

LAB = "lab08"
FOLDER = folder_of(LAB)
REFERENCE = reference_of(LAB)


def functions_and(tmp_path: Path, source: str) -> Path:
    """The functions of a right answer as a module, without networks, and `source` after them."""
    path = tmp_path / "lab08.py"
    right = (FOLDER / "fixtures" / "right" / "plain_python.py").read_text(encoding="utf-8")
    start, end = right.index("import math"), right.index("keras.utils.set_random_seed")
    kept = [line for line in right[start:end].splitlines() if "keras" not in line]
    path.write_text("\n".join([*kept, source, ""]), encoding="utf-8")
    return path


def test_the_reference_gets_full_marks(judge: Judge) -> None:
    result = judge(REFERENCE)
    assert_full_marks(result)


def test_the_untouched_starter_earns_nothing(judge: Judge, lab: Lab) -> None:
    assert judge(lab.starter).score == 0


def test_the_functions_count_without_the_networks(judge: Judge, tmp_path: Path) -> None:
    result = judge(functions_and(tmp_path, ""))
    checks = by_id(result)
    assert result.score == 13
    assert result.root_cause is None
    assert checks["from_logits"].observed == "no network was trained"
    assert checks["pictures"].outcome is Outcome.SKIPPED
    assert checks["accuracies_agree"].outcome is Outcome.SKIPPED


def test_the_networks_count_without_the_functions(judge: Judge, tmp_path: Path) -> None:
    path = tmp_path / "lab08.py"
    right = (FOLDER / "fixtures" / "right" / "plain_python.py").read_text(encoding="utf-8")
    imports = "import keras\nimport numpy as np\nfrom keras import layers\n"
    path.write_text(imports + right[right.index("keras.utils.set") :], encoding="utf-8")
    networks = {"from_logits", "from_probabilities", "pictures", "both_tested", "accuracies_agree"}
    assert passed(judge(path)) == {"runs", *networks}


def test_an_error_in_one_training_leaves_the_other_network_its_points(judge: Judge) -> None:
    result = judge(FOLDER / "fixtures/wrong/one-hot-with-sparse-loss--second-network.py")
    assert {"from_logits", "pictures"} <= passed(result)
    assert by_id(result)["from_probabilities"].misconception == "one-hot-with-sparse-loss"


LITTLE = """
import keras
(x, y), (x_test, y_test) = keras.datasets.mnist.load_data()
x, y, x_test = x[:3000].reshape(-1, 784) / 255, y[:3000], x_test.reshape(-1, 784) / 255
def network(end):
    model = keras.Sequential([keras.Input((784,)), keras.layers.Dense(10, activation=end)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=end is None)
    model.compile("adam", loss, metrics=["accuracy"])
    return model
"""


def test_networks_that_differ_or_were_not_tested_are_told_so(judge: Judge, tmp_path: Path) -> None:
    source = """
scores, shares = network(None), network("softmax")
scores.fit(x, y, epochs=4, batch_size=50, verbose=0)
shares.fit(x[:100], y[:100], epochs=5, batch_size=10, verbose=0)
print("scores:", scores.evaluate(x_test, y_test, verbose=0)[1])
"""
    checks = by_id(judge(functions_and(tmp_path, LITTLE + source)))
    assert checks["from_logits"].outcome is checks["from_probabilities"].outcome is Outcome.PASSED
    assert "network that gives probabilities" in (checks["both_tested"].observed or "")
    assert checks["accuracies_agree"].outcome is Outcome.FAILED
    assert "from raw scores" in (checks["accuracies_agree"].observed or "")


PROBABILITIES = "def cross_entropy(p, onehot):\n    return "
SCORES = "def cross_entropy_from_logits(z, labels):\n    return "
ACCURACY = "def accuracy(z, labels):\n    return "


@pytest.mark.parametrize(
    "told",
    [
        {
            "softmax": ("def softmax(z):\n    return np.exp(z)", "not yet shared out"),
            "cross_entropy": (
                f"{PROBABILITIES}-(onehot * np.log(p)).sum()",
                "the sum over all images",
            ),
            "cross_entropy_from_logits": (
                f"{SCORES}-z[np.arange(len(z)), labels].mean()",
                "with a minus",
            ),
            "accuracy": (f"{ACCURACY}100 * (z.argmax(axis=1) == labels).mean()", "a percentage"),
        },
        {
            "softmax": ("def softmax(z):\n    print(z[0])", "nothing (None)"),
            "cross_entropy": (
                f"{PROBABILITIES}-(onehot * np.log(p)).mean()",
                "all places of the table",
            ),
            "cross_entropy_from_logits": (
                f"{SCORES}-np.log((np.exp(z) / np.exp(z).sum(axis=0))[np.arange(len(z)), labels])"
                ".mean()",
                "down the columns",
            ),
            "accuracy": (f"{ACCURACY}(z.argmax(axis=1) != labels).mean()", "wrong answers"),
        },
        {
            "softmax": ("def softmax(z):\n    return 'shares'", "shares"),
            "cross_entropy": (
                f"{PROBABILITIES}(onehot * np.log(p)).sum(axis=1).mean()",
                "wrong sign",
            ),
            "cross_entropy_from_logits": (f"{SCORES}{{'loss': 1}}", "dict"),
            "accuracy": (f"{ACCURACY}(z.argmax(axis=1) == labels).sum()", "right answers"),
        },
        {
            "softmax": ("def softmax(z):\n    return np.ones((2, 2))", "shape (2, 2)"),
            "cross_entropy": (
                f"{PROBABILITIES}-(onehot * np.log2(p)).sum(axis=1).mean()",
                "another base",
            ),
            "cross_entropy_from_logits": (f"{SCORES}float('nan')", "nan"),
            "accuracy": (f"{ACCURACY}z.argmax(axis=1) == labels", "a number for each image"),
        },
        {
            "softmax": ("def softmax(z):\n    return z / z.sum(axis=1)[:, None]", "divided by"),
            "cross_entropy": (
                f"{PROBABILITIES}-(onehot * np.log(p)).sum(axis=1)",
                "an array of shape (4,)",
            ),
            "cross_entropy_from_logits": (f"{SCORES}0.25", "0.25"),
            "accuracy": (f"{ACCURACY}None", "nothing (None)"),
        },
        {
            "softmax": ("del softmax", "no function `softmax`"),
            "cross_entropy": (f"{PROBABILITIES}[[1], [1, 2]]", "list"),
            "accuracy": (f"{ACCURACY}(z == z.max()) * [[1j]]", "object"),
        },
    ],
)
def test_a_mistake_without_a_name_is_put_into_words(
    judge: Judge, tmp_path: Path, told: dict[str, tuple[str, str]]
) -> None:
    source = "\n\n".join(changed for changed, _ in told.values())
    checks = by_id(judge(functions_and(tmp_path, source)))
    for check, (_, words) in told.items():
        assert checks[check].outcome is Outcome.FAILED, check
        assert words in (checks[check].observed or "")
        assert checks[check].next


def test_an_exception_of_a_function_is_shown_with_its_place(judge: Judge, tmp_path: Path) -> None:
    source = "def accuracy(z, labels):\n    return labels[999]"
    told = by_id(judge(functions_and(tmp_path, source)))["accuracy"]
    assert told.outcome is Outcome.ERROR
    assert told.line is not None
