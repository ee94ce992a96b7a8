"""Ninety ways to cheat, break, stall or spy on the grader, each tried for real.

Every case is a submission (or a trial of its own, where it is about something else than a program)
that goes through the whole flow, from the file to the reports, started cold and forked from a warm
server. Beside its verdict, six invariants are looked at each time (`tests.threats.bench`).

    python -m tests.threats            tries them all and prints each one's verdict
    python -m tests.threats --user     the same as an ordinary user
"""

from __future__ import annotations
