"""Accuracy on digits that the submission's process never had."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np

from grader import data
from grader.checks.expectations import fail
from grader.checks.shortened import EXCUSE, shortened_among, was_learning
from grader.checks.threshold import Measured
from grader.feeding import Feeding, Statistics, learn, sampled
from grader.live import Live
from grader.records.evidence import ArrayFacts, Evidence, FitEvent, ModelFacts

PREDICT_SECONDS = 60.0
AGREEMENT = 0.02
MOST_SCORES = 1_000
DIGITS = {
    "graded": (
        "new digits",
        "These digits were never in your program, so this is how well your model does on what it "
        "has not seen.",
    ),
    "own-test": (
        "digits of your own test array",
        "How you prepare the digits was not recognised, so your model was asked about your own "
        "test images instead of new ones.",
    ),
}


@dataclass(frozen=True)
class Predictions:
    """The model's answers: classes `predicted` (n,), the `truth` (n,), and raw `images` (n, h, w).

    `confidence` (n,) is the largest probability of each row where rows are probabilities.
    """

    predicted: np.ndarray
    truth: np.ndarray
    images: np.ndarray
    confidence: np.ndarray | None


class GradedDigits:
    """The grader's own digits, fed as the submission feeds its own.

    `how` is "graded" for those; where the submission's preprocessing is not recognised, "own-test":
    its own test array against the labels of the visible half; "none" where there is neither.
    """

    def __init__(
        self, name: str, model: ModelFacts, evidence: Evidence, live: Live, seed: int
    ) -> None:
        self.name = name
        self._model = model
        self._evidence = evidence
        self._live = live
        self._rng = np.random.default_rng([seed, 2])

    @cached_property
    def feeding(self) -> Feeding | None:
        """The submission's preprocessing, learned from its latest use of the model."""
        statistics = Statistics(lambda: data.pixel_statistics(self.name))
        for facts in self._fed():
            rows = facts.sample_rows
            if rows is None or not sampled(facts):
                continue
            try:
                raw = data.public_rows(self.name, rows)
            except (IndexError, ValueError):
                continue
            found = learn(facts, raw, statistics)
            if found is not None:
                return found
        return None

    @property
    def how(self) -> Literal["graded", "own-test", "none"]:
        """What the accuracy was measured on."""
        if self.feeding is not None:
            return "graded"
        return "none" if self.predictions is None else "own-test"

    @cached_property
    def predictions(self) -> Predictions | None:
        """The model's answers to the graded digits, or None where it cannot be fed."""
        if self.feeding is None:
            return self._on_own_test()
        images, truth = data.graded(self.name)
        order = self._rng.permutation(len(images))
        images, truth = images[order], truth[order]
        fed = self.feeding.apply(disturbed(images, self._rng))
        output = self._live.predict(self._model.id, fed, seconds=PREDICT_SECONDS)
        if not _is_one_for_each(output, len(images)):
            return None
        return Predictions(*_classes(output, truth, images))

    def _on_own_test(self) -> Predictions | None:
        """The answers to the submission's own test array, if that is the visible half in order.

        Its order cannot be seen where no map from the raw digits is known, so the array counts only
        if the labels in their own order bear out the accuracy that the submission computed.
        """
        visible = data.describe(self.name).visible
        for use in reversed(self._evidence.uses):
            x = use.feed.x if use.feed is not None else None
            told = use.results.get("accuracy")
            if use.model != self._model.id or x is None or told is None:
                continue
            if x.shape[:1] not in ((visible,), (2 * visible,)):
                continue
            rows = np.arange(x.shape[0]) % visible + data.describe(self.name).train
            truth = data.public_labels(self.name, rows)
            output = self._live.predict_kept(self._model.id, x.fingerprint, seconds=PREDICT_SECONDS)
            if not _is_one_for_each(output, len(truth)):
                continue
            found = Predictions(*_classes(output, truth, data.public_rows(self.name, rows)))
            if abs(float((found.predicted == truth).mean()) - told) < AGREEMENT:
                return found
        return None

    @property
    def measured(self) -> Measured:
        """How many digits were judged, and how many of them recognised; none where it could not be
        asked."""
        found = self.predictions
        if found is None:
            return Measured(0, 0)
        return Measured(int((found.predicted == found.truth).sum()), len(found.truth))

    @property
    def count(self) -> int:
        """How many digits were judged."""
        return self.measured.count

    @property
    def accuracy(self) -> float:
        """The share recognised, 0 to 1. Fails the check where the model could not be asked."""
        if self.predictions is None:
            fail(
                observed="your model could not be fed with new digits",
                expected="a model that takes digits prepared as in your own evaluation",
                why="The accuracy is measured on digits that your program never saw, prepared the "
                "way you prepare yours; no way was recognised in what you fed to the model.",
                next="Evaluate your model on the test images in this file, all of them prepared "
                "alike, before it ends.",
            )
        return self.measured.accuracy

    @property
    def confusion(self) -> np.ndarray | None:
        """Counts (classes, classes), true classes in rows."""
        found = self.predictions
        if found is None:
            return None
        size = data.classes(self.name)
        table = np.zeros((size, size), dtype=np.int64)
        inside = (found.predicted >= 0) & (found.predicted < size)
        np.add.at(table, (found.truth[inside], found.predicted[inside]), 1)
        return table

    @property
    def shortened(self) -> bool:
        """Whether the model's training was cut to the lab's budget."""
        return bool(shortened_among(self._fits))

    def excuse(self, wanted: float) -> str | None:
        """Why an accuracy below `wanted` (0 to 1) costs nothing, None where it counts as it is."""
        if not self.shortened:
            return None
        guessing = 1 / data.classes(self.name)
        learning = was_learning(self._fits, self.accuracy, wanted, guessing)
        return EXCUSE if learning else None

    @property
    def _fits(self) -> list[FitEvent]:
        return [fit for fit in self._evidence.fits if fit.model == self._model.id]

    def _fed(self) -> list[ArrayFacts]:
        uses = [use.feed for use in self._evidence.uses if use.model == self._model.id]
        fits = self._fits
        feeds: list[Any] = uses[::-1]
        feeds += [fit.validation for fit in fits[::-1]]
        feeds += [fit.train for fit in fits[::-1]]
        return [feed.x for feed in feeds if feed is not None and feed.x is not None]


def disturbed(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The images with ink changed by at most one grey level of 255, which no eye can see.

    Blank pixels stay blank and ink stays ink, so that thresholds and norms keep their meaning.
    """
    noise = rng.integers(-1, 2, size=images.shape, dtype=np.int16)
    shaken = np.clip(images.astype(np.int16) + noise, 1, 255)
    return np.where(images > 0, shaken, 0).astype(np.uint8)


def _is_one_for_each(output: np.ndarray, count: int) -> bool:
    """Whether there is a row of scores, or a class, for each of `count` digits."""
    return len(output) == count and 0 < output.size <= count * MOST_SCORES


def _classes(
    output: np.ndarray, truth: np.ndarray, images: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray | None]:
    if output.ndim < 2 or output.shape[-1] == 1:
        rounded = np.nan_to_num(output.reshape(len(output), -1)[:, 0], nan=-1, posinf=-1, neginf=-1)
        return np.rint(rounded).astype(np.int64), truth, images, None
    flat = output.reshape(len(output), -1)
    predicted = np.nan_to_num(flat, nan=-np.inf).argmax(axis=1)
    sums = flat.sum(axis=1)
    probabilities = bool((flat >= 0).all() and np.allclose(sums, 1, atol=1e-3))
    return predicted, truth, images, flat.max(axis=1) if probabilities else None
