"""Run a lab's right answers under many seeds, in the sandbox and at the lab's own limits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from grader.calibration.seeds import with_seed
from grader.errors import LabError, SandboxError
from grader.grading import open_subject
from grader.records.lab import Lab
from grader.sandbox import Sandbox
from grader.submissions import read


@dataclass(frozen=True)
class Run:
    """The accuracy of one answer under one seed; `right` says whether it is a right one."""

    name: str
    seed: int
    accuracy: float
    right: bool = True


def family(lab: Lab) -> dict[str, tuple[Path, bool]]:
    """The answers by name, and whether each is right: the reference, the right fixtures, and those
    wrong ones that the lab's accuracy is to catch (`accuracy_catches` in the settings of lab.toml).

    Raises LabError where there is nothing to measure.
    """
    folder = lab.folder / "fixtures"
    found = {path.stem: (path, True) for path in _files(folder / "right")}
    if lab.reference is not None:
        found[lab.reference.stem] = (lab.reference, True)
    wrong = {path.stem: path for path in _files(folder / "wrong")}
    for name in lab.settings.get("accuracy_catches", ()):
        if name not in wrong:
            raise LabError(
                f"{lab.folder / 'lab.toml'}: there is no wrong answer called {name!r}.",
                hint="accuracy_catches names files of fixtures/wrong without their ending.",
            )
        found[name] = (wrong[name], False)
    if not any(right for _, right in found.values()):
        raise LabError(
            f"{lab.id} has no right answers to measure.",
            hint="Write a reference, and different right answers in fixtures/right.",
        )
    return found


def measure(
    lab: Lab, sandbox: Sandbox, wanted: Iterable[tuple[str, int]], jobs: int
) -> Iterator[Run]:
    """Run each (name, seed), `jobs` at a time, and yield what comes of it, in their order.

    Raises LabError where an answer cannot be asked for its accuracy.
    """
    answers = family(lab)

    def one(name: str, seed: int) -> Run:
        path, right = answers[name]
        return Run(name, seed, accuracy_of(lab, path, sandbox, seed), right)

    with ThreadPoolExecutor(jobs) as pool:
        waiting = [pool.submit(one, name, seed) for name, seed in wanted]
        try:
            for future in waiting:
                yield future.result()
        finally:
            pool.shutdown(cancel_futures=True)


def accuracy_of(lab: Lab, path: Path, sandbox: Sandbox, seed: int) -> float:
    """The accuracy of one answer on the graded digits under one seed."""
    submission = with_seed(read(path), seed)
    with open_subject(replace(lab, seed=lab.seed + seed), submission, sandbox) as subject:
        if subject.graded is None or subject.graded.predictions is None:
            raise LabError(
                f"{path.name} under seed {seed} has no accuracy: it trained no model that could "
                "be asked.",
                hint="Look at it with `grade check`, and mend it or take it out of the fixtures.",
            )
        if subject.live.limit is not None:
            raise SandboxError(f"{path.name} under seed {seed} hit a limit: {subject.live.limit}")
        return subject.graded.accuracy


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.suffix in (".py", ".ipynb"))
