"""What bubblewrap says of its first process, read in parts, late, or never."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest

from grader.sandbox import launch

Pipe = tuple[int, Callable[[bytes], object]]
LINE = b'{"child-pid": 4321, "net-namespace": 7}\n'


@pytest.fixture
def status() -> Iterator[Pipe]:
    """A pipe's end to read, and how to write to the other."""
    read, write = os.pipe()
    yield read, lambda said: os.write(write, said)
    os.close(read)
    os.close(write)


def test_the_first_process_is_known_by_its_number_however_much_more_is_said(status: Pipe) -> None:
    read, say = status
    say(LINE + b'{"exit-code": 0}\n')
    assert launch.first_process(read) == 4321


@pytest.mark.parametrize("said", [b"", b'{"child-pid": 43', b"no JSON\n", b'{"other": 1}\n'])
def test_it_is_unknown_where_the_words_are_cut_off_or_others(
    status: Pipe, monkeypatch: pytest.MonkeyPatch, said: bytes
) -> None:
    read, say = status
    monkeypatch.setattr(launch, "START_SECONDS", 0.1)
    say(said)
    assert launch.first_process(read) is None


def test_what_was_said_in_time_counts_though_this_machine_slept_meanwhile(
    status: Pipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, say = status
    monkeypatch.setattr(launch, "START_SECONDS", -60.0)
    say(LINE)
    assert launch.first_process(read) == 4321
