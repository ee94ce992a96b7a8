"""A file of answers is hostile input: it is read within bounds, or refused with a reason."""

from __future__ import annotations

import time
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.errors import NothingToGrade, SubmissionError
from grader.records.submission import Submission
from grader.submissions import bounds, read
from grader.submissions.answers import read_answers


def answers(text: str | bytes, lab: str | None = "quiz01") -> dict[str, object]:
    content = text.encode() if isinstance(text, str) else text
    return read_answers(content, "answers.toml", lab)[0]


def refusal(text: str | bytes, lab: str | None = "quiz01") -> SubmissionError:
    with pytest.raises(SubmissionError) as caught:
        answers(text, lab)
    assert caught.value.hint
    return caught.value


def remedy(text: str | bytes) -> str | None:
    """The hint of a refusal, or None where the file could be read."""
    try:
        answers(text)
    except SubmissionError as error:
        return error.hint
    return None


def read_as_answers(path: Path) -> Submission:
    return read(path, lab_id="quiz01", kind="answers")


def test_answers_are_taken_from_tables_and_from_plain_lines() -> None:
    assert answers('q1 = "a"\n[q2]\nquestion = "…"\nanswer = "b"\n[q3]\nanswer = ""\n[q4]\n') == {
        "q1": "a",
        "q2": "b",
        "q3": "",
        "q4": None,
    }


def test_what_an_editor_on_windows_writes_is_read() -> None:
    content = '[q1]\r\nanswer = "a"\r\n'
    assert answers(content.encode("utf-8-sig")) == {"q1": "a"}
    assert answers(content.encode("utf-16")) == {"q1": "a"}


def test_answers_to_another_lab_are_refused_by_name() -> None:
    assert "“quiz02”, not to “quiz01”" in refusal('lab = "quiz02"\n[q1]\nanswer = "a"').message
    assert answers('lab = "quiz01"\nq1 = "a"') == {"q1": "a"}


@pytest.mark.parametrize(
    ("text", "line", "hint"),
    [
        ("[q1]\nanswer = b", 2, "between quotes"),
        ('[q1]\nanswer = "b', 2, "not closed"),
        ("[q1]\nanswer = “b”", 2, "straight quotes"),
        ('[q1]\nanswer = "a"\nanswer = "b"', 3, "twice"),
        ('[q1]\nanswer = "a"\n[q1]\nanswer = "b"', 3, "twice"),
        ('[q1]\nanswer = "\\d"', 2, "backslash"),
        ('[q1\nanswer = "a"', 1, "neighbours"),
        ('[q1]\nanswer = """\nmy answer', 3, "not closed"),
    ],
)
def test_a_slip_in_the_form_is_told_with_its_line_and_remedy(
    text: str, line: int, hint: str
) -> None:
    error = refusal(text)
    assert f"line {line} " in error.message
    assert hint in error.hint


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"PK\x03\x04" + bytes(50),
        b"\x89PNG" + bytes(50),
        b"q1 = \x00",
        "q1 = " + "[" * 100_000,
        "q1 = " + "{a=" * 50_000,
        "q1 = " + "9" * 100_000,
        "[" + "a." * 60_000 + "a]",
        ".".join(["a"] * 100_000) + " = 1",
        " . ".join(['"\\""'] * 20_000) + " = 1",
        "q = {" + ".".join(["'a'"] * 40_000) + " = 1}",
    ],
    ids=lambda text: repr(text[:20]),
)
def test_what_would_exhaust_the_reader_is_refused_at_once(text: str | bytes) -> None:
    began = time.monotonic()
    refusal(text)
    assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    "piece",
    [
        "[a.b]\n",
        '"',
        "a.",
        "a",
        '"a" ',
        "'",
        "{",
        "\\",
        '"\\',
        "a=1\n",
        "#",
        "=",
        "a=",
        ". ",
        "a." * 300 + "b=1\n",
        "[" + "a." * 299 + "b]\n",
    ],
)
def test_no_repetition_within_the_bound_takes_long(piece: str) -> None:
    content = (piece * (bounds.ANSWERS_BYTES // len(piece))).encode()
    began = time.monotonic()
    assert remedy(content) != ""
    assert time.monotonic() - began < 5


def test_prose_with_many_dots_is_no_deep_key() -> None:
    text = "It trains. It stops... " * 60 + "\n" + "." * 250 + "\n"
    assert answers(f'[q1]\nanswer = """\n{text}"""') == {"q1": text}


def test_a_number_too_long_to_print_is_not_printed() -> None:
    assert set(answers("q1 = 0x" + "f" * 100_000)) == {"q1"}


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8")))
def test_any_bytes_are_read_or_refused_with_a_hint(content: bytes) -> None:
    assert remedy(content) != ""


TOKENS = ['"""', '"', "'", "\n", "[", "]", "{", "}", "=", ".", "#", "\\", "a", "1", " ", "q1", ","]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(TOKENS), max_size=60).map("".join))
def test_anything_like_toml_is_read_or_refused_with_a_hint(text: str) -> None:
    assert remedy(text) != ""


def test_a_folder_and_an_archive_are_read_as_the_file_is(tmp_path: Path) -> None:
    folder = tmp_path / "alice"
    folder.mkdir()
    file = folder / "answers.toml"
    file.write_text('[q1]\nanswer = "a"\n')
    (folder / "pyproject.toml").write_text("[project]")
    with zipfile.ZipFile(tmp_path / "bob.zip", "w") as archive:
        archive.write(file, "work/answers.toml")
    alone, of_folder, packed = map(read_as_answers, (file, folder, tmp_path / "bob.zip"))
    assert alone.answers == of_folder.answers == packed.answers == {"q1": "a"}
    assert alone.answers_sha256 == of_folder.answers_sha256 == packed.answers_sha256
    assert alone.sha256 == alone.answers_sha256 != of_folder.sha256
    assert [item.id for item in (alone, of_folder, packed)] == ["answers", "alice", "bob"]
    assert (alone.kind, alone.cells) == ("answers", ())


def test_a_file_beyond_the_bound_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "answers.toml"
    file.write_bytes(b"#" * (bounds.ANSWERS_BYTES + 1))
    with pytest.raises(SubmissionError, match="256 KiB"):
        read_as_answers(file)


def test_a_notebook_is_no_file_of_answers(tmp_path: Path) -> None:
    (tmp_path / "quiz01.ipynb").write_text("{}")
    with pytest.raises(SubmissionError, match="no file of answers"):
        read_as_answers(tmp_path / "quiz01.ipynb")
    with pytest.raises(NothingToGrade, match="no file of answers"):
        read_as_answers(tmp_path)


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "answers.toml").symlink_to("/etc/hostname")
    with pytest.raises(SubmissionError, match="symbolic link"):
        read_as_answers(tmp_path / "answers.toml")
