"""The bundled data behind the loaders, and the post-import hooks that put it there."""

from __future__ import annotations

import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest
from recorded import Told, run_cells

from grader.data import public_folder
from grader.inside.import_hooks import PostImport

SKLEARN_CELLS = [
    """
import numpy as np
from sklearn.datasets import fetch_openml
answer = {}
bunch = fetch_openml("mnist_784", version=1, as_frame=False, parser="auto")
answer["arrays"] = [list(bunch.data.shape), str(bunch.data.dtype), str(bunch.target.dtype),
                    type(bunch.target[0]).__name__, bunch.target[0], bunch.feature_names[0]]
answer["old"] = str(fetch_openml(data_id=554, as_frame=False, parser="liac-arff").data.dtype)
del bunch
""",
    """
import pandas as pd
X, y = fetch_openml("mnist_784", return_X_y=True)
answer["frame"] = [type(X).__name__, list(X.shape), X.columns[-1], y.name, str(y.dtype),
                   y.iloc[0], str(X.dtypes.iloc[0])]
answer["astype"] = y.astype(int).tolist()[:3]
whole = fetch_openml("mnist_784", as_frame=True).frame
answer["whole"] = [list(whole.shape), whole.columns[-1]]
del X, y, whole
""",
    'fetch_openml("iris")',
    "from sklearn.datasets import fetch_california_housing; fetch_california_housing()",
    'import urllib.request; urllib.request.urlopen("http://example.invalid/mnist.csv")',
    "from sklearn.datasets import load_iris; answer['iris'] = len(load_iris().data)",
]
KERAS_CELLS = [
    """
import numpy as np, keras
answer = {}
from keras.datasets import mnist
(x, y), (xt, yt) = mnist.load_data()
answer["shapes"] = [list(a.shape) for a in (x, y, xt, yt)] + [str(x.dtype), x.flags.writeable]
answer["twice"] = bool((xt[:5000] == xt[5000:]).all() and (yt[:5000] == yt[5000:]).all())
answer["name"] = mnist.load_data.__name__
""",
    """
path = keras.utils.get_file("mnist.npz", "https://example.invalid/mnist.npz", cache_dir=".")
answer["file"] = sorted(np.load(path).files)
answer["same"] = bool((np.load(path)["x_train"] == x).all())
""",
    "keras.datasets.fashion_mnist.load_data()",
    'keras.utils.get_file("flowers.tgz", "https://example.invalid/flowers.tgz")',
]


@pytest.fixture(scope="module")
def sklearn_told() -> Told:
    return run_cells(SKLEARN_CELLS, str(public_folder("mnist")))


@pytest.fixture(scope="module")
def keras_told() -> Told:
    return run_cells(KERAS_CELLS, str(public_folder("mnist")))


def test_keras_gets_the_training_digits_and_the_visible_half_twice(keras_told: Told) -> None:
    answer = keras_told.answer
    assert answer["shapes"] == [
        [60_000, 28, 28], [60_000], [10_000, 28, 28], [10_000], "uint8", True,
    ]  # fmt: skip
    assert answer["twice"] is True
    assert answer["name"] == "load_data"


def test_get_file_makes_the_archive_that_tutorials_open(keras_told: Told) -> None:
    assert keras_told.answer["file"] == ["x_test", "x_train", "y_test", "y_train"]
    assert keras_told.answer["same"] is True


def test_every_load_is_told(keras_told: Told) -> None:
    assert [event["source"] for event in keras_told.of_kind("data")] == ["keras", "get_file"]


def test_other_downloads_fail_at_once_and_name_what_is_on_board(
    keras_told: Told, sklearn_told: Told
) -> None:
    faults = [*keras_told.faults, *sklearn_told.faults]
    assert [fault.split(":")[0] for fault in faults] == ["3", "4", "3", "4", "5"]
    assert all("no network here" in fault and "load_data" in fault for fault in faults)


def test_openml_gives_pixels_and_labels_as_text_like_the_real_one(sklearn_told: Told) -> None:
    assert sklearn_told.answer["arrays"] == [
        [70_000, 784], "int64", "object", "str", "5", "pixel1",
    ]  # fmt: skip
    assert sklearn_told.answer["old"] == "float64"


def test_openml_gives_a_frame_with_a_categorical_column(sklearn_told: Told) -> None:
    assert sklearn_told.answer["frame"] == [
        "DataFrame", [70_000, 784], "pixel784", "class", "category", "5", "int64",
    ]  # fmt: skip
    assert sklearn_told.answer["astype"] == [5, 0, 4]
    assert sklearn_told.answer["whole"] == [[70_000, 785], "class"]


def test_data_sets_that_come_with_scikit_learn_still_load(sklearn_told: Told) -> None:
    assert sklearn_told.answer["iris"] == 150


def test_a_lab_without_data_says_so() -> None:
    told = run_cells(["from sklearn.datasets import fetch_openml; fetch_openml('mnist_784')"], None)
    assert "No data set comes with this lab" in told.faults[0]


def test_a_hook_runs_before_names_are_taken_from_the_module(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "late_module.py").write_text("def value():\n    return 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    hooks = PostImport()

    def double(module: types.ModuleType) -> None:
        module.value = lambda: 2  # type: ignore[attr-defined]

    hooks.when_imported("late_module", double)
    hooks.install()
    try:
        from late_module import value  # type: ignore[import-not-found]
    finally:
        hooks.remove()
        sys.modules.pop("late_module", None)
    assert value() == 2


def test_a_module_that_is_loaded_already_is_hooked_at_once() -> None:
    hooks, seen = PostImport(), []
    hooks.when_imported("numpy", seen.append)
    assert seen == [np]


def test_a_module_that_does_not_exist_fails_as_ever() -> None:
    hooks = PostImport()
    hooks.when_imported("no_such_module_at_all", lambda _: None)
    hooks.install()
    try:
        with pytest.raises(ModuleNotFoundError, match="no_such_module_at_all"):
            __import__("no_such_module_at_all")
    finally:
        hooks.remove()


def test_installing_the_recorder_imports_nothing_heavy() -> None:
    program = (
        "import sys\n"
        "from grader.inside.recorder import Recorder\n"
        "Recorder(lambda *_: None, lambda: (None, None), None).install()\n"
        "print(*sorted({'tensorflow', 'keras', 'sklearn', 'matplotlib', 'pandas'}"
        " & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == ""
