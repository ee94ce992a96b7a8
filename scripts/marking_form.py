"""Write a form to mark answers with: `python scripts/marking_form.py viva alice/answers.toml …`.

A form goes to marks/<lab>/ in the course, named after the file, or after its folder where the file
is called answers.toml. A form that is there already is left as it is.
"""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

from grader.answers.form import marking_form
from grader.answers.sheet import Sheet
from grader.course import find_course
from grader.errors import GraderError, LabError
from grader.submissions import read
from grader.submissions.answers import NAME


def write_form(lab_id: str, path: Path) -> Path:
    """Write the form for one submission; return where. Raises GraderError and OSError."""
    course = find_course(None, Path.cwd())
    lab = course.load(lab_id)
    if lab.reference is None:
        raise LabError(f"{lab_id} has no reference to take key points from.")
    with open(lab.reference, "rb") as stream:
        reference = tomllib.load(stream)
    submission = read(path, relative_to=Path.cwd(), lab_id=lab_id, kind=lab.kind)
    name = path.resolve().parent.name if path.name == NAME else submission.id
    target = course.folder / "marks" / lab_id / f"{Path(name).name}.toml"
    target.parent.mkdir(parents=True, exist_ok=True)
    with open(target, "x", encoding="utf-8", newline="\n") as form:
        form.write(marking_form(Sheet(lab, submission), reference))
    return target


if __name__ == "__main__":
    try:
        for name in sys.argv[2:]:
            print(f"Wrote {write_form(sys.argv[1], Path(name))}.")
    except (GraderError, OSError) as error:
        sys.exit(f"{error} {getattr(error, 'hint', '')}")
