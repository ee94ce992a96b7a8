"""Trainings that the student writes out: GradientTape, optimizers by hand, train_on_batch.

Which variables are trained is seen at `gradient` and `apply` (inside a tf.function once, when it is
traced); that they changed is seen by comparing checksums when the cell ends.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import Any

from .arrays import kind_of
from .datasets_seen import look_into
from .feeds import Feed, Feeds, first_labels, first_picture
from .journal import Journal, Place, fault_of
from .keras_models import is_model, plain_shape
from .ledger import Entry, Ledger, variable_mark, weights_mark
from .passing import copied

MAX_VARIABLES = 2_000
MAX_BATCHES = 24
MAX_BATCH_ROWS = 4_096


@dataclass
class _Watched:
    variable: Any
    mark: str


@dataclass
class _OnBatch:
    """train_on_batch calls of one model in one cell."""

    entry: Entry
    place: Place
    mark: str | None
    batches: list[Any] = field(default_factory=list)
    steps: int = 0
    rows: int = 0
    error: BaseException | None = None


class Loops:
    """Collects what a cell's own loops train, and tells it when the cell ends."""

    def __init__(self, journal: Journal, ledger: Ledger, feeds: Feeds) -> None:
        self._journal = journal
        self._ledger = ledger
        self._feeds = feeds
        self._watched: dict[int, _Watched] = {}
        self._training_functions: set[int] = set()
        self._on_batch: dict[int, _OnBatch] = {}
        self.called: dict[int, Any] = {}
        self._forget_cell()

    def _forget_cell(self) -> None:
        self._active = False
        self._asked: set[int] = set()
        self._place: Place | None = None
        self._batches: list[Any] = []
        self._datasets: list[Any] = []
        self._iterated: Any = None
        self._input: Any = None
        self._labels: Any = None
        self._given: Any = None
        self._function: int | None = None
        self._steps = 0
        self._on_batch.clear()

    # What the patches report, in the order in which a training step does it.

    def iterated(self, dataset: Any) -> None:
        """The student's code began to iterate a tf.data.Dataset."""
        self._iterated = dataset

    def function_called(self, function: Any, args: tuple[Any, ...]) -> None:
        """The student's code called a tf.function; of a training one the arguments are a batch."""
        self._function = id(function)
        self._given = args
        if id(function) in self._training_functions:
            self._step(args)

    def function_ended(self) -> None:
        """The tf.function returned: what follows is no part of it."""
        self._function = None

    def model_called(self, model: Any, x: Any) -> None:
        """The student's code called a model on eager data."""
        self.called[id(model)] = model
        self._input = x

    def loss_called(self, y: Any) -> None:
        """The student's code called a loss object."""
        self._labels = y

    def trains(self, variables: Any) -> None:
        """Gradients of these variables were asked for, or applied to them."""
        for variable in _flat(variables):
            self._asked.add(id(variable))
            if id(variable) not in self._watched and len(self._watched) < MAX_VARIABLES:
                self._watch(variable)
        if kind_of(self._input) in ("array", "tensor"):
            self._step((self._input, self._labels))
        elif self._function is not None:
            self._training_functions.add(self._function)
            self._step(self._given)
        else:
            self._step(None)
        self._input = self._labels = self._given = None

    def applied(self, variables: Any) -> None:
        """Gradients are applied: of variables that no tape was asked about, that is the step."""
        if any(id(variable) not in self._watched for variable in _flat(variables)):
            self.trains(variables)

    def _watch(self, variable: Any) -> None:
        tensorflow = sys.modules["tensorflow"]
        with tensorflow.init_scope():
            self._watched[id(variable)] = _Watched(variable, variable_mark(variable))

    def _step(self, batch: Any) -> None:
        self._active = True
        self._steps += 1
        if self._place is None:
            self._place = self._journal.where()
        dataset = self._iterated
        if dataset is not None and not any(known is dataset for known in self._datasets[:8]):
            self._datasets.append(dataset)
        if batch is not None and len(self._batches) < MAX_BATCHES and _is_batch(batch):
            self._batches.append(copied(tuple(batch[:2])))

    # train_on_batch

    def before_on_batch(self, entry: Entry, given: dict[str, Any]) -> _OnBatch:
        """Note one train_on_batch call; the first of a cell takes the checksum."""
        loop = self._on_batch.get(entry.id)
        if loop is None:
            place = self._journal.where()
            loop = self._on_batch[entry.id] = _OnBatch(entry, place, weights_mark(entry.model))
        x = given.get("x")
        loop.steps += 1
        shape = plain_shape(getattr(first_picture(x), "shape", None))
        loop.rows += int(shape[0] or 0) if shape else 0
        if len(loop.batches) < MAX_BATCHES:
            loop.batches.append(copied((first_picture(x), first_labels(given.get("y")))))
        return loop

    def after_on_batch(self, loop: _OnBatch, error: BaseException | None) -> None:
        """Keep the exception that ended the loop."""
        loop.error = error

    # The end of a cell, or of what can be told apart in it.

    def settle(self, models: list[Any]) -> None:
        """Emit the trainings that are pending and begin anew. `models` may own the variables."""
        models = [model for model in models if is_model(model)]
        # First the tape's: telling the others takes new checksums.
        if self._active:
            self._journal.safely(self._tell_tape, models)
        for loop in list(self._on_batch.values()):
            self._journal.safely(self._tell_on_batch, loop)
        if not self._training_functions:
            # Only a function that is traced already can train on without asking a tape again.
            self._watched.clear()
        self._forget_cell()

    def refresh(self, model: Any) -> None:
        """A recorded call trained this model: what it changed is no loop's doing."""
        for variable in model.trainable_variables if self._watched else ():
            watched = self._watched.get(id(variable))
            if watched is not None:
                watched.mark = variable_mark(variable)

    def _tell_on_batch(self, loop: _OnBatch) -> None:
        mark = weights_mark(loop.entry.model)
        changed = bool(mark) and mark != loop.mark
        feed = self._feeds.of_batches("array", loop.batches, loop.rows)
        if changed:
            self._ledger.trained(loop.entry, "train_on_batch")
        self.refresh(loop.entry.model)
        self._tell(loop.entry, "train_on_batch", loop.place, feed, loop.steps, changed, loop.error)

    def _tell_tape(self, models: list[Any]) -> None:
        changed = self._changed()
        left = set(changed)
        told = False
        for model in self._owners(models, left):
            left -= {id(variable) for variable in _variables(model)}
            entry = self._ledger.entry(model)
            self._ledger.trained(entry, "tape")
            feed = self._feed()
            self._tell(entry, "tape", self._place, feed, self._steps, True, None)
            told = True
        if not told and not left:
            self._tell_unchanged(models)

    def _tell_unchanged(self, models: list[Any]) -> None:
        """A loop that asked for gradients and changed nothing is a training that failed."""
        for model in self._owners(models, self._asked)[:1]:
            entry = self._ledger.entry(model)
            self._tell(entry, "tape", self._place, self._feed(), self._steps, False, None)

    def _changed(self) -> list[int]:
        found = []
        for key, watched in self._watched.items():
            mark = variable_mark(watched.variable)
            if mark != watched.mark:
                watched.mark = mark
                found.append(key)
        return found

    def _owners(self, models: list[Any], variables: set[int]) -> list[Any]:
        """Models that own some of the variables, the one with most of them first."""
        counted = {}
        for model in [*models, *self.called.values()]:
            owned = {id(variable) for variable in _variables(model)}
            if owned & variables:
                counted[id(model)] = (len(owned & variables), model, owned)
        owners: list[Any] = []
        left = set(variables)
        for _, model, owned in sorted(counted.values(), key=lambda item: -item[0]):
            if owned & left:
                owners.append(model)
                left -= owned
        return owners

    def _feed(self) -> Feed | None:
        """What the model was fed where that was seen, with the row count of the data set."""
        dataset = max(self._datasets, key=_rows, default=None)
        whole = None if dataset is None else self._feeds.of(dataset)
        rows = None if whole is None else whole.facts.get("rows")
        first = _one_pass(self._batches, rows)
        batches = self._feeds.of_batches("array", first, rows) if first else None
        if batches is None or batches.facts.get("x") is None:
            return whole if whole is not None else batches
        if whole is None:
            return batches
        facts = {**batches.facts, "kind": "dataset"}
        if facts.get("y") is None or whole.facts.get("y") is not None:
            facts["y"] = whole.facts.get("y")
        same = (whole.facts.get("x") or {}).get("maximum") == facts["x"].get("maximum")
        if same and whole.facts["x"]["dtype"] == facts["x"]["dtype"]:
            return whole
        return Feed(facts, batches.match, whole.shuffled, whole.batch_size)

    def _tell(
        self,
        entry: Entry,
        how: str,
        place: Place | None,
        feed: Feed | None,
        steps: int,
        changed: bool,
        error: BaseException | None,
    ) -> None:
        size = None if feed is None else feed.batch_size
        self._journal.event(
            "fit",
            place,
            how=how,
            model=entry.id,
            train=None if feed is None else feed.facts,
            batch_size=size,
            steps=steps,
            shuffle=None if feed is None else feed.shuffled,
            changed=changed,
            compiled=entry.compiled,
            fault=None if error is None else fault_of(error, place or (None, None)),
        )
        self._ledger.publish(entry)


def _flat(variables: Any) -> list[Any]:
    """Variables out of a nest of lists, tuples and dicts; tensors are left out."""
    if isinstance(variables, dict):
        variables = list(variables.values())
    if isinstance(variables, (list, tuple)):
        return [found for item in variables for found in _flat(item)]
    is_variable = hasattr(variables, "assign") and hasattr(variables, "numpy")
    return [variables] if is_variable else []


def _variables(model: Any) -> list[Any]:
    """Trainable variables, each as Keras and as TensorFlow hold it."""
    found = []
    for variable in model.trainable_variables:
        found += [variable, getattr(variable, "value", variable)]
    return found


def _is_batch(batch: Any) -> bool:
    x = first_picture(batch[0]) if len(batch) else None
    if kind_of(x) not in ("array", "tensor"):
        return False
    shape = plain_shape(getattr(x, "shape", None))
    return bool(shape) and (shape[0] or 0) <= MAX_BATCH_ROWS if shape else False


def _one_pass(batches: list[Any], rows: int | None) -> list[Any]:
    """The first batches, as many as one pass over `rows` has."""
    if rows is None:
        return batches
    kept, count = [], 0
    for batch in batches:
        if count >= rows:
            break
        kept.append(batch)
        count += len(first_picture(batch[0]))
    return kept


def _rows(dataset: Any) -> int:
    found = look_into(dataset)
    return -1 if found is None or found.rows is None else found.rows


def models_in(namespace: dict[str, Any]) -> list[Any]:
    """The Keras models that variables hold."""
    return [value for value in list(namespace.values())[:5_000] if is_model(value)]
