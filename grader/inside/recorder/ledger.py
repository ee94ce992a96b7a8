"""The models that the submission made, by number, and what became of each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .arrays import fingerprint
from .journal import Journal, Place
from .keras_models import model_facts

MAX_MODELS = 300


@dataclass
class Entry:
    """One model: the live object and the fields of ModelFacts that its architecture lacks."""

    id: int
    model: Any
    family: str
    place: Place
    how: list[str] = field(default_factory=list)
    order: int = 0
    compiled: dict[str, Any] | None = None
    shapes: dict[str, Any] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)
    learning: tuple[int, ...] | None = None
    """The variables, by id, that were trainable in the first training after the last compile."""


class Ledger:
    """Numbers models from 1 and emits their facts."""

    def __init__(self, journal: Journal, models: dict[int, Any]) -> None:
        self._journal = journal
        self.models = models
        self.entries: dict[int, Entry] = {}
        self._trainings = 0
        self._ends: dict[str, int] = {}

    def entry(self, model: Any, family: str = "keras") -> Entry:
        """The entry of a model, made when it is first seen. Holds the model alive."""
        known = self.entries.get(id(model))
        if known is None:
            number = len(self.entries) + 1
            known = Entry(number, model, family, self._journal.where())
            self.entries[id(model)] = known
            if number <= MAX_MODELS:
                self.models[number] = model
        return known

    def trained(self, entry: Entry, how: str) -> None:
        """Note a training: the last trained model has the highest order."""
        self._trainings += 1
        entry.order = self._trainings
        if how not in entry.how:
            entry.how.append(how)

    def note_end(self, entry: Entry, mark: str | None) -> None:
        """Remember the weights with which a training ended, by their checksum."""
        if mark:
            self._ends[mark] = entry.id

    def ended_with(self, mark: str | None) -> int | None:
        """The model whose training ended with these very weights, or None."""
        return self._ends.get(mark) if mark else None

    def publish(self, entry: Entry) -> None:
        """Emit what is now known of a model."""
        if entry.id > MAX_MODELS:
            return
        facts = _architecture(entry)
        cell, line = entry.place
        self._journal.model(
            {
                **facts,
                "id": entry.id,
                "names": entry.names[:20],
                "trained": bool(entry.how),
                "how": entry.how[:8],
                "order": entry.order,
                "cell": cell,
                "line": line,
                "compiled": entry.compiled,
            }
        )


def _architecture(entry: Entry) -> dict[str, Any]:
    if entry.family == "sklearn":
        return estimator_facts(entry.model)
    return model_facts(entry.model, entry.shapes)


def estimator_facts(estimator: Any) -> dict[str, Any]:
    """The fields of ModelFacts of a scikit-learn estimator; a pipeline's steps are its layers."""
    steps = getattr(estimator, "steps", None)
    layers = []
    if isinstance(steps, list):
        layers = [{"name": str(name)[:300], "kind": type(step).__name__} for name, step in steps]
    features = getattr(estimator, "n_features_in_", None)
    return {
        "family": "sklearn",
        "kind": type(estimator).__name__[:300],
        "built": features is not None,
        "input_shape": None if features is None else [None, int(features)],
        "layers": layers,
    }


def weights_mark(model: Any) -> str | None:
    """A checksum of a model's trainable variables; None while it has none."""
    if not getattr(model, "built", False):
        return None
    variables = list(model.trainable_variables)
    if not variables:
        return ""
    return "".join(variable_mark(variable) for variable in variables)


def trainable_ids(model: Any) -> tuple[int, ...] | None:
    """The trainable variables of a model by their ids; None while it is not built."""
    if not getattr(model, "built", False):
        return None
    return tuple(id(variable) for variable in model.trainable_variables)


def variable_mark(variable: Any) -> str:
    """A checksum of one variable's values."""
    return fingerprint(variable.numpy())
