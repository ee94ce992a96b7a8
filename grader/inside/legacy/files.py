"""File names that Keras 2 took: without an ending, or weights that end in .h5."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from typing import Any

from ..import_hooks import replace_everywhere

Note = Callable[[str, str], None]

MODEL_ENDINGS = (".keras", ".h5", ".hdf5")
WEIGHT_ENDINGS = (".weights.h5", ".weights.json")


def in_saving(module: Any, note: Note) -> None:
    """Add the ending that Keras 3 wants; look for it again when the file is read."""
    _replace(module, "save_model", _saving(module.save_model, MODEL_ENDINGS, note))
    _replace(module, "save_weights", _saving(module.save_weights, WEIGHT_ENDINGS, note))
    _replace(module, "load_model", _loading(module.load_model, 0, MODEL_ENDINGS))
    _replace(module, "load_weights", _loading(module.load_weights, 1, WEIGHT_ENDINGS))


def in_checkpoints(module: Any, note: Note) -> None:
    """Take the file names and the `period` of old checkpoints."""
    original = module.ModelCheckpoint.__init__

    @functools.wraps(original)
    def __init__(self: Any, filepath: Any, *args: Any, **kwargs: Any) -> None:
        if kwargs.pop("period", None) is not None:
            note("removed-argument", "ModelCheckpoint(…, period=…)")
        endings = WEIGHT_ENDINGS if kwargs.get("save_weights_only") else MODEL_ENDINGS[:1]
        original(self, _ended(filepath, endings, note), *args, **kwargs)

    module.ModelCheckpoint.__init__ = __init__


def _replace(module: Any, name: str, wrapped: Any) -> None:
    original = getattr(module, name)
    setattr(module, name, wrapped)
    replace_everywhere(original, wrapped, ("keras",))


def _ended(path: Any, endings: tuple[str, ...], note: Note) -> Any:
    """The path with the first of `endings`, where it has none of them."""
    if not isinstance(path, (str, os.PathLike)) or str(path).endswith(endings):
        return path
    note("save-without-extension", f"saved as {os.path.basename(str(path))[:40]}")
    return f"{str(path).rstrip('/')}{endings[0]}"


def _saving(original: Any, endings: tuple[str, ...], note: Note) -> Any:
    @functools.wraps(original)
    def save(model: Any, filepath: Any, *args: Any, **kwargs: Any) -> Any:
        if kwargs.get("zipped") is False:
            return original(model, filepath, *args, **kwargs)
        kwargs.pop("save_format", None)
        return original(model, _ended(filepath, endings, note), *args, **kwargs)

    return save


def _loading(original: Any, at: int, endings: tuple[str, ...]) -> Any:
    @functools.wraps(original)
    def load(*args: Any, **kwargs: Any) -> Any:
        held = list(args)
        path = kwargs.get("filepath", held[at] if len(held) > at else None)
        if isinstance(path, (str, os.PathLike)) and not os.path.exists(path):
            other = f"{str(path).rstrip('/')}{endings[0]}"
            if os.path.exists(other) and "filepath" in kwargs:
                kwargs["filepath"] = other
            elif os.path.exists(other):
                held[at] = other
        return original(*held, **kwargs)

    return load
