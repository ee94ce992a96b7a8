"""Old names of arguments, attributes and functions of Keras."""

from __future__ import annotations

import functools
import importlib
import sys
from collections.abc import Callable
from typing import Any

Note = Callable[[str, str], None]


def in_optimizers(module: Any, note: Note) -> None:
    """Take `lr=`, whole learning rates, and the attribute `lr`."""
    owner = module.BaseOptimizer
    original = owner.__init__

    @functools.wraps(original)
    def __init__(self: Any, learning_rate: Any, *args: Any, **kwargs: Any) -> None:
        kind = type(self).__name__
        if "lr" in kwargs:
            learning_rate = kwargs.pop("lr")
            note("old-optimizer-argument", f"{kind}(lr=…)")
        if type(learning_rate) is int:
            note("integer-learning-rate", f"learning rate {learning_rate} without a decimal point")
            learning_rate = float(learning_rate)
        original(self, learning_rate, *args, **kwargs)

    def get(self: Any) -> Any:
        _refuse_keras("lr")
        note("removed-optimizer-attribute", "an optimizer was asked for lr")
        return self.learning_rate

    def put(self: Any, value: Any) -> None:
        note("removed-optimizer-attribute", "an optimizer was asked for lr")
        self.learning_rate = value

    owner.__init__ = __init__
    owner.lr = property(get, put)


def in_layers(module: Any, note: Note) -> None:
    """Let layers tell `input_shape` and `output_shape`."""
    module.Layer.input_shape = _ShapeOf("input", note)
    module.Layer.output_shape = _ShapeOf("output", note)


class _ShapeOf:
    """An attribute that a layer's own of the same name goes before: there is no `__set__`."""

    def __init__(self, side: str, note: Note) -> None:
        self._side = side
        self._note = note

    def __get__(self, layer: Any, owner: type | None = None) -> Any:
        if layer is None:
            return self
        _refuse_keras(f"{self._side}_shape")
        tensor = getattr(layer, self._side)
        self._note("removed-layer-attribute", f"a layer was asked for {self._side}_shape")
        return tuple(tensor.shape)


def _refuse_keras(name: str) -> None:
    """Be absent for Keras itself, which looks at every attribute of what it saves."""
    asking = sys._getframe(2).f_globals.get("__name__", "")
    if asking.startswith("keras."):
        raise AttributeError(name)


def in_image(module: Any, note: Note) -> None:
    """Offer ImageDataGenerator where Keras 2 had it."""
    found = importlib.import_module("keras.src.legacy.preprocessing.image")

    class ImageDataGenerator(found.ImageDataGenerator):  # type: ignore[misc, name-defined]
        """Keras's own, from where it was before."""

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            note("old-generator-import", "imported from keras.preprocessing.image")
            super().__init__(*args, **kwargs)

    if not hasattr(module, "ImageDataGenerator"):
        module.ImageDataGenerator = ImageDataGenerator


def in_backend(module: Any, note: Note) -> None:  # noqa: ARG001 - all hooks look alike
    """Offer the backend's functions that Keras 3 keeps for TensorFlow's own old name only."""
    found = importlib.import_module("keras.src.legacy.backend")
    for name, value in vars(found).items():
        if not name.startswith("_") and callable(value) and not hasattr(module, name):
            setattr(module, name, value)
