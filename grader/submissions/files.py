"""Reading regular files once, bounded, without ever following a link.

A file is opened with O_NOFOLLOW and O_NONBLOCK and judged by its descriptor, so that it cannot
be exchanged between the look and the reading, and a FIFO or device cannot make the grader wait.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from grader.errors import SubmissionError
from grader.submissions import bounds
from grader.submissions.names import printable, sendable

_FILE = (
    os.O_RDONLY
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_BINARY", 0)
)
_FOLDER = _FILE | getattr(os, "O_DIRECTORY", 0)
_BY_DESCRIPTOR = os.open in os.supports_dir_fd and os.scandir in os.supports_fd
_ALLOW = "Make it readable for the one who grades, or hand it in again."

PASSED_OVER = frozenset({"__MACOSX", "__pycache__", "node_modules", "venv", "env", "site-packages"})
"""Folders that editors and tools leave behind; those whose name starts with a dot go with them."""


def is_passed_over(parts: tuple[str, ...]) -> bool:
    """Whether a relative path is a tool's leavings and no part of the work."""
    return any(part in PASSED_OVER or part.startswith(".") for part in parts)


@dataclass
class Tree:
    """The files of a folder or archive by relative path, and what was left out."""

    files: dict[str, bytes] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    size: int = 0

    def add(self, path: str, content: bytes) -> None:
        """Take one more file in. Raises SubmissionError beyond the bounds."""
        self.size += len(content)
        self.files[path] = content
        if len(self.files) > bounds.FILES:
            raise too_many_files()
        if self.size > bounds.FILES_BYTES:
            raise too_big("The files together hold", self.size, bounds.FILES_BYTES)

    @property
    def sha256(self) -> str:
        """The hash of the sorted list of relative paths and hashes."""
        digests = ((path, hashlib.sha256(self.files[path])) for path in sorted(self.files))
        return hash_of_list((path, digest.hexdigest()) for path, digest in digests)


def hash_of_list(digests: Iterable[tuple[str, str]]) -> str:
    """The hash of a list of paths and the hashes of what they hold, in the order given."""
    whole = hashlib.sha256()
    for path, digest in digests:
        whole.update(f"{path}\0{digest}\n".encode())
    return whole.hexdigest()


def too_big(what: str, size: int, allowed: int) -> SubmissionError:
    """The error for something beyond its bound in bytes."""
    return SubmissionError(
        f"{what} {bounds.in_words(size)}; at most {bounds.in_words(allowed)} are read.",
        hint="Clear the outputs and leave out data and model files, then hand it in again.",
    )


def too_many_files() -> SubmissionError:
    """The error for more files than are read."""
    return SubmissionError(
        f"There are more than {bounds.FILES:,} files in it.",
        hint="Hand in the notebook and the helper files that it needs, nothing else.",
    )


def kind_of(mode: int) -> str:
    """What an entry is that is neither file nor folder, in a student's words."""
    if stat.S_ISLNK(mode):
        return "a symbolic link"
    if stat.S_ISFIFO(mode):
        return "a named pipe"
    if stat.S_ISSOCK(mode):
        return "a socket"
    if stat.S_ISDIR(mode):
        return "a folder"
    return "a device" if stat.S_ISBLK(mode) or stat.S_ISCHR(mode) else "no ordinary file"


def special(name: str, mode: int) -> SubmissionError:
    """The error for a submission that is a link, pipe, socket or device."""
    return SubmissionError(
        f"{printable(name)} is {kind_of(mode)}, not a file.",
        hint="Hand in the notebook file itself.",
    )


@contextmanager
def _opened(path: str, flags: int, folder: int | None = None) -> Iterator[int]:
    if flags == _FOLDER and not _BY_DESCRIPTOR:
        yield -1
        return
    # Where it lies is the grader's affair, and another on every machine.
    name = os.path.basename(path.rstrip("/")) or path
    # On Windows there is no O_NOFOLLOW: a look beforehand has to do.
    if not hasattr(os, "O_NOFOLLOW") and os.path.islink(path):
        raise special(name, stat.S_IFLNK)
    try:
        descriptor = os.open(path, flags, dir_fd=folder)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.EMLINK):
            raise special(name, stat.S_IFLNK) from None
        if error.errno == errno.ENXIO:
            raise special(name, stat.S_IFSOCK) from None
        reason = error.strerror or "unknown reason"
        raise SubmissionError(
            f"{printable(name)} cannot be opened: {reason}.", hint=_ALLOW
        ) from None
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def read_bounded(path: str, allowed: int, *, folder: int | None = None) -> bytes:
    """The content of one regular file of at most `allowed` bytes.

    Raises SubmissionError for a link, a special file, a larger file, or one that cannot be read.
    """
    name = os.path.basename(path)
    with _opened(path, _FILE, folder) as descriptor:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise special(name, status.st_mode)
        if status.st_size > allowed:
            raise too_big(f"{printable(name)} has", status.st_size, allowed)
        try:
            with os.fdopen(descriptor, "rb", closefd=False) as stream:
                content = stream.read(allowed + 1)
        except OSError as error:
            raise SubmissionError(
                f"{printable(name)} cannot be read: {error.strerror}.", hint=_ALLOW
            ) from None
    if len(content) > allowed:
        raise too_big(f"{printable(name)} has more than", allowed, allowed)
    return content


def read_folder(path: Path) -> Tree:
    """All regular files below a folder; links and special files are left out and noted."""
    tree = Tree()
    try:
        with _opened(str(path), _FOLDER) as descriptor:
            _walk(tree, descriptor, str(path), ())
    except OSError as error:
        reason = error.strerror or "unknown reason"
        raise SubmissionError(
            f"{printable(path.name)} cannot be read: {reason}.", hint=_ALLOW
        ) from None
    return tree


def _walk(tree: Tree, folder: int, path: str, parts: tuple[str, ...]) -> None:
    if len(parts) > bounds.DEPTH:
        raise SubmissionError(
            f"Its folders lie more than {bounds.DEPTH} deep.", hint="Hand in the notebook alone."
        )
    for name in _names(folder, path):
        below = (*parts, sendable(name))
        if is_passed_over((name,)):
            continue
        # Without dir_fd (Windows) the whole path names the entry; with it, the name does.
        entry, at = (name, folder) if _BY_DESCRIPTOR else (os.path.join(path, name), None)
        mode = os.stat(entry, dir_fd=at, follow_symlinks=False).st_mode
        if stat.S_ISDIR(mode):
            with _opened(entry, _FOLDER, at) as descriptor:
                _walk(tree, descriptor, os.path.join(path, name), below)
        elif stat.S_ISREG(mode):
            room = bounds.FILES_BYTES - tree.size
            tree.add("/".join(below), read_bounded(entry, room, folder=at))
        else:
            tree.notes.append(f"{printable('/'.join(below))} was left out: it is {kind_of(mode)}.")
            if len(tree.notes) > bounds.FILES:
                raise too_many_files()


def _names(folder: int, path: str) -> list[str]:
    """The sorted names in a folder. Raises SubmissionError when there are too many."""
    names: list[str] = []
    with os.scandir(folder if _BY_DESCRIPTOR else path) as entries:
        for entry in entries:
            names.append(entry.name)
            if len(names) > bounds.ENTRIES:
                raise too_many_files()
    return sorted(names)
