"""grades.csv and the class page, from verdicts on the disk: hostile names, large classes."""

from __future__ import annotations

import csv
import io
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from playwright.sync_api import Browser
from report_samples import HOSTILE, full_marks
from test_report_browser import LOW_CONTRAST

from grader.batch.files import Out, write_json, writing
from grader.batch.names import file_names
from grader.batch.tables import TooLate, write_tables
from grader.errors import OutputError
from grader.printed import steady
from grader.records.lab import Lab, Rubric
from grader.records.result import Outcome, Result, Status
from grader.report.class_page import ClassPage, Notice, Row, bars, render_class
from grader.report.html import source

RESULT: Result = full_marks()[0]


def lab_of(result: Result) -> Lab:
    """A lab whose rubric is this result's checks."""
    points = {check.id: check.max_points for check in result.checks}
    rubric = Rubric(total=sum(points.values()), points=points)
    nowhere = Path("/nonexistent")
    return Lab(result.lab, "A title", "", nowhere, nowhere, (), (), rubric)


LAB = lab_of(RESULT)


def saved(folder: Path, *results: Result) -> Out:
    """An OUT with these verdicts, each under its own name."""
    out = Out(folder)
    for place in out.folders:
        place.mkdir(parents=True, exist_ok=True)
    names = file_names(result.submission_id for result in results)
    for result in results:
        write_json(out.result(names[result.submission_id]), result.to_json())
    return out


def named(student: str, **more: object) -> Result:
    return replace(RESULT, submission_id=student, **more)  # type: ignore[arg-type]


def table(out: Out) -> list[dict[str, str]]:
    text = (out.folder / "grades.csv").read_bytes().decode()
    return list(csv.DictReader(io.StringIO(text, newline="")))


@given(
    student=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20),
    reason=st.one_of(st.none(), st.text(st.characters(exclude_categories=["Cs"]), max_size=20)),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_no_cell_starts_a_formula_and_every_text_comes_back(
    tmp_path_factory: pytest.TempPathFactory, student: str, reason: str | None
) -> None:
    out = saved(tmp_path_factory.mktemp("out"), named(student, reason=reason))
    write_tables(out, LAB, [], [])
    (row,) = table(out)
    for cell in row.values():
        assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))
    assert row["id"] in (student, f"'{student}")
    assert row["reason"] in (reason or "", f"'{reason}")


def test_the_rows_stand_in_the_order_of_the_ids_and_points_add_up(tmp_path: Path) -> None:
    out = saved(tmp_path, *(named(student) for student in ("b", "a", "ä", "B")))
    page = write_tables(out, LAB, [], [])
    assert [row.id for row in page.rows] == ["B", "a", "b", "ä"]
    for row in table(out):
        points = [float(row[check.id]) for check in RESULT.checks]
        assert sum(points) == pytest.approx(float(row["score"]))
        assert float(row["graded_accuracy"]) == RESULT.metrics["graded_accuracy"]


def test_a_fault_of_ours_has_no_points_in_the_table(tmp_path: Path) -> None:
    out = saved(tmp_path, named("a", status=Status.INVALID, score=0.0))
    write_tables(out, LAB, [], [])
    (row,) = table(out)
    assert (row["status"], row["score"], row["max_score"] != "") == ("invalid", "", True)
    assert {row[check.id] for check in RESULT.checks} == {""}


def test_a_zero_says_why_and_is_for_a_person_to_look_at(tmp_path: Path) -> None:
    said = "your code stopped with SyntaxError: '(' was never closed"
    broken = replace(RESULT.checks[0], outcome=Outcome.ERROR, points=0.0, observed=said)
    nothing = named("ann", score=0.0, root_cause=None, checks=(broken, *RESULT.checks[1:]))
    half = named("ben", score=8.0, root_cause=None, checks=(broken, *RESULT.checks[1:]))
    out = saved(tmp_path / "out", nothing, half)
    page = write_tables(out, LAB, [], [])
    assert [row.reason for row in page.rows] == [said, None]
    html = (out.folder / "index.html").read_text(encoding="utf-8")
    assert html.count("Earned no points: your code stopped with SyntaxError") == 1
    assert table(out)[0]["reason"] == ""


def test_a_verdict_survives_being_written_and_read() -> None:
    assert Result.from_json(RESULT.to_json()) == RESULT
    with pytest.raises(ValueError, match="schema"):
        Result.from_json({**RESULT.to_json(), "schema": "other/1"})


def test_a_damaged_verdict_takes_no_other_along(tmp_path: Path) -> None:
    out = saved(tmp_path, named("a"), named("b"))
    out.result("b").write_text('{"schema"')
    (tmp_path / "results/link.json").symlink_to("/etc/passwd")
    assert [row.id for row in write_tables(out, LAB, [], []).rows] == ["a"]


def test_a_table_that_takes_too_long_leaves_the_old_one(tmp_path: Path) -> None:
    out = saved(tmp_path, named("a"))
    write_tables(out, LAB, [], [])
    before = (tmp_path / "grades.csv").read_bytes()
    saved(tmp_path, named("b"))
    with pytest.raises(TooLate):
        write_tables(out, LAB, [], [], until=time.monotonic() - 1)
    assert (tmp_path / "grades.csv").read_bytes() == before
    assert list(tmp_path.rglob("*.part")) == []


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "x.json"
    target.write_text("old")

    def half() -> None:
        with writing(target) as file:
            file.write("new")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half()
    assert [path.name for path in tmp_path.iterdir()] == ["x.json"]
    assert target.read_text() == "old"
    with pytest.raises(OutputError, match="cannot be written"):
        write_json(tmp_path / "absent/x.json", {})


@pytest.mark.parametrize(
    ("printed", "kept"),
    [
        ("60/60 ━━ 3s 2ms/step - loss: 0.5\n", "60/60 ━━ … … - loss: 0.5\n"),
        ("<function f at 0x7f0a1b2c3d4e>", "<function f at 0x…>"),
        ("accuracy 0.98, 10 classes, shape (5, 2)", "accuracy 0.98, 10 classes, shape (5, 2)"),
        ("0 417us/sample", "0 …"),
    ],
)
def test_what_differs_from_run_to_run_is_left_out_of_printed_text(printed: str, kept: str) -> None:
    assert steady(printed) == kept


def row(score: float, **more: object) -> Row:
    plain = Row("a", "a", "graded", score, 20.0, None, None, None, None)
    return plain._replace(**more)


def test_the_bars_hold_every_submission_once() -> None:
    rows = [row(score) for score in (0, 1.9, 2, 10, 19.9, 20, 20)]
    assert [bar.rows for bar in bars(rows)] == [2, 1, 0, 0, 0, 1, 0, 0, 0, 3]
    assert max(bar.height for bar in bars(rows)) == bars(rows)[9].height
    assert [bar.height for bar in bars([])] == [0.0] * 10


def hostile_page() -> str:
    """A page on which every text is hostile."""
    bad = " ".join(HOSTILE)
    page = ClassPage("lab", bad, {"check": 3.0}, (Notice(bad, bad),), (bad,))
    page.rows += [row(3.0, id=bad, root_cause=bad, accuracy=0.5, limit="time"), row(0.0)]
    page.rows += [row(0.0, id=f"x{bad}", status="rejected", reason=bad)]
    page.mistakes, page.titles = {bad: 1}, {bad: bad, "check": bad}
    page.checks = {"check": {"passed": 1, "failed": 2, "skipped": 1}}
    return "".join(render_class(page))


def class_page(folder: Path) -> str:
    results = [
        named(f"student {number:02}", score=RESULT.max_score * number / 12, limit=limit)
        for number, limit in enumerate([None] * 10 + ["time", "memory"])
    ]
    out = saved(folder, *results, named("zoe", status=Status.INVALID, reason="the machine"))
    write_tables(out, LAB, [Notice("student 03", "b.py was taken.")], ["yuri"])
    return (folder / "index.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_page_fits_is_legible_and_asks_for_nothing(
    browser: Browser, tmp_path: Path, width: int, dark: bool
) -> None:
    class_page(tmp_path)
    page = browser.new_page(
        viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light"
    )
    heard: list[str] = []
    page.on("console", lambda message: heard.append(message.text))
    page.on("request", lambda request: heard.append(request.url))
    page.goto((tmp_path / "index.html").as_uri())
    assert heard == [(tmp_path / "index.html").as_uri()]
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
    contrast = page.evaluate(LOW_CONTRAST)
    assert (contrast["poor"], contrast["seen"] > 40) == ([], True)
    assert page.get_by_role("link", name="student 03").first.get_attribute("href") is not None
    assert page.get_by_role("row").count() == 14
    for text in ("yuri", "by a fault of the grader", "not graded, by our fault"):
        assert page.get_by_text(text).count() >= 1
    page.close()


@pytest.mark.parametrize("bypass", [False, True], ids=["policy", "escaping alone"])
def test_hostile_names_run_nothing_and_lead_nowhere(
    browser: Browser, tmp_path: Path, bypass: bool
) -> None:
    (tmp_path / "index.html").write_text(hostile_page(), encoding="utf-8")
    context = browser.new_context(viewport={"width": 390, "height": 900}, bypass_csp=bypass)
    page = context.new_page()
    heard: list[str] = []
    page.on("console", lambda message: heard.append(message.text))
    page.on("dialog", lambda dialog: heard.append(dialog.message))
    page.goto((tmp_path / "index.html").as_uri())
    assert page.evaluate("typeof window.pwned") == "undefined"
    assert heard == []
    assert page.locator("script").all_text_contents() == [source("class.js")]
    assert page.locator("iframe, base, form").count() == 0
    links = page.locator("a").evaluate_all("found => found.map(a => a.getAttribute('href'))")
    assert set(links) == {"reports/a.html", "grades.csv"}
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
    context.close()


def test_the_page_is_the_same_whatever_the_order_of_the_files(tmp_path: Path) -> None:
    one = class_page(tmp_path / "one")
    (tmp_path / "two/results").mkdir(parents=True)
    for path in sorted((tmp_path / "one/results").iterdir(), reverse=True):
        (tmp_path / "two/results" / path.name).write_bytes(path.read_bytes())
    write_tables(Out(tmp_path / "two"), LAB, [Notice("student 03", "b.py was taken.")], ["yuri"])
    assert (tmp_path / "two/index.html").read_text(encoding="utf-8") == one
