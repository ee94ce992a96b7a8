"""Pages of submissions that print, name and draw whatever runs in a browser, shown in Chromium.

Each example is a dozen texts; every page that holds a text of a student's is made for each of them,
and all of these pages stand in frames of one page, which hears of any script that ran.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from html import escape
from typing import Any, NamedTuple

import pytest
from fuzzing import Outcomes, many
from hypothesis import example, given
from hypothesis import strategies as st
from playwright.sync_api import Browser, Page
from report_samples import HOSTILE, filled

from grader.export.marks import Mark
from grader.export.moodle import comment
from grader.report.class_page import ClassPage, Item, Notice, Row, render_class
from grader.report.html import render_html
from grader.report.similar_page import Alike, SimilarPage, render_similar
from grader.similarity.passages import Passage, Piece

RUN = "top.ran = (top.ran || 0) + 1"
PIECES = st.sampled_from([
    "<", ">", "</", "/>", '"', "'", "`", "=", " ", "\n", "\t", "\0", "\x0c", "&", ";", "#", "{{",
    "}}", "{%", "%}", "--", "<!--", "-->", "<![CDATA[", "]]>", "<?", "script", "SCRIPT",
    "scr\0ipt", "svg", "math", "img", "iframe", "style", "title", "textarea", "template",
    "noscript", "details", "a", "xmp", "plaintext", "base", "meta", "link", "form", "object",
    "embed", "animate", "foreignObject", "mglyph", "</script>", "</style>", "</title>",
    "</textarea>", "</template>", "</svg>", "</pre>", " src=", " href=", " xlink:href=",
    " srcdoc=", " style=", " id=", " http-equiv=refresh", " content=", " onload=", " onerror=",
    " onfocus=", " ontoggle=", " onbegin=", " autofocus", " tabindex=1", RUN, f"javascript:{RUN}",
    f"JaVa\tScRiPt:{RUN}", f"data:text/html,<script>{RUN}</script>", "x", "&lt;", "&#60;", "&#x3c",
    "\\u003c", "\u2028", "\ufeff", "\u202e", "＜", "\ud800", "url(", "expression(", "@import", "</",
    "%3Cscript%3E", "+ADw-script+AD4-",
])  # fmt: skip
WHOLE = st.sampled_from([
    f"<script>{RUN}</script>",
    f"<img src=x onerror=\"{RUN}\">",
    f"<svg onload=\"{RUN}\">",
    f"</style><script>{RUN}</script>",
    f"</title><svg/onload={RUN!r}>",
    f"\"><script>{RUN}</script>",
    f"' autofocus onfocus=\"{RUN}\" x='",
    f"<iframe srcdoc=\"<script>{RUN}</script>\">",
    f"<details open ontoggle=\"{RUN}\">",
    f"<a href=\"javascript:{RUN}\">x</a>",
    "<meta http-equiv=refresh content='0;url=http://pwned.invalid/'>",
    "<link rel=stylesheet href=http://pwned.invalid/x.css>",
    "<img src=http://pwned.invalid/x.png>",
])  # fmt: skip
ATTACKS = st.lists(PIECES | WHOLE, min_size=1, max_size=8).map("".join) | st.text(max_size=30)

IN_FRAMES = """() => {
  const seen = {frames: 0, ran: 0, handlers: 0, scripts: 0, links: 0};
  for (const frame of document.querySelectorAll('iframe')) {
    const page = frame.contentDocument;
    if (!page || !page.body || !page.body.children.length) continue;
    seen.frames += 1;
    seen.ran += frame.contentWindow.pwned ? 1 : 0;
    page.querySelectorAll('details').forEach(e => { e.open = true });
    page.querySelectorAll('[tabindex], a, input, summary').forEach(e => e.focus());
    for (const e of page.querySelectorAll('*')) {
      seen.handlers += [...e.attributes].filter(a => /^on|^style$/i.test(a.name)).length;
      seen.scripts += e.matches('iframe, object, embed, base, form') ? 1 : 0;
      if (e.matches('script') && e.closest('body') === null) seen.scripts += 1;
      const to = e.getAttribute('href') || e.getAttribute('xlink:href') || e.getAttribute('src');
      const ours = /^(#|data:image[/]png;base64,|reports[/][ab].html$|(similar|index).html$)/;
      if (to && !ours.test(to) && to !== 'grades.csv') seen.links += 1;
    }
  }
  return seen;
}"""


class Shown(NamedTuple):
    """What came of a page of frames: what was found in them, and what it asked for or said."""

    found: dict[str, int]
    heard: list[str]


def class_page(text: str) -> str:
    """The page of a class in which `text` is whatever a student chooses."""
    row = Row(text, "a", "rejected", 1.0, 2.0, text, None, 0.5, text)
    page = ClassPage(
        "lab03", "A lab", {text: 2.0}, (Notice(text, text, "similar.html"),), (text,), [row],
        mistakes={text: 1}, checks={text: {"failed": 1}}, titles={text: text}, items={text: Item()},
    )  # fmt: skip
    return "".join(render_class(page))


def similar_page(text: str) -> str:
    """The page of code that is alike, of two students who call and write everything `text`."""
    piece = Piece(text, 1, 1, 2, text, 1)
    pair = Alike(text, text, "a", "b", 0.9, (Passage((piece,), (piece,), 9),), 1)
    page = SimilarPage(
        "lab03", text, 2, 0.1, 0.3, (pair,), (pair,), 1, (((text, "a"), (text, "b")),)
    )
    return "".join(render_similar(page))


def pages(text: str) -> Iterator[str]:
    """Every page that shows a text of a student's."""
    result, exhibits = filled(text)
    yield render_html(result, exhibits, hints=True)
    yield class_page(text)
    yield similar_page(text)
    yield f"<!DOCTYPE html><title>Moodle</title><body><p>{comment(Mark('a', result))}</p>"


@pytest.fixture(scope="module", params=[False, True], ids=["policy", "escaping alone"])
def tab(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    context = browser.new_context(bypass_csp=request.param)
    yield context.new_page()
    context.close()


def show(tab: Page, documents: list[str]) -> Shown:
    """Put each document into a frame of one page, and look into all of them."""
    heard: list[str] = []
    listeners: dict[str, Any] = {
        "dialog": lambda dialog: heard.append(f"dialog: {dialog.message}"),
        "popup": lambda popup: heard.append(f"popup: {popup.url}"),
        "request": lambda request: heard.append(f"request: {request.url}"),
    }
    for name, listener in listeners.items():
        tab.on(name, listener)  # type: ignore[call-overload]
    frames = "".join(f'<iframe srcdoc="{escape(page)}"></iframe>' for page in documents)
    tab.set_content(f"<!DOCTYPE html><title>All</title>{frames}", wait_until="load")
    found: dict[str, int] = tab.evaluate(IN_FRAMES)
    tab.wait_for_timeout(50)
    found["ran"] += tab.evaluate("window.ran || 0")
    for name, listener in listeners.items():
        tab.remove_listener(name, listener)
    # Frames of a page's own text are no requests; a picture that the page brings along is none.
    return Shown(
        found, [item for item in heard if "about:srcdoc" not in item and "data:" not in item]
    )


@many(3)
@given(st.lists(ATTACKS, min_size=8, max_size=8))
@example(list(HOSTILE))
def test_whatever_a_student_prints_names_or_draws_nothing_runs(
    fuzzed: Outcomes, tab: Page, texts: list[str]
) -> None:
    documents = [page for text in texts for page in pages(text)]
    shown = show(tab, [page.encode("utf-8", "replace").decode() for page in documents])
    nothing = {"ran": 0, "handlers": 0, "scripts": 0, "links": 0}
    assert shown == Shown({"frames": len(documents), **nothing}, []), json.dumps(texts)
    for _ in documents:
        fuzzed.attempt("pages in Chromium (read: inert)", lambda: True)


ATTACK = f"<script>{RUN}</script>"


def test_the_page_of_frames_hears_of_a_script_that_ran(browser: Browser) -> None:
    context = browser.new_context()
    one = render_html(*filled("x"))
    assert show(context.new_page(), [one]).found["ran"] == 0
    got_in = one.replace("<main", f"{ATTACK}<main").replace("http-equiv", "data-off")
    assert show(context.new_page(), [one, got_in]).found["ran"] == 1
    held = show(context.new_page(), [one.replace("<main", f"{ATTACK}<main")])
    assert held.found["ran"] == 0  # by the page's own policy
    drawn = show(context.new_page(), ["<p>x</p><img src=http://127.0.0.1:9/x.png onerror=x>"])
    assert (drawn.found["handlers"], drawn.found["links"], len(drawn.heard)) == (1, 1, 1)
    context.close()
