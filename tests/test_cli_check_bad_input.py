"""`grade check` with input that it never gets to run: exit code, reason and next step."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from tiny_course import write_course, write_notebook

from grader import cli

Run = Callable[..., "tuple[int, str, str]"]


@pytest.fixture
def course(tmp_path: Path) -> Path:
    return write_course(tmp_path / "course")


@pytest.fixture
def check(
    course: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Run:
    """Run `grade check` in an empty folder; give exit code, stdout and stderr."""
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)

    def run(*arguments: str) -> tuple[int, str, str]:
        code = cli.run(["--course", str(course), "check", *arguments])
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        return code, captured.out, captured.err

    return run


def empty(path: Path) -> None:
    path.touch()


def truncated(path: Path) -> None:
    write_notebook(path, "x = 1")
    path.write_bytes(path.read_bytes()[:-20])


def web_page(path: Path) -> None:
    path.write_text("<!DOCTYPE html><title>Sign in</title>")


def nul_bytes(path: Path) -> None:
    path.write_bytes(b"\0" * 100)


def link(path: Path) -> None:
    write_notebook(path.with_name("target.ipynb"), "x = 1")
    path.symlink_to("target.ipynb")


def pipe(path: Path) -> None:
    os.mkfifo(path)


def no_code(path: Path) -> None:
    write_notebook(path, "# nothing yet")


def deep(path: Path) -> None:
    path.write_bytes(b"[" * 50_000)


def future_format(path: Path) -> None:
    write_notebook(path, "x = 1", nbformat=5)


def huge(path: Path) -> None:
    with path.open("wb") as stream:
        stream.truncate(100 << 20)


UNREADABLE = [
    (empty, "empty"),
    (truncated, "breaks off"),
    (web_page, "web page"),
    (nul_bytes, "NUL"),
    (link, "symbolic link"),
    (pipe, "named pipe"),
    (no_code, "no line of code"),
    (deep, "nested too deeply"),
    (future_format, "format 5"),
    (huge, "100 MiB"),
]


@pytest.mark.parametrize(("make", "said"), UNREADABLE)
def test_an_unreadable_submission_is_rejected_with_a_reason_and_exit_code_1(
    check: Run, make: Callable[[Path], None], said: str
) -> None:
    make(Path("lab01.ipynb"))
    code, out, err = check("lab01", "lab01.ipynb", "--json")
    result = json.loads(out)
    assert (code, err) == (1, "")
    assert (result["status"], result["limit"]) == ("rejected", None)
    assert said in result["reason"]
    assert result["score"] == 0
    assert result["max_score"] > 0
    assert result["submission"]["path"] == "lab01.ipynb"


def test_a_zip_that_points_outside_is_rejected(check: Run, tmp_path: Path) -> None:
    with zipfile.ZipFile("work.zip", "w") as archive:
        archive.writestr("../evil.py", "x = 1")
    code, out, _ = check("lab01", "work.zip", "--json")
    assert code == 1
    assert "points outside" in json.loads(out)["reason"]
    assert not (tmp_path / "evil.py").exists()


def test_a_rejection_is_explained_in_words_too(check: Run) -> None:
    web_page(Path("lab01.ipynb"))
    code, out, _ = check("lab01")
    assert code == 1
    assert "web page" in " ".join(out.split())


def test_a_name_that_would_paint_the_terminal_is_escaped(check: Run) -> None:
    name = "\x1b[31mred\u202e.ipynb"
    web_page(Path(name))
    _, out, err = check("lab01", name)
    assert "\x1b[31mred" not in out + err
    assert "\u202e" not in out + err


@pytest.mark.parametrize("arguments", [("lab01",), ("lab01", "absent.ipynb"), ("lab01", ".")])
def test_without_a_submission_there_is_nothing_to_grade(
    check: Run, arguments: tuple[str, ...]
) -> None:
    code, out, err = check(*arguments, "--json")
    assert (code, out) == (5, "")
    assert "Hint:" in err


def test_two_files_that_could_be_meant_are_a_wrong_use(check: Run) -> None:
    write_notebook(Path("a.ipynb"), "x = 1")
    write_notebook(Path("b.ipynb"), "x = 1")
    code, _, err = check("lab01")
    assert code == 2
    assert "a.ipynb or b.ipynb" in err


@pytest.mark.parametrize(
    "arguments",
    [(), ("lab1",), ("lab01", "x.ipynb", "y.ipynb"), ("lab01", "--html"), ("lab01", "--colour")],
)
def test_a_wrong_use_is_exit_code_2(check: Run, arguments: tuple[str, ...]) -> None:
    code, out, err = check(*arguments)
    assert (code, out) == (2, "")
    assert err


@pytest.mark.parametrize("option", ["--html", "--junitxml"])
@pytest.mark.parametrize("target", ["absent/report", "."])
def test_a_report_that_cannot_be_written_is_known_before_anything_runs(
    check: Run, option: str, target: str
) -> None:
    write_notebook(Path("lab01.ipynb"), "x = 1")
    assert check("lab01", option, target)[0] == 2


@pytest.mark.parametrize("option", ["--html", "--junitxml"])
def test_a_report_never_takes_the_place_of_the_work(check: Run, option: str) -> None:
    work = write_notebook(Path("lab01.ipynb"), "x = 1")
    before = work.read_bytes()
    code, _, err = check("lab01", option, "lab01.ipynb")
    assert (code, work.read_bytes()) == (2, before)
    assert "Hint:" in err


def test_two_reports_do_not_share_a_file(check: Run) -> None:
    write_notebook(Path("lab01.ipynb"), "x = 1")
    assert check("lab01", "--html", "r.html", "--junitxml", "./r.html")[0] == 2


@pytest.mark.parametrize("length", [245, 5000])
def test_a_name_too_long_for_a_report_is_a_wrong_use(check: Run, length: int) -> None:
    no_code(Path("lab01.ipynb"))
    code, _, err = check("lab01", "--html", "a" * length + ".html")
    assert code == 2
    assert "too long" in err


def test_a_faulty_lab_is_exit_code_4_and_names_file_and_line(check: Run, course: Path) -> None:
    (course / "rubrics/lab01.toml").write_text("total = 20\npionts = 3\n")
    write_notebook(Path("lab01.ipynb"), "x = 1")
    code, out, err = check("lab01")
    assert (code, out) == (4, "")
    assert "rubrics/lab01.toml:2: unknown key “pionts”" in err


def test_an_empty_name_is_not_taken_for_the_folder_here(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["check", "lab02", ""]) == 2
    assert "is empty" in capsys.readouterr().err


def test_a_folder_that_was_deleted_under_us_is_said_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert cli.run(["check", "lab02", "x.py"]) == 2
    assert "folder is gone" in capsys.readouterr().err


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_full_disk_is_told_in_a_line(unbuffered: str) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "grader", "labs"],
            stdout=full, stderr=subprocess.PIPE, text=True, check=False,
            env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
        )  # fmt: skip
    assert done.returncode == 3
    assert done.stderr.splitlines() == ["Error: the disk is full", "Hint: Free some space."]


@pytest.mark.parametrize(
    ("words", "code"), [("batch lab02 . -o out", 3), ("nope", 2), ("batch", 2)]
)
def test_the_exit_code_is_told_where_nothing_else_can_be(
    tmp_path: Path, words: str, code: int
) -> None:
    """Python would end with 120, which is none of ours, where it cannot empty a stream."""
    (tmp_path / "ann.py").write_text("1")
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "grader", *words.split()],
            stdout=subprocess.DEVNULL, stderr=full, check=False, cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(Path(cli.__file__).parents[2])},
        )  # fmt: skip
    assert done.returncode == code
