"""Expectations that carry what was observed, what was expected, why it matters and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from grader import catalogue
from grader.session import Batches, Unreadable

SHOWN = 6


@dataclass(frozen=True)
class Shortfall:
    """Why a check did not pass. `earned` is the share of its points that is given all the same."""

    observed: str
    expected: str
    why: str | None = None
    next: str | None = None
    misconception: str | None = None
    cell: int | None = None
    line: int | None = None
    earned: float = 0.0


class CheckFailed(AssertionError):
    """An expectation that was not met."""

    def __init__(self, shortfall: Shortfall) -> None:
        parts = {name: getattr(shortfall, name) for name in ("observed", "expected", "why", "next")}
        super().__init__("\n".join(f"{name}: {text}" for name, text in parts.items() if text))
        self.shortfall = shortfall


def fail(
    *,
    observed: str,
    expected: str,
    misconception: str | None = None,
    why: str | None = None,
    next: str | None = None,
    cell: int | None = None,
    line: int | None = None,
    earned: float = 0.0,
) -> NoReturn:
    """End the check; `why` and `next` come from the catalogue where a misconception is named.

    Raises LabError for a misconception that the catalogue does not know.
    """
    __tracebackhide__ = True
    if misconception is not None:
        entry = catalogue.get(misconception)
        why = why or entry.why
        next = next or entry.next
    raise CheckFailed(Shortfall(observed, expected, why, next, misconception, cell, line, earned))


def expect(
    condition: object,
    *,
    observed: str,
    expected: str,
    misconception: str | None = None,
    why: str | None = None,
    next: str | None = None,
    cell: int | None = None,
    line: int | None = None,
    earned: float = 0.0,
) -> None:
    """Go on if `condition` is true, else fail with the rest.

    `earned` is the share (0 to 1) of the check's points that is given although it failed.
    """
    __tracebackhide__ = True
    if not condition:
        fail(
            observed=observed,
            expected=expected,
            misconception=misconception,
            why=why,
            next=next,
            cell=cell,
            line=line,
            earned=earned,
        )


def expect_array(
    actual: Any,
    wanted: np.ndarray,
    *,
    call: str,
    mistakes: Mapping[str, np.ndarray] | None = None,
    tolerance: float = 1e-5,
    dtype: str | None = None,
) -> None:
    """Expect the numbers of `wanted`, in its shape.

    `actual` may be an array, a number or a nested list. `call` is how the student would write the
    call. `mistakes` maps misconceptions to the arrays they lead to: an equal one names the mistake.
    `tolerance` is relative to the largest wanted value. `dtype` is asked for only if given.
    """
    __tracebackhide__ = True
    array = plain_array(actual)
    if array is None:
        fail(
            observed=f"{call} returned {in_words(actual)}",
            expected=f"numbers of shape {wanted.shape}",
            next="Return the array itself: end the function with `return` and your result.",
        )
    right = _same(array, wanted, tolerance)
    if right and dtype in (None, array.dtype.name) and np.isfinite(array).all():
        return  # before anything is put into words that nobody will read
    for code, wrong in (mistakes or {}).items():
        if not right and _same(array, wrong, tolerance):
            fail(
                observed=f"{call} gave {_sketch(array)}",
                expected=_sketch(wanted),
                misconception=code,
            )
    expect(
        array.shape == wanted.shape,
        observed=f"{call} has shape {array.shape}",
        expected=f"shape {wanted.shape}",
        why="The next step works with this shape; another one fails there or goes wrong silently.",
        next="Print the shape after each step of your function and find where it first differs.",
    )
    expect(
        bool(np.isfinite(array).all()),
        observed=f"{call} holds values that are not finite (NaN or infinity)",
        expected="finite numbers",
        next="Look for a division by zero, a logarithm of zero or an overflow.",
    )
    expect(
        dtype is None or array.dtype.name == dtype,
        observed=f"{call} has dtype {array.dtype}",
        expected=f"dtype {dtype}",
        next="Convert the result with `astype` before you return it.",
    )
    expect(
        right,
        observed=f"{call} gave {_sketch(array)}",
        expected=_sketch(wanted),
        next="Work one small example out by hand and compare it with what your function returns.",
    )


def plain_array(value: Any) -> np.ndarray | None:
    """An answer as an array of numbers, or None where it holds none."""
    if isinstance(value, np.ndarray):
        return value
    if isinstance(value, (bool, int, float, list, tuple)):
        try:
            array = np.asarray(value)
        except ValueError:
            return None
        return array if array.dtype.kind in "biuf" else None
    return None


def in_words(value: Any) -> str:
    """A short description of an answer, safe to show."""
    if value is None:
        return "nothing (None)"
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    if isinstance(value, Unreadable):
        return f"an object of type {value.type}"
    if isinstance(value, Batches):
        return f"a dataset of {len(value.batches)} batches"
    return f"{type(value).__name__} {str(value)[:80]!r}"


def _same(array: np.ndarray, wanted: np.ndarray, tolerance: float) -> bool:
    if array.shape != wanted.shape:
        return False
    scale = max(float(np.abs(wanted).max(initial=0)), 1e-12)
    return bool(
        np.allclose(
            array.astype(np.float64), wanted.astype(np.float64), rtol=0, atol=tolerance * scale
        )
    )


def _sketch(array: np.ndarray) -> str:
    flat = array.reshape(-1)
    values = ", ".join(f"{value:.4g}" for value in flat[:SHOWN].tolist())
    more = ", …" if flat.size > SHOWN else ""
    if flat.size == 0:
        return f"an empty array of shape {array.shape}"
    if array.ndim == 0:
        return values
    span = f"{float(flat.min()):.4g} to {float(flat.max()):.4g}"
    return f"shape {array.shape}, {span}: [{values}{more}]"
