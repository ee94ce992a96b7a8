"""Points as a course system writes and wants them."""

from __future__ import annotations

import re

from grader.errors import UsageError

_NUMBER = re.compile(r"\d+(?:([.,])(\d+))?")

LONGEST = 20
"""Signs of a number of points."""


def points_in(text: str, where: str) -> float | None:
    """The points that a cell names, with a decimal point or comma; None where it names none.

    Raises UsageError for what is in doubt, as 1,000 is.
    """
    text = text.strip()
    if not text:
        return None
    found = _NUMBER.fullmatch(text)
    if found is None or len(found[2] or "") == 3 or len(text) > LONGEST:
        raise UsageError(
            f"{where} is “{text[:40]}”, which leaves a doubt.",
            hint="Say how many points there are, with --points.",
        )
    return float(text.replace(",", "."))


def shown(score: float, *, of: float, possible: float | None, comma: bool = False) -> str:
    """A score of `of` points at a maximum of `possible` (None: the same), in four decimals."""
    scaled = score if not possible or not of else score * possible / of
    text = f"{scaled:.4f}".rstrip("0").rstrip(".")
    return text.replace(".", ",") if comma else text


def same_number(one: str, other: str) -> bool:
    """Whether two cells say the same number, as 18,00 and 18 do."""
    try:
        return float(one.replace(",", ".")) == float(other.replace(",", "."))
    except ValueError:
        return False
