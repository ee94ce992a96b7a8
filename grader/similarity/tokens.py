"""Code as the tokens that stay when a copy is disguised: no names, literals, comments or layout.

Keywords and operators stay as they are. So do names that a copy can hardly change, because a
library gave them: builtins, attributes after a dot, and keyword arguments.
"""

from __future__ import annotations

import builtins
import io
import keyword
import re
import token as kinds
import tokenize
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from grader.records.submission import Submission
from grader.submissions.names import printable

CHARACTERS = 100_000
"""Of the code of a submission, so much is compared: more than ten times the longest lab."""
LONGEST_LINE = 1_000
"""A longer line is data, and passed over."""
RESTARTS = 100
"""After so many faults, the rest of a part is not read."""

NAME, NUMBER, STRING = "n", "0", '"'
_BUILTINS = frozenset(dir(builtins)) - {"_"}
_OWN = ("self", "cls")
_CLOSING = (")", "]", "}")
_LAYOUT = frozenset(
    {"COMMENT", "NL", "INDENT", "DEDENT", "ENDMARKER", "ENCODING", "FSTRING_MIDDLE", "FSTRING_END"}
)
_PYTHON_CELL_MAGIC = re.compile(r"%%(time|timeit|capture|prun)\b")
_MAGIC = re.compile(r"\s*(?:[%!?]|(?:[\w, ]+=\s*)[%!])")


@dataclass(frozen=True)
class Part:
    """A piece of code, and how a person finds it: `file` is that of a helper module, else "".

    `cell` is None in a module without cells; `first_line` is the number of its first line.
    """

    file: str
    cell: int | None
    first_line: int
    source: str


class Token(NamedTuple):
    """What stays of a token, and its place: index of the part, line in it from 1."""

    symbol: str
    part: int
    line: int


def parts_of(submission: Submission) -> tuple[Part, ...]:
    """The cells in order, then helper modules that came along, up to `CHARACTERS` in all."""
    whole = submission.kind == "module" and len(submission.cells) == 1
    parts = [
        Part("", None if whole else cell.number, cell.first_line, cell.source)
        for cell in submission.cells
    ]
    parts += [
        Part(printable(file.path), None, 1, file.content[:CHARACTERS].decode("utf-8", "replace"))
        for file in submission.files
        if file.path.lower().endswith(".py")
    ]
    kept, room = [], CHARACTERS
    for part in parts:
        if len(part.source) <= room:
            kept.append(part)
            room -= len(part.source)
    return tuple(kept)


def tokens_of(parts: Iterable[Part]) -> list[Token]:
    """The tokens of all parts, one after the other. Code that is broken gives what it can."""
    found = []
    for number, part in enumerate(parts):
        for line in _logical_lines(_python_lines(part.source)):
            found += [Token(symbol, number, row) for symbol, row in _symbols(line)]
    return found


def _python_lines(source: str) -> list[str]:
    """The lines with magics, shell commands and data blanked, so that numbers stay right."""
    lines = source.split("\n")
    first = next((line for line in lines if line.strip()), "")
    if first.startswith("%%") and not _PYTHON_CELL_MAGIC.match(first):
        return []
    return [
        "\n" if len(line) > LONGEST_LINE or _MAGIC.match(line) else line + "\n" for line in lines
    ]


def _logical_lines(lines: list[str]) -> Iterator[list[tokenize.TokenInfo]]:
    """Statement by statement; after a fault it goes on with the next line."""
    start = 0
    for _ in range(RESTARTS):
        line: list[tokenize.TokenInfo] = []
        end = start
        try:
            for item in tokenize.generate_tokens(io.StringIO("".join(lines[start:])).readline):
                end = start + item.end[0]
                moved = item._replace(start=(item.start[0] + start, item.start[1]))
                if item.type == kinds.NEWLINE:
                    yield line
                    line = []
                elif kinds.tok_name[item.type] not in _LAYOUT:
                    line.append(moved)
            yield line
            return
        except (tokenize.TokenError, SyntaxError) as error:
            yield line
            start = max(end, start + _line_of(error), start + 1)
            if start >= len(lines):
                return


def _line_of(error: Exception) -> int:
    """The line, from 1, at which the fault began; 0 where that is not known."""
    place = error.args[1] if len(error.args) > 1 else None
    return int(place[0]) if isinstance(error, tokenize.TokenError) and place else 0


def _symbols(line: list[tokenize.TokenInfo]) -> Iterator[tuple[str, int]]:
    """What stays of a statement. Imports and bare strings say nothing of who wrote the rest."""
    if not line or line[0].string in ("import", "from"):
        return
    if all(item.type == kinds.STRING for item in line):
        return
    before, owner = "", ""
    following = [*(item.string for item in line[1:]), ""]
    heads = line[0].string in ("def", "async")  # its parameters are the student's own names
    for item, after in zip(line, following, strict=True):
        symbol = _symbol(item, before, owner, "" if heads else after)
        trailing = item.string == "," and after in _CLOSING
        repeated = symbol == STRING == before
        if item.string != ";" and not trailing and not repeated:
            yield symbol, item.start[0]
        owner = item.string if item.string != "." else owner
        before = symbol


def _symbol(item: tokenize.TokenInfo, before: str, owner: str, after: str) -> str:
    if item.type == kinds.NUMBER:
        return NUMBER
    if item.type == kinds.STRING or kinds.tok_name[item.type] == "FSTRING_START":
        return STRING
    if item.type != kinds.NAME or keyword.iskeyword(item.string):
        return item.string
    if before == "." and owner not in _OWN:
        return item.string
    if item.string in _BUILTINS or (after == "=" and before in ("(", ",")):
        return item.string
    return NAME
