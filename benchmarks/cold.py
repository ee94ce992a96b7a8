"""How long a student waits: `grade check lab02` from cold, beside importing TensorFlow.

    python benchmarks/cold.py [--runs N]

The commands take turns, so that a busy machine slows them all; a first round is thrown away. The
reference needs NumPy alone, and what a submission does not import is not imported: a right answer
that uses TensorFlow is measured too. The bound for both is 1.3 times the import plus one second.
"""

from __future__ import annotations

import sys

from measure import grade, median, options, run, spread, table, verdict


def main() -> None:
    """Measure and print."""
    runs = options(__doc__, runs=5).runs
    bare = [sys.executable, "-c", "import tensorflow"]
    submissions = ("reference/lab02.ipynb", "assignments/lab02/fixtures/right/tensorflow.py")
    checks = [[grade(), "check", "lab02", path, "--json", "--no-warm"] for path in submissions]
    rounds = [[run(command).wall for command in [bare, *checks]] for _ in range(runs + 1)][1:]
    imports, *graded = zip(*rounds, strict=True)
    bound = 1.3 * median(imports) + 1.0
    rows = [('`python -c "import tensorflow"`', spread(imports, "s"))]
    for path, walls in zip(submissions, graded, strict=True):
        rows.append((f"`grade check lab02 {path}`", spread(walls, "s")))
        rows.append(("… as a multiple of the import", f"{median(walls) / median(imports):.2f}"))
        rows.append(
            ("… bound: 1.3 × import + 1 s", f"{bound:.2f} s, {verdict(median(walls), bound)}")
        )
    print(table("From cold", rows, runs=runs))


if __name__ == "__main__":
    main()
