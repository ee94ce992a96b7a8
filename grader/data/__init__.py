"""The data sets that ship with the package, memory-mapped, for the grader's side.

The folder `<name>/public` is what a submission may see; `<name>/graded` never leaves the grader.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from grader.errors import LabError

FOLDER = Path(__file__).resolve().parent


@dataclass(frozen=True)
class DataSet:
    """What is fixed of one data set: rows in its halves and the number of classes."""

    train: int
    visible: int
    graded: int
    classes: int


DATA_SETS = {"mnist": DataSet(train=60_000, visible=5_000, graded=5_000, classes=10)}


def describe(name: str) -> DataSet:
    """Return the facts of the data set `name`; LabError where there is none of that name."""
    try:
        return DATA_SETS[name]
    except KeyError:
        known = ", ".join(sorted(DATA_SETS))
        raise LabError(
            f"there is no data set {name!r}",
            hint=f'Write one of these in lab.toml: data = "{known}".',
        ) from None


def classes(name: str) -> int:
    """Return the number of classes: the labels are 0 … classes - 1."""
    return describe(name).classes


def public_folder(name: str) -> Path:
    """Return the folder that the sandbox shows to a submission.

    It holds train_images.npy uint8 (60000, 28, 28), train_labels.npy uint8 (60000,),
    visible_images.npy uint8 (5000, 28, 28) and visible_labels.npy uint8 (5000,).
    """
    describe(name)
    return FOLDER / name / "public"


def public_rows(name: str, rows: np.ndarray) -> np.ndarray:
    """Return the raw images of the public row numbers, uint8 (k, 28, 28).

    Row i is training image i; row 60000 + j is visible test image j.
    Raises IndexError for a row that is in neither half: the numbers may come from a submission.
    """
    facts = describe(name)
    rows = np.asarray(rows, dtype=np.int64).reshape(-1)
    if rows.size and not (rows.min() >= 0 and rows.max() < facts.train + facts.visible):
        raise IndexError(f"{name} has public rows 0 to {facts.train + facts.visible - 1}")
    images = np.empty((len(rows), 28, 28), dtype=np.uint8)
    of_train = rows < facts.train
    images[of_train] = _mapped(name, "public", "train_images")[rows[of_train]]
    images[~of_train] = _mapped(name, "public", "visible_images")[rows[~of_train] - facts.train]
    return images


def public_labels(name: str, rows: np.ndarray) -> np.ndarray:
    """Return the labels of the public row numbers, uint8 (k,); errors as for `public_rows`."""
    facts = describe(name)
    rows = np.asarray(rows, dtype=np.int64).reshape(-1)
    if rows.size and not (rows.min() >= 0 and rows.max() < facts.train + facts.visible):
        raise IndexError(f"{name} has public rows 0 to {facts.train + facts.visible - 1}")
    halves = [_mapped(name, "public", "train_labels"), _mapped(name, "public", "visible_labels")]
    labels: np.ndarray = np.concatenate(halves)[rows]
    return labels


def graded(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the digits that no submission ever has: uint8 (5000, 28, 28) and labels (5000,)."""
    describe(name)
    return _mapped(name, "graded", "images"), _mapped(name, "graded", "labels")


@cache
def _mapped(name: str, half: str, array: str) -> np.ndarray:
    mapped: np.ndarray = np.load(
        FOLDER / name / half / f"{array}.npy", mmap_mode="r", allow_pickle=False
    )
    return mapped


@cache
def pixel_statistics(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return each pixel's mean and population standard deviation over the training images.

    Both float64 (28, 28), in grey levels; computed in slices so that memory stays flat.
    """
    images = _mapped(name, "public", "train_images")
    total = np.zeros(images.shape[1:])
    squares = np.zeros(images.shape[1:])
    for start in range(0, len(images), 5_000):
        part = np.asarray(images[start : start + 5_000], dtype=np.float64)
        total += part.sum(axis=0)
        squares += (part**2).sum(axis=0)
    mean = total / len(images)
    return mean, np.sqrt(np.maximum(squares / len(images) - mean**2, 0))
