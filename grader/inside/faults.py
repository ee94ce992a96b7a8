"""Exceptions of student code as plain, bounded data, with the student's own cell and line."""

from __future__ import annotations

import errno
import sys
import traceback
from types import FrameType, TracebackType
from typing import Any

MODULE_FILE = "<submission>"
MAX_MESSAGE = 2_000
MAX_TRACE = 12


def cell_file(number: int) -> str:
    """The file name under which a cell is compiled; `place` reads it back."""
    return f"<cell {number}>"


def place(filename: str, line: int | None) -> tuple[int | None, int | None] | None:
    """(cell, line) of a frame of student code, or None for any other file."""
    if filename == MODULE_FILE:
        return None, line
    if filename.startswith("<cell ") and filename.endswith(">"):
        number = filename[6:-1]
        if number.isdigit():
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
    cell, line, trace = _student_places(error.__traceback__)
    if isinstance(error, SyntaxError):
        found = place(str(error.filename), error.lineno)
        if found is not None:
            cell, line = found
    return {
        "type": _name(error),
        "message": _message(error),
        "cell": cell,
        "line": line,
        "trace": trace[-MAX_TRACE:],
    }


def limit_of(error: BaseException | None) -> str | None:
    """The bound behind an exception that the submission did not catch, or None."""
    if isinstance(error, MemoryError):
        return "memory"
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return "disk"
    if isinstance(error, OSError) and error.errno == errno.EAGAIN:
        return "processes"
    if isinstance(error, RuntimeError) and "can't start new thread" in _message(error):
        return "processes"
    return None


def _name(error: BaseException) -> str:
    name = type.__getattribute__(type(error), "__name__")
    return sendable(name[:200]) if type(name) is str else "Exception"


def _message(error: BaseException) -> str:
    try:
        text = str(error)
        return sendable(str.__str__(text)[:MAX_MESSAGE])
    except Exception:
        return "(its message could not be read)"


def sendable(text: str) -> str:
    """The text with what UTF-8 cannot hold, lone surrogates, replaced."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _student_places(
    trace: TracebackType | None,
) -> tuple[int | None, int | None, list[str]]:
    cell: int | None = None
    line: int | None = None
    lines: list[str] = []
    for frame, number in traceback.walk_tb(trace):
        found = place(frame.f_code.co_filename, number)
        if found is None:
            continue
        cell, line = found
        spot = f"line {line}" if cell is None else f"cell {cell}, line {line}"
        lines.append(sendable(f"{spot}, in {frame.f_code.co_name}"[:300]))
    return cell, line, lines
