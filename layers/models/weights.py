"""Where published weights are had, and whether they are the right ones."""

import os
from collections.abc import Callable
from hashlib import file_digest
from importlib.util import find_spec
from pathlib import Path

import requests

from layers.models.networks import Download, PackagedFile

CONNECT_TIMEOUT_S = 3.0
READ_TIMEOUT_S = 30.0
_CHUNK_BYTES = 1 << 20


class WeightsUnavailable(Exception):
    """The weights cannot be had, or are not the ones that were pinned; the message says which and why."""


def cache_folder() -> Path:
    """Where downloads are kept: ``$LOOKALIKE_CACHE``, or ``~/.cache/lookalike``."""
    return Path(os.environ.get("LOOKALIKE_CACHE") or Path.home() / ".cache" / "lookalike")


def locate(weights: Download | PackagedFile, say: Callable[[str], None]) -> Path:
    """The file of weights, checked; one that is downloaded is kept in `cache_folder`.

    Raises:
        WeightsUnavailable: the package is not installed, the address cannot be reached, or the checksum differs.
    """
    if isinstance(weights, PackagedFile):
        return _packaged(weights)
    path = cache_folder() / "weights" / weights.url.rpartition("/")[2]
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{path.name}.{os.getpid()}.part")
        try:
            _download(weights, part, say)
            check(part, weights)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    check(path, weights)
    return path


def check(path: Path, weights: Download | PackagedFile) -> None:
    """Compares size and checksums with what is pinned.

    Raises:
        WeightsUnavailable: naming both.
    """
    size = path.stat().st_size
    if size != weights.size_bytes:
        raise WeightsUnavailable(f"{path.name} has {size:,} bytes, expected are {weights.size_bytes:,}")
    pinned = {"sha256": weights.sha256, **({"md5": weights.md5} if isinstance(weights, Download) else {})}
    for algorithm, expected in pinned.items():
        actual = checksum(path, algorithm)
        if not actual.startswith(expected):
            raise WeightsUnavailable(f"{path.name} has the {algorithm} {actual}, expected is {expected}")


def checksum(path: Path, algorithm: str = "sha256") -> str:
    """The hexadecimal checksum of a file."""
    with path.open("rb") as file:
        return file_digest(file, algorithm).hexdigest()


def _packaged(weights: PackagedFile) -> Path:
    spec = find_spec(weights.package)
    if spec is None or spec.origin is None:
        raise WeightsUnavailable(f"the Python package {weights.package}, which holds the weights, is not installed")
    path = Path(spec.origin).parent / weights.path
    if not path.exists():
        raise WeightsUnavailable(f"the Python package {weights.package} has no {weights.path}")
    check(path, weights)
    return path


def _download(weights: Download, path: Path, say: Callable[[str], None]) -> None:
    try:
        with requests.get(weights.url, stream=True, timeout=(CONNECT_TIMEOUT_S, READ_TIMEOUT_S)) as response:
            response.raise_for_status()
            say(f"downloading {weights.size_bytes / 1e6:.0f} MB of weights from {weights.url}")
            _save(response, path, weights.size_bytes, say)
    except requests.RequestException as error:
        raise WeightsUnavailable(f"the weights at {weights.url} cannot be had: {_reason(error)}") from error


def _save(response: requests.Response, path: Path, size_bytes: int, say: Callable[[str], None]) -> None:
    received, tenths = 0, 0
    with path.open("wb") as file:
        for chunk in response.iter_content(_CHUNK_BYTES):
            received += file.write(chunk)
            if received > size_bytes:
                raise WeightsUnavailable(f"{response.url} sends more than the {size_bytes:,} bytes that are expected")
            if tenths < 10 * received // size_bytes:
                tenths = 10 * received // size_bytes
                say(f"downloaded {10 * tenths} %")


def _reason(error: requests.RequestException) -> str:
    if error.response is not None:
        return f"the server answers {error.response.status_code}"
    return "the connection timed out" if isinstance(error, requests.Timeout) else "the address cannot be reached"
