"""The body of an answer: as much as comes, decoded whatever encoding it has, though none was asked for."""

import sys
import zlib
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TypeAlias, cast

import brotli
import requests
from urllib3.exceptions import HTTPError as TransferError
from urllib3.response import HTTPResponse

from lookalike.errors import DownloadFailed, PictureUnusable
from lookalike.pictures.decoding import MAX_BYTES
from lookalike.pictures.ends import is_whole

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_CHUNK_BYTES = 1 << 16

MAX_ENCODINGS = 3
"""Of one answer: each can take the time that `MAX_BYTES` take, and costs its sender some bytes."""

_Decoded: TypeAlias = tuple[bytes, bool]
"""Bytes, `MAX_BYTES` and hardly more at most, and whether the encoding's end was among them."""


def read(response: requests.Response) -> bytes:
    """The bytes of the picture. A whole one is taken though the server announced more, or another encoding.

    Raises:
        PictureUnusable: there are more than `lookalike.pictures.decoding.MAX_BYTES`, or more encodings than `MAX_ENCODINGS`.
        DownloadFailed: the picture was cut short, or cannot be decoded as the server says.
        urllib3.exceptions.HTTPError, OSError: the connection broke before its end.
    """
    received, fault = _received(cast(HTTPResponse, response.raw))
    content, has_end = received, True
    encodings = response.headers.get("Content-Encoding", "").lower().split(",")
    if len(encodings) > MAX_ENCODINGS:
        raise PictureUnusable(f"the picture is encoded more than {MAX_ENCODINGS} times over")
    for name in reversed(encodings):
        content, is_end = _decoded(content, name.strip())
        has_end = has_end and is_end
    if len(content) > MAX_BYTES:
        raise too_large()
    if (fault or not has_end) and not is_whole(content):
        raise fault or DownloadFailed("the picture was cut short on its way")
    return content


def too_large() -> PictureUnusable:
    """The error of a picture above the limit."""
    return PictureUnusable(f"the picture is too large: more than {MAX_BYTES:,} bytes")


def _received(raw: HTTPResponse) -> tuple[bytes, Exception | None]:
    """What came before the end, or before the fault."""
    chunks: list[bytes] = []
    size = 0
    try:
        while chunk := raw.read1(_CHUNK_BYTES, decode_content=False):
            chunks.append(chunk)
            size += len(chunk)
            if size > MAX_BYTES:
                raise too_large()
    except (TransferError, OSError) as fault:
        return b"".join(chunks), fault
    return b"".join(chunks), None


def _decoded(content: bytes, encoding: str) -> _Decoded:
    decode = _DECODERS.get(encoding)
    if decode is None or not content:
        return content, True
    try:
        return decode(content)
    except (zlib.error, brotli.error, zstd.ZstdError) as error:
        if is_whole(content):  # labelled as what it is not
            return content, True
        with suppress(zlib.error):  # browsers ignore gzip's check sum
            if is_whole(inflated := _GZIP(content[:-8])[0]):
                return inflated, True
        raise DownloadFailed(f"the picture's server sent what is not {encoding}, as it says") from error


def _inflated(content: bytes, window: int) -> _Decoded:
    decoder = zlib.decompressobj(window)
    return decoder.decompress(content, MAX_BYTES + 1), decoder.eof


def _deflate(content: bytes) -> _Decoded:
    """With zlib's header, or as some servers send it without."""
    try:
        return _inflated(content, zlib.MAX_WBITS)
    except zlib.error:
        return _inflated(content, -zlib.MAX_WBITS)


def _brotli(content: bytes) -> _Decoded:
    decoder = brotli.Decompressor()
    return decoder.process(content, output_buffer_limit=MAX_BYTES + 1), decoder.is_finished()


def _zstd(content: bytes) -> _Decoded:
    decoder = zstd.ZstdDecompressor()
    return decoder.decompress(content, MAX_BYTES + 1), decoder.eof


_GZIP = partial(_inflated, window=zlib.MAX_WBITS | 16)
_DECODERS: dict[str, Callable[[bytes], _Decoded]] = {"gzip": _GZIP, "x-gzip": _GZIP, "deflate": _deflate, "br": _brotli, "zstd": _zstd}
