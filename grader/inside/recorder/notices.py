"""Python warnings and what Keras and TensorFlow log as warnings."""

from __future__ import annotations

import functools
import logging
import warnings
from typing import Any

from .journal import Journal

MAX_WARNINGS = 100


class Notices:
    """Emits each warning once, and lets it go its way."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._seen: set[tuple[str, str]] = set()

    def install(self) -> None:
        """Watch `warnings.showwarning` and TensorFlow's logger."""
        original = warnings.showwarning

        @functools.wraps(original)
        def showwarning(message: Any, category: Any, *args: Any, **kwargs: Any) -> None:
            if not self._journal.closed:
                self._journal.safely(self.note, category.__name__, str(message))
            original(message, category, *args, **kwargs)

        warnings.showwarning = showwarning
        logging.getLogger("tensorflow").addFilter(self._log_record)

    def in_absl(self, module: Any) -> None:
        """Watch absl's logger, which Keras writes to."""
        module.get_absl_logger().addFilter(self._log_record)

    def note(self, category: str, message: str) -> None:
        """Emit a warning unless it was before."""
        key = category, message[:300]
        if key in self._seen or len(self._seen) >= MAX_WARNINGS:
            return
        self._seen.add(key)
        self._journal.event("warning", category=category[:300], message=message[:4_000])

    def _log_record(self, record: logging.LogRecord) -> bool:
        if record.levelno >= logging.WARNING and not self._journal.closed:
            self._journal.safely(self.note, "log", record.getMessage())
        return True
