"""The products queue's JSON: what is encoded is decoded to the same message."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lookalike.adapters.sqs.messages import decode, encode
from lookalike.domain import Product
from lookalike.errors import RequestInvalid
from lookalike.indexing.messages import MAX_ITEMS, CopyPictures, DeleteProducts, Message, PutProducts, SyncObjects

IDS = st.text(min_size=1, max_size=512)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3), max_leaves=5)
ATTRIBUTES = st.dictionaries(st.text(), JSON)
PRODUCTS = st.builds(Product, IDS, st.lists(st.text(), max_size=5).map(tuple), ATTRIBUTES)
URLS = st.from_regex(r"s3://bucket/images/[a-zü +%]{1,20}/[a-z]{1,9}\.jpg", fullmatch=True)
TIMES_MS = st.integers(0, 4_000_000_000_000)
HEADERS = st.fixed_dictionaries({"into": st.none() | IDS, "attempt": st.integers(0, 4), "as_of": st.none() | TIMES_MS}).flatmap(
    lambda header: st.just(header) | st.fixed_dictionaries({"backfill_id": IDS, "run": st.integers(0, 99)}).map(lambda more: header | more)
)


def items(of: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(of, min_size=1, max_size=4).map(tuple)


@st.composite
def messages(draw: st.DrawFn) -> Message:
    header = draw(HEADERS)
    kinds: list[Message] = [
        PutProducts(draw(items(PRODUCTS)), **header),
        DeleteProducts(draw(items(IDS)), **header),
        SyncObjects(draw(items(URLS)), **header),
        CopyPictures(draw(items(IDS)), source_index=draw(IDS), **header),
    ]
    return draw(st.sampled_from(kinds))


@given(messages())
def test_each_message_is_decoded_as_it_was_encoded(message: Message) -> None:
    assert decode(encode(message)) == (message,)


def test_a_body_about_several_kinds_of_items_is_several_messages() -> None:
    body = '{"put": [{"product_id": "a", "image_urls": []}], "delete": ["b"], "backfill_id": "x", "run": 2}'

    assert decode(body) == (
        PutProducts((Product("a", ()),), backfill_id="x", run=2),
        DeleteProducts(("b",), backfill_id="x", run=2),
    )


def test_defaults_are_not_written() -> None:
    assert encode(DeleteProducts(("a",))) == '{"delete": ["a"]}'


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ('{"copy": ["i"]}', "copy_from"),
        (encode(SyncObjects(("s3://b/images/a.jpg",) * (MAX_ITEMS + 1))), "sync"),
        (encode(CopyPictures(("i",) * (MAX_ITEMS + 1), source_index="x")), "copy"),
        ('{"mirror": ["s3://b/images/a.jpg"]}', "mirror"),
        ('{"delete": ["a"], "as_of": "0001-01-01T00:00:00+23:59"}', "as_of"),
        ('{"delete": ["a"], "as_of": -1}', "as_of"),
        ('{"delete": ["a"], "as_of": "yesterday"}', "as_of"),
        ('{"delete": ["a"], "backfill_id": "b", "run": 2147483648}', "run"),
        ('{"delete": ["a"], "backfill_id": "b", "run": -1}', "run"),
        (encode(DeleteProducts(("a",), backfill_id="b" * 513)), "backfill_id"),
        ('{"delete": ["a"], "into": ""}', "into"),
        (encode(SyncObjects((f"s3://b/{'a' * 8192}",))), "sync.0"),
        (encode(CopyPictures(("i" * 513,), source_index="x")), "copy.0"),
    ],
)
def test_a_wrong_body_is_refused_with_the_field_that_is_wrong(body: str, field: str) -> None:
    with pytest.raises(RequestInvalid) as refused:
        decode(body)
    assert refused.value.field == field
