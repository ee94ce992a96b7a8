"""The recorder's way out: events with their place, bounded, and never an exception of ours."""

from __future__ import annotations

import functools
import sys
import threading
import traceback
from collections import Counter
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import Any, TypeVar

Emit = Callable[[str, dict[str, Any]], None]
Place = tuple[int | None, int | None]
Function = TypeVar("Function", bound=Callable[..., Any])

MAX_EVENTS = 3_000
MAX_EVENTS_OF_A_LINE = 60
MAX_FAILURES = 5
MAX_SAMPLE_BYTES = 48 << 20


class Journal:
    """Emits events with cell and line, within bounds, and swallows what goes wrong in doing so.

    A call is *outermost* when the student's own code made it: what Keras or scikit-learn call in
    turn is part of it and is not recorded again.
    """

    def __init__(self, emit: Emit, where: Callable[[], Place]) -> None:
        self._emit = emit
        self._where = where
        self._local = threading.local()
        self._events = 0
        self._of_line: Counter[tuple[Any, ...]] = Counter()
        self._failures = 0
        self._sample_bytes = 0
        self.closed = False

    def where(self) -> Place:
        """Cell and line of the innermost student frame, or (None, None)."""
        try:
            cell, line = self._where()
        except Exception:
            return None, None
        return cell, line

    @property
    def inside_a_call(self) -> bool:
        """A recorded call is under way in this thread, or the recording is over."""
        depth: int = getattr(self._local, "depth", 0)
        return self.closed or depth > 0

    def event(self, kind: str, place: Place | None = None, **fields: Any) -> None:
        """Emit one event, unless there are too many, in all or of this line."""
        cell, line = place if place is not None else self.where()
        key = (kind, cell, line, fields.get("how"), fields.get("name"))
        self._of_line[key] += 1
        if self._events >= MAX_EVENTS or self._of_line[key] > MAX_EVENTS_OF_A_LINE:
            return
        self._events += 1
        self._emit("event", {"kind": kind, "cell": cell, "line": line, **fields})

    def is_full(self, kind: str, **fields: Any) -> bool:
        """A further event like this from the current line would not be kept."""
        cell, line = self.where()
        key = (kind, cell, line, fields.get("how"), fields.get("name"))
        return self._of_line[key] >= MAX_EVENTS_OF_A_LINE or self._events >= MAX_EVENTS

    def model(self, facts: dict[str, Any]) -> None:
        """Emit what is known of a model; the last of an id wins."""
        self._emit("model", facts)

    def values(self, facts: list[dict[str, Any]]) -> None:
        """Emit the summary of the submission's variables."""
        self._emit("values", {"values": facts})

    def may_send(self, size: int) -> bool:
        """Whether `size` more bytes of sample rows stay within the bound; counts them if so."""
        if self._sample_bytes + size > MAX_SAMPLE_BYTES:
            return False
        self._sample_bytes += size
        return True

    def safely(self, action: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call ours; on an exception of ours note it and return None."""
        try:
            return action(*args, **kwargs)
        except Exception as error:
            self._note(error)
            return None

    def _note(self, error: Exception) -> None:
        self._failures += 1
        if self._failures > MAX_FAILURES or self.closed:
            return
        frames = traceback.extract_tb(error.__traceback__)[-3:]
        at = " < ".join(f"{frame.name}:{frame.lineno}" for frame in reversed(frames))
        message = f"{type(error).__name__}: {error} at {at}"[:2_000]
        try:
            self.event("warning", category="grader", message=message)
        except Exception:
            self._failures = MAX_FAILURES

    def around(
        self,
        original: Function,
        before: Callable[..., Any],
        after: Callable[..., Any],
    ) -> Function:
        """Wrap `original` so that its outermost calls are seen.

        `before(args, kwargs)` returns a ticket, whose `args` and `kwargs` attributes, where it has
        them, are passed on instead. `after(ticket, result, error)` follows; the exception that the
        call raised is raised on as it is.
        """
        local = self._local

        @functools.wraps(original)
        def recorded(*args: Any, **kwargs: Any) -> Any:
            if self.inside_a_call:
                return original(*args, **kwargs)
            local.depth = 1
            try:
                ticket = self.safely(before, args, kwargs)
                if ticket is None:
                    return original(*args, **kwargs)
                args, kwargs = getattr(ticket, "args", args), getattr(ticket, "kwargs", kwargs)
                return self._followed(original, args, kwargs, partial(after, ticket))
            finally:
                local.depth = 0

        recorded.__recorded__ = True  # type: ignore[attr-defined]
        return recorded  # type: ignore[return-value]

    def _followed(self, original: Any, args: Any, kwargs: Any, after: Any) -> Any:
        """Call `original`, then `after(result, error)`, whichever of them there is."""
        try:
            result = original(*args, **kwargs)
        except BaseException as error:
            self.safely(after, None, error)
            raise
        self.safely(after, result, None)
        return result


def fault_of(error: BaseException, place: Place) -> dict[str, Any]:
    """The fields of a Fault for an exception that a recorded call raised."""
    message = str(error)
    if len(message) > 4_000:
        message = message[:3_000] + " … " + message[-900:]
    return {"type": type(error).__name__, "message": message, "cell": place[0], "line": place[1]}


def student_frame() -> FrameType | None:
    """The innermost frame that runs the student's own code."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        name = frame.f_code.co_filename
        if name.startswith("<cell ") or name == "<submission>":
            return frame
        frame = frame.f_back
    return None


def variable_name(value: object) -> str | None:
    """The name under which the student's code holds this very object, or None."""
    frame = student_frame()
    if frame is None:
        return None
    for names in (frame.f_locals, frame.f_globals):
        for name, held in list(names.items())[:2_000]:
            if held is value and not name.startswith("_"):
                return str(name)[:300]
    return None
