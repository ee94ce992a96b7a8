"""The gradebook: what a class came to, what was before, and that no accident loses it."""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest

from grader import cli
from grader.batch.files import Out
from grader.batch.state import Stamp
from grader.errors import OutputError
from grader.gradebook.history import enter
from grader.gradebook.store import opened
from tests.classes import WRONG, content, gradebook, graded_class, run, start, verdicts
from tests.courses import RIGHT

CHECKS = "assignments/numbers/checks/test_numbers.py"


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course, a class with every kind of verdict, and its OUT."""
    return graded_class(tmp_path_factory.mktemp("gradebook"))


@pytest.fixture
def copy(here: Path, tmp_path: Path) -> Path:
    """All of it, to be changed by a test."""
    return shutil.copytree(here, tmp_path, dirs_exist_ok=True, symlinks=True)


def go(folder: Path, *more: str) -> str:
    code, said, errors = run(folder / "course", folder / "class", folder / "out", *more)
    assert code == 0, errors
    return said + errors


def rows(folder: Path, table: str, id: str | None = None) -> list[dict[str, Any]]:
    found = gradebook(folder / "out/gradebook.db")[table]
    return [row for row in found if id in (None, row.get("submission", row.get("id")))]


def test_every_verdict_is_in_it_with_each_check(here: Path) -> None:
    found = verdicts(here / "out")
    for id, result in found.items():
        (row,) = rows(here, "results", id)
        assert (row["status"], row["score"], row["max_score"], row["root_cause"]) == (
            result["status"],
            result["score"],
            result["max_score"],
            result["root_cause"],
        )
        assert (row["hit_limit"], row["isolation"]) == (result["limit"], result["isolation"])
        assert json.loads(row["versions"]) == result["versions"]
        outcomes = [(o["check_id"], o["outcome"], o["points"]) for o in rows(here, "outcomes", id)]
        assert outcomes == [(c["id"], c["outcome"], c["points"]) for c in result["checks"]]
        (attempt,) = rows(here, "attempts", id)
        assert attempt == {
            "submission": id,
            "number": 1,
            "sha256": result["submission"]["sha256"],
        }
    assert len(rows(here, "results")) == len(found)
    assert rows(here, "history") == []


def test_a_student_is_there_who_handed_in_nothing_or_twice(here: Path) -> None:
    assert rows(here, "students", "empty") == [{"id": "empty", "missing": 1}]
    assert rows(here, "students", "bob~2") == []
    twins = [row["id"] for row in rows(here, "submissions") if row["student"] == "bob"]
    assert twins == ["bob", "bob~2"]


def test_nothing_lies_beside_it_when_a_batch_is_done(here: Path) -> None:
    assert [path.name for path in (here / "out").glob("*gradebook*")] == ["gradebook.db"]


def test_a_batch_killed_at_any_moment_and_resumed_comes_to_the_same_gradebook(
    copy: Path, tmp_path: Path
) -> None:
    """Another upload and everything graded anew: the old mark must be there once."""
    undisturbed = shutil.copytree(copy, tmp_path / "undisturbed", symlinks=True)
    for folder in (copy, undisturbed):
        (folder / "class/alice/numbers.py").write_text(WRONG)
        (folder / "class/killer.py").unlink()
    go(undisturbed, "--fresh")
    more = ["--fresh"]
    for results in (1, 4, 6):
        batch = start(copy / "course", copy / "class", copy / "out", "--jobs", "1", *more)
        end = time.monotonic() + 120
        while batch.poll() is None and not ready(copy / "out", results) and time.monotonic() < end:
            time.sleep(0.01)
        batch.kill()
        batch.communicate()
        more = []
    go(copy)
    assert content(copy / "out") == content(undisturbed / "out")
    assert [row["why"] for row in rows(copy, "history", "alice")] == ["new file"]
    assert [row["why"] for row in rows(copy, "history", "killer")] == [
        "the result is not there any more"
    ]


def ready(out: Path, results: int) -> bool:
    """Whether the batch has cleared OUT and graded so many again."""
    cleared = out.parent / "cleared"
    count = len(list(out.glob("results/*.json")))
    if count == 0:
        cleared.touch()
    return cleared.exists() and count >= results


def test_a_new_upload_is_a_second_attempt_and_its_old_mark_is_kept(copy: Path) -> None:
    (copy / "class/alice/numbers.py").write_text(WRONG)
    go(copy)
    assert [row["number"] for row in rows(copy, "attempts", "alice")] == [1, 2]
    assert rows(copy, "results", "alice")[0]["attempt"] == 2
    (was,) = rows(copy, "history", "alice")
    assert (was["attempt"], was["score"], was["max_score"], was["why"]) == (1, 10, 10, "new file")
    assert [points for *_, points, _ in json.loads(was["outcomes"])] == [4, 3, 1, 2]
    (copy / "class/alice/numbers.py").write_text(RIGHT)
    go(copy)
    assert [row["score"] for row in rows(copy, "history", "alice")] == [10, 4]
    assert len(rows(copy, "history")) == 2


def test_a_new_upload_with_the_same_mark_leaves_no_history(copy: Path) -> None:
    (copy / "class/alice/numbers.py").write_text(RIGHT + "\n# better\n")
    go(copy)
    assert rows(copy, "results", "alice")[0]["attempt"] == 2
    assert rows(copy, "history") == []


@pytest.mark.parametrize(
    ("file", "old", "new", "why", "score"),
    [
        ("rubrics/numbers.toml", "points = 4", "points = 5", "rubric changed", 11),
        (
            "assignments/numbers/checks/test_numbers.py",
            "student.half(8) == 4",
            "False",
            "checks changed",
            7.5,
        ),
    ],
)
def test_a_mark_that_changed_with_the_lab_says_so(
    copy: Path, file: str, old: str, new: str, why: str, score: float
) -> None:
    path = copy / "course" / file
    path.write_text(path.read_text().replace(old, new).replace("total = 10", "total = 11"))
    go(copy, "--fresh")
    assert rows(copy, "results", "alice")[0]["score"] == score
    assert [row["why"] for row in rows(copy, "history", "alice")] == [why]


def test_a_mark_of_other_versions_says_so_and_a_fault_of_ours_is_no_mark(copy: Path) -> None:
    for name, old, new in (
        ("alice", '"grader": "', '"grader": "0.0 beta '),
        ("several", '"status": "graded"', '"status": "invalid"'),
    ):
        path = copy / f"out/results/{name}.json"
        text = path.read_text().replace('"score": 10.0', '"score": 9.0')
        path.write_text(text.replace(old, new))
    stamp = Stamp.from_json(json.loads((copy / "out/.grader/batch.json").read_text()))
    told = enter(Out(copy / "out"), stamp, whole=True)
    assert {change.id for change in told.changes} == {"alice", "several"}
    assert rows(copy, "results", "several")[0]["score"] is None
    go(copy)
    history = [(row["submission"], row["score"], row["why"]) for row in rows(copy, "history")]
    assert [row[:2] for row in history] == [("alice", 10), ("alice", 9), ("several", 10)]
    assert history[1][2].startswith("other versions: grader 0.0 beta")


def test_a_gradebook_that_is_missing_is_made_from_the_results(copy: Path) -> None:
    before = content(copy / "out")
    (copy / "out/gradebook.db").unlink()
    assert "There was no gradebook.db" in go(copy)
    assert content(copy / "out") == before


def damaged(content: bytes) -> list[tuple[str, bytes]]:
    return [
        ("text", b"what is this?"),
        ("cut", content[: len(content) // 2]),
        ("overwritten", content[:8192] + b"\xff" * 4096 + content[12288:]),
    ]


@pytest.mark.parametrize("how", [0, 1, 2])
def test_a_damaged_gradebook_is_made_anew_and_the_old_one_kept(copy: Path, how: int) -> None:
    before = content(copy / "out")
    book = copy / "out/gradebook.db"
    name, broken = damaged(book.read_bytes())[how]
    book.write_bytes(broken)
    said = go(copy)
    assert "gradebook.db was damaged: it was made anew from the results" in said, name
    after = content(copy / "out")
    assert after.pop(".grader/gradebook-1.db") == broken
    assert after == before


def test_an_old_gradebook_is_made_anew_with_its_history(copy: Path) -> None:
    (copy / "class/alice/numbers.py").write_text(WRONG)
    go(copy)
    before = content(copy / "out")
    with contextlib.closing(sqlite3.connect(copy / "out/gradebook.db")) as book:
        book.execute("PRAGMA user_version = 0")
        book.commit()
    said = go(copy)
    assert "another version of the grader" in said
    assert "1 former mark could be read" in said
    after = content(copy / "out")
    assert after.pop(".grader/gradebook-1.db")
    assert after == before


def test_a_gradebook_that_cannot_be_written_loses_nothing(copy: Path) -> None:
    before = content(copy / "out")
    with contextlib.closing(sqlite3.connect(copy / "out/gradebook.db")) as other:
        other.execute("BEGIN IMMEDIATE")
        refused = pytest.raises(OutputError, match=r"gradebook\.db cannot be written: .*locked")
        with refused, opened(Out(copy / "out"), []):
            pass
    assert content(copy / "out") == before


def test_a_merge_writes_it_too_and_it_is_that_of_one_batch(
    here: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outs = []
    for number in (1, 2):
        outs.append(str(tmp_path / f"out{number}"))
        more = ("--shard", f"{number}/2", "--jobs", "1")
        code, _, errors = run(here / "course", here / "class", Path(outs[-1]), *more)
        assert code == 0, errors
        assert not (Path(outs[-1]) / "gradebook.db").exists()
    merged = tmp_path / "merged"
    words = ["merge", *outs, "-o", str(merged), "--course", str(here / "course")]
    assert cli.run(words) == 0
    assert gradebook(merged / "gradebook.db") == gradebook(here / "out/gradebook.db")
    assert "gradebook" not in capsys.readouterr().err


def test_a_mark_changes_whole_or_not_at_all(copy: Path) -> None:
    before = content(copy / "out")
    with contextlib.suppress(RuntimeError), opened(Out(copy / "out"), []) as book:
        book.execute("DELETE FROM results")
        raise RuntimeError
    assert content(copy / "out") == before
