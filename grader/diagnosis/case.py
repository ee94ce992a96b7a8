"""What a detector looks at: one submission, what its run showed, and the model that is judged.

Every field of the evidence may be hostile or missing, so nothing here is indexed or converted
without a look, and no text of the submission's goes into a message unbounded.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from grader.diagnosis.facts import (
    ACTIVATION_KINDS,
    ENOUGH_ROWS,
    NEUTRAL_KINDS,
    OPEN_KINDS,
    WEIGHT_KINDS,
    activation_of,
    feeds,
    first,
    last,
    number,
)
from grader.diagnosis.source import Place, Source, targets
from grader.records.evidence import (
    ArrayFacts,
    Compiled,
    CompileEvent,
    Evidence,
    Fault,
    FitEvent,
    LabelFacts,
    LayerFacts,
    MetricEvent,
    ModelFacts,
    SaveEvent,
    UseEvent,
)
from grader.records.misconception import Sighting
from grader.records.submission import Submission

Probes = Mapping[str, Mapping[str, Any]]
Detector = Callable[["Case"], Iterator[Sighting]]


@dataclass(frozen=True)
class Broken:
    """An exception that nothing later made good, and the event that raised it, if any."""

    fault: Fault
    place: Place
    event: object | None = None


class Case:
    """One submission under diagnosis."""

    def __init__(
        self, submission: Submission, evidence: Evidence, model_id: int | None, probes: Probes
    ) -> None:
        self.evidence = evidence
        self.source = Source(submission)
        self.saved = submission.cells
        self._model_id = model_id
        self._probes = probes

    # ------------------------------------------------------------ the model and its trainings

    @cached_property
    def model(self) -> ModelFacts | None:
        """The judged model: the one named, else that of the last training, else the last made."""
        by_id = {model.id: model for model in self.evidence.models}
        wanted = [self._model_id] if self._model_id is not None else []
        wanted += [fit.model for fit in reversed(self.evidence.fits)]
        for identity in wanted:
            if identity in by_id:
                return by_id[identity]
        keras = [model for model in self.evidence.models if model.family == "keras"]
        return keras[-1] if keras else None

    @cached_property
    def fits(self) -> tuple[FitEvent, ...]:
        """Trainings of the judged model."""
        identity = self.model.id if self.model else self._model_id
        return tuple(fit for fit in self.evidence.fits if fit.model == identity)

    @cached_property
    def fit(self) -> FitEvent | None:
        """The training that is judged: the model's last good one, else its last."""
        good = [fit for fit in self.fits if fit.fault is None]
        return good[-1] if good else (self.fits[-1] if self.fits else None)

    @cached_property
    def uses(self) -> tuple[UseEvent, ...]:
        """evaluate, predict, call and score of the judged model."""
        return tuple(use for use in self.evidence.uses if self.model and use.model == self.model.id)

    @cached_property
    def compiled(self) -> Compiled | None:
        """How the judged training's model was compiled."""
        if self.fit and self.fit.compiled:
            return self.fit.compiled
        if self.compile_event and self.compile_event.compiled:
            return self.compile_event.compiled
        return self.model.compiled if self.model else None

    @cached_property
    def compile_event(self) -> CompileEvent | None:
        """The last compile of the judged model before its judged training."""
        identity = self.model.id if self.model else None
        found = None
        for event in self.evidence.events:
            if self.fit is not None and event.number > self.fit.number:
                break
            if isinstance(event, CompileEvent) and event.model == identity:
                found = event
        return found

    @property
    def loss(self) -> str:
        """The canonical name of the loss, "" where there is none."""
        return (self.compiled.loss or "") if self.compiled else ""

    @property
    def is_keras(self) -> bool:
        """Whether the judged model is a Keras model."""
        return self.model is not None and self.model.family == "keras"

    @property
    def is_open(self) -> bool:
        """Whether the recorded layers are all that the model does."""
        if self.model is None or self.model.family != "keras" or not self.model.layers:
            return False
        known = WEIGHT_KINDS | ACTIVATION_KINDS | NEUTRAL_KINDS
        return self.model.kind in OPEN_KINDS and all(
            layer.kind in known for layer in self.model.layers
        )

    @property
    def layers(self) -> tuple[LayerFacts, ...]:
        """The judged model's layers."""
        return self.model.layers if self.model else ()

    @property
    def weighted(self) -> tuple[int, ...]:
        """Positions of the layers with weights that make features or scores."""
        return tuple(i for i, layer in enumerate(self.layers) if layer.kind in WEIGHT_KINDS)

    @property
    def output_units(self) -> int | None:
        """The size of the model's last axis."""
        return last(self.model.output_shape) if self.model else None

    def activations_after(self, position: int) -> tuple[tuple[str, int], ...]:
        """(activation, position) of a weighted layer and what follows, up to the next weights."""
        found = []
        for index in range(position, len(self.layers)):
            layer = self.layers[index]
            if index > position and layer.kind in WEIGHT_KINDS:
                break
            name = activation_of(layer)
            if name not in (None, "linear"):
                found.append((str(name), index))
        return tuple(found)

    @cached_property
    def last_activation(self) -> str | None:
        """The activation of the output; None where the layers do not tell."""
        if not self.is_open or not self.weighted:
            return None
        found = self.activations_after(self.weighted[-1])
        return found[-1][0] if found else "linear"

    # ------------------------------------------------------------ what went in

    @property
    def x(self) -> ArrayFacts | None:
        """The images of the judged training."""
        return self.fit.train.x if self.fit and self.fit.train else None

    @property
    def y(self) -> LabelFacts | None:
        """The labels of the judged training."""
        return self.fit.train.y if self.fit and self.fit.train else None

    @cached_property
    def classes(self) -> int | None:
        """How many classes the data have: the most that any large set of labels showed.

        What a submission computed may be anything, so variables count only without labels.
        """
        seen = [0]
        for labels in self.all_labels():
            if (first(labels.shape) or 0) >= ENOUGH_ROWS:
                seen.append(labels.classes or 0)
        if max(seen) >= 2:
            return max(seen)
        for value in self.evidence.values:
            array = value.array
            if array is None or not array.integral or len(array.shape) != 1:
                continue
            if (first(array.shape) or 0) >= ENOUGH_ROWS and (array.distinct or 0) <= 100:
                seen.append(array.distinct or 0)
        return max(seen) if max(seen) >= 2 else None

    def all_labels(self) -> Iterator[LabelFacts]:
        """Every set of labels in the evidence, but not what was compared with the truth."""
        for event in self.evidence.events:
            for feed in feeds(event):
                if feed.y is not None:
                    yield feed.y
            if isinstance(event, MetricEvent):
                if event.first is not None and event.second_is_truth is not True:
                    yield event.first
                if event.second is not None and event.first_is_truth is not True:
                    yield event.second

    # ------------------------------------------------------------ what broke

    @cached_property
    def broken(self) -> tuple[Broken, ...]:
        """Exceptions that were not made good later, in order, each once."""
        found: list[Broken] = []
        for event in self.evidence.events:
            fault = getattr(event, "fault", None)
            if isinstance(fault, Fault) and not self._repaired(event):
                found.append(Broken(fault, (event.cell, event.line), event))
        seen = {(item.fault.type, item.fault.cell, item.fault.line) for item in found}
        repaired = self._repaired_faults
        for cell in self.evidence.cells:
            fault = cell.fault
            if fault is None:
                continue
            key = (fault.type, fault.cell, fault.line)
            if key not in seen and key not in repaired and not self._assigned_later(fault):
                found.append(Broken(fault, (fault.cell, fault.line)))
        return tuple(found)

    @cached_property
    def _repaired_faults(self) -> set[tuple[str, int | None, int | None]]:
        return {
            (fault.type, fault.cell, fault.line)
            for event in self.evidence.events
            if isinstance(fault := getattr(event, "fault", None), Fault) and self._repaired(event)
        }

    def _repaired(self, event: Any) -> bool:
        later = (other for other in self.evidence.events if other.number > event.number)
        return any(_same_kind(event, other) and self._stands_for(event, other) for other in later)

    def _stands_for(self, event: Any, other: Any) -> bool:
        """Whether a later training takes the place of one that broke.

        It does not where the other's model is still there under its own name: that one is left
        untrained.
        """
        if not isinstance(event, FitEvent) or event.model == other.model:
            return True
        return not any(model.id == event.model and model.names for model in self.evidence.models)

    def _assigned_later(self, fault: Fault) -> bool:
        """Whether a later cell that ran writes to the same names, or trains where this failed."""
        if fault.cell is None:
            return False
        statement = self.source.at(fault.cell, fault.line)
        if statement is None:
            return False
        return self.source.made_good(statement, fault.cell, self._sound_cells)

    @cached_property
    def _sound_cells(self) -> frozenset[int]:
        return frozenset(cell.number for cell in self.evidence.cells if cell.ok)

    # ------------------------------------------------------------ probes and places

    def probe(self, name: str, key: str) -> float | None:
        """One finite number of a probe's answer."""
        answer = self._probes.get(name)
        return number(answer.get(key)) if isinstance(answer, Mapping) else None

    @property
    def fit_place(self) -> Place:
        """Where the judged training was started."""
        return (self.fit.cell, self.fit.line) if self.fit else (None, None)

    @property
    def compile_place(self) -> Place:
        """Where the judged model was compiled, else where it was trained or made."""
        if self.compile_event is not None and self.compile_event.line is not None:
            return self.compile_event.cell, self.compile_event.line
        return self.fit_place if self.fit else self.model_place

    def compiled_at(self, broken: Broken) -> Place:
        """Where the model was compiled that an exception is about, else where it was raised."""
        event = broken.event
        place = broken.place
        if not isinstance(event, (FitEvent, UseEvent)):
            return place
        for other in self.evidence.events:
            if other.number > event.number:
                break
            if isinstance(other, CompileEvent) and other.model == event.model and other.line:
                place = other.cell, other.line
        return place

    @cached_property
    def model_place(self) -> Place:
        """Where the judged model was made: where its variable was set last before it was seen."""
        if self.model is None or self.model.line is None:
            return (self.model.cell, None) if self.model else (None, None)
        cell, line = self.model.cell, self.model.line
        for item in self.source.statements:
            before = (item.cell or 0, item.line) <= (self.model.cell or 0, self.model.line)
            call = isinstance(getattr(item.node, "value", None), ast.Call)
            if before and call and set(targets(item.node)) & set(self.model.names):
                cell, line = item.cell, item.line
        return cell, line


def _same_kind(broken: object, other: object) -> bool:
    """Whether a later event does well what an earlier one failed in."""
    if type(broken) is not type(other) or getattr(other, "fault", None) is not None:
        return False
    if isinstance(broken, UseEvent) and isinstance(other, UseEvent):
        return broken.how == other.how
    if isinstance(broken, MetricEvent) and isinstance(other, MetricEvent):
        return broken.name == other.name
    if isinstance(broken, SaveEvent) and isinstance(other, SaveEvent):
        return broken.how == other.how
    return True
