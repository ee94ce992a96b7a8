"""What the author of a lab's checks imports; fixtures and marks come from the pytest plugin.

A check is a pytest function whose docstring is the line that the student reads. It asks the
submission's process through fixtures (`student`, `model`, `graded`, `evidence`, `diagnosis`) and
states what it expects with `expect` or `expect_array`.
"""

from grader.checks.expectations import CheckFailed, expect, expect_array, fail
from grader.session import Batches, StudentFault, Unreadable

__all__ = [
    "Batches",
    "CheckFailed",
    "StudentFault",
    "Unreadable",
    "expect",
    "expect_array",
    "fail",
]
