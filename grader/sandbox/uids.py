"""An unprivileged user for each running submission, when the grader runs as root."""

from __future__ import annotations

import pwd
import socket
from pathlib import Path

# No distribution gives these to people or services, and they fit the 65,536 users of a container.
RANGE = range(60578, 61184)


class Lease:
    """A user id that no other submission on this machine holds.

    The lock is an abstract Unix socket, which the kernel frees when this process ends.
    """

    def __init__(self, uid: int, lock: socket.socket) -> None:
        self.uid = uid
        self._lock = lock

    def release(self) -> None:
        """Let another submission have the id. Only after the last process of this one is gone."""
        self._lock.close()


def lease() -> Lease | None:
    """A free id, or None where this container maps none that could be used."""
    for uid in candidates():
        lock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            lock.bind(f"\0grader-uid-{uid}")
        except OSError:
            lock.close()
            continue
        return Lease(uid, lock)
    return None


def candidates(uid_map: str | None = None) -> list[int]:
    """Mapped ids that belong to no account, best first. `uid_map` is as /proc/self/uid_map."""
    if uid_map is None:
        uid_map = Path("/proc/self/uid_map").read_text(encoding="ascii")
    ranges = []
    for line in uid_map.splitlines():
        first, _, count = (int(word) for word in line.split())
        ranges.append(range(first, first + count))
    accounts = {entry.pw_uid for entry in pwd.getpwall()}
    free = [uid for uid in RANGE if any(uid in mapped for mapped in ranges)]
    if not free:
        free = [uid for mapped in ranges for uid in mapped[-600:] if uid >= 1000]
    return [uid for uid in free if uid not in accounts and uid not in (65534, 65535)]
