"""The one folder of a user in which keeper and checks meet, closed to everybody else."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager

from grader.sandbox import policy

OPEN = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0)
SOCKET = "ask"


@contextmanager
def opened(*, make: bool) -> Iterator[int | None]:
    """A descriptor of this user's folder; None where there is none, or it cannot be trusted.

    It is reached through the descriptor from then on, so that nobody can put another in its place.
    """
    descriptor = None
    with contextlib.suppress(OSError):
        descriptor = _open(make=make)
    try:
        yield descriptor
    finally:
        if descriptor is not None:
            os.close(descriptor)


def within(descriptor: int, name: str = "") -> str:
    """The path of `name` in the folder, for this process only; never too long for a socket."""
    return f"/proc/self/fd/{descriptor}/{name}".rstrip("/")


def name() -> str:
    """The folder's name in the runtime folder of the user, or in the one for temporary files."""
    return f"grader-{os.geteuid()}"


def locked(descriptor: int) -> bool:
    """Take the folder for this process until it is closed; False where another holds it."""
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return not removed(descriptor)


def removed(descriptor: int) -> bool:
    """Whether the folder was removed since it was opened, so that nobody can find it."""
    return os.readlink(within(descriptor)).endswith(" (deleted)")


def _open(*, make: bool) -> int | None:
    parent = _parent()
    if parent is None:
        return None
    try:
        if make:
            with contextlib.suppress(FileExistsError):
                os.mkdir(name(), 0o700, dir_fd=parent)
        found = os.open(name(), OPEN, dir_fd=parent)
        if _is_ours(os.fstat(found), os.fstat(parent)):
            return found
        os.close(found)
        return None
    finally:
        os.close(parent)


def _is_ours(folder: os.stat_result, parent: os.stat_result) -> bool:
    """Ours alone. What is mounted there can claim anything: it has a device of its own."""
    closed = stat.S_IMODE(folder.st_mode) & 0o077 == 0
    return folder.st_uid == os.geteuid() and closed and folder.st_dev == parent.st_dev


def _parent() -> int | None:
    """The folder above, opened: one in which nobody else can rename what is ours."""
    # Not `tempfile.gettempdir`, which falls back to the folder we are in: where /tmp is full, say.
    for name in (os.environ.get("XDG_RUNTIME_DIR", ""), os.environ.get("TMPDIR", ""), "/tmp"):
        path = os.path.realpath(name)
        if not os.path.isabs(name) or policy.is_shown(path):
            continue
        with contextlib.suppress(OSError):
            found = os.open(path, OPEN)
            facts = os.fstat(found)
            shared = facts.st_mode & 0o022 and not facts.st_mode & stat.S_ISVTX
            if facts.st_uid in (0, os.geteuid()) and not shared:
                return found
            os.close(found)
    return None
