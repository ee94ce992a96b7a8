"""No right program, however unusual, is told that it made a mistake that costs marks."""

from __future__ import annotations

import pytest
from diagnosis_cases import (
    CATEGORICAL,
    SPARSE,
    N,
    compile_event,
    compiled,
    dense,
    evidence,
    feed,
    fit,
    images,
    labels,
    layer,
    metric,
    network,
    seen,
    use,
)

from grader import catalogue
from grader.records.evidence import DataLoaded, Evidence, Feed, RowOrigin

BCE = "binary_crossentropy"


def run(
    scale: str = "unit", form: str = "integers", loss: str = SPARSE, **more: object
) -> Evidence:
    """A program with this scaling, label form and loss (`layers`, `model`, `probes` if odd)."""
    layers = more.pop("layers", ())
    model = more.pop("model", None) or network(*layers)  # type: ignore[misc]
    facts = more.pop("compiled", None) or compiled(loss)
    training = fit(feed(scale, form), compiled=facts, **more)
    return evidence(
        compile_event(compiled=facts), training, use(scale=scale), metric(), model=model
    )


LOGITS = (dense(128, "relu"), dense(10))
OPENML = DataLoaded(number=1, source="fetch_openml", name="mnist_784")
MIXED = RowOrigin(train=34_000, test=6_000, unknown=0)
HELD_OUT = Feed(kind="array", rows=12_000, x=images(rows=12_000), y=labels(rows=12_000))
SUBCLASSED = network(kind="MyNet", layers=())
RIGHT = {
    "sparse": run(),
    "one-hot": run(form="one-hot", loss=CATEGORICAL),
    "column labels with sparse": run(form="column"),
    "divergence": run(form="one-hot", loss="kl_divergence"),
    "hinge on scores": run(
        form="one-hot", loss="categorical_hinge", layers=(dense(128, "relu"), dense(10))
    ),
    "logits with the flag": run(layers=LOGITS, compiled=compiled(from_logits=True)),
    "standard scores": run("standard"),
    "standard scores of each pixel": run("pixelwise"),
    "minus one to one": run("signed"),
    "row normalisation": run("rows"),
    "thresholded pictures": run("binary"),
    "raw with a Rescaling layer": run(
        "raw", layers=(layer("Rescaling", scale=0.0039216, offset=0.0), *network().layers)
    ),
    "raw with batch normalisation": run(
        "raw", layers=(layer("BatchNormalization"), *network().layers)
    ),
    "raw with a Lambda layer": run("raw", layers=(layer("Lambda"), *network().layers)),
    "raw into an own class": run("raw", model=SUBCLASSED),
    "an own class": run(model=SUBCLASSED),
    "leaky as layer": run(
        layers=(
            dense(128),
            layer("LeakyReLU", "leaky_relu", negative_slope=0.1),
            dense(10, "softmax"),
        )
    ),
    "leaky as activation": run(layers=(dense(128, "leaky_relu"), dense(10, "softmax"))),
    "activation layers": run(
        layers=(dense(128), layer("Activation", "tanh"), dense(10), layer("Activation", "softmax"))
    ),
    "softmax layer": run(layers=(dense(128, "relu"), dense(10), layer("Softmax", "softmax"))),
    "dropout between": run(
        layers=(dense(128, "relu"), layer("Dropout", rate=0.5), dense(10, "softmax"))
    ),
    "ten sigmoids": run(
        form="one-hot", loss=BCE, layers=(dense(128, "relu"), dense(10, "sigmoid"))
    ),
    "sigmoid with cross-entropy": run(layers=(dense(128, "relu"), dense(10, "sigmoid"))),
    "squared error on one-hot rows": run(form="one-hot", loss="mean_squared_error"),
    "softmax with the flag": run(compiled=compiled(from_logits=True)),
    "softmax regression": run(layers=(dense(10, "softmax"),)),
    "zero start of the output layer": run(
        layers=(dense(128, "relu"), dense(10, "softmax", kernel_initializer="Zeros"))
    ),
    "a convolution": run(
        layers=(
            layer("Conv2D", "relu"),
            layer("MaxPooling2D"),
            layer("Flatten"),
            dense(10, "softmax"),
        )
    ),
    "fast SGD": run(compiled=compiled(optimizer="SGD", learning_rate=1.0)),
    "a schedule": run(compiled=compiled(learning_rate=None)),
    "a loop over tapes": run(how="tape", compiled=compiled(None), history={}, batch_size=None),
    "no shuffle": run(shuffle=False),
    "sorted but shuffled": evidence(
        compile_event(),
        fit(Feed(kind="array", rows=N, x=images(), y=labels(sorted=True)), validation_split=None),
        use(),
    ),
    "test images to watch": run(validation=feed(rows=10_000, half="test"), validation_split=None),
    "a validation split by hand": evidence(
        compile_event(),
        fit(feed(rows=48_000), validation=HELD_OUT, validation_split=None),
        use(),
        use("predict", number=21),
    ),
    "a part of the training images held out": evidence(
        compile_event(),
        fit(
            Feed(kind="array", rows=48_000, x=images(rows=48_000), y=labels(rows=48_000)),
            validation_split=None,
        ),
        use(feed=HELD_OUT.model_copy(update={"x": images(rows=12_000, origin=MIXED)})),
    ),
    "an own split of both halves": evidence(
        OPENML,
        compile_event(),
        fit(Feed(kind="array", rows=40_000, x=images(rows=40_000, origin=MIXED), y=labels())),
        use(),
    ),
    "a data set": evidence(
        compile_event(),
        fit(
            Feed(
                kind="dataset",
                rows=N,
                x=images(shape=(32, 28, 28), origin=RowOrigin(train=32, test=0, unknown=0)),
                y=labels(shape=(32,), classes=9),
            )
        ),
        use(),
    ),
    "a generator": evidence(
        compile_event(),
        fit(Feed(kind="generator", x=images(origin=None), y=labels(agreement=None))),
        use(),
    ),
    "a small part": evidence(compile_event(), fit(feed(rows=500)), use()),
    "two classes, one unit": evidence(
        compile_event(compiled=compiled(BCE)),
        fit(
            Feed(
                kind="array",
                rows=12_000,
                x=images(rows=12_000),
                y=labels(rows=12_000, classes=2, highest=1.0, tail_classes=2),
            ),
            BCE,
        ),
        use(),
        model=network(dense(16, "relu"), dense(1, "sigmoid"), units=1),
    ),
    "odd or even": evidence(
        compile_event(),
        fit(
            Feed(
                kind="array",
                rows=N,
                x=images(),
                y=labels(classes=2, highest=1.0, tail_classes=2, agreement=0.2),
            )
        ),
        use(),
        model=network(dense(16, "relu"), dense(2, "softmax"), units=2),
    ),
    "a failed training, mended": evidence(
        compile_event(),
        fit(
            feed(form="one-hot"),
            number=8,
            fault={"type": "ValueError", "message": "Argument `output` must have rank"},
            history={},
        ),
        fit(feed()),
        use(),
    ),
    "the accuracy on both halves": evidence(
        compile_event(), fit(), use(half="train"), use(number=21), metric()
    ),
    "scikit-learn on text labels": evidence(
        fit(feed(form="strings"), how="sklearn", compiled=None, history={}),
        use("score"),
        model=network(kind="LogisticRegression", family="sklearn", layers=(), output_shape=None),
    ),
    "a pipeline on raw pixels": evidence(
        fit(feed("raw"), how="sklearn", compiled=None, history={}),
        use("score", scale="raw"),
        model=network(kind="Pipeline", family="sklearn", layers=(), output_shape=None),
    ),
    "nothing at all": Evidence(),
}


@pytest.mark.parametrize("case", RIGHT.values(), ids=RIGHT)
def test_a_right_program_shows_no_mistake_that_costs_marks(case: Evidence) -> None:
    costly = {
        code: sighting
        for code, sighting in seen(case).items()
        if catalogue.get(code).severity == "E"
    }
    assert costly == {}


def test_the_usual_program_shows_nothing_at_all() -> None:
    assert seen(RIGHT["sparse"]) == {}


@pytest.mark.parametrize(
    ("name", "codes"),
    [
        ("ten sigmoids", {"binary-loss-for-many"}),
        ("sigmoid with cross-entropy", {"sigmoid-output"}),
        ("squared error on one-hot rows", {"regression-loss"}),
        ("softmax with the flag", {"softmax-and-from-logits"}),
        ("test images to watch", {"test-as-validation"}),
    ],
)
def test_an_unusual_choice_is_explained_and_costs_nothing(name: str, codes: set[str]) -> None:
    assert set(seen(RIGHT[name])) == codes
