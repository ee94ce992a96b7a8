"""TOML that a course's author wrote: taken in, or refused with file, line and what to do."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from grader.errors import LabError

NEEDED = "The lab needs this file: write it, or fetch it from the course again."
UNREADABLE = "Save it again as UTF-8, where the grader may read it."
"""What to do about a file whose bytes cannot be had, or are no text."""
_PLACE = re.compile(r"\(at (?:line (\d+), column \d+|end of document)\)$")
_COMPARE = "Compare the line with its neighbours: a text stands between straight quotes."


def read_text(path: Path) -> str:
    """The text of a file, its lines ended by `\\n`. Raises LabError."""
    try:
        return path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
    except FileNotFoundError:
        raise LabError(f"{path} is missing.", hint=NEEDED) from None
    except (OSError, UnicodeDecodeError) as error:
        raise LabError(f"{path} cannot be read: {error}.", hint=UNREADABLE) from None


def parse(path: Path, text: str) -> dict[str, Any]:
    """The tables in the text of the file at `path`. Raises LabError."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise LabError(_syntax_message(path, text, error), hint=_COMPARE) from None
    except RecursionError:
        raise LabError(f"{path} is nested too deeply.", hint="Leave out brackets.") from None
    except ValueError:  # Python refuses to read numbers of thousands of digits
        raise LabError(f"{path} holds a number that is too long.", hint="Shorten it.") from None


def _syntax_message(path: Path, text: str, error: tomllib.TOMLDecodeError) -> str:
    where = _PLACE.search(str(error))
    line = int(where[1]) if where and where[1] else text.rstrip().count("\n") + 1
    reason = str(error)[: where.start()].strip() if where else str(error)
    return f"{path}:{line}: this is not valid TOML: {reason}."
