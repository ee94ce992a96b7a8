"""What the sandbox promises, as a list of properties, each proven by trying on this machine.

`grade doctor` shows the list, and the tests run it as root and as an ordinary user. The proofs
that only look share one process; each that uses something up has its own.
"""

from __future__ import annotations

import functools
import json
import os
import shutil
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from grader.errors import GraderError
from grader.records.lab import MIB, Limits
from grader.sandbox import policy, usage
from grader.sandbox.child import LINUX, Child
from grader.sandbox.command import Sight
from grader.sandbox.levels import Sandbox

CANARY = "grader-canary-5f1d"
HERE = Path(__file__).resolve().parent
ANSWER_SECONDS = 30.0
SMALL = Limits(
    run_seconds=30,
    memory=384 * MIB,
    processes=16,
    work_folder=8 * MIB,
    tmp_folder=8 * MIB,
    text_kept=1 << 12,
    text_ends_run=1 * MIB,
)


@dataclass(frozen=True)
class Finding:
    """Whether one property holds, and what was seen."""

    name: str
    ok: bool
    detail: str
    hint: str

    def to_json(self) -> dict[str, Any]:
        """The finding as `grade doctor --json` has it."""
        return dict(self.__dict__)


@dataclass(frozen=True)
class Property:
    """One promise: `check` returns whether it holds on a bench, and what was seen."""

    name: str
    hint: str
    check: Callable[[Bench], tuple[bool, str]]

    @property
    def proves(self) -> str:
        """What the property means, in one sentence."""
        return (self.check.__doc__ or "").strip()


class Bench:
    """A sandbox under test, with what the properties share: one look around, small limits."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self._stack = ExitStack()

    def __enter__(self) -> Bench:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    @functools.cached_property
    def seen(self) -> dict[str, Any]:
        """What a submission under the usual limits could find out and do."""
        outside = Path(self._stack.enter_context(tempfile.TemporaryDirectory()))
        (outside / "hidden-course").mkdir()
        (outside / "hidden-course" / "answers").write_text(CANARY, encoding="ascii")
        data = outside / "data"
        data.mkdir()
        (data / "root-only").write_text(CANARY, encoding="ascii")
        (data / "root-only").chmod(0o600)
        outside.chmod(0o755)
        with _listening() as (port, abstract), _canary_in_environment():
            given = {
                "port": port,
                "abstract": abstract,
                "hidden": [str(outside), *_hidden_paths()],
                "folders": ["/", "/usr", "/etc", "/dev", "/data", "/driver/inside", *_prefixes()],
            }
            entry = {"source": _text("look"), "given": {"QUESTIONS": given}}
            with self.sandbox.start(Limits(), Sight(data), entry=entry) as child:
                facts = _answer(child)
        facts["outside"] = outside.name
        return facts

    @contextmanager
    def strain(self, name: str, limits: Limits = SMALL) -> Iterator[Child]:
        """A child that uses up one thing."""
        entry = {"source": _text("strain"), "given": {"STRAIN": name}}
        with self.sandbox.start(limits, entry=entry) as child:
            yield child


def run(sandbox: Sandbox, *, only: Callable[[str], bool] = lambda _: True) -> list[Finding]:
    """Try every property whose name `only` accepts. Nothing here raises for a missing one."""
    found = []
    with Bench(sandbox) as bench:
        for one in PROPERTIES:
            if not only(one.name):
                continue
            try:
                ok, detail = one.check(bench)
            except (OSError, ValueError, TypeError, KeyError, GraderError) as error:
                ok, detail = False, f"could not be tried: {error or type(error).__name__}"
            found.append(Finding(one.name, ok, detail, "" if ok else one.hint))
    return found


def _text(name: str) -> str:
    return (HERE / f"{name}.py").read_text(encoding="utf-8")


def _answer(child: Child, seconds: float = ANSWER_SECONDS) -> dict[str, Any]:
    child.channel.settimeout(seconds)
    with child.channel.makefile("rb") as lines:
        line = lines.readline(1 << 20)
    if not line:
        child.wait_ended(5)
        raise ValueError(f"{child.reason or 'no answer'}; {child.output.strip()[-300:]}")
    answer: dict[str, Any] = json.loads(line)
    return answer


def _prefixes() -> list[str]:
    return [bind.inside for bind in policy.interpreter_binds()]


def _hidden_paths() -> list[str]:
    package = policy.PACKAGE
    inner = ("records", "sandbox", "checks", "data/mnist/graded", "session.py")
    return [str(package), *(str(package / name) for name in inner), os.path.expanduser("~/.ssh")]


@contextmanager
def _listening() -> Iterator[tuple[int, str]]:
    """A port and an abstract Unix socket of the grader's own, which must be out of reach."""
    abstract = f"\0{CANARY}-{os.getpid()}"
    with socket.create_server(("127.0.0.1", 0)) as server:
        if not LINUX:
            yield server.getsockname()[1], abstract
            return
        with socket.socket(socket.AF_UNIX) as neighbour:
            neighbour.bind(abstract)
            neighbour.listen()
            yield server.getsockname()[1], abstract


@contextmanager
def _canary_in_environment() -> Iterator[None]:
    os.environ["GRADER_CANARY"] = CANARY
    try:
        yield
    finally:
        del os.environ["GRADER_CANARY"]


def _no_network(bench: Bench) -> tuple[bool, str]:
    """Neither the internet nor a program on this machine can be reached."""
    reached = {name: bench.seen[name] for name in ("internet", "neighbour", "abstract")}
    return "allowed" not in reached.values() and "TIMEDOUT" not in str(reached), _said(reached)


def _read_only(bench: Bench) -> tuple[bool, str]:
    """Nothing can be written but the work folder, /tmp and /dev/shm."""
    written = [folder for folder, answer in bench.seen["writes"].items() if answer == "allowed"]
    return not written, f"writable: {', '.join(written)}" if written else "all refused"


def _empty_environment(bench: Bench) -> tuple[bool, str]:
    """The grader's environment is nowhere to be read, not even in /proc."""
    allowed = {*policy.environment(), "PWD", "LC_CTYPE", "OLDPWD", "_"}
    extra = sorted(set(bench.seen["environ"]) - allowed)
    leaked = any(CANARY in text for text in bench.seen["environments"])
    return not extra and not leaked, f"leaked: {leaked}; unexpected: {', '.join(extra) or 'none'}"


def _private_temporary(bench: Bench) -> tuple[bool, str]:
    """/tmp is its own: the machine's temporary files are not in it."""
    shared = bench.seen["outside"] in bench.seen["temporary"]
    return not shared, "the machine's own" if shared else "its own"


def _not_root(bench: Bench) -> tuple[bool, str]:
    """It is an unprivileged user, cannot become another, and reads no file of root's alone."""
    facts = bench.seen
    wrong = [f"id {one}" for one in facts["ids"] if one == 0]
    wrong += [name for name in ("CapEff", "CapPrm", "CapInh") if int(facts["status"][name], 16)]
    if facts["status"]["NoNewPrivs"] != "1" or facts["become_root"] == "allowed":
        wrong.append("may become another user")
    if os.geteuid() == 0 and facts["root_only"] == "allowed":
        wrong.append("reads root's 0600 file")
    return not wrong, ", ".join(wrong) or f"user {facts['ids'][0]}, no capabilities"


def _alone(bench: Bench) -> tuple[bool, str]:
    """No process of the machine or of another submission can be seen."""
    facts = bench.seen
    strangers = set(facts["processes"]) - {1, facts["pid"]}
    return not strangers, f"{len(strangers)} other processes seen"


def _first_process(bench: Bench) -> tuple[bool, str]:
    """The sandbox's own first process cannot be used to get round the system-call filter."""
    facts = bench.seen
    filtered = facts["first"].get("Seccomp") == "2"
    return filtered or facts["first_memory"] != "allowed", (
        f"memory: {facts['first_memory']}, filter: {'yes' if filtered else 'no'}"
    )


def _system_calls(bench: Bench) -> tuple[bool, str]:
    """Calls that reach for the kernel, other processes or uncounted memory are refused."""
    expected = {"clone3": "ENOSYS"}
    answers = bench.seen["system_calls"]
    wrong = {n: a for n, a in answers.items() if a != expected.get(n, "EPERM")}
    return bool(answers) and not wrong, _said(wrong) or f"{len(answers)} calls refused"


def _families(bench: Bench) -> tuple[bool, str]:
    """No socket but Unix and internet ones can be made."""
    answers = bench.seen["families"]
    return set(answers.values()) == {"EAFNOSUPPORT"}, _said(answers)


def _hidden(bench: Bench) -> tuple[bool, str]:
    """The checks, the grader and the labels of the graded half cannot be read."""
    opened = bench.seen["opened"]
    return not opened and not bench.seen["grader"], ", ".join(opened[:3]) or "none can be read"


def _descriptors(bench: Bench) -> tuple[bool, str]:
    """Only the three standard descriptors and the channel are open."""
    # One more is the listing's own.
    extra = set(bench.seen["descriptors"]) - {0, 1, 2, bench.seen["channel"]}
    return len(extra) <= 1, f"{len(bench.seen['descriptors']) - 1} descriptors open"


def _processor(bench: Bench) -> tuple[bool, str]:
    """Processor time is limited."""
    soft, hard = bench.seen["limits"]["CPU"]
    return 0 < soft <= hard < 86400, f"{soft} s"


def _time(bench: Bench) -> tuple[bool, str]:
    """A process that ignores every signal is ended at once, with the daemon that it left behind."""
    with bench.strain("linger") as child:
        _answer(child)
        people = _people(child)
        before = time.monotonic()
        child.kill("time")
        gone = child.wait_ended(5)
        seconds = time.monotonic() - before
    left = [pid for pid in people if _alive(pid)]
    detail = f"{len(people)} processes, {len(left)} left, {seconds * 1000:.0f} ms"
    return gone and not left and child.limit == "time" and seconds < 2, detail


def _private_memory(bench: Bench) -> tuple[bool, str]:
    """One process cannot have more memory than allowed."""
    with bench.strain("private_memory") as child:
        stopped = bool(_answer(child)["stopped"])
    return stopped, "MemoryError" if stopped else "4 GiB were given"


def _shared_memory(bench: Bench) -> tuple[bool, str]:
    """Memory that is shared between processes counts too, and ends the run."""
    with bench.strain("shared_memory") as child:
        ended = child.wait_ended(ANSWER_SECONDS)
        return ended and child.limit == "memory", child.reason or "never ended"


def _processes(bench: Bench) -> tuple[bool, str]:
    """A fork bomb stays small."""
    with bench.strain("processes") as child:
        made = _answer(child)["made"]
    return made < SMALL.processes + 8, f"{made} of {SMALL.processes} started"


def _open_files(bench: Bench) -> tuple[bool, str]:
    """Open files run out for the submission, not for the machine."""
    with bench.strain("files") as child:
        answer = _answer(child)
    return answer.get("error") == "EMFILE" and answer["made"] < policy.OPEN_FILES, (
        f"{answer['made']} opened"
    )


def _disk(bench: Bench) -> tuple[bool, str]:
    """The work folder, /tmp and /dev/shm hold no more than they may."""
    with bench.strain("disk") as child:
        try:
            fitted = _answer(child)
        except ValueError:
            return child.limit == "disk", child.reason or "no answer"
    most = (SMALL.work_folder, SMALL.tmp_folder, policy.SHARED_MEMORY)
    fine = all(got <= size for got, size in zip(fitted.values(), most, strict=True))
    return fine, ", ".join(f"{got / MIB:.0f} MiB" for got in fitted.values())


def _output(bench: Bench) -> tuple[bool, str]:
    """Endless output ends the run, and only its beginning is kept."""
    with bench.strain("output") as child:
        ended = child.wait_ended(ANSWER_SECONDS)
        kept = len(child.text)
        return ended and child.limit == "output" and kept <= SMALL.text_kept, f"{kept} bytes kept"


def _tensorflow(bench: Bench) -> tuple[bool, str]:
    """TensorFlow still works: it is imported and takes a training step."""
    with bench.strain("train", Limits(run_seconds=120)) as child:
        return True, f"TensorFlow {_answer(child, 120)['version']}"


def _people(child: Child) -> list[int]:
    """The processes of `child` by their numbers out here."""
    return usage.family(child.pid) if LINUX else [child.pid]


def _alive(pid: int) -> bool:
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return not text.rpartition(")")[2].startswith(" Z")


def _said(answers: dict[str, str]) -> str:
    return ", ".join(f"{name}: {answer}" for name, answer in answers.items())


def bubblewrap_version(sandbox: Sandbox) -> str | None:
    """The version of the bubblewrap in use, or None where there is none."""
    if sandbox.way is None or shutil.which(sandbox.way.program) is None:
        return None
    import subprocess

    answer = subprocess.run(
        [sandbox.way.program, "--version"], capture_output=True, text=True, check=False
    )
    return answer.stdout.removeprefix("bubblewrap").strip()


WALLS = "Install bubblewrap and allow it what the reasons above name."
FILTER = "The system-call filter needs Linux on x86-64 or ARM64."
WATCHED = "The watch over memory needs Linux with /proc mounted."

PROPERTIES = (
    Property("no-network", WALLS, _no_network),
    Property("read-only-system", WALLS, _read_only),
    Property("empty-environment", WALLS, _empty_environment),
    Property("private-tmp", WALLS, _private_temporary),
    Property("unprivileged-user", WALLS, _not_root),
    Property("no-other-processes", WALLS, _alone),
    Property("guarded-first-process", WALLS, _first_process),
    Property("system-call-filter", FILTER, _system_calls),
    Property("socket-families", FILTER, _families),
    Property("hidden-grader", WALLS, _hidden),
    Property("closed-descriptors", "This is a fault of the grader: report it.", _descriptors),
    Property("processor-limit", "Lower the hard limit on processor time.", _processor),
    Property("time-limit-leaves-no-survivor", WALLS, _time),
    Property("memory-limit", "This system does not limit a process's data.", _private_memory),
    Property("shared-memory-limit", WATCHED, _shared_memory),
    Property("process-limit", "Run the grader as an ordinary user.", _processes),
    Property("open-file-limit", "This is a fault of the grader: report it.", _open_files),
    Property("disk-limit", WALLS, _disk),
    Property("output-limit", "This is a fault of the grader: report it.", _output),
    Property("tensorflow-works", "Install TensorFlow for this Python.", _tensorflow),
)
