"""The system-call filter, run by a small interpreter of its own against both processors' tables."""

from __future__ import annotations

import errno
import platform
import re
import struct
from pathlib import Path

import pytest

from grader.inside import seccomp

AUDIT = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
I386 = 0x40000003
HEADERS = {
    "x86_64": Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    "aarch64": Path("/usr/include/asm-generic/unistd.h"),
}
MACHINES = pytest.mark.parametrize("machine", ["x86_64", "aarch64"])


def verdict(
    machine: str, number: int, *arguments: int, audit: int | None = None, network: bool = True
) -> int:
    """What the kernel would answer: runs the program as the kernel's interpreter does."""
    code = seccomp.program(machine, network=network)
    assert code is not None
    steps = list(struct.iter_unpack("<HBBI", code))
    padded = (*arguments, *([0] * (6 - len(arguments))))
    data = struct.pack("<IIQ6Q", number, audit or AUDIT[machine], 0, *padded)
    at, value = 0, 0
    while True:
        kind, if_true, if_false, constant = steps[at]
        at += 1
        if kind == 0x06:
            return constant
        if kind == 0x20:
            value = struct.unpack_from("<I", data, constant)[0]
            continue
        holds = {0x15: value == constant, 0x35: value >= constant, 0x45: bool(value & constant)}
        at += if_true if holds[kind] else if_false


def refused(number: int) -> int:
    return 0x00050000 | number


def number_of(machine: str, name: str) -> int:
    return seccomp.ARCHITECTURES[machine].numbers[name]


@MACHINES
def test_every_listed_call_is_refused_and_its_neighbours_are_not(machine: str) -> None:
    numbers = seccomp.ARCHITECTURES[machine].numbers
    for name in seccomp.REFUSED:
        if name in numbers:
            assert verdict(machine, numbers[name]) == refused(errno.EPERM), name
    for name in seccomp.ABSENT:
        assert verdict(machine, numbers[name]) == refused(errno.ENOSYS), name
    known = set(numbers.values())
    for number in range(500):
        if number not in known:
            assert verdict(machine, number) == seccomp.ALLOW, number


@MACHINES
def test_a_call_by_another_processors_numbers_kills(machine: str) -> None:
    assert verdict(machine, 1, audit=I386) == seccomp.KILL_PROCESS


def test_x32_calls_do_not_exist() -> None:
    assert verdict("x86_64", 0x40000000 | 101) == refused(errno.ENOSYS)
    assert verdict("x86_64", 0xFFFFFFFF) == refused(errno.ENOSYS)


@MACHINES
@pytest.mark.parametrize("bit", [17, 25, 26, 27, 28, 29, 30])
def test_clone_into_a_new_namespace_is_refused(machine: str, bit: int) -> None:
    assert verdict(machine, number_of(machine, "clone"), (1 << bit) | 17) == refused(errno.EPERM)


@MACHINES
def test_threads_and_forks_are_allowed(machine: str) -> None:
    clone = number_of(machine, "clone")
    for flags in (17, 0x3D0F00, 0x01200011):
        assert verdict(machine, clone, flags) == seccomp.ALLOW


@MACHINES
@pytest.mark.parametrize("high", [0, 1 << 32])
def test_typing_into_a_terminal_is_refused_whatever_the_upper_half_says(
    machine: str, high: int
) -> None:
    ioctl = number_of(machine, "ioctl")
    for code in (0x5412, 0x541C):
        assert verdict(machine, ioctl, 0, code | high) == refused(errno.EPERM)
    assert verdict(machine, ioctl, 0, 0x5401) == seccomp.ALLOW


@MACHINES
@pytest.mark.parametrize("name", ["socket", "socketpair"])
@pytest.mark.parametrize("network", [True, False])
def test_only_plain_socket_families_pass(machine: str, name: str, network: bool) -> None:
    number = number_of(machine, name)
    allowed = {1, 2, 10} if network else {1}
    for family in range(60):
        wanted = seccomp.ALLOW if family in allowed else refused(errno.EAFNOSUPPORT)
        assert verdict(machine, number, family, network=network) == wanted, family


@MACHINES
def test_the_numbers_are_those_of_the_systems_headers(machine: str) -> None:
    header = HEADERS[machine]
    if not header.exists():
        pytest.skip(f"{header} is not installed")
    text = header.read_text(encoding="utf-8")
    found = dict(re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)", text))
    named = seccomp.ARCHITECTURES[machine].numbers
    wrong = {n: (k, found[n]) for n, k in named.items() if n in found and int(found[n]) != k}
    assert not wrong
    assert len(set(named) & set(found)) > 50
    newest = max(map(int, found.values()))
    listed = {name for name in seccomp.REFUSED if name in found}
    missing = {n for n in listed if n not in named and int(found[n]) <= newest}
    assert not missing


def test_the_program_is_short_and_other_machines_have_none() -> None:
    code = seccomp.program("x86_64", network=True)
    assert code is not None
    assert len(code) < 4096
    assert seccomp.program("riscv64", network=True) is None


def test_this_machine_has_a_filter() -> None:
    assert platform.machine().lower() in seccomp.ARCHITECTURES
