"""What of /proc tells of processes, for the tests that see to it that none is left."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

ENDED = "ZX"
"""The states of a process that waits to be reaped, or is."""


def alive(pid: int) -> bool:
    """Whether the process is there, and not only its number."""
    words = _words(pid)
    return bool(words) and words[0] not in ENDED


def children(pid: int) -> list[int]:
    """The processes that a process has started and that live."""
    return [one for one, words in _living() if int(words[1]) == pid]


def session(leader: int) -> list[int]:
    """The processes of a session that live."""
    return [one for one, words in _living() if int(words[3]) == leader]


def _living() -> Iterator[tuple[int, list[str]]]:
    for number in (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal()):
        if (words := _words(number)) and words[0] not in ENDED:
            yield number, words


def _words(pid: int) -> list[str]:
    """State, parent, group, session … of a process: proc(5), from its third field on."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return text.rpartition(")")[2].split()
