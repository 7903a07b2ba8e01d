from email.header import decode_header, make_header
from pathlib import Path

import pytest

from infra.demo.catalogue import CatalogueItem
from infra.demo.indexing import metadata, object_key


@pytest.mark.parametrize(
    "text", ["plain", "Åsgård", "Grünes Kleid mit Streifen " * 6, "裙子", "two\nlines", " spaces ", "=?utf-8?q?not_encoded", ""]
)
def test_metadata_is_ascii_and_gives_back_any_text(text: str) -> None:
    value = metadata({"name": text})["name"]
    assert value.isascii()
    assert "\n" not in value
    assert str(make_header(decode_header(value))) == text


def test_numbers_and_truth_values_are_written_as_json_writes_them() -> None:
    assert metadata({"price": 19.95, "in_stock": True}) == {"price": "19.95", "in_stock": "true"}


def test_an_object_is_named_after_its_product() -> None:
    assert object_key(CatalogueItem("hat-1", Path("any/Hat.JPG"), {})) == "images/hat-1.jpg"
