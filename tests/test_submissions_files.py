"""Files, folders and archives: bounded, never followed, never opened when they are not files."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import os
import socket
import stat
import struct
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_course import write_course, write_notebook

from grader.course import Course
from grader.errors import NothingToGrade, SubmissionError, UsageError
from grader.records.lab import Lab
from grader.records.submission import ExtraFile
from grader.submissions import bounds, find, read, unreadable
from grader.submissions.archive import read_archive

CODE = b'{"nbformat": 4, "cells": [{"cell_type": "code", "source": "x = 1"}]}'
SECRET = "the grader's own file"


def refusal(path: Path, **more: str) -> str:
    started = time.monotonic()
    with pytest.raises(SubmissionError) as caught:
        read(path, **more)  # type: ignore[arg-type]
    assert time.monotonic() - started < 1
    assert caught.value.message.isprintable()
    return caught.value.message


def zipped(path: Path, entries: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return path


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret.ipynb"
    path.write_bytes(CODE.replace(b"x = 1", SECRET.encode()))
    return path


@pytest.fixture
def work(tmp_path: Path) -> Path:
    folder = tmp_path / "alice"
    folder.mkdir()
    write_notebook(folder / "work.ipynb", "x = 1")
    return folder


# One file


def test_a_notebook_is_read_with_its_id_path_and_hash(work: Path) -> None:
    path = work / "work.ipynb"
    submission = read(path, relative_to=work.parent)
    assert (submission.id, submission.path) == ("work", "alice/work.ipynb")
    assert submission.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (submission.kind, submission.source) == ("notebook", "x = 1")
    assert read(path, id="bob").id == "bob"


def test_a_module_is_read(tmp_path: Path) -> None:
    path = tmp_path / "Work.PY"
    path.write_text("x = 1\n")
    assert read(path).kind == "module"


def test_another_kind_of_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "work.docx"
    path.write_text("x")
    assert "neither a notebook nor a module" in refusal(path)


def test_what_is_not_there_is_nothing_to_grade(tmp_path: Path) -> None:
    with pytest.raises(NothingToGrade) as caught:
        read(tmp_path / "absent.ipynb")
    assert caught.value.exit_code == 5
    with pytest.raises(NothingToGrade):
        read(Path("nul\0byte.ipynb"))


def test_034_a_submission_that_is_a_link_is_not_followed(secret: Path, tmp_path: Path) -> None:
    link = tmp_path / "work.ipynb"
    link.symlink_to(secret)
    assert "symbolic link" in refusal(link)
    folder = tmp_path / "folder"
    folder.symlink_to(tmp_path, target_is_directory=True)
    assert "symbolic link" in refusal(folder)


def special_files(folder: Path) -> Iterator[Path]:
    os.mkfifo(folder / "pipe.ipynb")
    yield folder / "pipe.ipynb"
    with socket.socket(socket.AF_UNIX) as server, contextlib.chdir(folder):
        server.bind("socket.ipynb")
    yield folder / "socket.ipynb"


def test_035_a_pipe_or_a_socket_is_never_waited_for(tmp_path: Path) -> None:
    said = [refusal(path) for path in special_files(tmp_path)]
    assert "named pipe" in said[0]
    assert "socket" in said[1]
    assert "device" in refusal(Path("/dev/zero"))


def test_036_a_file_exchanged_for_a_link_after_the_look_is_not_followed(
    secret: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_notebook(tmp_path / "work.ipynb", "x = 1")
    true_open = os.open

    def exchange(name: str, *rest: object, **more: object) -> int:
        if name == str(path):
            path.unlink()
            path.symlink_to(secret)
        return true_open(name, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", exchange)
    assert "symbolic link" in refusal(path)


def test_036_a_file_exchanged_for_a_pipe_after_the_look_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_notebook(tmp_path / "work.ipynb", "x = 1")
    true_open = os.open

    def exchange(name: str, *rest: object, **more: object) -> int:
        if name == str(path):
            path.unlink()
            os.mkfifo(path)
        return true_open(name, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", exchange)
    assert "named pipe" in refusal(path)


@pytest.mark.parametrize(
    ("name", "id"),
    [
        (b"two\nlines.ipynb", "two\\u000alines"),
        ("a\u202eb.ipynb".encode(), "a\\u202eb"),
        (b"caf\xe9.ipynb", "caf\\xe9"),
        ("имя 数.ipynb".encode(), "имя 数"),
        (b"x" * 249 + b".ipynb", "x" * 249),
        (b"\x1b[31mred.ipynb", "\\u001b[31mred"),
    ],
)
def test_038_odd_names_are_escaped_and_graded(tmp_path: Path, name: bytes, id: str) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name))
    path.write_bytes(CODE)
    submission = read(path, relative_to=tmp_path)
    assert submission.id == id
    assert submission.path == f"{id}.ipynb"


# Folders


def test_a_folder_is_read_with_its_helper_files(work: Path) -> None:
    (work / "helpers").mkdir()
    (work / "helpers/tools.py").write_text("def f(): ...")
    (work / "conftest.py").write_text("raise SystemExit")
    (work / "data.csv").write_bytes(b"1,2\n\xff")
    submission = read(work)
    assert submission.id == "alice"
    assert submission.files == (
        ExtraFile("conftest.py", b"raise SystemExit"),
        ExtraFile("data.csv", b"1,2\n\xff"),
        ExtraFile("helpers/tools.py", b"def f(): ..."),
    )
    lines = ""
    for path in ("conftest.py", "data.csv", "helpers/tools.py", "work.ipynb"):
        lines += f"{path}\0{hashlib.sha256((work / path).read_bytes()).hexdigest()}\n"
    assert submission.sha256 == hashlib.sha256(lines.encode()).hexdigest()


def test_what_tools_leave_behind_does_not_count(work: Path) -> None:
    before = read(work)
    for left in (".ipynb_checkpoints", "__pycache__", "__MACOSX", ".git"):
        (work / left).mkdir()
        (work / left / "work.ipynb").write_bytes(CODE)
    (work / ".DS_Store").write_bytes(b"x")
    assert read(work) == before


def test_a_notebook_in_a_folder_below_is_found(tmp_path: Path) -> None:
    below = tmp_path / "alice/week 1/done"
    below.mkdir(parents=True)
    (below / "work.ipynb").write_bytes(CODE)
    (below / "tools.py").write_text("x = 1")
    (tmp_path / "alice/cover.txt").write_text("Dear teacher")
    submission = read(tmp_path / "alice")
    assert submission.files == (ExtraFile("tools.py", b"x = 1"),)
    assert submission.notes == ("cover.txt was left out: it is outside its folder.",)


def test_of_two_notebooks_the_one_called_after_the_lab_counts(work: Path) -> None:
    write_notebook(work / "lab01.ipynb", "y = 2")
    submission = read(work, lab_id="lab01")
    assert submission.source == "y = 2"
    assert submission.notes == ("work.ipynb was left out: it is another notebook.",)


def test_two_notebooks_in_doubt_are_refused_and_both_named(work: Path) -> None:
    write_notebook(work / "other.ipynb", "y = 2")
    said = refusal(work)
    assert "other.ipynb" in said
    assert "work.ipynb" in said


def test_a_folder_without_work_is_nothing_to_grade(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(NothingToGrade):
        read(tmp_path)


def test_034_035_links_and_special_files_in_a_folder_are_left_out_and_noted(
    work: Path, secret: Path
) -> None:
    plain = read(work)
    (work / "leak.csv").symlink_to(secret)
    (work / "up").symlink_to(work.parent, target_is_directory=True)
    special = list(special_files(work))
    submission = read(work)
    assert submission.files == ()
    assert submission.sha256 == plain.sha256
    assert len(submission.notes) == 2 + len(special)
    assert any("leak.csv was left out: it is a symbolic link" in note for note in submission.notes)


def test_037_too_many_files_are_refused(work: Path) -> None:
    for number in range(bounds.FILES + 1):
        (work / f"{number}.txt").touch()
    assert "more than 2,000 files" in refusal(work)


def test_037_a_thousand_folders_deep_is_refused(work: Path) -> None:
    with contextlib.chdir(work):
        for _ in range(1000):
            os.mkdir("d")
            os.chdir("d")
        said = refusal(work)
        for _ in range(1000):  # by hand: what clears up after tests would recurse too deeply
            os.chdir("..")
            os.rmdir("d")
    assert "deep" in said


def test_037_a_sparse_file_of_a_tebibyte_is_refused_unread(work: Path) -> None:
    with (work / "huge.bin").open("wb") as stream:
        stream.truncate(1 << 40)
    assert "1,024 GiB" in refusal(work)


def test_037_files_that_are_too_big_together_are_refused(work: Path) -> None:
    for number in range(3):
        with (work / f"{number}.bin").open("wb") as stream:
            stream.truncate(80 << 20)
    with pytest.raises(SubmissionError, match="at most"):
        read(work)


def test_038_odd_names_in_a_folder_arrive_as_text_that_can_be_sent(work: Path) -> None:
    for name in (b"two\nlines.csv", b"caf\xe9.csv"):
        Path(os.fsdecode(os.fsencode(work) + b"/" + name)).write_bytes(b"1")
    paths = [file.path for file in read(work).files]
    assert sorted(paths) == ["caf\\xe9.csv", "two\nlines.csv"]


def test_a_notebook_too_big_in_a_folder_is_refused(work: Path) -> None:
    (work / "work.ipynb").write_bytes(b" " * (bounds.SOURCE_BYTES + 1))
    assert "at most 20 MiB" in refusal(work)


def test_reading_the_same_folder_twice_gives_the_same(work: Path) -> None:
    (work / "tools.py").write_text("x = 1")
    assert read(work) == read(work)


# Archives


def test_a_zip_is_read_with_its_helper_files(tmp_path: Path) -> None:
    path = tmp_path / "alice.zip"
    zipped(
        path,
        {
            "work/lab.ipynb": CODE,
            "work/tools.py": b"y = 2",
            "__MACOSX/work/._lab.ipynb": b"\0\5",
            "work/.ipynb_checkpoints/lab.ipynb": CODE,
        },
    )
    submission = read(path)
    assert (submission.id, submission.source) == ("alice", "x = 1")
    assert submission.files == (ExtraFile("tools.py", b"y = 2"),)
    assert submission.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_folders_and_backslashes_of_other_systems_are_understood(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"work\\": b"", "work\\lab.ipynb": CODE, "./t.py": b"y"})
    assert read(path).source == "x = 1"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("../evil.py", "points outside"),
        ("a/../../evil.py", "points outside"),
        ("..\\evil.py", "points outside"),
        ("/etc/evil.py", "absolute"),
        ("\\evil.py", "absolute"),
        ("C:\\evil.py", "absolute"),
        ("a//b.py", "no proper name"),
        ("a" * 256 + ".py", "too long"),
        ("d/" * 40 + "x.py", "too long"),
        ("LAB.ipynb", "same name"),
        ("lab.ipynb/x.py", "in a folder that has a file's name"),
    ],
)
def test_070_paths_against_the_rules_are_refused(tmp_path: Path, name: str, said: str) -> None:
    path = zipped(tmp_path / "a.zip", {"lab.ipynb": CODE, name: b"x = 1"})
    assert said in refusal(path)


def test_070_the_same_name_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("lab.ipynb", CODE)
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("lab.ipynb", CODE)
    assert "same name" in refusal(path)


def test_070_names_that_unicode_takes_for_one_are_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"lab.ipynb": CODE, "é.py": b"", "E\u0301.py": b""})
    assert "same name" in refusal(path)


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_070_a_link_or_special_file_in_a_zip_is_refused(tmp_path: Path, kind: int) -> None:
    path = tmp_path / "a.zip"
    entry = zipfile.ZipInfo("link.py")
    entry.external_attr = (kind | 0o777) << 16
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("lab.ipynb", CODE)
        archive.writestr(entry, "/etc/passwd")
    assert "link.py in the archive is a" in refusal(path)


def with_field(packed: bytes, offset: int, value: bytes, local_offset: int | None = None) -> bytes:
    """Overwrite a field of the first central entry, and of its local header where asked."""
    at = packed.index(b"PK\x01\x02") + offset
    packed = packed[:at] + value + packed[at + len(value) :]
    if local_offset is not None:
        packed = packed[:local_offset] + value + packed[local_offset + len(value) :]
    return packed


def test_071_an_encrypted_zip_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"lab.ipynb": CODE})
    path.write_bytes(with_field(path.read_bytes(), 8, b"\1\0", 6))
    assert "encrypted" in refusal(path)


@pytest.mark.parametrize("size", [0, 10, len(CODE) + 1, 1 << 27])
def test_071_sizes_that_lie_are_refused(tmp_path: Path, size: int) -> None:
    path = zipped(tmp_path / "a.zip", {"lab.ipynb": CODE})
    path.write_bytes(with_field(path.read_bytes(), 24, struct.pack("<I", size), 22))
    assert refusal(path)


def test_071_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    zeros = bytes(32 << 20)
    path = zipped(tmp_path / "a.zip", {"lab.ipynb": CODE} | {f"{n}.bin": zeros for n in range(7)})
    assert path.stat().st_size < 1 << 20
    assert "at most 200 MiB" in refusal(path)


def test_071_a_bomb_that_claims_to_be_small_is_cut_off(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"a.py": bytes(1 << 28)})
    path.write_bytes(with_field(path.read_bytes(), 24, struct.pack("<I", 100), 22))
    assert "damaged" in refusal(path)


def test_071_archives_within_archives_are_not_opened(tmp_path: Path) -> None:
    inner = zipped(tmp_path / "inner.zip", {"lab.ipynb": CODE}).read_bytes()
    path = zipped(tmp_path / "a.zip", {f"{n}.zip": inner for n in range(16)})
    assert "no notebook" in refusal(path)


def test_071_too_many_entries_are_refused(tmp_path: Path) -> None:
    many = zipped(tmp_path / "a.zip", dict.fromkeys(map(str, range(2_001)), b""))
    assert "more than 2,000 files" in refusal(many)
    central = zipped(tmp_path / "b.zip", {"x": b""}).read_bytes()
    at = central.index(b"PK\x01\x02")
    many.write_bytes(central[:at] + central[at:-22] * 500_000 + central[-22:])
    assert "more than 2,000 files" in refusal(many)


def test_071_a_packing_that_names_its_own_memory_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"lab.ipynb": CODE}, zipfile.ZIP_LZMA)
    assert "rare method" in refusal(path)


@pytest.mark.parametrize("content", [b"", b"x", b"PK\x05\x06", b"PK\x03\x04" * 100, b"Rar!"])
def test_071_what_is_no_zip_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(content)
    assert "archive" in refusal(path) or "empty" in refusal(path)


def test_071_a_zip_of_60_mib_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with path.open("wb") as stream:
        stream.truncate(60 << 20)
    assert "at most 50 MiB" in refusal(path)


def small_zip() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("work/lab.ipynb", CODE)
        archive.writestr("work/tools.py", "y = 2\n" * 50)
    return stream.getvalue()


PACKED = small_zip()


@given(st.binary(max_size=300))
@settings(max_examples=200, deadline=None)
def test_arbitrary_bytes_are_an_archive_or_refused(content: bytes) -> None:
    for start in (b"", b"PK\x03\x04", b"PK\x05\x06"):
        with contextlib.suppress(SubmissionError):
            read_archive(start + content, "x")


@given(
    st.lists(
        st.tuples(st.integers(0, len(PACKED) - 1), st.integers(0, 255)), min_size=1, max_size=6
    ),
    st.integers(0, len(PACKED)),
)
@settings(max_examples=600, deadline=None)
def test_a_mutated_archive_is_read_within_the_rules_or_refused(
    changes: list[tuple[int, int]], cut: int
) -> None:
    packed = bytearray(PACKED)
    for at, value in changes:
        packed[at] = value
    for content in (bytes(packed), bytes(packed[:cut])):
        try:
            tree = read_archive(content, "x")
        except SubmissionError:
            continue
        assert tree.size <= bounds.FILES_BYTES
        for path in tree.files:
            assert not path.startswith("/")
            assert ".." not in path.split("/")
            path.encode()


# What was refused, and what is meant


def test_a_refused_submission_keeps_its_id_path_and_hash(work: Path, secret: Path) -> None:
    bad = work / "bad.ipynb"
    bad.write_bytes(b"{")
    record = unreadable(bad, relative_to=work.parent)
    assert (record.id, record.path, record.cells) == ("bad", "alice/bad.ipynb", ())
    assert record.sha256 == hashlib.sha256(b"{").hexdigest()
    assert len(unreadable(work, id="a").sha256) == 64
    link = work / "link.ipynb"
    link.symlink_to(secret)
    assert unreadable(link).sha256 == ""
    assert unreadable(work / "absent.py").sha256 == ""


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Course(write_course(tmp_path / "course")).load("lab01")


@pytest.fixture
def cwd(tmp_path: Path) -> Path:
    (tmp_path / "cwd").mkdir()
    return tmp_path / "cwd"


def test_left_out_the_labs_file_is_meant(lab: Lab, cwd: Path) -> None:
    for name in ("lab01.py", "other.ipynb", "another.ipynb"):
        (cwd / name).touch()
    assert find(lab, None, cwd) == cwd / "lab01.py"


def test_left_out_the_only_notebook_is_meant(lab: Lab, cwd: Path) -> None:
    for name in ("my work.ipynb", "tools.py", "more.py", ".hidden.ipynb"):
        (cwd / name).touch()
    (cwd / "folder.ipynb").mkdir()
    assert find(lab, None, cwd) == cwd / "my work.ipynb"


def test_left_out_the_only_module_is_meant(lab: Lab, cwd: Path) -> None:
    (cwd / "tools.py").touch()
    assert find(lab, None, cwd) == cwd / "tools.py"


@pytest.mark.parametrize("names", [("lab01.ipynb", "lab01.py"), ("a.ipynb", "b.ipynb")])
def test_two_files_that_could_be_meant_are_both_named(
    lab: Lab, cwd: Path, names: tuple[str, str]
) -> None:
    for name in names:
        (cwd / name).touch()
    with pytest.raises(UsageError) as caught:
        find(lab, None, cwd)
    assert caught.value.exit_code == 2
    assert all(name in caught.value.message for name in names)


def test_an_empty_folder_has_nothing_to_grade(lab: Lab, cwd: Path) -> None:
    with pytest.raises(NothingToGrade) as caught:
        find(lab, None, cwd)
    assert "grade start lab01" in caught.value.hint


def test_a_path_that_is_not_there_is_nothing_to_grade(lab: Lab, cwd: Path) -> None:
    (cwd / "lab01.ipynb").touch()
    with pytest.raises(NothingToGrade) as caught:
        find(lab, cwd / "lab1.ipynb", cwd)
    assert "lab01.ipynb" in caught.value.hint
    assert find(lab, cwd, cwd) == cwd


def test_an_unreadable_one_is_named_without_the_grader_s_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The words go to the student, and stand in files that are the same on every machine."""
    (tmp_path / "ann.py").write_text("1")
    opened = os.open

    def refusing(path: Any, *more: Any, **named: Any) -> int:
        if os.fspath(path).endswith("ann.py"):
            raise PermissionError(errno.EACCES, "Permission denied")
        return opened(path, *more, **named)

    monkeypatch.setattr(os, "open", refusing)
    assert refusal(tmp_path / "ann.py") == "ann.py cannot be opened: Permission denied."
