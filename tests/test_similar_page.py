"""similar.html: what a person reads of code that is alike, and when a batch writes it."""

from __future__ import annotations

import csv
import os
import shutil
import signal
import time
from pathlib import Path

import copies
import pytest
from playwright.sync_api import Browser
from report_samples import HOSTILE
from test_report_browser import LOW_CONTRAST
from test_similarity import TASK, own_work

from grader import cli
from grader.batch.files import Out, write_json
from grader.batch.similar import SHOWN, keep_code, write_similar
from grader.report.class_page import Notice
from grader.report.similar_page import Alike, SimilarPage, notice, render_similar, where
from grader.similarity.passages import Passage, Piece
from grader.submissions import read
from tests.classes import content, run, start, verdicts
from tests.courses import RIGHT, load, make_course

STUDENTS = {
    "ann": f"{RIGHT}\n{TASK}",
    "ben": f"{copies.renamed(TASK)}\n{RIGHT}",
    "ben~2": TASK + RIGHT,
    "cleo": f"{RIGHT}\n{own_work(1)}",
    "dan": f"{RIGHT}\n{own_work(2)}",
    "eve": f"{RIGHT}\n{own_work(3)}",
}


def page_of(text: str, **more: object) -> str:
    """A page on which every text is this one."""
    piece = Piece(text, 3, 1, 9, text, 2)
    passage = Passage((piece, piece), (piece,), 50)
    pair = Alike(text, text, "a", "b", 0.9, [passage, passage], 3)
    same = [[(text, "a"), (text, "b")]]
    page = {"pairs": [pair, pair], "rest": [pair], "more": 4, "same": same, **more}
    return "".join(render_similar(SimilarPage(text, text, 300, 0.02, 0.3, **page)))  # type: ignore[arg-type]


@pytest.mark.parametrize("bypass", [False, True], ids=["policy", "escaping alone"])
@pytest.mark.parametrize("number", range(len(HOSTILE)))
def test_hostile_code_runs_nothing_and_leads_nowhere(
    browser: Browser, tmp_path: Path, number: int, bypass: bool
) -> None:
    (tmp_path / "similar.html").write_text(page_of(HOSTILE[number]), encoding="utf-8")
    context = browser.new_context(viewport={"width": 390, "height": 900}, bypass_csp=bypass)
    page = context.new_page()
    heard: list[str] = []
    page.on("console", lambda message: heard.append(message.text))
    page.on("dialog", lambda dialog: heard.append(dialog.message))
    page.on("request", lambda request: heard.append(request.url))
    page.goto((tmp_path / "similar.html").as_uri())
    page.evaluate("document.querySelectorAll('details').forEach(e => { e.open = true })")
    page.mouse.move(200, 300)
    page.keyboard.press("Tab")
    assert page.evaluate("typeof window.pwned") == "undefined"
    assert heard == [(tmp_path / "similar.html").as_uri()]
    assert page.locator("script, iframe, base, form, img").count() == 0
    links = page.locator("a").evaluate_all("found => found.map(a => a.getAttribute('href'))")
    assert set(links) == {"reports/a.html", "reports/b.html", "index.html"}
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
    context.close()


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_page_fits_is_legible_and_says_that_it_is_a_hint(
    browser: Browser, tmp_path: Path, width: int, dark: bool
) -> None:
    (tmp_path / "similar.html").write_text(page_of("zoe"), encoding="utf-8")
    page = browser.new_page(
        viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light"
    )
    page.goto((tmp_path / "similar.html").as_uri())
    page.evaluate("document.querySelectorAll('details').forEach(e => { e.open = true })")
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
    contrast = page.evaluate(LOW_CONTRAST)
    assert (contrast["poor"], contrast["seen"] > 30) == ([], True)
    for text in ("never a mark", "the same tutorial", "ask the students"):
        assert page.get_by_text(text).count() == 1
    left, right = (page.locator(".sides > div").nth(at).bounding_box() for at in (0, 1))
    assert left is not None
    assert right is not None
    assert (left["y"] == right["y"]) == (width == 1280)
    page.close()


def test_without_a_pair_the_page_says_why() -> None:
    none: dict[str, object] = {"pairs": (), "rest": (), "more": 0}
    usual = "".join(render_similar(SimilarPage("lab", "A lab", 9, 0.0, 0.3, **none)))  # type: ignore[arg-type]
    assert "No two submissions share more than this class does by chance." in usual
    two = "".join(render_similar(SimilarPage("lab", "A lab", 2, 0.0, 2.0, **none)))  # type: ignore[arg-type]
    assert "fewer than three submissions" in two
    same = "".join(render_similar(SimilarPage("lab", "A lab", 9, 0.95, 1.4, **none)))  # type: ignore[arg-type]
    assert "All of this class is much alike" in same


def test_places_and_notices_are_in_words() -> None:
    assert where(Piece("", 3, 2, 9, "", 0)) == "cell 3, lines 2 to 9"
    assert where(Piece("help.py", None, 4, 4, "", 0)) == "help.py, line 4"
    assert "that of ann: a hint to look, no mark" in notice(["ann"])
    assert "ann and 2 others" in notice(["ann", "ben", "cleo"])


def saved(folder: Path, sources: dict[str, str]) -> Out:
    out = Out(folder)
    for place in out.folders:
        place.mkdir(parents=True)
    for student, source in sources.items():
        (folder / "x.py").write_text(source)
        keep_code(out, student, read(folder / "x.py", id=student))
        write_json(out.result(student), {})
    return out


def test_more_pairs_than_a_page_can_hold_are_named_or_counted(tmp_path: Path) -> None:
    course = make_course(tmp_path / "course")
    # Groups of four whose work is the same: six pairs each, as many as are not common yet.
    sources = {f"{group}{side}": own_work(group) for group in range(12) for side in "abcd"}
    alike, pairs = write_similar(saved(tmp_path / "out", sources), load(course)) or ([], 0)
    assert (pairs, len(alike)) == (72, 48)
    html = (tmp_path / "out/similar.html").read_text(encoding="utf-8")
    assert html.count("<article") == SHOWN
    assert html.count("side by side</summary>") == SHOWN
    assert "Further pairs, less alike" in html
    assert {item.page.partition("-")[0] for item in alike} == {
        "similar.html#pair",
        "similar.html#rest",
    }


def test_a_ring_too_large_for_pairs_is_told_as_one_group(tmp_path: Path) -> None:
    course = make_course(tmp_path / "course")
    ring = {f"ring{number}": copies.renamed(own_work(50)) + "\n" * number for number in range(6)}
    others = {f"s{number}": own_work(number) for number in range(20)}
    out = saved(tmp_path / "out", {**ring, **others})
    alike, pairs = write_similar(out, load(course)) or ([], 0)
    assert pairs == 0
    assert {item.id for item in alike} == set(ring)
    assert "the same as that of 5 others: a hint, no mark" in alike[0].said
    html = (out.folder / "similar.html").read_text(encoding="utf-8")
    assert '<h2 id="same">The same code</h2>' in html
    assert "No other two submissions" in html


def test_code_that_cannot_be_read_back_takes_no_other_along(tmp_path: Path) -> None:
    course = make_course(tmp_path / "course")
    out = saved(tmp_path / "out", STUDENTS)
    out.code("dan").write_text("{")
    out.code("eve").write_text('{"schema": "grader.code/1", "id": "eve"}')
    alike, pairs = write_similar(out, load(course)) or ([], 0)
    assert pairs == 2
    assert {item.id for item in alike} == {"ann", "ben", "ben~2"}


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course, a class in which two have the same code, and the OUT of its batch."""
    folder = tmp_path_factory.mktemp("similar")
    make_course(folder / "course")
    (folder / "class").mkdir()
    for student, source in STUDENTS.items():
        (folder / "class" / f"{student}.py").write_text(source)
    (folder / "class/web.ipynb").write_text("<!DOCTYPE html>")
    code, said, errors = run(folder / "course", folder / "class", folder / "out", "--jobs", "1")
    assert code == 0, errors
    (folder / "said").write_text(said)
    return folder


def test_a_batch_lists_who_is_alike_with_a_link_and_marks_nobody_down(here: Path) -> None:
    page = (here / "out/index.html").read_text(encoding="utf-8")
    assert page.count(">Side by side</a>") == 3
    assert 'href="similar.html#pair-1"' in page
    similar = (here / "out/similar.html").read_text(encoding="utf-8")
    assert "ann: lines 8 to 28" in similar
    assert "dan" not in similar
    assert {each["score"] for each in verdicts(here / "out").values()} == {10.0, 0.0}
    text = (here / "out/grades.csv").read_text(encoding="utf-8")
    assert "alike" not in text
    assert {row["score"] for row in csv.DictReader(text.splitlines())} == {"10", "0"}
    assert "2 pairs of submissions have code that is alike" in (here / "said").read_text()


def test_two_submissions_of_one_student_are_not_told_as_alike(here: Path) -> None:
    similar = (here / "out/similar.html").read_text(encoding="utf-8")
    assert similar.count("<article") == 2
    assert "ben and ben~2" not in similar


def test_what_was_rejected_has_no_code_to_compare(here: Path) -> None:
    kept = {path.stem for path in (here / "out/.grader/code").iterdir()}
    assert "web" not in kept
    assert len(kept) == len(STUDENTS)


def test_an_interrupted_batch_has_no_such_page_and_the_same_command_makes_it(
    here: Path, tmp_path: Path
) -> None:
    out = shutil.copytree(here / "out", tmp_path / "out")
    for path in sorted(out.glob("results/*.json"))[1:]:
        path.unlink()
    batch = start(here / "course", here / "class", out, "--jobs", "1")
    while batch.poll() is None and len(list(out.glob("results/*.json"))) < 2:
        time.sleep(0.01)
    os.killpg(batch.pid, signal.SIGINT)
    batch.communicate(timeout=60)
    assert batch.returncode == 130
    assert not (out / "similar.html").exists()
    assert "similar.html" not in (out / "index.html").read_text(encoding="utf-8")
    assert run(here / "course", here / "class", out)[0] == 0
    assert content(out) == content(here / "out")


def test_code_that_is_gone_is_kept_again_and_a_changed_one_is_compared_anew(
    here: Path, tmp_path: Path
) -> None:
    out = shutil.copytree(here / "out", tmp_path / "out")
    shutil.rmtree(out / ".grader/code")
    assert run(here / "course", here / "class", out)[0] == 0
    assert content(out) == content(here / "out")
    handed = shutil.copytree(here / "class", tmp_path / "class")
    (handed / "ben.py").write_text(f"{RIGHT}\n{own_work(9)}")
    assert run(here / "course", handed, out)[0] == 0
    similar = (out / "similar.html").read_text(encoding="utf-8")
    assert similar.count("<article") == 1
    assert "reports/ben.html" not in similar


def test_shards_say_nothing_of_the_class_and_merged_they_say_the_same(
    here: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = []
    for number in (1, 2):
        out = tmp_path / str(number)
        assert run(here / "course", here / "class", out, "--shard", f"{number}/2")[0] == 0
        assert not (out / "similar.html").exists()
        words.append(str(out))
    assert cli.run(["merge", *words, "--course", str(here / "course")]) == 0
    assert "2 pairs of submissions have code that is alike" in capsys.readouterr().out
    assert content(tmp_path / "1") == content(here / "out")


def test_a_notice_of_a_share_needs_no_page() -> None:
    assert Notice("a", "b") == ("a", "b", "")
