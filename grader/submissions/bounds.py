"""How much a submission may hold."""

from __future__ import annotations

from grader.records.lab import MIB

SOURCE_BYTES = 20 * MIB
"""A notebook or a module."""
ANSWERS_BYTES = 256 * 1024
"""A file of answers."""
LINE_DOTS = 300
"""Dots on one line of a file of answers: as many parts could a dotted key have."""
STORED_TEXT = 20_000
"""Characters that are kept of what a notebook says that a cell printed."""
CELLS = 2_000
"""Cells of a notebook of any kind, or parts of a module."""
NOTEBOOK_MEMORY = 60 * MIB
"""What a notebook may take as text and as the objects that its JSON becomes, in bytes."""
LEAST_OBJECTS = 5 * MIB
"""What its objects may take however wide its text is: one sign makes each of it take four bytes."""
PACKED_BYTES = 50 * MIB
"""An archive as it lies on the disk."""
FILES = 2_000
FILES_BYTES = 200 * MIB
"""All files of a folder or an unpacked archive."""
ENTRIES = 20_000
"""Entries of an archive of any kind, also those that are passed over."""
DEPTH = 30
"""Folders within folders."""
NAME_BYTES = 255
"""One name in a path, in UTF-8: what file systems take."""


def in_words(size: int) -> str:
    """A size as people say it: `100 MiB`."""
    for unit, bytes_each in (("GiB", 1 << 30), ("MiB", MIB), ("KiB", 1 << 10)):
        if size >= bytes_each:
            return f"{size / bytes_each:,.0f} {unit}"
    return f"{size} bytes"
