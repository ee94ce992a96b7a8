"""Which batch an OUT belongs to, and that only one works on it at a time."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from grader.batch.files import Out, read_json, write_json
from grader.batch.parts import CHECKS, changed, parts_of
from grader.batch.shards import Shard, one_at_a_time
from grader.errors import UsageError
from grader.records.lab import Lab
from grader.submissions.files import hash_of_list
from grader.whole_files import PART

SCHEMA = "grader.batch/1"
NOT_THERE = "not there"
_NOT_OF_CHECKS = frozenset({"fixtures", "demo", "__pycache__", "survivors.toml"})
"""What a lab holds on which no verdict depends."""


@dataclass(frozen=True)
class Stamp:
    """All that a verdict depends on beside the submission and the isolation.

    `parts` are the hashes of what `course` is one of, by which it is told what changed.
    """

    lab: str
    course: str
    versions: Mapping[str, str]
    parts: Mapping[str, str] = field(default_factory=dict, compare=False)

    def to_json(self) -> dict[str, Any]:
        """What stands in `.grader/batch.json`."""
        return {
            "schema": SCHEMA,
            "lab": self.lab,
            "course": self.course,
            "versions": dict(self.versions),
            "parts": dict(self.parts),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Stamp:
        """The inverse of `to_json`. Raises LookupError, TypeError or ValueError."""
        parts = _named(data.get("parts", {}))
        return cls(str(data["lab"]), str(data["course"]), _named(data["versions"]), parts)

    def differences(self, other: Stamp, between: str) -> list[str]:
        """What is not the same of two stamps of one lab; `between` stands between the versions."""
        found = differing(self.versions, other.versions, between)
        if self.course != other.course:
            found.append(f"the checks or the rubric of {self.lab}")
        return found


def _named(table: Mapping[str, Any]) -> dict[str, str]:
    return {str(name): str(value) for name, value in table.items()}


def differing(old: Mapping[str, str], new: Mapping[str, str], between: str) -> list[str]:
    """The versions that are not the same, each with both numbers and `between` between them."""
    return [
        f"{name} {old.get(name, NOT_THERE)}{between}{new.get(name, NOT_THERE)}"
        for name in sorted({*old, *new})
        if old.get(name) != new.get(name)
    ]


def stamp_of(lab: Lab, versions: Mapping[str, str]) -> Stamp:
    """The lab's id, a hash of its checks, settings, rubric and key, and the versions."""
    rubric = lab.folder.parent.parent / "rubrics" / f"{lab.id}.toml"
    files = [
        path
        for path in sorted(lab.folder.rglob("*"))
        if path.is_file()
        and path != lab.starter
        and not any(
            part in _NOT_OF_CHECKS or part.startswith(".")
            for part in path.relative_to(lab.folder).parts
        )
    ]
    course = lab.folder.parent.parent
    whole = hash_of_list(
        (path.relative_to(course).as_posix(), hashlib.sha256(path.read_bytes()).hexdigest())
        for path in [*files, rubric]
    )
    return Stamp(lab.id, whole, versions, parts_of(lab, files, rubric))


def _nothing() -> None:
    """There is nothing to do before."""


@contextmanager
def opened(
    out: Out,
    stamp: Stamp,
    *,
    fresh: bool,
    shard: Shard | None = None,
    first: Callable[[], None] = _nothing,
) -> Iterator[None]:
    """Take OUT for this batch alone, or for this shard and others, made ready to be written to.

    With `fresh`, what it holds of an earlier batch of this lab is removed; a shard removes nothing,
    for the rest is not its own. `first` is done when OUT is held and known to fit, and is still
    as it was. Raises UsageError where OUT cannot be written to, is in use, holds
    something else, or belongs to another lab or version.
    """
    _must_be_ours(out)
    with contextlib.ExitStack() as stack:
        try:
            out.state.mkdir(parents=True, exist_ok=True)
            stack.enter_context(_locked(out, shard))
            with one_at_a_time(out) if shard else contextlib.nullcontext():
                _must_fit(out, stamp, fresh=fresh, shard=shard)
                first()
                _make_ready(out, stamp, fresh=fresh, shard=shard)
        except OSError as error:
            raise UsageError(
                f"{out.folder} cannot be written: {error.strerror or error}.",
                hint="Name another folder with -o.",
            ) from None
        yield


def _make_ready(out: Out, stamp: Stamp, *, fresh: bool, shard: Shard | None) -> None:
    for folder in out.folders:
        folder.mkdir(exist_ok=True)
    if shard is None:
        _clear(out, everything=fresh)
    write_json(out.state / "batch.json", stamp.to_json())
    rescoring(out).unlink(missing_ok=True)


def rescoring(out: Out) -> Path:
    """The file that is there while some results are of an old rubric, others of a new one."""
    return out.state / "rescoring.json"


def must_be_of_one_rubric(out: Out) -> None:
    """Raise UsageError where a rescoring stopped half way."""
    if rescoring(out).exists():
        raise UsageError(
            f"A “grade rescore” of {out.folder} did not come to its end.",
            hint="Give it again: it goes on from there.",
        )


@contextmanager
def taken(out: Out) -> Iterator[Stamp]:
    """Take the OUT of an earlier batch alone, as it is. Raises UsageError where it is none."""
    found: Stamp | None = read_json(out.state / "batch.json", Stamp.from_json)
    if found is None:
        raise UsageError(
            f"{out.folder} holds no batch.", hint="Name the folder that “grade batch -o” wrote."
        )
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(_locked(out, None))
        except OSError as error:
            raise UsageError(
                f"{out.folder} cannot be written: {error.strerror or error}.",
                hint="Make it writable, or work on a copy of it.",
            ) from None
        yield found


def _must_be_ours(out: Out) -> None:
    if not os.path.lexists(out.folder):
        return
    if not out.folder.is_dir():
        raise UsageError(f"{out.folder} is not a folder.", hint="Name another with -o.")
    try:
        empty = not any(True for _ in out.folder.iterdir())
    except OSError as error:
        raise UsageError(
            f"{out.folder} cannot be read: {error.strerror}.", hint="Name another with -o."
        ) from None
    if not empty and not out.state.is_dir():
        raise UsageError(
            f"{out.folder} holds other files, among which the results would be lost.",
            hint="Name a new folder with -o, or an empty one.",
        )


@contextmanager
def _locked(out: Out, shard: Shard | None) -> Iterator[None]:
    """Hold OUT alone; a shard holds its own part alone, and OUT beside other shards."""
    import fcntl

    whole = fcntl.LOCK_EX if shard is None else fcntl.LOCK_SH
    wanted = [(out.state / "lock", whole)]
    if shard is not None:
        wanted.append((shard.lock(out), fcntl.LOCK_EX))
    with contextlib.ExitStack() as stack:
        for path, how in wanted:
            file = stack.enter_context(path.open("a"))
            try:
                fcntl.flock(file, how | fcntl.LOCK_NB)
            except BlockingIOError:
                raise UsageError(
                    f"Another batch is writing to {out.folder}.",
                    hint="Wait for it to end, or name another folder with -o.",
                ) from None
        yield


def _must_fit(out: Out, stamp: Stamp, *, fresh: bool, shard: Shard | None) -> None:
    path = out.state / "batch.json"
    if not path.exists():
        return
    found: Stamp = read_json(path, Stamp.from_json) or Stamp(stamp.lab, "", {})
    if found.lab != stamp.lab:
        raise UsageError(
            f"{out.folder} holds the results of {found.lab}, not of {stamp.lab}.",
            hint="Name another folder with -o.",
        )
    if fresh and shard is None:
        return
    must_be_of_one_rubric(out)
    told = found.differences(stamp, " → ")
    if told:
        raise UsageError(
            f"{out.folder} holds results of another version: {', '.join(told)}.",
            hint=_what_helps(out, found, stamp, shard),
        )


def _what_helps(out: Out, found: Stamp, stamp: Stamp, shard: Shard | None) -> str:
    if shard:
        return "Name another folder with -o."
    if (
        found.versions == stamp.versions
        and found.parts
        and CHECKS not in changed(found.parts, stamp.parts)
    ):
        return (
            f"“grade rescore {out.folder}” applies a new rubric or message and runs nothing; "
            "--fresh grades everything again."
        )
    return "Grade everything again with --fresh, or name another folder with -o."


def _clear(out: Out, *, everything: bool) -> None:
    """Remove what a killed batch left half written, and with `everything` its results too."""
    endings = (".json", ".html") if everything else ()
    # The verdicts go first: without one, what is left of a submission does not count.
    for folder in (*out.folders, out.folder, out.state):
        for entry in list(os.scandir(folder)):
            half = entry.name.startswith(".") and entry.name.endswith(PART)
            whole = folder in out.folders and entry.name.endswith(endings or ("\0",))
            if (half or whole) and not entry.is_dir(follow_symlinks=False):
                with contextlib.suppress(FileNotFoundError):
                    Path(entry.path).unlink()
    if everything:
        tables = ("grades.csv", "late.csv", "index.html", "similar.html", ".grader/class.json")
        for name in tables:
            (out.folder / name).unlink(missing_ok=True)
