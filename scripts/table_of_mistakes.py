"""Write docs/mistakes.md: every code of the catalogue, the labs that show it, and how it is seen.

    python scripts/table_of_mistakes.py [--check]

Nothing is kept by hand: a lab shows a code where a wrong answer among its fixtures is named after
it, and looks for it where one of its checks does. How it is seen is read from the detector that
names it: from the `source`, the model's `configuration`, what was `recorded` while it ran, a
`probe` of the live model, or by a lab's own `check`. With --check nothing is written; the exit code
is 1 where the page is not what it should be.
"""

from __future__ import annotations

import ast
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from grader import catalogue

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "mistakes.md"
CODES = set(catalogue.load())
LOOKED_AT = {
    "source": "source",
    "model": "configuration",
    "compiled": "configuration",
    "loss": "configuration",
    "layers": "configuration",
    "fit": "recorded",
    "fits": "recorded",
    "uses": "recorded",
    "evidence": "recorded",
    "broken": "recorded",
    "x": "recorded",
    "y": "recorded",
    "probe": "probe",
    "probes": "probe",
    "affine_gap": "probe",
}
"""What a detector reads of its case, and what that is called on the page."""
HEAD = """\
# The mistakes that are named

Written by `scripts/table_of_mistakes.py`; a test holds it up to date. Severity: **E** costs points
where the lab asks for it, **W** and **C** are explained and cost nothing unless it asks, **L** is
an old spelling that runs all the same. A lab in bold has a wrong answer of that name among its
fixtures, which has to lose points and be called by it; the others look for it in a check.

| code | | labs | seen by |
| --- | --- | --- | --- |
"""


def literals(node: ast.AST) -> Iterator[str]:
    """Yield every string in a piece of code."""
    for part in ast.walk(node):
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            yield part.value


def ways_by_code() -> dict[str, set[str]]:
    """Return how each code is seen, from the detectors and the functions that they call."""
    ways: dict[str, set[str]] = defaultdict(set)
    for path in sorted((ROOT / "grader" / "diagnosis").glob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
        for function in functions.values():
            seen = looked_at(function, functions, set())
            for code in set(literals(function)) & CODES:
                ways[code] |= seen
    return ways


def looked_at(
    function: ast.FunctionDef, functions: dict[str, ast.FunctionDef], done: set[str]
) -> set[str]:
    """Return what a function, and those of its module that it calls, read of the case."""
    done.add(function.name)
    found: set[str] = set()
    for part in ast.walk(function):
        if isinstance(part, ast.Attribute) and getattr(part.value, "id", "") == "case":
            found |= {LOOKED_AT[part.attr]} if part.attr in LOOKED_AT else set()
        called = part.func if isinstance(part, ast.Call) else None
        name = called.id if isinstance(called, ast.Name) else ""
        if name in functions and name not in done:
            found |= looked_at(functions[name], functions, done)
    return found


def labs_by_code() -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """Return the labs whose fixtures show a code, and those whose checks look for it."""
    shown: dict[str, set[str]] = defaultdict(set)
    asked: dict[str, set[str]] = defaultdict(set)
    for folder in sorted((ROOT / "assignments").iterdir()):
        for path in (folder / "fixtures" / "wrong").glob("*"):
            shown[re.split("--", path.stem)[0]].add(folder.name)
        for path in (folder / "checks").glob("*.py"):
            for text in literals(ast.parse(path.read_text(encoding="utf-8"))):
                if text in CODES:
                    asked[text].add(folder.name)
    return shown, asked


def page() -> str:
    """Return the page as it should be."""
    ways, (shown, asked) = ways_by_code(), labs_by_code()
    rows = []
    for code in sorted(CODES):
        entry = catalogue.get(code)
        labs = [f"**{lab}**" for lab in sorted(shown[code])]
        labs += sorted(asked[code] - shown[code])
        seen = sorted(ways.get(code, ())) or (["check"] if asked[code] else [])
        rows.append(
            f"| `{code}`: {entry.title} | {entry.severity} | {', '.join(labs) or '–'} "
            f"| {', '.join(seen) or '–'} |"
        )
    return HEAD + "\n".join(rows) + "\n"


def main() -> int:
    """Write the page, or look whether it is right."""
    if "--check" in sys.argv[1:]:
        return int(not PAGE.is_file() or PAGE.read_text(encoding="utf-8") != page())
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
