"""What an attack must not reach or leave behind: canary files, processes, mounts, descriptors."""

from __future__ import annotations

import contextlib
import ctypes
import os
import socket
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from grader.sandbox import usage
from tests.processes import alive
from tests.threats.course import CANARY, new_canary, write_labs

PR_SET_CHILD_SUBREAPER = 36
SETTLED_SECONDS = 5.0


@dataclass
class Surroundings:
    """A machine's worth of secrets in a folder of one's own."""

    folder: Path
    course: Path = field(init=False)
    home: Path = field(init=False)
    handed_in: Path = field(init=False)
    known: dict[str, Any] = field(default_factory=dict)

    def furnish(self, stack: ExitStack) -> None:
        """Lay out the canaries; `stack` takes away what is not in the folder."""
        self.folder.chmod(0o755)
        self.course = write_labs(self.folder / f"course-{new_canary()}")
        self.home, self.handed_in = self.folder / "home", self.folder / "class"
        planted = {
            self.home / ".ssh/id_rsa": 0o600,
            self.home / ".aws/credentials": 0o600,
            self.home / ".netrc": 0o644,
            self.handed_in / "alice/work.py": 0o644,
            self.handed_in / "bob.ipynb": 0o644,
            self.folder / "out/results/alice.json": 0o644,
        }
        for path, mode in planted.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(new_canary())
            path.chmod(mode)
        handle, outside = tempfile.mkstemp(prefix="threat-", dir="/tmp")
        os.write(handle, new_canary().encode())
        os.close(handle)
        os.chmod(outside, 0o644)
        stack.callback(os.unlink, outside)
        # A short path: browsers and keepers have sockets in it, whose names the kernel bounds.
        temporary = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="t", dir="/tmp")))
        stack.enter_context(_in_environment(temporary))
        self.known = {
            "files": [str(path) for path in self.files()] + [outside],
            "folders": [str(self.folder), str(self.course), str(self.home), str(self.handed_in)],
            "package": str(Path(usage.__file__).parents[1]),
            "home": str(self.home),
        } | _listening(stack)

    def files(self) -> list[Path]:
        """Every file with a canary in it."""
        return [
            path
            for path in sorted(self.folder.rglob("*"))
            if path.is_file() and CANARY.search(path.read_text("utf-8", "replace"))
        ]

    def state(self) -> dict[str, tuple[bytes, int, int]]:
        """Every file outside of the sandbox, as it is now."""
        places = (self.course, self.home, self.handed_in, self.folder / "out")
        paths = [path for place in places for path in sorted(place.rglob("*"))]
        paths += [Path(name) for name in self.known["files"]]
        return {
            str(path): (
                path.read_bytes() if path.is_file() else b"",
                path.lstat().st_mode,
                path.lstat().st_mtime_ns,
            )
            for path in paths
        }


@contextmanager
def _in_environment(temporary: Path) -> Iterator[None]:
    """A canary in the grader's environment, and a folder of its own for temporary files.

    Python's own files beside the checks would be taken for a submission's.
    """
    before, tempfile.tempdir = tempfile.tempdir, str(temporary)
    compiled, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    variables = dict(os.environ)
    os.environ |= {"GRADER_CANARY": new_canary(), "TMPDIR": str(temporary)}
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    try:
        yield
    finally:
        tempfile.tempdir, sys.dont_write_bytecode = before, compiled
        os.environ.clear()
        os.environ |= variables


def _listening(stack: ExitStack) -> dict[str, Any]:
    """A port and an abstract socket of this machine, for the submission to try."""
    abstract = f"\0threat-{os.getpid()}"
    server = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
    neighbour = stack.enter_context(socket.socket(socket.AF_UNIX))
    neighbour.bind(abstract)
    neighbour.listen()
    return {"port": server.getsockname()[1], "abstract": abstract}


@dataclass(frozen=True)
class Traces:
    """What a submission could leave on the machine."""

    processes: frozenset[int]
    descriptors: Counter[str]
    mounts: frozenset[str]
    files: frozenset[str]
    groups: frozenset[str]

    @classmethod
    def now(cls) -> Traces:
        """The living processes below this one, and what is open, mounted and lying about."""
        mounts = Path("/proc/self/mountinfo").read_text().splitlines()
        own = f"grader-{os.getpid()}-"
        groups = [name for _, names, _ in os.walk("/sys/fs/cgroup") for name in names]
        return cls(
            processes=frozenset(filter(alive, usage.family(os.getpid()))),
            descriptors=_open(),
            # The small disks of another test may come and go meanwhile.
            mounts=frozenset(line.split()[4] for line in mounts if " grader-test " not in line),
            files=frozenset(os.listdir(tempfile.gettempdir())),
            groups=frozenset(name for name in groups if name.startswith(own)),
        )

    def left_over(self) -> list[str]:
        """What there is more than before; the dying get a moment to be gone."""
        end = time.monotonic() + SETTLED_SECONDS
        while (found := self._more_than_before()) and time.monotonic() < end:
            time.sleep(0.02)
        self._reap()
        return found

    def _more_than_before(self) -> list[str]:
        now = Traces.now()
        found = [f"process {pid}: {_words(pid)}" for pid in now.processes - self.processes]
        found += [f"mount {place}" for place in now.mounts - self.mounts]
        found += [f"temporary file {name}" for name in now.files - self.files]
        found += [f"control group {name}" for name in now.groups - self.groups]
        return found + [f"open {name}" for name in now.descriptors - self.descriptors]

    def _reap(self) -> None:
        """Bury the orphans that this process was given, for it took the place of the first."""
        for pid in set(usage.family(os.getpid())) - self.processes - {os.getpid()}:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)


@contextmanager
def orphans_come_here() -> Iterator[None]:
    """Whoever survives its parent becomes a child of this process, and is seen."""
    prctl = ctypes.CDLL(None).prctl
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    try:
        yield
    finally:
        prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


def peak() -> int:
    """The most memory, in bytes, that this process has held since `forget_peak`."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) << 10
    raise AssertionError("the kernel tells no peak")


def forget_peak() -> int:
    """Begin to measure the peak anew; what is held now."""
    Path("/proc/self/clear_refs").write_text("5")
    return peak()


def _open() -> Counter[str]:
    """What this process has open, but for the digits, which the grader keeps at hand.

    Sockets and pipes are counted by their kind.
    """
    found: Counter[str] = Counter()
    for number in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            found[os.readlink(f"/proc/self/fd/{number}").split(":[")[0]] += 1
    return Counter({name: n for name, n in found.items() if "/mnist/" not in name})


def _words(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ")[:120].decode()
    return "gone"
