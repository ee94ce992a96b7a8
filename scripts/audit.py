"""Ask about every locked package whether a weakness of it is known.

    python scripts/audit.py [--unasked-passes] [OPTION OF PIP-AUDIT …]

Ends with 0 if all were asked about and none is known to be weak, with 1 if one is, and with 2 where
some could not be asked about: without a network, or where a mirror does not tell. With
`--unasked-passes`, as in CI, those are only counted, so that no day without the service stops a
change; a weakness always does.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements.lock"
PASSES = "--unasked-passes"


def main() -> int:
    """Ask, tell, and return the exit code."""
    options = [word for word in sys.argv[1:] if word != PASSES]
    packages, said = ask(options)
    weak = [package for package in packages if package.get("vulns")]
    unasked = [package for package in packages if "skip_reason" in package]
    for package in weak:
        for one in package["vulns"]:
            mended = ", ".join(one["fix_versions"]) or "no version yet"
            print(f"{package['name']} {package['version']}: {one['id']}, mended in {mended}")
    asked = len(packages) - len(unasked)
    print(f"{asked} of {len(packages)} packages asked about, {len(weak)} with a known weakness.")
    if weak:
        return 1
    if unasked or not packages:
        reason = unasked[0]["skip_reason"] if unasked else said or "pip-audit said nothing"
        print(f"The rest could not be asked about. {reason}", file=sys.stderr)
        return 0 if PASSES in sys.argv[1:] else 2
    return 0


def ask(options: list[str]) -> tuple[list[dict[str, Any]], str]:
    """What pip-audit found of each package; none if it broke off, and the last line it said."""
    with TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        words = ["--disable-pip", "--require-hashes", "--progress-spinner", "off"]
        words += ["-r", str(LOCK), "--format", "json", "--output", str(report), *options]
        done = subprocess.run(
            [sys.executable, "-m", "pip_audit", *words], capture_output=True, text=True, check=False
        )
        if not report.is_file():
            last = (done.stderr.strip().splitlines() or [""])[-1]
            return [], last.partition("(host=")[0]  # which service it was is no business of ours
        packages: list[dict[str, Any]] = json.loads(report.read_bytes())["dependencies"]
        return packages, ""


if __name__ == "__main__":
    sys.exit(main())
