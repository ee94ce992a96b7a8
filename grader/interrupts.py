"""Processes that work for another one, and that somebody may interrupt with Ctrl-C."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing import resource_tracker

HEARD = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)
"""What ends a command before its time. Windows has no SIGHUP, and nothing that blocks."""
TIDY_SECONDS = 3.0
"""How long a process that nobody waits for any more may take to end its submission."""


def obey(stop: Callable[[], object], outlived: Callable[[], object] | None = None) -> None:
    """Have `stop` called when this process is to end, for example by SIGTERM, in the main thread.

    An interrupt at the keyboard is for the one whom it works for. `outlived` returns when that one
    is gone, which is an end too; where it is not given, that one is the parent.
    """

    def told(_number: int, _frame: object) -> None:
        stop()

    # Not SIG_IGN, which the student's process would inherit.
    for number in HEARD:
        signal.signal(number, (lambda *_: None) if number == signal.SIGINT else told)
    hear()
    threading.Thread(target=_end_after, args=(outlived or _parent_ended,), daemon=True).start()


def _end_after(outlived: Callable[[], object]) -> None:
    outlived()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(TIDY_SECONDS)
    os._exit(1)


def _parent_ended() -> None:
    parent = multiprocessing.parent_process()
    if parent is None:
        threading.Event().wait()
    else:
        parent.join()


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
