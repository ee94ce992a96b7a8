"""A known weakness stops a change; a day on which nobody can be asked does not."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.labs import ROOT

WEAK = {
    "id": "PYSEC-0000-1",
    "summary": "made up",
    "affected": [
        {
            "package": {"name": "numpy", "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "99.1"}]}],
        }
    ],
}


@contextmanager
def service(weak: str, code: int = 200) -> Iterator[list[str]]:
    """A service of known weaknesses on this machine, which knows one of the package `weak`."""

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            known = {"vulns": [WEAK]} if asked["package"]["name"] == weak else {}
            answer = json.dumps(known).encode()
            self.send_response(code)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield ["-s", "osv", "--osv-url", f"http://127.0.0.1:{server.server_address[1]}/"]
        server.shutdown()


def audit(*options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "scripts" / "audit.py"), *options]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("options", [(), ("--unasked-passes",)], ids=["alone", "in CI"])
def test_a_known_weakness_is_named_and_ends_with_1(options: tuple[str, ...]) -> None:
    with service("numpy") as there:
        done = audit(*options, *there)
    assert done.returncode == 1, done.stderr
    assert "PYSEC-0000-1, mended in 99.1" in done.stdout
    assert ", 1 with a known weakness." in done.stdout


def test_every_locked_package_is_asked_about() -> None:
    locked = sum("==" in line for line in (ROOT / "requirements.lock").read_text().splitlines())
    with service("nothing of ours") as there:
        done = audit(*there)
    assert done.returncode == 0, done.stderr
    asked = int(done.stdout.split()[0])
    # Of two pins for two systems, the one for this system is asked about.
    assert locked // 2 < asked <= locked
    assert done.stdout == f"{asked} of {asked} packages asked about, 0 with a known weakness.\n"


def test_where_nobody_answers_it_says_so_and_only_ci_goes_on() -> None:
    with service("numpy", code=503) as there:
        alone, in_ci = audit(*there), audit("--unasked-passes", *there)
    assert (alone.returncode, in_ci.returncode) == (2, 0)
    for done in (alone, in_ci):
        assert "could not be asked about" in done.stderr
