"""What a keeper and a check must have in common for a fork to equal a cold start."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
import site
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grader
from grader.sandbox import policy
from grader.sandbox.command import Sight


def likeness(sight: Sight) -> str:
    """A hash of all that a sandbox takes from the process that starts it, as hexadecimal digits.

    The grader's own files, the interpreter and its packages, what is shown, and what the kernel
    hands down: namespaces, control group, limits, mask, cores, priority. Raises OSError where one
    of them cannot be read.
    """
    text = json.dumps(_all(sight), sort_keys=True)
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()


def _all(sight: Sight) -> dict[str, Any]:
    return {
        "grader": [grader.__version__, *_files(policy.PACKAGE)],
        "python": [sys.version, sys.executable, sys.prefix, sys.base_prefix],
        "interpreter": _stamp(os.path.realpath(sys.executable)),
        "packages": [[folder, _stamp(folder)] for folder in _package_folders()],
        "machine": platform.release(),
        "sight": [str(sight.data), *map(str, sight.hide)],
        "data": sorted(_files(sight.data)) if sight.data else [],
        "user": [os.getuid(), os.geteuid(), os.getgid(), *os.getgroups()],
        "handed down": _handed_down(),
    }


def _files(folder: Path) -> Iterator[list[Any]]:
    """Every file below `folder` but compiled ones, with its stamp."""
    for above, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name != "__pycache__")
        for name in sorted(names):
            path = os.path.join(above, name)
            yield [path, _stamp(path)]


def _package_folders() -> list[str]:
    """Where packages are installed: each installation changes the folder's own time."""
    folders = [*site.getsitepackages(), *policy.user_packages()]
    return [folder for folder in folders if os.path.isdir(folder)]


def _stamp(path: str) -> list[int]:
    facts = os.stat(path)
    return [facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns]


def _handed_down() -> dict[str, Any]:
    import resource

    names = [name for name in dir(resource) if name.startswith("RLIMIT_")]
    found: dict[str, Any] = {name: resource.getrlimit(getattr(resource, name)) for name in names}
    for name in ("mnt", "pid", "net", "ipc", "user", "uts", "cgroup"):
        with contextlib.suppress(FileNotFoundError):
            found[name] = os.readlink(f"/proc/self/ns/{name}")
    with open("/proc/self/status", encoding="utf-8", errors="replace") as lines:
        wanted = ("Umask", "Cap", "NoNewPrivs", "Seccomp", "Cpus_allowed:", "Mems_")
        found["status"] = [line for line in lines if line.startswith(wanted)]
    found["group"] = Path("/proc/self/cgroup").read_text(encoding="utf-8", errors="replace")
    found["nice"] = os.getpriority(os.PRIO_PROCESS, 0)
    found["scheduler"] = os.sched_getscheduler(0)
    return found
