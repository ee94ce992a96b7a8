"""Old APIs: named and explained, never called wrong."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from grader.diagnosis.case import Case, Detector
from grader.diagnosis.facts import see, short
from grader.diagnosis.source import called, constant, keyword
from grader.records.evidence import LegacyEvent, SaveEvent, WarningEvent
from grader.records.misconception import Sighting

REMOVED_METHODS = {
    "fit_generator": "fit",
    "evaluate_generator": "evaluate",
    "predict_generator": "predict",
    "predict_classes": "predict, then argmax",
    "predict_proba": "predict",
}
REMOVED_MODULES = (
    "keras.utils.np_utils",
    "keras.layers.advanced_activations",
    "keras.layers.core",
    "keras.layers.convolutional",
    "keras.layers.normalization",
    "keras.layers.embeddings",
    "keras.layers.pooling",
    "keras.wrappers.scikit_learn",
    "keras.backend.tensorflow_backend",
)
OPTIMIZERS = {"Adam", "SGD", "RMSprop", "Adagrad", "Adadelta", "Adamax", "Nadam", "AdamW", "Ftrl"}
ATTRIBUTE = re.compile(r"'(\w{1,60})' object has no attribute '(\w{1,60})'")
REMOVED_ARGUMENT = re.compile(r"got an unexpected keyword argument '(multi_class|normalize)'")


def removed_methods(case: Case) -> Iterator[Sighting]:
    """Methods of Keras 2."""
    for item, call in case.source.calls(*REMOVED_METHODS):
        name = called(call)
        if name == "predict_proba" and not _no_such_attribute(case, name):
            continue
        yield see("removed-method", f"{name} is used", REMOVED_METHODS[name], item.place)
        return


def _no_such_attribute(case: Case, name: str) -> bool:
    return any(
        match is not None and match[2] == name
        for match in (ATTRIBUTE.search(broken.fault.message) for broken in case.broken)
    )


def removed_modules(case: Case) -> Iterator[Sighting]:
    """Imports from where nothing is any more."""
    for item in case.source.nodes:
        node = item.node
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            continue
        for name in names:
            plain = name.removeprefix("tensorflow.").removeprefix("python.")
            if plain.startswith(REMOVED_MODULES):
                observed = f"import from {short(name, 60)}"
                yield see("removed-module", observed, "its new place", item.place)
                return


def old_generator_import(case: Case) -> Iterator[Sighting]:
    """ImageDataGenerator from `keras.preprocessing.image`."""
    for item in case.source.nodes:
        node = item.node
        if not isinstance(node, ast.ImportFrom) or node.module != "keras.preprocessing.image":
            continue
        if any(alias.name == "ImageDataGenerator" for alias in node.names):
            expected = "tensorflow.keras.preprocessing.image"
            observed = "imported from keras.preprocessing.image"
            yield see("old-generator-import", observed, expected, item.place)
            return


def history_keys(case: Case) -> Iterator[Sighting]:
    """history['acc']."""
    keys = {key for fit in case.evidence.fits for key in fit.history}
    for item in case.source.nodes:
        node = item.node
        if not isinstance(node, ast.Subscript) or not isinstance(node.slice, ast.Constant):
            continue
        key = node.slice.value
        held = node.value
        named = getattr(held, "attr", getattr(held, "id", ""))
        if key in ("acc", "val_acc") and named.startswith("hist") and key not in keys:
            expected = "'accuracy' and 'val_accuracy'"
            yield see("old-history-key", f"history['{key}']", expected, item.place)
            return


def arguments(case: Case) -> Iterator[Sighting]:
    """Old arguments: LeakyReLU(alpha=…), lr=, decay=, input_shape=, whole learning rates."""
    for item, call in case.source.calls():
        name = called(call)
        given = {pair.arg or "" for pair in call.keywords}
        if name == "LeakyReLU" and "alpha" in given:
            yield see("leaky-alpha", "LeakyReLU(alpha=…)", "negative_slope=…", item.place)
        if given & {"input_shape", "input_dim"} and name[:1].isupper() and name != "Sequential":
            observed = f"input_shape given to {short(name, 30)}"
            yield see("input-shape-argument", observed, "keras.Input first", item.place)
        if name not in OPTIMIZERS:
            continue
        old = sorted(given & {"lr", "decay"}, reverse=True)
        if old:
            observed = f"{name}({old[0]}=…)"
            yield see("old-optimizer-argument", observed, "learning_rate=…", item.place)
        rate = keyword(call, "learning_rate") or (call.args[0] if call.args else None)
        whole = isinstance(rate, ast.Constant) and type(rate.value) is int
        if whole and constant(rate) is not None:
            observed = f"learning rate {constant(rate):.0f} without a decimal point"
            yield see("integer-learning-rate", observed, "a float", item.place)


def removed_arguments(case: Case) -> Iterator[Sighting]:
    """Arguments that scikit-learn dropped."""
    for broken in case.broken:
        message = broken.fault.message
        match = REMOVED_ARGUMENT.search(message)
        if match or ("'penalty' parameter" in message and "Got 'none'" in message):
            observed = match[1] if match else "penalty='none'"
            yield see("removed-sklearn-argument", f"{observed} is given", "not given", broken.place)
            return


def removed_attributes(case: Case) -> Iterator[Sighting]:
    """`layer.input_shape`, `optimizer.lr`."""
    for broken in case.broken:
        match = ATTRIBUTE.search(broken.fault.message)
        if match is None:
            continue
        if match[2] in ("input_shape", "output_shape"):
            observed = f"a layer was asked for {match[2]}"
            expected = "model.input_shape, or layer.output.shape"
            yield see("removed-layer-attribute", observed, expected, broken.place)
        elif match[2] == "lr":
            observed = "an optimizer was asked for lr"
            yield see("removed-optimizer-attribute", observed, "learning_rate", broken.place)


def files(case: Case) -> Iterator[Sighting]:
    """Old file formats."""
    for broken in case.broken:
        if "Invalid filepath extension for saving" in broken.fault.message:
            expected = "a name that ends in .keras"
            yield see(
                "save-without-extension", "a file name without ending", expected, broken.place
            )
            break
    for event in case.evidence.events:
        if not isinstance(event, SaveEvent) or event.how != "save" or event.fault is not None:
            continue
        if event.path.lower().endswith((".h5", ".hdf5")) and ".weights." not in event.path:
            place = event.cell, event.line
            yield see("h5-format", f"saved as {short(event.path, 40)}", ".keras", place)
            return


INSTEAD = {
    "removed-module": "its new place",
    "removed-method": "fit, evaluate or predict",
    "removed-argument": "not given",
    "old-optimizer-argument": "learning_rate=…",
    "integer-learning-rate": "a float",
    "old-history-key": "'accuracy' and 'val_accuracy'",
    "old-generator-import": "tensorflow.keras.preprocessing.image",
    "removed-layer-attribute": "model.input_shape, or layer.output.shape",
    "removed-optimizer-attribute": "learning_rate",
    "removed-sklearn-argument": "not given",
    "save-without-extension": "a name that ends in .keras",
}


def taken_over(case: Case) -> Iterator[Sighting]:
    """Old spellings that ran as what took their place."""
    for event in case.evidence.events:
        if isinstance(event, LegacyEvent) and event.code in INSTEAD:
            place = event.cell, event.line
            yield see(event.code, short(event.used, 60), INSTEAD[event.code], place)


def warned(case: Case) -> Iterator[Sighting]:
    """What Keras itself warned about."""
    known = (
        ("Argument `alpha` is deprecated", "leaky-alpha", "alpha=…", "negative_slope=…"),
        ("Do not pass an `input_shape`", "input-shape-argument", "input_shape=…", "keras.Input"),
        ("Argument `decay` is no longer", "old-optimizer-argument", "decay=…", "a schedule"),
    )
    for event in case.evidence.events:
        if not isinstance(event, WarningEvent):
            continue
        for text, code, observed, expected in known:
            if text in event.message:
                yield see(code, observed, expected, (event.cell, event.line))


DETECTORS: tuple[Detector, ...] = (
    removed_methods,
    removed_modules,
    old_generator_import,
    history_keys,
    arguments,
    removed_arguments,
    removed_attributes,
    files,
    taken_over,
    warned,
)
