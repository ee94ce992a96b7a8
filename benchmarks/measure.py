"""What the benchmarks share: run a command, read what it cost, print a table."""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Cost:
    """One run: wall and CPU seconds (with all its children), peak memory of itself in MiB."""

    wall: float
    cpu: float
    peak: float
    output: str


def run(command: Sequence[str], *, env: Mapping[str, str] | None = None) -> Cost:
    """Run `command` from the project's root; raise RuntimeError when it does not end with 0.

    The peak is VmHWM of that one process, read while it runs: its children are not in it.
    """
    begin = time.perf_counter()
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=output
        )
        peak, pid = 0.0, 0
        while not pid:
            peak = max(peak, _high_water(process.pid))
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            time.sleep(0.02)
        wall = time.perf_counter() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read()
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}:\n{text}")
    return Cost(wall, usage.ru_utime + usage.ru_stime, peak, text)


def _high_water(pid: int) -> float:
    """Return the most memory that the process has held, in MiB; 0 where the system does not say."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    kib = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(kib[0]) / 1024 if kib else 0.0


def grade() -> str:
    """Return the path of the `grade` that belongs to this Python."""
    return str(Path(sys.executable).parent / "grade")


def median(values: Sequence[float]) -> float:
    """Return the median."""
    return statistics.median(values)


def spread(values: Sequence[float], unit: str) -> str:
    """Return the median with the least and greatest value."""
    return f"{median(values):.2f} {unit} ({min(values):.2f} … {max(values):.2f})"


def table(title: str, rows: Sequence[tuple[str, str]], *, runs: int) -> str:
    """Return a Markdown table under a line that says where and how it was measured."""
    lines = [
        f"### {title}",
        "",
        f"{runs} runs, median (least … greatest); Python {platform.python_version()}, "
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores.",
        "",
        "| what | measured |",
        "| --- | --- |",
    ]
    return "\n".join(lines + [f"| {what} | {value} |" for what, value in rows]) + "\n"


def options(description: str | None, *, runs: int, labs: str = "") -> argparse.Namespace:
    """Read the command line: --runs N, and LAB... where `labs` says which are the default."""
    parser = argparse.ArgumentParser(description=(description or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=runs, help=f"how often (default {runs})")
    if labs:
        parser.add_argument("labs", nargs="*", help=labs)
    return parser.parse_args()


def verdict(value: float, bound: float) -> str:
    """Say whether a bound is kept."""
    return "kept" if value <= bound else "NOT KEPT"
