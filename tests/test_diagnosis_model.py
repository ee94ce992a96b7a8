"""Mistakes in the model, in compile and in fit are named; their near neighbours are not."""

from __future__ import annotations

from typing import Any

import pytest
from diagnosis_cases import (
    CATEGORICAL,
    GOOD_HISTORY,
    SPARSE,
    N,
    compile_event,
    compiled,
    crashed,
    dense,
    evidence,
    fault,
    feed,
    fit,
    images,
    labels,
    layer,
    network,
    notebook,
    seen,
    use,
)

from grader.diagnosis import diagnose, root_cause, to_finding
from grader.records.evidence import CellRun, Evidence, Feed, LayerFacts

FAILED = {"loss": (2.4, 2.5, 2.6), "accuracy": (0.1, 0.11, 0.1)}
SLOW = {"loss": (2.4, 2.39, 2.38), "accuracy": (0.1, 0.11, 0.12)}
BCE = "binary_crossentropy"


def built(*layers: LayerFacts, units: int = 10, loss: str = SPARSE, **more: Any) -> Evidence:
    """A good run of a model of these layers."""
    form = "integers" if loss in (SPARSE, "mean_squared_error") else "one-hot"
    model = network(*layers, units=units)
    return evidence(compile_event(), fit(feed(form=form), loss, **more), use(), model=model)


def trained(**facts: Any) -> Evidence:
    """A run of the usual model, compiled like this."""
    history = facts.pop("history", GOOD_HISTORY)
    return evidence(compile_event(), fit(compiled=compiled(**facts), history=history), use())


def cell_fault(message: str, type_: str = "ValueError", line: int = 1) -> Evidence:
    """A run whose first cell raised."""
    error = fault(message, type_, cell=1, line=line)
    return Evidence(cells=(CellRun(number=1, ok=False, fault=error),))


HIDDEN, OUT = dense(128, "relu"), dense(10, "softmax")
WRONG = {
    "no-hidden-activation": built(dense(128), dense(64), OUT),
    "relu-output": built(HIDDEN, dense(10, "relu")),
    "sigmoid-output": built(HIDDEN, dense(10, "sigmoid")),
    "single-unit-softmax": built(HIDDEN, dense(1, "softmax"), units=1, loss=BCE),
    "too-few-outputs": built(HIDDEN, dense(9, "softmax"), units=9),
    "too-many-outputs": built(HIDDEN, dense(11, "softmax"), units=11),
    "softmax-twice": built(HIDDEN, OUT, layer("Softmax", "softmax")),
    "softmax-axis": built(HIDDEN, dense(10), layer("Softmax", "softmax", axis=0)),
    "softmax-hidden": built(dense(128, "softmax"), OUT),
    "dropout-after-output": built(HIDDEN, OUT, layer("Dropout", rate=0.5)),
    "dropout-drops-all": built(HIDDEN, layer("Dropout", rate=1.0), OUT),
    "dropout-keep-probability": built(HIDDEN, layer("Dropout", rate=0.8), OUT),
    "dropout-percent": cell_fault(
        "Invalid value received for argument `rate`. Expected a float value between 0 and 1. "
        "Received: rate=50"
    ),
    "leaky-slope": built(dense(128), layer("LeakyReLU", "leaky_relu", negative_slope=1.0), OUT),
    "relu-before-leaky": built(HIDDEN, layer("LeakyReLU", "leaky_relu", negative_slope=0.1), OUT),
    "batchnorm-misused": built(HIDDEN, OUT, layer("BatchNormalization")),
    "zero-init": built(dense(128, "relu", kernel_initializer="Zeros"), OUT),
    "frozen-model": evidence(
        compile_event(),
        fit(changed=False),
        use(),
        model=network(trainable_parameters=0),
    ),
    "vanishing-sigmoid": evidence(
        compile_event(),
        fit(compiled=compiled(optimizer="SGD", learning_rate=0.01)),
        model=network(*[dense(32, "sigmoid")] * 4, OUT),
    ),
    "softmax-and-from-logits": trained(from_logits=True),
    "logits-without-flag": built(HIDDEN, dense(10)),
    "regression-loss": evidence(
        compile_event(), fit(feed(form="one-hot"), "mean_squared_error"), use()
    ),
    "regression-output": built(HIDDEN, dense(1), units=1, loss="mean_squared_error"),
    "binary-loss-for-many": evidence(compile_event(), fit(feed(form="one-hot"), BCE), use()),
    "accuracy-as-loss": crashed("Could not interpret loss identifier: accuracy"),
    "metrics-not-a-list": crashed(
        "Expected `metrics` argument to be a list, tuple, or dict. Received instead: "
        "metrics=accuracy of type <class 'str'>"
    ),
    "metrics-missing": trained(metrics=(), history={"loss": (0.4, 0.2), "val_loss": (0.3, 0.25)}),
    "wrong-metric": trained(metrics=("categorical_accuracy",)),
    "optimizer-class": crashed(
        "Could not interpret optimizer identifier: <class 'keras.src.optimizers.adam.Adam'>"
    ),
    "metrics-as-loss-weights": crashed(
        "dtype='string' is not a valid dtype for Keras type promotion.",
        compiled=compiled(loss_weights=True),
    ),
    "learning-rate-high": trained(optimizer="SGD", learning_rate=10.0, history=FAILED),
    "learning-rate-low": trained(learning_rate=1e-6, history=SLOW),
    "learning-rate-negative": trained(learning_rate=-0.01, history=FAILED),
    "adadelta-default": trained(optimizer="Adadelta", learning_rate=0.001, history=SLOW),
    "batch-extreme": evidence(compile_event(), fit(batch_size=N), use()),
    "not-recompiled": evidence(compile_event(), fit(restructured=True), use()),
    "too-few-epochs": trained(
        history={"loss": (0.9, 0.5), "val_accuracy": (0.80, 0.88), "accuracy": (0.7, 0.86)}
    ),
    "overfitting": trained(
        history={
            "loss": (0.4, 0.2, 0.1, 0.05, 0.02, 0.01),
            "val_loss": (0.3, 0.2, 0.22, 0.25, 0.3, 0.4),
            "accuracy": (0.9, 0.95, 0.97, 0.98, 0.99, 1.0),
        }
    ),
    "never-fitted": evidence(compile_event(), use(), model=network(trained=False)),
}


@pytest.mark.parametrize("code", WRONG)
def test_the_mistake_is_named(code: str) -> None:
    sightings = seen(WRONG[code])
    assert code in sightings
    assert sightings[code].line is not None
    assert sightings[code].observed != sightings[code].expected


@pytest.mark.parametrize(
    "code", ["relu-output", "softmax-twice", "logits-without-flag", "zero-init", "too-few-outputs"]
)
def test_a_broken_output_is_one_mistake_and_not_several(code: str) -> None:
    assert set(seen(WRONG[code])) == {code}


def test_hidden_layers_are_linear_only_where_nothing_bends() -> None:
    linear = built(dense(128), OUT)
    assert seen(linear, probes={"affine_gap": {"gap": 1e-6}})["no-hidden-activation"].certainty == (
        "fact"
    )
    assert seen(linear)["no-hidden-activation"].certainty == "likely"
    assert "no-hidden-activation" not in seen(linear, probes={"affine_gap": {"gap": 0.2}})
    assert "no-hidden-activation" not in seen(built(OUT))
    assert "no-hidden-activation" not in seen(built(dense(128), layer("ReLU", "relu"), OUT))
    with_norm = built(dense(128), layer("BatchNormalization"), layer("ReLU", "relu"), OUT)
    assert "no-hidden-activation" not in seen(with_norm)


def test_an_own_class_is_linear_only_if_the_probe_says_so() -> None:
    own = network(dense(128), OUT, kind="MyNet")
    case = evidence(compile_event(), fit(), use(), model=own)
    assert "no-hidden-activation" not in seen(case)
    assert "no-hidden-activation" in seen(case, probes={"affine_gap": {"gap": 1e-6}})
    assert "no-hidden-activation" not in seen(case, probes={"affine_gap": {"gap": 0.1}})


def test_an_own_class_puts_out_scores_only_if_the_probe_says_so() -> None:
    own = network(dense(128), dense(10), kind="MyNet")
    case = evidence(compile_event(), fit(), use(), model=own)
    scores = {"row_sums": {"minimum": -4.0, "maximum": 7.0, "worst": 9.0}}
    shares = {"row_sums": {"minimum": 0.0, "maximum": 1.0, "worst": 1e-7}}
    assert "logits-without-flag" not in seen(case)
    assert "logits-without-flag" in seen(case, probes=scores)
    assert "logits-without-flag" not in seen(case, probes=shares)


def test_a_convolution_that_reads_one_channel_is_no_dense_layer_on_pictures() -> None:
    case = built(
        layer("Conv2D", "relu", into=(None, 28, 28, 1)),
        layer("Flatten"),
        dense(10, "softmax", into=(None, 5408)),
    )
    assert seen(case) == {}


@pytest.mark.parametrize(
    ("optimizer", "rate", "history"),
    [
        ("SGD", 1.0, GOOD_HISTORY),
        ("SGD", 10.0, GOOD_HISTORY),
        ("Adam", 0.1, GOOD_HISTORY),
        ("Adam", 1e-6, GOOD_HISTORY),
        ("Adam", 0.001, FAILED),
    ],
)
def test_a_learning_rate_is_wrong_only_where_the_training_failed(
    optimizer: str, rate: float, history: dict[str, tuple[float, ...]]
) -> None:
    codes = set(seen(trained(optimizer=optimizer, learning_rate=rate, history=history)))
    assert not any(code.startswith("learning-rate") for code in codes)


def test_a_loss_that_became_nan_is_a_failed_training() -> None:
    history = {"loss": (float("nan"), float("nan")), "accuracy": (0.1, 0.1)}
    assert "learning-rate-high" in seen(trained(learning_rate=5.0, history=history))


def test_an_undefined_metric_is_named_only_inside_compile() -> None:
    error = cell_fault("name 'accuracy' is not defined", "NameError")
    assert "wrong-metric" in seen(error, "model.compile('adam', 'mse', metrics=[accuracy])")
    assert "wrong-metric" not in seen(error, "print(accuracy)")


def test_a_metric_that_cannot_compare_is_named() -> None:
    message = "Dimensions must be equal, but are 32 and 10 for '{{node Equal}} = Equal[T=DT_FLOAT]"
    assert "wrong-metric" in seen(crashed(message))
    later = "Graph execution error:\n\nDetected at node Equal_1 defined at (most recent call last)"
    assert "wrong-metric" in seen(crashed(later, "InvalidArgumentError"))


def test_metrics_given_by_place_are_named_from_the_source() -> None:
    error = cell_fault("dtype='string' is not a valid dtype for Keras type promotion.")
    third = "model.compile('adam', 'mse', ['accuracy'])"
    assert "metrics-as-loss-weights" in seen(error, third)
    assert "metrics-as-loss-weights" not in seen(error, "x = keras.ops.add('a', 1)")


def test_a_loss_without_gradient_is_named_where_it_is_an_accuracy() -> None:
    message = "No gradients provided for any variable."
    accuracy = compiled("sparse_categorical_accuracy")
    assert "accuracy-as-loss" in seen(crashed(message, compiled=accuracy))
    assert "accuracy-as-loss" not in seen(crashed(message))


def test_a_model_that_is_trained_later_or_whose_training_crashed_was_not_forgotten() -> None:
    assert "never-fitted" not in seen(crashed("some exception"))
    assert "never-fitted" not in seen(evidence(compile_event(), fit(), use()))
    early = evidence(use(number=6), compile_event(), fit(), use())
    assert "never-fitted" not in seen(early)


def test_evaluating_another_model_than_the_trained_one_is_named() -> None:
    other = network(id=2, trained=False, names=("model2",))
    case = evidence(compile_event(), fit(), use(model=2))
    case = case.model_copy(update={"models": (*case.models, other)})
    assert "never-fitted" in seen(case)
    both = case.model_copy(update={"events": (*case.events, use(number=40))})
    assert "never-fitted" not in seen(both)


def test_one_unit_is_right_for_two_classes() -> None:
    two = labels(classes=2, highest=1.0, tail_classes=2)
    train = Feed(kind="array", rows=N, x=images(), y=two)
    model = network(dense(16, "relu"), dense(1, "sigmoid"), units=1)
    case = evidence(compile_event(), fit(train, BCE), model=model)
    assert seen(case) == {}


def test_ten_outputs_are_right_for_a_part_of_the_classes() -> None:
    part = labels(classes=5, highest=4.0, tail_classes=5, rows=30_000)
    train = Feed(kind="array", rows=30_000, x=images(rows=30_000), y=part)
    case = evidence(compile_event(), fit(train), use())
    assert "too-many-outputs" not in seen(case)


def test_the_root_cause_is_the_first_that_costs_marks() -> None:
    case = evidence(
        compile_event(),
        fit(feed("raw"), compiled=compiled()),
        use(scale="raw"),
        model=network(HIDDEN, dense(10)),
    )
    sightings = diagnose(notebook("import keras"), case, 1, {})
    codes = [sighting.misconception for sighting in sightings]
    assert codes == ["no-scaling", "logits-without-flag", "no-seed"]
    cause = root_cause(sightings)
    assert cause is not None
    assert cause.misconception == "no-scaling"
    assert root_cause(sightings[2:]) is None


def test_a_finding_says_what_was_seen_and_why_it_matters() -> None:
    sighting = seen(WRONG["logits-without-flag"])["logits-without-flag"]
    finding = to_finding(sighting)
    assert finding.severity == "E"
    assert finding.message.startswith("The output gives raw scores")
    assert (finding.cell, finding.line) == (3, 6)


def test_a_curve_is_not_judged_while_something_graver_is_wrong() -> None:
    history = {"loss": (0.9, 0.5), "val_accuracy": (0.80, 0.88), "accuracy": (0.7, 0.86)}
    model = network(HIDDEN, dense(10))
    case = evidence(compile_event(), fit(history=history), use(), model=model)
    assert set(seen(case)) == {"logits-without-flag"}


def test_a_batch_is_large_by_the_rows_that_are_left_to_learn_from() -> None:
    held_out = fit(batch_size=8_000, validation_split=0.5)
    assert "batch-extreme" in seen(evidence(held_out))
    assert "batch-extreme" not in seen(evidence(fit(batch_size=8_000)))


def test_a_model_is_made_where_its_variable_was_set_last_before_it_was_seen() -> None:
    eleven = evidence(compile_event(), fit(), model=network(HIDDEN, dense(11, "softmax"), units=11))
    cells = ("import keras", "model = None\nmodel = Sequential()", "model.add(…)\nmodel = build()")
    assert places(eleven, *cells) == (2, 2)
    assert places(eleven, "import keras", "net = Sequential()") == (3, 1)


def places(case: Evidence, *cells: str) -> tuple[int | None, int | None]:
    """Where one output too many is told."""
    sighting = seen(case, *cells)["too-many-outputs"]
    return sighting.cell, sighting.line


def test_a_finding_keeps_the_spelling_of_names() -> None:
    case = evidence(fit(validation=feed(rows=10_000, half="test"), validation_split=None))
    finding = to_finding(seen(case)["test-as-validation"])
    assert finding.message.startswith("validation_data holds test images. ")


def test_a_categorical_loss_with_class_numbers_needs_no_exception_to_be_named() -> None:
    case = evidence(compile_event(), fit(feed(), CATEGORICAL), use())
    assert "integers-with-categorical-loss" in seen(case)
