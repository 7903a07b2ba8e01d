"""Weights are the pinned ones, or the message says what is wrong."""

from collections.abc import Iterator
from dataclasses import replace
from hashlib import md5, sha256
from pathlib import Path
from typing import Any

import pytest
import requests

from layers.models import weights
from layers.models.networks import Download, PackagedFile
from layers.models.weights import WeightsUnavailable, check, locate

CONTENT = b"weights" * 1000
DOWNLOAD = Download(
    url="https://weights.example/network.h5",
    size_bytes=len(CONTENT),
    sha256=sha256(CONTENT).hexdigest()[:8],
    md5=md5(CONTENT).hexdigest(),
)
PACKAGED = PackagedFile("lookalike_test_weights", "models/network.pth", len(CONTENT), sha256(CONTENT).hexdigest())


class _Response:
    """An answer of the publisher's server."""

    url = DOWNLOAD.url

    def __init__(self, chunks: tuple[bytes, ...], status: int = 200, breaks: requests.RequestException | None = None) -> None:
        self.status_code = status
        self._chunks = chunks
        self._breaks = breaks

    def __enter__(self) -> "_Response":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def raise_for_status(self) -> None:
        if self.status_code >= 400:
            answer = requests.Response()
            answer.status_code = self.status_code
            raise requests.HTTPError(response=answer)

    def iter_content(self, _: int) -> Iterator[bytes]:
        yield from self._chunks
        if self._breaks:
            raise self._breaks


class Publisher:
    """What `requests.get` answers, and how often it was asked."""

    def __init__(self) -> None:
        self.answer: _Response | requests.RequestException = _Response((CONTENT[:3000], CONTENT[3000:]))
        self.asked = 0

    def get(self, url: str, **_: Any) -> _Response:
        assert url == DOWNLOAD.url
        self.asked += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def publisher(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Publisher:
    made = Publisher()
    monkeypatch.setattr(requests, "get", made.get)
    monkeypatch.setenv("LOOKALIKE_CACHE", str(tmp_path / "cache"))
    return made


def _kept() -> list[str]:
    return [path.name for path in (weights.cache_folder() / "weights").iterdir()]


def test_a_download_is_checked_kept_and_not_repeated(publisher: Publisher) -> None:
    said: list[str] = []

    path = locate(DOWNLOAD, said.append)

    assert path.read_bytes() == CONTENT
    assert (said[0].startswith("downloading"), said[-1]) == (True, "downloaded 100 %")
    assert locate(DOWNLOAD, said.append) == path
    assert (publisher.asked, _kept()) == (1, ["network.h5"])


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (requests.ConnectionError("no route"), "https://weights.example/network.h5 cannot be had: the address cannot be reached"),
        (requests.ConnectTimeout(), "the connection timed out"),
        (_Response((), status=403), "the server answers 403"),
        (_Response((CONTENT[:3000],), breaks=requests.ReadTimeout()), "the connection timed out"),
        (_Response((CONTENT[:3000],)), r"has 3,000 bytes, expected are 7,000"),
        (_Response((CONTENT, b"more")), r"sends more than the 7,000 bytes"),
        (_Response((CONTENT[::-1],)), f"has the sha256 [0-9a-f]{{64}}, expected is {DOWNLOAD.sha256}"),
    ],
)
def test_an_incomplete_download_is_refused_and_leaves_nothing_behind(
    answer: _Response | requests.RequestException, message: str, publisher: Publisher
) -> None:
    publisher.answer = answer

    with pytest.raises(WeightsUnavailable, match=message):
        locate(DOWNLOAD, lambda _: None)
    assert _kept() == []


def test_a_kept_file_that_was_changed_is_refused(publisher: Publisher) -> None:
    path = locate(DOWNLOAD, lambda _: None)
    path.write_bytes(CONTENT[::-1])

    with pytest.raises(WeightsUnavailable, match=r"network\.h5 has the sha256"):
        locate(DOWNLOAD, lambda _: None)


def test_where_only_the_beginning_of_the_sha256_is_known_the_md5_counts_too(tmp_path: Path) -> None:
    path = tmp_path / "network.h5"
    path.write_bytes(CONTENT)
    check(path, DOWNLOAD)

    with pytest.raises(WeightsUnavailable, match="has the md5"):
        check(path, replace(DOWNLOAD, md5="0" * 32))


@pytest.fixture
def package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A Python package that would fail if it were imported."""
    folder = tmp_path / PACKAGED.package
    (folder / "models").mkdir(parents=True)
    (folder / "__init__.py").write_text("import torch_is_not_there")
    monkeypatch.syspath_prepend(tmp_path)
    return folder


def test_packaged_weights_are_found_without_importing_the_package(package: Path) -> None:
    path = package / PACKAGED.path
    path.write_bytes(CONTENT)

    assert locate(PACKAGED, lambda _: None) == path


def test_packaged_weights_are_checked(package: Path) -> None:
    (package / PACKAGED.path).write_bytes(CONTENT[::-1])

    with pytest.raises(WeightsUnavailable, match="has the sha256"):
        locate(PACKAGED, lambda _: None)


def test_a_package_without_its_file_is_refused(package: Path) -> None:
    with pytest.raises(WeightsUnavailable, match=r"lookalike_test_weights has no models/network\.pth"):
        locate(PACKAGED, lambda _: None)


def test_a_package_that_is_not_installed_is_refused() -> None:
    with pytest.raises(WeightsUnavailable, match="the Python package lookalike_test_weights, which holds the weights, is not installed"):
        locate(PACKAGED, lambda _: None)
