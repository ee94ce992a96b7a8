"""A deadline that interrupts student code and leaves the session alive.

The grader keeps a harder clock outside; this one exists so that an endless loop costs the student
one cell or one call, not everything that came before it.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

AGAIN_SECONDS = 0.25
_holds = 0


class TimeUp(BaseException):
    """The time is up. Not an Exception, so that `except Exception` does not swallow it."""


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Raise TimeUp in the main thread after `seconds` of wall time, and again until it gets out."""
    if seconds <= 0:
        raise TimeUp
    if not hasattr(signal, "setitimer"):
        yield
        return

    def ring(_number: int, _frame: FrameType | None) -> None:
        if not _holds:
            raise TimeUp

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN_SECONDS)
    try:
        yield
    finally:
        _disarm()
        signal.signal(signal.SIGALRM, before)


@contextmanager
def held() -> Iterator[None]:
    """Put TimeUp off while a frame is on its way: half a frame would end the session."""
    global _holds
    _holds += 1
    try:
        yield
    finally:
        _holds -= 1


def _disarm() -> None:
    while True:
        try:
            signal.setitimer(signal.ITIMER_REAL, 0)
            return
        except TimeUp:
            continue
