"""A CSV file that is changed cell by cell, and stays byte for byte as it was everywhere else."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

from grader.errors import UsageError

LARGEST = 64 * 2**20
"""Bytes of a file that is filled in; a class of ten thousand needs less."""
_SEPARATORS = ",;\t"
_NEEDS_QUOTES = re.compile(r'[",;\t\r\n]|^\s|\s$')
"""Any separator is one to some spreadsheet: a formula behind it would be in a cell of its own."""
_NUMBER = re.compile(r"\d+[.,]?\d*")
_ENCODINGS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


@dataclass
class Sheet:
    """Rows of cells, each as it stands in the file, quotes and all.

    `ends` has the line ending of each row, of which the last may be empty.
    """

    rows: list[list[str]]
    ends: list[str]
    separator: str
    encoding: str
    mark: bytes

    @classmethod
    def parse(cls, content: bytes) -> Sheet:
        """Take a file apart. Raises UsageError where it is no text, or too large."""
        if len(content) > LARGEST:
            raise UsageError("The template is larger than 64 MiB.", hint="Is it the CSV file?")
        mark, text, encoding = _decoded(content)
        separator = _separator_of(text)
        rows, ends = _split(text, separator)
        return cls(rows, ends, separator, encoding, mark)

    def render(self) -> bytes:
        """The file again. Raises UsageError where its encoding lacks a sign that was written."""
        lines = zip(self.rows, self.ends, strict=True)
        text = "".join(self.separator.join(cells) + end for cells, end in lines)
        try:
            return self.mark + text.encode(self.encoding)
        except UnicodeEncodeError as error:
            raise UsageError(
                f"The template's encoding, {self.encoding}, has no “{text[error.start]}”.",
                hint="Export it again from the course system, in UTF-8.",
            ) from None

    def value(self, row: int, column: int) -> str:
        """What a cell says; "" where the row is shorter."""
        cells = self.rows[row]
        return _plain(cells[column]) if 0 <= column < len(cells) else ""

    def values(self, row: int) -> list[str]:
        """What the cells of a row say."""
        return [_plain(cell) for cell in self.rows[row]]

    def write(self, row: int, column: int, value: str) -> None:
        """Put `value` into a cell, in quotes where it needs them or its row has them throughout."""
        cells = self.rows[row]
        cells.extend([""] * (column + 1 - len(cells)))
        filled = [cell for cell in cells if cell]
        quoted = cells[column].startswith('"') or all(cell.startswith('"') for cell in filled)
        number = _NUMBER.fullmatch(value) and self.separator not in value
        if (filled and quoted) or (_NEEDS_QUOTES.search(value) and not number):
            value = '"' + value.replace('"', '""') + '"'
        cells[column] = value


def _decoded(content: bytes) -> tuple[bytes, str, str]:
    for mark, encoding in _ENCODINGS:
        if content.startswith(mark):
            try:
                return mark, content[len(mark) :].decode(encoding), encoding
            except UnicodeDecodeError:
                break
    for encoding in ("utf-8", "cp1252"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return b"", text, encoding
    raise UsageError(
        "The template is not a CSV file: it is no text.",
        hint="Give the CSV file as the course system exported it, not a spreadsheet made of it.",
    )


def _separator_of(text: str) -> str:
    """The one that the first row has most of, outside quotes."""
    first = re.match(r'(?:"(?:[^"]|"")*"|[^"\r\n]|")*', text)
    bare = re.sub(r'"(?:[^"]|"")*"', "", first.group() if first else "")
    return max(_SEPARATORS, key=bare.count)


def _split(text: str, separator: str) -> tuple[list[list[str]], list[str]]:
    sign = re.escape(separator)
    cell = re.compile(rf'(?:"(?:[^"]|"")*")?[^{sign}\r\n]*')
    end = re.compile(r"\r\n|\r|\n")
    rows: list[list[str]] = []
    ends: list[str] = []
    place, row = 0, []
    while place < len(text):
        found = cell.match(text, place)
        assert found is not None  # it matches nothing, too
        row.append(found.group())
        place = found.end()
        ended = end.match(text, place)
        if ended:
            rows.append(row)
            ends.append(ended.group())
            place, row = ended.end(), []
        elif place < len(text):
            place += len(separator)
            if place == len(text):
                row.append("")
    if row:
        rows.append(row)
        ends.append("")
    return rows, ends


def _plain(cell: str) -> str:
    if not cell.startswith('"'):
        return cell
    quoted = re.match(r'"((?:[^"]|"")*)"(.*)', cell, re.DOTALL)
    return quoted[1].replace('""', '"') + quoted[2] if quoted else cell
