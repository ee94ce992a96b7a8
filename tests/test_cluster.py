"""A class graded on a real Dask cluster: the same files, whatever dies on the way."""

from __future__ import annotations

import importlib.util
import io
import os
import pickle
import shutil
import signal
import socket
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import grader.batch.cluster
from grader import cli
from grader.batch import grading_process
from grader.batch.executor import Waiting
from grader.batch.grading_process import graded
from grader.batch.layouts import Handed
from grader.batch.state import stamp_of
from grader.batch.task import Task
from grader.errors import GraderError
from grader.grading import versions
from grader.sandbox import open_sandbox, usage
from grader.submissions import read
from tests.classes import content, graded_class, run, start, verdicts
from tests.clusters import DaskProcesses, dask_processes, in_time
from tests.courses import RIGHT, load
from tests.sessions import sandbox

SLOW = f"import time\ntime.sleep(3)\n{RIGHT}"


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with course, class, and the OUT of grading it in processes here."""
    return graded_class(tmp_path_factory.mktemp("cluster"))


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskProcesses]:
    with dask_processes(tmp_path_factory.mktemp("dask"), workers=1) as processes:
        yield processes


@pytest.fixture
def one(here: Path, tmp_path: Path) -> Path:
    """A class of one, whose work takes a while."""
    (tmp_path / "class").mkdir()
    (tmp_path / "class/ann.py").write_text(SLOW)
    shutil.copytree(here / "course", tmp_path / "course")
    return tmp_path


def on(cluster: DaskProcesses) -> list[str]:
    return ["--executor", "dask", "--scheduler", cluster.address]


def sandboxed(worker: int) -> list[int]:
    """The grading processes below a worker that have a submission in a sandbox below them."""
    return [pid for pid in usage.family(worker)[1:] if len(usage.family(pid)) > 2]


def test_with_one_of_two_workers_killed_the_files_are_those_of_one_machine(
    here: Path, tmp_path: Path
) -> None:
    with dask_processes(tmp_path / "dask", workers=2) as cluster:
        batch = start(here / "course", here / "class", tmp_path / "out", *on(cluster))
        victim = cluster.workers[0]
        assert in_time(lambda: len(cluster.grading()) > 1 and sandboxed(victim.pid))
        victim.kill()
        victim.wait()
        _, errors = batch.communicate(timeout=300)
        assert batch.returncode == 0, errors
        assert content(tmp_path / "out") == content(here / "out")
        assert in_time(lambda: cluster.grading() == [])


def test_a_cluster_of_its_own_gives_the_same_files_and_goes_away(
    here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = own_clusters()
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    code, said, errors = run(
        here / "course", here / "class", tmp_path / "out", "--executor", "dask", "--jobs", "1"
    )
    assert code == 0, errors
    assert "7 graded, 2 rejected, 1 missing" in said
    assert content(tmp_path / "out") == content(here / "out")
    assert own_clusters() <= before
    assert list((tmp_path / "tmp").iterdir()) == []


def own_clusters() -> set[int]:
    """The processes of clusters that a batch made for itself."""
    found = set()
    for entry in Path("/proc").iterdir():
        try:
            if b"grader.batch.local_cluster" in (entry / "cmdline").read_bytes():
                found.add(int(entry.name))
        except (OSError, ValueError):
            continue
    return found


def test_what_is_graded_here_is_kept_there(here: Path, tmp_path: Path, cluster: Any) -> None:
    out = shutil.copytree(here / "out", tmp_path / "out")
    (out / "results/alice.json").unlink()
    code, said, errors = run(here / "course", here / "class", out, *on(cluster))
    assert code == 0, errors
    assert "7 of them kept" in said
    assert content(out) == content(here / "out")
    assert in_time(lambda: cluster.grading() == [])


def test_a_grading_process_that_dies_on_the_cluster_is_replaced(
    one: Path, cluster: DaskProcesses
) -> None:
    batch = start(one / "course", one / "class", one / "out", *on(cluster))
    at_work = in_time(lambda: sandboxed(cluster.workers[0].pid))
    os.kill(at_work[0], signal.SIGKILL)
    _, errors = batch.communicate(timeout=120)
    assert batch.returncode == 0, errors
    assert verdicts(one / "out")["ann"]["score"] == 10
    assert in_time(lambda: cluster.grading() == [])


def test_a_submission_is_tried_twice_and_not_once_more() -> None:
    task = Task(Handed("ann", "ann.py"), "ann")
    waiting = Waiting(iter([task]))
    assert waiting
    assert waiting.next() == task
    assert waiting.again(task)
    assert waiting
    assert waiting.next() == task
    assert not waiting.again(task)
    assert not waiting


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_batch_that_is_interrupted_or_killed_leaves_nothing_on_the_cluster(
    one: Path, cluster: DaskProcesses, number: signal.Signals
) -> None:
    (one / "class/ann.py").write_text("while True:\n    pass\n")
    batch = start(one / "course", one / "class", one / "out", *on(cluster))
    assert in_time(lambda: sandboxed(cluster.workers[0].pid))
    batch.send_signal(number)
    _, errors = batch.communicate(timeout=60)
    if number == signal.SIGINT:
        assert batch.returncode == 130
        assert "the same command goes on from there" in errors
        assert "Traceback" not in errors
    assert in_time(lambda: not sandboxed(cluster.workers[0].pid))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupt_ends_a_cluster_of_its_own(
    one: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    before = own_clusters()
    (one / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(one / "tmp"))
    batch = start(one / "course", one / "class", one / "out", "--executor", "dask", "--jobs", "1")

    assert in_time(lambda: any(sandboxed(pid) for pid in own_clusters() - before))
    batch.send_signal(number)
    _, errors = batch.communicate(timeout=60)
    if number == signal.SIGINT:
        assert batch.returncode == 130
        assert "Traceback" not in errors
        assert own_clusters() <= before
    assert in_time(lambda: own_clusters() <= before)
    assert in_time(lambda: not list((one / "tmp").iterdir()))


def test_a_scheduler_that_goes_away_loses_nothing(here: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with dask_processes(tmp_path / "dask", workers=1) as cluster:
        batch = start(here / "course", here / "class", out, *on(cluster))
        assert in_time(lambda: list(out.glob("results/*.json")) and cluster.grading())
        cluster.scheduler.kill()
        _, errors = batch.communicate(timeout=120)
        assert batch.returncode == 3
        assert f"the scheduler at {cluster.address} is gone" in errors
        assert "Traceback" not in errors
        assert "the same command goes on" in errors
        assert in_time(lambda: cluster.grading() == [])
    done = len(verdicts(out))
    assert 0 < done < 9
    assert run(here / "course", here / "class", out, "--jobs", "1")[0] == 0
    assert content(out) == content(here / "out")


def test_a_scheduler_that_does_not_answer_is_said_so(
    one: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("grader.batch.connection.CONNECT_SECONDS", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        address = f"tcp://127.0.0.1:{mute.getsockname()[1]}"
        assert ask(one, "--executor", "dask", "--scheduler", address) == 3
    assert f"the scheduler at {address} does not answer" in capsys.readouterr().err


def test_what_is_no_scheduler_is_said_so(one: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:

        def greet() -> None:
            connection, _ = other.accept()
            with connection:
                connection.sendall(b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n")
                connection.recv(1)

        threading.Thread(target=greet, daemon=True).start()
        address = f"tcp://127.0.0.1:{other.getsockname()[1]}"
        assert ask(one, "--executor", "dask", "--scheduler", address) == 3
    assert "what is there is no Dask scheduler" in capsys.readouterr().err


def ask(folder: Path, *more: str) -> int:
    words = ["batch", "numbers", str(folder / "class"), "-o", str(folder / "out")]
    return cli.run([*words, "--course", str(folder / "course"), *more])


def test_a_cluster_without_workers_is_said_so(
    one: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: Any
) -> None:
    monkeypatch.setattr(grader.batch.cluster, "WORKERS_SECONDS", 1.0)
    with dask_processes(tmp_path / "dask", workers=0) as cluster:
        assert ask(one, *on(cluster)) == 3
    assert "has no worker" in capsys.readouterr().err


def test_a_worker_with_another_version_is_refused_and_both_are_named(
    one: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other/keras-0.0.1.dist-info"
    other.mkdir(parents=True)
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: keras\nVersion: 0.0.1\n")
    path = os.pathsep.join(
        [str(other.parent), *filter(None, [os.getcwd(), os.environ.get("PYTHONPATH")])]
    )
    with dask_processes(tmp_path / "dask", workers=0) as cluster:
        cluster.add_worker(PYTHONPATH=path)
        assert ask(one, *on(cluster)) == 3
    said = capsys.readouterr().err
    assert f"keras {versions()['keras']} → 0.0.1" in said
    assert "Install the same versions" in said
    assert verdicts(one / "out") == {}


@pytest.fixture
def orders(one: Path) -> dict[str, Any]:
    stamp = stamp_of(load(one / "course"), versions())
    course = str(one / "course")
    return {"batch": "b", "course": course, "stamp": stamp.to_json(), "weak": False}


def test_a_worker_that_sees_no_course_or_another_one_is_refused(
    one: Path, orders: dict[str, Any]
) -> None:
    with pytest.raises(GraderError, match=r"no course at /nowhere"):
        grading_process._made_ready({**orders, "course": "/nowhere"})
    rubric = one / "course/rubrics/numbers.toml"
    rubric.write_text(f"# changed\n{rubric.read_text()}")
    with pytest.raises(GraderError, match="the checks or the rubric of numbers"):
        grading_process._made_ready(orders)


def test_a_worker_that_cannot_shut_work_in_is_refused_unless_that_is_allowed(
    orders: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    weak = partial(open_sandbox, at_most="partial")
    monkeypatch.setattr(grading_process, "open_sandbox", weak)
    with pytest.raises(GraderError, match="only as “partial”"):
        grading_process._made_ready(orders)
    _, found = grading_process._made_ready({**orders, "weak": True})
    assert found.isolation == "partial"


def test_a_lab_of_answers_is_graded_here(tmp_path: Path) -> None:
    root = Path(__file__).resolve().parent.parent
    handed = tmp_path / "class/ada"
    handed.mkdir(parents=True)
    shutil.copy(root / "assignments/quiz01/starter.toml", handed / "answers.toml")
    arguments = ["batch", "quiz01", str(tmp_path / "class"), "-o", str(tmp_path / "out")]
    nowhere = ["--executor", "dask", "--scheduler", "tcp://127.0.0.1:1"]
    assert cli.run([*arguments, *nowhere, "--course", str(root)]) == 0
    assert set(verdicts(tmp_path / "out")) == {"ada"}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--scheduler", "tcp://127.0.0.1:1"], "Add --executor dask"),
        (["--executor", "dask", "--scheduler", "localhost"], "no scheduler's address"),
        (["--executor", "dask", "--scheduler", "tcp://a b:1"], "no scheduler's address"),
        (
            ["--executor", "dask", "--scheduler", "tcp://127.0.0.1:1", "--allow-weak-sandbox"],
            "without TLS",
        ),
    ],
)
def test_a_wrong_use_is_said_before_anything_is_written(
    one: Path, capsys: pytest.CaptureFixture[str], more: list[str], said: str
) -> None:
    assert ask(one, *more) == 2
    assert said in capsys.readouterr().err
    assert not (one / "out").exists()


def test_without_dask_it_says_what_to_install(
    one: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *more: None if name == "distributed" else found(name, *more),
    )
    assert ask(one, "--executor", "dask") == 2
    assert "pip install 'labgrader[dask]'" in capsys.readouterr().err


def test_what_is_pickled_between_graders_names_records_of_ours_alone(one: Path) -> None:
    (one / "class/ann.py").write_text(RIGHT + "import numpy\nmine = numpy.ones(3)\n")
    submission = read(one / "class/ann.py", lab_id="numbers", kind="code")
    done = graded(load(one / "course"), submission, sandbox())
    assert done.status == "graded"
    assert named_in(pickle.dumps(done)) == {
        "grader.batch.messages.Done",
        "grader.batch.saved.Files",
    }
    assert {name.rpartition(".")[0] for name in named_in(pickle.dumps(submission))} == {
        "grader.records.submission"
    }


def named_in(pickled: bytes) -> set[str]:
    """What unpickling looks up by name."""
    found = set()

    class Watched(pickle.Unpickler):
        def find_class(self, module: str, name: str) -> Any:
            found.add(f"{module}.{name}")
            return super().find_class(module, name)

    Watched(io.BytesIO(pickled)).load()
    return found
