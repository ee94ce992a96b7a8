"""The ninety threats, each handed in for real and graded cold and in a fork of a warm server.

`python -m tests.threats` prints the list with the verdicts.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from grader.sandbox.keeper import client
from tests.threats.bench import Bench
from tests.threats.case import Case, Way
from tests.threats.cases import all_cases

CASES = all_cases()


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with Bench(tmp_path_factory.mktemp("threats")) as bench:
        yield bench


@pytest.mark.parametrize("way", ["cold", "warm"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_threat_comes_to_nothing(bench: Bench, case: Case, way: Way) -> None:
    bench.try_case(case, way)


def test_every_number_from_1_to_90_is_tried_and_every_name_is_its_own() -> None:
    assert sorted({case.number for case in CASES}) == list(range(1, 91))
    names = [case.name for case in CASES]
    assert sorted(set(names)) == sorted(names)
