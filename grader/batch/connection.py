"""A connection to a Dask cluster: made within seconds, lost with a clear word, left cleanly."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable
from typing import Any

from distributed import Client

from grader.batch.dask_worker import dismiss
from grader.batch.local_cluster import LocalDask
from grader.errors import SandboxError

CONNECT_SECONDS = 10.0
GRACE_SECONDS = 2.0
ANSWER_SECONDS = 10.0
"""A scheduler that says nothing for so long is gone."""
CLOSE_SECONDS = 0.4


class Connection:
    """To the scheduler at `address`, or to a cluster of `jobs` processes that is made here.

    `open` comes first and `close` last; what a broken `open` left is closed, too.
    """

    def __init__(self, address: str | None, jobs: int | None) -> None:
        self.address = address or "this machine"
        self._wanted = address
        self._local = LocalDask(jobs or 1) if address is None else None
        self._client: Any = None

    @property
    def client(self) -> Any:
        """Dask's client. Only after `open`."""
        return self._client

    def open(self) -> None:
        """Connect. Raises SandboxError where nothing answers in time."""
        _hush("distributed", "tornado", "asyncio")  # what matters of it is said by us
        address, security = self._wanted, None
        if self._local is not None:
            address, security = self._local.start()
        # In a thread, for Dask waits without end for one that takes the call and says nothing.
        found: list[Any] = []
        _bounded(
            CONNECT_SECONDS + GRACE_SECONDS, lambda: found.append(_connected(address, security))
        )
        if not found or isinstance(found[0], Exception):
            why = _in_words(found[0]) if found else "it says nothing."
            raise SandboxError(
                f"the scheduler at {self.address} does not answer: {why}",
                hint="Is it running, and is this its address? With TLS, Dask's own configuration "
                "must name the keys (docs/cluster.md).",
            )
        self._client = found[0]

    def threads(self) -> dict[str, int]:
        """The workers by address, with their threads. Raises SandboxError without an answer."""
        try:
            found = self._client.sync(
                self._client.scheduler.ncores, callback_timeout=ANSWER_SECONDS
            )
        except Exception:
            raise self.gone() from None
        return dict(found)

    def gone(self) -> SandboxError:
        """The error for a scheduler that was there, and is not any more."""
        return SandboxError(
            f"the scheduler at {self.address} is gone",
            hint="What is graded is kept: when it runs again, the same command goes on from there.",
        )

    def close(self, batch: str) -> None:
        """End the grading processes of a batch, and all that was started here."""
        if self._client is not None:
            if self._local is None:
                _bounded(CLOSE_SECONDS, lambda: self._client.run(dismiss, batch, on_error="ignore"))
            _bounded(CLOSE_SECONDS, lambda: self._client.close(timeout=CLOSE_SECONDS))
        if self._local is not None:
            self._local.end()


class _Client(Client):  # type: ignore[misc]
    """Dask's client, which is closed by `Connection.close` and not once more, for long, when it is
    forgotten."""

    def __del__(self) -> None:
        pass


def _connected(address: str | None, security: Any) -> Any:
    """A client of the scheduler, or the exception that was met."""
    try:
        return _Client(
            address,
            security=security,
            timeout=CONNECT_SECONDS,
            set_as_default=False,
            name="grade-batch",
        )
    except Exception as error:
        return error


def _in_words(error: Exception) -> str:
    if isinstance(error, MemoryError):  # another protocol's first bytes, taken for a length
        return "what is there is no Dask scheduler."
    return " ".join(str(error).split())[:300]


def _hush(*names: str) -> None:
    """Have these loggers say nothing, nor those below them, to some of which Dask gives levels."""
    for logger in (*names, *logging.root.manager.loggerDict):
        if logger.split(".")[0] in names:
            logging.getLogger(logger).setLevel(logging.CRITICAL + 1)


def _bounded(seconds: float, do: Callable[[], object]) -> None:
    """Do it if it can be done in time: the other side may be gone."""

    def quietly() -> None:
        with contextlib.suppress(Exception):
            do()

    thread = threading.Thread(target=quietly, daemon=True)
    thread.start()
    thread.join(seconds)
