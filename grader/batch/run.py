"""A batch from its folder to its files: what is known is kept, what is open is graded."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from grader.batch.executor import Executor
from grader.batch.files import Out, write_json
from grader.batch.finding import Findings
from grader.batch.layouts import Handed
from grader.batch.names import file_names
from grader.batch.pool import Pool
from grader.batch.remembered import notices, remember
from grader.batch.saved import save
from grader.batch.shards import Shard, Share, forget_shares, one_at_a_time
from grader.batch.similar import NOT_COMPARED, Compared, without_page, write_similar
from grader.batch.state import Stamp, opened
from grader.batch.tables import superseded, write_tables
from grader.batch.task import Plan, Task, Told, unread
from grader.batch.times import times_of
from grader.batch.warmth import kept_ready, preload_for
from grader.errors import LabError, SandboxError
from grader.gradebook.history import enter, keep_marks
from grader.gradebook.late import enter_late
from grader.grading import invalid
from grader.records.lab import Lab
from grader.report.class_page import ClassPage, Notice
from grader.sandbox import Sandbox
from grader.session import whole_seconds

FAULTS = 3
"""After so many faults of the lab, and nothing graded, the rest is not tried."""
_ITS_AUTHOR = "Nothing can be graded until it is mended; “grade validate” tries the lab alone."
RUNS = 6
"""A grading that takes longer than so many whole submissions hangs, whatever the reason."""
TABLES_SECONDS = 0.6
"""How long the class's files may take when the batch is interrupted."""


@dataclass
class Tally:
    """How far a batch is. `missing`, `doubts` and `invalid` are for a person to look at."""

    total: int
    statuses: Counter[str] = field(default_factory=Counter)
    kept: int = 0
    graded_now: int = 0
    missing: list[str] = field(default_factory=list)
    doubts: list[Notice] = field(default_factory=list)
    faulty_lab: list[str] = field(default_factory=list)
    former: list[str] = field(default_factory=list)
    """Ids of verdicts that OUT holds and the folder does not: they stay as they are."""
    said: list[str] = field(default_factory=list)
    """What else the user should know."""
    page: ClassPage | None = None
    """What grades.csv and index.html were made of; None where they were not."""

    @property
    def done(self) -> int:
        """Submissions that are through, missing ones among them."""
        return sum(self.statuses.values())

    def add(self, told: Told) -> None:
        """Take in what became of one more."""
        self.statuses[told.status] += 1
        self.kept += told.kept
        self.graded_now += not told.kept and told.status != "missing"
        if told.status == "missing":
            self.missing.append(told.id)
        if told.doubt:
            self.doubts.append(Notice(told.id, told.doubt))
        if told.faulty_lab:
            self.faulty_lab.append(told.faulty_lab)


@dataclass(frozen=True)
class Dask:
    """A Dask cluster to grade on: that of the scheduler at `address`, or one made here.

    At most `jobs` submissions are graded at once; None takes every thread of every worker. `weak`
    allows workers whose isolation is below `full`, and `warn` is told of those that cannot be used.
    """

    address: str | None
    jobs: int | None
    weak: bool
    warn: Callable[[str], None]


@dataclass(frozen=True)
class Batch:
    """All that a batch needs to know. `fresh` grades everything anew, `shard` only a share.

    With `dask`, nothing runs in this process's own `sandbox`.
    """

    lab: Lab
    folder: Path
    findings: Findings
    out: Out
    stamp: Stamp
    sandbox: Sandbox | None
    jobs: int
    fresh: bool = False
    shard: Shard | None = None
    dask: Dask | None = None

    @property
    def handed(self) -> tuple[Handed, ...]:
        """The submissions to grade here: all, or those of the shard."""
        found = self.findings.handed
        return found if self.shard is None else tuple(h for h in found if self.shard.holds(h.id))


def run_batch(batch: Batch, watch: Callable[[Tally], None]) -> Tally:
    """Grade what is open and write every file of OUT; `watch` is told after each submission.

    Raises UsageError where OUT cannot be used, LabError where the lab is at fault in every case,
    OutputError where OUT cannot be written to. After an interrupt, as after an error, what is done
    stays done, and grades.csv and index.html are made of it.
    """
    names = file_names(item.id for item in batch.findings.handed)
    tally = Tally(total=len(batch.handed))

    def first() -> None:
        tally.said += keep_marks(batch.out, share=batch.shard is not None)

    with opened(batch.out, batch.stamp, fresh=batch.fresh, shard=batch.shard, first=first):
        _drop_superseded(batch.out, names)
        _reopen_share(batch, names)
        try:
            _grade_all(batch, names, tally, watch)
            # A share says nothing of the class: “grade merge” compares it.
            compared = NOT_COMPARED if batch.shard else write_similar(batch.out, batch.lab)
        except BaseException:
            with contextlib.suppress(Exception):
                _write(batch, names, tally, until=time.monotonic() + TABLES_SECONDS)
            raise
        _write(batch, names, tally, compared)
        if batch.shard is None:
            tally.said += enter(batch.out, batch.stamp, whole=True).said
            tally.said += enter_late(batch.out, batch.lab.rubric.late)
        _close_share(batch, names, tally)
    return tally


def _reopen_share(batch: Batch, names: dict[str, str]) -> None:
    """From here on the share is not finished; with `fresh`, nothing of it is done."""
    if batch.shard is None:
        forget_shares(batch.out)
        return
    batch.shard.record(batch.out).unlink(missing_ok=True)
    for item in batch.handed if batch.fresh else ():
        _remove(batch.out, names[item.id])


def _close_share(batch: Batch, names: dict[str, str], tally: Tally) -> None:
    """Write down that the share is finished, and what only this run knows of it."""
    if batch.shard is None:
        return
    twins = batch.findings.twins
    times = times_of(batch.folder, batch.handed)
    share = Share(batch.shard, names, tuple(tally.missing), twins, tuple(tally.doubts), times)
    write_json(batch.shard.record(batch.out), share.to_json())


def _grade_all(
    batch: Batch, names: dict[str, str], tally: Tally, watch: Callable[[Tally], None]
) -> None:
    tasks = (Task(item, names[item.id]) for item in batch.handed)
    new = (item.path for item in batch.handed if not _is_there(batch, names[item.id]))
    code = batch.lab.kind == "code"
    preload = preload_for(batch.lab, batch.folder, new) if code else ()
    watch(tally)
    with _executor(batch, tally.total, preload) as executor:
        for told in executor.run(tasks):
            tally.add(told)
            watch(tally)
            if len(tally.faulty_lab) >= FAULTS and not tally.statuses["graded"]:
                raise LabError(tally.faulty_lab[0], hint=_ITS_AUTHOR)


@contextlib.contextmanager
def _executor(batch: Batch, total: int, preload: tuple[str, ...]) -> Iterator[Executor]:
    course = batch.lab.folder.parent.parent.absolute()
    patience = RUNS * whole_seconds(batch.lab.limits)
    give_up = partial(_given_up, batch)
    with contextlib.ExitStack() as stack:
        executor: Executor
        if batch.dask is not None:
            from grader.batch.cluster import Cluster

            plan = Plan(course, batch.folder, batch.out, batch.stamp, None)
            executor = Cluster(plan, batch.lab, batch.dask, preload, patience, give_up)
        else:
            sandbox = stack.enter_context(kept_ready(batch.sandbox, batch.lab, preload))
            executor = Pool(
                Plan(course, batch.folder, batch.out, batch.stamp, sandbox),
                jobs=min(batch.jobs, total),
                patience=patience,
                give_up=give_up,
            )
        stack.callback(executor.stop)
        yield executor


def _is_there(batch: Batch, name: str) -> bool:
    return batch.out.result(name).is_file()


def _given_up(batch: Batch, task: Task) -> Told:
    """The verdict on a submission whose grading process died, and died again."""
    error = SandboxError(
        "the process that graded it died, twice",
        hint="It is tried again the next time; with --jobs 1 it has the machine for itself.",
    )
    graded = invalid(batch.lab, unread(batch.folder, task), error, hidden=True)
    save(batch.out, task.name, graded)
    return Told(task.id, "invalid")


def _write(
    batch: Batch,
    names: dict[str, str],
    tally: Tally,
    compared: Compared = NOT_COMPARED,
    *,
    until: float = float("inf"),
) -> None:
    said = notices(batch.findings.twins, tally.doubts)
    if batch.shard is None:
        remember(batch.out, tally.missing, said, times_of(batch.folder, batch.handed))
    alike, pairs = compared
    if pairs is None:
        without_page(batch.out)
    with one_at_a_time(batch.out) if batch.shard else contextlib.nullcontext():
        tally.page = write_tables(
            batch.out,
            batch.lab,
            [*said, *alike],
            tally.missing,
            names=names,
            alike=pairs,
            until=until,
        )
    tally.former = [row.id for row in tally.page.rows if row.id not in names]


def _drop_superseded(out: Out, names: dict[str, str]) -> None:
    """Remove the files of a student who has another file name now, since two ids met in one."""
    for path in superseded(out, names):
        _remove(out, path.stem)


def _remove(out: Out, name: str) -> None:
    """Remove what is there of a submission, the verdict first."""
    for file in (out.result(name), out.evidence(name), out.report(name), out.code(name)):
        file.unlink(missing_ok=True)
