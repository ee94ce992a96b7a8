"""The frame format between the grader and the student's process.

    magic "GRF1" | header length: u32 | payload length: u32 | header: JSON | payload: bytes

Little-endian. The header is one JSON object; in it `{"$array": i}` stands for the i-th entry of
its list "$arrays", each `{"dtype", "shape", "at"}`: a C-ordered array at byte `at` of the payload,
and `{"$tuple": [...]}` for a tuple.
Both lengths are compared with the reader's bounds before a byte of them is read, the header's parts
are counted before it is parsed, and each array's size is compared with what its shape and dtype
promise before it is made, so that a hostile peer can neither make the reader allocate nor smuggle
an object through: only plain numbers have a dtype here, and they fit into 64 bits.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

MAGIC = b"GRF1"
HEAD = struct.Struct("<4sII")
DTYPES = frozenset(
    "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64".split()
)
_NAMES = {np.dtype(name): name for name in DTYPES}
_KINDS = {name: dtype for dtype, name in _NAMES.items()}
MAX_DEPTH = 40
MAX_RANK = 8
MAX_DIGITS = 20
MARKS = ("$array", "$float", "$tuple")


class FrameError(ValueError):
    """The bytes are not a frame, or one beyond the bounds."""


@dataclass(frozen=True)
class Bounds:
    """The largest frame a reader accepts: bytes of header and payload, parts of the header.

    A part is a comma or an opening bracket: a few bytes that become an object of a hundred.
    """

    header: int = 8 << 20
    payload: int = 64 << 20
    parts: int = 250_000


ORDINARY = Bounds()
STREAMED = Bounds(payload=16 << 20)
"""For what is told while a submission runs; an answer may be larger."""


def name_of(dtype: np.dtype) -> str | None:
    """Its name in a frame, in whichever order its bytes lie; None where no frame carries it."""
    return _NAMES.get(dtype if dtype.isnative else dtype.newbyteorder("="))


def encode(message: dict[str, Any], bounds: Bounds | None = None) -> bytes:
    """Turn a message of plain values and NumPy arrays into one frame.

    What UTF-8 cannot hold is replaced in texts. Raises FrameError for values that are not plain,
    for dtypes outside DTYPES, and for a frame beyond `bounds`, where they are given.
    """
    arrays: list[np.ndarray] = []
    places: list[dict[str, Any]] = []
    at = 0

    def plain(value: Any, depth: int = 0) -> Any:
        nonlocal at
        if depth > MAX_DEPTH:
            raise FrameError("the message is nested too deeply")
        if isinstance(value, np.ndarray):
            name = name_of(value.dtype)
            if name is None or value.ndim > MAX_RANK:
                raise FrameError(f"an array of {value.dtype} and rank {value.ndim} cannot be sent")
            array = np.asarray(value, dtype=_KINDS[name], order="C")
            places.append({"dtype": name, "shape": list(array.shape), "at": at})
            arrays.append(array)
            at += array.nbytes
            return {"$array": len(arrays) - 1}
        if isinstance(value, dict):
            return {_sendable(str(key)): plain(item, depth + 1) for key, item in value.items()}
        if isinstance(value, list):
            return [plain(item, depth + 1) for item in value]
        if isinstance(value, tuple):
            return {"$tuple": [plain(item, depth + 2) for item in value]}
        if isinstance(value, float) and not math.isfinite(value):
            return {"$float": repr(value)}
        if isinstance(value, str):
            return _sendable(value)
        if value is None or isinstance(value, (bool, int, float)):
            return value
        raise FrameError(f"a {type(value).__name__} cannot be sent")

    body = plain(message)
    header = _JSON.encode({"body": body, "$arrays": places}).encode("ascii")
    if bounds is not None:
        _check(len(header), at, bounds)
        _check_parts(header, bounds)
    return b"".join([HEAD.pack(MAGIC, len(header), at), header, *(array.data for array in arrays)])


def _sendable(text: str) -> str:
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def read(
    receive: Callable[[int], bytes | bytearray], bounds: Bounds | None = None
) -> dict[str, Any]:
    """Read one frame with `receive(n)`, which returns exactly n bytes or raises EOFError.

    Raises FrameError where the bytes are no frame or exceed `bounds` (nothing is allocated then).
    """
    bounds = bounds or ORDINARY
    magic, header_size, payload_size = HEAD.unpack(receive(HEAD.size))
    if magic != MAGIC:
        raise FrameError("not a frame")
    _check(header_size, payload_size, bounds)
    header = receive(header_size)
    _check_parts(header, bounds)
    payload = receive(payload_size)
    return _decode(header, payload)


def _check(header_size: int, payload_size: int, bounds: Bounds) -> None:
    if header_size > bounds.header or payload_size > bounds.payload:
        raise FrameError(f"a frame of {header_size} + {payload_size} bytes is over the bounds")


def _check_parts(header: bytes | bytearray, bounds: Bounds) -> None:
    if sum(map(header.count, (b",", b"[", b"{"))) > bounds.parts:
        raise FrameError(f"a message of more than {bounds.parts:,} parts is over the bounds")


def _decode(header: bytes | bytearray, payload: bytes | bytearray) -> dict[str, Any]:
    try:
        document = _PLAIN_JSON.decode(header.decode("ascii"))
    except (ValueError, RecursionError) as error:
        raise FrameError(f"the header is not JSON: {error}") from None
    if not isinstance(document, dict) or set(document) != {"body", "$arrays"}:
        raise FrameError("the header lacks its parts")
    places = document["$arrays"]
    if not isinstance(places, list):
        raise FrameError("the header's list of arrays is not a list")
    arrays = [_array(place, payload) for place in places]
    body = _filled(document["body"], arrays, 0)
    if not isinstance(body, dict):
        raise FrameError("a message is an object")
    return body


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not a plain number")


def _whole(digits: str) -> int:
    if len(digits) > MAX_DIGITS or abs(number := int(digits)) > 1 << 63:
        raise ValueError("a whole number does not fit into 64 bits")
    return number


_JSON = json.JSONEncoder(allow_nan=False)
_PLAIN_JSON = json.JSONDecoder(parse_constant=_no_constant, parse_int=_whole)


def _array(place: Any, payload: bytes | bytearray) -> np.ndarray:
    try:
        dtype, shape, at = place["dtype"], place["shape"], place["at"]
    except (TypeError, KeyError):
        raise FrameError("an array lacks its dtype, shape or place") from None
    if not isinstance(dtype, str) or dtype not in _KINDS:
        raise FrameError(f"arrays of {dtype!r} are not sent")
    if not isinstance(shape, list) or len(shape) > MAX_RANK:
        raise FrameError("an array's shape is not a short list")
    for size in (*shape, at):
        if type(size) is not int or size < 0:
            raise FrameError("an array's shape is not made of counts")
    count = math.prod(shape)
    if at + count * _KINDS[dtype].itemsize > len(payload):
        raise FrameError("an array is larger than the payload")
    if count == 0:
        return _empty(shape, dtype)
    return np.frombuffer(payload, dtype=_KINDS[dtype], count=count, offset=at).reshape(shape)


def _empty(shape: list[int], dtype: str) -> np.ndarray:
    try:
        return np.zeros(shape, dtype=dtype)
    except ValueError:
        raise FrameError("an empty array's shape is out of reach") from None


def _filled(value: Any, arrays: list[np.ndarray], depth: int) -> Any:
    """Put arrays, tuples and odd floats in the place of their marks, within `value` itself."""
    if depth > MAX_DEPTH:
        raise FrameError("the message is nested too deeply")
    kind = type(value)  # of what JSON makes, which has no subclasses
    if kind is str:
        _check_text(value)
    elif kind is list:
        for index, item in enumerate(value):
            value[index] = _filled(item, arrays, depth + 1)
    elif kind is dict:
        if len(value) == 1 and not value.keys().isdisjoint(MARKS):
            mark, content = value.popitem()
            return _marked(mark, content, arrays, depth)
        for key, item in value.items():
            _check_text(key)
            value[key] = _filled(item, arrays, depth + 1)
    return value


def _marked(mark: str, value: Any, arrays: list[np.ndarray], depth: int) -> Any:
    if mark == "$array":
        if type(value) is not int or not 0 <= value < len(arrays):
            raise FrameError("an array is named that was not sent")
        return arrays[value]
    if mark == "$float":
        if value not in ("nan", "inf", "-inf"):
            raise FrameError("a number is not a number")
        return float(value)
    if not isinstance(value, list):
        raise FrameError("a tuple is not made of a list")
    return tuple(_filled(value, arrays, depth + 1))


def _check_text(text: str) -> None:
    if text.isascii():
        return
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise FrameError("a text holds what UTF-8 cannot") from None
