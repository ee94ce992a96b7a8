"""What a batch starts from: a server that has imported what the class imports, where that pays."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.batch.warmth import FEWEST, kept_ready, preload_for
from tests.courses import RIGHT, load, make_course
from tests.sessions import sandbox


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "class").mkdir()
    for number in range(FEWEST):
        (tmp_path / "class" / f"s{number}.py").write_text(RIGHT)
    (tmp_path / "course").mkdir()
    make_course(tmp_path / "course")
    return tmp_path


def servers(folder: Path, paths: list[str]) -> int:
    lab = load(folder / "course")
    with kept_ready(sandbox(), lab, preload_for(lab, folder / "class", paths)) as ready:
        assert ready is not None
        return len(ready.warm)


def test_a_few_submissions_are_started_cold(folder: Path) -> None:
    assert servers(folder, ["s0.py"]) == 0


def test_many_are_forked_whatever_one_of_them_is(folder: Path) -> None:
    (folder / "class/s0.py").unlink()
    (folder / "class/s0.py").symlink_to("/etc/passwd")
    (folder / "class/s1.py").write_bytes(b"\xff\0" * 100)
    assert servers(folder, [f"s{number}.py" for number in range(FEWEST)]) == 1


def test_where_nothing_is_run_there_is_no_sandbox(folder: Path) -> None:
    with kept_ready(None, load(folder / "course"), ("numpy",)) as ready:
        assert ready is None
