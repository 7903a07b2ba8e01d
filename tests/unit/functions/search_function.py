"""The search function's handler with fakes behind it, and its HTTP answers."""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from lookalike.domain import Embedder, Product
from lookalike.filters import Filter
from lookalike.health import HealthCheck
from lookalike.indexing.indexer import Indexer
from lookalike.indexing.ports import WriteTarget
from lookalike.search.browse import Browse, BrowsedIndex
from lookalike.search.detect import Detector
from lookalike.search.ports import FilterWarning, SearchTarget
from lookalike.search.search import Search

from functions.search import app
from tests.fakes import MODEL, FakeEmbedder, FakeFetcher, FakeIndex, picture
from tests.unit.functions.events import REQUEST_ID, Context, http

ORIGIN = "https://shop.example"
COUNT = 20


class IndexThatRemembers(FakeIndex):
    """Keeps the filters that it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.filters: list[Filter] = []

    def warnings(self, given: Filter) -> Sequence[FilterWarning]:
        self.filters.append(given)
        return super().warnings(given)


@dataclass(frozen=True)
class HttpAnswer:
    """An HTTP answer; headers by their names in small letters."""

    status: int
    headers: Mapping[str, str]
    body: Any

    @property
    def error(self) -> dict[str, Any]:
        """What every failure has, and nothing else."""
        assert set(self.body) == {"error"}
        error: dict[str, Any] = self.body["error"]
        assert {"code", "message", "request_id"} <= set(error) <= {"code", "message", "request_id", "field"}
        assert (error["request_id"], self.headers["content-type"]) == (REQUEST_ID, "application/json")
        return error

    @property
    def refused(self) -> tuple[int, str, str | None]:
        """Status, code and field of a failure."""
        return self.status, self.error["code"], self.error.get("field")

    @property
    def products(self) -> list[str]:
        """The hits' products, the best first."""
        assert self.status == HTTPStatus.OK
        return [hit["product_id"] for hit in self.body["hits"]]


class SearchFunction:
    """The handler with fakes behind it, and products that have one picture each; ``saliency`` finds things in query pictures."""

    def __init__(self, origin: str = ORIGIN, saliency: Embedder | None = None) -> None:
        self.next: SearchTarget | None = None
        self.index, self.embedder = IndexThatRemembers(), FakeEmbedder()
        self.fetcher = FakeFetcher({f"https://a/{n}.jpg": picture(n) for n in range(COUNT)})
        products = [Product(f"p-{n}", (f"https://a/{n}.jpg",), {"category": "dress", "price": n}) for n in range(COUNT)]
        list(Indexer(lambda: [WriteTarget(self.index, self.embedder)], self.fetcher).put(products))
        detector = Detector(self.fetcher, lambda: saliency)
        search = Search(
            lambda: SearchTarget(self.index, self.embedder), self.fetcher, lambda url: f"{url}?signed", detector, lambda: self.next
        )
        browse = Browse(lambda: BrowsedIndex(self.index, "lookalike-fake-1", MODEL.id), lambda url: f"{url}?signed")
        health = HealthCheck(lambda: "9.4.3 green", self._current, lambda: None, lambda: [MODEL.id])
        self._handler = app.create(search, browse, health, origin, detector if saliency else None)

    def _current(self) -> tuple[str, str]:
        if self.index.away:
            raise self.index.away
        return "lookalike-fake-1", MODEL.id

    def call(self, event: dict[str, Any]) -> HttpAnswer:
        status, headers, body = self.raw(event)
        return HttpAnswer(status, headers, json.loads(body) if body else None)

    def raw(self, event: dict[str, Any]) -> tuple[int, Mapping[str, str], str]:
        answer = self._handler(event, Context())
        assert answer["isBase64Encoded"] is False
        answer["body"].encode()
        headers = {name.lower(): ",".join(values) for name, values in answer["multiValueHeaders"].items()}
        return answer["statusCode"], headers, answer["body"]

    def get(self, **parameters: str | list[str]) -> HttpAnswer:
        return self.call(http("search_get", **_query(parameters)))

    def detect(self, **parameters: str | list[str]) -> HttpAnswer:
        return self.call(http("search_detect", **_query(parameters)))

    def post_to_detect(self, body: Any, *, kind: str = "application/json", is_base64: bool = False) -> HttpAnswer:
        return self._post("/detect", body, kind, is_base64, {})

    def post(
        self, body: Any, *, kind: str | None = "application/json", is_base64: bool = False, **parameters: str | list[str]
    ) -> HttpAnswer:
        return self._post("/search", body, kind, is_base64, parameters)

    def _post(self, path: str, body: Any, kind: str | None, is_base64: bool, parameters: Mapping[str, str | list[str]]) -> HttpAnswer:
        content = body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else json.dumps(body).encode()
        text = base64.b64encode(content).decode() if is_base64 else content.decode()
        headers = {"content-type": kind} if kind else {}
        at = {"path": path, "resource": path, **_query(parameters)}
        return self.call(http("search_post_json", headers=headers, multiValueHeaders={}, body=text, isBase64Encoded=is_base64, **at))

    def post_picture(self, content: bytes, kind: str = "image/png", **parameters: str | list[str]) -> HttpAnswer:
        return self.post(content, kind=kind, is_base64=True, **parameters)

    def similar(self, product_id: str, **parameters: str | list[str]) -> HttpAnswer:
        path = f"/products/{quote(product_id, safe='')}/similar"
        return self.call(http("search_similar", path=path, pathParameters={"id": product_id}, **_query(parameters)))


def _query(parameters: Mapping[str, str | list[str]]) -> dict[str, Any]:
    several = {name: value if isinstance(value, list) else [value] for name, value in parameters.items()}
    last = {name: values[-1] for name, values in several.items()}
    return {"queryStringParameters": last or None, "multiValueQueryStringParameters": several or None}


def in_base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
