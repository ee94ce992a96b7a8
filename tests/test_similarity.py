"""Copies are found however they are disguised, and what a class shares by chance accuses nobody."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import combinations

import copies
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.records.submission import Cell, ExtraFile, Submission
from grader.similarity.code import Code, code_of, given_to_all
from grader.similarity.pairs import (
    COMMON_MOST,
    FLOOR,
    SMALL,
    Comparison,
    common_from,
    compare,
)
from grader.similarity.passages import MOST_LINES, passages
from grader.similarity.tokens import CHARACTERS, Part, parts_of, tokens_of
from grader.similarity.winnowing import GRAM, GUARANTEE, grams, winnowed
from grader.submissions.module import read_module

SYMBOLS = st.lists(st.sampled_from("abcde"), max_size=80)
TASK = """
def forward(pixels, weights, offset):
    total = offset
    for row, value in enumerate(pixels):
        total = total + weights[row] * value
    if total > 0:
        return total / len(pixels)
    return 0.0

class Counter:
    def __init__(self, start):
        self.value = start
        self.seen = []

    def add(self, item):
        self.seen.append((item, self.value))
        self.value += item * 2 if item % 2 else -item
        return self.seen[-1]

def smooth(curve, width=5):
    padded = [curve[0]] * width + list(curve)
    return [sum(padded[at : at + width]) / width for at in range(len(curve))]
"""


def submission(source: str, student: str = "s") -> Submission:
    read = read_module(source.encode(), "x.py")
    return Submission(student, "x.py", "0" * 64, "module", tuple(read.cells))


def symbols(source: str) -> list[str]:
    return [token.symbol for token in tokens_of([Part("", 1, 1, source)])]


def compared(sources: dict[str, str], given: np.ndarray | None = None) -> Comparison:
    taken_out = np.empty(0, np.uint64) if given is None else given
    prints = [
        np.setdiff1d(code_of(submission(source)).fingerprints, taken_out)
        for source in sources.values()
    ]
    return compare(prints, list(sources))


def told(sources: dict[str, str], given: np.ndarray | None = None) -> set[frozenset[str]]:
    names = list(sources)
    found = compared(sources, given).pairs
    return {frozenset((names[pair.first], names[pair.second])) for pair in found}


@cache
def outcome(lab: str) -> tuple[copies.MadeClass, frozenset[frozenset[str]]]:
    made = copies.made_class(lab)
    return made, frozenset(told(made.sources, given_to_all(copies.starter(lab))))


@given(st.data())
def test_a_shared_run_of_the_guaranteed_length_is_always_found(data: st.DataObject) -> None:
    run = data.draw(st.lists(st.sampled_from("abcde"), min_size=GUARANTEE, max_size=40))
    one, two = ([*data.draw(SYMBOLS), *run, *data.draw(SYMBOLS)] for _ in range(2))
    assert len(np.intersect1d(winnowed(grams(one)), winnowed(grams(two))))


@given(SYMBOLS, SYMBOLS)
def test_nothing_shorter_than_a_gram_is_ever_shared(one: list[str], two: list[str]) -> None:
    runs = [
        {tuple(side[at : at + GRAM]) for at in range(len(side) - GRAM + 1)} for side in (one, two)
    ]
    both = np.intersect1d(winnowed(grams(one)), winnowed(grams(two)))
    assert len(both) <= len(runs[0] & runs[1])


@given(st.one_of(st.text(), st.text("ab=('\"[{#%!\\\n \t:f.,;$é"), st.text("'\\\"")))
@settings(max_examples=300)
def test_any_text_has_tokens_on_lines_that_it_has(source: str) -> None:
    for token in tokens_of([Part("", 1, 1, source)]):
        assert 1 <= token.line <= source.count("\n") + 1


@pytest.mark.parametrize(
    "fault",
    ["x = (1, 2", 's = """never ends', "  x = 1\n    y = 2\n z = 3", "a = 'never ends", "? $ `"],
)
def test_code_that_is_broken_is_compared_all_the_same(fault: str) -> None:
    code = code_of(submission(f"{TASK}\n{fault}\n{TASK}"))
    whole = code_of(submission(TASK)).fingerprints
    assert len(np.intersect1d(code.fingerprints, whole)) >= len(whole) - 2
    lines = {token.line for token in tokens_of(code.parts)}
    assert max(lines) > TASK.count("\n")


def test_magics_shell_commands_and_other_languages_are_no_code() -> None:
    plain = "x = load(3)\ny = x + 1\n"
    magic = "%matplotlib inline\n!pip install x\nx = load(3)\nfiles = !ls\n?x\ny = x + 1\n"
    assert symbols(magic) == symbols(plain)
    assert [token.line for token in tokens_of([Part("", 1, 1, magic)])][-1] == 6
    assert symbols("%%time\n" + plain) == symbols(plain)
    assert symbols("%%html\n<b>for x in y</b>") == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("total = pixels + 1", "t = p + 255"),
        ("f('a' 'b', x=[1, 2])", 'g(\n  "c",\n  x=[\n    3,\n    4,\n  ],\n)  # here'),
        ("def f(a, b=1):\n    '''What it does.'''\n    return a", "def g(c, d=2):\n  return c"),
        ("import numpy as np\nx = np.mean(y)", "y = other.mean(z)"),
        ("a = 1; b = 2", "a = 1\n\n\nb = 2"),
    ],
)
def test_a_disguise_changes_no_token(one: str, other: str) -> None:
    assert symbols(one) == symbols(other)


def test_what_a_library_names_stays() -> None:
    assert symbols("model.fit(x, epochs=3)") == [
        "n", ".", "fit", "(", "n", ",", "epochs", "=", "0", ")",
    ]  # fmt: skip
    assert symbols("self.width = len(x)")[2] == "n"


def test_helper_modules_that_came_along_are_compared_and_too_much_code_is_not() -> None:
    cells = (Cell(1, "x = 1"), Cell(2, "#" * CHARACTERS), Cell(3, "y = 2"))
    files = (ExtraFile("help.py", b"z = 3"), ExtraFile("data.csv", b"1,2"))
    found = parts_of(Submission("a", "a", "", "notebook", cells, files=files))
    assert [(part.file, part.cell) for part in found] == [("", 1), ("", 3), ("help.py", None)]


def test_what_is_kept_of_a_code_comes_back() -> None:
    code = code_of(submission(TASK))
    back = Code.from_json(code.to_json())
    assert (back.id, back.sha256, back.parts) == (code.id, code.sha256, code.parts)
    assert back.fingerprints.tolist() == code.fingerprints.tolist()
    with pytest.raises(ValueError, match="schema"):
        Code.from_json({**code.to_json(), "schema": "other"})


@pytest.mark.parametrize("lab", copies.labs())
def test_of_the_known_copies_most_are_found_and_no_independent_answer(lab: str) -> None:
    made, found = outcome(lab)
    assert found - made.copies == set()
    assert len(found & made.copies) >= 0.8 * len(made.copies)


def test_over_all_labs_nineteen_of_twenty_known_copies_are_found() -> None:
    both = [outcome(lab) for lab in copies.labs()]
    known = sum(len(made.copies) for made, _ in both)
    assert known >= 120
    assert sum(len(found & made.copies) for made, found in both) >= 0.95 * known


@pytest.mark.parametrize("how", copies.DISGUISES)
def test_each_disguise_is_seen_through_wherever_it_is_the_only_one(how: str) -> None:
    for lab in copies.labs():
        made, found = outcome(lab)
        for copy in (name for name in made.sources if name.endswith(f"-{how}")):
            assert frozenset((copy, copy.removesuffix(f"-{how}"))) in found, (lab, copy)


@pytest.mark.parametrize("lab", copies.labs())
def test_different_right_answers_are_never_called_alike(lab: str) -> None:
    sources = copies.independent(lab)
    assert told(sources, given_to_all(copies.starter(lab))) == set()


@pytest.mark.parametrize("lab", copies.labs())
def test_a_disguised_copy_of_the_starter_alone_is_like_nobodys(lab: str) -> None:
    given_out = copies.starter(lab)
    source = "\n\n".join(cell.source for cell in given_out.cells)
    sources = copies.independent(lab)
    sources |= {f"untouched {number}": source for number in range(3)}
    assert told(sources, given_to_all(given_out)) == set()


def own_work(number: int, length: int = 60) -> str:
    """Statements that nobody else writes, as different people's are."""
    choice = np.random.default_rng(number)
    signs = np.array(["+", "-", "*", "/", "//", "%", "@", "<", ">", "==", "|", "&", "^", "<<"])
    return "\n".join(f"x = y {' z '.join(choice.choice(signs, 4))} 1" for _ in range(length))


@pytest.mark.parametrize("students", [2, 3, 4, 5, 8, 12, 40])
def test_a_class_that_followed_one_tutorial_is_not_accused(students: int) -> None:
    sources = {f"s{number}": TASK + own_work(number, 3) for number in range(students)}
    assert told(sources) == set()


@pytest.mark.parametrize("students", [2, 3])
def test_a_class_of_two_or_three_that_are_all_the_same_is_not_accused(students: int) -> None:
    assert told({f"s{number}": TASK for number in range(students)}) == set()


def test_a_copy_within_a_class_that_followed_one_tutorial_is_told() -> None:
    sources = {f"s{number}": TASK + own_work(number) for number in range(40)}
    sources["copy"] = TASK + copies.renamed(own_work(7))
    assert told(sources) == {frozenset(("s7", "copy"))}


def test_one_pair_of_three_that_stands_out_is_told() -> None:
    assert told({"a": own_work(1), "b": own_work(2), "c": own_work(1)}) == {frozenset("ac")}


def test_many_pairs_of_copies_do_not_hide_each_other() -> None:
    sources = {f"{number}{side}": own_work(number) for number in range(6) for side in "ab"}
    assert told(sources) == {frozenset((f"{number}a", f"{number}b")) for number in range(6)}


def test_a_group_with_the_same_code_is_told_once_as_pairs_or_as_a_group() -> None:
    others = [code_of(submission(own_work(number))).fingerprints for number in range(20)]
    copied = code_of(submission(own_work(50))).fingerprints
    for ring in (2, 4, 5, 8):
        prints = [*others, *[copied] * ring]
        found = compare(prints, [str(number) for number in range(len(prints))])
        members = tuple(range(20, 20 + ring))
        assert len(found.pairs) == (ring * (ring - 1) // 2 if ring <= 4 else 0)
        assert found.same == (() if ring <= 4 else (members,))
    assert compare([*others, *[copied] * 6], [*map(str, range(20)), *"aaaaaa"]).same == ()


def test_two_submissions_of_one_student_are_no_pair() -> None:
    prints = [code_of(submission(own_work(number))).fingerprints for number in (1, 1, 2, 3)]
    assert compare(prints, ["a", "a", "b", "c"]).pairs == ()
    assert len(compare(prints, list("abcd")).pairs) == 1


def test_a_few_lines_that_two_share_are_too_little() -> None:
    short = "def f(x):\n    for y in x:\n        y = y + 1 if y > 2 else y - 1\n    return x[0]\n"
    assert len(code_of(submission(short)).fingerprints) < FLOOR * SMALL
    sources = {str(number): own_work(number) for number in range(4)}
    assert told({**sources, "a": short, "b": short}) == set()


def test_an_empty_class_and_empty_codes_are_compared() -> None:
    nothing = np.empty(0, np.uint64)
    assert compare([], []).pairs == ()
    assert compare([nothing] * 4, list("abcd")).pairs == ()


@pytest.mark.parametrize(("students", "most"), [(2, 4), (39, 4), (300, 30), (5000, COMMON_MOST)])
def test_what_is_common_depends_on_the_size_of_the_class(students: int, most: int) -> None:
    assert common_from(students) == most
    shared = np.array([7], np.uint64)
    for holders in (most, most + 1):
        prints = [shared] * holders + [np.empty(0, np.uint64)] * max(students - holders, 0)
        if len(prints) == students:
            found = compare(prints, [str(number) for number in range(students)])
            assert (len(found.common) == 1) == (holders > most)


@given(st.lists(st.sets(st.integers(0, 60), max_size=40), min_size=3, max_size=9))
def test_the_index_finds_what_comparing_all_pairs_finds(codes: list[set[int]]) -> None:
    prints = [np.array(sorted(code), np.uint64) for code in codes]
    found = compare(prints, [str(number) for number in range(len(codes))])
    common = set(found.common.tolist())
    assert {pair[:3] for pair in found.pairs} == {
        (one, two, len((codes[one] & codes[two]) - common))
        for one, two in combinations(range(len(codes)), 2)
        if share_of(codes[one] - common, codes[two] - common) >= found.bar
    }


def share_of(one: set[int], two: set[int]) -> float:
    return float(len(one & two) / max(min(len(one), len(two)), SMALL))


def test_random_classes_raise_hardly_an_alarm() -> None:
    chance = np.random.default_rng(0)
    alarms = 0
    for _ in range(20):
        # Each draws 60 of 400 idioms: any two share 15 %, give or take.
        prints = [np.sort(chance.choice(400, 60, replace=False)).astype(np.uint64) for _ in "x" * 9]
        alarms += len(compare(prints, [str(number) for number in range(9)]).pairs)
    assert alarms <= 1


def shared(one: Code, two: Code) -> np.ndarray:
    return np.intersect1d(one.fingerprints, two.fingerprints)


def test_the_passages_are_the_lines_that_were_copied() -> None:
    first = f"# %%\n{own_work(1)}\n# %%\n# mine\n{TASK}"
    second = f"{own_work(2)}\n{copies.renamed(TASK)}\n{own_work(3)}"
    one, two = code_of(submission(first)), code_of(submission(second))
    (passage,) = passages(one, two, shared(one, two))
    (left,), (right,) = passage.first, passage.second
    assert (left.cell, right.cell) == (2, None)
    lines = first.split("\n")
    assert lines[left.first - 1] == "def forward(pixels, weights, offset):"
    assert "padded[at : at + width]" in lines[left.last - 1]
    assert second.split("\n")[right.first - 1].startswith("def my_")
    assert left.text.startswith("def forward")
    assert "my_htdiw" in right.text
    assert passage.tokens >= 0.9 * len(symbols(TASK))


def test_no_token_is_in_two_passages() -> None:
    one = code_of(submission(f"{TASK}\n{own_work(1)}\n{TASK}"))
    two = code_of(submission(f"{own_work(2)}\n{TASK}\n{own_work(3)}"))
    (found,) = passages(one, two, shared(one, two))
    assert found.tokens <= len(symbols(TASK)) + 4


def test_a_copy_with_statements_put_in_is_one_passage() -> None:
    lines = own_work(1, 30).split("\n")
    put_in = "\n".join([*lines[:15], "print('still here')", *lines[15:]])
    one, two = code_of(submission("\n".join(lines))), code_of(submission(put_in))
    (found,) = passages(one, two, shared(one, two))
    assert found.second[0].last == 31
    assert (found.first[0].text.count("\n") + 1, found.first[0].more) == (30, 30 - MOST_LINES)


@pytest.mark.parametrize("line", ["x = 1\n", "f(", "'\\", "x x x x ", '"""\n'])
def test_code_that_repeats_itself_without_end_is_still_compared(line: str) -> None:
    source = line * (CHARACTERS // len(line))
    one, two = (code_of(submission(f"x = 1\n{source}", student)) for student in "ab")
    found: Sequence[object] = passages(one, two, shared(one, two))
    assert len(found) <= 40
