"""`grade`, `grade labs` and `grade start`: what is printed, where, and the exit codes."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from tiny_course import write_course

from grader import cli as command_line
from grader.errors import LabError, SandboxError, UsageError

GRADE = (sys.executable, "-m", "grader")
Run = Callable[..., "tuple[int, str, str]"]


@pytest.fixture
def course(tmp_path: Path) -> Path:
    return write_course(tmp_path / "course")


@pytest.fixture
def grade(course: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run `grade` inside the course; give exit code, stdout and stderr."""
    monkeypatch.chdir(course)
    monkeypatch.delenv("GRADE_DEBUG", raising=False)

    def run(*arguments: str) -> tuple[int, str, str]:
        code = command_line.run(arguments)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], None]:
    """Make `grade labs` raise."""

    def arrange(error: BaseException) -> None:
        @click.command()
        def labs() -> None:
            raise error

        import grader.cli.labs

        monkeypatch.setattr(grader.cli.labs, "labs", labs)

    return arrange


def test_the_labs_are_listed_one_a_line_for_pipes(grade: Run) -> None:
    assert grade("labs") == (0, "lab01\tLoading and scaling\t20\tnormalize, rescale\n", "")


def on_a_terminal(*arguments: str, cwd: Path, **environment: str) -> str:
    """What a command prints when its stdout is a terminal."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*GRADE, *arguments],
        cwd=cwd,
        stdout=theirs,
        env=os.environ | {"TERM": "xterm", "COLUMNS": "100"} | environment,
    )
    os.close(theirs)
    said = b""
    while True:
        try:
            chunk = os.read(ours, 4096)
        except OSError:
            break
        if not chunk:
            break
        said += chunk
    os.close(ours)
    assert process.wait(20) == 0
    return said.decode()


def test_on_a_terminal_the_labs_are_a_table_with_the_next_step(course: Path) -> None:
    said = on_a_terminal("labs", cwd=course)
    assert "Functions asked for" in said
    assert "grade start lab01" in said


def test_no_color_means_no_colour(course: Path) -> None:
    assert "\x1b[3" not in on_a_terminal("labs", cwd=course, NO_COLOR="1")


def test_a_faulty_lab_does_not_hide_the_others(grade: Run, course: Path) -> None:
    write_course(course, "lab02")
    (course / "assignments/lab02/lab.toml").write_text("titel = 'x'\n")
    code, out, err = grade("labs")
    assert code == 4
    assert out.startswith("lab01\t")
    assert "lab02/lab.toml:1: unknown key “titel”" in err


def test_a_course_without_labs_says_what_a_lab_is(grade: Run, tmp_path: Path) -> None:
    for name in ("assignments", "rubrics"):
        (tmp_path / "empty" / name).mkdir(parents=True)
    code, _, err = grade("labs", "--course", str(tmp_path / "empty"))
    assert code == 4
    assert "lab.toml" in err


@pytest.mark.parametrize("order", [("--course", "C", "labs"), ("labs", "--course", "C")])
def test_the_course_can_be_named_before_or_after_the_command(
    grade: Run, tmp_path: Path, order: tuple[str, ...]
) -> None:
    other = write_course(tmp_path / "other", "lab07")
    code, out, _ = grade(*(str(other) if word == "C" else word for word in order))
    assert code == 0
    assert out.startswith("lab07\t")


def test_of_two_courses_the_one_after_the_command_counts(grade: Run, tmp_path: Path) -> None:
    other = write_course(tmp_path / "other", "lab07")
    assert grade("--course", ".", "labs", "--course", str(other))[1].startswith("lab07\t")


def test_one_call_leaves_no_course_behind_for_the_next(grade: Run, tmp_path: Path) -> None:
    other = write_course(tmp_path / "other", "lab07")
    grade("--course", str(other), "labs")
    assert grade("labs")[1].startswith("lab01\t")


def test_a_folder_that_is_no_course_is_a_wrong_use(grade: Run, tmp_path: Path) -> None:
    code, out, err = grade("labs", "--course", str(tmp_path))
    assert (code, out) == (2, "")
    assert "Hint: A course folder holds" in err


def test_start_writes_the_starter_and_says_what_is_next(grade: Run, course: Path) -> None:
    code, out, err = grade("start", "lab01")
    assert (code, err) == (0, "")
    starter = course / "assignments/lab01/starter.ipynb"
    assert (course / "lab01.ipynb").read_bytes() == starter.read_bytes()
    assert "grade check lab01”" in out


def test_start_makes_the_folder_that_is_named(grade: Run, course: Path) -> None:
    code, out, _ = grade("start", "lab01", "my/work")
    assert code == 0
    assert json.loads((course / "my/work/lab01.ipynb").read_text())["nbformat"] == 4
    assert "grade check lab01 my/work/lab01.ipynb”" in out


def test_start_never_overwrites_work(grade: Run, course: Path) -> None:
    (course / "lab01.ipynb").write_text("my work")
    code, out, err = grade("start", "lab01")
    assert (code, out) == (2, "")
    assert "Hint:" in err
    assert (course / "lab01.ipynb").read_text() == "my work"


def test_start_does_not_write_through_a_link(grade: Run, course: Path, tmp_path: Path) -> None:
    (course / "lab01.ipynb").symlink_to(tmp_path / "elsewhere")
    assert grade("start", "lab01")[0] == 2
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("target", ["file", "file/below"])
def test_start_into_a_file_is_a_wrong_use(grade: Run, course: Path, target: str) -> None:
    (course / "file").write_text("x")
    code, _, err = grade("start", "lab01", target)
    assert code == 2
    assert "Traceback" not in err


def test_start_with_a_wrong_lab_names_the_nearest(grade: Run) -> None:
    code, _, err = grade("start", "lab1")
    assert code == 2
    assert "Did you mean lab01?" in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("lab",), "Did you mean “grade labs”?"),
        (("chekc", "lab01"), "Did you mean “grade check”?"),
        (("xyzzy",), "grade --help"),
        (("start",), "Missing argument 'LAB'"),
        (("labs", "--nonsense"), "No such option"),
        (("--nonsense",), "No such option"),
        (("labs", "--course"), "requires an argument"),
    ],
)
def test_a_wrong_use_is_explained_with_exit_code_2(
    grade: Run, arguments: tuple[str, ...], said: str
) -> None:
    code, out, err = grade(*arguments)
    assert (code, out) == (2, "")
    assert said in err


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError("One sentence.", hint="Do this."), 2),
        (SandboxError("One sentence.", hint="Do this."), 3),
        (LabError("One sentence.", hint="Do this."), 4),
    ],
)
def test_an_error_is_one_sentence_and_a_hint(
    grade: Run, failing: Callable[[BaseException], None], error: Exception, code: int
) -> None:
    failing(error)
    assert grade("labs") == (code, "", "Error: One sentence.\nHint: Do this.\n")


def test_a_fault_of_the_grader_is_owned_up_to_without_a_traceback(
    grade: Run, failing: Callable[[BaseException], None]
) -> None:
    failing(ZeroDivisionError("two\nlines"))
    code, out, err = grade("labs")
    assert (code, out) == (3, "")
    assert "this is a fault of the grader: ZeroDivisionError: two lines" in err
    assert "Traceback" not in err


@pytest.mark.parametrize("order", [("--debug", "labs"), ("labs", "--debug")])
def test_debug_shows_the_traceback(
    grade: Run, failing: Callable[[BaseException], None], order: tuple[str, ...]
) -> None:
    failing(ZeroDivisionError())
    code, _, err = grade(*order)
    assert code == 3
    assert "Traceback" in err


def test_the_environment_can_ask_for_the_traceback(
    grade: Run, failing: Callable[[BaseException], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRADE_DEBUG", "1")
    failing(ZeroDivisionError())
    assert "Traceback" in grade("labs")[2]


def test_an_interruption_is_130(grade: Run, failing: Callable[[BaseException], None]) -> None:
    failing(KeyboardInterrupt())
    code, _, err = grade("labs")
    assert code == 130
    assert "Traceback" not in err


def test_ctrl_c_ends_a_real_process_with_130(tmp_path: Path) -> None:
    program = (
        "import sys, time, click\n"
        "from grader import cli\n"
        "import grader.cli.labs as module\n"
        "@click.command()\n"
        "def labs():\n"
        "    print('ready', flush=True)\n"
        "    time.sleep(30)\n"
        "module.labs = labs\n"
        "sys.exit(cli.run(['labs']))\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout
    assert process.stdout.readline() == b"ready\n"
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=10)
    assert process.returncode == 130
    assert b"Traceback" not in err


def test_a_reader_that_leaves_early_is_no_fault(course: Path) -> None:
    with subprocess.Popen(
        [*GRADE, "labs"], cwd=course, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(10) == 141


def test_output_that_the_terminal_cannot_encode_is_escaped(course: Path) -> None:
    done = subprocess.run(
        [*GRADE, "start", "lab01"],
        cwd=course,
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
        capture_output=True,
    )
    assert done.returncode == 0
    assert b"grade check lab01" in done.stdout


@pytest.mark.parametrize("arguments", [(), ("--help",), ("-h",)])
def test_the_help_names_every_command(grade: Run, arguments: tuple[str, ...]) -> None:
    code, out, _ = grade(*arguments)
    assert code == 0
    for name, said in command_line.COMMANDS.items():
        assert name in out
        assert said in out


def test_the_version_is_the_packages(grade: Run) -> None:
    from importlib.metadata import version

    assert grade("--version") == (0, f"grade {version('labgrader')}\n", "")


def test_every_command_exists_and_is_called_as_the_overview_says() -> None:
    context = click.Context(command_line.cli)
    for name in command_line.COMMANDS:
        command = command_line.cli.get_command(context, name)
        assert command is not None
        assert command.name == name


def test_the_help_comes_at_once_and_loads_nothing_heavy() -> None:
    program = (
        "import sys\n"
        "from grader.cli import run\n"
        "run(['--help'])\n"
        "heavy = {'numpy', 'pydantic', 'rich', 'pytest', 'jinja2', 'nbformat', 'grader.course'}\n"
        "sys.exit(str(heavy & set(sys.modules)) if heavy & set(sys.modules) else 0)\n"
    )
    best = float("inf")
    for _ in range(5):
        started = time.perf_counter()
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
        best = min(best, time.perf_counter() - started)
        assert done.returncode == 0, done.stderr
    assert best < 0.5  # 0.08 s on an idle machine; the rest is for a busy one
