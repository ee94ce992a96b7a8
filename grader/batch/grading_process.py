"""A grading process of a cluster's worker: it grades for one batch, warm, until nothing more comes.

Dask's workers may not have children of multiprocessing, and cannot end a task that runs: this is
a process of its own, which can be ended, and which ends by itself when its worker does.
"""

from __future__ import annotations

import sys
from contextlib import ExitStack
from multiprocessing.connection import Connection
from pathlib import Path

from grader.batch.messages import Done, Orders, Unfit
from grader.batch.saved import files_of
from grader.batch.state import Stamp, stamp_of
from grader.batch.warmth import kept_ready
from grader.batch.worker import be_deaf, fault, hung_up, judged, stop
from grader.course import Course
from grader.errors import GraderError
from grader.grading import invalid, versions
from grader.interrupts import obey
from grader.records.lab import Lab
from grader.records.submission import Submission
from grader.sandbox import Sandbox, open_sandbox

IDLE_SECONDS = 120.0
"""A batch that has sent nothing for so long has ended, whether it could say so or not."""


def main() -> None:
    """Grade what comes through the descriptor that the command line names."""
    with Connection(int(sys.argv[1])) as connection:
        try:
            obey(stop, lambda: hung_up(connection))
            serve(connection)
        except (EOFError, OSError, KeyboardInterrupt):
            return
        finally:
            be_deaf()


def serve(connection: Connection) -> None:
    """Take the orders, say whether they can be followed, then grade."""
    orders: Orders = connection.recv()
    with ExitStack() as stack:
        try:
            lab, cold = _made_ready(orders)
            sandbox = stack.enter_context(kept_ready(cold, lab, tuple(orders["preload"])))
        except GraderError as error:
            connection.send(Unfit(error.message, error.hint))
            return
        connection.send(cold.isolation)
        while connection.poll(IDLE_SECONDS):
            connection.send(graded(lab, connection.recv(), sandbox))


def _made_ready(orders: Orders) -> tuple[Lab, Sandbox]:
    """The lab and the sandbox. Raises GraderError where a verdict could be another than there."""
    wanted = Stamp.from_json(orders["stamp"])
    course = Path(orders["course"])
    if not course.is_dir():
        raise GraderError(
            f"it sees no course at {course}.",
            hint="Put the course at the same path on every machine, on a shared disk for example.",
        )
    lab = Course(course).load(wanted.lab)
    differences = wanted.differences(stamp_of(lab, versions(lab.kind)), " → ")
    if differences:
        raise GraderError(
            f"its verdicts could be others, for it differs (here → there): "
            f"{', '.join(differences)}.",
            hint="Install the same versions on every machine, and give them the same course.",
        )
    sandbox = open_sandbox()
    if not sandbox.suffices(weak=orders["weak"]):
        why = " ".join(sandbox.reasons)
        raise GraderError(
            f"it shuts submissions in only as “{sandbox.isolation}”. {why}".strip(),
            hint="“grade doctor”, run there, says what is missing; see docs/cluster.md.",
        )
    return lab, sandbox


def graded(lab: Lab, submission: Submission, sandbox: Sandbox | None) -> Done:
    """Grade one submission, whose files are to be written elsewhere."""
    found, faulty_lab = judged(lab, submission, sandbox)
    try:
        return Done(found.result.status.value, files_of(found), faulty_lab)
    except (ValueError, ArithmeticError, LookupError, RecursionError) as error:
        found = invalid(lab, submission, fault(error), hidden=True)
        return Done("invalid", files_of(found), faulty_lab)


if __name__ == "__main__":
    main()
