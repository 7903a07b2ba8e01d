"""KeyPatterns of objects, in our own bucket and in those that shops have."""

import pytest
from lookalike.errors import Misconfigured, RequestInvalid
from lookalike.keys import DEFAULT_KEYS, KeyPatterns
from lookalike.settings import Settings


@pytest.mark.parametrize(
    ("pattern", "key", "product_id"),
    [
        ("products/{product_id}/*", "products/123/front.jpg", "123"),
        ("products/{product_id}/*", "products/123/a/b.jpg", "123"),
        ("products/{product_id}/*", "images/123/front.jpg", None),
        ("products/{product_id}/*", "products/123/", None),
        ("media/*/{product_id}.jpg", "media/a/b/123.jpg", "123"),
        ("{product_id}_*.jpg", "123_front.jpg", "123"),
        ("{product_id}_*.jpg", "a/123_front.jpg", None),
        ("*/{product_id}-*", "shop/1.2-side.png", "1.2"),
        ("{product_id}.*", "a.b.jpg", "a.b"),
        ("a+b/{product_id}.jpg", "a+b/x.jpg", "x"),
        ("a+b/{product_id}.jpg", "aab/x.jpg", None),
        ("*/a/*b/{product_id}/*c*.jpg", "x/a/a/bb/b/1/2/c.jpg", None),
        ("*/a/*b/{product_id}/*c*.jpg", "x/a/a/bb/b/1/2/cc.cd.jpg", "1"),
        ("{product_id}/*", "line\nbreak/x.jpg", "line\nbreak"),
    ],
)
def test_a_pattern_names_the_product_of_a_key(pattern: str, key: str, product_id: str | None) -> None:
    keys = KeyPatterns((pattern,))

    assert keys.product_of_key(key) == product_id
    assert keys.product_of_url(f"s3://bucket/{key}") == product_id


def test_a_key_that_nearly_fits_many_stars_is_told_in_the_end() -> None:
    """Each star tried at each slash would take 10^15 tries."""
    assert KeyPatterns(("*/*/*/*/*/*/*/{product_id}/end",)).product_of_key("/" * 511) is None


@pytest.mark.parametrize("pattern", ["products/*", "{product_id}/{product_id}", "", "{product}/*"])
def test_a_pattern_has_one_place_for_the_product(pattern: str) -> None:
    with pytest.raises(RequestInvalid):
        KeyPatterns((pattern,))


def test_the_setting_lists_patterns_and_is_named_if_one_is_wrong() -> None:
    environment = {"LOOKALIKE_ELASTICSEARCH_URL": "http://there:9200"}
    given = Settings.load(environment | {"LOOKALIKE_KEY_PATTERNS": "products/{product_id}/*, {product_id}.jpg"})

    assert given.key_patterns == ("products/{product_id}/*", "{product_id}.jpg")
    assert Settings.load(environment).key_patterns == DEFAULT_KEYS.patterns
    with pytest.raises(Misconfigured, match="LOOKALIKE_KEY_PATTERNS"):
        Settings.load(environment | {"LOOKALIKE_KEY_PATTERNS": "products/*"})
