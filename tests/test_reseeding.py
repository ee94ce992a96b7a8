"""The same submission under another seed: what moves, and that nothing else does."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.records.submission import Cell, ExtraFile, Submission
from grader.reseeding import with_seed
from tests.sessions import module, notebook


def moved(source: str, seed: int = 5) -> str:
    return with_seed(notebook(source), seed).cells[0].source


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("keras.utils.set_random_seed(7)", "keras.utils.set_random_seed(12)"),
        ("rng = np.random.default_rng( 3 )", "rng = np.random.default_rng( 8 )"),
        ("split(x, random_state=42, size=5)", "split(x, random_state=47, size=5)"),
        ("np.random.seed(0x1F)  # grüße", "np.random.seed(36)  # grüße"),
        ("é = 'ü'; tf.random.set_seed(1)", "é = 'ü'; tf.random.set_seed(6)"),
        ("np.random.seed(4294967295)", "np.random.seed(4)"),
        ("%matplotlib inline\nseed(1)\n!ls", "%matplotlib inline\nseed(6)\n!ls"),
        ("SEED: int = 4\nseed(SEED)", "SEED: int = 4\nseed((SEED + 5) % 4294967296)"),
        (
            "def draw(n, *, start=3):\n    return default_rng(start)",
            "def draw(n, *, start=3):\n    return default_rng((start + 5) % 4294967296)",
        ),
        (
            "for s in range(3):\n    set_seed(s)",
            "for s in range(3):\n    set_seed((s + 5) % 4294967296)",
        ),
    ],
)
def test_a_planted_seed_moves(before: str, after: str) -> None:
    assert moved(before) == after


@pytest.mark.parametrize(
    "source",
    [
        "layers.Dense(10, name='seed')",
        "train_test_split(x, random_state=None)",
        "rng = default_rng()\nsplit(x, random_state=rng)",
        "SEED = None\nseed(SEED)",
        "seed(other.number)",
        "seed(True)",
        "%%bash\nseed(1)",
        "this is no Python: seed(1)",
    ],
)
def test_nothing_else_moves(source: str) -> None:
    assert moved(source) == source


def test_a_name_holds_its_number_across_cells_and_helper_modules() -> None:
    helper = ExtraFile("tools.py", b"from numpy.random import seed\nseed(2)\n")
    picture = ExtraFile("a.png", b"\xff seed(2)")
    before = replace(notebook("SEED = 9", "np.random.seed(SEED)"), files=(helper, picture))
    after = with_seed(before, 1)
    assert after.cells[1].source == "np.random.seed((SEED + 1) % 4294967296)"
    assert after.files == (
        replace(helper, content=b"from numpy.random import seed\nseed(3)\n"),
        picture,
    )


def test_under_seed_0_the_numbers_are_those_of_the_student() -> None:
    assert moved("seed(3)", 0) == "seed(3)"


@given(st.text())
def test_any_source_can_be_reseeded(source: str) -> None:
    submission = Submission("s", "s.py", "", "module", (Cell(1, source),))
    assert len(with_seed(submission, 1).cells) == 1


@given(st.text(), st.integers(0, 2**32 - 1))
def test_no_line_is_moved(text: str, seed: int) -> None:
    source = f"a = {text!r}\nnp.random.seed({seed})\nb = {text!r}"
    lines = with_seed(module(source), 1).cells[0].source.split("\n")
    assert lines[0] == f"a = {text!r}"
    assert lines[1] == f"np.random.seed({(seed + 1) % 2**32})"
    assert lines[2] == f"b = {text!r}"
