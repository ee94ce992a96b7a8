"""fit, predict and score of scikit-learn estimators, as the student calls them."""

from __future__ import annotations

import inspect
import sys
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from ..import_hooks import replace_everywhere
from .feeds import Feed, Feeds
from .journal import Journal, Place, fault_of
from .labels import KnownLabels, classes_of
from .ledger import Entry, Ledger

METHODS = ("fit", "partial_fit", "predict", "predict_proba", "score")
CROSS_VALIDATION = (
    "cross_validate",
    "cross_val_score",
    "cross_val_predict",
    "learning_curve",
    "validation_curve",
)
SKIPPED = ("sklearn.utils", "sklearn.externals")
FIRST = 30
"""As many of the predicted classes are told as people look at."""


@dataclass
class _Ticket:
    entry: Entry
    place: Place
    feed: Feed | None


class Estimators:
    """Wraps the methods of every estimator class once its module is imported."""

    def __init__(
        self,
        journal: Journal,
        ledger: Ledger,
        feeds: Feeds,
        known: KnownLabels,
        histories: list[dict[str, list[float | None]]],
    ) -> None:
        self._histories = histories
        self._journal = journal
        self._ledger = ledger
        self._feeds = feeds
        self._known = known

    def in_validation(self, module: ModuleType) -> None:
        """Trainings within a cross-validation are its own affair, not trained models."""
        for name in CROSS_VALIDATION:
            original = getattr(module, name, None)
            if original is not None:
                wrapped = self._journal.around(original, lambda *_: None, lambda *_: None)
                setattr(module, name, wrapped)
                replace_everywhere(original, wrapped, ("sklearn",))

    def in_module(self, module: ModuleType) -> None:
        """Wrap the classes that a module defines."""
        base = sys.modules.get("sklearn.base")
        if not hasattr(base, "BaseEstimator") or module.__name__.startswith(SKIPPED):
            return
        wanted = (base.BaseEstimator, base.ClassifierMixin, base.RegressorMixin)  # type: ignore[union-attr]
        for value in list(vars(module).values()):
            if (
                isinstance(value, type)
                and value.__module__ == module.__name__
                and issubclass(value, wanted)
            ):
                self._in_class(value)

    def _in_class(self, kind: type) -> None:
        for name in METHODS:
            original = vars(kind).get(name)
            if original is None or getattr(original, "__recorded__", False):
                continue
            after = {
                "fit": self._after_fit,
                "partial_fit": self._after_fit,
                "score": self._after_score,
            }
            before = {
                "fit": self._before_fit,
                "partial_fit": self._before_part,
                "score": self._before_score,
            }
            first = before.get(name, self._before_predict)
            done = after.get(name, self._after_predict)
            if inspect.isfunction(original):
                setattr(kind, name, self._journal.around(original, first, done))
            elif hasattr(original, "fn") and hasattr(original, "check"):
                original.fn = self._journal.around(original.fn, first, done)

    def _before_fit(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> _Ticket:
        return self._ticket(args, kwargs)

    def _before_part(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> _Ticket | None:
        full = self._journal.is_full("fit", how="sklearn")
        return None if full else self._ticket(args, kwargs)

    def _before_predict(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> _Ticket | None:
        full = self._journal.is_full("use", how="predict")
        return None if full else self._ticket(args, kwargs)

    def _before_score(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> _Ticket | None:
        full = self._journal.is_full("use", how="score")
        return None if full else self._ticket(args, kwargs)

    def _ticket(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> _Ticket:
        x = args[1] if len(args) > 1 else kwargs.get("X")
        y = args[2] if len(args) > 2 else kwargs.get("y")
        entry = self._ledger.entry(args[0], "sklearn")
        return _Ticket(entry, self._journal.where(), self._feeds.of(x, y))

    def _after_fit(self, ticket: _Ticket, result: Any, error: Any) -> None:  # noqa: ARG002
        entry, feed = ticket.entry, ticket.feed
        if error is None and _can_be_judged(entry.model):
            self._ledger.trained(entry, "sklearn")
            self._histories.append(_curves(entry.model))
        self._journal.event(
            "fit",
            ticket.place,
            how="sklearn",
            model=entry.id,
            train=None if feed is None else feed.facts,
            changed=error is None,
            fault=None if error is None else fault_of(error, ticket.place),
        )
        self._ledger.publish(entry)

    def _after_predict(self, ticket: _Ticket, result: Any, error: Any) -> None:
        output, results = None, {}
        if isinstance(result, np.ndarray):
            match = ticket.feed.match if ticket.feed else None
            classes = self._classes(ticket, result)
            self._known.add_prediction(classes, match)
            output = self._feeds.arrays.facts(result, name="", sample=False)
            numbers = classes_of(classes)
            output.update(variable=None, origin=None)
            if numbers is not None:
                output["sample"] = np.asarray(numbers[:FIRST], dtype=np.float64)
                results = self._known.share_right(numbers, match)
        self._use(ticket, "predict", error, output=output, results=results)

    def _classes(self, ticket: _Ticket, result: Any) -> Any:
        """The classes that were predicted, also where the answer was probabilities."""
        classes = getattr(ticket.entry.model, "classes_", None)
        if result.ndim == 2 and classes is not None and len(classes) == result.shape[1]:
            return np.asarray(classes)[np.argmax(result, axis=1)]
        return result

    def _after_score(self, ticket: _Ticket, result: Any, error: Any) -> None:
        results = {} if result is None else {"score": float(result)}
        if results and hasattr(ticket.entry.model, "classes_"):
            results["accuracy"] = results["score"]
        self._use(ticket, "score", error, results=results)

    def _use(self, ticket: _Ticket, how: str, error: Any, **fields: Any) -> None:
        self._journal.event(
            "use",
            ticket.place,
            how=how,
            model=ticket.entry.id,
            feed=None if ticket.feed is None else ticket.feed.facts,
            fault=None if error is None else fault_of(error, ticket.place),
            **fields,
        )


def _curves(estimator: Any) -> dict[str, list[float | None]]:
    """What an estimator keeps of each epoch, under the keys that Keras uses for it."""
    kept = {"loss": "loss_curve_", "val_accuracy": "validation_scores_"}
    found = {key: getattr(estimator, name, None) for key, name in kept.items()}
    return {
        key: [float(value) for value in values]
        for key, values in found.items()
        if isinstance(values, list)
    }


def _can_be_judged(estimator: Any) -> bool:
    """A scaler or a clustering is fitted, too, but is no model to be judged as the trained one."""
    parents = {parent.__name__ for parent in type(estimator).__mro__}
    return hasattr(type(estimator), "predict") and "ClusterMixin" not in parents
