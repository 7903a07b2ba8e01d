"""Every type of index that the basic licence covers, on the real server: created as asked, searched, rescored with the full vectors."""

from typing import Any, get_args

import pytest
from elasticsearch import Elasticsearch
from lookalike.adapters.elasticsearch.index import ElasticsearchIndex
from lookalike.adapters.elasticsearch.indices import ElasticsearchIndices, definition_of
from lookalike.domain import IndexOptions, IndexType
from lookalike.errors import Misconfigured
from lookalike.search.ports import Selection

from tests.fakes import MODEL
from tests.integration.samples import indexed, vector

COUNT = 400
QUERIES = range(0, COUNT, 10)
LICENSED: IndexType = "bbq_disk"
TYPES = [each for each in get_args(IndexType) if each != LICENSED]
QUANTIZED = [each for each in TYPES if each.startswith(("int", "bbq"))]


def _fill(elasticsearch: Elasticsearch, name: str) -> ElasticsearchIndex:
    index = ElasticsearchIndex(elasticsearch, name)
    assert index.write([(indexed(f"p-{number}"), vector(number)) for number in range(COUNT)], []) == {}
    elasticsearch.indices.refresh(index=name)
    elasticsearch.indices.forcemerge(index=name, max_num_segments=1)
    return index


def _scores_with_themselves(index: ElasticsearchIndex) -> list[float]:
    """The score of each query picture with itself, which is the best hit; 0 where another picture is."""
    best = {number: index.nearest(vector(number), Selection(), k=20, size=10).hits[0] for number in QUERIES}
    return [hit.score if hit.product_id == f"p-{number}" else 0.0 for number, hit in best.items()]


@pytest.mark.parametrize("index_type", TYPES)
def test_an_index_of_each_type_is_created_as_asked_and_a_pictures_score_with_itself_is_one(
    elasticsearch: Elasticsearch, name: str, index_type: IndexType
) -> None:
    options = IndexOptions(shards=2, replicas=0, type=index_type)
    [info] = ElasticsearchIndices(elasticsearch, name, options).written(MODEL)
    index = _fill(elasticsearch, info.name)

    assert _scores_with_themselves(index) == pytest.approx([1.0] * len(QUERIES), abs=1e-4)
    stored = elasticsearch.indices.get(index=info.name)[info.name]
    settings, vectors = stored["settings"]["index"], stored["mappings"]["properties"]["image_vector"]["index_options"]
    assert (settings["number_of_shards"], settings["number_of_replicas"], vectors["type"]) == ("2", "0", index_type)
    assert vectors.get("rescore_vector") == ({"oversample": 3.0} if index_type in QUANTIZED else None)


@pytest.mark.parametrize("index_type", QUANTIZED)
def test_it_is_the_rescoring_of_the_index_that_gives_a_quantized_picture_its_score(
    elasticsearch: Elasticsearch, name: str, index_type: IndexType
) -> None:
    body: dict[str, Any] = definition_of(MODEL, IndexOptions(type=index_type))
    body["mappings"]["properties"]["image_vector"]["index_options"]["rescore_vector"] = {"oversample": 0}  # which switches it off
    elasticsearch.indices.create(index=name, **body)

    assert min(_scores_with_themselves(_fill(elasticsearch, name))) < 0.99


def test_a_write_that_the_licence_does_not_cover_says_so(elasticsearch: Elasticsearch, name: str) -> None:
    elasticsearch.indices.create(index=name, **definition_of(MODEL, IndexOptions(type=LICENSED)))

    [refusal] = ElasticsearchIndex(elasticsearch, name).write([(indexed("hat"), vector(0))], []).values()

    assert isinstance(refusal, Misconfigured)
    assert "licence does not cover" in str(refusal)
