"""Thresholds from many runs: the statistics, the seeds, and the command that writes them down."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.calibration.bounds import (
    Spread,
    least_passing,
    spread_of,
    threshold_of,
    tolerance_factor,
)
from grader.calibration.measuring import family
from grader.checks.threshold import clopper_pearson_upper
from grader.cli import run
from grader.course import find_course
from grader.course.calibrated import NAME, UNFINISHED, CalibrationFile, differences
from grader.errors import LabError
from tests import digits
from tests.labs import ROOT


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


def test_what_is_not_spread_normally_is_bounded_by_its_outermost_run() -> None:
    values = [0.95, 0.951, 0.952, 0.949, 0.95, 0.951, 0.95, 0.949, 0.951, 0.6]
    found = spread_of(values * 4)
    assert not found.is_normal
    assert found.low <= 0.6
    assert found.high >= 0.952
    assert spread_of([0.95, 0.951, 0.953, 0.949]).is_normal


@pytest.mark.parametrize("values", [[0.9, 0.9, 0.9], [0.9, 0.91]])
def test_a_test_of_normality_takes_three_runs_that_differ(values: list[float]) -> None:
    assert spread_of(values).normality is None


def spread(low: float, high: float) -> Spread:
    return Spread(20, (low + high) / 2, 0.01, low, high)


def test_the_weakest_right_answer_sets_the_threshold_and_rounding_is_in_its_favour() -> None:
    right = {"small": spread(0.9349, 0.95), "large": spread(0.97, 0.98)}
    found = threshold_of(right, {}, 5000)
    assert found is not None
    assert (found.marks, found.shown, found.overlapping) == (0.93, 0.94, ())
    assert found.band == 0.01


def test_the_band_is_as_wide_as_a_right_answer_falls() -> None:
    found = threshold_of({"wild": spread(0.9, 0.94), "calm": spread(0.95, 0.96)}, {}, 5000)
    assert found is not None
    assert found.band == 0.02


def test_right_answers_that_may_know_nothing_give_no_threshold() -> None:
    assert threshold_of({"wild": spread(0.0, 1.0)}, {}, 5000) is None


@pytest.mark.parametrize("count", [200, 5000])
def test_what_just_passes_is_not_significantly_below(count: int) -> None:
    least = round(least_passing(0.93, count) * count)
    assert clopper_pearson_upper(least, count) >= 0.93
    assert clopper_pearson_upper(least - 1, count) < 0.93


def test_a_mistake_that_luck_with_the_digits_carries_over_the_threshold_is_named() -> None:
    wrong = {"blind": spread(0.05, 0.2), "near": spread(0.9, 0.921), "linear": spread(0.9, 0.923)}
    found = threshold_of({"right": spread(0.9301, 0.95)}, wrong, 5000)
    assert found is not None
    assert 0.921 < found.passes <= 0.923 < found.marks
    assert found.overlapping == ("linear",)


FAMILY = {
    "right/nearest.py": digits.neighbours(rows=2000),
    "right/odd.py": digits.neighbours(rows=30),
    "wrong/no-scaling.py": digits.neighbours(rows=2000).replace("part = ", "part = range(30)  # "),
}
ACCURACY = 'catches = ["no-scaling"]\nleft_out = ["odd"]'


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = digits.make_course(tmp_path_factory.mktemp("course"), ACCURACY)
    for name, source in FAMILY.items():
        (folder / "assignments/digits/fixtures" / name).write_text(source)
    return folder


def calibrate(course: Path, *options: str) -> int:
    command = ["calibrate", "digits", "--seeds", "2", "--jobs", "2", "--course", str(course)]
    return run([*command, *options])


def test_a_lab_is_calibrated_and_the_second_time_nothing_runs(
    course: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lab = course / "assignments/digits"
    assert calibrate(course) == 0
    said = capsys.readouterr()
    assert "4/4" in said.out, said
    assert "fewer than 5" in said.err
    assert "fewer than 20 seeds" in said.err
    rule = digits.load(course).accuracy
    assert rule.marks is not None
    assert rule.shown is not None
    assert 0.6 < rule.marks < rule.shown < 1
    written = (lab / NAME).read_text()
    assert "odd" not in written
    assert "normality = " not in written
    assert not (lab / UNFINISHED).exists()
    assert calibrate(course) == 0
    assert "seed 0" not in capsys.readouterr().out
    assert (lab / NAME).read_text() == written


def test_what_was_measured_marks_in_place_of_what_was_written(course: Path) -> None:
    lab = course / "assignments/digits"
    kept = (lab / NAME).read_text()
    before = (lab / "lab.toml").read_text()
    (lab / "lab.toml").write_text(before + "marks = 0.5\nshown = 0.6\n")
    try:
        assert digits.load(course).accuracy.marks != 0.5
        (lab / NAME).unlink()
        assert digits.load(course).accuracy.marks == 0.5
    finally:
        (lab / NAME).write_text(kept)
        (lab / "lab.toml").write_text(before)


def test_a_mistake_that_accuracy_cannot_tell_is_left_to_a_probe(
    course: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = course / "assignments/digits/fixtures/wrong/no-scaling.py"
    wrong.write_text(digits.neighbours(rows=2001))
    try:
        assert calibrate(course) == 1
    finally:
        wrong.write_text(FAMILY["wrong/no-scaling.py"])
    said = capsys.readouterr()
    assert "Measured anew: no-scaling has changed." in said.err
    assert "no-scaling can reach the threshold: judge it by a probe" in said.out
    written = (course / "assignments/digits" / NAME).read_text()
    assert 'overlapping = ["no-scaling"]' in written


def test_runs_under_other_versions_do_not_count_and_a_broken_off_calibration_goes_on(
    course: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lab = course / "assignments/digits"
    assert calibrate(course) == 0
    finished = (lab / NAME).read_text()
    old = finished.replace('keras = "', 'keras = "1.')
    (lab / NAME).write_text(old)
    part = finished.split("[[answer]]")
    kept = re.sub(r"\[threshold\].*?\n\n", "", "[[answer]]".join(part[:2]), flags=re.DOTALL)
    (lab / UNFINISHED).write_text(kept)
    capsys.readouterr()
    assert calibrate(course) == 0
    said = capsys.readouterr()
    assert "Measured anew: keras was 1." in said.err
    assert "2/2" in said.out
    assert (lab / NAME).read_text() == finished


def test_a_python_that_only_mends_faults_is_no_other_version() -> None:
    answer = {"name": "a", "right": True, "seeds": [0], "accuracies": [0.9]}
    measured = {"python": "3.11.7", "keras": "3.15.1"}
    kept = CalibrationFile.model_validate({"versions": measured, "answer": [answer]})
    assert differences(kept, {"python": "3.11.2", "keras": "3.15.1"}) == []
    assert differences(kept, {"python": "3.12.0"}) == ["python was 3.11.7 and is 3.12.0"]
    assert differences(kept, {"keras": "3.15.2"}) == ["keras was 3.15.1 and is 3.15.2"]


def test_until_a_calibration_ends_what_was_concluded_before_marks(course: Path) -> None:
    lab = course / "assignments/digits"
    (lab / UNFINISHED).write_text("[versions]\n")
    try:
        assert digits.load(course).accuracy.marks is not None
    finally:
        (lab / UNFINISHED).unlink()


@pytest.mark.parametrize(
    "broken",
    [
        "[threshold]\nmarks = 'high'\nshown = 0.9\n",
        "[threshold]\nmarks = 0.9\n",
        '[[answer]]\nname = "a"\nright = true\nseeds = [0, 1]\naccuracies = [0.9]\n',
    ],
)
def test_a_calibration_that_is_none_is_the_authors_error(tmp_path: Path, broken: str) -> None:
    digits.make_course(tmp_path, "")
    (tmp_path / "assignments/digits" / NAME).write_text(broken)
    with pytest.raises(LabError, match=r"calibration\.toml"):
        digits.load(tmp_path)


@pytest.mark.parametrize("key", ["catches", "left_out"])
def test_an_answer_that_is_not_there_is_the_authors_error(
    tmp_path: Path, key: str, capsys: pytest.CaptureFixture[str]
) -> None:
    digits.make_course(tmp_path, f'{key} = ["no-skaling"]')
    assert calibrate(tmp_path) == 4
    assert f"{key} names 'no-skaling'" in capsys.readouterr().err


def test_students_never_read_of_less_than_what_marks(tmp_path: Path) -> None:
    digits.make_course(tmp_path, "marks = 0.9\nshown = 0.8")
    with pytest.raises(LabError, match="no “shown” that is at least “marks”"):
        digits.load(tmp_path)


def test_an_unknown_key_is_told_with_those_that_are_known(tmp_path: Path) -> None:
    digits.make_course(tmp_path, "mark = 0.9")
    with pytest.raises(LabError, match=r"unknown key “accuracy\.mark” \(known here: marks, shown"):
        digits.load(tmp_path)


def labs_with_an_accuracy() -> list[str]:
    course = find_course(ROOT, ROOT)
    return [lab for lab in course.labs() if course.load(lab).accuracy.marks is not None]


@pytest.mark.parametrize("lab_id", labs_with_an_accuracy())
def test_a_lab_of_this_course_has_five_answers_to_measure_and_says_what_accuracy_catches(
    lab_id: str,
) -> None:
    lab = find_course(ROOT, ROOT).load(lab_id)
    answers = family(lab)
    assert sum(answer.right for answer in answers.values()) >= 5
    assert lab.accuracy.catches or lab.accuracy.reason.strip()
