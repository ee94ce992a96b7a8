"""Faults of a training program, after those that DeepCrime plants in Keras programs.

An operator takes all places of a cell and gives edits; an edit may change several places at once.
It applies where its pattern stands in the source, so a lab that does not train has none of them.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from grader.validation.operators import number_of
from grader.validation.trees import Edit, Slot, called


@dataclass(frozen=True)
class Context:
    """What an operator may know of the whole reference.

    `trained_on` are the first two arguments of its first `fit`; `optimizer_asked` says that the
    lab asks for a certain optimizer.
    """

    trained_on: tuple[ast.expr, ast.expr] | None = None
    optimizer_asked: bool = False


TrainingOperator = Callable[[Sequence[Slot], Context], Iterator[Edit]]

ACTIVATION_LAYERS = frozenset({"ReLU", "LeakyReLU", "PReLU", "ELU", "Activation"})
OUTPUTS = frozenset({"softmax", "sigmoid"})
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
AUGMENTING = ("Random",)


def _calls(places: Iterable[Slot], *names: str) -> Iterator[tuple[Slot, ast.Call]]:
    for slot in places:
        if isinstance(slot.node, ast.Call) and called(slot.node) in names:
            yield slot, slot.node


def _keywords(places: Iterable[Slot], *names: str) -> Iterator[tuple[Slot, ast.keyword]]:
    for slot in places:
        if isinstance(slot.node, ast.keyword) and slot.node.arg in names:
            yield slot, slot.node


def _group(slot: Slot) -> int:
    """What belongs to one network: the nearest Sequential or function around, else the cell."""
    for node in reversed(slot.path):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            return id(node)
        if isinstance(node, ast.Call) and called(node) == "Sequential":
            return id(node)
    return 0


def _by_network(parts: Iterable[tuple[Slot, ast.AST | None]]) -> Iterator[Edit]:
    groups: dict[int, list[tuple[Slot, ast.AST | None]]] = defaultdict(list)
    for slot, new in parts:
        groups[_group(slot)].append((slot, new))
    yield from groups.values()


def _layers_out(
    places: Iterable[Slot], wanted: Callable[[str], bool]
) -> Iterator[tuple[Slot, ast.AST | None]]:
    """Take layers out: items of a list of layers, `Layer()(x)`, `model.add(Layer())`."""
    for slot in places:
        node = slot.node
        if not isinstance(node, ast.Call):
            continue
        if wanted(called(node)) and isinstance(slot.parent, ast.List):
            yield slot, None
        elif isinstance(node.func, ast.Call) and wanted(called(node.func)) and node.args:
            yield slot, node.args[0]
        elif wanted(called(node)) and isinstance(slot.parent, ast.Call):
            if called(slot.parent) == "Sequential":
                yield slot, None
            elif called(slot.parent) == "add":
                yield slot, _identity()


def _identity() -> ast.AST:
    return ast.parse("__import__('keras').layers.Identity()", mode="eval").body


def hidden_activations_removed(places: Sequence[Slot], _context: Context) -> Iterator[Edit]:
    """Every hidden layer of a network is linear."""
    parts: list[tuple[Slot, ast.AST | None]] = []
    for slot, keyword in _keywords(places, "activation"):
        named = isinstance(keyword.value, ast.Constant) and keyword.value.value
        if isinstance(keyword.value, ast.Constant | ast.Attribute | ast.Call) and (
            named not in (*OUTPUTS, "linear", None)
        ):
            parts.append((slot, ast.keyword("activation", ast.Constant("linear"))))
    parts += _layers_out(places, lambda name: name in ACTIVATION_LAYERS)
    yield from _by_network(parts)


def output_activation_removed(places: Sequence[Slot], _context: Context) -> Iterator[Edit]:
    """The last layer gives raw scores, and nobody tells the loss."""
    for slot, keyword in _keywords(places, "activation"):
        if isinstance(keyword.value, ast.Constant) and keyword.value.value in OUTPUTS:
            yield [(slot, None)]
    for slot, keyword in _keywords(places, "from_logits"):
        if isinstance(keyword.value, ast.Constant) and keyword.value.value is True:
            yield [(slot, None)]


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
    parts += _layers_out(places, lambda name: name in ("Rescaling", "Normalization"))
    yield from ([part] for part in parts)
    if len(parts) > 1:
        yield parts


def _given_labels(call: ast.Call) -> tuple[str, int] | None:
    """Where the labels of a `fit` stand: in `args` or `keywords`, at which place."""
    if len(call.args) > 1:
        return "args", 1
    places = [index for index, keyword in enumerate(call.keywords) if keyword.arg == "y"]
    return ("keywords", places[0]) if places else None


def labels_changed(places: Sequence[Slot], _context: Context) -> Iterator[Edit]:
    """The network learns with the labels of other pictures: they run backwards."""
    for slot, call in _calls(places, "fit"):
        found = _given_labels(call)
        if found is None:
            continue
        args, keywords = list(call.args), list(call.keywords)
        field, index = found
        if field == "args":
            args[index] = _backwards(args[index])
        else:
            keywords[index] = ast.keyword("y", _backwards(keywords[index].value))
        yield [(slot, ast.Call(call.func, args, keywords))]


def _backwards(labels: ast.expr) -> ast.expr:
    step = ast.UnaryOp(ast.USub(), ast.Constant(1))
    return ast.Subscript(labels, ast.Slice(None, None, step), ast.Load())


def epochs_removed(places: Sequence[Slot], _context: Context) -> Iterator[Edit]:
    """One epoch, which is what `fit` does when it is not told."""
    for slot, keyword in _keywords(places, "epochs"):
        if number_of(keyword.value) != 1:
            yield [(slot, ast.keyword("epochs", ast.Constant(1)))]


def training_removed(places: Sequence[Slot], _context: Context) -> Iterator[Edit]:
    """The network is never trained."""
    for slot in places:
        if isinstance(slot.node, ast.Expr | ast.Assign) and isinstance(slot.node.value, ast.Call):
            call = slot.node.value
            if called(call) == "fit" and _given_labels(call) is not None:
                yield [(slot, ast.Pass())]


def learning_rate_extreme(places: Sequence[Slot], _context: Context) -> Iterator[Edit]:
    """Steps a thousand times too long, or so short that nothing moves."""
    for slot, keyword in _keywords(places, "learning_rate"):
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
    for slot, _ in _keywords(places, "validation_split", "validation_data"):
        yield [(slot, None)]


def optimizer_changed(places: Sequence[Slot], context: Context) -> Iterator[Edit]:
    """Another optimizer than the one that the lab asks for."""
    if not context.optimizer_asked:
        return
    for slot in _optimizers(places):
        if isinstance(slot.node, ast.Constant | ast.Call | ast.Attribute):
            written = ast.unparse(slot.node).lower()
            yield [(slot, ast.Constant("adam" if "adam" not in written else "sgd"))]


def evaluated_on_train(places: Sequence[Slot], context: Context) -> Iterator[Edit]:
    """The accuracy is that of the pictures learned from."""
    if context.trained_on is None:
        return
    for slot, call in _calls(places, "evaluate"):
        if len(call.args) > 1:
            args = [*context.trained_on, *call.args[2:]]
            yield [(slot, ast.Call(call.func, args, call.keywords))]


def metric_arguments_swapped(places: Sequence[Slot], _context: Context) -> Iterator[Edit]:
    """What was predicted stands where the truth belongs."""
    for slot, call in _calls(places, *METRICS):
        if len(call.args) > 1:
            args = [call.args[1], call.args[0], *call.args[2:]]
            yield [(slot, ast.Call(call.func, args, call.keywords))]


def dropout_removed(places: Sequence[Slot], _context: Context) -> Iterator[Edit]:
    """No unit is ever left out."""
    yield from _by_network(_layers_out(places, lambda name: "Dropout" in name))


def augmentation_removed(places: Sequence[Slot], _context: Context) -> Iterator[Edit]:
    """The pictures are learned from as they are."""
    yield from _by_network(_layers_out(places, lambda name: name.startswith(AUGMENTING)))


OPERATORS: Mapping[str, TrainingOperator] = MappingProxyType(
    {
        "hidden-activations-removed": hidden_activations_removed,
        "output-activation-removed": output_activation_removed,
        "wrong-loss": wrong_loss,
        "scaling-removed": scaling_removed,
        "labels-changed": labels_changed,
        "epochs-removed": epochs_removed,
        "training-removed": training_removed,
        "learning-rate-extreme": learning_rate_extreme,
        "validation-removed": validation_removed,
        "optimizer-changed": optimizer_changed,
        "evaluated-on-train": evaluated_on_train,
        "metric-arguments-swapped": metric_arguments_swapped,
        "dropout-removed": dropout_removed,
        "augmentation-removed": augmentation_removed,
    }
)


def context_of(trees: Iterable[ast.AST], *, optimizer_asked: bool) -> Context:
    """What the operators may know of a reference."""
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and called(node) == "fit" and len(node.args) > 1:
                return Context((node.args[0], node.args[1]), optimizer_asked)
    return Context(None, optimizer_asked)
