"""What a check leaves behind for the next: found by its own user alone, and gone by itself."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import containers
import pytest

from grader.cli import doctor
from grader.sandbox import Sandbox, Sight, keeper, policy, usage
from grader.sandbox.command import THE_SYSTEM
from grader.sandbox.keeper import client, place
from tests import courses
from tests.labs import ROOT
from tests.processes import alive

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a warm server")
TENSORFLOW = ROOT / "assignments" / "lab02" / "fixtures" / "right" / "tensorflow.py"
AWAITED = 120.0
CHECKS = 3
OTHER = 4242
LOADED = "import sys; channel.sendall(f'{\"tensorflow\" in sys.modules}\\n'.encode())"
AS_USER = """
import os, signal, tempfile, time
os.environ |= {"GRADE_WARM_MINUTES": "5", "XDG_RUNTIME_DIR": tempfile.mkdtemp()}
os.environ.pop("CI", None)
from grader.sandbox import keeper
from grader.sandbox.command import THE_SYSTEM
keeper.leave_behind(THE_SYSTEM, ())
end = time.monotonic() + 60
while (found := keeper.standing()) is None and time.monotonic() < end:
    time.sleep(0.05)
with keeper.lent(THE_SYSTEM) as lent:
    print(os.getuid(), lent.held(thoroughly=True))
os.kill(found.pid, signal.SIGTERM)
"""


@pytest.fixture
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A runtime folder of one test's own, in which keepers are wanted; none outlives the test."""
    folder = tmp_path / "runtime"
    folder.mkdir(0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    monkeypatch.setenv(client.VARIABLE, "5")
    monkeypatch.delenv("CI", raising=False)
    yield folder
    end_keepers(folder)


def end_keepers(runtime: Path) -> None:
    for pid in keepers(runtime):
        os.kill(pid, signal.SIGTERM)
        wait_for(lambda pid=pid: not alive(pid))


def keepers(runtime: Path) -> list[int]:
    """The keepers, ready or not, that meet their checks in this folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes()
            variables = (process / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"keeper.process" in words and os.fsencode(f"XDG_RUNTIME_DIR={runtime}") in variables:
            found.append(int(process.name))
    return found


def living(pid: int) -> list[int]:
    """The keeper and all below it: bubblewrap, its first process, the server, and its forks."""
    return [one for one in usage.family(pid) if alive(one)]


def whole(pid: int) -> list[int]:
    """The same, once nothing is forked that it has begun with: the server is the last."""
    found = living(pid)
    return found if len(found) == 5 else []


def wait_for(met: Callable[[], Any]) -> Any:
    end = time.monotonic() + AWAITED
    while not (found := met()):
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.02)
    return found


def ready(sight: Sight = THE_SYSTEM) -> keeper.Standing:
    """Leave a keeper without TensorFlow behind, and wait until it can be asked.

    One that finds no room on a busy machine gives up: the next check leaves another, and so here.
    """
    for _ in range(CHECKS):
        keeper.leave_behind(sight, ())
        wait_for(lambda: keeper.standing() or gave_up())
        if found := keeper.standing():
            return found
    raise AssertionError(f"no keeper stayed, of {CHECKS}")


def gave_up() -> bool:
    """Whether there is no keeper. One that is being started can be overlooked, but not twice."""
    runtime = Path(os.environ["XDG_RUNTIME_DIR"])
    if not keepers(runtime):
        time.sleep(0.5)
    return not keepers(runtime)


def words(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "grader", "check", *map(str, arguments)]


def checked(*arguments: str | Path) -> dict[str, Any]:
    """What `grade check --json` says, but for the time it took."""
    done = subprocess.run(words(*arguments, "--json"), capture_output=True, text=True)
    assert done.returncode in (0, 1), done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    del result["seconds"]
    return result


def answer(sandbox: Sandbox, source: str, sight: Sight = THE_SYSTEM) -> str:
    with sandbox.start(sight=sight, entry={"source": source}) as child:
        child.channel.settimeout(20)
        return child.channel.makefile("r").readline().strip()


@pytest.fixture
def numbers(tmp_path: Path) -> tuple[str, ...]:
    """The words that name a quick lab, and a submission that speaks of TensorFlow."""
    (tmp_path / "course").mkdir()
    course = courses.make_course(tmp_path / "course")
    file = tmp_path / "work.py"
    file.write_text("# no tensorflow\n" + courses.RIGHT)
    return ("--course", str(course), "numbers", str(file))


def sight_of_numbers(tmp_path: Path) -> Sight:
    return Sight(None, hide=(tmp_path / "course",))


def test_the_second_check_is_forked_with_tensorflow_at_hand_and_says_the_same(
    runtime: Path,
) -> None:
    lab = ("lab02", TENSORFLOW)
    first = checked(*lab)
    assert wait_for(keeper.standing).lent == 0
    second = checked(*lab)
    now = keeper.standing()
    assert now is not None
    assert now.lent == 1
    third = checked(*lab, "--no-warm")
    assert first == second == third
    assert first["isolation"] == "full"
    assert keepers(runtime) == [now.pid]
    from grader.course import find_course
    from grader.grading import sight_of

    sight = sight_of(find_course(ROOT, ROOT).load("lab02"))
    with keeper.lent(sight) as lent:
        assert lent is not None
        assert answer(lent.sandbox, LOADED, sight) == "True"


@pytest.mark.parametrize(
    ("name", "value", "options"),
    [("CI", "true", ()), (client.VARIABLE, "0", ()), ("LANG", "C.UTF-8", ("--no-warm",))],
    ids=["ci", "no minutes", "no-warm"],
)
def test_nothing_is_left_behind_where_it_is_not_wanted(
    runtime: Path,
    numbers: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    value: str,
    options: tuple[str, ...],
) -> None:
    monkeypatch.setenv(name, value)
    checked(*numbers, *options)
    assert list(runtime.iterdir()) == []


def test_nothing_is_left_behind_for_work_without_tensorflow_or_with_little_memory(
    runtime: Path, numbers: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    Path(numbers[-1]).write_text(courses.RIGHT)
    checked(*numbers)
    monkeypatch.setattr(client, "MEMORY", 1 << 60)
    keeper.leave_behind(THE_SYSTEM, ())
    assert list(runtime.iterdir()) == []


def test_a_keeper_holds_nothing_of_the_check_open(runtime: Path, numbers: tuple[str, ...]) -> None:
    end, handed = os.pipe()
    with subprocess.Popen(words(*numbers), stdout=handed, stderr=handed, pass_fds=[handed]) as one:
        os.close(handed)
        assert one.wait() == 0
    assert keepers(runtime)
    with open(end, "rb") as reading:
        while select.select([reading], [], [], AWAITED)[0]:
            if not os.read(end, 1 << 16):
                return
    raise AssertionError("somebody still holds the other end")


def test_two_checks_at_once_are_both_served(
    runtime: Path, numbers: tuple[str, ...], tmp_path: Path
) -> None:
    ready(sight_of_numbers(tmp_path))
    both = [subprocess.Popen(words(*numbers), stdout=subprocess.PIPE) for _ in range(2)]
    assert [one.wait() for one in both] == [0, 0]
    first, second = (one.communicate()[0] for one in both)
    assert first == second
    now = keeper.standing()
    assert now is not None
    assert now.lent == 2
    assert len(keepers(runtime)) == 1


@pytest.mark.parametrize("killed", ["keeper", "server"])
def test_a_check_whose_server_is_killed_grades_again_and_takes_no_points(
    runtime: Path, numbers: tuple[str, ...], tmp_path: Path, killed: str
) -> None:
    Path(numbers[-1]).write_text("import time\ntime.sleep(3)\n" + courses.RIGHT)
    pid = ready(sight_of_numbers(tmp_path)).pid
    family = wait_for(lambda: whole(pid))
    with subprocess.Popen([*words(*numbers), "--json"], stdout=subprocess.PIPE) as process:
        wait_for(lambda: len(living(pid)) > len(family) + 1)
        os.kill(pid if killed == "keeper" else family[-1], signal.SIGKILL)
        out, _ = process.communicate()
    result = json.loads(out)
    assert (process.returncode, result["limit"], result["score"]) == (0, None, 8)
    wait_for(lambda: not any(map(alive, family)))


def test_an_interrupted_check_ends_its_submission_and_not_the_keeper(
    runtime: Path, numbers: tuple[str, ...], tmp_path: Path
) -> None:
    Path(numbers[-1]).write_text("import time\ntime.sleep(60)\n")
    pid = ready(sight_of_numbers(tmp_path)).pid
    before = wait_for(lambda: whole(pid))
    with subprocess.Popen(words(*numbers), stderr=subprocess.PIPE, start_new_session=True) as one:
        wait_for(lambda: len(living(pid)) > len(before) + 1)
        os.killpg(one.pid, signal.SIGINT)
        assert one.wait() == 130
    wait_for(lambda: living(pid) == before)
    assert keeper.standing() is not None


def test_a_keeper_ends_when_nobody_asks_and_leaves_nothing(
    runtime: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(client.VARIABLE, "0.05")
    pid = ready().pid
    family = wait_for(lambda: whole(pid))
    wait_for(lambda: not any(map(alive, family)))
    assert list(runtime.iterdir()) == []


def test_a_keeper_that_is_killed_takes_its_server_along_and_another_takes_its_place(
    runtime: Path,
) -> None:
    first = ready()
    family = wait_for(lambda: whole(first.pid))
    os.kill(first.pid, signal.SIGKILL)
    wait_for(lambda: not any(map(alive, family)))
    assert keeper.standing() is None
    with keeper.lent(THE_SYSTEM) as lent:
        assert lent is None
    second = ready()
    assert second.pid != first.pid
    (folder,) = runtime.iterdir()
    assert len(list(folder.iterdir())) == 2  # its socket, and its server's folder


def test_one_that_differs_in_anything_is_refused_and_ends_when_it_is_not_used(
    runtime: Path, tmp_path: Path
) -> None:
    pid = ready().pid
    with keeper.lent(THE_SYSTEM) as user:
        assert user is not None
        with keeper.lent(Sight(None, hide=(tmp_path,))) as other:
            assert other is None
        assert user.held(thoroughly=True)
        assert keeper.standing() is None
    wait_for(lambda: not alive(pid))


def test_a_mask_of_another_kind_is_a_difference(runtime: Path) -> None:
    ready()
    before = os.umask(0o077)
    try:
        with keeper.lent(THE_SYSTEM) as lent:
            assert lent is None
    finally:
        os.umask(before)


def test_there_is_one_keeper_however_many_are_asked_for(runtime: Path) -> None:
    pid = ready().pid
    for _ in range(3):
        keeper.leave_behind(THE_SYSTEM, ())
    wait_for(lambda: keepers(runtime) == [pid])


def plant_link(folder: Path, target: Path) -> None:
    target.mkdir(0o700)
    folder.symlink_to(target)


def plant_open(folder: Path, _: Path) -> None:
    folder.mkdir()
    folder.chmod(0o755)


def plant_foreign(folder: Path, _: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can make a folder of somebody else's")
    folder.mkdir(0o700)
    os.chown(folder, OTHER, OTHER)


@pytest.mark.parametrize("plant", [plant_link, plant_open, plant_foreign])
def test_a_folder_that_somebody_else_planted_is_not_entered(
    runtime: Path, tmp_path: Path, plant: Callable[[Path, Path], None]
) -> None:
    with place.opened(make=True) as folder:
        assert folder is not None
    (runtime / place.name()).rmdir()
    plant(runtime / place.name(), tmp_path / "target")
    with place.opened(make=True) as folder:
        assert folder is None
    keeper.leave_behind(THE_SYSTEM, ())
    assert keepers(runtime) == []


@pytest.mark.parametrize(
    ("said", "kept"),
    [("", client.MINUTES), ("3", 3), ("0", 0), ("-1", 0), ("off", 0), ("nan", 0), ("inf", 1440)],
)
def test_the_time_that_was_set_is_kept_and_none_is_without_end(
    said: str, kept: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setenv(client.VARIABLE, said)
    assert client.minutes() == kept


def test_no_keeper_meets_where_every_submission_looks(
    runtime: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = Path(tempfile.mkdtemp(dir=sys.prefix))
    try:
        assert policy.is_shown(str(seen))
        assert not policy.is_shown(str(runtime))
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(seen))
        monkeypatch.setenv("TMPDIR", str(runtime))
        with place.opened(make=True) as folder:
            assert folder is not None
        assert not list(seen.iterdir())
        assert [entry.name for entry in runtime.iterdir()] == [f"grader-{os.geteuid()}"]
    finally:
        seen.rmdir()


def test_a_folder_above_that_others_may_rename_in_is_passed_over(runtime: Path) -> None:
    (runtime / place.name()).mkdir(0o700)
    runtime.chmod(0o777)
    with place.opened(make=False) as folder:
        found = "" if folder is None else os.path.realpath(place.within(folder))
    assert not found.startswith(str(runtime))


@pytest.mark.skipif(not containers.can_become_others(), reason="only root can become others")
def test_a_socket_on_which_somebody_else_listens_is_not_spoken_to(runtime: Path) -> None:
    with (
        place.opened(make=True) as folder,
        socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as planted,
    ):
        assert folder is not None
        planted.bind(place.within(folder, place.SOCKET))
        os.seteuid(OTHER)
        try:
            planted.listen()
        finally:
            os.seteuid(0)
        with keeper.lent(THE_SYSTEM) as lent:
            assert lent is None
        connection, _ = planted.accept()
        with connection:
            assert connection.recv(100) == b""


@pytest.mark.skipif(not containers.can_become_others(), reason="only root can become others")
def test_a_keeper_answers_nobody_else(runtime: Path) -> None:
    ready()
    folder = runtime / place.name()
    (folder / place.SOCKET).chmod(0o777)
    with place.opened(make=False) as found:
        assert found is not None
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as stranger:
            stranger.settimeout(20)
            folder.chmod(0o711)
            os.chmod(runtime, 0o711)
            os.chdir(folder)
            os.seteuid(OTHER)
            try:
                stranger.connect(place.SOCKET)
            finally:
                os.seteuid(0)
                os.chdir(ROOT)
            try:
                stranger.send(b'{"ask": "state"}')
                said = stranger.recv(100)
            except (BrokenPipeError, ConnectionResetError):
                said = b""
            assert said == b""


def test_it_works_for_an_ordinary_user() -> None:
    if not containers.can_become_others():
        pytest.skip("only root can run this as another user")
    command = containers.as_user(containers.python(AS_USER))
    done = subprocess.run(command, capture_output=True, text=True, cwd="/", check=False)
    assert done.stdout.split() == [str(containers.USER), "True"], done.stderr


def test_doctor_says_who_keeps_tensorflow_loaded(
    runtime: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    doctor._print(Sandbox("none"), [])
    assert "kept loaded" not in capsys.readouterr().out
    pid = ready().pid
    doctor._print(Sandbox("none"), [])
    assert f"by process {pid}; it ends by itself in 5 min" in capsys.readouterr().out
