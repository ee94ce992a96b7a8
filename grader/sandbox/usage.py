"""What the processes of one sandbox use, read from /proc. Nothing they can write is trusted."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass

PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096

FILE = 1024
"""About what Linux keeps in memory for one file of a tmpfs, name included."""


@dataclass(frozen=True)
class Usage:
    """Bytes of memory, and processes and threads together."""

    memory: int
    tasks: int


def inside_of(root: int) -> list[str]:
    """The /proc folders of all processes in the process namespace that `root` began.

    They are read through the sandbox's own /proc, which nothing inside can replace. Empty when it
    cannot be reached, or is not there yet: until then `root` sees this machine's.
    """
    base = f"/proc/{root}/root/proc"
    try:
        if os.stat(base).st_dev == os.stat("/proc").st_dev:
            return []
        return [f"{base}/{name}" for name in os.listdir(base) if name.isdigit()]
    except OSError:
        return []


def family(root: int) -> list[int]:
    """`root` and all its living descendants, found by a scan of /proc."""
    children: dict[int, list[int]] = {}
    for pid in _everyone():
        words = _after_name(f"/proc/{pid}")
        if len(words) > 1:
            children.setdefault(int(words[1]), []).append(pid)
    found = [root]
    for pid in found:
        found += children.get(pid, [])
    return found


def measure(folders: list[str], *, enough: int) -> Usage:
    """The memory and tasks of the processes whose /proc folders are given, together.

    The sum of resident sizes counts shared pages once for each process, so it is an upper bound;
    the exact proportional sizes, which cost more to read, are taken only where it passes `enough`.
    """
    resident = sum(_resident(folder) for folder in folders)
    tasks = sum(_tasks(folder) for folder in folders)
    if resident > enough:
        resident = sum(_proportional(folder) for folder in folders)
    return Usage(resident, tasks)


def filled(root: int, places: Mapping[str, int]) -> int:
    """Bytes used in the memory file systems of the process `root`: their places and sizes.

    Each file counts for what the kernel keeps of it, so that a million empty ones are not free.
    One of another size is this machine's, which `root` still sees while the sandbox is made.
    """
    total = 0
    for place, size in places.items():
        try:
            facts = os.statvfs(f"/proc/{root}/root{place}")
        except OSError:
            continue
        if abs(facts.f_blocks * facts.f_frsize - size) < facts.f_frsize:
            total += (facts.f_blocks - facts.f_bfree) * facts.f_frsize
            total += (facts.f_files - facts.f_ffree) * FILE
    return total


def overfull(folder: str, most: int, *, entries: int = 20_000) -> bool:
    """Whether `folder` holds more than `most` bytes, or more entries than are worth counting."""
    total = seen = 0
    waiting = [folder]
    while waiting:
        with contextlib.suppress(OSError), os.scandir(waiting.pop()) as found:
            for entry in found:
                seen += 1
                with contextlib.suppress(OSError):
                    total += entry.stat(follow_symlinks=False).st_blocks * 512
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                if total > most or seen > entries:
                    return True
    return False


def sweep(folder: str, uid: int | None) -> None:
    """Kill what a bare process left behind: all of its own user `uid`, or marked by `folder`.

    The mark is the folder's name in the environment that children inherit. Linux only.
    """
    for _ in range(20):
        left = [pid for pid in _everyone() if _belongs(pid, os.fsencode(folder), uid)]
        if not left:
            return
        for pid in left:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.005)


def _everyone() -> list[int]:
    if not os.path.isdir("/proc/self"):
        return []
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _belongs(pid: int, mark: bytes, uid: int | None) -> bool:
    try:
        if _after_name(f"/proc/{pid}")[:1] == ["Z"] or pid == os.getpid():
            return False
        if uid is not None:
            return os.stat(f"/proc/{pid}").st_uid == uid
        with open(f"/proc/{pid}/environ", "rb") as file:
            return b"HOME=" + mark in file.read()
    except OSError:
        return False


def _read(path: str) -> str:
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def _after_name(folder: str) -> list[str]:
    # The name in the second field may hold spaces and brackets of the student's choice.
    return _read(f"{folder}/stat").rpartition(")")[2].split()


def _resident(folder: str) -> int:
    words = _read(f"{folder}/statm").split()
    return int(words[1]) * PAGE if len(words) > 1 else 0


def _tasks(folder: str) -> int:
    words = _after_name(folder)
    return int(words[17]) if len(words) > 17 and words[0] != "Z" else 0


def _proportional(folder: str) -> int:
    for line in _read(f"{folder}/smaps_rollup").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return _resident(folder)
