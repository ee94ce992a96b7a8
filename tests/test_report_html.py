from __future__ import annotations

import base64
import hashlib
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from report_samples import HOSTILE, SAMPLES, filled, full_marks, invalid, one_hot, rejected

from grader.records.exhibits import Curves, Exhibits, Mistaken
from grader.records.result import Outcome, Result, Status
from grader.report.html import render_html

Sample = Callable[[], tuple[Result, Exhibits]]
VOID = {"meta", "img", "link", "input", "br", "hr"}
RICH = st.one_of(st.text(st.characters(categories=None), max_size=60), st.sampled_from(HOSTILE))  # type: ignore[arg-type]


class Page(HTMLParser):
    """What a page holds: its tags in order, their attributes, its visible text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.headings: list[int] = []
        self.words: list[str] = []
        self.feed(html)
        self.close()
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if re.fullmatch(r"h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words.append(data)

    def values(self, name: str) -> list[str]:
        return [value for _, attribute, value in self.attributes if attribute == name]


def page(sample: tuple[Result, Exhibits], *, hints: bool = False) -> Page:
    return Page(render_html(*sample, hints=hints))


def assert_inert(read: Page) -> None:
    assert not {"script", "iframe", "object", "embed", "base", "form", "link"} & set(read.tags)
    assert not [name for _, name, _ in read.attributes if name.startswith("on") or name == "style"]
    assert all(value.startswith("#") for value in read.values("href"))
    assert all(value.startswith("data:image/png;base64,") for value in read.values("src"))


PLAIN = page(filled("x"), hints=True)


@settings(max_examples=80)
@given(RICH)
def test_any_text_in_any_field_stays_text(text: str) -> None:
    read = page(filled("x" + text), hints=True)
    assert_inert(read)
    assert read.tags == PLAIN.tags
    assert read.open == []


@settings(max_examples=40)
@given(RICH)
def test_a_page_holds_no_control_or_reordering_character(text: str) -> None:
    html = render_html(*filled(text), hints=True)
    assert not re.search(
        "[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", html
    )
    html.encode("utf-8")


@pytest.mark.parametrize("sample", SAMPLES.values(), ids=SAMPLES)
def test_every_page_is_closed_inert_and_in_order(sample: Sample) -> None:
    read = page(sample(), hints=True)
    assert_inert(read)
    assert read.open == []
    assert read.headings[0] == 1
    assert read.headings.count(1) == 1
    steps = zip(read.headings, read.headings[1:], strict=False)
    assert all(after <= before + 1 for before, after in steps)
    assert len(read.values("id")) == len(set(read.values("id")))
    assert ("html", "lang", "en") in read.attributes
    assert {"header", "main", "footer"} <= set(read.tags)
    referred = {part for value in read.values("aria-labelledby") for part in value.split()}
    assert referred | {value[1:] for value in read.values("href")} <= set(read.values("id"))


def test_the_policy_allows_only_the_page_s_own_style() -> None:
    html = render_html(*full_marks())
    style = html[html.index("<style>") + 7 : html.index("</style>")]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = next(value for value in page(full_marks()).values("content") if "default" in value)
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    assert "@import" not in style
    assert "url(" not in style


@pytest.mark.parametrize("sample", SAMPLES.values(), ids=SAMPLES)
def test_nothing_is_fetched_from_anywhere(sample: Sample) -> None:
    html = render_html(*sample())
    assert "http://" not in html
    assert "https://" not in html


def test_what_to_mend_first_says_observed_expected_why_next_and_where() -> None:
    text = page(one_hot()).text
    start = text.index("What to mend first")
    card = text[start : text.index("After that")]
    order = ["The loss fits the labels", "failed · cell 5, line 2", "Observed", "(60000, 10)",
             "Expected", "(60000,)", "Why it matters", "one-hot rows", "Do this next",
             "Decide which form"]  # fmt: skip
    places = [card.index(part) for part in order]
    assert places == sorted(places)


def test_failed_checks_stand_open_and_passed_ones_closed() -> None:
    html = render_html(*one_hot())
    assert html.count("<details open>") == 3
    assert render_html(*full_marks()).count("<details open>") == 0


def test_every_outcome_has_a_word_a_sign_and_points() -> None:
    text = page(one_hot()).text
    assert re.search(r"✓ ?The data is MNIST, with its own labels ?passed ?1 of 1", text)
    assert re.search(r"! ?The model was trained, on training data only ?error ?0 of 2", text)
    assert re.search(r"never had hidden check ?not checked yet ?0 of 2", text)
    assert re.search(r"\? ?The confusion matrix is shown, the right way round ?our fault", text)


def test_hints_are_closed_and_only_there_when_asked() -> None:
    assert "A loss compares" not in render_html(*one_hot())
    assert render_html(*one_hot(), hints=True).count('<details class="hint">') == 3


def test_full_marks_are_told_and_nothing_is_to_be_mended() -> None:
    text = page(full_marks()).text
    assert "Full marks" in text
    assert "9 of 9 passed" in text
    assert "What to mend" not in text


def test_charts_have_names_values_and_words_for_who_cannot_see_them() -> None:
    html = render_html(*full_marks())
    text = page(full_marks()).text
    assert html.count('class="chart"') == 2
    assert html.count('role="img"') == 2
    assert "training: from 0.352 to 0.027 over 10 epochs" in text
    assert "lowest after epoch 7 of 10" in text
    assert "stroke-dasharray" in html


def test_the_confusion_matrix_names_its_sides_and_worst_mistakes() -> None:
    html = render_html(*full_marks())
    text = page(full_marks()).text
    assert "Mixed up most often: 4 read as 9 (11), 7 read as 2 (8), 3 read as 5 (7)." in text
    assert html.count('class="miss-5"') == 1
    assert '<td class="miss-5">11</td>' in html


def test_wrong_pictures_have_captions_and_descriptions() -> None:
    read = page(full_marks())
    assert len([tag for tag in read.tags if tag == "img"]) == 25
    assert all(value.startswith("Picture ") for value in read.values("alt"))
    assert "25 of 125: true class → what it said." in read.text
    assert "51 % sure" in read.text


def test_layers_are_listed_with_shapes_parameters_and_their_sum() -> None:
    text = page(full_marks()).text
    assert "Dense dense relu 128 100\N{NARROW NO-BREAK SPACE}480".replace("\u202f", " ") in text
    assert "All layers 101 770" in text


def test_classes_are_named_where_the_lab_names_them() -> None:
    names = tuple(f"name{number}" for number in range(10))
    result, exhibits = full_marks()
    text = page((result, replace(exhibits, class_names=names))).text
    assert "name4 read as name9 (11)" in text


def test_a_rejected_file_is_explained_without_a_score() -> None:
    text = page(rejected()).text
    assert "There is nothing to mark yet" in text
    assert "This is not a notebook" in text
    assert "hand in that file again" in text
    assert "of 20 points" not in text


def test_a_fault_of_ours_is_called_ours() -> None:
    text = page(invalid()).text
    assert "This one is on us" in text
    assert "costs you no points" in text
    assert "of 20 points" not in text


def test_a_limit_and_a_weak_sandbox_are_told_in_words() -> None:
    text = page(SAMPLES["out-of-time"]()).text
    assert "A limit was reached. The program was stopped after 300 s" in text
    assert "Isolation: limits-only." in text


def test_the_exception_of_a_cell_is_told_with_its_way() -> None:
    text = page(one_hot()).text
    assert "Cell 6, line 1: ValueError" in text
    assert "target.shape=(32, 10)" in text
    assert "in sparse_categorical_crossentropy" in text


def test_times_never_reach_the_page() -> None:
    result, exhibits = full_marks()
    slow = replace(result, seconds={"total": 123.25, "run": 99.5})
    assert render_html(slow, exhibits) == render_html(result, exhibits)


def test_another_process_writes_the_same_bytes() -> None:
    program = (
        "import sys, hashlib; sys.path.insert(0, sys.argv[1]); import report_samples as s\n"
        "from grader.report.html import render_html\n"
        "page = ''.join(render_html(*make()) for make in s.SAMPLES.values())\n"
        "print(hashlib.sha256(page.encode()).hexdigest())"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", program, str(Path(__file__).parent)],
            env={"PYTHONHASHSEED": seed, "PATH": "/usr/bin:/bin", "TZ": zone},
            capture_output=True, check=True, text=True,
        ).stdout
        for seed, zone in (("1", "UTC"), ("2", "Asia/Tokyo"))
    }  # fmt: skip
    assert len(digests) == 1


ODD = [
    Exhibits(),
    Exhibits(confusion=((0,),)),
    Exhibits(confusion=tuple((10**9,) * 40 for _ in range(40))),
    Exhibits(curves=(Curves("", {}), Curves("a", {"loss": ()}), Curves("b", {"loss": (None,)}))),
    Exhibits(curves=(Curves("a", {"loss": (float("nan"), 1e308, -1e308, 5e-324)}),)),
    Exhibits(curves=tuple(Curves("a", {"loss": (1.0,) * 5_000}) for _ in range(50))),
    Exhibits(mistaken=(Mistaken(np.zeros((1, 200), np.uint8), -1, 10**9, float("nan")),)),
]


@pytest.mark.parametrize("exhibits", ODD)
@pytest.mark.parametrize("outcome", list(Outcome))
def test_odd_and_empty_exhibits_still_make_a_page(exhibits: Exhibits, outcome: Outcome) -> None:
    result = one_hot()[0]
    bare = Result("lab", "", "", "", Status.GRADED, 0.0, 0.0)
    checks = tuple(replace(check, outcome=outcome) for check in result.checks)
    for made in (bare, replace(result, checks=checks), replace(bare, score=float("nan"))):
        html = render_html(made, exhibits)
        assert Page(html).open == []
        assert len(html) < 400_000
