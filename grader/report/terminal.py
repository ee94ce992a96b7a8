"""The verdict in a terminal: plain words and signs; colour only adds to them."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from grader.gist import how_it_stopped
from grader.records.evidence import Fault
from grader.records.exhibits import Exhibits
from grader.records.result import CheckResult, Finding, Outcome, Result, Status
from grader.report import words
from grader.report.clean import clean, encodable, line
from grader.report.digest import AT_MOST, ToMend, full_marks, good_to_know, passed, to_mend

STYLES = {
    Outcome.PASSED: "green",
    Outcome.FAILED: "bold red",
    Outcome.ERROR: "bold red",
    Outcome.SKIPPED: "yellow",
    Outcome.INVALID: "magenta",
}
MESSAGE = 1_200
"""Characters of one message that a terminal shows; the page has the rest."""


def render_terminal(
    result: Result,
    exhibits: Exhibits,
    console: Console,
    hints: bool = False,
    report: str | None = None,
) -> None:
    """Writes the verdict to `console`; `report` is the path of the page, where one was written.

    Everything shown is cleaned, never read as markup, and fits what the stream can encode.
    """
    page = _Page(console)
    _header(page, result, exhibits)
    _warnings(page, result, exhibits)
    if result.status is Status.GRADED:
        things = to_mend(result, exhibits)
        _mend(page, things, hints)
        if exhibits.kind == "answers" and result.checks:
            _questions(page, result, exhibits)
        else:
            _checks(page, result)
        _good_to_know(page, good_to_know(result))
        if full_marks(result):
            page.gap()
            page.say(words.ALL_PASSED, style="bold green")
        elif things and not hints and any(thing.hints for thing in things[:AT_MOST]):
            page.gap()
            page.say("Stuck? --hint shows hints, a step at a time.", style="dim")
    _close(page, exhibits, report)


class _Page:
    """Writes cleaned, wrapped lines to a console, in characters that its stream can take."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.encoding = console.encoding or "ascii"
        self.width = max(console.width, 24)

    def fits(self, text: str) -> bool:
        return encodable(text, self.encoding) == text

    def sign(self, wanted: str, plain: str) -> str:
        return wanted if self.fits(wanted) else plain

    def sign_of(self, outcome: Outcome) -> str:
        mark = words.MARKS[outcome]
        return self.sign(mark.sign, mark.ascii)

    def mark(self, outcome: Outcome) -> str:
        return f"{self.sign_of(outcome)} {words.MARKS[outcome].word}"

    def write(self, text: Text) -> None:
        text.plain = encodable(text.plain, self.encoding)
        text.rstrip()
        self.console.print(
            text, markup=False, highlight=False, emoji=False, soft_wrap=True, no_wrap=True
        )

    def gap(self) -> None:
        self.console.print()

    def say(
        self, text: str, *, indent: str = "", lead: Text | None = None, style: str = ""
    ) -> None:
        """One paragraph after `lead`, wrapped; further lines stand under its first word."""
        lead = lead or Text(indent)
        body = Text(encodable(text.expandtabs(4), self.encoding), style=style)
        hang = lead.cell_len
        if hang > self.width // 2:  # a narrow terminal: the paragraph goes below its lead
            self.write(lead)
            lead, hang = Text("    "), 4
        lines = list(body.wrap(self.console, max(self.width - hang, 12))) or [Text("")]
        for number, part in enumerate(lines):
            self.write(Text.assemble(lead if number == 0 else " " * hang, part))

    def heading(self, text: str) -> None:
        self.gap()
        self.say(text, style="bold")

    def field(self, name: str, value: str | None, *, style: str = "") -> None:
        if value:
            lead = Text(f"  {name:<9}", style="dim")
            self.say(clean(value, MESSAGE), lead=lead, style=style)


def _header(page: _Page, result: Result, exhibits: Exhibits) -> None:
    dot = page.sign("·", "-")
    title = f"{result.lab} {dot} {exhibits.title}" if exhibits.title else result.lab
    page.say(line(title), style="bold")
    page.say(line(result.path or result.submission_id), style="dim")
    page.gap()
    if result.status is Status.REJECTED:
        page.say(words.REJECTED, style="bold yellow")
        page.say(words.REJECTED_WHY)
        page.field("Reason", result.reason)
        page.field("Next", None if exhibits.next_steps else words.REJECTED_NEXT)
    elif result.status is Status.INVALID:
        page.say(words.INVALID, style="bold magenta")
        page.say(words.INVALID_WHY)
        page.field("Reason", result.reason)
        page.field("Next", None if exhibits.next_steps else words.INVALID_NEXT)
    else:
        _score(page, result, exhibits)


def _score(page: _Page, result: Result, exhibits: Exhibits) -> None:
    if exhibits.unmarked:
        page.say(words.NOT_MARKED, style="bold")
        return
    full, empty = ("█", "░") if page.fits("█░") else ("#", ".")
    done = round(20 * words.share(result.score, result.max_score))
    score = f"{words.points(result.score)} of {words.points(result.max_score)} points"
    text = Text(score, style="bold")
    text.append("  ")
    text.append(full * done, style="green")
    text.append(empty * (20 - done), style="dim")
    checks = f"{passed(result)} of {words.plural(len(result.checks), 'check')} passed"
    if exhibits.kind == "answers":
        checks = f"all points in {passed(result)} of {words.plural(len(result.checks), 'question')}"
    if text.cell_len + 2 + len(checks) <= page.width:
        text.append(f"  {checks}")
        page.write(text)
    else:
        page.write(text)
        page.say(checks)
    if exhibits.accuracy:
        how = f", {exhibits.accuracy_how}" if exhibits.accuracy_how else ""
        page.say(line(f"Accuracy {exhibits.accuracy}{how}"))


def _warnings(page: _Page, result: Result, exhibits: Exhibits) -> None:
    if result.limit is not None:
        page.gap()
        words_for_it = words.limit_words(result.limit, exhibits.limits)
        page.say(words_for_it, lead=Text("! ", style="bold yellow"))
    if result.reason and result.status is Status.GRADED:
        page.gap()
        page.say(clean(result.reason, MESSAGE), lead=Text("! ", style="bold yellow"))
    if exhibits.faults:
        page.gap()
        page.say(_stop(exhibits.faults[0]), lead=Text("! ", style="bold yellow"))
    if result.isolation in words.ISOLATION and result.status is Status.GRADED:
        page.gap()
        lead = Text("! ", style="bold yellow")
        page.say(f"Isolation {result.isolation}. {words.ISOLATION[result.isolation]}", lead=lead)


def _stop(fault: Fault) -> str:
    where = words.place(fault.cell, fault.line)
    how = how_it_stopped(line(fault.type), line(fault.message))
    return f"The code{' in ' + where if where else ''} {how}"


def _mend(page: _Page, things: tuple[ToMend, ...], hints: bool) -> None:
    for number, thing in enumerate(things[:AT_MOST]):
        page.heading("What to mend first" if number == 0 else f"Then ({number + 1})")
        where = words.place(thing.cell, thing.line)
        lead = Text(f"  {page.sign_of(thing.outcome)} ", style=STYLES[thing.outcome])
        page.say(line(thing.title) + (f" ({where})" if where else ""), lead=lead)
        page.field("Observed", thing.observed)
        page.field("Expected", thing.expected)
        page.field("Why", thing.why)
        page.field("Next", thing.next, style="bold")
        if thing.also:
            page.field("Also", "this stands behind: " + "; ".join(map(line, thing.also)))
        for step, hint in enumerate(thing.hints[:3] if hints else (), start=1):
            page.field(f"Hint {step}", hint)
    rest = len(things) - AT_MOST
    if rest > 0:
        page.gap()
        what = "thing" if rest == 1 else "things"
        page.say(f"{rest} more {what} can wait until these are mended.", style="dim")


def _checks(page: _Page, result: Result) -> None:
    if not result.checks:
        return
    page.heading("Checks")
    marks = [page.mark(check.outcome) for check in result.checks]
    scores = [_points(check) for check in result.checks]
    mark_width, score_width = max(map(len, marks)), max(map(len, scores))
    for check, mark, score in zip(result.checks, marks, scores, strict=True):
        lead = Text("  ")
        lead.append(mark.ljust(mark_width), style=STYLES[check.outcome])
        lead.append("  " + score.rjust(score_width) + "  ")
        page.say(line(check.title) + (" (hidden check)" if check.hidden else ""), lead=lead)
    if any(check.outcome is Outcome.SKIPPED for check in result.checks):
        text = "Not checked yet: these need another check to pass first."
        page.say(text, indent="  ", style="dim")
    if any(check.outcome is Outcome.INVALID for check in result.checks):
        text = "Our fault: the grader could not do these checks. They cost you nothing."
        page.say(text, indent="  ", style="dim")


def _questions(page: _Page, result: Result, exhibits: Exhibits) -> None:
    """Each question with what was answered and what that means, where it stands."""
    page.heading("Questions")
    width = max(len(words.mark(check, exhibits).word) for check in result.checks)
    for number, check in enumerate(result.checks):
        mark = words.mark(check, exhibits)
        if number:
            page.gap()
        lead = Text("  ")
        sign = page.sign(mark.sign, mark.ascii)
        lead.append(f"{sign} {mark.word:<{width}}", style=STYLES[check.outcome])
        skipped = check.outcome is Outcome.SKIPPED
        given = f"-/{words.points(check.max_points)}" if skipped else _points(check)
        lead.append(f"  {given}  ")
        page.say(line(check.title) + (" (hidden check)" if check.hidden else ""), lead=lead)
        for name, text in (
            ("Answer", check.observed),
            ("Expected", check.expected),
            ("Why", check.why),
            ("Next", check.next),
        ):
            page.field(name, text)
    if any(check.outcome is Outcome.SKIPPED for check in result.checks):
        page.gap()
        page.say(words.OPEN_MEANS, indent="  ", style="dim")


def _points(check: CheckResult) -> str:
    return f"{words.points(check.points)}/{words.points(check.max_points)}"


def _good_to_know(page: _Page, findings: tuple[Finding, ...]) -> None:
    if not findings:
        return
    page.heading("Good to know (costs no points)")
    for finding in findings[:5]:
        where = words.place(finding.cell, finding.line)
        lead = Text("  " + page.sign("•", "*") + " ")
        page.say(clean(finding.message, MESSAGE) + (f" ({where})" if where else ""), lead=lead)
    if len(findings) > 5:
        page.say(f"and {len(findings) - 5} more in the report", indent="    ", style="dim")


def _close(page: _Page, exhibits: Exhibits, report: str | None) -> None:
    for title, texts in (("What next", exhibits.next_steps), ("Notes", exhibits.notes)):
        if texts:
            page.heading(title)
        for text in texts[:5]:
            page.say(clean(text, MESSAGE), lead=Text("  " + page.sign("•", "*") + " "))
    if report is not None:
        page.gap()
        page.write(Text.assemble("Full report: ", (" ".join(clean(report).splitlines()), "bold")))
