"""A small class for the tests of batches: honest work, mistakes, and what nobody should send."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.courses import RIGHT, make_course
from tests.processes import session

WRONG = "def double(x):\n    return x\n\ndef half(x):\n    return x / 2\n"
KILLER = """
import os
for victim in (-1, os.getppid()):
    try:
        os.kill(victim, 9)
    except OSError:
        pass
os._exit(0)
"""
NAMES = "=HYPERLINK(1)", "Zoë, “Z” Müller", "new\nline"


def write_class(folder: Path) -> Path:
    """Eleven entries in FOLDER: eight submissions, a link, an empty folder, a stray file."""
    for student in ("alice", "empty", "several"):
        (folder / student).mkdir(parents=True)
    (folder / "alice/numbers.py").write_text(RIGHT)
    (folder / "several/work1.py").write_text(WRONG)
    (folder / "several/work2.py").write_text(RIGHT)
    (folder / "bob.py").write_text(WRONG)
    (folder / "bob.ipynb").write_text("<!DOCTYPE html><title>Sign in</title>")
    (folder / "killer.py").write_text(KILLER)
    for name in NAMES:
        (folder / f"{name}.py").write_text(RIGHT)
    (folder / "linked.py").symlink_to("/etc/passwd")
    (folder / "roster.xlsx").write_text("no")
    return folder


def course_and_class(folder: Path) -> tuple[Path, Path]:
    """The tiny course, and the class, both in `folder`."""
    (folder / "course").mkdir()
    return make_course(folder / "course"), write_class(folder / "class")


def command(course: Path, folder: Path, out: Path, *more: str) -> list[str]:
    """The words of the command, which may be started as they are."""
    batch = ["batch", "numbers", str(folder), "-o", str(out), "--course", str(course), *more]
    return [sys.executable, "-m", "grader", *batch]


def start(course: Path, folder: Path, out: Path, *more: str) -> subprocess.Popen[str]:
    """Start a batch in a session of its own, as from a terminal of its own."""
    return subprocess.Popen(
        command(course, folder, out, *more),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def run(course: Path, folder: Path, out: Path, *more: str) -> tuple[int, str, str]:
    """Run a batch to its end: exit code, standard output, standard error."""
    batch = start(course, folder, out, *more)
    said, errors = batch.communicate(timeout=300)
    return batch.returncode, said, errors


def graded_class(folder: Path, **more: str) -> Path:
    """The course, the class with `more` modules by name, and their OUT, all in `folder`."""
    course, handed = course_and_class(folder)
    for name, source in more.items():
        (handed / f"{name}.py").write_text(source)
    code, _, errors = run(course, handed, folder / "out", "--jobs", "2")
    assert code == 0, errors
    return folder


TIMES = {"recorded", "replaced"}


def gradebook(file: Path) -> dict[str, list[dict[str, Any]]]:
    """Every row of every table, in order, without the times."""
    with contextlib.closing(sqlite3.connect(f"file:{file}?immutable=1", uri=True)) as book:
        book.row_factory = sqlite3.Row
        names = [row[0] for row in book.execute("SELECT name FROM sqlite_schema ORDER BY name")]
        return {
            name: [
                {key: row[key] for key in row.keys() if key not in TIMES}  # noqa: SIM118
                for row in book.execute(f"SELECT * FROM {name} ORDER BY 1, 2")
            ]
            for name in names
        }


def content(out: Path) -> dict[str, Any]:
    """Every file of OUT by its path, without the seconds and times in verdicts and gradebook."""
    files: dict[str, Any] = {}
    for path in sorted(out.rglob("*")):
        if path.name == "gradebook.db":
            files["gradebook.db"] = gradebook(path)
        elif path.is_file():
            files[path.relative_to(out).as_posix()] = path.read_bytes()
            if path.parent.name == "results":
                files[path.relative_to(out).as_posix()] = verdict(path)
    return files


def verdict(path: Path) -> dict[str, Any]:
    """A result without its seconds."""
    result: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    assert result.pop("seconds") is not None
    return result


def verdicts(out: Path) -> dict[str, dict[str, Any]]:
    """The results by id."""
    found = [verdict(path) for path in (out / "results").glob("*.json")]
    return {result["submission"]["id"]: result for result in found}


def gone(batch: subprocess.Popen[str]) -> bool:
    """Whether all processes of a batch's session end by themselves."""
    end = time.monotonic() + 30
    while session(batch.pid) and time.monotonic() < end:
        time.sleep(0.05)
    return not session(batch.pid)
