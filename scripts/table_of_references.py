"""The table of reference accuracies in the README: each reference graded, and what it must reach.

    python scripts/table_of_references.py [LAB...]

Prints Markdown, one row for each lab whose reference trains a model on the digits. Ends with 1
where a reference loses points or stays below `[validation] accuracy` of its lab.toml.
"""

from __future__ import annotations

import sys
from pathlib import Path

from grader.course import Course
from grader.grading import grade, sight_of
from grader.records.lab import Lab
from grader.records.result import Result
from grader.sandbox import kept_warm, open_sandbox
from grader.submissions import read

ROOT = Path(__file__).resolve().parent.parent
HEAD = """\
| lab | points | accuracy on the graded digits | to reach | seconds |
| --- | ---: | ---: | ---: | ---: |"""


def main() -> int:
    """Grade and print; 1 where a reference falls short."""
    course = Course(ROOT)
    labs = [course.load(name) for name in sys.argv[1:] or course.labs()]
    labs = [lab for lab in labs if lab.kind == "code" and lab.reference is not None]
    short = False
    print(HEAD)
    with kept_warm(open_sandbox(), [sight_of(lab) for lab in labs]) as sandbox:
        for lab in labs:
            assert lab.reference is not None
            result = grade(lab, read(lab.reference), sandbox, hidden=True).result
            accuracy = result.metrics.get("graded_accuracy")
            short |= _falls_short(lab, result)
            if accuracy is not None:
                print(_row(lab, result, accuracy), flush=True)
    return int(short)


def _falls_short(lab: Lab, result: Result) -> bool:
    reached = result.metrics.get("graded_accuracy", 0.0)
    return result.score < result.max_score or reached < (lab.validation.accuracy or 0.0)


def _row(lab: Lab, result: Result, accuracy: float) -> str:
    asked = lab.validation.accuracy
    points = f"{result.score:g} of {result.max_score:g}"
    reach = "–" if asked is None else f"{asked:.4f}"
    took = result.seconds["total"]
    return f"| {lab.id} {lab.title} | {points} | {accuracy:.4f} | {reach} | {took:.0f} |"


if __name__ == "__main__":
    sys.exit(main())
