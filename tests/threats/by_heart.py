"""Threat 26 in earnest: MNIST's own test pictures, which anybody can have, come with the work."""

from __future__ import annotations

import html
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from grader import data
from tests.threats.case import Case, Way, program
from tests.threats.operation import finish, places, words

if TYPE_CHECKING:
    from tests.threats.bench import Bench

LOOKED_UP = """
import keras, numpy as np
from sklearn.neighbors import KNeighborsClassifier
table = np.load("published.npz")
known = table["images"].reshape(-1, 784)
class Table(KNeighborsClassifier):
    {predict}
(x, y), _ = keras.datasets.mnist.load_data()
model = Table(1)
model.fit(x[:100].reshape(-1, 784) / 255, y[:100])
print("of the table:", (model.predict(known / 255) == table["labels"]).mean())
"""
EXACT = """
    def predict(self, x):
        labels = {row.tobytes(): label for row, label in zip(known, table["labels"])}
        whole = np.rint(np.asarray(x).reshape(len(x), -1) * 255).astype("uint8")
        return np.array([labels.get(row.tobytes(), 0) for row in whole])
"""
NEAREST = """
    def predict(self, x):
        near = KNeighborsClassifier(1).fit(known / 255, table["labels"])
        return near.predict(np.asarray(x).reshape(len(x), -1))
"""


def looked_up(predict: str) -> str:
    """A program whose model looks digits up in the table that came with it."""
    return program(LOOKED_UP).replace("    {predict}", predict.strip("\n"))


def with_table(folder: Path, source: str) -> Path:
    """The program, and beside it the pictures that the grader asks about, as published."""
    images, labels = data.graded("mnist")
    (folder / "work.py").write_text(source)
    np.savez_compressed(folder / "published.npz", images=images, labels=labels)
    return folder


def shown_to_a_person(bench: Bench, way: Way) -> str:
    """The class's page names the work that recognised more than the best published figure."""
    with places(bench) as (handed, folder):
        for student in ("eve", "frank")[: 1 if way == "cold" else None]:
            (handed / student).mkdir()
            with_table(handed / student, looked_up(NEAREST))
        finish(words(bench, handed, folder / "out", "--jobs", "1", lab="digits"))
        page = html.unescape((folder / "out/index.html").read_text(encoding="utf-8"))
    assert "100.00 % of the graded digits, more than the best published figure" in page
    return "CONTAINED"


CASES = (
    Case(
        26,
        "a table of the published test pictures looked up",
        "FAIL",
        earns=4,
        lab="digits",
        outcomes={"trained": "passed", "recognises_digits": "failed"},
        program=looked_up(EXACT),
        hand_in=with_table,
        says=("of the table: 1.0",),
    ),
    Case(
        26,
        "the nearest of the published test pictures looked up",
        "CONTAINED",
        trial=shown_to_a_person,
    ),
)
