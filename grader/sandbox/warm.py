"""The warm server, from outside: start it, and have it fork a sandbox for each submission.

It stands in a bubblewrap of its own. Whoever holds its `Address` may use it, other processes of
the grader too; it ends with the process that started it.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import select
import shutil
import socket
import struct
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from grader.errors import SandboxError
from grader.records.lab import Limits
from grader.sandbox import command, launch, policy
from grader.sandbox.child import LINUX, Child, Parts
from grader.sandbox.command import Sight, Way

NETWORKS = ("tensorflow", "keras")
PRELOAD = (
    *NETWORKS,
    "IPython.core.interactiveshell",
    "matplotlib.pyplot",
    "sklearn.metrics",
    "sklearn.model_selection",
    "sklearn.linear_model",
    "sklearn.preprocessing",
    "pandas",
    "seaborn",
)
"""What a submission may import, where importing it takes long."""
FOLDER = "grader-warm-"
WAITING = 64
READY_SECONDS = 60.0
"""For the answer to a first request, which waits for TensorFlow's import."""
_ENDED = re.compile(rb"ended ([0-9]{1,3})")
CREDENTIALS = struct.Struct("iII")


@dataclass(frozen=True)
class Address:
    """A running warm server: the way it was started, what its submissions see, its socket.

    `patience` is how many seconds it may take to fork.
    """

    way: Way
    sight: Sight
    socket: str
    patience: float = READY_SECONDS


class Forked:
    """A submission's first process, forked by the warm server; its end comes over `control`."""

    def __init__(self, pid: int, control: socket.socket) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._control = control

    def poll(self) -> int | None:
        """The exit code, 128 + n after signal n, or None while it lives."""
        if self.returncode is None and select.select([self._control], [], [], 0)[0]:
            try:
                told = _ENDED.fullmatch(self._control.recv(4_096))
            except OSError:
                told = None
            self.returncode = int(told[1]) if told else -9
        return self.returncode

    def wait(self) -> int:
        """Wait for its end."""
        while self.poll() is None:
            select.select([self._control], [], [])
        return self.returncode or 0

    def kill(self) -> None:
        """Hang up, which ends it and all of its namespace."""
        with contextlib.suppress(OSError):
            self._control.shutdown(socket.SHUT_WR)


@contextmanager
def serving(
    way: Way, sights: Iterable[Sight], preload: tuple[str, ...] = PRELOAD
) -> Iterator[tuple[Address, ...]]:
    """Start a warm server for each of `sights`, and end them in the end.

    Raises SandboxError where one does not come up; that it imports has not been awaited.
    """
    with ExitStack() as stack:
        yield tuple(_start(stack, way, sight, preload) for sight in dict.fromkeys(sights))


def _start(stack: ExitStack, way: Way, sight: Sight, preload: tuple[str, ...]) -> Address:
    # Forks need to make user namespaces of their own; the filter is theirs, too.
    way = replace(way, close_namespaces=False)
    uid = launch.unprivileged_user(stack) if way.leave_root or way.as_root else None
    folder = _folder(stack)
    status, status_write = launch.pipe(stack)
    lifeline, alive = os.pipe()
    stack.callback(os.close, alive)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(str(folder / "socket"))
        listener.listen(WAITING)
        config = {
            "listener": listener.fileno(),
            "lifeline": lifeline,
            "uid": uid if way.as_root else None,
            "data": policy.DATA if sight.data else None,
            "preload": preload,
            "paths": policy.user_packages(),
        }
        try:
            words = command.bubblewrap(
                way, Limits(), sight, handed=[status_write], config=json.dumps(config), warm=True
            )
            user = uid if way.leave_root else None
            passed = [listener.fileno(), lifeline, status_write]
            process, output = launch.spawn(stack, launch.joining(None, words, user), passed)
        finally:
            os.close(lifeline)
            os.close(status_write)
    stack.callback(os.close, output)
    if launch.first_process(status) is None:
        process.wait()
        said = os.read(output, 4_096).decode(errors="replace")
        raise SandboxError(f"the warm server did not start: {said.strip()[:500]}")
    return Address(way, sight, str(folder / "socket"))


def _folder(stack: ExitStack) -> Path:
    """A new folder for the socket, held as long as this process lives, removed by `stack`.

    Those that graders left which were killed are removed first.
    """
    import fcntl  # not on Windows

    # Where every submission sees the folder for temporary files, it could call the server.
    seen = policy.is_shown(os.path.realpath(tempfile.gettempdir()))
    above = Path("/tmp" if seen else tempfile.gettempdir())
    for other in above.glob(f"{FOLDER}*"):
        with contextlib.suppress(OSError):
            _remove_if_left(other)
    folder = Path(tempfile.mkdtemp(prefix=FOLDER, dir=above))
    stack.callback(shutil.rmtree, folder, ignore_errors=True)
    held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    stack.callback(os.close, held)
    fcntl.flock(held, fcntl.LOCK_SH)
    return folder


def _remove_if_left(folder: Path) -> None:
    """Remove a folder of this user's if nobody holds it and nobody listens on its socket.

    Raises OSError where somebody does.
    """
    import fcntl

    held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        # One without a socket is about to be held.
        if os.fstat(held).st_uid != os.geteuid() or not (folder / "socket").is_socket():
            return
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as caller:
            if caller.connect_ex(str(folder / "socket")) == errno.ECONNREFUSED:
                shutil.rmtree(folder)
    finally:
        os.close(held)


def fork(address: Address, limits: Limits, entry: Any) -> Child:
    """A sandboxed process for one submission, as `launch.in_bubblewrap` starts it.

    Raises SandboxError where the server is gone, does not answer in time, or the machine refuses.
    """
    with ExitStack() as stack:
        try:
            parts = _forked(stack, address, limits, entry)
        except (OSError, ValueError) as error:
            raise SandboxError(f"the warm server did not answer: {error}") from error
        parts.clean = stack.pop_all()
    return Child(parts)


def _forked(stack: ExitStack, address: Address, limits: Limits, entry: Any) -> Parts:
    way = address.way
    uid = launch.unprivileged_user(stack) if way.as_root else None
    group = launch.control_group(stack, limits)
    control = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET))
    control.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    control.settimeout(address.patience)
    control.connect(address.socket)
    config = launch.shared_config(entry, limits, uid, bare=False)
    config |= {"seccomp": True, "network": way.own_network}
    places = launch.memory_places(limits)
    request = {"config": config, "places": places, "kept": _within(places), "home": policy.WORK}
    ours, theirs = socket.socketpair()
    stack.callback(ours.close)
    output, write = os.pipe()
    try:
        with theirs:
            passed = [theirs.fileno(), write]
            socket.send_fds(control, [json.dumps(request).encode()], passed)
        pid = _ready(control)
        for file in group.joined_by() if group else ():
            Path(file).write_text(str(pid), encoding="ascii")
        _expect("furnished", control.recv(4_096))
        control.send(b"go")
    except BaseException:
        os.close(output)
        raise
    finally:
        os.close(write)
    data = policy.DATA if address.sight.data else None
    parts = Parts(Forked(pid, control), ours, output, limits, data, own_proc=True, group=group)
    parts.namespace_root = pid
    parts.memory_places = places
    return parts


def _ready(control: socket.socket) -> int:
    """The number out here of the first process, which the kernel puts beside its first word."""
    said, beside, _, _ = control.recvmsg(4_096, socket.CMSG_SPACE(CREDENTIALS.size))
    _expect("ready", said)
    for level, kind, content in beside:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_CREDENTIALS):
            return int(CREDENTIALS.unpack(content)[0])
    raise SandboxError("the warm server did not say which process it forked")


def _expect(word: str, said: bytes) -> None:
    text = said.decode(errors="replace")
    if text != word:
        raise SandboxError(f"the warm server could not fork: {text[:500] or 'it hung up'}")


def _within(places: Iterable[str]) -> list[str]:
    """The parts of the interpreter that lie beneath a place: installed in /tmp, say."""
    shown = [bind.inside for bind in policy.interpreter_binds()]
    return [path for path in shown if any(path.startswith(f"{place}/") for place in places)]


def wanted_by(source: str) -> bool:
    """Whether this program imports what a warm server has imported already."""
    return any(name in source for name in NETWORKS)


def possible(way: Way | None) -> bool:
    """Whether a warm server may be tried: only where it gives all that a cold start gives."""
    return LINUX and way is not None and way.own_proc and way.own_network
