"""How much memory a control group leaves, asked by a process that is really in one."""

from __future__ import annotations

import subprocess
import sys

import pytest

from grader.sandbox import cgroup, launch

MIB = 1 << 20
BOUND = 256 * MIB
READ = """
import tempfile
from grader.sandbox import cgroup
before = cgroup.room()
with tempfile.TemporaryFile(dir="/var/tmp") as file:  # /tmp may lie in memory
    file.write(bytes(128 << 20))
    file.flush()
    held = bytearray(b"x" * (64 << 20))
    print(before, cgroup.room(), len(held))
"""


def test_what_the_kernel_keeps_of_files_counts_as_free_and_what_a_program_holds_does_not() -> None:
    group = cgroup.create(BOUND, 100)
    if group is None:
        pytest.skip("only root can bound memory, where there are control groups")
    try:
        words = [sys.executable, "-c", READ]
        done = subprocess.run(launch.joining(group, words), capture_output=True, text=True)
    finally:
        group.remove()
    assert done.returncode == 0, done.stderr
    before, after, held = map(int, done.stdout.split())
    assert before <= BOUND
    assert abs(before - after - held) < 16 * MIB


def test_a_process_without_a_bound_has_room() -> None:
    assert cgroup.room() > BOUND
