"""Write the bill of materials of a release, in CycloneDX: what the lock holds, and nothing else.

    python scripts/sbom.py dist

The wheel in that folder is what the bill is for: its hash stands in it, and the bill lies beside
it, `labgrader-VERSION.cdx.json`. Every package comes with its version, the hashes of its files, its
marker, and what it is needed for; of those that only development needs the scope is “excluded”.
The same lock and wheel make the same bill.
"""

from __future__ import annotations

import hashlib
import re
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

from cyclonedx.model import (
    ExternalReference,
    ExternalReferenceType,
    HashAlgorithm,
    HashType,
    Property,
    XsUri,
)
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements.lock"
_PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*)(?:\[[^]]*])?==([^ ;\\]+)(?: ; ([^\\]+?))? \\$")
_HASH = re.compile(r"^    --hash=sha256:([0-9a-f]{64})(?: \\)?$")
_VIA = re.compile(r"^    #   (?: via)? ?(.+)$|^    # via (.+)$")
_OURS = "labgrader"
_RELEASED = "labgrader (pyproject.toml)"


@dataclass(frozen=True)
class Locked:
    """One package of the lock: `needed_by` are packages, or the project with its group."""

    name: str
    version: str
    marker: str | None
    hashes: tuple[str, ...]
    needed_by: tuple[str, ...]

    @property
    def parents(self) -> set[str]:
        """The names alone of what needs it."""
        return {name.split(" ")[0] for name in self.needed_by}


def locked(text: str) -> list[Locked]:
    """The packages of a lock. Raises ValueError for a line that is none of its kinds."""
    found: list[tuple[tuple[str, str, str | None], list[str], list[str]]] = []
    for line in text.splitlines():
        if pin := _PIN.match(line):
            found.append(((pin[1], pin[2], pin[3]), [], []))
        elif digest := _HASH.match(line):
            found[-1][1].append(digest[1])
        elif via := _VIA.match(line):
            found[-1][2].append((via[1] or via[2]).strip())
        elif line and not line.startswith("#") and line != "    # via":
            raise ValueError(f"{LOCK.name} has a line that is not known: {line}")
    return [Locked(*head, tuple(hashes), tuple(via)) for head, hashes, via in found]


def released(packages: list[Locked]) -> set[str]:
    """The names of those that an installed labgrader needs, not its development alone."""
    needed = {package.name for package in packages if _RELEASED in package.needed_by}
    while more := {
        package.name
        for package in packages
        if package.name not in needed and needed & package.parents
    }:
        needed |= more
    return needed


def component(package: Locked, *, needed: bool) -> Component:
    """A package as the bill has it."""
    purl = PackageURL("pypi", name=package.name, version=package.version)
    digests = [HashType(alg=HashAlgorithm.SHA_256, content=digest) for digest in package.hashes]
    files = ExternalReference(
        type=ExternalReferenceType.DISTRIBUTION, url=XsUri(purl.to_string()), hashes=digests
    )
    marker = [Property(name="labgrader:marker", value=package.marker)] if package.marker else []
    return Component(
        name=package.name,
        version=package.version,
        type=ComponentType.LIBRARY,
        bom_ref=purl.to_string(),
        purl=purl,
        scope=ComponentScope.REQUIRED if needed else ComponentScope.EXCLUDED,
        external_references=[files],
        properties=marker,
    )


def bill(packages: list[Locked], version: str, wheel: bytes) -> str:
    """The bill of a wheel, as JSON."""
    needed = released(packages)
    parts = [(one, component(one, needed=one.name in needed)) for one in packages]
    digest = HashType(alg=HashAlgorithm.SHA_256, content=hashlib.sha256(wheel).hexdigest())
    root = Component(
        name=_OURS, version=version, type=ComponentType.APPLICATION, bom_ref=_OURS, hashes=[digest]
    )
    bom = Bom(components=[part for _, part in parts])
    bom.metadata.component = root
    # Neither a number drawn nor a clock: who builds the same release gets the same bill.
    bom.serial_number = None  # type: ignore[assignment]
    bom.metadata.timestamp = None  # type: ignore[assignment]
    # One name may be locked in several versions, each for its Pythons.
    for name, part in ((_OURS, root), *((one.name, part) for one, part in parts)):
        bom.register_dependency(part, [below for one, below in parts if name in one.parents])
    return JsonV1Dot6(bom).output_as_string(indent=2) + "\n"


def main() -> int:
    """Write the bill beside the wheel; 2 where there is not exactly one of this version."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    version = str(project["version"])
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "dist")
    wheels = sorted(folder.glob(f"{_OURS}-{version}-*.whl"))
    if len(wheels) != 1:
        print(f"There are {len(wheels)} wheels of {version} in {folder}: “make sbom” builds one.")
        return 2
    target = folder / f"{_OURS}-{version}.cdx.json"
    packages = locked(LOCK.read_text(encoding="utf-8"))
    target.write_text(bill(packages, version, wheels[0].read_bytes()), encoding="utf-8")
    print(f"Wrote {target}: {len(packages)} packages.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
