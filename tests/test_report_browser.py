"""The pages as a browser shows them: at two widths, light and dark, and under attack."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import chromium_path
from playwright.sync_api import Browser, Page
from report_samples import HOSTILE, SAMPLES, filled, full_marks, one_hot

from grader.records.exhibits import Exhibits
from grader.records.result import Result
from grader.report.html import render_html

Sample = Callable[[], tuple[Result, Exhibits]]
Open = Callable[..., Page]

LOW_CONTRAST = """() => {
  const parse = text => (text.match(/[\\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = element => {
    for (let e = element; e; e = e.parentElement) {
      const colour = parse(getComputedStyle(e).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour.slice(0, 3);
      if (colour[3] !== 0) throw new Error('half transparent: ' + e.outerHTML.slice(0, 80));
    }
    throw new Error('no background');
  };
  const ratio = (a, b) => {
    const [low, high] = [light(a), light(b)].sort((x, y) => x - y);
    return (high + 0.05) / (low + 0.05);
  };
  const poor = []; let seen = 0;
  for (const e of document.body.querySelectorAll('*')) {
    const style = getComputedStyle(e);
    const own = [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim());
    const drawn = e.matches('.curve, .dot, .ring-done, .axis');
    if (!own && !drawn || e.matches('title, desc')) continue;
    const paint = own ? (e.closest('svg') ? style.fill : style.color)
      : style.stroke !== 'none' ? style.stroke : style.fill;
    const size = parseFloat(style.fontSize), bold = parseInt(style.fontWeight) >= 700;
    const needed = drawn && !own || size >= 24 || bold && size >= 18.66 ? 3 : 4.5;
    const found = ratio(parse(paint).slice(0, 3), behind(e));
    seen += 1;
    if (found < needed) poor.push([e.outerHTML.slice(0, 90), paint, found.toFixed(2)]);
  }
  return {poor, seen};
}"""


@pytest.fixture
def load(browser: Browser, tmp_path: Path) -> Iterator[Open]:
    """Opens a page from a file; `heard` on it lists console lines, dialogs and requests."""
    contexts = []

    def open_page(html: str, *, width: int = 1280, dark: bool = False, **options: Any) -> Page:
        file = tmp_path / "report.html"
        file.write_text(html, encoding="utf-8")
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme="dark" if dark else "light",
            **options,
        )
        contexts.append(context)
        page = context.new_page()
        heard: list[str] = []
        page.on("console", lambda message: heard.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: heard.append(f"error: {error}"))
        page.on("dialog", lambda dialog: heard.append(f"dialog: {dialog.message}"))
        page.on("popup", lambda popup: heard.append(f"popup: {popup.url}"))
        page.on("request", lambda request: heard.append(f"request: {request.url}"))
        page.goto(file.as_uri())
        heard.remove(f"request: {file.as_uri()}")
        page.heard = heard  # type: ignore[attr-defined]
        return page

    yield open_page
    for context in contexts:
        context.close()


def open_everything(page: Page) -> None:
    page.evaluate("document.querySelectorAll('details').forEach(e => { e.open = true })")


def sideways(page: Page) -> int:
    return int(page.evaluate("document.documentElement.scrollWidth - window.innerWidth"))


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_a_page_fits_is_legible_and_asks_for_nothing(
    load: Open, name: str, width: int, dark: bool
) -> None:
    page = load(render_html(*SAMPLES[name](), hints=True), width=width, dark=dark)
    open_everything(page)
    assert sideways(page) <= 0
    assert page.heard == []  # type: ignore[attr-defined]
    contrast = page.evaluate(LOW_CONTRAST)
    assert contrast["poor"] == []
    assert contrast["seen"] > 8


def test_the_contrast_measure_sees_poor_contrast(load: Open) -> None:
    html = render_html(*full_marks()).replace("<main", '<p class="grey">grey</p><main')
    page = load(html, bypass_csp=True)
    page.add_style_tag(content=".grey { color: #999; background: #fff }")
    assert len(page.evaluate(LOW_CONTRAST)["poor"]) == 1


def test_light_and_dark_are_different_pages(load: Open) -> None:
    html = render_html(*full_marks())
    colours = {
        load(html, dark=dark).evaluate("getComputedStyle(document.body).backgroundColor")
        for dark in (False, True)
    }
    assert len(colours) == 2


@pytest.mark.parametrize("number", range(len(HOSTILE)))
@pytest.mark.parametrize("bypass", [False, True], ids=["policy", "escaping alone"])
def test_hostile_text_runs_nothing_and_breaks_nothing(
    load: Open, number: int, bypass: bool
) -> None:
    html = render_html(*filled(HOSTILE[number]), hints=True)
    page = load(html, width=390, bypass_csp=bypass)
    open_everything(page)
    page.mouse.move(200, 300)
    page.keyboard.press("Tab")
    assert page.evaluate("typeof window.pwned") == "undefined"
    assert page.heard == []  # type: ignore[attr-defined]
    assert sideways(page) <= 0
    assert page.locator("script, iframe, base, a:not([href^='#'])").count() == 0
    assert page.locator("main").count() == 1


@pytest.mark.parametrize("bypass", [False, True], ids=["with policy", "without"])
def test_the_policy_would_stop_a_script_that_got_in(load: Open, bypass: bool) -> None:
    attack = "<script>window.pwned = 1</script><p style='color: red'>x</p>"
    html = render_html(*full_marks()).replace("<main", f"{attack}<main")
    page = load(html, bypass_csp=bypass)
    assert page.evaluate("typeof window.pwned") == ("number" if bypass else "undefined")
    refused = [item for item in page.heard if "Content Security Policy" in item]  # type: ignore[attr-defined]
    assert len(refused) == (0 if bypass else 2)


def test_every_section_opens_by_keyboard(load: Open) -> None:
    page = load(render_html(*one_hot(), hints=True))
    closed = page.evaluate("document.querySelectorAll('details:not([open])').length")
    assert closed > 3
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('details:not([open]) > summary')"):
            outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert outline == "solid"
            page.keyboard.press("Enter")
    assert page.evaluate("document.querySelectorAll('details:not([open])').length") == 0


def test_the_tree_that_a_screen_reader_reads_names_all_parts(load: Open) -> None:
    page = load(render_html(*full_marks()))
    for role in ("banner", "main", "contentinfo"):
        assert page.get_by_role(role).count() == 1  # type: ignore[arg-type]
    assert page.get_by_role("img", name="Loss by epoch").count() == 1
    assert page.get_by_role("columnheader", name="predicted").count() == 1
    assert page.get_by_role("region", name="Checks").count() == 1


def test_a_printed_page_shows_what_was_closed(load: Open) -> None:
    page = load(render_html(*full_marks()))
    detail = page.locator(".checks details .more")
    assert not detail.is_visible()
    page.emulate_media(media="print")
    assert detail.is_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


@pytest.mark.parametrize(("ci", "end"), [("true", pytest.fail), ("", pytest.skip)])
def test_a_missing_browser_fails_in_ci_skips_elsewhere_and_says_how_to_get_one(
    monkeypatch: pytest.MonkeyPatch, ci: str, end: Any
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setenv("CI", ci)
    with pytest.raises(end.Exception, match="apt-get install chromium"):
        chromium_path()
