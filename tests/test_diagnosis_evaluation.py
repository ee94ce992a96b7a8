"""Mistakes in evaluation, old APIs and augmentation are named; their near neighbours are not."""

from __future__ import annotations

from typing import Any

import pytest
from diagnosis_cases import (
    N,
    compile_event,
    evidence,
    fault,
    feed,
    fit,
    images,
    labels,
    layer,
    metric,
    network,
    notebook,
    seen,
    use,
    warning,
)

from grader.diagnosis import diagnose
from grader.records.evidence import (
    AxesFacts,
    CellRun,
    Evidence,
    Feed,
    FigureEvent,
    LineFacts,
    RowOrigin,
    SaveEvent,
)


def cell_fault(message: str, type_: str = "ValueError", line: int = 1) -> Evidence:
    """A run whose first cell raised."""
    error = fault(message, type_, cell=1, line=line)
    return Evidence(cells=(CellRun(number=1, ok=False, fault=error),))


def figure(label: str, key: str | None, **axes: Any) -> FigureEvent:
    """A figure with one line."""
    lines = (LineFacts(label=label, key=key, y=(1.0, 2.0), points=2),)
    return FigureEvent(number=40, cell=7, line=4, axes=(AxesFacts(lines=lines, **axes),))


def after_training(*events: Any) -> Evidence:
    """A good training and what came after it."""
    return evidence(compile_event(), fit(), *events)


# ---------------------------------------------------------------- what was evaluated


def test_an_evaluation_of_nothing_but_the_training_images_is_named() -> None:
    assert "evaluated-on-train" in seen(after_training(use(half="train")))
    assert "evaluated-on-train" not in seen(after_training(use(half="train"), use(number=21)))
    metrics = after_training(use(half="train"), metric())
    assert "evaluated-on-train" not in seen(metrics)


def test_training_images_that_were_held_out_are_a_fair_test() -> None:
    held = images(rows=6_000, origin=RowOrigin(train=6_000, test=0, unknown=0))
    train = Feed(kind="array", rows=54_000, x=images(rows=54_000), y=labels(rows=54_000))
    tested = Feed(kind="array", rows=6_000, x=held, y=labels(rows=6_000))
    case = evidence(compile_event(), fit(train, validation_split=None), use(feed=tested))
    assert "evaluated-on-train" not in seen(case)


def test_a_test_set_watched_in_fit_is_an_evaluation_too() -> None:
    watched = fit(validation=feed(rows=10_000, half="test"), validation_split=None)
    case = evidence(compile_event(), watched, use(half="train"))
    assert "evaluated-on-train" not in seen(case)


def test_swapped_arguments_of_a_report_or_a_matrix_are_named() -> None:
    matrix = seen(after_training(use(), metric(swapped=True)))
    assert (matrix["confusion-transposed"].cell, matrix["confusion-transposed"].line) == (6, 3)
    for name in ("classification_report", "precision_score"):
        assert "report-arguments-swapped" in seen(after_training(use(), metric(name, True)))
        assert seen(after_training(use(), metric(name))) == {}
    assert seen(after_training(use(), metric("accuracy_score", True))) == {}


def test_a_matrix_that_was_made_again_the_right_way_or_says_its_axes_costs_nothing() -> None:
    wrong, right = metric(swapped=True), metric(number=31)
    assert "confusion-transposed" not in seen(after_training(use(), wrong, right))
    labelled = figure("", None, xlabel="Actual", ylabel="Predicted")
    assert "confusion-transposed" not in seen(after_training(use(), wrong, labelled))
    perfect = metric(swapped=True, first_is_truth=True)
    assert "confusion-transposed" not in seen(after_training(use(), perfect))


def test_scores_given_to_a_metric_are_named() -> None:
    message = "Classification metrics can't handle a mix of {} targets"
    for kinds in ("multiclass and continuous-multioutput", "multilabel-indicator and multiclass"):
        assert "probabilities-to-metric" in seen(cell_fault(message.format(kinds)))
    assert seen(cell_fault(message.format("binary and unknown"))) == {}


def test_a_score_without_average_is_named() -> None:
    message = "Target is multiclass but average='binary'. Please choose another average setting"
    assert "f1-without-average" in seen(cell_fault(message))


def test_class_accuracy_by_column_sums_is_named_but_precision_is_not() -> None:
    wrong = "class_acc = np.diag(cm) / cm.sum(axis=0)"
    assert "class-accuracy-wrong-axis" in seen(evidence(), wrong)
    assert "class-accuracy-wrong-axis" not in seen(evidence(), wrong.replace("0", "1"))
    assert "class-accuracy-wrong-axis" not in seen(
        evidence(), wrong.replace("class_acc", "precision")
    )


def test_a_curve_with_the_label_of_the_other_half_is_named() -> None:
    assert "curves-mislabelled" in seen(after_training(use(), figure("validation", "accuracy")))
    assert "curves-mislabelled" in seen(after_training(use(), figure("train", "val_loss")))
    for label, key in (("validation", "val_accuracy"), ("train", "loss"), ("acc", "val_loss")):
        assert "curves-mislabelled" not in seen(after_training(use(), figure(label, key)))
    assert "curves-mislabelled" not in seen(after_training(use(), figure("val", None)))


def test_a_typed_in_result_is_named_only_where_nothing_was_measured() -> None:
    typed = "import keras\nkeras.utils.set_random_seed(0)\nprint('Test accuracy: 0.9781')"
    assert seen(after_training(), typed)["typed-in-result"].line == 3
    assert "typed-in-result" not in seen(evidence(), typed)
    cut_short = after_training().model_copy(update={"limit": "time"})
    assert "typed-in-result" not in seen(cut_short, typed)
    goal = "print('Goal: accuracy of at least 0.95')"
    assert "typed-in-result" not in seen(after_training(), goal)
    computed = "print('Test accuracy: 0.9', test_acc)"
    assert "typed-in-result" not in seen(after_training(), computed)
    assert "typed-in-result" in seen(after_training(), "test_acc = 0.978\nprint(test_acc)")
    again = "test_acc = 0.978\ntest_acc = measure()\nprint(test_acc)"
    assert "typed-in-result" not in seen(after_training(), again)


def test_predicting_in_training_mode_matters_only_with_dropout() -> None:
    call = use("call", training=True)
    drops = network(*network().layers[:1], layer("Dropout", rate=0.3), network().layers[1])
    case = evidence(compile_event(), fit(), use(), call, model=drops)
    assert "predict-in-training-mode" in seen(case)
    assert "predict-in-training-mode" not in seen(after_training(use(), call))


# ---------------------------------------------------------------- old APIs, habits

OLD = {
    "removed-method": "model.fit_generator(flow)",
    "removed-module": "from keras.utils import np_utils",
    "old-generator-import": "from keras.preprocessing.image import ImageDataGenerator",
    "old-history-key": "plt.plot(history.history['acc'])",
    "leaky-alpha": "LeakyReLU(alpha=0.1)",
    "input-shape-argument": "Dense(4, input_shape=(784,))",
    "old-optimizer-argument": "Adam(lr=0.01)",
    "integer-learning-rate": "SGD(learning_rate=1)",
}
NEW = {
    "removed-method": "model.fit(flow)\nclf.predict_proba(x)",
    "removed-module": "from keras.utils import to_categorical\nfrom keras.layers import Dense",
    "old-generator-import": ("from tensorflow.keras.preprocessing.image import ImageDataGenerator"),
    "old-history-key": "plt.plot(history.history['accuracy'])\nresults['acc']",
    "leaky-alpha": "LeakyReLU(negative_slope=0.1)",
    "input-shape-argument": "Sequential(input_shape=(784,))",
    "old-optimizer-argument": "Adam(learning_rate=0.01)",
    "integer-learning-rate": "SGD(learning_rate=1.0)",
}


@pytest.mark.parametrize("code", OLD)
def test_an_old_api_is_named_and_its_successor_is_not(code: str) -> None:
    assert code in seen(evidence(), OLD[code])
    assert code not in seen(evidence(), NEW[code])


@pytest.mark.parametrize(
    ("code", "message", "type_"),
    [
        (
            "removed-sklearn-argument",
            "got an unexpected keyword argument 'multi_class'",
            "TypeError",
        ),
        ("removed-layer-attribute", "'Dense' object has no attribute 'input_shape'", "Attribute"),
        ("removed-optimizer-attribute", "'Adam' object has no attribute 'lr'", "AttributeError"),
        ("save-without-extension", "Invalid filepath extension for saving. Please", "ValueError"),
    ],
)
def test_what_an_old_api_raises_is_explained(code: str, message: str, type_: str) -> None:
    assert code in seen(cell_fault(message, type_))
    assert code not in seen(cell_fault("something else", type_))


def test_what_keras_warns_about_is_explained() -> None:
    case = evidence(warning("Argument `alpha` is deprecated. Use `negative_slope` instead."), fit())
    assert "leaky-alpha" in seen(case)


def test_an_old_file_format_is_named_and_the_new_one_is_not() -> None:
    for path, named in (("m.h5", True), ("m.keras", False), ("m.weights.h5", False)):
        save = SaveEvent(number=50, how="save", model=1, path=path, cell=8, line=1)
        assert ("h5-format" in seen(after_training(use(), save))) is named


def test_a_seed_of_any_kind_is_enough() -> None:
    for line in ("tf.random.set_seed(1)", "np.random.seed(0)", "Dense(4, init(seed=3))"):
        assert "no-seed" not in seen(evidence(), line)
    assert seen(evidence(), "import keras")["no-seed"].certainty == "style"
    assert "no-seed" not in seen(Evidence(), "import keras")


# ---------------------------------------------------------------- augmentation

GENERATOR = "gen = ImageDataGenerator(rotation_range=10)\n"


def test_a_generator_that_never_reaches_training_is_named() -> None:
    assert "augmentation-unused" in seen(evidence(), GENERATOR + "model.fit(x, y)")
    assert "augmentation-unused" not in seen(evidence(), GENERATOR + "model.fit(gen.flow(x, y))")


def test_a_generator_without_any_change_is_named() -> None:
    stream = Feed(kind="generator", x=images(), y=labels())
    case = evidence(compile_event(), fit(stream), use())
    assert "augmentation-empty" in seen(case, "g = ImageDataGenerator()\nmodel.fit(g.flow(x, y))")
    assert "augmentation-empty" not in seen(case, GENERATOR + "model.fit(gen.flow(x, y))")


def test_what_a_generator_refuses_is_named() -> None:
    rank = "Input data in `NumpyArrayIterator` should have rank 4. You passed an array with shape"
    assert "augmentation-rank" in seen(cell_fault(rank))
    split = "Argument `validation_split` is only supported for tensors or NumPy arrays."
    assert "split-with-generator" in seen(cell_fault(split))
    steps = cell_fault("'float' object cannot be interpreted as an integer", "TypeError")
    assert "steps-per-epoch" in seen(steps, "model.fit(d, steps_per_epoch=n / 32)")
    assert "steps-per-epoch" not in seen(steps, "range(3.0)")
    unfit = warning(
        "This ImageDataGenerator specifies `featurewise_center`, but it hasn't been "
        "fit on any training data."
    )
    assert "featurewise-unfit" in seen(evidence(unfit, fit()))


@pytest.mark.parametrize(
    ("code", "named"),
    [
        ("RandomFlip('horizontal')", True),
        ("RandomRotation(0.5)", True),
        ("ImageDataGenerator(horizontal_flip=True)", True),
        ("ImageDataGenerator(rotation_range=180)", True),
        ("RandomRotation(0.05)", False),
        ("ImageDataGenerator(rotation_range=10, horizontal_flip=False)", False),
    ],
)
def test_mirrored_and_turned_digits_are_named(code: str, named: bool) -> None:
    assert ("digit-breaking-augmentation" in seen(evidence(), code)) is named


# ---------------------------------------------------------------- places


def test_a_module_without_parts_counts_lines_of_the_file() -> None:
    source = "import keras\n\nx = x.reshape(60000, 784)\n"
    module = notebook(source)
    module = type(module)(**{**module.__dict__, "kind": "module"})
    found = {s.misconception: s for s in diagnose(module, evidence(), 1, {})}
    assert (found["hard-coded-size"].cell, found["hard-coded-size"].line) == (None, 3)


def test_the_data_set_of_a_generator_has_no_effect_on_what_the_rest_shows() -> None:
    train = Feed(kind="generator", rows=N, x=images(origin=None), y=labels(agreement=None))
    assert seen(evidence(compile_event(), fit(train), use())) == {}
