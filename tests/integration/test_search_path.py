"""Labelled pictures through a real index: what a search finds is what is nearest."""

from dataclasses import replace

import numpy as np
import pytest
from elasticsearch import Elasticsearch
from lookalike.adapters.elasticsearch.index import ElasticsearchIndex
from lookalike.domain import IndexedPicture, IndexOptions, Vectors

from layers.quality import search_path
from layers.quality.labelled import Key, Labelled, NothingToLearn, catalogued, indexed, vectors_of
from layers.quality.leave_one_out import trial
from layers.quality.measures import nearest
from layers.quality.search_path import SearchPath, keys_of


def _pictures(count: int, copies: int = 2) -> Labelled:
    drawn = np.random.default_rng(4)
    bits = drawn.integers(0, 2**63, (count, 4), dtype=np.uint64)
    bits[1:copies] = bits[0]
    return Labelled([str(number) for number in range(count)], ["a", "b"], np.arange(count) % 2, bits)


def _vectors(count: int) -> Vectors:
    vectors = np.random.default_rng(5).normal(size=(count, 64)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


def test_the_search_path_finds_the_nearest_pictures_without_near_duplicates(elasticsearch: Elasticsearch) -> None:
    pictures, vectors = _pictures(60), _vectors(60)
    before = set(elasticsearch.indices.get(index="evaluation-*"))

    with search_path.filled(elasticsearch, vectors, pictures, IndexOptions()) as index:
        path = SearchPath(index, trial(pictures), keys_of(pictures), "product")
        found, exact = path.found(vectors, "searched"), path.found(vectors, "compared", exact=True)

    assert exact.tolist() == nearest(vectors, pictures.bits).tolist()
    assert 1 not in found[0]
    assert np.mean([len(set(a) & set(b)) / 10 for a, b in zip(exact.tolist(), found.tolist(), strict=True)]) > 0.99
    assert set(elasticsearch.indices.get(index="evaluation-*")) == before


def test_a_picture_of_which_there_are_many_copies_still_has_ten_hits(elasticsearch: Elasticsearch) -> None:
    pictures, vectors = _pictures(120, copies=50), _vectors(120)
    vectors[1:50] = vectors[0]

    with search_path.filled(elasticsearch, vectors, pictures, IndexOptions()) as index:
        asked = trial(pictures)
        found = SearchPath(index, asked, keys_of(pictures), "product").found(vectors[asked.queries], "searched")

    assert found[0].min() >= 50


def test_of_a_shops_index_products_are_hits_once_their_own_pictures_never_and_unlabelled_pictures_are_passed_over(
    elasticsearch: Elasticsearch,
) -> None:
    """Twelve products with two pictures each, side by side on a circle; the third product has no category."""
    angles = np.radians(np.repeat(np.arange(12) * 10.0, 2) + np.tile([0, 1], 12))
    vectors = np.zeros((24, 64), np.float32)
    vectors[:, 0], vectors[:, 1] = np.cos(angles), np.sin(angles)
    pictures = _pictures(24, copies=1)
    with search_path.filled(elasticsearch, vectors, pictures, IndexOptions()) as index:
        _rewrite_as_products(index, vectors)
        elasticsearch.indices.refresh(index=index.name)
        labelled, keys = catalogued(elasticsearch, index.name, "category")
        products = np.unique([key.product_id for key in keys], return_inverse=True)[1]
        asked = trial(labelled, products)

        by_category = SearchPath(index, asked, keys, "product").found(_of(elasticsearch, index, keys), "by category")
        own, every = catalogued(elasticsearch, index.name, "product_id")
        by_product = SearchPath(index, trial(own), every, "image").found(_of(elasticsearch, index, every), "by product")

    first = keys.index(next(key for key in keys if key.product_id == "p00"))
    assert [keys[place].product_id for place in by_category[first] if place >= 0] == ["p01", *(f"p{n:02d}" for n in range(3, 12))]
    assert {every[place].product_id for place in by_product[:, 0]} == {f"p{n:02d}" for n in range(12)}
    assert [every[row[0]].product_id for row in by_product] == [key.product_id for key in every]
    assert all(row[0] != place for place, row in enumerate(by_product))


def _rewrite_as_products(index: ElasticsearchIndex, vectors: Vectors) -> None:
    known = [picture for place in range(24) for picture in index.pictures_of(str(place), 1)]
    written = [
        replace(each, product_id=f"p{place // 2:02d}", attributes={} if place // 2 == 2 else {"category": "hat"})
        for place, each in enumerate(known)
    ]
    index.write(list(zip(written, vectors, strict=True)), [each.image_id for each in known])


def _of(client: Elasticsearch, index: ElasticsearchIndex, keys: list[Key]) -> Vectors:
    return vectors_of(client, index.name, [key.image_id for key in keys])


def test_an_index_is_read_with_its_vectors_by_an_attribute_or_by_product(elasticsearch: Elasticsearch) -> None:
    pictures, vectors = _pictures(6), np.eye(64, dtype=np.float32)[:6]
    with search_path.filled(elasticsearch, vectors, pictures, IndexOptions()) as index:
        known = list(index.pictures([_image_id(index, number) for number in range(4)]).values())
        index.write([(replace(each, attributes={"category": "hat"}), vectors[int(each.product_id)]) for each in known], ())
        elasticsearch.indices.refresh(index=index.name)

        by_category, read = indexed(elasticsearch, index.name, "category")
        by_product, _ = indexed(elasticsearch, index.name, "product_id")
        shown, _ = catalogued(elasticsearch, index.name, "product_id", without=frozenset({known[3].perceptual_hash}))

        assert (by_category.classes, len(by_category), len(by_product), len(shown)) == (["hat"], 4, 6, 5)
        assert np.allclose(read[by_category.names.index(f"2 {_image_id(index, 2)}")], vectors[2])
        assert np.allclose(vectors_of(elasticsearch, index.name, [_image_id(index, n) for n in (3, 0, 3)]), vectors[[3, 0, 3]])
        assert sorted(map(tuple, by_product.bits.tolist())) == sorted(map(tuple, pictures.bits.tolist()))
        with pytest.raises(NothingToLearn, match="has the attribute 'brand'"):
            indexed(elasticsearch, index.name, "brand")
        with pytest.raises(NothingToLearn, match="1 pictures left the index"):
            vectors_of(elasticsearch, index.name, ["gone"])


def _image_id(index: ElasticsearchIndex, number: int) -> str:
    [picture] = index.pictures_of(str(number), 1)
    assert isinstance(picture, IndexedPicture)
    return picture.image_id
