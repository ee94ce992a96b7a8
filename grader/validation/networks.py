"""Faults of a network: its layers, what bends them, how their weights begin.

After those that DeepCrime plants in Keras programs. An operator takes all places of a cell and
gives edits, each for one network.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType

from grader.validation.operators import number_of
from grader.validation.trees import Edit, Slot, called, calls, keywords

NetworkOperator = Callable[[Sequence[Slot]], Iterator[Edit]]

ACTIVATION_LAYERS = frozenset({"ReLU", "LeakyReLU", "PReLU", "ELU", "Activation"})
WEIGHTED = ("Dense", "Conv2D")
OUTPUTS = frozenset({"softmax", "sigmoid"})
DROPS_NEARLY_ALL = 0.95
AUGMENTING = ("Random",)


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


def layers_out(
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


def _hidden_activations(places: Iterable[Slot]) -> Iterator[Slot]:
    """The arguments that bend a hidden layer."""
    for slot, keyword in keywords(places, "activation"):
        named = isinstance(keyword.value, ast.Constant) and keyword.value.value
        if isinstance(keyword.value, ast.Constant | ast.Attribute | ast.Call) and (
            named not in (*OUTPUTS, "linear", None)
        ):
            yield slot


def _is_output(slot: Slot) -> bool:
    """Whether a layer is the last of a list, or gives probabilities."""
    layer = slot.node
    if isinstance(layer, ast.Call) and isinstance(layer.func, ast.Call):
        layer = layer.func
    if not isinstance(layer, ast.Call) or called(layer) != "Dense":
        return False
    ends = isinstance(slot.parent, ast.List) and slot.parent.elts[-1] is slot.node
    given = [word.value for word in layer.keywords if word.arg == "activation"]
    return ends or any(
        isinstance(value, ast.Constant) and value.value in OUTPUTS for value in given
    )


def hidden_activations_removed(places: Sequence[Slot]) -> Iterator[Edit]:
    """Every hidden layer of a network is linear."""
    parts: list[tuple[Slot, ast.AST | None]] = [
        (slot, ast.keyword("activation", ast.Constant("linear")))
        for slot in _hidden_activations(places)
    ]
    parts += layers_out(places, lambda name: name in ACTIVATION_LAYERS)
    yield from _by_network(parts)


def hidden_activations_changed(places: Sequence[Slot]) -> Iterator[Edit]:
    """Every hidden layer is a softmax, which only the last one should be."""
    yield from _by_network(
        (slot, ast.keyword("activation", ast.Constant("softmax")))
        for slot in _hidden_activations(places)
    )


def output_activation_removed(places: Sequence[Slot]) -> Iterator[Edit]:
    """The last layer gives raw scores, and nobody tells the loss."""
    for slot, keyword in keywords(places, "activation"):
        if isinstance(keyword.value, ast.Constant) and keyword.value.value in OUTPUTS:
            yield [(slot, None)]
    for slot, keyword in keywords(places, "from_logits"):
        if isinstance(keyword.value, ast.Constant) and keyword.value.value is True:
            yield [(slot, None)]


def output_activation_changed(places: Sequence[Slot]) -> Iterator[Edit]:
    """The last layer cuts off what is below zero."""
    for slot, keyword in keywords(places, "activation"):
        if isinstance(keyword.value, ast.Constant) and keyword.value.value in OUTPUTS:
            yield [(slot, ast.keyword("activation", ast.Constant("relu")))]


def output_missing(places: Sequence[Slot]) -> Iterator[Edit]:
    """The last layer has one unit too few: a class is left without."""
    for slot, call in calls(places, "Dense"):
        units = number_of(call.args[0]) if call.args else None
        if _is_output(slot) and isinstance(units, int) and units > 1:
            args = [ast.Constant(units - 1), *call.args[1:]]
            yield [(slot, ast.Call(call.func, args, call.keywords))]


def hidden_layers_removed(places: Sequence[Slot]) -> Iterator[Edit]:
    """Nothing learns but the last layer."""
    layers = layers_out(places, lambda name: name in WEIGHTED)
    yield from _by_network((slot, new) for slot, new in layers if not _is_output(slot))


def flatten_removed(places: Sequence[Slot]) -> Iterator[Edit]:
    """The pictures reach the last layers as rows and columns."""
    yield from _by_network(layers_out(places, lambda name: name == "Flatten"))


def weights_alike(places: Sequence[Slot]) -> Iterator[Edit]:
    """All weights begin at zero, so that no unit of a hidden layer ever differs from another."""
    zeros = ast.keyword("kernel_initializer", ast.Constant("zeros"))
    networks = _by_network(
        (slot, ast.Call(call.func, call.args, [*call.keywords, zeros]))
        for slot, call in calls(places, *WEIGHTED)
    )
    # An output layer on its own may begin at zero: its units have different labels to learn.
    yield from (edit for edit in networks if not all(_is_output(slot) for slot, _ in edit))


def dropout_removed(places: Sequence[Slot]) -> Iterator[Edit]:
    """No unit is ever left out."""
    yield from _by_network(layers_out(places, lambda name: "Dropout" in name))


def dropout_extreme(places: Sequence[Slot]) -> Iterator[Edit]:
    """Nearly every unit is left out."""
    yield from _by_network(
        (slot, ast.Call(call.func, [ast.Constant(DROPS_NEARLY_ALL), *call.args[1:]], call.keywords))
        for slot, call in calls(places, "Dropout", "SpatialDropout2D")
        if call.args
    )


def augmentation_removed(places: Sequence[Slot]) -> Iterator[Edit]:
    """The pictures are learned from as they are."""
    layers = layers_out(places, lambda name: name.startswith(AUGMENTING))
    # Often they are a network of their own, which without any layer could not be called.
    yield from _by_network((slot, new or _identity()) for slot, new in layers)


OPERATORS: Mapping[str, NetworkOperator] = MappingProxyType(
    {
        "hidden-activations-removed": hidden_activations_removed,
        "hidden-activations-changed": hidden_activations_changed,
        "output-activation-removed": output_activation_removed,
        "output-activation-changed": output_activation_changed,
        "output-missing": output_missing,
        "hidden-layers-removed": hidden_layers_removed,
        "flatten-removed": flatten_removed,
        "weights-alike": weights_alike,
        "dropout-removed": dropout_removed,
        "dropout-extreme": dropout_extreme,
        "augmentation-removed": augmentation_removed,
    }
)
