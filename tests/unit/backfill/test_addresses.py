"""Addresses of pictures as shops store them."""

import pytest
from lookalike.backfill import addresses
from lookalike.backfill.model import FieldNames
from lookalike.indexing.messages import MAX_IMAGE_URLS

BASE = "https://shop.example/media/"


@pytest.mark.parametrize(
    ("text", "base", "separator", "expected"),
    [
        ("/media/catalog/a.jpg", "https://shop.example", None, ["https://shop.example/media/catalog/a.jpg"]),
        ("a.jpg", BASE, None, ["https://shop.example/media/a.jpg"]),
        ("../a b.jpg?w=1", BASE, None, ["https://shop.example/a b.jpg?w=1"]),
        ("//cdn.example/x.jpg", None, None, ["https://cdn.example/x.jpg"]),
        ("//cdn.example/x.jpg", "http://shop.example", None, ["http://cdn.example/x.jpg"]),
        ("HTTPS://cdn.example/x.jpg", BASE, None, ["HTTPS://cdn.example/x.jpg"]),
        ("s3://bucket/a.jpg", BASE, None, ["s3://bucket/a.jpg"]),
        ("a.jpg", None, None, ["a.jpg"]),
        ("http://a/1.jpg,http://a/2.jpg", None, ",", ["http://a/1.jpg", "http://a/2.jpg"]),
        ("http://a/1.jpg | /2.jpg||http://a/1.jpg", BASE, "|", ["http://a/1.jpg", "https://shop.example/2.jpg"]),
        ("http://a/w_1,h_2/1.jpg", None, None, ["http://a/w_1,h_2/1.jpg"]),
        ("http://a/1.jpg\nhttp://a/2.jpg", None, "\n", ["http://a/1.jpg", "http://a/2.jpg"]),
        (" data:image/jpeg;base64,AAAA ", BASE, ",", ["data:image/jpeg;base64,AAAA"]),
        ("http://a/w_1,h_2/1.jpg,http://a/w_1,h_2/2.jpg", None, ",", ["http://a/w_1,h_2/1.jpg", "http://a/w_1,h_2/2.jpg"]),
        ("http://a/1 b.jpg /2.jpg", BASE, " ", ["http://a/1 b.jpg", "https://shop.example/2.jpg"]),
        ("1.jpg, 2.jpg,", BASE, ",", ["https://shop.example/media/1.jpg", "https://shop.example/media/2.jpg"]),
        (
            "http://a/1.jpg,data:image/jpeg;base64,/9j/,//a/2.jpg",
            BASE,
            ",",
            ["http://a/1.jpg", "data:image/jpeg;base64,/9j/", "https://a/2.jpg"],
        ),
        ("data:;base64,AA==|data:;base64,BB==", None, "|", ["data:;base64,AA==", "data:;base64,BB=="]),
        ("", BASE, ",", []),
        ("//[", BASE, None, ["//["]),
    ],
)
def test_a_text_becomes_addresses(text: str, base: str | None, separator: str | None, expected: list[str]) -> None:
    assert list(addresses.read(FieldNames("sku", "image", base_url=base, separator=separator), {"image": [text]}.__getitem__)) == expected


@pytest.mark.parametrize(
    ("template", "values", "expected"),
    [
        ("https://cdn/{sku}.jpg", {"sku": ["a/b 1#2"]}, ["https://cdn/a/b%201%232.jpg"]),
        ("https://cdn/{sku}/{view}.jpg", {"sku": [12], "view": ["a", "b"]}, ["https://cdn/12/a.jpg", "https://cdn/12/b.jpg"]),
        ("/{shop.sku}.jpg", {"shop.sku": ["a"]}, ["https://shop.example/a.jpg"]),
        ("https://cdn/{sku}/{sku}.jpg", {"sku": [1, 2]}, ["https://cdn/1/1.jpg", "https://cdn/2/2.jpg"]),
        ("https://cdn/{new}.jpg", {"new": [True]}, ["https://cdn/true.jpg"]),
        ("{cdn}/{sku}.jpg", {"cdn": ["https://cdn:8443"], "sku": ["a?b"]}, ["https://cdn:8443/a%3Fb.jpg"]),
        ("{url}", {"url": ["https://cdn/a.jpg?w=1"]}, ["https://cdn/a.jpg?w=1"]),
        ("https://cdn/{sku}.jpg", {"sku": []}, []),
        ("https://cdn/{sku}.jpg", {"sku": [{"a": 1}, ""]}, []),
    ],
)
def test_a_template_is_filled_with_the_fields_of_a_document(template: str, values: dict[str, list[object]], expected: list[str]) -> None:
    assert list(addresses.read(FieldNames("sku", template, base_url=BASE), values.__getitem__)) == expected


def test_a_template_is_filled_no_more_often_than_it_takes_to_refuse_the_product() -> None:
    many: list[object] = list(range(1000))

    assert len(addresses.read(FieldNames("sku", "http://a/{x}/{y}/{z}.jpg"), lambda name: many)) == MAX_IMAGE_URLS + 1
