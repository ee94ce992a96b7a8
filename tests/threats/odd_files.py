"""Threats 34 to 38: files that are links, pipes, sockets, far too many, or oddly named."""

from __future__ import annotations

import os
import socket
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from grader.errors import SubmissionError
from grader.submissions import read
from tests.threats.case import FULL, HONEST, Case, Way, program
from tests.threats.course import CANARY, new_canary
from tests.threats.spying import HUNT, NONE

if TYPE_CHECKING:
    from tests.threats.bench import Bench


def with_links(folder: Path, source: str) -> Path:
    """A folder whose helpers are links to what is none of the student's."""
    (folder / "work").mkdir()
    (folder / "work/plain.py").write_text(source)
    (folder / "work/passwd.txt").symlink_to("/etc/passwd")
    (folder / "work/all").symlink_to("/")
    (folder / "work/secret.txt").symlink_to(_secret(folder))
    return folder / "work"


def as_link(folder: Path, source: str) -> Path:
    """A submission that is itself a link."""
    path = folder / "work.py"
    path.symlink_to(_secret(folder))
    return path


def _secret(folder: Path) -> Path:
    """A canary beside the submission, named as it could be guessed."""
    return folder.parent / "class/alice/work.py"


def with_special_files(folder: Path, source: str) -> Path:
    """A folder with a pipe and a socket in it."""
    (folder / "work").mkdir()
    (folder / "work/plain.py").write_text(source)
    os.mkfifo(folder / "work/pipe.txt")
    here = os.getcwd()
    os.chdir(folder / "work")  # a socket's path is short
    try:
        with socket.socket(socket.AF_UNIX) as one:
            one.bind("socket.txt")
    finally:
        os.chdir(here)
    return folder / "work"


def as_pipe(folder: Path, source: str) -> Path:
    """A submission that is a pipe, which nobody writes to."""
    os.mkfifo(folder / "work.py")
    return folder / "work.py"


def exchanged_while_read(bench: Bench, way: Way) -> str:
    """A file that turns into a link to a secret, and back, while it is read again and again."""
    folder = bench.around.folder / "exchanged"
    folder.mkdir()
    path, other, link = folder / "work.py", folder / "other", folder / "link"
    secret = folder / "secret.py"
    secret.write_text(f"x = '{new_canary()}'")
    path.write_text(HONEST)
    over = threading.Event()

    def exchange() -> None:
        while not over.is_set():
            other.write_text(HONEST)
            link.symlink_to(secret)
            os.replace(link, path)
            os.replace(other, path)

    thread = threading.Thread(target=exchange)
    thread.start()
    refused = 0
    try:
        for _ in range(3_000):
            try:
                assert not CANARY.search(read(path).source)
            except SubmissionError:
                refused += 1
    finally:
        over.set()
        thread.join()
        for one in folder.iterdir():
            one.unlink()
        folder.rmdir()
    assert refused, "the link was never met"
    return "REJECT"


def many_files(folder: Path, source: str) -> Path:
    """A folder of more files than anybody hands in."""
    (folder / "work").mkdir()
    (folder / "work/plain.py").write_text(source)
    for number in range(2_100):
        (folder / f"work/{number}.txt").touch()
    return folder / "work"


def deep_folders(folder: Path, source: str) -> Path:
    """A thousand folders, each in the one before."""
    top = folder / "work"
    top.mkdir()
    (top / "plain.py").write_text(source)
    here = os.open(top, os.O_RDONLY)
    for _ in range(1_000):
        os.mkdir("d", dir_fd=here)
        below = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    return top


def sparse_file(folder: Path, source: str) -> Path:
    """A file that claims 1 TiB."""
    (folder / "work").mkdir()
    (folder / "work/plain.py").write_text(source)
    with (folder / "work/data.txt").open("wb") as stream:
        stream.truncate(1 << 40)
    return folder / "work"


def named(name: bytes) -> object:
    """Writes the program under an odd name."""

    def write(folder: Path, source: str) -> Path:
        path = os.fsencode(folder) + b"/" + name
        with open(path, "w") as stream:
            stream.write(source)
        return Path(os.fsdecode(path))

    return write


ODD_NAMES = {
    "a line break": b"a\n<b>.py",
    "signs that turn the direction": "\u202egnp.\u2066x.py".encode(),
    "bytes that are no UTF-8": b"\xff\xfe\x80.py",
    "255 bytes": b"n" * 252 + b".py",
    "markup and quotes": b"\"><script>alert(1)<'.py",
}


CASES = (
    Case(
        34,
        "links to /etc/passwd and hidden tests left as output",
        "CONTAINED",
        earns=FULL,
        program=program(
            HUNT,
            """
targets = ["/etc/passwd", "/etc/shadow", "/proc/1/environ", *KNOWN["files"], *KNOWN["folders"]]
for number, target in enumerate(targets):
    for place in (".", "/tmp", "/dev/shm"):
        os.symlink(target, f"{place}/results-{number}.json")
answers = {read(f"results-{number}.json") for number in range(len(targets))}
print("links:", answers <= {"ENOENT", "EACCES", "special", "read"})
del KNOWN, targets, target
tell()
""",
            HONEST,
        ),
        says=("links: True", NONE),
    ),
    Case(
        34,
        "links handed in as helper files",
        "CONTAINED",
        earns=FULL,
        hand_in=with_links,
        program=program(
            HUNT,
            """
print("came along:", sorted(os.listdir(".")))
for name in ("passwd.txt", "secret.txt", "all/etc/passwd"):
    read(name)
tell()
""",
            HONEST,
        ),
        says=("came along: []", NONE),
    ),
    Case(34, "a submission that is a link", "REJECT", hand_in=as_link, reason="symbolic link"),
    Case(
        35,
        "pipes and sockets left as output",
        "CONTAINED",
        earns=FULL,
        program=program(
            """
            import os, socket
            for place in (".", "/tmp", "/dev/shm"):
                for name in ("results.json", "grades.csv", "work.ipynb"):
                    os.mkfifo(f"{place}/{name}")
                one = socket.socket(socket.AF_UNIX)
                one.bind(f"{place}/socket")
            print("made:", len(os.listdir(".")))
            """,
            HONEST,
        ),
        says=("made: 4",),
    ),
    Case(
        35,
        "a pipe and a socket handed in as helper files",
        "CONTAINED",
        earns=FULL,
        hand_in=with_special_files,
        program=program("import os\nprint('came along:', os.listdir('.'))", HONEST),
        says=("came along: []",),
    ),
    Case(35, "a submission that is a pipe", "REJECT", hand_in=as_pipe, reason="named pipe"),
    Case(
        36,
        "a file exchanged for a link and back while it is read",
        "REJECT",
        trial=exchanged_while_read,
    ),
    Case(
        37,
        "a hundred thousand files",
        "MLE|DISK|TLE",
        program=program(
            """
            import os
            for number in range(300_000):
                os.close(os.open(f"/work/{number}", os.O_CREAT | os.O_WRONLY))
            """,
            HONEST,
        ),
    ),
    Case(
        37,
        "folders a thousand deep",
        "CONTAINED",
        earns=FULL,
        program=program(
            """
            import os
            for number in range(1_000):
                os.mkdir("d")
                os.chdir("d")
            print("deep")
            """,
            HONEST,
        ),
        says=("deep",),
    ),
    Case(
        37,
        "a sparse file of 1 PiB",
        "DISK",
        program=program(
            """
            import os
            with open("sparse", "wb") as file:
                os.ftruncate(file.fileno(), 1 << 50)
            """,
        ),
    ),
    Case(
        37, "too many files handed in", "REJECT", program=HONEST, hand_in=many_files, reason="files"
    ),
    Case(37, "folders a thousand deep handed in", "REJECT", program=HONEST, hand_in=deep_folders),
    Case(37, "a file of 1 TiB handed in", "REJECT", program=HONEST, hand_in=sparse_file),
    *(
        Case(
            38,
            f"a file name of {what}",
            "CONTAINED",
            earns=FULL,
            program=HONEST,
            hand_in=named(name),
        )  # type: ignore[arg-type]
        for what, name in ODD_NAMES.items()
    ),
)
