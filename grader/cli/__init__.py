"""The command line: `grade`, whose commands are imported only when they are used."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from grader.errors import GraderError, SandboxError, UsageError

if TYPE_CHECKING:
    from grader.course import Course

COMMANDS = {
    "labs": "List the labs.",
    "start": "Write a lab's starter to fill in.",
    "check": "Check one submission and explain each mistake.",
    "batch": "Grade a whole class, safely, as fast as the machine allows.",
    "merge": "Put together the shards of a class that several machines graded.",
    "rescore": "Apply a changed rubric or message to a class; nothing is run.",
    "export": "Write a class's marks for Canvas, Moodle, Gradescope or nbgrader.",
    "calibrate": "Find the accuracy that marks, from many runs of right answers.",
    "new": "Write a new lab for its author to change.",
    "validate": "Test a lab's own checks: references, fixtures, mutants.",
    "doctor": "Prove the sandbox on this machine.",
}
"""Each command `name` is `grader.cli.<name>.<name>`; the text is for the overview."""

INTERRUPTED = 130
BROKEN_PIPE = 141
OURS = 3


def cores() -> int:
    """How many processor cores this process may use."""
    usable = getattr(os, "sched_getaffinity", None)
    return max(1, len(usable(0)) if usable else os.cpu_count() or 1)


@dataclass
class Common:
    """The options that every command takes, before or after its name."""

    course: Path | None = None
    debug: bool = False


def _store(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    common = context.find_root().ensure_object(Common)
    if value:
        setattr(common, str(parameter.name), value)


def _common_options() -> list[click.Parameter]:
    folder = click.Path(path_type=Path)
    return [
        click.Option(
            ["--course"],
            type=folder,
            metavar="DIR",
            expose_value=False,
            callback=_store,
            help="The course folder (default: here, the nearest above, or the one shipped).",
        ),
        click.Option(
            ["--debug"],
            is_flag=True,
            expose_value=False,
            callback=_store,
            help="Show a traceback when the grader itself fails.",
        ),
    ]


def current_course() -> Course:
    """The course that the options of the running command ask for.

    Raises UsageError or LabError when there is none.
    """
    from grader.course import find_course

    common = click.get_current_context().find_root().ensure_object(Common)
    return find_course(common.course, Path.cwd())


def course_folder() -> Path | None:
    """The course folder that is named, or the nearest here or above; never the shipped one.

    Raises UsageError where one is named that is none.
    """
    from grader.course import find_course, is_course

    common = click.get_current_context().find_root().ensure_object(Common)
    if common.course is not None:
        return find_course(common.course, Path.cwd()).folder
    here = Path.cwd()
    return next((folder for folder in (here, *here.parents) if is_course(folder)), None)


class LazyGroup(click.Group):
    """A group that knows its commands by name and imports the one that is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """The names, in the order of the overview."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import a command and give it the common options."""
        if cmd_name not in COMMANDS:
            return None
        command = getattr(import_module(f"grader.cli.{cmd_name}"), cmd_name)
        if not any(parameter.name == "course" for parameter in command.params):
            command.params.extend(_common_options())
        return command  # type: ignore[no-any-return]

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that is called. Raises UsageError with the nearest name."""
        name = args[0]
        if name in COMMANDS or name.startswith("-"):
            return super().resolve_command(ctx, args)
        close = get_close_matches(name.lower(), COMMANDS, n=1)
        hint = f"Did you mean “grade {close[0]}”?" if close else "“grade --help” lists them."
        raise UsageError(f"There is no command “{name}”.", hint=hint)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; a reader of stdout that leaves early ends it quietly."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            _let_go_of_lost_streams()
            ctx.exit(BROKEN_PIPE)
        return result

    def format_commands(
        self,
        ctx: click.Context,  # noqa: ARG002
        formatter: click.HelpFormatter,
    ) -> None:
        """Write the overview without importing a command."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


def _show_version(context: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if value:
        from importlib.metadata import version

        click.echo(f"grade {version('labgrader')}")
        context.exit()


@click.command(
    cls=LazyGroup,
    params=[
        *_common_options(),
        click.Option(
            ["--version"],
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=_show_version,
            help="Show the version.",
        ),
    ],
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
def cli() -> None:
    """Grade deep-learning labs: run a notebook in a sandbox and explain every mistake.

    Students begin with "grade labs", "grade start lab01" and "grade check lab01".
    """


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and give its exit code; errors become one sentence and a hint."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    code = _outcome(arguments, Common(debug=bool(os.environ.get("GRADE_DEBUG"))))
    _let_go_of_lost_streams()
    return code


def _outcome(arguments: Sequence[str] | None, common: Common) -> int:
    try:
        _must_be_somewhere()
        code = cli.main(args=arguments, prog_name="grade", standalone_mode=False, obj=common)
        return code if isinstance(code, int) else 0
    except GraderError as error:
        return _explain(error, common)
    except click.exceptions.NoArgsIsHelpError as error:
        with contextlib.suppress(OSError):
            click.echo(error.format_message())
        return 0
    except click.ClickException as error:
        with contextlib.suppress(OSError):
            error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        _tell("Interrupted.")
        return INTERRUPTED
    except Exception as error:
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            _let_go_of_lost_streams()
            return _explain(SandboxError("the disk is full", hint="Free some space."), common)
        return _our_fault(error, common)


def _let_go_of_lost_streams() -> None:
    """Drop what nobody can take, or Python, which flushes at its end, ends with a code of its own.

    Both may be lost: `2>&1 | head`, or a log on a full disk.
    """
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)


def _must_be_somewhere() -> None:
    """Raise UsageError where the current folder was deleted: every path would be about nothing."""
    try:
        os.getcwd()
    except OSError:
        raise UsageError("The current folder is gone.", hint="Change to another one.") from None


def _explain(error: GraderError, common: Common) -> int:
    if common.debug and error.exit_code == OURS:
        _traceback()
    _tell(f"Error: {error.message}", *([f"Hint: {error.hint}"] if error.hint else []))
    return error.exit_code


def _tell(*lines: str) -> None:
    """Say it on standard error, where somebody hears it; the exit code is told in any case."""
    with contextlib.suppress(OSError):
        for line in lines:
            click.echo(line, err=True)


def _our_fault(error: Exception, common: Common) -> int:
    if common.debug:
        _traceback()
    said = " ".join(str(error).split())[:200]
    _tell(
        f"Error: this is a fault of the grader: {type(error).__name__}: {said}",
        "Hint: your work is not to blame; tell the course staff. --debug shows more.",
    )
    return OURS


def _traceback() -> None:
    import traceback

    traceback.print_exc()
