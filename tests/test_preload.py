"""What the warm server has ready: as little as possible is left for a submission to import."""

from __future__ import annotations

import subprocess
import sys

FIRST_CELL = """
import sys
import IPython.core.interactiveshell, numpy
from grader.inside import preload
from grader.inside.shell import Shell
{act}
before = set(sys.modules)
Shell().run(1, "x = 1")
print(len(set(sys.modules) - before))
"""
TRIED = """
import gc, os, sys
from grader.inside import preload
def act():
    import colorsys, sched
    sys.path.append("/left")
    raise SystemExit(3)
names = preload.imported_by(act)
print("colorsys" in names, "sched" in names, "colorsys" in sys.modules, "/left" in sys.path)
preload.preload(["colorsys", "there.is.none"])
print("colorsys" in sys.modules, gc.isenabled(), gc.get_freeze_count() > 0)
"""


def said(source: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True, timeout=120, check=True
    )
    return done.stdout.strip()


def test_a_first_cell_imports_nothing_where_one_was_tried_before() -> None:
    assert int(said(FIRST_CELL.format(act=""))) > 5
    assert said(FIRST_CELL.format(act="preload.preload([])")) == "0"


def test_of_a_trial_nothing_stays_but_what_it_imported() -> None:
    assert said(TRIED).splitlines() == ["True True False False", "True True True"]
