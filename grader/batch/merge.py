"""The shares of a class put together: the same files as if one machine had graded it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from grader.batch.files import Out, read_json, unwritable
from grader.batch.remembered import notices, remember
from grader.batch.shards import Share, forget_shares, shares_of
from grader.batch.similar import write_similar
from grader.batch.state import Stamp, must_be_of_one_rubric, opened
from grader.batch.tables import write_tables
from grader.errors import UsageError
from grader.gradebook.history import adopt, enter, keep_marks
from grader.gradebook.late import enter_late
from grader.records.lab import Lab
from grader.records.result import Result
from grader.report.class_page import ClassPage, Notice
from grader.submissions.names import listed
from grader.whole_files import replacing

LISTED = 10


@dataclass(frozen=True)
class Part:
    """A finished share, and the OUT that its files are in."""

    out: Out
    share: Share


@dataclass(frozen=True)
class Whole:
    """Shares that are of one batch, and together all of it."""

    stamp: Stamp
    parts: tuple[Part, ...]


def gather(folders: Iterable[Path]) -> Whole:
    """Read the shares in each OUT, and see that they belong together and nothing is missing.

    Raises UsageError with what does not fit, or is missing; nothing is written.
    """
    outs = list({os.path.realpath(folder): Out(folder) for folder in folders}.values())
    stamps = [_stamp_of(out) for out in outs]
    for out, stamp in zip(outs, stamps, strict=True):
        _must_be_alike(outs[0], stamps[0], out, stamp)
    parts = [Part(out, share) for out in outs for share in _shares_in(out)]
    _must_be_one_class(parts)
    _must_be_all(parts)
    for part in parts:
        _must_be_complete(part)
    return Whole(stamps[0], tuple(sorted(parts, key=lambda part: part.share.shard)))


def _stamp_of(out: Out) -> Stamp:
    found: Stamp | None = read_json(out.state / "batch.json", Stamp.from_json)
    if found is None:
        raise UsageError(
            f"{out.folder} holds no batch.", hint="Name folders that “grade batch --shard” wrote."
        )
    must_be_of_one_rubric(out)
    return found


def _shares_in(out: Out) -> Sequence[Share]:
    shares = list(shares_of(out))
    if not shares:
        raise UsageError(
            f"{out.folder} holds no finished shard.",
            hint="Give its “grade batch … --shard I/N” again, which goes on where it stopped. "
            "What was graded without --shard, or merged, is whole already.",
        )
    return shares


def _must_be_alike(first: Out, wanted: Stamp, out: Out, stamp: Stamp) -> None:
    if stamp.lab != wanted.lab:
        raise UsageError(
            f"{first.folder} holds the results of {wanted.lab}, {out.folder} those of {stamp.lab}.",
            hint="Merge the shards of one lab.",
        )
    differing = wanted.differences(stamp, " and ")
    if differing:
        again = "one of them again, into a new folder, where the other was graded."
        hint = f"Grade {again}"
        if wanted.versions == stamp.versions:
            hint = (
                f"“grade rescore” of {first.folder} and of {out.folder} applies a new rubric or "
                f"message and runs nothing. Where the checks differ: grade {again}"
            )
        raise UsageError(
            f"{first.folder} and {out.folder} are of different versions: {', '.join(differing)}.",
            hint=hint,
        )


def _must_be_one_class(parts: Sequence[Part]) -> None:
    first = parts[0]
    for part in parts[1:]:
        if part.share.shard.of != first.share.shard.of:
            raise UsageError(
                f"{first.out.folder} has shard {first.share.shard}, "
                f"{part.out.folder} has shard {part.share.shard}.",
                hint="Merge the N shards of one --shard I/N.",
            )
        differing = set(part.share.names.items()) ^ set(first.share.names.items())
        if differing or part.share.twins != first.share.twins:
            ids = sorted({student for student, _ in differing}) or part.share.twins
            raise UsageError(
                f"The submissions changed between shard {first.share.shard} and shard "
                f"{part.share.shard}: {listed(ids, LISTED)}.",
                hint="Give the commands of all shards again, on one and the same folder: what is "
                "graded and unchanged is kept.",
            )


def _must_be_all(parts: Sequence[Part]) -> None:
    where: dict[int, Out] = {}
    count = parts[0].share.shard.of
    for part in parts:
        number = part.share.shard.number
        if number in where:
            raise UsageError(
                f"Shard {part.share.shard} is in {where[number].folder} and in {part.out.folder}.",
                hint="Leave one of them out.",
            )
        where[number] = part.out
    missing = [f"{number}/{count}" for number in range(1, count + 1) if number not in where]
    if missing:
        raise UsageError(
            f"{len(missing)} of {count} shards are missing or not finished: "
            f"{listed(missing, LISTED)}.",
            hint=f"“grade batch … --shard {missing[0]}” grades the first of them, or goes on.",
        )


def _must_be_complete(part: Part) -> None:
    """Every submission of a share that there was has its three files."""
    share = part.share
    missing = [
        student
        for student, name in _own(share)
        if student not in share.missing and not _is_whole(part.out, student, name)
    ]
    if missing:
        raise UsageError(
            f"{part.out.folder} lacks {len(missing)} results of shard {share.shard}: "
            f"{listed(sorted(missing), LISTED)}.",
            hint=f"“grade batch … --shard {share.shard}” grades them.",
        )


def _own(share: Share) -> list[tuple[str, str]]:
    return [(student, name) for student, name in share.names.items() if share.shard.holds(student)]


def _is_whole(out: Out, student: str, name: str) -> bool:
    result: Result | None = read_json(out.result(name), Result.from_json)
    files = out.evidence(name), out.report(name)
    fits = result is not None and result.submission_id == student
    return fits and all(file.is_file() for file in files)


def merge_into(target: Out, whole: Whole, lab: Lab, tell: Callable[[str], None]) -> ClassPage:
    """Copy every file into `target`, which may be one of the OUTs, and write the class's files.

    The verdict of a submission comes last, and the records of shares go when all is done: after a
    kill, the same command does it again. `tell` hears what else there is to know.
    Raises UsageError or OutputError.
    """
    own = os.path.realpath(target.folder)
    missing: list[str] = []
    doubts: list[Notice] = []

    def keep() -> None:
        for words in keep_marks(target):
            tell(words)

    with opened(target, whole.stamp, fresh=False, first=keep):
        for part in whole.parts:
            missing += part.share.missing
            doubts += part.share.doubts
            if os.path.realpath(part.out.folder) != own:
                _copy(part, target)
                ids = [student for student, _ in _own(part.share)]
                for words in adopt(target, part.out, ids):
                    tell(words)
        first = whole.parts[0].share
        said = notices(first.twins, doubts)
        times = {id: when for part in whole.parts for id, when in part.share.times.items()}
        remember(target, missing, said, times)
        alike, pairs = write_similar(target, lab)
        page = write_tables(target, lab, [*said, *alike], missing, names=first.names, alike=pairs)
        entered = enter(target, whole.stamp, whole=True).said
        for words in [*entered, *enter_late(target, lab.rubric.late)]:
            tell(words)
        forget_shares(target)
    if former := sorted({row.id for row in page.rows} - set(first.names)):
        tell(f"In OUT, but in no shard; kept as they were: {listed(former, LISTED)}")
    return page


def _copy(part: Part, target: Out) -> None:
    source = part.out
    for student, name in _own(part.share):
        if student in part.share.missing:
            continue
        _copy_file(source.evidence(name), target.evidence(name))
        _copy_file(source.report(name), target.report(name))
        if source.code(name).is_file():
            _copy_file(source.code(name), target.code(name))
        _copy_file(source.result(name), target.result(name))


def _copy_file(source: Path, target: Path) -> None:
    try:
        with replacing(target) as partial:
            shutil.copyfile(source, partial)
    except OSError as error:
        raise unwritable(target, error) from None
