"""How long `grade validate` takes, lab by lab, and what of it the mutants take.

    python benchmarks/validation.py [--runs N] [LAB...]

Each lab is validated whole by a command of its own. A grading's seconds are wall time in the
process that grades, so with several at once they add up to more than the lab's wall time.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time

from measure import ROOT, grade, options, spread, table

from grader.course import Course


def timed(lab: str) -> tuple[float, dict[str, object]]:
    """Validate one lab: wall seconds, and the lab's part of the JSON."""
    begin = time.perf_counter()
    done = subprocess.run(
        [grade(), "validate", lab, "--json"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    wall = time.perf_counter() - begin
    if done.returncode not in (0, 1):
        raise RuntimeError(f"grade validate {lab} ended with {done.returncode}:\n{done.stderr}")
    found: dict[str, object] = json.loads(done.stdout)["labs"][0]
    return wall, found


def main() -> None:
    """Measure and print."""
    given = options(__doc__, runs=1, labs="default: every lab of the course")
    rows = []
    for lab in given.labs or Course(ROOT).labs():
        runs = [timed(lab) for _ in range(given.runs)]
        found = runs[-1][1]
        mutants = found["mutants"]
        if not isinstance(mutants, dict):
            raise TypeError("the JSON's mutants are no table")
        what = f"`grade validate {lab}`: {mutants['caught']} of {mutants['graded']} mutants caught"
        walls = spread([wall for wall, _ in runs], "s")
        rows.append((what, f"{walls}; gradings {found['seconds']} s"))
        print(*rows[-1], sep=" | ", file=sys.stderr)
    print(table("Validation", rows, runs=given.runs))


if __name__ == "__main__":
    main()
