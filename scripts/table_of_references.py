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
from grader.validation.cases import Case
from grader.validation.judging import problem, summary

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
            reference = read(lab.reference, lab_id=lab.id)
            result = grade(lab, reference, sandbox, hidden=True).result
            asked = lab.validation.accuracy
            case = Case(lab.id, "reference", lab.reference.name, reference, accuracy=asked)
            short |= problem(case, summary(result)) is not None
            accuracy = result.metrics.get("graded_accuracy")
            if accuracy is not None:
                print(_row(lab, result, accuracy), flush=True)
    return int(short)


def _row(lab: Lab, result: Result, accuracy: float) -> str:
    asked = lab.validation.accuracy
    points = f"{result.score:g} of {result.max_score:g}"
    reach = "–" if asked is None else f"{asked:.4f}"
    took = result.seconds["total"]
    return f"| {lab.id} {lab.title} | {points} | {accuracy:.4f} | {reach} | {took:.0f} |"


if __name__ == "__main__":
    sys.exit(main())
