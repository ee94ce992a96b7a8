"""A check's title, the line that a student reads, and what is said by it of another check."""

from __future__ import annotations

import re

NEEDS = "not checked yet: it needs"
"""How that begins which is said of a check that needs another."""


def title_in(docstring: str) -> str:
    """The docstring of a check up to its first blank line, on one line."""
    return re.sub(r"\s+", " ", docstring.strip().split("\n\n")[0])


def unchecked(title: str) -> str:
    """What is said of a check that needs the one of this title, which did not pass."""
    return f"{NEEDS} “{title}”"
