"""Metrics of scikit-learn and TensorFlow: what was compared with what, and the outcome."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..import_hooks import replace_everywhere
from .journal import Journal, Place, fault_of
from .labels import KnownLabels, label_facts
from .rows import RawRows

SKLEARN = (
    "confusion_matrix",
    "classification_report",
    "accuracy_score",
    "balanced_accuracy_score",
    "precision_score",
    "recall_score",
    "f1_score",
    "fbeta_score",
    "precision_recall_fscore_support",
    "multilabel_confusion_matrix",
    "zero_one_loss",
    "log_loss",
)
MAX_VALUES = 2_000


@dataclass
class _Ticket:
    name: str
    place: Place
    first: Any
    second: Any


class Metrics:
    """Wraps the metric functions; what they call in turn is part of them."""

    def __init__(self, journal: Journal, raw: RawRows, known: KnownLabels) -> None:
        self._journal = journal
        self._raw = raw
        self._known = known

    def in_sklearn(self, module: Any) -> None:
        """Wrap scikit-learn's classification metrics."""
        for name in SKLEARN:
            self._wrap(module, name, ("y_true", "y_pred"), "sklearn")

    def in_tensorflow(self, module: Any) -> None:
        """Wrap tf.math.confusion_matrix."""
        self._wrap(module, "confusion_matrix", ("labels", "predictions"), "tensorflow")

    def _wrap(self, module: Any, name: str, names: tuple[str, str], package: str) -> None:
        original = getattr(module, name, None)
        if original is None or getattr(original, "__recorded__", False):
            return

        def before(args: tuple[Any, ...], kwargs: dict[str, Any]) -> _Ticket | None:
            if self._journal.is_full("metric", name=name):
                return None
            given = dict(zip(names, args, strict=False)) | kwargs
            place = self._journal.where()
            return _Ticket(name, place, given.get(names[0]), given.get(names[1]))

        wrapped = self._journal.around(original, before, self._after)
        setattr(module, name, wrapped)
        replace_everywhere(original, wrapped, (package,))

    def _after(self, ticket: _Ticket, result: Any, error: Any) -> None:
        value, shape = _plain(result)
        half = self._known.truth_of(ticket.first) or self._known.truth_of(ticket.second)
        half = half or self._known.half_predicted(ticket.second)
        self._journal.event(
            "metric",
            ticket.place,
            name=ticket.name,
            **self._side("first", ticket.first),
            **self._side("second", ticket.second),
            rows_of=half or self._known.half_predicted(ticket.first),
            value=value,
            shape=shape,
            fault=None if error is None else fault_of(error, ticket.place),
        )

    def _side(self, side: str, labels: Any) -> dict[str, Any]:
        facts = None if labels is None else label_facts(labels, self._raw)
        return {
            side: facts,
            f"{side}_is_truth": None if facts is None else self._known.truth_of(labels) is not None,
            f"{side}_is_prediction": None if facts is None else self._known.is_prediction(labels),
        }


def _plain(result: Any) -> tuple[list[float | None], list[int]]:
    """Numbers of a result, flat, and their shape; nothing for text and for what is too large."""
    if isinstance(result, tuple):
        result = [part for part in result if part is not None]
    if result is None or isinstance(result, (str, dict)):
        return [], []
    try:
        numbers = np.asarray(result, dtype=np.float64)
    except (TypeError, ValueError):
        return [], []
    if numbers.size > MAX_VALUES:
        return [], [int(size) for size in numbers.shape]
    return [float(value) for value in numbers.reshape(-1)], [int(size) for size in numbers.shape]
