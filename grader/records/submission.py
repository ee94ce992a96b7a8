"""What was handed in, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True)
class Cell:
    """One piece of source: a notebook's code cell, or a module's part.

    `number` counts code cells from 1, as Jupyter numbers them after "Restart and run all".
    `first_line` is the line of the file on which a module's part starts (1 in a notebook).
    `stored` is what a notebook says that the cell printed when it was saved, as plain text up to a
    bound, and `count` the number in its brackets then. No points come from either.
    """

    number: int
    source: str
    first_line: int = 1
    stored: str = ""
    count: int | None = None


@dataclass(frozen=True)
class ExtraFile:
    """A helper module or data file that came along; `path` is relative, with `/`."""

    path: str
    content: bytes


@dataclass(frozen=True)
class Submission:
    """A submission that could be read: bounded, unpacked, never executed.

    `sha256` is the file's, or for a folder that of the sorted list of relative paths and hashes.
    `markdown` holds the text cells; `notes` what was left out or mended while reading. Of the kind
    `answers` there are no cells: `answers` maps questions to what was written, of any TOML type,
    and `answers_sha256` is the hash of that file itself, whatever it came in. `rivals` are files
    that could have been meant instead of the one that was taken.
    """

    id: str
    path: str
    sha256: str
    kind: Literal["notebook", "module", "answers"]
    cells: tuple[Cell, ...]
    markdown: tuple[str, ...] = ()
    files: tuple[ExtraFile, ...] = ()
    notes: tuple[str, ...] = ()
    answers: Mapping[str, Any] = field(default_factory=dict)
    answers_sha256: str = ""
    rivals: tuple[str, ...] = ()

    @property
    def source(self) -> str:
        """All code, in order, cells parted by a blank line."""
        return "\n\n".join(cell.source for cell in self.cells)
