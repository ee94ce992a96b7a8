"""What reading a hostile file costs: seconds and peak memory, each in a process of its own.

    python benchmarks/hostile_files.py [--runs N]

The memory is what reading adds to a process that has the grader imported. Files that are refused
are to be within 1 s and 100 MiB; of those that are within the bounds of a submission, and so are
read, the same figures are printed.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from hostile import FILES
from measure import ROOT, median, options, run, spread, table

SECONDS = 1.0
MEBIBYTES = 100.0

READ = """
import json, sys, time
from pathlib import Path
sys.path.insert(0, {root!r})
from grader.errors import SubmissionError
from grader.submissions import read

def held(name):
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(name)).split()[1]) / 1024

before = held("VmRSS:")
Path("/proc/self/clear_refs").write_text("5")
began = time.perf_counter()
try:
    read(Path(sys.argv[1]), lab_id="lab03")
    said = "read"
except SubmissionError as error:
    said = error.message
print(json.dumps([time.perf_counter() - began, held("VmHWM:") - before, said]))
"""


def measured(path: Path) -> tuple[float, float, str]:
    """Seconds, added mebibytes at the peak, and what was said."""
    output = run([sys.executable, "-c", READ.format(root=str(ROOT)), str(path)]).output
    seconds, added, said = json.loads(output)
    return float(seconds), float(added), str(said)


def row(name: str, make: Callable[[Path], Path], runs: int) -> tuple[tuple[str, str], bool]:
    """A line of the table, and whether the bounds were kept where the file was refused."""
    with tempfile.TemporaryDirectory() as folder:
        path = make(Path(folder))
        found = [measured(path) for _ in range(runs)]
    seconds, added = [one[0] for one in found], [one[1] for one in found]
    said = found[0][2]
    figures = f"{spread(seconds, 's')}, {median(added):.0f} MiB"
    if said == "read":
        return (name, f"{figures}; read"), True
    kept = median(seconds) <= SECONDS and median(added) <= MEBIBYTES
    return (name, f"{figures}: {'kept' if kept else 'NOT KEPT'} ({said[:60]})"), kept


def main() -> int:
    """Print the table; 1 where a bound was not kept."""
    chosen = options(__doc__, runs=3)
    rows = [row(name, make, chosen.runs) for name, make in FILES.items()]
    print(table("Hostile files", [line for line, _ in rows], runs=chosen.runs))
    return 0 if all(kept for _, kept in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
