"""`python -m grader` is `grade`."""

from __future__ import annotations

import sys

from grader.cli import run


def main() -> None:
    """Run the command line and end with its exit code."""
    sys.exit(run())


if __name__ == "__main__":
    main()
