"""What a submission may see and use: data, without any mechanism.

Computing is done by one thread and without oneDNN's kernels, whatever the machine: sums of floats
depend on how they are split and on the processor's widest instructions, and a submission must get
the same numbers on a laptop and on a server. A second thread was measured to cost a dense network
a third more processor time, which a batch that fills all cores would pay.
"""

from __future__ import annotations

import os
import platform
import site
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from grader.records.lab import MIB, Limits

THREADS = 1
PROCESSOR_SHARE = 4
"""Seconds of processor time for each of wall time: a last resort, where the clock fails."""
SHARED_MEMORY = 64 * MIB
OPEN_FILES = 256
PACKAGE = Path(__file__).resolve().parent.parent
INSIDE = PACKAGE / "inside"
DRIVER = "/driver"
WORK = "/work"
TEMPORARY = "/tmp"
DATA = "/data"

SYSTEM_FOLDERS = ("/usr", "/nix/store", "/gnu/store")
ROOT_FOLDERS = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
SYSTEM_FILES = ("/etc/ld.so.cache", "/etc/fonts", "/etc/alternatives")


@dataclass(frozen=True)
class Bind:
    """A folder or file of this machine, shown read-only at `inside`."""

    source: str
    inside: str


def environment(*, home: str = WORK, temporary: str = TEMPORARY) -> dict[str, str]:
    """The whole environment of a submission; nothing of the grader's own is passed on."""
    threads = str(THREADS)
    return {
        "PATH": "/usr/bin:/bin",
        "HOME": home,
        "TMPDIR": temporary,
        "USER": "student",
        "LOGNAME": "student",
        "LANG": "C.UTF-8",
        "PYTHONHASHSEED": "0",
        "MPLBACKEND": "Agg",
        "MPLCONFIGDIR": f"{temporary}/matplotlib",
        "KERAS_BACKEND": "tensorflow",
        "CUDA_VISIBLE_DEVICES": "-1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "TF_ENABLE_ONEDNN_OPTS": "0",
        "TF_NUM_INTRAOP_THREADS": threads,
        "TF_NUM_INTEROP_THREADS": threads,
        "OMP_NUM_THREADS": threads,
        "OPENBLAS_NUM_THREADS": threads,
        "MKL_NUM_THREADS": threads,
    }


def interpreter_binds() -> tuple[Bind, ...]:
    """The interpreter, its standard library and its packages, where they are not under /usr."""
    wanted = [sys.prefix, sys.exec_prefix, sys.base_prefix, sys.base_exec_prefix]
    wanted += _links(sys.executable)
    wanted += user_packages()
    paths = {path for name in wanted for path in (os.path.abspath(name), os.path.realpath(name))}
    kept = [path for path in sorted(paths) if not _within(path, SYSTEM_FOLDERS)]
    outer = [path for path in kept if not _within(path, [other for other in kept if other != path])]
    return tuple(Bind(os.path.realpath(path), path) for path in outer if os.path.isdir(path))


def _links(executable: str) -> list[str]:
    """The installation folder of every link from `executable` to the real interpreter."""
    folders = []
    path = os.path.abspath(executable)
    for _ in range(10):
        folders.append(os.path.dirname(os.path.dirname(path)))
        if not os.path.islink(path):
            break
        path = os.path.join(os.path.dirname(path), os.readlink(path))
    return [folder for folder in folders if folder not in ("/", "")]


def user_packages() -> list[str]:
    """The user's own site-packages, when this process imports from there (`pip install --user`)."""
    folder = site.getusersitepackages()
    return [folder] if site.ENABLE_USER_SITE and folder in sys.path else []


def is_shown(path: str) -> bool:
    """Whether every submission sees `path`, a real one: there it could call who listens."""
    shown = [bind.source for bind in interpreter_binds()]
    return _within(path, [*shown, *SYSTEM_FOLDERS, *map(os.path.realpath, ROOT_FOLDERS)])


def masked(binds: Iterable[Bind], hide: Iterable[Path]) -> list[str]:
    """The places inside at which a hidden folder would show through one of `binds`."""
    places = set()
    for path in hide:
        real = os.path.realpath(path)
        for bind in binds:
            if os.path.isdir(real) and _within(real, [bind.source]):
                places.add(os.path.normpath(f"{bind.inside}/{os.path.relpath(real, bind.source)}"))
    return sorted(places)


def _within(path: str, folders: Iterable[str]) -> bool:
    return any(path == folder or path.startswith(folder.rstrip("/") + "/") for folder in folders)


def resource_limits(limits: Limits, *, others: int) -> dict[str, list[int]]:
    """Soft and hard limits of each process, by the names of the `resource` module.

    `others` are the processes of the same user that the kernel counts together with these.
    """
    processor = int(limits.total_seconds * PROCESSOR_SHARE) + 10
    largest_file = max(limits.work_folder, limits.tmp_folder)
    processes = limits.processes + others
    return {
        "DATA": [limits.memory, limits.memory],
        "CPU": [processor, processor + 5],
        "FSIZE": [largest_file, largest_file],
        "NOFILE": [OPEN_FILES, OPEN_FILES],
        "CORE": [0, 0],
        "MSGQUEUE": [0, 0],
        "NPROC": [processes, processes],
    }


def counted_with(*, own_namespace: bool) -> int:
    """How many threads of this user count against a submission that runs as the same user.

    None where it has a user namespace of its own and the kernel is 5.14 or later, which counts
    each namespace by itself. Without /proc a generous guess, so that the submission can start.
    """
    if not Path("/proc/self/task").is_dir():
        return 1000
    release = platform.release().split(".")
    if own_namespace and tuple(int(part) for part in release[:2]) >= (5, 14):
        return 0
    count = 0
    for entry in Path("/proc").glob("[0-9]*/task"):
        try:
            if entry.stat().st_uid == os.getuid():
                count += len(list(entry.iterdir()))
        except OSError:
            continue
    return count
