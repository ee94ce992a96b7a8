"""The files of OUT, each written whole or not at all."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from grader.errors import OutputError
from grader.whole_files import replacing

_OF_DAMAGE = (
    ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError,
)  # fmt: skip
"""What comes of taking values of any kind for those that are wanted."""


@dataclass(frozen=True)
class Out:
    """The folder that a batch writes into."""

    folder: Path

    @property
    def state(self) -> Path:
        """The folder of what only the grader reads."""
        return self.folder / ".grader"

    def result(self, name: str) -> Path:
        """The verdict; where it is there, the other two files are."""
        return self.folder / "results" / f"{name}.json"

    def evidence(self, name: str) -> Path:
        """What the run showed, and what the report shows beside the verdict."""
        return self.folder / "evidence" / f"{name}.json"

    def report(self, name: str) -> Path:
        """The student's page."""
        return self.folder / "reports" / f"{name}.html"

    def code(self, name: str) -> Path:
        """The code that the submission is compared by."""
        return self.state / "code" / f"{name}.json"

    @property
    def folders(self) -> tuple[Path, ...]:
        """Every folder of OUT that holds a file for each submission."""
        own = (self.folder / name for name in ("results", "evidence", "reports"))
        return (*own, self.state / "code")

    def results(self) -> Iterator[Path]:
        """The verdicts that are there, in no order."""
        with contextlib.suppress(FileNotFoundError), os.scandir(self.folder / "results") as entries:
            for entry in entries:
                if entry.name.endswith(".json") and entry.is_file(follow_symlinks=False):
                    yield Path(entry.path)


@contextmanager
def writing(target: Path) -> Iterator[IO[str]]:
    """A new file to write text to, which takes the place of `target` once it is whole.

    Raises OutputError where it cannot be written; `target` is then as it was.
    """
    how = {"encoding": "utf-8", "errors": "backslashreplace", "newline": ""}
    with _whole(target, "w", **how) as file:
        yield file


@contextmanager
def _whole(target: Path, mode: str, **how: Any) -> Iterator[IO[Any]]:
    try:
        with replacing(target) as partial, partial.open(mode, **how) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise unwritable(target, error) from None


def unwritable(target: Path, error: OSError) -> OutputError:
    """The error for a file of OUT that cannot be written."""
    return OutputError(
        f"{target} cannot be written: {error.strerror or error}.",
        hint="What was graded before is kept. Make room, or make the folder writable, and give "
        "the same command again.",
    )


def write_bytes(target: Path, content: bytes) -> None:
    """Write a file whole. Raises OutputError; `target` is then as it was."""
    with _whole(target, "wb") as file:
        file.write(content)


def json_text(data: Any) -> str:
    """JSON of two spaces' indent in plain ASCII."""
    return json.dumps(data, indent=2, ensure_ascii=True, allow_nan=True) + "\n"


def write_json(target: Path, data: Any) -> None:
    """Write what `json_text` makes of `data`. Raises OutputError."""
    write_bytes(target, json_text(data).encode())


def read_json(path: Path, wanted: Callable[[Any], Any] = lambda data: data) -> Any:
    """What `wanted` takes from a file of ours; None where there is none, or it is damaged."""
    try:
        return wanted(json.loads(path.read_bytes()))
    except (OSError, *_OF_DAMAGE):
        return None
