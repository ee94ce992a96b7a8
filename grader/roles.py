"""Find things by what they did, not by what they are called."""

from __future__ import annotations

from collections.abc import Sequence

from grader.records.evidence import Evidence, FitEvent, ModelFacts


def choose_model(
    evidence: Evidence, names: Sequence[str], classes: int | None
) -> ModelFacts | None:
    """The model that a submission trained, or None.

    Among the trained ones, those with an output for each class go first; then a name that the
    starter suggests settles it; then the one trained last.
    """
    trained = trained_models(evidence)
    if not trained:
        return None

    def rank(model: ModelFacts) -> tuple[bool, bool, int]:
        fits = model.family == "sklearn" or _outputs(model) == classes or classes is None
        return fits, any(name in names for name in model.names), _last_training(model, evidence)

    return max(trained, key=rank)


def trained_models(evidence: Evidence) -> list[ModelFacts]:
    """Every model that was trained, in the order of their last trainings."""
    trained = [model for model in evidence.models if _was_trained(model, evidence)]
    return sorted(trained, key=lambda model: _last_training(model, evidence))


def attempted_model(evidence: Evidence) -> int | None:
    """The id of the model whose training was last tried, whether or not it worked; else the last
    one made."""
    tries = [event.model for event in evidence.fits]
    if tries:
        return tries[-1]
    return evidence.models[-1].id if evidence.models else None


def _was_trained(model: ModelFacts, evidence: Evidence) -> bool:
    # A scaler's fit is a training in the evidence, but the scaler is no trained model.
    if model.trained or model.family == "sklearn":
        return model.trained
    return any(fit.model == model.id and fit.fault is None for fit in evidence.fits)


def _last_training(model: ModelFacts, evidence: Evidence) -> int:
    numbers = [fit.number for fit in evidence.fits if fit.model == model.id]
    return numbers[-1] if numbers else -1


def _outputs(model: ModelFacts) -> int | None:
    if model.output_shape:
        return model.output_shape[-1]
    return None


def last_fit(evidence: Evidence, model: int) -> FitEvent | None:
    """The last training of a model that ended without an exception."""
    fits = [fit for fit in evidence.fits if fit.model == model and fit.fault is None]
    return fits[-1] if fits else None
