"""Ids become file names: plain ones stay, none meets another, whatever people call themselves."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.batch.names import file_names

PLAIN = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"
ids = st.sets(
    st.one_of(
        st.text(min_size=1, max_size=12),
        st.text(PLAIN, min_size=1, max_size=6),
        st.text("aA~", min_size=1, max_size=3),
        st.text("é/\\\0 .", min_size=1, max_size=300),
    ),
    max_size=12,
)


@given(ids)
def test_names_are_portable_and_unique_without_regard_to_case(students: set[str]) -> None:
    names = file_names(students)
    assert set(names) == students
    assert len({name.lower() for name in names.values()}) == len(students)
    for name in names.values():
        assert set(name) <= set(PLAIN)
        assert 0 < len(name) <= 140


@given(ids)
def test_a_plain_id_that_meets_no_other_is_its_own_name(students: set[str]) -> None:
    names = file_names(students)
    lowered = [name.lower() for name in names.values()]
    for student in students:
        alone = sum(other.lower() == student.lower() for other in students) == 1
        if set(student) <= set(PLAIN) and len(student) <= 120 and alone:
            assert names[student] == student or lowered.count(student.lower()) <= 1


@given(st.lists(st.text(max_size=6), unique=True))
def test_the_order_of_the_ids_changes_no_name(students: list[str]) -> None:
    assert file_names(students) == file_names(sorted(students))


@pytest.mark.parametrize(
    ("student", "readable"),
    [
        ("Zoë Müller", "Zoe-Muller-"),
        ("alice~2", "alice-2-"),
        ("王小明", "submission-"),
        ("../../etc/passwd", "etc-passwd-"),
        ("a\nb", "a-b-"),
        ("x" * 300, "x" * 60 + "-"),
    ],
)
def test_any_other_id_gets_a_readable_name_with_a_hash(student: str, readable: str) -> None:
    digest = hashlib.sha256(student.encode()).hexdigest()
    assert file_names([student])[student] == readable + digest[:10]


def test_ids_that_differ_in_case_alone_are_told_apart() -> None:
    names = file_names(["Alice", "alice", "bob"])
    assert names["bob"] == "bob"
    assert names["Alice"].startswith("Alice-")
    assert names["alice"].startswith("alice-")


def test_nobody_gets_the_file_of_another_by_taking_its_name_for_an_id() -> None:
    honest = "alice~2"
    first = file_names([honest])[honest]
    second = file_names([honest, first])[honest]
    names = file_names([honest, first, second])
    assert len({name.lower() for name in names.values()}) == 3
