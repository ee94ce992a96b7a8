"""What a submission may see, as data; and that the grader stays hidden however it is installed."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from grader.records.lab import MIB, Limits
from grader.sandbox import Sight, open_sandbox, policy, uids
from grader.sandbox.policy import Bind

INSTALLED = """
import sys
from pathlib import Path
import grader
from grader.sandbox import Sight, open_sandbox
package = Path(grader.__file__).parent
course = Path(sys.prefix) / "share" / "course"
source = f'''
import os
seen = [sorted(os.listdir(path)) for path in ({str(package)!r}, {str(course)!r})]
try:
    import grader.records
    seen.append("imported")
except ImportError:
    seen.append("no grader")
try:
    open({str(package)!r} + "/planted", "w").close()
    seen.append("written")
except OSError as error:
    seen.append(error.errno)
found = [path for path, _, files in os.walk("/") if "secret-answers" in files]
channel.sendall(repr([seen, found]).encode() + b"\\\\n")
'''
sandbox = open_sandbox()
sight = Sight(package / "data" / "public", hide=(course,))
with sandbox.start(sight=sight, entry={"source": source}) as c:
    c.channel.settimeout(20)
    print([sandbox.isolation, c.channel.makefile("r").readline()])
"""


def test_the_grader_is_hidden_when_it_is_installed_beside_the_packages(tmp_path: Path) -> None:
    environment = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment)], check=True)
    tmp_path.chmod(0o755)
    packages = next((environment / "lib").glob("python3.*/site-packages"))
    ignored = shutil.ignore_patterns("__pycache__", "mnist", "assignments")
    shutil.copytree(policy.PACKAGE, packages / "grader", ignore=ignored)
    data = packages / "grader" / "data"
    for folder in (data / "public", data / "graded", environment / "share" / "course"):
        folder.mkdir(parents=True, exist_ok=True)
    (data / "public" / "images").write_text("public")
    for folder in (data / "graded", environment / "share" / "course"):
        (folder / "secret-answers").write_text("labels")
    command = [str(environment / "bin" / "python"), "-I", "-B", "-c", INSTALLED]
    answer = subprocess.run(command, capture_output=True, text=True, cwd="/", check=False)
    assert answer.returncode == 0, answer.stderr
    isolation, line = ast.literal_eval(answer.stdout)
    assert isolation == "full"
    (package, course, imported, written), found = ast.literal_eval(line)
    assert (package, course, imported) == ([], [], "no grader")
    assert written != "written"
    assert found == []


def test_a_hidden_folder_is_masked_wherever_it_shows_through() -> None:
    binds = [Bind("/real/venv", "/venv"), Bind("/real", "/other"), Bind("/usr", "/usr")]
    assert policy.masked(binds, [Path("/real/venv/course")]) == []
    assert policy.masked([Bind("/usr", "/usr")], [Path("/usr/lib")]) == ["/usr/lib"]


def test_a_folder_masked_at_each_of_its_places(tmp_path: Path) -> None:
    course = tmp_path / "venv" / "share" / "course"
    course.mkdir(parents=True)
    (tmp_path / "link").symlink_to(course)
    venv = str((tmp_path / "venv").resolve())
    binds = [Bind(venv, "/venv"), Bind(str(tmp_path.resolve()), "/all")]
    expected = ["/all/venv/share/course", "/venv/share/course"]
    assert policy.masked(binds, [tmp_path / "link"]) == expected


def test_a_course_around_the_interpreter_does_not_hide_the_interpreter(tmp_path: Path) -> None:
    (tmp_path / ".venv").mkdir()
    bind = Bind(str((tmp_path / ".venv").resolve()), "/project/.venv")
    assert policy.masked([bind], [tmp_path]) == []


def test_the_thread_counts_do_not_depend_on_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    here = policy.environment()
    monkeypatch.setattr("os.cpu_count", lambda: 64)
    assert policy.environment() == here
    threads = {value for name, value in here.items() if name.endswith("_THREADS")}
    assert threads == {str(policy.THREADS)}


def test_the_interpreter_is_bound_and_nothing_twice() -> None:
    binds = policy.interpreter_binds()
    inside = [bind.inside for bind in binds]
    for wanted in (sys.prefix, sys.base_prefix):
        assert any(wanted == path or wanted.startswith(f"{path}/") for path in (*inside, "/usr"))
    for path in inside:
        assert not any(path.startswith(f"{other}/") for other in inside)


def test_the_limits_follow_the_lab() -> None:
    limits = policy.resource_limits(Limits(run_seconds=100, memory=MIB, processes=7), others=3)
    assert limits["DATA"] == [MIB, MIB]
    assert limits["NPROC"] == [10, 10]
    assert limits["CORE"] == [0, 0]
    assert limits["CPU"][0] >= 200


@pytest.mark.parametrize(
    ("uid_map", "expected"),
    [
        ("0 0 4294967295", 60578),
        ("0 100000 65536", 60578),
        ("0 1000 1\n1 100000 65536", 60578),
        ("0 1000 1\n1 100000 5000", 4401),
    ],
)
def test_a_user_is_chosen_from_those_that_the_container_maps(uid_map: str, expected: int) -> None:
    assert uids.candidates(uid_map)[0] == expected


@pytest.mark.parametrize("uid_map", ["0 1000 1", "0 0 1000", ""])
def test_a_container_without_spare_ids_has_no_candidate(uid_map: str) -> None:
    assert uids.candidates(uid_map) == []


def test_no_two_running_submissions_get_the_same_user() -> None:
    leases = [uids.lease() for _ in range(20)]
    taken = [lease.uid for lease in leases if lease is not None]
    assert len(set(taken)) == 20
    for lease in leases:
        assert lease is not None
        lease.release()


def test_public_data_can_be_read_and_not_written(tmp_path: Path) -> None:
    np.save(tmp_path / "images.npy", np.arange(6, dtype=np.uint8))
    tmp_path.chmod(0o755)
    source = (
        "import numpy as np\n"
        "total = int(np.load('/data/images.npy', mmap_mode='r').sum())\n"
        "try: open('/data/images.npy', 'r+b'); total = -1\n"
        "except OSError: pass\n"
        "channel.sendall(str(total).encode())"
    )
    with open_sandbox().start(sight=Sight(tmp_path), entry={"source": source}) as child:
        child.channel.settimeout(30)
        assert child.data_folder == "/data"
        assert child.channel.recv(100) == b"15"
