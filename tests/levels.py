"""What holds at each level of isolation, tried for real: python -m tests.levels prints the table.

Each surrounding is made, not mocked: another user, a container of one user id, a part of /proc
covered, a filter that refuses namespaces. In each, `grade doctor` tries every property. The table
is that of SECURITY.md; `tests/test_levels.py` holds the two together.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from tests import containers

DOCTOR = [sys.executable, "-B", "-m", "grader", "doctor", "--json"]
SECONDS = 300


@dataclass(frozen=True)
class Surrounding:
    """A machine that the grader may find itself on, and the level that it reaches there."""

    name: str
    level: str
    command: tuple[str, ...]


SURROUNDINGS = tuple(
    Surrounding(name, level, tuple(command))
    for name, level, command in (
        ("root", "full", DOCTOR),
        ("a user", "full", containers.as_user(DOCTOR)),
        ("/proc masked", "partial", containers.with_masked_proc(containers.as_user(DOCTOR))),
        ("one user id", "partial", containers.in_container(DOCTOR, ids=1)),
        (
            "a user, no namespaces",
            "limits-only",
            containers.as_user(containers.without_namespaces(DOCTOR)),
        ),
    )
)


def found_in(surrounding: Surrounding) -> tuple[str, dict[str, bool]]:
    """The level reached there, and whether each property holds."""
    done = subprocess.run(
        surrounding.command, cwd="/", capture_output=True, text=True, timeout=SECONDS, check=False
    )
    if not done.stdout.startswith("{"):
        raise RuntimeError(f"{surrounding.name}: {done.stderr}")
    told = json.loads(done.stdout)
    return told["isolation"], {one["name"]: one["ok"] for one in told["properties"]}


def table(found: Mapping[str, tuple[str, Mapping[str, bool]]]) -> str:
    """The Markdown table: a property a row, a surrounding a column."""
    levels = [f"{name}: `{level}`" for name, (level, _) in found.items()]
    lines = [["property", *levels], ["---"] * (len(levels) + 1)]
    for name in next(iter(found.values()))[1]:
        marks = ("yes" if holds[name] else "**no**" for _, holds in found.values())
        lines.append([f"`{name}`", *marks])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


if __name__ == "__main__":
    print(table({one.name: found_in(one) for one in SURROUNDINGS}))
