"""A class graded in shards and merged is the class graded at once, and nothing less passes."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader import cli
from grader.batch.files import Out
from grader.batch.shards import Shard, Share
from grader.batch.state import opened, stamp_of
from grader.errors import UsageError
from grader.grading import versions
from grader.report.class_page import Notice
from tests.classes import content, course_and_class, gradebook, run, start
from tests.courses import load


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course, a class, the OUT of grading it at once, and three shards, each with its OUT."""
    folder = tmp_path_factory.mktemp("merge")
    course, handed = course_and_class(folder)
    code, _, errors = run(course, handed, folder / "whole", "--jobs", "1")
    assert code == 0, errors
    for number in (1, 2, 3):
        code, said, errors = shard(folder, f"out{number}", f"{number}/3")
        assert code == 0, errors
        assert f"This was shard {number}/3" in said
    return folder


@pytest.fixture
def copy(here: Path, tmp_path: Path) -> Path:
    """All of it, to be changed by a test."""
    return shutil.copytree(here, tmp_path, dirs_exist_ok=True, symlinks=True)


def shard(folder: Path, out: str, share: str, *more: str) -> tuple[int, str, str]:
    words = ("--jobs", "1", "--shard", share, *more)
    return run(folder / "course", folder / "class", folder / out, *words)


def merge(folder: Path, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    """Exit code, and all that is said."""
    paths = [word if word.startswith("-") else str(folder / word) for word in words]
    capsys.readouterr()
    code = cli.run(["merge", *paths, "--course", str(folder / "course")])
    said = capsys.readouterr()
    return code, said.out + said.err


def test_merged_shards_are_the_files_of_one_batch(
    here: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    merged = tmp_path / "merged"
    words = ["merge", *(str(here / f"out{number}") for number in (3, 1, 2)), "-o", str(merged)]
    assert cli.run([*words, "--course", str(here / "course")]) == 0
    assert "3 shards, 7 graded, 2 rejected, 1 missing" in capsys.readouterr().out
    assert content(merged) == content(here / "whole")


def test_what_the_target_holds_of_others_is_kept_and_told(
    copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(copy / "whole", copy / "all")
    former = json.loads((copy / "all/results/alice.json").read_text())
    former["submission"]["id"] = "former"
    (copy / "all/results/former.json").write_text(json.dumps(former))
    code, said = merge(copy, capsys, "out1", "out2", "out3", "-o", "all")
    assert code == 0
    assert "in no shard; kept as they were: former\n" in said
    assert (copy / "all/results/former.json").is_file()


def test_without_a_target_the_first_out_takes_all_and_a_second_merge_is_told_so(
    copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert merge(copy, capsys, "out1", "out2", "out3")[0] == 0
    assert content(copy / "out1") == content(copy / "whole")
    code, said = merge(copy, capsys, "out1", "out2", "out3")
    assert code == 2
    assert "whole already" in said


def test_what_rescoring_replaced_in_the_shards_stays_in_the_gradebook_of_the_class(
    copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rubric = copy / "course/rubrics/numbers.toml"
    points = (
        rubric.read_text().replace("points = 4", "points = 5").replace("points = 3", "points = 2")
    )
    rubric.write_text(points)
    for number in (1, 2, 3):
        words = [str(copy / f"out{number}"), "--course", str(copy / "course")]
        assert cli.run(["rescore", *words]) == 0
    own = [gradebook(copy / f"out{number}/gradebook.db")["history"] for number in (1, 2, 3)]
    whole = sorted((row for rows in own for row in rows), key=str)
    assert len(whole) >= 7
    assert {row["why"] for row in whole} == {"rubric changed"}
    for _ in range(2):  # once more from the beginning: nothing is there twice
        assert merge(copy, capsys, "out1", "out2", "out3", "-o", "merged")[0] == 0
        found = gradebook(copy / "merged/gradebook.db")["history"]
        assert sorted(found, key=str) == whole
    assert merge(copy, capsys, "out1", "out2", "out3")[0] == 0
    assert sorted(gradebook(copy / "out1/gradebook.db")["history"], key=str) == whole


def test_a_merge_that_was_killed_half_way_is_done_again(
    copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    half = copy / "merged"
    for name in ("results", "evidence", "reports", ".grader"):
        (half / name).mkdir(parents=True)
    shutil.copy(copy / "out1/.grader/batch.json", half / ".grader")
    for file in (copy / "out1/reports").iterdir():
        shutil.copy(file, half / "reports")
    (half / "results/.alice.json.part").write_text("{")
    assert merge(copy, capsys, "out1", "out2", "out3", "-o", "merged")[0] == 0
    assert content(half) == content(copy / "whole")


def test_shards_may_share_one_folder_at_the_same_time(
    copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = (copy / "course", copy / "class", copy / "shared", "--jobs", "1", "--shard")
    both = [start(*words, "1/2"), start(*words, "2/2")]
    assert [batch.communicate(timeout=300) and batch.returncode for batch in both] == [0, 0]
    assert merge(copy, capsys, "shared")[0] == 0
    assert content(copy / "shared") == content(copy / "whole")


def test_one_shard_holds_its_part_alone_and_a_whole_batch_waits_for_it(
    copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lab = load(copy / "course")
    words = ["batch", "numbers", str(copy / "class"), "-o", str(copy / "new")]
    words += ["--course", str(copy / "course")]
    with opened(Out(copy / "new"), stamp_of(lab, versions()), fresh=False, shard=Shard(1, 2)):
        for more in (["--shard", "1/2"], []):
            assert cli.run([*words, *more]) == 2
            assert "Another batch is writing" in capsys.readouterr().err


def test_a_shard_that_is_missing_is_named(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, said = merge(copy, capsys, "out1", "out3", "-o", "merged")
    assert code == 2
    assert "1 of 3 shards are missing or not finished: 2/3" in said
    assert not (copy / "merged").exists()


def test_a_result_that_is_missing_is_named_and_graded_again(
    copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    number = next(n for n in (1, 2, 3) if Shard(n, 3).holds("alice"))
    (copy / f"out{number}/results/alice.json").unlink()
    code, said = merge(copy, capsys, "out1", "out2", "out3")
    assert code == 2
    assert f"lacks 1 results of shard {number}/3: alice" in said
    assert shard(copy, f"out{number}", f"{number}/3")[0] == 0
    assert merge(copy, capsys, "out1", "out2", "out3")[0] == 0
    assert content(copy / "out1") == content(copy / "whole")


def test_shards_of_another_lab_or_version_are_refused(
    copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = copy / "out2/.grader/batch.json"
    ours = json.loads(state.read_text())
    for change, words in (
        ({"lab": "others"}, "the results of numbers, "),
        ({"versions": {**ours["versions"], "grader": "0"}}, "different versions: grader"),
        ({"course": "0"}, "the checks or the rubric of numbers"),
    ):
        state.write_text(json.dumps({**ours, **change}))
        code, said = merge(copy, capsys, "out1", "out2", "out3")
        assert code == 2
        assert words in said
        assert ("grade rescore" in said) == ("course" in change)


def test_a_rubric_that_changed_after_the_grading_is_no_rubric_to_merge_with(
    copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rubric = copy / "course/rubrics/numbers.toml"
    rubric.write_text(rubric.read_text() + "\n")
    code, said = merge(copy, capsys, "out1", "out2", "out3")
    assert code == 2
    assert "--course" in said


def test_a_class_that_changed_between_shards_is_refused_by_name(
    copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (copy / "class/late.py").write_text("x = 1\n")
    assert shard(copy, "out2", "2/3")[0] == 0
    code, said = merge(copy, capsys, "out1", "out2", "out3")
    assert code == 2
    assert "changed between shard 1/3 and shard 2/3: late" in said


def test_shards_of_other_counts_twice_the_same_and_no_shards_are_refused(
    copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(copy / "out1", copy / "again", symlinks=True)
    code, said = merge(copy, capsys, "out1", "out2", "out3", "again")
    assert code == 2
    assert "Shard 1/3 is in" in said
    record = copy / "again/.grader/shard-1-of-3.json"
    record.write_text(record.read_text().replace('"of": 3', '"of": 4'))
    assert "shard 1/4" in merge(copy, capsys, "out2", "again")[1]
    assert "no finished shard" in merge(copy, capsys, "whole", "out1")[1]
    assert "holds no batch" in merge(copy, capsys, "class")[1]


def test_fresh_grades_a_share_again_and_leaves_the_others(copy: Path) -> None:
    assert shard(copy, "out1", "2/3")[0] == 0
    others = {
        path: path.stat().st_mtime_ns
        for path in (copy / "out1/results").iterdir()
        if Shard(1, 3).holds(json.loads(path.read_text())["submission"]["id"])
    }
    code, said, _ = shard(copy, "out1", "2/3", "--fresh")
    assert (code, "kept" in said) == (0, False)
    assert others
    assert all(path.stat().st_mtime_ns == when for path, when in others.items())


def test_a_share_without_anybody_is_done_at_once(copy: Path) -> None:
    empty = next(n for n in range(1, 40) if not any(Shard(n, 40).holds(i) for i in ids(copy)))
    code, said, _ = shard(copy, "none", f"{empty}/40")
    assert code == 0
    assert f"This was shard {empty}/40" in said
    assert (copy / f"none/.grader/shard-{empty}-of-40.json").is_file()


def ids(folder: Path) -> list[str]:
    record = json.loads((folder / "out1/.grader/shard-1-of-3.json").read_text())
    return list(record["names"])


@given(st.text(), st.integers(1, 50))
def test_every_id_is_in_exactly_one_share(student: str, count: int) -> None:
    holding = [n for n in range(1, count + 1) if Shard(n, count).holds(student)]
    assert len(holding) == 1


def test_the_shares_are_of_like_size_and_stay_what_they_are() -> None:
    shares = Counter(n for i in range(4000) for n in (1, 2, 3, 4) if Shard(n, 4).holds(f"s{i}"))
    assert all(900 < shares[number] < 1100 for number in (1, 2, 3, 4))
    assert [n for n in (1, 2, 3) if Shard(n, 3).holds("alice")] == [3]


@pytest.mark.parametrize("text", ["0/3", "4/3", "1", "1/0", "a/b", "1/99999", "١/٢", "-1/2"])
def test_what_is_no_shard_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="no shard"):
        Shard.parse(text)


@given(st.dictionaries(st.text(), st.text()), st.lists(st.text()))
def test_the_record_of_a_share_comes_back_as_it_was(
    names: dict[str, str], missing: list[str]
) -> None:
    doubts = tuple(Notice(student, "x") for student in sorted(missing))
    share = Share(Shard(1, 2), names, tuple(sorted(missing)), (), doubts)
    assert Share.from_json(json.loads(json.dumps(share.to_json()))) == share
