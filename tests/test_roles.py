"""The model is found by what it did."""

from __future__ import annotations

from typing import Any

from grader.records.evidence import Evidence, Fault, FitEvent, ModelFacts
from grader.roles import attempted_model, choose_model, last_fit, trained_models


def model(number: int, **more: Any) -> ModelFacts:
    facts = {"kind": "Sequential", "trained": True, "output_shape": (None, 10), **more}
    return ModelFacts(id=number, **facts)


def fit(number: int, of: int, **more: Any) -> FitEvent:
    return FitEvent(number=number, model=of, **more)


def test_the_only_trained_model_is_the_model_whatever_its_name() -> None:
    models = (model(1, trained=False, names=("model",)), model(2, names=("my_net",)))
    evidence = Evidence(models=models, events=(fit(0, 2),))
    chosen = choose_model(evidence, ["model"], 10)
    assert chosen is not None
    assert chosen.id == 2


def test_of_two_trained_models_the_suggested_name_settles_it() -> None:
    models = (model(1, names=("model",)), model(2, names=("other",)))
    evidence = Evidence(models=models, events=(fit(0, 1), fit(1, 2)))
    chosen = choose_model(evidence, ["model"], 10)
    assert chosen is not None
    assert chosen.id == 1


def test_without_a_suggested_name_the_last_trained_counts() -> None:
    models = (model(1, names=("a",)), model(2, names=("b",)))
    evidence = Evidence(models=models, events=(fit(0, 2), fit(1, 1)))
    chosen = choose_model(evidence, ["model"], 10)
    assert chosen is not None
    assert chosen.id == 1


def test_a_helper_model_with_other_outputs_does_not_take_the_place() -> None:
    models = (model(1, names=("net",)), model(2, names=("model",), output_shape=(None, 784)))
    evidence = Evidence(models=models, events=(fit(0, 1), fit(1, 2)))
    chosen = choose_model(evidence, ["model"], 10)
    assert chosen is not None
    assert chosen.id == 1


def test_a_training_that_stopped_with_an_error_makes_no_trained_model() -> None:
    broken = fit(0, 1, fault=Fault(type="ValueError", message="no"))
    evidence = Evidence(models=(model(1, trained=False),), events=(broken,))
    assert choose_model(evidence, ["model"], 10) is None
    assert attempted_model(evidence) == 1
    assert last_fit(evidence, 1) is None


def test_several_trained_models_come_in_the_order_of_their_trainings() -> None:
    models = (model(1), model(2), model(3, trained=False), model(4))
    events = (fit(0, 4), fit(1, 2), fit(2, 1))
    trained = trained_models(Evidence(models=models, events=events))
    assert [facts.id for facts in trained] == [4, 2, 1]


def test_without_models_there_is_none() -> None:
    assert choose_model(Evidence(), ["model"], 10) is None
    assert attempted_model(Evidence()) is None
