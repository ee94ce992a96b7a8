"""The frame format: what it carries, and that nothing else gets through."""

from __future__ import annotations

import io
import json
import math
import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from grader.inside import wire

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(max_size=20) | st.floats(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(st.text(max_size=5), inner)
    ),
    max_leaves=20,
).filter(lambda value: not _holds_marker(value))
ARRAYS = hnp.arrays(
    st.sampled_from(sorted(wire.DTYPES)).map(np.dtype), hnp.array_shapes(min_dims=0, min_side=0)
)


ODD = [
    object(), b"bytes", {1, 2}, np.array([None]), np.array(["a"]), np.array([1j]),
    np.array(["a"], dtype=np.dtypes.StringDType()), np.zeros(2, dtype=[("a", "i4")]),
]  # fmt: skip


def _holds_marker(value: Any) -> bool:
    if isinstance(value, dict):
        return any(key in wire.MARKS or _holds_marker(v) for key, v in value.items())
    return isinstance(value, (list, tuple)) and any(map(_holds_marker, value))


def read(frame: bytes, bounds: wire.Bounds | None = None) -> dict[str, Any]:
    stream = io.BytesIO(frame)

    def receive(size: int) -> bytes:
        part = stream.read(size)
        if len(part) < size:
            raise EOFError
        return part

    return wire.read(receive, bounds)


def frame(header: object, payload: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return wire.HEAD.pack(wire.MAGIC, len(text), len(payload)) + text + payload


def same(left: Any, right: Any) -> bool:
    if isinstance(left, float) and isinstance(right, float):
        return left == right or (math.isnan(left) and math.isnan(right))
    if isinstance(left, (list, tuple)):
        return type(left) is type(right) and len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same(left[k], right[k]) for k in left)
    return type(left) is type(right) and left == right


@given(PLAIN)
def test_plain_values_come_back_as_they_went(value: Any) -> None:
    assert same(read(wire.encode({"value": value}))["value"], value)


@given(st.lists(ARRAYS, max_size=3))
def test_arrays_come_back_with_shape_dtype_and_bytes(arrays: list[np.ndarray]) -> None:
    back = read(wire.encode({"arrays": arrays}))["arrays"]
    for sent, got in zip(arrays, back, strict=True):
        assert got.dtype == sent.dtype
        assert got.shape == sent.shape
        assert got.tobytes() == sent.tobytes()


@given(ARRAYS, st.sampled_from("<>="))
def test_an_array_keeps_its_values_whatever_the_order_of_its_bytes(
    array: np.ndarray, order: Any
) -> None:
    got = read(wire.encode({"a": array.astype(array.dtype.newbyteorder(order))}))["a"]
    assert (got.dtype, got.tobytes()) == (array.dtype, array.tobytes())


@pytest.mark.parametrize("array", [np.arange(6).reshape(2, 3).T, np.arange(9)[::2], np.array(7)])
def test_an_array_keeps_its_values_however_it_lies_in_memory(array: np.ndarray) -> None:
    assert np.array_equal(read(wire.encode({"a": array}))["a"], array)


@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_refused_not_misread(data: bytes) -> None:
    with pytest.raises((wire.FrameError, EOFError)):
        read(data)


@given(PLAIN, st.binary(max_size=40))
@settings(max_examples=200)
def test_arbitrary_json_headers_never_raise_anything_else(header: Any, payload: bytes) -> None:
    try:
        read(frame(header, payload))
    except wire.FrameError:
        return
    assert set(header) == {"body", "$arrays"}


@given(PLAIN, PLAIN, PLAIN)
def test_hostile_array_entries_are_refused(dtype: Any, shape: Any, at: Any) -> None:
    place = {"dtype": dtype, "shape": shape, "at": at}
    with pytest.raises(wire.FrameError):
        read(frame({"body": {"a": {"$array": 0}}, "$arrays": [place]}, b"1234"))


@pytest.mark.parametrize(
    "place",
    [
        {"dtype": "float32", "shape": [1 << 40], "at": 0},
        {"dtype": "float64", "shape": [2], "at": 0},
        {"dtype": "uint8", "shape": [4], "at": 1},
        {"dtype": "uint8", "shape": [-1], "at": 0},
        {"dtype": "uint8", "shape": [True], "at": 0},
        {"dtype": "uint8", "shape": [0, 1 << 62, 1 << 62], "at": 0},
        {"dtype": "object", "shape": [1], "at": 0},
        {"dtype": "O", "shape": [1], "at": 0},
        {"dtype": "datetime64", "shape": [1], "at": 0},
        {"dtype": "uint8", "shape": [1] * 9, "at": 0},
    ],
    ids=str,
)
def test_an_array_that_promises_more_than_it_brings_is_refused(place: dict[str, Any]) -> None:
    with pytest.raises(wire.FrameError):
        read(frame({"body": {}, "$arrays": [place]}, b"1234"))


def test_a_four_gigabyte_length_is_refused_before_anything_is_allocated() -> None:
    tracemalloc.start()
    with pytest.raises(wire.FrameError, match="over the bounds"):
        read(wire.HEAD.pack(wire.MAGIC, 100, 0xFFFFFFFF))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20


def test_deep_json_is_refused() -> None:
    deep = b'{"body":' + b"[" * 100_000 + b"]" * 100_000 + b',"$arrays":[]}'
    with pytest.raises(wire.FrameError):
        read(frame(deep))


@pytest.mark.parametrize("constant", [b"NaN", b"Infinity", b"-Infinity"])
def test_numbers_that_are_no_json_are_refused(constant: bytes) -> None:
    with pytest.raises(wire.FrameError):
        read(frame(b'{"body":{"a":' + constant + b'},"$arrays":[]}'))


@pytest.mark.parametrize("value", ODD, ids=lambda value: type(value).__name__)
def test_what_has_no_plain_form_is_not_sent(value: object) -> None:
    with pytest.raises(wire.FrameError):
        wire.encode({"value": value})


def test_more_parts_than_the_bounds_allow_are_refused_before_they_are_parsed() -> None:
    many = b'{"body":{"a":[' + b"0," * 300_000 + b'0]},"$arrays":[]}'
    with pytest.raises(wire.FrameError, match="parts"):
        read(frame(many))


@pytest.mark.parametrize("number", [b"9" * 5_000, b"9" * 20, b"-99999999999999999999"])
def test_whole_numbers_beyond_64_bits_are_refused(number: bytes) -> None:
    with pytest.raises(wire.FrameError, match="64 bits"):
        read(frame(b'{"body":{"a":' + number + b'},"$arrays":[]}'))


@pytest.mark.parametrize("body", [rb'{"a":"\ud800"}', rb'{"\ud800":1}'])
def test_a_text_that_no_file_could_hold_is_refused(body: bytes) -> None:
    with pytest.raises(wire.FrameError, match="UTF-8"):
        read(frame(b'{"body":' + body + b',"$arrays":[]}'))


def test_a_lone_surrogate_is_replaced_before_it_is_sent() -> None:
    assert read(wire.encode({"a\ud800": "b\udfff"})) == {"a?": "b?"}


@pytest.mark.parametrize("mark", [b'{"$tuple":3}', b'{"$float":"1.0"}', b'{"$array":true}'])
def test_a_mark_that_marks_nothing_is_refused(mark: bytes) -> None:
    with pytest.raises(wire.FrameError):
        read(frame(b'{"body":{"a":' + mark + b'},"$arrays":[]}'))


def test_a_frame_beyond_the_bounds_is_not_made() -> None:
    small = wire.Bounds(payload=1_000)
    with pytest.raises(wire.FrameError, match="over the bounds"):
        wire.encode({"a": np.zeros(1_001, dtype=np.uint8)}, small)
