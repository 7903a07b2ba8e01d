"""Boxes of AVIF files (ISO/IEC 14496-12)."""

from collections.abc import Iterator
from io import BytesIO
from itertools import islice

MAX_NUMBERED = 4096
"""Properties and items of a file that are looked at; usual are some dozens."""


def primary_properties(content: bytes) -> bytes | None:
    """The properties of the primary item, each with its kind before it; None if the file does not say which they are."""
    meta = _content(content, b"meta")[4:]
    primary, properties = _content(meta, b"pitm")[4:], _content(meta, b"iprp")
    known = [kind + data for kind, data in islice(_boxes(_content(properties, b"ipco")), MAX_NUMBERED)]
    uses = BytesIO(_content(properties, b"ipma"))

    def number(size: int) -> int:
        return int.from_bytes(uses.read(size), "big")

    is_wide, is_long, items = number(1) > 0, number(3) & 1, number(4)
    for _ in range(min(items, MAX_NUMBERED)):
        item = number(4 if is_wide else 2)
        numbers = [number(2) & 0x7FFF if is_long else number(1) & 0x7F for _ in range(number(1))]
        if item == int.from_bytes(primary, "big"):
            return b"".join(known[each - 1] for each in numbers if 0 < each <= len(known))
    return None


def _content(boxes: bytes, kind: bytes) -> bytes:
    return next((content for found, content in islice(_boxes(boxes), MAX_NUMBERED) if found == kind), b"")


def _boxes(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Kind and content of each box; the last one may be cut."""
    at = 0
    while at + 8 <= len(content):
        size, start = int.from_bytes(content[at : at + 4], "big"), at + 8
        if size == 1:
            size, start = int.from_bytes(content[start : start + 8], "big"), at + 16
        end = at + size if size else len(content)
        yield content[at + 4 : at + 8], content[start:end]
        at = max(end, start)
