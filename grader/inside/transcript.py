"""What the submission prints: kept up to a bound, counted beyond it."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any


class Transcript(io.TextIOBase):
    """A stand-in for stdout and stderr that keeps the first `keep` characters of the whole run.

    After `ends_run` characters `overflow` is called once for each further write.
    """

    encoding = "utf-8"
    errors = "replace"

    def __init__(self, keep: int, ends_run: int, overflow: Callable[[], None]) -> None:
        self._keep = keep
        self._ends_run = ends_run
        self._overflow = overflow
        self._parts: list[str] = []
        self._cut = False
        self.seen = 0

    def writable(self) -> bool:
        """Text can always be written."""
        return True

    @property
    def buffer(self) -> io.RawIOBase:
        """A stream of bytes that ends up among the text."""
        return _Bytes(self)

    def reconfigure(self, **_settings: Any) -> None:
        """Take what programs say of encodings and buffering; neither exists here."""

    def isatty(self) -> bool:
        """No terminal: progress bars print plain lines."""
        return False

    def write(self, text: str) -> int:
        """Keep what fits and count the rest."""
        if not isinstance(text, str):
            raise TypeError(f"write() takes text, not {type(text).__name__}")
        room = self._keep - self.seen
        if room > 0:
            self._parts.append(text[:room])
        self._cut = self._cut or len(text) > room
        self.seen += len(text)
        if self.seen > self._ends_run:
            self._overflow()
        return len(text)

    def take(self) -> tuple[str, bool]:
        """The text since the last call, and whether some of it was dropped."""
        text, cut = "".join(self._parts), self._cut
        self._parts, self._cut = [], False
        return text, cut


class _Bytes(io.RawIOBase):
    """The bytes behind a transcript."""

    def __init__(self, transcript: Transcript) -> None:
        self._transcript = transcript

    def writable(self) -> bool:
        """Bytes can always be written."""
        return True

    def write(self, data: Any) -> int:
        """Print the bytes as UTF-8, with what is none replaced."""
        text = bytes(data)
        self._transcript.write(text.decode("utf-8", "replace"))
        return len(text)
