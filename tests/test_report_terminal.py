from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_samples import HOSTILE, SAMPLES, check, filled, full_marks, invalid, one_hot, rejected
from rich.cells import cell_len
from rich.console import Console

from grader.records.exhibits import Exhibits
from grader.records.result import Outcome, Result
from grader.report.terminal import render_terminal

Sample = Callable[[], tuple[Result, Exhibits]]
COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def shown(sample: tuple[Result, Exhibits], *, hints: bool = False, width: int = 80) -> str:
    stream = io.StringIO()
    render_terminal(*sample, Console(file=stream, width=width), hints=hints)
    return stream.getvalue()


def test_the_score_comes_first_then_what_to_mend_first() -> None:
    text = shown(one_hot())
    order = ["6 of 20 points", "What to mend first", "The loss fits the labels", "Observed",
             "Expected", "Why", "Next", "Then (2)", "Checks"]  # fmt: skip
    places = [text.index(part) for part in order]
    assert places == sorted(places)


def test_every_outcome_has_a_word_and_a_sign() -> None:
    text = shown(one_hot())
    for marked in ("✓ passed", "✗ failed", "! error", "○ not checked yet", "? our fault"):
        assert marked in text


def test_points_stand_beside_each_check() -> None:
    assert re.search(r"✓ passed +1/1 +The data is MNIST", shown(one_hot()))
    assert re.search(r"✗ failed +0/3 +The loss fits", shown(one_hot()))


def test_at_most_three_things_are_to_be_mended_at_once() -> None:
    names = ("data_loaded", "pixels_scaled", "model_fits_task", "accuracy", "curves_shown")
    broken = tuple(check(name, Outcome.FAILED, observed=f"saw {name}") for name in names)
    result, exhibits = full_marks()
    text = shown((replace(result, checks=broken), exhibits))
    assert text.count("Observed") == 3
    assert "2 more things can wait" in text


def test_one_mistake_behind_two_checks_is_told_once() -> None:
    text = shown(one_hot())
    assert "stands behind: The model was trained" in text
    assert text.count("Observed") == 2


def test_findings_that_cost_nothing_stand_apart() -> None:
    text = shown(one_hot())
    section = text[text.index("Good to know (costs no points)") :]
    assert "input_shape= still works" in section
    assert "loss wants integers" not in section


def test_hints_are_shown_only_when_asked() -> None:
    assert "A loss compares two things" not in shown(one_hot())
    assert "--hint" in shown(one_hot())
    asked = shown(one_hot(), hints=True)
    assert asked.index("Hint 1") < asked.index("Hint 2") < asked.index("Hint 3")


def test_a_limit_is_told_in_words_with_its_figure() -> None:
    assert "stopped after 300 s" in shown(SAMPLES["out-of-time"]())


@pytest.mark.parametrize("isolation", ["partial", "limits-only", "none"])
def test_a_weak_sandbox_is_told_once(isolation: str) -> None:
    result, exhibits = full_marks()
    weak = shown((replace(result, isolation=isolation), exhibits))  # type: ignore[arg-type]
    assert weak.count(f"Isolation {isolation}") == 1
    assert "Isolation" not in shown((result, exhibits))


def test_a_rejected_file_is_explained_without_blame() -> None:
    text = shown(rejected())
    assert "There is nothing to mark yet" in text
    assert "Reason   This is not a notebook" in text
    assert "hand in" in text
    assert "0 of 20" not in text


def test_a_fault_of_ours_is_called_ours() -> None:
    text = shown(invalid())
    assert "This one is on us" in text
    assert "costs you no points" in " ".join(text.split())


def test_the_path_of_the_page_stays_whole_on_one_line() -> None:
    stream = io.StringIO()
    path = "/a folder  with spaces/" + "long/" * 30 + "report.html"
    render_terminal(*full_marks(), Console(file=stream, width=40), report=path)
    assert f"Full report: {path}\n" in stream.getvalue()


@pytest.mark.parametrize("sample", SAMPLES.values(), ids=SAMPLES)
@pytest.mark.parametrize("width", [40, 80, 200])
def test_lines_fit_the_width_and_do_not_end_in_spaces(sample: Sample, width: int) -> None:
    for line in shown(sample(), width=width).splitlines():
        assert line == line.rstrip()
        assert cell_len(line) <= width


@pytest.mark.parametrize("sample", SAMPLES.values(), ids=SAMPLES)
@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "cp437", "latin-1"])
def test_a_stream_that_cannot_hold_the_signs_gets_others(sample: Sample, encoding: str) -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding)
    render_terminal(*sample(), Console(file=stream, width=80))
    stream.flush()
    text = raw.getvalue().decode(encoding)
    assert "points" in text or "nothing to mark" in text or "on us" in text
    if sample is SAMPLES["one-hot"] and encoding == "ascii":
        for marked in ("+ passed", "x failed", "! error", "- not checked yet", "? our fault"):
            assert marked in text


def test_out_of_a_terminal_the_text_is_plain() -> None:
    assert "\x1b" not in shown(one_hot())


def test_no_color_and_dumb_terminals_are_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    def coloured() -> list[str]:
        stream = io.StringIO()
        render_terminal(*one_hot(), Console(file=stream, force_terminal=True, width=80))
        return COLOURS.findall(stream.getvalue())

    monkeypatch.setenv("TERM", "xterm-256color")
    assert any(re.search(r"[\[;]3[0-7]", code) for code in coloured())
    monkeypatch.setenv("NO_COLOR", "1")
    assert not any(re.search(r"[\[;][349][0-7]", code) for code in coloured())
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "dumb")
    assert coloured() == []


def test_columns_sets_the_width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "44")
    stream = io.StringIO()
    render_terminal(*rejected(), Console(file=stream))
    assert max(map(cell_len, stream.getvalue().splitlines())) in range(36, 45)


@given(st.one_of(st.text(st.characters(categories=None), max_size=80), st.sampled_from(HOSTILE)))  # type: ignore[arg-type]
def test_no_student_text_reaches_the_terminal_as_a_command(text: str) -> None:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, color_system="truecolor", width=80)
    render_terminal(*filled(text), console, hints=True, report=text)
    visible = COLOURS.sub("", stream.getvalue())
    assert not re.search(
        "[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", visible
    )


def test_markup_in_student_text_is_shown_as_it_is_written() -> None:
    text = shown(filled("[bold red]x[/] [link=https://evil.example]y[/link] :smile:"), width=200)
    assert "[bold red]x[/] [link=https://evil.example]y[/link] :smile:" in text
