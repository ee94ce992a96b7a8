"""The recorder's parts, put together."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

from ..datasets import Datasets
from ..import_hooks import PostImport
from ..work import Allowance
from .arrays import Arrays
from .estimators import Estimators
from .feeds import Feeds
from .figures import Figures
from .files import Files
from .journal import Emit, Journal, Place
from .keras_calls import KerasCalls
from .keras_models import is_model
from .keras_use import KerasUse
from .labels import KnownLabels
from .ledger import Ledger
from .loop_patches import LoopPatches
from .loops import Loops, models_in
from .metrics import Metrics
from .notices import Notices
from .rows import RawRows
from .values import Values

NAMES_LOOKED_AT = 5_000


class Recorder:
    """Records one run. `emit(what, fields)` takes events, models and values as plain data.

    `where()` returns cell and line of the innermost student frame. `models` holds the live models
    by the id that their facts carry, `kept` the last few test-sized arrays by fingerprint. `hooks`
    takes those of others, too, to be run after the recorder's.
    """

    def __init__(self, emit: Emit, where: Callable[[], Place], data_folder: str | None) -> None:
        self.models: dict[int, object] = {}
        self.hooks = PostImport()
        self._journal = Journal(emit, where)
        journal = self._journal
        raw = RawRows(data_folder)
        known = KnownLabels(raw)
        arrays = Arrays(raw, journal)
        feeds = Feeds(arrays, known)
        self.kept = feeds.kept
        self._ledger = Ledger(journal, self.models)
        self._loops = Loops(journal, self._ledger, feeds)
        self._patches = LoopPatches(journal, self._loops)
        self._calls = KerasCalls(journal, self._ledger, feeds, known, self._loops)
        self._use = KerasUse(journal, self._ledger, feeds, known, self._loops)
        self._files = Files(journal, self._ledger)
        histories = self._calls.histories
        self._estimators = Estimators(journal, self._ledger, feeds, known, histories)
        self._metrics = Metrics(journal, raw, known)
        self._figures = Figures(journal, histories, raw)
        self._notices = Notices(journal)
        self._values = Values(journal, arrays, known)
        self._datasets = Datasets(data_folder, self._loaded)

    def install(self) -> None:
        """Patch what is imported, now where it already is, else at its first import."""
        self._datasets.hook(self.hooks)
        self._notices.install()
        waiting: dict[str, Callable[[Any], None]] = {
            "keras.src.models.model": self._patch_keras,
            "keras.src.saving.saving_api": self._files.in_saving,
            "keras.src.optimizers.base_optimizer": self._patches.in_optimizer,
            "keras.src.losses.loss": self._patches.in_losses,
            "tensorflow.python.eager.backprop": self._patches.in_backprop,
            "tensorflow.python.data.ops.iterator_ops": self._patches.in_iterators,
            "tensorflow.python.eager.polymorphic_function.polymorphic_function": (
                self._patches.in_functions
            ),
            "tensorflow.python.ops.confusion_matrix": self._metrics.in_tensorflow,
            "sklearn.metrics._classification": self._metrics.in_sklearn,
            "sklearn.model_selection._validation": self._estimators.in_validation,
            "matplotlib.pyplot": self._figures.in_pyplot,
            "matplotlib.figure": self._figures.in_figure,
            "absl.logging": self._notices.in_absl,
        }
        for name, hook in waiting.items():
            self.hooks.when_imported(name, self._safe(hook))
        self.hooks.for_each_below("sklearn", self._safe(self._estimators.in_module))
        self.hooks.install()

    def allow(self, work: float | None, trainings: int = 1) -> None:
        """Bound the work of all Keras trainings together; the lab asks for so many `trainings`."""
        self._calls.budget.allow(None if work is None else Allowance(work, trainings))

    def note_old(self, code: str, used: str) -> None:
        """Record that an old spelling was run as what took its place."""
        if not self._journal.closed:
            self._journal.safely(self._journal.event, "legacy", code=code, used=used[:300])

    def after_cell(self, namespace: dict[str, Any]) -> None:
        """Record what a cell left pending, and close its figures."""
        journal = self._journal
        journal.safely(self._loops.settle, self._models_of(namespace))
        journal.safely(self._figures.harvest)
        self._use.new_cell()

    def finish(self, namespace: dict[str, Any]) -> None:
        """Emit all models with the names that hold them, and the variables; then be silent."""
        try:
            self._tell_the_rest(namespace)
        finally:
            self._journal.closed = True

    def _tell_the_rest(self, namespace: dict[str, Any]) -> None:
        self.after_cell(namespace)
        self._journal.safely(self._name_models, namespace)
        for entry in list(self._ledger.entries.values()):
            self._journal.safely(self._ledger.publish, entry)
        values = self._journal.safely(self._values.of, namespace)
        if values is not None:
            self._journal.safely(self._journal.values, values)

    def _models_of(self, namespace: dict[str, Any]) -> list[Any]:
        known = [entry.model for entry in self._ledger.entries.values()]
        found = self._journal.safely(models_in, namespace) or []
        return [model for model in known if is_model(model)] + found

    def _safe(self, hook: Callable[[Any], None]) -> Callable[[ModuleType], None]:
        def run(module: ModuleType) -> None:
            self._journal.safely(hook, module)

        return run

    def _patch_keras(self, module: Any) -> None:
        trainer = sys.modules["keras.src.trainers.trainer"].Trainer
        backend = sys.modules["keras.src.backend.tensorflow.trainer"]
        self._calls.patch(trainer, backend.TensorFlowTrainer)
        self._calls.budget.patch(backend)
        self._use.patch(module.Model)

    def _loaded(self, source: str, name: str) -> None:
        if not self._journal.closed:
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
