"""What the warm server has ready before it forks: libraries, and what a first cell imports late."""

from __future__ import annotations

import contextlib
import gc
import importlib
import io
import os
import sys
import tokenize
from collections.abc import Callable

MOST_BYTES = 1 << 15
"""Of the names that a trial tells: what a pipe holds, which nobody reads meanwhile."""


def preload(modules: list[str]) -> None:
    """Import `modules` and what a notebook's first cell needs, for good: no fork looks at it again.

    The collector finds next to nothing among modules and takes a fifth of the time: it rests
    meanwhile. What it never looks at is never copied for a fork.
    """
    gc.disable()
    for name in modules:
        _import(name)
    for name in imported_by(_first_cell):
        _import(name)
    # Its patterns are compiled when a first text is read, and kept.
    list(tokenize.generate_tokens(io.StringIO("0\n").readline))
    gc.freeze()
    gc.enable()


def imported_by(act: Callable[[], object]) -> list[str]:
    """The modules that a fork of this process imports to `act`, in order.

    Of all else that `act` does, nothing remains in this process.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            before = set(sys.modules)
            with contextlib.suppress(BaseException):
                act()
            names = [name for name in sys.modules if name not in before]
            os.write(writing, "\n".join(names).encode("utf-8", "replace")[:MOST_BYTES])
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8", errors="replace") as told:
        names = told.read().split("\n")
    os.waitpid(child, 0)
    return [name for name in names if name]


def _import(name: str) -> None:
    # One that is missing will be missed by the submission that wants it.
    with contextlib.suppress(ImportError):
        importlib.import_module(name)


def _first_cell() -> None:
    from .shell import Shell

    Shell().run(1, "None")
