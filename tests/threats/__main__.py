"""Try the cases and print each one's verdict: python -m tests.threats [NUMBER …] [options]."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests import containers
from tests.threats.bench import Bench
from tests.threats.case import Case, Way
from tests.threats.cases import all_cases

HEAD = f"{'':>2}  {'threat':<68} {'must be':<16} {'cold':<10} {'warm':<10}"


def main() -> int:
    """0 where every verdict and every invariant is as it must be, else 1."""
    options = _options().parse_args()
    if options.user:
        words = [sys.executable, "-B", "-m", "tests.threats"]
        rest = [word for word in sys.argv[1:] if word != "--user"]
        command = containers.as_user([*words, *rest])
        # The folder here may be one that another user cannot enter.
        surroundings = {**os.environ, "PYTHONPATH": str(containers.PROJECT)}
        return subprocess.run(command, cwd="/", env=surroundings, check=False).returncode
    # Cells of Chromium, keepers and what else needs the user's own folders stay away.
    os.environ["GRADE_WARM_MINUTES"] = "0"
    wanted = {int(number) for number in options.numbers}
    cases = [case for case in all_cases() if not wanted or case.number in wanted]
    ways: list[Way] = [way for way in ("cold", "warm") if options.only in (None, way)]
    with tempfile.TemporaryDirectory() as folder, Bench(Path(folder)) as bench:
        return _tried(bench, cases, ways, as_json=options.json)


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.threats", description=__doc__)
    parser.add_argument("numbers", nargs="*", help="the numbers to try; all where none is named")
    parser.add_argument("--only", choices=["cold", "warm"], help="try them in one way")
    parser.add_argument("--user", action="store_true", help="try them as an ordinary user")
    parser.add_argument("--json", action="store_true", help="a line of JSON for each")
    return parser


def _tried(bench: Bench, cases: list[Case], ways: list[Way], *, as_json: bool) -> int:
    if not as_json:
        print(f"As user {os.getuid()}, at level {bench.cold.isolation}.\n\n{HEAD}")
    began, wrong = time.monotonic(), []
    for case in cases:
        words: dict[str, str] = {}
        for way in ways:
            try:
                words[way] = bench.try_case(case, way).word
            except Exception as error:
                words[way] = "WRONG"
                wrong.append(f"{case.name} {way}: {type(error).__name__}: {error}")
                print(wrong[-1][:1000], file=sys.stderr)
        if as_json:
            print(json.dumps({"case": case.name, **words}), flush=True)
        else:
            said = "".join(f" {words.get(way, '-'):<10}" for way in ("cold", "warm"))
            print(f"{case.number:>2}  {case.threat:<68.68} {case.verdict:<16}{said}", flush=True)
    numbers = len({case.number for case in cases})
    if not as_json:
        spent = time.monotonic() - began
        print(f"\n{numbers} threats in {len(cases)} cases, {len(wrong)} wrong, {spent:.0f} s")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
