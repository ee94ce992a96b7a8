"""The live submission as checks see it: calls go to its session, which may be started anew."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import numpy as np

from grader.errors import LabError, SessionClosed
from grader.session import Answer, Session

RESTARTS = 2
T = TypeVar("T")


class Live:
    """Answers calls from a session; after a crash, from a new one where the lab allows it.

    `start` makes a session in which the submission has run. The call that broke a session still
    fails: only later ones are answered by the next.
    """

    def __init__(
        self, session: Session, start: Callable[[], Session], *, restarts: int = RESTARTS
    ) -> None:
        self._session = session
        self._start = start
        self._restarts = restarts
        self._closed: SessionClosed | None = None
        self.limit: str | None = session.limit

    def call(self, function: str, *args: Any, **kwargs: Any) -> Answer:
        """See `Session.call`."""
        return self._guard(lambda session: session.call(function, *args, **kwargs))

    def predict(self, model: int, x: np.ndarray, *, seconds: float | None = None) -> np.ndarray:
        """See `Session.predict`."""
        return self._guard(lambda session: session.predict(model, x, seconds=seconds))

    def predict_kept(self, model: int, fingerprint: str, *, seconds: float) -> np.ndarray:
        """See `Session.predict_kept`."""
        return self._guard(
            lambda session: session.predict_kept(model, fingerprint, seconds=seconds)
        )

    def probe(self, probe: str, model: int, **options: Any) -> Mapping[str, Any]:
        """See `Session.probe`."""
        return self._guard(lambda session: session.probe(probe, model, **options))

    def mark_closed(self, limit: str) -> None:
        """Say that the process did not survive the run itself."""
        self._closed = SessionClosed("the submission's process has ended", limit=limit)

    def grant(self, seconds: float) -> None:
        """Let the session last longer, for a time in which it was not asked."""
        self._session.grant(seconds)

    def close(self) -> None:
        """End the session."""
        self._session.close()

    def _guard(self, ask: Callable[[Session], T]) -> T:
        if self._closed is not None:
            self._revive(self._closed)
        try:
            return ask(self._session)
        except SessionClosed as closed:
            self._closed = closed
            raise
        finally:
            self.limit = self.limit or self._session.limit

    def _revive(self, closed: SessionClosed) -> None:
        if self._restarts <= 0:
            raise closed
        self._restarts -= 1
        self._session.close()
        self._session = self._start()
        self._closed = None


class NotRun(Live):
    """In the place of a live submission where submissions are only read: nobody can be asked."""

    def __init__(self) -> None:
        self.limit = None

    def close(self) -> None:
        """Nothing was opened."""

    def _guard(self, ask: Callable[[Session], T]) -> T:  # noqa: ARG002
        raise LabError(
            "a check asks the submission's program, but this lab runs none",
            hint="Use the fixture `answers`, or take kind out of lab.toml.",
        )
