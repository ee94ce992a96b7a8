"""Which known copies are found, and how fast, beside copydetect from PyPI on the same files.

    python benchmarks/similarity.py [--runs N]

The set of known copies is that of tests/copies.py: different right answers to each lab, and copies
of them in disguise. copydetect gets the same modules, the starter as its boilerplate, and its own
defaults; it is installed with pip into a virtual environment in a temporary folder. Then classes of
300 and 5,000 made submissions, read from files to the pairs; copydetect compares the 300 only, as
it compares every two files.
"""

from __future__ import annotations

import json
import random
import resource
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from measure import ROOT, median, options, spread, table

sys.path.insert(0, str(ROOT / "tests"))

import copies  # type: ignore[import-not-found]

from grader.similarity.code import code_of, given_to_all
from grader.similarity.pairs import compare
from grader.submissions import read

THEIRS = """
import json, sys, time
from copydetect import CopyDetector
begin = time.perf_counter()
work, given = sys.argv[1:3]
detector = CopyDetector(test_dirs=[work], boilerplate_dirs=[given], extensions=["py"], silent=True)
detector.run()
pairs = [[one, other] for _, _, one, other, *_ in detector.get_copied_code_list()]
print(json.dumps({"seconds": time.perf_counter() - begin, "pairs": pairs}))
"""
SIGNS = ("+", "-", "*", "/", "//", "%", "@", "<", ">", "==", "|", "&", "^", "<<")
Found = set[frozenset[str]]


def ours(work: Path, given: Path) -> tuple[float, Found]:
    """Seconds from the files to the pairs, and the pairs."""
    begin = time.perf_counter()
    taken_out = given_to_all(read(given / "starter.py"))
    codes = [code_of(read(path)) for path in sorted(work.iterdir())]
    prints = [np.setdiff1d(code.fingerprints, taken_out, assume_unique=True) for code in codes]
    found = compare(prints, [code.id for code in codes])
    pairs = {frozenset((codes[one].id, codes[other].id)) for one, other, *_ in found.pairs}
    return time.perf_counter() - begin, pairs


def theirs(python: Path) -> Callable[[Path, Path], tuple[float, Found]]:
    """The same by copydetect, without the start of its process."""

    def measure(work: Path, given: Path) -> tuple[float, Found]:
        words = [str(python), "-c", THEIRS, str(work), str(given)]
        done = subprocess.run(words, capture_output=True, text=True, check=True)
        told = json.loads(done.stdout.splitlines()[-1])
        return told["seconds"], {
            frozenset(Path(file).stem for file in pair) for pair in told["pairs"]
        }

    return measure


def installed(folder: Path) -> Path:
    """The Python of a new environment with copydetect in it."""
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    subprocess.run([str(python), "-m", "pip", "install", "--quiet", "copydetect"], check=True)
    return python


def write(folder: Path, sources: Iterable[tuple[str, str]], starter: str) -> tuple[Path, Path]:
    """The submissions and the starter, each in a folder of its own."""
    work, given = folder / "work", folder / "given"
    for place in (work, given):
        place.mkdir(parents=True)
    for name, source in sources:
        (work / f"{name}.py").write_text(source, encoding="utf-8")
    (given / "starter.py").write_text(starter, encoding="utf-8")
    return work, given


def made(students: int) -> Iterable[tuple[str, str]]:
    """Some lines of one's own, two cells that others have too; each fiftieth is a copy."""
    chance = random.Random(0)
    pool = [cell for lab in copies.labs() for work in copies.independent(lab).values()
            for cell in copies.cells(work)]  # fmt: skip
    last = ""
    for number in range(students):
        own = [f"x = y {' z '.join(chance.choices(SIGNS, k=4))} 1" for _ in range(40)]
        source = "\n".join([*chance.sample(pool, 2), *own])
        last = copies.recommented(last) if number % 50 == 49 else source
        yield f"s{number}", last


def known_copies(
    folder: Path, runs: int, tools: dict[str, Callable[..., tuple[float, Found]]]
) -> None:
    """Print what each tool finds in the made set, lab by lab, and in what time."""
    seconds: dict[str, list[float]] = {name: [0.0] * runs for name in tools}
    counts = {name: [0, 0] for name in tools}
    known = 0
    for lab in copies.labs():
        it = copies.made_class(lab)
        given = "\n\n".join(cell.source for cell in copies.starter(lab).cells)
        work, starter = write(folder / lab, it.sources.items(), given)
        known += len(it.copies)
        for name, tool in tools.items():
            for run in range(runs):
                took, found = tool(work, starter)
                seconds[name][run] += took
            counts[name][0] += len(found & it.copies)
            counts[name][1] += len(found - it.copies)
            for what, pairs in (("missed", it.copies - found), ("false", found - it.copies)):
                print(f"{lab}: {name} {what}: {sorted(map(sorted, pairs))}")
    rows = []
    for name, (hits, false) in counts.items():
        precision = f"{hits / (hits + false):.3f}" if hits + false else "–"
        rows += [
            (f"{name}: copies found of {known} (recall)", f"{hits} ({hits / known:.3f})"),
            (f"{name}: innocent pairs told (precision)", f"{false} ({precision})"),
            (f"{name}: all labs", spread(seconds[name], "s")),
        ]
    print(table("Known copies", rows, runs=runs))


def large(folder: Path, runs: int, tools: dict[str, Callable[..., tuple[float, Found]]]) -> None:
    """Print the times for large classes, and the memory of this process after them."""
    rows = []
    for students in (300, 5000):
        work, given = write(folder / str(students), made(students), "pass\n")
        for name, tool in tools.items():
            if students > 300 and name != "grader":
                continue
            told = [tool(work, given) for _ in range(runs)]
            pairs = len(told[-1][1])
            rows.append((f"{name}: {students:,} submissions", spread([t for t, _ in told], "s")))
            rows.append((f"… pairs told; {students // 50} were made", str(pairs)))
            rows.append(
                (
                    "… for each submission",
                    f"{1000 * median([t for t, _ in told]) / students:.1f} ms",
                )
            )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    rows.append(("grader: most memory in all", f"{peak:.0f} MiB"))
    print(table("Large classes", rows, runs=runs))


def main() -> None:
    """Measure and print."""
    runs = options(__doc__, runs=3).runs
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tools = {"grader": ours, "copydetect": theirs(installed(folder / "environment"))}
        known_copies(folder / "known", runs, tools)
        large(folder / "large", runs, tools)


if __name__ == "__main__":
    main()
