"""All that a check may look at: one submission after its run, with its live process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from grader import data
from grader.answers.sheet import Sheet
from grader.checks.diagnosis import Diagnosis
from grader.checks.expectations import fail
from grader.checks.further import FurtherRuns
from grader.checks.graded import GradedDigits
from grader.checks.networks import Network
from grader.checks.trained import TrainedModel
from grader.diagnosis import diagnose
from grader.errors import LabError, SessionClosed
from grader.live import Live
from grader.records.evidence import Evidence
from grader.records.lab import Lab
from grader.records.misconception import Sighting
from grader.records.submission import Submission
from grader.roles import attempted_model, choose_model, trained_models
from grader.session import StudentFault

PROBE_INPUTS = 64
MOST_NETWORKS = 20
"""Networks that are judged one by one: the last ones of a submission that trains more."""


@dataclass(frozen=True)
class Subject:
    """One submission under judgement; `further` runs it again under other seeds."""

    lab: Lab
    submission: Submission
    evidence: Evidence
    live: Live
    further: FurtherRuns | None = None

    @cached_property
    def sheet(self) -> Sheet:
        """Its answers. Raises LabError in a lab whose submissions are programs."""
        if self.lab.kind != "answers":
            raise LabError(
                f"{self.lab.id} has no answers", hint='Say kind = "answers" in lab.toml.'
            )
        return Sheet(self.lab, self.submission)

    @cached_property
    def classes(self) -> int | None:
        """The number of classes of the lab's data, or None."""
        return None if self.lab.data is None else data.classes(self.lab.data)

    @cached_property
    def trained(self) -> TrainedModel | None:
        """The trained model by role, or None."""
        facts = choose_model(self.evidence, self.lab.model_names, self.classes)
        return None if facts is None else TrainedModel(facts, self.evidence, self.live)

    @property
    def model(self) -> TrainedModel:
        """The trained model; fails the check where none was trained."""
        if self.trained is not None:
            return self.trained
        tried = [fit for fit in self.evidence.fits if fit.fault is not None]
        last = tried[-1] if tried else None
        fail(
            observed="training stopped with an error" if last else "no model was trained",
            expected="a model that was trained in this file",
            misconception=None if last else "never-fitted",
            why="Everything after training needs a trained model.",
            next="Mend the error in the cell that trains, then run everything again."
            if last
            else None,
            cell=last.cell if last else None,
            line=last.line if last else None,
        )

    @cached_property
    def graded(self) -> GradedDigits | None:
        """The graded digits, or None where there is no data or no model to ask."""
        return None if self.trained is None else self._graded_for(self.trained)

    @cached_property
    def probes(self) -> Mapping[str, Mapping[str, float]]:
        """What the probes say of the trained model; those that could not be asked are not in it."""
        return {} if self.trained is None else self._ask_probes(self.trained, self.graded)

    @cached_property
    def networks(self) -> tuple[Network, ...]:
        """Each Keras network that was trained, in the order of their last trainings."""
        return tuple(
            self._network(TrainedModel(facts, self.evidence, self.live))
            for facts in trained_models(self.evidence)[-MOST_NETWORKS:]
            if facts.family == "keras"
        )

    @cached_property
    def sightings(self) -> tuple[Sighting, ...]:
        """Every mistake that was seen, the one to mend first at the head."""
        if self.lab.kind == "answers":
            return ()
        model = self.trained.facts.id if self.trained else attempted_model(self.evidence)
        return self._mistakes(model, self.probes)

    def _network(self, trained: TrainedModel) -> Network:
        graded = self._graded_for(trained)
        if graded is None:
            raise LabError(
                "the lab names no data set, so no network can be judged by it",
                hint="Name one in lab.toml, under “data”.",
            )
        if self.trained is not None and trained.facts.id == self.trained.facts.id:
            return Network(trained, graded, Diagnosis(self.sightings), self.probes)
        probes = self._ask_probes(trained, graded)
        found = self._mistakes(trained.facts.id, probes)
        return Network(trained, graded, Diagnosis(found), probes)

    def _mistakes(
        self, model: int | None, probes: Mapping[str, Mapping[str, float]]
    ) -> tuple[Sighting, ...]:
        """What was seen of a model, without what the lab itself asks for (`asked_for`)."""
        asked_for = self.lab.settings.get("asked_for", ())
        found = diagnose(self.submission, self.evidence, model, probes)
        return tuple(one for one in found if one.misconception not in asked_for)

    def _graded_for(self, trained: TrainedModel) -> GradedDigits | None:
        if self.lab.data is None:
            return None
        return GradedDigits(self.lab.data, trained.facts, self.evidence, self.live, self.lab.seed)

    def _ask_probes(
        self, trained: TrainedModel, graded: GradedDigits | None
    ) -> Mapping[str, Mapping[str, float]]:
        if trained.facts.family != "keras":
            return {}
        options = self._probe_inputs(graded)
        answers: dict[str, Mapping[str, float]] = {}
        for name in ("affine_gap", "row_sums", "initial_loss"):
            try:
                answers[name] = trained.probe(name, **options)
            except (StudentFault, SessionClosed):
                continue
        return answers

    def _probe_inputs(self, graded: GradedDigits | None) -> dict[str, np.ndarray]:
        if graded is None or graded.feeding is None or self.lab.data is None:
            return {}
        rows = data.public_rows(self.lab.data, np.arange(PROBE_INPUTS))
        return {
            "x": graded.feeding.apply(rows),
            "y": data.public_labels(self.lab.data, np.arange(PROBE_INPUTS)).astype(np.int64),
        }
