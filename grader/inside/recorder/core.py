"""The recorder's parts, put together."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

from ..datasets import Datasets
from ..import_hooks import PostImport
from .arrays import Arrays
from .feeds import Feeds
from .figures import Figures
from .journal import Emit, Journal, Place
from .keras_calls import KerasCalls
from .keras_models import is_model
from .labels import KnownLabels
from .ledger import Ledger
from .rows import RawRows

NAMES_LOOKED_AT = 5_000


class Recorder:
    """Records one run. `emit(what, fields)` takes events, models and values as plain data.

    `where()` returns cell and line of the innermost student frame. `models` holds the live models
    by the id that their facts carry.
    """

    def __init__(self, emit: Emit, where: Callable[[], Place], data_folder: str | None) -> None:
        self.models: dict[int, object] = {}
        self._hooks = PostImport()
        self._journal = Journal(emit, where)
        raw = RawRows(data_folder)
        self._known = KnownLabels(raw)
        self._arrays = Arrays(raw, self._journal)
        self._ledger = Ledger(self._journal, self.models)
        self._feeds = Feeds(self._arrays, self._known)
        self._calls = KerasCalls(self._journal, self._ledger, self._feeds, self._known)
        self._figures = Figures(self._journal, self._calls.histories)
        self._datasets = Datasets(data_folder, self._loaded)

    def install(self) -> None:
        """Patch what is imported, now where it already is, else at its first import."""
        hooks = self._hooks
        self._datasets.hook(hooks)
        hooks.when_imported("keras.src.models.model", self._safe(self._patch_keras))
        hooks.when_imported("matplotlib.pyplot", self._safe(self._figures.in_pyplot))
        hooks.when_imported("matplotlib.figure", self._safe(self._figures.in_figure))
        hooks.install()

    def after_cell(self, namespace: dict[str, Any]) -> None:  # noqa: ARG002
        """Record what a cell left pending, and close its figures."""
        self._journal.safely(self._figures.harvest, self._journal.where())

    def finish(self, namespace: dict[str, Any]) -> None:
        """Emit all models with the names that hold them, and the variables."""
        self.after_cell(namespace)
        self._journal.safely(self._name_models, namespace)
        for entry in list(self._ledger.entries.values()):
            self._journal.safely(self._ledger.publish, entry)

    def _safe(self, hook: Callable[[Any], None]) -> Callable[[ModuleType], None]:
        def run(module: ModuleType) -> None:
            self._journal.safely(hook, module)

        return run

    def _patch_keras(self, module: ModuleType) -> None:  # noqa: ARG002
        trainer = sys.modules["keras.src.trainers.trainer"].Trainer
        backend = sys.modules["keras.src.backend.tensorflow.trainer"].TensorFlowTrainer
        self._calls.patch(trainer, backend)

    def _loaded(self, source: str, name: str) -> None:
        self._journal.safely(self._journal.event, "data", source=source, name=name)

    def _name_models(self, namespace: dict[str, Any]) -> None:
        for name, value in list(namespace.items())[:NAMES_LOOKED_AT]:
            if name.startswith("_"):
                continue
            if is_model(value):
                self._ledger.entry(value)
            entry = self._ledger.entries.get(id(value))
            if entry is not None and name not in entry.names:
                entry.names.append(name[:300])
