"""Notebooks and modules: what is read, how it is numbered, and what is refused with a reason."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_course import notebook, write_notebook

from grader.errors import SubmissionError
from grader.records.submission import Cell
from grader.submissions import bounds, read
from grader.submissions.module import read_module
from grader.submissions.notebook import Source, read_notebook


def load(content: bytes | dict[str, Any]) -> Source:
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    return read_notebook(data, "work.ipynb")


def refusal(content: bytes | dict[str, Any]) -> str:
    with pytest.raises(SubmissionError) as caught:
        load(content)
    assert caught.value.hint
    assert "work.ipynb" in caught.value.message
    return caught.value.message


def code(source: Any, **more: Any) -> dict[str, Any]:
    return {"cell_type": "code", "metadata": {}, "source": source, "outputs": [], **more}


def test_code_cells_are_numbered_from_one_as_after_run_all() -> None:
    source = load(notebook("a = 1", "", "  \n\t", "# only a remark", "b = 2"))
    assert source.cells == [Cell(1, "a = 1"), Cell(2, "# only a remark"), Cell(3, "b = 2")]


def test_text_cells_are_kept_apart_and_raw_cells_left() -> None:
    cells = [
        {"cell_type": "markdown", "source": ["# Заключение\n", "Dropout helps."]},
        {"cell_type": "raw", "source": "raw"},
        code(["x = 1\n", "y = 2"]),
    ]
    source = load(notebook(cells=cells))
    assert source.markdown == ["# Заключение\nDropout helps."]
    assert source.cells == [Cell(1, "x = 1\ny = 2")]
    assert source.notes == []


@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16", "utf-32"])
def test_073_other_encodings_with_a_mark_are_read(codec: str) -> None:
    text = json.dumps(notebook("数字 = 1  # ünïcödé"), ensure_ascii=False)
    source = load(text.encode(codec))
    assert source.cells == [Cell(1, "数字 = 1  # ünïcödé")]
    assert "was read as" in source.notes[0]


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be", "latin-1", "cp1252"])
def test_073_encodings_without_a_mark_are_guessed_and_noted(codec: str) -> None:
    text = json.dumps(notebook("größe = 1"), ensure_ascii=False)
    source = load(text.encode(codec))
    assert source.cells == [Cell(1, "größe = 1")]
    assert "was read as" in source.notes[0]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b" \n\n", "empty"),
        (b"<!DOCTYPE html><html><body>Sign in</body></html>", "web page"),
        (b"\xef\xbb\xbf\n <html>", "web page"),
        (json.dumps(notebook("x = 1")).encode()[:-30], "breaks off"),
        (json.dumps(notebook("x = 1")).encode()[:-1], "breaks off"),
        (b'{"cells": [{"cell_type": "co', "breaks off"),
        (b'{"cells": ]}', "damaged"),
        (b'{"cells": \0}', "NUL"),
        (b"\0" * 1000, "NUL"),
        (b"import numpy as np\n", "not JSON"),
        (b"PK\x03\x04rest", "zip"),
        (b"%PDF-1.7", "PDF"),
        (b"[]", "no notebook"),
        (b"{}", "no notebook"),
        (b'{"a": 1}', "no notebook"),
        (b'{"nbformat": 4}', "no list of cells"),
        (b'{"nbformat": 4, "cells": {}}', "no list of cells"),
        (b'{"nbformat": "4", "cells": 1}', "no notebook"),
        (b'{"nbformat": 4, "cells": [1]}', "Cell 1"),
        (b'{"nbformat": 4, "cells": [{"cell_type": "code", "source": 3}]}', "Cell 1"),
        (b'{"nbformat": 4, "cells": [{"cell_type": "code", "source": [3]}]}', "Cell 1"),
        (b'{"nbformat": 4, "cells": [], "n": ' + b"1" * 5000 + b"}", "damaged"),
    ],
)
def test_072_what_is_no_notebook_is_refused_with_a_readable_reason(
    content: bytes, said: str
) -> None:
    assert said in refusal(content)


def test_a_notebook_without_a_line_of_code_is_refused() -> None:
    assert "no line of code" in refusal(notebook())
    assert "no line of code" in refusal(notebook("", "# TODO\n  # more"))
    only_text = [{"cell_type": "markdown", "source": "x = 1"}]
    assert "no line of code" in refusal(notebook(cells=only_text))


def old_notebook(major: int) -> dict[str, Any]:
    cells = [
        {"cell_type": "code", "language": "python", "input": ["x = 1\n", "y"], "outputs": []},
        {"cell_type": "markdown", "source": "Text."},
        {"cell_type": "code", "language": "python", "input": "z = 3", "outputs": []},
    ]
    return {
        "nbformat": major,
        "nbformat_minor": 0,
        "metadata": {"name": "old"},
        "worksheets": [{"cells": cells}],
    }


@pytest.mark.parametrize("major", [2, 3])
def test_074_old_formats_are_upgraded(major: int) -> None:
    source = load(old_notebook(major))
    assert source.cells == [Cell(1, "x = 1\ny"), Cell(2, "z = 3")]
    assert source.markdown == ["Text."]


@pytest.mark.parametrize("minor", [0, 2, 5, 99])
def test_074_every_minor_of_format_4_is_read(minor: int) -> None:
    assert load(notebook("x = 1", nbformat_minor=minor)).cells == [Cell(1, "x = 1")]


@pytest.mark.parametrize("major", [1, 5, -4, 10**9, True])
def test_074_formats_that_nobody_knows_are_refused(major: int) -> None:
    assert "notebook" in refusal(notebook("x = 1", nbformat=major))


def test_074_an_old_notebook_that_is_damaged_too_is_refused() -> None:
    assert "cannot be upgraded" in refusal(old_notebook(3) | {"worksheets": [{"cells": [1]}]})


def test_075_double_and_missing_cell_ids_change_nothing() -> None:
    cells = [code("a = 1", id="same"), code("b = 2", id="same"), code("c = 3")]
    twice = [load(notebook(cells=cells)).cells for _ in range(2)]
    assert twice[0] == twice[1] == [Cell(1, "a = 1"), Cell(2, "b = 2"), Cell(3, "c = 3")]


def test_077_a_hostile_kernel_that_the_file_names_is_ignored() -> None:
    spec = {"name": "bash", "display_name": "Bash", "language": "bash", "argv": ["rm", "-rf", "/"]}
    source = load(notebook("import numpy\nx = 1", metadata={"kernelspec": spec}))
    assert source.cells == [Cell(1, "import numpy\nx = 1")]
    named = {"kernelspec": spec, "language_info": {"name": "python"}}
    assert load(notebook("x = 1", metadata=named)).cells == [Cell(1, "x = 1")]


@pytest.mark.parametrize(
    "metadata",
    [
        {"language_info": {"name": "R"}},
        {"kernelspec": {"name": "ir", "language": "R"}},
        {"kernelspec": {"language": "python"}, "language_info": {"name": "julia"}},
    ],
)
def test_a_notebook_in_another_language_is_refused(metadata: dict[str, Any]) -> None:
    assert "another language" in refusal(notebook("x <- 1\nlibrary(keras)", metadata=metadata))


@pytest.mark.parametrize(
    "metadata", [None, [], {"language_info": 3}, {"kernelspec": {"language": ["R"]}}]
)
def test_odd_metadata_says_nothing_about_the_language(metadata: Any) -> None:
    assert load(notebook("x = 1", metadata=metadata)).cells


def test_078_a_hundred_thousand_cells_are_refused() -> None:
    assert "too intricate" in refusal(notebook(*["x"] * 100_000))
    assert "20,000 cells" in refusal(notebook(*["x"] * 20_000))
    assert len(load(notebook(*["x"] * bounds.CELLS)).cells) == bounds.CELLS


@pytest.mark.parametrize("deep", [b"[" * 50_000 + b"]" * 50_000, b'{"a":' * 50_000 + b"1" * 50_000])
def test_078_deep_json_is_refused_without_a_recursion_error(deep: bytes) -> None:
    started = time.monotonic()
    assert "nested too deeply" in refusal(deep)
    assert "nested too deeply" in refusal(b'{"nbformat": 4, "cells": [], "metadata": ' + deep)
    assert time.monotonic() - started < 1


def test_078_a_notebook_of_nothing_but_brackets_is_refused_unparsed() -> None:
    assert "too intricate" in refusal(b"[" + b"[]," * 2_000_000 + b"[]]")


def test_signs_of_structure_that_were_printed_do_not_make_a_notebook_intricate() -> None:
    printed = "[1, 2] {a: 3} \\" + '"' * 3
    output = {"output_type": "stream", "name": "stdout", "text": [printed] * 60_000}
    assert load(notebook() | {"cells": [code("x = 1", outputs=[output])]}).cells
    assert "too intricate" in refusal(
        notebook() | {"cells": [code("x", outputs=[[0] * 2_000_000])]}
    )


def test_an_old_notebook_of_too_many_cells_is_refused_before_it_is_upgraded() -> None:
    sheet = {"cells": [{"cell_type": "code", "language": "python", "input": "x"}] * 20_000}
    assert "20,000 cells" in refusal({"nbformat": 3, "nbformat_minor": 0, "worksheets": [sheet]})


def test_080_outputs_and_execution_counts_stay_apart_from_the_code() -> None:
    faked = code("x = 1", execution_count=7, outputs=[{"text": "accuracy 1.0"}])
    [cell] = load(notebook(cells=[faked])).cells
    assert cell == Cell(1, "x = 1", stored="accuracy 1.0\n", count=7)


def test_a_lone_surrogate_in_a_cell_is_made_sendable() -> None:
    source = load(b'{"nbformat": 4, "cells": [{"cell_type": "code", "source": "x = \'\\ud800\'"}]}')
    assert source.cells[0].source.encode() == "x = '�'".encode()


def test_an_unknown_kind_of_cell_is_left_out_and_noted() -> None:
    source = load(notebook(cells=[{"cell_type": "heading", "source": "T"}, code("x = 1")]))
    assert "Cell 1 of work.ipynb was left out" in source.notes[0]


def test_a_notebook_of_100_mb_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "big.ipynb"
    with path.open("wb") as stream:
        stream.truncate(100 << 20)
    started = time.monotonic()
    with pytest.raises(SubmissionError, match=r"100 MiB; at most 20 MiB"):
        read(path)
    assert time.monotonic() - started < 0.1


def test_reading_an_ordinary_notebook_loads_no_heavy_library(tmp_path: Path) -> None:
    path = write_notebook(tmp_path / "a.ipynb", "x = 1")
    program = (
        "import sys; from pathlib import Path; from grader.submissions import read\n"
        f"read(Path({str(path)!r}))\n"
        "print({'nbformat', 'pydantic', 'numpy', 'IPython'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.strip() == "set()"


def module(text: str | bytes) -> Source:
    return read_module(text if isinstance(text, bytes) else text.encode(), "work.py")


def test_a_module_without_marks_is_one_cell() -> None:
    assert module("x = 1\r\ny = 2\r").cells == [Cell(1, "x = 1\ny = 2\n", 1)]


def test_a_module_with_marks_is_parted_and_keeps_the_lines_of_the_file() -> None:
    text = "# %% first\nx = 1\n\n#%%\n\n# %% [markdown]\n# Seen: *less*.\n# %%\ny = 2\nz = 3\n"
    source = module(text)
    assert source.cells == [Cell(1, "x = 1\n\n", 2), Cell(2, "y = 2\nz = 3\n", 9)]
    assert source.markdown == ["Seen: *less*."]
    for cell in source.cells:
        assert text.split("\n")[cell.first_line - 1] == cell.source.split("\n")[0]


def test_code_before_the_first_mark_is_a_cell_and_a_header_is_text() -> None:
    assert module("import os\n# %%\nx = 1").cells == [Cell(1, "import os\n"), Cell(2, "x = 1", 3)]
    source = module("# jupytext header\n\n# %%\nx = 1")
    assert source.cells == [Cell(1, "x = 1", 4)]
    assert source.markdown == ["jupytext header"]


@pytest.mark.parametrize(
    "text",
    [
        'text = """\n# %%\n"""\n',
        "text = '''\\'''\n# %%\n'''\n",
        "if True:\n    # %%\n    x = 1\n",
        "# %%%%\nx = 1\n",
        "x = 1 # %%\n",
        'text = """never closed\n# %%\n',
    ],
)
def test_what_only_looks_like_a_mark_parts_nothing(text: str) -> None:
    assert module(text).cells == [Cell(1, text, 1)]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"# nothing but a remark\n", "no line of code"),
        (b"x = 1\0", "NUL"),
        (json.dumps(notebook("x = 1")).encode(), "Rename it to .ipynb"),
        (b"# %%\nx\n" * 3_000, "more than 2,000 cells"),
        (b"\x89HDF\r\n", "HDF5"),
    ],
)
def test_what_is_no_module_is_refused_with_a_readable_reason(content: bytes, said: str) -> None:
    with pytest.raises(SubmissionError) as caught:
        module(content)
    assert said in f"{caught.value.message} {caught.value.hint}"


def test_a_module_may_declare_its_encoding() -> None:
    source = module("# -*- coding: koi8-r -*-\nимя = 1\n".encode("koi8-r"))
    assert "имя = 1" in source.cells[0].source
    assert "koi8-r" in source.notes[0]


@pytest.mark.parametrize("codec", ["rot13", "unicode_escape", "idna", "zlib", "nonsense", "utf-7"])
def test_a_module_cannot_choose_a_codec_that_does_more_than_decode(codec: str) -> None:
    source = module(f"# coding: {codec}\nx = '".encode() + b"\xe9'\n")
    assert "é" in source.cells[0].source


@pytest.mark.parametrize(
    "text",
    [b'"""' + b"\\n" * 2_000_000, b'"""\\"' * 1_000_000, b"# %%\n" * 1_000_000, b"'\"" * 2_000_000],
)
def test_hostile_text_costs_one_pass(text: bytes) -> None:
    started = time.monotonic()
    with contextlib.suppress(SubmissionError):
        read_module(text + b"\n# %%\nx = 1", "work.py")
    # Looking twice at each piece would take hours, not a few seconds on a busy machine.
    assert time.monotonic() - started < 60


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
cells_of_any_kind = st.fixed_dictionaries(
    {},
    optional={
        "cell_type": st.sampled_from(["code", "markdown", "raw", "heading"]) | json_values,
        "source": st.text() | st.lists(st.text()) | json_values,
        "input": st.text() | json_values,
        "language": st.text(),
    },
)
notebooks_of_any_kind = st.fixed_dictionaries(
    {"nbformat": st.sampled_from([2, 3, 4, 5]) | json_values},
    optional={
        "nbformat_minor": json_values,
        "metadata": json_values
        | st.fixed_dictionaries({"language_info": st.fixed_dictionaries({"name": json_values})}),
        "cells": st.lists(cells_of_any_kind | json_values, max_size=4) | json_values,
        "worksheets": st.lists(
            st.fixed_dictionaries({"cells": st.lists(cells_of_any_kind, max_size=3)}), max_size=2
        )
        | json_values,
    },
)


def well_formed(source: Source) -> None:
    assert [cell.number for cell in source.cells] == list(range(1, len(source.cells) + 1))
    assert 1 <= len(source.cells) <= bounds.CELLS
    for text in [cell.source for cell in source.cells] + source.markdown + source.notes:
        text.encode()


@given(st.binary(max_size=500))
@settings(max_examples=300, deadline=None)
def test_arbitrary_bytes_are_read_or_refused(content: bytes) -> None:
    for reader in (read_notebook, read_module):
        with contextlib.suppress(SubmissionError):
            well_formed(reader(content, "x"))


@given(notebooks_of_any_kind, st.sampled_from(["utf-8", "utf-16", "utf-8-sig"]))
@settings(max_examples=300, deadline=None)
def test_arbitrary_json_is_read_or_refused(value: Any, codec: str) -> None:
    content = json.dumps(value).encode(codec)
    with contextlib.suppress(SubmissionError):
        well_formed(read_notebook(content, "x"))


@given(st.text(alphabet="# %'\"\\\nx[md]", max_size=200))
@settings(max_examples=300, deadline=None)
def test_the_parts_of_a_module_are_pieces_of_it_at_their_lines(text: str) -> None:
    try:
        source = read_module(text.encode(), "x")
    except SubmissionError:
        return
    well_formed(source)
    lines = text.split("\n")
    for cell in source.cells:
        wanted = cell.source.split("\n")
        found = lines[cell.first_line - 1 : cell.first_line - 1 + len(wanted)]
        assert found[: len(wanted) - 1] == wanted[:-1]
