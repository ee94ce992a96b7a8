"""Threats 58 to 64: out through the network, the kernel, a terminal or another user."""

from __future__ import annotations

from tests.threats.case import FULL, HONEST, Case, program

KERNEL = r"""
import ctypes, errno, os, platform, socket
libc = ctypes.CDLL(None, use_errno=True)
NUMBERS = {
    "x86_64": dict(ptrace=101, unshare=272, mount=165, setns=308, keyctl=250, bpf=321,
                   io_uring_setup=425, process_vm_readv=310, process_vm_writev=311, clone3=435,
                   perf_event_open=298, userfaultfd=323, open_by_handle_at=304, kexec_load=246,
                   init_module=175, pivot_root=155, umount2=166, kcmp=312, move_mount=429,
                   fsopen=430, open_tree=428, add_key=248, request_key=249),
    "aarch64": dict(ptrace=117, unshare=97, mount=40, setns=268, keyctl=219, bpf=280,
                    io_uring_setup=425, process_vm_readv=270, process_vm_writev=271, clone3=435,
                    perf_event_open=241, userfaultfd=282, open_by_handle_at=265, kexec_load=104,
                    init_module=105, pivot_root=41, umount2=39, kcmp=272, move_mount=429,
                    fsopen=430, open_tree=428, add_key=217, request_key=218),
}[platform.machine()]
def answer(name, *arguments):
    ctypes.set_errno(0)
    values = [ctypes.c_ulong(value & (1 << 64) - 1) for value in (*arguments, 0, 0, 0, 0, 0)[:6]]
    if libc.syscall(ctypes.c_long(NUMBERS[name]), *values) >= 0:
        return "allowed"
    return errno.errorcode.get(ctypes.get_errno(), "?")
def refused(attempt):
    try:
        attempt()
        return "allowed"
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error.errno))
"""
CASES = (
    Case(
        58,
        "TCP, UDP, DNS, the metadata address and this machine's own services",
        "CONTAINED",
        earns=FULL,
        program=program(
            KERNEL,
            """
def connect(address, family=socket.AF_INET, kind=socket.SOCK_STREAM):
    with socket.socket(family, kind) as peer:
        peer.settimeout(1)
        peer.connect(address)
        peer.sendall(b"x")
answers = {name: refused(lambda: connect(address, *more)) for name, address, *more in (
    ("tcp", ("192.0.2.1", 80)), ("metadata", ("169.254.169.254", 80)),
    ("udp", ("192.0.2.1", 53), socket.AF_INET, socket.SOCK_DGRAM),
    ("v6", ("2001:db8::1", 80), socket.AF_INET6), ("own", ("127.0.0.1", KNOWN["port"])),
    ("abstract", KNOWN["abstract"], socket.AF_UNIX))}
try:
    answers["dns"] = str(socket.getaddrinfo("example.org", 80))
except socket.gaierror:
    answers["dns"] = "no name"
for name, said in answers.items():
    print(f"{name} {said}")
""",
            HONEST,
        ),
        says=(
            "tcp ENETUNREACH",
            "metadata ENETUNREACH",
            "udp ENETUNREACH",
            "own ECONNREFUSED",
            "abstract ECONNREFUSED",
            "dns no name",
        ),
    ),
    Case(
        58,
        "a download, which is told that there is no network",
        "CONTAINED",
        earns=FULL,
        program=program(
            """
            import urllib.request
            try:
                urllib.request.urlopen("http://192.0.2.1/", timeout=1)
            except OSError as error:
                print("told:", error)
            """,
            HONEST,
        ),
        says=("no network",),
    ),
    Case(
        59,
        "keras.datasets and pip, and the data set that is on board",
        "CONTAINED",
        earns=FULL,
        lab="heavy",
        program=program(
            """
            import subprocess, sys
            import keras
            try:
                keras.datasets.cifar10.load_data()
            except Exception as error:
                print("cifar10:", error)
            try:
                keras.utils.get_file("x.npz", origin="https://example.org/x.npz")
            except Exception as error:
                print("get_file:", error)
            pip = [sys.executable, "-m", "pip", "install", "--no-input", "--retries", "0", "six==9"]
            print("pip:", subprocess.run(pip, capture_output=True).returncode != 0)
            (x, y), (xt, yt) = keras.datasets.mnist.load_data()
            print("mnist:", x.shape, xt.shape)
            """,
            HONEST,
        ),
        says=("There is no network here", "pip: True", "mnist: (60000, 28, 28) (10000, 28, 28)"),
    ),
    Case(
        60,
        "sockets of the kinds VSOCK, NETLINK, PACKET, ALG and more",
        "CONTAINED",
        earns=FULL,
        program=program(
            KERNEL,
            """
kinds = {"NETLINK": 16, "PACKET": 17, "ALG": 38, "VSOCK": 40, "BLUETOOTH": 31, "CAN": 29,
         "TIPC": 30, "XDP": 44, "RDS": 21, "KEY": 15, "QIPCRTR": 42}
answers = {refused(lambda: socket.socket(number, kind)) for number in kinds.values()
           for kind in (socket.SOCK_RAW, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET)}
print("kinds:", answers)
""",
            HONEST,
        ),
        says=("kinds: {'EAFNOSUPPORT'}",),
    ),
    Case(
        61,
        "ptrace, process_vm_readv, keyctl, bpf, io_uring and their like",
        "CONTAINED",
        earns=FULL,
        program=program(
            KERNEL,
            """
names = set(NUMBERS) - {"clone3", "unshare", "mount", "pivot_root", "umount2", "setns"}
print("answers:", sorted({answer(name, 0, os.getppid()) for name in names}))
""",
            HONEST,
        ),
        says=("answers: ['EPERM']",),
    ),
    Case(
        62,
        "unshare, clone3, clone into namespaces, mount, setns",
        "CONTAINED",
        earns=FULL,
        program=program(
            KERNEL,
            """
spaces = (0x10000000, 0x00020000, 0x20000000, 0x40000000, 0x08000000, 0x04000000, 0x02000000)
print("unshare:", {answer("unshare", space) for space in spaces}, "clone3:", answer("clone3"))
clone = {"x86_64": 56, "aarch64": 220}[platform.machine()]
def forked(space):
    pid = libc.syscall(ctypes.c_long(clone), ctypes.c_ulong(space | 17), 0, 0, 0, 0)
    if pid == 0:
        os._exit(0)
    return "allowed" if pid > 0 else errno.errorcode[ctypes.get_errno()]
print("clone:", {forked(space) for space in spaces})
names = ("mount", "pivot_root", "umount2", "setns")
print("mounts:", {answer(name) for name in names})
print("chroot:", refused(lambda: os.chroot("/tmp")))
""",
            HONEST,
        ),
        says=(
            "unshare: {'EPERM'} clone3: ENOSYS",
            "clone: {'EPERM'}",
            "mounts: {'EPERM'}",
            "chroot: EPERM",
        ),
    ),
    Case(
        63,
        "TIOCSTI into the terminal of whoever grades",
        "CONTAINED",
        earns=FULL,
        program=program(
            KERNEL,
            """
import fcntl, glob
TIOCSTI, TIOCLINUX, TIOCSCTTY = 0x5412, 0x541C, 0x540E
answers = set()
master, slave = os.openpty()
for number in (0, 1, 2, master, slave):
    for code in (TIOCSTI, TIOCLINUX, TIOCSTI | 1 << 32):
        answers.add(refused(lambda: libc_ioctl(number, code)))
def tty():
    os.close(os.open("/dev/tty", os.O_RDWR))
print("terminal:", refused(tty), glob.glob("/dev/pts/[1-9]*"))
print("typed:", sorted(answers))
""".replace(
                "answers = set()",
                """
def libc_ioctl(number, code):
    ctypes.set_errno(0)
    if libc.ioctl(number, ctypes.c_ulong(code), ctypes.c_char_p(b"x")) < 0:
        raise OSError(ctypes.get_errno(), "")
answers = set()""",
            ),
            HONEST,
        ),
        says=("terminal: ENXIO []", "typed: ['EPERM']"),
    ),
    Case(
        64,
        "su, setuid programs and becoming root",
        "CONTAINED",
        earns=FULL,
        program=program(
            KERNEL,
            """
import glob, stat, subprocess
found = [path for path in glob.glob("/usr/bin/*") + glob.glob("/usr/sbin/*")
         if os.path.isfile(path) and os.stat(path).st_mode & (stat.S_ISUID | stat.S_ISGID)]
for path in ("/usr/bin/su", "/usr/bin/sudo", "/usr/bin/pkexec", "/usr/bin/newuidmap"):
    if os.path.exists(path):
        words = [path, "-c", "id -u"]
        done = subprocess.run(words, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if done.stdout.strip() == "0":
            print("gained by", path)
answers = {refused(lambda: become(0)) for become in (os.setuid, os.setgid, os.seteuid, os.setegid)}
answers.add(refused(lambda: os.setgroups([0])))
print("became:", sorted(answers - {"EPERM", "EINVAL"}))
with open("/proc/self/status") as lines:
    status = dict(line.split(":", 1) for line in lines)
print("rights", int(status["CapEff"], 16), int(status["CapPrm"], 16), int(status["CapBnd"], 16),
      status["NoNewPrivs"].strip(), os.getuid() != 0)
open("mine", "w").write("#!/bin/sh\\nid -u\\n")
os.chmod("mine", 0o6755)
print("own", subprocess.run(["./mine"], capture_output=True, text=True).stdout.strip() != "0")
""",
            HONEST,
        ),
        says=(
            "became: []",
            "rights 0 0",
            "1 True",
            "own True",
        ),
    ),
)
