from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_samples import HOSTILE, SAMPLES, filled, full_marks, invalid, one_hot, rejected

from grader.records.exhibits import Exhibits
from grader.records.result import Result
from grader.report.junit import render_junit

Sample = Callable[[], tuple[Result, Exhibits]]


def parse(result: Result) -> ElementTree.Element:
    return ElementTree.fromstring(render_junit(result).encode("utf-8"))


def cases(result: Result) -> list[ElementTree.Element]:
    return parse(result).findall("./testsuite/testcase")


@given(st.text(st.characters(categories=None), max_size=200))  # type: ignore[arg-type]
def test_the_xml_is_well_formed_whatever_the_texts_hold(text: str) -> None:
    root = parse(filled(text)[0])
    assert len(root.findall("./testsuite/testcase")) == 4


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_adds_no_element(text: str) -> None:
    def shape(result: Result) -> list[str]:
        return [element.tag for element in parse(result).iter()]

    assert shape(filled(text)[0]) == shape(filled("x")[0])


def test_each_check_is_one_case_with_its_points() -> None:
    result = one_hot()[0]
    found = cases(result)
    assert [case.get("name") for case in found] == [check.id for check in result.checks]
    points = [case.findtext("./properties/property[@name='points']", "") for case in found]
    values = [case.find("./properties/property[@name='points']") for case in found]
    assert points == [""] * 9
    assert sum(float(value.get("value", "")) for value in values if value is not None) == 6.0


def test_outcomes_become_failure_error_and_skipped() -> None:
    found = {case.get("name"): [child.tag for child in case][1:] for case in cases(one_hot()[0])}
    assert found["data_loaded"] == []
    assert found["loss_fits_labels"] == ["failure"]
    assert found["model_trained"] == ["error"]
    assert found["curves_shown"] == ["skipped"]
    assert found["confusion_shown"] == ["error"]


@pytest.mark.parametrize("sample", SAMPLES.values(), ids=SAMPLES)
def test_the_counts_are_those_of_the_cases(sample: Sample) -> None:
    suite = parse(sample()[0]).find("testsuite")
    assert suite is not None
    for name, tag in (("tests", "testcase"), ("failures", "failure"), ("errors", "error")):
        assert int(suite.get(name, "-1")) == len(list(suite.iter(tag)))


def test_a_failure_says_what_was_seen_and_what_to_do() -> None:
    failure = next(case for case in cases(one_hot()[0]) if case.get("name") == "loss_fits_labels")
    text = failure.findtext("failure", "")
    for part in ("Where: cell 5, line 2", "Observed: labels", "Expected:", "Why:", "Next: Decide"):
        assert part in text


def test_what_was_not_graded_is_one_case_that_says_why() -> None:
    (refused,) = cases(rejected()[0])
    assert "web page, not JSON" in refused.findtext("failure", "")
    (broken,) = cases(invalid()[0])
    assert "no space left" in broken.findtext("error", "")


def test_times_do_not_change_the_xml() -> None:
    result = full_marks()[0]
    assert render_junit(replace(result, seconds={"total": 4.1})) == render_junit(result)
