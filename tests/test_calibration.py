"""Thresholds from many runs: the statistics, the seeds, and the command that writes them down."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.authoring import write_lab
from grader.calibration.bounds import Spread, spread_of, threshold_of, tolerance_factor
from grader.calibration.seeds import with_seed
from grader.cli import run
from grader.course import find_course
from grader.errors import LabError
from grader.records.submission import Cell, Submission
from tests.sessions import notebook


@pytest.mark.parametrize(
    ("count", "factor"), [(5, 4.203), (10, 2.911), (20, 2.396), (30, 2.220), (50, 2.065)]
)
def test_the_factors_are_those_of_the_printed_tables(count: int, factor: float) -> None:
    assert tolerance_factor(count) == pytest.approx(factor, abs=1e-3)


@given(st.lists(st.floats(0, 1), min_size=2, max_size=40))
def test_bounds_lie_around_the_mean_and_within_0_and_1(accuracies: list[float]) -> None:
    spread = spread_of(accuracies)
    assert 0 <= spread.low <= spread.mean + 1e-12
    assert spread.mean - 1e-12 <= spread.high <= 1


def test_one_run_says_nothing_of_a_spread() -> None:
    with pytest.raises(ValueError, match="two accuracies"):
        spread_of([0.9])


def spread(low: float, high: float) -> Spread:
    return Spread(20, (low + high) / 2, 0.01, low, high)


def test_the_weakest_right_answer_sets_the_threshold_and_rounding_is_in_its_favour() -> None:
    right = {"small": spread(0.9349, 0.95), "large": spread(0.97, 0.98)}
    found = threshold_of(right, {})
    assert (found.marks, found.shown, found.overlapping) == (0.93, 0.94, ())


def test_a_mistake_that_reaches_the_threshold_is_named() -> None:
    wrong = {"blind": spread(0.05, 0.2), "linear": spread(0.91, 0.935)}
    assert threshold_of({"right": spread(0.9301, 0.95)}, wrong).overlapping == ("linear",)


def test_every_planted_seed_moves_and_nothing_else() -> None:
    source = (
        "keras.utils.set_random_seed(7)\nrng = np.random.default_rng(3)\n"
        "train_test_split(x, y, random_state=42, test_size=5)\nlayers.Dense(10)"
    )
    moved = with_seed(notebook(source, "%matplotlib inline\nseed(1)"), 5)
    assert moved.cells[0].source == (
        "keras.utils.set_random_seed(12)\nrng = np.random.default_rng(8)\n"
        "train_test_split(x, y, random_state=47, test_size=5)\nlayers.Dense(10)"
    )
    assert moved.cells[1].source == "%matplotlib inline\nseed(1)"


@given(st.text())
def test_any_source_can_be_reseeded(source: str) -> None:
    submission = Submission("s", "s.py", "", "module", (Cell(1, source),))
    assert len(with_seed(submission, 1).cells) == 1


ANSWER = """
import numpy as np
from sklearn.datasets import fetch_openml
from sklearn.neighbors import {model}
x, y = fetch_openml("mnist_784", return_X_y=True, as_frame=False)
part = np.random.default_rng(0).permutation(60000)[:{count}]
model = {model}().fit(x[part] / 255, y[part])
print(model.score(x[60000:60500] / 255, y[60000:60500]))
"""


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("course")
    write_lab(folder, "lab01", "Neighbours")
    lab = folder / "assignments" / "lab01"
    settings = lab / "lab.toml"
    settings.write_text(
        'title = "Neighbours"\nsummary = "Classify."\ndata = "mnist"\n'
        '[settings]\naccuracy_catches = ["no-scaling"]\n'
    )
    (folder / "reference" / "lab01.ipynb").unlink()
    (lab / "fixtures/right/column_by_column.py").write_text(
        ANSWER.format(model="KNeighborsClassifier", count=2000)
    )
    (lab / "fixtures/wrong/no-scaling.py").write_text(
        ANSWER.format(model="NearestCentroid", count=100)
    )
    return folder


def test_a_lab_is_calibrated_and_the_second_time_nothing_runs(
    course: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["calibrate", "lab01", "--seeds", "2", "--jobs", "2", "--course", str(course)]
    code = run(command)
    said = capsys.readouterr()
    assert "4/4" in said.out, said
    assert "fewer than 5" in said.err
    settings = find_course(course, course).load("lab01").settings
    # Two runs give a wide bound: the weaker answer may lie above it, and is named if it does.
    assert code == int("no-scaling reaches" in said.out)
    assert 0 <= settings["accuracy_marks"] < settings["accuracy_shown"] < 1
    written = (course / "assignments/lab01/calibration.toml").read_text()
    assert "seeds = [0, 1]" in written
    assert run(command) == code
    assert "seed 0" not in capsys.readouterr().out
    assert (course / "assignments/lab01/calibration.toml").read_text() == written


def test_a_calibration_that_is_none_is_the_authors_error(tmp_path: Path) -> None:
    write_lab(tmp_path, "lab01", "x")
    (tmp_path / "assignments/lab01/calibration.toml").write_text("[threshold]\nmarks = 'high'\n")
    with pytest.raises(LabError, match=r"calibration\.toml"):
        find_course(tmp_path, tmp_path).load("lab01")


def test_a_wrong_answer_that_is_not_there_is_the_authors_error(
    course: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = course / "assignments/lab01/lab.toml"
    before = settings.read_text()
    settings.write_text(before.replace("no-scaling", "no-skaling"))
    try:
        assert run(["calibrate", "lab01", "--course", str(course)]) == 4
    finally:
        settings.write_text(before)
    assert "no-skaling" in capsys.readouterr().err
