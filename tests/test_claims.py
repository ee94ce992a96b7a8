"""What a sentence claims about settings, and which rows of a table are about which."""

from __future__ import annotations

import pytest

from grader.checks.tables import claims, result_rows, sentences
from grader.records.evidence import Evidence, ValueFacts

ACTIVATIONS = ("relu", "tanh", "sigmoid", "leaky_relu")
OPTIMIZERS = ("Adam", "SGD", "RMSprop")
RATES = (0.01, 0.1, 1.0)


@pytest.mark.parametrize(
    ("sentence", "settings", "winner"),
    [
        ("Adam reached the highest accuracy, 0.95.", OPTIMIZERS, "Adam"),
        ("Leaky ReLU is the best activation here.", ACTIVATIONS, "leaky_relu"),
        ("LeakyReLU gave better results than sigmoid.", ACTIVATIONS, "leaky_relu"),
        ("A rate of 0.1 was the best.", RATES, 0.1),
        ("RMSprop beats SGD clearly.", OPTIMIZERS, "RMSprop"),
    ],
)
def test_a_plain_claim_names_its_winner(
    sentence: str, settings: tuple[str | float, ...], winner: str | float
) -> None:
    found = claims(sentence, settings)
    assert found is not None
    assert found[0] == winner
    assert winner not in found[1]


@pytest.mark.parametrize(
    "sentence",
    [
        "Adam was not the best.",
        "I expected SGD to be the best.",
        "Adam and RMSprop are the best.",
        "SGD had the lowest accuracy.",
        "Is Adam the best?",
        "The best accuracy was 0.95.",
        "Adam is best for speed of training.",
        "Without tuning, SGD wins.",
        "SGD is better than nothing.",
        "SGD would be the best if it trained longer than Adam.",
        "",
        "Among the SGD learning rates, 1 reached the highest accuracy.",
    ],
)
def test_a_sentence_that_can_be_read_otherwise_claims_nothing(sentence: str) -> None:
    assert claims(sentence, OPTIMIZERS) is None


def test_sentences_are_read_one_by_one() -> None:
    assert list(sentences(["One is. Two are!\nThree"])) == ["One is.", "Two are!", "Three"]


def rows_of(*table: dict[str, float | str | None]) -> list[tuple[list[object], tuple[float, ...]]]:
    values = (ValueFacts(name="results", type="list", table=table),)
    every = (*ACTIVATIONS, *OPTIMIZERS, *RATES)
    rows = result_rows(Evidence(values=values), "results")
    return [([each for each in every if row.names(each)], row.accuracies) for row in rows]


@pytest.mark.parametrize(
    ("row", "settings", "accuracies"),
    [
        ({"setting": "LeakyReLU", "loss": 0.1, "accuracy": 0.9}, ["leaky_relu"], (0.9,)),
        (
            {"a": "relu", "o": "SGD(0.01)", "l": 0.1, "val_acc": 90.0},
            ["relu", "SGD", 0.01, 0.1],
            (0.9,),
        ),
        ({"0": 0.1, "1": 0.4, "2": 0.9}, [0.1], (0.1, 0.4, 0.9)),
        ({"name": "SGD lr=1.0", "test loss": 0.1, "train accuracy": 0.9}, ["SGD", 1.0], ()),
        ({"learning_rate": 1.0, "loss": 0.01, "accuracy": 0.1}, [1.0], (0.1,)),
        ({"optimizer": "AdamW", "epochs": 1.0, "accuracy": None}, [], ()),
    ],
)
def test_a_row_names_its_settings_and_no_result_is_taken_for_one(
    row: dict[str, float | str | None], settings: list[object], accuracies: tuple[float, ...]
) -> None:
    assert rows_of(row) == [(settings, accuracies)]
