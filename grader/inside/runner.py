"""Run a submission from top to bottom, once, cell by cell.

A failing cell is recorded with its line and does not stop the later ones. After an error a module's
remaining functions, classes and imports are still made, so that what can be judged is judged.
"""

from __future__ import annotations

import ast
import builtins
import linecache
import os
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from . import faults
from .deadline import TimeUp, deadline
from .transcript import Transcript

Send = Callable[[dict[str, Any]], None]
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)


class OutputEnds(BaseException):
    """The submission printed more than any run may."""


class InputRefused(RuntimeError):
    """`input()` was called where nobody can answer."""


class Runner:
    """Holds the submission's namespace, during its run and for the calls that follow."""

    def __init__(self, job: dict[str, Any], send: Send) -> None:
        self._job = job
        self._send = send
        self._limits = job["limits"]
        self.transcript = Transcript(
            self._limits["text_kept"], self._limits["text_ends_run"], self._too_much_text
        )
        self.namespace: dict[str, Any] = {}
        self._given: dict[str, Any] = {}
        self.after_cell: Callable[[dict[str, Any]], None] = lambda _namespace: None

    def prepare(self) -> None:
        """Lay out the work folder and make the process look like an ordinary run."""
        sys.path.append(os.getcwd())
        sys.argv = ["submission.py"]
        sys.stdout = sys.stderr = self.transcript
        builtins.input = _refuse_input
        for file in self._job["files"]:
            target = Path(file["path"])
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(file["content"].tobytes())
            except OSError as error:
                print(f"{target.name[:80]} could not be put beside your file: {error.strerror}")

    def run(self) -> str | None:
        """Run all cells within the time limit; the limit that was hit, or None."""
        run_cell = self._notebook() if self._job["kind"] == "notebook" else self._module()
        cells = self._job["cells"]
        reached, limit = 0, None
        try:
            with deadline(self._limits["run_seconds"]):
                for reached, cell in enumerate(cells):  # noqa: B007 - named when time is up
                    error = run_cell(cell)
                    self._report(cell, error)
                    self.after_cell(self.namespace)
                    limit = limit or faults.limit_of(error)
                    if issubclass(type(error), TimeUp):
                        return "time"
                    if issubclass(type(error), OutputEnds):
                        return "output"
        except TimeUp as error:
            self._report(cells[reached], error)
            return "time"
        return limit

    def variables(self) -> dict[str, Any]:
        """What the submission has named, without what a shell provides: In, Out, exit …"""
        given = self._given
        return {
            name: value
            for name, value in list(self.namespace.items())
            # Only of plain texts it is known that to look them up runs none of their code.
            if type(name) is str and (name not in given or given[name] is not value)
        }

    def _notebook(self) -> Callable[[dict[str, Any]], BaseException | None]:
        from .shell import Shell

        shell = Shell()
        self.namespace = shell.namespace
        self._given = dict(shell.namespace)

        def run_cell(cell: dict[str, Any]) -> BaseException | None:
            return shell.run(cell["number"], cell["source"])

        return run_cell

    def _module(self) -> Callable[[dict[str, Any]], BaseException | None]:
        module = types.ModuleType("__main__")
        sys.modules["__main__"] = module
        self.namespace = module.__dict__
        whole = len(self._job["cells"]) == 1

        def run_cell(cell: dict[str, Any]) -> BaseException | None:
            name = faults.MODULE_FILE if whole else faults.cell_file(cell["number"])
            return run_source(cell["source"], name, cell["first_line"], self.namespace)

        return run_cell

    def _report(self, cell: dict[str, Any], error: BaseException | None) -> None:
        text, cut = self.transcript.take()
        self._send(
            {
                "cell": {
                    "number": cell["number"],
                    "ok": error is None,
                    "fault": None if error is None else faults.describe(error),
                    "text": np.frombuffer(text.encode("utf-8", "replace"), dtype=np.uint8),
                    "text_cut": cut,
                }
            }
        )

    def _too_much_text(self) -> None:
        raise OutputEnds("the submission printed too much")


def run_source(
    source: str, name: str, first_line: int, namespace: dict[str, Any]
) -> BaseException | None:
    """Run a piece of a module as file `name`; the exception that ended it, if any.

    Lines count from `first_line`. After an exception the definitions and imports further down
    are still made.
    """
    text = "\n" * (first_line - 1) + source + "\n"
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    try:
        tree = ast.parse(text, name)
    except BaseException as error:
        return error
    try:
        exec(compile(tree, name, "exec", dont_inherit=True), namespace)
    except BaseException as error:
        if not issubclass(type(error), (SyntaxError, TimeUp, OutputEnds)):
            _define_the_rest(tree, name, namespace, error)
        return error
    return None


def _define_the_rest(
    tree: ast.Module, name: str, namespace: dict[str, Any], error: BaseException
) -> None:
    stopped = error.__traceback__
    while stopped is not None and stopped.tb_frame.f_code.co_filename != name:
        stopped = stopped.tb_next
    line = stopped.tb_lineno if stopped is not None else 0
    for node in tree.body:
        if node.lineno > line and isinstance(node, DEFINITIONS):
            part = ast.Module([node], [])
            try:
                exec(compile(part, name, "exec", dont_inherit=True), namespace)
            except (TimeUp, OutputEnds):
                raise
            except BaseException:
                continue


def _refuse_input(prompt: object = "") -> str:
    raise InputRefused(
        f"input({str(prompt)[:80]!r}) was called, but nobody is there to type while a lab is graded"
    )
