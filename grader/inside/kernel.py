"""Calls of the kernel that Python's own library does not make."""

from __future__ import annotations

import ctypes
import os
from typing import Any

PR_SET_PDEATHSIG = 1


def libc() -> Any:
    """The C library of this process."""
    return ctypes.CDLL(None, use_errno=True)


def fail(what: str) -> None:
    """Raise OSError for the call `what`, by the number that it left."""
    number = ctypes.get_errno()
    raise OSError(number, f"{what}: {os.strerror(number)}")


def prctl(option: int, value: int) -> None:
    """Set an attribute of this process. Raises OSError."""
    if libc().prctl(option, ctypes.c_ulong(value), 0, 0, 0) != 0:
        fail("prctl")


def unshare(kinds: int) -> None:
    """Leave the namespaces of these kinds (CLONE_NEW…). Raises OSError."""
    if libc().unshare(kinds) != 0:
        fail("unshare")
