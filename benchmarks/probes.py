"""What the probes cost: the experiments that are made with a network after it was trained.

    python benchmarks/probes.py [--runs N] [LAB...]

The reference of each lab is graded whole, warm, and every probe is timed at the grader's end of the
channel: asking, the experiment in the student's process, and the answer. The bound is 3 s a
submission, all of its probes together.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import Any

from measure import ROOT, median, options, spread, table, verdict

from grader.course import Course
from grader.grading import grade, sight_of
from grader.records.lab import Lab
from grader.sandbox import Sandbox, kept_warm, open_sandbox
from grader.session import Session
from grader.submissions import read

BOUND = 3.0
asked: list[tuple[str, float]] = []
"""Name and wall seconds of each probe of the submission that is being graded."""
_ask = Session.probe


def timed(self: Session, probe: str, model: int, **options: Any) -> Mapping[str, Any]:
    """Ask as a session does, and take down how long it took."""
    begin = time.perf_counter()
    try:
        return _ask(self, probe, model, **options)
    finally:
        asked.append((probe, time.perf_counter() - begin))


def graded(lab: Lab, sandbox: Sandbox) -> list[tuple[str, float]]:
    """Grade the lab's reference; return its probes."""
    asked.clear()
    if lab.reference is None:
        raise RuntimeError(f"{lab.id} has no reference")
    result = grade(lab, read(lab.reference, lab_id=lab.id), sandbox, hidden=True).result
    if result.score != result.max_score:
        raise RuntimeError(f"{lab.reference} should have full marks: {result.to_json()}")
    return list(asked)


def row(lab: Lab, sandbox: Sandbox, runs: int) -> tuple[str, str] | None:
    """A line of the table; None for a lab that asks no probe."""
    found = [graded(lab, sandbox) for _ in range(runs)]
    if not found[0]:
        return None
    sums = [sum(seconds for _, seconds in probes) for probes in found]
    name, longest = max(found[-1], key=lambda probe: probe[1])
    kept = verdict(median(sums), BOUND)
    told = f"{len(found[-1])} probes, the longest {name} {longest:.2f} s; bound {BOUND} s {kept}"
    return lab.id, f"{spread(sums, 's')}; {told}"


def main() -> None:
    """Measure and print."""
    given = options(__doc__, runs=1, labs="default: every lab that has data to learn from")
    course = Course(ROOT)
    labs = [course.load(name) for name in given.labs or course.labs()]
    Session.probe = timed  # type: ignore[method-assign]
    rows = []
    for lab in labs:
        if lab.data is None:
            continue
        with kept_warm(open_sandbox(), [sight_of(lab)]) as sandbox:
            found = row(lab, sandbox, given.runs)
        if found:
            rows.append(found)
            print(*found, sep=" | ", file=sys.stderr)
    print(table("Probes of a trained submission", rows, runs=given.runs))


if __name__ == "__main__":
    main()
