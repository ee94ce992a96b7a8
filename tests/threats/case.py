"""What a case is: a threat by its number, what is handed in, and what must come of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING, Literal

from grader.records.result import Result

if TYPE_CHECKING:
    from tests.threats.bench import Bench

Way = Literal["cold", "warm", "kept"]
"""How a submission's process comes to be: cold, forked from a warm server, or from one that a
keeper lends to `grade check`."""

FULL = 10.0
WORDS = {
    "crash": "CRASH",
    "time": "TLE",
    "memory": "MLE",
    "output": "OLE",
    "disk": "DISK",
    "processes": "PROC",
    "protocol": "PROTOCOL",
}
SCALE = "def scale(x):\n    return x / 255\n"
TOTAL = "def total(x):\n    return sum(x)\n"
HONEST = SCALE + "\n" + TOTAL
"""Right work for all of the checks: `scale` is worth 2 points seen and 5 hidden, `total` 3."""


@dataclass(frozen=True)
class Case:
    """One threat. `verdict` lists the words that may come of it, separated by a bar.

    CONTAINED means that the honest work beside the attack got its full marks; LIMIT words are
    those of WORDS; FAIL, REJECT and INFRA are a check that failed, a file that was refused and a
    fault of ours. `says` are texts that the program has to print: that it tried, and what it met.
    `shown` are texts that the page has to hold: what is hostile did get there.
    `hand_in` writes the submission into an empty folder and returns its path; without it the
    program is a module. A case with a `trial` is no submission: it does what it does by itself,
    raises AssertionError where something is wrong, and returns the word. `turns` is how often it
    is handed in, one after the other.
    """

    number: int
    threat: str
    verdict: str
    program: str = ""
    earns: float = 0.0
    says: tuple[str, ...] = ()
    reason: str = ""
    shown: tuple[str, ...] = ()
    outcomes: Mapping[str, str] = field(default_factory=dict)
    hand_in: Callable[[Path, str], Path] | None = None
    trial: Callable[[Bench, Way], str] | None = None
    lab: str = "plain"
    turns: int = 1

    @property
    def name(self) -> str:
        """A name for tests: the number and the threat in plain letters."""
        words = "".join(c if c.isascii() and c.isalnum() else " " for c in self.threat).split()
        return "-".join([f"{self.number:02}", *words])[:70]


def program(text: str, *parts: str) -> str:
    """A program from its own text and parts that follow it."""
    return dedent(text).lstrip("\n") + "".join("\n" + part for part in parts)


def word_of(result: Result) -> str:
    """The verdict in a word."""
    if result.status == "rejected":
        return "REJECT"
    if result.status == "invalid":
        return "INFRA"
    if result.limit is not None:
        return WORDS[result.limit]
    return "CONTAINED" if result.score == result.max_score else "FAIL"
