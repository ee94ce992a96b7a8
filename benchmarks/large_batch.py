"""A batch of thousands: does it end, does its memory stay flat, is its time in proportion?

    python benchmarks/large_batch.py [--class N]

N notebooks (5,000) that import TensorFlow, each a right answer to lab02, are graded by `grade
batch`, two at a time. Every few seconds memory is read: of the grader (the command and its
workers) the private and shared pages, each shared page counted by its share (PSS); of the warm
server, without the submissions that are forked from it, the pages that are no file's (RssAnon). The
bound: less than 50 MB more with the last submission than with the 100th.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from measure import ROOT, grade, median, table, verdict
from peers import notebook, write

from grader.sandbox import usage

EVERY = 5.0
"""Seconds between two looks."""
LOADED = 150.0
"""MB of its own that a process holds at least which has imported TensorFlow."""
PARTS = 5
"""Into so many stretches of as many submissions the time is parted."""


@dataclass(frozen=True)
class Look:
    """After `seconds`, `done` submissions are graded; `grader` and `server` hold so many MB."""

    seconds: float
    done: int
    grader: float
    server: float


def memory(pid: int) -> tuple[float, float]:
    """MB of the grader's processes below `pid`, and of the warm server in its sandbox.

    The server is the eldest of those in the sandbox that hold TensorFlow.
    """
    grader, inside = 0.0, {}
    own = Path("/proc/self/ns/pid").readlink()
    for one in usage.family(pid):
        with contextlib.suppress(OSError, StopIteration):
            if Path(f"/proc/{one}/ns/pid").readlink() == own:
                grader += _megabytes(f"/proc/{one}/smaps_rollup", "Pss:")
            else:
                stat = Path(f"/proc/{one}/stat").read_text(encoding="utf-8", errors="replace")
                began = int(stat.rpartition(")")[2].split()[19])
                inside[began, one] = _megabytes(f"/proc/{one}/status", "RssAnon:")
    loaded = [size for _, size in sorted(inside.items()) if size > LOADED]
    return grader, loaded[0] if loaded else 0.0


def _megabytes(file: str, name: str) -> float:
    lines = Path(file).read_text(encoding="utf-8", errors="replace").splitlines()
    return int(next(line for line in lines if line.startswith(name)).split()[1]) * 1024 / 1e6


def watched(folder: Path, count: int) -> list[Look]:
    """Grade the class and look at it meanwhile."""
    words = [grade(), "batch", "lab02", str(folder / "class"), "-o", str(folder / "out")]
    words += ["--jobs", "2", "--course", str(ROOT)]
    results, begin, looks = folder / "out" / "results", time.perf_counter(), []
    with (
        open(folder / "log", "wb") as log,
        subprocess.Popen(words, stdout=log, stderr=log) as process,
    ):
        while process.poll() is None:
            time.sleep(EVERY)
            done = sum(1 for _ in results.iterdir()) if results.is_dir() else 0
            looks.append(Look(time.perf_counter() - begin, done, *memory(process.pid)))
            print(looks[-1], file=sys.stderr, flush=True)
    if process.returncode:
        raise RuntimeError((folder / "log").read_text(encoding="utf-8"))
    for path in results.iterdir():
        result = json.loads(path.read_text(encoding="utf-8"))
        if result["score"] != result["max_score"]:
            raise RuntimeError(f"{path} should have full marks")
    if len(list(results.iterdir())) != count:
        raise RuntimeError(f"{len(list(results.iterdir()))} of {count} were graded")
    return looks


def stretches(looks: list[Look], count: int) -> str:
    """Seconds a submission in each stretch of the batch, the start apart."""
    marks = [next(one for one in looks if one.done)]
    for part in range(1, PARTS + 1):
        marks.append(next(one for one in looks if one.done >= count * part / PARTS))
    return ", ".join(
        f"{(last.seconds - first.seconds) / (last.done - first.done):.3f}"
        for first, last in itertools.pairwise(marks)
        if last.done > first.done
    )


def held(looks: list[Look], what: str) -> float:
    """The median of the memory in these looks, in MB: submissions come and go in between."""
    return median([getattr(one, what) for one in looks])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--class", dest="size", type=int, default=5000, help="submissions (5000)")
    count = parser.parse_args().size
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for student in range(count):
            write(
                folder / "class" / f"s{student:05}.ipynb",
                notebook(student, "tensorflow.py", graded=False),
            )
        looks = watched(folder, count)
    early = [one for one in looks if 100 <= one.done <= 100 + count / 10]
    late = [one for one in looks if count * 9 / 10 <= one.done < count]
    rows = [
        (f"all {count:,} graded, full marks, in", f"{looks[-1].seconds:.0f} s"),
        (f"seconds a submission, in {PARTS} stretches", stretches(looks, count)),
    ]
    for what, name in (("the grader", "grader"), ("the warm server", "server")):
        first, last = held(early, name), held(late, name)
        grown = f"{first:.0f} MB, then {last:.0f} MB: {verdict(last - first, 50.0)}"
        rows.append((f"{what}: from the 100th on, in the last tenth; at most 50 MB more", grown))
    print(table("Thousands", rows, runs=1))


if __name__ == "__main__":
    main()
