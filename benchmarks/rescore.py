"""What it takes to apply a new rubric to a class that is graded: `grade rescore`, a submission.

    python benchmarks/rescore.py [--runs N]

A small class is graded for real, an untrained lab and a trained one. Each run then turns the
points of a copy of its rubric round and rescores all of it: every result, report and evidence is
read, made anew and written, then grades.csv, index.html and the gradebook. The bound is 50 ms for
a submission, with the start of the program and without it.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path

from measure import ROOT, grade, median, options, run, spread, table, verdict

LABS = {"lab02": 24, "lab03": 6}
"""How many submissions of each."""
BOUND = 50.0
"""Milliseconds for a submission."""


def course(folder: Path, lab: str) -> Path:
    """A copy of one lab of the course, whose rubric may be changed."""
    parts = ("assignments", f"assignments/{lab}"), ("rubrics", f"rubrics/{lab}.toml")
    for above, part in parts:
        (folder / above).mkdir(parents=True, exist_ok=True)
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, folder / part)
        else:
            shutil.copy(source, folder / part)
    return folder


def graded(folder: Path, lab: str, count: int) -> Path:
    """The OUT of a class of right and wrong answers, one after the other."""
    fixtures = ROOT / "assignments" / lab / "fixtures"
    answers = sorted([*fixtures.glob("right/*.py"), *fixtures.glob("wrong/*.py")])
    (folder / "class").mkdir()
    for number in range(count):
        shutil.copy(answers[number % len(answers)], folder / "class" / f"s{number:04}.py")
    words = ["batch", lab, str(folder / "class"), "-o", str(folder / "out")]
    run([grade(), *words, "--jobs", "2", "--course", str(folder / "course")])
    return folder / "out"


def turned(rubric: Path) -> None:
    """Give the first check the points of the last, and so on: the total stays."""
    text = rubric.read_text(encoding="utf-8")
    points = iter(re.findall(r"^points = .*$", text, re.MULTILINE)[::-1])
    rubric.write_text(re.sub(r"(?m)^points = .*$", lambda _: next(points), text), encoding="utf-8")


def main() -> None:
    """Measure and print."""
    runs = options(__doc__, runs=5).runs
    rows = []
    for lab, count in LABS.items():
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            course(folder / "course", lab)
            out = graded(folder, lab, count)
            command = [grade(), "rescore", str(out), "--course", str(folder / "course")]
            idle = [run(command).wall * 1000 for _ in range(runs)]
            whole = []
            for _ in range(runs):
                turned(folder / "course" / "rubrics" / f"{lab}.toml")
                whole.append(run(command).wall * 1000)
            each = [wall / count for wall in whole]
            alone = [(wall - median(idle)) / count for wall in whole]
            rows += [
                (f"{lab}, {count} submissions: nothing changed", spread(idle, "ms")),
                (f"{lab}: a submission, start included", spread(each, "ms")),
                (f"{lab}: a submission", spread(alone, "ms")),
                (f"{lab}: at most {BOUND:g} ms", verdict(median(alone), BOUND)),
            ]
    print(table("Rescoring", rows, runs=runs))


if __name__ == "__main__":
    main()
