"""Pictures that stand for none: found by how many products share them, and left out of searches."""

from dataclasses import replace

import pytest
from elasticsearch import Elasticsearch
from lookalike.adapters.elasticsearch.backfill_indices import BackfillIndices
from lookalike.adapters.elasticsearch.index import ElasticsearchIndex
from lookalike.domain import IndexedPicture
from lookalike.search.ports import Selection

from tests.fakes import MODEL
from tests.integration.samples import indexed, pictures_definition, vector

PLACEHOLDER, OTHER = "a" * 64, "b" * 64
WITHOUT = [f"without-{number}" for number in range(12)]
BESIDES = [f"besides-{number}" for number in range(3)]
SHOWN = [f"shown-{number}" for number in range(20)]


@pytest.fixture
def written(elasticsearch: Elasticsearch, name: str) -> str:
    """An index of products that have only the placeholder, a picture besides it, or only pictures of their own."""
    pictures = [
        *(_picture(product, PLACEHOLDER, f"placeholder {number % 2}", name="none") for number, product in enumerate(WITHOUT + BESIDES)),
        *(_picture(product, f"{number:064x}", product) for number, product in enumerate(BESIDES + SHOWN)),
        *(_picture("twins", OTHER, f"twin {number}", name=f"{number}") for number in range(15)),
    ]
    elasticsearch.indices.create(index=name, **pictures_definition())
    ElasticsearchIndex(elasticsearch, name).write([(picture, vector(seed)) for seed, picture in enumerate(pictures)], [])
    elasticsearch.indices.refresh(index=name)
    return name


def _picture(product_id: str, perceptual_hash: str, content: str, *, name: str = "front") -> IndexedPicture:
    return replace(indexed(product_id, name=name, content=content), perceptual_hash=perceptual_hash)


@pytest.mark.parametrize("per", ["product", "image"])
def test_no_search_finds_a_placeholder(elasticsearch: Elasticsearch, written: str, per: str) -> None:
    index = ElasticsearchIndex(elasticsearch, written, frozenset({PLACEHOLDER}))
    selection = Selection(per=per)  # type: ignore[arg-type]

    for hits in (index.nearest(vector(0), selection, k=100, size=100).hits, index.exact(vector(0), selection, size=100)):
        assert {hit.product_id for hit in hits} == {*BESIDES, *SHOWN, "twins"}
        assert PLACEHOLDER not in {hit.perceptual_hash for hit in hits}


def test_no_product_is_searched_by_a_placeholder(elasticsearch: Elasticsearch, written: str) -> None:
    index = ElasticsearchIndex(elasticsearch, written, frozenset({PLACEHOLDER}))

    assert index.stored_of(WITHOUT[0], 5) == []
    assert [picture.perceptual_hash for picture in index.stored_of(BESIDES[0], 5)] == [f"{0:064x}"]
    assert len(index.pictures_of(BESIDES[0], 5)) == 2


def test_unless_it_is_named_it_is_a_picture_like_any_other(elasticsearch: Elasticsearch, written: str) -> None:
    index = ElasticsearchIndex(elasticsearch, written)

    assert len(index.nearest(vector(0), Selection(), k=100, size=100).hits) == len(WITHOUT + BESIDES + SHOWN) + 1
    assert len(index.stored_of(WITHOUT[0], 5)) == 1


def test_it_is_counted_by_products_and_files(elasticsearch: Elasticsearch, written: str) -> None:
    shared = BackfillIndices(elasticsearch, written, model=lambda _: MODEL).shared_pictures(written, 20)

    counted = {each.perceptual_hash: (each.products, each.files) for each in shared}
    assert counted == {PLACEHOLDER: (15, 2), OTHER: (1, 15)}
    [placeholder] = [each for each in shared if each.perceptual_hash == PLACEHOLDER]
    assert placeholder.image_url.endswith("/none.jpg")
