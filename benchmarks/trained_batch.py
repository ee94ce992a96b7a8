"""A batch of trained labs beside the bare scripts: what grading adds to the training itself.

    python benchmarks/trained_batch.py [--runs N]

Right answers to lab03 are run as plain scripts, one after the other, with all the threads that
TensorFlow takes by itself; then the same files are graded by `grade batch`, two at a time. The
bounds: 1.7 times the submissions an hour, and for the grader's own processes at most 5 % of the
scripts' CPU time. The CPU time of the grader has the import of its warm server in it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from measure import ROOT, grade, median, options, run, spread, table, verdict
from training import LOADER

from grader import data

RIGHT = ROOT / "assignments" / "lab03" / "fixtures" / "right"
OLD_SPELLINGS = ("keras_two.py", "openml_split.py")
"""What only the sandbox can run: an old Keras's names, a data set that is fetched."""


def handed_in(folder: Path) -> list[Path]:
    """The files of a class."""
    answers = [file for file in sorted(RIGHT.glob("*.py")) if file.name not in OLD_SPELLINGS]
    (folder / "class").mkdir()
    return [Path(shutil.copy(answer, folder / "class")) for answer in answers]


def bare(folder: Path, files: list[Path]) -> tuple[float, float]:
    """Wall and CPU seconds of running the files as scripts, one after the other."""
    public = f"_PUBLIC = {str(data.public_folder('mnist'))!r}"
    before, begin = os.times(), time.perf_counter()
    for file in files:
        script = folder / "bare.py"
        script.write_text(f"{public}{LOADER}\n{file.read_text(encoding='utf-8')}")
        words = [sys.executable, str(script)]
        subprocess.run(words, cwd=folder, capture_output=True, check=True)
    after = os.times()
    used = after.children_user + after.children_system
    used -= before.children_user + before.children_system
    return time.perf_counter() - begin, used


def main() -> None:
    """Measure and print."""
    given = options(__doc__, runs=1)
    scripts, batches, rates, own = [], [], [], []
    for _ in range(given.runs):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            files = handed_in(folder)
            wall, cpu = bare(folder, files)
            words = ["batch", "lab03", str(folder / "class"), "-o", str(folder / "out")]
            cost = run([grade(), *words, "--jobs", "2", "--course", str(ROOT)])
        scripts.append(wall / len(files))
        batches.append(cost.wall / len(files))
        rates.append(wall / cost.wall)
        own.append(100 * cost.cpu / cpu)
    rate, share = verdict(-median(rates), -1.7), verdict(median(own), 5.0)
    rows = [
        (f"a bare script, {len(files)} one after the other", spread(scripts, "s")),
        ("a submission of `grade batch`, two jobs", spread(batches, "s")),
        ("submissions an hour, at least 1.7 times", f"{spread(rates, 'times')}, {rate}"),
        ("the grader's own CPU, at most 5 % of the scripts'", f"{spread(own, '%')}, {share}"),
    ]
    print(table("lab03, trained", rows, runs=given.runs))


if __name__ == "__main__":
    main()
