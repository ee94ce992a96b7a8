"""Networks that are compared must begin anew: told by their losses, layers and compilations."""

from __future__ import annotations

from grader.checks.fresh import first_and_last_loss, goes_on, shares_layers, trained_again
from grader.records.evidence import CompileEvent, Evidence, FitEvent, LayerFacts, ModelFacts


def fit(*losses: float | None, number: int = 0, model: int = 1) -> FitEvent:
    return FitEvent(number=number, model=model, history={"loss": losses})


def model(*layers: str) -> ModelFacts:
    facts = tuple(LayerFacts(name=name, kind="Dense", parameters=5) for name in layers)
    return ModelFacts(id=1, kind="Sequential", layers=facts)


def test_a_training_that_begins_where_another_ended_goes_on() -> None:
    assert goes_on((fit(0.6, 0.2),), (fit(0.22, 0.1),))


def test_a_training_that_begins_as_high_as_another_does_not() -> None:
    assert not goes_on((fit(0.6, 0.2),), (fit(0.5, 0.1),))
    assert not goes_on((fit(0.9, 0.3),), (fit(0.55, 0.1),))


def test_losses_that_are_not_known_prove_nothing() -> None:
    assert first_and_last_loss((fit(None, float("nan")),)) is None
    assert not goes_on((fit(),), (fit(0.1),))
    assert not goes_on((fit(0.2),), (fit(0.1),))


def test_layers_are_shared_where_they_have_weights_and_one_name() -> None:
    assert shares_layers(model("dense", "dense_1"), model("dense_1"))
    assert not shares_layers(model("dense"), model("dense_1"))
    assert not shares_layers(model(), model())


def test_only_a_second_training_after_a_second_compile_is_a_run_of_its_own() -> None:
    fits = fit(0.6, 0.2, number=1), fit(0.19, 0.1, number=3)
    assert trained_again(Evidence(events=fits), 1) is None
    compiled = CompileEvent(number=2, model=1)
    assert trained_again(Evidence(events=(fits[0], compiled, fits[1])), 1) == fits[1]
    assert trained_again(Evidence(events=(fits[0], compiled, fits[1])), 2) is None
