"""Run a submission behind walls: what is shown, what is limited, and proof that it holds."""

from __future__ import annotations

from grader.sandbox.child import Child
from grader.sandbox.command import Sight
from grader.sandbox.levels import Sandbox, kept_warm, open_sandbox

__all__ = ["Child", "Sandbox", "Sight", "kept_warm", "open_sandbox"]
