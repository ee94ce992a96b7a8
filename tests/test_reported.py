"""Which printed numbers may be an accuracy on test images."""

from __future__ import annotations

import pytest

from grader.checks.reported import shares


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("test accuracy: 0.9642", [(0.9642, False)]),
        ("96.42 % right", [(0.9642, False)]),
        ("96.42% right, 3.58 % wrong", [(0.9642, False), (0.0358, False)]),
        ("Total params: 109,386 (427.29 KB)\nNon-trainable params: 0 (0.00 B)", []),
        ("it took 12.50 s, 0.25 ms each", []),
        ("469/469 - 1s - 3ms/step - accuracy: 0.9555", [(0.9555, True)]),
        ("1/2 - 3ms/step - accuracy: 0.5000\raccuracy 0.9000", [(0.5, True), (0.9, False)]),
        ("version 2.21.0", []),
    ],
)
def test_a_printed_number_is_told_from_sizes_seconds_and_logs(
    text: str, found: list[tuple[float, bool]]
) -> None:
    told = [(share, logged) for share, _, logged in shares(text)]
    assert [share for share, _ in told] == pytest.approx([share for share, _ in found])
    assert [logged for _, logged in told] == [logged for _, logged in found]
