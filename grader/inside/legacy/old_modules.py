"""Imports from modules that Keras 3 moved or dropped."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

ROOTS = ("keras.", "tensorflow.keras.", "tensorflow.python.keras.", "keras._tf_keras.keras.")
MOVED = {
    "utils.np_utils": "utils",
    "utils.vis_utils": "utils",
    "utils.generic_utils": "utils",
    "layers.core": "layers",
    "layers.convolutional": "layers",
    "layers.advanced_activations": "layers",
    "layers.normalization": "layers",
    "layers.embeddings": "layers",
    "layers.pooling": "layers",
    "layers.merge": "layers",
    "layers.noise": "layers",
    "layers.recurrent": "layers",
    "layers.experimental": "layers",
    "layers.experimental.preprocessing": "layers",
}
"""Old module: the one below the same root that has its names now."""


class OldModules(MetaPathFinder, Loader):
    """Finds an old module that nothing else finds, and fills it with the names' new home."""

    def __init__(self, note: Callable[[str, str], None]) -> None:
        self._note = note

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,  # noqa: ARG002
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> ModuleSpec | None:
        """Return a spec for an old name; None for all others."""
        if home_of(fullname) is None:
            return None
        return ModuleSpec(fullname, self, is_package=True)

    def exec_module(self, module: ModuleType) -> None:
        """Put the public names of the new home into the module."""
        home = home_of(module.__name__)
        assert home is not None
        found = importlib.import_module(home)
        names = {name: value for name, value in vars(found).items() if not name.startswith("_")}
        vars(module).update(names)
        if module.__name__.endswith("layers.experimental"):
            module.preprocessing = found  # type: ignore[attr-defined]
        self._note("removed-module", f"an import from {module.__name__}")


def home_of(name: str) -> str | None:
    """Where the names of an old module are now, as `tensorflow.keras.layers`; None for others."""
    for root in ROOTS:
        if name.startswith(root) and name.removeprefix(root) in MOVED:
            below = "keras." if root == "tensorflow.python.keras." else root
            return below + MOVED[name.removeprefix(root)]
    return None


def install(note: Callable[[str, str], None]) -> None:
    """Look for old modules after everything else was asked, so that a real module goes first."""
    sys.meta_path.append(OldModules(note))
