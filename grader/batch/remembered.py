"""What only the last batch knew of its class, kept so that its pages can be made again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from grader.batch.files import Out, read_json, write_json
from grader.batch.shards import shares_of
from grader.batch.times import Times, times_from_json, times_to_json
from grader.report.class_page import Notice

SCHEMA = "grader.class/1"


@dataclass(frozen=True)
class Remembered:
    """`missing` are those who handed in nothing, `notices` what there is to look at.

    `times` are when submissions were handed in, by id.
    """

    missing: tuple[str, ...] = ()
    notices: tuple[Notice, ...] = ()
    times: Mapping[str, Times] = field(default_factory=dict)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Remembered:
        """What `remember` wrote. Raises ValueError, LookupError or TypeError."""
        if data["schema"] != SCHEMA:
            raise ValueError(f"a class of schema {SCHEMA} is wanted")
        return cls(
            tuple(map(str, data["missing"])),
            tuple(Notice(str(student), str(said)) for student, said in data["notices"]),
            times_from_json(data["handed_in"]),
        )


def remember(
    out: Out, missing: Iterable[str], notices: Iterable[Notice], times: Mapping[str, Times]
) -> None:
    """Write it down, with the times of those who are not in the class any more.

    Raises OutputError.
    """
    data = {
        "schema": SCHEMA,
        "missing": sorted(missing),
        "notices": sorted([notice.id, notice.said] for notice in notices),
        "handed_in": times_to_json({**remembered(out).times, **times}),
    }
    write_json(out.state / "class.json", data)


def notices(twins: Iterable[str], doubts: Iterable[Notice]) -> list[Notice]:
    """What the class's page says of submissions beside their verdicts."""
    twin = "A second submission came under this name; both are graded."
    return [*(Notice(student, twin) for student in twins), *doubts]


def remembered(out: Out) -> Remembered:
    """What was written down last, or what the finished shards of OUT say; empty where nothing."""
    found: Remembered | None = read_json(out.state / "class.json", Remembered.from_json)
    if found is not None:
        return found
    shares = list(shares_of(out))
    twins = {student for share in shares for student in share.twins}
    doubts = [notice for share in shares for notice in share.doubts]
    missing = tuple(id for share in shares for id in share.missing)
    times = {id: moment for share in shares for id, moment in share.times.items()}
    return Remembered(missing, tuple(notices(twins, doubts)), times)
