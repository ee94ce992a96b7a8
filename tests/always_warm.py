"""A sandbox that never starts cold, so that the proofs of the sandbox try its warm server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from grader.records.lab import Limits
from grader.sandbox import Sandbox, Sight, warm
from grader.sandbox.child import Child
from grader.sandbox.command import THE_SYSTEM


class AlwaysWarm(Sandbox):
    """A sandbox that starts a warm server for whatever is to be seen, and never starts cold."""

    servers: dict[Sight, warm.Address]
    stack: ExitStack

    def start(
        self,
        limits: Limits | None = None,
        sight: Sight = THE_SYSTEM,
        *,
        entry: Any = "serve",
    ) -> Child:
        """See `Sandbox.start`."""
        assert self.way is not None
        if sight not in self.servers:
            serving = warm.serving(self.way, [sight], preload=())
            self.servers[sight] = self.stack.enter_context(serving)[0]
        return warm.fork(self.servers[sight], limits or Limits(), entry)


@contextmanager
def always_warm(sandbox: Sandbox) -> Iterator[AlwaysWarm]:
    with ExitStack() as stack:
        found = AlwaysWarm(sandbox.isolation, sandbox.reasons, sandbox.way)
        object.__setattr__(found, "servers", {})
        object.__setattr__(found, "stack", stack)
        yield found
