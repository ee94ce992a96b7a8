"""A new lab to begin with: small, complete and valid, so that its author changes what works."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from grader.errors import UsageError

TEMPLATE = Path(__file__).resolve().parent / "template"
NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
FILES = {
    "assignments/{lab}/lab.toml": "lab.toml.txt",
    "assignments/{lab}/starter.ipynb": "starter.txt",
    "assignments/{lab}/checks/test_{name}.py": "checks.py.txt",
    "assignments/{lab}/checks/test_{name}_hidden.py": "checks_for_staff.py.txt",
    "assignments/{lab}/fixtures/right/column_by_column.py": "right.py.txt",
    "assignments/{lab}/fixtures/wrong/no-scaling.py": "wrong.py.txt",
    "assignments/{lab}/survivors.toml": "survivors.toml.txt",
    "rubrics/{lab}.toml": "rubric.toml.txt",
    "reference/{lab}.ipynb": "solution.txt",
}
"""Where each file of a lab goes, below the course's folder, and what it is made from."""


def write_lab(course: Path, lab: str, title: str) -> list[Path]:
    """Write a new lab into a course's folder; return its files.

    Raises UsageError, and writes nothing, for a name that is none or a file that is there already.
    """
    if NAME.fullmatch(lab) is None:
        raise UsageError(
            f"“{lab}” cannot be a lab's name.",
            hint="Use small letters, digits, - and _, beginning with a letter.",
        )
    name = lab.replace("-", "_")
    files = {course / path.format(lab=lab, name=name): source for path, source in FILES.items()}
    for taken in (course / "assignments" / lab, *files):
        if taken.exists():
            raise UsageError(f"{taken} is there already.", hint="Choose another name for the lab.")
    try:
        for path, source in files.items():
            text = (TEMPLATE / source).read_text(encoding="utf-8")
            text = text.replace("LAB_ID", lab).replace("LAB_TITLE", _plain(title))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(notebook(text) if path.suffix == ".ipynb" else text, encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"{error.filename} cannot be written: {error.strerror}.",
            hint="Name a course folder of your own with --course DIR.",
        ) from None
    return list(files)


def _plain(title: str) -> str:
    """The title on one line, without what would end a string in TOML or Python."""
    return re.sub(r"\s+", " ", re.sub(r'["\\\x00-\x1f\x7f]', " ", title)).strip()


def notebook(text: str) -> str:
    """Return a notebook (nbformat 4.5) of the cells that `# %%` begins, as JSON."""
    cells: list[dict[str, Any]] = []
    for number, part in enumerate(text.split("# %%")[1:]):
        kind, body = part.split("\n", 1)
        markdown = "[markdown]" in kind
        source = re.sub(r"^# ?", "", body, flags=re.MULTILINE) if markdown else body
        cell: dict[str, Any] = {
            "cell_type": "markdown" if markdown else "code",
            "id": f"cell-{number}",
            "metadata": {},
            "source": source.strip().splitlines(keepends=True),
        }
        cells.append(cell if markdown else cell | {"execution_count": None, "outputs": []})
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    book = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(book, indent=1, ensure_ascii=False) + "\n"
