"""Files that are made to be expensive to read, each small enough to be made in a second."""

from __future__ import annotations

import io
import json
import os
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

MIB = 1 << 20
CELL = {"cell_type": "code", "metadata": {}, "source": "x = 1", "outputs": []}


def notebook(path: Path, text: str | bytes) -> Path:
    """Write a notebook of this text."""
    path = path / "lab03.ipynb"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def of_cells(cells: str) -> str:
    """A notebook around the JSON of its cells."""
    return f'{{"nbformat": 4, "nbformat_minor": 5, "metadata": {{}}, "cells": [{cells}]}}'


def archive(entries: dict[str, bytes]) -> bytes:
    """A zip of these entries, deflated."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in entries.items():
            packed.writestr(name, content)
    return stream.getvalue()


def saved(folder: Path, packed: bytes) -> Path:
    """The archive as a student hands it in."""
    path = folder / "work.zip"
    path.write_bytes(packed)
    return path


def zip_bomb(folder: Path) -> Path:
    """One entry of 2 GiB of zeros, in 2 MB."""
    path = folder / "work.zip"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed,
        packed.open("lab03.ipynb", "w", force_zip64=True) as entry,
    ):
        for _ in range(2048):
            entry.write(bytes(MIB))
    return path


def overlapping(folder: Path) -> Path:
    """Two thousand entries in the directory, all of one 10 MiB kernel (Fifield, 2019)."""
    packed = bytearray(archive({"a00000.py": bytes(10 * MIB)}))
    start = packed.rindex(b"PK\x01\x02")
    end = packed.rindex(b"PK\x05\x06")
    entry, tail = bytes(packed[start:end]), bytes(packed[end:])
    entries = b"".join(
        entry.replace(b"a00000.py", f"a{number:05}.py".encode()) for number in range(2_000)
    )
    counts = struct.pack("<HHLL", 2_000, 2_000, len(entries), start)
    return saved(folder, bytes(packed[:start]) + entries + tail[:8] + counts + tail[20:])


def lying(declared: int) -> Callable[[Path], Path]:
    """An entry of 150 MiB that declares another size."""

    def make(folder: Path) -> Path:
        packed = bytearray(archive({"lab03.ipynb": bytes(150 * MIB)}))
        struct.pack_into("<L", packed, packed.rindex(b"PK\x01\x02") + 24, declared)
        struct.pack_into("<L", packed, 22, declared)
        return saved(folder, bytes(packed))

    return make


def nested(folder: Path) -> Path:
    """Archives in archives, as 42.zip has them: six levels of sixteen."""
    inner = archive({"lab03.ipynb": bytes(50 * MIB)})
    for _ in range(5):
        inner = archive({f"{number}.zip": inner for number in range(16)})
    return saved(folder, inner)


def encrypted(folder: Path) -> Path:
    """An entry that says it has a password."""
    packed = bytearray(archive({"lab03.ipynb": b"{}"}))
    packed[packed.rindex(b"PK\x01\x02") + 8] |= 1
    packed[6] |= 1
    return saved(folder, bytes(packed))


def many_members(folder: Path) -> Path:
    """A hundred thousand empty entries."""
    return saved(folder, archive({f"{number}.py": b"" for number in range(100_000)}))


def many_signatures(folder: Path) -> Path:
    """Nearly as many entries as are looked at, none of which is work."""
    return saved(folder, archive({f".{number}/a": b"" for number in range(19_990)}))


def long_names(folder: Path) -> Path:
    """Entries with names of 64 KiB."""
    return saved(folder, archive({f"{n:05}" + "x" * 65_000: b"" for n in range(500)}))


def ordinary_bomb(folder: Path) -> Path:
    """Files of 199 MiB in all that deflate to nothing, with no notebook among them."""
    return saved(folder, archive({f"{n}.bin": bytes(MIB) for n in range(199)}))


def large_work(folder: Path) -> Path:
    """One notebook of 150 MiB of zeros, which is what it says."""
    return saved(folder, archive({"lab03.ipynb": bytes(150 * MIB)}))


def escapes(folder: Path) -> Path:
    """A text of quotes that are escaped, after many keys; it does not end."""
    keys = ",".join(f'"{number:x}":0' for number in range(300_000))
    return notebook(folder, f'{{{keys},"a":"' + '\\"' * 7_000_000)


def deep(folder: Path) -> Path:
    """JSON of half a million brackets within brackets."""
    return notebook(folder, of_cells("[" * 500_000 + "]" * 500_000))


def many_brackets(folder: Path) -> Path:
    """As many empty objects as are parsed, and a few more."""
    return notebook(folder, of_cells(",".join(["{}"] * 1_000_001)))


def just_enough_brackets(folder: Path) -> Path:
    """As many empty objects as are parsed."""
    return notebook(folder, of_cells(",".join(["{}"] * 999_990)))


def many_cells(folder: Path) -> Path:
    """A hundred thousand cells."""
    return notebook(folder, of_cells(",".join([json.dumps(CELL)] * 100_000)))


def many_keys(folder: Path) -> Path:
    """An object of two million keys, and no brackets."""
    keys = ",".join(f'"{number:x}":0' for number in range(1_500_000))
    return notebook(folder, f'{{"nbformat":4,"cells":{{{keys}}}}}')


def many_numbers(folder: Path) -> Path:
    """A list of seven million numbers."""
    return notebook(folder, of_cells(",".join(["0.5"] * 5_000_000)))


def huge_number(folder: Path) -> Path:
    """A whole number of 19 million digits."""
    return notebook(folder, of_cells("9" * (19 * MIB)))


def picture(size: int) -> Callable[[Path], Path]:
    """An output with a picture of so many MiB, base64."""

    def make(folder: Path) -> Path:
        output = {"output_type": "display_data", "data": {"image/png": "@"}, "metadata": {}}
        text = of_cells(json.dumps({**CELL, "outputs": [output]}))
        head, tail = text.encode().split(b"@")
        path = folder / "lab03.ipynb"
        with path.open("wb") as file:
            file.write(head)
            for _ in range(size):
                file.write(b"A" * MIB)
            file.write(tail)
        return path

    return make


def wide_text(folder: Path) -> Path:
    """19 MiB of which one sign makes each take four bytes in memory, and no end."""
    return notebook(folder, (of_cells("")[:-2] + '"😀' + "x" * (19 * MIB)).encode())


def utf16(folder: Path) -> Path:
    """19 MiB of UTF-16 that break off."""
    return notebook(folder, (of_cells("")[:-2] + "[" * 9 * MIB).encode("utf-16"))


def old_format(folder: Path) -> Path:
    """A notebook of format 3 with worksheets without end."""
    sheet = '{"cells":[' + ",".join(['{"cell_type":"code","input":"x"}'] * 200_000) + "]}"
    return notebook(folder, f'{{"nbformat":3,"nbformat_minor":0,"worksheets":[{sheet}]}}')


def quotes(folder: Path) -> Path:
    """A module of quotes that open and never close."""
    path = folder / "lab03.py"
    path.write_text("'\\" * 9_000_000)
    return path


def cell_marks(folder: Path) -> Path:
    """A module of three million cells."""
    path = folder / "lab03.py"
    path.write_text("# %%\nx\n" * 2_500_000)
    return path


def sparse(folder: Path) -> Path:
    """A file of 1 TiB of holes."""
    path = folder / "lab03.ipynb"
    path.touch()
    os.truncate(path, 1 << 40)
    return path


def many_files(folder: Path) -> Path:
    """A folder of thirty thousand files."""
    for number in range(30_000):
        (folder / f"{number}.py").touch()
    return folder


FILES: dict[str, Callable[[Path], Path]] = {
    "a zip of one entry of 2 GiB": zip_bomb,
    "a zip of 2,000 entries that overlap": overlapping,
    "a zip entry that says it is small": lying(1_000),
    "a zip entry that says it is 4 GiB": lying(0xFFFF_FFF0),
    "a zip of zips of zips": nested,
    "a zip with a password": encrypted,
    "a zip of 100,000 entries": many_members,
    "a zip of 19,990 hidden entries": many_signatures,
    "a zip of long names": long_names,
    "a zip of 199 MiB without work": ordinary_bomb,
    "a zip of a notebook of 150 MiB": large_work,
    "a notebook of 500,000 brackets, nested": deep,
    "a notebook of 1,000,001 objects": many_brackets,
    "a notebook of 999,990 objects": just_enough_brackets,
    "a notebook of 100,000 cells": many_cells,
    "a notebook of 1,500,000 keys": many_keys,
    "a notebook of escapes, cut off": escapes,
    "a notebook of 5,000,000 numbers": many_numbers,
    "a notebook of one number of 19 MiB": huge_number,
    "a notebook with a picture of 500 MiB": picture(500),
    "a notebook with a picture of 19 MiB": picture(19),
    "a notebook of wide signs, cut off": wide_text,
    "a notebook in UTF-16, cut off": utf16,
    "a notebook of format 3, 200,000 cells": old_format,
    "a module of quotes": quotes,
    "a module of 2,500,000 cells": cell_marks,
    "a notebook of 1 TiB of holes": sparse,
    "a folder of 30,000 files": many_files,
}
"""What makes each file in a folder of its own; gives what is to be read."""
