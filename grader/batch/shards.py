"""A class shared out over several machines: what is in a share, and what one came to."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from grader.batch.files import Out, read_json
from grader.batch.times import Times, times_from_json, times_to_json
from grader.errors import UsageError
from grader.report.class_page import Notice

SCHEMA = "grader.shard/1"
MOST = 10_000


@dataclass(frozen=True, order=True)
class Shard:
    """Share `number` of `of`, counted from 1."""

    number: int
    of: int

    @classmethod
    def parse(cls, text: str) -> Shard:
        """From `I/N`. Raises UsageError for anything else."""
        found = re.fullmatch(r"(\d{1,5})/(\d{1,5})", text, re.ASCII)
        shard = cls(int(found[1]), int(found[2])) if found else cls(0, 0)
        if not 1 <= shard.number <= shard.of <= MOST:
            raise UsageError(
                f"“{text}” is no shard.",
                hint="Write --shard I/N: 1/4, 2/4, 3/4 and 4/4 are the four quarters of a class.",
            )
        return shard

    def holds(self, student: str) -> bool:
        """Whether an id is of this share: a matter of its hash, and so the same everywhere."""
        digest = hashlib.sha256(student.encode("utf-8", "surrogatepass")).digest()
        return int.from_bytes(digest[:8], "big") % self.of == self.number - 1

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    @property
    def _name(self) -> str:
        return f"{self.number}-of-{self.of}"

    def record(self, out: Out) -> Path:
        """The file that says what the share came to; it is there when all of it is done."""
        return out.state / f"shard-{self._name}.json"

    def lock(self, out: Out) -> Path:
        """The file that only one run of this share holds."""
        return out.state / f"shard-{self._name}.lock"


@dataclass(frozen=True)
class Share:
    """What a finished share came to. `names` are the file names of the whole class, by id,
    `times` when the share was handed in."""

    shard: Shard
    names: Mapping[str, str]
    missing: tuple[str, ...]
    twins: tuple[str, ...]
    doubts: tuple[Notice, ...]
    times: Mapping[str, Times] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """What stands in the share's record."""
        return {
            "schema": SCHEMA,
            "shard": self.shard.number,
            "of": self.shard.of,
            "names": dict(self.names),
            "missing": sorted(self.missing),
            "twins": list(self.twins),
            "doubts": sorted([notice.id, notice.said] for notice in self.doubts),
            "handed_in": times_to_json(self.times),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Share:
        """The inverse of `to_json`. Raises ValueError, LookupError or TypeError."""
        if data["schema"] != SCHEMA:
            raise ValueError(f"a record of schema {SCHEMA} is wanted")
        shard = Shard(int(data["shard"]), int(data["of"]))
        if not 1 <= shard.number <= shard.of <= MOST:
            raise ValueError(f"there is no shard {shard}")
        return cls(
            shard,
            {str(student): str(name) for student, name in data["names"].items()},
            tuple(map(str, data["missing"])),
            tuple(map(str, data["twins"])),
            tuple(Notice(str(student), str(said)) for student, said in data["doubts"]),
            times_from_json(data.get("handed_in", {})),
        )


def shares_of(out: Out) -> Iterator[Share]:
    """The shares that are finished in OUT."""
    for path in sorted(out.state.glob("shard-*.json")):
        share: Share | None = read_json(path, Share.from_json)
        if share is not None:
            yield share


def forget_shares(out: Out) -> None:
    """Remove the records and locks of shares, which no one holds: OUT is a whole from now on."""
    for pattern in ("shard-*.json", "shard-*.lock", "together.lock"):
        for path in out.state.glob(pattern):
            path.unlink(missing_ok=True)


@contextmanager
def one_at_a_time(out: Out) -> Iterator[None]:
    """Wait for one's turn among shares of one OUT, to write a file that all of them write."""
    import fcntl

    with (out.state / "together.lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
