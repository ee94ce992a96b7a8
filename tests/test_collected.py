"""Evidence that is bounded as it arrives, however much a submission has to say."""

from __future__ import annotations

import numpy as np
import pytest

from grader.collected import MAX_PIECES, MAX_WEIGHT, Collected
from grader.records.evidence import Evidence


def cell(number: int, text: bytes = b"") -> dict[str, object]:
    told = np.frombuffer(text, dtype=np.uint8)
    return {"cell": {"number": number, "ok": True, "text": told}}


def after(*pieces: tuple[dict[str, object], int]) -> Evidence:
    collected = Collected()
    for piece, weight in pieces:
        collected.add(piece, weight)
    return collected.evidence(None, finished=True)


def test_what_is_beyond_the_weight_is_left_out_and_what_came_before_stays() -> None:
    evidence = after((cell(1), 10), (cell(2), MAX_WEIGHT), (cell(3), 10))
    assert [run.number for run in evidence.cells] == [1, 3]


def test_pieces_beyond_the_count_are_left_out() -> None:
    evidence = after(*((cell(number), 1) for number in range(MAX_PIECES + 5)))
    assert len(evidence.cells) == MAX_PIECES


def test_the_last_word_on_a_list_of_values_wins_and_frees_the_first_ones_weight() -> None:
    heavy = MAX_WEIGHT - 100
    evidence = after(({"versions": {"a": "1"}}, heavy), ({"versions": {"a": "2"}}, heavy))
    assert evidence.versions == {"a": "2"}


def test_printed_bytes_that_are_no_text_are_replaced() -> None:
    assert after((cell(1, b"ok \xff"), 1)).cells[0].text == "ok \ufffd"


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"a": {}, "b": {}},
        {"news": {}},
        {"cell": 5},
        {"cell": {"number": 1, "ok": True, "text": 1 << 40}},
        {"cell": {"number": 1, "ok": True, "text": "a"}},
        {"model": {}},
        {"model": {"id": []}},
        {"values": []},
        {"event": None},
    ],
    ids=str,
)
def test_an_undocumented_message_is_refused(message: dict[str, object]) -> None:
    with pytest.raises((ValueError, TypeError, LookupError, AttributeError)):
        Collected().add(message, 1)
