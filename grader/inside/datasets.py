"""The bundled data behind the loaders that students use, and a clear no to every download.

`load_data` returns the 60,000 training digits as they are, and as test set the 5,000 visible ones
twice; `fetch_openml` returns the same 70,000 rows in the forms that scikit-learn gives them.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.error import URLError

import numpy as np

from .import_hooks import PostImport, replace_everywhere

Array = np.ndarray[Any, Any]
Split = tuple[tuple[Array, Array], tuple[Array, Array]]

NO_NETWORK = (
    "There is no network here, so nothing can be downloaded. MNIST is on board: use "
    "keras.datasets.mnist.load_data() or sklearn.datasets.fetch_openml('mnist_784')."
)
OPENML_NAME = "mnist_784"
OPENML_ID = 554
PIXELS = 784


class Datasets:
    """Serves the data folder to Keras and scikit-learn. `loaded(source, name)` is told of it."""

    def __init__(self, folder: str | None, loaded: Callable[[str, str], None]) -> None:
        self._folder = None if folder is None else Path(folder)
        self._loaded = loaded

    def hook(self, hooks: PostImport) -> None:
        """Wait for the modules whose loaders are replaced."""
        hooks.when_imported("keras.src.utils.file_utils", self._in_file_utils)
        hooks.when_imported("keras.src.datasets.mnist", self._in_keras_mnist)
        hooks.when_imported("sklearn.datasets._openml", self._in_openml)
        hooks.when_imported("sklearn.datasets._base", self._in_sklearn_base)
        hooks.when_imported("urllib.request", self._in_urllib)

    def split(self) -> Split:
        """((x_train, y_train), (x_test, y_test)), uint8, each call with arrays of its own."""
        if self._folder is None or not (self._folder / "train_images.npy").is_file():
            raise URLError("No data set comes with this lab, and there is no network here.")
        names = ("train_images", "train_labels", "visible_images", "visible_labels")
        x, y, x_test, y_test = (np.load(self._folder / f"{name}.npy") for name in names)
        twice = np.concatenate([x_test, x_test]), np.concatenate([y_test, y_test])
        return (x, y), twice

    def _in_keras_mnist(self, module: ModuleType) -> None:
        original = module.load_data

        @functools.wraps(original)
        def load_data(path: str = "mnist.npz") -> Split:  # noqa: ARG001
            split = self.split()
            self._loaded("keras", "mnist")
            return split

        _rebind(module, "load_data", load_data, ("keras", "tensorflow"))

    def _in_file_utils(self, module: ModuleType) -> None:
        original = module.get_file

        @functools.wraps(original)
        def get_file(fname: Any = None, origin: Any = None, *args: Any, **kwargs: Any) -> Any:
            wanted = Path(str(fname or origin or "")).name
            if wanted == "mnist.npz":
                path = self._npz(kwargs.get("cache_dir"), kwargs.get("cache_subdir", "datasets"))
                self._loaded("get_file", "mnist")
                return path
            if str(origin).startswith("file:"):
                return original(fname, origin, *args, **kwargs)
            raise URLError(f"{wanted or 'This file'} cannot be fetched. {NO_NETWORK}")

        _rebind(module, "get_file", get_file, ("keras", "tensorflow"))

    def _npz(self, cache: Any, folder: str) -> str:
        home = Path(cache) if cache else Path.home() / ".keras"
        path = home / folder / "mnist.npz"
        (x_train, y_train), (x_test, y_test) = self.split()
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            np.savez(path, x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)
        return str(path)

    def _in_openml(self, module: ModuleType) -> None:
        original = module.fetch_openml

        @functools.wraps(original)
        def fetch_openml(name: Any = None, **options: Any) -> Any:
            data_id = options.get("data_id")
            known = name is not None and str(name).lower() == OPENML_NAME
            if not known and (name is not None or str(data_id) != str(OPENML_ID)):
                wanted = f"data set {name if name is not None else data_id!r}"
                raise URLError(f"The {wanted} cannot be fetched. {NO_NETWORK}")
            bunch = _openml(self.split(), options)
            self._loaded("fetch_openml", "mnist")
            return bunch

        _rebind(module, "fetch_openml", fetch_openml, ("sklearn",))

    def _in_sklearn_base(self, module: ModuleType) -> None:
        """Every other scikit-learn data set to be fetched comes through this function."""
        original = getattr(module, "_fetch_remote", None)
        if original is None:
            return

        @functools.wraps(original)
        def _fetch_remote(*args: Any, **kwargs: Any) -> Any:  # noqa: ARG001
            raise URLError(NO_NETWORK)

        _rebind(module, "_fetch_remote", _fetch_remote, ("sklearn",))

    def _in_urllib(self, module: ModuleType) -> None:
        original = module.OpenerDirector.open

        @functools.wraps(original)
        def open(self: Any, fullurl: Any, *args: Any, **kwargs: Any) -> Any:
            address = fullurl if isinstance(fullurl, str) else fullurl.full_url
            if address.startswith(("http:", "https:", "ftp:")):
                raise URLError(NO_NETWORK)
            return original(self, fullurl, *args, **kwargs)

        module.OpenerDirector.open = open


def _rebind(module: ModuleType, name: str, new: Any, packages: tuple[str, ...]) -> None:
    old = getattr(module, name)
    setattr(module, name, new)
    replace_everywhere(old, new, packages)


def _openml(split: Split, options: dict[str, Any]) -> Any:
    """MNIST as OpenML's `mnist_784`: pixels int64 (float64 by liac-arff), labels as text."""
    from sklearn.utils import Bunch

    as_frame = options.get("as_frame", "auto") not in (False, "False")
    if as_frame:
        import pandas  # noqa: F401  # as scikit-learn: an ImportError where it is missing
    (x_train, y_train), (x_test, y_test) = split
    arff = options.get("parser") == "liac-arff" and not as_frame
    data = np.concatenate([x_train, x_test]).reshape(-1, PIXELS)
    data = data.astype(np.float64 if arff else np.int64)
    text = np.concatenate([y_train, y_test]).astype(str).astype(object)
    names = [f"pixel{i}" for i in range(1, PIXELS + 1)]
    frame = None
    target: Any = text
    if as_frame:
        data, target, frame = _frames(data, text, names)
    if options.get("return_X_y", False):
        return data, target
    return Bunch(
        data=data,
        target=target,
        frame=frame,
        categories=None if as_frame else {"class": [str(digit) for digit in range(10)]},
        feature_names=names,
        target_names=["class"],
        DESCR="MNIST: 70,000 handwritten digits of 28×28 pixels, as bundled with this course.",
        details={"id": str(OPENML_ID), "name": OPENML_NAME, "version": "1", "format": "ARFF"},
        url=f"https://www.openml.org/d/{OPENML_ID}",
    )


def _frames(data: Array, text: Array, names: list[str]) -> tuple[Any, Any, Any]:
    pandas = sys.modules["pandas"]
    frame = pandas.DataFrame(data, columns=names, copy=False)
    categories = [str(digit) for digit in range(10)]
    target = pandas.Series(pandas.Categorical(text, categories=categories), name="class")
    whole = frame.copy(deep=False)
    whole["class"] = target
    return frame, target, whole
