"""The page that lists every mistake says what the catalogue, the labs and the detectors say."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from grader import catalogue

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "mistakes.md"


def test_the_page_is_up_to_date() -> None:
    script = ROOT / "scripts" / "table_of_mistakes.py"
    done = subprocess.run([sys.executable, str(script), "--check"], cwd=ROOT, check=False)
    assert done.returncode == 0, "write it anew: python scripts/table_of_mistakes.py"


def rows_of_the_page() -> dict[str, str]:
    """What the page says of the labs of each code."""
    return dict(re.findall(r"^\| `([\w-]+)`:[^|]*\| \w \| ([^|]*) \|", PAGE.read_text(), re.M))


def test_every_mistake_is_shown_by_an_answer_or_said_to_be_none() -> None:
    rows = rows_of_the_page()
    assert rows.keys() == set(catalogue.load())
    assert {code for code, labs in rows.items() if "*" not in labs} == {"evaluate-bug"}
    assert rows["evaluate-bug"].startswith("no mistake: ")


def test_every_wrong_answer_of_a_lab_is_in_bold_on_the_page() -> None:
    rows = rows_of_the_page()
    for path in (ROOT / "assignments").glob("*/fixtures/wrong/*"):
        assert f"**{path.parts[-4]}**" in rows[path.stem.split("--")[0]], path
