"""Every ending of the interface that a caller can meet, through HTTP: its status, its code, and what it tells the caller to change.

What remains is proven elsewhere: our own faults in `test_misconfigured`, Elasticsearch away in `test_products`, the gateway's 504 in
`tests/integration/test_local_gateway.py`, its 429 in `tests/unit/template/test_api.py`.
"""

import re
import socket
import time
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from io import BytesIO
from typing import Any, cast

import pytest
import requests
from aws_lambda_powertools.utilities.typing import LambdaContext
from lookalike.adapters.http.fetcher import HttpFetcher
from lookalike.health import HealthCheck
from lookalike.search.browse import Browse, BrowsedIndex
from lookalike.search.ports import SearchTarget
from lookalike.search.search import Search
from PIL import Image

from functions.search import app
from infra.demo.catalogue import CatalogueItem
from infra.demo.image_server import ImageServer
from infra.local.gateway import Gateway
from infra.local.runtime import Context
from tests.e2e.shop_client import ShopClient
from tests.fakes import MODEL, FakeEmbedder, FakeIndex

CROP = {"left": 0.2, "top": 0.2, "right": 0.8, "bottom": 0.8}
KNOWN = {"product_id": "err-1"}


@pytest.fixture(scope="module")
def url(shop: ShopClient, items: list[CatalogueItem], eventually: Callable[[Callable[[], bool]], None]) -> str:
    """The endpoint; the product ``err-1`` is indexed, with a text as ``kind``."""
    shop.put("images/err-1.jpg", items[160].path.read_bytes(), {"kind": "chair"})
    eventually(lambda: bool(shop.documents("err-1")))
    return shop.system.search_url


def _refused(answer: requests.Response) -> dict[str, Any]:
    """The error, which has the one shape and the request's id."""
    assert set(answer.json()) == {"error"}
    error: dict[str, Any] = answer.json()["error"]
    assert {"code", "message", "request_id"} <= set(error) <= {"code", "message", "request_id", "field"}
    assert error["request_id"] == answer.headers["x-amzn-RequestId"]
    return error


def _icon() -> str:
    buffer = BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "ICO")
    return b64encode(buffer.getvalue()).decode()


WRONG: dict[str, tuple[Any, str, str]] = {
    "no JSON": ("{", "body", "not JSON"),
    "no picture": ({}, "image_url", "exactly one of image_url, image, product_id, image_id, text, images"),
    "two pictures": (KNOWN | {"image_id": "x"}, "image_id", "product_id and image_id: give exactly one"),
    "an unknown field": (KNOWN | {"sise": 3}, "sise", "there is no field 'sise'"),
    "a size too large": (KNOWN | {"size": 101}, "size", "less than or equal to 100"),
    "a size as text": (KNOWN | {"size": "3"}, "size", "integer"),
    "a score that is none": (KNOWN | {"min_score": 2}, "min_score", "less than or equal to 1"),
    "a unit that is none": (KNOWN | {"per": "shop"}, "per", "'product' or 'image'"),
    "a field of hits that is none": (KNOWN | {"fields": ["vector"]}, "fields", "attributes.NAME"),
    "too many conditions": (KNOWN | {"filter": {"kind": ["red"] * 1024}}, "filter", "more than 1024"),
    "an unknown bound": (KNOWN | {"filter": {"kind": {"above": 3}}}, "filter.kind", "gt, gte, lt, lte"),
    "an empty list of filters": (KNOWN | {"filter": {"any": []}}, "filter.any", "a list of filters"),
    "no base64": ({"image": "!"}, "image", "neither base64 nor a data: URL"),
    "no http": ({"image_url": "ftp://a/b.jpg"}, "image_url", "begins with http:// or https://"),
    "a crop of nothing": ({"image_url": "http://a/b", "crop": CROP | {"right": 0.1}}, "crop", "left < right"),
    "a crop of a product": (KNOWN | {"crop": CROP}, "crop", "goes with image_url or image"),
    "only what is not liked": ({"images": [KNOWN | {"weight": -1}]}, "images", "a weight above zero"),
    "what cancels itself": ({"images": [KNOWN, KNOWN | {"weight": -1}]}, "images", "more weight"),
    "copies of several": ({"images": [KNOWN], "near_duplicates": True}, "near_duplicates", "one picture or product"),
    "the same and yet different": (KNOWN | {"near_duplicates": True, "diversity": 1}, "diversity", "give one of them"),
    "a cursor that is none": ({"cursor": "x"}, "cursor", "search again from the first page"),
    "a cursor and a filter": ({"cursor": "x", "filter": {}}, "filter", "there is no field 'filter'"),
}


@pytest.mark.parametrize(("body", "field", "message"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_request_is_a_400_that_names_the_field_and_says_what_is_expected(url: str, body: Any, field: str, message: str) -> None:
    content = {"data": body} if isinstance(body, str) else {"json": body}
    answer = requests.post(f"{url}/search", headers={"Content-Type": "application/json"}, timeout=30, **content)

    error = _refused(answer)

    assert (answer.status_code, error["code"], error["field"]) == (400, "request_invalid", field)
    assert message in error["message"]


def test_a_body_of_another_type_is_a_400_that_names_those_that_are_taken(url: str) -> None:
    answer = requests.post(f"{url}/search", data=b"x", headers={"Content-Type": "image/jxl"}, timeout=30)

    assert (answer.status_code, _refused(answer)["field"]) == (400, "Content-Type")
    assert all(kind in _refused(answer)["message"] for kind in ("application/json", "multipart/form-data", "image/webp"))


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/search", {"product_id": "nobody"}, "product_id"),
        ("/search", {"image_id": "nobody's"}, "image_id"),
        ("/products/nobody", None, "product_id"),
        ("/products/nobody/similar", None, "product_id"),
        ("/nowhere", None, None),
    ],
)
def test_what_is_not_there_is_a_404_that_names_it(url: str, path: str, body: Any, field: str | None) -> None:
    answer = requests.post(f"{url}{path}", json=body, timeout=30) if body else requests.get(f"{url}{path}", timeout=30)

    assert (answer.status_code, _refused(answer)["code"], _refused(answer).get("field")) == (404, "not_found", field)
    assert re.search("nobody|/nowhere: see /docs", _refused(answer)["message"])


def test_another_method_is_a_405_that_names_those_that_are_taken(url: str) -> None:
    answer = requests.put(f"{url}/search", timeout=30)

    assert (answer.status_code, _refused(answer)["code"], answer.headers["Allow"]) == (405, "method_refused", "POST, GET, HEAD, OPTIONS")
    assert "use POST or GET" in _refused(answer)["message"]


def test_a_body_that_the_gateway_cannot_carry_is_a_413_that_offers_another_way(url: str) -> None:
    answer = requests.post(f"{url}/search", data=bytes(6_000_000), headers={"Content-Type": "image/jpeg"}, timeout=30)

    assert (answer.status_code, _refused(answer)["code"]) == (413, "body_too_large")
    assert all(part in _refused(answer)["message"] for part in ("4.4 MB", "image_url", "smaller picture"))


@pytest.mark.parametrize(
    ("name", "code", "message"),
    [
        ("text.jpg", "picture_unusable", "not a picture in a format that is accepted: JPEG, PNG, WEBP, AVIF, GIF, BMP, TIFF, HEIF"),
        ("half.jpg", "picture_unusable", "truncated: more than a tenth of it is missing"),
        ("empty.jpg", "picture_unusable", "zero bytes"),
        ("fault/huge", "picture_unusable", "more than 25,000,000 bytes"),
        ("missing.jpg", "picture_unreachable", "404"),
        ("fault/status/410", "picture_unreachable", "410"),
        ("fault/status/403", "picture_unreachable", "403"),
        ("fault/redirect?to=http://10.0.0.1/a.jpg", "picture_unreachable", "its address is private"),
    ],
)
def test_a_picture_that_cannot_be_had_or_used_is_a_422_that_says_why(
    url: str, images: ImageServer, name: str, code: str, message: str
) -> None:
    answer = requests.get(f"{url}/search", params={"image_url": images.url("") + name}, timeout=30)

    assert (answer.status_code, _refused(answer)["code"]) == (422, code)
    assert message in _refused(answer)["message"]


def test_a_picture_of_another_format_is_a_422_that_names_those_that_are_accepted(url: str) -> None:
    answer = requests.post(f"{url}/search", json={"image": _icon()}, timeout=30)

    assert (answer.status_code, _refused(answer)["code"]) == (422, "picture_unusable")
    assert "JPEG, PNG, WEBP" in _refused(answer)["message"]


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_a_picture_s_server_that_is_busy_is_a_503_that_says_when_to_try_again(url: str, images: ImageServer, status: int) -> None:
    answer = requests.get(f"{url}/search", params={"image_url": images.url(f"fault/status/{status}")}, timeout=30)

    assert (answer.status_code, _refused(answer)["code"]) == (503, "download_failed")
    assert str(status) in _refused(answer)["message"]
    assert int(answer.headers["Retry-After"]) > 0


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The search function in this process, so that names can be made to lead nowhere."""
    monkeypatch.setattr(app.metrics, "namespace", "lookalike")
    search = Search(lambda: SearchTarget(FakeIndex(), FakeEmbedder()), HttpFetcher(), lambda address: address)
    browse = Browse(lambda: BrowsedIndex(FakeIndex(), "lookalike-fake-1", MODEL.id), lambda address: address)
    handler = app.create(search, browse, HealthCheck(lambda: "", lambda: ("", ""), lambda: None, list), "*")

    def invoke(name: str, event: Mapping[str, Any]) -> Any:
        return handler(dict(event), cast(LambdaContext, Context("id", time.time() + 29, name, "1769", "arn")))

    with Gateway(invoke, "search") as gateway:
        yield gateway.url


@pytest.mark.parametrize(
    ("failure", "status", "code", "message"),
    [
        (socket.EAI_NONAME, 422, "picture_unreachable", "no public host of this name"),
        (socket.EAI_AGAIN, 503, "download_failed", "cannot be resolved now"),
    ],
)
def test_a_name_that_leads_nowhere_is_the_caller_s_to_mend_and_a_name_server_s_trouble_passes(
    here: str, monkeypatch: pytest.MonkeyPatch, failure: int, status: int, code: str, message: str
) -> None:
    real = socket.getaddrinfo

    def getaddrinfo(host: str, *args: Any, **kwargs: Any) -> Any:
        if host == "shop.example":
            raise socket.gaierror(failure, "it failed")
        return real(host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)

    answer = requests.get(f"{here}/search", params={"image_url": "http://shop.example/a.jpg"}, timeout=30)

    assert (answer.status_code, _refused(answer)["code"]) == (status, code)
    assert message in _refused(answer)["message"]
