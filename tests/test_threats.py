"""The ninety threats, each handed in for real and graded cold and in a fork of a warm server.

`python -m tests.threats` prints the list with the verdicts.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests import containers
from tests.labs import ROOT
from tests.threats.bench import Bench
from tests.threats.case import Case, Way
from tests.threats.cases import all_cases

if TYPE_CHECKING:
    from playwright.sync_api import Browser

CASES = all_cases()
IN_A_BROWSER = range(82, 88)
BY_A_USER = (1, 7, 9, 18, 21, 28, 29, 31, 32, 43, 46, 54, 58, *range(60, 65))
"""Numbers whose cases depend on who starts the sandbox; `--user` tries them all."""


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with Bench(tmp_path_factory.mktemp("threats")) as bench:
        yield bench


@pytest.mark.parametrize("way", ["cold", "warm"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_threat_comes_to_nothing(bench: Bench, case: Case, way: Way) -> None:
    bench.try_case(case, way)


@pytest.fixture(scope="module")
def users() -> dict[str, dict[str, str]]:
    """What an ordinary user of this machine gets, by the one command."""
    if not containers.can_become_others():
        pytest.skip("only root can run this as another user")
    words = [sys.executable, "-m", "tests.threats", "--user", "--json", *map(str, BY_A_USER)]
    done = subprocess.run(words, capture_output=True, text=True, cwd=ROOT)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert lines, done.stderr
    return {line["case"]: {**line, "told": done.stderr[-3000:]} for line in lines}


@pytest.mark.parametrize("way", ["cold", "warm"])
@pytest.mark.parametrize(
    "case", [case for case in CASES if case.number in BY_A_USER], ids=lambda case: case.name
)
def test_it_comes_to_nothing_for_an_ordinary_user(
    users: dict[str, dict[str, str]], case: Case, way: Way
) -> None:
    tried = users[case.name]
    assert tried[way] in case.verdict.split("|"), tried


SPIES = [case for case in CASES if case.number in (18, 28, 29, 31) and case.lab == "plain"]


@pytest.mark.parametrize("case", SPIES, ids=lambda case: case.name)
def test_a_spy_in_a_fork_that_a_keeper_lends_finds_nothing(bench: Bench, case: Case) -> None:
    bench.try_case(case, "kept")


def test_every_number_from_1_to_90_is_tried_and_every_name_is_its_own() -> None:
    assert sorted({case.number for case in CASES}) == list(range(1, 91))
    names = [case.name for case in CASES]
    assert sorted(set(names)) == sorted(names)


@pytest.fixture(scope="module")
def pages(bench: Bench) -> dict[str, str]:
    """The pages of all cases so far. No browser may run meanwhile: it would be a leftover."""
    for case in CASES:
        if (
            case.number in IN_A_BROWSER
            and not case.trial
            and f"{case.name} cold" not in bench.pages
        ):
            bench.try_case(case, "cold")  # where the test of pages runs alone
    return bench.pages


def test_no_report_of_the_list_does_anything_in_a_browser(
    pages: dict[str, str], browser: Browser, tmp_path: Path
) -> None:
    context = browser.new_context(bypass_csp=True)  # escaping alone has to do
    page, heard = context.new_page(), []
    for event in ("console", "pageerror", "dialog", "popup", "request"):
        page.on(event, lambda what: heard.append(what))  # type: ignore[call-overload]
    for name, html in pages.items():
        (tmp_path / "page.html").write_text(html, encoding="utf-8")
        page.goto((tmp_path / "page.html").as_uri())
        page.evaluate("document.querySelectorAll('details').forEach(e => { e.open = true })")
        assert page.evaluate("typeof window.pwned") == "undefined", name
        assert page.locator("main").count() == 1, name
    context.close()
    assert len(heard) == len(pages) >= 5  # each asked for its own page and nothing else
