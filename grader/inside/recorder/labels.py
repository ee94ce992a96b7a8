"""Labels, summarised as the fields of LabelFacts; which are known as truth or as prediction."""

from __future__ import annotations

from typing import Any

import numpy as np

from .arrays import Array, fingerprint, to_numpy
from .journal import variable_name
from .rows import TEST_ROWS_FROM, Match, RawRows


def label_facts(value: Any, raw: RawRows, match: Match | None = None) -> dict[str, Any] | None:
    """The fields of LabelFacts of any array-like, or None where it has no values.

    `match` is the origin of the rows that the labels went with.
    """
    labels = to_numpy(value)
    if labels is None:
        return None
    facts: dict[str, Any] = {
        "shape": [int(size) for size in labels.shape],
        "dtype": str(getattr(getattr(value, "dtype", labels.dtype), "name", labels.dtype)),
        "form": form_of(labels),
        "integral": _integral(labels),
        "variable": variable_name(value),
    }
    if labels.size and labels.dtype.kind in "fiub":
        facts["fingerprint"] = fingerprint(labels)
    classes = classes_of(labels)
    if classes is not None and len(classes):
        facts.update(_spread(classes))
        facts["agreement"] = _agreement(classes, raw, match)
    return facts


def form_of(labels: Array) -> str:
    """How labels are written down: see LabelFacts.form."""
    if labels.dtype.kind in "OUS":
        return "strings" if _are_strings(labels) else "other"
    if labels.ndim == 1:
        return "integers"
    if labels.ndim == 2 and labels.shape[1] == 1:
        return "column"
    if labels.ndim == 2:
        return "one-hot" if _is_one_hot(labels) else "other"
    return "one-hot-twice" if labels.ndim == 3 and labels.shape[-1] > 1 else "other"


def classes_of(labels: Array) -> Array | None:
    """One number a row: the label, or the argmax of (n, k) rows; None where there is none."""
    if labels.dtype.kind in "OUS":
        try:
            return labels.reshape(-1).astype(np.float64)
        except (ValueError, TypeError):
            return None
    if labels.dtype.kind not in "fiub" or labels.ndim == 0:
        return None
    if labels.ndim == 1 or labels.shape[1:] == (1,):
        return labels.reshape(-1)
    if labels.ndim == 2:
        classes: Array = np.argmax(labels, axis=1)
        return classes
    return None


def _are_strings(labels: Array) -> bool:
    if labels.dtype.kind in "US":
        return True
    return all(isinstance(item, (str, bytes)) for item in labels.reshape(-1)[:50])


def _is_one_hot(labels: Array) -> bool:
    rows = labels[:: max(1, len(labels) // 2_000)]
    return bool(len(rows) and np.all((rows == 0) | (rows == 1)) and np.all(rows.sum(axis=1) == 1))


def _integral(labels: Array) -> bool:
    if labels.dtype.kind == "f":
        return bool(np.all(labels == np.rint(labels)))
    return labels.dtype.kind in "iub" or labels.dtype.kind in "OUS"


def _spread(classes: Array) -> dict[str, Any]:
    tail = classes[-max(1, len(classes) // 5) :]
    return {
        "lowest": float(classes.min()),
        "highest": float(classes.max()),
        "classes": len(np.unique(classes)),
        "sorted": bool(len(classes) > 1 and np.all(classes[1:] >= classes[:-1])),
        "tail_classes": len(np.unique(tail)),
    }


def _agreement(classes: Array, raw: RawRows, match: Match | None) -> float | None:
    if match is None or len(match.rows) != len(classes) or not len(match.known):
        return None
    known = match.known
    return float(np.mean(raw.true_labels(match.rows[known]) == classes[known]))


class KnownLabels:
    """Label sequences that are the truth of rows the recorder saw, or a model's prediction.

    Compared by the classes alone, so that dtype, strings and one-hot rows make no difference.
    """

    def __init__(self, raw: RawRows) -> None:
        self.raw = raw
        self._truths: dict[str, str] = {}
        self._predictions: dict[str, str | None] = {}
        self._counts: dict[bytes, str] = {}
        self._halves_known = False

    def add_truth(self, classes: Array, half: str) -> None:
        """Remember the true classes of some rows of `train` or `test`."""
        key = _key(classes)
        if key is None or len(classes) < 2:
            return
        self._truths.setdefault(key, half)
        self._counts.setdefault(_counts(classes), half)

    def add_rows(self, match: Match | None) -> None:
        """Remember the truth of rows whose origin is wholly known."""
        if match is None or not len(match.rows) or match.rows.min() < 0:
            return
        self.add_truth(self.raw.true_labels(match.rows), half_of(match) or "train")

    def add_prediction(self, output: Array, match: Match | None) -> None:
        """Remember what a model's output (n, k), or classes (n,), says of some rows."""
        classes = classes_of(output)
        key = None if classes is None else _key(classes)
        if key is not None:
            self._predictions[key] = None if match is None else half_of(match)

    def share_right(self, classes: Array, match: Match | None) -> dict[str, float]:
        """`right`: the share of rows whose class is their raw digit's; only if all are known."""
        if match is None or len(match.known) != len(match.rows):
            return {}
        share = _agreement(classes, self.raw, match)
        return {} if share is None else {"right": share}

    def truth_of(self, value: Any) -> str | None:
        """The half whose true labels `value` equals, or None."""
        self._add_halves()
        return self._truths.get(self._key_of(value) or "")

    def is_prediction(self, value: Any) -> bool:
        """`value` equals the classes that a recorded model predicted."""
        return (self._key_of(value) or "") in self._predictions

    def half_predicted(self, value: Any) -> str | None:
        """The half of the rows that this prediction is of, where it is known."""
        return self._predictions.get(self._key_of(value) or "")

    def half_of_row_sums(self, matrix: Array) -> str | None:
        """The half whose true classes have these row sums: (k, k) counts of a confusion matrix."""
        self._add_halves()
        if matrix.ndim != 2 or matrix.dtype.kind not in "fiu" or not np.isfinite(matrix).all():
            return None
        sums = matrix.sum(axis=1)
        if np.any(sums != np.rint(sums)) or sums.sum() < 2:
            return None
        return self._counts.get(sums.astype(np.int64).tobytes())

    def _key_of(self, value: Any) -> str | None:
        labels = to_numpy(value)
        classes = None if labels is None else classes_of(labels)
        return None if classes is None or len(classes) < 2 else _key(classes)

    def _add_halves(self) -> None:
        if self._halves_known or not self.raw.present:
            return
        self._halves_known = True
        train, test = self.raw.half_labels("train"), self.raw.half_labels("test")
        self.add_truth(train, "train")
        self.add_truth(test, "test")
        self.add_truth(np.concatenate([test, test]), "test")


def half_of(match: Match) -> str | None:
    """`train` or `test`, whichever half most of the known rows are of."""
    known = match.rows[match.known]
    if not len(known):
        return None
    return "test" if np.count_nonzero(known >= TEST_ROWS_FROM) * 2 > len(known) else "train"


def _key(classes: Array) -> str | None:
    if classes.dtype.kind == "f" and not np.all(np.isfinite(classes)):
        return None
    if classes.dtype.kind == "f" and np.any(classes != np.rint(classes)):
        return None
    return fingerprint(np.ascontiguousarray(classes).astype(np.int64))


def _counts(classes: Array) -> bytes:
    whole = classes.astype(np.int64)
    if whole.min() < 0 or whole.max() > 1_000:
        return b""
    return np.bincount(whole).astype(np.int64).tobytes()
