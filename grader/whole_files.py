"""Files that are written whole or not at all."""

from __future__ import annotations

import contextlib
import os
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


def write_named(target: Path, content: bytes, mark: str = "") -> None:
    """Write what a person named: whole or not at all, but into a device or a pipe, as it comes.

    A link stands for what it points to. Neither it nor a device gives way to a file: for root,
    /dev/null would be one from then on.
    """
    if target.exists() and not target.is_file():
        target.write_bytes(content)
        return
    with replacing(Path(os.path.realpath(target)), mark) as partial:
        partial.write_bytes(content)
