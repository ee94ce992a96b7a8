"""What the wheel holds is what students may have."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LABS = sorted(path.parent.name for path in (ROOT / "assignments").glob("*/lab.toml"))


def starter(lab: str) -> str:
    return "starter.toml" if lab.startswith(("quiz", "viva")) else "starter.ipynb"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=300)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_the_wheel_holds_no_hidden_check_reference_fixture_or_demo(names: set[str]) -> None:
    for word in ("hidden", "reference", "fixtures", "demo", "tests/"):
        assert [name for name in names if word in name] == [], word


def test_no_file_of_the_wheels_course_marks_a_check_as_hidden(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        checks = [name for name in archive.namelist() if "/checks/test_" in name]
        assert {name.split("/")[3] for name in checks} == set(LABS)
        for name in checks:
            assert b"mark.hidden" not in archive.read(name), name


def test_the_wheel_holds_the_course_as_students_get_it(names: set[str]) -> None:
    assert LABS
    course = {name for name in names if name.startswith("grader/course_files/")}
    assert {name for name in course if "/checks/" not in name} == {
        f"grader/course_files/{path}"
        for lab in LABS
        for path in (
            f"assignments/{lab}/lab.toml",
            f"assignments/{lab}/{starter(lab)}",
            f"rubrics/{lab}.toml",
        )
    } | {f"grader/course_files/assignments/{quiz}/key.sealed" for quiz in ("quiz01", "quiz02")}


def test_the_wheel_holds_the_digits_with_their_licence_and_origin(names: set[str]) -> None:
    mnist = "grader/data/mnist"
    for name in ("LICENCE", "ORIGIN.md", "public/train_images.npy", "graded/images.npy"):
        assert f"{mnist}/{name}" in names


def test_a_module_of_the_package_is_never_left_out_of_the_wheel(names: set[str]) -> None:
    shipped = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "grader").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert shipped - names == set()


def test_the_installed_wheel_is_a_course_of_its_own(wheel: Path, tmp_path: Path) -> None:
    """Unpacked, with this environment's dependencies: what `pip install` would lay down."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    (tmp_path / "elsewhere").mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "grader", "labs"],
        cwd=tmp_path / "elsewhere",
        env={"PYTHONPATH": str(tmp_path / "site"), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for lab in LABS:
        assert lab in done.stdout
