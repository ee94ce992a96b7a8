"""Namespaces and mounts of one submission's own, made by a process that may still make them.

What bubblewrap does for a cold start is done here for a fork of the warm server, which stands in
a bubblewrap already: the same read-only system, but processes, network, IPC and /proc of its own,
and empty file systems where it may write.
"""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import struct

from .kernel import PR_SET_PDEATHSIG, fail, libc, prctl, unshare

CLONE_NEWNS = 0x00020000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000
MS_NOSUID, MS_NODEV, MS_NOEXEC = 2, 4, 8
MS_BIND, MS_REC, MS_PRIVATE = 0x1000, 0x4000, 0x40000
SIOCGIFFLAGS, SIOCSIFFLAGS = 0x8913, 0x8914
IFF_UP = 1


def begin_own_processes() -> None:
    """Go on as the first process of a new process namespace, while this process waits for its end.

    One's own namespace, unlike the one that bubblewrap made, may be come back to: see `fork_first`.
    Raises OSError where the kernel refuses.
    """
    unshare(CLONE_NEWPID)
    child = os.fork()
    if child != 0:
        os.closerange(3, 1024)
        _, status = os.waitpid(child, 0)
        os._exit(os.waitstatus_to_exitcode(status) & 0xFF)
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def fork_first() -> int:
    """Fork as `os.fork`; the child is the first process of a new process namespace.

    The parent must have called `begin_own_processes`. Raises OSError where the kernel refuses.
    """
    own = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
    try:
        unshare(CLONE_NEWPID)
        child = -1
        try:
            child = os.fork()
        finally:
            # In the parent alone: what it forks next shall not be born into that namespace.
            if child != 0 and libc().setns(own, CLONE_NEWPID) != 0:
                os._exit(1)
        return child
    finally:
        os.close(own)


def leave_shared() -> None:
    """Leave the warm server's namespaces, but for that of processes. Raises OSError."""
    unshare(CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET)


def furnish(places: dict[str, int], kept: list[str]) -> None:
    """As the first process: a /proc of this namespace, new terminals, and empty `places`.

    `places` are folders and the bytes that may be written to each; `kept` are folders that lie
    in one of them and stay to be seen, read-only as they are. Raises OSError.
    """
    _mount(None, "/", None, MS_REC | MS_PRIVATE)
    _mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    terminals = "newinstance,ptmxmode=0666,mode=620"
    _mount("devpts", "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, terminals)
    held = {folder: os.open(folder, os.O_PATH) for folder in kept}
    for place, size in places.items():
        _mount("tmpfs", place, "tmpfs", MS_NOSUID | MS_NODEV, f"mode=1777,size={size}")
    for folder, descriptor in held.items():
        os.makedirs(folder)
        _mount(f"/proc/self/fd/{descriptor}", folder, None, MS_BIND | MS_REC)
        os.close(descriptor)
    _raise_loopback()


def _raise_loopback() -> None:
    """Switch on the network device that leads back to the sender, the only one there is."""
    import fcntl

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sH22x", b"lo", 0)
        answer = fcntl.ioctl(any_socket, SIOCGIFFLAGS, request)
        flags = struct.unpack("16sH22x", answer)[1] | IFF_UP
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sH22x", b"lo", flags))


def _mount(
    source: str | None, target: str, kind: str | None, flags: int, options: str | None = None
) -> None:
    words = [None if word is None else os.fsencode(word) for word in (source, target, kind)]
    data = None if options is None else options.encode()
    if libc().mount(*words, ctypes.c_ulong(flags), data) != 0:
        fail(f"mount {target}")
