"""The keeper itself: a process without terminal that holds one warm server and lends it."""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import signal
import socket
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from grader.sandbox import Sandbox, Sight, kept_warm, open_sandbox
from grader.sandbox.keeper import place, talk
from grader.sandbox.keeper.likeness import likeness
from grader.sandbox.levels import forks

LOOK_SECONDS = 15.0
"""How often it looks whether what it was started from still stands."""
TURN_SECONDS = 10.0
"""How long it waits for an outdated one to end."""
MOST = 64


def main() -> None:
    """Keep what the JSON in the last argument says.

    `data` and `hide` are the sight, `like` its likeness, `preload` the modules, `idle` the seconds
    after which nobody is waited for any more.
    """
    config: dict[str, Any] = json.loads(sys.argv[-1])
    for name in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(name, _end)
    # A shell has its background jobs ignore it, and what is ignored is handed down.
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)
    data = None if config["data"] is None else Path(config["data"])
    sight = Sight(data, tuple(Path(path) for path in config["hide"]))
    with place.opened(make=True) as folder:
        if folder is None or not _got_turn(folder):
            return
        try:
            _keep(folder, sight, config)
        finally:
            _clear(folder)
            with contextlib.suppress(OSError):
                os.rmdir(os.readlink(place.within(folder)))


def _end(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


def _got_turn(folder: int) -> bool:
    ends = time.monotonic() + TURN_SECONDS
    while not place.locked(folder):
        # The one before has removed the folder: a later check makes a new one.
        if place.removed(folder) or time.monotonic() > ends:
            return False
        time.sleep(0.1)
    return True


def _clear(folder: int) -> None:
    """Remove what lies in the folder: of this keeper, or of one that was killed."""
    for entry in os.scandir(place.within(folder)):
        if entry.is_dir(follow_symlinks=False):
            shutil.rmtree(entry.path, ignore_errors=True)
        else:
            with contextlib.suppress(OSError):
                os.unlink(entry.path)


def _keep(folder: int, sight: Sight, config: dict[str, Any]) -> None:
    sandbox = open_sandbox()
    if sandbox.isolation != "full" or likeness(sight) != config["like"]:
        return
    _clear(folder)
    # The server's socket lies in this user's folder as well.
    tempfile.tempdir = place.within(folder)
    with kept_warm(sandbox, [sight], tuple(config["preload"])) as ready:
        if not ready.warm or not forks(ready, ready.warm[0]):
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
            listener.bind(place.within(folder, place.SOCKET))
            listener.listen(MOST)
            Keeper(listener, folder, ready, sight, config["like"], config["idle"]).serve()


@dataclass
class Keeper:
    """Lends the warm server until nobody has asked for `idle` seconds, or it is outdated."""

    listener: socket.socket
    folder: int
    sandbox: Sandbox
    sight: Sight
    like: str
    idle: float

    def __post_init__(self) -> None:
        self._open: dict[socket.socket, bool] = {}
        """The connections, and whether each was lent the server."""
        self._lent = 0
        self._retired = False
        self._ends = time.monotonic() + self.idle

    def serve(self) -> None:
        """Answer until the end. One that is outdated waits only for those who use it."""
        while True:
            used = any(self._open.values())
            now = time.monotonic()
            if used:
                self._ends = now + self.idle
            elif self._retired or now >= self._ends:
                return
            heard = [*self._open] if self._retired else [self.listener, *self._open]
            patience = min(LOOK_SECONDS, max(self._ends - now, 0.0))
            ready = select.select(heard, [], [], patience)[0]
            for one in ready:
                with contextlib.suppress(OSError):
                    self._welcome() if one is self.listener else self._answer(one)
            if not ready and not self._retired and not self._fit():
                self._retire()

    def _welcome(self) -> None:
        connection, _ = self.listener.accept()
        if len(self._open) >= MOST or not talk.is_ours(connection):
            connection.close()
            return
        connection.setblocking(False)
        self._open[connection] = False

    def _answer(self, connection: socket.socket) -> None:
        try:
            message = talk.hear(connection)
            if message is not None:
                talk.say(connection, self._reply(connection, message))
                return
        except (OSError, ValueError):
            pass
        del self._open[connection]
        connection.close()

    def _reply(self, connection: socket.socket, message: dict[str, Any]) -> dict[str, Any]:
        if message.get("ask") == "state":
            left = max(self._ends - time.monotonic(), 0.0)
            return {"pid": os.getpid(), "lent": self._lent, "seconds": round(left)}
        if message.get("ask") == "held":
            return {"held": _stands()}
        if message.get("ask") == "sandbox" and message.get("like") == self.like and _stands():
            self._open[connection] = True
            self._lent += 1
            held = Path(self.sandbox.warm[0].socket)
            # The way that was proven cold, too: where the server does not answer, it is gone.
            way = self.sandbox.way
            assert way is not None
            return {"way": asdict(way), "socket": f"{held.parent.name}/{held.name}"}
        self._open[connection] = False
        self._retire()
        return {}

    def _fit(self) -> bool:
        try:
            found = not place.removed(self.folder)
            return found and _stands() and likeness(self.sight) == self.like
        except OSError:
            return False

    def _retire(self) -> None:
        """Be found by nobody any more: another may take the place."""
        self._retired = True
        with contextlib.suppress(OSError):
            os.unlink(place.within(self.folder, place.SOCKET))


def _stands() -> bool:
    """Whether the server lives: the only child of this process."""
    return os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None
