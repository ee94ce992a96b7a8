"""Tries a case and looks at the invariants that hold whatever a submission does.

I1  the grader goes on, and the results of others are what they are without it
I2  files outside are as they were, and no canary is in a report, the evidence or the output
I3  no process, mount, temporary file, control group or descriptor is left
I4  the marks are exactly those of the honest work in it
I5  it takes no longer than its limit and two seconds, and the grader's own memory stays flat
I6  the reports are inert
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any

from grader.errors import SubmissionError
from grader.grading import Graded, grade, rejected, sight_of
from grader.records.lab import Lab, Limits
from grader.records.submission import Cell, Submission
from grader.sandbox import Sandbox, Sight, keeper, open_sandbox, warm
from grader.sandbox.child import Child
from grader.sandbox.command import THE_SYSTEM
from grader.session import Session
from grader.submissions import read, unreadable
from tests.threats import course
from tests.threats.case import HONEST, Case, Way, word_of
from tests.threats.inert import assert_inert
from tests.threats.surroundings import (
    Surroundings,
    Traces,
    forget_peak,
    orphans_come_here,
    peak,
)

GRACE = 2.0
MEMORY = 192 << 20
"""Bytes by which the grader's own memory may grow for a moment: an answer has at most 64 MiB."""
PATIENT = Limits(run_seconds=36_000, call_seconds=10)
NEIGHBOUR = """
import os
open('/work/mine', 'w').write('mine')
open('/tmp/mine', 'w').write('mine')
def look():
    places = [sorted(os.listdir(place)) for place in ('/work', '/tmp', '/dev/shm')]
    return repr(places) + open('/work/mine').read() + open('/tmp/mine').read()
"""


class OnlyWarm(Sandbox):
    """A sandbox that forks from its warm servers, and never starts cold instead."""

    def start(
        self, limits: Limits | None = None, sight: Sight = THE_SYSTEM, *, entry: Any = "serve"
    ) -> Child:
        """See `Sandbox.start`."""
        address = next(one for one in self.warm if one.sight == sight)
        return warm.fork(address, limits or Limits(), entry)


@dataclass(frozen=True)
class Tried:
    """What came of a case."""

    word: str
    seconds: float
    graded: Graded | None = None


class Bench:
    """The surroundings, the sandboxes, and in each a neighbour that goes on while others attack."""

    def __init__(self, folder: Path) -> None:
        self.around = Surroundings(folder)
        self.pages: dict[str, str] = {}
        self._stack = ExitStack()
        self._neighbours: dict[Way, Session] = {}
        self._honest: dict[Way, dict[str, Any]] = {}
        self._servers: dict[str, Sandbox] = {}

    def __enter__(self) -> Bench:
        self._stack.enter_context(orphans_come_here())
        self.around.furnish(self._stack)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    @cached_property
    def cold(self) -> Sandbox:
        """The machine's sandbox, which has to be at its best."""
        found = open_sandbox()
        assert found.isolation == "full", found.reasons
        return found

    def lab(self, name: str) -> Lab:
        """One of the course's labs."""
        return course.load(self.around.course, name)

    def sandbox(self, lab: Lab, way: Way) -> Sandbox:
        """Where submissions to `lab` run in this way."""
        if way == "cold":
            return self.cold
        key = f"{way} {lab.data}"
        if key not in self._servers:
            start = self._forking if way == "warm" else self._lending
            self._servers[key] = start(lab)
            # Once it has forked, the server has imported what it imports.
            with self._servers[key].start(lab.limits, sight_of(lab)) as child:
                child.channel.settimeout(60)
                assert child.channel.recv(1)
        return self._servers[key]

    def _forking(self, lab: Lab) -> Sandbox:
        assert self.cold.way is not None
        preload = ("numpy", "IPython.core.interactiveshell") if lab.data is None else warm.PRELOAD
        serving = warm.serving(self.cold.way, [sight_of(lab)], preload)
        servers = self._stack.enter_context(serving)
        return OnlyWarm(self.cold.isolation, way=self.cold.way, warm=servers)

    def _lending(self, lab: Lab) -> Sandbox:
        """What a keeper of this bench's own lends to `grade check`; it ends with the bench."""
        runtime = self.around.folder / "runtime"
        runtime.mkdir(0o700)
        os.environ |= {"XDG_RUNTIME_DIR": str(runtime), "GRADE_WARM_MINUTES": "5", "CI": ""}
        keeper.leave_behind(sight_of(lab), ("numpy",))
        end = time.monotonic() + 60
        while (found := keeper.standing()) is None and time.monotonic() < end:
            time.sleep(0.05)
        assert found is not None, "no keeper came"
        self._stack.callback(os.kill, found.pid, signal.SIGTERM)
        lent = self._stack.enter_context(keeper.lent(sight_of(lab)))
        assert lent is not None
        return OnlyWarm("full", way=lent.sandbox.way, warm=lent.sandbox.warm)

    def settle(self, way: Way) -> None:
        """Start the neighbour and grade honest work once, which all later ones have to equal."""
        if way in self._neighbours:
            return
        lab = self.lab("plain")
        child = self.sandbox(lab, way).start(PATIENT, sight_of(lab))
        session = self._stack.enter_context(Session(child, PATIENT))
        session.run(_module(NEIGHBOUR), seed=0, data=None)
        self._neighbours[way] = session
        self._honest[way] = self._plain(way)
        assert self._honest[way]["score"] == 10

    def _plain(self, way: Way) -> dict[str, Any]:
        lab = self.lab("plain")
        result = grade(lab, _module(HONEST), self.sandbox(lab, way), hidden=True).result.to_json()
        del result["seconds"]
        return result

    def try_case(self, case: Case, way: Way) -> Tried:
        """Try a case. Raises AssertionError where the verdict or an invariant is not met."""
        self.settle(way)
        if case.trial is None:
            self.sandbox(self.lab(case.lab), way)
        files, traces = self.around.state(), Traces.now()
        neighbour, held = self._neighbours[way].call("look").value, forget_peak()
        for turn in range(case.turns):
            tried = self._once(case, way)
            assert tried.seconds <= self._allowed(case), f"I5: {tried.seconds:.1f} s"
            assert tried.word in case.verdict.split("|"), f"{tried.word} in turn {turn}"
        grown = peak() - held
        assert case.trial is not None or grown < MEMORY, f"I5: {grown >> 20} MiB more memory"
        assert self.around.state() == files, "I2: a file outside changed"
        left = traces.left_over()
        assert not left, f"I3: {left}"
        assert self._neighbours[way].call("look").value == neighbour, "I1: the neighbour"
        assert self._plain(way) == self._honest[way], "I1: honest work"
        return tried

    def _allowed(self, case: Case) -> float:
        return self.lab(case.lab).limits.total_seconds + GRACE if case.trial is None else 120.0

    def _once(self, case: Case, way: Way) -> Tried:
        started = time.monotonic()
        if case.trial is not None:
            return Tried(case.trial(self, way), time.monotonic() - started)
        lab = self.lab(case.lab)
        graded = self.graded(case, lab, self.sandbox(lab, way))
        late = word_of(graded.result) == "TLE" and "TLE" not in case.verdict
        if late or time.monotonic() - started > self._allowed(case):
            # A machine that is busy gets a second chance.
            started = time.monotonic()
            graded = self.graded(case, lab, self.sandbox(lab, way))
        seconds = time.monotonic() - started
        self._judge(case, graded)
        page = self.pages[f"{case.name} {way}"] = assert_inert(graded)["page"]
        for text in case.shown:
            assert text in page, f"not on the page: {text!r}"
        return Tried(word_of(graded.result), seconds, graded)

    def graded(self, case: Case, lab: Lab, sandbox: Sandbox) -> Graded:
        """The case's submission through the whole flow, as `grade check` takes it."""
        handed_in = self.around.folder / "handed-in"
        handed_in.mkdir()
        try:
            path = (case.hand_in or _as_module)(handed_in, self.told(case.program))
            try:
                submission = read(path, relative_to=handed_in, lab_id=lab.id)
            except SubmissionError as error:
                unread = unreadable(path, relative_to=handed_in)
                return rejected(lab, unread, error, hidden=True)
            return grade(lab, submission, sandbox, hidden=True)
        finally:
            # What is nested deeply is too much for shutil.
            subprocess.run(["rm", "-rf", str(handed_in)], check=True)

    def told(self, program: str) -> str:
        """The program, with what an attacker may know of this machine where it asks for it."""
        everything = {**self.around.known, "pid": os.getpid()}
        known = {key: value for key, value in everything.items() if f'KNOWN["{key}"]' in program}
        return f"KNOWN = {known!r}\n{program}" if "KNOWN" in program else program

    def _judge(self, case: Case, graded: Graded) -> None:
        result = graded.result
        text = "".join(cell.text for cell in graded.evidence.cells)
        faults = [cell.fault for cell in graded.evidence.cells if cell.fault]
        seen = f"{text[-800:]} {faults[-1:]} {json.dumps(result.to_json())[:1500]}"
        assert result.score == case.earns, f"I4: {result.score} points; {seen}"
        assert word_of(result) in case.verdict.split("|"), f"{word_of(result)}; {seen}"
        assert result.isolation == "full" or result.status == "rejected"
        assert case.reason in (result.reason or ""), result.reason
        for said in case.says:
            assert said in text, f"not printed: {said!r}; {seen}"
        outcomes = {check.id: str(check.outcome) for check in result.checks}
        for check, outcome in case.outcomes.items():
            assert outcomes[check] == outcome, (check, outcomes[check])


def _module(source: str) -> Submission:
    return Submission("student", "student.py", "", "module", (Cell(1, source),))


def _as_module(folder: Path, source: str) -> Path:
    path = folder / "work.py"
    path.write_text(source, encoding="utf-8")
    return path
