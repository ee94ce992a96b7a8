"""Old spellings of Keras and scikit-learn, which most tutorials still use, made to work and noted.

A submission loses nothing by them: each is run as what took its place, and the grader explains it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from ..import_hooks import PostImport
from . import files, keras_names, keras_training, old_modules, sklearn_names

Note = Callable[[str, str], None]
"""`note(code, used)`: the misconception's code, and what was used, as the student wrote it."""


def install(hooks: PostImport, note: Note) -> None:
    """Put the old spellings beside the new ones, in what is imported now or later."""
    old_modules.install(note)
    waiting = {
        "keras.src.models.model": keras_training.in_models,
        "keras.src.callbacks.history": keras_training.in_history,
        "keras.src.optimizers.base_optimizer": keras_names.in_optimizers,
        "keras.src.layers.layer": keras_names.in_layers,
        "keras.preprocessing.image": keras_names.in_image,
        "keras.backend": keras_names.in_backend,
        "keras.src.saving.saving_api": files.in_saving,
        "keras.src.callbacks.model_checkpoint": files.in_checkpoints,
        "sklearn.linear_model._logistic": sklearn_names.in_logistic,
    }
    for name, hook in waiting.items():
        hooks.when_imported(name, partial(hook, note=note))
