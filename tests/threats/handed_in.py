"""Threats 70 to 81: archives and notebooks that are not what they seem."""

from __future__ import annotations

import json
import stat
import struct
import warnings
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from tests.threats.case import FULL, HONEST, SCALE, TOTAL, Case
from tests.tiny_course import notebook

Write = Callable[[Path, str], Path]
Document = dict[str, Any]


def zipped(folder: Path, source: str, *, entries: tuple[Any, ...]) -> Path:
    """A zip of the program and these entries, names or descriptions with their contents."""
    path = folder / "work.zip"
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        warnings.simplefilter("ignore")
        archive.writestr("plain.py", source)
        for name, content in entries:
            archive.writestr(name, content)
    return path


def linked() -> zipfile.ZipInfo:
    """A symbolic link's description."""
    entry = zipfile.ZipInfo("link.py")
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    return entry


def altered(folder: Path, source: str, *, at: int, value: bytes, local: int) -> Path:
    """A zip of which a field of the first entry says something else, in both of its headers."""
    path = zipped(folder, source, entries=())
    packed = bytearray(path.read_bytes())
    central = packed.index(b"PK\x01\x02") + at
    packed[central : central + len(value)] = value
    packed[local : local + len(value)] = value
    path.write_bytes(packed)
    return path


def bomb(folder: Path, source: str) -> Path:
    """Seven times 32 MiB of zeros in some kilobytes."""
    return zipped(folder, source, entries=tuple((f"{n}.bin", bytes(32 << 20)) for n in range(7)))


def overlapping(folder: Path, source: str) -> Path:
    """Many entries of the directory that share one place of the file."""
    path = zipped(folder, source, entries=())
    packed = path.read_bytes()
    at = packed.index(b"PK\x01\x02")
    path.write_bytes(packed[:at] + packed[at:-22] * 100_000 + packed[-22:])
    return path


def nested(folder: Path, source: str) -> Path:
    """Archives within an archive, as in 42.zip, and no work."""
    inner = zipped(folder, source, entries=(("zeros.bin", bytes(32 << 20)),)).read_bytes()
    path = folder / "work.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(16):
            archive.writestr(f"lib {number}.zip", inner)
    return path


def content(folder: Path, source: str, *, data: bytes) -> Path:
    """A notebook's name with this in it."""
    path = folder / "work.ipynb"
    path.write_bytes(data)
    return path


def cut(folder: Path, source: str) -> Path:
    """A notebook that breaks off."""
    return content(folder, source, data=json.dumps(notebook(source)).encode()[:-20])


def encoded(folder: Path, source: str, *, codec: str) -> Path:
    """A notebook in another encoding."""
    text = json.dumps(notebook(f"größe = 'ñ'\n{source}"), ensure_ascii=False)
    return content(folder, source, data=text.encode(codec))


def document(make: Callable[[str], Document]) -> Write:
    """Writes the notebook that `make` makes of the program."""

    def write(folder: Path, source: str) -> Path:
        return content(folder, source, data=json.dumps(make(source)).encode())

    return write


def old(source: str, *, major: int) -> Document:
    """A notebook of format 2 or 3."""
    cell = {"cell_type": "code", "language": "python", "input": source, "outputs": []}
    return {
        "nbformat": major, "nbformat_minor": 0, "metadata": {"name": ""},
        "worksheets": [{"cells": [cell]}],
    }  # fmt: skip


def of_cells(*cells: Document, **more: Any) -> Document:
    """A notebook of these cells."""
    return notebook(cells=list(cells), **more)


def code(source: str, **more: Any) -> Document:
    """A code cell."""
    return {"cell_type": "code", "metadata": {}, "source": source, "outputs": [], **more}


def edited(source: str) -> Document:
    """The instructor's test cells: one edited, one deleted, one made into text."""
    locked = {"nbgrader": {"grade": True, "locked": True, "points": 10, "grade_id": "t"}}
    return of_cells(
        code(source),
        code("assert True  # was: assert scale(255) == 1", metadata=locked),
        {"cell_type": "markdown", "metadata": locked, "source": "assert total([1]) == 1"},
    )


def stale(source: str) -> Document:
    """Code that is wrong, under outputs that say that it is right."""
    text = "3 passed, score 10 of 10: scale(255) = 1.0"
    output = {"output_type": "stream", "name": "stdout", "text": text}
    shown = {"output_type": "display_data", "metadata": {}, "data": {"text/plain": text}}
    return of_cells(code(source, execution_count=1, outputs=[output, shown]))


def hostile_kernel(source: str) -> Document:
    """A notebook that names a program of its own as its kernel."""
    spec = {"name": "bash", "display_name": "Bash", "argv": ["rm", "-rf", "/"], "language": "bash"}
    return notebook(source, metadata={"kernelspec": spec, "language_info": {"name": "python"}})


REFUSED_ZIPS: dict[str, Write] = {
    "70 a path of ..": partial(zipped, entries=(("../evil.py", "x = 1"),)),
    "70 an absolute path": partial(zipped, entries=(("/etc/evil.py", "x = 1"),)),
    "70 a path with a drive": partial(zipped, entries=(("C:\\evil.py", "x = 1"),)),
    "70 a symbolic link": partial(zipped, entries=((linked(), "/etc/passwd"),)),
    "70 a name twice": partial(zipped, entries=(("plain.py", "x = 1"),)),
    "70 a name that differs in case alone": partial(zipped, entries=(("PLAIN.py", "x = 1"),)),
    "71 a bomb": bomb,
    "71 entries that overlap": overlapping,
    "71 archives in an archive": nested,
    "71 a size that lies, small": partial(altered, at=24, value=struct.pack("<I", 4), local=22),
    "71 a size that lies, large": partial(altered, at=24, value=b"\xfe\xff\xff\xff", local=22),
    "71 encryption": partial(altered, at=8, value=b"\1\0", local=6),
}
REFUSED_NOTEBOOKS: dict[str, tuple[Write, str]] = {
    "72 a notebook that is empty": (partial(content, data=b""), "empty"),
    "72 a notebook that breaks off": (cut, "breaks off"),
    "72 a web page called a notebook": (
        partial(content, data=b"<!DOCTYPE html><script>alert(1)</script>"), "web page",
    ),
    "72 a notebook of NUL bytes": (partial(content, data=bytes(1000)), "NUL"),
    "74 a notebook of format 5": (
        document(lambda source: notebook(source, nbformat=5)), "format 5",
    ),
    "78 a hundred thousand cells": (
        document(lambda _source: notebook(*["x"] * 100_000)), "too intricate",
    ),
    "78 JSON that is 50,000 deep": (
        partial(content, data=b"[" * 50_000 + b"]" * 50_000), "nested too deeply",
    ),
    "78 a notebook of brackets alone": (
        partial(content, data=b"[" + b"[]," * 2_000_000 + b"[]]"), "too intricate",
    ),
}  # fmt: skip
READ: dict[str, Write] = {
    "73 UTF-8 with a mark": partial(encoded, codec="utf-8-sig"),
    "73 UTF-16": partial(encoded, codec="utf-16"),
    "73 UTF-16 without a mark": partial(encoded, codec="utf-16-le"),
    "73 Latin-1": partial(encoded, codec="latin-1"),
    "74 format 2": document(partial(old, major=2)),
    "74 format 3": document(partial(old, major=3)),
    "74 format 4.99": document(lambda source: notebook(source, nbformat_minor=99)),
    "77 a kernel called bash with a hostile command": document(hostile_kernel),
}


def titled(words: str) -> tuple[int, str]:
    """The number and the threat."""
    return int(words[:2]), words[3:]


CASES = (
    *(
        Case(*titled(words), "REJECT", program=HONEST, hand_in=write)
        for words, write in REFUSED_ZIPS.items()
    ),
    *(
        Case(*titled(words), "REJECT", program=HONEST, hand_in=write, reason=said)
        for words, (write, said) in REFUSED_NOTEBOOKS.items()
    ),
    *(
        Case(*titled(words), "CONTAINED", program=HONEST, hand_in=write, earns=FULL)
        for words, write in READ.items()
    ),
    Case(
        75,
        "cell ids that are double or missing",
        "CONTAINED",
        earns=FULL,
        turns=2,
        hand_in=document(
            lambda _source: of_cells(
                code("print('in order 1')", id="same"),
                code(SCALE, id="same"),
                code(TOTAL),
                code("print('in order 2')", id=""),
            )
        ),
        says=("in order 1\nin order 2",),
    ),
    Case(
        76,
        "test cells deleted, edited and made into text",
        "FAIL",
        earns=0,
        program="def scale(x): return x\ndef total(x): return 0\n",
        hand_in=document(edited),
        outcomes={"scales": "failed", "totals": "failed"},
    ),
    Case(
        76,
        "the work itself made into text",
        "FAIL",
        earns=3,
        hand_in=document(
            lambda _source: of_cells(
                {"cell_type": "markdown", "metadata": {}, "source": SCALE},
                {"cell_type": "raw", "metadata": {}, "source": SCALE},
                code(TOTAL),
            )
        ),
        outcomes={"scales": "failed"},
    ),
    Case(
        79,
        "!rm -rf ~, %%bash, do_shutdown and input()",
        "CONTAINED",
        earns=FULL,
        hand_in=document(
            lambda _source: notebook(
                "!rm -rf ~ / 2>&1 | tail -1\n!ls -d /usr",
                "%%bash\nrm -rf ~/* /etc /data /usr/bin 2>/dev/null; ls -d /usr/bin",
                "get_ipython().kernel.do_shutdown(True)",
                "import IPython\nIPython.get_ipython().ask_exit()\nexit()\nquit()",
                "input('name')",
                "%reset -f\n%run /etc/passwd",
                "!kill -9 1; kill -STOP 1; echo killed",
                HONEST,
            )
        ),
        says=("/usr\n", "/usr/bin"),
    ),
    Case(
        80,
        "stored outputs that were faked",
        "FAIL",
        earns=0,
        program="def scale(x): return x\ndef total(x): return 0\n",
        hand_in=document(stale),
    ),
    Case(
        81,
        "a syntax error in one cell",
        "FAIL",
        earns=7,
        outcomes={"totals": "failed"},
        hand_in=document(lambda _source: notebook(SCALE, "def total(x)\n    return", "scale(1)")),
    ),
)
