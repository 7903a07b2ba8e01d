"""How large a picture may be that is sent as a body."""

from collections.abc import Callable

import pytest

from infra.demo.catalogue import CatalogueItem
from tests.e2e.shop_client import ShopClient

LARGEST = 4_400_000


@pytest.fixture(scope="module")
def picture(items: list[CatalogueItem], shop: ShopClient, eventually: Callable[[Callable[[], bool]], None]) -> bytes:
    """One that is indexed, and that is as good with anything behind its end."""
    content = items[130].path.read_bytes()
    shop.put("images/body-1.jpg", content)
    eventually(lambda: len(shop.documents("body-1")) == 1)
    return content


def test_a_body_of_4_4_mb_is_searched_with(shop: ShopClient, picture: bytes) -> None:
    answer = shop.search_by_upload(picture.ljust(LARGEST, b"\0"))
    assert answer.status_code == 200, answer.text
    assert answer.json()["hits"][0]["product_id"] == "body-1"


def test_a_larger_body_is_refused(shop: ShopClient, picture: bytes) -> None:
    """API Gateway answers 413 (tests/unit/template/test_api.py); `sam local` cuts the event, which the function then cannot read."""
    answer = shop.search_by_upload(picture.ljust(6_000_000, b"\0"))
    assert answer.status_code >= 400, answer.text
