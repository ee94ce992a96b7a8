"""Threats 18 and 28 to 33: looking for what is kept secret, and changing what is shared.

A canary matches CANARY of `tests.threats.course`; a program knows the form and no canary, and
prints how many it has met.
"""

from __future__ import annotations

from tests.threats.case import FULL, HONEST, Case, program

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
)
