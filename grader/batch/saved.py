"""What is saved of a graded submission: the verdict, the evidence, the student's page."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from grader.batch.files import Out, read_json, write_json, writing
from grader.batch.state import Stamp
from grader.grading import Graded
from grader.printed import steady
from grader.records.result import Isolation, Result
from grader.records.submission import Submission
from grader.report.html import render_html
from grader.rescoring import basis_of

EVIDENCE_SCHEMA = "grader.evidence/1"


def save(out: Out, name: str, graded: Graded) -> None:
    """Write the three files of a submission, the verdict last. Raises OutputError."""
    write_json(out.evidence(name), evidence_json(graded))
    with writing(out.report(name)) as file:
        file.write(render_html(graded.result, graded.exhibits))
    write_json(out.result(name), graded.result.to_json())


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
    out: Out, name: str, submission: Submission, stamp: Stamp, isolation: Isolation
) -> Result | None:
    """The verdict that is there already and holds for this very submission, or None.

    One that is the grader's own fault does not hold, nor does one whose other files are gone.
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
    ran_as_now = found.isolation == isolation or found.status == "rejected"
    whole = out.evidence(name).is_file() and out.report(name).is_file()
    return found if same and ran_as_now and whole else None
