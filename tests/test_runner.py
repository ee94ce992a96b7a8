"""Running notebooks and modules: what a student sees happen, happens."""

from __future__ import annotations

from dataclasses import replace

import pytest

from grader.records.submission import Cell, ExtraFile, Submission
from tests.sessions import QUICK, evidence_of, module, notebook, running


def test_cells_share_names_and_print_in_order() -> None:
    evidence = evidence_of(notebook("x = 2", "print('x is', x)", "x * 21"))
    assert [cell.ok for cell in evidence.cells] == [True, True, True]
    assert "x is 2" in evidence.cells[1].text
    assert "42" in evidence.cells[2].text


def test_a_failing_cell_does_not_stop_the_later_ones_and_keeps_its_line() -> None:
    evidence = evidence_of(notebook("y = 1", "a = 1\nb = a / 0", "print('still here')"))
    fault = evidence.cells[1].fault
    assert fault is not None
    assert (fault.type, fault.cell, fault.line) == ("ZeroDivisionError", 2, 2)
    assert "still here" in evidence.cells[2].text


def test_an_error_deep_in_a_call_names_the_innermost_line_of_the_student() -> None:
    source = "def f():\n    return int('x')\n\nf()"
    fault = evidence_of(notebook(source)).cells[0].fault
    assert fault is not None
    assert (fault.cell, fault.line) == (1, 2)
    assert fault.trace == ("cell 1, line 4, in <module>", "cell 1, line 2, in f")


def test_a_syntax_error_in_one_cell_costs_that_cell_only() -> None:
    evidence = evidence_of(notebook("def f(:\n  pass", "print('fine')"))
    fault = evidence.cells[0].fault
    assert fault is not None
    assert (fault.type, fault.cell, fault.line) == ("SyntaxError", 1, 1)
    assert evidence.cells[1].ok


@pytest.mark.parametrize(
    ("magic", "said"),
    [
        ("%matplotlib inline", ""),
        ("%pip install torch", "Nothing is installed"),
        ("!pip install -q torch", "Nothing is installed"),
        ("!python -m pip install torch", "Nothing is installed"),
        ("!echo from a shell", "from a shell"),
        ("%%time\nprint('timed')", "timed"),
        ("%%bash\necho from bash", "from bash"),
        ("%timeit -n1 -r1 1 + 1", "loop"),
        ("from IPython.display import display\ndisplay({'a': 1})", "{'a': 1}"),
    ],
    ids=lambda text: text.splitlines()[0] if text else "-",
)
def test_magics_work_or_say_why_not(magic: str, said: str) -> None:
    evidence = evidence_of(notebook(magic))
    assert evidence.cells[0].ok, evidence.cells[0].fault
    assert said in evidence.text


def test_a_timed_cell_keeps_its_names_and_its_lines() -> None:
    cells = ("%%time\nkept = 5\nprint(kept)", "%%time\n\n1/0", "print(kept)")
    evidence = evidence_of(notebook(*cells))
    assert evidence.cells[2].text.strip() == "5"
    fault = evidence.cells[1].fault
    assert fault is not None
    assert (fault.cell, fault.line) == (2, 3)


def test_sys_exit_ends_its_cell_and_no_other() -> None:
    evidence = evidence_of(notebook("import sys\nsys.exit()", "print('on')"))
    fault = evidence.cells[0].fault
    assert fault is not None
    assert fault.type == "SystemExit"
    assert "on" in evidence.text


def test_input_is_refused_in_words() -> None:
    fault = evidence_of(notebook("name = input('Your name? ')")).cells[0].fault
    assert fault is not None
    assert "nobody is there to type" in fault.message


def test_a_module_counts_lines_as_the_file_does() -> None:
    fault = evidence_of(module("import math\n\nmath.sqrt(-1)\n")).cells[0].fault
    assert fault is not None
    assert (fault.cell, fault.line) == (None, 3)


def test_functions_below_an_error_in_a_module_are_still_made() -> None:
    source = "1 / 0\ndef later(): return 7\nLOOKED = open('/nowhere')\ndef last(): return 8\n"
    with running(module(source)) as (session, evidence):
        assert not evidence.cells[0].ok
        assert session.call("later").value == 7
        assert session.call("last").value == 8


def test_a_module_is_main() -> None:
    assert "yes" in evidence_of(module("if __name__ == '__main__': print('yes')")).text


def test_cells_of_a_module_are_numbered_and_count_lines_as_the_file_does() -> None:
    cells = (Cell(1, "x = 1", 2), Cell(2, "x = 2\nx / 0", 5))
    evidence = evidence_of(Submission("s", "s.py", "", "module", cells))
    fault = evidence.cells[1].fault
    assert fault is not None
    assert (fault.cell, fault.line) == (2, 6)


def test_helper_modules_come_along_and_shadow_nothing() -> None:
    files = (
        ExtraFile("helpers.py", b"VALUE = 3\n"),
        ExtraFile("json.py", b"raise RuntimeError('shadow')\n"),
        ExtraFile("data/points.csv", b"1,2\n"),
    )
    cell = "import json, helpers\nprint(helpers.VALUE, open('data/points.csv').read())"
    evidence = evidence_of(notebook(cell, files=files))
    assert evidence.cells[0].ok, evidence.cells[0].fault
    assert "3 1,2" in evidence.text


def test_standard_error_and_warnings_cost_nothing() -> None:
    cell = "import sys, warnings\nprint('oops', file=sys.stderr)\nwarnings.warn('careful')"
    assert evidence_of(notebook(cell)).cells[0].ok


def test_output_that_was_stored_in_the_notebook_is_not_believed() -> None:
    assert evidence_of(notebook("pass")).text == ""


def test_random_numbers_are_the_same_in_every_run() -> None:
    cell = "import random\nprint(random.random(), hash('x'))"
    first, second = evidence_of(notebook(cell)).text, evidence_of(notebook(cell)).text
    assert first == second


def test_an_exception_with_a_lone_surrogate_is_reported_like_any_other() -> None:
    source = "raise type('Odd\\ud800', (Exception,), {})('\\udfff message')"
    evidence = evidence_of(notebook(source, "print('\\ud800')", "print('on')"))
    assert evidence.limit is None
    assert [cell.ok for cell in evidence.cells] == [False, True, True]


def test_a_file_that_cannot_be_put_beside_the_notebook_costs_nothing() -> None:
    files = (ExtraFile("a", b"1"), ExtraFile("a/b.csv", b"2"))
    evidence = evidence_of(notebook("print('on')", files=files))
    assert evidence.cells[0].ok
    assert "on" in evidence.text


def test_the_time_limit_names_the_line_on_which_the_loop_begins() -> None:
    source = "n = 0\nwhile True:\n    n += 1\n    n -= 1\n"
    limits = replace(QUICK, run_seconds=1)
    fault = evidence_of(notebook(source), limits).cells[0].fault
    assert fault is not None
    assert (fault.cell, fault.line) == (1, 2)


def test_what_a_notebook_is_given_is_none_of_its_own_variables() -> None:
    evidence = evidence_of(notebook("x = 1", "Out = [2]", "def exit(): pass"))
    assert [value.name for value in evidence.values] == ["Out", "exit", "x"]


@pytest.mark.parametrize(
    "cell", ["%history", "%who", "In, Out, _", "get_ipython().history_manager"]
)
def test_what_a_shell_remembers_may_be_asked_for(cell: str) -> None:
    assert evidence_of(notebook("x = 1", cell)).cells[1].ok


@pytest.mark.parametrize("hash_", ["1 / 0", "sum(iter(int, 1))"])
def test_names_that_run_code_when_they_are_looked_up_cost_nothing(hash_: str) -> None:
    odd = (
        f"class Odd:\n    armed = False\n    def __hash__(self): return {hash_} if Odd.armed else 1"
    )
    evidence = evidence_of(notebook(odd, "globals()[Odd()] = 1; Odd.armed = True; x = 2"))
    assert [value.name for value in evidence.values] == ["Odd", "x"]
