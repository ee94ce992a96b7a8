"""When each submission of a class was handed in, where something tells."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from grader.batch.entries import glance
from grader.batch.layouts import Handed
from grader.records.lab import LateRule

STAMP = "timestamp.txt"
"""What nbgrader lays beside the files of a submission."""
LONGEST = 200
"""Bytes of it that are read."""


@dataclass(frozen=True)
class Times:
    """When a submission was handed in, UTC and ISO 8601: as nbgrader noted, and by its files."""

    stamped: str | None = None
    files: str | None = None

    def by(self, rule: LateRule) -> datetime | None:
        """The time that a rule goes by, None where it is not known."""
        known = self.files if rule.times == "files" else self.stamped
        return None if known is None else datetime.fromisoformat(known)


def times_of(folder: Path, handed: Iterable[Handed]) -> dict[str, Times]:
    """When each submission below `folder` was handed in, as far as that is known."""
    return {item.id: _times(folder / item.path) for item in handed}


def _times(path: Path) -> Times:
    try:
        if path.is_symlink():
            return Times()
        if not path.is_dir():
            return Times(files=_moment(path.lstat().st_mtime))
        files = [entry.path for entry in glance(path) if entry.is_file]
        work = [file.lstat().st_mtime for file in files if file.name != STAMP]
        stamp = next((file for file in files if file.name == STAMP), None)
        return Times(
            None if stamp is None else _stamped(stamp), _moment(max(work)) if work else None
        )
    except OSError:
        return Times()


def _stamped(path: Path) -> str | None:
    with path.open("rb") as file:
        found = read_stamp(file.read(LONGEST).decode("utf-8", "replace"))
    return None if found is None else found.isoformat(timespec="seconds")


def _moment(seconds: float) -> str | None:
    """A file's time; None where no calendar has it, as some file systems take any number."""
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
    except (ValueError, OverflowError, OSError):
        return None


def read_stamp(text: str) -> datetime | None:
    """A time as nbgrader notes it, `2026-11-20 22:58:23.948203 UTC`; without a zone it is UTC.

    The zone may be an offset or a name such as Europe/Berlin. None where it cannot be read.
    """
    found = re.fullmatch(
        r"\s*(\d{4}-\d\d-\d\d[ T]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?)\s*(\S*)\s*", text, re.ASCII
    )
    if found is None:
        return None
    try:
        day = found[1].split(".")[0]
        zone = found[2]
        if not zone or zone.upper() in ("UTC", "Z", "GMT"):
            return datetime.fromisoformat(day).replace(tzinfo=UTC)
        if zone[0] in "+-":
            return datetime.fromisoformat(day + zone).astimezone(UTC)
        return datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    except (ValueError, OverflowError, OSError, ZoneInfoNotFoundError):
        return None


def times_to_json(times: Mapping[str, Times]) -> dict[str, list[str | None]]:
    """As they stand in the records of a batch."""
    return {id: [times[id].stamped, times[id].files] for id in sorted(times)}


def times_from_json(data: Mapping[str, Any]) -> dict[str, Times]:
    """The inverse of `times_to_json`. Raises ValueError, LookupError or TypeError."""
    found = {}
    for id, moments in data.items():
        stamped, files = moments
        for moment in moments:
            if moment is not None and datetime.fromisoformat(moment).tzinfo is None:
                raise ValueError(f"{moment} names no time zone")
        found[str(id)] = Times(stamped, files)
    return found
