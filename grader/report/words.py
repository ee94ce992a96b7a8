"""The words and signs that every report uses for outcomes, limits and isolation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from grader.records.exhibits import Exhibits
from grader.records.result import Certainty, CheckResult, Isolation, Limit, Outcome

MIB = 1 << 20


class Mark(NamedTuple):
    """How an outcome is written: a word, a sign, and a sign that ASCII holds."""

    word: str
    sign: str
    ascii: str


MARKS: Mapping[Outcome, Mark] = {
    Outcome.PASSED: Mark("passed", "✓", "+"),
    Outcome.FAILED: Mark("failed", "✗", "x"),
    Outcome.ERROR: Mark("error", "!", "!"),
    Outcome.SKIPPED: Mark("not checked yet", "○", "-"),
    Outcome.INVALID: Mark("our fault", "?", "?"),
}

OF_QUESTIONS: Mapping[Outcome, Mark] = {
    **MARKS,
    Outcome.PASSED: Mark("right", "✓", "+"),
    Outcome.FAILED: Mark("not right", "✗", "x"),
    Outcome.SKIPPED: Mark("open", "○", "-"),
}
ANSWERED = Mark("answered", "●", "*")
"""A question whose answer waits for its mark."""
IN_PART = Mark("in part", "✗", "x")
"""A question for which some of the points are given."""

ISOLATION: Mapping[Isolation, str] = {
    "partial": (
        "The code ran behind a weaker fence than usual, because this machine does not allow the "
        "full one. That is fine for your own work; do not run files from others this way."
    ),
    "limits-only": (
        "The code ran with limits on time and memory, but could see the files of this machine. "
        "That is fine for your own work; do not run files from others this way."
    ),
    "none": (
        "The code ran with nothing between it and this machine. "
        "That is fine for your own work; do not run files from others this way."
    ),
}

CERTAINTY: Mapping[Certainty, str] = {
    "fact": "seen for certain",
    "likely": "likely, not proven",
    "style": "a matter of style",
}

NOT_MARKED = "Not marked yet"
OPEN_MEANS = "Open: not answered yet, which is not the same as wrong."
ALL_PASSED = "Everything that was checked is right. Well done."
REJECTED = "There is nothing to mark yet"
REJECTED_WHY = "The file could not be read as a submission, so nothing of it was run or marked."
REJECTED_NEXT = (
    "Open the notebook, choose Restart and run all, save it, and hand in that file again."
)
INVALID = "This one is on us"
INVALID_WHY = (
    "The grader broke down while it looked at your work. That says nothing about your work, and it "
    "costs you no points."
)
INVALID_NEXT = (
    "You need not change anything. Try again; if it stays like this, tell your course staff."
)


def mark(check: CheckResult, exhibits: Exhibits) -> Mark:
    """How a check's outcome is written in a lab of this kind."""
    if exhibits.kind == "code":
        return MARKS[check.outcome]
    if check.id in exhibits.waiting:
        return ANSWERED
    if check.outcome is Outcome.FAILED and check.points > 0:
        return IN_PART
    return OF_QUESTIONS[check.outcome]


def limit_words(limit: Limit, limits: Mapping[str, float]) -> str:
    """What hitting a limit meant, in a sentence; figures as far as `limits` has them."""
    return {
        "time": _time(limits),
        "memory": "The program needed more memory than it may use"
        + _size(limits, "memory")
        + ", so it was "
        "stopped. Large copies of the data are the usual cause.",
        "output": "The program printed more than can be kept"
        + _size(limits, "text_ends_run")
        + ", so it "
        "was stopped. Look for a print inside a loop.",
        "disk": "The program wrote more files than fit" + _size(limits, "work_folder") + ".",
        "processes": "The program started more processes or threads than it may"
        + _count(limits)
        + ".",
        "crash": "The Python process ended by itself in the middle of the work, as it does after "
        "exit() or a crash in native code.",
        "protocol": "The process sent something that the grader could not read, so it was stopped.",
    }[limit]


def _time(limits: Mapping[str, float]) -> str:
    run, call = limits.get("run_seconds"), limits.get("call_seconds")
    if run is None:
        return "The program took longer than it may, so it was stopped."
    words = f"The program was stopped after {run:g} s, the longest that a run may take"
    return words + (f" (a single call: {call:g} s)." if call is not None else ".")


def _size(limits: Mapping[str, float], key: str) -> str:
    return f" ({size(limits[key])})" if key in limits else ""


def _count(limits: Mapping[str, float]) -> str:
    return f" ({limits['processes']:g})" if "processes" in limits else ""


def size(number: float) -> str:
    """Bytes in MiB or GiB."""
    mebibytes = number / MIB
    return f"{mebibytes / 1024:g} GiB" if mebibytes >= 1024 else f"{mebibytes:g} MiB"


def points(number: float) -> str:
    """Points without needless zeros, at most two decimals."""
    return f"{number:.2f}".rstrip("0").rstrip(".") if number == number else "0"


def share(part: float, whole: float) -> float:
    """`part` of `whole` from 0 to 1; 0 where there is no whole."""
    return min(max(part / whole, 0.0), 1.0) if whole > 0 else 0.0


def place(cell: int | None, line: int | None) -> str:
    """`cell 5, line 2`, as far as it is known."""
    known = [f"{word} {number}" for word, number in (("cell", cell), ("line", line)) if number]
    return ", ".join(known)


def plural(number: int, word: str, many: str = "") -> str:
    """`1 check`, `2 checks`."""
    return f"{number} {word if number == 1 else many or word + 's'}"
