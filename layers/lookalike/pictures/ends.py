"""Whether a file is a picture that has its end, told from its bytes alone: nothing is decoded."""

from collections.abc import Callable

_PADDING = b"\0\r\n "

_ENDS: tuple[tuple[bytes, Callable[[bytes], bool]], ...] = (
    (b"\xff\xd8\xff", lambda content: content.rstrip(_PADDING).endswith(b"\xff\xd9")),
    (b"\x89PNG\r\n\x1a\n", lambda content: content.rstrip(_PADDING).endswith(b"IEND\xaeB`\x82")),
    (b"GIF8", lambda content: content.rstrip(_PADDING).endswith(b";")),
    (b"RIFF", lambda content: int.from_bytes(content[4:8], "little") + 8 <= len(content)),
    (b"BM", lambda content: int.from_bytes(content[2:6], "little") <= len(content)),
)
"""How a format's files begin, and how they end."""


def is_whole(content: bytes) -> bool:
    """Whether these bytes begin and end as a picture does; False where that cannot be told."""
    if content[4:8] == b"ftyp":
        return _has_whole_boxes(content)
    return any(content.startswith(beginning) and has_end(content) for beginning, has_end in _ENDS)


def _has_whole_boxes(content: bytes) -> bool:
    """Whether a file of AVIF or HEIC consists of whole boxes (ISO 14496-12, 4.2)."""
    at = 0
    while at + 8 <= len(content):
        size = int.from_bytes(content[at : at + 4])
        at += size or len(content) - at
        if 0 < size < 8:
            return False
    return at == len(content)
