"""Reading for a batch: nobody is there to ask which file is meant, so one is taken and named."""

from __future__ import annotations

import hashlib
import os
import zipfile
from pathlib import Path

import pytest
from tiny_course import write_notebook

from grader.errors import NothingToGrade, SubmissionError
from grader.records.submission import Submission
from grader.submissions import read
from grader.submissions.choice import settle


def settled(folder: Path) -> Submission:
    return read(folder, relative_to=folder.parent, lab_id="lab2", settled=True)


def write(folder: Path, *names: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith(".ipynb"):
            write_notebook(path, f"x = {name!r}")
        else:
            path.write_text(f"x = {name!r}\n")
    return folder


@pytest.mark.parametrize(
    ("names", "taken"),
    [
        (["lab2.ipynb", "other.ipynb"], "lab2.ipynb"),
        (["work1.ipynb", "work2.ipynb", "work10.ipynb"], "work10.ipynb"),
        (["my_lab2_final.ipynb", "zzz.ipynb"], "my_lab2_final.ipynb"),
        (["mine.ipynb", "mine-Copy1.ipynb", "Untitled.ipynb"], "mine.ipynb"),
        (["lab2-Copy1.ipynb", "lab2 (1).ipynb"], "lab2 (1).ipynb"),
        (["a.py", "b.ipynb"], "b.ipynb"),
        (["deep/lab2.ipynb", "top.ipynb"], "top.ipynb"),
        (["lab2/w.ipynb", "lab3/w.ipynb"], "lab2/w.ipynb"),
        (["for_lab2.ipynb", "for_lab20.ipynb"], "for_lab2.ipynb"),
        (["helper.py", "lab2.py"], "lab2.py"),
        (["Lab 1.ipynb", "Lab 2.ipynb", "Lab 3.ipynb"], "Lab 2.ipynb"),
        (["lab-02.ipynb", "lab-03.ipynb", "lab-20.ipynb"], "lab-02.ipynb"),
        (["Ann_LAB02_v1.ipynb", "colab 2.ipynb", "z.ipynb"], "Ann_LAB02_v1.ipynb"),
    ],
)
def test_of_several_files_the_likeliest_is_taken(names: list[str], taken: str) -> None:
    main, rivals = settle(names, "lab2", "code")
    assert main == taken
    assert taken not in rivals
    assert settle(reversed(names), "lab2", "code")[0] == taken


@pytest.mark.parametrize(
    ("lab", "name"),
    [("lab02", "Lab2.ipynb"), ("lab02", "lab_2.ipynb"), ("mnist", "my mnist.ipynb"), ("7", "7.py")],
)
def test_a_lab_s_name_is_known_as_people_write_it(lab: str, name: str) -> None:
    other = "z9" + name[name.index(".") :]
    assert settle([name, other], lab, "code") == (name, (other,))


def test_the_path_names_the_file_that_was_taken_and_a_note_the_others(tmp_path: Path) -> None:
    submission = settled(write(tmp_path / "ann", "v1.ipynb", "v2.ipynb", "data.csv"))
    assert submission.path == "ann/v2.ipynb"
    assert submission.source == "x = 'v2.ipynb'"
    assert submission.rivals == ("v1.ipynb",)
    assert submission.notes[0] == "v2.ipynb was taken; v1.ipynb could have been meant too."
    assert [file.path for file in submission.files] == ["data.csv"]


def test_a_single_file_has_its_own_hash_and_several_have_the_folders(tmp_path: Path) -> None:
    alone = settled(write(tmp_path / "ann", "lab2.py"))
    content = (tmp_path / "ann/lab2.py").read_bytes()
    assert alone.sha256 == hashlib.sha256(content).hexdigest()
    assert alone.rivals == ()
    both = settled(write(tmp_path / "ann", "helper.py"))
    assert both.path == "ann/lab2.py"
    assert both.sha256 != alone.sha256
    assert both.sha256 == read(tmp_path / "ann", lab_id="lab2").sha256


def test_an_archive_in_a_folder_is_looked_into_where_there_is_nothing_else(tmp_path: Path) -> None:
    folder = write(tmp_path / "ann")
    with zipfile.ZipFile(folder / "hand-in.zip", "w") as archive:
        archive.writestr("b.py", "x = 'b'\n")
        archive.writestr("a.py", "x = 'a'\n")
    submission = settled(folder)
    assert (submission.path, submission.source.strip()) == ("ann/hand-in.zip", "x = 'b'")
    assert submission.rivals == ("a.py",)
    packed = (folder / "hand-in.zip").read_bytes()
    assert submission.sha256 == hashlib.sha256(packed).hexdigest()
    assert settled(write(folder, "lab2.py")).path == "ann/lab2.py"


def test_an_empty_folder_is_told_from_one_without_work(tmp_path: Path) -> None:
    with pytest.raises(NothingToGrade, match="ann is empty"):
        settled(write(tmp_path / "ann", ".DS_Store", "__MACOSX/x.py"))
    with pytest.raises(SubmissionError, match=r"It holds report\.pdf") as refused:
        settled(write(tmp_path / "ben", "report.pdf"))
    assert not isinstance(refused.value, NothingToGrade)
    (tmp_path / "cleo").mkdir()
    os.symlink("/etc/passwd", tmp_path / "cleo/lab2.py")
    with pytest.raises(SubmissionError, match="symbolic link") as refused:
        settled(tmp_path / "cleo")
    assert not isinstance(refused.value, NothingToGrade)


def test_without_it_a_doubt_is_still_a_question(tmp_path: Path) -> None:
    folder = write(tmp_path / "ann", "v1.ipynb", "v2.ipynb")
    with pytest.raises(SubmissionError, match="Which file is the submission"):
        read(folder, lab_id="lab2")
