"""The system-call filter of the student's process: a classic BPF program, made without libseccomp.

Allowed is what scientific Python needs; refused is what reaches for the kernel's rarely used and
often faulty parts, for other processes, for new namespaces, or for memory that no limit counts.
Numbers are from the kernel's own tables (arch/x86/entry/syscalls, include/uapi/asm-generic).
"""

from __future__ import annotations

import errno
import struct
from collections.abc import Iterable
from dataclasses import dataclass

ALLOW = 0x7FFF0000
KILL_PROCESS = 0x80000000
ERRNO = 0x00050000

LOAD, JUMP_EQUAL, JUMP_AT_LEAST, JUMP_ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
NUMBER, ARCHITECTURE, ARGUMENTS = 0, 4, 16

AF_UNIX, AF_INET, AF_INET6 = 1, 2, 10
TIOCSTI, TIOCLINUX = 0x5412, 0x541C
NEW_NAMESPACE_FLAGS = 0x7E020000
X32_BIT = 0x40000000

_REFUSED = (
    # namespaces and mounts
    "unshare setns mount umount2 pivot_root chroot move_mount open_tree fsopen fsconfig fsmount "
    "fspick mount_setattr open_tree_attr statmount listmount name_to_handle_at open_by_handle_at "
    # other processes
    "ptrace process_vm_readv process_vm_writev process_madvise kcmp pidfd_getfd "
    # parts of the kernel with a long record of faults
    "keyctl add_key request_key bpf perf_event_open userfaultfd io_uring_setup io_uring_enter "
    "io_uring_register fanotify_init quotactl quotactl_fd lookup_dcookie nfsservctl personality "
    # the machine itself
    "init_module finit_module delete_module kexec_load kexec_file_load reboot swapon swapoff acct "
    "syslog settimeofday clock_settime clock_adjtime adjtimex sethostname setdomainname vhangup "
    "migrate_pages move_pages iopl ioperm modify_ldt uselib sysfs ustat _sysctl "
    # memory that neither a limit nor the watch would count
    "memfd_create memfd_secret shmget shmat msgget semget"
)
REFUSED = tuple(_REFUSED.split())
ABSENT = ("clone3", "io_setup")
"""Answered with ENOSYS, so that the C library falls back on what the filter can look into."""


@dataclass(frozen=True)
class Architecture:
    """What differs between processors: the audit word and the numbers of the calls."""

    audit: int
    numbers: dict[str, int]
    x32: bool = False


def _table(text: str) -> dict[str, int]:
    words = text.split()
    return {name: int(number) for name, number in zip(words[::2], words[1::2], strict=True)}


COMMON = _table(
    "io_uring_setup 425 io_uring_enter 426 io_uring_register 427 open_tree 428 move_mount 429 "
    "fsopen 430 fsconfig 431 fsmount 432 fspick 433 clone3 435 pidfd_getfd 438 "
    "process_madvise 440 mount_setattr 442 quotactl_fd 443 memfd_secret 447 statmount 457 "
    "listmount 458 open_tree_attr 467"
)
X86_64 = Architecture(
    0xC000003E,
    COMMON
    | _table(
        "ioctl 16 shmget 29 shmat 30 socket 41 socketpair 53 clone 56 semget 64 "
        "msgget 68 ptrace 101 syslog 103 "
        "uselib 134 personality 135 ustat 136 sysfs 139 vhangup 153 modify_ldt 154 "
        "pivot_root 155 _sysctl 156 adjtimex 159 chroot 161 acct 163 settimeofday 164 mount 165 "
        "umount2 166 swapon 167 swapoff 168 reboot 169 sethostname 170 setdomainname 171 iopl 172 "
        "ioperm 173 init_module 175 delete_module 176 quotactl 179 nfsservctl 180 io_setup 206 "
        "lookup_dcookie 212 clock_settime 227 kexec_load 246 add_key 248 request_key 249 "
        "keyctl 250 migrate_pages 256 unshare 272 move_pages 279 perf_event_open 298 "
        "fanotify_init 300 name_to_handle_at 303 open_by_handle_at 304 clock_adjtime 305 "
        "setns 308 process_vm_readv 310 process_vm_writev 311 kcmp 312 finit_module 313 "
        "memfd_create 319 kexec_file_load 320 bpf 321 userfaultfd 323"
    ),
    x32=True,
)
AARCH64 = Architecture(
    0xC00000B7,
    COMMON
    | _table(
        "io_setup 0 lookup_dcookie 18 ioctl 29 umount2 39 mount 40 pivot_root 41 nfsservctl 42 "
        "chroot 51 vhangup 58 quotactl 60 acct 89 personality 92 unshare 97 kexec_load 104 "
        "init_module 105 delete_module 106 clock_settime 112 syslog 116 ptrace 117 reboot 142 "
        "sethostname 161 setdomainname 162 settimeofday 170 adjtimex 171 "
        "msgget 186 semget 190 shmget 194 shmat 196 "
        "socket 198 socketpair 199 add_key 217 request_key 218 keyctl 219 clone 220 swapon 224 "
        "swapoff 225 migrate_pages 238 move_pages 239 perf_event_open 241 fanotify_init 262 "
        "name_to_handle_at 264 open_by_handle_at 265 clock_adjtime 266 setns 268 "
        "process_vm_readv 270 process_vm_writev 271 kcmp 272 finit_module 273 memfd_create 279 "
        "bpf 280 userfaultfd 282 kexec_file_load 294"
    ),
)
ARCHITECTURES = {"x86_64": X86_64, "amd64": X86_64, "aarch64": AARCH64, "arm64": AARCH64}

Instruction = tuple[int, int, int, int]


def program(machine: str, *, network: bool) -> bytes | None:
    """The filter for `machine` (as `os.uname().machine` names it), or None where none is known.

    `network` allows internet sockets, for use inside a network namespace of its own; without it
    only Unix sockets can be made.
    """
    architecture = ARCHITECTURES.get(machine.lower())
    if architecture is None:
        return None
    families = (AF_UNIX, AF_INET, AF_INET6) if network else (AF_UNIX,)
    return b"".join(struct.pack("<HBBI", *step) for step in _steps(architecture, families))


def _steps(architecture: Architecture, families: Iterable[int]) -> list[Instruction]:
    numbers = architecture.numbers
    steps: list[Instruction] = [
        (LOAD, 0, 0, ARCHITECTURE),
        (JUMP_EQUAL, 1, 0, architecture.audit),
        (RETURN, 0, 0, KILL_PROCESS),
        (LOAD, 0, 0, NUMBER),
    ]
    if architecture.x32:
        steps += [(JUMP_AT_LEAST, 0, 1, X32_BIT), _fail(errno.ENOSYS)]
    for name in REFUSED:
        if name in numbers:
            steps += [(JUMP_EQUAL, 0, 1, numbers[name]), _fail(errno.EPERM)]
    for name in ABSENT:
        steps += [(JUMP_EQUAL, 0, 1, numbers[name]), _fail(errno.ENOSYS)]
    steps += _on(numbers["clone"], 0, [(JUMP_ANY_BIT, 0, 1, NEW_NAMESPACE_FLAGS)], errno.EPERM)
    for code in (TIOCSTI, TIOCLINUX):
        steps += _on(numbers["ioctl"], 1, [(JUMP_EQUAL, 0, 1, code)], errno.EPERM)
    allowed = list(families)
    among = [(JUMP_EQUAL, len(allowed) - at, 0, family) for at, family in enumerate(allowed)]
    for name in ("socket", "socketpair"):
        steps += _on(numbers[name], 0, among, errno.EAFNOSUPPORT)
    return [*steps, (RETURN, 0, 0, ALLOW)]


def _fail(number: int) -> Instruction:
    return (RETURN, 0, 0, ERRNO | number)


def _on(call: int, argument: int, test: list[Instruction], error: int) -> list[Instruction]:
    """Fail with `error` where `call` is made and `test` of one argument's low word falls through.

    The last step loads the number of the call again, for the tests that follow.
    """
    inner = [(LOAD, 0, 0, ARGUMENTS + 8 * argument), *test, _fail(error), (LOAD, 0, 0, NUMBER)]
    return [(JUMP_EQUAL, 0, len(inner), call), *inner]
