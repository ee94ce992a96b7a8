"""The bubblewrap command line, put together from the policy and the way that the machine allows."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from grader.records.lab import Limits
from grader.sandbox import policy
from grader.sandbox.policy import Bind

BEGIN = f"import sys; sys.path.insert(0, {policy.DRIVER!r}); "
START = BEGIN + "from inside.main import main; main()"
START_WARM = BEGIN + "from inside.warm import listen; listen()"
TO_BECOME_ANOTHER = ("CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP")
TO_MAKE_NAMESPACES = (*TO_BECOME_ANOTHER, "CAP_SYS_ADMIN", "CAP_NET_ADMIN")


@dataclass(frozen=True)
class Way:
    """One way to call bubblewrap.

    `as_root`: real root makes the mounts, without a user namespace, and gives up its rights
    inside. `leave_root`: root gives up its rights before bubblewrap, which then needs a user
    namespace and an interpreter that other users can reach. `own_proc` and `own_network` are
    false where the machine refuses them; `close_namespaces` (no further user namespaces inside)
    is false where bubblewrap is too old.
    """

    program: str
    as_root: bool = False
    leave_root: bool = False
    own_proc: bool = True
    own_network: bool = True
    close_namespaces: bool = True


@dataclass(frozen=True)
class Sight:
    """What one submission sees besides the system: its data, and what must not shine through."""

    data: Path | None = None
    hide: tuple[Path, ...] = ()


THE_SYSTEM = Sight()


def bubblewrap(
    way: Way,
    limits: Limits,
    sight: Sight,
    *,
    handed: Sequence[int],
    config: str,
    warm: bool = False,
) -> list[str]:
    """The full command.

    `handed` are inherited descriptors for bubblewrap: where it writes its state, and, when there
    is a second, from which it reads the system-call filter. `warm` starts the warm server, which
    keeps the rights to wall in each submission that it forks.
    """
    command = [way.program, *_namespaces(way), "--die-with-parent", "--new-session"]
    command += ["--clearenv", "--hostname", "sandbox", "--json-status-fd", str(handed[0])]
    command += _rights(way, warm)
    for descriptor in handed[1:]:
        command += ["--seccomp", str(descriptor)]
    command += _system()
    command += ["--proc", "/proc"] if way.own_proc else ["--ro-bind", "/proc", "/proc"]
    command += ["--dev", "/dev", *_tmpfs("/dev/shm", policy.SHARED_MEMORY)]
    command += [*_tmpfs(policy.TEMPORARY, limits.tmp_folder)]
    command += [*_tmpfs(policy.WORK, limits.work_folder)]
    command += _visible(sight)
    command += ["--chdir", policy.WORK, "--remount-ro", "/dev", "--remount-ro", "/"]
    for name, value in policy.environment().items():
        command += ["--setenv", name, value]
    return [*command, "--", *python(START_WARM if warm else START, config)]


def python(start: str, config: str) -> list[str]:
    """This interpreter, isolated from the environment and from the folder it is started in."""
    return [os.path.abspath(sys.executable), "-s", "-P", "-B", "-c", start, config]


def _namespaces(way: Way) -> list[str]:
    flags = ["--unshare-ipc", "--unshare-pid", "--unshare-uts", "--unshare-cgroup-try"]
    if way.own_network:
        flags.append("--unshare-net")
    if not way.as_root:
        flags.append("--unshare-user")
        if way.close_namespaces:
            flags.append("--disable-userns")
    return flags


def _rights(way: Way, warm: bool) -> list[str]:
    needed = TO_BECOME_ANOTHER if way.as_root else ()
    words = [w for name in (TO_MAKE_NAMESPACES if warm else needed) for w in ("--cap-add", name)]
    user = [] if way.as_root else ["--uid", "65534", "--gid", "65534"]
    return ["--cap-drop", "ALL", *words, *user]


def _tmpfs(place: str, size: int) -> list[str]:
    return ["--perms", "1777", "--size", str(size), "--tmpfs", place]


def _system() -> list[str]:
    words: list[str] = []
    for folder in policy.SYSTEM_FOLDERS:
        words += ["--ro-bind-try", folder, folder]
    for folder in policy.ROOT_FOLDERS:
        if os.path.islink(folder):
            words += ["--symlink", os.readlink(folder), folder]
        elif os.path.isdir(folder):
            words += ["--ro-bind", folder, folder]
    for file in policy.SYSTEM_FILES:
        words += ["--ro-bind-try", file, file]
    return words


def _visible(sight: Sight) -> list[str]:
    interpreter = policy.interpreter_binds()
    binds = [*interpreter, Bind(str(policy.INSIDE), f"{policy.DRIVER}/inside")]
    if sight.data is not None:
        # One by one: a folder bound at /data would hide an interpreter installed beneath /data.
        entries = sorted(os.listdir(sight.data))
        binds += [Bind(str(sight.data / name), f"{policy.DATA}/{name}") for name in entries]
    words = _folders([Bind("", f"{policy.DATA}/any"), *binds])
    for bind in binds:
        words += ["--ro-bind", bind.source, bind.inside]
    return words + _masks(interpreter, (policy.PACKAGE, *sight.hide))


def _folders(binds: Iterable[Bind]) -> list[str]:
    """The folders above each bind, open to all: bubblewrap would make them for its user alone."""
    above = {str(folder) for bind in binds for folder in Path(bind.inside).parents}
    made = sorted(above - {"/", policy.TEMPORARY, policy.WORK, *policy.SYSTEM_FOLDERS})
    return [word for folder in made for word in ("--perms", "0755", "--dir", folder)]


def _masks(interpreter: Iterable[Bind], hide: tuple[Path, ...]) -> list[str]:
    shown = [*interpreter, *(Bind(folder, folder) for folder in policy.SYSTEM_FOLDERS)]
    words: list[str] = []
    for place in policy.masked(shown, hide):
        words += ["--size", "4096", "--tmpfs", place, "--remount-ro", place]
    return words
