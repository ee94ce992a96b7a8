"""Give up every right that student code does not need. Runs in the student's process, before it.

It takes what the outside could not set up: as root the change to an unprivileged user, which must
come after the mounts, and everywhere the resource limits and the system-call filter. What was
applied is returned, read back from the kernel where it can be.
"""

from __future__ import annotations

import ctypes
import os
import sys
from typing import Any

from . import seccomp
from .kernel import PR_SET_PDEATHSIG, fail, libc, prctl, unshare

try:
    import resource
except ImportError:
    resource = None  # type: ignore[assignment]

PR_SET_DUMPABLE = 4
PR_CAPBSET_DROP = 24
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
SECCOMP_SET_MODE_FILTER = 1
SECCOMP_FILTER_FLAG_TSYNC = 1
SECCOMP_CALL = {"x86_64": 317, "aarch64": 277}
CLONE_NEWUSER = 0x10000000
CAPABILITY_VERSION_3 = 0x20080522
LAST_CAPABILITY = 63
SIGKILL = 9


def confine(config: dict[str, Any]) -> dict[str, Any]:
    """Apply `config` (`uid`, `rlimits`, `seccomp`, `network`, `bare`) and return what now holds.

    `uid` is the user to become, or null to stay. `seccomp` asks for the filter here; without it
    one was installed outside. `bare` says that no bubblewrap stands around this process.
    `user_namespace` asks for one where the kernel allows it; "proven" says that it does.
    Raises OSError where a right that `config` names could not be given up.
    """
    linux = sys.platform == "linux"
    uid = config.get("uid")
    if linux and config.get("bare"):
        prctl(PR_SET_PDEATHSIG, SIGKILL)
        prctl(PR_SET_CHILD_SUBREAPER, 1)
    if uid is not None:
        _become(uid)
    if linux:
        wanted = config.get("user_namespace")
        if wanted == "proven" or (wanted and may_have_user_namespace()):
            _enter_user_namespace()
            _drop_bounding_set()
        _drop_capabilities()
        prctl(PR_SET_NO_NEW_PRIVS, 1)
    _set_limits(config.get("rlimits", {}))
    if linux and config.get("seccomp"):
        _install_filter(bool(config.get("network")))
    return state()


def guard_memory(closed: bool = True) -> None:
    """Keep other processes of the same user out of this one's memory and descriptors, or not."""
    prctl(PR_SET_DUMPABLE, 0 if closed else 1)


def state() -> dict[str, Any]:
    """What the kernel says of this process: ids, capabilities, filter, user namespace."""
    facts: dict[str, Any] = {"pid": os.getpid(), "platform": sys.platform}
    if hasattr(os, "getuid"):
        facts |= {"uid": os.getuid(), "gid": os.getgid(), "groups": os.getgroups()}
    if sys.platform != "linux":
        return facts
    wanted = {"CapEff", "CapBnd", "CapPrm", "NoNewPrivs", "Seccomp"}
    with open("/proc/self/status", encoding="utf-8", errors="replace") as lines:
        for line in lines:
            name, _, value = line.partition(":")
            if name in wanted:
                facts[name] = value.strip()
    facts["user_namespace"] = os.readlink("/proc/self/ns/user")
    return facts


def _become(uid: int) -> None:
    """Leave root for `uid`, for good: the bounding set goes first, while it still can."""
    if sys.platform == "linux":
        _drop_bounding_set()
    os.setgroups([])
    if hasattr(os, "setresuid"):
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
    else:
        os.setgid(uid)
        os.setuid(uid)
    if sys.platform == "linux":
        # A change of user makes /proc/self root's, where the maps of a namespace are written.
        prctl(PR_SET_DUMPABLE, 1)


def _drop_bounding_set() -> None:
    """Needs CAP_SETPCAP; without it the set stays, which NO_NEW_PRIVS makes harmless."""
    drop = libc().prctl
    for capability in range(LAST_CAPABILITY + 1):
        if drop(PR_CAPBSET_DROP, ctypes.c_ulong(capability), 0, 0, 0) != 0:
            return


def may_have_user_namespace(uid: int | None = None) -> bool:
    """Whether the kernel lets a process, as user `uid`, move to a user namespace of its own.

    Tried in a child: a process stuck in a namespace without a map could make no file.
    """
    child = os.fork()
    if child == 0:
        try:
            if uid is not None:
                _become(uid)
            _enter_user_namespace()
        except OSError:
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1] == 0


def _enter_user_namespace() -> None:
    uid, gid = os.getuid(), os.getgid()
    unshare(CLONE_NEWUSER)
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{uid} {uid} 1"),
        ("gid_map", f"{gid} {gid} 1"),
    ):
        with open(f"/proc/self/{name}", "w", encoding="utf-8") as file:
            file.write(text)


def _drop_capabilities() -> None:
    """Empty the effective, permitted and inheritable sets (which empties the ambient set too)."""
    head = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    sets = (ctypes.c_uint32 * 6)()
    if libc().capset(head, sets) != 0:
        fail("capset")


def _set_limits(limits: dict[str, list[int]]) -> None:
    """Lower the resource limits; one beyond the hard limit in force becomes that limit."""
    if resource is None:
        return
    for name, (soft, hard) in limits.items():
        which = getattr(resource, f"RLIMIT_{name}", None)
        if which is None:
            continue
        _, ceiling = resource.getrlimit(which)
        if ceiling != resource.RLIM_INFINITY:
            soft, hard = min(soft, ceiling), min(hard, ceiling)
        try:
            resource.setrlimit(which, (soft, hard))
        except (OSError, ValueError):
            if sys.platform == "linux":
                raise


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def _install_filter(network: bool) -> None:
    """Install the filter in all threads of this process. Unknown machines go without."""
    machine = os.uname().machine
    code = seccomp.program(machine, network=network)
    number = SECCOMP_CALL.get(machine)
    if code is None or number is None:
        return
    buffer = ctypes.create_string_buffer(code, len(code))
    fprog = _Program(len(code) // 8, ctypes.cast(buffer, ctypes.c_void_p))
    flags = ctypes.c_ulong(SECCOMP_FILTER_FLAG_TSYNC)
    answer = libc().syscall(
        ctypes.c_long(number), ctypes.c_ulong(SECCOMP_SET_MODE_FILTER), flags, ctypes.byref(fprog)
    )
    if answer != 0:
        fail("seccomp")
