"""Faults of a training program, after those that DeepCrime plants in Keras programs.

An operator takes all places of a cell and gives edits; an edit may change several places at once.
It applies where its pattern stands in the source, so a lab that does not train has none of them.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from grader.validation import networks
from grader.validation.operators import number_of
from grader.validation.trees import Edit, Slot, called, calls, keywords


@dataclass(frozen=True)
class Context:
    """What an operator may know of the whole reference.

    `trained_on` are the first two arguments of its first `fit`; `optimizer_asked` says that the
    lab asks for a certain optimizer.
    """

    trained_on: tuple[ast.expr, ast.expr] | None = None
    optimizer_asked: bool = False


TrainingOperator = Callable[[Sequence[Slot], Context], Iterator[Edit]]

LARGEST_GREY = 255
TOO_HIGH, TOO_LOW = 10.0, 1e-7
LOSSES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "sparse_categorical_crossentropy": ("categorical_crossentropy", "mean_squared_error"),
        "categorical_crossentropy": ("sparse_categorical_crossentropy", "mean_squared_error"),
        "SparseCategoricalCrossentropy": ("CategoricalCrossentropy",),
        "CategoricalCrossentropy": ("SparseCategoricalCrossentropy",),
    }
)
METRICS = frozenset(
    "confusion_matrix classification_report precision_recall_fscore_support precision_score "
    "recall_score".split()
)
OPTIMIZERS = frozenset({"adam", "sgd", "rmsprop"})
KEPT_STEP = 100
"""Of so many pictures one is left to learn from."""
ONE_BATCH = 1_000_000


def wrong_loss(places: Sequence[Slot], _context: Context) -> Iterator[Edit]:
    """A loss for labels of another form, or for quantities."""
    for slot in places:
        node = slot.node
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            for other in LOSSES.get(node.value, ()):
                yield [(slot, ast.Constant(other))]
        elif isinstance(node, ast.Attribute):
            for other in LOSSES.get(node.attr, ()):
                yield [(slot, ast.Attribute(node.value, other, node.ctx))]


def scaling_removed(places: Sequence[Slot], _context: Context) -> Iterator[Edit]:
    """The pixels stay between 0 and 255, for one half or for all."""
    parts: list[tuple[Slot, ast.AST | None]] = []
    for slot in places:
        node = slot.node
        if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Div):
            continue
        if number_of(node.right) == LARGEST_GREY and number_of(node.left) is None:
            parts.append((slot, node.left))
    parts += networks.layers_out(places, lambda name: name in ("Rescaling", "Normalization"))
    yield from ([part] for part in parts)
    if len(parts) > 1:
        yield parts


def _given_labels(call: ast.Call) -> tuple[str, int] | None:
    """Where the labels of a `fit` stand: in `args` or `keywords`, at which place."""
    if len(call.args) > 1:
        return "args", 1
    places = [index for index, keyword in enumerate(call.keywords) if keyword.arg == "y"]
    return ("keywords", places[0]) if places else None


def _fits_with(
    places: Iterable[Slot], changed: Callable[[ast.expr, ast.expr], tuple[ast.expr, ast.expr]]
) -> Iterator[Edit]:
    """Each `fit` with other pictures and labels, which `changed` makes of those it was given."""
    for slot, call in calls(places, "fit"):
        found = _given_labels(call)
        if found is None or not call.args:
            continue
        args, words = list(call.args), list(call.keywords)
        field, index = found
        labels = args[index] if field == "args" else words[index].value
        args[0], labels = changed(args[0], labels)
        if field == "args":
            args[index] = labels
        else:
            words[index] = ast.keyword("y", labels)
        yield [(slot, ast.Call(call.func, args, words))]


def labels_changed(places: Sequence[Slot], _context: Context) -> Iterator[Edit]:
    """The network learns with the labels of other pictures: they run backwards."""
    yield from _fits_with(places, lambda x, y: (x, _every(-1, y)))


def data_removed(places: Sequence[Slot], _context: Context) -> Iterator[Edit]:
    """Only one picture in a hundred is learned from."""
    yield from _fits_with(places, lambda x, y: (_every(KEPT_STEP, x), _every(KEPT_STEP, y)))


def classes_removed(places: Sequence[Slot], _context: Context) -> Iterator[Edit]:
    """Every other class is missing from what is learned."""

    def even(values: ast.expr, labels: ast.expr) -> ast.expr:
        rest = ast.BinOp(labels, ast.Mod(), ast.Constant(2))
        rows = ast.Compare(rest, [ast.Eq()], [ast.Constant(0)])
        return ast.Subscript(values, rows, ast.Load())

    yield from _fits_with(places, lambda x, y: (even(x, y), even(y, y)))


def _every(step: int, values: ast.expr) -> ast.expr:
    size = ast.Constant(abs(step))
    counted = ast.UnaryOp(ast.USub(), size) if step < 0 else size
    return ast.Subscript(values, ast.Slice(None, None, counted), ast.Load())


def batches_undone(places: Sequence[Slot], _context: Context) -> Iterator[Edit]:
    """All pictures make one batch, so that an epoch is a single step."""
    for slot, _ in keywords(places, "batch_size"):
        if isinstance(slot.parent, ast.Call) and called(slot.parent) == "fit":
            yield [(slot, ast.keyword("batch_size", ast.Constant(ONE_BATCH)))]


def epochs_removed(places: Sequence[Slot], _context: Context) -> Iterator[Edit]:
    """One epoch, which is what `fit` does when it is not told; one step of a solver."""
    for slot, keyword in keywords(places, "epochs", "max_iter"):
        if number_of(keyword.value) != 1:
            yield [(slot, ast.keyword(keyword.arg, ast.Constant(1)))]


def training_removed(places: Sequence[Slot], _context: Context) -> Iterator[Edit]:
    """The network is never trained."""
    for slot in places:
        if isinstance(slot.node, ast.Expr | ast.Assign) and isinstance(slot.node.value, ast.Call):
            call = slot.node.value
            if called(call) == "fit" and _given_labels(call) is not None:
                yield [(slot, ast.Pass())]


def learning_rate_extreme(places: Sequence[Slot], _context: Context) -> Iterator[Edit]:
    """Steps a thousand times too long, or so short that nothing moves."""
    for slot, keyword in keywords(places, "learning_rate"):
        if (rate := number_of(keyword.value)) is not None:
            for factor in (1000.0, 1e-5):
                yield [(slot, ast.keyword("learning_rate", ast.Constant(rate * factor)))]
    for slot in _optimizers(places):
        if isinstance(slot.node, ast.Constant) and isinstance(slot.node.value, str):
            for rate in (TOO_HIGH, TOO_LOW):
                maker = (
                    "__import__('keras').optimizers.get({'class_name': "
                    f"{slot.node.value!r}, 'config': {{'learning_rate': {rate}}}}})"
                )
                yield [(slot, ast.parse(maker, mode="eval").body)]


def _optimizers(places: Iterable[Slot]) -> Iterator[Slot]:
    """What `compile` is given as its optimizer, by name or in its first place."""
    for slot in places:
        by_name = isinstance(slot.parent, ast.keyword) and slot.parent.arg == "optimizer"
        call = slot.path[-2] if by_name else slot.parent
        if not isinstance(call, ast.Call) or called(call) != "compile":
            continue
        if by_name or (slot.field == "args" and slot.index == 0):
            yield slot


def validation_removed(places: Sequence[Slot], _context: Context) -> Iterator[Edit]:
    """Nothing is kept aside to watch the training by."""
    for slot, _ in keywords(places, "validation_split", "validation_data"):
        yield [(slot, None)]


def optimizer_changed(places: Sequence[Slot], context: Context) -> Iterator[Edit]:
    """Another optimizer than the one that the lab asks for."""
    if not context.optimizer_asked:
        return
    compiled = {id(slot.node) for slot in _optimizers(places)}
    for slot in places:
        node = slot.node
        if isinstance(node, ast.Constant | ast.Call | ast.Attribute) and id(node) in compiled:
            yield [
                (slot, ast.Constant("adam" if "adam" not in ast.unparse(node).lower() else "sgd"))
            ]
        elif isinstance(node, ast.Constant) and _is_handed_on(slot):
            if isinstance(node.value, str) and node.value.lower() in OPTIMIZERS:
                yield [(slot, ast.Constant(_other_optimizer(node.value)))]
        elif isinstance(node, ast.Attribute) and node.attr.lower() in OPTIMIZERS:
            yield [(slot, ast.Attribute(node.value, _other_optimizer(node.attr), node.ctx))]


def _is_handed_on(slot: Slot) -> bool:
    """Whether a name is an argument or one of a list, and no default or label."""
    return isinstance(slot.parent, ast.Call | ast.keyword | ast.List)


def _other_optimizer(name: str) -> str:
    other = "SGD" if name.lower() == "adam" else "Adam"
    return other.lower() if name.islower() else other


def split_changed(places: Sequence[Slot], _context: Context) -> Iterator[Edit]:
    """Twice as much is held out; the parts for learning and for testing change places."""
    for slot, keyword in keywords(places, "test_size"):
        if (share := number_of(keyword.value)) is not None:
            yield [(slot, ast.keyword("test_size", ast.Constant(2 * share)))]
    for slot in places:
        made, names = slot.parent, slot.node
        if not isinstance(made, ast.Assign) or not isinstance(names, ast.Tuple):
            continue
        split = isinstance(made.value, ast.Call) and called(made.value) == "train_test_split"
        if split and len(names.elts) % 2 == 0:
            pairs = zip(names.elts[1::2], names.elts[::2], strict=True)
            yield [(slot, ast.Tuple([name for pair in pairs for name in pair], names.ctx))]


def evaluated_on_train(places: Sequence[Slot], context: Context) -> Iterator[Edit]:
    """The accuracy is that of the pictures learned from."""
    if context.trained_on is None:
        return
    for slot, call in calls(places, "evaluate"):
        if len(call.args) > 1:
            args = [*context.trained_on, *call.args[2:]]
            yield [(slot, ast.Call(call.func, args, call.keywords))]


def metric_arguments_swapped(places: Sequence[Slot], _context: Context) -> Iterator[Edit]:
    """What was predicted stands where the truth belongs."""
    for slot, call in calls(places, *METRICS):
        if len(call.args) > 1:
            args = [call.args[1], call.args[0], *call.args[2:]]
            yield [(slot, ast.Call(call.func, args, call.keywords))]


def _of_network(operator: networks.NetworkOperator) -> TrainingOperator:
    return lambda places, _context: operator(places)


OPERATORS: Mapping[str, TrainingOperator] = MappingProxyType(
    {
        **{name: _of_network(operator) for name, operator in networks.OPERATORS.items()},
        "wrong-loss": wrong_loss,
        "scaling-removed": scaling_removed,
        "labels-changed": labels_changed,
        "data-removed": data_removed,
        "classes-removed": classes_removed,
        "batches-undone": batches_undone,
        "epochs-removed": epochs_removed,
        "training-removed": training_removed,
        "learning-rate-extreme": learning_rate_extreme,
        "validation-removed": validation_removed,
        "optimizer-changed": optimizer_changed,
        "split-changed": split_changed,
        "evaluated-on-train": evaluated_on_train,
        "metric-arguments-swapped": metric_arguments_swapped,
    }
)


def context_of(trees: Iterable[ast.AST], *, optimizer_asked: bool) -> Context:
    """What the operators may know of a reference."""
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and called(node) == "fit" and len(node.args) > 1:
                return Context((node.args[0], node.args[1]), optimizer_asked)
    return Context(None, optimizer_asked)
