"""The student's functions, called in the sandbox as if they were here."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import Any, NoReturn

from grader.checks.expectations import fail
from grader.gist import how_it_stopped
from grader.live import Live
from grader.records.evidence import Evidence
from grader.session import MissingFunction


class Student:
    """`student.normalize(x)` calls the submission's `normalize`.

    NumPy arrays and plain values go in; NumPy arrays, plain values, tuples, lists, dicts, `Batches`
    (a dataset) or `Unreadable` come back. A missing function fails the check with what it may have
    been called instead; an exception of the student's ends it as `error`, with cell and line.
    """

    def __init__(self, live: Live, evidence: Evidence) -> None:
        self._live = live
        self._evidence = evidence

    def has(self, name: str) -> bool:
        """Whether the submission left a function of that name behind."""
        return name in self._functions()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("_"):
            raise AttributeError(name)

        def call(*args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            try:
                return self._live.call(name, *args, **kwargs).value
            except MissingFunction:
                pass
            return self._missing(name)

        return call

    def _functions(self) -> list[str]:
        return [value.name for value in self._evidence.values if value.callable]

    def _missing(self, name: str) -> NoReturn:
        __tracebackhide__ = True
        cell = line = None
        near = difflib.get_close_matches(name, self._functions(), n=1, cutoff=0.6)
        broken = next((cell for cell in self._evidence.cells if not cell.ok), None)
        if near:
            step = f"There is a function `{near[0]}`: did you mean `{name}`? Rename it."
        elif broken is not None and broken.fault is not None:
            cell, line = broken.fault.cell, broken.fault.line
            where = "The program" if cell is None else f"Cell {cell}"
            how = how_it_stopped(broken.fault.type)
            step = f"{where} {how} before it was made: mend that first."
        else:
            step = f"Define a function with exactly this name: `def {name}(…):`."
        fail(
            observed=f"there is no function `{name}`",
            expected=f"a function `{name}`",
            why="The checks call your function by this name.",
            next=step,
            cell=cell,
            line=line,
        )
