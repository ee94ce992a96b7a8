"""The estimator that a lab asks for is found beside others, and what it was asked anew."""

from __future__ import annotations

from grader.checks.estimators import asked_anew, trained_estimator
from grader.records.evidence import (
    ArrayFacts,
    Evidence,
    Feed,
    FitEvent,
    LayerFacts,
    ModelFacts,
    RowOrigin,
    UseEvent,
)
from grader.records.submission import Cell, Submission

KIND = "LogisticRegression"


def model(number: int, kind: str, *steps: str) -> ModelFacts:
    layers = tuple(LayerFacts(name=step.lower(), kind=step) for step in steps)
    return ModelFacts(
        id=number, family="sklearn", kind=kind, trained=True, order=number, layers=layers
    )


def feed(rows: int, *, test: bool = False, in_order: bool = True) -> Feed:
    origin = RowOrigin(
        train=0 if test else rows, test=rows if test else 0, unknown=0, in_order=in_order
    )
    mark = f"{rows}{test}{in_order}"
    x = ArrayFacts(shape=(rows, 784), dtype="float32", fingerprint=mark, origin=origin)
    return Feed(kind="array", rows=rows, x=x)


def fit(number: int, of: int) -> FitEvent:
    return FitEvent(number=number, how="sklearn", model=of, train=feed(4000))


def submission(source: str) -> Submission:
    return Submission(id="s", path="s.py", sha256="", kind="module", cells=(Cell(1, source, 1),))


def found(source: str, *models: ModelFacts) -> int | None:
    fits = tuple(fit(number, facts.id) for number, facts in enumerate(models))
    chosen = trained_estimator(Evidence(models=models, events=fits), submission(source), KIND)
    return None if chosen is None else chosen[0].id


def test_the_last_one_of_the_kind_is_found_among_others() -> None:
    models = (model(1, KIND), model(2, "LogisticRegressionCV"), model(3, "SVC"))
    assert found("", *models) == 2
    assert found("", model(1, "SVC")) is None


def test_a_step_of_a_pipeline_counts() -> None:
    assert found("", model(1, "Pipeline", "StandardScaler", KIND), model(2, "Pipeline", "SVC")) == 1


def test_one_that_is_wrapped_counts_where_the_source_names_it() -> None:
    search = model(1, "GridSearchCV")
    assert found("GridSearchCV(LogisticRegression(), grid)", search) == 1
    assert found("GridSearchCV(SVC(), grid)", search) is None


def test_one_without_a_training_that_is_known_is_not_found() -> None:
    evidence = Evidence(models=(model(1, KIND),))
    assert trained_estimator(evidence, submission(""), KIND) is None


def test_rows_are_new_unless_they_are_those_of_the_training_or_its_head() -> None:
    fed = [feed(4000), feed(10), feed(10, test=True), feed(900, in_order=False), None]
    uses = [
        UseEvent(number=number, how="predict", model=1, feed=part)
        for number, part in enumerate(fed, start=1)
    ]
    evidence = Evidence(models=(model(1, KIND),), events=(fit(0, 1), *uses))
    asked = asked_anew(evidence, evidence.models[0], evidence.fits[0])
    assert [use.number for use in asked] == [3, 4]
