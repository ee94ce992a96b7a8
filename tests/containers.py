"""Ways to run a command as others would: an ordinary user, a container, a refusing kernel.

The tests run as root on a machine whose interpreter lies where only root may enter; what is
needed of it is shown again in a mount namespace of its own, so that an ordinary user can run it.
Each function returns the command line; nothing is mocked.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import grader

PROJECT = Path(grader.__file__).resolve().parent.parent
USER = 4242

SHOW_AGAIN = """
set -e
uid=$1; shift
kept=$(mktemp -d)
mount -t tmpfs none "$kept"
number=0
while [ "$1" != close ]; do
  number=$((number + 1))
  mkdir "$kept/$number"
  mount --bind "$1" "$kept/$number"
  printf '%s' "$1" > "$kept/$number.path"
  shift
done
shift
while [ "$1" != -- ]; do
  mount -t tmpfs -o mode=755 none "$1"
  shift
done
shift
while [ "$number" -gt 0 ]; do
  path=$(cat "$kept/$number.path")
  mkdir -p "$path"
  mount --move "$kept/$number" "$path"
  number=$((number - 1))
done
umount "$kept"
rmdir "$kept"
[ "$uid" = 0 ] && exec "$@"
exec setpriv --reuid "$uid" --regid "$uid" --clear-groups --inh-caps=-all "$@"
"""
MASK_PROC = 'mount -t tmpfs none /proc/irq && exec "$@"'
CONTAINER = """
import ctypes, os, sys
ready, go = os.pipe(), os.pipe()
pid = os.fork()
if pid == 0:
    if ctypes.CDLL(None, use_errno=True).unshare(0x10020000):
        os._exit(99)
    os.write(ready[1], b"x")
    os.read(go[0], 1)
    if sys.argv[2] == "0":
        open("/proc/sys/user/max_user_namespaces", "w").write("0")
    os.execvp(sys.argv[3], sys.argv[3:])
os.read(ready[0], 1)
for name in ("uid_map", "gid_map"):
    open(f"/proc/{pid}/{name}", "w").write(f"0 0 {sys.argv[1]}")
os.write(go[1], b"x")
os._exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) & 255)
"""
REFUSE = """
import os, sys
from grader.inside import confine, kernel
kernel.prctl(confine.PR_SET_NO_NEW_PRIVS, 1)
confine._install_filter(True)
os.execv(sys.argv[1], sys.argv[1:])
"""


def can_become_others() -> bool:
    """Whether this process may use the functions below."""
    tools = all(shutil.which(tool) for tool in ("unshare", "setpriv", "mount"))
    return sys.platform == "linux" and os.geteuid() == 0 and tools


def as_user(command: list[str], uid: int = USER) -> list[str]:
    """`command` run by the user `uid`, who can reach this interpreter and the project."""
    words = ["unshare", "--mount", "--propagation", "private", "sh", "-c", SHOW_AGAIN, "sh"]
    closed = {path: _closed_above(path) for path in {sys.base_prefix, sys.prefix, str(PROJECT)}}
    hidden = [path for path, folder in closed.items() if folder is not None]
    shown = [path for path in hidden if not any(_is_within(path, other) for other in hidden)]
    folders = sorted({folder for folder in closed.values() if folder is not None})
    return [*words, str(uid), *sorted(shown), "close", *folders, "--", *command]


def in_container(command: list[str], *, ids: int = 65536, namespaces: bool = True) -> list[str]:
    """`command` as the root of a user namespace that maps `ids` ids, as containers do."""
    flag = "1" if namespaces else "0"
    return [sys.executable, "-c", CONTAINER, str(ids), flag, *command]


def with_masked_proc(command: list[str]) -> list[str]:
    """`command` where a part of /proc is covered, which keeps a fresh one from being mounted."""
    words = ["unshare", "--mount", "--propagation", "private", "sh", "-c", MASK_PROC, "sh"]
    return [*words, *command]


def without_namespaces(command: list[str]) -> list[str]:
    """`command` under a filter that refuses new namespaces, as Docker's does."""
    return [sys.executable, "-c", REFUSE, *command]


def without_mount_rights(command: list[str]) -> list[str]:
    """`command` as root without CAP_SYS_ADMIN."""
    return ["setpriv", "--bounding-set=-sys_admin", "--inh-caps=-all", *command]


def python(source: str) -> list[str]:
    """This interpreter on `source`."""
    return [sys.executable, "-B", "-c", source]


def _is_within(path: str, folder: str) -> bool:
    """Whether `path` lies in `folder` and is not that folder."""
    return Path(folder) in Path(path).parents


def _closed_above(path: str) -> str | None:
    """The outermost folder above `path` that others may not enter."""
    for folder in reversed(Path(path).parents):
        if not folder.stat().st_mode & 0o001:
            return str(folder)
    return None
