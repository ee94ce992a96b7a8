"""Threats 65 to 69: model files and data files that run code, reach outside or claim to be huge."""

from __future__ import annotations

import io
import pickle
import struct
from pathlib import Path

import numpy as np

from tests.threats.case import FULL, HONEST, TOTAL, Case, program

OUTSIDE = """
import os
def attack():
    done = []
    for path in KNOWN["files"] + KNOWN["folders"]:
        for target in (path, path + "/owned", path + ".owned"):
            try:
                open(target, "w").close()
                done.append(os.path.dirname(target) != "/tmp")  # its own, which goes with it
            except OSError:
                pass
    print("attacked", sum(done))
"""
CLEAN = "\ndel KNOWN\n"


class Owned:
    """Runs a command where it is unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        import os

        return os.system, ("touch /tmp/threat-was-unpickled; kill -9 $PPID",)


def only(name: str, content: bytes) -> object:
    """Writes this one file, and nothing else, as the submission."""

    def write(folder: Path, source: str) -> Path:
        path = folder / name
        path.write_bytes(content)
        return path

    return write


def beside(**files: bytes) -> object:
    """Writes a folder of the program and these files."""

    def write(folder: Path, source: str) -> Path:
        (folder / "work").mkdir()
        (folder / "work/plain.py").write_text(source)
        for name, content in files.items():
            (folder / "work" / name).write_bytes(content)
        return folder / "work"

    return write


def of_objects() -> bytes:
    """An .npz that holds a pickle."""
    stream = io.BytesIO()
    np.savez(stream, answer=np.array([Owned()], dtype=object))
    return stream.getvalue()


def huge_npy() -> bytes:
    """A file of 80 bytes that claims an array of 32 GiB."""
    said = b"{'descr': '<f8', 'fortran_order': False, 'shape': (4294967296,), }"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(said) + 1) + said + b"\n"


PICKLE = pickle.dumps(Owned())
CASES = (
    Case(
        65,
        "a Lambda layer's code in a .keras and an .h5 file",
        "CONTAINED",
        earns=FULL,
        lab="heavy",
        program=program(
            OUTSIDE,
            """
import keras
def evil(x):
    import builtins
    builtins.attack()
    return x
import builtins
builtins.attack = attack
for name in ("model.keras", "model.h5"):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Lambda(lambda x: evil(x))])
    model.save(name)
    try:
        keras.models.load_model(name)
        print(name, "was opened")
    except Exception as error:
        print(name, type(error).__name__)
    keras.models.load_model(name, safe_mode=False, custom_objects={"evil": evil})
""",
            CLEAN,
            HONEST,
        ),
        says=("attacked 0",),
    ),
    Case(
        65,
        "model files that run code, handed in beside the work",
        "CONTAINED",
        earns=FULL,
        program=program("import os\nprint(sorted(os.listdir('.')))", HONEST),
        hand_in=beside(  # type: ignore[arg-type]
            **{
                "model.keras": PICKLE,
                "model.h5": PICKLE,
                "model.pkl": PICKLE,
                "w.npz": of_objects(),
            }
        ),
        says=("model.h5",),
    ),
    Case(
        66,
        "TFSMLayer, a layer called ../../x and an HDF5 file that names another",
        "CONTAINED",
        earns=FULL,
        lab="heavy",
        program=program(
            OUTSIDE,
            """
import h5py, keras, tensorflow as tf
attack()
try:
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, name="../../../tmp/up")])
    model.save("up.keras")
    keras.models.load_model("up.keras")
    print("name taken")
except Exception as error:
    print("name", type(error).__name__)
met = 0
for number, path in enumerate(KNOWN["files"]):
    with h5py.File(f"{number}.h5", "w") as file:
        file.create_dataset("x", (16,), "u1", external=[(path, 0, 16)])
        file["other"] = h5py.ExternalLink(path, "/")
    with h5py.File(f"{number}.h5") as file:
        for name in ("x", "other"):
            try:
                met += bool(bytes(file[name][:]).strip(bytes(1)))
            except (OSError, KeyError):
                pass
print("through HDF5:", met)
class Layer(tf.Module):
    @tf.function(input_signature=[tf.TensorSpec([None, 2])])
    def serve(self, x): return x
tf.saved_model.save(Layer(), "saved")
layer = keras.layers.TFSMLayer("saved", call_endpoint="serving_default")
print("TFSM", type(layer).__name__)
del file, path
""",
            CLEAN,
            HONEST,
        ),
        says=("attacked 0", "through HDF5: 0", "TFSM TFSMLayer"),
    ),
    Case(
        67,
        "an .npy of 80 bytes that claims 32 GiB",
        "MLE",
        program="import numpy as np\nprint(np.load('x.npy').shape)\n",
        hand_in=beside(**{"x.npy": huge_npy()}),  # type: ignore[arg-type]
    ),
    Case(
        67,
        "an HDF5 data set of a giant shape",
        "MLE",
        lab="heavy",
        program=program(
            """
            import h5py
            with h5py.File("x.h5", "w") as file:
                file.create_dataset("x", (1 << 40,), "f8", chunks=(1 << 10,))
            with h5py.File("x.h5") as file:
                print(file["x"][:].sum())
            """,
        ),
    ),
    Case(68, "a pickle as the answer", "REJECT", hand_in=only("work.pkl", PICKLE)),  # type: ignore[arg-type]
    Case(68, "a pickle that is called a notebook", "REJECT", hand_in=only("work.ipynb", PICKLE)),  # type: ignore[arg-type]
    Case(68, "a joblib file as the answer", "REJECT", hand_in=only("work.joblib", PICKLE)),  # type: ignore[arg-type]
    Case(68, "an .npz of objects as the answer", "REJECT", hand_in=only("work.npz", of_objects())),  # type: ignore[arg-type]
    Case(
        68,
        "objects that run code when they are unpickled, returned",
        "FAIL",
        earns=3,
        program=program(
            """
            import os, pickle
            import numpy as np
            class Owned:
                def __reduce__(self): return os.system, ("touch /tmp/threat-was-unpickled",)
                def __reduce_ex__(self, protocol): return self.__reduce__()
                def __getstate__(self): os._exit(9)
            def scale(x):
                return [np.array([Owned()], dtype=object), pickle.dumps(Owned()), Owned()]
            """,
            TOTAL,
        ),
        outcomes={"scales": "failed"},
    ),
    Case(
        69,
        "a SavedModel with read_file and write_file",
        "CONTAINED",
        earns=FULL,
        lab="heavy",
        program=program(
            """
import tensorflow as tf
class Reach(tf.Module):
    @tf.function(input_signature=[tf.TensorSpec([], tf.string)])
    def read(self, path): return tf.io.read_file(path)
    @tf.function(input_signature=[tf.TensorSpec([], tf.string)])
    def write(self, path):
        tf.io.write_file(path, "owned")
        return tf.io.matching_files(path)
tf.saved_model.save(Reach(), "saved")
model = tf.saved_model.load("saved")
reached = []
for reach in (model.read, model.write):
    for path in KNOWN["files"] + KNOWN["folders"] + ["/etc/owned", "/usr/owned", "/data/owned"]:
        try:
            reach(tf.constant(path))
            # What is written to /tmp is written to its own.
            reached += [path] if reach is model.read or not path.startswith("/tmp/") else []
        except tf.errors.OpError:
            pass
del path, KNOWN
print("reached", len(reached))
model.write(tf.constant("/work/own"))
print("own", model.read(tf.constant("/work/own")).numpy())
""",
            HONEST,
        ),
        says=("reached 0", "own b'owned'"),
    ),
)
