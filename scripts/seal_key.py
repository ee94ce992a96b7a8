"""Seal a quiz's key: `python scripts/seal_key.py quiz01` reads reference/quiz01.toml.

What it writes, assignments/quiz01/key.sealed, goes to students; the reference does not.
"""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

from grader.answers import read_questions, seal
from grader.course import find_course
from grader.errors import GraderError


def sealed(lab_id: str, start: Path) -> tuple[Path, str]:
    """Return where a lab's key belongs and what it is. Raises GraderError."""
    course = find_course(None, start)
    starter = course.folder / "assignments" / lab_id / "starter.toml"
    with open(course.folder / "reference" / f"{lab_id}.toml", "rb") as stream:
        reference = tomllib.load(stream)
    return starter.with_name("key.sealed"), seal(lab_id, read_questions(starter), reference)


if __name__ == "__main__":
    try:
        for lab_id in sys.argv[1:]:
            target, key = sealed(lab_id, Path.cwd())
            target.write_text(key, encoding="ascii", newline="\n")
            print(f"Wrote {target}.")
    except (GraderError, OSError, tomllib.TOMLDecodeError) as error:
        sys.exit(f"{error} {getattr(error, 'hint', '')}")
