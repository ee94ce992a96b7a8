"""Write docs/mistakes.md: every code of the catalogue, the labs that show it, and how it is seen.

    python scripts/table_of_mistakes.py [--check]

A lab shows a code where a wrong answer among its fixtures is named after it, or a right one says
`# shows:` it, and looks for it where one of its checks does. How it is seen is read from the
detector that names it: from the `source`, the model's `configuration`, what was `recorded` while it
ran, a `probe` of the live model, the notebook's `saved output`, or by a `check`. Only the reasons
in NO_MISTAKE are kept by hand. With --check nothing is written; the exit code is 1 where the page
is not what it should be.
"""

from __future__ import annotations

import ast
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from grader import catalogue
from grader.validation.cases import codes_shown

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
    "saved": "saved output",
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
fixtures, which has to lose points and be called by it; one in italics has a right answer that shows
it, has to be told of it and earns full marks all the same; the others look for it in a check.
`grade validate` grades them all.

| code | | labs | seen by |
| --- | --- | --- | --- |
"""


NO_MISTAKE = {
    "evaluate-bug": "no mistake: TensorFlow 2.2 and 2.3 showed a wrong accuracy for a model loaded "
    "from `.h5`. The version that grades here does not; the words are for an author who marks "
    "what was printed elsewhere",
}
"""Codes that no submission can show here, and why."""


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
        tables = {name: node for node in tree.body for name in assigned(node)}
        for function in functions.values():
            seen = looked_at(function, functions, set())
            read = {part.id for part in ast.walk(function) if isinstance(part, ast.Name)}
            parts = [function, *(tables[name] for name in read & tables.keys())]
            for code in {text for part in parts for text in literals(part)} & CODES:
                ways[code] |= seen
    return ways


def assigned(node: ast.stmt) -> list[str]:
    """Return the names that a statement of a module gives to a value."""
    places = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return [place.id for place in places if isinstance(place, ast.Name)]


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


Labs = dict[str, set[str]]


def labs_by_code() -> tuple[Labs, Labs, Labs]:
    """Return the labs with wrong answers, with right ones, and with checks that name a code."""
    shown, told, asked = (defaultdict[str, set[str]](set) for _ in range(3))
    for folder in sorted((ROOT / "assignments").iterdir()):
        for path in (folder / "fixtures" / "wrong").glob("*"):
            shown[re.split("--", path.stem)[0]].add(folder.name)
        for path in (folder / "fixtures" / "right").glob("*.*"):
            for code in CODES.intersection(codes_shown(path.read_text(encoding="utf-8"))):
                told[code].add(folder.name)
        for path in (folder / "checks").glob("*.py"):
            for text in literals(ast.parse(path.read_text(encoding="utf-8"))):
                if text in CODES:
                    asked[text].add(folder.name)
    return shown, told, asked


def codes_of_shared_checks() -> set[str]:
    """Return the codes that checks shared by the labs name."""
    paths = (ROOT / "grader" / "checks").glob("*.py")
    return {text for path in paths for text in literals(ast.parse(path.read_text("utf-8")))} & CODES


def page() -> str:
    """Return the page as it should be."""
    ways, (shown, told, asked), shared = ways_by_code(), labs_by_code(), codes_of_shared_checks()
    rows = []
    for code in sorted(CODES):
        entry = catalogue.get(code)
        labs = [f"**{lab}**" for lab in sorted(shown[code])]
        labs += [f"*{lab}*" for lab in sorted(told[code] - shown[code])]
        labs += sorted(asked[code] - told[code] - shown[code])
        seen = sorted(ways.get(code, ())) or (["check"] if asked[code] or code in shared else [])
        rows.append(
            f"| `{code}`: {entry.title} | {entry.severity} "
            f"| {', '.join(labs) or NO_MISTAKE.get(code, '–')} | {', '.join(seen) or '–'} |"
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
