"""The HTTP API: paging by cursors, and cursors that somebody has tampered with."""

import base64
import json
import zlib
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lookalike.domain import Product
from lookalike.indexing.indexer import Indexer
from lookalike.indexing.ports import WriteTarget

from functions.search import cursors
from tests.fakes import picture
from tests.unit.functions.search_function import COUNT, HttpAnswer, SearchFunction, in_base64


@pytest.fixture
def api() -> SearchFunction:
    return SearchFunction()


def _pages(api: SearchFunction, body: dict[str, Any], **changes: Any) -> Iterator[HttpAnswer]:
    page = api.post(body)
    yield page
    while page.body["next_cursor"]:
        page = api.post({"cursor": page.body["next_cursor"], **changes})
        yield page


def _opened(cursor: str) -> dict[str, Any]:
    opened: dict[str, Any] = json.loads(zlib.decompress(base64.urlsafe_b64decode(cursor)))
    return opened


def _closed(content: Any) -> str:
    return base64.urlsafe_b64encode(zlib.compress(json.dumps(content).encode())).decode()


@pytest.mark.parametrize(
    "given",
    [
        {"image_url": "https://a/7.jpg"},
        {"image": in_base64(picture(99))},
        {"product_id": "p-7"},
        {"product_id": "p-7", "include_self": True},
        {"images": [{"product_id": "p-7"}, {"product_id": "p-8", "weight": -0.5}]},
    ],
    ids=lambda given: "-".join(given),
)
def test_pages_repeat_nothing_reach_everything_and_cost_no_second_download_or_embedding(given: dict[str, Any], api: SearchFunction) -> None:
    options = {"filter": {"price": {"gte": 1}}, "fields": ["product_id", "score"], "exact": True}
    whole = api.post(given | options | {"size": 100})
    first = api.post(given | options | {"size": 6})
    api.fetcher.files.clear()
    api.embedder.embedded = 0

    pages = [first, *(_pages(api, {"cursor": first.body["next_cursor"]}))]
    hits = [hit for page in pages for hit in page.body["hits"]]

    assert [hit["product_id"] for hit in hits] == whole.products
    assert [hit["score"] for hit in hits] == pytest.approx([hit["score"] for hit in whole.body["hits"]], abs=5e-4)
    assert {len(page.products) for page in pages[:-1]} == {6}
    assert api.embedder.embedded == 0


def test_a_page_may_have_another_size_and_other_fields(api: SearchFunction) -> None:
    first, *others = _pages(api, {"product_id": "p-7", "size": 2}, size=8, fields=["product_id"])

    assert [len(page.products) for page in others] == [8, 8, 1]
    assert set(others[0].body["hits"][0]) == {"product_id"}
    assert len({product for page in (first, *others) for product in page.products}) == COUNT - 1


@pytest.mark.parametrize("given", [{"image": in_base64(picture(99))}, {"product_id": "p-7"}], ids=lambda given: next(iter(given)))
def test_a_vector_travels_whole_so_that_nothing_is_looked_up_again(given: dict[str, Any], api: SearchFunction) -> None:
    cursor = api.post(given | {"size": 1}).body["next_cursor"]
    api.index.stored_of = api.index.embedded = None  # type: ignore[assignment, method-assign]

    assert len(base64.b64decode(_opened(cursor)["query_vectors"]["vectors"][0])) == 64 * 4
    assert len(api.post({"cursor": cursor}).products) == 1


@pytest.mark.parametrize("include_self", [False, True])
def test_a_product_with_several_pictures_travels_by_its_id_because_each_vector_makes_the_answer_longer(
    include_self: bool, api: SearchFunction
) -> None:
    urls = ("https://a/7.jpg", "https://a/8.jpg")
    list(Indexer(lambda: [WriteTarget(api.index, api.embedder)], api.fetcher).put([Product("pair", urls)]))

    first, *others = _pages(api, {"product_id": "pair", "size": 9, "include_self": include_self})

    opened = _opened(first.body["next_cursor"])
    assert (opened["product_id"], "query_vectors" in opened) == ("pair", False)
    found = [product for page in (first, *others) for product in page.products]
    assert len(found) == len(set(found)) == COUNT + include_self
    assert ("pair" in found) == include_self


@pytest.mark.parametrize("name", ["filter", "min_score", "exact", "per", "image_url", "product_id", "near_duplicates", "crop"])
def test_with_a_cursor_nothing_is_given_that_belongs_to_the_first_page(name: str, api: SearchFunction) -> None:
    cursor = api.post({"product_id": "p-7", "size": 1}).body["next_cursor"]

    assert api.post({"cursor": cursor, name: "anything"}).refused == (400, "request_invalid", name)


DAMAGED: dict[str, Any] = {
    "no seen": {"seen": []},
    "too much seen": {"seen": [str(n) for n in range(501)]},
    "seen that is no text": {"seen": [3]},
    "a document beside": {"image_id": "x"},
    "a product beside": {"product_id": "p-7"},
    "nothing": {"query_vectors": None},
    "no vector": {"query_vectors": {"vectors": []}},
    "another version": {"version": 2},
    "a field more": {"secret": 1},
    "an endless vector": {"query_vectors": {"vectors": [base64.b64encode(b"\x00\x00\x80\x7f" * 64).decode()]}},
    "a vector of nothing": {"query_vectors": {"vectors": [base64.b64encode(bytes(256)).decode()]}},
    "a vector and a half": {"query_vectors": {"vectors": ["AAAA"]}},
    "a vector that is no base64": {"query_vectors": {"vectors": ["!"]}},
    "a hash that is none": {
        "query_vectors": {"vectors": [base64.b64encode(b"\x00\x00\x80\x3f" * 64).decode()], "hashes": ["xyz"]},
    },
    "a wrong option": {"options": {"size": 1000}},
    "an unknown option": {"options": {"sise": 1}},
}


@pytest.mark.parametrize("change", DAMAGED.values(), ids=DAMAGED.keys())
def test_a_cursor_that_was_changed_to_nonsense_is_a_400(change: dict[str, Any], api: SearchFunction) -> None:
    opened = _opened(api.post({"product_id": "p-7", "size": 1}).body["next_cursor"])

    assert api.post({"cursor": _closed(opened | change)}).refused == (400, "request_invalid", "cursor")


@pytest.mark.parametrize(
    "cursor",
    ["", "x", "grün", "AAAA", base64.urlsafe_b64encode(zlib.compress(b"[" * 100_000)).decode(), _closed([]), _closed(None), 3, None],
)
def test_a_cursor_that_is_none_is_a_400(cursor: Any, api: SearchFunction) -> None:
    assert api.post({"cursor": cursor}).refused == (400, "request_invalid", "cursor")


def test_a_small_cursor_that_unpacks_to_a_large_text_is_refused_early(api: SearchFunction) -> None:
    bomb = base64.urlsafe_b64encode(zlib.compress(b'"' + b" " * (cursors.MAX_BYTES * 10))).decode()

    assert api.post({"cursor": bomb}).refused == (400, "request_invalid", "cursor")


def test_a_cursor_s_filter_is_checked_as_any_other(api: SearchFunction) -> None:
    opened = _opened(api.post({"product_id": "p-7", "size": 1}).body["next_cursor"])

    status, code, field = api.post({"cursor": _closed(opened | {"options": {"filter": {"price": {"above": 1}}}})}).refused

    assert (status, code, field) == (400, "request_invalid", "filter.price")


def test_a_cursor_of_another_model_is_a_400(api: SearchFunction) -> None:
    opened = _opened(api.post({"product_id": "p-7", "size": 1}).body["next_cursor"])

    assert api.post({"cursor": _closed(opened | {"model": "other"})}).refused == (400, "request_invalid", "cursor")


@given(
    st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))
)
def test_no_cursor_makes_the_function_fail(content: Any) -> None:
    assert FUNCTION.post({"cursor": _closed(content)}).status == 400


FUNCTION = SearchFunction()


@pytest.mark.parametrize(
    "changes",
    [
        {"product_id": "\ud83d"},
        {"seen": ["\ud83d"]},
        {"options": {"filter": {"\ud83d": 1}}},
        {"options": {"filter": {"category": "\ud83d"}}},
        {"options": {"filter": {"any": [{"a": 1}] * 2000}}},
        {"model": "\ud83d"},
    ],
    ids=ascii,
)
def test_a_cursor_with_half_a_surrogate_pair_or_too_many_clauses_is_a_400(api: SearchFunction, changes: dict[str, Any]) -> None:
    opened = _opened(api.post({"product_id": "p-7", "size": 1}).body["next_cursor"])

    assert api.post({"cursor": _closed(opened | changes)}).refused[:2] == (400, "request_invalid")
