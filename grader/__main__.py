"""`python -m grader` is `grade`."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from types import FrameType

INTERRUPTED = 130
DEAF_SECONDS = 15.0
"""After an interruption further ones are passed over for as long as clearing up may take."""


def main() -> None:
    """Run the command line and end with its exit code."""
    try:
        _end_tidily_when_told()
        _open_closed_streams()
        # Imported late: whoever interrupts at once gets a line too.
        from grader.cli import run

        code = run()
    except KeyboardInterrupt:
        print("\nInterrupted.", file=sys.stderr)
        code = INTERRUPTED
    if code == INTERRUPTED:
        # Python puts the default back at its very end, where one more would be a death.
        _each(lambda number: signal.signal(number, signal.SIG_IGN))
    sys.exit(code)


def _open_closed_streams() -> None:
    """Give closed standard streams (`2>&-`) a place to go; else the next file opened is taken."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115 - open to the very end


def _each(apply: Callable[[int], object]) -> None:
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            apply(getattr(signal, name))


def _end_tidily_when_told() -> None:
    """Let SIGTERM and SIGHUP end the program as Ctrl-C does: with everything cleared up."""
    owner, heard = os.getpid(), [0.0]

    def interrupt(number: int, _frame: FrameType | None) -> None:
        if os.getpid() != owner:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
            return
        now = time.monotonic()
        if not heard[0] or now - heard[0] > DEAF_SECONDS:
            heard[0] = now
            raise KeyboardInterrupt

    def listen(number: int) -> None:
        # One that is ignored (nohup, a background job) stays so.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, interrupt)

    _each(listen)


if __name__ == "__main__":
    main()
