"""Grade everything that tests a course's checks, in several processes at once."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field

from grader.course import Course, calibrated
from grader.errors import LabError, SandboxError
from grader.grading import sight_of, versions
from grader.interrupts import undisturbed
from grader.records.lab import Lab
from grader.records.submission import Submission
from grader.sandbox import Sight, kept_warm, open_sandbox
from grader.sandbox.warm import wanted_by
from grader.validation.cases import Case, find_cases
from grader.validation.codes import must_know_all_codes
from grader.validation.judging import Graded
from grader.validation.mutants import Mutant, choose, make_mutants, most_for
from grader.validation.report import LabReport
from grader.validation.shortening import shortened
from grader.validation.survivors import Explanations, read_explanations
from grader.validation.worker import get_ready, grade_one

Watch = Callable[[LabReport, int, int], None]
"""Told after each grading: the lab, how many of its gradings are done, and how many there are."""

FEW = 10
"""So many cases are looked at to see whether a lab's work imports TensorFlow."""
STOP_SECONDS = 2.0
"""How long the processes may take to end once validation is interrupted."""
SLOWER, SPARE_SECONDS = 5, 20
"""A mutant may run this many times as long as its reference took, and so many seconds more."""


@dataclass
class _Progress:
    """A lab on its way."""

    lab: Lab
    report: LabReport
    cases: list[Case]
    mutants: list[Mutant]
    explanations: Explanations
    waiting: int = 0
    done: int = 0
    graded: dict[str, Graded] = field(default_factory=dict)

    @property
    def baseline(self) -> list[Case]:
        """What has to earn full marks before a mutant's verdict says anything."""
        return [case for case in self.cases if case.kind in ("reference", "shortened")]

    @property
    def total(self) -> int:
        """How many gradings there are, as far as is known."""
        return len(self.cases) + len(self.mutants)


def validate(
    course: Course,
    labs: Sequence[str],
    *,
    jobs: int,
    mutants: bool = True,
    watch: Watch = lambda _report, _done, _total: None,
) -> list[LabReport]:
    """Test the checks of these labs. A faulty lab has a `fault` in its report and stops no other.

    Raises UsageError for an unknown lab, SandboxError when a grading process dies.
    """
    parts = [_prepare(course, lab, mutants=mutants) for lab in labs]
    runs = [part for part in parts if isinstance(part, _Progress)]
    context = multiprocessing.get_context("spawn")
    with (
        kept_warm(open_sandbox(), _sights(runs)) as sandbox,
        ProcessPoolExecutor(
            jobs, mp_context=context, initializer=get_ready, initargs=(sandbox,)
        ) as pool,
    ):
        try:
            _Pool(course, pool, watch).run(runs)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            _end_processes()
            raise
    return [part.report if isinstance(part, _Progress) else part for part in parts]


def _end_processes() -> None:
    """Have the processes end that grade, with what they run: again and again, for one that is told
    while it grades goes on to the next."""
    end = time.monotonic() + STOP_SECONDS
    while (left := multiprocessing.active_children()) and time.monotonic() < end:
        for process in left:
            process.terminate()
        time.sleep(0.05)
    for process in left:
        process.kill()


def _sights(runs: Sequence[_Progress]) -> list[Sight]:
    """What the submissions to labs of neural networks see: a warm server is worth its while."""
    wanted = [
        part for part in runs if any(wanted_by(case.submission.source) for case in part.cases[:FEW])
    ]
    return [sight_of(part.lab) for part in wanted]


def _prepare(course: Course, lab_id: str, *, mutants: bool) -> _Progress | LabReport:
    report = LabReport(lab_id)
    try:
        lab = course.load(lab_id)
        must_know_all_codes(lab)
        cases = find_cases(lab)
        explanations = read_explanations(lab.folder)
    except LabError as error:
        report.fault, report.hint = error.message, error.hint
        return report
    changed = calibrated.differences(calibrated.read(lab.folder / calibrated.NAME), versions())
    if changed:
        report.notes.append(
            f"What accuracy marks was measured under other versions ({', '.join(changed)}): "
            "calibrate again."
        )
    chosen: list[Mutant] = []
    if mutants and lab.kind == "code":
        reference = cases[0].submission
        short = shortened(reference, lab.validation)
        if short != reference:
            cases.insert(1, Case(lab.id, "shortened", cases[0].name, short))
        made = make_mutants(lab, short)
        report.made = len(made)
        chosen = _choose(made, explanations, most_for(lab))
    return _Progress(lab, report, cases, chosen, explanations)


def _choose(made: Sequence[Mutant], explanations: Explanations, most: int) -> list[Mutant]:
    """At most so many; those that may survive only where there is room for them."""
    asked = [mutant for mutant in made if explanations.reason(mutant.id) is None]
    others = [mutant for mutant in made if mutant not in asked]
    kept = choose(asked, most)
    kept += choose(others, most - len(kept))
    return [mutant for mutant in made if mutant in kept]


class _Pool:
    """Hands out gradings and takes in what came of them."""

    def __init__(self, course: Course, pool: ProcessPoolExecutor, watch: Watch) -> None:
        self._course = course
        self._pool = pool
        self._watch = watch
        self._running: dict[Future[Graded], tuple[_Progress, Case | Mutant]] = {}

    def run(self, labs: Sequence[_Progress]) -> None:
        """Grade everything: a lab's mutants once its reference has earned full marks."""
        with undisturbed():  # the first one starts the processes
            for part in labs:
                for case in part.baseline:
                    self._submit(part, case, case.submission, None)
        for part in labs:
            for case in part.cases:
                if case not in part.baseline:
                    self._submit(part, case, case.submission, None)
        while self._running:
            finished, _ = wait(self._running, return_when=FIRST_COMPLETED)
            for future in finished:
                self._take(future)

    def _submit(
        self,
        part: _Progress,
        what: Case | Mutant,
        submission: Submission,
        seconds: float | None,
    ) -> None:
        future = self._pool.submit(grade_one, self._course.folder, part.lab.id, submission, seconds)
        self._running[future] = (part, what)
        part.waiting += 1

    def _take(self, future: Future[Graded]) -> None:
        part, what = self._running.pop(future)
        try:
            graded = future.result()
        except BrokenProcessPool:
            raise SandboxError(
                "a process that grades has died", hint="Try fewer at once: --jobs 1."
            ) from None
        part.waiting -= 1
        part.done += 1
        part.report.seconds += graded.seconds
        part.graded[_key(what)] = graded
        if graded.faulty_lab and part.report.fault is None:
            part.report.fault = graded.fault
        if isinstance(what, Case) and what in part.baseline:
            self._go_on_to_mutants(part)
        self._watch(part.report, part.done, part.total)
        if part.waiting == 0:
            _conclude(part)

    def _go_on_to_mutants(self, part: _Progress) -> None:
        """Once all of the baseline is in: grade the mutants, or say why not."""
        marks = [part.graded.get(_key(case)) for case in part.baseline]
        if None in marks or not part.mutants:
            return
        if not all(graded is not None and graded.full for graded in marks):
            part.mutants.clear()
            part.report.notes.append(
                "No mutant was graded: the reference itself does not earn full marks."
            )
            return
        took = max(graded.seconds for graded in marks[-1:] if graded is not None)
        for mutant in part.mutants:
            self._submit(part, mutant, mutant.submission, SPARE_SECONDS + SLOWER * took)


def _key(what: Case | Mutant) -> str:
    return what.id if isinstance(what, Mutant) else f"{what.kind} {what.name}"


def _conclude(part: _Progress) -> None:
    """Put everything into the report in its own order, whatever came first."""
    report = part.report
    report.results = [(case, part.graded[_key(case)]) for case in part.cases]
    report.outcomes = [(mutant, part.graded[_key(mutant)]) for mutant in part.mutants]
    survivors = [mutant.id for mutant in report.survivors]
    report.explained = {
        mutant: reason
        for mutant in survivors
        if (reason := part.explanations.reason(mutant)) is not None
    }
    if len(part.mutants) < report.made and part.mutants:
        report.notes.append(
            f"{len(part.mutants)} of {report.made} mutants were graded, chosen evenly over the "
            "operators; [validation] mutants in lab.toml changes how many."
        )
    elif part.mutants:
        report.notes += [
            f"survivors.toml explains “{pattern}”, and no such mutant survives any more."
            for pattern in part.explanations.unused(survivors)
        ]
