"""The build hook that puts this course into the wheel, without what students must not have.

`grader/course_files` in the wheel is a course as `--course` takes it: for each lab its lab.toml,
its starter, its public checks and a quiz's sealed key, and the rubrics. References, hidden checks,
marks, fixtures and the demo submission stay out because nothing here names them. An editable
install needs no copy.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

COURSE = "grader/course_files"


def course_files(root: Path) -> dict[str, str]:
    """Map each file of the course that may be shipped to its place in the wheel."""
    found: list[Path] = []
    for lab in sorted((root / "assignments").glob("*/lab.toml")):
        folder = lab.parent
        found += [lab, starter(folder), root / "rubrics" / f"{folder.name}.toml"]
        found += sorted(folder.glob("key.sealed"))
        found += public_checks(folder / "checks")
    missing = [str(path.relative_to(root)) for path in found if not path.is_file()]
    if missing:
        raise FileNotFoundError(f"the course lacks {', '.join(missing)}")
    return {str(path): f"{COURSE}/{path.relative_to(root).as_posix()}" for path in found}


def starter(folder: Path) -> Path:
    """Return what a student begins with: a file of answers where there is one, else a notebook."""
    answers = folder / "starter.toml"
    return answers if answers.is_file() else folder / "starter.ipynb"


def public_checks(folder: Path) -> list[Path]:
    """Return the check files without a hidden check; a file with a single one stays out whole."""
    return [
        path
        for path in sorted(folder.glob("test_*.py"))
        if not path.stem.endswith("_hidden")
        and "mark.hidden" not in path.read_text(encoding="utf-8")
    ]


class BundleCourse(BuildHookInterface[Any]):
    """Adds the course to a wheel."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Name the course's files to the builder."""
        if version != "editable":
            build_data["force_include"].update(course_files(Path(self.root)))
