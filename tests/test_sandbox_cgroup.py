"""How much memory a control group leaves, asked by a process that is really in one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

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


@pytest.mark.parametrize("after", [1, 2])
def test_an_interruption_while_groups_are_made_leaves_none(
    monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can make control groups")
    make, made = cgroup._make, []

    def interrupted(*words: Any) -> Path | None:
        made.append(make(*words))
        if len(made) == after:
            raise KeyboardInterrupt
        return made[-1]

    monkeypatch.setattr(cgroup, "_make", interrupted)
    if after == 2 and (cgroup.ROOT / "cgroup.controllers").exists():
        pytest.skip("control groups of version 2 have one folder")
    with pytest.raises(KeyboardInterrupt):
        cgroup.create(BOUND, 100)
    assert any(made)
    assert not [folder for folder in made if folder and folder.exists()]
