"""Reading a file of answers: TOML, bounded in size and depth, and never more than read."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from typing import Any

from grader.errors import SubmissionError
from grader.submissions import bounds
from grader.submissions.names import printable
from grader.submissions.text import decode

NAME = "answers.toml"
"""What a file of answers is called when it is handed out."""
LAB = "lab"
"""The key that says which lab the answers are for."""
ANSWER = "answer"
"""The key, in a question's table, of what the student wrote."""

_BEGIN_ANEW = "“grade start LAB FOLDER” writes a fresh file to fill in."
_PLACE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")
_CURLY = re.compile("=[^\n]*[“”„‘’«»]")
_BARE = re.compile(r"=\s*[^\W\d_]+\s*(?:#.*)?$")


def read_answers(
    content: bytes, what: str, lab_id: str | None
) -> tuple[dict[str, Any], str | None]:
    """What was written for each question, and a note on a rare encoding.

    A question without an answer is not in it, or has an empty one. `what` names the file in
    messages. Raises SubmissionError for what is no TOML, and for answers to another lab.
    """
    try:
        text, note = decode(content, what)
    except SubmissionError as error:
        raise SubmissionError(error.message, hint=_BEGIN_ANEW) from None
    table = _parsed(text, what)
    said = table.pop(LAB, None)
    if isinstance(said, str) and lab_id is not None and said != lab_id:
        raise SubmissionError(
            f"{what} holds answers to “{printable(said[:40])}”, not to “{lab_id}”.",
            hint="Hand in the file that belongs to it.",
        )
    return {question: _answer(value) for question, value in table.items()}, note


def _parsed(text: str, what: str) -> dict[str, Any]:
    # tomllib's time grows with the square of a dotted key's parts.
    if max(line.count(".") for line in text.split("\n")) > bounds.LINE_DOTS:
        raise SubmissionError(
            f"{what} has a line with more than {bounds.LINE_DOTS} dots.",
            hint="Leave rows of dots out, and part a long text into lines.",
        )
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _refused(text, what, error) from None
    except (ValueError, RecursionError):
        raise SubmissionError(
            f"{what} holds a value that no answer has: a huge number, or too many brackets.",
            hint=_BEGIN_ANEW,
        ) from None


def _answer(value: Any) -> Any:
    """The answer in a question's table; a value that stands without a table is one."""
    return value.get(ANSWER) if isinstance(value, Mapping) else value


def _refused(text: str, what: str, error: tomllib.TOMLDecodeError) -> SubmissionError:
    place = _PLACE.search(str(error))
    number = int(place[1]) if place and place[1] else text.rstrip().count("\n") + 1
    lines = text.split("\n")
    line = lines[number - 1][:500] if number <= len(lines) else ""
    reason = printable(str(error)[: place.start()] if place else str(error))[:120]
    return SubmissionError(
        f"{what} cannot be read: line {number} is not valid TOML ({reason}).",
        hint=_remedy(line, str(error)),
    )


def _remedy(line: str, reason: str) -> str:
    if "Cannot overwrite" in reason or "Cannot declare" in reason:
        return "Something is there twice: keep one answer for each question."
    if _CURLY.search(line):
        return 'Use straight quotes: " and not the curly ones of a word processor.'
    if _BARE.search(line):
        return 'Put the answer between quotes: answer = "x".'
    if "Unterminated" in reason or "Illegal character" in reason:
        return 'A quote is not closed: "…" on one line, or three quotes around several lines.'
    if "escape" in reason:
        return "A backslash stands between the quotes: write it twice, or use single quotes."
    return "Compare the line with its neighbours, or begin anew with “grade start”."
