"""What the warm server has ready: as little as possible is left for a submission to import."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

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
    sys.modules["\\udcff"] = sys
    raise SystemExit(3)
names = preload.imported_by(act)
print("colorsys" in names, "sched" in names, "colorsys" in sys.modules, "/left" in sys.path)
preload.preload(["colorsys", "there.is.none"])
print("colorsys" in sys.modules, gc.isenabled(), gc.get_freeze_count() > 0)
"""


def said(source: str, home: Path) -> str:
    words = [sys.executable, "-c", source]
    env = {**os.environ, "HOME": str(home), "IPYTHONDIR": str(home)}
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=True, env=env)
    return done.stdout.strip()


def test_a_first_cell_imports_nothing_where_one_was_tried_before(tmp_path: Path) -> None:
    assert int(said(FIRST_CELL.format(act=""), tmp_path)) > 5
    assert said(FIRST_CELL.format(act="preload.preload([])"), tmp_path) == "0"


def test_of_a_trial_nothing_stays_but_what_it_imported(tmp_path: Path) -> None:
    assert said(TRIED, tmp_path).splitlines() == ["True True False False", "True True True"]
