"""Sources as shops have them, a thousand documents each: every one is a product with all its pictures, or a failure with its reason."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from elasticsearch import Elasticsearch, helpers
from lookalike.adapters.elasticsearch.source import ElasticsearchSource
from lookalike.backfill.model import FieldNames, IndexSpec
from lookalike.errors import RequestInvalid
from lookalike.indexing.messages import PutProducts

from tests.fakes import BackfillUseCases
from tests.integration.adapters.elasticsearch.source.source_index import KEYWORD

COUNT = 1000
TEXT = {"type": "text"}
BOTH = {"type": "text", "fields": {"keyword": {"type": "keyword", "ignore_above": 256}}}
SKU = FieldNames("sku")

Document = dict[str, Any]
Products = dict[str, set[str]]
"""Image URLs by product."""


@dataclass(frozen=True)
class Index:
    """One index of a source: its mapping, and the document with each number."""

    document: Callable[[int], Document]
    properties: Mapping[str, Any] = field(default_factory=dict)
    mappings: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    numbers: range = range(COUNT)


@dataclass(frozen=True)
class Odd:
    """A source; what its documents come to; how many of them are failures. A ``refused`` one is not begun, for this reason."""

    indices: tuple[Index, ...]
    fields: FieldNames = SKU
    expected: Callable[[int], tuple[str, set[str]] | None] = lambda n: (f"p-{n}", {_url(n)})
    query: Mapping[str, Any] = field(default_factory=lambda: {"match_all": {}})
    refused: str = ""


def _url(number: int, name: str = "a") -> str:
    return f"http://a/{number}/{name}.jpg"


def _plain(number: int) -> Document:
    return {"sku": f"p-{number}", "image_url": _url(number), "name": "Hat", "price": "12,50"}


def _half(name: str, sku: Callable[[int], Any] = lambda n: f"p-{n}") -> Callable[[int], Document]:
    return lambda n: {"sku": sku(n), "image_url": _url(n, name)}


def _one_of_two(n: int) -> Document:
    """Two documents of each product, five hundred apart."""
    return {"sku": f"p-{n % 500}", "image_url": _url(n % 500, "ab"[n // 500])}


def _but(every: int) -> Callable[[int], tuple[str, set[str]] | None]:
    """All but each ``every``-th, which describes no product."""
    return lambda n: (f"p-{n}", {_url(n)}) if n % every else None


def _both(n: int) -> tuple[str, set[str]]:
    return f"p-{n}", {_url(n, "a"), _url(n, "b")}


HALF = range(COUNT // 2)

SOURCES: dict[str, Odd] = {
    "keyword": Odd((Index(_plain, {"sku": KEYWORD}),)),
    "dynamic": Odd((Index(_plain),)),
    "text": Odd((Index(_plain, {"sku": TEXT}),)),
    "long": Odd((Index(lambda n: _plain(n) | {"sku": n}, {"sku": {"type": "long"}}),), expected=lambda n: (str(n), {_url(n)})),
    "double": Odd((Index(lambda n: _plain(n) | {"sku": n + 0.5}, {"sku": {"type": "double"}}),), expected=lambda n: (f"{n}.5", {_url(n)})),
    "negative": Odd((Index(lambda n: _plain(n) | {"sku": -n}, {"sku": {"type": "integer"}}),), expected=lambda n: (str(-n), {_url(n)})),
    "dates": Odd(
        (Index(lambda n: _plain(n) | {"sku": f"2026-01-{n % 28 + 1:02}"}, {"sku": {"type": "date"}}),),
        expected=lambda n: (f"2026-01-{n % 28 + 1:02}", {_url(n)}),
    ),
    "no mapping": Odd((Index(_plain, mappings={"dynamic": False}),)),
    "not parsed": Odd((Index(_plain, mappings={"enabled": False}),)),
    "keyword and text": Odd(
        (Index(_half("a"), {"sku": KEYWORD}, numbers=HALF), Index(_half("b"), {"sku": BOTH}, numbers=HALF)), expected=_both
    ),
    "keyword, number and nothing": Odd(
        (
            Index(_half("a", str), {"sku": KEYWORD}, numbers=range(334)),
            Index(_half("b", int), {"sku": {"type": "long"}}, numbers=range(334)),
            Index(_half("c", str), mappings={"dynamic": False}, numbers=range(334)),
        ),
        expected=lambda n: (str(n), {_url(n, name) for name in "abc"}),
    ),
    "two documents each": Odd(
        (Index(_one_of_two, {"sku": KEYWORD}),),
        expected=lambda n: _both(n % 500),
    ),
    "two documents each, text": Odd(
        (Index(_one_of_two, {"sku": TEXT}),),
        expected=lambda n: _both(n % 500),
    ),
    "own ids": Odd((Index(lambda n: {"_id": f"p-{n}", "image_url": _url(n)}),), FieldNames()),
    "own ids of odd letters": Odd(
        (Index(lambda n: {"_id": f"p/{n} \u00fc?#%", "image_url": _url(n)}),), FieldNames(), lambda n: (f"p/{n} \u00fc?#%", {_url(n)})
    ),
    "some without an id": Odd(
        (Index(lambda n: _plain(n) if n % 3 else {"image_url": _url(n)}, {"sku": KEYWORD}),),
        expected=_but(3),
    ),
    "some with empty ids": Odd(
        (Index(lambda n: _plain(n) | ({} if n % 10 else {"sku": ""}), {"sku": KEYWORD}),),
        expected=_but(10),
    ),
    "some with several ids": Odd(
        (Index(lambda n: _plain(n) | ({} if n % 10 else {"sku": ["x", f"y-{n}"]}), {"sku": KEYWORD}),),
        expected=_but(10),
    ),
    "some with objects as ids": Odd(
        (Index(lambda n: _plain(n) | ({} if n % 10 else {"sku": {"is": n}}), mappings={"dynamic": False}),),
        expected=_but(10),
    ),
    "some ids too long": Odd(
        (Index(lambda n: _plain(n) | ({} if n % 50 else {"sku": "x" * 600 + str(n)}), {"sku": KEYWORD}),),
        expected=_but(50),
    ),
    "ids longer than the mapping stores": Odd(
        (Index(lambda n: _plain(n) | {"sku": "x" * 300 + str(n)}, {"sku": BOTH}),), expected=lambda n: ("x" * 300 + str(n), {_url(n)})
    ),
    "some half surrogates": Odd(
        (Index(lambda n: _plain(n) | ({} if n % 100 else {"name": "\ud83d"}), {"sku": KEYWORD}, mappings={"dynamic": False}),),
        expected=_but(100),
    ),
    "names with dots": Odd(
        (Index(lambda n: {"shop.item": {"sku": f"p-{n}"}, "product.image": {"url": _url(n)}}, mappings={"dynamic": False}),),
        FieldNames("shop.item.sku", "product.image.url"),
    ),
    "objects in lists": Odd(
        (Index(lambda n: {"info": [{"sku": f"p-{n}"}], "images": [{"u": [_url(n, "a")]}, {"u": _url(n, "b")}, None, {}]}),),
        FieldNames("info.sku", "images.u"),
        _both,
    ),
    "relative addresses": Odd(
        (Index(lambda n: {"sku": f"p-{n}", "image": ["/a.jpg", "//cdn.example/b.jpg", "c d.jpg", "", None][n % 5]}, {"sku": KEYWORD}),),
        FieldNames("sku", "image", base_url="https://shop.example/media/"),
        lambda n: (
            f"p-{n}",
            [{"https://shop.example/a.jpg"}, {"https://cdn.example/b.jpg"}, {"https://shop.example/media/c d.jpg"}, set(), set()][n % 5],
        ),
    ),
    "several in one text": Odd(
        (Index(lambda n: {"sku": f"p-{n}", "image": f" {_url(n, 'a')}|{_url(n, 'b')} |"}, {"sku": KEYWORD}),),
        FieldNames("sku", "image", separator="|"),
        _both,
    ),
    "a template": Odd(
        (Index(lambda n: {"sku": f"p-{n}", "view": ["a", "b"]}, {"sku": KEYWORD}),),
        FieldNames("sku", "http://a/{sku}/{view}.jpg"),
        lambda n: (f"p-{n}", {f"http://a/p-{n}/a.jpg", f"http://a/p-{n}/b.jpg"}),
    ),
    "a template of the document's own id": Odd(
        (Index(lambda n: {"_id": f"p-{n}", "name": "Hat"}),),
        FieldNames(None, "http://a/{_id}.jpg"),
        lambda n: (f"p-{n}", {f"http://a/p-{n}.jpg"}),
    ),
    "multi-fields": Odd((Index(_plain, {"sku": BOTH, "image_url": BOTH}),), FieldNames("sku.keyword", "image_url.keyword", ("name",))),
    "nested ids": Odd(
        (
            Index(
                lambda n: {"v": [{"sku": f"p-{n}"}, {"x": 1}], "image_url": _url(n)},
                {"v": {"type": "nested", "properties": {"sku": KEYWORD}}},
            ),
        ),
        FieldNames("v.sku"),
    ),
    "data: URLs": Odd(
        (
            Index(
                lambda n: {"sku": f"p-{n}", "image": f"data:image/png;base64,AA{n},"},
                {"sku": KEYWORD, "image": {"type": "keyword", "index": False}},
            ),
        ),
        FieldNames("sku", "image", separator=","),
        lambda n: (f"p-{n}", {f"data:image/png;base64,AA{n}"}),
    ),
    "attributes of every type": Odd(
        (Index(lambda n: _plain(n) | {"x": [n, "a", {"b": n}, [n], None, True][n % 6]}, {"sku": KEYWORD}, mappings={"dynamic": False}),)
    ),
    "attributes nested deeply": Odd((Index(lambda n: _plain(n) | {"x": _deep(300)}, {"sku": KEYWORD}, mappings={"dynamic": False}),)),
    "a query": Odd(
        (Index(lambda n: _plain(n) | {"on": n % 2}, {"sku": KEYWORD, "on": {"type": "long"}}),),
        query={"term": {"on": 1}},
        expected=lambda n: (f"p-{n}", {_url(n)}) if n % 2 else ("", set()),
    ),
    "many shards": Odd((Index(_plain, {"sku": KEYWORD}, settings={"number_of_shards": 5}),)),
    "sorted the other way": Odd((Index(_plain, {"sku": KEYWORD}, settings={"sort.field": "sku", "sort.order": "desc"}),)),
    "no _source": Odd((Index(_plain, {"sku": KEYWORD}, mappings={"_source": {"enabled": False}}),), refused="no _source"),
    "images left out of _source": Odd(
        (Index(_plain, {"sku": KEYWORD}, mappings={"_source": {"excludes": ["image_url"]}}),), refused="_source"
    ),
    "relative addresses without a base": Odd(
        (Index(lambda n: {"sku": str(n), "image_url": "/a.jpg"}, {"sku": KEYWORD}),), refused="base_url"
    ),
    "a misspelt field": Odd((Index(_plain, {"sku": KEYWORD}),), FieldNames("sku", "picture"), refused="none of 100 products"),
}


def _deep(levels: int) -> Document:
    made: Document = {}
    for _ in range(levels):
        made = {"a": made}
    return made


class Reading:
    """Reads a real source to its end, and keeps what was sent and what failed."""

    def __init__(self, url: str) -> None:
        self.use_cases = BackfillUseCases(ElasticsearchSource(url))  # type: ignore[arg-type]
        self.fan_out, self.queues = self.use_cases.make_fan_out(), self.use_cases.queues

    def read(self, spec: IndexSpec) -> None:
        self.fan_out.start(spec)
        while self.queues.slices:
            self.fan_out.read_slice(*self.queues.slices.pop())

    @property
    def sent(self) -> Iterator[tuple[str, set[str]]]:
        for message, _ in self.queues.products:
            assert isinstance(message, PutProducts)
            yield from ((product.product_id, set(product.image_urls)) for product in message.items)

    @property
    def failed(self) -> list[str]:
        return [outcome.reason or "" for outcome in self.use_cases.outcomes.known.values() if outcome.state == "failed"]


def _make(client: Elasticsearch, name: str, odd: Odd) -> None:
    for number, index in enumerate(odd.indices):
        mappings = {**index.mappings, "properties": index.properties} if index.properties else dict(index.mappings)
        client.indices.create(index=f"{name}-{number}", mappings=mappings or None, settings=dict(index.settings) or None)
        actions = [{"_index": f"{name}-{number}", **index.document(n)} for n in index.numbers]
        helpers.bulk(client, actions, refresh=True)


@pytest.mark.parametrize("odd", SOURCES.values(), ids=SOURCES.keys())
def test_each_document_of_an_odd_source_is_accounted_for(
    elasticsearch: Elasticsearch, elasticsearch_url: str, name: str, monkeypatch: pytest.MonkeyPatch, odd: Odd
) -> None:
    monkeypatch.setattr("lookalike.backfill.fan_out.PAGE", 137)
    monkeypatch.setattr("lookalike.backfill.fan_out.SLICE_PRODUCTS", 300)
    _make(elasticsearch, name, odd)
    reading, spec = Reading(elasticsearch_url), IndexSpec(f"{name}-*", odd.query, odd.fields)
    if odd.refused:
        with pytest.raises(RequestInvalid, match=odd.refused):
            reading.read(spec)
        return

    reading.read(spec)

    products: Products = {}
    for number in odd.indices[0].numbers:
        if expected := odd.expected(number):
            products.setdefault(expected[0], set()).update(expected[1])
    products.pop("", None)
    faults = sum(odd.expected(number) is None for number in odd.indices[0].numbers)
    sent = list(reading.sent)
    assert dict(sent) == products
    assert Counter(product_id for product_id, _ in sent).most_common(1)[0][1] == 1
    assert (len(reading.failed), all(reading.failed)) == (faults, True)
