"""How long a student waits: `grade check lab02` from cold, beside importing TensorFlow.

    python benchmarks/cold.py [--runs N]

The two commands take turns, so that a busy machine slows both; a first round is thrown away. The
bound is 1.3 times the import plus one second.
"""

from __future__ import annotations

import sys

from measure import grade, median, options, run, spread, table, verdict


def main() -> None:
    """Measure and print."""
    runs = options(__doc__, runs=5).runs
    bare = [sys.executable, "-c", "import tensorflow"]
    check = [grade(), "check", "lab02", "reference/lab02.ipynb", "--json"]
    rounds = [(run(bare), run(check)) for _ in range(runs + 1)][1:]
    imports = [pair[0].wall for pair in rounds]
    checks = [pair[1].wall for pair in rounds]
    bound = 1.3 * median(imports) + 1.0
    rows = [
        ('`python -c "import tensorflow"`', spread(imports, "s")),
        ("`grade check lab02 reference/lab02.ipynb`", spread(checks, "s")),
        ("ratio", f"{median(checks) / median(imports):.2f}"),
        ("bound: 1.3 × import + 1 s", f"{bound:.2f} s, {verdict(median(checks), bound)}"),
    ]
    print(table("From cold", rows, runs=runs))


if __name__ == "__main__":
    main()
