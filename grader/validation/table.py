"""What validation found, for a person: a table, then what falls short, then who survived."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from grader.validation.report import COUNTED, LabReport


def print_reports(reports: Sequence[LabReport], console: Console) -> None:
    """Print everything: a table on a terminal, a line for each lab elsewhere."""
    if console.is_terminal:
        console.print(_table(reports))
        console.print()
    else:
        for report in reports:
            console.print(line_of(report), soft_wrap=True, markup=False)
    for report in reports:
        for text in _details(report):
            console.print(text, soft_wrap=True)
    good = sum(report.passed for report in reports)
    style = "green" if good == len(reports) else "bold red"
    console.print(f"[{style}]{good} of {len(reports)} lab(s) are as they should be.[/]")


def _table(reports: Sequence[LabReport]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("Lab")
    for heading in ("Reference", "Starter", "Right", "Wrong", "Mutants caught", "Gradings"):
        table.add_column(heading, justify="right")
    table.add_column("")
    for report in reports:
        state = "[green]ok[/]" if report.passed else "[bold red]falls short[/]"
        if report.fault:
            state = "[bold red]faulty[/]"
        table.add_row(report.lab, *_cells(report), f"{report.seconds:.0f} s", state)
    return table


def _cells(report: LabReport) -> list[str]:
    counts = [report.count(kind) for kind, _ in COUNTED]
    return [*(f"{fine}/{all}" for fine, all in counts), _caught(report)]


def _caught(report: LabReport) -> str:
    if not report.outcomes:
        return "–"
    asked = report.caught + len(report.unexplained)
    return f"{report.caught}/{asked} ({report.caught_share:.1%})"


def line_of(report: LabReport) -> str:
    """One lab on one line, for a log."""
    if report.fault:
        return f"{report.lab}: faulty"
    names = [name.removesuffix("s") if name.endswith("s") else name for _, name in COUNTED]
    told = zip([*names, "mutants caught"], _cells(report), strict=True)
    parts = ", ".join(f"{name} {cell}" for name, cell in told)
    state = "ok" if report.passed else "FALLS SHORT"
    return f"{report.lab}: {state} – {parts}; gradings {report.seconds:.0f} s"


def _details(report: LabReport) -> Iterator[str]:
    if report.fault:
        yield f"[bold red]{report.lab}[/]: {escape(report.fault)}"
        if report.hint:
            yield f"  Hint: {escape(report.hint)}"
    for kind, name, said in report.shortfalls:
        yield f"[bold red]{report.lab}[/] {kind} {escape(name)}: {escape(said)}"
    for kind, name, fault in report.ours:
        yield f"[bold red]{report.lab}[/] {kind} {escape(name)}: the grader failed: {escape(fault)}"
    for mutant in report.survivors:
        reason = report.explained.get(mutant.id)
        said = f"explained: {reason}" if reason else "survived"
        yield (
            f"{report.lab} mutant {escape(mutant.id)} (cell {mutant.cell}, line {mutant.line}): "
            f"{escape(said)}\n    {escape(mutant.change)}"
        )
    for note in report.notes:
        yield f"[dim]{report.lab}: {escape(note)}[/]"
