"""The catalogue of mistakes is complete, readable and short."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from grader import catalogue
from grader.errors import LabError
from grader.records.misconception import STAGES


def test_every_entry_has_texts_that_a_student_can_read_at_a_glance() -> None:
    for code, entry in catalogue.load().items():
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", code)
        assert len(entry.title) <= 60, code
        assert 20 <= len(entry.why) <= 260, code
        assert entry.why.endswith(".")
        assert entry.next.endswith((".", ")")), code
        assert "lab0" not in entry.why + entry.next + entry.title


def test_hints_come_in_three_layers_where_there_are_any() -> None:
    for code, entry in catalogue.load().items():
        assert len(entry.hints) in (0, 3), code


def test_every_mistake_of_the_first_labs_that_costs_marks_has_hints() -> None:
    for code in ("no-scaling", "one-hot-with-sparse-loss", "logits-without-flag", "argmax-axis"):
        assert catalogue.get(code).hints


def test_an_unknown_code_is_an_error_of_the_lab_that_names_the_nearest() -> None:
    with pytest.raises(LabError) as caught:
        catalogue.get("no-scalling")
    assert "no-scaling" in caught.value.hint


def test_priority_follows_the_stages_and_then_the_severity() -> None:
    order = ["missing-flatten", "labels-misaligned", "labels-scaled", "no-scaling"]
    order += ["relu-output", "sigmoid-output", "frozen-model", "learning-rate-high"]
    order += ["evaluated-on-train", "no-seed", "leaky-alpha"]
    ranks = [catalogue.priority(code) for code in order]
    assert ranks == sorted(ranks)
    assert len(set(ranks)) == len(ranks)


def test_every_stage_is_used() -> None:
    assert {entry.stage for entry in catalogue.load().values()} == set(STAGES)


@pytest.mark.parametrize(
    "text",
    [
        "no-scaling = 3",
        "[x]\nseverity = 'E'",
        "[x]\nseverity='Q'\nstage='style'\ntitle='t'\nwhy='w'\nnext='n'",
        "[x]\nseverity='E'\nstage='style'\ntitle='t'\nwhy='w'\nnext='n'\nhints='one'",
        "[x]\nseverity='E'\nstage='style'\ntitle='t'\nwhy='w'\nnext='n'\nextra=1",
        "not toml at all",
    ],
)
def test_a_faulty_catalogue_is_an_error_that_names_the_entry(text: str, tmp_path: Path) -> None:
    file = tmp_path / "mistakes.toml"
    file.write_text(text)
    with pytest.raises(LabError):
        catalogue.read(file)
