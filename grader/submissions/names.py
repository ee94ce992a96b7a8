"""File names that can be printed and sent, whatever bytes they are made of."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Sequence

_UNPRINTABLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def sendable(name: str | bytes) -> str:
    r"""A name in which each byte that is no UTF-8 stands as `\xNN`, so that it can be encoded."""
    try:
        name = os.fsencode(name)
    except UnicodeEncodeError:  # of no file here: the locale lacks a sign that a table has
        assert isinstance(name, str)
        name = name.encode("utf-8", "surrogatepass")
    return name.decode("utf-8", "backslashreplace")


def printable(name: str | bytes) -> str:
    r"""`sendable`, with line breaks, control and direction marks spelt out as `\uNNNN`."""
    return "".join(
        f"\\u{ord(sign):04x}" if unicodedata.category(sign) in _UNPRINTABLE else sign
        for sign in sendable(name)
    )


def listed(names: Sequence[str], most: int = 5) -> str:
    """Up to so many names in a row, printable, for a message; of the others how many they are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(printable(name) for name in names[:most]) + more
