"""The runs of a comparison: what was set in each, what came of it, which differ in one thing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from grader.checks.reported import on_test
from grader.diagnosis.facts import ACTIVATION_KINDS, WEIGHT_KINDS, activation_of, option
from grader.records.evidence import Evidence, FitEvent, ModelFacts, UseEvent

Topic = Literal["activation", "optimizer", "learning rate"]
Setting = str | float

KNOWN_ACTIVATIONS = {"swish": "silu"}
DIGITS = 6
"""Learning rates are float32: 0.1 comes back as 0.10000000149."""


@dataclass(frozen=True)
class Run:
    """One training with one setting.

    `activations` are those of the hidden layers, each once; `shape` is the architecture without
    them. `held_out` holds every accuracy and loss that was measured on held-out pictures,
    `learned` those on the pictures of the training.
    """

    fits: tuple[FitEvent, ...]
    activations: tuple[str, ...]
    shape: Hashable
    held_out: tuple[float, ...]
    learned: tuple[float, ...]
    slopes: tuple[float, ...] = ()
    """Those of the hidden layers with a LeakyReLU."""

    @property
    def fit(self) -> FitEvent:
        """Its first training."""
        return self.fits[0]

    @property
    def optimizer(self) -> str | None:
        """The class of its optimizer; None where an own loop does not tell."""
        return self.fit.compiled.optimizer if self.fit.compiled else None

    @property
    def rate(self) -> float | None:
        """Its learning rate; None for a schedule."""
        rate = self.fit.compiled.learning_rate if self.fit.compiled else None
        return None if rate is None else round(rate, DIGITS)

    @property
    def length(self) -> Hashable:
        """How long it was trained, and on how much at a time."""
        return sum(fit.epochs or 0 for fit in self.fits), self.fit.batch_size

    def setting(self, topic: Topic) -> Setting | None:
        """What it was set to; None where that is not one thing."""
        if topic == "activation":
            return self.activations[0] if len(self.activations) == 1 else None
        return self.optimizer if topic == "optimizer" else self.rate

    def besides(self, topic: Topic) -> Hashable:
        """All that has to be the same where only one thing is varied."""
        rest = (self.shape, self.length)
        if topic == "activation":
            return (*rest, self.optimizer, self.rate)
        if topic == "optimizer":
            return (*rest, self.activations)
        return (*rest, self.activations, self.optimizer)


def runs_of(evidence: Evidence) -> tuple[Run, ...]:
    """Every training that ended well; one in parts, with one setting, is one run."""
    models = {facts.id: facts for facts in evidence.models if facts.family == "keras"}
    parts: list[list[FitEvent]] = []
    for fit in evidence.fits:
        if fit.fault is not None or fit.model not in models:
            continue
        before = parts[-1][-1] if parts else None
        goes_on = before is not None and fit.continues == fit.model == before.model
        if goes_on and before is not None and fit.compiled == before.compiled:
            parts[-1].append(fit)
        else:
            parts.append([fit])
    ends = [fits[0].number for fits in parts[1:]] + [len(evidence.events) + 1]
    return tuple(
        _run(fits, end, models[fits[0].model], evidence)
        for fits, end in zip(parts, ends, strict=True)
    )


def reused(runs: Sequence[Run]) -> Run | None:
    """The first run that began with what another one had learned."""
    return next((run for run in runs if run.fit.continues is not None), None)


def series(runs: Sequence[Run], topic: Topic, wanted: Iterable[Setting]) -> tuple[Run, ...]:
    """The runs that differ in one thing only, of all such groups the one with most of `wanted`."""
    groups: defaultdict[Hashable, list[Run]] = defaultdict(list)
    for run in runs:
        groups[run.besides(topic)].append(run)
    asked = set(wanted)
    best: list[Run] = []
    for group in groups.values():
        if _covered(group, topic, asked) > _covered(best, topic, asked):
            best = group
    return tuple(best)


def _covered(group: Sequence[Run], topic: Topic, wanted: set[Setting]) -> int:
    return len({run.setting(topic) for run in group} & wanted)


def _run(fits: list[FitEvent], end: int, facts: ModelFacts, evidence: Evidence) -> Run:
    held_out, learned = _measured(fits, end, evidence)
    slopes = (option(layer, "negative_slope") for layer in facts.layers)
    return Run(
        fits=tuple(fits),
        activations=_hidden_activations(facts),
        shape=_shape(facts),
        held_out=held_out,
        learned=learned,
        slopes=tuple(slope for slope in slopes if slope is not None),
    )


def _hidden_activations(facts: ModelFacts) -> tuple[str, ...]:
    weighted = [i for i, layer in enumerate(facts.layers) if layer.kind in WEIGHT_KINDS]
    hidden = facts.layers[: weighted[-1]] if weighted else facts.layers
    names = (activation_of(layer) for layer in hidden)
    found = (KNOWN_ACTIVATIONS.get(name, name) for name in names if name not in (None, "linear"))
    return tuple(dict.fromkeys(name for name in found if name is not None))


def _shape(facts: ModelFacts) -> Hashable:
    return tuple(
        (layer.kind, repr(layer.options.get("units")), repr(layer.options.get("filters")))
        for layer in facts.layers
        if layer.kind not in ACTIVATION_KINDS
    )


def _measured(
    fits: list[FitEvent], end: int, evidence: Evidence
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """(held out, learned): the numbers of the histories, and of what was asked until `end`.

    A model that is trained once may be asked after later runs, too.
    """
    held_out: list[float] = []
    learned: list[float] = []
    for fit in fits:
        for key, values in fit.history.items():
            side = held_out if key.startswith("val_") else learned
            side += [value for value in values if value is not None]
    alone = sum(fit.model == fits[0].model for fit in evidence.fits) == len(fits)
    known = {fit.train.x.fingerprint for fit in fits if fit.train and fit.train.x}
    for use in evidence.uses:
        asked = use.model == fits[0].model and use.number > fits[0].number
        if asked and (alone or use.number < end):
            side = held_out if _on_new(use, known) else learned
            side += [value for value in use.results.values() if value is not None]
    for metric in evidence.metrics:
        if fits[0].number < metric.number and metric.rows_of != "train" and len(metric.value) == 1:
            held_out += [value for value in metric.value if value is not None]
    return tuple(held_out), tuple(learned)


def _on_new(use: UseEvent, known: set[str]) -> bool:
    """Whether it was asked about other pictures than those it was trained on."""
    feed = use.feed
    if on_test(feed, known):
        return True
    return feed is not None and feed.x is not None and feed.x.fingerprint not in known
