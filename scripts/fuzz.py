"""Feed every reader and page with broken files, and say how many, and what became of them.

    python scripts/fuzz.py [TIMES]

TIMES (default 20) is how many times as many examples as the ordinary tests make. What breaks a
reader is printed by pytest, with the least example of it; keep that as an `@example` of the test.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    """Run the tests whose files are called test_fuzz_*; returns pytest's exit code."""
    times = sys.argv[1] if len(sys.argv) > 1 else "20"
    if not times.isdecimal() or int(times) < 1:
        print("How many times as many examples? Give a whole number: python scripts/fuzz.py 20")
        return 2
    files = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "tests").glob("test_fuzz_*.py"))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", "-o", "timeout=0", *files]
    began = time.monotonic()
    ended = subprocess.run(command, cwd=ROOT, env={**os.environ, "GRADE_FUZZ": times}, check=False)
    print(f"{times} times the examples of the tests, in {time.monotonic() - began:.0f} s.")
    return ended.returncode


if __name__ == "__main__":
    sys.exit(main())
