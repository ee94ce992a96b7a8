"""A whole class by a new rubric or new messages, from what is on the disk: nothing is run."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from grader.batch.files import Out, read_json, unwritable, write_json, writing
from grader.batch.parts import unanswered
from grader.batch.remembered import remembered
from grader.batch.saved import finite
from grader.batch.similar import compared_again
from grader.batch.state import Stamp, rescoring, stamp_of, taken
from grader.batch.tables import write_tables
from grader.errors import UsageError
from grader.gradebook.history import Change, enter, keep_marks
from grader.gradebook.late import enter_late
from grader.records.exhibits import Exhibits
from grader.records.lab import Lab
from grader.records.result import Result
from grader.report.html import render_html
from grader.rescoring import Basis, rescored

_SHOWN = b'\n  "exhibits": '
"""Where the evidence ends and what is rewritten begins: no text in our JSON holds a line break."""
LISTED = 8


class _Beside(NamedTuple):
    """What lies beside a verdict: the bytes before the exhibits, and what comes after them."""

    head: bytes
    exhibits: Exhibits
    basis: Basis


@dataclass
class Summary:
    """What a rescoring came to. `again` are those who must be graded anew, with the reason."""

    lab: str
    total: int = 0
    rewritten: int = 0
    invalid: int = 0
    changes: list[Change] = field(default_factory=list)
    again: dict[str, str] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)


def rescore(out: Out, load: Callable[[str], Lab], tell: Callable[[int, int], None]) -> Summary:
    """Apply rubric, titles and messages as they are now to every result in OUT.

    `load` gives a lab by its id; `tell` is told how many of how many are done. After a kill the
    same command goes on, and says of all marks how they changed.
    Raises UsageError where OUT holds no batch, or what changed cannot be known without running the
    submissions; nothing is written then. Raises LabError and OutputError.
    """
    with taken(out) as found:
        lab = load(found.lab)
        stamp = stamp_of(lab, found.versions)
        _must_be_known(out, found, stamp, lab)
        summary = Summary(lab.id)
        summary.said += keep_marks(out)
        write_json(rescoring(out), stamp.to_json())
        paths = sorted(out.results())
        for number, path in enumerate(paths, start=1):
            _rescore_one(out, path.stem, lab, summary)
            tell(number, len(paths))
        told = remembered(out)
        alike, pairs = compared_again(out, lab)
        write_tables(out, lab, [*told.notices, *alike], told.missing, alike=pairs)
        entered = enter(out, stamp, whole=False, otherwise="rescored")
        summary.changes = entered.changes
        summary.said += [*entered.said, *enter_late(out, lab.rubric.late)]
        write_json(out.state / "batch.json", stamp.to_json())
        rescoring(out).unlink(missing_ok=True)
    return summary


def _must_be_known(out: Out, found: Stamp, stamp: Stamp, lab: Lab) -> None:
    anew = f"“grade batch {lab.id} FOLDER -o {out.folder} --fresh” grades them anew."
    if not found.parts:
        raise UsageError(
            f"{out.folder} was graded by a grader that did not keep what rescoring needs.",
            hint=anew,
        )
    said = unanswered(found.parts, stamp.parts, lab)
    if said:
        more = f" and {len(said) - LISTED} more" if len(said) > LISTED else ""
        raise UsageError(
            f"The submissions have to run again, for {', '.join(said[:LISTED])}{more}.",
            hint=f"{anew} Or name the course that they were graded with, after --course.",
        )


def _rescore_one(out: Out, name: str, lab: Lab, summary: Summary) -> None:
    """Write the files that change, the verdict last: until then, all is done again."""
    summary.total += 1
    result: Result | None = read_json(out.result(name), Result.from_json)
    if result is None:
        summary.again[name] = "its result is damaged"
        return
    summary.invalid += result.status == "invalid"
    beside = _beside(out.evidence(name))
    if beside is None or not beside.basis.fits(result):
        _let_go(out.evidence(name))
        summary.again[result.submission_id] = "its evidence is damaged, or of another version"
        return
    new = rescored(lab, result, beside.exhibits, beside.basis)
    whole = out.report(name).is_file()
    if whole and new.result == result and (new.exhibits, new.basis) == beside[1:]:
        return
    summary.rewritten += 1
    with writing(out.report(name)) as file:
        file.write(render_html(new.result, new.exhibits))
    with writing(out.evidence(name)) as file:
        file.write(beside.head.decode("ascii") + _tail(new.exhibits, new.basis))
    write_json(out.result(name), new.result.to_json())


def _beside(path: Path) -> _Beside | None:
    """What lies beside a verdict; None where it cannot be read."""
    try:
        head, mark, rest = path.read_bytes().partition(_SHOWN)
        head.decode("ascii")
        data = json.loads(b'{"exhibits": ' + rest) if mark else {}
        return _Beside(head, Exhibits.from_json(data["exhibits"]), Basis.from_json(data["basis"]))
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return None


def _tail(exhibits: Exhibits, basis: Basis) -> str:
    """The end of the evidence's file, as if all of it were written at once."""
    data: dict[str, Any] = {"exhibits": finite(exhibits.to_json()), "basis": basis.to_json()}
    return json.dumps(data, indent=2, ensure_ascii=True).removeprefix("{") + "\n"


def _let_go(path: Path) -> None:
    """Remove an evidence that says nothing: what lacks it is graded again."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise unwritable(path, error) from None
