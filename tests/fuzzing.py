"""Files of every kind, broken on purpose: what the tests of the readers are fed.

A reader gives back a record or raises the project's own error, with a hint; `attempt` holds it to
that and counts what came of it. GRADE_FUZZ=N makes N times as many examples (scripts/fuzz.py).
"""

from __future__ import annotations

import copy
import os
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from grader.errors import GraderError, SessionClosed

T = TypeVar("T")

TIMES = int(os.environ.get("GRADE_FUZZ", "1"))
COUNTED = "fuzzed"
"""What a test tells the summary under: the reader, and how many it read and refused."""


class Outcomes:
    """What became of the examples that the readers of one module were fed."""

    def __init__(self) -> None:
        self.read: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()

    def attempt(
        self, reader: str, read: Callable[[], T], refusal: type[Exception] = GraderError
    ) -> T | None:
        """What `read` returns; None where it refuses with `refusal`, and a hint if it can."""
        try:
            value = read()
        except refusal as error:
            _must_explain(error)
            self.refused[reader] += 1
            return None
        self.read[reader] += 1
        return value

    def tell(self, request: pytest.FixtureRequest) -> None:
        """Leave the counts for the summary at the end of the run."""
        for reader in sorted({*self.read, *self.refused}):
            told = (COUNTED, (reader, self.read[reader], self.refused[reader]))
            request.node.user_properties.append(told)
        self.read.clear()
        self.refused.clear()


def _must_explain(error: Exception) -> None:
    """What a user reads has a hint; that a session is over is heard by the grader alone."""
    if isinstance(error, GraderError) and not isinstance(error, SessionClosed):
        said, hint = error.message, error.hint
        assert said
        assert hint, said


def many(examples: int) -> settings:
    """So many examples, and more where a long run is asked for."""
    return settings(
        max_examples=examples * TIMES,
        deadline=None,
        suppress_health_check=[
            HealthCheck.too_slow,
            HealthCheck.data_too_large,
            HealthCheck.function_scoped_fixture,
        ],
    )


ODD_TEXTS = (
    "", "\0", "\ud800", "\u202e", "\x1b]0;x\x07", "=1+1", "../../x", "/etc/passwd", "a" * 5_000,
    "<script>window.pwned = 1</script>", "nan", "1e999", "2026-11-20", "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59-23:59", "٣", "9" * 400,
)  # fmt: skip
ODD_NUMBERS = (
    0, -1, 1, 2**31, 2**53 + 1, 2**63, -(2**63) - 1, 10**400, 0.5, -0.0, 1e308, 5e-324,
    float("inf"), float("-inf"), float("nan"),
)  # fmt: skip


def deep(levels: int) -> Any:
    """A list in a list in a list."""
    value: Any = []
    for _ in range(levels):
        value = [value]
    return value


def values() -> st.SearchStrategy[Any]:
    """Values as JSON has them, odd ones first."""
    plain = (
        st.sampled_from(ODD_TEXTS)
        | st.sampled_from(ODD_NUMBERS)
        | st.none()
        | st.booleans()
        | st.text(max_size=8)
        | st.integers(-9, 9)
    )
    nests = st.lists(plain, max_size=3) | st.dictionaries(st.text(max_size=5), plain, max_size=3)
    return plain | nests | st.sampled_from([60, 400]).map(deep)


@st.composite
def changed(
    draw: st.DrawFn,
    document: Any,
    most: int = 4,
    more: st.SearchStrategy[Any] | None = None,
) -> Any:
    """`document` with some of its values replaced, removed, doubled or put elsewhere.

    What replaces them are the odd values of JSON, and those of `more`.
    """
    odd = values() if more is None else values() | more
    document = copy.deepcopy(document)
    for _ in range(draw(st.integers(1, most))):
        places = list(_places(document))
        if not places:
            break
        parent, key = draw(st.sampled_from(places))
        how = draw(st.sampled_from(["replace", "replace", "remove", "double", "move"]))
        if how == "replace":
            parent[key] = draw(odd)
        elif how == "remove":
            del parent[key]
        elif how == "move":
            other, place = draw(st.sampled_from(places))
            parent[key] = copy.deepcopy(other[place])
        elif isinstance(parent, list):
            parent.insert(key, copy.deepcopy(parent[key]))
        else:
            parent[draw(st.text(max_size=8))] = copy.deepcopy(parent[key])
    return document


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Each container within `value` with each of its keys."""
    if isinstance(value, dict):
        items: Iterator[tuple[Any, Any]] = iter(value.items())
    elif isinstance(value, list):
        items = iter(enumerate(value))
    else:
        return
    for key, item in items:
        yield value, key
        yield from _places(item)


@st.composite
def damaged(draw: st.DrawFn, content: bytes) -> bytes:
    """`content` with bytes replaced, runs doubled, and perhaps cut short."""
    data = bytearray(content)
    for _ in range(draw(st.integers(0, 5))):
        if not data:
            break
        at = draw(st.integers(0, len(data) - 1))
        how = draw(st.sampled_from(["set", "insert", "double"]))
        if how == "set":
            data[at] = draw(st.integers(0, 255))
        elif how == "insert":
            data[at:at] = draw(st.binary(max_size=6))
        else:
            data[at:at] = data[at : at + draw(st.integers(1, 40))]
    cut = draw(st.integers(0, len(data)) | st.just(len(data)))
    return bytes(data[:cut])


ODD_TOML = (
    "nan", "inf", "-1", "0", "1e308", "9" * 5_000, "0x" + "f" * 30, "true", '""', '"x"', "[]", "{}",
    "[[]]", "[1, 'a']", '"\\uD7FF\\u0000"', '"""\na\n"""', "1979-05-27", "1979-05-27T07:32:00",
    "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "07:32:00", "2026-02-30", "“x”",
    "[" * 60 + "]" * 60, "[" * 5_000, "{a.b = 1}", '"<script>"', "'C:\\'",
)  # fmt: skip
ODD_LINES = (
    "[late]", "[[check]]", "[check]", "[settings.a.b]", "[limits]", "a.b.c = 1", "= 1", "]", "\0",
    "due = 2026-11-20T23:59:00Z\npercent_per_day = 5", "x = [\n", '"a b" = 1', "\ufeff", "#",
    ".".join("a" * 900) + " = 1",
)  # fmt: skip


@st.composite
def changed_toml(draw: st.DrawFn, text: str, most: int = 2) -> bytes:
    """A TOML file with lines of other values, of other keys, lost, doubled or moved."""
    lines = text.strip().split("\n")
    for _ in range(draw(st.integers(1, most))):
        at = draw(st.integers(0, len(lines) - 1))
        how = draw(st.sampled_from(["value", "value", "value", "line", "remove", "move", "key"]))
        key, equals, value = lines[at].partition("=")
        if how == "value" and equals:
            lines[at] = f"{key}= {draw(st.sampled_from(ODD_TOML))}"
        elif how == "line":
            lines.insert(at, draw(st.sampled_from(ODD_LINES)))
        elif how == "remove" and len(lines) > 1:
            del lines[at]
        elif how == "move":
            lines.insert(draw(st.integers(0, len(lines))), lines[at])
        elif how == "key" and equals:
            lines[at] = f"{draw(st.sampled_from(['late.x', 'a.b', 'titel', 'id', '3']))} ={value}"
    content = "\n".join(lines).encode("utf-8", "replace")
    return draw(damaged(content)) if draw(st.integers(0, 3)) == 0 else content
