"""Keras 2's ways to train and predict, and its names for what training leaves behind."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any

Note = Callable[[str, str], None]

DROPPED = ("workers", "use_multiprocessing", "max_queue_size")
"""Arguments of fit, evaluate and predict that a generator's own settings replaced."""
OLD_KEYS = {"acc": "accuracy", "val_acc": "val_accuracy"}


def in_models(module: Any, note: Note) -> None:
    """Give models their old methods back, and let fit, evaluate and predict take old arguments."""
    backend = sys.modules["keras.src.backend.tensorflow.trainer"].TensorFlowTrainer
    for name in ("fit", "evaluate", "predict"):
        setattr(backend, name, _without_dropped(getattr(backend, name), note))
    for old, new in {
        "fit_generator": "fit",
        "evaluate_generator": "evaluate",
        "predict_generator": "predict",
        "predict_proba": "predict",
    }.items():
        setattr(module.Model, old, _renamed(old, new, note))
    module.Model.predict_classes = _predict_classes(note)


def in_history(module: Any, note: Note) -> None:
    """Let `history.history['acc']` find 'accuracy'."""
    original = module.History.__init__

    @functools.wraps(original)
    def __init__(self: Any) -> None:
        original(self)
        self.history = _OldKeys(note)

    module.History.__init__ = __init__


class _OldKeys(dict[str, Any]):
    """A history that knows its old keys, too, where the new ones are there."""

    def __init__(self, note: Note) -> None:
        super().__init__()
        self._note = note

    def __missing__(self, key: str) -> Any:
        new = OLD_KEYS.get(key)
        if new is None or new not in self:
            raise KeyError(key)
        self._note("old-history-key", f"history['{key}']")
        return self[new]

    def __reduce__(self) -> Any:
        return dict, (dict(self),)


def _without_dropped(original: Any, note: Note) -> Any:
    @functools.wraps(original)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        for name in [name for name in DROPPED if name in kwargs]:
            del kwargs[name]
            note("removed-argument", f"{original.__name__}(…, {name}=…)")
        if "nb_epoch" in kwargs:
            kwargs["epochs"] = kwargs.pop("nb_epoch")
            note("removed-argument", "fit(…, nb_epoch=…)")
        return original(self, *args, **kwargs)

    return call


def _renamed(old: str, new: str, note: Note) -> Any:
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        note("removed-method", f"{old} is used")
        if old == "fit_generator" and len(args) > 1:
            kwargs["steps_per_epoch"], args = args[1], (args[0], *args[2:])
            if len(args) > 1:
                kwargs["epochs"], args = args[1], (args[0], *args[2:])
        elif len(args) == 2 and new != "fit" and old.endswith("_generator"):
            kwargs["steps"], args = args[1], args[:1]
        return getattr(self, new)(*args, **kwargs)

    call.__name__ = old
    call.__doc__ = f"Do what `{new}` does."
    return call


def _predict_classes(note: Note) -> Any:
    def predict_classes(self: Any, x: Any, *args: Any, **kwargs: Any) -> Any:
        """Return the class of the largest output of each row, or whether one output is over 0.5."""
        note("removed-method", "predict_classes is used")
        found = self.predict(x, *args, **kwargs)
        return found.argmax(axis=-1) if found.shape[-1] > 1 else (found > 0.5).astype("int32")

    return predict_classes
