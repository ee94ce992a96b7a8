"""Makes text of unknown origin safe to show: in a terminal, in a page, in XML.

Escaping is the business of each format; here goes what no format should carry: terminal control
sequences, characters that reorder or hide what stands around them, and code points that XML and
UTF-8 have no place for.
"""

from __future__ import annotations

import re

LONG = 4_000
"""Characters kept of a long text (a message, a trace)."""
SHORT = 300
"""Characters kept of a one-line text (a name, a title)."""

_SEQUENCES = re.compile(
    r"(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)?"  # OSC, DCS, …
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"  # CSI
    r"|\x1b[ -/]*[0-~]?"  # other escapes
)
_LINE_ENDS = re.compile(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_UNWANTED = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x9f"  # controls other than tab and newline
    "\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ufdd0-\ufdef\ufffe\uffff\U000e0000-\U000e0fff]"
)
_SURROGATES = re.compile("[\ud800-\udfff]")
_MARK = "[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff]"
_PILES = re.compile(f"({_MARK}{{4}}){_MARK}+")


def clean(text: object, limit: int = LONG) -> str:
    """`text` without control characters, at most `limit` characters; newline and tab stay.

    A carriage return becomes a newline, so that nothing can overwrite what stands before it.
    """
    raw = str(text)
    kept = raw[: 4 * limit]
    kept = _SEQUENCES.sub("", kept)
    kept = _LINE_ENDS.sub("\n", kept)
    kept = _UNWANTED.sub("", kept)
    kept = _SURROGATES.sub("\N{REPLACEMENT CHARACTER}", kept)
    kept = _PILES.sub(r"\1", kept)
    if len(kept) > limit or len(raw) > 4 * limit:
        kept = kept[: limit - 1].rstrip() + "…"
    return kept


def line(text: object, limit: int = SHORT) -> str:
    """`text` cleaned and on one line, with runs of white space made one space."""
    return clean(" ".join(clean(text, 4 * limit).split()), limit)


def encodable(text: str, encoding: str) -> str:
    """`text` with what `encoding` cannot hold made `?`."""
    return text.encode(encoding, "replace").decode(encoding)
