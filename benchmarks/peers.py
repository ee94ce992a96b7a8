"""`grade batch` beside nbgrader and otter-grader, on the same notebooks in the same run.

    python benchmarks/peers.py [--class N] [--peers N]

The notebooks are right answers to lab02 that import TensorFlow: in one class all is done with it, a
Keras network built to count parameters included; in the other, as most students write it, with
NumPy. The peers are installed by pip,
each into a virtual environment of its own under build/peers/, with the TensorFlow that is used
here. They run one submission after the other, as they do by themselves: `nbgrader autograde`, and
`otter run`, which spares otter the container that `otter grade` would start. As each submission
takes them the same time, they are measured on fewer (--peers). nbgrader's own start is found with a
class of one, and shared among as many submissions as `grade batch` gets, which runs two at a time,
its start included. The peers get eight tests, which ask less than lab02's checks do.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

import nbformat
from measure import ROOT, grade, table
from nbformat.v4 import new_code_cell, new_notebook

HOME = ROOT / "build" / "peers"
RIGHT = ROOT / "assignments" / "lab02" / "fixtures" / "right"
ANSWERS = {"in TensorFlow": "tensorflow.py", "in NumPy": "numpy_reshape.py"}
AIMS = {"nbgrader": 40, "otter-grader": 100}
TESTS = {
    "flatten": "np.asarray(flatten(np.zeros((2, 3, 4)))).shape == (2, 12)",
    "add_channel": "np.asarray(add_channel(np.zeros((2, 3, 4)))).shape == (2, 3, 4, 1)",
    "linear": "np.allclose(linear(np.ones((2, 3)), np.ones((3, 4)), np.arange(4.0)), "
    "3 + np.arange(4.0))",
    "weights_shape": "tuple(weights_shape(784, 10)) == (784, 10)",
    "bias_as_row": "np.asarray(bias_as_row(np.zeros(5))).shape == (1, 5)",
    "one_hot": "np.array_equal(one_hot(np.array([1, 0]), 2), [[0, 1], [1, 0]])",
    "forward": "np.asarray(forward(np.ones((2, 3)), [(np.ones((3, 4)), np.ones(4)), "
    "(-np.ones((4, 2)), np.ones(2)), (np.eye(2), np.arange(2.0) + 2)])).min() == 2",
    "parameter_count": "parameter_count([784, 128, 10]) == 101770",
}


def environment(peer: str) -> Path:
    """The folder of programs of the peer's own environment, made where it is not there yet."""
    folder = HOME / peer
    if not (folder / "ready").exists():
        print(f"Installing {peer} …", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        wanted = [peer, "ipykernel", f"tensorflow=={version('tensorflow')}"]
        subprocess.run([folder / "bin" / "pip", "install", "--quiet", *wanted], check=True)
        (folder / "ready").touch()
    return folder / "bin"


def notebook(student: int, answer: str, *, graded: bool) -> nbformat.NotebookNode:
    """One student's notebook: a cell for each function; `graded`, nbgrader's tests between them."""
    head = f"# Student {student}\nimport numpy as np\nimport tensorflow as tf"
    cells = [new_code_cell(head, id="head")]
    parts = (RIGHT / answer).read_text(encoding="utf-8").split("\n\n\n")
    cells += [new_code_cell(part, id=f"part{number}") for number, part in enumerate(parts)]
    for name, test in TESTS.items() if graded else ():
        cell = new_code_cell(f"assert {test}", id=f"test-{name}")
        cell.metadata["nbgrader"] = {
            "grade": True,
            "grade_id": f"test-{name}",
            "locked": True,
            "points": 2,
            "schema_version": 3,
            "solution": False,
            "task": False,
        }
        cells.append(cell)
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return new_notebook(cells=cells, metadata={"kernelspec": kernel})


def write(path: Path, content: nbformat.NotebookNode) -> Path:
    """Write a notebook, its folder as well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(content, path)
    return path


def timed(*command: object, where: Path) -> float:
    """Wall seconds of a command that has to succeed; it finds the other programs of its own."""
    words = [str(part) for part in command]
    env = {**os.environ, "PATH": f"{Path(words[0]).parent}{os.pathsep}{os.environ['PATH']}"}
    begin = time.perf_counter()
    done = subprocess.run(words, cwd=where, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(
            f"{command[0]} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
        )
    return time.perf_counter() - begin


def ours(folder: Path, answer: str, count: int) -> float:
    """Seconds a submission of `grade batch`, reports and tables included."""
    for student in range(count):
        write(folder / "class" / f"s{student:04}.ipynb", notebook(student, answer, graded=False))
    command = [grade(), "batch", "lab02", "class", "-o", "out", "--jobs", "2", "--course", ROOT]
    seconds = timed(*command, where=folder)
    for path in (folder / "out" / "results").iterdir():
        result = json.loads(path.read_text(encoding="utf-8"))
        if result["score"] != result["max_score"]:
            raise RuntimeError(f"{path} should have full marks")
    return seconds / count


def nbgrader(folder: Path, answer: str, count: int, size: int) -> float:
    """Seconds a submission of `nbgrader autograde` in a class of `size`; measured are `count`."""
    one = _autograde(folder / "one", answer, 1)
    each = (_autograde(folder / "more", answer, 1 + count) - one) / count
    return each + (one - each) / size


def _autograde(folder: Path, answer: str, count: int) -> float:
    """Wall seconds of `nbgrader autograde` for so many submissions."""
    bin_ = environment("nbgrader")
    (folder / "nbgrader_config.py").parent.mkdir(parents=True, exist_ok=True)
    (folder / "nbgrader_config.py").write_text(
        'c = get_config()\nc.CourseDirectory.course_id = "peers"\n'
        "c.ExecutePreprocessor.iopub_timeout = 60\n",
        encoding="utf-8",
    )
    write(folder / "source" / "lab02" / "lab02.ipynb", notebook(0, answer, graded=True))
    timed(bin_ / "nbgrader", "generate_assignment", "lab02", where=folder)
    for student in range(count):
        place = folder / "submitted" / f"s{student:04}" / "lab02" / "lab02.ipynb"
        write(place, notebook(student, answer, graded=True))
    seconds = timed(bin_ / "nbgrader", "autograde", "lab02", where=folder)
    found = len(list((folder / "autograded").glob("*/lab02/lab02.ipynb")))
    if found != count:
        raise RuntimeError(f"nbgrader graded {found} of {count}")
    return seconds


def otter(folder: Path, answer: str, count: int, _size: int) -> float:
    """Seconds a submission of `otter run`, which begins anew with each."""
    bin_ = environment("otter-grader")
    tests = folder / "tests"
    tests.mkdir(parents=True, exist_ok=True)
    for name, test in TESTS.items():
        case = {"code": f">>> import numpy as np\n>>> bool({test})\nTrue", "hidden": False}
        suite = {"cases": [case], "scored": True, "setup": "", "teardown": "", "type": "doctest"}
        told = {"name": name, "points": 2, "suites": [suite]}
        (tests / f"{name}.py").write_text(f"OK_FORMAT = True\ntest = {told!r}\n", encoding="utf-8")
    timed(bin_ / "otter", "generate", "--no-environment", "-t", "tests", where=folder)
    seconds = 0.0
    for student in range(count):
        write(folder / f"s{student:04}.ipynb", notebook(student, answer, graded=False))
        (folder / f"out{student}").mkdir()
        command = [bin_ / "otter", "run", "-a", "autograder.zip", "-o", f"out{student}"]
        seconds += timed(*command, f"s{student:04}.ipynb", where=folder)
        told = json.loads((folder / f"out{student}" / "results.json").read_text(encoding="utf-8"))
        if not all(test.get("score") == test.get("max_score") for test in told["tests"]):
            raise RuntimeError(f"otter should give full marks: {told}")
    return seconds / count


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--class", dest="size", type=int, default=100, help="for grade (100)")
    parser.add_argument("--peers", type=int, default=5, help="for each of the peers (5)")
    given = parser.parse_args()
    rows = []
    for name, answer in ANSWERS.items():
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder)
            mine = ours(place / "grade", answer, given.size)
            ran = f"{name}: `grade batch`, two jobs, {given.size} submissions"
            rows.append((ran, f"{mine:.3f} s each"))
            for peer, measure in (("nbgrader", nbgrader), ("otter-grader", otter)):
                theirs = measure(place / peer, answer, given.peers, given.size)
                ratio = f"{theirs / mine:.0f} times ours; aim {AIMS[peer]}"
                ran = f"{name}: {peer} {_version(peer)}, {given.peers} submissions"
                rows.append((ran, f"{theirs:.2f} s each, {ratio}"))
    print(table("Beside nbgrader and otter-grader", rows, runs=1))


def _version(peer: str) -> str:
    command = [str(HOME / peer / "bin" / "pip"), "show", peer]
    told: str = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return next(line.split()[1] for line in told.splitlines() if line.startswith("Version:"))


if __name__ == "__main__":
    main()
