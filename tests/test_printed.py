"""The text kept of a run does not depend on how fast the machine was."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.printed import settled

BAR = (
    "\x1b[1m20/20\x1b[0m \x1b[32m━━━━\x1b[0m\x1b[37m\x1b[0m \x1b[1m{}\x1b[0m {}/step - loss: 0.5\n"
)


@pytest.mark.parametrize(
    ("printed", "kept"),
    [
        ("469/469 - 1s - 3ms/step - accuracy: 0.9555\n", "469/469 - accuracy: 0.9555\n"),
        ("5/5 - 0s - 812us/step - loss: 0.1", "5/5 - loss: 0.1"),
        ("20/20 - 1:02 - 3s/step - loss: 0.1", "20/20 - loss: 0.1"),
        ("\r 1/20 ━ 13s 7ms/step\x08\x08\r20/20 ━━ 1s 2ms/step \n", "20/20 ━━\n"),
        ("loading 10 %\rloading 100 %\ndone", "loading 100 %\ndone"),
        ("Windows ends lines\r\nso\r\n", "Windows ends lines\nso\n"),
        ("my own 12ms/step\n", "my own 12ms/step\n"),
        ("3/4 of the digits\n", "3/4 of the digits\n"),
    ],
)
def test_what_is_kept_is_what_a_terminal_shows_without_kerass_clock(
    printed: str, kept: str
) -> None:
    assert settled(printed) == kept


def test_two_runs_of_one_training_print_the_same() -> None:
    slow = "\r" + BAR.format("13s", "711ms") + "5/5 - 2s - 400ms/step\n"
    fast = "\r 1/20 1s 1ms/step\r" + BAR.format("0s", "2ms") + "5/5 - 0s - 1ms/step\n"
    assert settled(slow) == settled(fast)
    assert "loss: 0.5" in settled(slow)


@given(st.text())
def test_settling_twice_changes_nothing_more(text: str) -> None:
    assert settled(settled(text)) == settled(text)
