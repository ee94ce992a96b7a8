"""The class's table sorted and searched in a browser, and what a check says of the other points."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from playwright.sync_api import Browser, Page
from test_batch_tables import LAB, RESULT, named, saved

from grader.batch.tables import write_tables
from grader.records.result import Outcome, Result, Status
from grader.report.class_page import FEWEST, ClassPage, Item, Notice, Row, render_class

ROWS = (
    ("ann", 9.0, "b mistake", 0.5),
    ("Ben 10", 20.0, None, None),
    ("Ben 9", 10.0, "a mistake", 0.9871),
    ("Åsa", 0.0, None, 0.1),
    ("carl", -1.0, None, None),
)
Open = Callable[..., Page]


@pytest.fixture
def load(browser: Browser, tmp_path: Path) -> Iterator[Open]:
    """Opens the page of a small class, in which carl's work was rejected."""
    contexts = []

    def open_page(*more: tuple[str, float, str | None, float | None], **options: object) -> Page:
        page = ClassPage("lab", "A lab", {})
        for name, score, mistake, accuracy in (*ROWS, *more):
            status = "graded" if score >= 0 else "rejected"
            page.rows.append(
                Row(name, name, status, max(score, 0.0), 20.0, mistake, None, accuracy, "why")
            )
        (tmp_path / "index.html").write_text("".join(render_class(page)), encoding="utf-8")
        context = browser.new_context(locale="en-GB", **options)  # type: ignore[arg-type]
        contexts.append(context)
        opened = context.new_page()
        opened.goto((tmp_path / "index.html").as_uri())
        return opened

    yield open_page
    for context in contexts:
        context.close()


def shown(page: Page) -> list[str]:
    return page.locator("tbody tr:visible th").all_text_contents()


def sorting(page: Page) -> list[str | None]:
    heads = page.locator("thead th")
    return [heads.nth(at).get_attribute("aria-sort") for at in range(heads.count())]


def test_a_click_on_a_header_sorts_and_a_second_turns_it_round(load: Open) -> None:
    page = load()
    assert sorting(page) == [None] * 4
    page.get_by_role("button", name="Points").click()
    assert shown(page) == ["Åsa", "ann", "Ben 9", "Ben 10", "carl"]
    assert sorting(page) == [None, "ascending", None, None]
    page.get_by_role("button", name="Points").click()
    assert shown(page) == ["Ben 10", "Ben 9", "ann", "Åsa", "carl"]
    assert sorting(page) == [None, "descending", None, None]
    page.get_by_role("button", name="On unseen digits").click()
    assert shown(page)[:3] == ["Åsa", "ann", "Ben 9"]
    assert sorting(page) == [None, None, None, "ascending"]


def test_names_are_sorted_as_people_do(load: Open) -> None:
    page = load()
    page.get_by_role("button", name="Submission").click()
    assert shown(page) == ["ann", "Åsa", "Ben 9", "Ben 10", "carl"]


@pytest.mark.parametrize("key", ["Enter", "Space"])
def test_a_header_is_reached_and_pressed_with_the_keyboard_alone(load: Open, key: str) -> None:
    page = load()
    page.get_by_label("Search").focus()
    reached = ""
    for _ in range(5):
        page.keyboard.press("Tab")
        reached = str(page.evaluate("document.activeElement.textContent"))
        if reached == "Points":
            break
    assert reached == "Points"
    page.keyboard.press(key)
    assert sorting(page)[1] == "ascending"
    outline = "getComputedStyle(document.activeElement).outlineStyle"
    assert page.evaluate(outline) == "solid"


def test_the_search_box_shows_the_rows_with_every_word_and_says_how_many(load: Open) -> None:
    page = load()
    page.get_by_label("Search").fill("ben 9")
    assert shown(page) == ["Ben 9"]
    assert page.locator("output").text_content() == "1 of 5"
    page.get_by_label("Search").fill("MISTAKE")
    assert shown(page) == ["ann", "Ben 9"]
    page.get_by_role("button", name="Points").click()
    page.get_by_role("button", name="Points").click()
    assert shown(page) == ["Ben 9", "ann"]
    page.get_by_label("Search").fill("")
    assert len(shown(page)) == 5
    assert page.locator("output").text_content() == ""


def test_a_name_from_a_mac_is_found_by_what_is_typed_elsewhere(
    load: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, *others = ROWS
    monkeypatch.setitem(globals(), "ROWS", [("Zoe\u0308", *ann[1:]), *others])
    page = load()
    page.get_by_label("Search").fill("zo\u00eb")
    assert page.locator("output").text_content() == "1 of 5"
    page.get_by_label("Search").fill("a\u030asa")
    assert shown(page) == ["Åsa"]


def test_without_javascript_the_page_is_complete_and_offers_nothing_that_does_nothing(
    load: Open,
) -> None:
    page = load(java_script_enabled=False)
    assert shown(page) == [name for name, *_ in ROWS]
    assert page.locator("thead button").count() == 0
    assert not page.locator("input").is_visible()
    assert page.locator("tbody a").count() == 5


def test_a_long_name_pushes_no_points_off_a_narrow_screen(load: Open) -> None:
    page = load(("x" * 80 + "_123", 17.0, "mistake", None), viewport={"width": 390, "height": 800})
    cell = page.locator("tbody tr").last.locator("td").first.bounding_box()
    assert cell is not None
    assert cell["x"] + cell["width"] < 390


def test_the_policy_lets_our_script_run_and_no_other(load: Open) -> None:
    page = load()
    heard: list[str] = []
    page.on("console", lambda message: heard.append(message.text))
    page.evaluate(
        "() => { const s = document.createElement('script'); s.textContent = 'window.pwned = 1';"
        " document.body.append(s) }"
    )
    assert page.evaluate("typeof window.pwned") == "undefined"
    assert "Content Security Policy" in heard[0]


def test_a_page_without_rows_has_no_script() -> None:
    page = "".join(render_class(ClassPage("lab", "A lab", {})))
    assert "<script" not in page
    assert "script-src" not in page


@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 40)), min_size=FEWEST, max_size=60),
)
def test_discrimination_is_the_correlation_with_the_other_points(
    told: list[tuple[bool, int]],
) -> None:
    item = Item()
    for passed, rest in told:
        item.add(passed, rest / 2)
    passes, rests = np.array(told, float).T
    if passes.std() == 0 or rests.std() == 0:
        assert item.discrimination is None
    else:
        wanted = np.corrcoef(passes, rests)[0, 1]
        assert item.discrimination is not None
        assert math.isclose(item.discrimination, wanted, abs_tol=1e-9)


def test_few_submissions_tell_nothing_of_a_check() -> None:
    item = Item()
    for number in range(FEWEST - 1):
        item.add(number % 2 == 0, number)
    assert item.discrimination is None
    item.add(True, 3)
    assert item.discrimination is not None


def test_the_page_shows_it_for_checks_that_enough_were_asked(tmp_path: Path) -> None:
    first, second, *others = RESULT.checks

    def result(number: int) -> Result:
        good = number % 2 == 0
        outcome, points = (Outcome.PASSED, first.max_points) if good else (Outcome.FAILED, 0.0)
        asked = replace(first, outcome=outcome, points=points)
        few = replace(second, outcome=Outcome.SKIPPED if number > 5 else outcome, points=points)
        score = sum(check.points for check in (asked, few, *others))
        return named(f"s{number}", checks=(asked, few, *others), score=score)

    ours = [named(f"x{number}", status=Status.INVALID) for number in range(30)]
    out = saved(tmp_path, *map(result, range(24)), *ours)
    page = write_tables(out, LAB, [], [])
    assert page.items[first.id].asked == 24
    assert page.items[first.id].discrimination == pytest.approx(1)
    assert page.items[second.id].discrimination is None
    html = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert html.count("r&nbsp;=&nbsp;1.00") == 1
    assert "look at the check itself" in html


@pytest.mark.parametrize(
    ("accuracy", "own_test", "named"),
    [(0.9990, False, False), (0.9992, False, True), (1.0, False, True), (1.0, True, False)],
)
def test_who_recognises_more_than_any_published_network_is_for_a_person_to_look_at(
    accuracy: float, own_test: bool, named: bool
) -> None:
    row = Row("eve", "eve", "graded", 20.0, 20.0, None, None, accuracy, None, own_test)
    page = "".join(render_class(ClassPage("lab", "A lab", {}, rows=[row])))
    assert ("more than the best published figure" in page) == named


def test_what_to_look_at_comes_with_the_gravest_first() -> None:
    rows = [
        Row("ann", "ann", "graded", 3.0, 20.0, None, "time", None, None),
        Row("ben", "ben", "rejected", 0.0, 20.0, None, None, None, "it is empty"),
        Row("zoe", "zoe", "invalid", 0.0, 20.0, None, None, None, "the disk was full"),
    ]
    told = (Notice("zed", "alike"), Notice("abe", "alike"))
    page = ClassPage("lab", "A lab", {}, rows=rows, notices=told, missing=("aaron",))
    text = "".join(render_class(page)).partition("<table")[0]
    places = [text.index(f">{name}") for name in ("zoe", "ben", "ann", "abe", "zed", "aaron")]
    assert places == sorted(places)
