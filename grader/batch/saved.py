"""What is saved of a graded submission: the verdict, the evidence, the student's page."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from grader.batch.files import Out, json_text, read_json, write_bytes
from grader.batch.state import Stamp
from grader.grading import Graded
from grader.printed import steady
from grader.records.result import Isolation, Result
from grader.records.submission import Submission
from grader.report.html import render_html
from grader.rescoring import basis_of

EVIDENCE_SCHEMA = "grader.evidence/1"


@dataclass(frozen=True)
class Files:
    """The content of a submission's three files, to be written on any machine."""

    evidence: bytes
    report: bytes
    result: bytes


def files_of(graded: Graded) -> Files:
    """What is to be written of a graded submission."""
    report = render_html(graded.result, graded.exhibits)
    texts = (json_text(evidence_json(graded)), report, json_text(graded.result.to_json()))
    return Files(*(text.encode("utf-8", "backslashreplace") for text in texts))


def put(out: Out, name: str, files: Files) -> None:
    """Write the three files of a submission, the verdict last. Raises OutputError."""
    write_bytes(out.evidence(name), files.evidence)
    write_bytes(out.report(name), files.report)
    write_bytes(out.result(name), files.result)


def save(out: Out, name: str, graded: Graded) -> None:
    """Write the three files of a graded submission. Raises OutputError."""
    put(out, name, files_of(graded))


def evidence_json(graded: Graded) -> dict[str, Any]:
    """The evidence with what the report shows; printed times and addresses are left out of it."""
    evidence = graded.evidence.model_dump(mode="json")
    for cell in evidence["cells"]:
        cell["text"] = steady(cell["text"])
    return {
        "schema": EVIDENCE_SCHEMA,
        "lab": graded.result.lab,
        "submission": graded.result.to_json()["submission"],
        "evidence": finite(evidence),
        "exhibits": finite(graded.exhibits.to_json()),
        "basis": basis_of(graded.result, graded.earned).to_json(),
    }


def finite(value: Any) -> Any:
    """JSON knows no NaN and no infinity: null takes their place."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return value


def standing(
    out: Out, name: str, submission: Submission, stamp: Stamp, isolations: Collection[Isolation]
) -> Result | None:
    """The verdict that is there already and holds for this very submission, or None.

    One that is the grader's own fault does not hold, nor does one whose other files are gone, or
    that was found behind other walls than those of `isolations`.
    """
    found: Result | None = read_json(out.result(name), Result.from_json)
    if found is None or not submission.sha256 or found.status == "invalid":
        return None
    same = (found.lab, found.submission_id, found.path, found.sha256, dict(found.versions)) == (
        stamp.lab,
        submission.id,
        submission.path,
        submission.sha256,
        dict(stamp.versions),
    )
    ran_as_now = found.isolation in isolations or found.status == "rejected"
    whole = out.evidence(name).is_file() and out.report(name).is_file()
    return found if same and ran_as_now and whole else None
