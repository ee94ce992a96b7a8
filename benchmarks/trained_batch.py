"""A batch of trained labs beside the bare scripts: what grading adds to the training itself.

    python benchmarks/trained_batch.py [--runs N] [LAB ...]

Right answers of each lab (default: lab03) are run as plain scripts, one after the other, with all
the threads that TensorFlow takes by itself; then the same files are graded by `grade batch`, two at
a time. The bounds: 1.7 times the submissions an hour, and for the grader's own processes at most
5 % of the scripts' CPU time. The CPU time of the grader has the import of its warm server in it.
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

CLASS = 8
"""Submissions of each lab: its right answers, as often as it takes."""


def handed_in(folder: Path, lab: str) -> list[Path]:
    """The files of a class."""
    answers = sorted((ROOT / "assignments" / lab / "fixtures" / "right").glob("*.py"))
    (folder / "class").mkdir()
    names = (folder / "class" / f"s{number:02}.py" for number in range(CLASS))
    return [
        Path(shutil.copy(answers[number % len(answers)], name)) for number, name in enumerate(names)
    ]


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
    given = options(__doc__, runs=1, labs="lab03")
    rows = []
    for lab in given.labs or ["lab03"]:
        scripts, batches, rates, own = [], [], [], []
        for _ in range(given.runs):
            with tempfile.TemporaryDirectory() as name:
                folder = Path(name)
                files = handed_in(folder, lab)
                wall, cpu = bare(folder, files)
                words = ["batch", lab, str(folder / "class"), "-o", str(folder / "out")]
                cost = run([grade(), *words, "--jobs", "2", "--course", str(ROOT)])
            scripts.append(wall / CLASS)
            batches.append(cost.wall / CLASS)
            rates.append(wall / cost.wall)
            own.append(100 * cost.cpu / cpu)
        rows += [
            (f"{lab}: a bare script, {CLASS} one after the other", spread(scripts, "s")),
            (f"{lab}: a submission of `grade batch`, two jobs", spread(batches, "s")),
            (
                f"{lab}: submissions an hour, at least 1.7 times",
                f"{spread(rates, 'times')}, {verdict(-median(rates), -1.7)}",
            ),
            (
                f"{lab}: the grader's own CPU, at most 5 % of the scripts'",
                f"{spread(own, '%')}, {verdict(median(own), 5.0)}",
            ),
        ]
    print(table("Trained labs", rows, runs=given.runs))


if __name__ == "__main__":
    main()
