"""Threats 19 to 27: fooling those who judge by what comes along, is written down or is faked."""

from __future__ import annotations

from pathlib import Path

from tests.threats.case import FULL, HONEST, TOTAL, Case, program
from tests.threats.forging import WRONG


def folder_of(**files: str) -> object:
    """Writes a folder: the program as the lab's file, and these files beside it."""

    def write(folder: Path, source: str) -> Path:
        (folder / "work").mkdir()
        (folder / "work/plain.py").write_text(source)
        for name, text in files.items():
            (folder / "work" / name).write_text(text)
        return folder / "work"

    return write


CASES = (
    Case(
        19,
        "conftest.py, pytest.ini and a plugin come along",
        "FAIL",
        program="print('work')\n" + WRONG,
        hand_in=folder_of(  # type: ignore[arg-type]
            **{
                "conftest.py": "import os, sys\nsys.stderr.write('conftest')\nos._exit(0)\n",
                "pytest.ini": "[pytest]\naddopts = --collect-only -p evil\n",
                "evil.py": "raise SystemExit('a plugin was loaded')\n",
                "tox.ini": "[pytest]\naddopts = -k nothing\n",
                "setup.cfg": "[tool:pytest]\naddopts = -k nothing\n",
                "test_plain.py": "def test_scales(): pass\ndef test_totals(): pass\n",
            }
        ),
        outcomes={"scales": "failed", "totals": "failed"},
    ),
    Case(
        20,
        "numpy.py, json.py, sitecustomize.py and a .pth come along",
        "CONTAINED",
        earns=FULL,
        program=program("import numpy as np\nprint(np.arange(3).sum())", HONEST),
        says=("3",),
        hand_in=folder_of(  # type: ignore[arg-type]
            **{
                f"{name}.py": f"import os\nos.write(2, b'{name} was shadowed')\nos._exit(7)\n"
                for name in (
                    *("numpy", "tensorflow", "json", "sitecustomize", "usercustomize"),
                    *("socket", "struct", "inside", "grader", "threading", "IPython"),
                )
            },
            **{"evil.pth": "import os; os._exit(7)\n"},
        ),
    ),
    Case(
        21,
        "kill(getppid) and kill(-1)",
        "CRASH",
        program="""
import os, signal
for victim in (os.getppid(), 0, -1, KNOWN["pid"]):
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGSTOP, signal.SIGKILL):
        try:
            os.kill(victim, number) if victim else None
        except OSError as error:
            print(victim, error.strerror)
os.kill(0, signal.SIGKILL)
"""
        + HONEST,
    ),
    Case(
        22,
        "a submission that works only where it finds out that it is watched",
        "FAIL",
        earns=3,
        program=program(
            """
            import os, socket, sys, threading
            def marks():
                frame, names = sys._getframe(2), []
                while frame:
                    names.append((frame.f_code.co_filename, frame.f_code.co_name, frame.f_lineno))
                    frame = frame.f_back
                return (
                    sorted(os.environ.items()), sys.argv, socket.gethostname(), os.getcwd(), names,
                    sorted(os.listdir("/proc/self/fd")), sorted(os.listdir(".")), os.getuid(),
                    len(threading.enumerate()), sorted(os.listdir("/")), os.getpid(), os.getppid())
            seen = []
            def scale(x):
                seen.append(marks())
                return x / 255 if seen[-1] != seen[0] else x * 0
            """,
            TOTAL,
        ),
    ),
    Case(
        22,
        "the words of a grader in all that can be seen",
        "CONTAINED",
        earns=FULL,
        program=program(
            """
            import os, re, socket, sys
            words = {"hidden", "grader", "nbgrader", "autograder", "pytest", "rubrics", "reference"}
            text = " ".join([*os.environ, *os.environ.values(), *sys.argv, *sys.path, os.getcwd(),
                             *sys.modules, *os.listdir("/"), *os.listdir("."),
                             socket.gethostname()])
            print("words:", sorted(words & set(re.findall("[a-z]+", text.lower()))))
            """,
            HONEST,
        ),
        says=("words: []",),
    ),
    Case(
        23,
        "right for the first call, then wrong",
        "FAIL",
        earns=5,
        outcomes={"scales": "passed", "scales_anything": "failed"},
        program=program(
            """
            calls = []
            def scale(x):
                calls.append(1)
                return x / 255 if len(calls) < 2 else x / 256
            """,
            TOTAL,
        ),
    ),
    Case(
        24,
        "the public answers written down",
        "FAIL",
        earns=5,
        outcomes={"scales": "passed", "totals": "passed", "scales_anything": "failed"},
        program="import numpy as np\ndef scale(x): return np.array([0, 0.2, 1])\n"
        "def total(x): return 6\n",
    ),
    Case(
        25,
        "everything labelled on the disk is learned by heart",
        "FAIL",
        earns=4,
        lab="digits",
        outcomes={"trained": "passed", "recognises_digits": "failed"},
        program="""
import os, sys
import numpy as np
from sklearn.neighbors import KNeighborsClassifier
found = []
for top in ("/data", "/driver", "/work", "/tmp", "/home", "/root", "/srv", "/opt", "/var", "/run",
            KNOWN["package"], os.path.join(sys.prefix, "share"), "/proc/1/cwd"):
    for folder, _, names in os.walk(top):
        found += [os.path.join(folder, name) for name in names
                  if "labels" in name and name.endswith((".npy", ".npz", "ubyte"))]
print("labels:", sorted(found))
images = np.load("/data/visible_images.npy").reshape(-1, 784)
labels = np.load("/data/visible_labels.npy")
known = {image.tobytes(): label for image, label in zip(images, labels)}
class Memory(KNeighborsClassifier):
    def predict(self, x):
        rows = np.asarray(x).reshape(len(x), -1)
        whole = np.round(rows * (255 if rows.max() <= 1 else 1)).astype("uint8")
        return np.array([known.get(row.tobytes(), 0) for row in whole])
model = Memory(1)
model.fit(images / 255, labels)
print("by heart:", (model.predict(images / 255) == labels).mean())
""",
        says=(
            "['/data/train_labels.npy', '/data/visible_labels.npy']",
            "by heart: 1.0",
        ),
    ),
    Case(
        26,
        "stored predictions for the published test pictures",
        "FAIL",
        earns=4,
        lab="digits",
        outcomes={"trained": "passed", "recognises_digits": "failed"},
        program="""
import numpy as np
from sklearn.datasets import fetch_openml
from sklearn.neighbors import KNeighborsClassifier
x, y = fetch_openml("mnist_784", return_X_y=True, as_frame=False)
stored = y[60000:]
class Stored(KNeighborsClassifier):
    def predict(self, x): return stored[:len(x)]
    def score(self, x, y): return 1.0
model = Stored(1)
model.fit(x[:100] / 255, y[:100])
print("claims", model.score(x[60000:], y[60000:]), (model.predict(x[60000:]) == y[60000:]).mean())
""",
        says=("claims 1.0 1.0",),
    ),
    Case(
        27,
        "a faked History, evaluate and metric",
        "FAIL",
        earns=4,
        lab="digits",
        outcomes={"trained": "passed", "recognises_digits": "failed"},
        program="""
import numpy as np, keras
(x, y), (xt, yt) = keras.datasets.mnist.load_data()
model = keras.Sequential([keras.Input((28, 28)), keras.layers.Flatten(),
                          keras.layers.Dense(10, activation="softmax")])
model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
history = model.fit(x[:64] / 255, y[:64], epochs=1, verbose=0)
history.history["accuracy"] = history.history["val_accuracy"] = [0.99, 0.999]
keras.Model.evaluate = keras.Sequential.evaluate = lambda self, *a, **k: [0.0, 0.9999]
model.evaluate = lambda *a, **k: [0.0, 0.9999]
keras.metrics.Accuracy.result = lambda self: 0.9999
print("accuracy", model.evaluate(xt, yt)[1], history.history["val_accuracy"][-1])
""",
        says=("accuracy 0.9999 0.999",),
    ),
)
