"""What a batch saved and what a course system gave, broken on purpose, and read again."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from fuzzing import Outcomes, changed, damaged, many
from hypothesis import example, given
from hypothesis import strategies as st
from report_samples import SAMPLES, full_marks, one_hot

from grader.batch.files import Out, json_text, read_json
from grader.batch.layouts import Handed
from grader.batch.remembered import Remembered, remembered
from grader.batch.saved import finite, standing
from grader.batch.shards import Share
from grader.batch.state import Stamp
from grader.batch.tables import write_tables
from grader.batch.times import _moment, times_of
from grader.errors import UsageError
from grader.export.canvas import fill_canvas
from grader.export.marks import Mark, Marks, read_marks
from grader.export.moodle import fill_moodle
from grader.gradebook.history import enter
from grader.gradebook.late import enter_late
from grader.records.exhibits import Exhibits
from grader.records.lab import Lab, LateRule
from grader.records.result import Result
from grader.records.submission import Submission
from grader.report.html import render_html
from grader.rescoring import Basis, rescored
from tests.courses import load, make_course

RESULT = json.loads(json_text(one_hot()[0].to_json()))
EXHIBITS = json.loads(json_text(full_marks()[1].to_json()))
BASIS = {
    "earned": [1.0] * len(RESULT["checks"]),
    "catalogued": [["why", "next"]] * len(RESULT["checks"]),
    "seen": ["x"] * len(RESULT["findings"]),
}
STAMP = {
    "schema": "grader.batch/1",
    "lab": "numbers",
    "course": "c" * 64,
    "versions": {"grader": "0.1.0"},
    "parts": {"checks": "a"},
}
TIMES = {"alice": ["2026-11-20T22:00:00+00:00", None], "bob": [None, "2026-11-21T22:00:00+00:00"]}
SHARE = {
    "schema": "grader.shard/1",
    "shard": 1,
    "of": 2,
    "names": {"alice": "alice", "bob": "bob"},
    "missing": ["carol"],
    "twins": [],
    "doubts": [["alice", "two files"]],
    "handed_in": TIMES,
}
CLASS = {
    "schema": "grader.class/1",
    "missing": ["carol"],
    "notices": [["alice", "two files"]],
    "handed_in": TIMES,
}
RULE = LateRule(due=datetime(2026, 11, 20, 12, tzinfo=UTC), percent_per_day=10.0)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    return load(make_course(tmp_path_factory.mktemp("course")))


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Out:
    out = Out(tmp_path_factory.mktemp("out"))
    for folder in out.folders:
        folder.mkdir(parents=True)
    return out


def texts(document: Any) -> st.SearchStrategy[bytes]:
    """The document as JSON, its values changed or its bytes damaged."""
    content = json_text(document).encode()
    return changed(document, most=2).map(lambda value: json.dumps(value).encode()) | damaged(
        content
    )


def known(fuzzed: Outcomes, reader: str, content: Any) -> Any:
    """What a damaged file is read as is None, which counts as refused."""

    def read() -> Any:
        found = content()
        if found is None:
            raise UsageError("damaged", hint="read as nothing")
        return found

    return fuzzed.attempt(reader, read)


def test_what_is_broken_below_is_sound() -> None:
    for sample in SAMPLES.values():
        result, exhibits = sample()
        assert Result.from_json(json.loads(json_text(result.to_json()))) == result
        again = Exhibits.from_json(json.loads(json_text(finite(exhibits.to_json()))))
        assert again.to_json() == finite(exhibits.to_json())
    assert Basis.from_json(BASIS).fits(Result.from_json(RESULT))
    for document, wanted in RECORDS.values():
        wanted(document)


@many(150)
@given(texts(RESULT))
def test_a_broken_result_is_damaged_or_every_table_and_page_takes_it(
    fuzzed: Outcomes, out: Out, lab: Lab, content: bytes
) -> None:
    path = out.result("alice")
    path.write_bytes(content)
    result = known(fuzzed, "saved results", lambda: read_json(path, Result.from_json))
    write_tables(out, lab, [], [])
    enter(out, Stamp.from_json(STAMP), whole=True)
    stamp = Stamp.from_json(STAMP)
    standing(out, "alice", Submission("alice", "a.py", "0", "module", ()), stamp, ["full"])
    if result is not None:
        render_html(result, full_marks()[1])
        assert read_marks(out.folder).items[0].result == result
        json.dumps(result.to_json(), allow_nan=False)


@many(150)
@given(changed(EXHIBITS, most=2), changed(BASIS, most=1) | st.just(BASIS))
def test_broken_evidence_is_damaged_or_can_be_shown_and_rescored(
    fuzzed: Outcomes, lab: Lab, tmp_path: Path, exhibits: Any, basis: Any
) -> None:
    path = tmp_path / "evidence.json"
    path.write_text(json.dumps({"exhibits": exhibits, "basis": basis}))

    def pair(data: Any) -> tuple[Exhibits, Basis]:
        return Exhibits.from_json(data["exhibits"]), Basis.from_json(data["basis"])

    found = known(fuzzed, "saved evidence", lambda: read_json(path, pair))
    if found is None:
        return
    result = full_marks()[0]
    render_html(result, found[0], hints=True)
    if found[1].fits(result):
        rescored(lab, result, *found)


RECORDS: dict[str, tuple[Any, Callable[[Any], Any]]] = {
    "batch.json": (STAMP, Stamp.from_json),
    "shard records": (SHARE, Share.from_json),
    "class.json": (CLASS, Remembered.from_json),
}


@many(100)
@given(st.data())
@pytest.mark.parametrize("name", RECORDS)
def test_a_broken_record_of_a_batch_is_read_or_damaged(
    fuzzed: Outcomes, tmp_path: Path, name: str, data: st.DataObject
) -> None:
    document, wanted = RECORDS[name]
    path = tmp_path / "x.json"
    path.write_bytes(data.draw(texts(document)))
    known(fuzzed, name, lambda: read_json(path, wanted))


@many(100)
@given(texts(CLASS))
@example(json.dumps(CLASS | {"missing": ["\ud800"]}).encode())
def test_times_in_a_broken_class_never_stop_the_table_of_late_work(
    fuzzed: Outcomes, out: Out, content: bytes
) -> None:
    (out.state / "class.json").write_bytes(content)
    known(fuzzed, "late times", lambda: remembered(out).times or None)
    for path in out.results():
        path.unlink()
    out.result("alice").write_text(
        json_text(RESULT | {"submission": {**RESULT["submission"], "id": "alice"}})
    )
    enter(out, Stamp.from_json(STAMP), whole=True)
    enter_late(out, RULE)


CANVAS = (
    "Student,ID,SIS User ID,SIS Login ID,Section,Lab 3 (123),Final Score\r\n"
    "    Points Possible,,,,,20,(read only)\r\n"
    '"Lovelace, Ada",11,u11,ada,A,,\r\n"Turing, Alan",12,u12,alan,A,EX,90.5\r\n'
)
WORKSHEET = (
    "Identifier,Full name,Email address,Status,Grade,Maximum Grade,Grade can be changed,"
    "Last modified (grade),Feedback comments\r\n"
    "Participant 11,Ada Lovelace,ada@x.org,Submitted,,20.00,Yes,-,\r\n"
    "Participant 12,Alan Turing,alan@x.org,Submitted,18.00,20.00,No,-,<p>well</p>\r\n"
)
BOOK = (
    "First name,Last name,ID number,Email address,Assignment: lab03 (Real),"
    "Assignment: lab03 (Feedback)\n"
    "Ada,Lovelace,u11,ada@x.org,-,\nAlan,Turing,u12,alan@x.org,,\n"
)
ODD_CELLS = (
    "", '"', '""', "=1+1", "9" * 400, "1e999", "1,000", "1.000,5", "٣", "-1", "nan", "20,0", "\0",
    "(1)", "Lab 3 (123)", "lab03", "Points Possible", "x" * 500, '"a\nb"', ",", ";", "\ufeff",
)  # fmt: skip
TEMPLATES = {
    "Canvas gradebooks": (CANVAS, fill_canvas),
    "Moodle worksheets": (WORKSHEET, fill_moodle),
    "Moodle gradebooks": (BOOK, fill_moodle),
}
MARKS = Marks(
    "lab03",
    "Digits",
    tuple(
        Mark(
            name, Result.from_json(RESULT | {"submission": {"id": name, "path": "p", "sha256": ""}})
        )
        for name in ("ada", "alan", "Turing Alan_12_assignsubmission_file")
    ),
)


@st.composite
def tables(draw: st.DrawFn, text: str) -> bytes:
    """A CSV file with cells replaced, rows lost, doubled or moved, and perhaps damaged bytes."""
    rows = [line.split(",") for line in text.splitlines()]
    for _ in range(draw(st.integers(1, 4))):
        row = draw(st.sampled_from(rows))
        how = draw(st.sampled_from(["cell", "cell", "cell", "row", "lose", "short"]))
        if how == "cell" and row:
            row[draw(st.integers(0, len(row) - 1))] = draw(st.sampled_from(ODD_CELLS))
        elif how == "row":
            rows.insert(draw(st.integers(0, len(rows))), list(row))
        elif how == "lose" and len(rows) > 1:
            rows.remove(row)
        else:
            del row[draw(st.integers(0, len(row))) :]
    content = "\r\n".join(",".join(row) for row in rows).encode(draw(st.sampled_from(CODECS)))
    return draw(damaged(content)) if draw(st.integers(0, 3)) == 0 else content


CODECS = ("utf-8", "utf-8", "utf-8-sig", "utf-16")


@many(200)
@given(st.data())
@pytest.mark.parametrize("name", TEMPLATES)
def test_a_broken_template_is_filled_in_or_refused(
    fuzzed: Outcomes, name: str, data: st.DataObject
) -> None:
    text, fill = TEMPLATES[name]
    content = data.draw(tables(text))
    filled_in = fuzzed.attempt(name, lambda: fill(content, MARKS, None, None), UsageError)
    if filled_in is not None:
        assert b"inf" not in filled_in.content.replace(b"info", b"")
        assert b"nan" not in filled_in.content or b"nan" in content


MOMENTS = st.sampled_from([0.0, -1.0, 2**31, 253402300799.0, 253402300800.0, 1e11, -1e11, 8e18])


@many(30)
@given(MOMENTS | st.floats(-1e12, 1e12))
def test_a_file_of_any_time_is_handed_in_then_or_at_a_time_not_known(
    fuzzed: Outcomes, tmp_path: Path, moment: float
) -> None:
    path = tmp_path / "a.py"
    path.write_text("x = 1")
    try:
        os.utime(path, (moment, moment))
    except (OSError, OverflowError):
        return
    known(fuzzed, "times of files", lambda: times_of(tmp_path, [Handed("a", "a.py")])["a"].files)


# What the examples above once found, kept


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("batch.json", {"versions": [["grader", "1"]]}),
        ("batch.json", {"versions": {"grader": 1}, "parts": {"checks": None}}),
        ("shard records", {"names": ["alice"]}),
        ("shard records", {"shard": 1, "of": 0}),
        ("shard records", {"of": float("inf")}),
        ("shard records", {"handed_in": [["alice", "2026-11-20T22:00:00"]]}),
        ("class.json", {"handed_in": {"alice": ["2026-11-20T22:00:00", None]}}),
        ("class.json", {"handed_in": {"alice": ["", None]}}),
    ],
)
def test_a_damaged_record_is_no_record(tmp_path: Path, name: str, changes: dict[str, Any]) -> None:
    document, wanted = RECORDS[name]
    path = tmp_path / "x.json"
    path.write_text(json.dumps(document | changes))
    found = read_json(path, wanted)
    if isinstance(found, Stamp):
        found.differences(Stamp.from_json(STAMP), " → ")
    else:
        assert found is None


@pytest.mark.parametrize(
    "changes",
    [
        {"score": "17"},
        {"score": float("nan")},
        {"metrics": {"graded_accuracy": []}},
        {"versions": ["x"]},
        {"lab": None},
        {"checks": [RESULT["checks"][0] | {"points": None}]},
        {"findings": [{"misconception": {}, "severity": "E", "certainty": "fact", "message": ""}]},
    ],
)
def test_a_result_with_a_value_of_another_kind_is_damaged(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    path = tmp_path / "x.json"
    path.write_text(json.dumps(RESULT | changes))
    assert read_json(path, Result.from_json) is None


def test_a_column_of_endless_points_is_refused() -> None:
    with pytest.raises(UsageError, match="Points Possible") as refused:
        fill_canvas(CANVAS.replace(",20,", f",{'9' * 400},").encode(), MARKS, None, None)
    assert "--points" in refused.value.hint


@pytest.mark.parametrize("moment", ["9999-12-31T23:59:59+00:00", "0001-01-01T00:00:00+00:00"])
def test_work_of_the_last_hour_of_the_calendar_is_late_work_as_any(out: Out, moment: str) -> None:
    (out.state / "class.json").write_text(
        json.dumps(CLASS | {"handed_in": {"bob": [moment, None]}})
    )
    out.result("alice").write_text(json_text(RESULT))
    enter(out, Stamp.from_json(STAMP), whole=True)
    for hours in (-12, 12):
        enter_late(out, replace(RULE, due=RULE.due.astimezone(timezone(timedelta(hours=hours)))))
        assert moment[:4] in (out.folder / "late.csv").read_text()


def test_a_time_that_no_calendar_has_is_not_known() -> None:
    assert _moment(253402300800.0) is None
    assert _moment(-1e18) is None
