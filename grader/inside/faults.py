"""Exceptions of student code as plain, bounded data, with the student's own cell and line."""

from __future__ import annotations

import ast
import errno
import linecache
import re
import sys
import traceback
from types import FrameType, TracebackType
from typing import Any

from .deadline import TimeUp

MODULE_FILE = "<submission>"
MAX_MESSAGE = 2_000
MAX_TRACE = 12
MAX_DIGITS = 10
ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{6,16}\b")
SYNTAX_PLACE = re.compile(r" \(<[^<>]{1,40}>, line \d+\)$")
LOOPS = (ast.For, ast.AsyncFor, ast.While)
_BARE_SYNTAX: Any = SyntaxError
_BARE_OS: Any = OSError
"""Their attributes are read past what a subclass of the student's makes of them."""


def cell_file(number: int) -> str:
    """The file name under which a cell is compiled; `place` reads it back."""
    return f"<cell {number}>"


def place(filename: str, line: int | None) -> tuple[int | None, int | None] | None:
    """(cell, line) of a frame of student code, or None for any other file."""
    if filename == MODULE_FILE:
        return None, line
    if filename.startswith("<cell ") and filename.endswith(">"):
        number = filename[6:-1]
        if number.isascii() and number.isdigit() and len(number) < MAX_DIGITS:
            return int(number), line
    return None


def where() -> tuple[int | None, int | None]:
    """(cell, line) of the innermost student frame on the stack, or (None, None)."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        found = place(frame.f_code.co_filename, frame.f_lineno)
        if found is not None:
            return found
        frame = frame.f_back
    return None, None


def describe(error: BaseException) -> dict[str, Any]:
    """The fields of a `Fault` record for an exception, whatever its own methods do."""
    looping = issubclass(type(error), TimeUp)
    cell, line, trace = _student_places(error.__traceback__, looping=looping)
    if issubclass(type(error), SyntaxError):
        cell, line = _syntax_place(error) or (cell, line)
    return {
        "type": _name(error),
        "message": _message(error),
        "cell": cell,
        "line": line,
        "trace": trace[-MAX_TRACE:],
    }


def _syntax_place(error: BaseException) -> tuple[int | None, int | None] | None:
    name, line = _BARE_SYNTAX.filename.__get__(error), _BARE_SYNTAX.lineno.__get__(error)
    return place(name, line if type(line) is int else None) if type(name) is str else None


def limit_of(error: BaseException | None) -> str | None:
    """The bound behind an exception that the submission did not catch, or None."""
    if error is None:
        return None
    kind = type(error)
    if issubclass(kind, MemoryError):
        return "memory"
    if issubclass(kind, OSError):
        number = _BARE_OS.errno.__get__(error)
        if number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            return "disk"
        return "processes" if number == errno.EAGAIN else None
    if issubclass(kind, RuntimeError) and "can't start new thread" in _message(error):
        return "processes"
    return None


def _name(error: BaseException) -> str:
    name = type.__getattribute__(type(error), "__name__")
    return sendable(name[:200]) if type(name) is str else "Exception"


def _message(error: BaseException) -> str:
    """What the exception says, addresses blanked: they differ from run to run."""
    try:
        text = (
            SYNTAX_PLACE.sub("", str(error)) if issubclass(type(error), SyntaxError) else str(error)
        )
        return sendable(ADDRESS.sub("0x…", _both_ends(str.__str__(text))))
    except TimeUp:
        raise
    except BaseException:
        return "(its message could not be read)"


def _both_ends(text: str) -> str:
    """A long text without its middle: TensorFlow says what is wrong after a page of places."""
    if len(text) <= MAX_MESSAGE:
        return text
    end = text[3 - MAX_MESSAGE // 2 :]
    return text[: MAX_MESSAGE // 2] + "\n…\n" + (end.partition("\n")[2] or end)


def sendable(text: str) -> str:
    """The text with what UTF-8 cannot hold, lone surrogates, replaced."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _student_places(
    trace: TracebackType | None, *, looping: bool
) -> tuple[int | None, int | None, list[str]]:
    """Cell and line of the innermost student frame, and a text for each one.

    With `looping` the trace ends where its first loop begins: where in the loop the time was up
    differs from run to run.
    """
    cell: int | None = None
    line: int | None = None
    lines: list[str] = []
    for frame, number in traceback.walk_tb(trace):
        filename = frame.f_code.co_filename
        found = place(filename, number)
        if found is None:
            continue
        begins = _loop_around(filename, frame.f_code.co_firstlineno, number) if looping else None
        cell, line = found if begins is None else (found[0], begins)
        spot = f"line {line}" if cell is None else f"cell {cell}, line {line}"
        lines.append(sendable(f"{spot}, in {frame.f_code.co_name}"[:300]))
        if begins is not None:
            break
    return cell, line, lines


def _loop_around(filename: str, first: int, line: int) -> int | None:
    """The line on which the outermost loop around `line` begins, not before line `first`."""
    try:
        tree = ast.parse("".join(linecache.getlines(filename)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    loops = (node for node in ast.walk(tree) if isinstance(node, LOOPS))
    around = (n.lineno for n in loops if first <= n.lineno <= line <= (n.end_lineno or 0))
    return min(around, default=None)
