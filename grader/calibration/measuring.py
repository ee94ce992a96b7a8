"""Run a lab's right answers under many seeds, in the sandbox and at the lab's own limits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from grader.errors import LabError
from grader.grading import accuracy_under
from grader.records.lab import Lab
from grader.records.submission import Submission
from grader.sandbox import Sandbox
from grader.submissions import read


@dataclass(frozen=True)
class Answer:
    """A submission whose accuracy is measured; `right` says whether it is a right one."""

    name: str
    submission: Submission
    right: bool = True


@dataclass(frozen=True)
class Run:
    """The accuracy of one answer under one seed, which is added to the lab's and its own."""

    name: str
    seed: int
    accuracy: float


def family(lab: Lab) -> dict[str, Answer]:
    """The answers by name: the reference and the right fixtures without those `left_out`, and the
    wrong ones that the lab's accuracy `catches`, as `[accuracy]` of lab.toml has it.

    Raises LabError where there is nothing to measure, or a name is none.
    """
    folder = lab.folder / "fixtures"
    right = {path.stem: path for path in _files(folder / "right")}
    if lab.reference is not None:
        right[lab.reference.stem] = lab.reference
    wrong = {path.stem: path for path in _files(folder / "wrong")}
    for key, names, known in (
        ("left_out", lab.accuracy.left_out, right),
        ("catches", lab.accuracy.catches, wrong),
    ):
        for name in names:
            if name not in known:
                raise LabError(
                    f"{lab.folder / 'lab.toml'}: [accuracy] {key} names {name!r}, and there is no "
                    "such answer.",
                    hint="It names files of fixtures/right or fixtures/wrong without their ending.",
                )
    chosen = {name: path for name, path in right.items() if name not in lab.accuracy.left_out}
    if not chosen:
        raise LabError(
            f"{lab.id} has no right answers to measure.",
            hint="Write a reference, and different right answers in fixtures/right.",
        )
    caught = {name: wrong[name] for name in lab.accuracy.catches}
    answers = [Answer(name, _read(lab, path)) for name, path in chosen.items()]
    answers += [Answer(name, _read(lab, path), right=False) for name, path in caught.items()]
    return {answer.name: answer for answer in answers}


def measure(
    lab: Lab,
    answers: Mapping[str, Answer],
    sandbox: Sandbox,
    wanted: Iterable[tuple[str, int]],
    jobs: int,
) -> Iterator[Run]:
    """Run each (name, seed), `jobs` at a time, and yield what comes of each as it ends.

    Raises LabError where a right answer has no accuracy.
    """

    def one(name: str, seed: int) -> Run:
        return Run(name, seed, accuracy_of(lab, answers[name], sandbox, seed))

    with ThreadPoolExecutor(jobs) as pool:
        waiting = [pool.submit(one, name, seed) for name, seed in wanted]
        try:
            for future in as_completed(waiting):
                yield future.result()
        finally:
            pool.shutdown(cancel_futures=True)


def accuracy_of(lab: Lab, answer: Answer, sandbox: Sandbox, seed: int) -> float:
    """The accuracy by which the lab would mark one answer under one seed.

    Raises LabError where it has none.
    """
    found = accuracy_under(lab, answer.submission, sandbox, seed)
    if found is None:
        raise LabError(
            f"{answer.name} under seed {seed} has no accuracy: it hit a limit, or trained no "
            "network that could be asked.",
            hint="Look at it with `grade check`; then mend it, or leave it out: left_out, catches.",
        )
    return found.accuracy


def conditions(lab: Lab) -> dict[str, str]:
    """What the runs hang on besides the answers and the versions."""
    return {
        "data": str(lab.data),
        "of": lab.accuracy.of,
        "seed": str(lab.seed),
        "training_work": str(lab.limits.training_work),
        "trainings": str(lab.limits.trainings),
    }


def _read(lab: Lab, path: Path) -> Submission:
    return read(path, lab_id=lab.id, kind=lab.kind)


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.suffix in (".py", ".ipynb"))
