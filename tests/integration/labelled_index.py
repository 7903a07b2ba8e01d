"""An index of labelled pictures, as a shop's."""

from dataclasses import replace

from elasticsearch import Elasticsearch
from lookalike.adapters.elasticsearch.index import ElasticsearchIndex
from lookalike.adapters.elasticsearch.indices import definition_of
from lookalike.domain import IndexOptions, Model, Vectors

from layers.quality.labelled import Labelled
from tests.integration.samples import indexed


def fill(client: Elasticsearch, name: str, model: Model, pictures: Labelled, vectors: Vectors) -> list[str]:
    """Creates the index, in which each class is a product; returns the ids of the pictures, as they are ordered."""
    client.indices.create(index=name, **definition_of(model, IndexOptions()))
    hashes = ["".join(f"{int(part):016x}" for part in bits) for bits in pictures.bits]
    products = [pictures.classes[label] for label in pictures.labels]
    written = [replace(indexed(a, name=b), perceptual_hash=c) for a, b, c in zip(products, pictures.names, hashes, strict=True)]
    assert not ElasticsearchIndex(client, name).write(list(zip(written, vectors, strict=True)), ())
    client.indices.refresh(index=name)
    return [picture.image_id for picture in written]
