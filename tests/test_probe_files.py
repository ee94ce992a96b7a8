"""A saved model is judged by loading its file and comparing what it predicts."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import pytest

from grader.inside.probe_tools import CannotProbe
from grader.inside.probes import run_probe

keras = pytest.importorskip("keras")
layers = keras.layers
X = np.random.default_rng(0).random((40, 12), dtype=np.float32)


class Own(keras.Model):  # type: ignore[misc,name-defined]
    """A class that Keras finds in no module of its own."""

    def __init__(self, units: int = 8) -> None:
        super().__init__()
        self.units = units
        self.hidden = layers.Dense(units, activation="relu")
        self.out = layers.Dense(4, activation="softmax")

    def call(self, x: Any) -> Any:
        return self.out(self.hidden(x))

    def get_config(self) -> dict[str, int]:
        return {"units": self.units}


def stacked() -> Any:
    return keras.Sequential([keras.Input((12,)), layers.Dense(8, "relu"), layers.Dense(4)])


def asked(model: Any, path: Path) -> dict[str, Any]:
    return run_probe("saved_file", model, {"x": X, "path": str(path)}, None)


def built(model: Any) -> Any:
    model(X)
    return model


@pytest.mark.parametrize("name", ["m.keras", "m.h5", "m.weights.h5"])
def test_a_file_of_the_model_gives_the_same(tmp_path: Path, name: str) -> None:
    model, path = stacked(), tmp_path / name
    save = model.save_weights if "weights" in name else model.save
    save(str(path))
    before = [variable.numpy() for variable in model.variables]
    answer = asked(model, path)
    assert answer["difference"] < 1e-6
    assert answer["agreement"] == 1
    assert answer["weights_only"] is ("weights" in name)
    after = [variable.numpy() for variable in model.variables]
    assert all(np.array_equal(old, new) for old, new in zip(before, after, strict=True))


def test_a_class_of_the_students_own_is_found_again(tmp_path: Path) -> None:
    model = built(Own())
    model.save(str(tmp_path / "own.keras"))
    assert asked(model, tmp_path / "own.keras")["difference"] < 1e-6


def test_an_exported_folder_is_read_too(tmp_path: Path) -> None:
    model = built(stacked())
    model.export(str(tmp_path / "folder"), verbose=False)
    assert asked(model, tmp_path / "folder")["difference"] < 1e-5


def test_a_file_of_other_weights_differs(tmp_path: Path) -> None:
    model = stacked()
    model.save(str(tmp_path / "early.keras"))
    for variable in model.variables:
        variable.assign(variable + 0.5)
    answer = asked(model, tmp_path / "early.keras")
    assert answer["difference"] > 0.1


def test_a_file_that_is_gone_or_of_another_model_is_refused_with_a_reason(tmp_path: Path) -> None:
    with pytest.raises(CannotProbe, match="no file"):
        asked(stacked(), tmp_path / "gone.keras")
    other = keras.Sequential([keras.Input((12,)), layers.Dense(3)])
    other.save(str(tmp_path / "other.keras"))
    with pytest.raises(CannotProbe, match="shape"):
        asked(stacked(), tmp_path / "other.keras")


def test_a_file_that_is_no_model_raises_what_keras_raises(tmp_path: Path) -> None:
    (tmp_path / "broken.keras").write_bytes(b"no zip")
    with pytest.raises(ValueError, match="keras"):
        asked(stacked(), tmp_path / "broken.keras")
