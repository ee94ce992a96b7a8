"""`assignments/<lab>/calibration.toml`: the threshold, and every number that it was made from."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from grader.calibration.bounds import Spread, Threshold
from grader.calibration.measuring import Answer, Run
from grader.course.calibrated import NAME, UNFINISHED, differences, read
from grader.whole_files import replacing

HEAD = """\
# Written by `grade calibrate {lab}`. An accuracy loses points only where its upper 95 % limit
# (Clopper and Pearson) is below `marks`, which is to say below `passes`; students read `shown`.
# `low` and `high` are tolerance bounds: with 95 % confidence, 95 % of all runs lie above the one,
# and below the other. They assume a normal distribution; where `normality` (p of Shapiro and Wilk)
# is below 0.05, they reach to the outermost run.
"""


@dataclass
class Ledger:
    """A lab's runs, on disk after each: they count under the same versions, conditions and source.

    Until a calibration has come to its end they lie in a file of their own, and what was concluded
    before goes on marking.
    """

    lab: str
    folder: Path
    answers: Mapping[str, Answer]
    versions: Mapping[str, str]
    conditions: Mapping[str, str]
    runs: dict[tuple[str, int], Run] = field(default_factory=dict)

    def recall(self) -> list[str]:
        """Take in what was kept; return why some of it does not count any more."""
        reasons: list[str] = []
        for name in (NAME, UNFINISHED):
            kept = read(self.folder / name)
            changed = differences(kept, {**self.versions, **self.conditions})
            reasons += changed
            for answer in kept.answer if not changed else ():
                now = self.answers.get(answer.name)
                if now is None or now.right is not answer.right:
                    continue
                if now.submission.sha256 != answer.sha256:
                    reasons.append(f"{answer.name} has changed")
                    continue
                for seed, accuracy in zip(answer.seeds, answer.accuracies, strict=True):
                    self._take(Run(answer.name, seed, accuracy))
        return list(dict.fromkeys(reasons))

    def add(self, run: Run) -> None:
        """Keep one more run."""
        self._take(run)
        _write(self.folder / UNFINISHED, self._text({}, None))

    def close(self, spreads: Mapping[str, Spread], threshold: Threshold | None) -> Path:
        """Write down what follows from the runs; return the file."""
        _write(self.folder / NAME, self._text(spreads, threshold))
        (self.folder / UNFINISHED).unlink(missing_ok=True)
        return self.folder / NAME

    def accuracies(self, name: str) -> list[float]:
        """One answer's accuracies, in the order of their seeds."""
        return [run.accuracy for run in self._of(name)]

    def _of(self, name: str) -> list[Run]:
        own = (run for run in self.runs.values() if run.name == name)
        return sorted(own, key=lambda run: run.seed)

    def _take(self, run: Run) -> None:
        self.runs[run.name, run.seed] = Run(run.name, run.seed, round(run.accuracy, 4))

    def _text(self, spreads: Mapping[str, Spread], threshold: Threshold | None) -> str:
        """The file's text: the same for the same runs."""
        lines = [HEAD.format(lab=self.lab), *_threshold(threshold)]
        lines += ["[versions]", *_strings(self.versions), ""]
        lines += ["[conditions]", *_strings(self.conditions), ""]
        for answer in sorted(self.answers.values(), key=lambda one: (not one.right, one.name)):
            own = self._of(answer.name)
            if not own:
                continue
            lines += ["[[answer]]", f"name = {json.dumps(answer.name)}"]
            lines += [f"right = {str(answer.right).lower()}"]
            lines += [f'sha256 = "{answer.submission.sha256}"']
            lines += _numbers(spreads.get(answer.name))
            lines += _rows("seeds", [str(run.seed) for run in own])
            lines += [*_rows("accuracies", [f"{run.accuracy:.4f}" for run in own]), ""]
        return "\n".join(lines)


def _threshold(found: Threshold | None) -> list[str]:
    if found is None:
        return []
    overlapping = ", ".join(map(json.dumps, found.overlapping))
    return [
        "[threshold]",
        f"marks = {found.marks}",
        f"shown = {found.shown}",
        f"band = {found.band}",
        f"passes = {found.passes:.4f} # on {found.count} digits",
        f"overlapping = [{overlapping}]",
        "",
    ]


def _strings(words: Mapping[str, str]) -> list[str]:
    return [f"{name} = {json.dumps(said)}" for name, said in sorted(words.items())]


def _numbers(spread: Spread | None) -> list[str]:
    if spread is None:
        return []
    named = {
        "mean": spread.mean,
        "deviation": spread.deviation,
        "low": spread.low,
        "high": spread.high,
        "normality": spread.normality,
    }
    return [f"{name} = {value:.4f}" for name, value in named.items() if value is not None]


def _rows(name: str, words: Sequence[str]) -> list[str]:
    """A list over several lines of ten."""
    parts = [", ".join(words[start : start + 10]) for start in range(0, len(words), 10)]
    return [f"{name} = [", *(f"    {part}," for part in parts), "]"]


def _write(target: Path, text: str) -> None:
    """Replace the file as a whole, so that a run that is broken off loses nothing."""
    with replacing(target) as partial:
        partial.write_text(text, encoding="utf-8")
