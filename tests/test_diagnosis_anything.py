"""Whatever a hostile process says, and whatever the code is, diagnosis ends with an answer."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from diagnosis_cases import evidence, notebook, seen
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import grader.diagnosis
from grader import catalogue
from grader.diagnosis import diagnose, to_finding
from grader.diagnosis.source import Source, parse, without_magics
from grader.records.evidence import (
    ArrayFacts,
    AxesFacts,
    CellRun,
    Compiled,
    CompileEvent,
    DataLoaded,
    Evidence,
    Fault,
    Feed,
    FigureEvent,
    FitEvent,
    LabelFacts,
    LayerFacts,
    LineFacts,
    MetricEvent,
    ModelFacts,
    RowOrigin,
    SaveEvent,
    UseEvent,
    ValueFacts,
    WarningEvent,
)

MESSAGES = st.sampled_from(
    [
        "Argument `output` must have rank (ndim) `target.ndim - 1`. Received: "
        "target.shape=(32, 10), output.shape=(32, 10)",
        "target.shape=(,), output.shape=(32,)",
        "target.shape=(9 9), output.shape=(3 2, 1)",
        "must have the same shape. Received: target.shape=(32, 9), output.shape=(32, 10)",
        "Expected shape (None, 784), but input has incompatible shape ()",
        "Computed output size would be zero or negative inputs.shape=[None 1 28 4]",
        "index 9 is out of bounds for axis 1 with size 9",
        "Dimensions must be equal, compile_loss/mse/sub}}",
        "Dimensions must be equal {{node Equal",
        "Found input variables with inconsistent numbers of samples: [1, 2]",
        "Cannot cast ufunc 'divide' output from dtype('float64') to dtype('uint8')",
        "'Dense' object has no attribute 'lr'",
        "Could not interpret loss identifier: acc\x1b[31m",
        "dtype='string' is not a valid dtype",
        "matmul: Input operand 1 has a mismatch",
    ]
) | st.text(max_size=60)
NUMBERS = st.none() | st.floats() | st.sampled_from([0.0, 1.0, 255.0, -1.0, 0.0039, 9.0, 1e308])
COUNTS = st.integers(-3, 70_000) | st.sampled_from([0, 1, 10, 60_000, 10**30])
OPTIONAL = st.none() | COUNTS
SHAPES = st.lists(st.sampled_from([-1, 0, 1, 2, 10, 28, 784, 60_000]), max_size=4).map(tuple)
OPEN_SHAPES = st.none() | st.lists(st.sampled_from([None, 0, 1, 10, 28, 784]), max_size=4).map(
    tuple
)
NAMES = st.sampled_from(
    ["x_train", "y", "loss", "accuracy", "val_loss", "val_accuracy", "", "\x1b["]
)
LOSSES = st.sampled_from(
    [
        None,
        "sparse_categorical_crossentropy",
        "categorical_crossentropy",
        "binary_crossentropy",
        "mean_squared_error",
        "accuracy",
        "",
    ]
)
KINDS = st.sampled_from(
    [
        "Dense",
        "Conv2D",
        "Flatten",
        "Dropout",
        "LeakyReLU",
        "Softmax",
        "Rescaling",
        "BatchNormalization",
        "Lambda",
        "MaxPooling2D",
        "",
    ]
)
ACTIVATIONS = st.sampled_from([None, "linear", "relu", "softmax", "sigmoid", "leaky_relu", "?"])
ODD = (
    st.none() | st.booleans() | st.floats() | st.text(max_size=3) | st.just([]) | st.just({"a": 1})
)
OPTIONS = st.dictionaries(
    st.sampled_from(["rate", "negative_slope", "scale", "offset", "kernel_initializer", "units"]),
    ODD.filter(lambda value: not isinstance(value, dict))
    | st.sampled_from([0.5, 1.0, 1 / 255, "Zeros"]),
    max_size=3,
)
BOOLS = st.booleans()
MAYBE = st.none() | st.booleans()


def record(kind: Any, /, **fields: Any) -> st.SearchStrategy[Any]:
    """Records of a kind with these fields drawn and the others at their defaults."""
    return st.builds(kind, **fields)


ORIGINS = record(
    RowOrigin, train=COUNTS, test=COUNTS, unknown=COUNTS, train_repeats=COUNTS, in_order=BOOLS
)
ARRAYS = record(
    ArrayFacts,
    shape=SHAPES,
    dtype=NAMES,
    minimum=NUMBERS,
    maximum=NUMBERS,
    mean=NUMBERS,
    integral=BOOLS,
    distinct=OPTIONAL,
    columns_centred=BOOLS,
    fingerprint=NAMES,
    variable=st.none() | NAMES,
    origin=st.none() | ORIGINS,
)
LABELS = record(
    LabelFacts,
    shape=SHAPES,
    dtype=NAMES,
    form=st.sampled_from(["integers", "column", "one-hot", "one-hot-twice", "strings", "other"]),
    lowest=NUMBERS,
    highest=NUMBERS,
    classes=OPTIONAL,
    integral=BOOLS,
    sorted=BOOLS,
    tail_classes=OPTIONAL,
    agreement=NUMBERS,
    variable=st.none() | NAMES,
)
FEEDS = record(
    Feed,
    kind=st.sampled_from(["array", "tensor", "dataset", "generator", "other"]),
    rows=OPTIONAL,
    x=st.none() | ARRAYS,
    y=st.none() | LABELS,
)
FAULTS = record(
    Fault, type=NAMES, message=MESSAGES, cell=st.sampled_from([None, 1, 2, 99]), line=OPTIONAL
)
COMPILED = record(
    Compiled,
    loss=LOSSES,
    from_logits=MAYBE,
    optimizer=st.sampled_from([None, "Adam", "SGD", "Adadelta", ""]),
    learning_rate=NUMBERS,
    metrics=st.lists(NAMES, max_size=2).map(tuple),
    loss_weights=BOOLS,
)
HISTORIES = st.dictionaries(NAMES, st.lists(NUMBERS, max_size=8).map(tuple), max_size=4)
PLACE = {"number": COUNTS, "cell": st.sampled_from([None, 1, 2, 99]), "line": OPTIONAL}
MODEL = st.integers(0, 2)
EVENTS = st.one_of(
    record(
        FitEvent,
        **PLACE,
        how=st.sampled_from(["fit", "tape", "sklearn"]),
        model=MODEL,
        train=st.none() | FEEDS,
        validation=st.none() | FEEDS,
        validation_split=NUMBERS,
        epochs=OPTIONAL,
        batch_size=OPTIONAL,
        shuffle=MAYBE,
        history=HISTORIES,
        changed=MAYBE,
        restructured=BOOLS,
        compiled=st.none() | COMPILED,
        fault=st.none() | FAULTS,
    ),
    record(
        UseEvent,
        **PLACE,
        how=st.sampled_from(["evaluate", "predict", "call", "score"]),
        model=MODEL,
        feed=st.none() | FEEDS,
        training=MAYBE,
        fault=st.none() | FAULTS,
    ),
    record(
        CompileEvent, **PLACE, model=MODEL, compiled=st.none() | COMPILED, fault=st.none() | FAULTS
    ),
    record(
        MetricEvent,
        **PLACE,
        name=st.sampled_from(["confusion_matrix", "tf.math.confusion_matrix", "f1_score", ""]),
        first=st.none() | LABELS,
        second=st.none() | LABELS,
        first_is_truth=MAYBE,
        second_is_truth=MAYBE,
        first_is_prediction=MAYBE,
        second_is_prediction=MAYBE,
        fault=st.none() | FAULTS,
    ),
    record(
        FigureEvent,
        **PLACE,
        axes=st.lists(
            record(
                AxesFacts,
                xlabel=NAMES,
                lines=st.lists(record(LineFacts, label=NAMES, key=st.none() | NAMES)).map(tuple),
            ),
            max_size=2,
        ).map(tuple),
    ),
    record(WarningEvent, **PLACE, category=NAMES, message=MESSAGES),
    record(SaveEvent, **PLACE, how=st.just("save"), path=NAMES, fault=st.none() | FAULTS),
    record(DataLoaded, **PLACE, source=NAMES, name=NAMES),
)
LAYERS = record(
    LayerFacts,
    name=NAMES,
    kind=KINDS,
    activation=ACTIVATIONS,
    input_shape=OPEN_SHAPES,
    output_shape=OPEN_SHAPES,
    parameters=COUNTS,
    options=OPTIONS,
)
MODELS = record(
    ModelFacts,
    id=MODEL,
    family=st.sampled_from(["keras", "sklearn"]),
    kind=st.sampled_from(["Sequential", "Functional", "MyNet", "LogisticRegression"]),
    names=st.lists(NAMES, max_size=2).map(tuple),
    cell=st.sampled_from([None, 1, 2, 99]),
    line=OPTIONAL,
    trained=BOOLS,
    output_shape=OPEN_SHAPES,
    layers=st.lists(LAYERS, max_size=5).map(tuple),
    compiled=st.none() | COMPILED,
    parameters=COUNTS,
    trainable_parameters=COUNTS,
)
PRINTED = (
    st.lists(
        st.sampled_from(["accuracy: ", "\x1b[1macc ", "0.9", "100.0e99", "12 %", "\n", "\r"]),
        max_size=8,
    ).map("".join)
    | st.text()
)
EVIDENCE = record(
    Evidence,
    cells=st.lists(
        record(CellRun, number=st.integers(0, 3), ok=BOOLS, fault=st.none() | FAULTS, text=PRINTED),
        max_size=3,
    ).map(tuple),
    events=st.lists(EVENTS, max_size=6).map(tuple),
    models=st.lists(MODELS, max_size=3).map(tuple),
    values=st.lists(
        record(ValueFacts, name=NAMES, type=NAMES, array=st.none() | ARRAYS), max_size=3
    ).map(tuple),
)
PROBES = st.dictionaries(
    st.sampled_from(["affine_gap", "row_sums", "initial_loss", "one_batch_overfit"]),
    st.dictionaries(st.sampled_from(["gap", "loss", "minimum", "accuracy", "worst"]), ODD),
)
PIECES = st.sampled_from(
    [
        "(x_train, y_train), (x_test, y_train) = load_data()\n",
        "x_train = x_train * 2 / 255\n",
        "x_train //= 255\n",
        "x = x.reshape(784, -1).T\n",
        "s = StandardScaler(); s.fit(x_test)\n",
        "model.compile('adam', 'mse', ['accuracy'])\n",
        "LeakyReLU(alpha=0.1); Adam(lr=1); Adam(1); Dropout()\n",
        "np.argmax(p, axis=0); p.argmax(); tf.argmax()\n",
        "print('accuracy 0.97', end='')\ntest_acc = 0.9\nprint(test_acc)\n",
        "acc = np.diag(cm) / cm.sum(axis=0)\n",
        "ImageDataGenerator(rotation_range=-90)\n",
        "history['acc'] += 1; *a, b = c; d[0]: int = -1\n",
        "%matplotlib inline\n",
        "!pip install x\n",
        "f(**k, *a)\nclass A:\n  trainable = False\n",
        "def broken(:\n",
        "\x00",
    ]
)
CODE = st.lists(PIECES, max_size=6).map("".join) | st.text(max_size=80)


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    EVIDENCE,
    st.lists(CODE, max_size=3),
    st.lists(st.tuples(PRINTED, OPTIONAL), min_size=3, max_size=3),
    st.none() | MODEL,
    PROBES,
)
def test_any_evidence_ends_in_known_mistakes_in_order(
    case: Evidence,
    cells: list[str],
    saved: list[tuple[str, int | None]],
    model: int | None,
    probes: Any,
) -> None:
    submission = notebook(*cells)
    with_output = tuple(
        replace(cell, stored=stored, count=count)
        for cell, (stored, count) in zip(submission.cells, saved, strict=False)
    )
    sightings = diagnose(replace(submission, cells=with_output), case, model, probes)
    ranks = [catalogue.priority(sighting.misconception) for sighting in sightings]
    assert ranks == sorted(ranks)
    codes = [sighting.misconception for sighting in sightings]
    assert len(set(codes)) == len(codes)
    for sighting in sightings:
        message = to_finding(sighting).message + sighting.expected
        assert len(message) < 900
        assert "\x1b" not in message


@settings(max_examples=150, deadline=None)
@given(st.text() | CODE)
@example("(" * 50_000)
@example("-" * 100_000 + "1")
@example("a" + "+a" * 20_000)
@example("x = [\n%time\n]")
@example("'''\n%time\n'''")
def test_any_source_can_be_read_or_is_left_out(source: str) -> None:
    parse(source)
    assert isinstance(Source(notebook(source)).statements, tuple)


def test_magics_do_not_hide_the_lines_around_them() -> None:
    code = "%matplotlib inline\n!ls\nfiles = !ls\nx = x.reshape(60000, 784)\n?x\ny = 3 % 2\n"
    assert seen(evidence(), code)["hard-coded-size"].line == 4
    timed = "%%time\nx = x.reshape(60000, 784)"
    assert seen(evidence(), timed)["hard-coded-size"].line == 2
    assert without_magics("%%bash\nls -l") is None


def test_a_cell_that_does_not_parse_is_read_up_to_its_fault() -> None:
    assert seen(evidence(), "x = x.reshape(60000, 784)\ny = = 3")["hard-coded-size"].line == 1


def test_code_beyond_any_honest_size_is_left_out() -> None:
    code = "x = x.reshape(60000, 784)\n"
    assert "hard-coded-size" in seen(evidence(), code)
    assert "hard-coded-size" not in seen(evidence(), code * 10_000)


def test_every_code_that_a_detector_names_is_in_the_catalogue() -> None:
    folder = Path(grader.diagnosis.__file__).parent
    text = "".join(file.read_text(encoding="utf-8") for file in folder.glob("*.py"))
    named = set(re.findall(r'see\(\s*"([a-z0-9-]+)"', text)) | set(
        re.findall(r'code(?:, \w+)? = "([a-z0-9-]+)"', text)
    )
    assert len(named) > 80
    assert named <= set(catalogue.load())
