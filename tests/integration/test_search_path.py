"""Labelled pictures through a real index: what a search finds is what is nearest."""

from dataclasses import replace

import numpy as np
import pytest
from elasticsearch import Elasticsearch
from lookalike.adapters.elasticsearch.index import ElasticsearchIndex
from lookalike.domain import IndexedPicture, IndexOptions

from layers.quality import search_path
from layers.quality.evaluate import evaluated
from layers.quality.labelled import Labelled, NothingToLearn, indexed
from layers.quality.measures import nearest
from layers.quality.search_path import through_search


def _pictures(count: int) -> Labelled:
    drawn = np.random.default_rng(4)
    bits = drawn.integers(0, 2**63, (count, 4), dtype=np.uint64)
    bits[1] = bits[0]  # a copy, which is left out
    return Labelled([str(number) for number in range(count)], ["a", "b"], np.arange(count) % 2, bits)


def test_the_search_path_finds_the_nearest_pictures_without_near_duplicates(elasticsearch: Elasticsearch) -> None:
    pictures, vectors = _pictures(60), np.random.default_rng(5).normal(size=(60, 64)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    before = set(elasticsearch.indices.get(index="evaluation-*"))

    found = through_search(elasticsearch, vectors, pictures)
    facts = evaluated("made up", vectors, pictures, elasticsearch).facts

    exact = nearest(vectors, pictures.bits)
    assert 1 not in found[0]
    assert np.mean([len(set(a) & set(b)) / 10 for a, b in zip(exact.tolist(), found.tolist(), strict=True)]) > 0.99
    assert facts["through_search"]["share of the exact first 10"] > 0.99
    assert set(elasticsearch.indices.get(index="evaluation-*")) == before


def test_an_index_is_read_with_its_vectors_by_an_attribute_or_by_product(elasticsearch: Elasticsearch) -> None:
    pictures, vectors = _pictures(6), np.eye(64, dtype=np.float32)[:6]
    with search_path.filled(elasticsearch, vectors, pictures, IndexOptions()) as index:
        known = list(index.pictures([_image_id(index, number) for number in range(4)]).values())
        index.write([(replace(each, attributes={"category": "hat"}), vectors[int(each.product_id)]) for each in known], ())
        elasticsearch.indices.refresh(index=index.name)

        by_category, read = indexed(elasticsearch, index.name, "category")
        by_product, _ = indexed(elasticsearch, index.name, "product_id")

        assert (by_category.classes, len(by_category), len(by_product)) == (["hat"], 4, 6)
        assert np.allclose(read[by_category.names.index(f"2 {_image_id(index, 2)}")], vectors[2])
        assert sorted(map(tuple, by_product.bits.tolist())) == sorted(map(tuple, pictures.bits.tolist()))
        with pytest.raises(NothingToLearn, match="has the attribute 'brand'"):
            indexed(elasticsearch, index.name, "brand")


def _image_id(index: ElasticsearchIndex, number: int) -> str:
    [picture] = index.pictures_of(str(number), 1)
    assert isinstance(picture, IndexedPicture)
    return picture.image_id
