"""Processes that are started while somebody may press Ctrl-C."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from multiprocessing import resource_tracker

HEARD = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)
"""What ends a command before its time. Windows has no SIGHUP, and nothing that blocks."""


def hear() -> None:
    """Hear again, in a process that was started undisturbed."""
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, HEARD)


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Put an interrupt off until a process that starts is known to be ours.

    The process itself is born deaf to them, for it cannot say anything useful yet: until it calls
    `hear`.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    heard: list[int] = []
    resource_tracker.ensure_running()  # its own start would lift the mask
    handlers = {number: signal.getsignal(number) for number in HEARD}
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, HEARD)
    # Another thread may get the signal in spite of the mask; its handler runs in this one.
    for number, handler in handlers.items():
        if callable(handler):
            signal.signal(number, lambda number, _frame: heard.append(number))
    try:
        yield
    finally:
        for number, handler in handlers.items():
            if callable(handler):
                signal.signal(number, handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    for late in heard:
        signal.raise_signal(late)
