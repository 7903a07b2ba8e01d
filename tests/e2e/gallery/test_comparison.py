"""The index that is searched and the one that is being filled, side by side."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from lookalike.adapters.elasticsearch.index import ElasticsearchIndex
from lookalike.adapters.elasticsearch.indices import CACHED_S, definition_of
from lookalike.adapters.openvino.embedder import OpenVinoEmbedder
from lookalike.domain import IndexOptions, Vector
from lookalike.pictures import decoding
from playwright.sync_api import expect

from infra.demo.catalogue import CatalogueItem
from layers.models import export
from tests.e2e.conftest import MODEL
from tests.e2e.gallery.catalogue import COUNT, PAGE_SIZE, product_id
from tests.e2e.gallery.page import DESKTOP, OpenGallery
from tests.e2e.shop_client import ShopClient

pytestmark = pytest.mark.processes

MODELS = Path("build/models")
NEXT_MODEL = "efficientnet_lite2"


@pytest.fixture(scope="module")
def next_model() -> OpenVinoEmbedder:
    """Another network than the one that the current index was filled by."""
    return OpenVinoEmbedder(MODELS / export.ensure(NEXT_MODEL, MODELS, print))


@pytest.fixture
def next_vectors(shop: ShopClient, catalogue: list[CatalogueItem], next_model: OpenVinoEmbedder) -> Iterator[dict[str, Vector]]:
    """An index that is being filled by another model: it holds one picture of every other product, whose vectors are given by product."""
    client, alias, name = shop.elasticsearch, shop.system.alias, f"{shop.system.alias}-compared"
    products = [product_id(number) for number in range(0, COUNT, 2)]
    current, index = ElasticsearchIndex(client, alias), ElasticsearchIndex(client, name)
    pictures = [current.pictures_of(product, 1)[0] for product in products]
    contents = [(catalogue[0].path.parent / Path(picture.image_url).name).read_bytes() for picture in pictures]
    decoded = [decoding.decode(content, at_least=next_model.model.input_size) for content in contents]
    vectors = next_model.embed([decoding.scale(each.pixels, next_model.model) for each in decoded])
    client.indices.create(index=name, **definition_of(next_model.model, IndexOptions()))
    assert not index.write(list(zip(pictures, vectors, strict=True)), ())
    client.indices.refresh(index=name)
    client.indices.put_alias(index=name, name=f"{alias}-next")
    time.sleep(CACHED_S + 1)  # each of the function's processes remembers for so long what is behind the aliases
    yield dict(zip(products, vectors, strict=True))
    client.indices.delete(index=name)
    time.sleep(CACHED_S + 1)


def test_indices_of_two_models_are_searched_side_by_side(open_gallery: OpenGallery, next_vectors: dict[str, Vector]) -> None:
    gallery = open_gallery(f"/?product_id={product_id(0)}")
    now = gallery.products
    gallery.button(f"Compare with {NEXT_MODEL}").click()
    columns = [gallery.page.locator(f"#{name}-grid").get_by_role("link") for name in ("current", "next")]
    expect(columns[0]).to_have_count(PAGE_SIZE)
    expect(columns[1]).to_have_count(PAGE_SIZE)

    shown = [[each.get_attribute("data-product-id") for each in column.all()] for column in columns]
    common = set(shown[0]) & set(shown[1])
    assert shown[0] == now
    assert shown[1] == _nearest(product_id(0), next_vectors)
    expect(gallery.page.locator("#current-heading")).to_have_text(f"Now: {MODEL}")
    expect(gallery.page.locator("#next-heading")).to_have_text(f"Next: {NEXT_MODEL}")
    expect(gallery.page.get_by_text("in both")).to_have_count(2 * len(common))
    share = f"{len(common)} of {PAGE_SIZE} products are found by both ({round(100 * len(common) / PAGE_SIZE)} %)."
    expect(gallery.page.locator("#common-share")).to_have_text(share)
    expect(gallery.announced).to_have_text(share)
    gallery.photograph("comparison")


def _nearest(product: str, vectors: dict[str, Vector]) -> list[str]:
    """The products of the page, every vector compared."""
    others = [other for other in vectors if other != product]
    return sorted(others, key=lambda other: -float(vectors[product] @ vectors[other]))[:PAGE_SIZE]


def test_a_comparison_can_be_shared_goes_on_from_product_to_product_and_ends(
    open_gallery: OpenGallery, next_vectors: dict[str, Vector]
) -> None:
    gallery = open_gallery(f"/?product_id={product_id(0)}&compare=next", viewport={**DESKTOP, "width": 800})
    columns = gallery.page.locator("#next-grid").get_by_role("link")
    expect(columns).to_have_count(PAGE_SIZE)
    assert not gallery.is_wider_than_the_window()
    gallery.search(lambda: columns.first.click())
    expect(gallery.page.locator("#common-share")).to_contain_text("products are found by both")
    gallery.search(lambda: gallery.button("Stop comparing").click())

    expect(gallery.cards).to_have_count(PAGE_SIZE)
    assert "compare" not in gallery.page.url


def test_what_the_filter_asks_for_that_no_product_has_is_told_once_where_both_indices_lack_it(
    open_gallery: OpenGallery, next_vectors: dict[str, Vector]
) -> None:
    warning = "no product has a value in the attribute 'colur': check its name."
    gallery = open_gallery(f"/?product_id={product_id(0)}&compare=next&filter={json.dumps({'not': {'colur': 'red'}})}")

    expect(gallery.page.locator("#next-grid").get_by_role("link")).to_have_count(PAGE_SIZE)
    expect(gallery.page.locator("#warnings")).to_have_text(warning)
    expect(gallery.announced).to_contain_text("products are found by both")
    expect(gallery.announced).to_contain_text(warning)


def test_without_an_index_that_is_being_filled_there_is_nothing_to_compare(open_gallery: OpenGallery) -> None:
    gallery = open_gallery(f"/?product_id={product_id(0)}&compare=next")
    gallery.expect_failure(400)
    expect(gallery.page.get_by_role("heading", name="There is nothing to compare with")).to_be_visible()
    gallery.search(lambda: gallery.button("Stop comparing").click())

    expect(gallery.cards).to_have_count(PAGE_SIZE)
    expect(gallery.page.locator("#compare")).to_be_hidden()
