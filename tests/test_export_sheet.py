"""A template stays byte for byte as it was but for the cells that are written."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from grader.batch.tables import cell
from grader.errors import UsageError
from grader.export.columns import assignment_column
from grader.export.numbers import points_in, shown
from grader.export.sheet import Sheet
from grader.export.students import Person, folded, match

TEXT = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"))


@given(st.text(st.sampled_from(',;\t"\r\n aé王=')), st.sampled_from([b"", b"\xef\xbb\xbf"]))
@example('a,"b\n', b"")
@example("a,", b"")
def test_any_text_comes_back_as_it_was(text: str, mark: bytes) -> None:
    content = mark + text.encode()
    assert Sheet.parse(content).render() == content


@given(st.lists(st.lists(TEXT, min_size=2, max_size=4), min_size=1, max_size=4))
def test_cells_are_read_as_the_csv_module_reads_them(rows: list[list[str]]) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows(rows)
    sheet = Sheet.parse(text.getvalue().encode())
    assert [sheet.values(index) for index in range(len(sheet.rows))] == rows


@given(TEXT, st.sampled_from(",;\t"), st.booleans())
def test_what_is_written_is_read_again_and_nothing_else_moves(
    value: str, separator: str, quoted: bool
) -> None:
    sign = '"' if quoted else ""
    row = separator.join(f"{sign}{word}{sign}" for word in ("a", "b", "c"))
    sheet = Sheet.parse(f"{row}\r\n{row}\r\n".encode())
    sheet.write(1, 1, value)
    text = sheet.render().decode()
    again = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator))
    assert again == [["a", "b", "c"], ["a", value, "c"]]
    assert text.startswith(f"{row}\r\n{sign}a{sign}{separator}")


def test_utf_16_and_an_old_code_page_stay_what_they_are() -> None:
    for encoding in ("utf-16", "cp1252"):
        sheet = Sheet.parse("Name;Note\nZoë;\n".encode(encoding))
        sheet.write(1, 1, "3")
        assert sheet.render() == "Name;Note\nZoë;3\n".encode(encoding)


def test_a_sign_that_the_file_s_code_page_lacks_is_no_crash() -> None:
    sheet = Sheet.parse("Zoë;\n".encode("cp1252"))
    sheet.write(0, 1, "王")
    with pytest.raises(UsageError, match="cp1252"):
        sheet.render()


@given(TEXT)
def test_no_text_of_ours_begins_a_formula(text: str) -> None:
    written = cell(text)
    assert not written.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    assert written in (text, f"'{text}")


@given(st.lists(TEXT, min_size=1, max_size=5), TEXT)
def test_a_name_finds_a_row_only_where_it_is_equal(names: list[str], wanted: str) -> None:
    people = [Person(row, name, "", (), (name,)) for row, name in enumerate(names)]
    for student in (wanted, names[0]):
        found = match([_Named(student)], people, "canvas").pairs  # type: ignore[list-item]
        for _, row in found:
            assert folded(student) in folded(names[row]) or "," in names[row]


class _Named:
    """As much of a mark as matching looks at."""

    def __init__(self, student: str) -> None:
        self.id = student


@pytest.mark.parametrize(
    ("text", "points"),
    [("", None), ("20", 20.0), ("20.00", 20.0), ("12,5", 12.5), ("100.00000", 100.0)],
)
def test_points_are_read_with_a_point_or_a_comma(text: str, points: float | None) -> None:
    assert points_in(text, "here") == points


@pytest.mark.parametrize("text", ["1,000", "1.000", "20 points", "-5"])
def test_points_in_doubt_are_never_guessed(text: str) -> None:
    with pytest.raises(UsageError, match="doubt"):
        points_in(text, "here")


def test_a_score_is_scaled_and_written_short() -> None:
    assert shown(17, of=20, possible=None) == "17"
    assert shown(17, of=20, possible=10) == "8.5"
    assert shown(1, of=3, possible=1, comma=True) == "0,3333"


@pytest.mark.parametrize("name", ["Lab 3 (1)", "LAB03 (1)", "Unit: lab-03 networks (1)"])
def test_a_lab_is_recognised_as_people_write_it(name: str) -> None:
    assert assignment_column([name, "Lab 30 (2)", "Lab 13 (3)"], [0, 1, 2], "lab03", "", None) == 0


def test_a_lab_is_recognised_by_its_title() -> None:
    headers = ["Week 2: Tensor shapes (1)", "Week 3 (2)"]
    assert assignment_column(headers, [0, 1], "lab02", "Tensor shapes", None) == 0
