"""What happened while the submission ran, as plain data.

Everything here was said by the student's process and is hostile until shown otherwise: each record
is checked field by field when it arrives, and nothing in it alone earns points that a call to the
live session can confirm. Shapes are NumPy shapes; ranges are of the raw values.
"""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import Field, StringConstraints

from grader.records.drawn import AxesFacts as AxesFacts
from grader.records.drawn import LineFacts as LineFacts
from grader.records.drawn import Name, Option, Plain, Text
from grader.records.drawn import Number as Number


class Where(Plain):
    """The student's cell and the line in it; None where the call came from elsewhere."""

    cell: int | None = None
    line: int | None = None


class Fault(Plain):
    """An exception of the student's code. `trace` names cells and lines, innermost last."""

    type: Name
    message: Text
    cell: int | None = None
    line: int | None = None
    trace: tuple[Text, ...] = Field(default=(), max_length=30)


class CellRun(Plain):
    """How one cell went. `text` is what it printed, as far as it was kept."""

    number: int
    ok: bool
    fault: Fault | None = None
    text: Annotated[str, StringConstraints(max_length=1_100_000)] = ""
    text_cut: bool = False


class RowOrigin(Plain):
    """Where the rows of an image array come from: counts of raw digits that they match.

    `train` and `test` count rows whose ink lies exactly where that of a raw digit does; `unknown`
    the others. `train_repeats` counts rows that repeat an earlier one. `in_order` says that row i
    is raw digit i of its half. `inverted` says that ink is dark.
    """

    train: int
    test: int
    unknown: int
    train_repeats: int = 0
    in_order: bool = False
    inverted: bool = False


class ArrayFacts(Plain):
    """An array or tensor, summarised.

    `distinct` counts distinct values up to 257 in a sample of rows; `columns_centred` says that
    per-column means are all within 1e-3 of zero (a scaler fitted on this very array).
    `sample` and `sample_rows` are present for image arrays whose rows are known: up to 128 rows as
    they were fed, flattened to (k, -1), and the raw digit that each is (train i, or 60000 + i).
    """

    shape: tuple[int, ...]
    dtype: Name
    minimum: Number = None
    maximum: Number = None
    mean: Number = None
    integral: bool = False
    finite: bool = True
    distinct: int | None = None
    columns_centred: bool = False
    fingerprint: Name = ""
    variable: Name | None = None
    origin: RowOrigin | None = None
    sample: np.ndarray | None = Field(default=None, exclude=True, repr=False)
    sample_rows: np.ndarray | None = Field(default=None, exclude=True, repr=False)


class LabelFacts(Plain):
    """The labels that went with an image array.

    `form`: integers (n,), column (n, 1), one-hot (n, k), one-hot-twice (n, k, k), strings, other.
    `agreement` is the share of rows of known origin whose label is the raw digit's (argmax for
    one-hot rows); None where the origin is unknown. `classes` counts distinct classes, `lowest` and
    `highest` are the least and greatest label; `sorted` says that labels never fall.
    `tail_classes` counts the classes among the last fifth of the rows.
    """

    shape: tuple[int, ...]
    dtype: Name
    form: Literal["integers", "column", "one-hot", "one-hot-twice", "strings", "other"]
    lowest: Number = None
    highest: Number = None
    classes: int | None = None
    integral: bool = True
    sorted: bool = False
    tail_classes: int | None = None
    agreement: Number = None
    fingerprint: Name = ""
    variable: Name | None = None


class Feed(Plain):
    """Images and labels that went into a call.

    `kind` is what the student passed: array, tensor, dataset (tf.data), generator, other.
    For datasets and generators the facts are of the first batches seen; `rows` counts all rows
    where that is known. Of one that changes pictures on the way, `behind` says where the pictures
    come from that it changes, and `changes` names the options set in an image generator.
    """

    kind: Literal["array", "tensor", "dataset", "generator", "other"]
    rows: int | None = None
    x: ArrayFacts | None = None
    y: LabelFacts | None = None
    behind: RowOrigin | None = None
    changes: tuple[Name, ...] = Field(default=(), max_length=20)


class Compiled(Plain):
    """How a model was compiled. `loss` and `optimizer` are canonical snake_case and class names.

    `from_logits` is None where the loss has no such option. `learning_rate` is None for a schedule.
    """

    loss: Name | None = None
    from_logits: bool | None = None
    optimizer: Name | None = None
    learning_rate: Number = None
    metrics: tuple[Name, ...] = Field(default=(), max_length=50)
    loss_weights: bool = False


class LayerFacts(Plain):
    """One layer of a flattened model, in graph order.

    `activation` is the canonical name (`linear`, `relu`, `leaky_relu`, …) of the layer's own
    activation, None where it has none. `options` are the plain numbers, strings and tuples of its
    configuration that matter (units, rate, filters, kernel_size, strides, pool_size, padding,
    negative_slope, scale, offset, factor, mode, kernel_initializer).
    """

    name: Name
    kind: Name
    activation: Name | None = None
    input_shape: tuple[int | None, ...] | None = None
    output_shape: tuple[int | None, ...] | None = None
    parameters: int = 0
    trainable: bool = True
    options: dict[Name, Option] = Field(default_factory=dict)


class ModelFacts(Plain):
    """A Keras model or scikit-learn estimator that the submission made.

    `id` names it in calls to the session. `names` are the variables that hold it at the end.
    `trained` says that it was fitted or that its variables changed; `how` in which ways
    (fit, train_on_batch, tape, sklearn). `order` counts trainings: the last one has the highest.
    """

    id: int
    family: Literal["keras", "sklearn"] = "keras"
    kind: Name
    names: tuple[Name, ...] = Field(default=(), max_length=20)
    built: bool = True
    trained: bool = False
    how: tuple[Name, ...] = Field(default=(), max_length=8)
    order: int = 0
    cell: int | None = None
    line: int | None = None
    input_shape: tuple[int | None, ...] | None = None
    output_shape: tuple[int | None, ...] | None = None
    layers: tuple[LayerFacts, ...] = Field(default=(), max_length=500)
    compiled: Compiled | None = None
    parameters: int = 0
    trainable_parameters: int = 0


class Event(Plain):
    """The base of what the recorder saw, in order. `cell` and `line` are the student's."""

    number: int
    cell: int | None = None
    line: int | None = None


class DataLoaded(Event):
    """A bundled data set was loaded (`source`: keras, fetch_openml, get_file)."""

    kind: Literal["data"] = "data"
    source: Name
    name: Name


class CompileEvent(Event):
    """`model.compile`. `fault` is the exception that the call raised."""

    kind: Literal["compile"] = "compile"
    model: int
    compiled: Compiled | None = None
    fault: Fault | None = None


class Shortened(Plain):
    """How a training was cut to the lab's budget: `steps` batches an epoch, `of` as many asked for.

    `of` is None where only the end of the data would have told.
    """

    steps: int = Field(gt=0, le=1_000_000_000)
    of: int | None = Field(default=None, gt=0, le=1_000_000_000)


class FitEvent(Event):
    """`model.fit`, a loop over `train_on_batch`, or an own GradientTape loop (`how`).

    `history` maps keys to a value an epoch.
    `changed` says that the model's trainable variables differ from before; `continues` that they
    began as an earlier training left them, and names the model of that one.
    `restructured` says that other variables are trainable than in the first training after the last
    compile.
    `epochs_ran` may be less than `epochs` (early stopping, an exception). All else is as it was
    asked for, also where it was `shortened`.
    """

    kind: Literal["fit"] = "fit"
    how: Literal["fit", "train_on_batch", "tape", "sklearn"] = "fit"
    model: int
    train: Feed | None = None
    validation: Feed | None = None
    validation_split: Number = None
    epochs: int | None = None
    epochs_ran: int | None = None
    batch_size: int | None = None
    steps: int | None = None
    shuffle: bool | None = None
    callbacks: tuple[Name, ...] = Field(default=(), max_length=50)
    history: dict[Name, tuple[Number, ...]] = Field(default_factory=dict)
    changed: bool | None = None
    continues: int | None = None
    restructured: bool = False
    compiled: Compiled | None = None
    shortened: Shortened | None = None
    fault: Fault | None = None


class UseEvent(Event):
    """`evaluate`, `predict`, `call` (the model called by itself), or sklearn's `predict`/`score`.

    `results` are the numbers of `evaluate` by metric name; of an estimator's `predict` it is
    `right`, the share of rows of known origin that got their own class. `output` is what `predict`
    gave; of an estimator its `sample` holds the first predicted classes.
    """

    kind: Literal["use"] = "use"
    how: Literal["evaluate", "predict", "call", "score"]
    model: int
    feed: Feed | None = None
    results: dict[Name, Number] = Field(default_factory=dict)
    output: ArrayFacts | None = None
    training: bool | None = None
    fault: Fault | None = None


class MetricEvent(Event):
    """A metric of scikit-learn or TensorFlow: confusion_matrix, accuracy_score …

    `first` and `second` are its two label arguments in the order given; `first_is_truth` and
    `second_is_truth` say that the argument equals labels of the data (visible test or train half);
    `first_is_prediction`/`second_is_prediction` that it equals the argmax of a recorded predict.
    `value` is the number or matrix that came back (flattened rows).
    """

    kind: Literal["metric"] = "metric"
    name: Name
    first: LabelFacts | None = None
    second: LabelFacts | None = None
    first_is_truth: bool | None = None
    second_is_truth: bool | None = None
    first_is_prediction: bool | None = None
    second_is_prediction: bool | None = None
    rows_of: Literal["train", "test"] | None = None
    value: tuple[Number, ...] = Field(default=(), max_length=2_000)
    shape: tuple[int, ...] = ()
    fault: Fault | None = None


class FigureEvent(Event):
    """A figure that was shown, saved or left open at a cell's end."""

    kind: Literal["figure"] = "figure"
    title: Text = ""
    axes: tuple[AxesFacts, ...] = Field(default=(), max_length=200)


class WarningEvent(Event):
    """A Python warning, or one that Keras logged."""

    kind: Literal["warning"] = "warning"
    category: Name
    message: Text


class LegacyEvent(Event):
    """An old spelling that was run as what took its place: the misconception's code and what was
    used, as the student wrote it."""

    kind: Literal["legacy"] = "legacy"
    code: Name
    used: Name


class SaveEvent(Event):
    """A model written or read (`how`: save, load), with the file's name."""

    kind: Literal["save"] = "save"
    how: Literal["save", "load"]
    model: int | None = None
    path: Name
    bytes: int | None = None
    fault: Fault | None = None


class ValueFacts(Plain):
    """A variable that the submission left behind, summarised.

    `text` is a short repr of plain numbers and strings; `array` is given for arrays and tensors;
    `matrix` holds a small (at most 20 × 20) numeric matrix, flat; `table` the rows of what may be a
    table of results: numbers and texts by column.
    """

    name: Name
    type: Name
    callable: bool = False
    parameters: tuple[Name, ...] | None = None
    cell: int | None = None
    line: int | None = None
    text: Name | None = None
    array: ArrayFacts | None = None
    matrix: tuple[Number, ...] | None = Field(default=None, max_length=400)
    matrix_is_confusion: Literal["train", "test"] | None = None
    table: tuple[dict[Name, Number | Name], ...] = Field(default=(), max_length=200)


_OfModels = CompileEvent | FitEvent | UseEvent | MetricEvent | SaveEvent
AnyEvent = Annotated[
    DataLoaded | FigureEvent | WarningEvent | LegacyEvent | _OfModels, Field(discriminator="kind")
]


class Evidence(Plain):
    """All that is known of a run. `cells` holds only those that were reached."""

    cells: tuple[CellRun, ...] = ()
    events: tuple[AnyEvent, ...] = ()
    models: tuple[ModelFacts, ...] = ()
    values: tuple[ValueFacts, ...] = ()
    versions: dict[Name, Name] = Field(default_factory=dict)
    limit: Name | None = None
    finished: bool = True

    @property
    def text(self) -> str:
        """Everything printed, in order."""
        return "".join(cell.text for cell in self.cells)

    @property
    def fits(self) -> tuple[FitEvent, ...]:
        """Every training, in order."""
        return tuple(event for event in self.events if isinstance(event, FitEvent))

    @property
    def uses(self) -> tuple[UseEvent, ...]:
        """Every evaluate, predict and direct call, in order."""
        return tuple(event for event in self.events if isinstance(event, UseEvent))

    @property
    def metrics(self) -> tuple[MetricEvent, ...]:
        """Every metric call, in order."""
        return tuple(event for event in self.events if isinstance(event, MetricEvent))

    @property
    def figures(self) -> tuple[FigureEvent, ...]:
        """Every figure, in order."""
        return tuple(event for event in self.events if isinstance(event, FigureEvent))
