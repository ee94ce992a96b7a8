"""What a lab's author gets from plain pytest on the lab's folder."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests import courses


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return courses.make_course(tmp_path_factory.mktemp("course"))


def run_pytest(course: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider",
         str(course / "assignments" / "numbers"), *more],
        capture_output=True, text=True, check=False, cwd=course, timeout=120,
    )  # fmt: skip


def test_plain_pytest_on_a_lab_judges_its_reference(course: Path) -> None:
    done = run_pytest(course)
    assert "4 passed" in done.stdout, done.stdout
    assert done.returncode == 0


def test_another_file_is_judged_by_name_and_what_needs_a_failed_check_is_skipped(
    course: Path,
) -> None:
    file = course / "half.py"
    file.write_text("def double(x): return 2 * x\n")
    done = run_pytest(course, "--submission", str(file))
    assert "2 passed, 1 skipped" in done.stdout.replace("1 failed, ", ""), done.stdout
    assert "there is no function `half`" in done.stdout
    assert "not checked yet" in run_pytest(course, "--submission", str(file), "-rs").stdout


def test_a_check_that_is_selected_alone_runs(course: Path) -> None:
    done = run_pytest(course, "-k", "half_of_many")
    assert "1 passed" in done.stdout, done.stdout
