"""A warm server that outlives `grade check` for some minutes, so that the next one starts at once.

One keeper a user: a process of the grader's side that holds a warm server, which has imported
TensorFlow and nothing of anybody. It lends it to checks of the same user that would start the
very same sandbox, and ends by itself. Whatever is in doubt, a check starts cold.
"""

from __future__ import annotations

from grader.sandbox.keeper.client import Lent, Standing, leave_behind, lent, standing

__all__ = ["Lent", "Standing", "leave_behind", "lent", "standing"]
