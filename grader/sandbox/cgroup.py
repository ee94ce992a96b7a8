"""A control group for one submission, where this machine lets us make one (root, v1 or v2).

It counts what the watch can only sample: memory that no process maps, and bursts between samples.
"""

from __future__ import annotations

import atexit
import contextlib
import itertools
import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
ABANDONED_SECONDS = 600.0
_numbers = itertools.count()
_standing: set[Group] = set()


@dataclass(frozen=True)
class Group:
    """The folders of one submission's group: one in v2, one for each controller in v1."""

    folders: tuple[Path, ...]

    def joined_by(self) -> list[str]:
        """The files into which a process writes its id to join."""
        return [str(folder / "cgroup.procs") for folder in self.folders]

    def ran_out_of_memory(self) -> bool:
        """Whether the kernel killed a process of the group for want of memory."""
        for folder in self.folders:
            for name in ("memory.events", "memory.oom_control"):
                for line in _text(folder / name).splitlines():
                    if line.startswith("oom_kill ") and line.split()[1] != "0":
                        return True
        return False

    def remove(self) -> None:
        """Remove the group, and end what a launch that was broken off has left running in it.

        The kernel may need a moment after the last process has gone.
        """
        for folder in self.folders:
            for _ in range(150):
                try:
                    folder.rmdir()
                except FileNotFoundError:
                    break
                except OSError:
                    _end_members(folder)
                    time.sleep(0.01)
                else:
                    break
        _standing.discard(self)


def _end_members(folder: Path) -> None:
    for pid in map(int, _text(folder / "cgroup.procs").split()):
        # The kernel says 0 for a process that this one cannot name; to kill 0 is to kill oneself.
        if pid > 0:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)


def create(memory: int, tasks: int) -> Group | None:
    """A new group with room for `memory` bytes and `tasks` processes and threads, or None."""
    if os.geteuid() != 0:
        return None
    name = f"grader-{os.getpid()}-{next(_numbers)}"
    if (ROOT / "cgroup.controllers").exists():
        limits = {"memory.max": memory, "memory.swap.max": 0, "pids.max": tasks}
        wanted = {ROOT / _own("").lstrip("/") / name: limits}
    else:
        wanted = {
            ROOT / controller / _own(controller).lstrip("/") / name: limits
            for controller, limits in (
                ("memory", {"memory.limit_in_bytes": memory}),
                ("pids", {"pids.max": tasks}),
            )
        }
    try:
        return _kept(*(_make(folder, limits) for folder, limits in wanted.items()))
    except BaseException:  # an interruption, which may fall between any two
        for folder in wanted:
            with contextlib.suppress(OSError):
                folder.rmdir()
        raise


def _kept(*made: Path | None) -> Group | None:
    folders = tuple(folder for folder in made if folder)
    if not folders:
        return None
    group = Group(folders)
    _standing.add(group)
    return group


@atexit.register
def _remove_standing() -> None:
    """An interruption may fall between a launch and the one who would have ended it."""
    for group in list(_standing):
        group.remove()


def room() -> int:
    """Bytes of memory that this process's own group may still take; huge without a bound.

    What the kernel keeps of files counts as free: it gives that back before it ends anybody.
    """
    found = sys.maxsize
    for folder, most, used, files in (
        (ROOT / _own("").lstrip("/"), "memory.max", "memory.current", ""),
        (
            ROOT / "memory" / _own("memory").lstrip("/"),
            "memory.limit_in_bytes",
            "memory.usage_in_bytes",
            "total_",
        ),
    ):
        with contextlib.suppress(ValueError):
            left = int(_text(folder / most)) - int(_text(folder / used))
            found = min(found, left + _of_files(folder / "memory.stat", files))
    return found


def _of_files(stat: Path, prefix: str) -> int:
    """Bytes of the group's memory that only repeat what lies on a disk."""
    wanted = (f"{prefix}inactive_file", f"{prefix}active_file")
    lines = (line.split() for line in _text(stat).splitlines())
    return sum(int(line[1]) for line in lines if line[0] in wanted)


def sweep(folder: Path) -> None:
    """Remove the empty groups in `folder` whose grader was killed before it could remove them."""
    for group in folder.glob("grader-*-*"):
        owner = group.name.split("-")[1]
        with contextlib.suppress(OSError):
            old = time.time() - group.stat().st_mtime > ABANDONED_SECONDS
            if old and not Path("/proc", owner).exists():
                group.rmdir()


def _make(folder: Path, limits: dict[str, int]) -> Path | None:
    """The folder of a group with these limits; None where its first one cannot be had."""
    needed = next(iter(limits))
    sweep(folder.parent)
    try:
        folder.mkdir()
    except OSError:
        return None
    try:
        (folder / needed).write_text(str(limits[needed]), encoding="ascii")
    except OSError:
        with contextlib.suppress(OSError):
            folder.rmdir()
        return None
    for name, value in limits.items():
        with contextlib.suppress(OSError):
            (folder / name).write_text(str(value), encoding="ascii")
    return folder


def _own(controller: str) -> str:
    """The path of this process's own group: of `controller` in v1, the only one in v2."""
    for line in _text(Path("/proc/self/cgroup")).splitlines():
        _, names, path = line.split(":", 2)
        if controller in names.split(",") if controller else names == "":
            return path
    return "/"


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
