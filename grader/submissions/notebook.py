"""Reading a notebook: JSON of nbformat 4, and through nbformat's own upgrade 2 and 3.

What a notebook says it printed counts for nothing; its text is kept to tell a student where the
code gives something else. Metadata are not used, and the kernel that they name is never started.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from grader.errors import SubmissionError
from grader.records.submission import Cell
from grader.submissions import bounds
from grader.submissions.text import decode, encodable

_CODE_LINE = re.compile(r"^[ \t\f]*[^\s#]", re.MULTILINE)
_PYTHON_START = re.compile(r"^(?:import \w|from \w[\w.]* import )", re.MULTILINE)
_WEIGHTS = ((",", 40), (":", 130), ("[", 60), ("{", 60))
"""Bytes of memory that come of each sign: an item, a key, a list, an object (Python 3.11)."""
_OUTSIDE = re.compile(r'"(?:[^"\\]+|\\.)*+"?|([^"]{1,10000})', re.DOTALL)
_CLEAR = "Clear all outputs, and hand in the lab's notebook only."
_SAVE_AGAIN = "Open it in Jupyter, choose “Save notebook as…” and hand in the new file."


def has_code(text: str) -> bool:
    """Whether a line is more than blank or a comment."""
    return _CODE_LINE.search(text) is not None


@dataclass
class Source:
    """Cells of code and texts, however they were stored."""

    cells: list[Cell] = field(default_factory=list)
    markdown: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add_code(
        self, source: str, first_line: int = 1, *, stored: str = "", count: int | None = None
    ) -> None:
        """Number a cell as Jupyter does: a blank one is not executed and has no number."""
        if source.strip():
            self.cells.append(Cell(len(self.cells) + 1, source, first_line, stored, count))

    def must_have_code(self, what: str) -> None:
        """Raise SubmissionError when nothing but comments and blank lines is there."""
        if not any(has_code(cell.source) for cell in self.cells):
            raise SubmissionError(
                f"{what} has no line of code.",
                hint="Check that the work was saved and that its cells are of the type Code.",
            )


def read_notebook(content: bytes, what: str) -> Source:
    """Read a notebook's bytes. `what` names the file in messages; raises SubmissionError."""
    text, note = decode(content, what)
    notebook = _upgraded(_parse(text, what), what)
    cells = notebook.get("cells")
    if not isinstance(cells, list):
        raise SubmissionError(f"{what} has no list of cells.", hint=_SAVE_AGAIN)
    _must_be_few(len(cells), what)
    source = Source(notes=[note] if note else [])
    for position, (kind, cell_source) in enumerate(_sources(cells, what), start=1):
        if kind == "code":
            stored = stored_text(cells[position - 1])
            source.add_code(cell_source, stored=stored, count=_count(cells[position - 1]))
        elif kind == "markdown":
            source.markdown.append(cell_source)
        elif kind != "raw":
            source.notes.append(f"Cell {position} of {what} was left out: its type is unknown.")
    _must_be_python(notebook.get("metadata"), source, what)
    source.must_have_code(what)
    return source


def _must_be_few(cells: int, what: str) -> None:
    if cells > bounds.CELLS:
        raise SubmissionError(
            f"{what} has {cells:,} cells; at most {bounds.CELLS:,} are read.",
            hint="Hand in the lab's notebook only.",
        )


def _parse(text: str, what: str) -> dict[str, Any]:
    if _is_intricate(text):
        raise SubmissionError(f"{what} is too intricate to read.", hint=_CLEAR)
    try:
        parsed = json.loads(text)
    except RecursionError:
        raise SubmissionError(
            f"{what} is nested too deeply to be a notebook.", hint=_SAVE_AGAIN
        ) from None
    except ValueError as error:
        raise _no_json(text, what, error) from None
    if not isinstance(parsed, dict):
        raise SubmissionError(f"{what} is JSON, but no notebook.", hint=_SAVE_AGAIN)
    return parsed


def _is_intricate(text: str) -> bool:
    """Whether its JSON would become more objects than there is room for."""
    room = max(bounds.NOTEBOOK_MEMORY - sys.getsizeof(text), bounds.LEAST_OBJECTS)
    if _weight(text) <= room:
        return False
    # What is printed holds such signs, too: now only those outside of strings count.
    for found in _OUTSIDE.finditer(text):
        if found[1]:
            room -= _weight(found[1])
            if room < 0:
                return True
    return False


def _weight(text: str) -> int:
    return sum(weight * text.count(sign) for sign, weight in _WEIGHTS)


def _no_json(text: str, what: str, error: ValueError) -> SubmissionError:
    """Say what a file is that is no JSON."""
    start = text.lstrip()[:300].lower()
    if start.startswith("<"):
        return SubmissionError(
            f"{what} is a web page (HTML), not a notebook.",
            hint="In Jupyter or Colab choose “Download .ipynb”; saving the page is not enough.",
        )
    if not start.startswith("{"):
        return SubmissionError(
            f"{what} is not a notebook: its content is not JSON.",
            hint="If it is Python code, rename it to .py; else download the .ipynb again.",
        )
    at = f" at line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
    cut = isinstance(error, json.JSONDecodeError) and error.pos >= len(text.rstrip()) - 1
    if cut or (isinstance(error, json.JSONDecodeError) and "Unterminated" in error.msg):
        return SubmissionError(
            f"{what} breaks off{at}: the file is not complete.",
            hint="The upload or the disk may have cut it; save and hand it in again.",
        )
    return SubmissionError(f"{what} is damaged{at}: it is not valid JSON.", hint=_SAVE_AGAIN)


def _upgraded(notebook: dict[str, Any], what: str) -> dict[str, Any]:
    """The notebook in format 4. Raises SubmissionError for formats that cannot be read."""
    major = notebook.get("nbformat")
    if major is None and isinstance(notebook.get("cells"), list):
        return notebook
    if not isinstance(major, int) or isinstance(major, bool):
        raise SubmissionError(f"{what} is JSON, but no notebook.", hint=_SAVE_AGAIN)
    if major == 4:
        return notebook
    if major not in (2, 3):
        raise SubmissionError(
            f"{what} is of notebook format {major}; formats 2 to 4 can be read.",
            hint="Save it in a current Jupyter as format 4.",
        )
    _must_be_few(_old_cells(notebook), what)
    import nbformat  # 200 ms, and old notebooks are rare

    try:
        return dict(nbformat.convert(nbformat.from_dict(notebook), 4))
    except Exception:  # the upgrade assumes a valid notebook and raises whatever it stumbles on
        raise SubmissionError(
            f"{what} is an old notebook (format {major}) that cannot be upgraded.",
            hint=_SAVE_AGAIN,
        ) from None


def _old_cells(notebook: dict[str, Any]) -> int:
    """How many cells the worksheets of an old notebook have; 0 where they are damaged."""
    sheets = notebook.get("worksheets")
    listed = sheets if isinstance(sheets, list) else []
    found = [sheet.get("cells") for sheet in listed if isinstance(sheet, dict)]
    return sum(len(cells) for cells in found if isinstance(cells, list))


def _sources(cells: list[Any], what: str) -> Iterator[tuple[str, str]]:
    """The type and the source of each cell."""
    for position, cell in enumerate(cells, start=1):
        kind = cell.get("cell_type") if isinstance(cell, dict) else None
        stored = cell.get("source", "") if isinstance(cell, dict) else None
        if isinstance(stored, list) and all(isinstance(line, str) for line in stored):
            stored = "".join(stored)
        if not isinstance(kind, str) or not isinstance(stored, str):
            raise SubmissionError(
                f"Cell {position} of {what} is damaged: it has no readable source.",
                hint=_SAVE_AGAIN,
            )
        yield kind, encodable(stored).replace("\r\n", "\n")


def stored_text(cell: dict[str, Any]) -> str:
    """What a notebook says that a cell printed: its plain text, as far as it is kept."""
    parts: list[str] = []
    room = bounds.STORED_TEXT
    outputs = cell.get("outputs")
    for output in outputs if isinstance(outputs, list) else ():
        kept = _plain_text(output)[:room] if isinstance(output, dict) and room > 0 else ""
        parts.append(kept)
        room -= len(kept)
    return encodable("".join(parts))


def _plain_text(output: dict[str, Any]) -> str:
    """The text of one output, or "" for a picture, an error and whatever is damaged."""
    text = output.get("text")
    data = output.get("data")
    if isinstance(data, dict):
        text = data.get("text/plain")
    if isinstance(text, list):
        text = "".join(line for line in text if isinstance(line, str))
    if not isinstance(text, str):
        return ""
    return text if text.endswith("\n") else text + "\n"


def _count(cell: dict[str, Any]) -> int | None:
    count = cell.get("execution_count")
    return count if type(count) is int and 0 < count < 1_000_000 else None


def _must_be_python(metadata: Any, source: Source, what: str) -> None:
    """Raise SubmissionError for another language.

    What the kernel reported when it ran (`language_info`) decides. The kernel that the file
    merely names is ignored as long as the code imports something as Python does.
    """
    reported = _name(metadata, "language_info", "name")
    if reported is None:
        reported = _name(metadata, "kernelspec", "language")
        code = "\n".join(cell.source for cell in source.cells)
        if reported and _PYTHON_START.search(code):
            return
    if reported and not reported.lower().startswith(("python", "ipython")):
        raise SubmissionError(
            f"{what} is a notebook in another language ({reported[:40]!r}).",
            hint="Choose a Python 3 kernel, run all cells, save, and hand it in again.",
        )


def _name(metadata: Any, table: str, key: str) -> str | None:
    inner = metadata.get(table) if isinstance(metadata, dict) else None
    value = inner.get(key) if isinstance(inner, dict) else None
    return value if isinstance(value, str) and value.strip() else None
