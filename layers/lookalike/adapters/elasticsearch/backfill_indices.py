"""Changes of the indices of pictures by backfills: dual write to a new index, switching the alias, merging segments."""

import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from math import ceil
from typing import Any

from elasticsearch import Elasticsearch
from elasticsearch.exceptions import GeneralAvailabilityWarning

from lookalike.adapters.elasticsearch.client import translate_errors
from lookalike.adapters.elasticsearch.indices import DEFAULT_OPTIONS, ElasticsearchIndices, definition_of
from lookalike.backfill.indices import Indices, SharedPicture
from lookalike.backfill.model import Into
from lookalike.domain import IndexOptions, Model
from lookalike.errors import IndexMissing, Misconfigured, RequestInvalid

MAX_PRECISION = 40_000
"""The largest ``precision_threshold``: up to this many products are counted almost exactly."""

_NAMES_THERE = {"shards": "number_of_shards", "replicas": "number_of_replicas", "type": "type", "oversample": "rescore_vector"}
"""Elasticsearch's name of each of the `IndexOptions`."""

MAX_SEGMENT_BYTES = 5 * 2**30
"""Elasticsearch's ``merge.policy.max_merged_segment``: larger segments would not be merged again."""


class BackfillIndices(ElasticsearchIndices, Indices):
    """Creates and switches indices behind an alias.

    Args:
        model: returns a model by its id, for new indices; the other arguments are those of `ElasticsearchIndices`.
    """

    def __init__(
        self,
        client: Elasticsearch,
        alias: str,
        options: IndexOptions = DEFAULT_OPTIONS,
        clock: Callable[[], float] = time.monotonic,
        *,
        model: Callable[[str], Model],
    ) -> None:
        super().__init__(client, alias, options, clock)
        self._model = model

    def searched(self) -> str:
        self._resolved_at = float("-inf")
        name = self.current().name
        with translate_errors(name):
            self._client.indices.refresh(index=name)
        return name

    def shared_pictures(self, index: str, limit: int) -> Sequence[SharedPicture]:
        with translate_errors(index):
            answer = self._client.search(index=index, **_shared_pictures(limit))
        return [_shared(bucket) for bucket in answer["aggregations"]["hashes"]["buckets"]]

    def begin_dual_write(self, into: Into) -> str:
        self._resolved_at = float("-inf")
        resolved = self._resolve()
        model = self._model(into.model)
        name = into.index or self._free_name(model)
        filled = self.next()
        if filled and filled.name != name:
            raise RequestInvalid(f"the index {filled.name!r} is being filled: switch to it, or cancel its backfill", field="into")
        if not name.startswith(f"{self._alias}-"):
            raise RequestInvalid(f"an index of pictures is called {self._alias}-…, such as {self._free_name(model)!r}", field="into.index")
        if fault := self._licence_fault(self._options_of(into)):
            raise RequestInvalid(fault, field="into.type")
        self._create(name, model, self._next, self._options_of(into))
        there = self.named(name)
        if (there.model_id, there.weights_sha256) != (model.id, model.weights_sha256):
            raise RequestInvalid(f"the index {name!r} was filled by {there.model_id!r}, not by this {model.id!r}", field="into.model")
        self._check_options(name, into)
        if self._alias not in resolved or self._one(self._alias).name != name:
            with translate_errors(name):
                self._client.indices.put_alias(index=name, name=self._next)
        self._resolved_at = float("-inf")
        return name

    def end_dual_write(self, name: str) -> None:
        with translate_errors(name):
            self._client.options(ignore_status=404).indices.delete_alias(index=name, name=self._next)
        self._resolved_at = float("-inf")

    def switch(self, name: str) -> str | None:
        self._resolved_at = float("-inf")
        previous = self._one(self._alias) if self._alias in self._resolve() else None
        if previous and previous.name == name:
            return None
        removed: list[Mapping[str, Any]] = [{"remove": {"index": previous.name, "alias": self._alias}}] if previous else []
        moved = [
            {"add": {"index": name, "alias": self._alias, "is_write_index": True}},
            {"remove": {"index": name, "alias": self._next, "must_exist": False}},
        ]
        with translate_errors(name):
            self._client.indices.refresh(index=name)
            self._client.indices.update_aliases(actions=[*removed, *moved])
        self._resolved_at = float("-inf")
        return previous.name if previous else None

    def begin_merge(self, name: str | None) -> str | None:
        with suppress(IndexMissing):  # nothing was indexed, or the index was deleted meanwhile
            name = name or self.current().name
            with translate_errors(name):
                stats = self._client.indices.stats(index=name, metric=["segments", "store"], level="shards")
                copies = [copy for shard in stats["indices"][name]["shards"].values() for copy in shard]
                few = max((ceil(copy["store"]["size_in_bytes"] / MAX_SEGMENT_BYTES) for copy in copies), default=1)
                if any(copy["segments"]["count"] > few for copy in copies):
                    return str(self._client.indices.forcemerge(index=name, max_num_segments=few, wait_for_completion=False)["task"])
        return None

    def is_merged(self, task: str) -> bool:
        with translate_errors(), warnings.catch_warnings(category=GeneralAvailabilityWarning, action="ignore"):
            found = self._client.options(ignore_status=404).tasks.get(task_id=task)
        fault = found.get("error") or found["response"]["_shards"].get("failures") if found.get("completed", True) else None
        if fault:
            raise Misconfigured(f"Elasticsearch did not merge the segments: {fault}; see its log, and its disk's free space")
        return bool(found["completed"])

    def _free_name(self, model: Model) -> str:
        """The name for a new index of the model, with the next free number, or that of its index which is being filled."""
        filled = self.next()
        if filled and filled.model_id == model.id:
            return filled.name
        prefix = f"{self._alias}-{model.id}-"
        with translate_errors(self._alias):
            names = self._client.indices.get(index=f"{prefix}*", features=["aliases"])
        numbers = [int(name.removeprefix(prefix)) for name in names if name.removeprefix(prefix).isdigit()]
        return f"{prefix}{max(numbers, default=0) + 1}"

    def _options_of(self, into: Into) -> IndexOptions:
        return replace(self._options, **into.options)

    def _check_options(self, name: str, into: Into) -> None:
        """Checks that an existing index has the options that the request asks for."""
        with translate_errors(name):
            there = self._client.indices.get(index=name, features=["mappings", "settings"])[name]
        wanted = definition_of(self._model(into.model), self._options_of(into))
        asked = {**wanted["settings"]["index"], **wanted["mappings"]["properties"]["image_vector"]["index_options"]}
        found = {**there["settings"]["index"], **there["mappings"]["properties"]["image_vector"]["index_options"]}
        for option, name_there in _NAMES_THERE.items():
            if option in into.options and str(found.get(name_there)) != str(asked.get(name_there)):
                raise RequestInvalid(f"the index {name!r} exists with other {option}: name another index", field=f"into.{option}")


def _shared_pictures(size: int) -> dict[str, Any]:
    """Aggregates the most frequent perceptual hashes: the number of products and of different files, and an example."""
    of_each = {
        "products": {"cardinality": {"field": "product_id", "precision_threshold": MAX_PRECISION}},
        "files": {"cardinality": {"field": "content_sha256"}},
        "example": {"top_hits": {"size": 1, "sort": ["image_id"], "_source": ["image_url"]}},
    }
    hashes = {"field": "perceptual_hash", "size": size, "min_doc_count": 2}
    return {"size": 0, "aggs": {"hashes": {"terms": hashes, "aggs": of_each}}}


def _shared(bucket: Mapping[str, Any]) -> SharedPicture:
    [example] = bucket["example"]["hits"]["hits"]
    return SharedPicture(bucket["key"], bucket["products"]["value"], bucket["files"]["value"], example["_source"]["image_url"])
