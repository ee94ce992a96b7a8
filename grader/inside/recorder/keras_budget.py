"""Trainings too heavy for a lab's budget run fewer batches an epoch, and as many epochs.

Keras makes an epoch iterator for each `fit`; one that would do more work than the submission may
ends its epochs early. The next epoch goes on with the batches that come then, so that all are seen
in turn. What is within the budget runs as Keras runs it, number for number.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .. import work
from ..work import Allowance
from .intake import Intake
from .journal import Journal
from .keras_cost import is_built, multiply_adds

MOST_FOR_VALIDATION = 0.5
"""Of an epoch's work: the rest is for learning, however much is held out."""


@dataclass
class Plan:
    """One `fit` under the budget. `steps` is how many batches an epoch may have, None for all.

    `of` is how many it was to have, None where only the end of the data would tell.
    """

    model: Any
    epochs: int
    intake: Intake
    held_out: float
    """Rows looked at after each epoch."""
    decided: bool = False
    steps: int | None = None
    of: int | None = None
    shortened: bool = False
    parted: bool = False
    """The source itself has become shorter, so that its end is the epoch's."""
    ran: int = 0
    begun: int = 0
    step_work: float = 0.0
    look_work: float = 0.0
    iterator: Any = None

    @property
    def done(self) -> float:
        """The work that was done."""
        return self.ran * self.step_work + self.begun * self.look_work


class Budget:
    """Keeps the trainings of one submission within its allowance."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._allowance: Allowance | None = None
        self._waiting: Plan | None = None

    def allow(self, allowance: Allowance | None) -> None:
        """From now on; None for as much as anybody likes."""
        self._allowance = allowance

    def patch(self, trainer: Any) -> None:
        """Put an iterator that can end an epoch early into Keras's module of trainers."""
        trainer.TFEpochIterator = _make_iterator(trainer.TFEpochIterator, self)

    def open(
        self, model: Any, given: dict[str, Any], train: Intake, held_out: Intake
    ) -> Plan | None:
        """A `fit` begins with these arguments; None where nothing bounds it."""
        self._waiting = None
        if self._allowance is None:
            return None
        first = getattr(model, "_initial_epoch", None) or given.get("initial_epoch", 0)
        epochs = max(int(given.get("epochs", 1)) - int(first), 1)
        rows = float(held_out.rows or 0)
        if given.get("validation_split") and not rows:
            rows = float(given["validation_split"]) * (train.rows or 0)
        self._waiting = Plan(model, epochs, train, rows)
        return self._waiting

    def close(self, plan: Plan | None, error: Any) -> dict[str, int | None] | None:
        """The `fit` has ended: count what it did; how it was shortened, None where it was not."""
        self._waiting = None
        if plan is None or not plan.decided or self._allowance is None:
            return None
        self._allowance.spend(plan.done)
        iterator, plan.iterator = plan.iterator, None
        if not plan.shortened:
            return None
        if error is None and plan.intake.is_watched and not _is_in_python(iterator.data_adapter):
            self._journal.safely(_run_dry, iterator)
        return {"steps": plan.steps, "of": plan.of}

    def take(self, iterator: Any) -> Plan | None:
        """The plan for the first iterator that a `fit` makes: that of its training."""
        plan, self._waiting = self._waiting, None
        if plan is not None:
            plan.iterator = iterator
        return plan

    def decide(self, plan: Plan) -> None:
        """Say how many batches an epoch of this training may have, once its model is built."""
        if not plan.decided and is_built(plan.model):
            plan.decided = True
            self._journal.safely(self._decide, plan)

    def _decide(self, plan: Plan) -> None:
        assert self._allowance is not None
        iterator, adapter = plan.iterator, plan.iterator.data_adapter
        plan.of = iterator.steps_per_epoch or adapter.num_batches
        cost = multiply_adds(plan.model)
        in_python = _is_in_python(adapter) or plan.intake.is_watched
        made = work.MADE_ON_THE_WAY if in_python else 0
        plan.step_work = work.of_a_step(_batch_size(adapter, plan.intake), cost + made)
        plan.look_work = work.of_a_look(plan.held_out, cost)
        epoch = self._allowance.next / plan.epochs
        epoch -= min(plan.look_work, MOST_FOR_VALIDATION * epoch)
        together = int(iterator.steps_per_execution)
        steps = max(int(epoch / plan.step_work) // together, 1) * together
        if plan.of is None or steps < plan.of:
            plan.steps = steps
            plan.shortened = plan.of is not None


def _make_iterator(base: Any, budget: Budget) -> type:
    class ShortEpochs(base):  # type: ignore[misc]
        """Keras's iterator over epochs, which may end them early. Without a plan it is Keras's."""

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            self._plan = budget.take(self)
            super().__init__(*args, **kwargs)

        def reset(self) -> None:
            plan = self._plan
            if plan is not None:
                plan.ran = plan.begun = 0
                budget.decide(plan)
                if plan.shortened:
                    self._shorten(plan)
            super().reset()

        def _enumerate_iterator(self) -> Iterator[Any]:
            plan = self._plan
            if plan is None:
                return super()._enumerate_iterator()  # type: ignore[no-any-return]
            plan.begun += 1
            if plan.shortened and plan.of is not None and not _is_finite(self.data_adapter):
                return self._go_on(plan)
            return self._as_ever(plan)

        def _as_ever(self, plan: Plan) -> Iterator[Any]:
            """Keras's own way; ended early where that turns out on the way."""
            for begin, end, iterator in super()._enumerate_iterator():
                plan.ran += self.steps_per_execution
                yield begin, end, iterator
                budget.decide(plan)
                if plan.steps is not None and end + 1 >= plan.steps and not plan.parted:
                    self._end_early(plan, iterator)
                    return

        def _end_early(self, plan: Plan, iterator: Any) -> None:
            plan.shortened = True
            self._current_iterator = iterator
            if _is_finite(self.data_adapter):
                _run_dry(self)
                self._current_iterator = None
            elif plan.of is None:
                self._current_iterator = None
            self.data_adapter.on_epoch_end()
            self._shorten(plan)

        def _shorten(self, plan: Plan) -> None:
            """From the next epoch on; Keras tells callbacks the number of steps that will run."""
            adapter = self.data_adapter
            if _is_finite(adapter):
                part = _part_of(adapter.py_dataset, plan.steps or 1, plan.begun - 1)
                plan.parted, adapter.py_dataset = True, part
                if adapter.enqueuer is not None:
                    adapter.enqueuer.py_dataset = part
                self.steps_per_epoch, self._num_batches = None, plan.steps
            elif plan.of is not None:
                self.steps_per_epoch = plan.steps
                if hasattr(adapter, "_first_batches"):
                    source, most = adapter.generator, plan.epochs * (plan.steps or 1)
                    adapter.generator = lambda: itertools.islice(source(), most)

        def _go_on(self, plan: Plan) -> Iterator[Any]:
            """An epoch that begins where the one before it ended."""
            self.data_adapter.on_epoch_begin()
            together = self.steps_per_execution
            for step in range(0, plan.steps or 1, together):
                if self._current_iterator is None or _is_at_end(self):
                    self._current_iterator = iter(self._get_iterator())
                    self._steps_seen = 0
                self._steps_seen += together
                plan.ran += together
                yield step, step + together - 1, self._current_iterator
            self.data_adapter.on_epoch_end()

    return ShortEpochs


def _part_of(source: Any, steps: int, epoch: int) -> Any:
    """A PyDataset of `steps` batches of `source`: each epoch after `epoch` those that come next."""
    base = sys.modules["keras.src.trainers.data_adapters.py_dataset_adapter"].PyDataset

    class Part(base):  # type: ignore[misc, valid-type]
        def __init__(self) -> None:
            super().__init__(source.workers, source.use_multiprocessing, source.max_queue_size)
            self._first = epoch * steps

        @property
        def num_batches(self) -> int:
            return steps

        def __getitem__(self, index: int) -> Any:
            return source[(max(self._first, 0) + index) % source.num_batches]

        def on_epoch_begin(self) -> None:
            self._first += steps
            source.on_epoch_begin()

        def on_epoch_end(self) -> None:
            source.on_epoch_end()

    return Part()


def _is_at_end(iterator: Any) -> bool:
    """Whether a pass over the data, where its length is known, has had all its batches."""
    return bool(iterator._num_batches) and iterator._steps_seen >= iterator._num_batches


def _is_in_python(adapter: Any) -> bool:
    return hasattr(adapter, "py_dataset") or hasattr(adapter, "_first_batches")


def _is_finite(adapter: Any) -> bool:
    """Whether the source is a PyDataset that says how many batches it has."""
    return hasattr(adapter, "py_dataset") and adapter.num_batches is not None


def _batch_size(adapter: Any, intake: Intake) -> int:
    """How many pictures a batch has, by whatever tells it."""
    dataset = getattr(adapter, "_dataset", None)
    while dataset is not None and not hasattr(dataset, "_batch_size"):
        dataset = getattr(dataset, "_input_dataset", None)
    for told in (
        getattr(adapter, "batch_size", None),
        intake.batch_size,
        _rows_of(getattr(adapter, "_first_batches", None)),
        getattr(getattr(adapter, "py_dataset", None), "batch_size", None),
        getattr(dataset, "_batch_size", None),
    ):
        if told is not None:
            return max(int(told), 1)
    return work.USUAL_BATCH


def _rows_of(batches: Any) -> int | None:
    part = batches
    while isinstance(part, (list, tuple, dict)) and part:
        part = next(iter(part.values())) if isinstance(part, dict) else part[0]
    shape = getattr(part, "shape", None)
    return int(shape[0]) if shape else None


def _run_dry(iterator: Any) -> None:
    """Take what is left of a pass whose batches are made on the way.

    They are made ahead, how far depends on the machine; taken to the end, the random numbers that
    come next are the same everywhere.
    """
    batches, left = iterator._current_iterator, iterator._num_batches
    if batches is None or not left:
        return
    for _ in range(left - iterator._steps_seen):
        next(batches, None)
