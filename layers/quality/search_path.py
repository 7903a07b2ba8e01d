"""Searches labelled pictures the way a shop's are: in an index, by `lookalike.search.ranking`."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, NamedTuple
from uuid import uuid4

import numpy as np
from elasticsearch import Elasticsearch
from lookalike.adapters.elasticsearch.index import ElasticsearchIndex
from lookalike.adapters.elasticsearch.indices import definition_of
from lookalike.domain import IndexedPicture, IndexOptions, IndexType, Model, Vector, Vectors
from lookalike.errors import Misconfigured
from lookalike.search import ranking
from lookalike.search.ports import Per, key
from lookalike.search.query_vectors import QueryVectors
from lookalike.search.ranking import SearchOptions
from more_itertools import batched

from layers.quality.labelled import Key, Labelled
from layers.quality.leave_one_out import Found, Trial, are_near_duplicates
from layers.quality.measures import DEPTH
from layers.quality.progress import shown

ASKED = 20
"""Hits of a search, so that enough are left without near duplicates; for ten, kNN is asked for as many pictures."""

MOST_LOOKED_AT = 400
"""Hits of a query, on several pages, after which it is left with fewer than ten."""

SEARCHES_AT_ONCE = 4
SEARCHES_BETWEEN_STOPS = 32
"""Searches that are waited for when the command is stopped."""

PATIENCE_S = 3600

OWN = "evaluation-"
"""How the names of indices begin that are written here."""

FILLED = "-filled"
"""Behind an index's name, an alias that goes with it: what the server copies after a stop fails, and does not make the index anew."""


@dataclass(frozen=True, slots=True)
class SearchPath:
    """An index that is searched for the pictures of a trial.

    Args:
        keys: the ids of each picture in the index.
        per: ``product`` where a hit is a product, ``image`` where it is a picture.
    """

    index: ElasticsearchIndex
    trial: Trial
    keys: Sequence[Key]
    per: Per

    def found(self, vectors: Vectors, what: str, *, exact: bool = False) -> Found:
        """What a search finds by the vector of each query, near duplicates, its own product (or picture) and unlabelled pictures left out.

        Args:
            vectors: one of each query.
            what: is told beside the progress.
            exact: every vector of the index is compared, as it is.
        """
        place_of = {each.image_id: place for place, each in enumerate(self.keys)}
        search = partial(self._found, place_of, SearchOptions(size=ASKED, per=self.per, exact=exact))
        pairs = list(zip(self.trial.queries.tolist(), vectors, strict=True))
        found = list[list[int]]()
        with ThreadPoolExecutor(SEARCHES_AT_ONCE) as threads:
            parts = list(batched(pairs, SEARCHES_BETWEEN_STOPS))
            for part in shown(parts, what):
                found += threads.map(lambda pair: search(*pair), part)
        return np.array(found, np.int64)

    def _found(self, place_of: Mapping[str, int], options: SearchOptions, place: int, vector: Vector) -> list[int]:
        own, bits = self.keys[place], self.trial.pictures.bits
        query = QueryVectors((vector,), without=frozenset({own.product_id}) if self.per == "product" else frozenset())
        options = replace(options, seen=frozenset() if self.per == "product" else frozenset({own.image_id}))
        others = list[int]()
        while True:
            page = ranking.page(query, options, self.index)
            places = np.array([place_of[hit.image_id] for hit in page.hits if hit.image_id in place_of], np.int64)
            others += places[~are_near_duplicates(bits[place], bits[places])].tolist()
            options = replace(options, seen=options.seen | {key(hit, self.per) for hit in page.hits})
            if len(others) >= DEPTH or not page.has_more or len(options.seen) >= MOST_LOOKED_AT:
                return [*others[:DEPTH], *[-1] * (DEPTH - len(others))]


class Held(NamedTuple):
    """How an index holds its vectors."""

    type: IndexType
    oversample: float | None
    """As `IndexOptions.oversample`; None where vectors are not quantised."""


def held(client: Elasticsearch, index: str) -> Held:
    """How an index, or all behind an alias, hold their vectors. Raises `Misconfigured` if they differ."""
    found = client.indices.get_mapping(index=index)
    fields = [each["mappings"]["properties"]["image_vector"]["index_options"] for each in found.values()]
    every = {Held(each["type"], each.get("rescore_vector", {}).get("oversample")) for each in fields}
    if len(every) != 1:
        raise Misconfigured(f"the indices behind {index!r} hold their vectors differently: give the name of one")
    return every.pop()


@contextmanager
def filled(client: Elasticsearch, vectors: Vectors, pictures: Labelled, options: IndexOptions) -> Iterator[ElasticsearchIndex]:
    """An index that holds the pictures, each as a product that is called by its place; deleted afterwards.

    It has one segment: of several each gives candidates of its own, so that more vectors would be compared in whole.
    """
    model = Model("evaluation", "", vectors.shape[1], (1, 1), "bilinear", "")
    with _own(client, definition_of(model, options)) as index:
        parts = list(batched(range(len(pictures)), 500))
        for places in shown(parts, f"writing into an index, {options.type}"):
            for error in index.write([(_picture(pictures, place), vectors[place]) for place in places], ()).values():
                raise error
        patient = client.options(request_timeout=PATIENCE_S, max_retries=0)
        patient.indices.forcemerge(index=index.name, max_num_segments=1)
        client.indices.refresh(index=index.name)
        yield index


@contextmanager
def copied(client: Elasticsearch, index: str, type_: IndexType, placeholders: frozenset[str] = frozenset()) -> Iterator[ElasticsearchIndex]:
    """A copy of an index that holds the vectors in another way, made by Elasticsearch itself; deleted afterwards.

    Oversampling and mapping are the index's own. ``placeholders`` is as for `ElasticsearchIndex`.

    Raises:
        Misconfigured: there are several indices behind the name.
    """
    found = list(client.indices.get(index=index, features=["mappings", "settings"]).values())
    if len(found) > 1:
        raise Misconfigured(f"{len(found)} indices are behind {index!r}: give the name of the one that is to be copied")
    mappings, settings = found[0]["mappings"], found[0]["settings"]["index"]
    vector = mappings["properties"]["image_vector"]
    vector["index_options"] = {name: value for name, value in vector["index_options"].items() if name == "rescore_vector"} | {"type": type_}
    kept = {name: settings[name] for name in ("number_of_shards", "mapping") if name in settings} | {"number_of_replicas": 0}
    with _own(client, {"mappings": mappings, "settings": {"index": kept}}, placeholders) as copy:
        patient = client.options(request_timeout=PATIENCE_S, max_retries=0)
        filled = f"{copy.name}{FILLED}"
        client.indices.put_alias(index=copy.name, name=filled)
        patient.reindex(source={"index": index}, dest={"index": filled}, require_alias=True)
        patient.indices.forcemerge(index=copy.name, max_num_segments=1)
        client.indices.refresh(index=copy.name)
        yield copy


@contextmanager
def _own(client: Elasticsearch, definition: dict[str, Any], placeholders: frozenset[str] = frozenset()) -> Iterator[ElasticsearchIndex]:
    name = f"{OWN}{uuid4().hex}"
    client.indices.create(index=name, **definition)
    try:
        yield ElasticsearchIndex(client, name, placeholders)
    finally:
        client.indices.delete(index=name)


def keys_of(pictures: Labelled) -> list[Key]:
    """The ids that pictures have in an index that was `filled`."""
    return [Key(str(place), _picture(pictures, place).image_id) for place in range(len(pictures))]


def _picture(pictures: Labelled, place: int) -> IndexedPicture:
    return IndexedPicture(
        product_id=str(place),
        image_url=f"place:{place}",
        attributes={},
        content_sha256=str(place),
        perceptual_hash="".join(f"{int(part):016x}" for part in pictures.bits[place]),
        width=1,
        height=1,
        origin="products",
        etag=None,
        indexed_at=datetime.now(UTC),
    )
