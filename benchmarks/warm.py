"""What the warm server saves: a submission forked from it, beside one that starts cold.

    python benchmarks/warm.py [--runs N]

Measured is the time to a first result of TensorFlow in the sandbox, and a whole grading of a small
submission that uses TensorFlow. Warm and cold take turns; the server's own start is given apart.
"""

from __future__ import annotations

import time

from measure import ROOT, median, options, spread, table

from grader.course import Course
from grader.grading import grade, sight_of
from grader.records.lab import Limits
from grader.sandbox import Sandbox, kept_warm, open_sandbox
from grader.submissions import read

SUBMISSION = ROOT / "assignments" / "lab02" / "fixtures" / "right" / "tensorflow.py"
FIRST_RESULT = """
import tensorflow as tf
channel.sendall(f"{float(tf.reduce_sum(tf.ones((3, 3))))}\\n".encode())
"""
LAB = Course(ROOT).load("lab02")


def first_result(sandbox: Sandbox) -> float:
    """Seconds until TensorFlow has added nine ones in a new sandbox."""
    begin = time.perf_counter()
    with sandbox.start(Limits(), sight_of(LAB), entry={"source": FIRST_RESULT}) as child:
        child.channel.settimeout(60)
        if child.channel.makefile("r").readline() != "9.0\n":
            raise RuntimeError(f"TensorFlow gave no result: {child.output}")
        return time.perf_counter() - begin


def whole_grading(sandbox: Sandbox) -> float:
    """Seconds for a grading with full marks."""
    begin = time.perf_counter()
    result = grade(LAB, read(SUBMISSION), sandbox, hidden=True).result
    if result.score != result.max_score:
        raise RuntimeError(f"{SUBMISSION} should have full marks: {result.to_json()}")
    return time.perf_counter() - begin


def main() -> None:
    """Measure and print."""
    runs = options(__doc__, runs=7).runs
    cold = open_sandbox()
    begin = time.perf_counter()
    with kept_warm(cold, [sight_of(LAB)]) as warm:
        first_result(warm)
        start = time.perf_counter() - begin
        if not warm.warm:
            raise RuntimeError("this machine allows no warm server")
        rows = [("start of the warm server, once", f"{start:.2f} s")]
        for what, measure in (
            ("first result of TensorFlow", first_result),
            ("`grade check lab02`, whole, TensorFlow answer", whole_grading),
        ):
            pairs = [(measure(warm), measure(cold)) for _ in range(runs + 1)][1:]
            forked, started = zip(*pairs, strict=True)
            ratio = median(started) / median(forked)
            rows += [
                (f"{what}, warm", spread(forked, "s")),
                (f"{what}, cold", spread(started, "s")),
                ("… cold / warm", f"{ratio:.1f}"),
            ]
    print(table("Warm and cold", rows, runs=runs))


if __name__ == "__main__":
    main()
