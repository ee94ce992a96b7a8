"""Files that are made to be expensive to read cost little memory, whether refused or read."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.labs import ROOT

sys.path.append(str(ROOT / "benchmarks"))
from hostile import FILES
from hostile_files import MEBIBYTES, measured

READ = ("a notebook with a picture of 19 MiB", "a module of quotes")
"""What is within the bounds of a submission."""


@pytest.mark.parametrize("name", FILES)
def test_a_hostile_file_costs_no_more_memory_than_is_promised(tmp_path: Path, name: str) -> None:
    _, added, said = measured(FILES[name](tmp_path))
    assert added < MEBIBYTES
    assert (said == "read") == (name in READ)


@pytest.mark.parametrize("size", [12, 60])
def test_the_measure_sees_memory_that_is_taken(tmp_path: Path, size: int) -> None:
    work = tmp_path / "work.py"
    work.write_text("x = 1")
    (tmp_path / "data.bin").write_bytes(bytes(size << 20))
    _, added, said = measured(tmp_path)
    assert said == "read"
    assert size - 4 < added < size + 30
