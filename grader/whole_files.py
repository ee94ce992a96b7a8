"""Files that are written whole or not at all."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PART = ".part"
"""The ending of a file that is being written; its name starts with a dot."""


@contextmanager
def replacing(target: Path, mark: str = "") -> Iterator[Path]:
    """A path beside `target` to write to, which takes its place when the block ends.

    Where it ends by an exception, `target` stays as it was and nothing is left beside it. `mark`
    tells apart those who may write the same file at once.
    """
    partial = target.with_name(f".{target.name}{mark}{PART}")
    try:
        yield partial
        partial.replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        raise
