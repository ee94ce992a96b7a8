"""compile, fit, evaluate, predict and the like of Keras models, as the student calls them."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any

import numpy as np

from .arrays import kind_of
from .feeds import Feed, Feeds
from .intake import Intake
from .journal import Journal, Place, fault_of
from .keras_budget import Budget, Plan
from .keras_models import compiled_facts, plain_shape
from .labels import KnownLabels
from .ledger import Entry, Ledger, trainable_ids, weights_mark
from .loops import Loops


@dataclass
class Ticket:
    """A call under way: its arguments as bound, and what was noted before it."""

    entry: Entry
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    given: dict[str, Any]
    place: Place
    intake: Intake
    validation: Intake
    mark: str | None = None
    restructured: bool = False
    loop: Any = None
    plan: Plan | None = None

    def feed_with(self, intake: Intake, x: Any, y: Any, steps: Any) -> None:
        """Begin to take in `x` and `y`, which may change the arguments that are passed on."""
        self.args, self.kwargs = intake.begin(x, y, (self.args, self.kwargs), _count(steps))


class KerasCalls:
    """Patches keras.Model once and turns its outermost calls into events."""

    def __init__(
        self, journal: Journal, ledger: Ledger, feeds: Feeds, known: KnownLabels, loops: Loops
    ) -> None:
        self._loops = loops
        self._journal = journal
        self._ledger = ledger
        self._feeds = feeds
        self._known = known
        self.budget = Budget(journal)
        self.histories: list[dict[str, list[float | None]]] = []

    def patch(self, trainer: type, backend_trainer: type) -> None:
        """Wrap the methods where they are defined: Keras compares `compile` with the base's."""
        around = self._journal.around
        recorded = {
            "compile": (trainer, self._before_compile, self._after_compile),
            "fit": (backend_trainer, self._before_fit, self._after_fit),
            "evaluate": (backend_trainer, self._before_evaluate, self._after_evaluate),
            "predict": (backend_trainer, self._before_predict, self._after_predict),
            "test_on_batch": (backend_trainer, self._before_evaluate, self._after_evaluate),
            "train_on_batch": (backend_trainer, self._before_on_batch, self._after_on_batch),
            "predict_on_batch": (backend_trainer, self._before_predict, self._after_predict),
        }
        for name, (owner, before, after) in recorded.items():
            original = getattr(owner, name)
            bound = _Bound(original, before)
            setattr(owner, name, around(original, bound, after))

    def _before_compile(self, ticket: Ticket) -> None:
        pass

    def _after_compile(self, ticket: Ticket, result: Any, error: Any) -> None:  # noqa: ARG002
        entry = ticket.entry
        facts = compiled_facts(ticket.given, entry.model if error is None else None)
        if error is None:
            entry.compiled, entry.learning = facts, None
        fault = None if error is None else fault_of(error, ticket.place)
        self._journal.event("compile", ticket.place, model=entry.id, compiled=facts, fault=fault)
        self._ledger.publish(entry)

    def _before_on_batch(self, ticket: Ticket) -> None:
        ticket.loop = self._loops.before_on_batch(ticket.entry, ticket.given)

    def _after_on_batch(self, ticket: Ticket, result: Any, error: Any) -> None:  # noqa: ARG002
        self._loops.after_on_batch(ticket.loop, error)

    def _before_fit(self, ticket: Ticket) -> None:
        self._loops.settle([entry.model for entry in self._ledger.entries.values()])
        ticket.mark = weights_mark(ticket.entry.model)
        ticket.restructured = _is_restructured(ticket.entry)
        given = ticket.given
        steps = given.get("steps_per_epoch")
        ticket.feed_with(ticket.intake, given.get("x"), given.get("y"), steps)
        steps = given.get("validation_steps")
        validation = given.get("validation_data")
        if isinstance(validation, (tuple, list)) and len(validation) >= 2:
            ticket.feed_with(ticket.validation, validation[0], validation[1], steps)
        elif validation is not None:
            ticket.feed_with(ticket.validation, validation, None, steps)
        intakes = ticket.intake, ticket.validation
        ticket.plan = self._journal.safely(self.budget.open, ticket.entry.model, given, *intakes)

    def _after_fit(self, ticket: Ticket, result: Any, error: Any) -> None:
        entry, given = ticket.entry, ticket.given
        feed, validation = ticket.intake.end(), ticket.validation.end()
        shortened = self._journal.safely(self.budget.close, ticket.plan, error)
        history = _history(result if error is None else getattr(entry.model, "history", None))
        if history:
            self.histories.append(history)
        self._loops.refresh(entry.model)
        mark = weights_mark(entry.model)
        # Weights that fit made before its first step failed were not trained.
        began = bool(ticket.mark or history or error is None)
        changed = began and bool(mark) and mark != ticket.mark
        if changed or error is None:
            self._ledger.trained(entry, "fit")
        continues = self._ledger.ended_with(ticket.mark)
        if changed:
            self._ledger.note_end(entry, mark)
            entry.learning = entry.learning or trainable_ids(entry.model)
        ran = max((len(values) for values in history.values()), default=0)
        self._journal.event(
            "fit",
            ticket.place,
            how="fit",
            model=entry.id,
            train=None if feed is None else feed.facts,
            validation=None if validation is None else validation.facts,
            validation_split=_number(given.get("validation_split")) or None,
            epochs=_count(given.get("epochs", 1)),
            epochs_ran=ran,
            batch_size=_count(given.get("batch_size")) or _batch_size(feed),
            steps=_count(given.get("steps_per_epoch")),
            shuffle=_shuffle(feed, given),
            callbacks=_names(given.get("callbacks")),
            history=history,
            changed=changed,
            continues=continues,
            restructured=ticket.restructured,
            compiled=entry.compiled,
            shortened=shortened,
            fault=None if error is None else fault_of(error, ticket.place),
        )
        self._ledger.publish(entry)

    def _before_evaluate(self, ticket: Ticket) -> bool:
        return self._before_use(ticket, "evaluate")

    def _before_predict(self, ticket: Ticket) -> bool:
        return self._before_use(ticket, "predict")

    def _before_use(self, ticket: Ticket, how: str) -> bool:
        if self._journal.is_full("use", how=how):
            return False
        given = ticket.given
        ticket.feed_with(ticket.intake, given.get("x"), given.get("y"), given.get("steps"))
        return True

    def _after_evaluate(self, ticket: Ticket, result: Any, error: Any) -> None:
        results = _results(ticket.entry.model, result)
        self._use(ticket, "evaluate", ticket.intake.end(), error, results=results)

    def _after_predict(self, ticket: Ticket, result: Any, error: Any) -> None:
        output, feed = None, ticket.intake.end()
        if isinstance(result, (list, tuple)):
            result = result[0] if result else None
        if kind_of(result) in ("array", "tensor"):
            values = np.asarray(result)
            self._known.add_prediction(values, feed.match if feed else None)
            output = self._feeds.arrays.facts(values, name="", sample=False)
            output.update(variable=None, origin=None)
            ticket.entry.shapes.setdefault("output_shape", [None, *values.shape[1:]])
        self._use(ticket, "predict", feed, error, output=output)

    def _use(self, ticket: Ticket, how: str, feed: Feed | None, error: Any, **fields: Any) -> None:
        self._journal.event(
            "use",
            ticket.place,
            how=how,
            model=ticket.entry.id,
            feed=None if feed is None else feed.facts,
            fault=None if error is None else fault_of(error, ticket.place),
            **fields,
        )


class _Bound:
    """Makes a Ticket of a call's arguments before handing it to a method of KerasCalls."""

    def __init__(self, original: Any, before: Any) -> None:
        self._signature = inspect.signature(original)
        self._before = before

    def __call__(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Ticket | None:
        owner = self._before.__self__
        try:
            given = dict(self._signature.bind(*args, **kwargs).arguments)
        except TypeError:
            given = dict(kwargs)
        given.update(given.pop("kwargs", {}))
        model = given.pop("self", args[0] if args else None)
        place = owner._journal.where()
        intakes = Intake(owner._feeds), Intake(owner._feeds)
        ticket = Ticket(owner._ledger.entry(model), args, kwargs, given, place, *intakes)
        x = given.get("x")
        if kind_of(x) in ("array", "tensor") and "input_shape" not in ticket.entry.shapes:
            shape = plain_shape(getattr(x, "shape", None))
            if shape:
                ticket.entry.shapes["input_shape"] = [None, *shape[1:]]
        return None if self._before(ticket) is False else ticket


def _is_restructured(entry: Entry) -> bool:
    now = trainable_ids(entry.model)
    return entry.learning is not None and now is not None and now != entry.learning


def _history(source: Any) -> dict[str, list[float | None]]:
    kept = getattr(source, "history", None)
    if not isinstance(kept, dict):
        return {}
    return {str(key)[:300]: [_number(value) for value in values] for key, values in kept.items()}


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _count(value: Any) -> int | None:
    number = _number(value)
    return int(number) if number is not None and number == number and abs(number) < 1e12 else None


def _batch_size(feed: Feed | None) -> int | None:
    if feed is None:
        return None
    if feed.batch_size is not None:
        return feed.batch_size
    return 32 if feed.facts["kind"] in ("array", "tensor") else None


def _shuffle(feed: Feed | None, given: dict[str, Any]) -> bool | None:
    """`shuffle` counts for arrays only: data sets and generators bring their own order."""
    if feed is not None and feed.facts["kind"] == "dataset":
        return feed.shuffled
    if feed is not None and feed.facts["kind"] == "generator":
        return None
    return bool(given.get("shuffle", True))


def _names(callbacks: Any) -> list[str]:
    if callbacks is None:
        return []
    inner = getattr(callbacks, "callbacks", callbacks)
    items = inner if isinstance(inner, (list, tuple)) else [inner]
    return [type(item).__name__[:300] for item in items][:50]


def _results(model: Any, result: Any) -> dict[str, float | None]:
    if result is None:
        return {}
    if isinstance(result, dict):
        return {str(key)[:300]: _number(value) for key, value in result.items()}
    values = list(result) if isinstance(result, (list, tuple)) else [result]
    names = _metric_order(model)
    names += [f"metric_{i}" for i in range(len(names), len(values))]
    return {name: _number(value) for name, value in zip(names, values, strict=False)}


def _metric_order(model: Any) -> list[str]:
    names: list[str] = []
    for metric in model.metrics:
        inner = getattr(metric, "metrics", None)
        if type(metric).__name__ == "CompileMetrics" and isinstance(inner, (list, tuple)):
            names += [str(item.name) for item in inner]
        else:
            names.append(str(metric.name))
    return names
