"""Mistakes in images, labels and shapes are named, with their place."""

from __future__ import annotations

import pytest
from diagnosis_cases import (
    CATEGORICAL,
    SPARSE,
    N,
    compile_event,
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
    seen,
    use,
)

from grader.records.evidence import CellRun, Evidence, Feed, RowOrigin, ValueFacts

UNKNOWN = RowOrigin(train=0, test=0, unknown=N)
RANK = "Arguments `target` and `output` must have the same rank (ndim). Received: "
SAME = "Arguments `target` and `output` must have the same shape. Received: "
LESS = "Argument `output` must have rank (ndim) `target.ndim - 1`. Received: "
CAST = (
    "Cannot cast ufunc 'divide' output from dtype('float64') to dtype('uint8') "
    "with casting rule 'same_kind'"
)
TOO_SMALL = (
    "Computed output size would be zero or negative. Received `inputs shape=(None, 1, 28, 28)`, "
    "`kernel shape=(3, 3, 28, 4)`, `dilation_rate=[1 1]`, `strides=(1, 1)`, `padding=valid`."
)
INCOMPATIBLE = (
    "Exception encountered when calling Sequential.call().\n\n\x1b[1mInvalid input shape for input "
    'Tensor("data:0", shape=(32, 28, 28), dtype=float32). Expected shape (None, 784), but input '
    "has incompatible shape (32, 28, 28)\x1b[0m"
)


def trained(x: str = "unit", y: str = "integers", loss: str = SPARSE, **more: object) -> Evidence:
    """A training with these images and labels, tested on images of the same scale."""
    train = Feed(kind="array", rows=N, x=images(x), y=labels(y, **more))
    return evidence(compile_event(), fit(train, loss), use(scale=x))


def cell_fault(message: str, type_: str = "ValueError", line: int = 1) -> Evidence:
    """A run whose first cell raised."""
    error = fault(message, type_, cell=1, line=line)
    return Evidence(cells=(CellRun(number=1, ok=False, fault=error),))


def variable(name: str, **more: object) -> ValueFacts:
    """An array that was left behind."""
    array = more.pop("array", None) or images(**more)  # type: ignore[arg-type]
    return ValueFacts(name=name, type="numpy.ndarray", array=array, cell=2, line=1)


RESCALING = network(layer("Rescaling", scale=1 / 255, offset=0.0), *network().layers)
WRONG = {
    "no-scaling": evidence(compile_event(), fit(feed("raw")), use(scale="raw")),
    "train-only-scaling": evidence(compile_event(), fit(), use(scale="raw")),
    "scaled-copy-unused": evidence(compile_event(), fit(feed("raw")), use()),
    "double-scaling": trained("tiny"),
    "labels-scaled": trained(y="other", highest=1.0, integral=False),
    "one-hot-with-sparse-loss": crashed(
        LESS + "target.shape=(None, 10), output.shape=(None, 10)", train=feed(form="one-hot")
    ),
    "integers-with-categorical-loss": crashed(
        RANK + "target.shape=(None,), output.shape=(None, 10)", loss=CATEGORICAL
    ),
    "one-hot-twice": crashed(
        RANK + "target.shape=(32, 10, 2), output.shape=(32, 10)",
        train=feed(form="one-hot-twice"),
        loss=CATEGORICAL,
    ),
    "wrong-class-count": crashed(
        SAME + "target.shape=(32, 9), output.shape=(32, 10)",
        train=Feed(kind="array", x=images(), y=labels("one-hot", shape=(N, 9))),
        loss=CATEGORICAL,
    ),
    "labels-from-one": crashed(
        "Graph execution error:\n\nDetected at node compile_loss/sparse_categorical_crossentropy",
        "InvalidArgumentError",
        train=Feed(kind="array", x=images(), y=labels(lowest=1.0, highest=10.0, agreement=0.0)),
    ),
    "string-labels": crashed("Invalid dtype: str672", train=feed(form="strings")),
    "missing-flatten": crashed(LESS + "target.shape=(32,), output.shape=(32, 28, 10)"),
    "labels-misaligned": trained(agreement=0.1),
    "class-sorted-training": trained(sorted=True, tail_classes=3),
    "trained-on-test": evidence(
        compile_event(),
        fit(feed(x=images(origin=RowOrigin(train=N, test=10_000, unknown=0)))),
        use(),
    ),
    "slow-dtype": evidence(compile_event(), fit(feed(x=images(dtype="float64"))), use()),
    "missing-channel": crashed(
        "Input 0 with name 'None' of layer 'conv2d_1' is incompatible with the layer: expected "
        "min_ndim=4, found ndim=3. Full shape received: (32, 28, 28)"
    ),
    "channels-first": cell_fault(TOO_SMALL),
    "input-shape-mismatch": crashed(INCOMPATIBLE),
    "in-place-divide": cell_fault(CAST, "UFuncTypeError"),
    "integer-targets-in-mse": trained(y="column", loss="mean_squared_error"),
}


@pytest.mark.parametrize("code", WRONG)
def test_the_mistake_is_named_from_what_was_recorded(code: str) -> None:
    sightings = seen(WRONG[code])
    assert code in sightings
    assert sightings[code].line is not None
    assert sightings[code].observed


def test_only_the_cause_is_named_not_what_follows_from_it() -> None:
    for code in ("no-scaling", "one-hot-with-sparse-loss", "missing-flatten", "double-scaling"):
        assert set(seen(WRONG[code])) == {code}


def test_a_mistake_is_placed_where_the_student_mends_it() -> None:
    one_hot = seen(WRONG["one-hot-with-sparse-loss"])["one-hot-with-sparse-loss"]
    assert (one_hot.cell, one_hot.line) == (3, 6)
    raw = seen(WRONG["no-scaling"])["no-scaling"]
    assert (raw.cell, raw.line) == (4, 2)
    assert "0 to 255" in raw.observed


def test_pixels_scaled_by_code_and_by_a_layer_are_scaled_twice() -> None:
    case = evidence(compile_event(), fit(), use(), model=RESCALING)
    assert "double-scaling" in seen(case)
    raw = evidence(compile_event(), fit(feed("raw")), use(scale="raw"), model=RESCALING)
    assert "double-scaling" not in seen(raw)


def test_an_own_class_on_raw_pixels_is_judged_by_its_first_loss() -> None:
    case = evidence(
        compile_event(), fit(feed("raw")), use(scale="raw"), model=network(kind="Net", layers=())
    )
    assert "no-scaling" not in seen(case)
    assert "no-scaling" not in seen(case, probes={"initial_loss": {"loss": 2.4}})
    assert "no-scaling" in seen(case, probes={"initial_loss": {"loss": 160.0}})


def test_a_logistic_regression_on_raw_pixels_is_named_and_a_forest_is_not() -> None:
    training = fit(feed("raw"), how="sklearn", compiled=None, history={})
    for kind, named in (("LogisticRegression", True), ("RandomForestClassifier", False)):
        model = network(kind=kind, family="sklearn", layers=(), output_shape=None)
        assert ("no-scaling" in seen(evidence(training, model=model))) is named


def test_a_scaling_mended_before_the_last_evaluation_costs_nothing() -> None:
    mended = evidence(compile_event(), fit(), use(scale="raw"), use(number=21))
    assert "train-only-scaling" not in seen(mended)


def test_floor_division_is_named_only_where_it_left_nothing_but_ends() -> None:
    code = "x_train = x_train // 255"
    binary = evidence(compile_event(), fit(feed("binary")), use(scale="binary"))
    assert seen(binary, "import keras", code)["integer-division"].cell == 2
    assert "integer-division" not in seen(binary, "x_train = x_train > 127")
    assert "integer-division" not in seen(evidence(), code)


def test_whole_number_arithmetic_on_loaded_pixels_is_named() -> None:
    load = "(x_train, y_train), (x_test, y_test) = keras.datasets.mnist.load_data()"
    assert "uint8-overflow" in seen(evidence(), load, "x_train = x_train * 2 / 255")
    assert "uint8-overflow" not in seen(evidence(), load, "x_train = x_train.astype('f4') * 2")
    assert "uint8-overflow" not in seen(evidence(), load, "x_train = (x_train - 127.5) / 127.5")
    assert "uint8-overflow" not in seen(evidence(), load, "print(x_train * 2)")
    chain = "x_train = x_train[:500].reshape(-1, 784) * 2 / 255"
    assert "uint8-overflow" in seen(evidence(), load, chain)
    other_name = "x = x_train.reshape(-1, 784)", "x_train = x + 20"
    assert "uint8-overflow" in seen(evidence(), load, *other_name)
    assert "uint8-overflow" not in seen(evidence(), load, "x_train = x_train[:9] / 255 * 2")
    floats = "x_train = x_train / 255"
    assert "uint8-overflow" not in seen(evidence(), load, floats, "x_train = x_train * 2 - 1")


def test_a_scaler_that_learned_from_test_images_is_named() -> None:
    centred = {"columns_centred": True}
    trained_feed = feed("standard", x=images("standard", **centred))
    tested = feed("standard", rows=10_000, x=images("standard", 10_000, "test", **centred))
    case = evidence(compile_event(), fit(trained_feed), use(feed=tested))
    assert seen(case)["scaler-fit-on-test"].certainty == "fact"
    alone = evidence(compile_event(), fit(trained_feed), use(scale="standard"))
    assert "scaler-fit-on-test" not in seen(alone)
    source = "s = StandardScaler()\nx_train = s.fit_transform(x_train)\nx_test = s.{}(x_test)"
    assert seen(alone, source.format("fit_transform"))["scaler-fit-on-test"].line == 3
    assert "scaler-fit-on-test" not in seen(alone, source.format("transform"))


def test_a_reshape_with_a_transpose_is_named_where_no_image_is_whole() -> None:
    scrambled = evidence(compile_event(), fit(feed(x=images(origin=UNKNOWN))), use())
    for code in ("x.reshape(784, -1).T", "np.transpose(np.reshape(x, (784, 60000)))"):
        assert "scrambled-reshape" in seen(scrambled, f"x = {code}"), code
        assert "scrambled-reshape" not in seen(evidence(), f"x = {code}")
    assert "scrambled-reshape" not in seen(scrambled, "x = x.reshape(60000, 784).T")
    assert "scrambled-reshape" not in seen(scrambled, "x = x.reshape(-1, 784)")


def test_a_name_twice_on_the_left_explains_why_labels_do_not_fit() -> None:
    line = "(x_train, y_train), (x_test, y_train) = load_data()"
    assert "overwritten-split" in seen(trained(agreement=0.1), line)
    assert "labels-misaligned" not in seen(trained(agreement=0.1), line)
    lengths = crashed("Data cardinality is ambiguous. Make sure all arrays contain the same number")
    assert "overwritten-split" in seen(lengths, line)
    assert "overwritten-split" not in seen(evidence(), line)
    assert "overwritten-split" not in seen(lengths, "(x_train, y_train), (_, _) = load_data()")
    assert "overwritten-split" not in seen(lengths, "rest, rest = rest[1:], rest[:1]")


def test_a_sorted_training_without_shuffle_is_named() -> None:
    train = Feed(kind="array", rows=N, x=images(), y=labels(sorted=True))
    case = evidence(compile_event(), fit(train, shuffle=False, validation_split=None), use())
    assert "class-sorted-training" in seen(case)


def test_an_encoding_with_too_few_columns_is_named_from_its_exception() -> None:
    message = "index 9 is out of bounds for axis 1 with size 9"
    case = cell_fault(message, "IndexError")
    assert "wrong-class-count" in seen(case, "y = keras.utils.to_categorical(y, 9)")
    assert "wrong-class-count" not in seen(case, "print(table[3, 9])")


def test_an_encoding_with_too_many_columns_is_named_where_nothing_crashed() -> None:
    wide = Feed(kind="array", rows=N, x=images(), y=labels("one-hot", shape=(N, 11)))
    case = evidence(compile_event(), fit(wide, CATEGORICAL), use(), model=network(units=11))
    assert "wrong-class-count" in seen(case)


@pytest.mark.parametrize(
    "message",
    [
        "Dimensions must be equal, but are 32 and 10 for '{{node compile_loss/mse/sub}} = Sub[T=…",
        "Graph execution error:\n\nDetected at node compile_loss/mse/sub defined at (most recent",
        "Graph execution error:\n\nDetected at node gradient_tape/compile_loss/mse/sub/Broadcast"
        "GradientArgs defined at",
    ],
)
def test_squared_error_on_class_numbers_is_named_from_its_exception_too(message: str) -> None:
    case = crashed(message, loss="mean_squared_error")
    assert "integer-targets-in-mse" in seen(case)
    assert "wrong-metric" not in seen(case)


def test_class_numbers_in_a_column_do_not_fit_a_loss_for_one_hot_rows() -> None:
    message = SAME + "target.shape=(None, 1), output.shape=(None, 10)"
    sighting = seen(crashed(message, loss=CATEGORICAL))["integers-with-categorical-loss"]
    assert sighting.observed == "labels of shape (n, 1) against outputs of shape (n, 10)"


def test_text_labels_are_named_where_a_metric_refuses_them() -> None:
    message = "Mix of label input types (string and number); Got ['0' '1'] and [1 3]."
    assert "string-labels" in seen(cell_fault(message))


def test_arrays_without_a_training_are_judged_by_what_was_left_behind() -> None:
    scaled, raw = variable("x_train"), variable("x_test", scale="raw", rows=10_000, half="test")
    half = Evidence(values=(scaled, raw))
    assert "train-only-scaling" in seen(half)
    both = Evidence(values=(scaled, raw, variable("x_test2", rows=10_000, half="test")))
    assert seen(both) == {}
    assert "double-scaling" in seen(Evidence(values=(variable("x_train", scale="tiny"),)))
    other = images(shape=(N,), maximum=1.0, distinct=10, integral=False, origin=None)
    assert "labels-scaled" in seen(Evidence(values=(variable("y_train", array=other),)))
    assert "labels-scaled" not in seen(Evidence(values=(variable("scores", array=other),)))


def test_wide_numbers_that_were_left_behind_are_a_matter_of_style() -> None:
    wide = variable("x_train", dtype="float64")
    assert seen(Evidence(values=(wide,)))["slow-dtype"].certainty == "style"
    assert "slow-dtype" not in seen(Evidence(values=(variable("x_train"),)))
    assert "slow-dtype" not in seen(Evidence(values=(variable("W", dtype="float64", origin=None),)))


def test_a_weight_matrix_on_the_wrong_side_is_named() -> None:
    told = "Matrix size-incompatible: In[0]: [784,10], In[1]: [5,784] [Op:MatMul] name: "
    assert "swapped-matmul" in seen(cell_fault(told, "InvalidArgumentError"))
    other = told.replace("[5,784]", "[5,7]")
    assert "swapped-matmul" not in seen(cell_fault(other, "InvalidArgumentError"))
    message = "matmul: Input operand 1 has a mismatch in its core dimension 0"
    assert "swapped-matmul" in seen(cell_fault(message), "z = W @ x_train")
    assert "swapped-matmul" not in seen(cell_fault(message), "z = x_train @ W")


def test_argmax_over_the_images_is_named() -> None:
    counts = cell_fault("Found input variables with inconsistent numbers of samples: [256, 10]")
    assert "argmax-axis" in seen(counts, "confusion_matrix(y, p.argmax(axis=0))")
    assert "argmax-axis" in seen(counts, "confusion_matrix(y, np.argmax(p, 0))")
    assert "argmax-axis" not in seen(counts, "confusion_matrix(y, p.argmax(1)[:10])")
    single = cell_fault("The 'y_pred' parameter must be an array-like. Got np.int64(36) instead.")
    assert "argmax-axis" in seen(single, "confusion_matrix(y, np.argmax(p))")
    assert "argmax-axis" in seen(evidence(), "c = np.argmax(model.predict(x), axis=0)")


def test_a_deep_stack_of_pooling_is_not_taken_for_a_wrong_channel_order() -> None:
    message = TOO_SMALL.replace("(None, 1, 28, 28)", "(None, 1, 1, 64)")
    assert seen(cell_fault(message)) == {}


def test_an_exception_that_a_later_cell_makes_good_costs_nothing() -> None:
    error = fault(CAST, "UFuncTypeError", cell=1, line=1)
    cells = (CellRun(number=1, ok=False, fault=error), CellRun(number=2, ok=True))
    mended = evidence().model_copy(update={"cells": cells})
    assert "in-place-divide" in seen(mended, "x_train /= 255", "print(x_train)")
    assert "in-place-divide" not in seen(mended, "x_train /= 255", "x_train = x_train / 255")


def test_a_training_that_broke_is_not_made_good_by_that_of_another_network() -> None:
    split = "Argument `validation_split` is only supported for tensors or NumPy arrays."
    broken = fit(fault=fault(split), history={}, changed=False, number=8)
    other = fit(number=12, model=2)
    both = network(), network(id=2, names=("other",))
    assert "split-with-generator" in seen(evidence(broken, other, models=both))
    gone = network(names=()), both[1]
    assert "split-with-generator" not in seen(evidence(broken, other, models=gone))
    again = fit(number=12)
    assert "split-with-generator" not in seen(evidence(broken, again, models=both))


def test_what_follows_from_another_mistake_is_not_named() -> None:
    error = fault(CAST, "UFuncTypeError", cell=1, line=1)
    case = evidence(
        compile_event(),
        fit(feed("raw")),
        use(scale="raw"),
        cells=(CellRun(number=1, ok=False, fault=error),),
    )
    assert set(seen(case)) == {"in-place-divide"}


def test_a_number_of_images_typed_into_a_reshape_is_a_matter_of_style() -> None:
    typed = seen(evidence(), "x = x.reshape(60000, 784)")["hard-coded-size"]
    assert typed.certainty == "style"
    assert "hard-coded-size" not in seen(evidence(), "x = x.reshape(len(x), 784)")


def test_a_first_dense_layer_on_pictures_is_named() -> None:
    late = (
        dense(16, "relu", into=(None, 28, 28)),
        layer("Flatten"),
        dense(10, "softmax", into=(None, 448)),
    )
    case = evidence(compile_event(), fit(), use(), model=network(*late))
    assert "flatten-too-late" in seen(case)
