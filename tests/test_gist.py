"""What a student reads of a library's long message. The messages are TensorFlow's and Keras's."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.gist import MOST, gist
from grader.inside import faults
from tests import courses

PLACE = '  File "/usr/lib/site-packages/keras/src/trainers/trainer.py", line 419, in fit\n\n'
GRAPH = (
    "Graph execution error:\n\nDetected at node compile_loss/Sparse defined at (most recent call"
    f" last):\n{PLACE * 40}Received a label value of 7 which is outside the valid range of [0, 3)."
    "  Label values: 7 7 7\n\t [[{{node compile_loss/Sparse}}]] [Op:__inference_one_step_12]"
)
LAYER = (
    "Exception encountered when calling Sequential.call().\n\n\x1b[1mInput 0 of layer 'dense' is"
    " incompatible\x1b[0m\n\nArguments received by Sequential.call():\n  • training=False"
)
MATMUL = (
    "{{function_node __wrapped__MatMul_device_/job:localhost/device:CPU:0}} Matrix"
    " size-incompatible: In[0]: [2,3], In[1]: [2,3] [Op:MatMul] name: "
)
TRACED = (
    'in user code:\n\n    File "<cell 3>", line 11, in g  *\n        return tf.matmul(x, w)\n\n'
    "    NameError: name 'w' is not defined\n"
)
LOGGED = "2026-01-01 10:00:00.123456: W external/xla.cc:1] hm\nE0000 00:00:17 cuda.cc:1] no\nbad x"


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("division by zero", "division by zero"),
        ("", ""),
        (GRAPH, "Received a label value of 7 which is outside the valid range of [0, 3)."),
        (LAYER, "Input 0 of layer 'dense' is incompatible"),
        (MATMUL, "Matrix size-incompatible: In[0]: [2,3], In[1]: [2,3]"),
        (TRACED, "name 'w' is not defined"),
        (LOGGED, "bad x"),
        ("late\n/driver/inside/x.py", "late"),
    ],
)
def test_the_line_that_matters_is_found(message: str, said: str) -> None:
    assert gist(message).split("  Label")[0] == said


def test_it_is_found_after_the_sandbox_cut_the_message_too() -> None:
    told = faults.describe(ValueError(GRAPH))["message"]
    assert len(told) <= faults.MAX_MESSAGE
    assert gist(told).startswith("Received a label value of 7")


@given(st.text())
def test_anything_has_a_gist_of_one_bounded_line(message: str) -> None:
    said = gist(message)
    assert len(said) <= MOST
    assert len(said.splitlines()) <= 1


def test_an_unsendable_answer_is_explained_without_our_own_names(tmp_path: Path) -> None:
    source = "S = []\nS.append(S)\ndef double(x): return S\ndef half(x): return x / 2\n"
    result = courses.grade_source(courses.make_course(tmp_path), source).result
    (check,) = [check for check in result.checks if check.id == "double_doubles"]
    assert check.observed == "your function's answer could not be read: " + (
        "the answer is nested too deeply"
    )
    assert check.next
