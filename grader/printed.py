"""What a submission printed, as a terminal shows it in the end, without the clock of Keras.

A progress bar is drawn over itself, as often as time passes, and ends with how long it took. Two
runs of one program would print different texts; what is left here is the same in both.
"""

from __future__ import annotations

import re

_COLOUR = re.compile(r"\x1b\[[0-9;]*m|\x08")
_TOOK = re.compile(
    r"^( *\d+/\d+(?: [━ ]*━)?) +(?:- )?"
    r"\d+(?:s|ms|us|:\d\d(?::\d\d)?) (?:- )?\d+(?:s|ms|us)/(?:step|epoch)"
)

_SPENT = re.compile(r"\b\d+(?:\.\d+)?[num\u00b5\u03bc]?s(?:/(?:step|epoch|sample))?(?=\s|$)")
_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{6,16}\b")


def settled(text: str) -> str:
    """The text with overwritten lines gone, and durations taken out of Keras's progress lines."""
    return "\n".join(_line(line) for line in text.split("\n"))


def steady(text: str) -> str:
    """Printed text without what differs from run to run: how long steps took, and addresses."""
    return _ADDRESS.sub("0x…", _SPENT.sub("…", text))


def _line(line: str) -> str:
    if "\r" in line:
        line = next((part for part in reversed(line.split("\r")) if part), "")
    if "/step" not in line and "/epoch" not in line:
        return line
    plain = _COLOUR.sub("", line)
    shown = _TOOK.sub(r"\1", plain, count=1)
    return line if shown == plain else shown.rstrip()
