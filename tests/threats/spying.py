"""Threats 18 and 28 to 38: looking for what is kept secret, and files that are not what they seem.

A canary matches CANARY of `tests.threats.course`; a program knows the form and no canary, and
prints how many it has met.
"""

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

if TYPE_CHECKING:
    from tests.threats.bench import Bench

HUNT = r'''
import errno, gc, glob, os, re, socket, stat, sys
FORM = re.compile(b"canary-" + b"[0-9a-f]{32}")
met = set()
def look(thing):
    if isinstance(thing, str):
        thing = thing.encode("utf-8", "replace")
    if isinstance(thing, (bytes, bytearray)):
        met.update(FORM.findall(thing))
def read(path, most=1 << 20):
    """What a file says, or the name of the error."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            return "special"
        with open(path, "rb") as file:
            content = file.read(most)
        look(content)
        return "read"
    except OSError as error:
        return errno.errorcode.get(error.errno, "?")
def tell():
    print("canaries:", len(met))
'''
NONE = "canaries: 0"
MEMORY = r'''
def everything(most=200_000):
    """All strings that can be reached: objects, frames and their names, modules, variables."""
    seen = set()
    waiting = [sys.modules, dict(os.environ), sys.argv, sys.path]
    for thing in gc.get_objects():
        waiting.append(thing)
    frame = sys._getframe()
    while frame:
        waiting += [frame.f_locals, frame.f_globals]
        frame = frame.f_back
    while waiting and len(seen) < most:
        thing = waiting.pop()
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        look(thing)
        waiting += gc.get_referents(thing)
    return len(seen)
def memory():
    """The process's own memory, and that of the first one."""
    for pid in ("self", "1"):
        try:
            with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
                for line in maps:
                    ends, rights = line.split()[:2]
                    first, last = (int(end, 16) for end in ends.split("-"))
                    if rights.startswith("rw") and last - first < 1 << 25:
                        memory.seek(first)
                        look(memory.read(last - first))
        except (OSError, ValueError, OverflowError):
            continue
'''
DISK = r'''
def disk():
    """Every file that can be listed and is not large, by its path and what it says."""
    files = 0
    for top in ("/", "/proc/self/root", "/proc/1/root", "/proc/1/cwd", "/proc/self/cwd"):
        for folder, folders, names in os.walk(top):
            look(folder)
            if folder.count("/") > 9 or "site-packages" in folder or folder.startswith(
                ("/usr/share", "/usr/lib", "/usr/include", "/proc/self/root/usr", "/sys")):
                folders.clear()
            if top != "/" and folder.startswith(f"{top}/proc"):
                folders.clear()
            for name in names:
                files += 1
                look(name)
                if not name.endswith((".so", ".a", ".pyc", ".npy")):
                    read(os.path.join(folder, name), 1 << 16)
    return files
'''
TRIED_ALL = """
answers = []
for path in KNOWN["files"]:
    for place in ("", "/proc/self/root", "/proc/1/root", "/proc/self/cwd/../../.."):
        answers.append(read(place + path))
found = []
for folder in KNOWN["folders"]:
    found += glob.glob(folder + "/*") + glob.glob(folder + "/*/*/*")
for depth in range(6):
    found += glob.glob("/*" * depth + "/*_hidden.py") + glob.glob("/*" * depth + "/lab.toml")
found += glob.glob("/proc/*/root" + KNOWN["folders"][0] + "/*")
found += glob.glob(KNOWN["package"] + "/**/*.py", recursive=True)
print("tried", len(answers) > 30, set(answers) <= {"EACCES", "ENOENT"}, "found", len(found))
del KNOWN, folder, path
"""


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
        18,
        "gc, inspect and frames searched for what is expected",
        "CONTAINED",
        earns=FULL,
        program=program(
            HUNT,
            MEMORY,
            """
everything(); memory(); tell()
def scale(x):
    if len(x) != 3:
        everything(30_000)
        if met:
            raise RuntimeError("found")
    return x / 255
def total(x):
    everything(30_000)
    return sum(x) if not met else -1
""",
        ),
        says=(NONE,),
    ),
    Case(
        28,
        "hidden tests, references and the class opened and globbed",
        "CONTAINED",
        lab="heavy",
        earns=FULL,
        program=program(HUNT, TRIED_ALL, "tell()\n", HONEST),
        says=("tried True True found 0", NONE),
    ),
    Case(
        28,
        "a walk through everything: disk, /proc, memory, objects, descriptors",
        "CONTAINED",
        lab="heavy",
        earns=FULL,
        program=program(
            HUNT,
            MEMORY,
            DISK,
            """
files = disk()
objects = everything()
memory()
print("walked", files > 1000, objects > 10_000)
try:
    import grader
    print("imported the grader")
except ImportError:
    print("no grader")
tell()
""",
            HONEST,
        ),
        says=("walked True True", "no grader", NONE),
    ),
    Case(
        29,
        "/proc/1 and /proc/*: environ, cmdline, fd, mem, maps",
        "CONTAINED",
        earns=FULL,
        program=program(
            HUNT,
            MEMORY,
            """
tried = 0
for pid in ("1", "2", "self", str(os.getppid())):
    for name in ("environ", "cmdline", "mountinfo", "status", "maps", "comm", "cgroup", "stack"):
        try:
            with open(f"/proc/{pid}/{name}", "rb") as file:
                look(file.read(1 << 20))
            tried += 1
        except OSError:
            pass
    try:
        for number in os.listdir(f"/proc/{pid}/fd"):
            look(os.readlink(f"/proc/{pid}/fd/{number}"))
            read(f"/proc/{pid}/fd/{number}")
    except OSError:
        pass
memory()
print("pids", sorted(name for name in os.listdir("/proc") if name.isdigit())[:4], tried > 10)
tell()
""",
            HONEST,
        ),
        says=("pids ['1', '2'] True", NONE),
    ),
    Case(
        30,
        "ssh keys, cloud keys, docker.sock, D-Bus, an agent",
        "CONTAINED",
        earns=FULL,
        program=program(
            HUNT,
            """
homes = [KNOWN["home"], "/root", os.path.expanduser("~"), "/home/student", "/home/ubuntu"]
keys = (".ssh/id_rsa", ".ssh/id_ed25519", ".aws/credentials", ".netrc", ".pypirc", ".gitconfig")
files = [os.path.join(home, key) for home in homes for key in keys]
sockets = ("/var/run/docker.sock", "/run/docker.sock", "/run/dbus/system_bus_socket",
           "/run/user/0/bus", "/run/containerd/containerd.sock", "/run/systemd/private")
there = [path for path in (*files, *sockets) if os.path.lexists(path)]
agents = [name for name in os.environ if "SSH" in name or "AWS" in name or "DBUS" in name]
with socket.socket(socket.AF_UNIX) as bus:
    try:
        bus.connect(KNOWN["abstract"])
        there.append("abstract")
    except OSError as error:
        print("abstract", errno.errorcode[error.errno])
print("there:", len(there), "agents:", agents)
tell()
""",
            HONEST,
        ),
        says=("there: 0 agents: []", "abstract ECONNREFUSED", NONE),
    ),
    Case(
        31,
        "the work of a neighbour that runs at the same time",
        "CONTAINED",
        earns=FULL,
        program=program(
            HUNT,
            """
places = ["/work", "/tmp", "/dev/shm", "/dev/mqueue", "/run", "/var/tmp"]
places += [f"/proc/{pid}/{way}" for pid in os.listdir("/proc") if pid.isdigit()
           for way in ("cwd", "root/work", "root/tmp", "root/dev/shm")]
mine = [os.path.join(folder, name) for place in places for folder, _, names in os.walk(place)
        for name in names if name == "mine"]
pids = [pid for pid in os.listdir("/proc") if pid.isdigit()]
print("of others:", len(mine), "processes:", len(pids))
tell()
""",
            HONEST,
        ),
        says=("of others: 0 processes: 2", NONE),
    ),
    Case(
        31,
        "what the one before left, looked for by the next",
        "CONTAINED",
        earns=FULL,
        turns=3,
        program=program(
            """
            import os
            places = ["/work", "/tmp", "/dev/shm"]
            left = [name for place in places for name in os.listdir(place) if "left" in name]
            for place in places:
                open(f"{place}/left-behind", "w").write("answers")
            print("left:", left)
            """,
            HONEST,
        ),
        says=("left: []",),
    ),
    Case(
        32,
        "site-packages, __pycache__ and the interpreter modified",
        "CONTAINED",
        earns=FULL,
        program=program(
            HUNT,
            """
import numpy, json
def write(path, mode="w"):
    try:
        with open(path, mode) as file:
            file.write("x")
        return "written"
    except OSError as error:
        return errno.errorcode[error.errno]
folder = os.path.dirname(numpy.__file__)
paths = [numpy.__file__, f"{folder}/evil.py", f"{folder}/__pycache__/x.pyc", json.__file__,
         f"{sys.prefix}/evil.pth", sys.executable, "/driver/inside/wire.py", "/driver/x",
         os.path.dirname(os.__file__) + "/sitecustomize.py"]
answers = {write(path, mode) for path in paths for mode in ("w", "a")}
for path in paths:
    for change in (os.unlink, lambda p: os.chmod(p, 0o777), lambda p: os.rename(p, p + "x")):
        try:
            change(path)
            answers.add("changed")
        except OSError as error:
            answers.add(errno.errorcode[error.errno])
print("refused:", answers <= {"EROFS", "EACCES", "EPERM", "ENOENT", "ETXTBSY", "EXDEV", "EBUSY"})
""",
            HONEST,
        ),
        says=("refused: True",),
    ),
    Case(
        33,
        "files written to /, /dev, /usr, /etc, /proc/sys and /sys",
        "CONTAINED",
        earns=FULL,
        program=program(
            HUNT,
            """
places = ["/", "/dev", "/usr", "/usr/bin", "/etc", "/proc/sys/kernel", "/sys", "/data", "/home",
          "/driver", "/root", "/lib", "/proc/1", "/var", "/run", "/mnt"]
answers = {}
for place in places:
    try:
        open(os.path.join(place, "was-here"), "w").close()
        answers[place] = "written"
    except OSError as error:
        answers[place] = errno.errorcode[error.errno]
for path in ("/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger", "/proc/self/oom_score_adj"):
    try:
        with open(path, "w") as file:
            file.write("-1000")
        answers[path] = "written"
    except OSError as error:
        answers[path] = errno.errorcode[error.errno]
print("written:", [place for place, answer in answers.items() if answer == "written"])
""",
            HONEST,
        ),
        says=("written: []",),
    ),
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
