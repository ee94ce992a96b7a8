"""Where the time of one submission goes: the share of each stage, warm, one after the other.

    python benchmarks/stages.py [--runs N] [LAB ...]

The reference of each lab (default: lab02's right answer with TensorFlow, and lab03's) is graded
N times as a batch grades it. "calls" is what the checks wait for the submission's own answers;
"checks" is the rest of judging. Wall seconds; the last row is the CPU time of the grader itself.
"""

from __future__ import annotations

import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from measure import ROOT, median, options, spread, table

from grader import grading
from grader.batch.files import Out
from grader.batch.saved import save
from grader.course import Course
from grader.records.lab import Lab
from grader.records.submission import Submission
from grader.sandbox import Sandbox, kept_warm, open_sandbox
from grader.session import Session
from grader.submissions import read

ANSWERS = {"lab02": ROOT / "assignments" / "lab02" / "fixtures" / "right" / "tensorflow.py"}
CALLS = ("call", "predict", "predict_kept", "probe")


class Clock:
    """Adds up the wall milliseconds of functions that it is put around."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = defaultdict(float)

    def around(self, owner: Any, name: str, stage: str) -> None:
        """Measure every call of `owner.name` as `stage`."""
        plain: Callable[..., Any] = getattr(owner, name)

        def timed(*arguments: Any, **named: Any) -> Any:
            begin = time.perf_counter()
            try:
                return plain(*arguments, **named)
            finally:
                self.spent[stage] += (time.perf_counter() - begin) * 1000

        setattr(owner, name, timed)


def once(clock: Clock, lab: Lab, submission: Submission, sandbox: Sandbox) -> dict[str, float]:
    """Grade and write one submission; milliseconds by stage."""
    clock.spent.clear()
    begin, before = time.perf_counter(), time.process_time()
    graded = grading.grade(lab, submission, sandbox, hidden=True)
    ended = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        out = Out(Path(folder))
        for place in out.folders:
            place.mkdir(parents=True)
        save(out, "one", graded)
    whole = (time.perf_counter() - begin) * 1000
    if graded.result.score != graded.result.max_score:
        raise RuntimeError(f"{submission.path} should have full marks")
    spent = dict(clock.spent)
    spent["checks"] = spent.pop("judge") - spent["calls"]
    spent["report"] = (time.perf_counter() - ended) * 1000
    spent["the rest"] = whole - sum(spent.values())
    return {**spent, "whole": whole, "own CPU": (time.process_time() - before) * 1000}


def main() -> None:
    """Measure and print."""
    given = options(__doc__, runs=20, labs="lab02 lab03")
    clock, rows = Clock(), []
    clock.around(Sandbox, "start", "fork")
    clock.around(Session, "__init__", "fork")
    clock.around(Session, "run", "run")
    clock.around(Session, "close", "end")
    clock.around(grading, "_judge", "judge")
    for name in CALLS:
        clock.around(Session, name, "calls")
    for name in given.labs or ("lab02", "lab03"):
        lab = Course(ROOT).load(name)
        submission = read(ANSWERS.get(name) or lab.reference or lab.starter, kind=lab.kind)
        with kept_warm(open_sandbox(), [grading.sight_of(lab)]) as sandbox:
            once(clock, lab, submission, sandbox)
            found = [once(clock, lab, submission, sandbox) for _ in range(given.runs)]
        whole = median([one["whole"] for one in found])
        for stage in ("fork", "run", "calls", "checks", "end", "report", "the rest", "whole"):
            values = [one[stage] for one in found]
            share = f"{100 * median(values) / whole:.0f} %, {spread(values, 'ms')}"
            rows.append((f"{name}: {stage}", share))
        rows.append((f"{name}: the grader's own CPU", spread([f["own CPU"] for f in found], "ms")))
    print(table("The stages of a submission", rows, runs=given.runs))


if __name__ == "__main__":
    main()
