"""Whether pictures were turned, shifted and zoomed on their way into training, and only there."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from typing import Literal

from grader.diagnosis.facts import ACTIVATION_KINDS, NEUTRAL_KINDS, OPEN_KINDS, WEIGHT_KINDS
from grader.diagnosis.source import Source, called, constant
from grader.records.evidence import Evidence, Feed, FitEvent, LayerFacts, ModelFacts, UseEvent

Change = Literal["rotation", "shift", "zoom"]
CHANGES: tuple[Change, ...] = ("rotation", "shift", "zoom")

ALTERED = 0.1
"""Of the rows that reached a training: this share at least is no raw digit any more."""
LAYERS: dict[Change, str] = {
    "rotation": r"RandomRotation|RandAugment",
    "shift": r"RandomTranslation|RandomCrop|RandAugment",
    "zoom": r"RandomZoom",
}
OPTIONS: dict[Change, str] = {
    "rotation": r"rotation_range",
    "shift": r"(?:width|height)_shift_range",
    "zoom": r"zoom_range",
}
WRITTEN: dict[Change, str] = {
    "rotation": r"rotat|affine|projective|warp|\btheta\b",
    "shift": r"shift|translat|affine|projective|warp|\broll\b|random_crop|\bpad\b|\bt[xy]\b",
    "zoom": r"zoom|\b(?:random_)?scale\b|resize|affine|projective|warp|crop|\bz[xy]\b",
}
"""Names of functions and options with which pictures are changed by hand."""
RANDOM = re.compile(r"^Rand(?:om|Aug)|^AugMix$")
AMOUNTS = ("factor", "height_factor", "width_factor", "value_range", "height", "width")


def random_layers(facts: ModelFacts) -> tuple[LayerFacts, ...]:
    """The layers of a network that change pictures at random, by an amount that is not 0."""
    return tuple(layer for layer in facts.layers if RANDOM.match(layer.kind) and _changes(layer))


def _changes(layer: LayerFacts) -> bool:
    amounts = [layer.options[name] for name in AMOUNTS if name in layer.options]
    return not amounts or any(_is_more_than_nothing(amount) for amount in amounts)


def _is_more_than_nothing(amount: object) -> bool:
    if isinstance(amount, (list, tuple)):
        return any(_is_more_than_nothing(part) for part in amount)
    return amount not in (0, 0.0, None)


def altered(feed: Feed | None) -> bool | None:
    """Whether a feed holds pictures that are no raw digits any more; None where nobody can tell."""
    origin = feed.x.origin if feed is not None and feed.x is not None else None
    if origin is None:
        return None
    rows = origin.train + origin.test + origin.unknown
    return origin.unknown >= ALTERED * rows if rows else None


def recognised(evidence: Evidence) -> bool:
    """Whether some feed was seen to hold raw digits: then others without them were altered."""
    return any(altered(feed) is False for feed in _feeds(evidence))


def _feeds(evidence: Evidence) -> Iterator[Feed]:
    for fit in evidence.fits:
        yield from (feed for feed in (fit.train, fit.validation) if feed is not None)
    for use in evidence.uses:
        if use.feed is not None:
            yield use.feed


def reached(fits: Sequence[FitEvent], facts: ModelFacts, evidence: Evidence) -> bool | None:
    """Whether changed pictures reached these trainings; None where nobody can tell."""
    if random_layers(facts):
        return True
    told = [altered(fit.train) for fit in fits]
    if any(told) and (recognised(evidence) or any(fit.train and fit.train.changes for fit in fits)):
        return True
    open_to_view = facts.kind in OPEN_KINDS and not any(map(_is_own, facts.layers))
    own_loop = any(fit.how == "tape" for fit in fits)
    return False if open_to_view and not own_loop and told and set(told) == {False} else None


def _is_own(layer: LayerFacts) -> bool:
    """A layer that may be the student's own, whose inside cannot be seen."""
    known = WEIGHT_KINDS | ACTIVATION_KINDS | NEUTRAL_KINDS
    return layer.kind not in known and not layer.parameters and not RANDOM.match(layer.kind)


def changes_of(
    fits: Sequence[FitEvent], facts: ModelFacts, evidence: Evidence, source: Source
) -> frozenset[Change]:
    """Which changes the pictures of these trainings went through.

    The network's own random layers and the generator's options tell it; for what was done by hand,
    the names of what the program calls.
    """
    own = random_layers(facts)
    options = {name for fit in fits if fit.train for name in fit.train.changes}
    before = not own or any(altered(fit.train) for fit in fits)
    models = evidence.models if before and not options else (facts,)
    layers = [layer for model in models for layer in random_layers(model)]
    found = {
        change
        for change in CHANGES
        if any(re.search(LAYERS[change], layer.kind) for layer in layers)
        or any(re.search(OPTIONS[change], name) for name in options)
    }
    return frozenset(found if options or not before else found | _by_hand(source))


def _by_hand(source: Source) -> set[Change]:
    names = " ".join(_called_for(source))
    return {change for change in CHANGES if re.search(WRITTEN[change], names, re.IGNORECASE)}


def _called_for(source: Source) -> Iterator[str]:
    """Names of what is called with an amount, and of options, unless the amount is 0."""
    for found in source.nodes:
        call = found.node
        if not isinstance(call, ast.Call):
            continue
        amounts = [*call.args, *(pair.value for pair in call.keywords)]
        if not amounts or any(constant(amount) != 0 for amount in amounts):
            yield called(call)
        yield from (pair.arg for pair in call.keywords if pair.arg and constant(pair.value) != 0)


def is_plain_test(use: UseEvent) -> bool:
    """Whether a network was asked about test pictures as they are."""
    origin = use.feed.x.origin if use.feed is not None and use.feed.x is not None else None
    return (
        use.fault is None
        and use.training is not True
        and origin is not None
        and origin.test > 0
        and altered(use.feed) is False
    )


def altered_tests(facts: ModelFacts, evidence: Evidence) -> list[FitEvent | UseEvent]:
    """Where changed test pictures were used: to watch a training, or as the only test."""
    found: list[FitEvent | UseEvent] = [
        fit for fit in evidence.fits if _of_test(fit.validation) and altered(fit.validation)
    ]
    uses = [use for use in evidence.uses if use.model == facts.id and use.fault is None]
    if any(is_plain_test(use) for use in uses):
        return found
    return found + [use for use in uses if _is_altered_test(use, facts, evidence)]


def _is_altered_test(use: UseEvent, facts: ModelFacts, evidence: Evidence) -> bool:
    feed = use.feed
    if feed is None or use.how == "call":
        own_test = feed is not None and _of_test(feed)
        return own_test and use.training is True and bool(random_layers(facts))
    if not altered(feed):
        return False
    return _of_test(feed) or (recognised(evidence) and (feed.rows or 0) >= 500)


def _of_test(feed: Feed | None) -> bool:
    """Whether the pictures of a feed, as they were before any change, are test pictures."""
    if feed is None:
        return False
    origins = [feed.behind, feed.x.origin if feed.x is not None else None]
    return any(
        origin is not None and origin.test > origin.train + origin.unknown for origin in origins
    )
