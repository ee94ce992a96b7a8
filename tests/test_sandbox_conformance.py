"""Every promise of the sandbox, tried as root and as an ordinary user of this machine."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import containers
import pytest
from click.testing import CliRunner

from grader.cli.doctor import doctor
from grader.sandbox import conformance, open_sandbox

NAMES = [one.name for one in conformance.PROPERTIES]
QUICK = [name for name in NAMES if name != "tensorflow-works"]
AS_USER = """
import json
from grader.sandbox import conformance, open_sandbox
sandbox = open_sandbox()
found = conformance.run(sandbox, only=lambda name: name != "tensorflow-works")
print(json.dumps([sandbox.isolation, [finding.to_json() for finding in found]]))
"""

Found = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def own() -> Found:
    """The findings of the user who runs the tests, as `grade doctor --json` prints them."""
    answer = CliRunner().invoke(doctor, ["--json"])
    assert answer.exit_code == 0, answer.output
    document = json.loads(answer.stdout)
    assert document["isolation"] == "full"
    assert set(document) == {"isolation", "reasons", "properties", "versions"}
    return {one["name"]: one for one in document["properties"]}


def found_by(command: list[str]) -> tuple[str, Found]:
    if not containers.can_become_others():
        pytest.skip("only root can run this as another user")
    answer = subprocess.run(command, capture_output=True, text=True, cwd="/", check=False)
    assert answer.returncode == 0, answer.stderr
    isolation, found = json.loads(answer.stdout)
    return isolation, {one["name"]: one for one in found}


@pytest.fixture(scope="module")
def users() -> Found:
    isolation, found = found_by(containers.as_user(containers.python(AS_USER)))
    assert isolation == "full"
    return found


@pytest.fixture(scope="module")
def container_roots() -> Found:
    isolation, found = found_by(containers.in_container(containers.python(AS_USER)))
    assert isolation == "full"
    return found


@pytest.mark.parametrize("name", NAMES)
def test_the_property_holds_for_whoever_runs_the_tests(own: Found, name: str) -> None:
    assert own[name]["ok"], own[name]


@pytest.mark.parametrize("name", QUICK)
def test_the_property_holds_for_an_ordinary_user(users: Found, name: str) -> None:
    assert users[name]["ok"], users[name]


@pytest.mark.parametrize("name", QUICK)
def test_the_property_holds_for_the_root_of_a_container_with_65536_ids(
    container_roots: Found, name: str
) -> None:
    assert container_roots[name]["ok"], container_roots[name]


def test_every_property_says_what_it_proves_and_what_to_do() -> None:
    for one in conformance.PROPERTIES:
        assert one.proves.endswith("."), one.name
        assert one.hint.endswith("."), one.name
    assert len(set(NAMES)) == len(NAMES)


def test_the_proofs_can_fail_without_walls() -> None:
    sandbox = open_sandbox(at_most="limits-only")
    found = conformance.run(sandbox, only=lambda name: name in {"hidden-grader", "private-tmp"})
    assert [finding.ok for finding in found] == [False, False]
    assert all(finding.hint for finding in found)


def test_the_doctor_prints_words_and_no_colours_to_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    some = (conformance.Finding("a", True, "fine", ""), conformance.Finding("b", False, "x", "Do."))
    monkeypatch.setattr("grader.cli.doctor.run", lambda _: list(some))
    answer = CliRunner().invoke(doctor, [])
    assert answer.exit_code == 3
    assert "\x1b" not in answer.output
    for word in ("ok", "missing", "Isolation: full", "Next: Do."):
        assert word in answer.output
