"""What watching costs: lab03's reference in the sandbox under the recorder, beside the bare script.

    python benchmarks/training.py [--runs N]

Both read the same arrays under the same environment variables (threads, kernels) and print, as the
last line, their own CPU seconds from the first cell to the last: all threads, user and system. The
bound is 5 % more. Then `grade check` grades the lab whole: the peak memory of the grader's own
process, its children apart, has to stay under 200 MB.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from measure import ROOT, grade, median, options, run, spread, table, verdict

from grader import data
from grader.records.lab import Limits
from grader.records.submission import Cell, Submission
from grader.sandbox import Sight, open_sandbox
from grader.sandbox.policy import environment
from grader.session import Session
from grader.submissions import read

REFERENCE = ROOT / "reference" / "lab03.ipynb"
LIMITS = Limits(run_seconds=900.0)
BEFORE = "import time as _time\n_cpu_before = _time.process_time()"
AFTER = "print('\\nCPU', _time.process_time() - _cpu_before)"
LOADER = """
import numpy as _np
from tensorflow import keras as _keras
def _load_data(path=None):
    train, visible = [
        tuple(_np.load(f"{_PUBLIC}/{half}_{part}.npy") for part in ("images", "labels"))
        for half in ("train", "visible")
    ]
    return train, tuple(_np.concatenate([part, part]) for part in visible)
_keras.datasets.mnist.load_data = _load_data
"""


def timed(submission: Submission) -> list[str]:
    """Return the submission's cells between two that read the process's clock."""
    return [BEFORE, *(cell.source for cell in submission.cells), AFTER]


def cpu_of(text: str) -> float:
    """Return the seconds in the last line `CPU n` of what was printed."""
    return float(text.rsplit("CPU ", 1)[1].split()[0])


def bare(sources: list[str]) -> float:
    """Run the cells as a script and return its CPU seconds."""
    public = f"_PUBLIC = {str(data.public_folder('mnist'))!r}"
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "bare.py"
        script.write_text("\n\n".join([sources[0], public + LOADER, *sources[1:]]))
        env = environment(home=folder, temporary=folder)
        return cpu_of(run([sys.executable, str(script)], env=env).output)


def watched(submission: Submission, sources: list[str]) -> tuple[float, str]:
    """Run the cells in the sandbox under the recorder; return CPU seconds and the isolation."""
    sandbox = open_sandbox()
    cells = tuple(Cell(number, source) for number, source in enumerate(sources, start=1))
    job = Submission(submission.id, submission.path, submission.sha256, "notebook", cells)
    folder = data.public_folder("mnist")
    child = sandbox.start(LIMITS, Sight(folder))
    with Session(child, LIMITS) as session:
        evidence = session.run(job, seed=0, data=child.data_folder)
    if not all(cell.ok for cell in evidence.cells) or not evidence.fits:
        raise RuntimeError(f"the run in the sandbox went wrong: {evidence.text[-2000:]}")
    return cpu_of(evidence.text), sandbox.isolation


def main() -> None:
    """Measure and print."""
    runs = options(__doc__, runs=3).runs
    submission = read(REFERENCE)
    sources = timed(submission)
    alone: list[float] = []
    recorded: list[float] = []
    for _ in range(runs):
        alone.append(bare(sources))
        seconds, isolation = watched(submission, sources)
        recorded.append(seconds)
    whole = run([grade(), "check", "lab03", str(REFERENCE), "--json", "--no-warm"])
    more = 100 * (median(recorded) / median(alone) - 1)
    rows = [
        ("CPU of the bare script", spread(alone, "s")),
        (f"CPU in the sandbox (`{isolation}`) under the recorder", spread(recorded, "s")),
        ("more; bound: 5 %", f"{more:+.1f} %, {verdict(more, 5.0)}"),
        (
            "peak memory of the grader's own process; bound: 200 MB",
            f"{whole.peak * 1.048576:.0f} MB, {verdict(whole.peak * 1.048576, 200)}",
        ),
    ]
    print(table("Training, watched", rows, runs=runs))


if __name__ == "__main__":
    main()
