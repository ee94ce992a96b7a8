"""SECURITY.md says of each level of isolation what holds there and what does not, as tried."""

from __future__ import annotations

import pytest

from tests import containers, levels

PAGE = (containers.PROJECT / "SECURITY.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("| \n").split(" | ")]
    for line in PAGE.splitlines()
    if line.startswith(("| property", "| `"))
]


def column(name: str) -> tuple[str, dict[str, bool]]:
    """What the page says of one surrounding: the level, and each property."""
    head = next(cell for cell in ROWS[0] if cell.startswith(f"{name}: "))
    place = ROWS[0].index(head)
    level = head.removeprefix(f"{name}: ").strip("`")
    return level, {row[0].strip("`"): row[place] == "yes" for row in ROWS[1:]}


def test_the_page_has_every_surrounding_and_no_other() -> None:
    said = [cell.split(": `")[0] for cell in ROWS[0][1:]]
    assert said == [one.name for one in levels.SURROUNDINGS]


@pytest.mark.skipif(
    not containers.can_become_others(), reason="only root can make these surroundings"
)
@pytest.mark.parametrize("surrounding", levels.SURROUNDINGS, ids=lambda one: one.name)
def test_what_holds_is_what_the_page_says(surrounding: levels.Surrounding) -> None:
    level, holds = levels.found_in(surrounding)
    assert level == surrounding.level
    assert (level, holds) == column(surrounding.name)
