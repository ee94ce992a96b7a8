"""Whether what is written about a submission is inert: page, XML, JSON, terminal."""

from __future__ import annotations

import io
import json
import unicodedata
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

from rich.console import Console

from grader.grading import Graded
from grader.report.html import render_html
from grader.report.junit import render_junit
from grader.report.terminal import render_terminal
from tests.threats.course import CANARY

ACTIVE = {"script", "iframe", "object", "embed", "base", "form", "input", "link", "audio", "video"}
BIDI = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


class _Page(HTMLParser):
    """Notes every element and attribute that could do something."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.policy = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag in ACTIVE:
            self.found.append(f"<{tag}>")
        if values.get("http-equiv", "").lower() == "content-security-policy":
            self.policy = values["content"]
        elif "http-equiv" in values:
            self.found.append(f"http-equiv {values['http-equiv']}")
        for name, value in values.items():
            leads_away = name in ("href", "src", "xlink:href") and not value.startswith(
                ("#", "data:image/")
            )
            if name.startswith("on") or leads_away:
                self.found.append(f"{name}={value}")


def reports(graded: Graded) -> dict[str, str]:
    """All that is written of a submission, by what it is."""
    stream = io.StringIO()
    render_terminal(graded.result, graded.exhibits, Console(file=stream, width=100), hints=True)
    return {
        "page": render_html(graded.result, graded.exhibits, True),
        "junit": render_junit(graded.result),
        "json": json.dumps(graded.result.to_json()),
        "terminal": stream.getvalue(),
    }


def assert_inert(graded: Graded) -> dict[str, str]:
    """Every report can be read, does nothing, and holds no canary."""
    written = reports(graded)
    page = _Page()
    page.feed(written["page"])
    page.close()
    assert page.found == [], f"I6: {page.found}"
    assert "default-src 'none'" in page.policy
    assert "script-src" not in page.policy
    ET.fromstring(written["junit"])
    assert json.loads(written["json"])["schema"] == "grader.result/1"
    for sign in written["terminal"]:
        assert sign == "\n" or unicodedata.category(sign) not in ("Cc", "Cs"), repr(sign)
        assert sign not in BIDI, repr(sign)
    told = {**written, "evidence": repr(graded.evidence), "exhibits": repr(graded.exhibits)}
    leaked = [name for name, text in told.items() if CANARY.search(text)]
    assert leaked == [], f"I2: canaries in {leaked}"
    return written
