from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_samples import HOSTILE

from grader.report.clean import LONG, clean, encodable, line

ANYTHING = st.one_of(
    st.text(st.characters(categories=None), max_size=200),  # type: ignore[arg-type]
    st.lists(st.sampled_from(["\x1b", "[", "]", "\x9b", "\r", "\n", "8;;", "\x07", "m", "\ud800"]))
    .map("".join),
)  # fmt: skip
BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


@given(ANYTHING)
def test_no_control_bidi_or_surrogate_character_is_left(text: str) -> None:
    for character in clean(text):
        assert character in "\n\t" or unicodedata.category(character) not in ("Cc", "Cs")
        assert character not in BIDI + "\u2028\u2029\ufeff\ufffe\uffff"


@given(ANYTHING)
def test_cleaning_again_changes_nothing(text: str) -> None:
    assert clean(clean(text)) == clean(text)


@given(ANYTHING, st.integers(1, 60))
def test_no_text_is_longer_than_its_limit(text: str, limit: int) -> None:
    assert len(clean(text, limit)) <= limit
    assert len(line(text, limit)) <= limit


@given(ANYTHING)
def test_a_line_is_one_line(text: str) -> None:
    assert len(line(text).splitlines()) <= 1


@given(st.text(st.characters(categories=["L", "N", "P", "S"]), max_size=100))
def test_ordinary_text_in_any_script_stays_as_it_is(text: str) -> None:
    assert clean(text) == text


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07after", "after"),
        ("\x1b]8;;https://evil.example\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b]52;c;QUJD\x07", ""),
        ("\x9b2Jx", "x"),
        ("\x1bPq#0\x1b\\x", "x"),
        ("\x1b]0;never closed\nnext line", "\nnext line"),
        ("50 %\r100 %", "50 %\n100 %"),
        ("a\r\nb", "a\nb"),
        ("x\u202ecod.exe", "xcod.exe"),
        ("\ud83d", "\N{REPLACEMENT CHARACTER}"),
        ("Zürich 数字 \N{SLIGHTLY SMILING FACE} é", "Zürich 数字 \N{SLIGHTLY SMILING FACE} é"),
    ],
)
def test_terminal_sequences_go_and_their_text_stays(raw: str, kept: str) -> None:
    assert clean(raw) == kept


def test_ten_million_characters_are_cut_at_once() -> None:
    assert len(clean("\x1b]" * 5_000_000)) <= LONG
    assert clean("a" * 10_000_000).endswith("a…")


@pytest.mark.parametrize("text", HOSTILE)
def test_what_a_stream_cannot_hold_becomes_a_question_mark(text: str) -> None:
    encodable(clean(text), "ascii").encode("ascii")
    encodable(clean(text), "cp1252").encode("cp1252")
