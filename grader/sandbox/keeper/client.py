"""A check's side: borrow the warm server of this user's keeper, or leave a keeper behind."""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from grader.sandbox import cgroup, policy
from grader.sandbox.child import LINUX
from grader.sandbox.command import Sight, Way
from grader.sandbox.keeper import place, talk
from grader.sandbox.levels import Sandbox, forks
from grader.sandbox.warm import PRELOAD, Address

MINUTES = 10.0
"""How long a keeper waits for the next check; the environment variable may say another time."""
VARIABLE = "GRADE_WARM_MINUTES"
MEMORY = 3 << 30
"""Bytes of memory that must be free: the server takes about a fifth of them."""
PATIENCE = 3.0
"""Seconds in which keeper and server have to answer; they take a hundredth."""
START = "import sys; sys.path.append({above!r}); from {module} import main; main()"
PASSED_ON = (
    *("PATH", "HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "TMPDIR", "XDG_RUNTIME_DIR"),
    *("PYTHONPATH", "PYTHONHOME", "PYTHONUSERBASE", "PYTHONNOUSERSITE"),
    *("PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX"),
)
_SOCKET = re.compile(r"grader-warm-[a-z0-9_]+/socket")


@dataclass(frozen=True)
class Lent:
    """A sandbox whose warm server belongs to a keeper."""

    sandbox: Sandbox
    _connection: socket.socket = field(repr=False)

    def held(self, *, thoroughly: bool) -> bool:
        """Whether keeper and server are still there. What broke while they were not is theirs.

        `thoroughly`, it has to fork once more: for a moment the keeper may not know of an end.
        """
        try:
            talk.say(self._connection, {"ask": "held"})
            stands = (talk.hear(self._connection) or {}).get("held") is True
        except (OSError, ValueError):
            return False
        return stands and (not thoroughly or forks(self.sandbox, self.sandbox.warm[0]))


@dataclass(frozen=True)
class Standing:
    """A running keeper: its process, how often it lent its server, the seconds it will wait."""

    pid: int
    lent: int
    seconds: float


@contextmanager
def lent(sight: Sight) -> Iterator[Lent | None]:
    """The sandbox for `sight` from this user's keeper; None where there is none that fits.

    The keeper has proven what it forks with a canary. One that differs in anything ends.
    """
    with contextlib.ExitStack() as stack:
        found = None
        if LINUX and minutes() > 0:
            with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
                found = _borrow(stack, sight)
        yield found


def _borrow(stack: contextlib.ExitStack, sight: Sight) -> Lent | None:
    folder = stack.enter_context(place.opened(make=False))
    connection = None if folder is None else _connected(stack, folder)
    if folder is None or connection is None:
        return None
    from grader.sandbox.keeper.likeness import likeness

    talk.say(connection, {"ask": "sandbox", "like": likeness(sight)})
    answer = talk.hear(connection)
    if not answer or not _SOCKET.fullmatch(answer["socket"]):
        return None
    way = _way(answer["way"])
    address = Address(way, sight, place.within(folder, answer["socket"]), PATIENCE)
    return Lent(Sandbox("full", way=way, warm=(address,)), connection)


def _connected(stack: contextlib.ExitStack, folder: int) -> socket.socket | None:
    connection = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET))
    connection.settimeout(PATIENCE)
    try:
        connection.connect(place.within(folder, place.SOCKET))
    except OSError:
        return None
    return connection if talk.is_ours(connection) else None


def _way(told: dict[str, Any]) -> Way:
    way = Way(**told)
    for one in fields(Way):
        wanted = str if one.name == "program" else bool
        if not isinstance(getattr(way, one.name), wanted):
            raise ValueError(f"{one.name} is no {wanted.__name__}")
    return way


def standing() -> Standing | None:
    """The keeper of this user that is ready, if there is one."""
    if not LINUX:
        return None
    with contextlib.ExitStack() as stack:
        stack.enter_context(contextlib.suppress(OSError, ValueError, TypeError))
        folder = stack.enter_context(place.opened(make=False))
        connection = None if folder is None else _connected(stack, folder)
        if connection is not None:
            talk.say(connection, {"ask": "state"})
            return Standing(**(talk.hear(connection) or {}))
    return None


def minutes() -> float:
    """How long a keeper may wait: 0 where it is not wanted, as in continuous integration."""
    if os.environ.get("CI"):
        return 0.0
    try:
        found = float(os.environ.get(VARIABLE) or MINUTES)
    except ValueError:
        return 0.0  # "no", "off": whoever sets it wants something else than what is usual
    # In this order what is no number, "nan", is 0 as well.
    return min(max(0.0, found), 24 * 60.0)


def leave_behind(sight: Sight, preload: tuple[str, ...] = PRELOAD) -> None:
    """Start a keeper for `sight` in the background, where this machine has room for one.

    Its server imports `preload`. It never waits and never fails: without it the next check starts
    cold.
    """
    if not LINUX or minutes() <= 0:
        return
    with contextlib.suppress(OSError, ValueError):
        if _free() < MEMORY:
            return
        with place.opened(make=True) as folder:
            if folder is not None:
                _start(sight, preload)


def _start(sight: Sight, preload: tuple[str, ...]) -> None:
    from grader.sandbox.keeper.likeness import likeness

    config = {
        "data": None if sight.data is None else str(sight.data),
        "hide": [str(path) for path in sight.hide],
        "like": likeness(sight),
        "preload": preload,
        "idle": minutes() * 60,
    }
    start = START.format(above=str(policy.PACKAGE.parent), module=f"{__package__}.process")
    # The shell ends at once, so that the keeper is nobody's child and nobody has to wait for it.
    subprocess.run(
        ["/bin/sh", "-c", '"$@" &', "sh", sys.executable, "-P", "-c", start, json.dumps(config)],
        env={name: os.environ[name] for name in PASSED_ON if name in os.environ},
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        close_fds=True,
        start_new_session=True,
        check=False,
    )


def _free() -> int:
    """Bytes of memory that could be had without swapping, within this process's own bounds."""
    words = Path("/proc/meminfo").read_text(encoding="ascii").split()
    return min(int(words[words.index("MemAvailable:") + 1]) << 10, cgroup.room())
