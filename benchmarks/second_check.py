"""What `grade check` leaves behind for the next: the first check, the second, and `--no-warm`.

    python benchmarks/second_check.py [--runs N]

Measured is the whole command on an answer that uses TensorFlow, from the start of Python to its
end. Each run begins without anything kept, and waits for it to be ready before the second check.
"""

from __future__ import annotations

import os
import signal
import tempfile
import time

from measure import ROOT, Cost, grade, median, options, run, spread, table, verdict

from grader.sandbox import keeper

SUBMISSION = ROOT / "assignments" / "lab02" / "fixtures" / "right" / "tensorflow.py"
BOUND = 1.0
"""Seconds that a second check may take on a quiet machine."""
READY = 120.0
LATER = 3


def check(*more: str) -> Cost:
    """One whole `grade check lab02`; it ends with 0, for full marks."""
    return run([grade(), "check", "lab02", str(SUBMISSION), *more])


def awaited() -> tuple[keeper.Standing, float]:
    """The keeper, once it is ready, and the seconds until then."""
    begin = time.perf_counter()
    while (found := keeper.standing()) is None:
        if time.perf_counter() - begin > READY:
            raise RuntimeError("nothing was left behind: is memory short, or the sandbox weak?")
        time.sleep(0.05)
    return found, time.perf_counter() - begin


def one_run() -> tuple[float, float, list[float], float]:
    """Seconds of a first check, until the keeper is ready, of later checks, and of a cold one."""
    first = check().wall
    found, until_ready = awaited()
    later = [check().wall for _ in range(LATER)]
    now = keeper.standing()
    if now is None or now.lent != LATER:
        raise RuntimeError("a later check was not forked")
    cold = check("--no-warm").wall
    os.kill(found.pid, signal.SIGTERM)
    while keeper.standing() is not None:
        time.sleep(0.05)
    return first, until_ready, later, cold


def main() -> None:
    """Measure and print."""
    runs = options(__doc__, runs=5).runs
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"XDG_RUNTIME_DIR": folder, "GRADE_WARM_MINUTES": "10"}
        os.environ.pop("CI", None)
        check("--no-warm")
        found = [one_run() for _ in range(runs)]
    first, until_ready, _, cold = (list(column) for column in zip(*found, strict=True))
    later = [wall for one in found for wall in one[2]]
    rows = [
        ("first check", spread(first, "s")),
        ("… until TensorFlow is kept ready, behind the student's back", spread(until_ready, "s")),
        ("second check and later ones", spread(later, "s")),
        (f"… at most {BOUND:g} s", verdict(median(later), BOUND)),
        ("`--no-warm`", spread(cold, "s")),
        ("`--no-warm` / second", f"{median(cold) / median(later):.1f}"),
    ]
    print(table("A second `grade check lab02`, TensorFlow answer, whole command", rows, runs=runs))


if __name__ == "__main__":
    main()
